//! From an item's address to its bytes: bounded, and hashed while they are read.

use bytes::Bytes;
use futures::{Stream, TryStreamExt};
use object_store::{GetOptions, ObjectStore};
use shared::failure::{Failure, FailureKind};
use shared::job::Item;
use shared::limits::{Limits, exceeded};
use shared::reach::{Reach, Way};
use shared::store::{self, Stores};
use std::fs::File;
use std::io::{self, BufReader, Cursor, Read, Seek, SeekFrom, Write};
use std::path::PathBuf;

use crate::read::Input;

/// Bytes read from a file at once.
const BUFFER_BYTES: usize = 64 << 10;

/// A source whose bytes can be had without waiting for a network.
#[derive(Debug)]
pub enum Arrived {
    /// A local file, not opened yet.
    Path(PathBuf),
    /// Bytes that came over the network.
    Loaded(Loaded),
}

/// The bytes of a source, and their digest.
#[derive(Debug)]
pub struct Loaded {
    digest: blake3::Hash,
    body: Body,
    mark: Option<Mark>,
}

/// What a store says of the bytes of a source, by which they are known again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// The store's own mark of them.
    pub etag: String,
    /// How many they are.
    pub bytes: u64,
}

#[derive(Debug)]
enum Body {
    Memory(Bytes),
    /// Larger than what is held in memory: a file, which nobody else names, and its bytes.
    File(File, u64),
}

/// Brings a source within reach: the bytes of a URL are fetched, a path is only noted.
///
/// # Errors
/// `denied` for what lies beyond reach, `too_large`, what the store says, or what was wrong with the item when it was planned.
pub async fn fetch(item: &Item, reach: &Reach, stores: &Stores, limits: &Limits) -> Result<Arrived, Failure> {
    let nothing =
        || Failure::new(FailureKind::Unavailable, "the store sent nothing, as if it had been asked before");
    fetch_unless(item, None, reach, stores, limits).await?.ok_or_else(nothing)
}

/// As [`fetch`], unless the bytes of a URL are still marked `etag`: then nothing.
///
/// # Errors
/// As [`fetch`].
pub async fn fetch_unless(
    item: &Item,
    etag: Option<&str>,
    reach: &Reach,
    stores: &Stores,
    limits: &Limits,
) -> Result<Option<Arrived>, Failure> {
    if let Some(failure) = &item.failure {
        return Err(failure.clone());
    }
    let address = &item.address;
    let (store, path) = match reach.way(address).await? {
        Way::Sealed(digest) => return fetch_sealed(address, &digest, etag, reach, limits).await,
        Way::File(path) if !store::is_url(address) => return Ok(Some(Arrived::Path(path))),
        Way::Public => stores.open_public(address)?,
        Way::Store | Way::File(_) => stores.open(address)?,
    };
    let options = GetOptions { if_none_match: etag.map(str::to_owned), ..GetOptions::default() };
    let found = match store.get_opts(&path, options).await {
        Err(object_store::Error::NotModified { .. }) if etag.is_some() => return Ok(None),
        found => found.map_err(store::failure)?,
    };
    if found.meta.size > limits.source_bytes_max {
        return Err(exceeded("source_bytes_max", limits.source_bytes_max, None));
    }
    let mark = mark(address, found.meta.e_tag.clone(), found.meta.size);
    spooled(mark, found.into_stream().map_err(store::failure), limits).await.map(Some)
}

/// An uploaded score that lies sealed, which its ledger opens.
async fn fetch_sealed(
    address: &str,
    digest: &str,
    etag: Option<&str>,
    reach: &Reach,
    limits: &Limits,
) -> Result<Option<Arrived>, Failure> {
    let no_ledger = || Failure::new(FailureKind::Internal, "nobody opens what lies sealed");
    let ledger = reach.sealed().ok_or_else(no_ledger)?;
    let Some(arriving) = ledger.score_unless(digest, etag).await? else { return Ok(None) };
    let mark = mark(address, arriving.etag, arriving.size);
    spooled(mark, arriving.bytes, limits).await.map(Some)
}

fn mark(address: &str, etag: Option<String>, bytes: u64) -> Option<Mark> {
    etag.filter(|etag| store::is_mark(address, etag)).map(|etag| Mark { etag, bytes })
}

async fn spooled(
    mark: Option<Mark>,
    mut bytes: impl Stream<Item = Result<Bytes, Failure>> + Unpin,
    limits: &Limits,
) -> Result<Arrived, Failure> {
    let mut spool = Spool::new(limits);
    while let Some(more) = bytes.try_next().await? {
        spool.take(&more)?;
    }
    Ok(Arrived::Loaded(Loaded { mark, ..spool.finish()? }))
}

impl Arrived {
    /// Reads and hashes a local file; what came over the network is loaded already. Blocks on the disk.
    ///
    /// # Errors
    /// `not_found`, `denied`, `unsupported` for what is no file, `too_large`, `unavailable` when reading fails.
    pub fn load(self, limits: &Limits) -> Result<Loaded, Failure> {
        let path = match self {
            Arrived::Loaded(loaded) => return Ok(loaded),
            Arrived::Path(path) => path,
        };
        let mut file = File::open(&path).map_err(|error| match path.to_str() {
            // The listing put a replacement character for what was no UTF-8: there is no file of that name.
            Some(path) if path.contains(char::REPLACEMENT_CHARACTER) => {
                Failure::new(FailureKind::Unsupported, "its path is not UTF-8; rename it")
            }
            _ => io_failure(&error),
        })?;
        let meta = file.metadata().map_err(|error| io_failure(&error))?;
        if !meta.is_file() {
            return Err(Failure::new(FailureKind::Unsupported, "it is no file"));
        }
        if meta.len() > limits.source_bytes_max {
            return Err(exceeded("source_bytes_max", limits.source_bytes_max, None));
        }
        if meta.len() <= limits.spool_bytes_max {
            // One more than is allowed, so that a file that grew meanwhile is noticed.
            let mut bytes = Vec::with_capacity(usize::try_from(meta.len()).unwrap_or(0) + 1);
            let read = Read::take(&mut file, limits.spool_bytes_max + 1).read_to_end(&mut bytes);
            read.map_err(|error| io_failure(&error))?;
            if bytes.len() as u64 <= limits.spool_bytes_max {
                let (digest, body) = (blake3::hash(&bytes), Body::Memory(bytes.into()));
                return Ok(Loaded { digest, body, mark: None });
            }
            file.rewind().map_err(|error| io_failure(&error))?;
        }
        let mut hasher = blake3::Hasher::new();
        let mut bounded = Read::take(&mut file, limits.source_bytes_max + 1);
        let copied = io::copy(&mut bounded, &mut hasher).map_err(|error| io_failure(&error))?;
        if copied > limits.source_bytes_max {
            return Err(exceeded("source_bytes_max", limits.source_bytes_max, None));
        }
        Ok(Loaded { digest: hasher.finalize(), body: Body::File(file, copied), mark: None })
    }
}

impl Loaded {
    /// Bytes that are in memory already.
    #[must_use]
    pub fn of(bytes: Bytes) -> Self {
        Loaded { digest: blake3::hash(&bytes), body: Body::Memory(bytes), mark: None }
    }

    /// What the store says of the bytes, if it marks them.
    #[must_use]
    pub const fn mark(&self) -> Option<&Mark> {
        self.mark.as_ref()
    }

    /// Digest of the bytes, in hexadecimal.
    #[must_use]
    pub fn digest(&self) -> String {
        self.digest.to_hex().to_string()
    }

    /// How many bytes there are.
    #[must_use]
    pub const fn bytes(&self) -> u64 {
        match &self.body {
            Body::Memory(bytes) => bytes.len() as u64,
            Body::File(_, bytes) => *bytes,
        }
    }

    /// The bytes, from their start.
    ///
    /// # Errors
    /// `unavailable` when the file fails.
    pub fn open(&self) -> Result<Box<dyn Input + '_>, Failure> {
        match &self.body {
            Body::Memory(bytes) => Ok(Box::new(Cursor::new(bytes.as_ref()))),
            Body::File(file, _) => {
                let mut file = file;
                file.seek(SeekFrom::Start(0)).map_err(|error| io_failure(&error))?;
                Ok(Box::new(BufReader::with_capacity(BUFFER_BYTES, file)))
            }
        }
    }
}

/// Bytes as they come from the network: in memory up to a bound, then in a file.
struct Spool {
    hasher: blake3::Hasher,
    memory: Vec<u8>,
    file: Option<File>,
    taken: u64,
    memory_max: u64,
    bytes_max: u64,
}

impl Spool {
    fn new(limits: &Limits) -> Self {
        Spool {
            hasher: blake3::Hasher::new(),
            memory: Vec::new(),
            file: None,
            taken: 0,
            memory_max: limits.spool_bytes_max,
            bytes_max: limits.source_bytes_max,
        }
    }

    fn take(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.taken += bytes.len() as u64;
        if self.taken > self.bytes_max {
            return Err(exceeded("source_bytes_max", self.bytes_max, None));
        }
        self.hasher.update(bytes);
        if self.file.is_none() && self.taken > self.memory_max {
            let mut file = tempfile::tempfile().map_err(|error| io_failure(&error))?;
            file.write_all(&std::mem::take(&mut self.memory)).map_err(|error| io_failure(&error))?;
            self.file = Some(file);
        }
        match &mut self.file {
            Some(file) => file.write_all(bytes).map_err(|error| io_failure(&error)),
            None => {
                self.memory.extend_from_slice(bytes);
                Ok(())
            }
        }
    }

    fn finish(self) -> Result<Loaded, Failure> {
        let body = match self.file {
            Some(file) => Body::File(file, self.taken),
            None => Body::Memory(self.memory.into()),
        };
        Ok(Loaded { digest: self.hasher.finalize(), body, mark: None })
    }
}

fn io_failure(error: &io::Error) -> Failure {
    Failure::new(FailureKind::of_file(error), format!("it cannot be read: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits() -> Limits {
        Limits { spool_bytes_max: 10, source_bytes_max: 100, ..Limits::default() }
    }

    fn read(loaded: &Loaded) -> Vec<u8> {
        let mut bytes = Vec::new();
        loaded.open().unwrap().read_to_end(&mut bytes).unwrap();
        bytes
    }

    #[test]
    fn small_and_large_sources_have_the_same_digest_by_every_way() {
        let folder = tempfile::tempdir().unwrap();
        for length in [0_u8, 1, 10, 11, 100] {
            let bytes: Vec<u8> = (0..length).collect();
            let path = folder.path().join("score");
            std::fs::write(&path, &bytes).unwrap();
            let by_path = Arrived::Path(path).load(&limits()).unwrap();
            let mut spool = Spool::new(&limits());
            bytes.chunks(7).for_each(|part| spool.take(part).unwrap());
            let by_stream = spool.finish().unwrap();
            for loaded in [&by_path, &by_stream] {
                assert_eq!(loaded.digest(), blake3::hash(&bytes).to_hex().as_str());
                assert_eq!(read(loaded), bytes);
                assert_eq!(read(loaded), bytes, "it can be opened again");
                assert_eq!(loaded.bytes(), u64::from(length));
            }
        }
    }

    #[test]
    fn what_cannot_be_had_is_said_by_kind() {
        let folder = tempfile::tempdir().unwrap();
        let kind = |path: PathBuf| Arrived::Path(path).load(&limits()).unwrap_err().kind;
        assert_eq!(kind(folder.path().join("none")), FailureKind::NotFound);
        assert_eq!(kind(folder.path().to_owned()), FailureKind::Unsupported);
        std::fs::write(folder.path().join("big"), [0; 101]).unwrap();
        assert_eq!(kind(folder.path().join("big")), FailureKind::TooLarge);
        assert!(Spool::new(&limits()).take(&[0; 101]).is_err());
    }
}
