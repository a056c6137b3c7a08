//! Tables that were made for a download, kept for the next one: a client that asks for a range asks again. Once they are made
//! they are files without names, which go with the process however it ends.

use crate::service::Service;
use shared::failure::{Failure, FailureKind};
use shared::job::JobId;
use shared::principal::Principal;
use std::fs;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tempfile::TempDir;
use worker::table::Encoding;

/// The tables of one process, in a temporary folder that goes with it.
pub(super) struct Kept {
    folder: TempDir,
    made: AtomicU64,
    bytes_max: u64,
    /// Oldest first, by what they are, with their bytes.
    files: Mutex<Vec<(String, Arc<fs::File>, u64)>>,
}

impl Kept {
    /// A place for so many bytes.
    pub(super) fn new(bytes_max: u64) -> Result<Self, Failure> {
        let folder = tempfile::Builder::new()
            .prefix("ripieno-tables-")
            .tempdir()
            .map_err(|error| unavailable(&error))?;
        Ok(Kept { folder, made: AtomicU64::new(0), bytes_max, files: Mutex::default() })
    }

    /// The file of a table, opened: made now, or before under the same stamp. The list of failures is the table of no
    /// encoding. Runs on a thread that may block.
    pub(super) async fn open(
        &self,
        service: &Service,
        principal: &Principal,
        job: &JobId,
        encoding: Option<Encoding>,
        stamp: u64,
    ) -> Result<Arc<fs::File>, Failure> {
        let file =
            encoding.map_or("failures.csv".to_owned(), |encoding| format!("table.{}", encoding.name()));
        let what = format!("{}-{job}-{stamp}-{file}", principal.tenant);
        if let Some((_, file, _)) = self.files().iter().find(|(known, _, _)| *known == what) {
            return Ok(Arc::clone(file));
        }
        let making = self.folder.path().join(format!("making-{}", self.made.fetch_add(1, Ordering::Relaxed)));
        let written = service.results(principal, job, &making, encoding.as_slice()).await;
        let opened =
            written.and_then(|_| fs::File::open(making.join(&file)).map_err(|error| unavailable(&error)));
        let _ = fs::remove_dir_all(&making); // What stays goes with the folder.
        let opened = Arc::new(opened?);
        let bytes = opened.metadata().map(|meta| meta.len()).unwrap_or(0);
        self.keep(what, Arc::clone(&opened), bytes);
        Ok(opened)
    }

    fn files(&self) -> MutexGuard<'_, Vec<(String, Arc<fs::File>, u64)>> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep(&self, what: String, file: Arc<fs::File>, bytes: u64) {
        let mut files = self.files();
        files.retain(|(known, _, _)| *known != what);
        files.push((what, file, bytes));
        while files.iter().map(|(_, _, bytes)| bytes).sum::<u64>() > self.bytes_max && !files.is_empty() {
            files.remove(0); // Whoever reads it has it open.
        }
    }
}

fn unavailable(error: &std::io::Error) -> Failure {
    Failure::new(FailureKind::Unavailable, format!("a table cannot be made in the temporary folder: {error}"))
}
