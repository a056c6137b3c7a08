//! Patterns of small melodies, counted by hand.

use super::super::testing::{ask_with, line, near, note, score, soprano};
use super::*;
use crate::score::Event;
use serde_json::{Value, json};

fn ask(score: &Score, given: Value) -> Value {
    ask_with(&Patterns, score, &given)
}

fn tune(notes: &[(i32, (i64, i64))]) -> Vec<Event<'static>> {
    line(&notes.iter().map(|&(key, length)| (Some(key), length)).collect::<Vec<_>>())
}

const QUARTER: (i64, i64) = (1, 1);

/// Frère Jacques, its first two measures: C D E C, C D E C. The four notes stand twice; with the C that begins it again
/// the interval -4 0 leads on once only.
#[test]
fn frere_jacques_begins_with_a_pattern_of_four() {
    let keys = [60, 62, 64, 60, 60, 62, 64, 60].map(|key| (key, QUARTER));
    let answer = ask(&score(1, tune(&keys)), json!({ "compare": "intervals", "min_notes": 4 }));
    assert_eq!((&answer["patterns"], &answer["longest"]), (&json!(1), &json!(4)));
    let top = &answer["top"][0];
    assert_eq!((&top["shape"], &top["count"], &top["apart"]), (&json!("+2 +2 -4"), &json!(2), &json!(2)));
    near(&answer, "/coverage", 1.0);
    near(&answer, "/best/compression", 8.0 / 5.0);
    // +2 +2 stands twice, +2 -4 twice, and +2 four times: 2 * 2 / 4 of it by chance.
    near(top, "/expected", 1.0);
    near(top, "/bits", 1.0);
}

/// A motif of three notes, once in halves and a fourth higher, once upside down, once backwards.
#[test]
fn transposed_augmented_turned_and_reversed() {
    let (half, whole) = ((2, 1), (4, 1));
    let motif = [(60, QUARTER), (62, QUARTER), (65, half), (64, QUARTER)];
    let augmented = [(65, half), (67, half), (70, whole), (69, half)];
    let inverted = [(72, QUARTER), (70, QUARTER), (67, half), (68, QUARTER)];
    let backwards = [(64, QUARTER), (65, half), (62, QUARTER), (60, QUARTER)];
    let parts = [&motif[..], &augmented, &inverted, &backwards];
    let mut events = Vec::new();
    for (part, notes) in (0..).zip(parts) {
        let mut onset = (0, 1);
        for &(key, length) in notes {
            events.push(Event::Note(note(part, onset, length, key)));
            onset.0 += length.0;
        }
    }
    let answer = ask(&score(4, events), json!({ "min_notes": 4 }));
    assert_eq!(answer["patterns"], 1, "{answer:#}");
    let top = &answer["top"][0];
    let turned = ["inversion", "retrograde", "retrograde_inversion"].map(|name| top[name]["count"].clone());
    assert_eq!(turned, [json!(1), json!(1), json!(0)]);
    assert_eq!(top["inversion"]["first"][0], 2);
    let second = &top["occurrences"][1];
    assert_eq!((&second[0], &second[2], &second[3]), (&json!(1), &json!(5), &json!("2")));
}

/// Of one note n times, each shorter run of it is a maximal repeat: what is listed and covered stays bounded and right.
#[test]
fn one_note_over_and_over() {
    let keys = vec![(60, QUARTER); 30];
    let answer = ask(&score(1, tune(&keys)), json!({ "compare": "pitches", "min_notes": 3, "top": 1 }));
    assert_eq!((&answer["patterns"], &answer["longest"]), (&json!(27), &json!(29)));
    assert_eq!(answer["most_frequent"], 28);
    near(&answer, "/coverage", 1.0);
    assert_eq!(answer["top"][0]["retrograde"], Value::Null);
}

#[test]
fn rests_may_end_melodies_and_lines_may_stand_alone() {
    let phrase = [Some(60), Some(62), Some(64), None, Some(67)].map(|key| (key, QUARTER));
    let one = score(1, line(&[phrase, phrase].concat()));
    let longest = |given| ask(&one, given)["longest"].clone();
    assert_eq!(longest(json!({ "min_notes": 3, "compare": "intervals" })), 4);
    assert_eq!(longest(json!({ "min_notes": 3, "compare": "intervals", "rests": "break" })), 3);
    let part = |part| {
        (0..).zip([60, 62, 64, 65]).map(move |(onset, key)| Event::Note(note(part, (onset, 1), QUARTER, key)))
    };
    let two = score(2, part(0).chain(part(1)).collect());
    let patterns = |within: &str| ask(&two, json!({ "min_notes": 3, "within": within }))["patterns"].clone();
    assert_eq!((patterns("score"), patterns("line")), (json!(1), json!(0)));
}

/// BWV 66.6, soprano, by hand: A B C# stands in measures 1, 5 and 6 as printed, and nothing longer stands twice.
#[test]
fn bwv_66_6() {
    let given = json!({ "compare": "pitches", "min_notes": 3, "rank": "count" });
    let answer = ask(&soprano(), given);
    assert_eq!((&answer["best"]["shape"], &answer["best"]["count"]), (&json!("A4 B4 C#5"), &json!(3)));
}
