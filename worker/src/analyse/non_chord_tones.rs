//! Non-chord tones: which notes do not belong to the chord that sounds, and what they do there.

mod course;
mod kind;
mod linear;

use super::common::{Number, integer, number, ratio};
use super::harmony::reading;
use super::meter::{grids, stated};
use super::sonorities::{Bars, PlaceRow, check_findings};
use super::voices::Voices;
use super::{Analysis, Params, Spec, Told};
use crate::score::{Fraction, Pitch, Score};
use course::{Foreign, foreign};
use kind::Kind;
use linear::{Linear, linear};
use serde::Serialize;
use shared::failure::Failure;
use std::collections::BTreeMap;

static SPEC: Spec = Spec {
    name: "non_chord_tones",
    revision: 4,
    summary: "Each tone that does not belong to the chord that `harmony` reads while it sounds, by kind, with its place, line and chord; accented where it stands on a stronger place of the measure than what it moves to. A tone that is held from one chord into another counts where it begins to be foreign. `could_pass` and `could_be_neighbours` go by the line alone, as music21 does. Shares are null where there are none.",
    params: &[],
    columns: &[
        integer("tones", "/tones", "tone", "Tones of all lines, tied ones once; grace notes are left out."),
        integer("count", "/count", "tone", "Non-chord tones."),
        number("share", "/share", "share", "Non-chord tones over tones."),
        number("accented", "/accented", "share", "Share of the non-chord tones that is accented."),
        integer("passing", "/counts/passing", "tone", "Come to and left by step in one direction."),
        integer("neighbour", "/counts/neighbour", "tone", "Come to by step and left by step back."),
        integer(
            "double_neighbour",
            "/counts/double_neighbour",
            "tone",
            "The upper and the lower neighbour one after the other.",
        ),
        integer(
            "suspension",
            "/counts/suspension",
            "tone",
            "Held or struck again over another chord, and falling by step.",
        ),
        integer(
            "retardation",
            "/counts/retardation",
            "tone",
            "Held or struck again over another chord, and rising by step.",
        ),
        integer(
            "appoggiatura",
            "/counts/appoggiatura",
            "tone",
            "Come to by leap or out of silence, left by step.",
        ),
        integer(
            "anticipation",
            "/counts/anticipation",
            "tone",
            "Belonging to the next chord, in which they stay.",
        ),
        integer("escape_tone", "/counts/escape_tone", "tone", "Come to by step, left by leap."),
        integer(
            "cambiata",
            "/counts/cambiata",
            "tone",
            "Come to by step, left by a third onwards and a step back.",
        ),
        integer("pedal", "/counts/pedal", "tone", "Staying while chords change, and moving nowhere."),
        integer("other", "/counts/other", "tone", "None of these."),
        number("passing_share", "/shares/passing", "share", "The same, over all non-chord tones."),
        number("neighbour_share", "/shares/neighbour", "share", "The same, over all non-chord tones."),
        number(
            "double_neighbour_share",
            "/shares/double_neighbour",
            "share",
            "The same, over all non-chord tones.",
        ),
        number("suspension_share", "/shares/suspension", "share", "The same, over all non-chord tones."),
        number("retardation_share", "/shares/retardation", "share", "The same, over all non-chord tones."),
        number("appoggiatura_share", "/shares/appoggiatura", "share", "The same, over all non-chord tones."),
        number("anticipation_share", "/shares/anticipation", "share", "The same, over all non-chord tones."),
        number("escape_tone_share", "/shares/escape_tone", "share", "The same, over all non-chord tones."),
        number("cambiata_share", "/shares/cambiata", "share", "The same, over all non-chord tones."),
        number("pedal_share", "/shares/pedal", "share", "The same, over all non-chord tones."),
        number("other_share", "/shares/other", "share", "The same, over all non-chord tones."),
        integer("segments", "/linear/segments", "segment", "Three neighbouring notes of a line."),
        integer("could_pass", "/linear/could_pass", "segment", "Those whose middle note could pass."),
        integer(
            "could_be_neighbours",
            "/linear/could_be_neighbours",
            "segment",
            "Those whose middle note could be a neighbour.",
        ),
    ],
    reference: "Kostka and Payne, Tonal Harmony, chapters 11 and 12; music21 voiceLeading.ThreeNoteLinearSegment.couldBePassingTone and couldBeNeighborTone",
};

/// The analysis.
pub(super) struct NonChordTones;

/// A line, as rows name it by its index.
#[derive(Serialize)]
struct LineRow {
    part: u16,
    staff: u8,
    voice: Option<u8>,
}

/// Kind, onset, measure as printed, beat, index of the line, pitch, whether it is accented, key and figure of the chord,
/// place of the tone (which may have begun before).
#[derive(Serialize)]
struct Row(Kind, Fraction, Option<Number>, Fraction, usize, Pitch, bool, String, String, PlaceRow);

#[derive(Serialize)]
struct Answer {
    tones: usize,
    count: usize,
    share: Option<f64>,
    accented: Option<f64>,
    counts: BTreeMap<Kind, usize>,
    shares: BTreeMap<Kind, Option<f64>>,
    linear: Linear,
    lines: Vec<LineRow>,
    fields: [&'static str; 10],
    found: Vec<Row>,
}

impl Analysis for NonChordTones {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn run(&self, score: &Score, _: &Params) -> Result<Told, Failure> {
        let reading = reading(score)?;
        let voices = Voices::of(score);
        let (stated, part) = (stated(score), score.leading_part());
        let grids = grids(score, &stated);
        let bars = Bars::of(score, part, &grids);
        let mut all = foreign(&voices, &reading.chords)?;
        check_findings(all.len())?;
        all.sort_by_key(|foreign| (foreign.from, foreign.tone));
        let stronger = |foreign: &Foreign| bars.strength(foreign.from) < bars.strength(foreign.left);
        let accented: Vec<bool> = all.iter().map(stronger).collect();
        let mut counts: BTreeMap<Kind, usize> = Kind::ALL.into_iter().map(|kind| (kind, 0)).collect();
        for foreign in &all {
            *counts.entry(foreign.kind).or_default() += 1;
        }
        let over = |part: usize, whole: usize| ratio(part as f64, whole as f64);
        let rows = all.iter().zip(&accented).filter_map(|(foreign, accented)| {
            let (tone, chord) = (voices.tones.get(foreign.tone)?, reading.chords.get(foreign.chord)?);
            let (measure, beat) = bars.at(foreign.from);
            let (key, figure) = (reading.spelling.key(chord.key), chord.figure.clone());
            let (onset, pitch) = (foreign.from.fraction(), tone.pitch);
            let place = PlaceRow(tone.place);
            Some(Row(foreign.kind, onset, measure, beat, tone.line, pitch, *accented, key, figure, place))
        });
        let lines = voices.singers.iter();
        let lines = lines.map(|line| LineRow { part: line.part, staff: line.staff, voice: line.voice });
        Told::of(&Answer {
            tones: voices.tones.len(),
            count: all.len(),
            share: over(all.len(), voices.tones.len()),
            accented: over(accented.iter().filter(|accented| **accented).count(), all.len()),
            shares: counts.iter().map(|(kind, count)| (*kind, over(*count, all.len()))).collect(),
            counts,
            linear: linear(score),
            lines: lines.collect(),
            fields: [
                "kind", "onset", "measure", "beat", "line", "pitch", "accented", "key", "figure", "place",
            ],
            found: rows.collect(),
        })
    }
}

#[cfg(test)]
mod tests;
