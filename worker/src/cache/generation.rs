//! One database of a cache: records in the order in which they came, and where each key's record stands.
//!
//! Keys are hashes. In a tree sorted by hashes each record would go to a page of its own, which sled, whose pages have
//! a few megabytes of memory, would read from the disk and take apart for it: the last of a million items then cost three
//! times the first. So records are put together in blocks, which are numbered, and the tree grows at its end; which block a key
//! is in is kept in memory, some nine bytes a key, and written in runs for the next start. sled splits a page of more than
//! sixteen values, however small they are, and keeps something of each page in memory: the fewer values, the less of it.

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
/// Bytes of one block of several records. What a process holds of the last one is lost with it.
const BLOCK_BYTES: usize = 4 << 10;
/// A record that takes more than this with its head is a block of its own.
const SMALL_BYTES: usize = 1 << 10;
/// Bytes before a record in its block: its key, and its length.
pub(super) const HEAD_BYTES: usize = blake3::OUT_LEN + 4;
/// How often a value is looked up once it is written. sled looks for pages to forget after 64 accesses to one of 256 shards, so
/// that of pages that are written once each shard would hold two or three.
const LOOKS: usize = 5;
/// How often a database that is still locked is tried again, and after how long.
const LOCK_TRIES: u32 = 100;
const LOCK_WAIT: Duration = Duration::from_millis(10);
/// Keys of one run.
const RUN: usize = 256;
/// Bytes of one key in a run: its beginning, and the number of its block.
const RUN_KEY_BYTES: usize = 12;

#[derive(Debug)]
pub(super) struct Generation {
    blocks: sled::Db,
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
            let blocks = config.open()?;
            let runs = blocks.open_tree("runs")?;
            let numbers = Numbers::read(&blocks, &runs)?;
            Ok(numbers.map(|numbers| Generation { blocks, runs, numbers: RwLock::new(numbers) }))
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

    /// The bytes under a key, if there are any. They may be damaged, which their checksum tells.
    pub(super) fn get(&self, key: &blake3::Hash) -> sled::Result<Option<Vec<u8>>> {
        let number = {
            let numbers = self.numbers.read().unwrap_or_else(PoisonError::into_inner);
            let Some(number) = numbers.of(key) else { return Ok(None) };
            if number == numbers.open {
                return Ok(record(&numbers.block, key));
            }
            number
        };
        let mut block = Vec::new();
        for index in 0.. {
            let Some(value) = self.blocks.get(value_key(number, index))? else { return Ok(None) };
            let is_last = value.len() < VALUE_BYTES;
            if is_last && index == 0 {
                return Ok(record(&value, key));
            }
            block.extend_from_slice(&value);
            if is_last {
                break;
            }
        }
        Ok(record(&block, key))
    }

    /// Keeps bytes under a key, instead of those of before. Few bytes are written with those that follow.
    pub(super) fn insert(&self, key: &blake3::Hash, bytes: &[u8]) -> sled::Result<()> {
        let Ok(length) = u32::try_from(bytes.len()) else { return Ok(()) };
        let record = [key.as_bytes().as_slice(), &length.to_le_bytes(), bytes].concat();
        let placed = self.numbers.write().unwrap_or_else(PoisonError::into_inner).place(key, record);
        let Some(Placed { number, before, block, run }) = placed else { return Ok(()) };
        if let Some(block) = block {
            self.keep(number, &block)?;
        }
        if let Some(run) = run {
            self.runs.insert(number.to_be_bytes(), run)?;
        }
        before.map_or(Ok(()), |before| self.forget(before))
    }

    /// Writes a block, as values of a bounded size, of which the last is not full.
    fn keep(&self, number: u32, block: &[u8]) -> sled::Result<()> {
        let end = block.len().is_multiple_of(VALUE_BYTES).then_some(&[][..]);
        for (value, index) in block.chunks(VALUE_BYTES).chain(end).zip(0..) {
            let key = value_key(number, index);
            self.blocks.insert(key, value)?;
            for _ in 0..LOOKS {
                self.blocks.contains_key(key)?;
            }
        }
        Ok(())
    }

    /// Removes a block whose record was replaced, unless others stand in it, too.
    fn forget(&self, number: u32) -> sled::Result<()> {
        let is_one = |value: &sled::IVec| {
            value.len() == VALUE_BYTES
                || records(value).next().is_some_and(|(_, bytes)| HEAD_BYTES + bytes.len() == value.len())
        };
        if self.blocks.get(value_key(number, 0))?.as_ref().is_some_and(is_one) {
            for index in 0.. {
                if self.blocks.remove(value_key(number, index))?.is_none() {
                    break;
                }
            }
        }
        Ok(())
    }

    /// Writes the block that is not full, and the keys of which no run is written yet: without it they are forgotten.
    pub(super) fn settle(&self) -> sled::Result<()> {
        let (open, block, next, run) = self.numbers.write().unwrap_or_else(PoisonError::into_inner).rest();
        if !block.is_empty() {
            self.keep(open, &block)?;
        }
        if !run.is_empty() {
            self.runs.insert(next.to_be_bytes(), run)?;
        }
        Ok(())
    }

    #[cfg(test)]
    pub(super) fn values(&self) -> usize {
        self.blocks.len()
    }

    pub(super) fn size_on_disk(&self) -> sled::Result<u64> {
        self.blocks.size_on_disk()
    }
}

/// What a value is found by: the number of its block, and which part of it it is.
fn value_key(number: u32, index: u32) -> [u8; 8] {
    (u64::from(number) << 32 | u64::from(index)).to_be_bytes()
}

/// The records of a block, as far as it is whole: their keys, and their bytes.
fn records(mut block: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    std::iter::from_fn(move || {
        let (key, rest) = block.split_at_checked(blake3::OUT_LEN)?;
        let (length, rest) = rest.split_first_chunk()?;
        let (bytes, rest) = rest.split_at_checked(usize::try_from(u32::from_le_bytes(*length)).ok()?)?;
        block = rest;
        Some((key, bytes))
    })
}

/// The last record of a key in a block. There may be none: another key may begin as this one does, and what was lost in a fall
/// may have left its number to another.
fn record(block: &[u8], key: &blake3::Hash) -> Option<Vec<u8>> {
    let of_key = records(block).filter(|(of, _)| *of == key.as_bytes());
    of_key.last().map(|(_, bytes)| bytes.to_vec())
}

/// The number of each key's block, and the block that is not full. A key is known by its first eight bytes.
#[derive(Debug)]
struct Numbers {
    /// By the first twelve bits of the key, sorted by what follows them.
    buckets: Vec<Vec<(u32, u32)>>,
    next: u32,
    /// What no run has yet.
    run: Vec<u8>,
    /// The number of the block that is not full, if there is one.
    open: u32,
    block: Vec<u8>,
}

/// No block has this number.
const NONE: u32 = u32::MAX;

/// Where a record went.
struct Placed {
    number: u32,
    /// The block in which the record of before is.
    before: Option<u32>,
    /// The whole block, if it is full.
    block: Option<Vec<u8>>,
    /// A run of keys, if one is full.
    run: Option<Vec<u8>>,
}

const BUCKET_BITS: u32 = 12;

impl Numbers {
    /// What the runs say; nothing where the blocks are of another layout.
    fn read(blocks: &sled::Db, runs: &sled::Tree) -> sled::Result<Option<Self>> {
        let buckets = vec![Vec::new(); 1 << BUCKET_BITS];
        let mut numbers = Numbers { buckets, next: 0, run: Vec::new(), open: NONE, block: Vec::new() };
        if let Some((last, _)) = blocks.last()? {
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

    /// A number that no block has; nothing once there are none.
    fn take(&mut self) -> Option<u32> {
        let number = self.next;
        self.next = number.checked_add(1)?;
        Some(number)
    }

    /// Gives a key's record its place: a small one in the block that is not full, another in one of its own.
    fn place(&mut self, key: &blake3::Hash, record: Vec<u8>) -> Option<Placed> {
        let (number, block) = if record.len() > SMALL_BYTES {
            (self.take()?, Some(record))
        } else {
            if self.open == NONE {
                self.open = self.take()?;
            }
            let number = self.open;
            self.block.extend_from_slice(&record);
            let is_full = self.block.len() > BLOCK_BYTES - SMALL_BYTES;
            (number, is_full.then(|| self.close().1))
        };
        let beginning = beginning(key);
        self.run.extend_from_slice(&beginning.to_be_bytes());
        self.run.extend_from_slice(&number.to_be_bytes());
        let is_full = self.run.len() >= RUN * RUN_KEY_BYTES;
        let run = is_full.then(|| std::mem::take(&mut self.run));
        Some(Placed { number, before: self.put(beginning, number), block, run })
    }

    /// Takes the block that is not full, and its number.
    fn close(&mut self) -> (u32, Vec<u8>) {
        (std::mem::replace(&mut self.open, NONE), std::mem::take(&mut self.block))
    }

    fn put(&mut self, beginning: u64, number: u32) -> Option<u32> {
        let (bucket, rest) = place(beginning);
        let bucket = self.buckets.get_mut(bucket)?;
        match bucket.binary_search_by_key(&rest, |&(rest, _)| rest) {
            Ok(at) => bucket.get_mut(at).map(|known| std::mem::replace(&mut known.1, number)),
            Err(at) => {
                // All buckets grow alike: twice the room for each would be half of it unused in all of them at once.
                if bucket.len() == bucket.capacity() {
                    bucket.reserve_exact(bucket.len() / 8 + 4);
                }
                bucket.insert(at, (rest, number));
                None
            }
        }
    }

    /// The block that is not full with its number, a number that no run was written at, and the keys that no run has.
    fn rest(&mut self) -> (u32, Vec<u8>, u32, Vec<u8>) {
        let (open, block) = self.close();
        (open, block, self.next, std::mem::take(&mut self.run))
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
