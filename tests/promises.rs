//! What every reader promises of any bytes, and every score of its contents.

use crate::read_with;
use shared::failure::FailureKind;
use shared::limits::Limits;
use std::panic::{AssertUnwindSafe, catch_unwind};
use worker::read::{Fidelity, Grid, MidiOptions, MidiParts, ReadOptions, ScoreReader};
use worker::score::{Score, expanded};

/// Limits so low that a damaged score passes them soon.
pub fn small() -> ReadOptions {
    let limits = Limits { notes_max: 20_000, measures_max: 20_000, parts_max: 100, ..Limits::default() };
    ReadOptions { limits, ..ReadOptions::default() }
}

/// Every way in which a source of a format can be asked to be read, under the same limits: as it is meant and as music21
/// reads it, and MIDI files by each kind of part, on no grid, a fine one and a coarse one.
///
/// # Panics
/// When a grid divides no quarter note.
pub fn ways(format: &str) -> Vec<ReadOptions> {
    let midi = format == "midi";
    let parts = [None].into_iter().chain(MidiParts::ALL.map(Some)).filter(|parts| midi || parts.is_none());
    let grids = [&[][..], &[4, 3], &[1]].into_iter().filter(|grid| midi || grid.is_empty());
    let choices: Vec<MidiOptions> = parts
        .flat_map(|parts| {
            grids.clone().map(move |grid| {
                let grid = (!grid.is_empty()).then(|| Grid::new(grid).expect("a grid"));
                MidiOptions { grid, parts }
            })
        })
        .collect();
    let fidelities = [Fidelity::Corrected, Fidelity::Compat].into_iter();
    let ways = fidelities.flat_map(|fidelity| {
        choices.iter().map(move |midi| ReadOptions { fidelity, midi: midi.clone(), ..small() })
    });
    ways.collect()
}

/// Reads bytes that may be anything: a score or a failure with a place comes of them, within the limits.
///
/// # Panics
/// When it does not.
pub fn survives(reader: &dyn ScoreReader, bytes: &[u8], options: &ReadOptions, what: &str) -> Vec<Score> {
    let Ok(reading) = catch_unwind(AssertUnwindSafe(|| read_with(reader, bytes, options))) else {
        panic!("{what}: the reader panicked");
    };
    assert!(!reading.scores.is_empty() || reading.failure.is_some(), "{what}: neither a score nor a failure");
    if let Some(failure) = &reading.failure {
        assert!(failure.place.is_some(), "{what}: {failure} has no place");
        assert_ne!(failure.kind, FailureKind::Internal, "{what}: {failure}");
    }
    for score in &reading.scores {
        let size = (score.notes.len() + score.rests.len()) as u64;
        assert!(size <= options.limits.notes_max, "{what}: {size} notes and rests");
        assert!(score.measures.len() as u64 <= options.limits.measures_max, "{what}: measures");
        assert!(score.parts.len() as u64 <= options.limits.parts_max, "{what}: parts");
        keeps_its_promises(score, what);
        plays(score, options, what);
    }
    reading.scores
}

/// Lays a score out as it is played: it keeps its promises and the limits, or the limits refuse it.
fn plays(score: &Score, options: &ReadOptions, what: &str) {
    match expanded(score.clone(), &options.limits) {
        Ok(played) => {
            let size = (played.notes.len() + played.rests.len()) as u64;
            assert!(size <= options.limits.notes_max, "{what}: {size} notes and rests as played");
            assert!(
                played.measures.len() as u64 <= options.limits.measures_max,
                "{what}: measures as played"
            );
            keeps_its_promises(&played, &format!("{what} as played"));
        }
        Err(failure) => assert_eq!(failure.kind, FailureKind::TooLarge, "{what}: {failure}"),
    }
}

/// Checks what [`Score`] promises of its order and its indices.
///
/// # Panics
/// When it does not hold.
pub fn keeps_its_promises(score: &Score, name: &str) {
    assert!(score.notes.is_sorted_by_key(|note| (note.onset, note.part)), "{name}: notes");
    assert!(score.rests.iter().is_sorted_by_key(|rest| (rest.onset, rest.part)), "{name}: rests");
    assert!(score.meters.is_sorted_by_key(|meter| (meter.onset, meter.part)), "{name}: meters");
    assert!(score.keys.is_sorted_by_key(|key| (key.onset, key.part)), "{name}: keys");
    assert!(score.tempi.is_sorted_by_key(|tempo| (tempo.onset, tempo.part)), "{name}: tempi");
    assert!(score.measures.is_sorted_by_key(|measure| (measure.part, measure.index)), "{name}: measures");
    let signs = score.meters.iter().map(|meter| (meter.part, meter.measure));
    let signs = signs.chain(score.keys.iter().map(|key| (key.part, key.measure)));
    let rests = score.rests.iter().map(|rest| (rest.part, rest.measure));
    let notes = score.notes.iter().map(|note| (note.part, note.measure));
    for (part, measure) in notes.chain(rests).chain(signs) {
        assert!(usize::from(part) < score.parts.len(), "{name}: part {part}");
        assert!(
            (measure as usize) < score.measures_of(part).len().max(1),
            "{name}: measure {measure} of {part}"
        );
    }
    for note in &score.notes {
        assert!(note.duration.0 >= 0, "{name}: {note:?}");
        if let Some(measure) = score.measures_of(note.part).get(note.measure as usize) {
            assert!(measure.onset <= note.onset, "{name}: a note before its measure: {note:?}");
        }
    }
}
