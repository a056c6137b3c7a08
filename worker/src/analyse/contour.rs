//! Contour: the shape of each phrase, and the ups and downs of each line.

mod phrases;

use super::common::{Counts, FIDELITY, Number, integer, key_of, number, ratio, text};
use super::lines::lines;
use super::sonorities::{PlaceRow, check_findings};
use super::{Analysis, Param, Params, Range, Spec, Told};
use crate::score::{Fraction, Score, Ticks};
use phrases::{Phrase, phrases, tones};
use serde::Serialize;
use shared::failure::Failure;
use std::cmp::Ordering;

const SHARE: &str = "Share of the phrases of this shape.";

static SPEC: Spec = Spec {
    name: "contour",
    revision: 2,
    summary: "Huron's nine shapes of phrases, by the first tone, the mean of those between and the last, and the Parsons code of each line (u up, d down, r repeated). A line is a staff, or a voice where a staff has several; of a chord the highest tone counts, ties are merged, grace and unpitched notes are left out. A phrase ends at a fermata or a rest, and has a shape from three tones on.",
    params: &[
        FIDELITY,
        Param {
            name: "rest",
            unit: "sixteenth note",
            summary: "The shortest silence that ends a phrase; the longest keeps each line whole up to its fermatas.",
            range: Range::Integer { min: 1, max: 1024, default: 4 },
        },
    ],
    columns: &[
        integer("phrases", "/phrases", "phrase", "Phrases with a shape."),
        number("tones", "/tones_per_phrase", "tone per phrase", "Mean number of their tones."),
        text(
            "commonest",
            "/commonest",
            "shape",
            "The commonest shape, of several the first in the order of these columns.",
        ),
        number("convex", "/shares/convex", "share", SHARE),
        number("descending", "/shares/descending", "share", SHARE),
        number("ascending", "/shares/ascending", "share", SHARE),
        number("concave", "/shares/concave", "share", SHARE),
        number("horizontal", "/shares/horizontal", "share", SHARE),
        number("horizontal_descending", "/shares/horizontal_descending", "share", SHARE),
        number("horizontal_ascending", "/shares/horizontal_ascending", "share", SHARE),
        number("descending_horizontal", "/shares/descending_horizontal", "share", SHARE),
        number("ascending_horizontal", "/shares/ascending_horizontal", "share", SHARE),
        number("up", "/moves/up", "share", "Share of the moves from tone to tone that rise."),
        number("down", "/moves/down", "share", "Share of the moves that fall."),
        number(
            "turns",
            "/moves/turns",
            "share",
            "Share of the tones between two others of their line that are higher than both or lower than both.",
        ),
    ],
    reference: "Huron, The Melodic Arch in Western Folksongs, Computing in Musicology 10 (1996); Parsons, The Directory of Tunes and Musical Themes (1975)",
};

/// The analysis.
pub(super) struct Contour;

/// The shapes in the order of their columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
enum Shape {
    Convex,
    Descending,
    Ascending,
    Concave,
    Horizontal,
    HorizontalDescending,
    HorizontalAscending,
    DescendingHorizontal,
    AscendingHorizontal,
}

/// The share of each shape.
#[derive(Serialize)]
struct Shares {
    convex: Option<f64>,
    descending: Option<f64>,
    ascending: Option<f64>,
    concave: Option<f64>,
    horizontal: Option<f64>,
    horizontal_descending: Option<f64>,
    horizontal_ascending: Option<f64>,
    descending_horizontal: Option<f64>,
    ascending_horizontal: Option<f64>,
}

/// How many moves go which way.
#[derive(Clone, Copy, Default)]
struct Moves {
    up: u64,
    down: u64,
    all: u64,
    turns: u64,
    inner: u64,
}

#[derive(Serialize)]
struct MoveShares {
    up: Option<f64>,
    down: Option<f64>,
    turns: Option<f64>,
}

/// A phrase: measure and onset where it begins, tones, first, mean between, last (MIDI keys), shape, place.
#[derive(Serialize)]
struct Row(Option<Number>, Fraction, usize, i32, f64, i32, Shape, PlaceRow);

#[derive(Serialize)]
struct LineRow {
    part: u16,
    staff: u8,
    voice: Option<u8>,
    parsons: String,
    phrases: Vec<Row>,
}

#[derive(Serialize)]
struct Answer {
    phrases: u64,
    tones_per_phrase: Option<f64>,
    commonest: Option<Shape>,
    shares: Shares,
    moves: MoveShares,
    lines: Vec<LineRow>,
}

impl Analysis for Contour {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn run(&self, score: &Score, params: &Params) -> Result<Told, Failure> {
        let key = key_of(params);
        let (rest, _) = Ticks::from_quarters(params.integer("rest"), 4);
        let (mut shapes, mut in_phrases, mut moves) = (Vec::new(), 0, Moves::default());
        let mut rows = Vec::new();
        for line in lines(score) {
            let tones = tones(&line, key);
            let keys: Vec<i32> = tones.iter().map(|tone| tone.key).collect();
            moves.add(&keys);
            let parsons: String = keys.windows(2).filter_map(letter).collect();
            let mut listed = Vec::new();
            for phrase in phrases(score, &line, &tones, rest) {
                let Some((shape, between)) = shape(&phrase) else { continue };
                shapes.push(shape);
                in_phrases += phrase.tones.len();
                listed.extend(row(score, &phrase, between, shape));
            }
            check_findings(shapes.len())?;
            let (part, staff, voice) = (line.part, line.staff, line.voice);
            rows.push(LineRow { part, staff, voice, parsons, phrases: listed });
        }
        let counts = Counts::of(shapes.iter().copied());
        #[allow(clippy::cast_precision_loss, reason = "counts of tones are far below 2^53")]
        let per_phrase = |count: u64| ratio(count as f64, counts.total() as f64);
        Told::of(&Answer {
            phrases: counts.total(),
            tones_per_phrase: per_phrase(in_phrases as u64),
            commonest: counts.commonest(),
            shares: Shares::of(|shape| per_phrase(counts.0.get(&shape).copied().unwrap_or(0))),
            moves: moves.shares(),
            lines: rows,
        })
    }
}

/// The shape of a phrase of three tones or more, and the mean of those between the first and the last.
fn shape(phrase: &Phrase<'_>) -> Option<(Shape, f64)> {
    let [first, between @ .., last] = phrase.tones else { return None };
    if between.is_empty() {
        return None;
    }
    let sum: i64 = between.iter().map(|tone| i64::from(tone.key)).sum();
    let count = i64::try_from(between.len()).unwrap_or(i64::MAX);
    // Compared without rounding: the mean with a key is the sum with as many times the key.
    let goes = |key: i32| sum.cmp(&i64::from(key).saturating_mul(count));
    let shape = match (goes(first.key), goes(last.key).reverse()) {
        (Ordering::Greater, Ordering::Less) => Shape::Convex,
        (Ordering::Less, Ordering::Greater) => Shape::Concave,
        (Ordering::Greater, Ordering::Greater) => Shape::Ascending,
        (Ordering::Less, Ordering::Less) => Shape::Descending,
        (Ordering::Equal, Ordering::Equal) => Shape::Horizontal,
        (Ordering::Equal, Ordering::Greater) => Shape::HorizontalAscending,
        (Ordering::Equal, Ordering::Less) => Shape::HorizontalDescending,
        (Ordering::Greater, Ordering::Equal) => Shape::AscendingHorizontal,
        (Ordering::Less, Ordering::Equal) => Shape::DescendingHorizontal,
    };
    #[allow(clippy::cast_precision_loss, reason = "sums of keys are far below 2^53")]
    let mean = sum as f64 / count as f64;
    Some((shape, mean))
}

fn row(score: &Score, phrase: &Phrase<'_>, between: f64, shape: Shape) -> Option<Row> {
    let (first, last) = (phrase.tones.first()?, phrase.tones.last()?);
    let measure = score
        .measures_of(first.head.part)
        .get(first.head.measure as usize)
        .map(|measure| Number::of(score, measure));
    let (onset, place) = (first.head.onset.fraction(), PlaceRow(first.head.place));
    Some(Row(measure, onset, phrase.tones.len(), first.key, between, last.key, shape, place))
}

/// The letter of a move in Parsons's code.
fn letter(pair: &[i32]) -> Option<char> {
    let [from, to] = pair else { return None };
    Some(match from.cmp(to) {
        Ordering::Less => 'u',
        Ordering::Greater => 'd',
        Ordering::Equal => 'r',
    })
}

impl Moves {
    fn add(&mut self, keys: &[i32]) {
        for letter in keys.windows(2).filter_map(letter) {
            self.all += 1;
            self.up += u64::from(letter == 'u');
            self.down += u64::from(letter == 'd');
        }
        for three in keys.windows(3) {
            let [before, tone, after] = three else { continue };
            self.inner += 1;
            self.turns += u64::from((tone - before).signum() * (after - tone).signum() < 0);
        }
    }

    #[allow(clippy::cast_precision_loss, reason = "counts of tones are far below 2^53")]
    fn shares(self) -> MoveShares {
        let share = |part: u64, whole: u64| ratio(part as f64, whole as f64);
        MoveShares {
            up: share(self.up, self.all),
            down: share(self.down, self.all),
            turns: share(self.turns, self.inner),
        }
    }
}

impl Shares {
    fn of(share: impl Fn(Shape) -> Option<f64>) -> Self {
        Shares {
            convex: share(Shape::Convex),
            descending: share(Shape::Descending),
            ascending: share(Shape::Ascending),
            concave: share(Shape::Concave),
            horizontal: share(Shape::Horizontal),
            horizontal_descending: share(Shape::HorizontalDescending),
            horizontal_ascending: share(Shape::HorizontalAscending),
            descending_horizontal: share(Shape::DescendingHorizontal),
            ascending_horizontal: share(Shape::AscendingHorizontal),
        }
    }
}

#[cfg(test)]
mod tests;
