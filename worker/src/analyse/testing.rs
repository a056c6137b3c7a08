//! Scores for the unit tests, told as a reader would tell them.

use crate::analyse::{Analysis, Params};
use crate::score::{Event, EventSink, Flags, Meter, Note, Pitch, Rest, Score, ScoreBuilder, Ticks};
use serde_json::{Value, json};
use shared::limits::Limits;
use shared::place::Place;

/// The note of a MIDI key, in quarters as (numerator, denominator).
pub(super) fn note(part: u16, onset: (i64, i64), length: (i64, i64), key: i32) -> Note {
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
pub(super) fn rest(part: u16, onset: (i64, i64), length: (i64, i64)) -> Event<'static> {
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
pub(super) fn line(notes: &[(Option<i32>, (i64, i64))]) -> Vec<Event<'static>> {
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
pub(super) fn soprano() -> Score {
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
    for (number, measure) in ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"].into_iter().zip(measures) {
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
pub(super) fn score(parts: u16, events: Vec<Event<'_>>) -> Score {
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

/// Four parts in 4/4, each a line of (MIDI key, eighths), moved by some semitones.
pub(super) fn chorale(parts: [&[(i32, i64)]; 4], up: i32) -> Score {
    let mut events = Vec::new();
    for (part, line) in (0..).zip(parts) {
        let (onset, measure) = (Ticks::ZERO, 0);
        let beats = [4].into();
        events.push(Event::Meter(Meter { onset, measure, part, beats, unit: 4, place: Place::START }));
        let mut onset = 0;
        for &(key, eighths) in line {
            if onset % 8 == 0 {
                events.push(Event::Measure { part, onset: Ticks::quarters(onset / 2), number: "1" });
            }
            events.push(Event::Note(note(part, (onset, 2), (eighths, 2), key + up)));
            onset += eighths;
        }
    }
    score(4, events)
}

/// The answer with default parameters.
pub(super) fn ask(analysis: &dyn Analysis, score: &Score) -> Value {
    ask_with(analysis, score, &json!({}))
}

/// The answer with given parameters, as a JSON object.
pub(super) fn ask_with(analysis: &dyn Analysis, score: &Score, given: &Value) -> Value {
    let params = analysis.spec().check(given.as_object().unwrap()).unwrap();
    analysis.run(score, &params).unwrap().tree().unwrap()
}

/// The parameters when nothing is said.
pub(super) fn defaults(analysis: &dyn Analysis) -> Params {
    analysis.spec().check(&serde_json::Map::new()).unwrap()
}

/// Whether two numbers agree to nine digits.
pub(super) fn near(answer: &Value, pointer: &str, want: f64) {
    let got = answer.pointer(pointer).and_then(Value::as_f64).unwrap_or(f64::NAN);
    assert!((got - want).abs() <= 1e-9 * want.abs().max(1.0), "{pointer}: {got}, not {want}\n{answer:#}");
}
