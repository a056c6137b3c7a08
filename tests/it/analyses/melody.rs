//! Laws of the analyses of melody: what turning a score about must not change.

use super::scores::{augmented, made, turned};
use super::{answer, near};
use serde_json::{Value, json};
use worker::analyse;
use worker::score::{Pitch, Score};

fn ask(name: &str, score: &Score, given: Value) -> Value {
    answer(analyse::find(name).expect("registered"), score, given)
}

/// Each field that is named is the same in both answers, and not null.
fn assert_same(name: &str, fields: &[&str], (before, after): (&Value, &Value)) {
    for field in fields {
        assert!(!before[field].is_null(), "{name}: {field} is null");
        assert!(near(&before[field], &after[field]), "{name}: {field} {} {}", before[field], after[field]);
    }
}

const PATTERNS: [&str; 5] = ["patterns", "longest", "most_frequent", "coverage", "most_distinctive"];
const NGRAMS: [&str; 5] = ["count", "distinct", "repeated", "entropy", "conditional_entropy"];
const MODULES: [&str; 4] = ["count", "distinct", "repeated", "entropy"];

#[test]
fn augmenting_a_score_changes_no_pattern() {
    let score = made(2_000);
    let twice = augmented(&score);
    for (name, fields, given) in [
        ("patterns", &PATTERNS[..], json!({ "compare": "intervals_rhythm" })),
        ("ngrams", &NGRAMS[..], json!({ "durations": "ratios" })),
        ("modules", &MODULES[..], json!({})),
        ("search", &["count", "exact"][..], json!({ "query": "rhythm: 1 1", "edits": 0 })),
        ("fingerprint", &["minhash", "stretches", "opening"][..], json!({})),
    ] {
        let (before, after) = (ask(name, &score, given.clone()), ask(name, &twice, given));
        assert_same(name, fields, (&before, &after));
    }
    assert_ne!(score.notes.last().map(|note| note.onset), twice.notes.last().map(|note| note.onset));
}

#[test]
fn the_order_of_parts_changes_no_count() {
    let score = made(2_000);
    let turned = turned(&score);
    for (name, fields) in [
        ("patterns", &PATTERNS[..]),
        ("ngrams", &NGRAMS[..]),
        ("modules", &["count", "distinct"][..]),
        ("fingerprint", &["minhash", "stretches"][..]),
    ] {
        let (before, after) = (ask(name, &score, json!({})), ask(name, &turned, json!({})));
        assert_same(name, fields, (&before, &after));
    }
}

/// Without chords, of which the highest note would be another one, there are as many patterns upside down.
#[test]
fn turning_a_score_upside_down_turns_its_patterns() {
    let mut score = made(2_000);
    let mut before = None;
    score.notes.retain(|note| before.replace((note.onset, note.part)) != Some((note.onset, note.part)));
    let mut turned = score.clone();
    for note in &mut turned.notes {
        note.written = Pitch::from_key(120 - note.written.key());
        note.transpose = -note.transpose;
    }
    let given = || json!({ "compare": "intervals", "rank": "length", "top": 1 });
    let (before, after) = (ask("patterns", &score, given()), ask("patterns", &turned, given()));
    assert_same("patterns", &PATTERNS, (&before, &after));
    let steps = |answer: &Value| -> Vec<i32> {
        let shape = answer["best"]["shape"].as_str().expect("a pattern").trim_end_matches(" …");
        shape.split(' ').map(|step| step.parse().expect("semitones")).collect()
    };
    assert_eq!(steps(&before), steps(&after).iter().map(|step| -step).collect::<Vec<i32>>());
}

/// A search of a pattern's own steps finds it as often as it is counted.
#[test]
fn patterns_are_found_where_they_are_said_to_be() {
    let score = made(2_000);
    let given = json!({ "compare": "intervals", "top": 5, "rank": "count" });
    let patterns = ask("patterns", &score, given);
    let top = patterns["top"].as_array().expect("patterns");
    assert!(!top.is_empty());
    for pattern in top {
        let found = ask("search", &score, json!({ "query": pattern["shape"] }));
        assert_eq!(found["count"], pattern["count"], "{}", pattern["shape"]);
        let places = |answer: &Value, rows: &str| -> Vec<Value> {
            answer[rows].as_array().expect("rows").iter().map(|row| json!([row[0], row[1]])).collect()
        };
        assert_eq!(places(&found, "places"), places(pattern, "occurrences"));
    }
}
