//! What is found of voices, moment by moment: each voice's step is told once, and of each kind the pairs. So all of it is
//! told in little room, for the pairs of an orchestra are hundreds at each moment.

use super::moments::Step;
use crate::analyse::common::Number;
use crate::analyse::sonorities::{Bars, PlaceRow};
use crate::score::{Fraction, Pitch, Ticks};
use serde::{Serialize, Serializer};
use std::collections::{BTreeMap, BTreeSet};

/// What can be found of two voices.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    ParallelFifth,
    ParallelOctave,
    ParallelUnison,
    HiddenFifth,
    HiddenOctave,
    Crossing,
    Overlap,
    ImproperResolution,
}

impl Kind {
    pub(super) const ALL: [Kind; 8] = [
        Kind::ParallelFifth,
        Kind::ParallelOctave,
        Kind::ParallelUnison,
        Kind::HiddenFifth,
        Kind::HiddenOctave,
        Kind::Crossing,
        Kind::Overlap,
        Kind::ImproperResolution,
    ];
}

/// What is found at one moment: its onset, the measure as printed, the beat; each step that has part in it, by the index of
/// its voice, with the note before and after and where the latter stands in the source; and of each kind the pairs of steps.
#[derive(Serialize)]
pub(super) struct Row(Fraction, Option<Number>, Fraction, Vec<StepRow>, BTreeMap<Kind, Vec<Pair>>);

#[derive(Serialize)]
struct StepRow(usize, Pitch, Pitch, PlaceRow);

/// The step of the upper voice and that of the lower one, by their places in the row (a voice may have two steps at once where
/// its notes overlap), and a detail where there is one: `similar` or `anti` of parallels, the dissonance of an
/// improper resolution, `exposed` of a hidden consonance of the outer voices with a leap in the upper.
struct Pair(usize, usize, Option<&'static str>);

impl Serialize for Pair {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Pair(upper, lower, detail) = self;
        match detail {
            None => (upper, lower).serialize(serializer),
            Some(detail) => (upper, lower, detail).serialize(serializer),
        }
    }
}

/// The findings of one moment, in the making.
#[derive(Default)]
pub(super) struct Rows(BTreeMap<Kind, Vec<Pair>>);

impl Rows {
    /// Something was found of two steps of the moment, that of the upper voice first.
    pub(super) fn add(&mut self, kind: Kind, (upper, lower): (usize, usize), detail: Option<&'static str>) {
        self.0.entry(kind).or_default().push(Pair(upper, lower, detail));
    }

    /// The row of the moment, if there is anything to tell.
    pub(super) fn at(
        mut self,
        onset: Ticks,
        steps: &[(&Step<'_>, (Pitch, Pitch))],
        bars: &Bars<'_>,
    ) -> Option<Row> {
        let pairs = self.0.values().flatten();
        let taking_part: BTreeSet<usize> = pairs.flat_map(|pair| [pair.0, pair.1]).collect();
        let told: Vec<usize> = taking_part.into_iter().collect();
        let place = |step: usize| told.partition_point(|&other| other < step);
        for pair in self.0.values_mut().flatten() {
            (pair.0, pair.1) = (place(pair.0), place(pair.1));
        }
        let steps: Vec<_> = told.iter().filter_map(|&step| steps.get(step)).collect();
        // The notes' own time counts for the measure: in `compat` a moment is one of the parts' times.
        let latest = steps.iter().map(|(step, _)| step.to.onset).max()?;
        let (measure, beat) = bars.at(latest);
        let rows = steps
            .iter()
            .map(|(step, (before, after))| StepRow(step.voice, *before, *after, PlaceRow(step.to.place)));
        Some(Row(onset.fraction(), measure, beat, rows.collect(), self.0))
    }
}
