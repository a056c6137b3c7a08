//! What the installation knows of a tenant beside its jobs. It holds nothing of a score, and is not sealed.
//!
//! ```text
//! terms/<t>/<n>                               what an operator set, numbered
//! charges/<t>/<day>/<job>.<items>.<bytes>     what of a day's quota a job has: all is in the name, so that a listing tells it
//! usage/<t>/<day>/<job>                       what a job came to that ended on this day: created once
//! ```

use super::{Created, Ledger, numbered};
use crate::clock;
use crate::failure::Failure;
use crate::job::JobId;
use crate::store::failure;
use crate::terms::{Share, Terms};
use crate::usage::{JobUsage, Usage};
use crate::wire::WIRE_VERSION;
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use object_store::ObjectStore;
use object_store::path::Path;
use std::ops::RangeInclusive;

/// Records that are read together.
const RECORDS_AT_ONCE: usize = 16;

/// The folders of this, but for what an operator set.
pub(super) const COUNTED: [&str; 2] = ["charges", "usage"];

/// A day as a folder is called, so that listings come in their order.
fn day_folder(day: u64) -> String {
    format!("{day:06}")
}

impl Ledger {
    fn terms_folder(&self) -> Path {
        Path::from_iter(["terms", self.tenant()])
    }

    /// What is set for this tenant.
    ///
    /// # Errors
    /// What the store says.
    pub async fn terms(&self) -> Result<Terms, Failure> {
        let folder = self.terms_folder();
        match self.numbers(&folder).await?.last() {
            Some(last) => Ok(self.get(&folder.join(numbered(*last))).await?.unwrap_or_default()),
            None => Ok(Terms::default()),
        }
    }

    /// Sets something for this tenant, after whatever others set at the same moment; says what is in force.
    ///
    /// # Errors
    /// What the store says.
    pub async fn change_terms(&self, change: impl Fn(Terms) -> Terms) -> Result<Terms, Failure> {
        loop {
            let now = self.terms().await?;
            let number = now.number.saturating_add(1);
            let next = Terms { version: WIRE_VERSION, number, at_ms: clock::now_ms(), ..change(now) };
            let key = self.terms_folder().join(numbered(number));
            if self.create_record(&key, &next).await? == Created::First {
                return Ok(next);
            }
        }
    }

    /// The tenants that something was ever set for.
    ///
    /// # Errors
    /// What the store says.
    pub async fn tenants_with_terms(&self) -> Result<Vec<String>, Failure> {
        self.folders(&Path::from("terms")).await
    }

    fn charges(&self, day: u64) -> Path {
        Path::from_iter(["charges", self.tenant(), &day_folder(day)])
    }

    /// What the jobs of this tenant have of a day, those that are about to be accepted too.
    ///
    /// # Errors
    /// What the store says.
    pub async fn charged(&self, day: u64) -> Result<Share, Failure> {
        let listed = self.store.list(Some(&self.charges(day))).map_err(failure);
        let add = |sum: Share, share: Share| async move { Ok(sum.and(share)) };
        let shares =
            listed.try_filter_map(|meta| async move { Ok(meta.location.filename().and_then(share)) });
        shares.try_fold(Share::default(), add).await
    }

    /// Has a job take its share of a day. The same share of the same job is taken once.
    ///
    /// # Errors
    /// What the store says.
    pub async fn charge(&self, day: u64, job: &JobId, share: Share) -> Result<Created, Failure> {
        self.create(&self.charges(day).join(named(job.as_str(), share)), Bytes::new()).await
    }

    /// Gives the share of a job back that was not accepted.
    ///
    /// # Errors
    /// What the store says.
    pub async fn discharge(&self, day: u64, job: &JobId, share: Share) -> Result<(), Failure> {
        self.remove(&self.charges(day).join(named(job.as_str(), share))).await
    }

    /// Has a job that has ended take what nobody knew of it when it was accepted; once.
    ///
    /// # Errors
    /// What the store says.
    pub async fn charge_late(&self, day: u64, job: &JobId, share: Share) -> Result<Created, Failure> {
        self.create(&self.charges(day).join(named(&format!("{job}-late"), share)), Bytes::new()).await
    }

    fn usage_folder(&self, day: u64) -> Path {
        Path::from_iter(["usage", self.tenant(), &day_folder(day)])
    }

    /// Writes what a job came to that has ended.
    ///
    /// # Errors
    /// What the store says.
    pub async fn write_usage(&self, usage: &JobUsage) -> Result<Created, Failure> {
        let key = self.usage_folder(clock::day_of(usage.at_ms)).join(usage.job.as_str());
        self.create_record(&key, usage).await
    }

    /// What this tenant's work came to on each of these days on which a job ended, the first day first.
    ///
    /// # Errors
    /// What the store says.
    pub async fn usage(&self, days: RangeInclusive<u64>) -> Result<Vec<(u64, Usage)>, Failure> {
        let mut all = Vec::new();
        for day in self.folders(&Path::from_iter(["usage", self.tenant()])).await? {
            let Some(day) = day.parse::<u64>().ok().filter(|day| days.contains(day)) else { continue };
            let folder = self.usage_folder(day);
            let listed: Vec<_> = self.store.list(Some(&folder)).try_collect().await.map_err(failure)?;
            let reads = stream::iter(listed)
                .map(|meta| async move { self.get::<JobUsage>(&meta.location).await })
                .buffer_unordered(RECORDS_AT_ONCE);
            let add = |usage: Usage, job: Option<JobUsage>| async move {
                Ok(job.map_or(usage, |job| usage.and(1, job.sums)))
            };
            all.push((day, reads.try_fold(Usage::default(), add).await?));
        }
        Ok(all)
    }
}

/// The name of a share.
fn named(of: &str, share: Share) -> String {
    format!("{of}.{}.{}", share.items, share.bytes)
}

/// The share that a name says.
fn share(name: &str) -> Option<Share> {
    let mut parts = name.rsplitn(3, '.');
    let (bytes, items) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    parts.next().map(|_| Share { items, bytes })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::terms::Quota;
    use crate::usage::Sums;

    async fn ledger() -> (tempfile::TempDir, Ledger) {
        let folder = tempfile::tempdir().unwrap();
        let ledger = Ledger::in_folder(folder.path()).await.unwrap().of("uni-a");
        (folder, ledger)
    }

    #[tokio::test]
    async fn what_is_set_at_once_by_two_is_set_by_both() {
        let (_folder, ledger) = ledger().await;
        assert_eq!(ledger.terms().await.unwrap(), Terms::default());
        let jobs = |terms: Terms| Terms { quota: Quota { jobs: Some(3), ..terms.quota }, ..terms };
        let days = |terms: Terms| Terms { retention_days: Some(9), ..terms };
        let (one, two) = tokio::join!(ledger.change_terms(jobs), ledger.change_terms(days));
        assert_eq!(one.unwrap().number + two.unwrap().number, 3);
        let terms = ledger.terms().await.unwrap();
        assert_eq!((terms.number, terms.quota.jobs, terms.retention_days), (2, Some(3), Some(9)));
        assert_eq!(ledger.of("uni-b").terms().await.unwrap().number, 0);
        assert_eq!(ledger.tenants_with_terms().await.unwrap(), ["uni-a"]);
    }

    #[tokio::test]
    async fn a_share_is_taken_once_for_its_day_and_given_back() {
        let (_folder, ledger) = ledger().await;
        let (one, two) = (JobId::from_random(&[1; 16]), JobId::from_random(&[2; 16]));
        let of = |items, bytes| Share { items, bytes };
        for _ in 0..2 {
            ledger.charge(7, &one, of(3, 100)).await.unwrap();
            ledger.charge_late(7, &one, of(0, 11)).await.unwrap();
        }
        ledger.charge(7, &two, of(1, 0)).await.unwrap();
        assert_eq!(ledger.charged(7).await.unwrap(), of(4, 111));
        ledger.discharge(7, &one, of(3, 100)).await.unwrap();
        assert_eq!(ledger.charged(7).await.unwrap(), of(1, 11));
        assert_eq!(ledger.charged(8).await.unwrap(), of(0, 0));
        assert_eq!(ledger.of("uni-b").charged(7).await.unwrap(), of(0, 0));
        assert_eq!((share("x"), share("a.1"), share("1.2"), share("a.b.1")), (None, None, None, None));
    }

    #[tokio::test]
    async fn a_job_counts_once_on_the_day_of_its_end() {
        let (_folder, ledger) = ledger().await;
        for (letter, at_ms) in [(1, 5), (2, 5), (3, clock::DAY_MS), (1, 5)] {
            let sums = Sums { items: 10, failed: 1, cached: 2, bytes: 100, cpu_ms: 7 };
            let job = JobId::from_random(&[letter; 16]);
            ledger.write_usage(&JobUsage { version: 1, job, at_ms, sums }).await.unwrap();
        }
        let usage = ledger.usage(0..=1).await.unwrap();
        let counts: Vec<_> = usage.iter().map(|(day, usage)| (*day, usage.jobs, usage.sums.bytes)).collect();
        assert_eq!(counts, [(0, 2, 200), (1, 1, 100)]);
        assert_eq!(ledger.usage(1..=9).await.unwrap().len(), 1);
        assert!(ledger.of("uni-b").usage(0..=9).await.unwrap().is_empty());
    }
}
