//! The cache must forget rather than lie, whatever happens to its files.

use super::*;
use shared::row::{Cell, Detail, Facts, Finding, State};
use std::collections::BTreeMap;

/// Text that cannot be made shorter.
fn noise(letters: usize) -> String {
    let mut bytes = vec![0; letters];
    blake3::Hasher::new().finalize_xof().fill(&mut bytes);
    bytes.iter().map(|byte| char::from(b'a' + byte % 16)).collect()
}

fn entry(name: &str, weight: usize) -> Entry {
    let (cells, detail) = (vec![Cell::Integer(7)], Detail::of(&noise(weight)).unwrap());
    let finding = Encoded::of(&Finding { name: "ambitus".into(), cells, detail }).unwrap();
    let facts = Facts { state: State::Ok, failure: None, ..Facts::failed(failure()) };
    let findings = BTreeMap::from([("ambitus@1 {}".to_owned(), vec![finding])]);
    Entry { sentence: name.to_owned(), pieces: vec![facts], findings, last: true }
}

fn failure() -> shared::failure::Failure {
    shared::failure::Failure::new(shared::failure::FailureKind::Malformed, "nothing")
}

const BYTES_MAX: u64 = 64 << 20;

#[test]
fn what_was_kept_is_recalled_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let kept = entry("a", 10);
    {
        let cache = Cache::open(folder.path(), BYTES_MAX).unwrap();
        cache.remember(&Keeper::nobody(), &kept);
        assert_eq!(cache.recall(&Keeper::nobody(), "a"), Some(kept.clone()));
        assert_eq!(cache.recall(&Keeper::nobody(), "b"), None);
    }
    assert_eq!(Cache::open(folder.path(), BYTES_MAX).unwrap().recall(&Keeper::nobody(), "a"), Some(kept));
}

#[test]
fn entries_of_any_size_are_recalled_whole_also_after_longer_ones() {
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::open(folder.path(), BYTES_MAX).unwrap();
    let length = |weight: usize| entry("a", weight).encode().unwrap().len();
    // The weights around two full values, one of which fills both to the last byte.
    let around: Vec<usize> = (2 * VALUE_BYTES - 400..2 * VALUE_BYTES).collect();
    assert!(around.iter().any(|&weight| length(weight) == 2 * VALUE_BYTES), "full values are tried");
    for weight in [5 * VALUE_BYTES].into_iter().chain(around.into_iter().rev()).chain([10]) {
        let kept = entry("a", weight);
        cache.remember(&Keeper::nobody(), &kept);
        assert_eq!(cache.recall(&Keeper::nobody(), "a"), Some(kept), "{weight}");
    }
}

#[test]
fn a_source_is_known_by_its_address() {
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::open(folder.path(), BYTES_MAX).unwrap();
    let source = |etag: &str| Source {
        sentence: source_sentence("", "s3://b/a"),
        etag: etag.to_owned(),
        bytes: 7,
        digest: "d".into(),
        format: "abc".into(),
    };
    cache.remember_source(&Keeper::nobody(), &source("1"));
    cache.remember_source(&Keeper::nobody(), &source("2"));
    assert_eq!(cache.recall_source(&Keeper::nobody(), "", "s3://b/a"), Some(source("2")));
    assert_eq!(cache.recall_source(&Keeper::nobody(), "", "s3://b/b"), None);
    let other = super::whose_sentence("uni-a");
    assert_eq!(cache.recall_source(&Keeper::nobody(), &other, "s3://b/a"), None, "another tenant's");
}

#[test]
fn two_processes_have_two_caches() {
    let folder = tempfile::tempdir().unwrap();
    let one = Cache::open(folder.path(), BYTES_MAX).unwrap();
    let two = Cache::open(folder.path(), BYTES_MAX).unwrap();
    one.remember(&Keeper::nobody(), &entry("a", 10));
    assert_eq!(two.recall(&Keeper::nobody(), "a"), None);
}

#[test]
fn generations_bound_the_space_and_keep_what_is_used() {
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::open(folder.path(), 8 << 20).unwrap();
    let used = entry("used", 10);
    cache.remember(&Keeper::nobody(), &used);
    for index in 0..400 {
        cache.remember(&Keeper::nobody(), &entry(&format!("filler {index}"), 100_000));
        assert_eq!(cache.recall(&Keeper::nobody(), "used").as_ref(), Some(&used), "after {index}");
    }
    assert!(
        cache.generations.read().unwrap().as_ref().unwrap().number >= 2,
        "40 MB went through a cache of 8 MiB"
    );
    assert!(generation_numbers(&cache.folder).len() <= 2);
    assert_eq!(cache.recall(&Keeper::nobody(), "filler 0"), None, "what was not used is forgotten");
}

#[test]
fn damaged_files_never_give_a_wrong_answer() {
    let folder = tempfile::tempdir().unwrap();
    let whole: Vec<Entry> = (0..50).map(|index| entry(&format!("entry {index}"), 2_000)).collect();
    {
        let cache = Cache::open(folder.path(), BYTES_MAX).unwrap();
        whole.iter().for_each(|entry| cache.remember(&Keeper::nobody(), entry));
    }
    let db = folder.path().join("slot-0/generation-0/db");
    let bytes = fs::read(&db).unwrap();
    let mut damaged = vec![Vec::new(), bytes[..bytes.len() / 2].to_vec(), vec![0xAA; bytes.len()]];
    for at in (0..bytes.len()).step_by(bytes.len() / 12) {
        let mut flipped = bytes.clone();
        flipped[at..].iter_mut().take(4096).for_each(|byte| *byte ^= 0x55);
        damaged.push(flipped);
    }
    for bytes in damaged {
        fs::write(&db, &bytes).unwrap();
        let cache = Cache::open(folder.path(), BYTES_MAX).expect("a fresh one takes its place");
        for entry in &whole {
            let recalled = cache.recall(&Keeper::nobody(), &entry.sentence);
            assert!(recalled.is_none() || recalled.as_ref() == Some(entry), "a wrong value was served");
        }
        cache.remember(&Keeper::nobody(), &whole[0]);
    }
}

/// sled would wait for ever for the disk that failed it.
#[test]
fn a_cache_whose_folder_is_taken_away_forgets_and_lets_go() {
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::open(folder.path(), BYTES_MAX).unwrap();
    cache.remember(&Keeper::nobody(), &entry("a", 4 * VALUE_BYTES));
    fs::remove_dir_all(folder.path()).unwrap();
    for name in ["b", "c", "d"] {
        cache.remember(&Keeper::nobody(), &entry(name, 4 * VALUE_BYTES));
    }
    assert_eq!(cache.recall(&Keeper::nobody(), "a"), None, "it was switched off");
    let (sender, done) = mpsc::channel();
    thread::spawn(move || {
        drop(cache);
        sender.send(()).unwrap();
    });
    done.recv_timeout(6 * CLOSE_WAIT).expect("it lets go");
}
