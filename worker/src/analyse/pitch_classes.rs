//! Pitch classes: how long and how often each of the twelve is written.

use super::common::{FIDELITY, class_of, is_plain, number, ratio};
use super::{Analysis, Params, Spec, Told};
use crate::score::{Score, Ticks};
use serde_json::json;
use shared::failure::Failure;

static SPEC: Spec = Spec {
    name: "pitch_classes",
    revision: 1,
    summary: "Quarter notes and onsets of each pitch class from C, and the entropy of the former; grace and unpitched notes are left out, tied notes are one onset.",
    params: &[FIDELITY],
    columns: &[
        number("c", "/quarters/0", "quarter note", "Written length of all C."),
        number("c_sharp", "/quarters/1", "quarter note", "Written length of all C# and Db."),
        number("d", "/quarters/2", "quarter note", "Written length of all D."),
        number("e_flat", "/quarters/3", "quarter note", "Written length of all Eb and D#."),
        number("e", "/quarters/4", "quarter note", "Written length of all E."),
        number("f", "/quarters/5", "quarter note", "Written length of all F."),
        number("f_sharp", "/quarters/6", "quarter note", "Written length of all F# and Gb."),
        number("g", "/quarters/7", "quarter note", "Written length of all G."),
        number("g_sharp", "/quarters/8", "quarter note", "Written length of all G# and Ab."),
        number("a", "/quarters/9", "quarter note", "Written length of all A."),
        number("b_flat", "/quarters/10", "quarter note", "Written length of all Bb and A#."),
        number("b", "/quarters/11", "quarter note", "Written length of all B."),
        number(
            "entropy",
            "/entropy",
            "bit",
            "Shannon entropy of the twelve lengths, at most log2 12 = 3.585.",
        ),
    ],
    reference: "Krumhansl, Cognitive Foundations of Musical Pitch (1990), ch. 4; music21 analysis.discrete.KeyWeightKeyAnalysis._getPitchClassDistribution",
};

/// The analysis.
pub(super) struct PitchClasses;

impl Analysis for PitchClasses {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn run(&self, score: &Score, params: &Params) -> Result<Told, Failure> {
        let class = class_of(params);
        let quarters = lengths(score, params);
        let mut onsets = [0_u64; 12];
        for note in score.notes.iter().filter(|note| is_plain(note) && note.is_onset()) {
            if let Some(count) = onsets.get_mut(class(note)) {
                *count += 1;
            }
        }
        Ok(json!({ "quarters": quarters, "onsets": onsets, "entropy": entropy(&quarters) }).into())
    }
}

/// The written quarter notes of each pitch class, over all parts.
pub(super) fn lengths(score: &Score, params: &Params) -> [f64; 12] {
    let class = class_of(params);
    let mut sums = [Ticks::ZERO; 12];
    for note in score.notes.iter().filter(|note| is_plain(note)) {
        if let Some(sum) = sums.get_mut(class(note)) {
            *sum += note.duration;
        }
    }
    sums.map(Ticks::as_quarters)
}

/// Shannon entropy in bits; none where there is nothing.
fn entropy(lengths: &[f64]) -> Option<f64> {
    let whole: f64 = lengths.iter().sum();
    let shares = lengths.iter().filter(|&&length| length > 0.0).map(|&length| ratio(length, whole));
    let bits: Option<Vec<f64>> = shares.map(|share| share.map(|share| -share * libm::log2(share))).collect();
    bits.filter(|bits| !bits.is_empty()).map(|bits| bits.iter().sum::<f64>() + 0.0)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{ask, near, note, score};
    use super::*;
    use crate::score::{Event, Flags, Note};

    #[test]
    fn lengths_count_tied_notes_and_onsets_do_not() {
        let tied = Note { flags: Flags::TIE_STOP, ..note(0, (1, 1), (1, 1), 60) };
        let third = note(0, (2, 1), (2, 1), 64);
        let answer =
            ask(&PitchClasses, &score(1, [note(0, (0, 1), (1, 1), 60), tied, third].map(Event::Note).into()));
        assert_eq!((&answer["quarters"][0], &answer["onsets"][0]), (&json!(2.0), &json!(1)));
        assert_eq!((&answer["quarters"][4], &answer["onsets"][4]), (&json!(2.0), &json!(1)));
        near(&answer, "/entropy", 1.0); // Two equal halves are one bit.
    }
}
