//! Which URLs are fetched for whoever does not sit at this machine: public ones. Else a client could have the front look
//! into the network that it stands in.

use crate::public::is_public;
use shared::failure::{Failure, FailureKind};
use std::net::IpAddr;
use url::{Host, Url};

/// Refuses what is not public.
///
/// # Errors
/// `denied`, with what would be right; `malformed` for no URL; `not_found` for a host that has no address.
pub(super) async fn check(address: &str) -> Result<(), Failure> {
    let denied = |message: String| Failure::new(FailureKind::Denied, message);
    let url = Url::parse(address).map_err(|error| {
        Failure::new(FailureKind::Malformed, format!("{address:?} is not a URL: {error}"))
    })?;
    if url.scheme() != "https" {
        return Err(denied(format!("{}:// is not fetched for clients: say https://", url.scheme())));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(denied("a URL with a password in it is not fetched".to_owned()));
    }
    let addresses: Vec<IpAddr> = match url.host() {
        Some(Host::Ipv4(address)) => vec![address.into()],
        Some(Host::Ipv6(address)) => vec![address.into()],
        Some(Host::Domain(name)) => {
            let found = tokio::net::lookup_host((name, url.port().unwrap_or(443))).await;
            let found = found.map_err(|error| {
                Failure::new(FailureKind::NotFound, format!("{name} has no address: {error}"))
            })?;
            found.map(|address| address.ip()).collect()
        }
        None => Vec::new(),
    };
    if addresses.is_empty() || !addresses.iter().all(|address| is_public(*address)) {
        return Err(denied(format!("{address:?} lies in a private network, which is not fetched from")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn private_places_are_refused() {
        for (url, said) in [
            ("http://example.org/a.krn", "say https://"),
            ("file:///etc/passwd", "say https://"),
            ("s3://bucket/a.krn", "say https://"),
            ("https://user:pass@93.184.216.34/a.krn", "password"),
            ("https://127.0.0.1/a.krn", "private network"),
            ("https://2130706433/a.krn", "private network"),
            ("https://10.1.2.3/a.krn", "private network"),
            ("https://169.254.169.254/latest/meta-data", "private network"),
            ("https://100.100.0.1/", "private network"),
            ("https://[::1]/a.krn", "private network"),
            ("https://[::ffff:10.0.0.1]/a.krn", "private network"),
            ("https://[fd00::1]/a.krn", "private network"),
            ("https://[2002:7f00:1::]/a.krn", "private network"),
            ("https://localhost/a.krn", "private network"),
            ("not a url", "is not a URL"),
        ] {
            let failure = check(url).await.unwrap_err();
            assert!(failure.message.contains(said), "{url}: {failure}");
        }
        assert!(check("https://93.184.216.34/a.krn").await.is_ok());
        assert!(check("https://[2606:2800:220:1:248:1893:25c8:1946]/a.krn").await.is_ok());
    }
}
