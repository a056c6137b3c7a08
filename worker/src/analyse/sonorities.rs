//! What the analyses of harmony share: the different sonorities of a score, and where in its measures a slice stands.

use super::common::Number;
use super::meter::{Grid, grids, stated};
use crate::score::{Fraction, Measure, Pitch, Score, Slice, Slices, Ticks};
use serde::Serialize;
use shared::failure::Failure;
use shared::limits::{FINDINGS_MAX, Limit, SLICED_NOTES_MAX, SLICES_MAX, exceeded};
use shared::place::Place;
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

/// The slices of a score: as music21 makes them, or of one timeline.
///
/// # Errors
/// `too_large` for a piece of more notes or slices than can be told about.
pub(super) fn slices(score: &Score, as_music21: bool) -> Result<&Slices, Failure> {
    check_notes(score)?;
    let slices = if as_music21 { score.measure_slices() } else { score.slices() };
    check(slices.len(), &SLICES_MAX)?;
    Ok(slices)
}

/// Whether a score is small enough to be sliced.
pub(super) fn check_notes(score: &Score) -> Result<(), Failure> {
    check(score.notes.len(), &SLICED_NOTES_MAX)
}

/// Refuses more rows than one analysis may tell of a piece: what is told is told whole, or not at all.
pub(super) fn check_findings(count: usize) -> Result<(), Failure> {
    check(count, &FINDINGS_MAX)
}

/// Refuses more of something than its limit.
pub(super) fn check(count: usize, limit: &Limit) -> Result<(), Failure> {
    let within = count as u64 <= limit.default;
    if within { Ok(()) } else { Err(exceeded(limit.name, limit.default, None)) }
}

/// What sounds in each slice of a score and where it stands: worked out once for all who tell of chords.
pub(super) struct Chordified {
    /// Where each slice stands.
    stands: Vec<Stand>,
    /// For each slice the index of its sonority.
    pub(super) of_slice: Vec<usize>,
    /// The slice that each sonority sounds in first.
    firsts: Vec<usize>,
}

/// Those of one timeline, and those that music21 makes.
#[derive(Default)]
struct Both([OnceLock<Arc<Chordified>>; 2]);

impl Chordified {
    /// Of the slices that [`slices`] gives, and these.
    ///
    /// # Errors
    /// As [`slices`].
    pub(super) fn of(score: &Score, as_music21: bool) -> Result<(&Slices, Arc<Self>), Failure> {
        let slices = slices(score, as_music21)?;
        let both = score.derived(|_| Both::default());
        let [own, music21] = &both.0;
        let known = if as_music21 { music21 } else { own };
        Ok((slices, known.get_or_init(|| Arc::new(Chordified::new(score, slices, as_music21))).clone()))
    }

    fn new(score: &Score, slices: &Slices, as_music21: bool) -> Self {
        let (stated, part) = (stated(score), if as_music21 { 0 } else { score.leading_part() });
        let grids = grids(score, &stated);
        let bars = Bars::of(score, part, &grids);
        let mut known: BTreeMap<&[Pitch], usize> = BTreeMap::new();
        let mut firsts = Vec::new();
        let of_slice = slices.iter().enumerate().map(|(at, (_, sounding))| {
            *known.entry(sounding).or_insert_with(|| {
                firsts.push(at);
                firsts.len() - 1
            })
        });
        let of_slice = of_slice.collect();
        Chordified { stands: slices.iter().map(|(slice, _)| bars.stand(slice)).collect(), of_slice, firsts }
    }

    /// How many different sonorities there are.
    pub(super) fn len(&self) -> usize {
        self.firsts.len()
    }

    /// The pitches of each sonority, in the order of their first sounding.
    pub(super) fn sonorities<'s>(&self, slices: &'s Slices) -> impl Iterator<Item = &'s [Pitch]> {
        self.firsts.iter().map(|&first| slices.sounding(first))
    }

    /// For each slice where it stands, and what is told of its sonority, if anything is.
    pub(super) fn rows<T>(&self, told: impl Fn(usize) -> Option<T>) -> Vec<Row<'_, T>> {
        let mut rows = Vec::with_capacity(self.stands.len());
        let of_slices = self.stands.iter().zip(&self.of_slice);
        rows.extend(of_slices.filter_map(|(stand, &sonority)| Some(Row(stand, told(sonority)?))));
        rows
    }
}

/// Where a slice is: onset, duration, measure as printed, beat, place.
struct Stand(Fraction, Fraction, Option<Number>, Fraction, Place);

/// Where a slice is, and something about it: onset, duration, measure as printed, beat, what it is, place.
pub(super) struct Row<'a, T>(&'a Stand, T);

impl<T: Serialize> Serialize for Row<'_, T> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Row(Stand(onset, duration, measure, beat, place), what) = self;
        (onset, duration, measure, beat, what, PlaceRow(*place)).serialize(serializer)
    }
}

/// A place as a short list: line and column, or byte.
#[derive(Clone, Copy)]
pub(super) struct PlaceRow(pub(super) Place);

impl Serialize for PlaceRow {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.line_column() {
            Some((line, column)) => [line, column].serialize(serializer),
            None => [self.0.byte_offset()].serialize(serializer),
        }
    }
}

/// The measures of the part that leads, with their numbers and beats.
pub(super) struct Bars<'a> {
    score: &'a Score,
    measures: &'a [Measure],
    grid: Option<&'a Grid<'a>>,
}

impl<'a> Bars<'a> {
    /// The measures of a part: of the first where slices are cut measure by measure, else of the leading one.
    pub(super) fn of(score: &'a Score, part: u16, grids: &'a [Grid<'a>]) -> Self {
        let measures = score.measures_of(part);
        Bars { score, measures, grid: grids.get(usize::from(part)) }
    }

    /// Number as printed and beat of what begins so far into a measure.
    pub(super) fn beat(&self, measure: u32, offset: Ticks) -> (Option<Number>, Fraction) {
        let at = self.measures.get(measure as usize);
        let beat =
            self.grid.map_or_else(|| (offset + Ticks::quarters(1)).fraction(), |grid| grid.beat(at, offset));
        (at.map(|measure| Number::of(self.score, measure)), beat)
    }

    /// The same of a moment of the piece.
    pub(super) fn at(&self, onset: Ticks) -> (Option<Number>, Fraction) {
        let index = self.measures.partition_point(|measure| measure.onset <= onset).saturating_sub(1);
        let start = self.measures.get(index).map_or(Ticks::ZERO, |measure| measure.onset);
        self.beat(u32::try_from(index).unwrap_or(u32::MAX), onset - start)
    }

    /// How strong a moment of the piece is: 0 on the downbeat, 1 half-way, 2 on a beat, 3 between beats, 4 elsewhere.
    pub(super) fn strength(&self, onset: Ticks) -> usize {
        let index = self.measures.partition_point(|measure| measure.onset <= onset).saturating_sub(1);
        let measure = self.measures.get(index);
        let start = measure.map_or(Ticks::ZERO, |measure| measure.onset);
        self.grid.map_or(4, |grid| grid.strength(measure, onset - start))
    }

    /// Where a slice is.
    fn stand(&self, slice: &Slice) -> Stand {
        let (measure, beat) = self.beat(slice.measure, slice.offset);
        Stand(slice.onset.fraction(), slice.duration.fraction(), measure, beat, slice.place)
    }
}
