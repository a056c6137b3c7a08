//! What a process counts, for whoever watches it: one list, in the text format of Prometheus.

use crate::failure::FailureKind;
use crate::limits::METRIC_TENANTS_MAX;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// Something that is counted or measured.
#[derive(Debug)]
pub struct Metric {
    /// Its name; the unit stands at its end, or `total`.
    pub name: &'static str,
    /// `counter` or `gauge`.
    pub kind: &'static str,
    /// What one of it is.
    pub unit: &'static str,
    /// What it says.
    pub help: &'static str,
    value: AtomicU64,
}

impl Metric {
    const fn new(name: &'static str, kind: &'static str, unit: &'static str, help: &'static str) -> Self {
        Metric { name, kind, unit, help, value: AtomicU64::new(0) }
    }

    /// One more.
    pub fn increase(&self) {
        self.add(1);
    }

    /// So many more.
    pub fn add(&self, more: u64) {
        self.value.fetch_add(more, Ordering::Relaxed);
    }

    /// One less, of a gauge.
    pub fn decrease(&self) {
        self.value.fetch_sub(1, Ordering::Relaxed);
    }

    /// It is so much, of a gauge.
    pub fn set(&self, value: u64) {
        self.value.store(value, Ordering::Relaxed);
    }

    /// How much it is.
    #[must_use]
    pub fn value(&self) -> u64 {
        self.value.load(Ordering::Relaxed)
    }
}

macro_rules! metrics {
    ($($(#[doc = $help:literal])+ $static:ident: $kind:literal $name:literal, $unit:literal;)+) => {
        $($(#[doc = $help])+ pub static $static: Metric = Metric::new($name, $kind, $unit, concat!($($help),+));)+

        /// Every metric without labels, in the order of the table.
        pub static METRICS: &[&Metric] = &[$(&$static),+];
    };
}

metrics! {
    /// Chunks whose receipt this process wrote first.
    CHUNKS_DONE: "counter" "ripieno_chunks_done_total", "chunk";
    /// Chunks put back because something was away.
    CHUNKS_PUT_BACK: "counter" "ripieno_chunks_put_back_total", "chunk";
    /// Chunks given up after many attempts.
    CHUNKS_GIVEN_UP: "counter" "ripieno_chunks_given_up_total", "chunk";
    /// Chunks that somebody else had worked by the time that this process was done.
    CHUNKS_WASTED: "counter" "ripieno_chunks_wasted_total", "chunk";
    /// Chunks in work now.
    CHUNKS_IN_WORK: "gauge" "ripieno_chunks_in_work", "chunk";
    /// Items with an outcome.
    ITEMS_DONE: "counter" "ripieno_items_done_total", "item";
    /// Items of these whose findings all came from the cache, or from the run before.
    ITEMS_CACHED: "counter" "ripieno_items_cached_total", "item";
    /// Child processes that died of what they worked.
    APART_DEATHS: "counter" "ripieno_apart_deaths_total", "process";
    /// Jobs whose work was published again.
    JOBS_RECONCILED: "counter" "ripieno_jobs_reconciled_total", "job";
    /// Connections to the broker that broke or could not be had.
    BROKER_FAILURES: "counter" "ripieno_broker_failures_total", "connection";
    /// Whether chunks are being consumed: 1, or 0 while there is no connection.
    BROKER_CONSUMING: "gauge" "ripieno_broker_consuming", "0 or 1";
    /// Commands to Redis that failed or were not answered in time.
    REDIS_FAILURES: "counter" "ripieno_redis_failures_total", "command";
    /// Whether there is a connection to Redis: 1, or 0 where there is none or none is wanted.
    REDIS_CONNECTED: "gauge" "ripieno_redis_connected", "0 or 1";
    /// Requests that the front answered.
    HTTP_REQUESTS: "counter" "ripieno_http_requests_total", "request";
    /// Requests of these that were answered with a status of 500 or more.
    HTTP_FAILURES: "counter" "ripieno_http_failures_total", "request";
    /// Connections to the front that were closed because there were too many.
    HTTP_REFUSED: "counter" "ripieno_http_refused_total", "connection";
    /// Connections to the front.
    HTTP_CONNECTIONS: "gauge" "ripieno_http_connections", "connection";
    /// Requests that wait for a job, or listen to one.
    HTTP_WAITING: "gauge" "ripieno_http_waiting", "request";
    /// Ends of jobs that a receiver was told of.
    CALLBACKS_DONE: "counter" "ripieno_callbacks_done_total", "callback";
    /// Ends of jobs that a receiver was not told of after all tries.
    CALLBACKS_GIVEN_UP: "counter" "ripieno_callbacks_given_up_total", "callback";
    /// Records of what was done that could not be written when it was done.
    AUDIT_LOST: "counter" "ripieno_audit_lost_total", "record";
    /// Whether the cache is in use: 1, or 0 where it could not be opened.
    CACHE_IN_USE: "gauge" "ripieno_cache_in_use", "0 or 1";
}

/// Something that is counted tenant by tenant.
#[derive(Debug)]
pub struct Family {
    /// Its name.
    pub name: &'static str,
    /// What one of it is.
    pub unit: &'static str,
    /// What it says.
    pub help: &'static str,
    /// The labels: the first is the tenant.
    pub labels: &'static [&'static str],
    /// How many of what is added make one of it.
    per: u64,
    values: Mutex<BTreeMap<Vec<String>, u64>>,
}

/// The tenants that are told apart.
static TENANTS: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
/// What the others are together.
const OTHER: &str = "other";

/// The tenant as metrics call it.
fn told_apart(tenant: &str) -> String {
    // Nothing that holds the lock can panic half-way through a change.
    let mut known = TENANTS.lock().unwrap_or_else(PoisonError::into_inner);
    if !known.contains(tenant) {
        if known.len() as u64 >= METRIC_TENANTS_MAX.default {
            return OTHER.to_owned();
        }
        known.insert(tenant.to_owned());
    }
    tenant.to_owned()
}

impl Family {
    const fn new(
        name: &'static str,
        unit: &'static str,
        help: &'static str,
        labels: &'static [&'static str],
        per: u64,
    ) -> Self {
        Family { name, unit, help, labels, per, values: Mutex::new(BTreeMap::new()) }
    }

    /// So many more, of the tenant and whatever else stands in the labels.
    pub fn add(&self, of: &[&str], more: u64) {
        let Some((tenant, rest)) = of.split_first() else { return };
        let mut key = vec![told_apart(tenant)];
        key.extend(rest.iter().map(|label| (*label).to_owned()));
        let mut values = self.values.lock().unwrap_or_else(PoisonError::into_inner);
        let value = values.entry(key).or_default();
        *value = value.saturating_add(more);
    }

    fn tell(&self, text: &mut String) {
        let (name, help) = (self.name, self.help.trim());
        // Writing to a string cannot fail.
        let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} counter");
        for (of, value) in self.values.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            let labels: Vec<String> =
                self.labels.iter().zip(of).map(|(label, value)| format!("{label}=\"{value}\"")).collect();
            let labels = labels.join(",");
            let _ = match self.per {
                1 => writeln!(text, "{name}{{{labels}}} {value}"),
                // A number of the text format is a float in any case.
                per => writeln!(text, "{name}{{{labels}}} {}", *value as f64 / per as f64),
            };
        }
    }
}

macro_rules! families {
    ($($(#[doc = $help:literal])+ $static:ident: $name:literal $labels:expr, $unit:literal / $per:literal;)+) => {
        $($(#[doc = $help])+ pub static $static: Family = Family::new($name, $unit, concat!($($help),+), &$labels, $per);)+

        /// Every counter by tenant, in the order of the table.
        pub static FAMILIES: &[&Family] = &[$(&$static),+];
    };
}

families! {
    /// Items with an outcome.
    TENANT_ITEMS: "ripieno_tenant_items_total" ["tenant"], "item" / 1;
    /// Items of these that failed, or of which something failed, by kind.
    TENANT_FAILURES: "ripieno_tenant_failures_total" ["tenant", "kind"], "item" / 1;
    /// Bytes of the sources of these items.
    TENANT_BYTES: "ripieno_tenant_bytes_total" ["tenant"], "byte" / 1;
    /// Time of the processor that reading and analysing took.
    TENANT_CPU: "ripieno_tenant_cpu_seconds_total" ["tenant"], "second" / 1000;
    /// Requests, jobs and times of schedules that were refused, by quota: `requests`, `jobs`, `items` or `bytes`.
    QUOTA_REFUSED: "ripieno_quota_refused_total" ["tenant", "quota"], "refusal" / 1;
}

/// Name of the metric of failed items, which has the label `kind`.
pub const ITEMS_FAILED: &str = "ripieno_items_failed_total";
static FAILED: [AtomicU64; FailureKind::ALL.len()] = [const { AtomicU64::new(0) }; FailureKind::ALL.len()];

/// An item failed, or something of it.
pub fn item_failed(kind: FailureKind) {
    let counters = FailureKind::ALL.iter().zip(&FAILED);
    counters.filter(|(other, _)| **other == kind).for_each(|(_, counter)| {
        counter.fetch_add(1, Ordering::Relaxed);
    });
}

/// All of them, in the text format of Prometheus.
#[must_use]
pub fn text() -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    for metric in METRICS {
        let (name, kind, help) = (metric.name, metric.kind, metric.help.trim());
        let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {}", metric.value());
    }
    let _ = writeln!(text, "# HELP {ITEMS_FAILED} Items that failed, or of which something failed, by kind.");
    let _ = writeln!(text, "# TYPE {ITEMS_FAILED} counter");
    for (kind, counter) in FailureKind::ALL.iter().zip(&FAILED) {
        let _ =
            writeln!(text, "{ITEMS_FAILED}{{kind=\"{}\"}} {}", kind.label(), counter.load(Ordering::Relaxed));
    }
    FAMILIES.iter().for_each(|family| family.tell(&mut text));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_the_kind_and_every_metric_is_told() {
        item_failed(FailureKind::Crashed);
        let text = text();
        for metric in METRICS {
            assert_eq!(metric.name.ends_with("_total"), metric.kind == "counter", "{}", metric.name);
            assert!(text.contains(&format!("\n{} ", metric.name)), "{}", metric.name);
        }
        assert!(text.contains("ripieno_items_failed_total{kind=\"crashed\"} 1\n"));
        assert!(text.ends_with('\n'));
    }

    #[test]
    fn tenants_beyond_the_limit_are_counted_together() {
        let most = METRIC_TENANTS_MAX.default;
        for tenant in 0..most + 50 {
            TENANT_CPU.add(&[&format!("uni-{tenant:03}")], 1500);
            QUOTA_REFUSED.add(&[&format!("uni-{tenant:03}"), "items"], 1);
        }
        let text = text();
        let of =
            |name: &str| text.lines().filter(|line| line.starts_with(&format!("{name}{{"))).count() as u64;
        assert_eq!(
            (of("ripieno_tenant_cpu_seconds_total"), of("ripieno_quota_refused_total")),
            (most + 1, most + 1)
        );
        assert!(text.contains("ripieno_tenant_cpu_seconds_total{tenant=\"uni-000\"} 1.5\n"));
        assert!(text.contains("ripieno_tenant_cpu_seconds_total{tenant=\"other\"} 75\n"));
        assert!(text.contains("ripieno_quota_refused_total{tenant=\"other\",quota=\"items\"} 50\n"));
        for family in FAMILIES {
            assert!(
                family.name.ends_with("_total")
                    && text.contains(&format!("# TYPE {} counter\n", family.name))
            );
            assert_eq!(family.labels.first(), Some(&"tenant"));
        }
    }
}
