//! Random music written in each format and read back: what comes out is what went in, and all formats say the same.

mod abc;
mod kern;
mod midi;
mod music;
mod musicxml;

use music::{Heard, Music, heard, music};
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};
use proptest::{prop_assert, prop_assert_eq};
use tests::{read, read_with};
use worker::read::{READERS, ReadOptions};

/// Runs `test` on random music, the same in each run, and shrinks what fails it.
fn on_random_music(test: impl Fn(Music) -> Result<(), TestCaseError>) {
    let config = Config { cases: 96, failure_persistence: None, ..Config::default() };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    if let Err(error) = TestRunner::new_with_rng(config, rng).run(&music(), test) {
        panic!("{error}");
    }
}

/// What a format's reader makes of a source that is sound: nothing is lost and nothing odd.
fn reading(format: &str, bytes: &[u8]) -> Result<Heard, TestCaseError> {
    let shown = || String::from_utf8_lossy(bytes).into_owned();
    let reader = READERS.iter().find(|reader| reader.format().name == format).expect("a format");
    let mut reading = read_with(*reader, bytes, &ReadOptions::default());
    prop_assert_eq!(read(bytes, "score", &ReadOptions::default()).notes(), reading.notes(), "recognised");
    prop_assert!(reading.is_whole() && reading.scores.len() == 1, "{:?}\n{}", reading.failure, shown());
    let score = reading.scores.remove(0);
    prop_assert!(score.warning_count == 0, "{:?}\n{}", score.warnings, shown());
    Ok(heard(&score))
}

/// Holds what was read against what was written.
fn same(format: &str, written: &Heard, bytes: &[u8]) -> Result<(), TestCaseError> {
    let read = reading(format, bytes)?;
    prop_assert_eq!(&read.signs, &written.signs, "{}", String::from_utf8_lossy(bytes));
    prop_assert_eq!(&read.rests, &written.rests, "{}", String::from_utf8_lossy(bytes));
    prop_assert_eq!(&read.notes, &written.notes, "{}", String::from_utf8_lossy(bytes));
    Ok(())
}

#[test]
fn musicxml_comes_back() {
    on_random_music(|music| {
        same("musicxml", &music.heard(), musicxml::partwise(&music).as_bytes())?;
        same("musicxml", &music.heard(), musicxml::timewise(&music).as_bytes())
    });
}

#[test]
fn kern_comes_back() {
    on_random_music(|music| same("kern", &music.heard(), kern::write(&music).as_bytes()));
}

#[test]
fn abc_comes_back() {
    on_random_music(|music| same("abc", &music.heard(), abc::write(&music).as_bytes()));
}

#[test]
fn midi_comes_back() {
    on_random_music(|music| {
        let music = music.without_ink();
        let written = music.heard().keys_only();
        let read = reading("midi", &midi::write(&music))?.keys_only();
        prop_assert_eq!(&read.signs, &written.signs);
        prop_assert_eq!(&read.notes, &written.notes);
        Ok(())
    });
}

#[test]
fn the_same_music_is_the_same_in_every_format() {
    on_random_music(|music| {
        let xml = reading("musicxml", musicxml::partwise(&music).as_bytes())?;
        prop_assert_eq!(&reading("kern", kern::write(&music).as_bytes())?, &xml);
        prop_assert_eq!(&reading("abc", abc::write(&music).as_bytes())?, &xml);

        let plain = music.without_ink();
        let xml = reading("musicxml", musicxml::partwise(&plain).as_bytes())?.keys_only();
        let midi = reading("midi", &midi::write(&plain))?.keys_only();
        prop_assert_eq!(&midi.notes, &xml.notes);
        Ok(())
    });
}
