//! API keys: for installations without a provider of identities, and for programs. The ledger has their digests only.
//!
//! ```text
//! keys/<tenant>/<id>/key        what the key is for: created once
//! keys/<tenant>/<id>/revoked    created when it is taken back
//! ```

use crate::service::random;
use serde::{Deserialize, Serialize};
use shared::clock;
use shared::failure::{Failure, FailureKind};
use shared::ledger::{Created, Drawer, Ledger};
use shared::principal::{Principal, Role, Scope, tenant};
use shared::wire;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;

/// How a key begins: programs that look for secrets in texts know it by that.
pub const PREFIX: &str = "ripieno_";
/// How long what the ledger says of a key is believed: after as long no front takes a revoked one.
const TRUSTED: Duration = Duration::from_secs(10);
/// Keys that are remembered, those that do not exist too.
const KNOWN_MAX: usize = 4096;
/// Questions to the ledger at once: who tries keys out keeps the store from nobody.
const ASKING_MAX: usize = 8;
/// Bytes of a key's public part.
const ID_BYTES: usize = 8;
/// Bytes of its secret part: more than anybody can try, so that a plain digest of it tells nothing.
const SECRET_BYTES: usize = 32;

/// What the ledger has of a key.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Key {
    /// Its public part.
    pub id: String,
    /// Whose jobs and scores it opens.
    pub tenant: String,
    /// What it is for, in the words of who made it.
    pub name: String,
    /// What who has it is to the tenant.
    pub role: String,
    /// What it was given for.
    pub scopes: Vec<String>,
    /// When it was made, in milliseconds since 1970.
    pub created_ms: u64,
    /// When it ends.
    pub expires_ms: u64,
    /// Digest of the secret part.
    pub digest: String,
}

impl Key {
    /// The text that opens: it is told once, and kept nowhere.
    fn text(&self, secret: &str) -> String {
        format!("{PREFIX}{}_{}_{secret}", self.tenant, self.id)
    }

    fn principal(&self) -> Principal {
        Principal {
            tenant: self.tenant.clone(),
            subject: format!("key:{}", self.id),
            roles: Role::named(&self.role).into_iter().collect(),
            scopes: self.scopes.iter().filter_map(|name| Scope::named(name)).collect(),
        }
    }
}

/// What a new key is to be.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Whose jobs and scores it opens.
    pub tenant: String,
    /// What it is for.
    pub name: String,
    /// What who has it is to the tenant.
    pub role: Role,
    /// What it is given for; all that the role has where none is named.
    pub scopes: Vec<Scope>,
    /// How long it opens.
    pub lasts: Duration,
}

/// A key and how it stands.
#[derive(Debug)]
pub struct Listed {
    /// The key.
    pub key: Key,
    /// Whether it was taken back.
    pub revoked: bool,
}

/// The keys of a ledger.
#[derive(Debug)]
pub struct Keys {
    drawer: Drawer,
    known: Mutex<BTreeMap<(String, String), Known>>,
    asking: Semaphore,
}

#[derive(Clone, Debug)]
struct Known {
    until: Instant,
    key: Option<Arc<Key>>,
}

impl Keys {
    /// The keys of a ledger.
    #[must_use]
    pub fn of(ledger: &Ledger) -> Self {
        Keys {
            drawer: ledger.common_drawer("keys"),
            known: Mutex::default(),
            asking: Semaphore::new(ASKING_MAX),
        }
    }

    /// Makes a key; says it, and the text that opens.
    ///
    /// # Errors
    /// `malformed` for a tenant that cannot be, or scopes that the role has not; what the ledger says.
    pub async fn add(&self, wanted: &Wanted) -> Result<(Key, String), Failure> {
        let malformed = |message: String| Failure::new(FailureKind::Malformed, message);
        let Wanted { name, role, scopes, lasts, .. } = wanted;
        let all = Scope::ALL.into_iter().filter(|scope| role.has(*scope));
        let scopes = if scopes.is_empty() { all.collect() } else { scopes.clone() };
        if let Some(scope) = scopes.iter().find(|scope| !role.has(**scope)) {
            return Err(malformed(format!("the role {} has no {}", role.name(), scope.name())));
        }
        if name.is_empty() || name.len() > 100 || name.chars().any(char::is_control) {
            return Err(malformed("say in 1 to 100 letters what the key is for".to_owned()));
        }
        let created_ms = clock::now_ms();
        let secret = random_text::<SECRET_BYTES>()?;
        let key = Key {
            id: random_text::<ID_BYTES>()?,
            tenant: tenant(&wanted.tenant)?,
            name: name.clone(),
            role: role.name().to_owned(),
            scopes: scopes.iter().map(|scope| scope.name().to_owned()).collect(),
            created_ms,
            expires_ms: created_ms.saturating_add(u64::try_from(lasts.as_millis()).unwrap_or(u64::MAX)),
            digest: digest(&secret),
        };
        match self.drawer.create(&[&key.tenant, &key.id, "key"], wire::encode(&key)?).await? {
            Created::First => {
                let text = key.text(&secret);
                Ok((key, text))
            }
            Created::Already => Err(Failure::new(FailureKind::Internal, "two keys have one id")),
        }
    }

    /// Every key, by tenant.
    ///
    /// # Errors
    /// What the ledger says.
    pub async fn list(&self) -> Result<Vec<Listed>, Failure> {
        let mut listed = Vec::new();
        for entry in self.drawer.list(&[]).await? {
            let [tenant, id, what] = entry.key.as_slice() else { continue };
            if what == "key"
                && let Some(bytes) = self.drawer.get(&[tenant, id, "key"]).await?
            {
                let key = wire::decode(&bytes, "a key")?;
                listed.push(Listed { key, revoked: self.is_revoked(tenant, id).await? });
            }
        }
        Ok(listed)
    }

    /// Takes a key back, by its public part; says it.
    ///
    /// # Errors
    /// `not_found`, or what the ledger says.
    pub async fn revoke(&self, id: &str) -> Result<Key, Failure> {
        let found = self.list().await?.into_iter().find(|listed| listed.key.id == id);
        let missing =
            || Failure::new(FailureKind::NotFound, format!("no key {id:?}; ripieno keys list has them"));
        let key = found.ok_or_else(missing)?.key;
        self.drawer.create(&[&key.tenant, &key.id, "revoked"], Vec::new()).await?;
        Ok(key)
    }

    /// Who has a key: nobody where it does not exist, is not whole, has ended, or was taken back.
    ///
    /// # Errors
    /// What the ledger says.
    pub(super) async fn principal(&self, text: &str) -> Result<Option<Principal>, Failure> {
        let Some((tenant, id, secret)) = parts(text) else { return Ok(None) };
        let key = self.known((tenant, id)).await?;
        // Digests are compared in the same time wherever they differ.
        let opens = |key: &Arc<Key>| {
            blake3::Hash::from_hex(&key.digest).is_ok_and(|known| known == blake3::hash(secret.as_bytes()))
                && clock::now_ms() < key.expires_ms
        };
        Ok(key.filter(opens).map(|key| key.principal()))
    }

    async fn known(&self, name: (String, String)) -> Result<Option<Arc<Key>>, Failure> {
        let remembered = |keys: &Self| {
            let known = keys.known.lock().unwrap_or_else(PoisonError::into_inner);
            known.get(&name).filter(|known| Instant::now() < known.until).map(|known| known.key.clone())
        };
        if let Some(key) = remembered(self) {
            return Ok(key);
        }
        let gone = |error| Failure::new(FailureKind::Internal, format!("nobody is asked any more: {error}"));
        let _turn = self.asking.acquire().await.map_err(gone)?;
        // Somebody with the same key may have asked meanwhile.
        if let Some(key) = remembered(self) {
            return Ok(key);
        }
        let (tenant, id) = (&name.0, &name.1);
        let key: Option<Key> = match self.drawer.get(&[tenant, id, "key"]).await? {
            Some(bytes) if !self.is_revoked(tenant, id).await? => Some(wire::decode(&bytes, "a key")?),
            _ => None,
        };
        let key = key.map(Arc::new);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= KNOWN_MAX {
            known.clear();
        }
        known.insert(name, Known { until: Instant::now() + TRUSTED, key: key.clone() });
        Ok(key)
    }

    async fn is_revoked(&self, tenant: &str, id: &str) -> Result<bool, Failure> {
        self.drawer.get(&[tenant, id, "revoked"]).await.map(|found| found.is_some())
    }
}

/// Tenant, public part and secret of a key, if it is written as one.
fn parts(text: &str) -> Option<(String, String, &str)> {
    let mut parts = text.strip_prefix(PREFIX)?.splitn(3, '_');
    let (name, id, secret) = (parts.next()?, parts.next()?, parts.next()?);
    let hex = |text: &str, bytes: usize| {
        text.len() == 2 * bytes
            && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
    };
    let whole = hex(id, ID_BYTES) && hex(secret, SECRET_BYTES);
    whole.then(|| Some((tenant(name).ok()?, id.to_owned(), secret)))?
}

fn digest(secret: &str) -> String {
    blake3::hash(secret.as_bytes()).to_hex().to_string()
}

/// Random bytes in hexadecimal.
fn random_text<const N: usize>() -> Result<String, Failure> {
    Ok(random::<N>()?.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(tenant: &str, role: Role) -> Wanted {
        let (tenant, name) = (tenant.to_owned(), "pipeline".to_owned());
        Wanted { tenant, name, role, scopes: Vec::new(), lasts: Duration::from_secs(60) }
    }

    #[tokio::test]
    async fn a_key_opens_for_its_tenant_until_it_ends_or_is_taken_back() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = Ledger::in_folder(folder.path()).await.unwrap();
        let keys = Keys::of(&ledger);
        let (key, text) = keys.add(&wanted("uni-a", Role::Analyst)).await.unwrap();
        let who = keys.principal(&text).await.unwrap().unwrap();
        assert_eq!((who.tenant.as_str(), who.roles.as_slice()), ("uni-a", &[Role::Analyst][..]));
        assert!(who.was_given(Scope::JobsWrite) && !who.was_given(Scope::ScoresWrite));
        let (over, ended) =
            keys.add(&Wanted { lasts: Duration::ZERO, ..wanted("uni-a", Role::Viewer) }).await.unwrap();
        assert!(keys.principal(&ended).await.unwrap().is_none());
        // One letter of each part: tenant, public part, secret.
        for (from, to) in [("uni-a", "uni-b"), (&key.id[..], &over.id[..])] {
            assert!(keys.principal(&text.replace(from, to)).await.unwrap().is_none(), "{to}");
        }
        let last = if text.ends_with('0') { "1" } else { "0" };
        let other = format!("{}{last}", &text[..text.len() - 1]);
        assert!(keys.principal(&other).await.unwrap().is_none());
        assert_eq!(keys.list().await.unwrap().len(), 2);
        keys.revoke(&key.id).await.unwrap();
        // Another front, or this one after ten seconds.
        assert!(Keys::of(&ledger).principal(&text).await.unwrap().is_none());
        assert!(keys.list().await.unwrap().iter().any(|listed| listed.key.id == key.id && listed.revoked));
        assert_eq!(keys.revoke("nothing").await.unwrap_err().kind, FailureKind::NotFound);
    }

    #[tokio::test]
    async fn the_ledger_does_not_have_the_secret_and_roles_bound_scopes() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = Ledger::in_folder(folder.path()).await.unwrap();
        let keys = Keys::of(&ledger);
        let (key, text) = keys.add(&wanted("a", Role::Viewer)).await.unwrap();
        let secret = text.rsplit('_').next().unwrap();
        let held = std::fs::read(folder.path().join(format!("keys/a/{}/key", key.id))).unwrap();
        assert!(!held.windows(16).any(|window| secret.as_bytes().windows(16).any(|part| part == window)));
        let scopes = vec![Scope::JobsWrite];
        let failure = keys.add(&Wanted { scopes, ..wanted("a", Role::Viewer) }).await.unwrap_err();
        assert!(failure.message.contains("viewer has no jobs:write"), "{failure}");
        for tenant in ["local", "A", "../b", ""] {
            assert!(keys.add(&wanted(tenant, Role::Viewer)).await.is_err(), "{tenant}");
        }
    }

    #[test]
    fn what_is_not_written_as_a_key_is_none() {
        let (id, secret) = ("0123456789abcdef", "0".repeat(64));
        assert!(parts(&format!("ripieno_a_{id}_{secret}")).is_some());
        for text in [
            String::new(),
            format!("ripieno_a_{id}_"),
            format!("ripieno_../a_{id}_{secret}"),
            format!("ripieno_a_{}_{secret}", id.to_uppercase()),
            format!("ripieno_a_{id}_{secret}0"),
            format!("ripieno_local_{id}_{secret}"),
            format!("other_a_{id}_{secret}"),
        ] {
            assert_eq!(parts(&text), None, "{text}");
        }
    }
}
