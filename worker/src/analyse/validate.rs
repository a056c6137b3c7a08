//! Validate: what an editor of a corpus would want listed, each with its place in the source.

mod durations;
mod measures;
mod ties;

use super::common::{Number, integer};
use super::{Analysis, Params, Spec, Told};
use crate::score::{Count, Flags, Score, TICKS_PER_QUARTER, Ticks, Unit};
use serde::Serialize;
use shared::failure::Failure;
use shared::place::Place;
use std::collections::BTreeMap;

static SPEC: Spec = Spec {
    name: "validate",
    revision: 2,
    summary: "Lists what does not add up: measures against their meter (pickups, what completes them, measures cut in up to four, short measures that all parts share at the end, a repeat or a change of meter, measures of whole rests and senza misura are in order; in MIDI files there is nothing to compare), ties that lead nowhere, tuplets off the binary grid at the end of their voice's measure, lengths that no sign has, and counts that differ from what the source declares.",
    params: &[],
    columns: &[
        integer("findings", "/total", "finding", "All that is listed."),
        integer("overfull", "/counts/overfull", "measure of a voice", "Longer than the meter allows."),
        integer(
            "underfull",
            "/counts/underfull",
            "measure of a part",
            "Shorter than the meter asks, in its fullest voice.",
        ),
        integer(
            "ties_dangling",
            "/counts/tie_dangling",
            "note head",
            "A tie to or from no note of that pitch where it should be.",
        ),
        integer(
            "ties_gapped",
            "/counts/tie_gapped",
            "pair of note heads",
            "A tie to a later note of that pitch, in this measure or the next, over a silence of its voice.",
        ),
        integer(
            "tuplets_unbalanced",
            "/counts/tuplet_unbalanced",
            "measure of a voice",
            "Tuplets left incomplete.",
        ),
        integer(
            "durations_impossible",
            "/counts/duration_impossible",
            "note or rest",
            "Of no length, under 1/1024 of a quarter note, or written longer than 64.",
        ),
        integer("lost", "/counts/lost", "unit", "Units of which not as many were read as are declared."),
    ],
    reference: "Ripieno's own",
};

/// The analysis.
pub(super) struct Validate;

impl Analysis for Validate {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn run(&self, score: &Score, _: &Params) -> Result<Told, Failure> {
        let mut report = Report { score, found: Vec::new() };
        // The notes of a MIDI file are played: its measures come from the meters, and it writes no ties and tuplets.
        if score.division.is_none() {
            let voices = voices(score);
            measures::check(&mut report, &voices);
            durations::check_tuplets(&mut report, &voices);
            ties::check(&mut report);
        }
        durations::check(&mut report);
        report.found.sort_by_key(|found| (found.part, found.measure, found.kind, found.voice));
        for (unit, count) in Unit::ALL.into_iter().zip(score.conservation) {
            report.found.extend(lost(unit, count));
        }
        let mut counts: BTreeMap<Kind, u64> = Kind::ALL.into_iter().map(|kind| (kind, 0)).collect();
        for found in &report.found {
            *counts.entry(found.kind).or_default() += 1;
        }
        Told::of(&Answer { total: report.found.len(), counts, findings: report.found })
    }
}

#[derive(Serialize)]
struct Answer {
    total: usize,
    counts: BTreeMap<Kind, u64>,
    findings: Vec<Found>,
}

/// Sums are off by less than this where a source's divisions cannot say its tuplets.
const ROUNDING: Ticks = Ticks(TICKS_PER_QUARTER / 128);

/// Half of the coarsest of the divisions in use that still cannot say every tuplet: 480 of a quarter note.
const HALF_A_DIVISION: i64 = TICKS_PER_QUARTER / 960;

/// What can be wrong.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Overfull,
    Underfull,
    TieDangling,
    TieGapped,
    TupletUnbalanced,
    DurationImpossible,
    Lost,
}

impl Kind {
    const ALL: [Kind; 7] = [
        Kind::Overfull,
        Kind::Underfull,
        Kind::TieDangling,
        Kind::TieGapped,
        Kind::TupletUnbalanced,
        Kind::DurationImpossible,
        Kind::Lost,
    ];
}

/// One thing that an editor should look at. What does not apply is null.
#[derive(Serialize)]
struct Found {
    kind: Kind,
    part: Option<u16>,
    /// Index of the measure in its part.
    measure: Option<u32>,
    /// Its number as printed.
    number: Option<Number>,
    voice: Option<u8>,
    /// What is there: quarter notes as a fraction, or a count.
    is: String,
    /// What would be right.
    should: String,
    place: Option<Place>,
}

/// Where something is.
#[derive(Clone, Copy)]
struct At {
    part: u16,
    measure: u32,
    voice: Option<u8>,
    place: Place,
}

/// The list in the making.
struct Report<'a> {
    score: &'a Score,
    found: Vec<Found>,
}

impl Report<'_> {
    fn add(&mut self, kind: Kind, at: At, is: impl ToString, should: impl ToString) {
        let measure = self.score.measures_of(at.part).get(at.measure as usize);
        self.found.push(Found {
            kind,
            part: Some(at.part),
            measure: measure.map(|measure| measure.index),
            number: measure.map(|measure| Number::of(self.score, measure)),
            voice: at.voice,
            is: is.to_string(),
            should: should.to_string(),
            place: Some(at.place),
        });
    }
}

fn lost(unit: Unit, count: Count) -> Option<Found> {
    let declared = count.declared.filter(|&declared| declared != count.read)?;
    Some(Found {
        kind: Kind::Lost,
        part: None,
        measure: None,
        number: None,
        voice: None,
        is: format!("{} {}", count.read, unit.name()),
        should: format!("{declared} {}", unit.name()),
        place: None,
    })
}

/// What one voice holds in one measure.
#[derive(Clone, Copy)]
struct Voice {
    /// Where the last of it ends, from the start of the measure.
    end: Ticks,
    /// Where that stands in the source.
    place: Place,
    /// Whether something begins after the start of the measure.
    moves: bool,
    /// How many lengths have no binary denominator. Each may be off by half of one of the source's divisions.
    tuplets: u32,
    /// Whether some length was rounded, so that nothing can be said of sums.
    rounded: bool,
    /// Whether it has nothing but rests that fill the measure.
    whole_rests: bool,
}

impl Voice {
    /// By how much its end may be off through rounding: never as much as a 64th note.
    fn slack(&self) -> Ticks {
        let rounding = HALF_A_DIVISION.saturating_mul(i64::from(self.tuplets));
        Ticks(rounding.clamp(ROUNDING.0, TICKS_PER_QUARTER / 17))
    }
}

/// The voices by part, measure and number.
type Voices = BTreeMap<(u16, u32, u8), Voice>;

fn voices(score: &Score) -> Voices {
    let notes = score.notes.iter().filter(|note| !note.is_grace());
    let notes = notes.map(|note| {
        ((note.part, note.measure, note.voice), note.onset, note.duration, note.place, note.flags)
    });
    let rests = score.rests.iter();
    let rests = rests.map(|rest| {
        ((rest.part, rest.measure, rest.voice), rest.onset, rest.duration, rest.place, rest.flags)
    });
    let mut voices = Voices::new();
    for (key, onset, duration, place, flags) in notes.chain(rests) {
        let Some(measure) = score.measures_of(key.0).get(key.1 as usize) else { continue };
        let empty =
            Voice { end: Ticks::ZERO, place, moves: false, tuplets: 0, rounded: false, whole_rests: true };
        let voice = voices.entry(key).or_insert(empty);
        let end = onset + duration - measure.onset;
        if end > voice.end {
            (voice.end, voice.place) = (end, place);
        }
        voice.moves |= onset > measure.onset;
        voice.tuplets += u32::from(!durations::is_binary(duration));
        voice.rounded |= flags.has(Flags::ROUNDED);
        voice.whole_rests &= flags.has(Flags::WHOLE_MEASURE);
    }
    voices
}

#[cfg(test)]
mod tests;
