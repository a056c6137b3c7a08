//! The nine shapes, phrases, and a chorale whose phrases are known.

use super::super::testing::{ask, line, near, note, score, soprano};
use super::*;
use crate::score::{Annotation, AnnotationKind, Event, Note};
use serde_json::{Value, json};
use shared::place::Place;

fn melody(keys: &[i32]) -> Value {
    let notes: Vec<_> = keys.iter().map(|&key| (Some(key), (1, 1))).collect();
    ask(&Contour, &score(1, line(&notes)))
}

/// Huron's table 1: first, mean between, last.
#[test]
fn nine_shapes() {
    for (keys, name) in [
        ([60, 64, 62, 60], "convex"),
        ([67, 64, 62, 60], "descending"),
        ([60, 62, 64, 67], "ascending"),
        ([67, 60, 62, 65], "concave"),
        ([60, 61, 59, 60], "horizontal"),
        ([60, 61, 59, 55], "horizontal_descending"),
        ([60, 61, 59, 65], "horizontal_ascending"),
        ([65, 61, 59, 60], "descending_horizontal"),
        ([55, 61, 59, 60], "ascending_horizontal"),
    ] {
        let answer = melody(&keys);
        assert_eq!(answer["commonest"], name);
        near(&answer, &format!("/shares/{name}"), 1.0);
    }
    // A mean that no rounding makes equal to the ends: (60 + 60 + 61) / 3.
    assert_eq!(melody(&[60, 60, 60, 61, 60])["commonest"], "convex");
    assert_eq!(melody(&[60, 62])["phrases"], 0);
}

#[test]
fn a_rest_ends_a_phrase_and_the_shape_turns_over_with_the_melody() {
    let phrase = [(Some(60), (1, 1)), (Some(65), (1, 1)), (Some(62), (1, 1))];
    let mut notes = phrase.to_vec();
    notes.push((None, (1, 1)));
    notes.extend(phrase);
    notes.push((None, (1, 2)));
    notes.extend(phrase);
    let answer = ask(&Contour, &score(1, line(&notes)));
    assert_eq!((&answer["phrases"], &answer["lines"][0]["parsons"]), (&json!(2), &json!("udduddud")));
    near(&answer, "/tones_per_phrase", 4.5);
    near(&answer, "/shares/convex", 1.0);
    let over: Vec<_> = notes.iter().map(|&(key, length)| (key.map(|key| 120 - key), length)).collect();
    near(&ask(&Contour, &score(1, line(&over))), "/shares/concave", 1.0);
}

#[test]
fn a_fermata_ends_a_phrase_and_of_a_chord_the_highest_counts() {
    let mut events = line(&[60, 62, 64, 62, 60, 59].map(|key| (Some(key), (1, 1))));
    events.push(Event::Note(Note { ..note(0, (5, 1), (1, 1), 72) }));
    let sign = Annotation::new(AnnotationKind::Fermata, 0, Ticks::quarters(2), Place::START);
    events.push(Event::Annotation(sign, "fermata"));
    let answer = ask(&Contour, &score(1, events));
    let phrases = answer["lines"][0]["phrases"].as_array().unwrap();
    assert_eq!((&phrases[0][2], &phrases[0][6]), (&json!(3), &json!("ascending")));
    assert_eq!((&phrases[1][3], &phrases[1][5], &phrases[1][6]), (&json!(62), &json!(72), &json!("concave")));
}

/// BWV 66.6: the moves of the soprano, counted by hand (35, of which 14 rise and 5 repeat, as `melodic_intervals` has them).
#[test]
fn bwv_66_6() {
    let answer = ask(&Contour, &soprano());
    near(&answer, "/moves/up", 14.0 / 35.0);
    near(&answer, "/moves/down", 16.0 / 35.0);
    assert!(answer["lines"][0]["parsons"].as_str().unwrap().starts_with("dduuudddu"));
}
