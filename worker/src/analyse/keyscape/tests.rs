//! Keyscapes of scores whose keys are known.

use super::super::testing::{ask, ask_with, note, score, soprano};
use super::*;
use crate::score::Event;
use serde_json::{Value, json};

fn answer_with(score: &Score, given: &Value) -> Value {
    ask_with(&Keyscape, score, given)
}

/// Sixteen quarters of C major chords, then as many of F# major.
fn two_keys() -> Score {
    let mut events = vec![Event::Measure { part: 0, onset: Ticks::ZERO, number: "1" }];
    for onset in 0..32 {
        let tonic = if onset < 16 { 60 } else { 66 };
        events.extend([0, 4, 7].map(|up| Event::Note(note(0, (onset, 1), (1, 1), tonic + up))));
    }
    score(1, events)
}

#[test]
fn each_half_has_its_key() {
    let answer = answer_with(&two_keys(), &json!({ "smallest": 1, "sizes": 3 }));
    assert_eq!(answer["levels"][0], json!({ "window": 1, "keys": "C".repeat(16) + &"X".repeat(16) }));
    assert_eq!(answer["levels"][1]["window"], 6);
    assert_eq!((&answer["levels"][2]["window"], &answer["cells"]), (&json!(32), &json!(32)));
    // 31 neighbours of one cell, of which one pair differs; between windows of six the change takes some more.
    assert!(answer["stability"].as_f64().unwrap() > 0.9);
    assert!(answer["levels"][1]["keys"].as_str().unwrap().starts_with("CCCCCCCCCCC"));
}

/// The docstring of music21 analysis.windowed.WindowedAnalysis.analyze: BWV 66.6 has 36 cells; windows of 1 and 4 number
/// 36 and 33 that overlap, 37 and 10 that do not, and 36 that are averaged.
#[test]
fn windows_number_as_in_music21() {
    let score = soprano();
    for (windows, size, count) in
        [("overlap", 1, 36), ("overlap", 4, 33), ("apart", 1, 37), ("apart", 4, 10), ("averaged", 4, 36)]
    {
        let given = json!({ "fidelity": "compat", "windows": windows, "smallest": size, "largest": size });
        let answer = answer_with(&score, &given);
        assert_eq!(answer["levels"][0]["keys"].as_str().unwrap().chars().count(), count, "{windows} {size}");
    }
    let corrected = answer_with(&score, &json!({ "windows": "apart", "smallest": 4, "largest": 4 }));
    assert_eq!(corrected["levels"][0]["keys"].as_str().unwrap().len(), 9);
}

/// The two ways to find a key agree on every window of a chorale's soprano.
#[test]
fn products_and_correlations_agree() {
    let given = |fidelity: &str| json!({ "fidelity": fidelity, "smallest": 2, "sizes": 0 });
    let (ours, exact) =
        (answer_with(&soprano(), &given("corrected")), answer_with(&soprano(), &given("compat")));
    assert_eq!(ours["levels"], exact["levels"]);
    assert_eq!(ours["windows"], json!(35 * 36 / 2));
}

#[test]
fn sizes_grow_evenly_and_end_with_the_whole() {
    assert_eq!(sizes(4, 512, 8), [4, 8, 16, 32, 64, 128, 256, 512]);
    assert_eq!(sizes(4, 6, 10), [4, 5, 6]);
    assert_eq!(sizes(1, 4, 0), [1, 2, 3, 4]);
    assert_eq!((sizes(4, 9, 1), sizes(0, 0, 10)), (vec![9], vec![]));
}

#[test]
fn what_says_nothing_of_a_key_has_none() {
    let all = score(1, (60..72).map(|key| Event::Note(note(0, (0, 1), (2, 1), key))).collect());
    let answer = ask(&Keyscape, &all);
    assert_eq!(
        (&answer["whole"], &answer["windows"], &answer["entropy"]),
        (&Value::Null, &json!(0), &Value::Null)
    );
    assert_eq!(ask(&Keyscape, &Score::default())["levels"], json!([]));
    let key = &ask(&key::Key, &soprano())["profiles"]["aarden_essen"]["name"];
    assert_eq!(&ask(&Keyscape, &soprano())["whole"], key);
}

#[test]
fn too_many_windows_are_refused() {
    let long = score(1, vec![Event::Note(note(0, (0, 1), (2_000, 1), 60))]);
    let params = SPEC.check(json!({ "sizes": 0, "smallest": 1 }).as_object().unwrap()).unwrap();
    let failure = Keyscape.run(&long, &params).unwrap_err();
    assert!(failure.message.contains("key_windows_max"), "{failure}");
}
