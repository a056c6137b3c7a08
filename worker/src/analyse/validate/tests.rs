//! Cases counted by hand.

use super::super::testing::{ask, note, rest, score, soprano};
use super::*;
use crate::score::{Event, Meter, Note, Rest};

/// A measure of part 0 that begins at so many quarters.
fn measure(onset: (i64, i64), number: &'static str) -> Event<'static> {
    Event::Measure { part: 0, onset: Ticks::from_quarters(onset.0, onset.1).0, number }
}

fn meter(beats: &[u16]) -> Event<'static> {
    let (onset, place) = (Ticks::ZERO, Place::START);
    Event::Meter(Meter { onset, measure: 0, part: 0, beats: beats.into(), unit: 4, place })
}

/// Measures of 3/4 of these lengths in quarters, one note each.
fn waltz(lengths: &[i64]) -> Vec<Event<'static>> {
    const NUMBERS: [&str; 9] = ["1", "2", "3", "4", "5", "6", "7", "8", "9"];
    let mut events = Vec::new();
    let mut onset = 0;
    for (&length, number) in lengths.iter().zip(NUMBERS) {
        events.push(measure((onset, 1), number));
        if onset == 0 {
            events.push(meter(&[3]));
        }
        events.push(Event::Note(note(0, (onset, 1), (length, 1), 60)));
        onset += length;
    }
    events
}

/// `kind number is should` of each finding.
fn listed(score: &Score) -> Vec<String> {
    let answer = ask(&Validate, score);
    let findings = answer["findings"].as_array().unwrap();
    let line = |found: &Value| {
        let word = |name: &str| found[name].as_str().unwrap_or("-").to_owned();
        format!("{} {} {} {}", word("kind"), word("number"), word("is"), word("should"))
    };
    findings.iter().map(line).collect()
}

#[test]
fn a_sound_piece_with_pickup_and_tie_has_nothing_listed() {
    let answer = ask(&Validate, &soprano());
    assert_eq!(answer["total"], 0, "{answer:#}");
}

#[test]
fn long_and_short_measures_are_listed_but_pickups_and_cut_measures_are_not() {
    assert_eq!(listed(&score(1, waltz(&[3, 4, 3, 2, 3]))), ["overfull 2 4 3", "underfull 4 2 3"]);
    // A pickup of 1, its completion by 2 before the next pickup and at the end.
    assert!(listed(&score(1, waltz(&[1, 3, 2, 1, 3, 2]))).is_empty());
    assert!(listed(&score(1, waltz(&[3, 1, 1, 1, 3]))).is_empty());
    // A final of any length.
    assert!(listed(&score(1, waltz(&[3, 3, 6]))).is_empty());
    assert_eq!(listed(&score(1, waltz(&[3, 3, 2]))), ["underfull 3 2 3"]);
}

#[test]
fn without_measure_nothing_is_too_long_and_whole_rests_fit() {
    let mut free = waltz(&[7, 2]);
    free.retain(|event| !matches!(event, Event::Meter(_)));
    free.insert(1, meter(&[]));
    assert!(listed(&score(1, free)).is_empty());
    let mut silent = waltz(&[3]);
    silent.push(measure((3, 1), "2"));
    if let Event::Rest(rest) = rest(0, (3, 1), (4, 1)) {
        silent.push(Event::Rest(Rest { flags: Flags::WHOLE_MEASURE, ..rest }));
    }
    assert!(listed(&score(1, silent)).is_empty());
}

#[test]
fn a_second_voice_may_be_partial_but_not_too_long() {
    let mut events = waltz(&[3, 3, 4, 3]);
    let second = |onset, length| Event::Note(Note { voice: 2, ..note(0, (onset, 1), (length, 1), 48) });
    events.insert(3, second(1, 1));
    events.insert(6, second(6, 2));
    let answer = ask(&Validate, &score(1, events));
    assert_eq!((&answer["total"], &answer["findings"][0]["voice"]), (&1.into(), &1.into()), "{answer:#}");
}

#[test]
fn a_tie_needs_a_note_of_its_pitch_at_each_end() {
    let tied = |onset, key, flags| Event::Note(Note { flags, ..note(0, (onset, 1), (1, 1), key) });
    let sound = vec![tied(0, 60, Flags::TIE_START), tied(1, 60, Flags::TIE_STOP)];
    assert!(listed(&score(1, sound)).is_empty());
    let torn = vec![tied(0, 60, Flags::TIE_START), tied(1, 62, Flags::TIE_STOP)];
    assert_eq!(
        listed(&score(1, torn)),
        [
            "tie_dangling - D4 tied from nothing D4 tied from another that ends here",
            "tie_dangling - C4 tied to nothing C4 tied to another where it ends",
        ]
    );
}

#[test]
fn a_tie_over_another_note_is_one_with_a_gap() {
    let note = |onset, key, flags| Event::Note(Note { flags, ..note(0, (onset, 1), (1, 1), key) });
    let events = vec![note(0, 60, Flags::TIE_START), note(1, 62, Flags::NONE), note(2, 60, Flags::TIE_STOP)];
    assert_eq!(listed(&score(1, events)), ["tie_gapped - C4 tied over 1 tied over 0"]);
}

#[test]
fn triplets_come_back_to_the_grid() {
    let triplets = |count: i64| {
        let mut events = vec![measure((0, 1), "1")];
        events.extend((0..count).map(|at| Event::Note(note(0, (at, 3), (1, 3), 60))));
        score(1, events)
    };
    assert!(listed(&triplets(6)).is_empty());
    assert_eq!(listed(&triplets(5)), ["tuplet_unbalanced 1 5/3 2"]);
    // A dotted eighth of a triplet is as long as a plain eighth.
    let lengths = [((0, 1), (1, 2)), ((1, 2), (1, 6)), ((2, 3), (1, 3))];
    let siciliano = lengths.map(|(onset, length)| Event::Note(note(0, onset, length, 60)));
    let events = [measure((0, 1), "1")].into_iter().chain(siciliano).collect();
    assert!(listed(&score(1, events)).is_empty());
}

#[test]
fn no_sign_has_these_lengths() {
    let rounded = Note { flags: Flags::ROUNDED, ..note(0, (0, 1), (1, 17), 60) };
    let grace = Note { flags: Flags::GRACE, ..note(0, (0, 1), (0, 1), 60) };
    let events = [rounded, grace, note(0, (1, 1), (0, 1), 60), note(0, (2, 1), (65, 1), 60)];
    let list = listed(&score(1, events.map(Event::Note).into()));
    assert_eq!(list.len(), 3, "{list:?}");
    assert!(list.iter().all(|line| line.starts_with("duration_impossible")), "{list:?}");
    assert!(list[2].ends_with("65 at most 64"), "{list:?}");
}

#[test]
fn what_is_lost_is_listed_and_midi_is_not_measured() {
    let mut events = waltz(&[4, 1, 3]);
    events.push(Event::Division(480));
    events.push(Event::Declared(Unit::Notes, 4));
    assert_eq!(listed(&score(1, events)), ["lost - 3 notes 4 notes"]);
}
