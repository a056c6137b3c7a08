//! Clausulae on textbook examples, checked by hand.

use super::super::testing::{ask, note, score};
use super::*;
use crate::score::{Event, Note, Pitch, Step};
use serde_json::{Value, json};

/// A line of pitches in halves from some moment on, each with its length in quarters; a tie makes the first sound longer.
fn voice(part: u16, notes: &[(Pitch, i64)]) -> Vec<Event<'static>> {
    let mut onset = 0;
    let notes = notes.iter().map(|&(written, length)| {
        let note = Note { written, ..note(part, (onset, 1), (length, 1), 60) };
        onset += length;
        Event::Note(note)
    });
    notes.collect()
}

fn pitch(step: Step, alter: i8, octave: i8) -> Pitch {
    Pitch::new(step, alter, octave)
}

/// Discant D suspended over E, C sharp, D; tenor F E D.
fn pair() -> [Vec<(Pitch, i64)>; 2] {
    let (d, c) = (pitch(Step::D, 0, 5), pitch(Step::C, 1, 5));
    let tenor = [(Step::F, 2), (Step::E, 4), (Step::D, 4)].map(|(step, length)| (pitch(step, 0, 4), length));
    [vec![(d, 4), (c, 2), (d, 4)], tenor.to_vec()]
}

fn kinds(answer: &Value) -> Vec<(&str, &str, bool)> {
    let found = answer["found"].as_array().unwrap();
    found.iter().map(|row| (row[0].as_str().unwrap(), row[4].as_str().unwrap(), row[7] == true)).collect()
}

#[test]
fn a_sixth_opens_to_an_octave() {
    let [upper, lower] = pair();
    let answer = ask(&Clausulae, &score(2, [voice(0, &upper), voice(1, &lower)].concat()));
    assert_eq!(kinds(&answer), [("clausula_vera", "D5", true)]);
    assert_eq!(answer["found"][0][6], json!([[0, "C"], [1, "T"]]));
    assert_eq!((&answer["last_tone"], &answer["suspended"]), (&json!("D"), &json!(1.0)));
}

#[test]
fn the_order_of_parts_changes_nothing_but_lines() {
    let [upper, lower] = pair();
    let answer = ask(&Clausulae, &score(2, [voice(0, &lower), voice(1, &upper)].concat()));
    assert_eq!(kinds(&answer), [("clausula_vera", "D5", true)]);
}

#[test]
fn a_bass_that_leaps_makes_it_authentic() {
    let [upper, lower] = pair();
    let bass = [(pitch(Step::D, 0, 3), 2), (pitch(Step::A, 0, 3), 4), (pitch(Step::D, 0, 3), 4)];
    let answer = ask(&Clausulae, &score(3, [voice(0, &upper), voice(1, &lower), voice(2, &bass)].concat()));
    assert_eq!(kinds(&answer), [("authentic", "D5", true)]);
    assert_eq!(answer["found"][0][6], json!([[0, "C"], [1, "T"], [2, "B"]]));
}

#[test]
fn a_semitone_below_is_phrygian() {
    let upper = [(pitch(Step::E, 0, 5), 4), (pitch(Step::D, 0, 5), 2), (pitch(Step::E, 0, 5), 4)];
    let lower = [(pitch(Step::G, 0, 4), 2), (pitch(Step::F, 0, 4), 4), (pitch(Step::E, 0, 4), 4)];
    let answer = ask(&Clausulae, &score(2, [voice(0, &upper), voice(1, &lower)].concat()));
    assert_eq!(kinds(&answer), [("phrygian", "E5", true)]);
}

#[test]
fn a_tenor_that_rises_evades_it() {
    let [upper, mut lower] = pair();
    lower[2].0 = pitch(Step::F, 0, 4);
    let answer = ask(&Clausulae, &score(2, [voice(0, &upper), voice(1, &lower)].concat()));
    assert_eq!(kinds(&answer), [("evaded", "D5", true)]);
    assert_eq!((&answer["last_tone"], &answer["counts"]["evaded"]), (&Value::Null, &json!(1)));
}

#[test]
fn silence_has_none() {
    let answer = ask(&Clausulae, &score(1, Vec::new()));
    assert_eq!((&answer["count"], &answer["suspended"]), (&json!(0), &Value::Null));
}
