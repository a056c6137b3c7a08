//! Melodic accents: how much each tone stands out by its contour, beside its weight in the meter.

use super::common::{FIDELITY, integer, is_plain, mean, number};
use super::lines::{Line, lines};
use super::meter::{TOLERANCE, grids, stated, tolerance};
use super::sonorities::check_findings;
use super::{Analysis, Param, Params, Spec, Told};
use crate::score::{Note, Score};
use serde::Serialize;
use shared::failure::Failure;

static SPEC: Spec = Spec {
    name: "accents",
    revision: 2,
    summary: "Thomassen's melodic accent of each tone of the lines (staff, or voice where a staff has several) without chords, by the two intervals around it, and how it goes with the metrical weight. Ties are merged, rests are passed over, grace and unpitched notes are left out; the first tone of a line has 1. The detail has the accents and metrical levels of each line.",
    params: &[
        Param {
            summary: "`compat` takes written pitch and each tied note for a tone, as music21 does; `corrected` sounding pitch, with ties merged.",
            ..FIDELITY
        },
        TOLERANCE,
    ],
    columns: &[
        integer("tones", "/tones", "tone", "Tones of lines without chords."),
        number("mean", "/mean", "accent", "Mean melodic accent, 0 to 1."),
        number("downbeat", "/downbeat", "accent", "Mean melodic accent of the tones on downbeats."),
        number(
            "elsewhere",
            "/elsewhere",
            "accent",
            "Mean melodic accent of all other tones that stand in a meter.",
        ),
        number(
            "meter_r",
            "/meter_r",
            "correlation",
            "Correlation of melodic accent and metrical weight (1 on the downbeat, half of it on each finer level), -1 to 1.",
        ),
    ],
    reference: "Thomassen, JASA 71 (1982), with the erratum in 73 (1983); Huron and Royal, Music Perception 13 (1996), for the meter beside it; music21 analysis.metrical.thomassenMelodicAccent",
};

/// The analysis.
pub(super) struct Accents;

/// One line: its accents, and the metrical levels of its tones, 0 for the downbeat.
#[derive(Serialize)]
struct Row {
    part: u16,
    staff: u8,
    voice: Option<u8>,
    tones: usize,
    mean: Option<f64>,
    accents: Vec<f64>,
    levels: Vec<Option<usize>>,
}

#[derive(Serialize)]
struct Answer {
    tones: usize,
    mean: Option<f64>,
    downbeat: Option<f64>,
    elsewhere: Option<f64>,
    meter_r: Option<f64>,
    lines: Vec<Row>,
}

impl Analysis for Accents {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn run(&self, score: &Score, params: &Params) -> Result<Told, Failure> {
        let (stated, tolerance) = (stated(score), tolerance(score, params));
        let grids = grids(score, &stated);
        let compat = params.word(FIDELITY.name) == "compat";
        // In cents, so that a quarter tone is a move.
        let height =
            |head: &&Note| head.written.cents() + if compat { 0 } else { 100 * i32::from(head.transpose) };
        let (mut all, mut weighed): (Vec<f64>, Vec<(f64, usize)>) = (Vec::new(), Vec::new());
        let mut rows = Vec::new();
        for line in lines(score) {
            let heads = heads(&line, compat);
            let heights: Vec<i32> = heads.iter().map(height).collect();
            let accents = melodic(&heights);
            let grid = grids.get(usize::from(line.part));
            let position = |head: &&Note| grid.and_then(|grid| grid.position(score, head, tolerance));
            let levels: Vec<Option<usize>> =
                heads.iter().map(|head| position(head).map(|position| position.level())).collect();
            all.extend(&accents);
            let pairs = accents.iter().zip(&levels);
            weighed.extend(pairs.filter_map(|(accent, level)| level.map(|level| (*accent, level))));
            check_findings(all.len())?;
            rows.push(Row {
                part: line.part,
                staff: line.staff,
                voice: line.voice,
                tones: accents.len(),
                mean: mean(&accents),
                accents: accents.iter().map(|accent| rounded(*accent)).collect(),
                levels,
            });
        }
        let of = |downbeat: bool| -> Vec<f64> {
            let those = weighed.iter().filter(|(_, level)| (*level == 0) == downbeat);
            those.map(|(accent, _)| *accent).collect()
        };
        Told::of(&Answer {
            tones: all.len(),
            mean: mean(&all),
            downbeat: mean(&of(true)),
            elsewhere: mean(&of(false)),
            meter_r: correlation(&weighed),
            lines: rows,
        })
    }
}

/// The tones of a line; none of one that has a chord.
fn heads<'a>(line: &Line<'a>, tied: bool) -> Vec<&'a Note> {
    let tones = line.tones();
    if tones.iter().any(|tone| tone.together > 1) {
        return Vec::new();
    }
    if tied {
        return line.notes.iter().map(|(_, note)| *note).filter(|note| is_plain(note)).collect();
    }
    tones.iter().map(|tone| tone.head).filter(|head| is_plain(head)).collect()
}

/// The melodic accent of tones of these heights: what the interval pair around it gives it, times what the pair before gave it.
fn melodic(heights: &[i32]) -> Vec<f64> {
    let mut accents = Vec::with_capacity(heights.len());
    accents.extend(heights.first().map(|_| 1.0));
    let mut given = 1.0;
    for three in heights.windows(3) {
        let [last, this, next] = three else { continue };
        let (own, to_next) = pair((this - last).signum(), (next - this).signum());
        accents.push(own * given);
        given = to_next;
    }
    if heights.len() > 1 {
        accents.push(given);
    }
    accents
}

/// Thomassen's table: what two moves (up 1, down -1) give the tone between them and the one after.
fn pair(came: i32, goes: i32) -> (f64, f64) {
    match (came, goes) {
        (0, 0) => (0.0, 0.0),
        (_, 0) => (1.0, 0.0),
        (0, _) => (0.0, 1.0),
        (1, -1) => (0.83, 0.17),
        (-1, 1) => (0.71, 0.29),
        (1, 1) => (0.33, 0.67),
        _ => (0.5, 0.5),
    }
}

/// To the four places that a product of two numbers of the table has.
fn rounded(accent: f64) -> f64 {
    (accent * 1e4).round() / 1e4
}

/// Pearson correlation of accents and metrical weights.
fn correlation(weighed: &[(f64, usize)]) -> Option<f64> {
    let accents: Vec<f64> = weighed.iter().map(|(accent, _)| *accent).collect();
    let weight = |level: usize| (0..level).fold(1.0, |weight, _| weight / 2.0);
    let weights: Vec<f64> = weighed.iter().map(|(_, level)| weight(*level)).collect();
    let (accent_mean, weight_mean) = (mean(&accents)?, mean(&weights)?);
    let (mut both, mut accent_squares, mut weight_squares) = (0.0, 0.0, 0.0);
    for (accent, weight) in accents.iter().zip(&weights) {
        let (accent, weight) = (accent - accent_mean, weight - weight_mean);
        both += accent * weight;
        accent_squares += accent * accent;
        weight_squares += weight * weight;
    }
    let product: f64 = accent_squares * weight_squares;
    // Equal accents or weights differ from their mean by no more than rounding.
    (product > 1e-18).then(|| both / product.sqrt())
}

#[cfg(test)]
mod tests {
    use super::super::testing::{ask, ask_with, line, near, note, score, soprano};
    use super::*;
    use crate::score::{Event, Flags};
    use serde_json::{Value, json};

    /// Thomassen, figure 5, as in the docstring of music21 analysis.metrical.thomassenMelodicAccent: C C C D E D D.
    #[test]
    fn thomassen_figure_5() {
        let answer =
            ask(&Accents, &score(1, line(&[60, 60, 60, 62, 64, 62, 62].map(|key| (Some(key), (1, 1))))));
        assert_eq!(answer["lines"][0]["accents"], json!([1.0, 0.0, 0.0, 0.33, 0.5561, 0.17, 0.0]));
        near(&answer, "/mean", (1.0 + 0.33 + 0.5561 + 0.17) / 7.0);
        // No meter: no weight.
        assert_eq!((&answer["meter_r"], &answer["downbeat"]), (&Value::Null, &Value::Null));
    }

    #[test]
    fn short_lines_and_chords() {
        assert!(melodic(&[]).is_empty());
        assert_eq!(melodic(&[60]), [1.0]);
        assert_eq!(melodic(&[60, 60]), [1.0, 1.0]);
        // A quarter tone up is a move: to C and fifty cents, and back.
        let mut events = line(&[60, 60, 60].map(|key| (Some(key), (1, 1))));
        if let Some(Event::Note(note)) = events.get_mut(1) {
            note.written.alter = 50;
        }
        assert_eq!(ask(&Accents, &score(1, events))["lines"][0]["accents"], json!([1.0, 0.83, 0.17]));
        let mut events = line(&[(Some(60), (1, 1)), (Some(62), (1, 1))]);
        events.push(Event::Note(Note { flags: Flags::CHORD, ..note(0, (1, 1), (1, 1), 65) }));
        assert_eq!(ask(&Accents, &score(1, events))["tones"], 0);
    }

    /// music21 10.5.1, the bundled score's first part: the last F# of measure 8 and the one tied to it are two notes there.
    #[test]
    fn bwv_66_6() {
        let compat = ask_with(&Accents, &soprano(), &json!({ "fidelity": "compat" }));
        assert_eq!((&compat["tones"], &ask(&Accents, &soprano())["tones"]), (&json!(37), &json!(36)));
        let music21 = json!([1.0, 0.5, 0.355, 0.0957, 0.2211, 0.5561]);
        let ours = compat["lines"][0]["accents"].as_array().unwrap();
        assert_eq!(ours[..6], music21.as_array().unwrap()[..]);
        assert_eq!(compat["lines"][0]["levels"].as_array().unwrap()[..3], [json!(2), json!(3), json!(0)]);
    }
}
