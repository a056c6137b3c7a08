//! How often each tenant may ask. Every front counts for itself; where there is a Redis, what all of them let in is counted
//! there too, and the stricter count decides. So a Redis that is away, slow or empty lets nobody in whom this front alone
//! would not have let in, and nobody waits for it longer than a command may take.

use shared::failure::Failure;
use shared::ledger::Ledger;
use shared::limits::Limits;
use shared::metrics::QUOTA_REFUSED;
use shared::redis::{Redis, cmd};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Seconds whose requests may come at once.
const BURST_SECONDS: f64 = 2.0;
/// Tenants that are remembered: one that is forgotten begins with a full measure.
const TENANTS_MAX: usize = 10_000;
/// How long what is set for a tenant is believed: after as long every front goes by what was set anew.
const TRUSTED: Duration = Duration::from_secs(8);
/// How often it is said that Redis does not count.
const TOLD_EVERY: Duration = Duration::from_secs(10);

/// The same measure in Redis, by the clock of Redis. A key that is not there is a full one.
const SHARED: &str = r"
local rate, full = tonumber(ARGV[1]), tonumber(ARGV[2])
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local held = redis.call('HMGET', KEYS[1], 'left', 'at')
local left, at = tonumber(held[1]) or full, tonumber(held[2]) or now
left = math.min(full, left + math.max(0, now - at) * rate)
local taken = left >= 1 and 1 or 0
redis.call('HSET', KEYS[1], 'left', string.format('%.6f', left - taken), 'at', string.format('%.6f', now))
redis.call('EXPIRE', KEYS[1], 10)
return taken
";

/// What each tenant has left.
#[derive(Debug)]
pub(super) struct Rates {
    here: Mutex<BTreeMap<String, Measure>>,
    rates: Mutex<BTreeMap<String, Known>>,
    ledger: Ledger,
    shared: Option<Redis>,
    told: Mutex<Option<Instant>>,
}

#[derive(Debug)]
struct Measure {
    left: f64,
    at: Instant,
}

/// What is known to be set for a tenant.
#[derive(Clone, Copy, Debug)]
struct Known {
    until: Instant,
    per_second: Option<u64>,
}

/// Nothing that holds one of these locks can panic half-way through a change.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Rates {
    pub(super) fn of(ledger: &Ledger, shared: Option<Redis>) -> Self {
        let (here, rates, told) = (Mutex::default(), Mutex::default(), Mutex::default());
        Rates { here, rates, ledger: ledger.clone(), shared, told }
    }

    /// Takes a request from what a tenant may ask in a second.
    ///
    /// # Errors
    /// How many it may ask in a second, where none was left.
    pub(super) async fn take(&self, tenant: &str, limits: &Limits) -> Result<(), u64> {
        let per_second = self.per_second(tenant).await.unwrap_or(limits.tenant_requests_per_second_max);
        if self.take_here(tenant, per_second, Instant::now()) && self.take_shared(tenant, per_second).await {
            return Ok(());
        }
        QUOTA_REFUSED.add(&[tenant, "requests"], 1);
        Err(per_second)
    }

    /// What is set for a tenant, if that is anything. Where the ledger is away, what was set before holds.
    async fn per_second(&self, tenant: &str) -> Option<u64> {
        let now = Instant::now();
        let known = {
            let mut rates = lock(&self.rates);
            let known = rates.get_mut(tenant);
            match known {
                Some(known) if now < known.until => return known.per_second,
                // One request asks again; those that come meanwhile go by what was known.
                Some(known) => {
                    known.until = now + TRUSTED;
                    Some(*known)
                }
                None => None,
            }
        };
        let per_second = match self.ledger.of(tenant).terms().await {
            Ok(terms) => terms.quota.requests_per_second,
            Err(failure) => {
                tracing::warn!(tenant, %failure, "what is set for the tenant is not known");
                known.and_then(|known| known.per_second)
            }
        };
        let mut rates = lock(&self.rates);
        if rates.len() >= TENANTS_MAX {
            rates.clear();
        }
        rates.insert(tenant.to_owned(), Known { until: now + TRUSTED, per_second });
        per_second
    }

    fn take_here(&self, tenant: &str, per_second: u64, now: Instant) -> bool {
        // A rate is small enough to be counted exactly.
        let rate = per_second as f64;
        let full = rate * BURST_SECONDS;
        let mut all = lock(&self.here);
        if all.len() >= TENANTS_MAX && !all.contains_key(tenant) {
            all.clear();
        }
        let measure = all.entry(tenant.to_owned()).or_insert(Measure { left: full, at: now });
        let passed = now.saturating_duration_since(measure.at).as_secs_f64();
        measure.left = (measure.left + passed * rate).min(full);
        measure.at = now;
        if measure.left < 1.0 {
            return false;
        }
        measure.left -= 1.0;
        true
    }

    async fn take_shared(&self, tenant: &str, per_second: u64) -> bool {
        let Some(redis) = &self.shared else { return true };
        let full = per_second as f64 * BURST_SECONDS;
        let mut script = cmd("EVAL");
        script.arg(SHARED).arg(1).arg(redis.key(&["rate", tenant])).arg(per_second).arg(full);
        match redis.ask::<u8>(&script).await {
            Ok(taken) => taken == 1,
            Err(failure) => {
                self.tell(&failure);
                true
            }
        }
    }

    /// Says that this front counts alone, now and then.
    fn tell(&self, failure: &Failure) {
        let (mut told, now) = (lock(&self.told), Instant::now());
        if told.is_none_or(|told| now.saturating_duration_since(told) >= TOLD_EVERY) {
            *told = Some(now);
            tracing::warn!(%failure, "requests are counted by this front alone");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::terms::{Quota, Terms};

    async fn rates() -> (tempfile::TempDir, Rates) {
        let folder = tempfile::tempdir().unwrap();
        let ledger = Ledger::in_folder(folder.path()).await.unwrap();
        (folder, Rates::of(&ledger, None))
    }

    #[tokio::test]
    async fn a_tenant_has_its_measure_and_takes_from_no_other() {
        let ((_folder, rates), began) = (rates().await, Instant::now());
        let taken = |tenant, at: u64| {
            let now = began + Duration::from_millis(at);
            (0..100).take_while(|_| rates.take_here(tenant, 10, now)).count()
        };
        assert_eq!((taken("a", 0), taken("a", 0)), (20, 0));
        assert_eq!(taken("b", 0), 20);
        assert_eq!((taken("a", 50), taken("a", 100), taken("a", 1100)), (0, 1, 10));
        assert_eq!(taken("a", 1_000_000), 20);
        // A clock that steps back gives nothing.
        assert_eq!(taken("a", 0), 0);
    }

    #[tokio::test]
    async fn what_is_set_for_a_tenant_goes_before_what_holds_for_all() {
        let (_folder, rates) = rates().await;
        let set =
            |terms: Terms| Terms { quota: Quota { requests_per_second: Some(1), ..terms.quota }, ..terms };
        rates.ledger.of("uni-a").change_terms(set).await.unwrap();
        let limits = Limits { tenant_requests_per_second_max: 1_000_000, ..Limits::default() };
        let mut refused = None;
        for _ in 0..60 {
            refused = refused.or(rates.take("uni-a", &limits).await.err());
            rates.take("uni-b", &limits).await.unwrap();
        }
        assert_eq!(refused, Some(1));
    }
}
