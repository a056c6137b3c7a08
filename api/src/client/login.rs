//! Logging in to a server from a terminal: the device authorization grant (RFC 8628) of the provider that the server names, and
//! what is kept of it until `ripieno logout`.

mod kept;

pub(crate) use kept::Logins;

use crate::oauth::{self, Credentials, Metadata, Refusal};
use reqwest::Client;
use serde::{Deserialize, Serialize};
use shared::clock;
use shared::failure::{Failure, FailureKind};
use std::time::Duration;

/// How long the server and the provider may take to answer.
const TIMEOUT: Duration = Duration::from_secs(10);
/// How long before its end a token is no longer shown.
const MARGIN_MS: u64 = 30_000;
/// Seconds between questions where the provider says none, and by how many it wants more when it says to slow down.
const INTERVAL_SECONDS: u64 = 5;
/// Seconds that somebody may take to type a code at the most, whatever the provider says.
const PATIENCE_SECONDS: u64 = 1_800;
const DEVICE_GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// What came of logging in to a server.
#[derive(Clone, Deserialize, Serialize)]
pub(crate) struct Login {
    /// Who gives the tokens.
    issuer: String,
    /// As whom this program is known there.
    client: String,
    /// What the tokens are for.
    resource: String,
    access_token: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
    /// When the token ends, in milliseconds since 1970 UTC; nothing where the provider did not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires_ms: Option<u64>,
}

/// A login that waits until somebody has typed its code.
pub(crate) struct Waiting {
    http: Client,
    provider: Metadata,
    client: String,
    resource: String,
    device_code: String,
    interval: Duration,
    ends_ms: u64,
    /// Where the code is typed.
    pub(crate) page: String,
    /// The same with the code in it, where the provider has such an address.
    pub(crate) whole_page: Option<String>,
    /// The code.
    pub(crate) code: String,
}

/// What a protected resource says of itself, as far as it is read (RFC 9728).
#[derive(Deserialize)]
struct Resource {
    resource: String,
    #[serde(default)]
    authorization_servers: Vec<String>,
    #[serde(default)]
    scopes_supported: Vec<String>,
}

/// A code that somebody shall type.
#[derive(Deserialize)]
struct Device {
    device_code: String,
    user_code: String,
    verification_uri: String,
    #[serde(default)]
    verification_uri_complete: Option<String>,
    expires_in: u64,
    #[serde(default)]
    interval: Option<u64>,
}

/// A token.
#[derive(Deserialize)]
struct Granted {
    access_token: String,
    #[serde(default)]
    refresh_token: Option<String>,
    #[serde(default)]
    expires_in: Option<u64>,
}

/// Begins to log in.
///
/// # Errors
/// `malformed` for a server that is to be asked over a network without TLS; `unsupported` where it wants no tokens, or its
/// provider knows no such grant; `denied` for a server that says it is another; `unavailable` where one does not answer.
pub(crate) async fn begin(server: &str, client: &str, scope: Option<&str>) -> Result<Waiting, Failure> {
    let server = server.trim_end_matches('/');
    let http = oauth::client(TIMEOUT)?;
    let at = oauth::address(&format!("{server}/.well-known/oauth-protected-resource"))?;
    let found: Option<Resource> = oauth::get(&http, at).await?;
    let Some(Resource { resource, authorization_servers, scopes_supported }) = found else {
        let message = format!(
            "{server} names no provider of tokens: it takes keys (RIPIENO_TOKEN), or asks nobody who they are"
        );
        return Err(Failure::new(FailureKind::Unsupported, message));
    };
    // A token for another server would be shown to this one.
    if resource.trim_end_matches('/') != server {
        let message = format!("{server} says that it is {resource}: log in to it by that name");
        return Err(Failure::new(FailureKind::Denied, message));
    }
    let Some(issuer) = authorization_servers.first() else {
        return Err(Failure::new(FailureKind::Unsupported, format!("{server} names no provider of tokens")));
    };
    let provider = Metadata::of(&http, issuer).await?;
    let Some(endpoint) = provider.device_endpoint()? else {
        let message = format!(
            "{issuer} has no device authorization grant: set RIPIENO_TOKEN to a token or key instead"
        );
        return Err(Failure::new(FailureKind::Unsupported, message));
    };
    // Without this scope most providers give nothing by which a token is renewed.
    let scope = scope.map_or_else(|| format!("{} offline_access", scopes_supported.join(" ")), str::to_owned);
    let form = [("scope", scope.trim()), ("resource", &resource)];
    let device: Device = oauth::post(&http, endpoint, &Credentials::None { client }, &form)
        .await?
        .map_err(Refusal::failure)?;
    let lasts = device.expires_in.min(PATIENCE_SECONDS);
    Ok(Waiting {
        http,
        provider,
        client: client.to_owned(),
        resource,
        device_code: device.device_code,
        interval: Duration::from_secs(device.interval.unwrap_or(INTERVAL_SECONDS).clamp(1, 60)),
        ends_ms: clock::now_ms() + lasts * 1000,
        page: device.verification_uri,
        whole_page: device.verification_uri_complete,
        code: device.user_code,
    })
}

impl Waiting {
    /// Asks now and then whether the code was typed, until it was.
    ///
    /// # Errors
    /// `denied` where somebody said no; `timed_out` where nobody said anything; what the provider says.
    pub(crate) async fn wait(mut self) -> Result<Login, Failure> {
        let endpoint = self.provider.token_endpoint()?;
        loop {
            tokio::time::sleep(self.interval).await;
            if clock::now_ms() >= self.ends_ms {
                return Err(Failure::new(FailureKind::TimedOut, "nobody has typed the code in time"));
            }
            let form = [
                ("grant_type", DEVICE_GRANT),
                ("device_code", &self.device_code),
                ("resource", &self.resource),
            ];
            let as_whom = Credentials::None { client: &self.client };
            let answered = oauth::post::<Granted>(&self.http, endpoint.clone(), &as_whom, &form).await;
            match answered {
                Ok(Ok(granted)) => {
                    let Waiting { provider, client, resource, .. } = self;
                    return Ok(Login::of(granted, provider.issuer, client, resource, None));
                }
                Ok(Err(refusal)) => match refusal.error.as_str() {
                    "authorization_pending" => {}
                    "slow_down" => self.interval += Duration::from_secs(INTERVAL_SECONDS),
                    _ => return Err(refusal.failure()),
                },
                // The provider is away for a moment: it is asked less often (RFC 8628, 3.5).
                Err(failure) if failure.kind.is_transient() => self.interval *= 2,
                Err(failure) => return Err(failure),
            }
        }
    }
}

impl Login {
    fn of(
        granted: Granted,
        issuer: String,
        client: String,
        resource: String,
        before: Option<String>,
    ) -> Self {
        let Granted { access_token, refresh_token, expires_in } = granted;
        let expires_ms =
            expires_in.map(|seconds| clock::now_ms().saturating_add(seconds.saturating_mul(1000)));
        // A provider that gives no other one lets this one be used again.
        let refresh_token = refresh_token.or(before);
        Login { issuer, client, resource, access_token, refresh_token, expires_ms }
    }

    /// The token that is shown to the server.
    pub(crate) fn token(&self) -> &str {
        &self.access_token
    }

    /// As whom the provider knows this program, which has no secret.
    fn as_whom(&self) -> Credentials<'_> {
        Credentials::None { client: &self.client }
    }

    /// Whether the token may still be shown.
    fn is_fresh(&self) -> bool {
        self.expires_ms.is_none_or(|end| clock::now_ms() + MARGIN_MS < end)
    }

    /// The same with a new token.
    ///
    /// # Errors
    /// `denied` where the provider gives none any more, or never gave the means; `unavailable` where it does not answer.
    async fn renewed(self) -> Result<Self, Failure> {
        let again = |why: &str| {
            let message = format!("{why}: `ripieno --server {} login` again", self.resource);
            Failure::new(FailureKind::Denied, message)
        };
        let Some(refresh_token) = self.refresh_token.clone() else {
            return Err(again("the token has ended, and the provider gave nothing to renew it with"));
        };
        let http = oauth::client(TIMEOUT)?;
        let endpoint = Metadata::of(&http, &self.issuer).await?.token_endpoint()?;
        let form = [
            ("grant_type", "refresh_token"),
            ("refresh_token", &refresh_token),
            ("resource", &self.resource),
        ];
        match oauth::post::<Granted>(&http, endpoint, &self.as_whom(), &form).await? {
            Ok(granted) => {
                Ok(Login::of(granted, self.issuer, self.client, self.resource, Some(refresh_token)))
            }
            Err(refusal) => Err(again(&format!("the provider renews the token no more ({})", refusal.error))),
        }
    }

    /// Has the provider forget the tokens, where it can be asked to (RFC 7009); whether it will renew them no more. Tokens that
    /// say all themselves cannot be taken back, and end soon.
    ///
    /// # Errors
    /// `unavailable` where it does not answer.
    pub(crate) async fn revoke(&self) -> Result<bool, Failure> {
        let http = oauth::client(TIMEOUT)?;
        let Some(endpoint) = Metadata::of(&http, &self.issuer).await?.revocation_endpoint()? else {
            return Ok(false);
        };
        let revoke = async |token: &str, kind: &str| {
            let form = [("token", token), ("token_type_hint", kind)];
            oauth::post::<serde_json::Value>(&http, endpoint.clone(), &self.as_whom(), &form).await
        };
        let renewing = match &self.refresh_token {
            Some(token) => Some(revoke(token, "refresh_token").await?.is_ok()),
            None => None,
        };
        let shown = revoke(&self.access_token, "access_token").await?.is_ok();
        Ok(renewing.unwrap_or(shown))
    }
}
