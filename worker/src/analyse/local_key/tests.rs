//! Keys of measures, held against music21 and worked out by hand.

use super::super::testing::{ask, ask_with, note, score, soprano};
use super::*;
use crate::score::{Event, Flags, Note};
use serde_json::{Value, json};

/// Measures of four quarters in one part, each of some keys that sound through it.
fn measures(chords: &[&[i32]]) -> Score {
    let mut events = Vec::new();
    for (chord, onset) in chords.iter().zip((0..).step_by(4)) {
        events.push(Event::Measure { part: 0, onset: Ticks::quarters(onset), number: "1" });
        events.extend(chord.iter().map(|&key| Event::Note(note(0, (onset, 1), (4, 1), key))));
    }
    score(1, events)
}

fn answer_with(score: &Score, given: &Value) -> Value {
    ask_with(&LocalKey, score, given)
}

/// The key of each measure.
fn keys(answer: &Value) -> Vec<String> {
    let stretches = answer["stretches"].as_array().unwrap().iter();
    stretches
        .flat_map(|stretch| {
            let key = stretch["key"].as_str().unwrap_or("-").to_owned();
            std::iter::repeat_n(key, stretch["measures"].as_u64().unwrap() as usize)
        })
        .collect()
}

/// The docstring of music21 analysis.floatingKey.KeyAnalyzer: c1 e1 g1 c1 and four D flats, a measure each but for the
/// last; window 1 gives a C C C b-, and the raw keys of single notes are those of the profile alone.
#[test]
fn compat_is_music21_s_docstring() {
    let tiny = measures(&[&[60], &[64], &[67], &[60], &[61]]);
    let found = keys(&answer_with(&tiny, &json!({ "fidelity": "compat", "window": 1 })));
    assert_eq!(found, ["A minor", "C major", "C major", "C major", "Bb minor"]);
}

/// music21 10.5.1, KeyAnalyzer of the bundled score's first part alone; windows 4, 1 and 0.
#[test]
fn bwv_66_6_soprano() {
    for (window, expected) in EXPECTED {
        let found = keys(&answer_with(&soprano(), &json!({ "fidelity": "compat", "window": window })));
        assert_eq!(found.join(", "), expected, "{window}");
    }
}

const EXPECTED: [(u64, &str); 3] = [
    (4, "A major, A major, F# minor, F# minor, F# minor, F# minor, F# minor, F# minor, F# minor, F# minor"),
    (1, "A major, A major, F# minor, F# minor, F# minor, F# minor, F# minor, F# minor, F# minor, F# minor"),
    (0, "F# minor, A major, F# minor, F# minor, E major, F# minor, F# minor, C# major, B major, B major"),
];

#[test]
fn a_path_goes_where_the_music_goes() {
    let (tonic, dominant) = (&[60, 64, 67][..], &[67, 71, 74, 77][..]);
    let home = [tonic, dominant, tonic, dominant, tonic];
    let up: Vec<Vec<i32>> = home.iter().map(|chord| chord.iter().map(|key| key + 6).collect()).collect();
    let all: Vec<&[i32]> =
        home.into_iter().chain(up.iter().map(Vec::as_slice)).chain([&[][..], &[60, 64, 67]]).collect();
    let answer = ask(&LocalKey, &measures(&all));
    assert_eq!((&answer["opening"], &answer["main"]), (&json!("C major"), &json!("C major")));
    let found = keys(&answer);
    assert_eq!((&*found[0], &*found[9], &*found[10]), ("C major", "F# major", "-"));
    assert_eq!(answer["keys"], 2);
}

#[test]
fn silence_and_noise_have_no_key() {
    let none = ask(&LocalKey, &measures(&[&[], &[]]));
    assert_eq!(
        (&none["opening"], &none["keys"], &none["main_share"]),
        (&Value::Null, &json!(0), &Value::Null)
    );
    assert_eq!(none["stretches"][0]["measures"], 2);
    // music21 gives up where a measure holds unpitched notes only, and does not where it holds a grace note.
    let with = |flags| {
        let mut score = measures(&[&[60], &[60]]);
        score.notes[1].flags = flags;
        answer_with(&score, &json!({ "fidelity": "compat" }))
    };
    assert_eq!(with(Flags::UNPITCHED)["opening"], Value::Null);
    assert_eq!(keys(&with(Flags::GRACE)).len(), 2);
}

#[test]
fn without_measures_four_quarters_are_a_span() {
    let notes = [note(0, (0, 1), (6, 1), 60), Note { ..note(0, (6, 1), (2, 1), 64) }];
    let answer = ask(&LocalKey, &score(1, notes.map(Event::Note).into()));
    assert_eq!(keys(&answer).len(), 2);
    assert_eq!(answer["stretches"][0]["offset"], "0");
}
