//! Texture: how many notes and parts sound at once, and for how long.

use super::common::{integer, is_plain, number, ratio};
use super::{Analysis, Params, Spec, Told};
use crate::score::{Note, Score, Ticks};
use serde_json::{Value, json};
use shared::failure::Failure;
use std::collections::BTreeMap;

static SPEC: Spec = Spec {
    name: "texture",
    revision: 1,
    summary: "How many notes and how many parts sound at once, weighted by time; silence does not count in the means. Grace and unpitched notes are left out, unisons count as often as they are written.",
    params: &[],
    columns: &[
        number("notes_mean", "/notes/mean", "note", "Mean number of notes while any sounds."),
        integer("notes_max", "/notes/max", "note", "Most notes at once."),
        number("parts_mean", "/parts/mean", "part", "Mean number of parts while any sounds."),
        integer("parts_max", "/parts/max", "part", "Most parts at once."),
        number(
            "silence",
            "/silence",
            "share",
            "Share of the time up to the last note's end in which nothing sounds.",
        ),
    ],
    reference: "music21 features.jSymbolic.MaximumNumberOfIndependentVoicesFeature and AverageNumberOfIndependentVoicesFeature (T1, T2); Ripieno's own slices",
};

/// The analysis.
pub(super) struct Texture;

/// How long each number of something sounded at once.
#[derive(Default)]
struct Layers(BTreeMap<u64, Ticks>);

impl Layers {
    fn add(&mut self, number: u64, length: Ticks) {
        if length.is_positive() {
            *self.0.entry(number).or_default() += length;
        }
    }

    fn sounding(&self) -> f64 {
        self.0.range(1..).map(|(_, length)| length.as_quarters()).sum()
    }

    fn row(&self) -> Value {
        let sum: f64 = self.0.iter().map(|(&number, length)| number as f64 * length.as_quarters()).sum();
        let rows: Value = self.0.iter().map(|(number, length)| json!([number, length.fraction()])).collect();
        let most = self.0.keys().next_back().filter(|&&most| most > 0);
        json!({ "mean": ratio(sum, self.sounding()), "max": most, "quarters": rows })
    }
}

impl Analysis for Texture {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn run(&self, score: &Score, _: &Params) -> Result<Told, Failure> {
        let (notes, parts) = sweep(score);
        let silence = notes.0.get(&0).copied().unwrap_or_default().as_quarters();
        let silence = ratio(silence, silence + notes.sounding());
        Ok(json!({ "notes": notes.row(), "parts": parts.row(), "silence": silence }).into())
    }
}

/// One pass over all starts and ends in the order of time.
fn sweep(score: &Score) -> (Layers, Layers) {
    let sounding = score.notes.iter().filter(|note| is_plain(note) && note.duration.is_positive());
    let mut ends: Vec<(Ticks, u16)> = sounding.clone().map(|note| (note.end(), note.part)).collect();
    ends.sort_unstable();
    let starts = sounding.map(|note: &Note| (note.onset, note.part));
    let mut starts = starts.peekable();

    let (mut notes, mut parts) = (Layers::default(), Layers::default());
    let mut in_part = vec![0_u64; score.parts.len()];
    let (mut notes_now, mut parts_now, mut last) = (0_u64, 0_u64, Ticks::ZERO);
    for (end, part) in ends {
        while let Some((onset, part)) = starts.next_if(|&(onset, _)| onset < end) {
            notes.add(notes_now, onset - last);
            parts.add(parts_now, onset - last);
            last = onset;
            notes_now += 1;
            if let Some(count) = in_part.get_mut(usize::from(part)) {
                parts_now += u64::from(*count == 0);
                *count += 1;
            }
        }
        notes.add(notes_now, end - last);
        parts.add(parts_now, end - last);
        last = end;
        notes_now = notes_now.saturating_sub(1);
        if let Some(count) = in_part.get_mut(usize::from(part)) {
            *count = count.saturating_sub(1);
            parts_now = parts_now.saturating_sub(u64::from(*count == 0));
        }
    }
    (notes, parts)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{ask, near, note, score};
    use super::*;
    use crate::score::Event;

    /// Part 0 holds a fifth for two quarters, rests one, plays one; part 1 plays during the second quarter.
    #[test]
    fn layers_are_weighted_by_time() {
        let notes = [
            note(0, (0, 1), (2, 1), 60),
            note(0, (0, 1), (2, 1), 67),
            note(0, (3, 1), (1, 1), 60),
            note(1, (1, 1), (1, 1), 48),
        ];
        let answer = ask(&Texture, &score(2, notes.map(Event::Note).into()));
        assert_eq!(answer["notes"]["quarters"], json!([[0, "1"], [1, "1"], [2, "1"], [3, "1"]]));
        assert_eq!(answer["parts"]["quarters"], json!([[0, "1"], [1, "2"], [2, "1"]]));
        near(&answer, "/notes/mean", 2.0);
        near(&answer, "/parts/mean", 4.0 / 3.0);
        near(&answer, "/silence", 0.25);
        assert_eq!((&answer["notes"]["max"], &answer["parts"]["max"]), (&json!(3), &json!(2)));
    }
}
