//! Objects that a skin keeps beside the jobs: uploads that are not whole yet, callbacks that are still owed.
//!
//! The same primitive carries them: a key is created once, and its first bytes count.

use super::{Created, Ledger};
use crate::checksum::DIGEST_BYTES;
use crate::failure::Failure;
use crate::store::failure;
use crate::vault;
use bytes::Bytes;
use futures::TryStreamExt;
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore};

/// A corner of the ledger.
#[derive(Clone, Debug)]
pub struct Drawer {
    ledger: Ledger,
    root: Path,
}

/// An object in a drawer, as a listing shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its key inside the drawer.
    pub key: Vec<String>,
    /// Its bytes; wrong for what was written before the ledger was sealed, or is not sealed in one that is.
    pub bytes: u64,
    /// When it was written, in milliseconds since 1970 by the store's clock.
    pub written_ms: u64,
}

impl Ledger {
    /// A drawer of this tenant.
    #[must_use]
    pub fn drawer(&self, area: &str) -> Drawer {
        Drawer { ledger: self.clone(), root: Path::from_iter(["tenants", self.tenant(), area]) }
    }

    /// A drawer that all tenants share: an index for who looks after all of them. The tenant is the first element of its
    /// keys.
    #[must_use]
    pub fn common_drawer(&self, area: &str) -> Drawer {
        Drawer { ledger: self.clone(), root: Path::from_iter([area]) }
    }
}

impl Drawer {
    fn path(&self, key: &[&str]) -> Path {
        key.iter().fold(self.root.clone(), |path, part| path.join(*part))
    }

    /// Whether what is put here is sealed.
    #[must_use]
    pub fn is_sealed(&self) -> bool {
        self.ledger.seals(&self.path(&["any"]))
    }

    /// Puts bytes under a key, unless there are some already.
    ///
    /// # Errors
    /// What the store says.
    pub async fn create(&self, key: &[&str], bytes: Vec<u8>) -> Result<Created, Failure> {
        let path = self.path(key);
        let object = self.ledger.sealed(&path, bytes).await?;
        self.ledger.create(&path, object).await
    }

    /// The bytes under a key, if there are any.
    ///
    /// # Errors
    /// What the store says; `internal` for bytes that are not as they were written.
    pub async fn get(&self, key: &[&str]) -> Result<Option<Bytes>, Failure> {
        self.ledger.held(&self.path(key)).await
    }

    /// Everything whose key begins so, in the order of the keys.
    ///
    /// # Errors
    /// What the store says.
    pub async fn list(&self, key: &[&str]) -> Result<Vec<Entry>, Failure> {
        let path = self.path(key);
        let found: Vec<ObjectMeta> =
            self.ledger.store.list(Some(&path)).try_collect().await.map_err(failure)?;
        let skipped = self.root.parts().count();
        let sealed = self.is_sealed();
        let entry = |meta: ObjectMeta| Entry {
            key: meta.location.parts().skip(skipped).map(|part| part.as_ref().to_owned()).collect(),
            bytes: match sealed {
                true => vault::held_bytes(meta.size),
                false => meta.size.saturating_sub(DIGEST_BYTES as u64),
            },
            written_ms: u64::try_from(meta.last_modified.timestamp_millis()).unwrap_or(0),
        };
        let mut entries: Vec<Entry> = found.into_iter().map(entry).collect();
        entries.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(entries)
    }

    /// Takes an object out; one that is not there is out already.
    ///
    /// # Errors
    /// What the store says.
    pub async fn remove(&self, key: &[&str]) -> Result<(), Failure> {
        self.ledger.remove(&self.path(key)).await
    }
}
