//! The ledger: the durable record of jobs, manifests, rows and receipts, in an object store. It is the truth;
//! messages are hints and every process is disposable.
//!
//! One primitive carries it all: create-if-absent. The first write of a key wins, a later one is told so.

mod drawer;
mod erase;
mod index;
mod keys;
mod remove;
mod rest;
mod schedules;
mod scores;
mod tenants;
mod watch;

pub use drawer::{Drawer, Entry};
pub use erase::Erased;
pub use rest::Handout;
pub use scores::Arriving;
pub use watch::Progress;

use crate::dispatch::Lane;
use crate::failure::{Failure, FailureKind};
use crate::job::{Chunk, Control, JobId, Record, Wish};
use crate::principal::LOCAL_TENANT;
use crate::receipt::{Depth, Finished, Origin, Receipt, RowParts};
use crate::row;
use crate::store::failure;
use crate::vault::{self, Master, Vault};
use crate::{clock, disk, wire};
use bytes::Bytes;
use futures::{TryStreamExt, try_join};
use keys::{Keys, number, numbered};
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt, PutMode, PutOptions};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::sync::Arc;

/// Objects that are removed before it is looked at others.
const AT_ONCE: usize = 1000;

/// Whether a create found its key free.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Created {
    /// This write is the one that counts.
    First,
    /// There was one before; it counts.
    Already,
}

/// A name for rows that no other rows have.
///
/// # Errors
/// `unavailable` without random numbers.
pub fn fresh_name() -> Result<String, Failure> {
    let no_numbers = |error| Failure::new(FailureKind::Unavailable, format!("no random numbers: {error}"));
    getrandom::u64().map(|number| format!("{number:016x}")).map_err(no_numbers)
}

/// The ledger, as one tenant sees it.
#[derive(Clone, Debug)]
pub struct Ledger {
    store: Arc<dyn ObjectStore>,
    /// Where the store is, for whoever reads uploaded scores: an absolute path, or a URL.
    root: Arc<str>,
    keys: Keys,
    /// Who seals what rests here; nobody where there is no master key.
    vault: Option<Arc<Vault>>,
    /// The life of the tenant that this is bound to: once it is erased, nothing more is written.
    life: Option<u32>,
}

impl Ledger {
    /// The same ledger as another tenant sees it.
    #[must_use]
    pub fn of(&self, tenant: &str) -> Self {
        Ledger { keys: Keys::new(tenant), life: None, ..self.clone() }
    }

    /// Whose ledger this is.
    #[must_use]
    pub fn tenant(&self) -> &str {
        self.keys.tenant()
    }

    /// The ledger in a local folder, which is made, sealed as the environment says. Writes are on the disk, their folders
    /// too, before they return.
    ///
    /// # Errors
    /// `denied` or `unavailable` when the folder cannot be made or written; `denied` where its master key is missing.
    pub async fn in_folder(folder: &std::path::Path) -> Result<Self, Failure> {
        Self::in_folder_with(folder, vault::from_environment()?).await
    }

    /// The same, with this master key.
    ///
    /// # Errors
    /// As [`Ledger::in_folder`].
    pub async fn in_folder_with(
        folder: &std::path::Path,
        master: Option<Arc<dyn Master>>,
    ) -> Result<Self, Failure> {
        disk::make_folder(folder).map_err(|error| {
            let kind = match error.kind() {
                std::io::ErrorKind::PermissionDenied => FailureKind::Denied,
                _ => FailureKind::Unavailable,
            };
            Failure::new(kind, format!("{}: the data folder cannot be made: {error}", folder.display()))
        })?;
        let store =
            object_store::local::LocalFileSystem::new_with_prefix(folder).map_err(failure)?.with_fsync(true);
        let root = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
        Self::on(Arc::new(store), &root.to_string_lossy(), master).await
    }

    /// The ledger in an object store, by its URL, sealed as the environment says.
    ///
    /// # Errors
    /// What [`crate::store::open`] says, `unsupported` for a store without conditional writes, `denied` where its master key
    /// is missing.
    pub async fn at_url(url: &str) -> Result<Self, Failure> {
        Self::at_url_with(url, vault::from_environment()?).await
    }

    /// The same, with this master key.
    ///
    /// # Errors
    /// As [`Ledger::at_url`].
    pub async fn at_url_with(url: &str, master: Option<Arc<dyn Master>>) -> Result<Self, Failure> {
        // A folder by its URL is as durable as one by its path.
        if let Some(folder) = url::Url::parse(url).ok().filter(|url| url.scheme() == "file") {
            let folder = folder.to_file_path();
            let folder = folder.map_err(|()| {
                Failure::new(FailureKind::Malformed, format!("{url:?} is no folder of this machine"))
            })?;
            return Self::in_folder_with(&folder, master).await;
        }
        let (store, prefix) = crate::store::open(url)?;
        Self::on(Arc::new(PrefixStore::new(store, prefix)), url.trim_end_matches('/'), master).await
    }

    /// The ledger on a store of the caller's own; `root` says where that is, as an absolute path or a URL.
    ///
    /// # Errors
    /// `unsupported` for a store whose second create of one key succeeds: on such a store two workers could both be first;
    /// `denied` where its master key is missing.
    pub async fn on(
        store: Arc<dyn ObjectStore>,
        root: &str,
        master: Option<Arc<dyn Master>>,
    ) -> Result<Self, Failure> {
        let keys = Keys::new(LOCAL_TENANT);
        let mut ledger = Ledger { store, root: root.into(), keys, vault: None, life: None };
        let probe = Path::from_iter(["probe", &format!("{}-{}", clock::now_ms(), std::process::id())]);
        let first = ledger.create(&probe, Bytes::from_static(b"probe")).await;
        let second = ledger.create(&probe, Bytes::from_static(b"probe")).await;
        let _ = ledger.store.delete(&probe).await; // A probe that stays does no harm.
        match (first?, second?) {
            (Created::First, Created::Already) => {
                ledger.vault = Vault::of(&ledger.store, master).await?;
                Ok(ledger)
            }
            _ => Err(Failure::new(
                FailureKind::Unsupported,
                "the store does not honour create-if-absent (If-None-Match: *), which the ledger stands on",
            )),
        }
    }

    /// Whether the store answers.
    ///
    /// # Errors
    /// What the store says.
    pub async fn reach(&self) -> Result<(), Failure> {
        self.exists(&Path::from_iter(["probe", "reach"])).await.map(drop)
    }

    async fn create(&self, key: &Path, bytes: Bytes) -> Result<Created, Failure> {
        let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
        match self.store.put_opts(key, bytes.into(), options).await {
            Ok(_) => Ok(Created::First),
            Err(object_store::Error::AlreadyExists { .. } | object_store::Error::Precondition { .. }) => {
                Ok(Created::Already)
            }
            Err(error) => Err(failure(error)),
        }
    }

    async fn create_record<T: Serialize>(&self, key: &Path, value: &T) -> Result<Created, Failure> {
        self.create(key, self.sealed(key, wire::encode(value)?).await?).await
    }

    async fn get<T: DeserializeOwned>(&self, key: &Path) -> Result<Option<T>, Failure> {
        let bytes = self.held(key).await?;
        bytes.map(|bytes| wire::decode(&bytes, key.as_ref())).transpose()
    }

    /// The bytes that the object under a key holds, if there is any.
    async fn held(&self, key: &Path) -> Result<Option<Bytes>, Failure> {
        self.held_as(key, key).await
    }

    /// The same of an object that was written under another key.
    async fn held_as(&self, key: &Path, written: &Path) -> Result<Option<Bytes>, Failure> {
        match self.store.get(key).await {
            Ok(found) => self.unsealed(written, found.bytes().await.map_err(failure)?).await,
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(failure(error)),
        }
    }

    /// Takes an object out; one that is not there is out already.
    async fn remove(&self, key: &Path) -> Result<(), Failure> {
        match self.store.delete(key).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(failure(error)),
        }
    }

    async fn exists(&self, key: &Path) -> Result<bool, Failure> {
        self.head(key).await.map(|meta| meta.is_some())
    }

    async fn head(&self, key: &Path) -> Result<Option<ObjectMeta>, Failure> {
        match self.store.head(key).await {
            Ok(meta) => Ok(Some(meta)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(failure(error)),
        }
    }

    async fn numbers(&self, prefix: &Path) -> Result<Vec<u32>, Failure> {
        let listed = self.store.list(Some(prefix)).map_ok(|meta| number(&meta.location));
        let mut numbers: Vec<u32> =
            listed.try_filter_map(|n| async move { Ok(n) }).try_collect().await.map_err(failure)?;
        numbers.sort_unstable();
        Ok(numbers)
    }

    /// Writes a chunk of a job that is not accepted yet. Where the client chose the job's id, by a key, somebody may have
    /// written one before.
    ///
    /// # Errors
    /// What the store says; `malformed` when the chunk of before is another one.
    pub async fn write_chunk(&self, job: &JobId, index: u32, chunk: &Chunk) -> Result<(), Failure> {
        if self.create_record(&self.keys.manifest(job, index), chunk).await? == Created::First
            || self.chunk(job, index).await? == *chunk
        {
            return Ok(());
        }
        let message = format!("{job} is begun with other files than these: give it another idempotency key");
        Err(Failure::new(FailureKind::Malformed, message))
    }

    /// Accepts a job, whose chunks were written: from here on it is run to its end, whatever dies.
    ///
    /// # Errors
    /// What the store says; the job is then not accepted.
    pub async fn accept(&self, record: &Record) -> Result<Created, Failure> {
        // First where it is listed: a job that is there but has no record was never accepted, and is passed over.
        let (active, index) = (self.keys.active_job(&record.id), self.index_key(record));
        try_join!(self.create(&active, Bytes::new()), self.create(&index, Bytes::new()))?;
        self.create_record(&self.keys.record(&record.id), record).await
    }

    /// The record of a job, if it was accepted.
    ///
    /// # Errors
    /// What the store says.
    pub async fn record_if_any(&self, job: &JobId) -> Result<Option<Record>, Failure> {
        self.get(&self.keys.record(job)).await
    }

    /// The record of a job.
    ///
    /// # Errors
    /// `not_found`, or what the store says.
    pub async fn record(&self, job: &JobId) -> Result<Record, Failure> {
        let record = self.get(&self.keys.record(job)).await?;
        record.ok_or_else(|| Failure::new(FailureKind::NotFound, format!("no job {job} in this ledger")))
    }

    /// The accepted jobs that have not finished.
    ///
    /// # Errors
    /// What the store says.
    pub async fn active(&self) -> Result<Vec<Record>, Failure> {
        let listed: Vec<_> =
            self.store.list(Some(&self.keys.active())).try_collect().await.map_err(failure)?;
        let ids = listed.iter().filter_map(|meta| meta.location.filename()?.parse().ok());
        self.records_of(ids.collect()).await
    }

    /// How many jobs are in the index of those that have not finished: a few of them may never have been accepted.
    ///
    /// # Errors
    /// What the store says.
    pub async fn active_at_most(&self) -> Result<u64, Failure> {
        let listed = self.store.list(Some(&self.keys.active()));
        listed.try_fold(0, |count, _| async move { Ok(count + 1) }).await.map_err(failure)
    }

    async fn records_of(&self, ids: Vec<JobId>) -> Result<Vec<Record>, Failure> {
        let mut records = Vec::with_capacity(ids.len());
        for id in ids {
            records.extend(self.readable_record(&id).await?);
        }
        Ok(records)
    }

    /// The record of one job among many: a damaged one is told of, and keeps nobody from the others.
    async fn readable_record(&self, job: &JobId) -> Result<Option<Record>, Failure> {
        match self.get(&self.keys.record(job)).await {
            Err(failure) if !failure.kind.is_transient() => {
                tracing::error!(tenant = self.tenant(), job.id = %job, %failure, "a job is passed over");
                Ok(None)
            }
            found => found,
        }
    }

    /// The items of a chunk.
    ///
    /// # Errors
    /// `not_found`, or what the store says.
    pub async fn chunk(&self, job: &JobId, index: u32) -> Result<Chunk, Failure> {
        let chunk = self.get(&self.keys.manifest(job, index)).await?;
        chunk.ok_or_else(|| Failure::new(FailureKind::NotFound, format!("no chunk {index} of {job}")))
    }

    /// What is wanted of a job.
    ///
    /// # Errors
    /// What the store says.
    pub async fn control(&self, job: &JobId) -> Result<Control, Failure> {
        let Some(&epoch) = self.numbers(&self.keys.controls(job)).await?.last() else {
            return Ok(Control::default());
        };
        let control = self.get(&self.keys.control(job, epoch)).await?;
        control.ok_or_else(|| {
            Failure::new(FailureKind::Unavailable, format!("control {epoch} of {job} is not there"))
        })
    }

    /// Changes what is wanted of a job, after whatever others changed at the same moment.
    ///
    /// # Errors
    /// What the store says.
    pub async fn set_control(&self, job: &JobId, wish: Wish) -> Result<Control, Failure> {
        self.change_control(job, |now| Control { wish, ..now }).await
    }

    /// Moves a job to another lane.
    ///
    /// # Errors
    /// What the store says.
    pub async fn set_lane(&self, job: &JobId, lane: Lane) -> Result<Control, Failure> {
        self.change_control(job, |now| Control { lane: Some(lane), ..now }).await
    }

    async fn change_control(
        &self,
        job: &JobId,
        change: impl Fn(Control) -> Control,
    ) -> Result<Control, Failure> {
        loop {
            let now = self.control(job).await?;
            let changed = change(now);
            if changed == now {
                return Ok(now);
            }
            let next = Control { epoch: now.epoch + 1, ..changed };
            if self.create_record(&self.keys.control(job, next.epoch), &next).await? == Created::First {
                return Ok(next);
            }
        }
    }

    /// Writes the next part of the rows of a chunk, before the receipt that names it. Parts that no receipt names do not count.
    ///
    /// # Errors
    /// What the store says.
    pub async fn write_rows(
        &self,
        (job, chunk): (&JobId, u32),
        parts: &mut RowParts,
        rows: Vec<u8>,
    ) -> Result<(), Failure> {
        let (name, part) = (&parts.name, parts.count);
        let (rows, details) = row::details_aside(rows)?;
        if !details.is_empty() {
            self.put(&self.keys.details(job, chunk, name, part), details).await?;
            parts.aside.push(part);
        }
        self.put(&self.keys.rows(job, chunk, name, part), rows).await?;
        parts.count += 1;
        Ok(())
    }

    async fn put(&self, key: &Path, bytes: Vec<u8>) -> Result<(), Failure> {
        let bytes = self.sealed(key, bytes).await?;
        self.store.put(key, bytes.into()).await.map(drop).map_err(failure)
    }

    /// Has the store copy the rows of a chunk for a chunk of another job, under another name. They do not pass through here.
    ///
    /// # Errors
    /// `not_found` where they are gone, or what the store says.
    pub async fn copy_rows(
        &self,
        (from, of): (&JobId, &Receipt),
        (to, chunk): (&JobId, u32),
        name: String,
    ) -> Result<RowParts, Failure> {
        let RowParts { name: before, count, aside, origin } = &of.rows;
        let keys = &self.keys;
        let rows = (0..*count)
            .map(|part| (keys.rows(from, of.chunk, before, part), keys.rows(to, chunk, &name, part)));
        let details = aside
            .iter()
            .map(|&part| (keys.details(from, of.chunk, before, part), keys.details(to, chunk, &name, part)));
        for (source, copy) in rows.chain(details) {
            self.store.copy(&source, &copy).await.map_err(failure)?;
        }
        let first = || Origin { job: from.clone(), chunk: of.chunk, name: before.clone() };
        let origin = Some(origin.clone().unwrap_or_else(first));
        Ok(RowParts { name, count: *count, aside: aside.clone(), origin })
    }

    /// A part of the rows of a chunk, encoded one after the other.
    ///
    /// # Errors
    /// `not_found`, or what the store says.
    pub async fn rows(
        &self,
        (job, chunk): (&JobId, u32),
        parts: &RowParts,
        part: u32,
        depth: Depth,
    ) -> Result<Bytes, Failure> {
        let key_of = |key: fn(&Keys, &JobId, u32, &str, u32) -> Path| {
            let here = key(&self.keys, job, chunk, &parts.name, part);
            let of = |origin: &Origin| key(&self.keys, &origin.job, origin.chunk, &origin.name, part);
            (parts.origin.as_ref().map_or_else(|| here.clone(), of), here)
        };
        let rows = self.part(key_of(Keys::rows));
        if depth == Depth::Flat || !parts.aside.contains(&part) {
            return rows.await;
        }
        let (flat, details) = try_join!(rows, self.part(key_of(Keys::details)))?;
        row::with_details(&flat, &details).map(Bytes::from)
    }

    /// What lies under a key, and was written under another.
    async fn part(&self, (written, key): (Path, Path)) -> Result<Bytes, Failure> {
        let found = self.held_as(&key, &written).await?;
        found.ok_or_else(|| Failure::new(FailureKind::NotFound, format!("{key} is not there")))
    }

    /// Writes what became of a chunk, whose rows were written.
    ///
    /// # Errors
    /// What the store says.
    pub async fn write_receipt(&self, job: &JobId, receipt: &Receipt) -> Result<Created, Failure> {
        let created = self.create_record(&self.keys.receipt(job, receipt.chunk), receipt).await?;
        if created == Created::First {
            return Ok(created);
        }
        // A store that failed after it had written was asked again, and then told of this very receipt. The name of
        // its rows says whose it is.
        let first = self.receipt(job, receipt.chunk).await?;
        let ours = first.is_some_and(|first| first.rows.count > 0 && first.rows == receipt.rows);
        Ok(if ours { Created::First } else { created })
    }

    /// Whether a chunk has its receipt.
    ///
    /// # Errors
    /// What the store says.
    pub async fn has_receipt(&self, job: &JobId, chunk: u32) -> Result<bool, Failure> {
        self.exists(&self.keys.receipt(job, chunk)).await
    }

    /// What became of a chunk, if that is known.
    ///
    /// # Errors
    /// What the store says.
    pub async fn receipt(&self, job: &JobId, chunk: u32) -> Result<Option<Receipt>, Failure> {
        self.get(&self.keys.receipt(job, chunk)).await
    }

    /// The chunks that have receipts, in order.
    ///
    /// # Errors
    /// What the store says.
    pub async fn receipts(&self, job: &JobId) -> Result<Vec<u32>, Failure> {
        self.numbers(&self.keys.receipts(job)).await
    }

    /// Writes how a job ended.
    ///
    /// # Errors
    /// What the store says.
    pub async fn write_end(&self, job: &JobId, finished: &Finished) -> Result<Created, Failure> {
        self.create_record(&self.keys.finished(job), finished).await
    }

    /// Takes a job that has ended out of the index of active ones.
    ///
    /// # Errors
    /// What the store says.
    pub async fn leave_active(&self, job: &JobId) -> Result<(), Failure> {
        self.remove(&self.keys.active_job(job)).await
    }

    /// How a job ended, if it did.
    ///
    /// # Errors
    /// What the store says.
    pub async fn finished(&self, job: &JobId) -> Result<Option<Finished>, Failure> {
        self.get(&self.keys.finished(job)).await
    }
}
