//! Tables that were made for a download, kept for the next one: a client that asks for a range asks again.

use crate::service::Service;
use shared::failure::{Failure, FailureKind};
use shared::job::JobId;
use shared::principal::Principal;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use tempfile::TempDir;
use worker::table::Encoding;

/// The tables of one process, in a temporary folder that goes with it.
pub(super) struct Kept {
    folder: TempDir,
    made: AtomicU64,
    bytes_max: u64,
    /// Oldest first, with their bytes.
    files: Mutex<Vec<(PathBuf, u64)>>,
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
    ) -> Result<fs::File, Failure> {
        let file =
            encoding.map_or("failures.csv".to_owned(), |encoding| format!("table.{}", encoding.name()));
        let path = self.folder.path().join(format!("{}-{job}-{stamp}-{file}", principal.tenant));
        if let Ok(file) = fs::File::open(&path) {
            return Ok(file);
        }
        let making = self.folder.path().join(format!("making-{}", self.made.fetch_add(1, Ordering::Relaxed)));
        let written = service.results(principal, job, &making, encoding.as_slice()).await;
        // Opened before it may be thrown away for others.
        let opened = written.and_then(|_| {
            fs::rename(making.join(&file), &path).map_err(|error| unavailable(&error))?;
            fs::File::open(&path).map_err(|error| unavailable(&error))
        });
        let _ = fs::remove_dir_all(&making); // What stays goes with the folder.
        let opened = opened?;
        let bytes = opened.metadata().map(|meta| meta.len()).unwrap_or(0);
        self.keep(&path, bytes);
        Ok(opened)
    }

    fn keep(&self, path: &Path, bytes: u64) {
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        files.retain(|(known, _)| known != path);
        files.push((path.to_owned(), bytes));
        while files.iter().map(|(_, bytes)| bytes).sum::<u64>() > self.bytes_max && !files.is_empty() {
            let (oldest, _) = files.remove(0);
            let _ = fs::remove_file(oldest); // Whoever reads it has it open.
        }
    }
}

fn unavailable(error: &std::io::Error) -> Failure {
    Failure::new(FailureKind::Unavailable, format!("a table cannot be made in the temporary folder: {error}"))
}
