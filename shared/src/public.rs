//! Which addresses anybody may reach: what a client names is fetched and called there only, else it could have the front
//! look into the network that it stands in. And a client that goes nowhere else.

use object_store::client::{ClientOptions, HttpClient, HttpConnector};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect::Policy;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use url::{Host, Url};

/// Redirects that are followed.
const REDIRECTS_MAX: usize = 5;
/// How long to wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long the other side may say nothing.
const READ_TIMEOUT: Duration = Duration::from_secs(30);

/// Whether an address is of the public network, in whatever dress.
#[must_use]
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => match address.to_ipv4() {
            // Mapped and compatible addresses lead to the same machine.
            Some(address) => is_public_v4(address),
            // Global unicast, without the ranges that carry an IPv4 address or are for documents.
            None => match address.segments() {
                [0x64, 0xff9b, ..] | [0x2001, 0..=0x1ff, ..] | [0x2001, 0xdb8, ..] | [0x2002, ..] => false,
                [first, ..] => (0x2000..0x4000).contains(&first),
            },
        },
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = matches!(
        (a, b, c),
        (0 | 10 | 127 | 224.., ..)
            | (169, 254, _)
            | (172, 16..=31, _)
            | (192, 168, _)
            | (192, 0, 0 | 2)
            | (100, 64..=127, _)
            | (198, 18 | 19, _)
            | (198, 51, 100)
            | (203, 0, 113)
    );
    !special
}

/// Makes clients that go to public addresses only: each name is looked at where it is looked up for the connection itself, each
/// redirect before it is followed. So no name server can answer otherwise the second time.
#[derive(Debug)]
pub struct PublicOnly;

impl HttpConnector for PublicOnly {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        let redirects = Policy::custom(|attempt| {
            if attempt.previous().len() > REDIRECTS_MAX {
                return attempt.error("it is redirected too often");
            }
            if may_be_public(attempt.url()) { attempt.follow() } else { attempt.error(Private) }
        });
        let client = reqwest::Client::builder()
            .dns_resolver(Arc::new(PublicNames))
            .redirect(redirects)
            .no_proxy()
            .https_only(true)
            .connect_timeout(CONNECT_TIMEOUT)
            .read_timeout(READ_TIMEOUT)
            .build();
        let failed = |error| object_store::Error::Generic { store: "HTTP", source: Box::new(error) };
        client.map(HttpClient::new).map_err(failed)
    }
}

/// Whether a URL can lead to a public address: names are looked at when they are looked up.
fn may_be_public(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => is_public(address.into()),
        Some(Host::Ipv6(address)) => is_public(address.into()),
        Some(Host::Domain(_)) => true,
        None => false,
    }
}

/// An address that is not public.
#[derive(Debug)]
struct Private;

impl fmt::Display for Private {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("it leads into a private network, which is not fetched from")
    }
}

impl std::error::Error for Private {}

#[derive(Debug)]
struct PublicNames;

impl Resolve for PublicNames {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            if found.is_empty() || !found.iter().all(|address| is_public(address.ip())) {
                return Err(Box::new(Private) as Box<dyn std::error::Error + Send + Sync>);
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_name_that_leads_inside_is_not_connected_to() {
        let name = "localhost".parse().unwrap();
        assert!(PublicNames.resolve(name).await.err().unwrap().is::<Private>());
        for (url, may) in [
            ("https://localhost/x", true),
            ("https://127.0.0.1/x", false),
            ("https://[::1]/x", false),
            ("https://93.184.216.34/x", true),
        ] {
            assert_eq!(may_be_public(&url.parse().unwrap()), may, "{url}");
        }
    }
}
