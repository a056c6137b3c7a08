//! The cache must forget rather than lie, whatever happens to its files.

use super::generation::{HEAD_BYTES, VALUE_BYTES};
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
    let findings = BTreeMap::from([(name.to_owned(), vec![finding])]);
    Entry { pieces: vec![facts], findings, last: true }
}

fn failure() -> shared::failure::Failure {
    shared::failure::Failure::new(shared::failure::FailureKind::Malformed, "nothing")
}

const BYTES_MAX: u64 = 64 << 20;

fn remember(cache: &Cache, name: &str, entry: &Entry) {
    cache.remember(&Keeper::nobody(), name, entry);
}

fn recall(cache: &Cache, name: &str) -> Option<Entry> {
    cache.recall(&Keeper::nobody(), name)
}

#[test]
fn what_was_kept_is_recalled_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let kept = entry("a", 10);
    {
        let cache = Cache::open(folder.path(), BYTES_MAX).unwrap();
        remember(&cache, "a", &kept);
        assert_eq!(recall(&cache, "a"), Some(kept.clone()));
        assert_eq!(recall(&cache, "b"), None);
    }
    assert_eq!(recall(&Cache::open(folder.path(), BYTES_MAX).unwrap(), "a"), Some(kept));
}

#[test]
fn entries_of_any_size_are_recalled_whole_also_after_longer_ones() {
    let values = |cache: &Cache| cache.generations.read().unwrap().as_ref().unwrap().young.values();
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::open(folder.path(), BYTES_MAX).unwrap();
    let length = |weight: usize| HEAD_BYTES + entry::encode(&entry("a", weight)).unwrap().len();
    // The weights around two full values, one of which fills both to the last byte.
    let around: Vec<usize> = (2 * VALUE_BYTES - 400..2 * VALUE_BYTES).collect();
    assert!(around.iter().any(|&weight| length(weight) == 2 * VALUE_BYTES), "full values are tried");
    for weight in [5 * VALUE_BYTES].into_iter().chain(around.into_iter().rev()).chain([10]) {
        let kept = entry("a", weight);
        remember(&cache, "a", &kept);
        assert_eq!(recall(&cache, "a"), Some(kept), "{weight}");
        assert!(values(&cache) <= weight / VALUE_BYTES + 2, "the one before is gone");
    }
}

#[test]
fn each_of_many_records_is_found_and_a_new_one_takes_the_place_of_the_old() {
    let folder = tempfile::tempdir().unwrap();
    let record = |round: u32, index: u32| (round, index, "x".repeat(index as usize % 50));
    let count = 3_000;
    for round in 0..3 {
        let cache = Cache::open(folder.path(), BYTES_MAX).unwrap();
        for index in 0..count {
            cache.remember(&Keeper::nobody(), &format!("{index}"), &record(round, index));
        }
        let all_are = |cache: &Cache| {
            for index in 0..count {
                let known: Option<(u32, u32, String)> = cache.recall(&Keeper::nobody(), &format!("{index}"));
                assert_eq!(known, Some(record(round, index)));
            }
        };
        all_are(&cache);
        drop(cache);
        let cache = Cache::open(folder.path(), BYTES_MAX).unwrap();
        all_are(&cache);
        let generations = cache.generations.read().unwrap();
        let values = generations.as_ref().unwrap().young.values();
        assert!(values < (round as usize + 1) * count as usize / 20, "{values} values: they stand together");
    }
}

/// As a process that was killed leaves it: what no run has is forgotten, and its numbers are not given away again.
#[test]
fn what_no_run_has_is_forgotten_after_a_fall_and_no_more() {
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::open(folder.path(), BYTES_MAX).unwrap();
    let names: Vec<String> = (0..300).map(|index| format!("entry {index}")).collect();
    names.iter().for_each(|name| remember(&cache, name, &entry(name, 10)));
    drop(cache.generations.write().unwrap().take());
    drop(cache);
    let cache = Cache::open(folder.path(), BYTES_MAX).unwrap();
    let known = |cache: &Cache| names.iter().filter(|name| recall(cache, name).is_some()).count();
    assert_eq!(known(&cache), 256);
    remember(&cache, "new", &entry("new", 10));
    assert_eq!(known(&cache), 256);
    names.iter().for_each(|name| remember(&cache, name, &entry(name, 20)));
    assert!(names.iter().all(|name| recall(&cache, name) == Some(entry(name, 20))));
}

#[test]
fn a_database_of_another_layout_is_set_aside() {
    let folder = tempfile::tempdir().unwrap();
    let db = folder.path().join("slot-0/generation-0");
    sled::open(&db).unwrap().insert(blake3::hash(b"a").as_bytes(), b"old").unwrap();
    let cache = Cache::open(folder.path(), BYTES_MAX).unwrap();
    remember(&cache, "a", &entry("a", 10));
    assert_eq!(recall(&cache, "a"), Some(entry("a", 10)));
    assert!(db.with_extension("damaged").exists());
}

#[test]
fn a_source_is_known_by_its_address() {
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::open(folder.path(), BYTES_MAX).unwrap();
    let source =
        |etag: &str| Source { etag: etag.to_owned(), bytes: 7, digest: "d".into(), format: "abc".into() };
    let known = |whose: &str, address: &str| -> Option<Source> {
        cache.recall(&Keeper::nobody(), &source_sentence(whose, address))
    };
    let sentence = source_sentence("", "s3://b/a");
    cache.remember(&Keeper::nobody(), &sentence, &source("1"));
    cache.remember(&Keeper::nobody(), &sentence, &source("2"));
    assert_eq!(known("", "s3://b/a"), Some(source("2")));
    assert_eq!(known("", "s3://b/b"), None);
    assert_eq!(known(&whose_sentence("uni-a"), "s3://b/a"), None, "another tenant's");
}

#[test]
fn two_processes_have_two_caches() {
    let folder = tempfile::tempdir().unwrap();
    let one = Cache::open(folder.path(), BYTES_MAX).unwrap();
    let two = Cache::open(folder.path(), BYTES_MAX).unwrap();
    remember(&one, "a", &entry("a", 10));
    assert_eq!(recall(&two, "a"), None);
}

#[test]
fn generations_bound_the_space_and_keep_what_is_used() {
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::open(folder.path(), 8 << 20).unwrap();
    let used = entry("used", 10);
    remember(&cache, "used", &used);
    for index in 0..400 {
        let name = format!("filler {index}");
        remember(&cache, &name, &entry(&name, 100_000));
        assert_eq!(recall(&cache, "used").as_ref(), Some(&used), "after {index}");
    }
    assert!(
        cache.generations.read().unwrap().as_ref().unwrap().number >= 2,
        "40 MB went through a cache of 8 MiB"
    );
    assert!(generation_numbers(&cache.folder).len() <= 2);
    assert_eq!(recall(&cache, "filler 0"), None, "what was not used is forgotten");
}

/// Those stay where others stand beside them, until their generation goes.
#[test]
fn small_records_that_were_replaced_do_not_fill_the_disk() {
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::open(folder.path(), 4 << 20).unwrap();
    for round in 0..40_000_u32 {
        cache.remember(&Keeper::nobody(), "a", &(round, noise(500)));
    }
    let known: Option<(u32, String)> = cache.recall(&Keeper::nobody(), "a");
    assert_eq!(known, Some((39_999, noise(500))));
    let number = cache.generations.read().unwrap().as_ref().unwrap().number;
    assert!(number >= 2, "20 MB went through a cache of 4 MiB");
    assert!(generation_numbers(&cache.folder).len() <= 2);
}

#[test]
fn damaged_files_never_give_a_wrong_answer() {
    let folder = tempfile::tempdir().unwrap();
    let name = |index: usize| format!("entry {index}");
    let whole: Vec<Entry> = (0..400).map(|index| entry(&name(index), 2_000)).collect();
    {
        let cache = Cache::open(folder.path(), BYTES_MAX).unwrap();
        (0..).zip(&whole).for_each(|(index, entry)| remember(&cache, &name(index), entry));
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
        for (index, entry) in (0..).zip(&whole) {
            let recalled = recall(&cache, &name(index));
            assert!(recalled.is_none() || recalled.as_ref() == Some(entry), "a wrong value was served");
        }
        remember(&cache, &name(0), &whole[0]);
    }
}

/// sled would wait for ever for the disk that failed it.
#[test]
fn a_cache_whose_folder_is_taken_away_forgets_and_lets_go() {
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::open(folder.path(), BYTES_MAX).unwrap();
    remember(&cache, "a", &entry("a", 4 * VALUE_BYTES));
    fs::remove_dir_all(folder.path()).unwrap();
    for name in ["b", "c", "d"] {
        remember(&cache, name, &entry(name, 4 * VALUE_BYTES));
    }
    assert_eq!(recall(&cache, "a"), None, "it was switched off");
    let (sender, done) = mpsc::channel();
    thread::spawn(move || {
        drop(cache);
        sender.send(()).unwrap();
    });
    done.recv_timeout(6 * CLOSE_WAIT).expect("it lets go");
}
