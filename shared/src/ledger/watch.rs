//! What reconciling asks of the ledger: which jobs are unfinished, whoever owns them, and since when nothing moves.
//!
//! Times are the store's own, so that processes whose clocks differ judge alike.

use super::{Created, Ledger, number};
use crate::failure::Failure;
use crate::job::{JobId, Record};
use crate::store::failure;
use bytes::Bytes;
use futures::TryStreamExt;
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt};

/// How far a job is, by its receipts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Chunks with a receipt.
    pub receipts: u32,
    /// When the last thing that is known of it was written, in milliseconds since 1970 by the store's clock.
    pub last_ms: u64,
}

impl Ledger {
    /// Claims a turn of a duty that one of many processes does. Says the store's time, in milliseconds since 1970, to
    /// the process that may do it, and nothing to the others.
    ///
    /// # Errors
    /// What the store says.
    pub async fn claim(&self, duty: &str, turn: u64) -> Result<Option<u64>, Failure> {
        let folder = Path::from_iter(["duties", duty]);
        let key = folder.clone().join(format!("{turn:020}"));
        if self.create(&key, Bytes::new()).await? == Created::Already {
            return Ok(None);
        }
        let now = written_ms(&self.store.head(&key).await.map_err(failure)?);
        let turns: Vec<ObjectMeta> = self.store.list(Some(&folder)).try_collect().await.map_err(failure)?;
        for old in turns.into_iter().filter(|old| old.location < key) {
            let _ = self.store.delete(&old.location).await; // One that stays does no harm.
        }
        Ok(Some(now))
    }

    /// The accepted jobs of every tenant that have not finished.
    ///
    /// # Errors
    /// What the store says.
    pub async fn active_of_all(&self) -> Result<Vec<(Ledger, Record)>, Failure> {
        self.first_active(usize::MAX).await
    }

    /// The same of so many jobs at the most.
    ///
    /// # Errors
    /// What the store says.
    pub async fn first_active(&self, most: usize) -> Result<Vec<(Ledger, Record)>, Failure> {
        let prefix = Path::from("active");
        let listed: Vec<ObjectMeta> = self.store.list(Some(&prefix)).try_collect().await.map_err(failure)?;
        let mut active = Vec::with_capacity(listed.len());
        for meta in listed.into_iter().take(most) {
            let parts: Vec<_> = meta.location.parts().collect();
            let [_, tenant, job] = &parts[..] else { continue };
            let Ok(job) = job.as_ref().parse::<JobId>() else { continue };
            let ledger = self.of(tenant.as_ref());
            if let Some(record) = ledger.readable_record(&job).await? {
                active.push((ledger, record));
            }
        }
        Ok(active)
    }

    /// How far a job is, and since when.
    ///
    /// # Errors
    /// `not_found`, or what the store says.
    pub async fn progress(&self, job: &JobId) -> Result<Progress, Failure> {
        let record = self.store.head(&self.keys.record(job)).await.map_err(failure)?;
        let mut progress = Progress { receipts: 0, last_ms: written_ms(&record) };
        let mut receipts = self.store.list(Some(&self.keys.receipts(job)));
        while let Some(meta) = receipts.try_next().await.map_err(failure)? {
            progress.receipts += u32::from(number(&meta.location).is_some());
            progress.last_ms = progress.last_ms.max(written_ms(&meta));
        }
        let mut controls = self.store.list(Some(&self.keys.controls(job)));
        while let Some(meta) = controls.try_next().await.map_err(failure)? {
            progress.last_ms = progress.last_ms.max(written_ms(&meta));
        }
        Ok(progress)
    }
}

pub(super) fn written_ms(meta: &ObjectMeta) -> u64 {
    u64::try_from(meta.last_modified.timestamp_millis()).unwrap_or(0)
}
