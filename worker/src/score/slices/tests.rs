//! Slices of small scores.

use super::super::{Event, EventSink, Rest, ScoreBuilder};
use super::*;
use shared::limits::Limits;

/// A note in quarters: part, onset, length, MIDI key.
fn note(part: u16, onset: i64, length: i64, key: i32) -> Note {
    Note {
        onset: Ticks::quarters(onset),
        duration: Ticks::quarters(length),
        place: Place::line(u32::from(part) + 1, u32::try_from(onset).unwrap() + 1),
        measure: 0,
        written: Pitch::from_key(key),
        part,
        flags: Flags::NONE,
        transpose: 0,
        voice: 1,
        staff: 1,
    }
}

/// A score of two parts, measures of two quarters, the second part's first one of three.
fn score(notes: &[Note], rests: &[Rest]) -> Score {
    let mut made = None;
    let mut emit = |score| {
        made = Some(score);
        Ok(())
    };
    let limits = Limits::default();
    let mut builder = ScoreBuilder::new(&limits, &|| Ok(()), &mut emit);
    let mut tell = |event: Event<'_>| builder.event(Place::START, event).unwrap();
    tell(Event::PieceStart { shared_time: false });
    tell(Event::Part { part: 0, name: None });
    tell(Event::Part { part: 1, name: None });
    for part in 0..2_u16 {
        let second = Ticks::quarters(2 + i64::from(part));
        for (from, to, number) in [(Ticks::ZERO, second, "1"), (second, Ticks::quarters(9), "2")] {
            tell(Event::Measure { part, onset: from, number });
            let inside = |at: Ticks| at >= from && at < to;
            notes.iter().filter(|n| n.part == part && inside(n.onset)).for_each(|n| tell(Event::Note(*n)));
            rests.iter().filter(|r| r.part == part && inside(r.onset)).for_each(|r| tell(Event::Rest(*r)));
        }
    }
    tell(Event::PieceEnd);
    drop(builder);
    made.unwrap()
}

/// `onset+length measure: keys`, in quarters.
fn text(slices: &Slices) -> Vec<String> {
    let row = |(slice, pitches): (&Slice, &[Pitch])| {
        let keys: Vec<String> = pitches.iter().map(|pitch| pitch.key().to_string()).collect();
        format!("{}+{} {}: {}", slice.onset, slice.duration, slice.measure, keys.join(" "))
    };
    slices.iter().map(row).collect()
}

#[test]
fn parts_meet_in_one_time_or_measure_by_measure() {
    // The first part is a quarter short in its first measure.
    let score = score(&[note(0, 0, 2, 60), note(0, 2, 1, 62), note(1, 0, 3, 48), note(1, 3, 1, 50)], &[]);
    assert_eq!(text(score.slices()), ["0+2 0: 48 60", "2+1 0: 48", "3+1 1: 50 62"]);
    assert_eq!(text(score.measure_slices()), ["0+2 0: 48 60", "2+1 0: 48", "2+1 1: 50 62"]);
}

#[test]
fn ties_are_one_and_grace_notes_and_rests_cut_only_as_music21_has_it() {
    let tied = [
        Note { flags: Flags::TIE_START, ..note(0, 0, 2, 60) },
        Note { flags: Flags::TIE_STOP, ..note(0, 2, 2, 60) },
        Note { flags: Flags::GRACE, ..note(0, 3, 0, 77) },
        note(1, 0, 1, 60),
        note(1, 1, 2, 64),
        note(1, 3, 1, 64),
    ];
    let rest = Rest {
        onset: Ticks::quarters(3),
        duration: Ticks::quarters(1),
        place: Place::START,
        measure: 0,
        part: 0,
        flags: Flags::NONE,
        voice: 2,
        staff: 1,
    };
    let score = score(&tied, &[rest]);
    assert_eq!(text(score.slices()), ["0+1 0: 60", "1+1 0: 60 64", "2+1 0: 64", "3+1 1: 60 64", "4+1 1: 60"]);
    let chordified = ["0+1 0: 60", "1+1 0: 60 64", "2+1 0: 64", "2+1 1: 60 64", "3+1 1: 60 77"];
    assert_eq!(text(score.measure_slices()), chordified);
}

#[test]
fn a_copy_that_is_changed_has_slices_of_its_own() {
    let before = score(&[note(0, 0, 1, 60)], &[]);
    assert_eq!(text(before.slices()), ["0+1 0: 60"]);
    let mut after = before.clone();
    after.notes.iter_mut().for_each(|note| note.transpose = -3);
    assert_eq!(text(after.slices()), ["0+1 0: 57"]);
    assert_eq!(after.slices().iter().next().unwrap().1[0].to_string(), "A3");
}
