//! Meter: at which metrical weights the notes begin.

use super::common::{integer, is_plain, number, ratio};
use super::{Analysis, Param, Params, Range, Spec, Told};
use crate::score::{Fraction, Measure, Note, Score, TICKS_PER_QUARTER, Ticks};
use accent::Accents;
use serde_json::{Value, json};
use shared::failure::Failure;
use std::collections::BTreeMap;

mod accent;
mod position;

pub(super) use position::Position;

/// The parameter that says how exactly a note must stand on the grid.
pub(super) const TOLERANCE: Param = Param {
    name: "tolerance",
    unit: "1/960 quarter note",
    summary: "In a MIDI file an onset this near to a position of the grid of 1/32 quarter notes counts as on it: programs write notes a tick late, players more.",
    range: Range::Integer { min: 0, max: 14, default: 8 },
};

static SPEC: Spec = Spec {
    name: "meter",
    revision: 1,
    summary: "Shares of the onsets (tied notes once, chord members each, grace and unpitched notes not) at each metrical weight, 1 on the downbeat and half of it on each finer level; onsets outside of any meter are not weighed, those past the end of a full measure as if another began there.",
    params: &[TOLERANCE],
    columns: &[
        number("weight_1", "/shares/0", "share", "Onsets on the downbeat."),
        number("weight_2", "/shares/1", "share", "Onsets of weight 1/2."),
        number("weight_4", "/shares/2", "share", "Onsets of weight 1/4."),
        number("weight_8", "/shares/3", "share", "Onsets of weight 1/8."),
        number("weight_16", "/shares/4", "share", "Onsets of weight 1/16 or less."),
        number("mean", "/mean", "weight", "Mean weight of the onsets."),
        integer("unweighed", "/unweighed", "onset", "Onsets without a weight."),
        integer("meters", "/distinct", "meter", "How many different meters are in use."),
    ],
    reference: "Lerdahl and Jackendoff, A Generative Theory of Tonal Music (1983), ch. 4; music21 Music21Object.beatStrength, meter.TimeSignature.getAccentWeight",
};

/// The analysis.
pub(super) struct MeterUse;

/// How many levels are told apart; what is finer counts at the last.
const LEVELS: usize = 5;

type Levels = [u64; LEVELS];

impl Analysis for MeterUse {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn run(&self, score: &Score, params: &Params) -> Result<Told, Failure> {
        let tolerance = tolerance(score, params);
        let stated = stated(score);
        let grids = grids(score, &stated);
        let mut by_meter: BTreeMap<&str, Levels> = BTreeMap::new();
        let mut unweighed = 0_u64;
        for note in score.notes.iter().filter(|note| is_plain(note) && note.is_onset()) {
            let place = grids.get(usize::from(note.part)).and_then(|grid| grid.level(score, note, tolerance));
            match place {
                Some((meter, level)) => {
                    let levels = by_meter.entry(meter).or_default();
                    if let Some(count) = levels.get_mut(level.min(LEVELS - 1)) {
                        *count += 1;
                    }
                }
                None => unweighed += 1,
            }
        }
        let mut whole = Levels::default();
        for levels in by_meter.values() {
            whole.iter_mut().zip(levels).for_each(|(sum, count)| *sum += count);
        }
        let meters: Vec<Value> = by_meter
            .iter()
            .map(|(meter, levels)| json!({ "meter": meter, "onsets": levels, "mean": mean(levels) }))
            .collect();
        let total = whole.iter().sum::<u64>() as f64;
        Ok(json!({
            "weights": [1.0, 0.5, 0.25, 0.125, 0.0625],
            "onsets": whole,
            "shares": whole.map(|count| ratio(count as f64, total)),
            "mean": mean(&whole),
            "unweighed": unweighed,
            "distinct": by_meter.len(),
            "meters": meters,
        })
        .into())
    }
}

/// How far from the grid an onset may be, as [`TOLERANCE`] has it. Notation says exactly where a note stands; only raw
/// ticks need leniency.
pub(super) fn tolerance(score: &Score, params: &Params) -> Ticks {
    Ticks::from_quarters(score.division.map_or(0, |_| params.integer(TOLERANCE.name)), 960).0
}

/// Mean weight, 2 to the power of minus the level.
fn mean(levels: &Levels) -> Option<f64> {
    let (sum, _) =
        levels.iter().fold((0.0, 1.0), |(sum, weight), &count| (sum + count as f64 * weight, weight / 2.0));
    ratio(sum, levels.iter().sum::<u64>() as f64)
}

/// A meter from where it stands: its name, and its levels where it has measures.
pub(super) type Stated = (Ticks, String, Option<Accents>);

/// What one part is measured by: meters in order, and how much is missing at the front of each measure.
pub(super) struct Grid<'a> {
    meters: &'a [Stated],
    missing: Vec<Ticks>,
}

/// The meters that each part states.
pub(super) fn stated(score: &Score) -> BTreeMap<u16, Vec<Stated>> {
    let mut stated: BTreeMap<u16, Vec<Stated>> = BTreeMap::new();
    for meter in &score.meters {
        stated.entry(meter.part).or_default().push((meter.onset, meter.text(), Accents::of(meter)));
    }
    stated
}

/// The grid of each part; one without meters of its own (most tracks of a MIDI file) follows the first that has some.
pub(super) fn grids<'a>(score: &Score, stated: &'a BTreeMap<u16, Vec<Stated>>) -> Vec<Grid<'a>> {
    let first = stated.values().next();
    let grid = |part| {
        let meters = stated.get(&part).or(first).map_or(&[][..], Vec::as_slice);
        let mut grid = Grid { meters, missing: Vec::new() };
        grid.missing = grid.missing(score, part);
        grid
    };
    (0..).take(score.parts.len()).map(grid).collect()
}

impl<'a> Grid<'a> {
    /// The meter in force at a moment.
    fn at(&self, onset: Ticks) -> Option<&'a Stated> {
        let after = self.meters.partition_point(|(from, ..)| *from <= onset);
        self.meters.get(after.checked_sub(1)?)
    }

    /// The beat that is so far into a measure, counted from 1; in quarter notes where there is no meter.
    pub(super) fn beat(&self, measure: Option<&Measure>, offset: Ticks) -> Fraction {
        let index = measure.map_or(0, |measure| measure.index as usize);
        let meter = self.at(measure.map_or(Ticks::ZERO, |measure| measure.onset));
        let beat =
            meter.and_then(|(_, _, accents)| accents.as_ref()).map_or(Ticks::quarters(1), Accents::beat);
        let missing = self.missing.get(index).copied().unwrap_or_default();
        (offset + missing + beat).fraction_of(beat)
    }

    /// Length of a full measure and of a beat where a measure begins; a quarter note is both where there is no meter.
    pub(super) fn spans(&self, onset: Ticks) -> (Ticks, Ticks) {
        let accents = self.at(onset).and_then(|(_, _, accents)| accents.as_ref());
        accents.map_or((Ticks::quarters(1), Ticks::quarters(1)), |accents| (accents.bar(), accents.beat()))
    }

    /// How far a place is from where its measure would begin if nothing were missing at its front.
    pub(super) fn within_bar(&self, measure: Option<&Measure>, offset: Ticks) -> Ticks {
        let index = measure.map_or(0, |measure| measure.index as usize);
        offset + self.missing.get(index).copied().unwrap_or_default()
    }

    /// How strong a place so far into a measure is: 0 on the downbeat, 1 half-way, 2 on a beat, 3 between beats, 4
    /// elsewhere. Without a meter the quarters are beats.
    pub(super) fn strength(&self, measure: Option<&Measure>, offset: Ticks) -> usize {
        let meter = self.at(measure.map_or(Ticks::ZERO, |measure| measure.onset));
        let accents = meter.and_then(|(_, _, accents)| accents.as_ref());
        let beat = i128::from(accents.map_or(Ticks::quarters(1), Accents::beat).0);
        // Wide, because a broken file's times may be as long as times can be.
        let at = i128::from(self.within_bar(measure, offset).0);
        let halves = |bar: i128| (at * 2 % bar == 0).then_some(at * 2 / bar);
        match accents.and_then(|accents| halves(i128::from(accents.bar().0))) {
            Some(halves) if halves % 2 == 0 => 0,
            Some(_) if at % beat == 0 => 1,
            _ if at % beat == 0 => 2,
            _ if at * 2 % beat == 0 => 3,
            _ => 4,
        }
    }

    /// What is missing at the front of each measure: a short first measure is a pickup, and a short measure after a
    /// short one completes it (a repeat in the middle of a measure).
    fn missing(&self, score: &Score, part: u16) -> Vec<Ticks> {
        let measures = score.measures_of(part);
        let ends = measures.iter().skip(1).map(|measure| measure.onset);
        let ends = ends.chain(measures.last().map(|measure| measure.onset + measure.duration));
        let mut completes = true;
        let mut missing = Vec::with_capacity(measures.len());
        for (measure, end) in measures.iter().zip(ends) {
            let bar = self.at(measure.onset).and_then(|(_, _, accents)| accents.as_ref()).map(Accents::bar);
            let lack = bar.map_or(Ticks::ZERO, |bar| bar - (end - measure.onset)).max(Ticks::ZERO);
            missing.push(if completes { lack } else { Ticks::ZERO });
            completes = !completes && lack.is_positive();
        }
        missing
    }

    /// The meter of a note and the level of its onset in it.
    fn level(&self, score: &Score, note: &Note, tolerance: Ticks) -> Option<(&'a str, usize)> {
        let measure = score.measures_of(note.part).get(note.measure as usize);
        let (from, text, accents) = self.at(measure.map_or(note.onset, |measure| measure.onset))?;
        let accents = accents.as_ref()?;
        let position = match measure {
            Some(measure) => {
                let missing = self.missing.get(note.measure as usize).copied().unwrap_or_default();
                note.onset - measure.onset + missing
            }
            // Without bar lines, measures follow one another from where the meter stands.
            None => note.onset - *from,
        };
        Some((text, accents.level(snapped(position, tolerance))))
    }
}

/// The position of the grid that is as near as the tolerance, or else the position itself.
fn snapped(position: Ticks, tolerance: Ticks) -> Ticks {
    const GRID: i64 = TICKS_PER_QUARTER / 32;
    let past = position.0.rem_euclid(GRID);
    match (past <= tolerance.0, GRID - past <= tolerance.0) {
        (true, _) => position - Ticks(past),
        (false, true) => position + Ticks(GRID - past),
        (false, false) => position,
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{ask, line, near, score, soprano};
    use super::*;
    use crate::score::{Event, Meter};
    use shared::place::Place;

    /// A pickup of a quarter and two measures of 3/4, in eighths: music21 gives 3/4 in eighths 1 .25 .5 .25 .5 .25.
    #[test]
    fn a_pickup_stands_at_the_end_of_its_measure() {
        let onsets = [(0, "0"), (1, "1"), (4, "2")];
        let meter = Meter {
            onset: Ticks::ZERO,
            measure: 0,
            part: 0,
            beats: [3].into(),
            unit: 4,
            place: Place::START,
        };
        let mut events = Vec::new();
        let mut notes = line(&[(Some(60), (1, 2)); 14]).into_iter();
        for ((onset, number), count) in onsets.into_iter().zip([2, 6, 6]) {
            events.push(Event::Measure { part: 0, onset: Ticks::quarters(onset), number });
            if onset == 0 {
                events.push(Event::Meter(meter.clone()));
            }
            events.extend(notes.by_ref().take(count));
        }
        let answer = ask(&MeterUse, &score(1, events));
        assert_eq!(answer["onsets"], json!([2, 5, 7, 0, 0]));
        assert_eq!(answer["meters"][0]["meter"], "3/4");
        near(&answer, "/mean", (2.0 + 5.0 * 0.5 + 7.0 * 0.25) / 14.0);
    }

    #[test]
    fn without_a_meter_nothing_is_weighed() {
        let answer = ask(&MeterUse, &score(1, line(&[(Some(60), (1, 1))])));
        assert_eq!((&answer["unweighed"], &answer["mean"]), (&json!(1), &Value::Null));
    }

    #[test]
    fn a_midi_tick_late_is_on_the_beat_and_a_triplet_is_not() {
        let (tick, _) = Ticks::from_quarters(1, 480);
        let (tolerance, _) = Ticks::from_quarters(8, 960);
        for quarters in 0..4 {
            let beat = Ticks::quarters(quarters);
            assert_eq!(snapped(beat + tick, tolerance), beat);
            assert_eq!(snapped(beat - tick, tolerance), beat);
            assert_eq!(snapped(beat + tick, Ticks::ZERO), beat + tick);
        }
        for denominator in [3, 5, 6, 7, 9, 12, 24] {
            let (position, _) = Ticks::from_quarters(1, denominator);
            assert_eq!(snapped(position, tolerance), position, "1/{denominator}");
        }
    }

    /// music21 10.5.1: beatStrength of the bundled score's first part is 1 for 9 notes, 1/2 for 9, 1/4 for 16, 1/8 for 3;
    /// one of those on a downbeat is tied over and no onset.
    #[test]
    fn bwv_66_6() {
        assert_eq!(ask(&MeterUse, &soprano())["onsets"], json!([8, 9, 16, 3, 0]));
    }
}
