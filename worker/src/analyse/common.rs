//! What several analyses share: the choice of pitch, ways to say a column, counts and ratios.

use super::{Column, Kind, Param, Params, Range};
use crate::score::{Measure, Note, Score, Short, Ticks};
use serde::Serialize;
use serde_json::{Value, json};
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt;

/// The parameter that says whose pitch counts.
pub(super) const FIDELITY: Param = Param {
    name: "fidelity",
    unit: "",
    summary: "`corrected` takes sounding pitch, `compat` written pitch as music21 does.",
    range: Range::Choice(&["corrected", "compat"]),
};

/// The MIDI key of a note, as [`FIDELITY`] has it.
pub(super) fn key_of(params: &Params) -> fn(&Note) -> i32 {
    if params.word(FIDELITY.name) == "compat" { Note::written_key } else { Note::sounding_key }
}

/// The pitch class of a note from 0 for C, as [`FIDELITY`] has it.
pub(super) fn class_of(params: &Params) -> fn(&Note) -> usize {
    if params.word(FIDELITY.name) == "compat" {
        |note| class(even_key(note.written.cents()))
    } else {
        |note| class(note.sounding_key())
    }
}

/// The pitch class of a MIDI key.
pub(super) fn class(key: i32) -> usize {
    usize::try_from(key.rem_euclid(12)).unwrap_or(0)
}

/// The key nearest to a height in cents; of two the even one, which is how music21 rounds for pitch classes (not for
/// keys).
pub(super) fn even_key(cents: i32) -> i32 {
    let (below, rest) = (cents.div_euclid(100), cents.rem_euclid(100));
    below + i32::from(rest > 50 || (rest == 50 && below % 2 != 0))
}

/// Whether a note takes time and has a pitch: what is counted unless an analysis says otherwise.
pub(super) fn is_plain(note: &Note) -> bool {
    note.is_pitched() && !note.is_grace()
}

/// A column of whole numbers.
pub(super) const fn integer(
    name: &'static str,
    pointer: &'static str,
    unit: &'static str,
    summary: &'static str,
) -> Column {
    Column { name, pointer, kind: Kind::Integer, unit, summary }
}

/// A column of floating point numbers.
pub(super) const fn number(
    name: &'static str,
    pointer: &'static str,
    unit: &'static str,
    summary: &'static str,
) -> Column {
    Column { name, pointer, kind: Kind::Number, unit, summary }
}

/// A column of texts.
pub(super) const fn text(
    name: &'static str,
    pointer: &'static str,
    unit: &'static str,
    summary: &'static str,
) -> Column {
    Column { name, pointer, kind: Kind::Text, unit, summary }
}

/// How often each thing was seen, in the order of the things.
#[derive(Clone, Debug)]
pub(super) struct Counts<T>(pub(super) BTreeMap<T, u64>);

impl<T: Ord + Copy> Counts<T> {
    /// Counts what an iterator yields.
    pub(super) fn of(things: impl Iterator<Item = T>) -> Self {
        let mut counts = BTreeMap::new();
        things.for_each(|thing| *counts.entry(thing).or_insert(0) += 1);
        Counts(counts)
    }

    /// All of them.
    pub(super) fn total(&self) -> u64 {
        self.0.values().sum()
    }

    /// The thing seen most often, of several the first in order.
    pub(super) fn commonest(&self) -> Option<T> {
        self.0.iter().max_by_key(|&(thing, count)| (*count, Reverse(*thing))).map(|(thing, _)| *thing)
    }

    /// `[[thing, count], …]`.
    pub(super) fn rows<V: Serialize>(&self, say: impl Fn(T) -> V) -> Value {
        self.0.iter().map(|(&thing, count)| json!([say(thing), count])).collect()
    }
}

/// `part / whole`; nothing of nothing.
pub(super) fn ratio(part: f64, whole: f64) -> Option<f64> {
    (whole > 0.0).then(|| part / whole)
}

/// Arithmetic mean, summed in the order given.
pub(super) fn mean(values: &[f64]) -> Option<f64> {
    ratio(values.iter().sum(), values.len() as f64)
}

/// Standard deviation of a sample: divided by one less than the number of values.
pub(super) fn deviation(values: &[f64]) -> Option<f64> {
    let mean = mean(values)?;
    let squares: f64 = values.iter().map(|value| (value - mean) * (value - mean)).sum();
    ratio(squares, values.len() as f64 - 1.0).map(f64::sqrt)
}

/// Where a score ends when its parts are lined up.
pub(super) fn end_of(score: &Score) -> Ticks {
    let notes = score.notes.iter().map(Note::end);
    let rests = score.rests.iter().map(|rest| rest.onset + rest.duration);
    let measures = score.measures.iter().map(|measure| measure.onset + measure.duration);
    notes.chain(rests).chain(measures).fold(score.duration(), Ord::max)
}

/// How many measures the part with most of them has.
pub(super) fn most_measures(score: &Score) -> usize {
    let counts = score.measures.chunk_by(|a, b| a.part == b.part).map(<[Measure]>::len);
    counts.max().unwrap_or(0)
}

/// The number of a measure as printed: a number, or a text where it is more than one.
#[derive(Clone, Debug)]
pub(super) enum Number {
    Plain(i32),
    Label(Box<str>),
}

impl Number {
    pub(super) fn of(score: &Score, measure: &Measure) -> Self {
        score.label(measure).map_or(Number::Plain(measure.number), |label| Number::Label(label.into()))
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Number::Plain(number) => number.fmt(f),
            Number::Label(label) => f.write_str(label),
        }
    }
}

/// A text, as many of them are none but numbers.
impl Serialize for Number {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Number::Plain(number) => serializer.serialize_str(Short::of(*number).as_str()),
            Number::Label(label) => serializer.serialize_str(label),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::even_key;

    #[test]
    fn quarter_tones_go_to_the_even_key() {
        let cases = [(6000, 60), (6050, 60), (6051, 61), (6149, 61), (6150, 62), (5950, 60), (-50, 0)];
        assert!(cases.iter().all(|&(cents, key)| even_key(cents) == key));
    }
}
