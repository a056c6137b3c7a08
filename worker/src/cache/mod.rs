//! A worker's own memory of findings, in sled. Disposable: whatever happens to it, work is only done again.
//!
//! A record is found by a sentence that says all that decides it; the hash of the sentence is its key. Space is bounded by
//! generations, because sled never gives space back to the disk: records go into the younger of
//! two databases; when that has half of the allowed bytes, the older one's folder is removed and a new one begun.

mod entry;
mod generation;
mod source;
mod twin;

pub use entry::{Encoded, Entry, Known, finding_sentence, part_sentence, reading_sentence, whose_sentence};
pub use source::{Source, source_sentence};
pub use twin::{Twin, twin_sentence};

use generation::Generation;
use serde::Serialize;
use serde::de::DeserializeOwned;
use shared::vault::Keeper;
use std::fs::{self, File, TryLockError};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError, RwLock, mpsc};
use std::thread;
use std::time::Duration;

/// How long a disk may take what is still in memory at the end.
const CLOSE_WAIT: Duration = Duration::from_secs(10);
/// Processes that may share a data folder, each with a cache of its own.
const SLOTS: u32 = 16;

/// The cache of one process.
#[derive(Debug)]
pub struct Cache {
    folder: PathBuf,
    /// Nothing once it was closed.
    generations: RwLock<Option<Generations>>,
    turning: Mutex<()>,
    generation_bytes_max: u64,
    /// Bytes put into the younger generation since it was last measured.
    put_bytes: AtomicU64,
    /// Set once something went wrong; from then on nothing is recalled or kept.
    broken: AtomicBool,
    /// Holds the folder for this process.
    _lock: File,
}

#[derive(Debug)]
struct Generations {
    number: u64,
    young: Generation,
    old: Option<Generation>,
}

impl Cache {
    /// The first free cache under `folder`, made or opened again; `None`, with a line in the log, where there can be
    /// none. What is damaged is set aside, and an empty one takes its place.
    #[must_use]
    pub fn open(folder: &Path, bytes_max: u64) -> Option<Self> {
        let (folder, lock) = (0..SLOTS).find_map(|slot| hold(&folder.join(format!("slot-{slot}"))))?;
        let numbers = generation_numbers(&folder);
        let number = numbers.last().copied().unwrap_or(0);
        for stale in numbers.iter().filter(|&&other| other + 1 < number) {
            let _ = fs::remove_dir_all(generation_folder(&folder, *stale));
        }
        let young = open_or_set_aside(&generation_folder(&folder, number))?;
        let old_folder = number.checked_sub(1).map(|number| generation_folder(&folder, number));
        let old = old_folder.filter(|folder| folder.exists()).and_then(|folder| open_or_set_aside(&folder));
        Some(Cache {
            folder,
            generations: RwLock::new(Some(Generations { number, young, old })),
            turning: Mutex::new(()),
            generation_bytes_max: (bytes_max / 2).max(1),
            put_bytes: AtomicU64::new(0),
            broken: AtomicBool::new(false),
            _lock: lock,
        })
    }

    /// The record of a sentence, which one of the same kind was kept under.
    #[must_use]
    pub fn recall<T: DeserializeOwned>(&self, keeper: &Keeper, sentence: &str) -> Option<T> {
        let key = blake3::hash(sentence.as_bytes());
        let decode = |bytes: &[u8]| entry::decode(&keeper.open(&key.to_hex(), bytes)?);
        self.guarded(|generations| {
            if let Some(bytes) = generations.young.get(&key)? {
                return Ok(decode(&bytes));
            }
            let Some(old) = &generations.old else { return Ok(None) };
            let Some(bytes) = old.get(&key)? else { return Ok(None) };
            let record = decode(&bytes);
            if record.is_some() {
                // What is used stays: it moves to the generation that is removed later.
                generations.young.insert(&key, &bytes)?;
            }
            Ok(record)
        })
        .flatten()
    }

    /// Keeps a record under its sentence, instead of the one before.
    pub fn remember<T: Serialize>(&self, keeper: &Keeper, sentence: &str, record: &T) {
        let key = blake3::hash(sentence.as_bytes());
        let bytes = entry::encode(record).and_then(|bytes| keeper.seal(&key.to_hex(), bytes));
        let Some(bytes) = bytes else { return };
        let length = bytes.len() as u64;
        self.guarded(|generations| generations.young.insert(&key, &bytes));
        let since = self.put_bytes.fetch_add(length, Ordering::Relaxed) + length;
        if since > self.generation_bytes_max / 8 {
            self.put_bytes.store(0, Ordering::Relaxed);
            self.turn_if_full();
        }
    }

    /// Writes what is in memory to the disk, and lets the databases go; from then on nothing is recalled or kept. sled waits
    /// for ever for a disk that has failed it: so nobody waits longer than a while, nor at all once it was switched off.
    /// What was not written is only worked again.
    pub fn close(&self) {
        let folder = self.folder.display();
        let Ok(mut generations) = self.generations.try_write() else {
            return tracing::warn!(%folder, "cache left open: somebody is still in it");
        };
        let Some(generations) = generations.take() else { return };
        if self.broken.load(Ordering::Relaxed) {
            return std::mem::forget(generations);
        }
        let (closed, outcome) = mpsc::channel();
        let closing = move || {
            for generation in generations.old.iter().chain([&generations.young]) {
                if let Err(error) = generation.settle() {
                    tracing::warn!(%error, "some of the cache is forgotten");
                }
            }
            drop(generations);
            // Whoever waited may have given up.
            let _ = closed.send(());
        };
        let closing = thread::Builder::new().name("cache-close".to_owned()).spawn(closing);
        if closing.is_err() || outcome.recv_timeout(CLOSE_WAIT).is_err() {
            tracing::warn!(%folder, "cache not closed: the disk does not take it");
        }
    }

    /// Runs `work`; an error or a panic of sled (a damaged file can cause one) switches the cache off, no more.
    fn guarded<T>(&self, work: impl FnOnce(&Generations) -> sled::Result<T>) -> Option<T> {
        if self.broken.load(Ordering::Relaxed) {
            return None;
        }
        let generations = self.generations.read().unwrap_or_else(PoisonError::into_inner);
        let generations = generations.as_ref()?;
        match catch_unwind(AssertUnwindSafe(|| work(generations))) {
            Ok(Ok(value)) => return Some(value),
            Ok(Err(error)) => tracing::warn!(%error, folder = %self.folder.display(), "cache switched off"),
            Err(_) => tracing::warn!(folder = %self.folder.display(), "cache switched off: sled panicked"),
        }
        self.broken.store(true, Ordering::Relaxed);
        None
    }

    /// Begins a new generation if the young one has its share of the disk.
    fn turn_if_full(&self) {
        let Ok(_turning) = self.turning.try_lock() else { return };
        let full =
            self.guarded(|generations| Ok(generations.young.size_on_disk()? > self.generation_bytes_max));
        if full != Some(true) {
            return;
        }
        let mut generations = self.generations.write().unwrap_or_else(PoisonError::into_inner);
        let Some(generations) = generations.as_mut() else { return };
        let next = generations.number + 1;
        let Some(young) = open_or_set_aside(&generation_folder(&self.folder, next)) else { return };
        generations.old = Some(std::mem::replace(&mut generations.young, young));
        if let Some(gone) = generations.number.checked_sub(1) {
            // The last handle of the older generation was dropped by the line above.
            let _ = fs::remove_dir_all(generation_folder(&self.folder, gone));
        }
        generations.number = next;
    }
}

impl Drop for Cache {
    fn drop(&mut self) {
        self.close();
    }
}

/// Takes a cache folder for this process, if no other has it. The lock ends with the process.
fn hold(folder: &Path) -> Option<(PathBuf, File)> {
    if let Err(error) = fs::create_dir_all(folder) {
        tracing::warn!(%error, folder = %folder.display(), "no cache");
        return None;
    }
    let lock = File::options().create(true).append(true).open(folder.join("lock")).ok()?;
    match lock.try_lock() {
        Ok(()) => Some((folder.to_owned(), lock)),
        Err(TryLockError::WouldBlock) => None,
        Err(TryLockError::Error(error)) => {
            tracing::warn!(%error, folder = %folder.display(), "no cache");
            None
        }
    }
}

fn generation_folder(folder: &Path, number: u64) -> PathBuf {
    folder.join(format!("generation-{number}"))
}

fn generation_numbers(folder: &Path) -> Vec<u64> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let number = |entry: fs::DirEntry| entry.file_name().to_str()?.strip_prefix("generation-")?.parse().ok();
    let mut numbers: Vec<u64> = entries.filter_map(number).collect();
    numbers.sort_unstable();
    numbers
}

/// Opens a database; one that cannot be opened (a damaged file makes sled panic) is moved aside first.
fn open_or_set_aside(folder: &Path) -> Option<Generation> {
    if let Some(generation) = Generation::open(folder) {
        return Some(generation);
    }
    let aside = folder.with_extension("damaged");
    let _ = fs::remove_dir_all(&aside);
    tracing::warn!(folder = %folder.display(), aside = %aside.display(), "damaged cache set aside");
    fs::rename(folder, &aside).ok()?;
    Generation::open(folder)
}

#[cfg(test)]
mod tests;
