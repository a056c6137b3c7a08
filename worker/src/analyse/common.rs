//! What several analyses share: the choice of pitch, ways to say a column, counts and ratios.

use super::{Column, Kind, Param, Params, Range};
use crate::score::{Measure, Note, Score, Ticks};
use serde::Serialize;
use serde_json::{Value, json};
use shared::failure::{Failure, FailureKind};
use std::cmp::Reverse;
use std::collections::BTreeMap;

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

fn class(key: i32) -> usize {
    usize::try_from(key.rem_euclid(12)).unwrap_or(0)
}

/// The key nearest to a height in cents; of two the even one, which is how music21 rounds for pitch classes (not for
/// keys).
fn even_key(cents: i32) -> i32 {
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

/// An answer as JSON; what is not finite becomes null.
pub(super) fn answer(answer: &impl Serialize) -> Result<Value, Failure> {
    serde_json::to_value(answer)
        .map_err(|error| Failure::new(FailureKind::Internal, format!("an answer is no JSON: {error}")))
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

/// The number of a measure as printed.
pub(super) fn number_of(measure: &Measure) -> String {
    measure.label.as_ref().map_or_else(|| measure.number.to_string(), ToString::to_string)
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

#[cfg(test)]
pub(super) mod testing {
    //! Scores for the unit tests, told as a reader would tell them.

    use crate::analyse::{Analysis, Params};
    use crate::score::{Event, EventSink, Flags, Meter, Note, Pitch, Rest, Score, ScoreBuilder, Ticks};
    use serde_json::Value;
    use shared::limits::Limits;
    use shared::place::Place;

    /// The note of a MIDI key, in quarters as (numerator, denominator).
    pub(in crate::analyse) fn note(part: u16, onset: (i64, i64), length: (i64, i64), key: i32) -> Note {
        Note {
            onset: Ticks::from_quarters(onset.0, onset.1).0,
            duration: Ticks::from_quarters(length.0, length.1).0,
            place: Place::START,
            measure: 0,
            written: Pitch::from_key(key),
            part,
            flags: Flags::NONE,
            transpose: 0,
            voice: 1,
            staff: 1,
        }
    }

    /// A rest in quarters.
    pub(in crate::analyse) fn rest(part: u16, onset: (i64, i64), length: (i64, i64)) -> Event<'static> {
        let note = note(part, onset, length, 60);
        Event::Rest(Rest {
            onset: note.onset,
            duration: note.duration,
            place: Place::START,
            measure: 0,
            part,
            flags: Flags::NONE,
            voice: 1,
            staff: 1,
        })
    }

    /// A line of equal or unequal notes and rests (no key), one after the other, in part 0.
    pub(in crate::analyse) fn line(notes: &[(Option<i32>, (i64, i64))]) -> Vec<Event<'static>> {
        let mut onset = Ticks::ZERO;
        let mut events = Vec::new();
        for &(key, length) in notes {
            let mut note = note(0, (0, 1), length, key.unwrap_or(60));
            note.onset = onset;
            onset += note.duration;
            events.push(match (key, rest(0, (0, 1), length)) {
                (None, Event::Rest(silence)) => Event::Rest(Rest { onset: note.onset, ..silence }),
                _ => Event::Note(note),
            });
        }
        events
    }

    /// The soprano of J. S. Bach's chorale BWV 66.6, with its pickup: 37 notes, the last F#4 of measure 8 tied over.
    pub(in crate::analyse) fn soprano() -> Score {
        let (eighth, quarter, half) = ((1, 2), (1, 1), (2, 1));
        let measures: [&[(i32, (i64, i64))]; 10] = [
            &[(73, eighth), (71, eighth)],
            &[(69, quarter), (71, quarter), (73, quarter), (76, quarter)],
            &[(73, quarter), (71, quarter), (69, quarter), (73, quarter)],
            &[(69, eighth), (71, eighth), (68, quarter), (66, quarter), (69, quarter)],
            &[(71, quarter), (71, quarter), (66, quarter), (64, quarter)],
            &[(69, quarter), (71, quarter), (73, quarter), (73, quarter)],
            &[(69, quarter), (71, quarter), (73, quarter), (69, quarter)],
            &[(68, quarter), (66, quarter), (68, half)],
            &[(66, half), (66, quarter), (66, quarter)],
            &[(66, quarter), (66, eighth), (65, eighth), (66, quarter)],
        ];
        let mut events = Vec::new();
        let mut onset = Ticks::ZERO;
        let meter = Meter { onset, measure: 0, part: 0, beats: [4].into(), unit: 4, place: Place::START };
        for (number, measure) in ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"].into_iter().zip(measures)
        {
            events.push(Event::Measure { part: 0, onset, number });
            if number == "0" {
                events.push(Event::Meter(meter.clone()));
            }
            for (place, &(key, length)) in measure.iter().enumerate() {
                let start = number == "8" && place == 2;
                let stop = number == "9" && place == 0;
                let flags = Flags::NONE.with_if(start, Flags::TIE_START).with_if(stop, Flags::TIE_STOP);
                let note = Note { onset, flags, ..note(0, (0, 1), length, key) };
                onset = note.end();
                events.push(Event::Note(note));
            }
        }
        score(1, events)
    }

    /// The score of `parts` parts that a reader tells so.
    pub(in crate::analyse) fn score(parts: u16, events: Vec<Event<'_>>) -> Score {
        let mut made = None;
        let mut emit = |score| {
            made = Some(score);
            Ok(())
        };
        let limits = Limits::default();
        let mut builder = ScoreBuilder::new(&limits, &|| Ok(()), &mut emit);
        let mut told = vec![Event::PieceStart { shared_time: true }];
        told.extend((0..parts).map(|part| Event::Part { part, name: None }));
        told.extend(events);
        told.push(Event::PieceEnd);
        told.into_iter().for_each(|event| builder.event(Place::START, event).unwrap());
        made.unwrap()
    }

    /// The answer with default parameters.
    pub(in crate::analyse) fn ask(analysis: &dyn Analysis, score: &Score) -> Value {
        analysis.run(score, &defaults(analysis)).unwrap()
    }

    /// The parameters when nothing is said.
    pub(in crate::analyse) fn defaults(analysis: &dyn Analysis) -> Params {
        analysis.spec().check(&serde_json::Map::new()).unwrap()
    }

    /// Whether two numbers agree to nine digits.
    pub(in crate::analyse) fn near(answer: &Value, pointer: &str, want: f64) {
        let got = answer.pointer(pointer).and_then(Value::as_f64).unwrap_or(f64::NAN);
        assert!((got - want).abs() <= 1e-9 * want.abs().max(1.0), "{pointer}: {got}, not {want}\n{answer:#}");
    }
}
