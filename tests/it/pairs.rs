//! The same work in two formats gives the same notes: the pairs that the corpora have. Skipped where they are absent.

use shared::limits::Limits;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use tests::{corpora, read};
use worker::read::ReadOptions;
use worker::score::{Repeats, Score, laid_out};

/// Two files of one work, how the first is laid out, how many notes each has, and how many they have in common at least.
/// The MIDI file of the hymn is of another program, which plays some notes of two voices as one.
const PAIRS: [(&str, &str, Repeats, usize, usize, usize); 3] = [
    (
        "harmony-tavern/Beethoven/B077/Krn/Wo077.krn",
        "harmony-tavern/Beethoven/B077/Krn/Wo077.xml",
        Repeats::Written,
        1976,
        1976,
        1976,
    ),
    ("mixed-edge-noteseq/flute_scale.mxl", "mixed-edge-noteseq/flute_scale.xml", Repeats::Written, 8, 8, 8),
    (
        "openhymnal-abc/JesuJoyOfMansDesiring.abc",
        "openhymnal-abc/JesuJoyOfMansDesiring.mid",
        Repeats::Expanded,
        1897,
        1911,
        1887,
    ),
];

/// How often each key is struck at each moment; grace notes are played by no rule.
fn struck(path: &Path, repeats: Repeats) -> BTreeMap<(i64, i32), usize> {
    let name = path.to_string_lossy();
    let bytes = fs::read(path).unwrap_or_else(|error| panic!("{name}: {error}"));
    let reading = read(&bytes, &name, &ReadOptions::default());
    assert!(reading.is_whole(), "{name}");
    let [score]: [Score; 1] = reading.scores.try_into().expect("one piece");
    let score = laid_out(score, repeats, &Limits::default()).expect("a score to be played");
    let mut struck = BTreeMap::new();
    for note in score.notes.iter().filter(|note| note.is_onset() && note.is_pitched() && !note.is_grace()) {
        *struck.entry((note.onset.0, note.sounding_key())).or_insert(0) += 1;
    }
    struck
}

#[test]
fn the_same_work_in_two_formats_gives_the_same_notes() {
    let Some(corpora) = corpora() else { return };
    for (one, other, repeats, of_one, of_other, common) in PAIRS {
        let a = struck(&corpora.join(one), repeats);
        let b = struck(&corpora.join(other), Repeats::Written);
        assert_eq!((a.values().sum::<usize>(), b.values().sum::<usize>()), (of_one, of_other), "{one}");
        let shared = a.iter().map(|(at, count)| *count.min(b.get(at).unwrap_or(&0))).sum::<usize>();
        assert!(shared >= common, "{one}: {shared} notes are as in {other}, {common} were");
    }
}
