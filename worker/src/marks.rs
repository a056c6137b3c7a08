//! Marks of chunks in work, in a folder of this machine: who dies leaves them behind, and the next process knows which
//! chunks to work apart. In a cluster the broker says so instead.
//!
//! A mark is a file that its process holds locked. They are not synchronised: a power cut is no chunk's fault.

use shared::job::JobId;
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The marks under one folder.
#[derive(Debug)]
pub struct Marks {
    folder: PathBuf,
    /// Chunks that somebody died of, or with.
    suspects: Mutex<BTreeSet<String>>,
}

/// A chunk in work; dropped, the work is over.
#[derive(Debug)]
pub struct Mark {
    path: PathBuf,
    /// Locked as long as it is open. None where the disk would not have it.
    _file: Option<File>,
}

impl Marks {
    /// The marks in a folder, which is made; what the dead have left there is suspect. Without a folder nothing is.
    #[must_use]
    pub fn open(folder: &Path) -> Self {
        let _ = fs::create_dir_all(folder);
        let left = fs::read_dir(folder).into_iter().flatten().flatten();
        let dead = left.filter(|entry| File::open(entry.path()).is_ok_and(|file| file.try_lock().is_ok()));
        let suspects = dead.filter_map(|entry| entry.file_name().into_string().ok()).collect();
        Marks { folder: folder.to_owned(), suspects: Mutex::new(suspects) }
    }

    fn suspects(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.suspects.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether somebody died while working this chunk.
    #[must_use]
    pub fn is_suspect(&self, job: &JobId, chunk: u32) -> bool {
        self.suspects().contains(&name(job, chunk))
    }

    /// This process works the chunk from now on.
    #[must_use]
    pub fn begin(&self, job: &JobId, chunk: u32) -> Mark {
        let path = self.folder.join(name(job, chunk));
        let file = File::create(&path).ok().filter(|file| file.try_lock().is_ok());
        Mark { path, _file: file }
    }

    /// The chunk is done, and not suspect any more.
    pub fn end(&self, mark: Mark, job: &JobId, chunk: u32) {
        self.suspects().remove(&name(job, chunk));
        drop(mark);
    }
}

fn name(job: &JobId, chunk: u32) -> String {
    format!("{job}-{chunk}")
}

impl Drop for Mark {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_dead_leave_behind_is_suspect_until_it_is_done() {
        let folder = tempfile::tempdir().unwrap();
        let job = JobId::from_random(b"0123456789abcdef");
        let (one, other) = (Marks::open(folder.path()), Marks::open(folder.path()));
        let mark = one.begin(&job, 7);
        assert!(!Marks::open(folder.path()).is_suspect(&job, 7), "somebody alive works it");
        drop(other.begin(&job, 8));
        // A process that is killed drops nothing, and its locks are released.
        fs::write(folder.path().join(name(&job, 9)), "").unwrap();
        let next = Marks::open(folder.path());
        assert!(next.is_suspect(&job, 9) && !next.is_suspect(&job, 8));
        next.end(next.begin(&job, 9), &job, 9);
        assert!(!next.is_suspect(&job, 9) && !Marks::open(folder.path()).is_suspect(&job, 9));
        drop(mark);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
