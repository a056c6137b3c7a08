//! Where a table goes: a folder, or a prefix of an object store, to which its files are sent part by part.

use object_store::{ObjectStoreExt, WriteMultipart};
use shared::failure::{Failure, FailureKind};
use shared::store;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Bytes of a part. A store takes ten thousand of them: 80 GB.
const PART_BYTES: usize = 8 << 20;
/// Parts that are under way at once.
const PARTS_AT_ONCE: usize = 4;

/// Has `make` write files into a folder, and tells their paths. Where `out` is a URL the folder is one of its own, and the
/// files are sent to the store then; each is there whole or not at all.
pub(super) async fn written(
    out: &Path,
    make: impl AsyncFnOnce(&Path) -> Result<Vec<PathBuf>, Failure>,
) -> Result<Vec<PathBuf>, Failure> {
    let Some(url) = out.to_str().filter(|out| store::is_url(out)) else { return make(out).await };
    let (store, prefix) = store::open(url)?;
    let unavailable =
        |error: io::Error| Failure::new(FailureKind::Unavailable, format!("a temporary folder: {error}"));
    let folder = tempfile::tempdir().map_err(unavailable)?;
    let mut urls = Vec::new();
    for path in make(folder.path()).await? {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let to = prefix.clone().join(&*name);
        let sent = send(&store, &to, &path).await;
        let whose =
            |failure: Failure| Failure { message: format!("{url}: {name}: {}", failure.message), ..failure };
        sent.map_err(whose)?;
        urls.push(PathBuf::from(format!("{}/{name}", url.trim_end_matches('/'))));
    }
    Ok(urls)
}

/// Sends a file. What was sent of one that fails is taken back, as far as the store answers.
async fn send(
    store: &dyn object_store::ObjectStore,
    to: &object_store::path::Path,
    path: &Path,
) -> Result<(), Failure> {
    let unreadable =
        |error: io::Error| Failure::new(FailureKind::Unavailable, format!("it cannot be read back: {error}"));
    let mut file = File::open(path).map_err(unreadable)?;
    // It was written a moment ago: reading it waits for no disk.
    let mut next = || {
        let mut part = Vec::new();
        file.by_ref().take(PART_BYTES as u64).read_to_end(&mut part).map(|_| part).map_err(unreadable)
    };
    let first = next()?;
    if first.len() < PART_BYTES {
        return store.put(to, first.into()).await.map(drop).map_err(store::failure);
    }
    let upload = store.put_multipart(to).await.map_err(store::failure)?;
    let mut upload = WriteMultipart::new_with_chunk_size(upload, PART_BYTES);
    let mut part = first;
    while !part.is_empty() {
        upload.put(part.into());
        part =
            match upload.wait_for_capacity(PARTS_AT_ONCE).await.map_err(store::failure).and_then(|()| next())
            {
                Ok(part) => part,
                Err(failure) => {
                    let _ = upload.abort().await;
                    return Err(failure);
                }
            };
    }
    upload.finish().await.map(drop).map_err(store::failure)
}
