//! Harmony: chords and local keys as a person would write them, with non-chord tones left out.

mod decode;
mod frames;
mod label;
mod model;
mod weights;

use super::common::{answer, integer, number, text};
use super::meter::{grids, stated};
use super::sonorities::{Bars, PlaceRow, slices};
use super::{Analysis, Params, Spec};
use crate::score::{Score, Ticks};
use label::{Segment, Spelling};
use model::{Model, QUALITY};
use serde::Serialize;
use serde_json::Value;
use shared::failure::Failure;
use std::collections::BTreeMap;
use std::sync::LazyLock;

static SPEC: Spec = Spec {
    name: "harmony",
    revision: 1,
    summary: "Chords and local keys: the likeliest path through 24 keys, 12 roots and 9 kinds of chord, found at once, with passing and neighbour notes and suspensions left out; as Roman numerals. Null where nothing sounds.",
    params: &[],
    columns: &[
        integer("chords", "/count", "chord", "Segments of one chord in one key and position."),
        number(
            "rate",
            "/rate",
            "chord per quarter",
            "Changes of root, kind or key, over the length of the score.",
        ),
        text("opening_key", "/opening_key", "key", "Local key of the first chord."),
        text("final_key", "/final_key", "key", "Local key of the last chord."),
        text("main_key", "/main_key", "key", "Local key of the most time."),
        number("main_key_share", "/main_key_share", "share", "Share of the time that the main key holds."),
        integer("keys", "/keys", "key", "Different local keys."),
        integer("modulations", "/modulations", "change", "Changes of the local key."),
        number(
            "inverted",
            "/inverted",
            "share",
            "Share of the time that another member than the root is in the bass.",
        ),
        number("applied", "/applied", "share", "Share of the time of dominants of other degrees."),
    ],
    reference: "Raphael and Stoddard, Functional harmonic analysis using probabilistic models (2004); Temperley, Music and Probability (2007); numerals as in When in Rome (Gotham and others 2019)",
};

/// The analysis.
pub(super) struct Harmony;

/// A chord in a key, until the next one.
#[derive(Serialize)]
struct Row {
    /// From the start of the piece, in quarters.
    offset: String,
    measure: Option<String>,
    beat: String,
    key: String,
    figure: String,
    root: String,
    quality: &'static str,
    seventh: bool,
    inversion: usize,
    place: PlaceRow,
}

#[derive(Serialize)]
struct Answer {
    count: usize,
    rate: Option<f64>,
    opening_key: Option<String>,
    final_key: Option<String>,
    main_key: Option<String>,
    main_key_share: Option<f64>,
    keys: usize,
    modulations: usize,
    inverted: Option<f64>,
    applied: Option<f64>,
    segments: Vec<Row>,
}

impl Analysis for Harmony {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn run(&self, score: &Score, _: &Params) -> Result<Value, Failure> {
        static MODEL: LazyLock<Model> = LazyLock::new(Model::new);
        let (stated, part) = (stated(score), score.leading_part());
        let grids = grids(score, &stated);
        let frames = frames::of(score, slices(score, false)?, grids.get(usize::from(part)));
        let segments = label::segments(&frames, &decode::path(&frames, &MODEL));
        let bars = Bars::of(score, part, &grids);
        let spelling = Spelling::of(score);
        // What a segment lasts: from its first frame to the first of the next one.
        let end = frames.last().map_or(Ticks::ZERO, |frame| frame.slice.onset + frame.slice.duration);
        let onset = |segment: &Segment| frames.get(segment.first).map_or(end, |frame| frame.slice.onset);
        let ends = segments.iter().skip(1).map(onset).chain([end]);
        let lengths: Vec<f64> =
            segments.iter().zip(ends).map(|(segment, end)| (end - onset(segment)).as_quarters()).collect();
        let figures: Vec<String> =
            segments.iter().map(|segment| label::figure(segment.state, segment.inversion)).collect();
        let rows = segments.iter().zip(&figures).filter_map(|(segment, figure)| {
            let (frame, quality) = (frames.get(segment.first)?, QUALITY.get(segment.state.quality)?);
            let (measure, beat) = bars.at(frame.slice.onset);
            Some(Row {
                offset: frame.slice.onset.as_fraction(),
                measure,
                beat,
                key: spelling.key(segment.state.key),
                figure: figure.clone(),
                root: spelling.name(segment.state.root),
                quality: quality.triad,
                seventh: quality.members.len() > 3,
                inversion: segment.inversion,
                place: PlaceRow(frame.slice.place),
            })
        });
        let sum = |is: &dyn Fn(&Segment, &str) -> bool| -> f64 {
            let all = segments.iter().zip(&figures).zip(&lengths);
            all.filter(|((segment, figure), _)| is(segment, figure))
                .fold(0.0, |sum, (_, length)| sum + length)
        };
        let whole = sum(&|_, _| true);
        let mut times: BTreeMap<usize, f64> = BTreeMap::new();
        for (segment, length) in segments.iter().zip(&lengths) {
            *times.entry(segment.state.key).or_default() += length;
        }
        // Of equal times the first key, major before minor.
        let main = times.iter().rev().max_by(|a, b| a.1.total_cmp(b.1));
        let changes = |same: fn(&Segment, &Segment) -> bool| {
            segments.windows(2).filter(|pair| matches!(pair, [a, b] if !same(a, b))).count()
        };
        #[allow(clippy::cast_precision_loss, reason = "a count is far below 2^53")]
        let chords = (changes(|a, b| a.state == b.state) + usize::from(!segments.is_empty())) as f64;
        let share = |part: f64| super::common::ratio(part, whole);
        answer(&Answer {
            count: segments.len(),
            rate: share(chords),
            opening_key: segments.first().map(|segment| spelling.key(segment.state.key)),
            final_key: segments.last().map(|segment| spelling.key(segment.state.key)),
            main_key: main.map(|(key, _)| spelling.key(*key)),
            main_key_share: main.and_then(|(_, time)| share(*time)),
            keys: times.len(),
            modulations: changes(|a, b| a.state.key == b.state.key),
            inverted: share(sum(&|segment, _| segment.inversion > 0)),
            applied: share(sum(&|_, figure| figure.contains('/'))),
            segments: rows.collect(),
        })
    }
}

#[cfg(test)]
mod tests;
