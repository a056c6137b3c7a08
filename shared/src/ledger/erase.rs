//! Erasing a tenant: first its keys, so that nothing of it can be read, then its objects, so that nothing of it is left.

use super::tenants::COUNTED;
use super::watch::written_ms;
use super::{AT_ONCE, Ledger};
use crate::failure::Failure;
use crate::store::failure;
use futures::{StreamExt, TryStreamExt, stream};
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore};

/// What was done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Erased {
    /// Objects that were removed.
    pub objects: u64,
    /// Whether there were keys to destroy, or had been.
    pub keys: bool,
}

impl Ledger {
    /// The tenants that have something here.
    ///
    /// # Errors
    /// What the store says.
    pub async fn tenants(&self) -> Result<Vec<String>, Failure> {
        self.folders(&Path::from("tenants")).await
    }

    /// Erases this tenant: its keys are destroyed, and then its objects removed, but for the records of what was done. What
    /// is begun for it meanwhile has new keys and stays. Where it was broken off, the next one brings it to its end.
    ///
    /// # Errors
    /// What the store says.
    pub async fn erase(&self) -> Result<Erased, Failure> {
        let tenant = self.tenant();
        let destroyed = match &self.vault {
            Some(vault) => Some((vault, vault.destroy(tenant).await?)),
            None => None,
        };
        let mut erased = Erased { objects: 0, keys: destroyed.is_some() };
        // First the indexes, so that nobody takes anything up.
        let mut folders: Vec<Path> = ["active", "callbacks", "schedules"]
            .iter()
            .chain(&COUNTED)
            .map(|area| Path::from_iter([*area, tenant]))
            .collect();
        for area in self.folders(&Path::from_iter(["tenants", tenant])).await? {
            if area != "audit" {
                folders.push(Path::from_iter(["tenants", tenant, &area]));
            }
        }
        for folder in folders {
            let mut listed = self.store.list(Some(&folder)).try_chunks(AT_ONCE);
            while let Some(mut objects) = listed.try_next().await.map_err(|error| failure(error.1))? {
                if let Some((vault, at_ms)) = destroyed
                    && !vault.is_erased(tenant).await?
                {
                    // What was listed may be of the new keys, unless it is older than the end of the old ones.
                    objects.retain(|meta| written_ms(meta) < at_ms);
                }
                erased.objects += self.remove_all(objects).await?;
            }
        }
        Ok(erased)
    }

    pub(super) async fn remove_all(&self, objects: Vec<ObjectMeta>) -> Result<u64, Failure> {
        let keys = stream::iter(objects.into_iter().map(|meta| Ok(meta.location))).boxed();
        let mut removed = 0;
        let mut outcomes = self.store.delete_stream(keys);
        while let Some(outcome) = outcomes.next().await {
            match outcome {
                Ok(_) => removed += 1,
                Err(object_store::Error::NotFound { .. }) => {}
                Err(error) => return Err(failure(error)),
            }
        }
        Ok(removed)
    }
}
