//! The provider of identities: found by its issuer, its keys remembered and asked for again when they change.

use crate::oauth::{self, Metadata};
use jsonwebtoken::jwk::{Jwk, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;
use shared::failure::{Failure, FailureKind};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long the provider may take to answer.
const TIMEOUT: Duration = Duration::from_secs(5);
/// How long its keys are believed before they are asked for again.
const FRESH: Duration = Duration::from_secs(300);
/// How long they are believed where it does not answer.
const KEPT: Duration = Duration::from_secs(3600);
/// How often it is asked within a minute: tokens of keys that nobody has heard of come as often as anybody likes.
const ASKS_MAX: usize = 6;
const MINUTE: Duration = Duration::from_secs(60);
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
    metadata: Option<Arc<Metadata>>,
    signers: Arc<Vec<Signer>>,
    /// When both were had.
    had: Option<Instant>,
    /// When the provider was asked within the last minute.
    asked: Vec<Instant>,
}

/// A key that signs tokens.
#[derive(Clone, Debug)]
pub(super) struct Signer {
    kid: Option<String>,
    algorithm: Option<String>,
    pub(super) key: DecodingKey,
}

/// Its keys, each as it is written.
#[derive(Deserialize)]
struct KeySet {
    keys: Vec<serde_json::Value>,
}

impl Provider {
    pub(super) fn new(issuer: String) -> Result<Self, Failure> {
        let http = oauth::client(TIMEOUT)?;
        Ok(Provider { issuer, http, known: Mutex::default(), asking: tokio::sync::Mutex::default() })
    }

    pub(super) fn issuer(&self) -> &str {
        &self.issuer
    }

    /// What it is asked with.
    pub(super) const fn http(&self) -> &reqwest::Client {
        &self.http
    }

    /// What it says of itself.
    ///
    /// # Errors
    /// `unavailable` when it has said nothing and does not answer.
    pub(super) async fn metadata(&self) -> Result<Arc<Metadata>, Failure> {
        let said = || {
            let known = self.known();
            (known.metadata.clone().filter(|_| known.is_younger_than(KEPT)), known.is_younger_than(FRESH))
        };
        if !said().1 {
            let _turn = self.asking.lock().await;
            if !said().1 {
                self.refresh().await;
            }
        }
        said().0.ok_or_else(none_known)
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
        let (mut found, fresh) = self.look(kid, by);
        if found.is_none() || !fresh {
            self.refresh().await;
            found = self.look(kid, by).0;
        }
        if found.is_none() && !self.known().is_younger_than(KEPT) {
            return Err(none_known());
        }
        Ok(found)
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Known> {
        // Nothing that holds the lock can panic half-way through a change.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn look(&self, kid: Option<&str>, by: Algorithm) -> (Option<Signer>, bool) {
        let known = self.known();
        let found = choose(&known.signers, kid, by).filter(|_| known.is_younger_than(KEPT)).cloned();
        (found, known.is_younger_than(FRESH))
    }

    /// Asks what it says now, unless it was asked often enough.
    async fn refresh(&self) {
        if !self.may_ask() {
            return;
        }
        match self.ask().await {
            Ok((metadata, signers)) => {
                let mut known = self.known();
                (known.metadata, known.signers) = (Some(Arc::new(metadata)), Arc::new(signers));
                known.had = Some(Instant::now());
            }
            Err(failure) => tracing::warn!(%failure, "the keys of the provider cannot be had"),
        }
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

    async fn ask(&self) -> Result<(Metadata, Vec<Signer>), Failure> {
        let metadata = Metadata::of(&self.http, &self.issuer).await?;
        let set: Option<KeySet> = oauth::get(&self.http, metadata.keys()?).await?;
        let set =
            set.ok_or_else(|| Failure::new(FailureKind::Unavailable, "there is nothing at its jwks_uri"))?;
        // One key of a kind that nobody has heard of spoils no other.
        let keys = set.keys.into_iter().take(KEYS_MAX).filter_map(|key| serde_json::from_value(key).ok());
        Ok((metadata, keys.filter_map(|key: Jwk| signer(&key)).collect()))
    }
}

impl Known {
    fn is_younger_than(&self, age: Duration) -> bool {
        self.had.is_some_and(|had| had.elapsed() < age)
    }
}

fn none_known() -> Failure {
    let message = "the provider of identities does not answer, and nobody can be known without it";
    Failure::new(FailureKind::Unavailable, message)
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
