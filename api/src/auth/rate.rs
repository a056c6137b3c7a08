//! How often each tenant may ask.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// Seconds whose requests may come at once.
const BURST_SECONDS: f64 = 2.0;
/// Tenants that are remembered: one that is forgotten begins with a full measure.
const TENANTS_MAX: usize = 10_000;

/// What each tenant has left.
#[derive(Debug, Default)]
pub(super) struct Rates(Mutex<BTreeMap<String, Measure>>);

#[derive(Debug)]
struct Measure {
    left: f64,
    at: Instant,
}

impl Rates {
    /// Takes a request from what a tenant may ask in a second; says whether there was one left.
    pub(super) fn take(&self, tenant: &str, per_second: u64, now: Instant) -> bool {
        // A rate is small enough to be counted exactly.
        let rate = per_second as f64;
        let full = rate * BURST_SECONDS;
        // Nothing that holds the lock can panic half-way through a change.
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
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
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_tenant_has_its_measure_and_takes_from_no_other() {
        let (rates, began) = (Rates::default(), Instant::now());
        let taken = |tenant, at: u64| {
            let now = began + Duration::from_millis(at);
            (0..100).take_while(|_| rates.take(tenant, 10, now)).count()
        };
        assert_eq!((taken("a", 0), taken("a", 0)), (20, 0));
        assert_eq!(taken("b", 0), 20);
        assert_eq!((taken("a", 50), taken("a", 100), taken("a", 1100)), (0, 1, 10));
        assert_eq!(taken("a", 1_000_000), 20);
        // A clock that steps back gives nothing.
        assert_eq!(taken("a", 0), 0);
    }
}
