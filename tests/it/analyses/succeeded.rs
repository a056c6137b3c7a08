//! What the Python server that Ripieno succeeds got wrong of whole scores, each held against the notes themselves. Unit tests
//! beside the analyses have the same by hand: `the_same_chord_at_another_time_has_another_onset` and `nothing_is_cut` (chords),
//! `notes_are_compared_when_they_sound` (voice_leading), `the_key_is_that_of_all_parts`, `figures_are_kept` and
//! `measures_and_beats_are_those_of_the_score` (roman_numerals), `lengths_are_told_in_the_meter_that_holds` (harmonic_rhythm).

use super::scores::pieces;
use super::{answer, root};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use worker::analyse;
use worker::score::Score;

const SCORES: [&str; 3] = ["kern/bwv-66-6.krn", "musicxml/piano.musicxml", "abc/voices.abc"];

fn scores() -> Vec<Score> {
    SCORES.iter().flat_map(|path| pieces(&root().join("tests/data/scores").join(path))).collect()
}

fn ask(name: &str, score: &Score) -> Value {
    answer(analyse::find(name).expect("registered"), score, json!({}))
}

fn list<'a>(answer: &'a Value, field: &str) -> &'a [Value] {
    answer[field].as_array().expect("a list")
}

/// MIDI key of `F#4`, `Bb3`.
fn key(name: &str) -> i32 {
    let octave = name.trim_start_matches(|sign: char| !sign.is_ascii_digit() && sign != '-');
    let class = "C D EF G A B".find(&name[..1]).expect("a letter") as i32;
    let signs = |sign| name[1..].matches(sign).count() as i32;
    class + signs('#') - signs('b') + 12 * (octave.parse::<i32>().expect("an octave") + 1)
}

/// It took offsets from a cache keyed without them: 23 of 129 chords of three chorales stood in a wrong place.
#[test]
fn each_chord_is_what_sounds_at_its_offset() {
    let mut seen = 0;
    for score in scores() {
        let chords = ask("chords", &score);
        for slice in list(&chords, "slices") {
            let (above, below) = slice[0]
                .as_str()
                .expect("an onset")
                .split_once('/')
                .unwrap_or((slice[0].as_str().unwrap(), "1"));
            let at = above.parse::<f64>().unwrap() / below.parse::<f64>().unwrap();
            let sounding: BTreeSet<i32> = score
                .notes
                .iter()
                .filter(|note| note.is_pitched() && !note.is_grace())
                .filter(|note| note.onset.as_quarters() < at + 1e-6 && at + 1e-6 < note.end().as_quarters())
                .map(|note| note.sounding_key())
                .collect();
            let chord = &chords["chords"][slice[4].as_u64().expect("an index") as usize];
            let keys: BTreeSet<i32> =
                list(chord, "keys").iter().map(|key| key.as_i64().expect("a key") as i32).collect();
            assert_eq!(keys, sounding, "at {at}");
            seen += 1;
        }
    }
    assert!(seen > 60, "{seen} chords");
}

/// It compared the i-th note with the i-th: 13 parallel fifths in three chorales, and none was there.
#[test]
fn each_parallel_fifth_is_one_of_two_voices_that_move_at_once() {
    let mut moves = 0;
    for score in scores() {
        let voices = ask("voice_leading", &score);
        for row in list(&voices, "findings") {
            let step = |index: &Value| {
                let step = &row[3][index.as_u64().expect("an index") as usize];
                [&step[1], &step[2]].map(|name| key(name.as_str().expect("a pitch")))
            };
            for (kind, wide) in [("parallel_fifth", 7), ("parallel_octave", 0), ("parallel_unison", 0)] {
                for pair in row[4][kind].as_array().into_iter().flatten() {
                    let ([a, b], [c, d]) = (step(&pair[0]), step(&pair[1]));
                    assert_eq!([(a - c).rem_euclid(12), (b - d).rem_euclid(12)], [wide; 2], "{row}");
                    assert!(a != b && c != d, "{row}");
                }
            }
        }
        moves += voices["pairs"].as_u64().expect("a count");
    }
    assert!(moves > 200, "{moves} moves");
}

/// It wrote "V" for "V65".
#[test]
fn each_numeral_of_a_triad_or_a_seventh_says_its_position() {
    let score = &scores()[0];
    let (chords, numerals) = (ask("chords", score), ask("roman_numerals", score));
    let mut inverted = 0;
    for (slice, numeral) in list(&chords, "slices").iter().zip(list(&numerals, "slices")) {
        let chord = &chords["chords"][slice[4].as_u64().expect("an index") as usize];
        let figure = numeral[4][0].as_str().expect("a figure");
        let known = ["major", "minor", "diminished"].iter().any(|quality| chord["quality"] == *quality);
        let whole =
            list(chord, "keys").iter().map(|key| key.as_i64().map(|key| key % 12)).collect::<BTreeSet<_>>();
        if known && whole.len() == 3 && chord["inversion"] != 0 {
            assert!(figure.contains('6'), "{figure} of {chord}");
            inverted += 1;
        }
        assert_eq!(numeral[0], slice[0]);
    }
    assert!(inverted > 10, "{inverted} chords in another position than the root's");
}

/// It cut lists at 50 and at 20 without a word.
#[test]
fn every_slice_chord_and_phrase_is_listed() {
    let score = &scores()[0];
    let slices = score.slices().len();
    assert!(slices > 50, "{slices}");
    for name in ["chords", "roman_numerals"] {
        assert_eq!(list(&ask(name, score), "slices").len(), slices, "{name}");
    }
    let harmony = ask("harmony", score);
    assert_eq!(Some(list(&harmony, "segments").len() as u64), harmony["count"].as_u64());
    for (name, rows, count) in [
        ("functions", "chords", &harmony["count"]),
        ("non_chord_tones", "found", &ask("non_chord_tones", score)["count"]),
        ("cadences", "cadences", &ask("cadences", score)["count"]),
        ("clausulae", "found", &ask("clausulae", score)["count"]),
    ] {
        assert_eq!(Some(list(&ask(name, score), rows).len() as u64), count.as_u64(), "{name}");
    }
}
