//! Logging in by browser: the authorization code grant of OpenID Connect with PKCE, after which the browser has a session.
//!
//! Nothing is kept of an attempt until it succeeds: the browser has a number in a cookie, of which `state`, `nonce` and the verifier of
//! PKCE are made one way. So any front can end what another began, and who begins attempts without end fills nothing.

use super::Stranger;
use super::sessions::{Sessions, number};
use super::tokens::Tokens;
use crate::oauth::{self, Refusal};
use axum::http::{HeaderMap, HeaderValue, Method, header};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use shared::config;
use shared::failure::{Failure, FailureKind};
use shared::limits::Limits;
use shared::principal::Principal;
use shared::redis::Redis;
use std::sync::Arc;
use tokio::sync::Semaphore;
use url::Url;

/// Where a browser begins to log in.
pub(crate) const LOGIN: &str = "/login";
/// Where the provider sends it back to.
pub(crate) const CALLBACK: &str = "/login/callback";
/// Where it says that it wants to log out.
pub(crate) const LOGOUT: &str = "/logout";
/// Where it is told who it is.
pub(crate) const SESSION: &str = "/session";

/// Codes that are taken to the provider at once: who makes them up has it asked no oftener.
const EXCHANGES_MAX: usize = 8;
/// Seconds that somebody may take to log in at the provider.
const ATTEMPT_SECONDS: u32 = 600;
/// The variable that says as whom the provider knows this server.
pub(super) const CLIENT_ID: &str = "RIPIENO_OIDC_CLIENT_ID";
const CLIENT_SECRET: &str = "RIPIENO_OIDC_CLIENT_SECRET";
const CLIENT_SECRET_FILE: &str = "RIPIENO_OIDC_CLIENT_SECRET_FILE";
const SCOPE: &str = "RIPIENO_OIDC_SCOPE";

/// What is needed to log browsers in.
pub(crate) struct SignOn {
    tokens: Arc<Tokens>,
    client: String,
    secret: Option<String>,
    scope: String,
    /// The URL by which browsers call this server, without a slash at its end.
    public: String,
    sessions: Sessions,
    exchanging: Semaphore,
}

impl std::fmt::Debug for SignOn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SignOn").field("client", &self.client).finish_non_exhaustive()
    }
}

/// An attempt to log in that begins.
pub(crate) struct Begun {
    /// Where the browser goes.
    pub(crate) to: Url,
    /// What it keeps meanwhile.
    pub(crate) cookie: HeaderValue,
}

/// What the provider sends a browser back with.
#[derive(Deserialize)]
pub(crate) struct Returned {
    code: Option<String>,
    state: Option<String>,
    iss: Option<String>,
    error: Option<String>,
    error_description: Option<String>,
}

/// What a code is worth, as far as it is read.
#[derive(Deserialize)]
struct Granted {
    id_token: String,
}

impl SignOn {
    /// What the environment says, if it says anything.
    ///
    /// # Errors
    /// `malformed` for a secret that is named twice; `unavailable` for a file of it that cannot be read.
    pub(super) fn from_environment(
        tokens: &Arc<Tokens>,
        redis: Option<&Redis>,
        limits: &Limits,
    ) -> Result<Option<Self>, Failure> {
        let Some(client) = config::var(CLIENT_ID) else { return Ok(None) };
        Ok(Some(SignOn {
            tokens: Arc::clone(tokens),
            client,
            secret: secret()?,
            scope: config::var(SCOPE).unwrap_or_else(|| "openid".to_owned()),
            public: tokens.audience().rest.clone(),
            sessions: Sessions::new(redis, limits),
            exchanging: Semaphore::new(EXCHANGES_MAX),
        }))
    }

    /// Begins to log a browser in.
    ///
    /// # Errors
    /// `unavailable` where the provider does not say where that is done.
    pub(crate) async fn begin(&self) -> Result<Begun, Failure> {
        let mut to = self.tokens.provider().metadata().await?.authorization_endpoint()?;
        let attempt = Attempt(number()?);
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(attempt.verifier()));
        to.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", &self.client)
            .append_pair("redirect_uri", &self.callback())
            .append_pair("scope", &self.scope)
            .append_pair("state", &attempt.state())
            .append_pair("nonce", &attempt.nonce())
            .append_pair("code_challenge", &challenge)
            .append_pair("code_challenge_method", "S256");
        let cookie = self.cookie(&self.attempt_name(), &attempt.0, Some(ATTEMPT_SECONDS))?;
        Ok(Begun { to, cookie })
    }

    /// Ends an attempt to log in: says who it was, and what the browser keeps from now on. Whatever session it had is over.
    ///
    /// # Errors
    /// `denied` for what is no answer to an attempt of this browser, or says of nobody who may be believed to be anybody;
    /// `unavailable` where the provider or Redis is away.
    pub(crate) async fn finish(
        &self,
        headers: &HeaderMap,
        returned: Returned,
    ) -> Result<(Principal, [HeaderValue; 2]), Failure> {
        let attempt = once(headers, &self.attempt_name()).map_err(Stranger::failure)?;
        let attempt = attempt.map(|number| Attempt(number.to_owned()));
        let attempt = attempt.filter(|attempt| returned.state == Some(attempt.state())).ok_or_else(|| {
            denied("this browser did not begin to log in here, or more than ten minutes ago: begin again")
        })?;
        let provider = self.tokens.provider();
        let metadata = provider.metadata().await?;
        let named = returned.iss.as_deref();
        let must_be_named = metadata.authorization_response_iss_parameter_supported;
        if named.map_or(must_be_named, |issuer| issuer != provider.issuer()) {
            return Err(denied("the answer is of another provider"));
        }
        if let Some(error) = returned.error {
            return Err(Refusal { error, error_description: returned.error_description }.failure());
        }
        let code = returned.code.ok_or_else(|| denied("the provider sent no code"))?;
        let token = self.exchanged(&metadata, &code, &attempt).await?;
        let who =
            self.tokens.person(&token, &self.client, &attempt.nonce()).await.map_err(Stranger::failure)?;
        // A number that somebody knew before is worth nothing afterwards.
        if let Ok(Some(number)) = once(headers, &self.session_name()) {
            self.sessions.end(number).await?;
        }
        let session = self.cookie(&self.session_name(), &self.sessions.begin(&who).await?, None)?;
        Ok((who, [session, self.cookie(&self.attempt_name(), "", Some(0))?]))
    }

    /// What the provider gives for a code.
    async fn exchanged(
        &self,
        metadata: &oauth::Metadata,
        code: &str,
        attempt: &Attempt,
    ) -> Result<String, Failure> {
        let gone = |error| Failure::new(FailureKind::Internal, format!("nobody is asked any more: {error}"));
        let _turn = self.exchanging.acquire().await.map_err(gone)?;
        let (callback, verifier) = (self.callback(), attempt.verifier());
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", &callback),
            ("code_verifier", &verifier),
        ];
        let as_whom = metadata.credentials(&self.client, self.secret.as_deref());
        let http = self.tokens.provider().http();
        let granted = oauth::post::<Granted>(http, metadata.token_endpoint()?, &as_whom, &form).await?;
        granted.map(|granted| granted.id_token).map_err(Refusal::failure)
    }

    /// Who the session of a browser is of. What changes something must come from a page of this server: other sites can have a
    /// browser send it, cookie and all.
    ///
    /// # Errors
    /// Why it is nobody's.
    pub(crate) async fn principal(
        &self,
        method: &Method,
        headers: &HeaderMap,
    ) -> Result<Principal, Stranger> {
        let number = once(headers, &self.session_name())?.ok_or(Stranger::Unnamed)?;
        if !method.is_safe() && !self.is_from_own_page(headers) {
            return Err(Stranger::CrossSite);
        }
        self.sessions.find(number).await?.ok_or(Stranger::Over)
    }

    /// Whether a browser says that one of our pages sent a request (`Origin`, Fetch Metadata).
    pub(crate) fn is_from_own_page(&self, headers: &HeaderMap) -> bool {
        let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or_default());
        let site = text("sec-fetch-site").map(|site| site == "same-origin");
        let origin = text("origin").map(|origin| origin.eq_ignore_ascii_case(&self.origin()));
        (site.is_some() || origin.is_some()) && site.unwrap_or(true) && origin.unwrap_or(true)
    }

    /// Ends the session of a browser. Says whose it was, what the browser forgets, and where it goes: to the provider, where that can
    /// log it out too.
    ///
    /// # Errors
    /// `unavailable` where Redis is away.
    pub(crate) async fn end(
        &self,
        headers: &HeaderMap,
    ) -> Result<(Option<Principal>, HeaderValue, Url), Failure> {
        let mut who = None;
        if let Some(number) = once(headers, &self.session_name()).map_err(Stranger::failure)? {
            who = self.sessions.find(number).await?;
            self.sessions.end(number).await?;
        }
        let back = format!("{}{SESSION}", self.public);
        let to = match self.tokens.provider().metadata().await.ok().and_then(|all| all.end_session_endpoint())
        {
            Some(mut end) => {
                end.query_pairs_mut()
                    .append_pair("client_id", &self.client)
                    .append_pair("post_logout_redirect_uri", &back);
                end
            }
            None => oauth::address(&back)?,
        };
        Ok((who, self.cookie(&self.session_name(), "", Some(0))?, to))
    }

    /// The origin of the page at which the provider logs browsers out, if it has one.
    pub(crate) async fn end_origin(&self) -> Option<String> {
        let metadata = self.tokens.provider().metadata().await.ok()?;
        metadata.end_session_endpoint().map(|url| url.origin().ascii_serialization())
    }

    fn callback(&self) -> String {
        format!("{}{CALLBACK}", self.public)
    }

    fn origin(&self) -> String {
        Url::parse(&self.public).map(|url| url.origin().ascii_serialization()).unwrap_or_default()
    }

    fn is_private(&self) -> bool {
        self.public.starts_with("https://")
    }

    /// Browsers take a name with this prefix from this very host only, and only by TLS.
    fn session_name(&self) -> String {
        format!("{}ripieno", if self.is_private() { "__Host-" } else { "" })
    }

    fn attempt_name(&self) -> String {
        self.session_name() + "-login"
    }

    fn cookie(&self, name: &str, value: &str, seconds: Option<u32>) -> Result<HeaderValue, Failure> {
        let secure = if self.is_private() { "; Secure" } else { "" };
        let ends = seconds.map(|seconds| format!("; Max-Age={seconds}")).unwrap_or_default();
        let text = format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax{secure}{ends}");
        HeaderValue::from_str(&text).map_err(|error| Failure::new(FailureKind::Internal, error.to_string()))
    }
}

/// The number of an attempt, and what is made of it.
struct Attempt(String);

impl Attempt {
    fn state(&self) -> String {
        self.made("ripieno login: state")
    }

    fn nonce(&self) -> String {
        self.made("ripieno login: nonce")
    }

    /// 43 letters, the fewest that PKCE takes (RFC 7636).
    fn verifier(&self) -> String {
        self.made("ripieno login: code_verifier")
    }

    fn made(&self, what: &str) -> String {
        URL_SAFE_NO_PAD.encode(blake3::derive_key(what, self.0.as_bytes()))
    }
}

fn denied(message: &str) -> Failure {
    Failure::new(FailureKind::Denied, message)
}

/// The secret of this program at the provider, if it has one.
fn secret() -> Result<Option<String>, Failure> {
    match (config::var(CLIENT_SECRET), config::var(CLIENT_SECRET_FILE)) {
        (Some(_), Some(_)) => {
            let message = format!("set {CLIENT_SECRET} or {CLIENT_SECRET_FILE}, not both");
            Err(Failure::new(FailureKind::Malformed, message))
        }
        (secret, None) => Ok(secret),
        (None, Some(path)) => {
            let read = std::fs::read_to_string(&path).map_err(|error| {
                let message = format!("{CLIENT_SECRET_FILE}: {path} cannot be read: {error}");
                Failure::new(FailureKind::Unavailable, message)
            });
            read.map(|text| Some(text.trim().to_owned()))
        }
    }
}

/// The value of a cookie that may stand once: a second one was put there by somebody else.
pub(super) fn once<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a str>, Stranger> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    let pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let mut values = pairs.filter(|(known, _)| *known == name).map(|(_, value)| value);
    match (values.next(), values.next()) {
        (_, Some(_)) => Err(Stranger::Misplaced("a cookie of this server stands twice")),
        (value, None) => Ok(value.filter(|value| !value.is_empty())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_made_of_an_attempt_is_one_way_and_all_different() {
        let (one, other) = (Attempt("a".repeat(43)), Attempt("b".repeat(43)));
        let all = [one.state(), one.nonce(), one.verifier(), other.state(), other.nonce(), other.verifier()];
        assert!(all.iter().all(|made| made.len() == 43 && !made.contains("aaaa")), "{all:?}");
        let mut different = all.to_vec();
        different.sort_unstable();
        different.dedup();
        assert_eq!(different.len(), all.len());
        assert_eq!(one.state(), Attempt("a".repeat(43)).state());
    }

    #[test]
    fn a_cookie_stands_once() {
        let ask = |lines: &[&'static str]| {
            let lines = lines.iter().map(|line| (header::COOKIE, HeaderValue::from_static(line)));
            once(&lines.collect(), "ripieno").map(|value| value.map(str::to_owned))
        };
        assert_eq!(ask(&["a=b; ripieno=x=1; c=d"]).unwrap().as_deref(), Some("x=1"));
        assert_eq!(ask(&["a=b", "ripieno=x"]).unwrap().as_deref(), Some("x"));
        for none in [&[][..], &["ripieno="], &["ripieno-login=x; xripieno=y; Ripieno=z"], &["ripieno"]] {
            assert_eq!(ask(none).unwrap(), None, "{none:?}");
        }
        for twice in [&["ripieno=x; ripieno=y"][..], &["ripieno=x", "ripieno=x"]] {
            assert!(matches!(ask(twice), Err(Stranger::Misplaced(_))), "{twice:?}");
        }
    }
}
