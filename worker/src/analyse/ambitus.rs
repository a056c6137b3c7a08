//! Ambitus: the lowest and highest keys of a score.

use super::{Analysis, Column, Kind, Param, Params, Range, Spec};
use crate::score::{Note, Score};
use serde_json::{Value, json};
use shared::failure::Failure;

static SPEC: Spec = Spec {
    name: "ambitus",
    revision: 1,
    summary: "Lowest and highest key, and the distance between them; grace notes count, unpitched notes do not.",
    params: &[Param {
        name: "fidelity",
        unit: "",
        summary: "`corrected` takes sounding pitch, `compat` written pitch as music21 does.",
        range: Range::Choice(&["corrected", "compat"]),
    }],
    columns: &[
        Column {
            name: "low",
            pointer: "/range/0",
            kind: Kind::Integer,
            unit: "MIDI key",
            summary: "Lowest key.",
        },
        Column {
            name: "high",
            pointer: "/range/1",
            kind: Kind::Integer,
            unit: "MIDI key",
            summary: "Highest key.",
        },
        Column {
            name: "span",
            pointer: "/span",
            kind: Kind::Integer,
            unit: "semitone",
            summary: "Highest less lowest.",
        },
    ],
    reference: "Powers, \"Ambitus\", Grove Music Online; music21 analysis.discrete.Ambitus",
};

/// The analysis.
pub(super) struct Ambitus;

impl Analysis for Ambitus {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn run(&self, score: &Score, params: &Params) -> Result<Value, Failure> {
        let key = if params.word("fidelity") == "compat" { Note::written_key } else { Note::sounding_key };
        let keys = score.notes.iter().filter(|note| note.is_pitched()).map(key);
        let (Some(low), Some(high)) = (keys.clone().min(), keys.max()) else {
            return Ok(json!({ "range": null, "span": null })); // A score without notes has no ambitus.
        };
        Ok(json!({ "range": [low, high], "span": high - low }))
    }
}
