//! One database of a cache: records in the order in which they came, and where each key's record stands.
//!
//! Keys are hashes. In a tree sorted by hashes each record would go to a page of its own, which sled, whose pages have
//! a few megabytes of memory, would read from the disk and take apart for it: the last of a million items then cost three
//! times the first. So records are numbered and the tree grows at its end; which number a key has is kept in
//! memory, some twelve bytes a key, and written in runs for the next start.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::{PoisonError, RwLock};
use std::thread::sleep;
use std::time::Duration;

/// Bytes of memory that the pages of one database may take.
const PAGES_BYTES: u64 = 8 << 20;
/// Bytes of one value. Whatever the bound on its pages, sled holds the last page of each of 256 shards, and a page as large
/// as the findings of a tunebook would make these hundreds of megabytes.
pub(super) const VALUE_BYTES: usize = 16 << 10;
/// How often a database that is still locked is tried again, and after how long.
const LOCK_TRIES: u32 = 100;
const LOCK_WAIT: Duration = Duration::from_millis(10);
/// Keys of one run.
const RUN: usize = 256;
/// Bytes of one key in a run: its beginning, and its number.
const RUN_KEY_BYTES: usize = 12;

#[derive(Debug)]
pub(super) struct Generation {
    records: sled::Db,
    /// Runs of keys with their numbers, by the last number that they were written at.
    runs: sled::Tree,
    numbers: RwLock<Numbers>,
}

impl Generation {
    /// The database in a folder, made where there is none; nothing, with a line in the log, where it is damaged or of
    /// another layout.
    pub(super) fn open(folder: &Path) -> Option<Self> {
        let config = sled::Config::new().path(folder).cache_capacity(PAGES_BYTES).mode(sled::Mode::LowSpace);
        let opened = || {
            let records = config.open()?;
            let runs = records.open_tree("runs")?;
            let numbers = Numbers::read(&records, &runs)?;
            Ok(numbers.map(|numbers| Generation { records, runs, numbers: RwLock::new(numbers) }))
        };
        // The folder is ours alone: a lock on the database is that of one that was closed here a moment ago, whose threads
        // are not gone yet. It is no damage.
        for _ in 0..LOCK_TRIES {
            match catch_unwind(AssertUnwindSafe(opened)) {
                Ok(Ok(generation)) => return generation,
                Ok(Err(error)) if sled::Error::to_string(&error).contains("could not acquire lock") => {
                    sleep(LOCK_WAIT);
                }
                Ok(Err(error)) => {
                    tracing::warn!(%error, folder = %folder.display(), "cache cannot be opened");
                    return None;
                }
                Err(_) => return None,
            }
        }
        None
    }

    /// The bytes under a key, if there are any. They may be cut off, which their checksum tells.
    pub(super) fn get(&self, key: &blake3::Hash) -> sled::Result<Option<Vec<u8>>> {
        let number = self.numbers.read().unwrap_or_else(PoisonError::into_inner).of(key);
        let Some(number) = number else { return Ok(None) };
        let mut bytes = Vec::new();
        for index in 0.. {
            let Some(value) = self.records.get(value_key(number, index))? else { return Ok(None) };
            if index == 0 {
                // Another key may begin as this one does, and what was lost in a fall may have left its number to another.
                let Some(record) = value.strip_prefix(key.as_bytes()) else { return Ok(None) };
                bytes.extend_from_slice(record);
            } else {
                bytes.extend_from_slice(&value);
            }
            if value.len() < VALUE_BYTES {
                break;
            }
        }
        Ok(Some(bytes))
    }

    /// Keeps bytes under a key, as values of a bounded size, of which the last is not full; what was under it goes.
    pub(super) fn insert(&self, key: &blake3::Hash, bytes: &[u8]) -> sled::Result<()> {
        let number = self.numbers.write().unwrap_or_else(PoisonError::into_inner).take();
        let Some(number) = number else { return Ok(()) };
        let record = [key.as_bytes(), bytes].concat();
        let end = record.len().is_multiple_of(VALUE_BYTES).then_some(&[][..]);
        for (value, index) in record.chunks(VALUE_BYTES).chain(end).zip(0..) {
            self.records.insert(value_key(number, index), value)?;
        }
        let (before, run) = self.numbers.write().unwrap_or_else(PoisonError::into_inner).set(key, number);
        if let Some(run) = run {
            self.runs.insert(number.to_be_bytes(), run)?;
        }
        if let Some(before) = before {
            for index in 0.. {
                if self.records.remove(value_key(before, index))?.is_none() {
                    break;
                }
            }
        }
        Ok(())
    }

    /// Writes the keys of which no run is written yet: without it they are forgotten.
    pub(super) fn settle(&self) -> sled::Result<()> {
        let (next, run) = self.numbers.write().unwrap_or_else(PoisonError::into_inner).rest();
        if !run.is_empty() {
            self.runs.insert(next.to_be_bytes(), run)?;
        }
        Ok(())
    }

    #[cfg(test)]
    pub(super) fn records(&self) -> usize {
        self.records.len()
    }

    pub(super) fn size_on_disk(&self) -> sled::Result<u64> {
        self.records.size_on_disk()
    }
}

/// What a value is found by: the number of its record, and which part of it it is.
fn value_key(number: u32, index: u32) -> [u8; 8] {
    (u64::from(number) << 32 | u64::from(index)).to_be_bytes()
}

/// The number of each key's record. A key is known by its first eight bytes.
#[derive(Debug)]
struct Numbers {
    /// By the first twelve bits of the key, sorted by what follows them.
    buckets: Vec<Vec<(u32, u32)>>,
    next: u32,
    /// What no run has yet.
    run: Vec<u8>,
}

const BUCKET_BITS: u32 = 12;

impl Numbers {
    /// What the runs say; nothing where the records are of another layout.
    fn read(records: &sled::Db, runs: &sled::Tree) -> sled::Result<Option<Self>> {
        let mut numbers = Numbers { buckets: vec![Vec::new(); 1 << BUCKET_BITS], next: 0, run: Vec::new() };
        if let Some((last, _)) = records.last()? {
            let Ok(last) = <[u8; 8]>::try_from(&*last) else { return Ok(None) };
            let [a, b, c, d, ..] = last;
            numbers.next = u32::from_be_bytes([a, b, c, d]).saturating_add(1);
        }
        for run in runs.iter() {
            let (_, run) = run?;
            for key in run.as_chunks::<RUN_KEY_BYTES>().0 {
                let [a, b, c, d, e, f, g, h, number @ ..] = *key;
                let number = u32::from_be_bytes(number);
                numbers.put(u64::from_be_bytes([a, b, c, d, e, f, g, h]), number);
                numbers.next = numbers.next.max(number.saturating_add(1));
            }
        }
        Ok(Some(numbers))
    }

    fn of(&self, key: &blake3::Hash) -> Option<u32> {
        let (bucket, rest) = place(beginning(key));
        let bucket = self.buckets.get(bucket)?;
        let at = bucket.binary_search_by_key(&rest, |&(rest, _)| rest).ok()?;
        bucket.get(at).map(|&(_, number)| number)
    }

    /// A number that no record has; nothing once there are none.
    fn take(&mut self) -> Option<u32> {
        let number = self.next;
        self.next = number.checked_add(1)?;
        Some(number)
    }

    /// Gives a key its number. The number that it had before, and a run if one is full.
    fn set(&mut self, key: &blake3::Hash, number: u32) -> (Option<u32>, Option<Vec<u8>>) {
        let beginning = beginning(key);
        self.run.extend_from_slice(&beginning.to_be_bytes());
        self.run.extend_from_slice(&number.to_be_bytes());
        let full = self.run.len() >= RUN * RUN_KEY_BYTES;
        (self.put(beginning, number), full.then(|| std::mem::take(&mut self.run)))
    }

    fn put(&mut self, beginning: u64, number: u32) -> Option<u32> {
        let (bucket, rest) = place(beginning);
        let bucket = self.buckets.get_mut(bucket)?;
        match bucket.binary_search_by_key(&rest, |&(rest, _)| rest) {
            Ok(at) => bucket.get_mut(at).map(|known| std::mem::replace(&mut known.1, number)),
            Err(at) => {
                bucket.insert(at, (rest, number));
                None
            }
        }
    }

    /// The keys that no run has, and a number that no run was written at.
    fn rest(&mut self) -> (u32, Vec<u8>) {
        (self.next, std::mem::take(&mut self.run))
    }
}

fn beginning(key: &blake3::Hash) -> u64 {
    let [a, b, c, d, e, f, g, h, ..] = *key.as_bytes();
    u64::from_be_bytes([a, b, c, d, e, f, g, h])
}

/// The bucket of a key, and what it is sorted by there.
const fn place(beginning: u64) -> (usize, u32) {
    ((beginning >> (64 - BUCKET_BITS)) as usize, (beginning >> (32 - BUCKET_BITS)) as u32)
}
