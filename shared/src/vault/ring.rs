//! The data keys of one tenant, as they lie in the store and as a process holds them.

use super::key::{DataKey, KeyId};
use super::master::Master;
use super::sealed::damaged;
use crate::failure::Failure;
use crate::wire::WIRE_VERSION;
use serde::{Deserialize, Serialize};

/// One of a tenant's numbered records.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Record {
    version: u16,
    /// How often the tenant was erased before.
    pub(super) life: u32,
    /// When it was written, in milliseconds since 1970 by the writer's clock.
    pub(super) at_ms: u64,
    pub(super) state: State,
}

/// What a record says.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum State {
    /// These are the keys, the last of which seals.
    Keys {
        /// Whether the tenant has objects of before there was a key.
        plain: bool,
        keys: Vec<Wrapped>,
    },
    /// The tenant was erased, and nothing was done for it since.
    Erased,
    /// Another record came after it, and what it said was overwritten.
    Superseded,
}

/// A data key that is wrapped by a master key.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Wrapped {
    id: KeyId,
    pub(super) made_ms: u64,
    /// Name of the master key.
    pub(super) master: String,
    key: Vec<u8>,
}

impl Record {
    pub(super) const fn new(life: u32, at_ms: u64, state: State) -> Self {
        Record { version: WIRE_VERSION, life, at_ms, state }
    }
}

/// The keys of a tenant, opened.
#[derive(Clone, Debug)]
pub(super) struct Ring {
    pub(super) life: u32,
    /// Whether objects that are not sealed may be this tenant's.
    pub(super) plain: bool,
    /// Oldest first; there is one at least.
    keys: Vec<(DataKey, u64)>,
}

impl Ring {
    /// A ring of one new key.
    pub(super) fn new(life: u32, plain: bool, now_ms: u64) -> Result<Self, Failure> {
        Ok(Ring { life, plain, keys: vec![(DataKey::new()?, now_ms)] })
    }

    /// The same with one more key, which seals from now on.
    pub(super) fn with_new_key(&self, now_ms: u64) -> Result<Self, Failure> {
        let mut ring = self.clone();
        ring.keys.push((DataKey::new()?, now_ms));
        Ok(ring)
    }

    /// The key that seals.
    pub(super) fn current(&self) -> Option<&DataKey> {
        self.keys.last().map(|(key, _)| key)
    }

    pub(super) const fn count(&self) -> usize {
        self.keys.len()
    }

    pub(super) fn find(&self, id: KeyId) -> Option<&DataKey> {
        self.keys.iter().map(|(key, _)| key).find(|key| *key.id() == id)
    }

    /// What the keys are bound to, so that none can be given to another tenant.
    fn bound(&self, tenant: &str, id: &KeyId) -> String {
        let Ring { life, plain, .. } = self;
        format!("tenant {tenant} life {life} plain {plain} key {id}")
    }

    /// Its record, wrapped by the first master key.
    pub(super) async fn wrapped(
        &self,
        tenant: &str,
        master: &dyn Master,
        now_ms: u64,
    ) -> Result<Record, Failure> {
        let mut keys = Vec::with_capacity(self.keys.len());
        for (key, made_ms) in &self.keys {
            let wrapped = master.wrap(key.secret(), &self.bound(tenant, key.id())).await?;
            keys.push(Wrapped { id: *key.id(), made_ms: *made_ms, master: master.name(), key: wrapped });
        }
        Ok(Record::new(self.life, now_ms, State::Keys { plain: self.plain, keys }))
    }

    /// The ring of a record.
    pub(super) async fn unwrapped(
        tenant: &str,
        (life, plain): (u32, bool),
        wrapped: &[Wrapped],
        master: &dyn Master,
    ) -> Result<Self, Failure> {
        let mut ring = Ring { life, plain, keys: Vec::with_capacity(wrapped.len()) };
        for Wrapped { id, made_ms, master: name, key } in wrapped {
            let bound = ring.bound(tenant, id);
            let secret = master.unwrap(name, key, &bound).await?;
            let key = DataKey::of(*id, &secret).ok_or_else(|| damaged(&bound))?;
            ring.keys.push((key, *made_ms));
        }
        Ok(ring)
    }

    /// Its keys in plain words, for a process that has no master key.
    pub(super) fn handed(&self) -> Handed {
        let secret = |key: &DataKey| (*key.id(), key.secret().to_vec());
        let keys = self.keys.iter().map(|(key, _)| secret(key)).collect();
        Handed { life: self.life, plain: self.plain, keys }
    }
}

/// The keys of one tenant, for a process that works for it and has no master key. It goes through a pipe, and lies nowhere.
#[derive(Clone, Serialize, Deserialize)]
pub struct Handed {
    life: u32,
    plain: bool,
    keys: Vec<(KeyId, Vec<u8>)>,
}

/// What is logged holds no key.
impl std::fmt::Debug for Handed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} keys", self.keys.len())
    }
}

impl Handed {
    pub(super) fn ring(&self) -> Result<Ring, Failure> {
        let key = |(id, secret): &(KeyId, Vec<u8>)| {
            let key = DataKey::of(*id, secret).ok_or_else(|| damaged("a key that was handed over"))?;
            Ok((key, 0))
        };
        let keys = self.keys.iter().map(key).collect::<Result<_, Failure>>()?;
        Ok(Ring { life: self.life, plain: self.plain, keys })
    }
}
