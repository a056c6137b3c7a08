//! Whom a connection by TLS trusts, and who it says it is: by the parameters that RabbitMQ's own clients take in an address,
//! `amqps://…?cacertfile=FILE&certfile=FILE&keyfile=FILE`.

use crate::failure::{Failure, FailureKind};
use lapin::tcp::{OwnedIdentity, OwnedTLSConfig};
use std::borrow::Cow;
use std::fs;
use std::path::{Path, PathBuf};
use url::Url;

/// Files of PEM. They are read for each connection, so that what was replaced counts from the next one.
#[derive(Clone, Debug, Default)]
pub(super) struct Tls {
    /// Authorities that may vouch for the broker, besides those that browsers trust.
    authorities: Option<PathBuf>,
    /// Certificate and key (PKCS #8) by which the broker knows us.
    identity: Option<(PathBuf, PathBuf)>,
}

impl Tls {
    /// What an address says of it.
    ///
    /// # Errors
    /// `malformed` for a certificate without key or the reverse, for either without TLS, for `verify` other than `verify_peer`, and
    /// for a file that cannot be read.
    pub(super) fn of(uri: &str) -> Result<Self, Failure> {
        let Ok(url) = Url::parse(uri) else { return Ok(Tls::default()) };
        let given = |name: &str| {
            let found = url.query_pairs().find(|(key, _)| key == name);
            found.map(|(_, value)| value).filter(|value| !value.is_empty())
        };
        let path = |value: Cow<'_, str>| PathBuf::from(value.into_owned());
        let files = ["cacertfile", "certfile", "keyfile"].map(|name| given(name).map(path));
        if let Some(verify) = given("verify").filter(|verify| verify != "verify_peer") {
            return Err(wrong(format!("verify={verify}: the broker's certificate is always looked at")));
        }
        if url.scheme() != "amqps" && files.iter().any(Option::is_some) {
            return Err(wrong("certificates are for amqps:// only".to_owned()));
        }
        let [authorities, certificate, key] = files;
        let identity = match (certificate, key) {
            (None, None) => None,
            (Some(certificate), Some(key)) => Some((certificate, key)),
            _ => return Err(wrong("certfile and keyfile belong together".to_owned())),
        };
        let tls = Tls { authorities, identity };
        tls.read().map(|_| tls)
    }

    /// What the files hold now.
    ///
    /// # Errors
    /// `malformed` for a file that cannot be read.
    pub(super) fn read(&self) -> Result<OwnedTLSConfig, Failure> {
        let text = |path: &Path| {
            fs::read_to_string(path).map_err(|error| wrong(format!("{}: {error}", path.display())))
        };
        let identity = |(certificate, key): &(PathBuf, PathBuf)| {
            Ok(OwnedIdentity::PKCS8 { pem: text(certificate)?.into(), key: text(key)?.into() })
        };
        Ok(OwnedTLSConfig {
            identity: self.identity.as_ref().map(identity).transpose()?,
            cert_chain: self.authorities.as_deref().map(text).transpose()?,
        })
    }
}

fn wrong(what: String) -> Failure {
    Failure::new(FailureKind::Malformed, format!("the broker's address: {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_together_is_told() {
        let here = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
        let wrong = [
            (format!("amqps://host?certfile={here}"), "belong together"),
            (format!("amqps://host?keyfile={here}"), "belong together"),
            (format!("amqp://host?cacertfile={here}"), "amqps:// only"),
            ("amqps://host?verify=verify_none".to_owned(), "always looked at"),
            ("amqps://host?cacertfile=/no/such/file".to_owned(), "/no/such/file: "),
        ];
        for (uri, why) in wrong {
            let failure = Tls::of(&uri).unwrap_err();
            assert!(
                failure.kind == FailureKind::Malformed && failure.message.contains(why),
                "{uri}: {failure}"
            );
        }
        let tls = Tls::of(&format!("amqps://host?cacertfile={here}&certfile={here}&keyfile={here}")).unwrap();
        let read = tls.read().unwrap();
        assert!(read.cert_chain.is_some_and(|text| text.contains("[package]")) && read.identity.is_some());
        for plain in ["amqp://guest:guest@host/vhost?heartbeat=5", "amqps://host?verify=verify_peer"] {
            let read = Tls::of(plain).unwrap().read().unwrap();
            assert!(read.cert_chain.is_none() && read.identity.is_none(), "{plain}");
        }
    }
}
