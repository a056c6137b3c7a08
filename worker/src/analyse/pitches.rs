//! Pitches: how often each key is written and struck.

use super::common::{Counts, FIDELITY, integer, is_plain, key_of, number, ratio};
use super::{Analysis, Params, Spec, Told};
use crate::score::Score;
use serde_json::json;
use shared::failure::Failure;

static SPEC: Spec = Spec {
    name: "pitches",
    revision: 1,
    summary: "How many note heads and how many onsets each MIDI key has; grace and unpitched notes are left out.",
    params: &[FIDELITY],
    columns: &[
        integer("distinct", "/distinct", "key", "How many different keys."),
        integer("commonest", "/commonest", "MIDI key", "The key with most onsets, of several the lowest."),
        number("mean", "/mean", "MIDI key", "Mean key of the onsets."),
    ],
    reference: "music21 analysis.pitchAnalysis.pitchAttributeCount(…, 'midi'), which counts grace notes too",
};

/// The analysis.
pub(super) struct Pitches;

impl Analysis for Pitches {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn run(&self, score: &Score, params: &Params) -> Result<Told, Failure> {
        let key = key_of(params);
        let heads = score.notes.iter().filter(|note| is_plain(note));
        let onsets = Counts::of(heads.clone().filter(|note| note.is_onset()).map(key));
        let heads = Counts::of(heads.map(key));
        let sum: f64 = onsets.0.iter().map(|(&key, &count)| f64::from(key) * count as f64).sum();
        Ok(json!({
            "distinct": heads.0.len(),
            "commonest": onsets.commonest(),
            "mean": ratio(sum, onsets.total() as f64),
            "heads": heads.rows(|key| key),
            "onsets": onsets.rows(|key| key),
        })
        .into())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{ask, near, note, score};
    use super::*;
    use crate::score::{Event, Flags, Note};

    #[test]
    fn heads_and_onsets() {
        let tied = Note { flags: Flags::TIE_STOP, ..note(0, (1, 1), (1, 1), 60) };
        let notes = [note(0, (0, 1), (1, 1), 60), tied, note(0, (2, 1), (1, 1), 67)];
        let answer = ask(&Pitches, &score(1, notes.map(Event::Note).into()));
        assert_eq!(answer["heads"], json!([[60, 2], [67, 1]]));
        assert_eq!(answer["onsets"], json!([[60, 1], [67, 1]]));
        assert_eq!((&answer["distinct"], &answer["commonest"]), (&json!(2), &json!(60)));
        near(&answer, "/mean", 63.5);
    }
}
