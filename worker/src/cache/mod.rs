//! A worker's own memory of findings, in sled. Disposable: whatever happens to it, work is only done again.
//!
//! Space is bounded by generations, because sled never gives space back to the disk: entries go into the younger of
//! two databases; when that has half of the allowed bytes, the older one's folder is removed and a new one begun.

mod entry;
mod source;
mod twin;

pub use entry::{
    Encoded, Entry, Known, finding_sentence, limits_mark, part_sentence, reading_sentence, whose_sentence,
};
pub use source::{Source, source_sentence};
pub use twin::{Twin, twin_sentence};

use shared::vault::Keeper;
use std::fs::{self, File, TryLockError};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError, RwLock, mpsc};
use std::thread::{self, sleep};
use std::time::Duration;

/// Bytes of memory that one generation's pages may take.
const PAGES_BYTES: u64 = 8 << 20;
/// Bytes of one value. Whatever the bound on its pages, sled holds the last page of each of 256 shards, and a page as large
/// as the findings of a tunebook would make these hundreds of megabytes.
const VALUE_BYTES: usize = 16 << 10;
/// How often a database that is still locked is tried again, and after how long.
const LOCK_TRIES: u32 = 100;
const LOCK_WAIT: Duration = Duration::from_millis(10);
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
    young: sled::Db,
    old: Option<sled::Db>,
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

    /// What is known of a reading.
    #[must_use]
    pub fn recall(&self, keeper: &Keeper, sentence: &str) -> Option<Entry> {
        self.recalled(keeper, sentence, |bytes| Entry::decode(bytes, sentence))
    }

    /// What is known of a source in a store, by who had it fetched.
    #[must_use]
    pub fn recall_source(&self, keeper: &Keeper, whose: &str, address: &str) -> Option<Source> {
        let sentence = source_sentence(whose, address);
        let known = |source: &Source| source.sentence == sentence;
        self.recalled(keeper, &sentence, |bytes| entry::decode(bytes).filter(known))
    }

    /// Where a chunk was worked last.
    #[must_use]
    pub fn recall_twin(&self, keeper: &Keeper, sentence: &str) -> Option<Twin> {
        let known = |twin: &Twin| twin.sentence == sentence;
        self.recalled(keeper, sentence, |bytes| entry::decode(bytes).filter(known))
    }

    fn recalled<T>(&self, keeper: &Keeper, sentence: &str, decode: impl Fn(&[u8]) -> Option<T>) -> Option<T> {
        let key = blake3::hash(sentence.as_bytes());
        let decode = |bytes: &[u8]| decode(&keeper.open(&key.to_hex(), bytes)?);
        self.guarded(|generations| {
            if let Some(bytes) = get(&generations.young, &key)? {
                return Ok(decode(&bytes));
            }
            let Some(old) = &generations.old else { return Ok(None) };
            let Some(bytes) = get(old, &key)? else { return Ok(None) };
            let entry = decode(&bytes);
            if entry.is_some() {
                // What is used stays: it moves to the generation that is removed later.
                insert(&generations.young, &key, &bytes)?;
            }
            Ok(entry)
        })
        .flatten()
    }

    /// Keeps what is known of a reading.
    pub fn remember(&self, keeper: &Keeper, entry: &Entry) {
        self.keep(keeper, &entry.sentence, entry.encode());
    }

    /// Keeps what is known of a source in a store.
    pub fn remember_source(&self, keeper: &Keeper, source: &Source) {
        self.keep(keeper, &source.sentence, entry::encode(source));
    }

    /// Keeps where a chunk was worked.
    pub fn remember_twin(&self, keeper: &Keeper, twin: &Twin) {
        self.keep(keeper, &twin.sentence, entry::encode(twin));
    }

    fn keep(&self, keeper: &Keeper, sentence: &str, bytes: Option<Vec<u8>>) {
        let key = blake3::hash(sentence.as_bytes());
        let Some(bytes) = bytes.and_then(|bytes| keeper.seal(&key.to_hex(), bytes)) else { return };
        let length = bytes.len() as u64;
        self.guarded(|generations| insert(&generations.young, &key, &bytes));
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

/// Keeps bytes under a key, as values of a bounded size, of which the last is not full.
fn insert(db: &sled::Db, key: &blake3::Hash, bytes: &[u8]) -> sled::Result<()> {
    let end = bytes.len().is_multiple_of(VALUE_BYTES).then_some(&[][..]);
    let values = bytes.chunks(VALUE_BYTES).chain(end);
    values.zip(0..).try_for_each(|(value, index)| db.insert(value_key(key, index), value).map(drop))
}

/// The bytes under a key, if there are any. They may be cut off, which their checksum tells.
fn get(db: &sled::Db, key: &blake3::Hash) -> sled::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    for index in 0.. {
        let Some(value) = db.get(value_key(key, index))? else { break };
        bytes.extend_from_slice(&value);
        if value.len() < VALUE_BYTES {
            return Ok(Some(bytes));
        }
    }
    Ok(None)
}

fn value_key(key: &blake3::Hash, index: u32) -> Vec<u8> {
    [&key.as_bytes()[..], &index.to_be_bytes()].concat()
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
fn open_or_set_aside(folder: &Path) -> Option<sled::Db> {
    if let Some(db) = open(folder) {
        return Some(db);
    }
    let aside = folder.with_extension("damaged");
    let _ = fs::remove_dir_all(&aside);
    tracing::warn!(folder = %folder.display(), aside = %aside.display(), "damaged cache set aside");
    fs::rename(folder, &aside).ok()?;
    open(folder)
}

fn open(folder: &Path) -> Option<sled::Db> {
    let config = sled::Config::new().path(folder).cache_capacity(PAGES_BYTES).mode(sled::Mode::LowSpace);
    // The folder is ours alone: a lock on the database is that of one that was closed here a moment ago, whose threads
    // are not gone yet. It is no damage.
    for _ in 0..LOCK_TRIES {
        match catch_unwind(AssertUnwindSafe(|| config.open())) {
            Ok(Ok(db)) => return Some(db),
            Ok(Err(error)) if error.to_string().contains("could not acquire lock") => sleep(LOCK_WAIT),
            Ok(Err(error)) => {
                tracing::warn!(%error, folder = %folder.display(), "cache cannot be opened");
                return None;
            }
            Err(_) => return None,
        }
    }
    None
}

#[cfg(test)]
mod tests;
