//! Summary: how much there is of everything, and where meters, keys and tempi stand.

use super::common::{Number, end_of, integer, is_plain, most_measures, number, text};
use super::{Analysis, Param, Params, Range, Spec, Told, tempo};
use crate::score::{Fraction, Mode, Part, Score, Ticks};
use serde::Serialize;
use serde_json::{Value, json};
use shared::failure::Failure;
use std::collections::BTreeMap;

static SPEC: Spec = Spec {
    name: "summary",
    revision: 1,
    summary: "Counts of parts, notes, rests and measures, length in quarter notes and seconds (120 quarter notes a minute where no tempo is stated), and the places of meters, key signatures and tempi.",
    params: &[Param {
        name: "fidelity",
        unit: "",
        summary: "`corrected` counts parts as declared, `compat` each staff of a part as music21 does.",
        range: Range::Choice(&["corrected", "compat"]),
    }],
    columns: &[
        integer("parts", "/parts", "part", "Parts as declared; with `compat`, staves."),
        integer(
            "notes",
            "/notes",
            "note head",
            "Chord members each, tied notes each; grace and unpitched notes not.",
        ),
        integer("onsets", "/onsets", "onset", "The same without the notes that a tie leads into."),
        integer("grace_notes", "/grace_notes", "note head", "Grace notes with a pitch."),
        integer("unpitched", "/unpitched", "note head", "Notes without a pitch."),
        integer("rests", "/rests", "rest", "Rests, hidden ones too."),
        integer("measures", "/measures", "measure", "Measures of the part that has most."),
        text("quarters", "/quarters", "quarter note", "Length of the longest part, as an exact fraction."),
        number("length", "/length", "quarter note", "The same as a number."),
        number("seconds", "/seconds", "second", "Length by the tempi, to where the last part ends."),
        text("meter", "/meter", "meter", "The first time signature."),
        integer(
            "key_fifths",
            "/key_fifths",
            "sharp",
            "The first key signature: sharps, or flats if negative.",
        ),
        text("key_mode", "/key_mode", "mode", "The mode that the source states with it."),
        number(
            "tempo",
            "/tempo",
            "quarter note per minute",
            "The first tempo; null where none is stated and 120 is taken.",
        ),
    ],
    reference: "Ripieno's own; music21 converter.parse and Stream.recurse",
};

/// The analysis.
pub(super) struct Summary;

#[derive(Serialize)]
struct Totals {
    parts: u64,
    notes: usize,
    onsets: usize,
    grace_notes: usize,
    unpitched: usize,
    rests: usize,
    measures: usize,
    quarters: Fraction,
    length: f64,
    seconds: f64,
    meter: Option<String>,
    key_fifths: Option<i8>,
    key_mode: Option<&'static str>,
    tempo: Option<f64>,
    /// Whether some of the seconds are by a tempo that nobody stated.
    tempo_assumed: bool,
    meters: Value,
    keys: Value,
    tempi: Value,
    instruments: Value,
}

impl Analysis for Summary {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn run(&self, score: &Score, params: &Params) -> Result<Told, Failure> {
        let staves = |part: &Part| u64::from(part.staves.max(1));
        let pitched = || score.notes.iter().filter(|note| note.is_pitched());
        let plain = || score.notes.iter().filter(|note| is_plain(note));
        let mut stated = score.tempi.iter().filter(|stated| tempo::is_playable(stated.quarters_per_minute));
        let first_tempo = stated.next();
        let end = end_of(score);
        let totals = Totals {
            parts: match params.word("fidelity") {
                "compat" => score.parts.iter().map(staves).sum(),
                _ => score.parts.len() as u64,
            },
            notes: plain().count(),
            onsets: plain().filter(|note| note.is_onset()).count(),
            grace_notes: pitched().filter(|note| note.is_grace()).count(),
            unpitched: score.notes.len() - pitched().count(),
            rests: score.rests.len(),
            measures: most_measures(score),
            quarters: score.duration().fraction(),
            length: score.duration().as_quarters(),
            seconds: tempo::seconds(score, end),
            meter: score.meters.first().map(crate::score::Meter::text),
            key_fifths: score.keys.first().map(|key| key.fifths),
            key_mode: score.keys.first().and_then(|key| key.mode).map(Mode::name),
            tempo: first_tempo.map(|tempo| tempo.quarters_per_minute),
            tempo_assumed: end.is_positive() && first_tempo.is_none_or(|tempo| tempo.onset.is_positive()),
            meters: meters(score),
            keys: keys(score),
            tempi: tempi(score),
            instruments: score.parts.iter().map(instrument).collect(),
        };
        Told::of(&totals)
    }
}

/// A row `{measure, offset, …}`: the printed number of the measure in that part, and quarter notes from the start.
fn row(score: &Score, part: u16, measure: u32, onset: Ticks, mut what: Value) -> Value {
    let measure = score.measures_of(part).get(measure as usize).map(|measure| Number::of(score, measure));
    if let Value::Object(fields) = &mut what {
        fields.insert("measure".to_owned(), json!(measure));
        fields.insert("offset".to_owned(), json!(onset.fraction()));
    }
    what
}

/// Time signatures; one that several parts state at once is one row with these parts.
fn meters(score: &Score) -> Value {
    let mut rows: BTreeMap<(Ticks, String), (u32, Vec<u16>)> = BTreeMap::new();
    for meter in &score.meters {
        let seen = rows.entry((meter.onset, meter.text())).or_insert((meter.measure, Vec::new()));
        seen.1.push(meter.part);
    }
    let say = |((onset, text), (measure, parts)): ((Ticks, String), (u32, Vec<u16>))| {
        let part = parts.first().copied().unwrap_or(0);
        row(score, part, measure, onset, json!({ "meter": text, "parts": parts }))
    };
    rows.into_iter().map(say).collect()
}

/// Key signatures, likewise.
fn keys(score: &Score) -> Value {
    type Row = (Ticks, i8, Option<&'static str>);
    let mut rows: BTreeMap<Row, (u32, Vec<u16>)> = BTreeMap::new();
    for key in &score.keys {
        let seen = rows.entry((key.onset, key.fifths, key.mode.map(Mode::name)));
        seen.or_insert((key.measure, Vec::new())).1.push(key.part);
    }
    let say = |((onset, fifths, mode), (measure, parts)): (Row, (u32, Vec<u16>))| {
        let part = parts.first().copied().unwrap_or(0);
        row(score, part, measure, onset, json!({ "fifths": fifths, "mode": mode, "parts": parts }))
    };
    rows.into_iter().map(say).collect()
}

/// Tempi, each as it is stated.
fn tempi(score: &Score) -> Value {
    let say = |tempo: &crate::score::Tempo| {
        let what = json!({ "quarters_per_minute": tempo.quarters_per_minute, "part": tempo.part });
        row(score, tempo.part, tempo.measure, tempo.onset, what)
    };
    score.tempi.iter().map(say).collect()
}

fn instrument(part: &Part) -> Value {
    json!({
        "name": part.name,
        "instrument": part.instrument,
        "program": part.program,
        "staves": part.staves.max(1),
        "quarters": part.duration.fraction(),
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{ask, ask_with, line, near, note, score};
    use super::*;
    use crate::score::{Event, Flags, Meter, Note};
    use shared::place::Place;

    #[test]
    fn everything_is_counted_once() {
        let meter = |part| {
            let beats = [3].into();
            Event::Meter(Meter { onset: Ticks::ZERO, measure: 0, part, beats, unit: 4, place: Place::START })
        };
        let mut events = vec![
            Event::Measure { part: 0, onset: Ticks::ZERO, number: "1a" },
            meter(0),
            Event::Measure { part: 1, onset: Ticks::ZERO, number: "1" },
            meter(1),
        ];
        events.extend(line(&[(Some(60), (1, 1)), (None, (1, 2)), (Some(62), (1, 3))]));
        let others = [
            Note { flags: Flags::GRACE, staff: 2, ..note(1, (0, 1), (0, 1), 72) },
            Note { flags: Flags::UNPITCHED, ..note(1, (0, 1), (1, 1), 72) },
            Note { flags: Flags::TIE_STOP, ..note(1, (1, 1), (1, 1), 72) },
        ];
        events.extend(others.map(Event::Note));
        let score = score(2, events);
        let answer = ask(&Summary, &score);
        let counts = ["parts", "notes", "onsets", "grace_notes", "unpitched", "rests", "measures"];
        let counts = counts.map(|name| answer[name].as_u64().unwrap());
        assert_eq!(counts, [2, 3, 2, 1, 1, 1, 1]);
        assert_eq!((&answer["quarters"], &answer["tempo"]), (&json!("2"), &Value::Null));
        near(&answer, "/seconds", 1.0);
        assert_eq!(answer["tempo_assumed"], true);
        let meter = json!({ "measure": "1a", "offset": "0", "meter": "3/4", "parts": [0, 1] });
        assert_eq!(answer["meters"], json!([meter]));

        let compat = ask_with(&Summary, &score, &json!({ "fidelity": "compat" }));
        assert_eq!(compat["parts"], 3);
    }
}
