//! Harmony: chords and local keys as a person would write them, with non-chord tones left out.

mod decode;
mod frames;
mod keys;
mod label;
mod model;
mod positions;
mod posterior;
mod signature;
mod sixths;
mod weights;

use super::common::{Number, integer, number, text};
use super::meter::{grids, stated};
use super::sonorities::{Bars, PlaceRow, slices};
use super::{Analysis, Params, Spec, Told};
use crate::score::{Fraction, Score, Ticks};
use decode::State;
use label::{Segment, Spelling};
use model::{Model, QUALITY};
use serde::Serialize;
use shared::failure::Failure;
use shared::place::Place;
use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

static SPEC: Spec = Spec {
    name: "harmony",
    revision: 4,
    summary: "Chords and local keys: chords by the likeliest path through 24 keys, 12 roots and 9 kinds of chord, with passing and neighbour notes and suspensions left out; then their keys by how probable each is over all paths with these chords, none for one chord alone, but of a single line those of the best path; as Roman numerals, with augmented sixths told apart by their spelling. Null where nothing sounds.",
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
    reference: "Raphael and Stoddard, Functional harmonic analysis using probabilistic models (2004); Temperley, Music and Probability (2007); Rabiner, A tutorial on hidden Markov models (1989); numerals as in When in Rome (Gotham and others 2019)",
};

/// The analysis.
pub(super) struct Harmony;

/// A chord in a key, until the next one.
#[derive(Serialize)]
struct Row {
    /// From the start of the piece, in quarters.
    offset: Fraction,
    measure: Option<Number>,
    beat: Fraction,
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

/// A chord in a key and a position: what other analyses take from this one.
#[derive(Clone, Debug)]
pub(super) struct ReadChord {
    /// When it begins.
    pub(super) onset: Ticks,
    /// When the next one does; the end of the last sound for the last one.
    pub(super) end: Ticks,
    /// 0 to 11 for major keys from C, 12 to 23 for minor ones.
    pub(super) key: usize,
    /// Pitch class of its root.
    pub(super) root: usize,
    /// Index in [`QUALITY`].
    pub(super) quality: usize,
    /// Index of the member in the bass.
    pub(super) inversion: usize,
    /// Its Roman numeral.
    pub(super) figure: String,
    /// Where it begins in the source.
    pub(super) place: Place,
}

impl ReadChord {
    /// Semitones of its members above the root, the root first.
    pub(super) fn members(&self) -> &'static [usize] {
        QUALITY.get(self.quality).map_or(&[], |quality| quality.members)
    }

    /// Its Roman numeral in another key.
    pub(super) fn figure_in(&self, key: usize) -> String {
        label::figure(State { key, root: self.root, quality: self.quality }, self.inversion)
    }

    /// How long it lasts.
    pub(super) fn quarters(&self) -> f64 {
        (self.end - self.onset).as_quarters()
    }

    /// Whether the next one is the same chord in the same key, in whatever position.
    fn goes_on(&self, next: &Self) -> bool {
        (self.key, self.root, self.quality) == (next.key, next.root, next.quality)
    }
}

/// The harmony of a score.
#[derive(Debug)]
pub(super) struct Reading {
    /// One after the other, over silence too.
    pub(super) chords: Vec<ReadChord>,
    /// How the score spells pitch classes and keys.
    pub(super) spelling: Spelling,
}

/// The harmony of a score, read once for all analyses that ask.
///
/// # Errors
/// `too_large` for a piece of more notes or slices than can be told about.
pub(super) fn reading(score: &Score) -> Result<Arc<Reading>, Failure> {
    static MODEL: LazyLock<Model> = LazyLock::new(Model::new);
    let slices = slices(score, false)?;
    Ok(score.derived(|score| {
        let (stated, part) = (stated(score), score.leading_part());
        let grids = grids(score, &stated);
        let frames = frames::of(score, slices, grids.get(usize::from(part)));
        let each_bass = frames::note_against_note(score, &frames);
        let mut path = decode::path(&frames, &MODEL);
        // The chords of a single line are guesses, over which the sums of all paths tell less than the best one does.
        if !frames::single_line(slices) {
            keys::decide(&frames, &mut path, &MODEL);
        }
        let segments = label::segments(&frames, &path, each_bass);
        let end = frames.last().map_or(Ticks::ZERO, frames::Frame::end);
        let first = |segment: &Segment| frames.get(segment.first);
        let onset = |segment: &Segment| first(segment).map_or(end, |frame| frame.onset);
        let ends = segments.iter().skip(1).map(onset).chain([end]);
        let chords = segments.iter().zip(ends).filter_map(|(segment, end)| {
            let frame = first(segment)?;
            let State { key, root, quality } = segment.state;
            let (inversion, place) = (segment.inversion, frame.place);
            let figure = label::figure(segment.state, inversion);
            Some(ReadChord { onset: frame.onset, end, key, root, quality, inversion, figure, place })
        });
        Reading { chords: chords.collect(), spelling: Spelling::of(score) }
    }))
}

impl Analysis for Harmony {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn run(&self, score: &Score, _: &Params) -> Result<Told, Failure> {
        let reading = reading(score)?;
        let Reading { chords, spelling } = &*reading;
        let (stated, part) = (stated(score), score.leading_part());
        let grids = grids(score, &stated);
        let bars = Bars::of(score, part, &grids);
        let rows = chords.iter().filter_map(|chord| {
            let quality = QUALITY.get(chord.quality)?;
            let (measure, beat) = bars.at(chord.onset);
            Some(Row {
                offset: chord.onset.fraction(),
                measure,
                beat,
                key: spelling.key(chord.key),
                figure: chord.figure.clone(),
                root: spelling.name(chord.root),
                quality: quality.triad,
                seventh: quality.members.len() > 3,
                inversion: chord.inversion,
                place: PlaceRow(chord.place),
            })
        });
        let sum = |is: &dyn Fn(&ReadChord) -> bool| -> f64 {
            chords.iter().filter(|chord| is(chord)).fold(0.0, |sum, chord| sum + chord.quarters())
        };
        let whole = sum(&|_| true);
        let mut times: BTreeMap<usize, f64> = BTreeMap::new();
        for chord in chords {
            *times.entry(chord.key).or_default() += chord.quarters();
        }
        // Of equal times the first key, major before minor.
        let main = times.iter().rev().max_by(|a, b| a.1.total_cmp(b.1));
        let changes = |same: fn(&ReadChord, &ReadChord) -> bool| {
            chords.windows(2).filter(|pair| matches!(pair, [a, b] if !same(a, b))).count()
        };
        #[allow(clippy::cast_precision_loss, reason = "a count is far below 2^53")]
        let changed = (changes(ReadChord::goes_on) + usize::from(!chords.is_empty())) as f64;
        let share = |part: f64| super::common::ratio(part, whole);
        Told::of(&Answer {
            count: chords.len(),
            rate: share(changed),
            opening_key: chords.first().map(|chord| spelling.key(chord.key)),
            final_key: chords.last().map(|chord| spelling.key(chord.key)),
            main_key: main.map(|(key, _)| spelling.key(*key)),
            main_key_share: main.and_then(|(_, time)| share(*time)),
            keys: times.len(),
            modulations: changes(|a, b| a.key == b.key),
            inverted: share(sum(&|chord| chord.inversion > 0)),
            applied: share(sum(&|chord| chord.figure.contains('/'))),
            segments: rows.collect(),
        })
    }
}

#[cfg(test)]
mod tests;
