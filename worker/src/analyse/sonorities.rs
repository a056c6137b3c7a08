//! What the analyses of harmony share: the different sonorities of a score, and where in its measures a slice stands.

use super::chord::Chord;
use super::common::Number;
use super::meter::Grid;
use crate::score::{Fraction, Measure, Pitch, Score, Slice, Slices, Ticks};
use serde::Serialize;
use shared::failure::Failure;
use shared::limits::{FINDINGS_MAX, Limit, SLICED_NOTES_MAX, SLICES_MAX, exceeded};
use shared::place::Place;
use std::collections::BTreeMap;

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

/// The different chords of some slices, in the order of their first sounding.
pub(super) struct Sonorities<'a> {
    pitches: Vec<&'a [Pitch]>,
}

impl<'a> Sonorities<'a> {
    /// The chords, and for each slice the index of its own.
    pub(super) fn of(slices: &'a Slices) -> (Self, Vec<usize>) {
        let mut known: BTreeMap<&[Pitch], usize> = BTreeMap::new();
        let mut pitches = Vec::new();
        let of_slice = slices.iter().map(|(_, sounding)| {
            *known.entry(sounding).or_insert_with(|| {
                pitches.push(sounding);
                pitches.len() - 1
            })
        });
        let of_slice = of_slice.collect();
        (Sonorities { pitches }, of_slice)
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.pitches.len()
    }

    /// What a function makes of each.
    pub(super) fn map<T>(&self, make: impl Fn(&[Pitch], &Chord<'_>) -> T) -> Vec<T> {
        self.pitches
            .iter()
            .filter_map(|pitches| Chord::of(pitches).map(|chord| make(pitches, &chord)))
            .collect()
    }
}

/// Where a slice is, and something about it: onset, duration, measure as printed, beat, what it is, place.
#[derive(Serialize)]
pub(super) struct Row<T>(Fraction, Fraction, Option<Number>, Fraction, T, PlaceRow);

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
    measures: &'a [Measure],
    grid: Option<&'a Grid<'a>>,
}

impl<'a> Bars<'a> {
    /// The measures of a part: of the first where slices are cut measure by measure, else of the leading one.
    pub(super) fn of(score: &'a Score, part: u16, grids: &'a [Grid<'a>]) -> Self {
        let measures = score.measures_of(part);
        Bars { measures, grid: grids.get(usize::from(part)) }
    }

    /// Number as printed and beat of what begins so far into a measure.
    pub(super) fn beat(&self, measure: u32, offset: Ticks) -> (Option<Number>, Fraction) {
        let at = self.measures.get(measure as usize);
        let beat =
            self.grid.map_or_else(|| (offset + Ticks::quarters(1)).fraction(), |grid| grid.beat(at, offset));
        (at.map(Number::of), beat)
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

    /// A slice and something about it.
    pub(super) fn row<T>(&self, slice: &Slice, what: T) -> Row<T> {
        let (measure, beat) = self.beat(slice.measure, slice.offset);
        let (onset, duration) = (slice.onset.fraction(), slice.duration.fraction());
        Row(onset, duration, measure, beat, what, PlaceRow(slice.place))
    }
}
