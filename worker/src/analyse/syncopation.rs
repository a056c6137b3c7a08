//! Syncopation: how much the onsets of each line go against its meter.

mod drums;

use super::common::{Number, integer, number, ratio};
use super::lines::{Line, Tone, lines};
use super::meter::{Grid, Position, TOLERANCE, grids, stated, tolerance};
use super::sonorities::{PlaceRow, check_findings};
use super::{Analysis, Params, Spec, Told};
use crate::score::{Fraction, Score, Ticks};
use serde::Serialize;
use serde_json::{Value, json};
use shared::failure::Failure;

static SPEC: Spec = Spec {
    name: "syncopation",
    revision: 2,
    summary: "Syncopation of each line (staff, or voice where a staff has several) and of all of them. A chord is one tone, ties are merged, grace notes are left out, unpitched notes count; a tone is taken to last to the next of its line, and levels finer than four divisions of the measure are one. The detail lists the syncopated tones.",
    params: &[TOLERANCE],
    columns: &[
        integer("tones", "/tones", "tone", "Tones that stand in a meter."),
        integer("unweighed", "/unweighed", "tone", "Tones where no meter holds, which nothing else counts."),
        number(
            "strength",
            "/strength",
            "level per tone",
            "Mean of Longuet-Higgins and Lee's strength: how many levels the strongest place that a tone lasts over is above its own; 0 where it is not.",
        ),
        number("syncopated", "/syncopated", "share", "Tones whose strength is more than 0."),
        number(
            "wnbd",
            "/wnbd",
            "per beat",
            "Mean weighted note-to-beat distance: 0 on a beat, else 1 over the distance to the nearest beat, twice that for a tone that ends past the next beat and not past the one after it.",
        ),
        number("off_beat", "/off_beat", "share", "Tones that begin between two beats."),
        number(
            "held",
            "/held",
            "share",
            "Tones that begin between two beats and, by their written length, sound on past the next.",
        ),
        number(
            "drums",
            "/drums/per_measure",
            "score per measure",
            "Witek and others' index of bass drum, snare drum and hi-hat, of MIDI drums only: how many levels a stroke stands below the next of other drums, and a weight of the drums.",
        ),
    ],
    reference: "Longuet-Higgins and Lee, Music Perception 1 (1984); Gomez, Melvin, Rappaport and Toussaint, Mathematical Measures of Syncopation (2005), for the distance; Witek, Clarke, Wallentin, Kringelbach and Vuust, PLoS ONE 9 (2014), its polyphonic pairs",
};

/// The analysis.
pub(super) struct Syncopation;

/// What the tones of a line, or of many, add up to.
#[derive(Clone, Copy, Default)]
struct Sums {
    tones: u64,
    unweighed: u64,
    strength: u64,
    syncopated: u64,
    distance: f64,
    off_beat: u64,
    held: u64,
}

/// A syncopated tone: index of its line, measure as printed, beat, strength, place.
#[derive(Serialize)]
struct Row(usize, Option<Number>, Fraction, usize, PlaceRow);

impl Analysis for Syncopation {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn run(&self, score: &Score, params: &Params) -> Result<Told, Failure> {
        let (stated, tolerance) = (stated(score), tolerance(score, params));
        let grids = grids(score, &stated);
        let (mut whole, mut rows, mut found) = (Sums::default(), Vec::new(), Vec::new());
        for (index, line) in lines(score).iter().enumerate() {
            let Some(grid) = grids.get(usize::from(line.part)) else { continue };
            let mut sums = Sums::default();
            for (tone, span) in spans(line) {
                let Some(position) = grid.position(score, tone.head, tolerance) else {
                    sums.unweighed += 1;
                    continue;
                };
                let strength = sums.add(&position, span, tone.duration());
                if strength > 0 {
                    found.push(row(score, grid, index, &tone, strength));
                }
            }
            check_findings(found.len())?;
            whole.merge(&sums);
            let mut row = sums.figures();
            for (name, value) in
                [("part", json!(line.part)), ("staff", json!(line.staff)), ("voice", json!(line.voice))]
            {
                row.insert(name.to_owned(), value);
            }
            rows.push(Value::Object(row));
        }
        let mut answer = whole.figures();
        answer.insert("lines".to_owned(), Value::Array(rows));
        answer.insert("found".to_owned(), json!(found));
        answer.insert("drums".to_owned(), drums::index(score, &grids, tolerance));
        Ok(Value::Object(answer).into())
    }
}

/// The tones of a line, of each chord the first, and how long it is from each to the next; the last lasts as written.
fn spans<'a>(line: &Line<'a>) -> Vec<(Tone<'a>, Ticks)> {
    let mut tones = line.tones();
    tones.retain(|tone| !tone.head.is_grace());
    tones.dedup_by(|tone, first| first.begins_with(tone));
    let nexts = tones.iter().skip(1).map(|tone| Some(tone.onset)).chain([None]);
    let spans = tones.iter().zip(nexts).map(|(tone, next)| (*tone, next.unwrap_or(tone.end) - tone.onset));
    spans.collect()
}

fn row(score: &Score, grid: &Grid<'_>, line: usize, tone: &Tone<'_>, strength: usize) -> Row {
    let note = tone.head;
    let measure = score.measures_of(note.part).get(note.measure as usize);
    let start = measure.map_or(Ticks::ZERO, |measure| measure.onset);
    Row(
        line,
        measure.map(|measure| Number::of(score, measure)),
        grid.beat(measure, note.onset - start),
        strength,
        PlaceRow(note.place),
    )
}

impl Sums {
    /// Takes a tone in that lasts for a span until the next one and sounds for another, and says how strong its
    /// syncopation is.
    fn add(&mut self, position: &Position<'_>, span: Ticks, sounds: Ticks) -> usize {
        let strongest = position.strongest(span);
        let strength = strongest.map_or(0, |strongest| position.level().saturating_sub(strongest));
        self.tones += 1;
        self.strength += strength as u64;
        self.syncopated += u64::from(strength > 0);
        let (past, beat) = (position.past_beat(), position.beat());
        if past.is_positive() {
            let nearest = past.min(beat - past);
            let end = past + position.span(span);
            let over_one = end > beat && end <= beat + beat;
            let distance = ratio(beat.as_quarters(), nearest.as_quarters()).unwrap_or(0.0);
            self.distance += if over_one { 2.0 * distance } else { distance };
            self.off_beat += 1;
            self.held += u64::from(past + position.span(sounds) > beat);
        }
        strength
    }

    fn merge(&mut self, other: &Sums) {
        self.tones += other.tones;
        self.unweighed += other.unweighed;
        self.strength += other.strength;
        self.syncopated += other.syncopated;
        self.distance += other.distance;
        self.off_beat += other.off_beat;
        self.held += other.held;
    }

    #[allow(clippy::cast_precision_loss, reason = "counts of tones are far below 2^53")]
    fn figures(&self) -> serde_json::Map<String, Value> {
        let per_tone = |sum: f64| json!(ratio(sum, self.tones as f64));
        let figures = [
            ("tones", json!(self.tones)),
            ("unweighed", json!(self.unweighed)),
            ("strength", per_tone(self.strength as f64)),
            ("syncopated", per_tone(self.syncopated as f64)),
            ("wnbd", per_tone(self.distance)),
            ("off_beat", per_tone(self.off_beat as f64)),
            ("held", per_tone(self.held as f64)),
        ];
        figures.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }
}

#[cfg(test)]
mod tests;
