//! Where data keys lie.

use super::ring::{Record, State};
use crate::checksum;
use crate::clock;
use crate::failure::Failure;
use crate::store::failure;
use crate::wire;
use bytes::Bytes;
use futures::TryStreamExt;
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt, PutMode, PutOptions};
use std::sync::Arc;

/// Everything of the vault lies below it.
const VAULT: &str = "vault";

/// The part of a store that has the wrapped keys.
#[derive(Clone, Debug)]
pub(super) struct Shelf {
    store: Arc<dyn ObjectStore>,
}

fn masters() -> Path {
    Path::from_iter([VAULT, "masters"])
}

fn tenants() -> Path {
    Path::from_iter([VAULT, "tenants"])
}

fn record(tenant: &str, number: u32) -> Path {
    tenants().join(tenant).join(format!("{number:010}"))
}

fn encoded(record: &Record) -> Result<Bytes, Failure> {
    wire::encode(record).map(checksum::with_checksum)
}

fn decoded(object: Bytes, key: &Path) -> Result<Record, Failure> {
    wire::decode(&checksum::checked(object, key.as_ref())?, key.as_ref())
}

impl Shelf {
    pub(super) fn of(store: &Arc<dyn ObjectStore>) -> Self {
        Shelf { store: Arc::clone(store) }
    }

    async fn listed(&self, folder: &Path) -> Result<Vec<ObjectMeta>, Failure> {
        self.store.list(Some(folder)).try_collect().await.map_err(failure)
    }

    /// Names of the master keys that data keys may be wrapped by.
    pub(super) async fn masters(&self) -> Result<Vec<String>, Failure> {
        let listed = self.listed(&masters()).await?;
        Ok(listed.iter().filter_map(|meta| meta.location.filename().map(str::to_owned)).collect())
    }

    /// Notes the name of a master key, before anything is wrapped by it.
    pub(super) async fn note_master(&self, name: &str) -> Result<(), Failure> {
        self.store.put(&masters().join(name), Bytes::new().into()).await.map(drop).map_err(failure)
    }

    /// Strikes the name of a master key by which nothing is wrapped any more.
    pub(super) async fn strike_master(&self, name: &str) -> Result<(), Failure> {
        match self.store.delete(&masters().join(name)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(failure(error)),
        }
    }

    /// The tenants that have, or had, keys.
    pub(super) async fn tenants(&self) -> Result<Vec<String>, Failure> {
        let found = self.store.list_with_delimiter(Some(&tenants())).await.map_err(failure)?;
        let names = found.common_prefixes.iter().filter_map(|path| path.filename().map(str::to_owned));
        let mut names: Vec<String> = names.collect();
        names.sort_unstable();
        Ok(names)
    }

    /// Whether anything lies in the store of a tenant but the audit.
    pub(super) async fn has_objects(&self, tenant: &str) -> Result<bool, Failure> {
        let folder = Path::from_iter(["tenants", tenant]);
        let found = self.store.list_with_delimiter(Some(&folder)).await.map_err(failure)?;
        Ok(found.common_prefixes.iter().any(|path| path.filename() != Some("audit")))
    }

    /// The highest number of a tenant's records; 0 for none.
    pub(super) async fn last(&self, tenant: &str) -> Result<u32, Failure> {
        let listed = self.listed(&tenants().join(tenant)).await?;
        let numbers = listed.iter().filter_map(|meta| meta.location.filename()?.parse().ok());
        Ok(numbers.max().unwrap_or(0))
    }

    pub(super) async fn get(&self, tenant: &str, number: u32) -> Result<Option<Record>, Failure> {
        let key = record(tenant, number);
        match self.store.get(&key).await {
            Ok(found) => decoded(found.bytes().await.map_err(failure)?, &key).map(Some),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(failure(error)),
        }
    }

    /// The last record after one of this number, if there is any. Numbers have no gaps.
    pub(super) async fn newest_after(
        &self,
        tenant: &str,
        number: u32,
    ) -> Result<Option<(u32, Record)>, Failure> {
        let (mut number, mut newest) = (number, None);
        while let Some(record) = self.get(tenant, number + 1).await? {
            number += 1;
            newest = Some((number, record));
        }
        Ok(newest)
    }

    /// Creates a record, unless there is one of its number.
    pub(super) async fn create(&self, tenant: &str, number: u32, what: &Record) -> Result<bool, Failure> {
        let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
        match self.store.put_opts(&record(tenant, number), encoded(what)?.into(), options).await {
            Ok(_) => Ok(true),
            Err(object_store::Error::AlreadyExists { .. } | object_store::Error::Precondition { .. }) => {
                Ok(false)
            }
            Err(error) => Err(failure(error)),
        }
    }

    /// Overwrites the records before a number, which says what is in force. `all` of them, also where a later one was
    /// overwritten already.
    pub(super) async fn supersede(&self, tenant: &str, number: u32, all: bool) -> Result<(), Failure> {
        for before in (1..number).rev() {
            let Some(old) = self.get(tenant, before).await? else { continue };
            if matches!(old.state, State::Superseded) {
                if all { continue } else { return Ok(()) }
            }
            let gone = Record::new(old.life, clock::now_ms(), State::Superseded);
            self.store.put(&record(tenant, before), encoded(&gone)?.into()).await.map_err(failure)?;
        }
        Ok(())
    }

    /// When a record was written, by the store's clock.
    pub(super) async fn written_ms(&self, tenant: &str, number: u32) -> Result<u64, Failure> {
        let meta = self.store.head(&record(tenant, number)).await.map_err(failure)?;
        Ok(u64::try_from(meta.last_modified.timestamp_millis()).unwrap_or(0))
    }
}
