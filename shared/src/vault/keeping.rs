//! What an operator does with keys: another data key, another master key, none any more.

use super::ring::{Record, State};
use super::{Standing, TRIES_MAX, Vault};
use crate::clock;
use crate::failure::{Failure, FailureKind};
use std::time::Duration;

/// The keys of a tenant, as an operator sees them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeysOf {
    /// The tenant.
    pub tenant: String,
    /// How many there are; none after it was erased.
    pub keys: usize,
    /// When the one that seals was made, or the tenant was erased, in milliseconds since 1970.
    pub since_ms: u64,
    /// Names of the master keys that they are wrapped by.
    pub masters: Vec<String>,
    /// How often the tenant was erased.
    pub erased: u32,
}

/// What became of wrapping all keys anew.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rewrapped {
    /// Tenants whose keys were wrapped by another master key.
    pub changed: u64,
    /// Tenants whose keys were wrapped by the first one already, or who have none.
    pub unchanged: u64,
}

impl Vault {
    /// The tenants that have, or had, keys.
    ///
    /// # Errors
    /// What the store says.
    pub async fn tenants(&self) -> Result<Vec<KeysOf>, Failure> {
        let mut all = Vec::new();
        for tenant in self.shelf.tenants().await? {
            if let Some((_, record)) = self.newest(&tenant).await? {
                let (mut masters, mut keys, mut since_ms) = (Vec::new(), 0, record.at_ms);
                if let State::Keys { keys: wrapped, .. } = record.state {
                    masters = wrapped.iter().map(|key| key.master.clone()).collect();
                    masters.sort_unstable();
                    masters.dedup();
                    keys = wrapped.len();
                    since_ms = wrapped.last().map_or(since_ms, |key| key.made_ms);
                }
                all.push(KeysOf { tenant, keys, since_ms, masters, erased: record.life });
            }
        }
        Ok(all)
    }

    /// Opens the keys of every tenant; says of how many.
    ///
    /// # Errors
    /// What is wrong with those that do not open; what the store says.
    pub async fn check(&self) -> Result<usize, Failure> {
        let tenants = self.shelf.tenants().await?;
        for tenant in &tenants {
            self.standing(tenant, Duration::ZERO).await?;
        }
        Ok(tenants.len())
    }

    async fn newest(&self, tenant: &str) -> Result<Option<(u32, Record)>, Failure> {
        let last = self.shelf.last(tenant).await?;
        self.shelf.newest_after(tenant, last.saturating_sub(1)).await
    }

    /// Gives a tenant a new key for what is written from now on; says how many it has.
    ///
    /// # Errors
    /// `not_found` for a tenant without keys; what the store says.
    pub async fn rekey(&self, tenant: &str) -> Result<usize, Failure> {
        for _ in 0..TRIES_MAX {
            let held = self.standing(tenant, Duration::ZERO).await?;
            let Standing::Keys(ring) = &held.standing else {
                let message = format!("{tenant} has no keys: nothing of it was sealed yet");
                return Err(Failure::new(FailureKind::NotFound, message));
            };
            let ring = ring.with_new_key(clock::now_ms())?;
            if self.write_ring(tenant, &held, &ring).await? {
                self.shelf.supersede(tenant, held.number + 1, false).await?;
                return Ok(ring.count());
            }
        }
        Err(Failure::new(FailureKind::Unavailable, format!("the keys of {tenant} change all the time")))
    }

    /// Wraps the keys of every tenant by the first master key. Those of before can be thrown away then.
    ///
    /// # Errors
    /// `unavailable` where a key is wrapped by a master key that is not given; what the store says.
    pub async fn rewrap(&self) -> Result<Rewrapped, Failure> {
        let (first, before) = (self.master()?.name(), self.shelf.masters().await?);
        let mut done = Rewrapped::default();
        for tenant in self.shelf.tenants().await? {
            match self.rewrap_tenant(&tenant, &first).await? {
                true => done.changed += 1,
                false => done.unchanged += 1,
            }
        }
        for master in before.iter().filter(|name| **name != first) {
            self.shelf.strike_master(master).await?;
        }
        Ok(done)
    }

    async fn rewrap_tenant(&self, tenant: &str, first: &str) -> Result<bool, Failure> {
        for _ in 0..TRIES_MAX {
            let Some((number, record)) = self.newest(tenant).await? else { return Ok(false) };
            let old = match &record.state {
                State::Keys { keys, .. } => keys.iter().any(|key| key.master != first),
                State::Erased | State::Superseded => false,
            };
            if !old {
                // Whoever wrote it may have died before it overwrote the others.
                self.shelf.supersede(tenant, number, true).await?;
                return Ok(false);
            }
            let held = self.standing(tenant, Duration::ZERO).await?;
            if let Standing::Keys(ring) = &held.standing
                && self.write_ring(tenant, &held, ring).await?
            {
                self.shelf.supersede(tenant, held.number + 1, true).await?;
                return Ok(true);
            }
        }
        Err(Failure::new(FailureKind::Unavailable, format!("the keys of {tenant} change all the time")))
    }

    /// Destroys the keys of a tenant; says when, in milliseconds since 1970 by the store's clock. What is sealed with them
    /// cannot be opened any more by anybody. Where it was broken off, the next one brings it to its end.
    ///
    /// # Errors
    /// What the store says.
    pub(crate) async fn destroy(&self, tenant: &str) -> Result<u64, Failure> {
        for _ in 0..TRIES_MAX {
            // The keys need not be unwrapped to be destroyed.
            let newest = self.newest(tenant).await?;
            let (number, life, erased) = newest.map_or((0, 0, false), |(number, record)| {
                (number, record.life, matches!(record.state, State::Erased))
            });
            let number = match erased {
                true => number,
                false => {
                    let record = Record::new(life + 1, clock::now_ms(), State::Erased);
                    if !self.shelf.create(tenant, number + 1, &record).await? {
                        continue;
                    }
                    number + 1
                }
            };
            self.slot(tenant).set_old();
            self.shelf.supersede(tenant, number, true).await?;
            return self.shelf.written_ms(tenant, number).await;
        }
        Err(Failure::new(FailureKind::Unavailable, format!("the keys of {tenant} change all the time")))
    }

    /// Whether nothing was sealed for a tenant since it was erased.
    pub(crate) async fn is_erased(&self, tenant: &str) -> Result<bool, Failure> {
        let held = self.standing(tenant, Duration::ZERO).await?;
        Ok(matches!(held.standing, Standing::Erased(_)))
    }
}
