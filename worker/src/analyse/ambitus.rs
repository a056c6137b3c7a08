//! Ambitus: the lowest and highest keys of a score and of each part.

use super::common::{FIDELITY, integer, key_of};
use super::{Analysis, Params, Spec, Told};
use crate::score::Score;
use serde_json::{Value, json};
use shared::failure::Failure;

static SPEC: Spec = Spec {
    name: "ambitus",
    revision: 1,
    summary: "Lowest and highest key, and the distance between them, of the score and of each part; grace notes count, unpitched notes do not.",
    params: &[FIDELITY],
    columns: &[
        integer("low", "/range/0", "MIDI key", "Lowest key."),
        integer("high", "/range/1", "MIDI key", "Highest key."),
        integer("span", "/span", "semitone", "Highest less lowest."),
    ],
    reference: "Powers, \"Ambitus\", Grove Music Online; music21 analysis.discrete.Ambitus",
};

/// The analysis.
pub(super) struct Ambitus;

impl Analysis for Ambitus {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn run(&self, score: &Score, params: &Params) -> Result<Told, Failure> {
        let key = key_of(params);
        let mut ranges: Vec<Option<(i32, i32)>> = vec![None; score.parts.len()];
        for note in score.notes.iter().filter(|note| note.is_pitched()) {
            if let Some(range) = ranges.get_mut(usize::from(note.part)) {
                let (low, high) = range.unwrap_or((i32::MAX, i32::MIN));
                *range = Some((low.min(key(note)), high.max(key(note))));
            }
        }
        let whole = ranges.iter().flatten().copied().reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)));
        let parts: Vec<Value> = ranges
            .iter()
            .enumerate()
            .map(|(part, range)| json!({ "part": part, "range": range, "span": span(*range) }))
            .collect();
        Ok(json!({ "range": whole, "span": span(whole), "parts": parts }).into())
    }
}

/// A part without notes has no range and no span.
fn span(range: Option<(i32, i32)>) -> Option<i32> {
    range.map(|(low, high)| high - low)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{ask, note, score};
    use super::*;
    use crate::score::{Event, Flags, Note};

    #[test]
    fn grace_notes_count_and_drums_do_not() {
        let grace = Note { flags: Flags::GRACE, ..note(0, (0, 1), (0, 1), 80) };
        let drum = Note { flags: Flags::UNPITCHED, ..note(1, (0, 1), (1, 1), 20) };
        let horn = Note { transpose: -7, ..note(0, (0, 1), (1, 1), 60) };
        let score = score(2, [grace, drum, horn].map(Event::Note).into());
        let answer = ask(&Ambitus, &score);
        assert_eq!(answer["range"], json!([53, 80]));
        assert_eq!(answer["parts"][1], json!({ "part": 1, "range": null, "span": null }));
    }
}
