//! Which addresses may be called: public ones, unless the operator says otherwise. Else a client could have the front
//! knock at doors that it cannot reach itself.

use shared::failure::{Failure, FailureKind};
use shared::public::is_public;
use std::net::{IpAddr, SocketAddr};
use url::Url;

fn denied(message: String) -> Failure {
    Failure::new(FailureKind::Malformed, message)
}

/// The URL, if it may be called as far as can be seen from it.
pub(super) fn check(url: &str, private: bool) -> Result<Url, Failure> {
    let url: Url = url.parse().map_err(|error| denied(format!("callback: {url:?} is no URL: {error}")))?;
    let right = url.scheme() == "https" || (private && url.scheme() == "http");
    if !right || url.host_str().is_none() {
        return Err(denied(format!("callback: {}:// is not called: say https://", url.scheme())));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(denied("callback: a URL with a password in it is not called".to_owned()));
    }
    let literal = match url.host() {
        Some(url::Host::Ipv4(address)) => Some(IpAddr::V4(address)),
        Some(url::Host::Ipv6(address)) => Some(IpAddr::V6(address)),
        _ => None,
    };
    if literal.is_some_and(|address| !private && !is_public(address)) {
        return Err(private_network(&url));
    }
    Ok(url)
}

/// The addresses of its host, all of which may be called.
pub(super) async fn resolved(url: &Url, private: bool) -> Result<Vec<SocketAddr>, Failure> {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let port = url.port_or_known_default().unwrap_or(443);
    let away = |error| Failure::new(FailureKind::Unavailable, format!("{host} has no address: {error}"));
    let found: Vec<SocketAddr> = tokio::net::lookup_host((host, port)).await.map_err(away)?.collect();
    match private || found.iter().all(|address| is_public(address.ip())) {
        true => Ok(found),
        false => Err(private_network(url)),
    }
}

fn private_network(url: &Url) -> Failure {
    let host = url.host_str().unwrap_or_default();
    denied(format!(
        "callback: {host} lies in a private network, which is not called (RIPIENO_CALLBACK_PRIVATE)"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_addresses_are_refused_in_whatever_dress() {
        for private in [
            "https://127.0.0.1/x",
            "https://10.1.2.3",
            "https://172.20.0.1",
            "https://192.168.1.1",
            "https://169.254.169.254/latest",
            "https://0.0.0.0",
            "https://[::1]",
            "https://[::ffff:10.0.0.1]",
            "https://[fe80::1]",
            "https://[fd00::1]",
            "https://2130706433",
            "https://0x7f.1",
            "https://[64:ff9b::a00:1]",
            "https://[2002:a00:1::]",
            "https://100.64.0.1",
            "https://224.0.0.1",
        ] {
            assert!(check(private, false).is_err(), "{private}");
            assert!(check(private, true).is_ok(), "{private}");
        }
        for public in
            ["https://93.184.216.34/hook", "https://[2606:2800:220:1::1]", "https://hooks.example/x"]
        {
            assert!(check(public, false).is_ok(), "{public}");
        }
        for wrong in ["http://93.184.216.34", "ftp://x.example", "no url", "https://a:b@x.example"] {
            assert!(check(wrong, false).is_err(), "{wrong}");
        }
    }

    #[tokio::test]
    async fn a_name_is_held_to_where_it_leads() {
        let url = check("https://localhost/x", false).unwrap();
        assert!(resolved(&url, false).await.unwrap_err().message.contains("private network"));
        assert!(!resolved(&url, true).await.unwrap().is_empty());
    }
}
