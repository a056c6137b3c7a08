//! The provider of identities: found by its issuer, its keys remembered and asked for again when they change.

use super::tokens::may_be_asked;
use jsonwebtoken::jwk::{Jwk, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use shared::failure::{Failure, FailureKind};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use url::Url;

/// How long the provider may take to answer.
const TIMEOUT: Duration = Duration::from_secs(5);
/// How long its keys are believed before they are asked for again.
const FRESH: Duration = Duration::from_secs(300);
/// How long they are believed where it does not answer.
const KEPT: Duration = Duration::from_secs(3600);
/// How often it is asked within a minute: tokens of keys that nobody has heard of come as often as anybody likes.
const ASKS_MAX: usize = 6;
const MINUTE: Duration = Duration::from_secs(60);
/// Bytes of an answer of the provider.
const ANSWER_BYTES_MAX: usize = 256 << 10;
/// Keys that are taken of it.
const KEYS_MAX: usize = 100;

/// A provider.
#[derive(Debug)]
pub(super) struct Provider {
    issuer: String,
    http: reqwest::Client,
    known: Mutex<Known>,
    asking: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct Known {
    signers: Arc<Vec<Signer>>,
    /// When the keys were had.
    had: Option<Instant>,
    /// When they were asked for within the last minute.
    asked: Vec<Instant>,
}

/// A key that signs tokens.
#[derive(Clone, Debug)]
pub(super) struct Signer {
    kid: Option<String>,
    algorithm: Option<String>,
    pub(super) key: DecodingKey,
}

/// What a provider says of itself, as far as it is read (RFC 8414).
#[derive(Deserialize)]
struct Metadata {
    issuer: String,
    jwks_uri: String,
}

/// Its keys, each as it is written.
#[derive(Deserialize)]
struct KeySet {
    keys: Vec<serde_json::Value>,
}

impl Provider {
    pub(super) fn new(issuer: String) -> Result<Self, Failure> {
        let client = reqwest::Client::builder().timeout(TIMEOUT).redirect(reqwest::redirect::Policy::none());
        let http = client.build().map_err(|error| {
            Failure::new(FailureKind::Unavailable, format!("the provider cannot be asked: {error}"))
        })?;
        Ok(Provider { issuer, http, known: Mutex::default(), asking: tokio::sync::Mutex::default() })
    }

    pub(super) fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The key that a token says it is signed by.
    ///
    /// # Errors
    /// `unavailable` when no keys are known and the provider does not answer.
    pub(super) async fn signer(&self, kid: Option<&str>, by: Algorithm) -> Result<Option<Signer>, Failure> {
        let (found, fresh) = self.look(kid, by);
        if found.is_some() && fresh {
            return Ok(found);
        }
        // One asks for all who wait; then it is looked again.
        let _turn = self.asking.lock().await;
        let (found, fresh) = self.look(kid, by);
        if (found.is_some() && fresh) || !self.may_ask() {
            return self.or_away(found);
        }
        match self.ask().await {
            Ok(signers) => {
                let mut known = self.known();
                (known.signers, known.had) = (Arc::new(signers), Some(Instant::now()));
            }
            Err(failure) => tracing::warn!(%failure, "the keys of the provider cannot be had"),
        }
        self.or_away(self.look(kid, by).0)
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Known> {
        // Nothing that holds the lock can panic half-way through a change.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn look(&self, kid: Option<&str>, by: Algorithm) -> (Option<Signer>, bool) {
        let known = self.known();
        let age = known.had.map(|had| had.elapsed());
        let believed = age.is_some_and(|age| age < KEPT);
        let found = choose(&known.signers, kid, by).filter(|_| believed).cloned();
        (found, age.is_some_and(|age| age < FRESH))
    }

    /// Whether it is time to ask; notes that it is done.
    fn may_ask(&self) -> bool {
        let mut known = self.known();
        known.asked.retain(|asked| asked.elapsed() < MINUTE);
        let may = known.asked.len() < ASKS_MAX;
        if may {
            known.asked.push(Instant::now());
        }
        may
    }

    fn or_away(&self, found: Option<Signer>) -> Result<Option<Signer>, Failure> {
        let none_known = self.known().had.is_none_or(|had| had.elapsed() >= KEPT);
        if found.is_none() && none_known {
            let message = "the provider of identities does not answer, and nobody can be known without it";
            return Err(Failure::new(FailureKind::Unavailable, message));
        }
        Ok(found)
    }

    async fn ask(&self) -> Result<Vec<Signer>, Failure> {
        let metadata = self.metadata().await?;
        let uri = Url::parse(&metadata.jwks_uri).ok().filter(may_be_asked);
        let uri = uri.ok_or_else(|| away("its jwks_uri is no https:// URL"))?;
        let set: KeySet = self.json(uri).await?;
        // One key of a kind that nobody has heard of spoils no other.
        let keys = set.keys.into_iter().take(KEYS_MAX).filter_map(|key| serde_json::from_value(key).ok());
        Ok(keys.filter_map(|key: Jwk| signer(&key)).collect())
    }

    /// Where the standards have a provider say what it is: RFC 8414, then OpenID Connect.
    async fn metadata(&self) -> Result<Metadata, Failure> {
        let mut last = away("its issuer is no URL");
        for url in well_known(&self.issuer) {
            match self.json::<Metadata>(url).await {
                Ok(metadata) if metadata.issuer == self.issuer => return Ok(metadata),
                Ok(_) => last = away("it says that it is another issuer"),
                Err(failure) => last = failure,
            }
        }
        Err(last)
    }

    async fn json<T: DeserializeOwned>(&self, url: Url) -> Result<T, Failure> {
        let failed = |error: reqwest::Error| away(&error.to_string());
        let response = self.http.get(url).send().await.map_err(failed)?;
        if !response.status().is_success() {
            return Err(away(&format!("it answers {}", response.status())));
        }
        let body = body_of(response).await.map_err(|why| away(&why))?;
        serde_json::from_slice(&body).map_err(|error| away(&error.to_string()))
    }
}

/// The whole answer of a provider.
///
/// # Errors
/// Why there is none: it breaks off, or does not end.
pub(crate) async fn body_of(mut response: reqwest::Response) -> Result<Vec<u8>, String> {
    let mut body = Vec::new();
    while let Some(part) = response.chunk().await.map_err(|error| error.without_url().to_string())? {
        body.extend_from_slice(&part);
        if body.len() > ANSWER_BYTES_MAX {
            return Err("its answer does not end".to_owned());
        }
    }
    Ok(body)
}

fn away(why: &str) -> Failure {
    Failure::new(FailureKind::Unavailable, format!("the provider of identities: {why}"))
}

/// The addresses at which an issuer may say what it is.
pub(crate) fn well_known(issuer: &str) -> Vec<Url> {
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

/// A key that is meant for signatures, and of which there is no secret.
fn signer(jwk: &Jwk) -> Option<Signer> {
    if matches!(jwk.common.public_key_use, Some(PublicKeyUse::Encryption)) {
        return None;
    }
    let key = DecodingKey::from_jwk(jwk).ok()?;
    if key.family() == jsonwebtoken::AlgorithmFamily::Hmac {
        return None;
    }
    let algorithm = jwk.common.key_algorithm.map(|algorithm| algorithm.to_string());
    Some(Signer { kid: jwk.common.key_id.clone(), algorithm, key })
}

/// The key of that name which can have signed so; where a token names none, the only one that can.
fn choose<'a>(signers: &'a [Signer], kid: Option<&str>, by: Algorithm) -> Option<&'a Signer> {
    let name = format!("{by:?}");
    let can = |signer: &&Signer| {
        signer.key.family().algorithms().contains(&by)
            && signer.algorithm.as_ref().is_none_or(|algorithm| *algorithm == name)
    };
    let mut able = signers.iter().filter(can);
    match kid {
        Some(kid) => able.find(|signer| signer.kid.as_deref() == Some(kid)),
        None => able.next().filter(|_| able.next().is_none()),
    }
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
    fn keys_with_secrets_and_for_other_uses_sign_nothing() {
        let of = |json: serde_json::Value| signer(&serde_json::from_value(json).unwrap()).is_some();
        let rsa = |more: serde_json::Value| {
            let mut key = serde_json::json!({ "kty": "RSA", "kid": "a", "n": "AQAB", "e": "AQAB" });
            key.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            key
        };
        assert!(of(rsa(serde_json::json!({}))) && of(rsa(serde_json::json!({ "use": "sig" }))));
        assert!(!of(rsa(serde_json::json!({ "use": "enc" }))));
        assert!(!of(serde_json::json!({ "kty": "oct", "kid": "a", "k": "c2VjcmV0" })));
        let key: Jwk = serde_json::from_value(rsa(serde_json::json!({ "alg": "RS256" }))).unwrap();
        let signers = [signer(&key).unwrap()];
        assert!(choose(&signers, Some("a"), Algorithm::RS256).is_some());
        assert!(choose(&signers, None, Algorithm::RS256).is_some());
        for (kid, by) in [
            (Some("b"), Algorithm::RS256),
            (Some("a"), Algorithm::PS256),
            (Some("a"), Algorithm::ES256),
            (Some("a"), Algorithm::HS256),
        ] {
            assert!(choose(&signers, kid, by).is_none(), "{kid:?} {by:?}");
        }
        let twice = [signers[0].clone(), signers[0].clone()];
        assert!(choose(&twice, None, Algorithm::RS256).is_none());
    }
}
