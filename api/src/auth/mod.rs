//! Who may come in and what they may do. Off unless `RIPIENO_AUTH` is set: whoever reaches the server may then do everything,
//! for it is reached from this machine only.

pub mod keys;
mod provider;
mod rate;
mod sessions;
pub(crate) mod sign_on;
pub mod table;
mod tokens;

use crate::audit::Audit;
use crate::mcp;
use axum::http::{HeaderMap, Method, Uri, header};
use keys::Keys;
use rate::Rates;
use serde_json::{Value, json};
use shared::config;
use shared::failure::{Failure, FailureKind};
use shared::ledger::Ledger;
use shared::limits::Limits;
use shared::principal::{Principal, Scope};
use shared::redis::Redis;
use sign_on::SignOn;
use std::sync::Arc;
pub use tokens::Audience;
use tokens::Tokens;
use url::form_urlencoded;

/// What who comes first had better be given: enough to look around. More is asked for when it is needed.
pub const FIRST_SCOPES: [Scope; 2] = [Scope::JobsRead, Scope::ScoresRead];

/// The ways in which callers show who they are.
#[derive(Debug)]
pub struct Auth {
    keys: Option<Keys>,
    tokens: Option<Arc<Tokens>>,
    /// How browsers log in, if they can.
    pub(crate) sign_on: Option<SignOn>,
    rates: Rates,
    /// Where it is recorded what callers do.
    pub audit: Audit,
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
    /// The session of a browser has ended, or never was.
    Over,
    /// A browser was sent to change something by another site's page, or by what does not say whose.
    CrossSite,
    /// It could not be found out.
    Unknown(Failure),
}

impl Stranger {
    /// The same for who is told no challenge.
    fn failure(self) -> Failure {
        let why = match self {
            Stranger::Unknown(failure) => return failure,
            Stranger::Unnamed => "nobody says who asks",
            Stranger::Misplaced(why) | Stranger::Refused(why) => why,
            Stranger::Over => OVER,
            Stranger::CrossSite => CROSS_SITE,
        };
        Failure::new(FailureKind::Denied, why)
    }
}

/// What is said of a session that is over.
pub(crate) const OVER: &str = "the session has ended: log in again, at /login";
/// What is said of a change that may be another site's.
pub(crate) const CROSS_SITE: &str = "by its session alone a browser changes things from pages of this server only: it sends Origin or Sec-Fetch-Site";

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
    pub fn from_environment(
        ledger: &Ledger,
        redis: Option<&Redis>,
        limits: &Limits,
    ) -> Result<Option<Self>, Failure> {
        let Some(ways) = config::var("RIPIENO_AUTH") else { return Ok(None) };
        let (rates, audit) = (Rates::of(ledger, redis.cloned()), Audit::of(ledger));
        let mut auth = Auth { keys: None, tokens: None, sign_on: None, rates, audit };
        for way in ways.split(',').map(str::trim) {
            match way {
                "oauth" => {
                    let tokens = Arc::new(Tokens::from_environment()?);
                    auth.sign_on = SignOn::from_environment(&tokens, redis, limits)?;
                    auth.tokens = Some(tokens);
                }
                "keys" => auth.keys = Some(Keys::of(ledger)),
                other => {
                    let message = format!(
                        "RIPIENO_AUTH: {other:?} is no way to know callers: say keys, oauth, or both"
                    );
                    return Err(Failure::new(FailureKind::Malformed, message));
                }
            }
        }
        if auth.sign_on.is_none() && config::var(sign_on::CLIENT_ID).is_some() {
            let message =
                format!("{}: browsers log in with RIPIENO_AUTH=oauth, or keys,oauth", sign_on::CLIENT_ID);
            return Err(Failure::new(FailureKind::Malformed, message));
        }
        Ok(Some(auth))
    }

    /// Who asks, by what a request carries.
    ///
    /// # Errors
    /// Why nobody does.
    pub async fn principal(
        &self,
        method: &Method,
        uri: &Uri,
        headers: &HeaderMap,
    ) -> Result<Principal, Stranger> {
        let token = match (bearer(uri, headers), &self.sign_on) {
            // The programs that speak MCP have tokens; a browser's session is for what a browser asks.
            (Err(Stranger::Unnamed), Some(sign_on)) if uri.path() != mcp::PATH => {
                return sign_on.principal(method, headers).await;
            }
            (token, _) => token?,
        };
        match &self.keys {
            Some(keys) if token.starts_with(keys::PREFIX) => {
                let found = keys.principal(token).await?;
                found.ok_or(Stranger::Refused("no such key, or one that has ended or was revoked"))
            }
            _ => match &self.tokens {
                Some(tokens) => tokens.principal(token).await,
                None => Err(Stranger::Refused("it is none that this server takes")),
            },
        }
    }

    /// Takes a request from what a tenant may ask.
    ///
    /// # Errors
    /// `too_many` where none is left.
    pub async fn take(&self, tenant: &str, limits: &Limits) -> Result<(), Failure> {
        self.rates.take(tenant, limits).await.map_err(|most| {
            let message = format!(
                "your tenant asks oftener than tenant_requests_per_second_max = {most} times a second: wait, and let wait= and \
                 events tell you of changes"
            );
            Failure::new(FailureKind::TooMany, message)
        })
    }

    /// What this server is called where tokens are asked for; nothing where it takes none.
    #[must_use]
    pub fn audience(&self) -> Option<&Audience> {
        self.tokens.as_deref().map(Tokens::audience)
    }

    /// What a server that takes tokens says of itself (RFC 9728), under one of its names.
    #[must_use]
    pub fn metadata(&self, resource: &str) -> Option<Value> {
        let tokens = self.tokens.as_ref()?;
        Some(json!({
            "resource": resource,
            "authorization_servers": [tokens.provider().issuer()],
            "scopes_supported": FIRST_SCOPES.map(Scope::name),
            "bearer_methods_supported": ["header"],
            "resource_name": "Ripieno",
        }))
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
