//! The jobs of a tenant in the order in which they were accepted, a folder for each day: a page of a long list reads its own
//! records, and names of no other days. Days and moments are counted backwards, so that the newest come first.

use super::Ledger;
use crate::clock::DAY_MS;
use crate::failure::Failure;
use crate::job::{JobId, Record};
use crate::store::failure;
use futures::{StreamExt, TryStreamExt, stream};
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore};

/// What moments are counted down from, in milliseconds since 1970: far in the future.
const END_MS: u64 = 999_999_999_999_999;
/// Records that are read together.
const RECORDS_AT_ONCE: usize = 16;

/// The day and the name under which a job is listed.
fn position(created_ms: u64, job: &JobId) -> (String, String) {
    let left = END_MS.saturating_sub(created_ms);
    (format!("{:08}", left / DAY_MS), format!("{left:015}-{job}"))
}

/// When a job was accepted that is listed under this name, and which it is.
fn listed(name: &str) -> Option<(u64, JobId)> {
    let (left, job) = name.split_once('-')?;
    Some((END_MS.checked_sub(left.parse().ok()?)?, job.parse().ok()?))
}

impl Ledger {
    pub(super) fn index_key(&self, record: &Record) -> Path {
        self.index_key_of(record.created_ms, &record.id)
    }

    pub(super) fn index_key_of(&self, created_ms: u64, job: &JobId) -> Path {
        let (day, name) = position(created_ms, job);
        self.keys.index().join(day).join(name)
    }

    /// Where every job is listed, newest first: when it was accepted, and which it is. Some of them may never have been
    /// accepted, or are half removed.
    ///
    /// # Errors
    /// What the store says.
    pub async fn listed_jobs(&self) -> Result<Vec<(u64, JobId)>, Failure> {
        let found = self.store.list(Some(&self.keys.index()));
        let names = found.map_ok(|meta| meta.location.filename().and_then(listed)).map_err(failure);
        let mut jobs: Vec<(u64, JobId)> =
            names.try_filter_map(|job| async move { Ok(job) }).try_collect().await?;
        jobs.sort_unstable_by(|a, b| b.cmp(a));
        Ok(jobs)
    }

    /// Every accepted job, newest first.
    ///
    /// # Errors
    /// What the store says.
    pub async fn records(&self) -> Result<Vec<Record>, Failure> {
        self.records_after(None, usize::MAX).await
    }

    /// Accepted jobs, newest first, those of one moment by their handles: the first `most`, or those behind one of them.
    ///
    /// # Errors
    /// What the store says.
    pub async fn records_after(
        &self,
        after: Option<(u64, &JobId)>,
        most: usize,
    ) -> Result<Vec<Record>, Failure> {
        let from = after.map(|(created_ms, job)| position(created_ms, job));
        let mut records = Vec::new();
        for day in self.folders(&self.keys.index()).await? {
            if from.as_ref().is_some_and(|(from, _)| day < *from) {
                continue;
            }
            let folder = self.keys.index().join(day);
            let found: Vec<ObjectMeta> =
                self.store.list(Some(&folder)).try_collect().await.map_err(failure)?;
            let mut names: Vec<&str> = found.iter().filter_map(|meta| meta.location.filename()).collect();
            names.retain(|name| from.as_ref().is_none_or(|(_, from)| *name > from.as_str()));
            names.sort_unstable();
            let names: Vec<(u64, JobId)> = names.into_iter().filter_map(listed).collect();
            let reads = stream::iter(names).map(|(created_ms, job)| async move {
                // One without a record was never accepted. One that two fronts accepted at once has the time of one of them.
                let record = self.readable_record(&job).await?;
                Ok::<_, Failure>(record.filter(|record| record.created_ms == created_ms))
            });
            let mut reads = reads.buffered(RECORDS_AT_ONCE);
            while let Some(record) = reads.try_next().await? {
                records.extend(record);
                if records.len() >= most {
                    return Ok(records);
                }
            }
        }
        Ok(records)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn newer_ones_stand_before_older_ones_and_names_are_read_back() {
        let job = JobId::from_random(&[7; 16]);
        let moments = [1_795_737_600_001, 1_795_737_600_000, 1_795_737_599_999, 951_782_400_000, 0];
        let positions: Vec<_> = moments.iter().map(|ms| position(*ms, &job)).collect();
        assert!(positions.is_sorted() && positions.windows(2).all(|two| two[0] != two[1]), "{positions:?}");
        for (ms, (_, name)) in moments.iter().zip(&positions) {
            assert_eq!(listed(name), Some((*ms, job.clone())));
        }
        assert_eq!(listed("x"), None);
    }
}
