//! Roman numerals: figures against music21, and what the succeeded server got wrong.

use super::super::testing::{ask, ask_with, note, score};
use super::*;
use crate::score::{Event, Flags, Note, Pitch};
use serde_json::{Value, json};

/// A pitch written as `C#4`.
fn pitch(word: &str) -> Pitch {
    let (name, octave) = word.split_at(word.len() - 1);
    let step = Step::from_letter(name.as_bytes()[0]).unwrap();
    let alter = name[1..].bytes().map(|sign| if sign == b'#' { 1 } else { -1 }).sum();
    Pitch::new(step, alter, octave.parse().unwrap())
}

/// The figures of chords, each written as its pitches, in a key: of music21, and of ours.
fn figures(key: Key, chord: &str, applied: bool) -> (String, String) {
    let pitches: Vec<Pitch> = chord.split(' ').map(pitch).collect();
    let chord = Chord::of(&pitches).unwrap();
    (compat(&chord, key, applied).figure, corrected(&chord, key, applied).figure)
}

const C: Key = Key { step: Step::C, alter: 0, minor: false };
const C_MINOR: Key = Key { step: Step::C, alter: 0, minor: true };

/// The left column is what music21 10.5.1 writes: `roman.romanNumeralFromChord(chord.Chord(…), key).figure`.
#[test]
fn figures_are_kept() {
    for (key, chord, music21, ours) in [
        (C, "C4 E4 G4", "I", "I"),
        (C, "E4 G4 C5", "I6", "I6"),
        (C, "B3 D4 F4 G4", "V65", "V65"),
        (C, "B3 D4 F4 A4", "viiø7", "viiø7"),
        (C, "B3 D4 F4 Ab4", "viiob753", "viio7"),
        (C, "C4 E4 G4 Bb4", "Ib753", "Ib7"),
        (C, "Db4 F4 Ab4", "bII", "bII"),
        (C, "C4 E4 G#4", "I+", "I+"),
        (C, "G3", "v", "V"),
        (C, "G3 D4", "v5", "V"),
        (C_MINOR, "Ab3 C4 Eb4", "bVI", "VI"),
        (C_MINOR, "Bb3 D4 F4", "bVII", "VII"),
        (C_MINOR, "B3 D4 F4", "viio", "viio"),
        (C_MINOR, "B3 D4 F4 Ab4", "viio7", "viio7"),
        (C_MINOR, "G3 B3 D4 F4", "V75#3", "V7"),
        (C_MINOR, "B3 D4 F4 G4", "V65", "V65"),
        (C_MINOR, "A3 C4 Eb4", "vio", "vio"),
        (C_MINOR, "A3 C4 E4", "vi", "vi"),
        (C_MINOR, "Ab3 C4 F#4", "It6", "It6"),
        (C_MINOR, "Ab3 C4 Eb4 F#4", "Ger65", "Ger65"),
        (C_MINOR, "Ab3 C4 D4 F#4", "Fr43", "Fr43"),
    ] {
        assert_eq!(
            figures(key, chord, false),
            (music21.to_owned(), ours.to_owned()),
            "{chord} in {}",
            key.name()
        );
    }
}

/// `preferSecondaryDominants=True` of music21 takes every major triad for a dominant, the tonic too.
#[test]
fn applied_dominants() {
    for (key, chord, music21, ours) in [
        (C, "C4 E4 G4", "V/IV", "I"),
        (C, "D4 F#4 A4 C5", "V7/V", "V7/V"),
        (C, "F#3 A3 C4 D4", "V65/V", "V65/V"),
        (C, "A3 C#4 E4 G4", "V7/ii", "V7/ii"),
        (C, "G3 B3 D4", "V", "V"),
        (C_MINOR, "C4 E4 G4", "V/iv", "V/iv"),
    ] {
        assert_eq!(
            figures(key, chord, true),
            (music21.to_owned(), ours.to_owned()),
            "{chord} in {}",
            key.name()
        );
    }
}

/// The succeeded server took the key of the first part for that of the score.
#[test]
fn the_key_is_that_of_all_parts() {
    let upper = [60, 62, 64, 66, 67].map(|key| Event::Note(note(0, (0, 1), (1, 1), key)));
    let lower =
        [57, 59, 61, 62, 64, 66, 68, 69, 57, 69, 64, 61].map(|key| Event::Note(note(1, (0, 1), (8, 1), key)));
    let answer = ask(&RomanNumerals, &score(2, upper.into_iter().chain(lower).collect()));
    assert_eq!(answer["key"], "A major");
}

/// The succeeded server said measure 0 of everything.
#[test]
fn measures_and_beats_are_those_of_the_score() {
    let mut events = Vec::new();
    for (number, name) in (0..3).zip(["1", "2", "3"]) {
        events.push(Event::Measure {
            part: 0,
            onset: crate::score::Ticks::quarters(number * 4),
            number: name,
        });
        for (beat, keys) in [(0, [60, 64, 67]), (2, [59, 62, 67])] {
            events.extend(keys.map(|key| Event::Note(note(0, (number * 4 + beat, 1), (2, 1), key))));
        }
    }
    let answer = ask(&RomanNumerals, &score(1, events));
    let places: Vec<(Value, Value)> =
        answer["slices"].as_array().unwrap().iter().map(|row| (row[2].clone(), row[3].clone())).collect();
    let pairs = [("1", "1"), ("1", "3"), ("2", "1"), ("2", "3"), ("3", "1"), ("3", "3")];
    assert_eq!(places, pairs.map(|(measure, beat)| (json!(measure), json!(beat))));
    assert_eq!(answer["slices"][1][4], json!(["V6", "V", 5, 1]));
}

#[test]
fn a_score_in_d_flat_is_not_in_c_sharp() {
    let flats = ["Db4", "Eb4", "F4", "Gb4", "Ab4", "Bb4", "C5", "Db5", "Db4", "Ab4", "F4"];
    let notes = flats.into_iter().zip(0..).map(|(name, at)| {
        Event::Note(Note { written: pitch(name), flags: Flags::NONE, ..note(0, (at, 1), (1, 1), 60) })
    });
    let score = score(1, notes.collect());
    assert_eq!(ask(&RomanNumerals, &score)["key"], "Db major");
    let compat = ask_with(&RomanNumerals, &score, &json!({ "fidelity": "compat" }));
    assert_eq!(compat["key"], "C# major");
}
