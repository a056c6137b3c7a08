//! How objects rest: sealed with the keys of the tenant whose they are, where there is a vault, else with a digest of
//! themselves.

use super::Ledger;
use crate::checksum;
use crate::config;
use crate::failure::{Failure, FailureKind};
use crate::principal::{LOCAL_TENANT, PUBLIC_TENANT};
use crate::store::{self, failure};
use crate::vault::{self, Handed, Keeper, Vault};
use bytes::Bytes;
use object_store::ObjectStore;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What a process that works apart needs to open the uploaded scores of one tenant.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Handout {
    root: String,
    keys: Handed,
}

/// Whose an object is, where it is one that is sealed. Records of what was done, API keys and indexes are not: they hold
/// nothing of a score, and who reads them may have no keys.
fn owner(key: &Path) -> Option<String> {
    let parts: Vec<_> = key.parts().collect();
    match &parts[..] {
        [tenants, tenant, area, ..] if tenants.as_ref() == "tenants" && area.as_ref() != "audit" => {
            Some(tenant.as_ref().to_owned())
        }
        [callbacks, tenant, ..] if callbacks.as_ref() == "callbacks" => Some(tenant.as_ref().to_owned()),
        _ => None,
    }
}

impl Ledger {
    /// Who seals the object under a key, and with whose keys.
    pub(super) fn sealing(&self, key: &Path) -> Option<(&Arc<Vault>, String)> {
        self.vault.as_ref().zip(owner(key))
    }

    /// Whether the object under a key is sealed.
    pub(super) fn seals(&self, key: &Path) -> bool {
        self.sealing(key).is_some()
    }

    /// The object that holds these bytes under a key.
    pub(super) async fn sealed(&self, key: &Path, bytes: Vec<u8>) -> Result<Bytes, Failure> {
        match self.sealing(key) {
            None => Ok(checksum::with_checksum(bytes)),
            Some((vault, tenant)) => vault.seal(&tenant, self.life, key.as_ref(), &bytes).await,
        }
    }

    /// The bytes that the object under a key holds; nothing for one of a tenant that was erased.
    pub(super) async fn unsealed(&self, key: &Path, object: Bytes) -> Result<Option<Bytes>, Failure> {
        match (self.sealing(key), vault::is_sealed(&object)) {
            (Some((vault, tenant)), true) => vault.open(&tenant, key.as_ref(), &object).await,
            (Some((vault, tenant)), false) => match vault.takes_plain(&tenant, key.as_ref()).await? {
                true => checksum::checked(object, key.as_ref()).map(Some),
                false => Ok(None),
            },
            (None, true) if self.vault.is_none() => {
                let message = format!("{key} is sealed: set {} for every process", config::MASTER_KEY);
                Err(Failure::new(FailureKind::Unavailable, message))
            }
            (None, _) => checksum::checked(object, key.as_ref()).map(Some),
        }
    }

    /// The vault, where there is a master key.
    #[must_use]
    pub const fn vault(&self) -> Option<&Arc<Vault>> {
        self.vault.as_ref()
    }

    /// Who seals what a process keeps of this tenant outside of the ledger.
    #[must_use]
    pub fn keeper(&self) -> Keeper {
        let keeper = self.vault.as_ref().map(|vault| Keeper::of(vault, self.tenant(), self.life));
        keeper.unwrap_or_default()
    }

    /// Who seals what a process keeps of public corpora: keys of nobody in particular, made where there are none.
    ///
    /// # Errors
    /// What the store says.
    pub async fn public_keeper(&self) -> Result<Keeper, Failure> {
        let Some(vault) = &self.vault else { return Ok(Keeper::nobody()) };
        vault.make_keys(PUBLIC_TENANT).await?;
        Ok(Keeper::of(vault, PUBLIC_TENANT, None))
    }

    /// The same ledger, which writes nothing more once its tenant is erased.
    ///
    /// # Errors
    /// What the store says.
    pub async fn bound_to_life(self) -> Result<Self, Failure> {
        let Some(vault) = &self.vault else { return Ok(self) };
        let life = vault.life(self.tenant()).await?;
        Ok(Ledger { life: Some(life), ..self })
    }

    /// How often the tenant was erased: what a process remembers of it is of no use any more once that has changed.
    ///
    /// # Errors
    /// What the store says.
    pub async fn erased_before(&self) -> Result<u32, Failure> {
        match &self.vault {
            Some(vault) => vault.life(self.tenant()).await,
            None => Ok(0),
        }
    }

    /// Whether the tenant was erased since this was bound to its life.
    ///
    /// # Errors
    /// What the store says.
    pub async fn is_over(&self) -> Result<bool, Failure> {
        match (&self.vault, self.life) {
            (Some(vault), Some(life)) => Ok(vault.life(self.tenant()).await? != life),
            _ => Ok(false),
        }
    }

    /// What a process that works apart for this tenant needs; nothing where nothing is sealed.
    ///
    /// # Errors
    /// What the store says.
    pub async fn handout(&self) -> Result<Option<Handout>, Failure> {
        let Some(vault) = &self.vault else { return Ok(None) };
        let keys = vault.hand_over(self.tenant()).await?;
        Ok(Some(Handout { root: self.root.to_string(), keys }))
    }

    /// The ledger of a tenant as a process that works apart has it: for its uploaded scores.
    ///
    /// # Errors
    /// As [`store::open`].
    pub fn handed(tenant: &str, handout: &Handout) -> Result<Self, Failure> {
        let root = &handout.root;
        let store: Arc<dyn ObjectStore> = match store::is_url(root) {
            true => {
                let (store, prefix) = store::open(root)?;
                Arc::new(PrefixStore::new(store, prefix))
            }
            false => Arc::new(LocalFileSystem::new_with_prefix(root).map_err(failure)?),
        };
        let vault = Some(Vault::handed(&store, tenant, &handout.keys)?);
        let keys = super::Keys::new(LOCAL_TENANT);
        Ok(Ledger { store, root: root.as_str().into(), keys, vault, life: None }.of(tenant))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_holds_something_of_a_score_is_its_tenants() {
        for (key, of) in [
            ("tenants/a/jobs/job-x/record", Some("a")),
            ("tenants/a/scores/00", Some("a")),
            ("tenants/a/uploads/x/pieces/0", Some("a")),
            ("tenants/a/schedules/n/changes/1", Some("a")),
            ("callbacks/a/job-x/owed", Some("a")),
            ("tenants/a/audit/0000000001", None),
            ("keys/a/x/key", None),
            ("vault/tenants/a/0000000001", None),
            ("active/a/job-x", None),
        ] {
            assert_eq!(owner(&Path::from(key)).as_deref(), of, "{key}");
        }
    }
}
