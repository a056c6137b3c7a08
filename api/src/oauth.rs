//! A provider of identities, as it is asked: what it says of itself (RFC 8414, OpenID Connect Discovery), and what is posted to it.

use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use reqwest::{Client, RequestBuilder, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use shared::failure::{Failure, FailureKind};
use std::time::Duration;
use url::{Url, form_urlencoded};

/// Bytes of an answer of the provider.
const ANSWER_BYTES_MAX: usize = 256 << 10;

/// What a provider says of itself, as far as it is read.
#[derive(Debug, Deserialize)]
pub(crate) struct Metadata {
    pub(crate) issuer: String,
    jwks_uri: Option<String>,
    authorization_endpoint: Option<String>,
    token_endpoint: Option<String>,
    device_authorization_endpoint: Option<String>,
    revocation_endpoint: Option<String>,
    end_session_endpoint: Option<String>,
    /// How programs with a secret may show it.
    #[serde(default)]
    token_endpoint_auth_methods_supported: Vec<String>,
    /// Whether it names itself where it sends a browser back (RFC 9207).
    #[serde(default)]
    pub(crate) authorization_response_iss_parameter_supported: bool,
}

/// Why it gave nothing.
#[derive(Debug, Deserialize)]
pub(crate) struct Refusal {
    pub(crate) error: String,
    #[serde(default)]
    pub(crate) error_description: Option<String>,
}

impl Refusal {
    pub(crate) fn failure(self) -> Failure {
        let (kind, why) = match self.error.as_str() {
            "access_denied" => (FailureKind::Denied, "it was refused there"),
            "expired_token" => (FailureKind::TimedOut, "nobody has typed the code in time"),
            "invalid_client" | "unauthorized_client" => (
                FailureKind::Denied,
                "it does not know this program, or not for this: name another, or have it registered",
            ),
            "invalid_target" => (FailureKind::Denied, "it gives no tokens for this server"),
            _ => (FailureKind::Denied, "it refused"),
        };
        let more = self.error_description.map(|more| format!(", {more}")).unwrap_or_default();
        Failure::new(kind, format!("the provider: {why} ({}{more})", self.error))
    }
}

impl Metadata {
    /// Asks an issuer where the standards have it say what it is.
    ///
    /// # Errors
    /// `unavailable` where it does not; `malformed` for an issuer that is no private URL.
    pub(crate) async fn of(http: &Client, issuer: &str) -> Result<Self, Failure> {
        address(issuer)?;
        let mut last = away(&format!("{issuer} does not say what it is"));
        for url in well_known(issuer) {
            match get::<Metadata>(http, url).await {
                Ok(Some(metadata)) if metadata.issuer == issuer => return Ok(metadata),
                Ok(Some(_)) => last = away("it says that it is another issuer"),
                Ok(None) => {}
                Err(failure) => last = failure,
            }
        }
        Err(last)
    }

    /// Where its keys are.
    pub(crate) fn keys(&self) -> Result<Url, Failure> {
        needed("jwks_uri", self.jwks_uri.as_deref())
    }

    /// Where a browser is sent to log in.
    pub(crate) fn authorization_endpoint(&self) -> Result<Url, Failure> {
        needed("authorization_endpoint", self.authorization_endpoint.as_deref())
    }

    /// Where tokens are given.
    pub(crate) fn token_endpoint(&self) -> Result<Url, Failure> {
        needed("token_endpoint", self.token_endpoint.as_deref())
    }

    /// Where a code to be typed is given.
    pub(crate) fn device_endpoint(&self) -> Result<Option<Url>, Failure> {
        self.device_authorization_endpoint.as_deref().map(address).transpose()
    }

    /// Where tokens are taken back.
    pub(crate) fn revocation_endpoint(&self) -> Result<Option<Url>, Failure> {
        self.revocation_endpoint.as_deref().map(address).transpose()
    }

    /// Where a browser is sent to log out.
    pub(crate) fn end_session_endpoint(&self) -> Option<Url> {
        self.end_session_endpoint.as_deref().and_then(|text| address(text).ok())
    }

    /// How a program shows who it is where tokens are given: by the header where the provider says nothing else.
    pub(crate) fn credentials<'a>(&self, client: &'a str, secret: Option<&'a str>) -> Credentials<'a> {
        let methods = &self.token_endpoint_auth_methods_supported;
        let knows = |name: &str| methods.iter().any(|method| method == name);
        match secret {
            None => Credentials::None { client },
            Some(secret) if knows("client_secret_post") && !knows("client_secret_basic") => {
                Credentials::Posted { client, secret }
            }
            Some(secret) => Credentials::Basic { client, secret },
        }
    }
}

/// How a program shows who it is.
pub(crate) enum Credentials<'a> {
    /// It has a name and no secret.
    None { client: &'a str },
    /// In the header `Authorization`.
    Basic { client: &'a str, secret: &'a str },
    /// In the form.
    Posted { client: &'a str, secret: &'a str },
}

/// A client for asking providers.
///
/// # Errors
/// `unavailable` where there can be none.
pub(crate) fn client(timeout: Duration) -> Result<Client, Failure> {
    // What is posted is secret: it goes where it was sent, and nowhere else.
    let client = Client::builder().timeout(timeout).redirect(reqwest::redirect::Policy::none()).build();
    client.map_err(|error| away(&format!("nobody can be asked: {error}")))
}

/// Whether a URL may be that of a provider or of this server: what is asked over the network is asked over TLS.
pub(crate) fn may_be_asked(url: &Url) -> bool {
    let loopback = match url.host() {
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost",
        None => return false,
    };
    let bare = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    bare && (url.scheme() == "https" || (url.scheme() == "http" && loopback))
}

/// A URL to which secrets may be sent.
///
/// # Errors
/// `malformed` for any other.
pub(crate) fn address(text: &str) -> Result<Url, Failure> {
    Url::parse(text).ok().filter(may_be_asked).ok_or_else(|| {
        let message = format!("{text:?}: tokens go by https:// only, or within this machine");
        Failure::new(FailureKind::Malformed, message)
    })
}

fn needed(name: &str, text: Option<&str>) -> Result<Url, Failure> {
    text.and_then(|text| address(text).ok()).ok_or_else(|| away(&format!("its {name} is no https:// URL")))
}

/// What is at an address, if it is anything.
///
/// # Errors
/// `unavailable` for no answer, or one that is not understood.
pub(crate) async fn get<T: DeserializeOwned>(http: &Client, url: Url) -> Result<Option<T>, Failure> {
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
pub(crate) async fn post<T: DeserializeOwned>(
    http: &Client,
    url: Url,
    credentials: &Credentials<'_>,
    form: &[(&str, &str)],
) -> Result<Result<T, Refusal>, Failure> {
    let mut request = http.post(url).header(CONTENT_TYPE, "application/x-www-form-urlencoded");
    let mut more = Vec::new();
    match *credentials {
        Credentials::None { client } => more.push(("client_id", client)),
        Credentials::Posted { client, secret } => {
            more.extend([("client_id", client), ("client_secret", secret)])
        }
        Credentials::Basic { client, secret } => {
            request = request.header(AUTHORIZATION, basic(client, secret))
        }
    }
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).extend_pairs(more).finish();
    let (status, body) = sent(request.body(body)).await?;
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

/// Name and secret as a header has them: each written as a form writes it (RFC 6749, 2.3.1).
fn basic(client: &str, secret: &str) -> String {
    use base64::Engine;
    let written = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let both = format!("{}:{}", written(client), written(secret));
    format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(both))
}

async fn sent(request: RequestBuilder) -> Result<(StatusCode, Vec<u8>), Failure> {
    let failed = |error: reqwest::Error| away(&error.without_url().to_string());
    let mut response = request.header(ACCEPT, "application/json").send().await.map_err(failed)?;
    let mut body = Vec::new();
    while let Some(part) = response.chunk().await.map_err(failed)? {
        body.extend_from_slice(&part);
        if body.len() > ANSWER_BYTES_MAX {
            return Err(away("its answer does not end"));
        }
    }
    Ok((response.status(), body))
}

fn away(why: &str) -> Failure {
    Failure::new(FailureKind::Unavailable, format!("the provider of identities: {why}"))
}

/// The addresses at which an issuer may say what it is.
fn well_known(issuer: &str) -> Vec<Url> {
    let Ok(url) = Url::parse(issuer) else { return Vec::new() };
    let path = url.path().trim_end_matches('/').to_owned();
    let paths = [
        format!("/.well-known/oauth-authorization-server{path}"),
        format!("/.well-known/openid-configuration{path}"),
        format!("{path}/.well-known/openid-configuration"),
    ];
    let mut urls: Vec<Url> = Vec::new();
    for path in paths {
        let mut at = url.clone();
        at.set_path(&path);
        if !urls.contains(&at) {
            urls.push(at);
        }
    }
    urls
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issuer_is_looked_for_where_the_standards_have_it() {
        let at = |issuer: &str| -> Vec<String> { well_known(issuer).iter().map(Url::to_string).collect() };
        assert_eq!(
            at("https://id.example"),
            [
                "https://id.example/.well-known/oauth-authorization-server",
                "https://id.example/.well-known/openid-configuration"
            ]
        );
        assert_eq!(
            at("https://id.example/realms/a"),
            [
                "https://id.example/.well-known/oauth-authorization-server/realms/a",
                "https://id.example/.well-known/openid-configuration/realms/a",
                "https://id.example/realms/a/.well-known/openid-configuration"
            ]
        );
    }

    #[test]
    fn a_secret_is_shown_as_the_provider_wants_it() {
        let of = |methods: &[&str], secret| {
            let metadata = serde_json::json!({ "issuer": "https://id.example", "token_endpoint_auth_methods_supported": methods });
            let metadata: Metadata = serde_json::from_value(metadata).unwrap();
            match metadata.credentials("a", secret) {
                Credentials::None { .. } => "none",
                Credentials::Basic { .. } => "basic",
                Credentials::Posted { .. } => "posted",
            }
        };
        assert_eq!(of(&["client_secret_post"], None), "none");
        assert_eq!(of(&["client_secret_post"], Some("s")), "posted");
        assert_eq!(of(&["client_secret_post", "client_secret_basic"], Some("s")), "basic");
        assert_eq!(of(&[], Some("s")), "basic");
        // "a%3Ab:c+%25", as the standard has it.
        assert_eq!(basic("a:b", "c %"), "Basic YSUzQWI6YyslMjU=");
    }
}
