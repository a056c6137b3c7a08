//! Durations: how often each written length occurs.

use super::common::{Counts, integer, text};
use super::{Analysis, Params, Spec, Told};
use crate::score::{Flags, Note, Score, Ticks};
use serde_json::{Value, json};
use shared::failure::Failure;
use std::collections::BTreeMap;

static SPEC: Spec = Spec {
    name: "durations",
    revision: 1,
    summary: "How often each written length occurs, in quarter notes as exact fractions; a chord counts once, tied notes each, grace and unpitched notes not at all.",
    params: &[],
    columns: &[
        integer("distinct", "/distinct", "length", "How many different lengths notes have."),
        text(
            "commonest",
            "/commonest",
            "quarter note",
            "The commonest length of a note, of several the shortest.",
        ),
        text("shortest", "/shortest", "quarter note", "The shortest length of a note."),
        text("longest", "/longest", "quarter note", "The longest length of a note."),
    ],
    reference: "music21 analysis.elements.attributeCount(…, 'quarterLength')",
};

/// The analysis.
pub(super) struct Durations;

impl Analysis for Durations {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn run(&self, score: &Score, _: &Params) -> Result<Told, Failure> {
        let counted = score.notes.iter().filter(|note| is_counted(note));
        let notes = Counts::of(counted.clone().map(|note| note.duration));
        let rests = Counts::of(score.rests.iter().map(|rest| rest.duration));
        let mut staves: BTreeMap<(u16, u8), BTreeMap<Ticks, u64>> = BTreeMap::new();
        for note in counted {
            *staves.entry((note.part, note.staff)).or_default().entry(note.duration).or_insert(0) += 1;
        }
        let staves: Vec<Value> = staves
            .into_iter()
            .map(|((part, staff), notes)| {
                json!({ "part": part, "staff": staff, "notes": Counts(notes).rows(Ticks::fraction) })
            })
            .collect();
        Ok(json!({
            "distinct": (!notes.0.is_empty()).then_some(notes.0.len()),
            "commonest": notes.commonest().map(Ticks::fraction),
            "shortest": notes.0.keys().next().map(|length| length.fraction()),
            "longest": notes.0.keys().next_back().map(|length| length.fraction()),
            "notes": notes.rows(Ticks::fraction),
            "rests": rests.rows(Ticks::fraction),
            "staves": staves,
        })
        .into())
    }
}

/// The first note of each chord, and each note outside of one.
fn is_counted(note: &Note) -> bool {
    super::common::is_plain(note) && !note.flags.has(Flags::CHORD)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{ask, line, note, score, soprano};
    use super::*;
    use crate::score::Event;

    #[test]
    fn a_chord_counts_once() {
        let mut events = line(&[(Some(60), (1, 3)), (Some(62), (1, 3)), (None, (1, 3)), (Some(64), (3, 2))]);
        events.push(Event::Note(Note { flags: Flags::CHORD, ..note(0, (1, 1), (3, 2), 67) }));
        let answer = ask(&Durations, &score(1, events));
        assert_eq!(answer["notes"], json!([["1/3", 2], ["3/2", 1]]));
        assert_eq!(answer["rests"], json!([["1/3", 1]]));
        assert_eq!((&answer["commonest"], &answer["longest"]), (&json!("1/3"), &json!("3/2")));
    }

    /// Counted by hand.
    #[test]
    fn bwv_66_6() {
        let answer = ask(&Durations, &soprano());
        assert_eq!(answer["notes"], json!([["1/2", 6], ["1", 29], ["2", 2]]));
        assert_eq!(answer["commonest"], "1");
    }
}
