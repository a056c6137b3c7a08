//! Who may come in and what they may do. Off unless `RIPIENO_AUTH` is set: whoever reaches the server may then do everything,
//! for it is reached from this machine only.

pub mod keys;
pub mod table;

use axum::http::{HeaderMap, Uri, header};
use keys::Keys;
use shared::config;
use shared::failure::{Failure, FailureKind};
use shared::ledger::Ledger;
use shared::principal::Principal;
use url::form_urlencoded;

/// The ways in which callers show who they are.
#[derive(Debug)]
pub struct Auth {
    keys: Option<Keys>,
}

/// Why nobody is known to ask.
#[derive(Debug)]
pub enum Stranger {
    /// Nothing was shown.
    Unnamed,
    /// It was shown where it must not be, or twice.
    Misplaced(&'static str),
    /// What was shown opens nothing: why.
    Refused(&'static str),
    /// It could not be found out.
    Unknown(Failure),
}

impl From<Failure> for Stranger {
    fn from(failure: Failure) -> Self {
        Stranger::Unknown(failure)
    }
}

impl Auth {
    /// What `RIPIENO_AUTH` says, if it says anything.
    ///
    /// # Errors
    /// `malformed` for a way that is not known.
    pub fn from_environment(ledger: &Ledger) -> Result<Option<Self>, Failure> {
        let Some(ways) = config::var("RIPIENO_AUTH") else { return Ok(None) };
        let mut auth = Auth { keys: None };
        for way in ways.split(',').map(str::trim) {
            match way {
                "keys" => auth.keys = Some(Keys::of(ledger)),
                other => {
                    let message = format!("RIPIENO_AUTH: {other:?} is no way to know callers: say keys");
                    return Err(Failure::new(FailureKind::Malformed, message));
                }
            }
        }
        Ok(Some(auth))
    }

    /// Who asks, by what a request carries.
    ///
    /// # Errors
    /// Why nobody does.
    pub async fn principal(&self, uri: &Uri, headers: &HeaderMap) -> Result<Principal, Stranger> {
        let token = bearer(uri, headers)?;
        match &self.keys {
            Some(keys) if token.starts_with(keys::PREFIX) => {
                let found = keys.principal(token).await?;
                found.ok_or(Stranger::Refused("no such key, or one that has ended or was revoked"))
            }
            _ => Err(Stranger::Refused("it is none that this server takes")),
        }
    }
}

/// What a request carries to show who asks.
fn bearer<'a>(uri: &Uri, headers: &'a HeaderMap) -> Result<&'a str, Stranger> {
    let query = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
    // Addresses stand in logs, histories and headers of others.
    if query.into_iter().any(|(name, _)| name.eq_ignore_ascii_case("access_token")) {
        return Err(Stranger::Misplaced(
            "a token belongs into the header Authorization, never into an address",
        ));
    }
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let value = values.next().ok_or(Stranger::Unnamed)?;
    if values.next().is_some() {
        return Err(Stranger::Misplaced("the header Authorization stands twice"));
    }
    let (scheme, token) = value.to_str().unwrap_or_default().split_once(' ').unwrap_or_default();
    let token = token.trim();
    match scheme.eq_ignore_ascii_case("bearer") && !token.is_empty() {
        true => Ok(token),
        false => Err(Stranger::Refused("say Authorization: Bearer TOKEN")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::{HeaderName, HeaderValue};

    #[test]
    fn a_token_stands_once_in_the_header_and_nowhere_else() {
        let ask = |uri: &str, values: &[&'static str]| {
            let headers: HeaderMap = values
                .iter()
                .map(|value| (HeaderName::from_static("authorization"), HeaderValue::from_static(value)))
                .collect();
            bearer(&uri.parse().unwrap(), &headers).map(str::to_owned)
        };
        assert_eq!(ask("/v1/jobs?limit=1", &["Bearer abc"]).unwrap(), "abc");
        assert_eq!(ask("/", &["bearer  abc"]).unwrap(), "abc");
        assert!(matches!(ask("/", &[]), Err(Stranger::Unnamed)));
        for uri in ["/?access_token=abc", "/?a=b&ACCESS_TOKEN=", "/?access%5Ftoken=abc", "/?access_token"] {
            assert!(matches!(ask(uri, &["Bearer abc"]), Err(Stranger::Misplaced(_))), "{uri}");
        }
        assert!(matches!(ask("/", &["Bearer a", "Bearer a"]), Err(Stranger::Misplaced(_))));
        for value in ["Bearer", "Bearer ", "Basic abc", "abc", ""] {
            assert!(matches!(ask("/", &[value]), Err(Stranger::Refused(_))), "{value}");
        }
    }
}
