//! Density: how many notes begin in a quarter note, a second, a measure.

use super::common::{end_of, is_plain, most_measures, number, ratio};
use super::{Analysis, Params, Spec, Told, tempo};
use crate::score::{Note, Score};
use serde_json::{Value, json};
use shared::failure::Failure;

static SPEC: Spec = Spec {
    name: "density",
    revision: 1,
    summary: "Onsets (tied notes once, chord members each, grace and unpitched notes not) and attacks (moments at which any begins) per time; seconds are those of `summary`.",
    params: &[],
    columns: &[
        number("per_quarter", "/onsets/per_quarter", "onsets per quarter note", "Over the longest part."),
        number(
            "per_second",
            "/onsets/per_second",
            "onsets per second",
            "By the tempi, 120 where none is said.",
        ),
        number(
            "per_measure",
            "/onsets/per_measure",
            "onsets per measure",
            "Over the part with most measures.",
        ),
        number(
            "attacks_per_quarter",
            "/attacks/per_quarter",
            "attacks per quarter note",
            "Moments at which notes begin.",
        ),
        number(
            "attacks_per_second",
            "/attacks/per_second",
            "attacks per second",
            "By the tempi, 120 where none is said.",
        ),
        number(
            "attacks_per_measure",
            "/attacks/per_measure",
            "attacks per measure",
            "Over the part with most measures.",
        ),
    ],
    reference: "music21 features.jSymbolic.NoteDensityFeature (R15), per second",
};

/// The analysis.
pub(super) struct Density;

impl Analysis for Density {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn run(&self, score: &Score, _: &Params) -> Result<Told, Failure> {
        let begins: Vec<&Note> =
            score.notes.iter().filter(|note| is_plain(note) && note.is_onset()).collect();
        let mut attacks: Vec<_> = begins.iter().map(|note| note.onset).collect();
        attacks.dedup();
        let end = end_of(score);
        let (quarters, seconds) = (end.as_quarters(), tempo::seconds(score, end));
        let per = |count: usize| {
            json!({
                "count": count,
                "per_quarter": ratio(count as f64, quarters),
                "per_second": ratio(count as f64, seconds),
                "per_measure": ratio(count as f64, most_measures(score) as f64),
            })
        };
        let mut parts = vec![0_usize; score.parts.len()];
        for note in &begins {
            if let Some(count) = parts.get_mut(usize::from(note.part)) {
                *count += 1;
            }
        }
        let parts: Vec<Value> = parts
            .iter()
            .enumerate()
            .map(|(part, &count)| json!({ "part": part, "onsets": count, "per_quarter": ratio(count as f64, quarters) }))
            .collect();
        Ok(json!({ "onsets": per(begins.len()), "attacks": per(attacks.len()), "parts": parts }).into())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{ask, line, near, note, score, soprano};
    use super::*;
    use crate::score::{Event, Ticks};

    #[test]
    fn two_parts_attack_together() {
        let mut events = vec![
            Event::Measure { part: 0, onset: Ticks::ZERO, number: "1" },
            Event::Measure { part: 0, onset: Ticks::quarters(2), number: "2" },
        ];
        events.extend(line(&[(Some(60), (1, 1)), (Some(62), (1, 1)), (Some(64), (2, 1))]));
        events.push(Event::Note(note(1, (0, 1), (4, 1), 48)));
        let answer = ask(&Density, &score(2, events));
        near(&answer, "/onsets/per_quarter", 1.0);
        near(&answer, "/onsets/per_second", 2.0);
        near(&answer, "/onsets/per_measure", 2.0);
        near(&answer, "/attacks/per_quarter", 0.75);
        near(&answer, "/parts/1/per_quarter", 0.25);
    }

    /// 36 onsets in 36 quarter notes, the pickup among ten measures.
    #[test]
    fn bwv_66_6() {
        let answer = ask(&Density, &soprano());
        near(&answer, "/onsets/per_quarter", 1.0);
        near(&answer, "/attacks/per_measure", 3.6);
    }
}
