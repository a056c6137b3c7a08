//! The provider of tokens, as a program without a browser asks it.

use crate::auth::{body_of, may_be_asked, well_known};
use reqwest::header::{ACCEPT, CONTENT_TYPE};
use reqwest::{Client, RequestBuilder, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use shared::failure::{Failure, FailureKind};
use url::{Url, form_urlencoded};

/// What a provider says of itself, as far as it is read (RFC 8414, RFC 8628).
#[derive(Deserialize)]
pub(super) struct Provider {
    pub(super) issuer: String,
    token_endpoint: String,
    #[serde(default)]
    device_authorization_endpoint: Option<String>,
    #[serde(default)]
    revocation_endpoint: Option<String>,
}

/// Why it gave nothing.
#[derive(Debug, Deserialize)]
pub(super) struct Refusal {
    pub(super) error: String,
    #[serde(default)]
    error_description: Option<String>,
}

impl Refusal {
    pub(super) fn failure(self) -> Failure {
        let (kind, why) = match self.error.as_str() {
            "access_denied" => (FailureKind::Denied, "it was refused there"),
            "expired_token" => (FailureKind::TimedOut, "nobody has typed the code in time"),
            "invalid_client" | "unauthorized_client" => (
                FailureKind::Denied,
                "it does not know this program, or not for this: name another with --client, or have it registered",
            ),
            "invalid_target" => (FailureKind::Denied, "it gives no tokens for this server"),
            _ => (FailureKind::Denied, "it refused"),
        };
        let more = self.error_description.map(|more| format!(", {more}")).unwrap_or_default();
        Failure::new(kind, format!("the provider: {why} ({}{more})", self.error))
    }
}

impl Provider {
    /// Asks an issuer where the standards have it say what it is.
    ///
    /// # Errors
    /// `unavailable` where it does not; `malformed` for an issuer that is no private URL.
    pub(super) async fn of(http: &Client, issuer: &str) -> Result<Self, Failure> {
        address(issuer)?;
        for url in well_known(issuer) {
            if let Some(provider) = get::<Provider>(http, url).await?
                && provider.issuer == issuer
            {
                return Ok(provider);
            }
        }
        Err(away(&format!("{issuer} does not say where tokens are given")))
    }

    pub(super) fn token_endpoint(&self) -> Result<Url, Failure> {
        address(&self.token_endpoint)
    }

    pub(super) fn device_endpoint(&self) -> Result<Option<Url>, Failure> {
        self.device_authorization_endpoint.as_deref().map(address).transpose()
    }

    pub(super) fn revocation_endpoint(&self) -> Result<Option<Url>, Failure> {
        self.revocation_endpoint.as_deref().map(address).transpose()
    }
}

/// A URL to which secrets may be sent.
///
/// # Errors
/// `malformed` for any other.
pub(super) fn address(text: &str) -> Result<Url, Failure> {
    Url::parse(text).ok().filter(may_be_asked).ok_or_else(|| {
        let message = format!("{text:?}: tokens go by https:// only, or within this machine");
        Failure::new(FailureKind::Malformed, message)
    })
}

/// What is at an address, if it is anything.
///
/// # Errors
/// `unavailable` for no answer, or one that is not understood.
pub(super) async fn get<T: DeserializeOwned>(http: &Client, url: Url) -> Result<Option<T>, Failure> {
    let (status, body) = sent(http.get(url)).await?;
    if status.is_client_error() {
        return Ok(None);
    }
    if !status.is_success() {
        return Err(away(&format!("it answers {status}")));
    }
    serde_json::from_slice(&body).map(Some).map_err(|error| away(&error.to_string()))
}

/// Posts a form; what is given, or why nothing is.
///
/// # Errors
/// `unavailable` for no answer, or one that is not understood.
pub(super) async fn post<T: DeserializeOwned>(
    http: &Client,
    url: Url,
    form: &[(&str, &str)],
) -> Result<Result<T, Refusal>, Failure> {
    let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
    let request = http.post(url).header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(form);
    let (status, body) = sent(request).await?;
    let not_understood = |error: serde_json::Error| away(&format!("it answers {status}: {error}"));
    if status.is_success() {
        // To a revocation nothing is answered.
        let body = if body.is_empty() { b"null" } else { &body[..] };
        return serde_json::from_slice(body).map(Ok).map_err(not_understood);
    }
    if status.is_server_error() {
        return Err(away(&format!("it answers {status}")));
    }
    serde_json::from_slice(&body).map(Err).map_err(not_understood)
}

async fn sent(request: RequestBuilder) -> Result<(StatusCode, Vec<u8>), Failure> {
    let failed = |error: reqwest::Error| away(&error.without_url().to_string());
    let response = request.header(ACCEPT, "application/json").send().await.map_err(failed)?;
    let status = response.status();
    Ok((status, body_of(response).await.map_err(|why| away(&why))?))
}

fn away(why: &str) -> Failure {
    Failure::new(FailureKind::Unavailable, format!("logging in: {why}"))
}
