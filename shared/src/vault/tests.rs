//! Keys of tenants, and what becomes of them.

use super::*;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{ObjectStoreExt, PutPayload};
use std::sync::Arc;

struct Site {
    store: Arc<dyn ObjectStore>,
    _folder: tempfile::TempDir,
}

impl Site {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Arc::new(LocalFileSystem::new_with_prefix(folder.path()).unwrap());
        Site { store, _folder: folder }
    }

    /// A process, with these master keys.
    async fn with(&self, digits: &[&str]) -> Result<Arc<Vault>, Failure> {
        let keys: Vec<String> = digits.iter().map(|digits| digits.repeat(32)).collect();
        let master = MasterKeys::read(&keys.join(" ")).unwrap();
        Vault::found(&self.store, Some(Arc::new(master))).await.map(Option::unwrap)
    }

    async fn without(&self) -> Result<Option<Arc<Vault>>, Failure> {
        Vault::found(&self.store, None).await
    }
}

async fn sealed(vault: &Vault, tenant: &str) -> Bytes {
    vault.seal(tenant, None, "n", b"lyrics").await.unwrap()
}

async fn opened(vault: &Vault, tenant: &str, object: &[u8]) -> Result<Option<Bytes>, Failure> {
    // As a process that has not asked for a while.
    vault.slot(tenant).set_old();
    vault.open(tenant, "n", object).await
}

/// Every record of a tenant that has keys, as bytes; the others are short.
async fn records(site: &Site, tenant: &str) -> Vec<Bytes> {
    let mut all = Vec::new();
    for number in 1.. {
        let key = Path::from(format!("vault/tenants/{tenant}/{number:010}"));
        let Ok(found) = site.store.get(&key).await else { return all };
        let record = found.bytes().await.unwrap();
        if record.len() > 150 {
            all.push(record);
        }
    }
    all
}

#[tokio::test]
async fn what_one_process_seals_another_opens_for_the_same_tenant_only() {
    let site = Site::new();
    assert!(site.without().await.unwrap().is_none(), "nothing is sealed yet");
    let (one, two) = (site.with(&["a1"]).await.unwrap(), site.with(&["a1"]).await.unwrap());
    let object = sealed(&one, "a").await;
    assert_eq!(two.open("a", "n", &object).await.unwrap().unwrap(), &b"lyrics"[..]);
    sealed(&one, "b").await;
    for tenant in ["b", "c"] {
        let failure = opened(&two, tenant, &object).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::Internal, "{failure}");
    }
    assert!(two.open("a", "m", &object).await.is_err(), "under another name");
}

#[tokio::test]
async fn two_processes_that_are_first_have_one_key() {
    let site = Site::new();
    let vaults = [site.with(&["a1"]).await.unwrap(), site.with(&["a1"]).await.unwrap()];
    let objects = futures::future::join_all((0..20).map(|index| sealed(&vaults[index % 2], "a"))).await;
    for object in &objects {
        assert_eq!(vaults[0].open("a", "n", object).await.unwrap().unwrap(), &b"lyrics"[..]);
    }
    assert_eq!(records(&site, "a").await.len(), 1);
}

#[tokio::test]
async fn a_missing_or_wrong_master_key_is_told_at_the_start() {
    let site = Site::new();
    sealed(&site.with(&["a1"]).await.unwrap(), "a").await;
    let failure = site.without().await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Denied);
    assert!(failure.message.contains("RIPIENO_MASTER_KEY"), "{failure}");
    let failure = site.with(&["b2"]).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Denied);
    assert!(failure.message.contains("RIPIENO_MASTER_KEY"), "{failure}");
    site.with(&["b2", "a1"]).await.unwrap();
}

#[tokio::test]
async fn a_new_data_key_seals_and_the_old_ones_open() {
    let site = Site::new();
    let (one, two) = (site.with(&["a1"]).await.unwrap(), site.with(&["a1"]).await.unwrap());
    assert_eq!(one.rekey("a").await.unwrap_err().kind, FailureKind::NotFound);
    let before = sealed(&one, "a").await;
    assert_eq!(two.open("a", "n", &before).await.unwrap().unwrap(), &b"lyrics"[..]);
    assert_eq!(one.rekey("a").await.unwrap(), 2);
    let after = sealed(&one, "a").await;
    assert_ne!(before[8..24], after[8..24], "another key");
    // Who holds the keys of before meets one that it does not know, and asks.
    two.slot("a")
        .set(Held { asked: Instant::now().checked_sub(MISSED_EVERY), ..two.slot("a").get().unwrap() });
    for object in [&before, &after] {
        assert_eq!(two.open("a", "n", object).await.unwrap().unwrap(), &b"lyrics"[..]);
    }
    let listed = one.tenants().await.unwrap();
    assert_eq!((listed.len(), listed[0].keys, listed[0].erased), (1, 2, 0));
}

#[tokio::test]
async fn after_wrapping_anew_the_old_master_key_is_of_no_use() {
    let site = Site::new();
    let old = site.with(&["a1"]).await.unwrap();
    let object = sealed(&old, "a").await;
    old.rekey("a").await.unwrap();
    sealed(&old, "b").await;
    let both = site.with(&["b2", "a1"]).await.unwrap();
    let wrapped = records(&site, "a").await;
    assert_eq!(both.rewrap().await.unwrap(), Rewrapped { changed: 2, unchanged: 0 });
    assert_eq!(both.rewrap().await.unwrap(), Rewrapped { changed: 0, unchanged: 2 });
    let new = site.with(&["b2"]).await.unwrap();
    assert_eq!(new.open("a", "n", &object).await.unwrap().unwrap(), &b"lyrics"[..]);
    assert_eq!(opened(&old, "a", &object).await.unwrap_err().kind, FailureKind::Unavailable);
    assert!(site.with(&["a1"]).await.is_err());
    let all = records(&site, "a").await;
    assert!(wrapped.iter().all(|record| !all.contains(record)), "what was wrapped before is overwritten");
}

#[tokio::test]
async fn an_erased_tenant_has_nothing_and_begins_with_a_new_key() {
    let site = Site::new();
    let (one, two) = (site.with(&["a1"]).await.unwrap(), site.with(&["a1"]).await.unwrap());
    let before = sealed(&one, "a").await;
    one.rekey("a").await.unwrap();
    let other = sealed(&one, "b").await;
    let kept = records(&site, "a").await;
    let bound = two.life("a").await.unwrap();
    one.destroy("a").await.unwrap();
    assert!(one.is_erased("a").await.unwrap());
    assert_eq!(opened(&two, "a", &before).await.unwrap(), None, "as if it were not there");
    let failure = two.seal("a", Some(bound), "n", b"late").await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::NotFound, "{failure}");
    let all = records(&site, "a").await;
    assert!(kept.iter().all(|record| !all.contains(record)), "no wrapped key is left");
    let after = sealed(&one, "a").await;
    assert_ne!(before[8..24], after[8..24]);
    assert_eq!(opened(&two, "a", &after).await.unwrap().unwrap(), &b"lyrics"[..]);
    assert_eq!(opened(&two, "a", &before).await.unwrap(), None);
    assert_eq!(opened(&two, "b", &other).await.unwrap().unwrap(), &b"lyrics"[..]);
    let listed = one.tenants().await.unwrap();
    assert_eq!((listed[0].keys, listed[0].erased), (1, 1));
}

/// Whoever read the keys before they were destroyed, and writes them after that, is too late.
#[tokio::test]
async fn nobody_brings_a_destroyed_key_back() {
    let site = Site::new();
    let (one, late) = (site.with(&["a1"]).await.unwrap(), site.with(&["a1"]).await.unwrap());
    let object = sealed(&one, "a").await;
    let held = late.standing("a", TRUSTED).await.unwrap();
    let Standing::Keys(ring) = &held.standing else { panic!("it has keys") };
    one.destroy("a").await.unwrap();
    assert!(!late.write_ring("a", &held, &ring.with_new_key(1).unwrap()).await.unwrap());
    sealed(&one, "a").await;
    one.rekey("a").await.unwrap();
    assert!(!late.write_ring("a", &held, &ring.with_new_key(1).unwrap()).await.unwrap());
    assert_eq!(opened(&late, "a", &object).await.unwrap(), None);
}

/// An erasure that was broken off after its first write: the keys are not in force, and the next one overwrites them.
#[tokio::test]
async fn an_erasure_that_was_broken_off_is_brought_to_its_end() {
    let site = Site::new();
    let vault = site.with(&["a1"]).await.unwrap();
    sealed(&vault, "a").await;
    let kept = records(&site, "a").await;
    let record = ring::Record::new(1, 1, State::Erased);
    assert!(vault.shelf.create("a", 2, &record).await.unwrap());
    assert!(records(&site, "a").await.contains(&kept[0]));
    vault.destroy("a").await.unwrap();
    let all = records(&site, "a").await;
    assert!(all.is_empty() && kept.len() == 1);
    assert_eq!(vault.shelf.last("a").await.unwrap(), 2, "one number was taken, not two");
}

#[tokio::test]
async fn keys_that_nobody_wants_are_forgotten_and_those_of_keepers_stay_until_they_are_destroyed() {
    let site = Site::new();
    let vault = site.with(&["a1"]).await.unwrap();
    let keeper = Keeper::of(&vault, "b", Some(0));
    assert!(keeper.seal("n", vec![1]).is_none(), "there are no keys yet");
    sealed(&vault, "a").await;
    sealed(&vault, "b").await;
    let kept = keeper.seal("n", b"cached".to_vec()).unwrap();
    assert_eq!(keeper.open("n", &kept).unwrap().as_ref(), b"cached");
    assert!(keeper.open("m", &kept).is_none() && Keeper::of(&vault, "a", None).open("n", &kept).is_none());
    for tenant in ["a", "b"] {
        let slot = vault.slot(tenant);
        let held = slot.get().unwrap();
        slot.set(Held { asked: Instant::now().checked_sub(HELD_MAX), ..held });
    }
    assert!(keeper.open("n", &kept).is_none(), "what is so old is not used");
    vault.tidy().await;
    assert!(!vault.slots().contains_key("a"));
    assert_eq!(keeper.open("n", &kept).unwrap().as_ref(), b"cached");
    vault.shelf.create("b", 2, &ring::Record::new(1, 1, State::Erased)).await.unwrap();
    vault
        .slot("b")
        .set(Held { asked: Instant::now().checked_sub(HELD_MAX), ..vault.slot("b").get().unwrap() });
    vault.tidy().await;
    assert!(keeper.open("n", &kept).is_none() && keeper.seal("n", vec![1]).is_none());
}

#[tokio::test]
async fn objects_of_before_are_taken_where_there_were_some() {
    let site = Site::new();
    let old = Path::from("tenants/old/scores/x");
    site.store.put(&old, PutPayload::from_static(b"X:1")).await.unwrap();
    let audit = Path::from("tenants/new/audit/1");
    site.store.put(&audit, PutPayload::from_static(b"x")).await.unwrap();
    let vault = site.with(&["a1"]).await.unwrap();
    assert!(vault.takes_plain("old", "n").await.unwrap(), "it has no keys yet");
    sealed(&vault, "old").await;
    sealed(&vault, "new").await;
    assert!(vault.takes_plain("old", "n").await.unwrap());
    assert_eq!(vault.takes_plain("new", "n").await.unwrap_err().kind, FailureKind::Internal);
    vault.destroy("old").await.unwrap();
    assert!(!vault.takes_plain("old", "n").await.unwrap());
}

#[tokio::test]
async fn a_process_that_works_apart_opens_by_keys_that_were_handed_over() {
    let site = Site::new();
    let vault = site.with(&["a1"]).await.unwrap();
    let object = sealed(&vault, "a").await;
    let handed = crate::wire::encode(&vault.hand_over("a").await.unwrap()).unwrap();
    let handed: Handed = crate::wire::decode(&handed, "keys").unwrap();
    assert_eq!(format!("{handed:?}"), "1 keys");
    let apart = Vault::handed(&site.store, "a", &handed).unwrap();
    assert_eq!(apart.open("a", "n", &object).await.unwrap().unwrap(), &b"lyrics"[..]);
    assert!(apart.rekey("a").await.is_err(), "it has no master key");
}

#[tokio::test]
async fn a_stream_is_opened_as_it_comes_and_what_is_cut_off_is_missed() {
    use futures::{StreamExt, TryStreamExt, stream};
    let site = Site::new();
    let vault = site.with(&["a1"]).await.unwrap();
    let bytes: Vec<u8> = (0..300_000_u32).map(|index| index.to_le_bytes()[0]).collect();
    let object = vault.seal("a", None, "n", &bytes).await.unwrap();
    let read = async |object: Bytes, size: usize| {
        let pieces: Vec<_> = object.chunks(size).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
        let opened = vault.open_stream("a", "n", stream::iter(pieces).boxed());
        let pieces: Result<Vec<Bytes>, Failure> = opened.try_collect().await;
        pieces.map(|pieces| pieces.concat())
    };
    for size in [1, 55, 56, 57, 4096, 65_552, 65_608, 1 << 20] {
        assert_eq!(read(object.clone(), size).await.unwrap(), bytes, "by {size}");
    }
    for length in [0, 8, 55, 56, 65_608, 65_608 + 65_552, object.len() - 1] {
        assert!(read(object.slice(..length), 4096).await.is_err(), "cut off at {length}");
    }
    let failure = read(Bytes::from_static(b"X:1"), 4096).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Internal, "it is not sealed: {failure}");
}
