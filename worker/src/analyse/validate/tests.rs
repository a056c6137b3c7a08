//! Cases counted by hand.

use super::super::testing::{ask, note, rest, score, soprano};
use super::*;
use crate::score::{Event, Mark, Meter, Note, Rest};
use serde_json::Value;

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
    assert!(listed(&score(1, waltz(&[3, 3, 2]))).is_empty());
}

/// Two parts of measures of 3/4; the second has those lengths, the first those or the third measure full.
fn duet(third: i64, lengths: [i64; 5], seam: Option<Event<'static>>) -> Score {
    const NUMBERS: [&str; 5] = ["1", "2", "3", "4", "5"];
    let mut events = Vec::new();
    for part in 0..2 {
        let mut onset = Ticks::ZERO;
        for (index, number) in NUMBERS.into_iter().enumerate() {
            let length = Ticks::quarters(if part == 0 && index == 2 { third } else { lengths[index] });
            events.push(Event::Measure { part, onset, number });
            if index == 0 {
                let (beats, place) = ([3].into(), Place::START);
                events.push(Event::Meter(Meter { onset, measure: 0, part, beats, unit: 4, place }));
            }
            events.push(Event::Note(Note { onset, duration: length, ..note(part, (0, 1), (1, 1), 60) }));
            onset += length;
            if index == 2 && part == 0 {
                events.extend(seam.clone());
            }
        }
    }
    score(2, events)
}

#[test]
fn a_short_measure_that_all_parts_share_ends_a_section() {
    let repeat = || Some(Event::Mark { part: 0, at_end: true, mark: Mark::RepeatEnd { times: 2 } });
    let short = [3, 3, 2, 3, 3];
    assert!(listed(&duet(2, short, repeat())).is_empty());
    assert_eq!(
        listed(&duet(2, short, None)),
        ["underfull 3 2 3", "underfull 3 2 3"],
        "no section ends there"
    );
    assert_eq!(listed(&duet(3, short, repeat())), ["underfull 3 2 3"], "the other part is longer");
    assert!(listed(&duet(3, [3, 3, 3, 3, 2], None)).is_empty());
    let (onset, beats) = (Ticks::quarters(8), [3].into());
    let meter = Event::Meter(Meter { onset, measure: 0, part: 0, beats, unit: 4, place: Place::START });
    assert!(listed(&duet(2, short, Some(meter.clone()))).is_empty());
    assert!(listed(&duet(3, [3, 3, 3, 3, 3], None)).is_empty());
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
fn a_tie_over_nothing_of_its_voice_has_a_gap() {
    let note = |onset, key, flags| Event::Note(Note { flags, ..note(0, (onset, 1), (1, 1), key) });
    let tied = || vec![note(0, 60, Flags::TIE_START), note(2, 60, Flags::TIE_STOP)];
    assert_eq!(listed(&score(1, tied())), ["tie_gapped - C4 tied over 1 tied over 0"]);
    let between = |voice| Event::Note(Note { voice, ..super::super::testing::note(0, (1, 1), (1, 1), 62) });
    let with = |voice| tied().into_iter().chain([between(voice)]).collect();
    assert!(listed(&score(1, with(1))).is_empty(), "it is held under the other note");
    assert_eq!(listed(&score(1, with(2))).len(), 1, "the other note is of another voice");
}

#[test]
fn a_tie_may_lead_into_another_part() {
    let tied = |part, onset, flags| Event::Note(Note { flags, ..note(part, (onset, 1), (1, 1), 60) });
    let hands = |onset| vec![tied(0, 0, Flags::TIE_START), tied(1, onset, Flags::TIE_STOP)];
    assert!(listed(&score(2, hands(1))).is_empty());
    assert_eq!(listed(&score(2, hands(2))).len(), 2, "not where it ends");
}

#[test]
fn a_partial_voice_may_leave_its_tuplet_to_another() {
    let triplets = |voice: u8, count: i64| {
        (0..count).map(move |at| Event::Note(Note { voice, ..note(0, (at, 3), (1, 3), 60) }))
    };
    let of = |first, second| {
        let begin = std::iter::once(measure((0, 1), "1"));
        score(1, begin.chain(triplets(1, first)).chain(triplets(2, second)).collect())
    };
    assert!(listed(&of(6, 5)).is_empty());
    assert_eq!(listed(&of(3, 5)), ["tuplet_unbalanced 1 5/3 2"], "nothing goes on from there");
    assert_eq!(
        listed(&of(5, 4)),
        ["tuplet_unbalanced 1 5/3 2", "tuplet_unbalanced 1 4/3 2"],
        "both are torn"
    );
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
fn many_lengths_that_were_rounded_are_off_by_much() {
    // 36 notes in the time of 32 64ths, in a file of 480 divisions a quarter: 53 instead of 53 1/3 each.
    let measure_of = |count: i64| {
        let mut events = vec![measure((0, 1), "1"), meter(&[4])];
        events.extend((0..count).map(|at| Event::Note(note(0, (53 * at, 480), (53, 480), 60))));
        events.extend([measure((4, 1), "2"), Event::Note(note(0, (4, 1), (4, 1), 60))]);
        events.push(Event::PartEnd { part: 0, end: Ticks::quarters(8) });
        score(1, events)
    };
    assert!(listed(&measure_of(36)).is_empty(), "{:?}", listed(&measure_of(36)));
    assert_eq!(listed(&measure_of(35)), ["tuplet_unbalanced 1 371/96 31/8"]);
}

#[test]
fn no_sign_has_these_lengths() {
    let rounded = Note { flags: Flags::ROUNDED, ..note(0, (0, 1), (1, 17), 60) };
    let grace = Note { flags: Flags::GRACE, ..note(0, (0, 1), (0, 1), 60) };
    let events = [rounded, grace, note(0, (1, 1), (0, 1), 60), note(0, (2, 1), (65, 1), 60)];
    let list = listed(&score(1, events.map(Event::Note).into()));
    assert_eq!(list.len(), 2, "what is rounded is written well: {list:?}");
    assert!(list.iter().all(|line| line.starts_with("duration_impossible")), "{list:?}");
    assert!(list[1].ends_with("65 at most 64"), "{list:?}");
}

#[test]
fn what_is_lost_is_listed_and_midi_is_not_measured() {
    let mut events = waltz(&[4, 1, 3]);
    events.push(Event::Division(480));
    events.push(Event::Declared(Unit::Notes, 4));
    assert_eq!(listed(&score(1, events)), ["lost - 3 notes 4 notes"]);
}
