//! The features of fixtures, held against what music21 10.5.1 answered for them.

use super::scores::pieces_as;
use super::{answer, root};
use serde_json::{Value, json};
use std::fs;
use worker::analyse;
use worker::read::Fidelity;

/// Equal, numbers to nine digits, nested or not.
fn agree(ours: &Value, theirs: &Value) -> bool {
    match (ours, theirs) {
        (Value::Array(ours), Value::Array(theirs)) => {
            ours.len() == theirs.len() && ours.iter().zip(theirs).all(|(ours, theirs)| agree(ours, theirs))
        }
        (Value::Object(ours), Value::Object(theirs)) => {
            ours.len() == theirs.len()
                && ours.iter().all(|(key, ours)| theirs.get(key).is_some_and(|theirs| agree(ours, theirs)))
        }
        _ => match (ours.as_f64(), theirs.as_f64()) {
            (Some(ours), Some(theirs)) => (ours - theirs).abs() <= 1e-9 * theirs.abs().max(1.0),
            _ => ours == theirs,
        },
    }
}

/// `tests/data/music21/features.jsonl` was made by `tests/check_features.py extract`; a feature for which music21 raised an
/// error is null. It holds the fixtures that are music to both readers: a chorale, tunes, transposing instruments, lyrics.
#[test]
fn music21_answers_the_same_for_the_fixtures() {
    let text =
        fs::read_to_string(root().join("tests/data/music21/features.jsonl")).expect("the answers of music21");
    let (mut values, mut wrong) = (0, Vec::new());
    for line in text.lines() {
        let record: Value = serde_json::from_str(line).expect("JSON");
        let path = record["path"].as_str().expect("a path");
        let piece = record["piece"].as_u64().expect("a number") as usize;
        let scores = pieces_as(&root().join("tests/data/scores").join(path), Fidelity::Compat);
        for (family, theirs) in record["features"].as_object().expect("two families") {
            let analysis = analyse::find(family).expect("registered");
            let ours = answer(analysis, &scores[piece], json!({ "fidelity": "compat" }));
            for (id, theirs) in theirs.as_object().expect("features") {
                values += 1;
                if !agree(&ours[id], theirs) {
                    wrong.push(format!("{path}#{piece} {family} {id}: music21 {theirs}, ours {}", ours[id]));
                }
            }
        }
    }
    assert_eq!(values, 17 * 92);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
