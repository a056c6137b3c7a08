//! Encryption of what rests: each tenant has data keys of its own, which lie in the store wrapped by a master key.
//!
//! ```text
//! vault/masters/<name>             the master keys that data keys may be wrapped by
//! vault/tenants/<t>/<number>       the data keys of a tenant: the highest number is in force, the others are overwritten
//! ```
//!
//! Numbers are created once and without gaps, and are never removed: whoever is late finds its number taken, and cannot bring
//! back a key that was destroyed meanwhile. `sealed` is the form of objects, `master` the keys of the environment, `keeping`
//! what an operator does.

mod keeping;
mod key;
mod master;
mod ring;
mod sealed;
mod store;
mod stream;

pub use keeping::{KeysOf, Rewrapped};
pub use master::{Master, MasterKeys, from_environment};
pub use ring::Handed;
pub(crate) use sealed::{held_bytes, is_sealed};

use crate::clock;
use crate::config;
use crate::failure::{Failure, FailureKind};
use bytes::Bytes;
use key::{DataKey, KeyId};
use object_store::ObjectStore;
use ring::{Ring, State};
use sealed::Head;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};
use store::Shelf;
use tokio::sync::Mutex as Turn;

/// How long keys are believed to be in force before the store is asked again.
const TRUSTED: Duration = Duration::from_secs(3);
/// How old what is known may be for what cannot wait for the store. Older keys are forgotten, which is looked at every
/// [`TRUSTED`]: so nobody has a key ten seconds after it was destroyed.
const HELD_MAX: Duration = Duration::from_secs(6);
/// How often a key that nobody knows has the store asked.
const MISSED_EVERY: Duration = Duration::from_secs(1);
/// Tries to be the first to write a number.
const TRIES_MAX: u32 = 100;

/// The keys of all tenants, as one process has them.
#[derive(Debug)]
pub struct Vault {
    shelf: Shelf,
    master: Option<Arc<dyn Master>>,
    slots: Mutex<BTreeMap<String, Arc<Slot>>>,
}

/// What is known of one tenant.
#[derive(Debug, Default)]
struct Slot {
    held: Mutex<Option<Held>>,
    /// Whoever has it asks the store; the others wait for what it finds.
    turn: Turn<()>,
}

#[derive(Clone, Debug)]
struct Held {
    /// When the store was asked; nothing for keys that were handed over, which hold.
    asked: Option<Instant>,
    /// The number in force; 0 for none.
    number: u32,
    standing: Standing,
}

/// How a tenant stands.
#[derive(Clone, Debug)]
enum Standing {
    /// It never had a key.
    None,
    /// It was erased, so often in all.
    Erased(u32),
    Keys(Arc<Ring>),
}

impl Standing {
    fn life(&self) -> u32 {
        match self {
            Standing::None => 0,
            Standing::Erased(life) => *life,
            Standing::Keys(ring) => ring.life,
        }
    }
}

impl Held {
    fn is_fresh(&self, within: Duration) -> bool {
        self.asked.is_none_or(|asked| asked.elapsed() < within)
    }
}

impl Vault {
    /// The vault of a store; none where nobody gives a master key and nothing was ever sealed.
    ///
    /// # Errors
    /// `denied`, naming the variable, where master keys are missing; what the store says.
    pub(crate) async fn of(
        store: &Arc<dyn ObjectStore>,
        master: Option<Arc<dyn Master>>,
    ) -> Result<Option<Arc<Self>>, Failure> {
        let vault = Self::found(store, master).await?;
        if let Some(vault) = &vault {
            tokio::spawn(forget(Arc::downgrade(vault)));
        }
        Ok(vault)
    }

    async fn found(
        store: &Arc<dyn ObjectStore>,
        master: Option<Arc<dyn Master>>,
    ) -> Result<Option<Arc<Self>>, Failure> {
        let shelf = Shelf::of(store);
        let used = shelf.masters().await?;
        let denied = |message: String| Err(Failure::new(FailureKind::Denied, message));
        let Some(master) = master else {
            if used.is_empty() {
                return Ok(None);
            }
            let (key, file) = (config::MASTER_KEY, config::MASTER_KEY_FILE);
            return denied(format!(
                "the store holds sealed objects: {key} or {file} must give its master key"
            ));
        };
        let missing: Vec<&str> = used.iter().filter(|name| !master.has(name)).map(String::as_str).collect();
        if !missing.is_empty() {
            let (key, missing, first) = (config::MASTER_KEY, missing.join(", "), master.name());
            return denied(format!(
                "{key} gives the wrong master key, or not all: keys of the store are wrapped by {missing}, and the first one given is {first}"
            ));
        }
        Ok(Some(Arc::new(Vault { shelf, master: Some(master), slots: Mutex::default() })))
    }

    /// A vault of keys that were handed over: those of one tenant.
    pub(crate) fn handed(
        store: &Arc<dyn ObjectStore>,
        tenant: &str,
        handed: &Handed,
    ) -> Result<Arc<Self>, Failure> {
        let vault = Vault { shelf: Shelf::of(store), master: None, slots: Mutex::default() };
        let standing = Standing::Keys(Arc::new(handed.ring()?));
        vault.slot(tenant).set(Held { asked: None, number: 0, standing });
        Ok(Arc::new(vault))
    }

    fn master(&self) -> Result<&dyn Master, Failure> {
        let none = || Failure::new(FailureKind::Internal, "a process that works apart has no master key");
        self.master.as_deref().ok_or_else(none)
    }

    fn slots(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Arc<Slot>>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn slot(&self, tenant: &str) -> Arc<Slot> {
        let mut slots = self.slots();
        if let Some(slot) = slots.get(tenant) {
            return Arc::clone(slot);
        }
        Arc::clone(slots.entry(tenant.to_owned()).or_default())
    }

    /// How a tenant stands, as the store said not long ago.
    async fn standing(&self, tenant: &str, within: Duration) -> Result<Held, Failure> {
        let slot = self.slot(tenant);
        if let Some(held) = slot.get().filter(|held| held.is_fresh(within)) {
            return Ok(held);
        }
        let _turn = slot.turn.lock().await;
        let known = slot.get();
        if let Some(held) = known.as_ref().filter(|held| held.is_fresh(within)) {
            return Ok(held.clone());
        }
        let held = self.ask(tenant, known).await?;
        slot.set(held.clone());
        Ok(held)
    }

    /// Asks the store, which has a number more where something has changed.
    async fn ask(&self, tenant: &str, known: Option<Held>) -> Result<Held, Failure> {
        let asked = Some(Instant::now());
        let from = match &known {
            Some(held) => held.number,
            None => self.shelf.last(tenant).await?.saturating_sub(1),
        };
        let Some((number, record)) = self.shelf.newest_after(tenant, from).await? else {
            let standing = known.map_or(Standing::None, |held| held.standing);
            return Ok(Held { asked, number: from, standing });
        };
        let standing = match record.state {
            State::Keys { plain, keys } => {
                let ring = Ring::unwrapped(tenant, (record.life, plain), &keys, self.master()?).await?;
                Standing::Keys(Arc::new(ring))
            }
            State::Erased => Standing::Erased(record.life),
            State::Superseded => {
                let message = format!("the keys of {tenant} are being changed");
                return Err(Failure::new(FailureKind::Unavailable, message));
            }
        };
        Ok(Held { asked, number, standing })
    }

    /// How often a tenant was erased.
    pub(crate) async fn life(&self, tenant: &str) -> Result<u32, Failure> {
        Ok(self.standing(tenant, TRUSTED).await?.standing.life())
    }

    /// The keys of a tenant to seal with; made where there are none. A `life` that is over is refused.
    async fn ring(&self, tenant: &str, life: Option<u32>) -> Result<Arc<Ring>, Failure> {
        for _ in 0..TRIES_MAX {
            let held = self.standing(tenant, TRUSTED).await?;
            if life.is_some_and(|life| life != held.standing.life()) {
                return Err(Failure::new(FailureKind::NotFound, format!("{tenant} was erased meanwhile")));
            }
            if let Standing::Keys(ring) = &held.standing {
                return Ok(Arc::clone(ring));
            }
            let plain = matches!(held.standing, Standing::None) && self.shelf.has_objects(tenant).await?;
            let ring = Ring::new(held.standing.life(), plain, clock::now_ms())?;
            self.write_ring(tenant, &held, &ring).await?;
        }
        Err(Failure::new(FailureKind::Unavailable, format!("the keys of {tenant} change all the time")))
    }

    /// Puts keys in force, unless something has changed since; what counts is to be asked for anew.
    async fn write_ring(&self, tenant: &str, held: &Held, ring: &Ring) -> Result<bool, Failure> {
        let master = self.master()?;
        self.shelf.note_master(&master.name()).await?;
        let record = ring.wrapped(tenant, master, clock::now_ms()).await?;
        let first = self.shelf.create(tenant, held.number + 1, &record).await?;
        self.slot(tenant).set_old();
        Ok(first)
    }

    /// Seals bytes for a name.
    pub(crate) async fn seal(
        &self,
        tenant: &str,
        life: Option<u32>,
        name: &str,
        bytes: &[u8],
    ) -> Result<Bytes, Failure> {
        let ring = self.ring(tenant, life).await?;
        let none = || Failure::new(FailureKind::Internal, format!("{tenant} has no keys"));
        sealed::seal(ring.current().ok_or_else(none)?, name, bytes).map(Bytes::from)
    }

    /// What a sealed object holds; nothing for one of a tenant that was erased since.
    pub(crate) async fn open(
        &self,
        tenant: &str,
        name: &str,
        object: &[u8],
    ) -> Result<Option<Bytes>, Failure> {
        let (head, segments) = Head::split(object).ok_or_else(|| sealed::damaged(name))?;
        let Some(key) = self.key(tenant, head.key, name).await? else { return Ok(None) };
        sealed::open(&key, &head, name, segments).map(|bytes| Some(bytes.into()))
    }

    /// A key of a tenant; nothing for one that was destroyed.
    async fn key(&self, tenant: &str, id: KeyId, name: &str) -> Result<Option<DataKey>, Failure> {
        let find = |held: &Held| match &held.standing {
            Standing::Keys(ring) => ring.find(id).cloned(),
            _ => None,
        };
        let mut held = self.standing(tenant, TRUSTED).await?;
        if find(&held).is_none() {
            // It may be newer than what is known.
            held = self.standing(tenant, MISSED_EVERY).await?;
        }
        match find(&held) {
            Some(key) => Ok(Some(key)),
            None if held.standing.life() > 0 => Ok(None),
            None => {
                let message = format!("{name} is sealed with the key {id}, which {tenant} has not");
                Err(Failure::new(FailureKind::Internal, message))
            }
        }
    }

    /// Whether an object that is not sealed may be a tenant's. Those of an erased one are as if they were not there.
    ///
    /// # Errors
    /// `internal` where all of the tenant's are sealed; what the store says.
    pub(crate) async fn takes_plain(&self, tenant: &str, name: &str) -> Result<bool, Failure> {
        match self.standing(tenant, TRUSTED).await?.standing {
            Standing::None => Ok(true),
            Standing::Erased(_) => Ok(false),
            Standing::Keys(ring) if ring.plain => Ok(true),
            Standing::Keys(_) => {
                let message = format!("{name} is not sealed, where all objects of {tenant} are");
                Err(Failure::new(FailureKind::Internal, message))
            }
        }
    }

    /// Has there be keys of a tenant.
    pub(crate) async fn make_keys(&self, tenant: &str) -> Result<(), Failure> {
        self.ring(tenant, None).await.map(drop)
    }

    /// The keys of a tenant for a process that works for it apart.
    pub(crate) async fn hand_over(&self, tenant: &str) -> Result<Handed, Failure> {
        Ok(self.ring(tenant, None).await?.handed())
    }

    /// Lets keys go that nobody has asked for; those that a keeper may want at any time are asked for.
    async fn tidy(&self) {
        let mut wanted = Vec::new();
        self.slots().retain(|tenant, slot| {
            let kept = Arc::strong_count(slot) > 1;
            if kept {
                wanted.push(tenant.clone());
            }
            kept || slot.get().is_some_and(|held| held.is_fresh(HELD_MAX))
        });
        for tenant in wanted {
            if let Err(failure) = self.standing(&tenant, TRUSTED).await {
                tracing::warn!(%failure, tenant, "its keys cannot be had now");
                let slot = self.slot(&tenant);
                if slot.get().is_some_and(|held| !held.is_fresh(HELD_MAX)) {
                    slot.set_old();
                }
            }
        }
    }
}

impl Slot {
    fn held(&self) -> std::sync::MutexGuard<'_, Option<Held>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn get(&self) -> Option<Held> {
        self.held().clone()
    }

    fn set(&self, held: Held) {
        *self.held() = Some(held);
    }

    /// What is known is out of date.
    fn set_old(&self) {
        *self.held() = None;
    }
}

/// Forgets keys in time, as long as there is a vault.
async fn forget(vault: Weak<Vault>) {
    loop {
        tokio::time::sleep(TRUSTED).await;
        let Some(vault) = vault.upgrade() else { return };
        vault.tidy().await;
    }
}

/// Who seals what a process keeps of one tenant outside of the ledger: with the keys that are known at the moment. Without
/// them nothing is kept and nothing found.
#[derive(Clone, Debug, Default)]
pub struct Keeper(Option<Kept>);

#[derive(Clone, Debug)]
struct Kept {
    /// As long as somebody has it, the vault keeps what it holds fresh.
    slot: Arc<Slot>,
    life: Option<u32>,
}

impl Keeper {
    /// Nobody: bytes are kept as they are.
    #[must_use]
    pub const fn nobody() -> Self {
        Keeper(None)
    }

    pub(crate) fn of(vault: &Arc<Vault>, tenant: &str, life: Option<u32>) -> Self {
        Keeper(Some(Kept { slot: vault.slot(tenant), life }))
    }

    /// The bytes to keep under a name.
    #[must_use]
    pub fn seal(&self, name: &str, bytes: Vec<u8>) -> Option<Vec<u8>> {
        let Some(kept) = &self.0 else { return Some(bytes) };
        sealed::seal(kept.ring()?.current()?, name, &bytes).ok()
    }

    /// What was kept under a name, if it can be had.
    #[must_use]
    pub fn open<'a>(&self, name: &str, object: &'a [u8]) -> Option<Cow<'a, [u8]>> {
        let Some(kept) = &self.0 else { return Some(object.into()) };
        let (head, segments) = Head::split(object)?;
        sealed::open(kept.ring()?.find(head.key)?, &head, name, segments).ok().map(Cow::Owned)
    }
}

impl Kept {
    fn ring(&self) -> Option<Arc<Ring>> {
        let held = self.slot.get().filter(|held| held.is_fresh(HELD_MAX))?;
        let Standing::Keys(ring) = held.standing else { return None };
        self.life.is_none_or(|life| life == ring.life).then_some(ring)
    }
}

#[cfg(test)]
mod tests;
