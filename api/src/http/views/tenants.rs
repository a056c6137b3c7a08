//! What is told of tenants: counts, and what is set.

use crate::moment;
use crate::service::{Days, Holding};
use serde::{Deserialize, Serialize};
use shared::terms::{Allowed, Quota};
use shared::usage::Usage;
use shared::vault::KeysOf;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// The tenants.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct Tenants {
    /// Their names, in order.
    tenants: Vec<String>,
    /// The keys that what is theirs is sealed with, of those that have or had any.
    keys: Vec<KeysView>,
}

/// The keys of a tenant: how many, not what they are.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct KeysView {
    /// The tenant.
    tenant: String,
    /// How many there are; none after it was erased.
    keys: usize,
    /// When the one that seals was made, or the tenant was erased.
    #[schema(example = "2026-03-01T12:00:00Z")]
    since: String,
    /// Names of the master keys that they are wrapped by.
    masters: Vec<String>,
    /// How often the tenant was erased.
    erased: u32,
}

impl KeysView {
    fn of(keys: KeysOf) -> Self {
        let KeysOf { tenant, keys, since_ms, masters, erased } = keys;
        KeysView { tenant, keys, since: moment::text(since_ms), masters, erased }
    }

    fn text(&self) -> String {
        let KeysView { keys, since, masters, erased, .. } = self;
        if *keys == 0 {
            return format!("erased {since}");
        }
        let again = if *erased > 0 { ", after it was erased" } else { "" };
        format!("{keys} keys, the newest of {since}{again}, wrapped by {}", masters.join(", "))
    }
}

impl Tenants {
    pub(crate) fn of(all: BTreeMap<String, Option<KeysOf>>) -> Self {
        let tenants = all.keys().cloned().collect();
        Tenants { tenants, keys: all.into_values().flatten().map(KeysView::of).collect() }
    }

    /// The same for people.
    pub(crate) fn text(&self) -> String {
        let line = |name: &String| {
            let keys = self.keys.iter().find(|keys| keys.tenant == *name);
            let state = keys.map_or_else(|| "not sealed".to_owned(), KeysView::text);
            format!("{name:<24} {state}\n")
        };
        self.tenants.iter().map(line).collect()
    }
}

/// Quotas as they are set: what is left out is as the installation has it.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct QuotaView {
    /// Requests a second, on average.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 1_000_000_000_000_000_u64)]
    requests_per_second: Option<u64>,
    /// Jobs that have not ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 1_000_000_000_000_000_u64)]
    jobs: Option<u64>,
    /// Items of the jobs of one day in UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 1_000_000_000_000_000_u64)]
    items_per_day: Option<u64>,
    /// Bytes of the jobs of one day in UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 1_000_000_000_000_000_u64)]
    bytes_per_day: Option<u64>,
}

impl From<QuotaView> for Quota {
    fn from(view: QuotaView) -> Self {
        let QuotaView { requests_per_second, jobs, items_per_day, bytes_per_day } = view;
        Quota { requests_per_second, jobs, items_per_day, bytes_per_day }
    }
}

impl From<Quota> for QuotaView {
    fn from(quota: Quota) -> Self {
        let Quota { requests_per_second, jobs, items_per_day, bytes_per_day } = quota;
        QuotaView { requests_per_second, jobs, items_per_day, bytes_per_day }
    }
}

/// For how long jobs are kept.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Retention {
    /// Days since a job ended; null for as the installation has it.
    #[schema(minimum = 1, maximum = 36500)]
    pub(crate) days: Option<u64>,
}

/// Quotas in force.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct AllowedView {
    requests_per_second: u64,
    jobs: u64,
    items_per_day: u64,
    bytes_per_day: u64,
}

impl From<Allowed> for AllowedView {
    fn from(allowed: Allowed) -> Self {
        let Allowed { requests_per_second, jobs, items_per_day, bytes_per_day } = allowed;
        AllowedView { requests_per_second, jobs, items_per_day, bytes_per_day }
    }
}

/// What a tenant has of its quotas.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct Used {
    /// Jobs that have not ended.
    jobs: u64,
    /// Items of the jobs of today, in UTC.
    items: u64,
    /// Bytes of the jobs of today.
    bytes: u64,
}

/// A tenant, as the operator sees it.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct TenantView {
    /// Its name.
    tenant: String,
    /// What is set for it.
    set: QuotaView,
    /// What is in force.
    quota: AllowedView,
    /// What it has of that now.
    used: Used,
    /// Days that its jobs are kept once they have ended; null for ever.
    retention_days: Option<u64>,
}

impl TenantView {
    pub(crate) fn of(tenant: String, holding: &Holding) -> Self {
        let Holding { terms, allowed, retention_days, jobs, today } = holding;
        let used = Used { jobs: *jobs, items: today.items, bytes: today.bytes };
        let (set, quota) = (terms.quota.into(), (*allowed).into());
        TenantView { tenant, set, quota, used, retention_days: *retention_days }
    }

    /// What is set for it.
    pub(crate) fn quota_set(&self) -> Quota {
        self.set.into()
    }

    /// The same for people.
    pub(crate) fn text(&self) -> String {
        let TenantView { tenant, set, quota, used, retention_days } = self;
        let line = |name: &str, used: Option<u64>, most: u64, set: bool| {
            let (used, set) = (used.map(|used| format!("{used} of ")), if set { ", set for it" } else { "" });
            format!("  {name:<20} {}{most}{set}\n", used.unwrap_or_default())
        };
        let kept = retention_days.map_or("kept for ever".to_owned(), |days| format!("{days} days"));
        let set_here = set;
        [
            format!("{tenant}\n"),
            line(
                "requests a second",
                None,
                quota.requests_per_second,
                set_here.requests_per_second.is_some(),
            ),
            line("jobs at once", Some(used.jobs), quota.jobs, set_here.jobs.is_some()),
            line("items today", Some(used.items), quota.items_per_day, set_here.items_per_day.is_some()),
            line("bytes today", Some(used.bytes), quota.bytes_per_day, set_here.bytes_per_day.is_some()),
            format!("  {:<20} {kept}\n", "ended jobs"),
        ]
        .concat()
    }
}

/// What the work of a tenant came to.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct UsageView {
    /// The first day in UTC.
    #[schema(example = "2026-03-01")]
    from: String,
    /// The last day.
    to: String,
    /// The days on which a job ended.
    days: Vec<DayUsage>,
    /// All of them together.
    total: Counts,
}

/// What the jobs that ended on one day came to.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct DayUsage {
    /// The day in UTC.
    day: String,
    #[serde(flatten)]
    counts: Counts,
}

/// What jobs came to, by their receipts.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, ToSchema)]
pub(crate) struct Counts {
    /// Jobs that ended.
    jobs: u64,
    /// Items with an outcome.
    items: u64,
    /// Of these, those that failed, or of which something failed.
    failed: u64,
    /// Of these, those whose findings were known already.
    cached: u64,
    /// Bytes of the sources.
    bytes: u64,
    /// Seconds of the processor that reading and analysing took.
    cpu_seconds: f64,
}

impl From<Usage> for Counts {
    fn from(usage: Usage) -> Self {
        let (jobs, sums) = (usage.jobs, usage.sums);
        // So many milliseconds are counted exactly for longer than there are processors.
        let cpu_seconds = sums.cpu_ms as f64 / 1000.0;
        let (items, failed, cached, bytes) = (sums.items, sums.failed, sums.cached, sums.bytes);
        Counts { jobs, items, failed, cached, bytes, cpu_seconds }
    }
}

impl UsageView {
    pub(crate) fn of(days: &Days, usage: Vec<(String, Usage)>) -> Self {
        let total = usage.iter().fold(Usage::default(), |sum, (_, day)| sum.and(day.jobs, day.sums));
        let told = usage.into_iter().map(|(day, usage)| DayUsage { day, counts: usage.into() }).collect();
        UsageView { from: days.first(), to: days.last(), days: told, total: total.into() }
    }

    /// The same for people.
    pub(crate) fn text(&self) -> String {
        let line = |name: &str, counts: &Counts| {
            let Counts { jobs, items, failed, cached, bytes, cpu_seconds } = counts;
            format!(
                "{name:<12} {jobs:>8} {items:>12} {failed:>10} {cached:>12} {bytes:>16} {cpu_seconds:>14.1}\n"
            )
        };
        let head = format!(
            "{:<12} {:>8} {:>12} {:>10} {:>12} {:>16} {:>14}\n",
            "day", "jobs", "items", "failed", "cached", "bytes", "cpu seconds"
        );
        let days: String = self.days.iter().map(|day| line(&day.day, &day.counts)).collect();
        format!("{head}{days}{}", line("all", &self.total))
    }
}
