//! Removing jobs that are kept no longer. A job without a record is one that never was, so the record goes first; its place in
//! the index goes last, so that whoever comes after one that died in between finds what is left.
//!
//! ```text
//! tenants/<t>/removing/<job>    while it is removed: who submits it anew, by a key of its own, waits
//! ```

use super::watch::written_ms;
use super::{AT_ONCE, Ledger};
use crate::failure::Failure;
use crate::job::JobId;
use crate::store::failure;
use bytes::Bytes;
use futures::TryStreamExt;
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore};

impl Ledger {
    fn removing(&self, job: &JobId) -> Path {
        Path::from_iter(["tenants", self.tenant(), "removing", job.as_str()])
    }

    /// Whether a job is being removed at this moment.
    ///
    /// # Errors
    /// What the store says.
    pub async fn is_being_removed(&self, job: &JobId) -> Result<bool, Failure> {
        self.exists(&self.removing(job)).await
    }

    /// Removes a job that was accepted then, and everything of it; says how many objects. What was written since `young_ms`
    /// belongs to a new job of the same name, and stays.
    ///
    /// # Errors
    /// What the store says; it is then removed by the next one who tries.
    pub async fn remove_job(&self, created_ms: u64, job: &JobId, young_ms: u64) -> Result<u64, Failure> {
        let marker = self.removing(job);
        self.create(&marker, Bytes::new()).await?;
        let old = |meta: &ObjectMeta| written_ms(meta) < young_ms;
        let (key, mut removed) = (self.keys.record(job), 1);
        let record = self.head(&key).await?;
        if record.as_ref().is_none_or(old) {
            removed += u64::from(record.is_some());
            self.remove(&key).await?;
            let folder = self.keys.jobs().join(job.as_str());
            let mut listed = self.store.list(Some(&folder)).try_chunks(AT_ONCE);
            while let Some(mut objects) = listed.try_next().await.map_err(|error| failure(error.1))? {
                objects.retain(old);
                removed += self.remove_all(objects).await?;
            }
            if self.head(&self.keys.active_job(job)).await?.is_some_and(|meta| old(&meta)) {
                self.leave_active(job).await?;
            }
        }
        self.remove(&marker).await?;
        self.remove(&self.index_key_of(created_ms, job)).await?;
        Ok(removed)
    }
}
