//! Modules of small duets, told by hand.

use super::super::testing::{ask_with, note, score};
use super::*;
use crate::score::Event;
use serde_json::{Value, json};

fn ask(score: &Score, given: Value) -> Value {
    ask_with(&Modules, score, &given)
}

fn duet(upper: &[(i64, i64, i32)], lower: &[(i64, i64, i32)]) -> Score {
    let part = |part: u16, notes: &[(i64, i64, i32)]| {
        let told =
            notes.iter().map(|&(onset, length, key)| Event::Note(note(part, (onset, 1), (length, 1), key)));
        told.collect::<Vec<_>>()
    };
    score(2, [part(0, upper), part(1, lower)].concat())
}

/// A cadence as VIS and CRIM write it: a suspended seventh, resolved to a sixth while the lower voice holds, then the
/// octave over a step down.
#[test]
fn a_suspension_reads_as_crim_writes_it() {
    let cadence = duet(&[(0, 1, 74), (1, 1, 72), (2, 1, 74)], &[(0, 2, 64), (2, 1, 62)]);
    let answer = ask(&cadence, json!({}));
    assert_eq!(answer["modules"][0][0], "7_Held, 6_-2, 8");
    assert_eq!(answer["modules"][0][2][0][0], 0);
    let say = |given| ask(&cadence, given)["commonest"].clone();
    assert_eq!(say(json!({ "motion": "both" })), "7_Held:-2, 6_-2:2, 8");
    assert_eq!(say(json!({ "kind": "chromatic" })), "10_Held, 8_-2, 12");
    assert_eq!(say(json!({ "kind": "quality", "n": 2 })), "m7_Held, m6");
}

#[test]
fn rests_end_runs_and_crossed_voices_have_a_minus() {
    let duet = duet(
        &[(0, 1, 60), (1, 1, 62), (3, 1, 64), (4, 1, 65)],
        &[(0, 1, 64), (1, 1, 65), (2, 1, 67), (3, 2, 60)],
    );
    let answer = ask(&duet, json!({ "n": 2 }));
    let modules: Vec<&Value> = answer["modules"].as_array().unwrap().iter().map(|row| &row[0]).collect();
    assert_eq!(modules, ["-3_2, -3", "3_Held, 4"]);
    assert_eq!(ask(&duet, json!({ "n": 3 }))["count"], 0);
    assert_eq!(ask(&duet, json!({ "n": 3 }))["commonest"], Value::Null);
}

#[test]
fn pairs_are_counted_apart_and_together() {
    let part = |part, keys: [i32; 3]| {
        (0..).zip(keys).map(move |(onset, key)| Event::Note(note(part, (onset, 1), (1, 1), key)))
    };
    let events = part(0, [72, 74, 76]).chain(part(1, [67, 69, 71])).chain(part(2, [60, 62, 64])).collect();
    let trio = score(3, events);
    let counts = |pairs: &str| {
        let answer = ask(&trio, json!({ "n": 2, "pairs": pairs }));
        (answer["count"].clone(), answer["pairs_with"].clone())
    };
    assert_eq!(counts("all"), (json!(6), json!(3)));
    assert_eq!(counts("neighbours"), (json!(4), json!(2)));
    assert_eq!(counts("outer"), (json!(2), json!(1)));
}
