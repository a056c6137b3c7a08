//! Local key: the key of each measure.

mod floating;
mod path;
mod spans;

use super::common::{Number, class_of, end_of, integer, number, ratio, text};
use super::key::{self, KEYS, correlations};
use super::sonorities::{PlaceRow, check};
use super::{Analysis, Param, Params, Range, Spec, Told};
use crate::score::{Fraction, Score, Ticks};
use serde::Serialize;
use shared::failure::Failure;
use shared::limits::KEY_SPANS_MAX;
use shared::place::Place;
use spans::Lengths;
use std::collections::BTreeMap;

pub(super) use spans::{TickLengths, between};

static SPEC: Spec = Spec {
    name: "local_key",
    revision: 1,
    summary: "Key of each measure from its pitch classes and those of the measures around it; a measure in which nothing sounds has none. The detail has the stretches of one key, with the correlation of all their pitch classes with it.",
    params: &[
        Param {
            name: "fidelity",
            unit: "",
            summary: "`compat` is music21's KeyAnalyzer, which overwrites what it sums up: `method` does not count then, written pitch does, and a score with a measure of nothing but unpitched notes has no answer.",
            range: Range::Choice(&["corrected", "compat"]),
        },
        Param {
            name: "method",
            unit: "",
            summary: "`path` is the likeliest path through 24 keys, in which changes cost; `floating` sums correlations over a window.",
            range: Range::Choice(&["path", "floating"]),
        },
        Param {
            name: "window",
            unit: "measure",
            summary: "How far `floating` and `compat` look to both sides; 0 takes each measure by itself.",
            range: Range::Integer { min: 0, max: 64, default: 4 },
        },
    ],
    columns: &[
        text("opening", "/opening", "key", "Key of the first measure that has one."),
        text("final", "/final", "key", "Key of the last measure that has one."),
        text(
            "main",
            "/main",
            "key",
            "Key of the most measures, of several the first from C, major before minor.",
        ),
        number(
            "main_share",
            "/main_share",
            "share",
            "Share of the measures with a key that are in the main one.",
        ),
        integer("keys", "/keys", "key", "Different keys."),
        integer("changes", "/changes", "change", "Changes from one measure with a key to the next."),
        number("change_rate", "/change_rate", "change per measure", "Changes for each measure with a key."),
    ],
    reference: "music21 analysis.floatingKey.KeyAnalyzer; Temperley, Music and Cognition 17 (1999), for keys as a path in which changes cost; Napoles Lopez, Arthur and Fujinaga, Key-Finding Based on a Hidden Markov Model and Key Profiles (2019); profiles of `key`: Aarden and Essen for `floating`, Bellman and Budge for `path`",
};

/// The analysis.
pub(super) struct LocalKey;

/// How each key correlates with a measure.
type Fits = [f64; KEYS];

/// A measure and its key.
struct Span<'a> {
    lengths: &'a Lengths,
    key: Option<usize>,
}

/// Measures of one key.
#[derive(Serialize)]
struct Stretch {
    /// Number of the first, as printed.
    measure: Option<Number>,
    /// When it begins, in quarters.
    offset: Fraction,
    /// How many there are.
    measures: usize,
    key: Option<String>,
    /// Correlation of their pitch classes with the key.
    r: Option<f64>,
    place: PlaceRow,
}

#[derive(Serialize)]
struct Answer {
    opening: Option<String>,
    r#final: Option<String>,
    main: Option<String>,
    main_share: Option<f64>,
    keys: usize,
    changes: usize,
    change_rate: Option<f64>,
    stretches: Vec<Stretch>,
}

impl Analysis for LocalKey {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn run(&self, score: &Score, params: &Params) -> Result<Told, Failure> {
        let compat = params.word("fidelity") == "compat";
        let floats = compat || params.word("method") == "floating";
        let profile = key::profile(if floats { "aarden_essen" } else { "bellman_budge" });
        let window = usize::try_from(params.integer("window")).unwrap_or(0);
        let part = if compat { 0 } else { score.leading_part() };
        let measures = score.measures_of(part);
        check(measures.len(), &KEY_SPANS_MAX)?;
        let starts = if measures.is_empty() && !compat {
            quarters_by_four(score)?
        } else {
            measures.iter().map(|measure| measure.onset).collect()
        };
        let lengths = lengths(score, params, &starts);
        // Where all twelve lengths are the same, music21 takes every correlation for 0.
        let fits: Vec<Option<Fits>> = lengths
            .iter()
            .map(|lengths| {
                lengths
                    .as_ref()
                    .zip(profile)
                    .map(|(lengths, profile)| correlations(profile, lengths).unwrap_or([0.0; KEYS]))
            })
            .collect();
        let keys = if floats {
            floating::keys(&fits, window, compat)
        } else {
            let path = path::keys(&fits).into_iter().zip(&fits);
            path.map(|(key, fits)| fits.is_some().then_some(key)).collect()
        };
        let silence = [0.0; 12];
        let spans = lengths.iter().zip(keys);
        let spans: Vec<Span<'_>> =
            spans.map(|(lengths, key)| Span { lengths: lengths.as_ref().unwrap_or(&silence), key }).collect();
        let place = |at: usize| {
            let measure = measures.get(at);
            (
                measure.map(|measure| Number::of(score, measure)),
                measure.map_or(Place::START, |measure| measure.place),
            )
        };
        let mut first = 0;
        let stretches = spans.chunk_by(|a, b| a.key == b.key).map(|stretch| {
            let at = first;
            first += stretch.len();
            let (measure, place) = place(at);
            let key = stretch.first().and_then(|span| span.key);
            Stretch {
                measure,
                offset: starts.get(at).copied().unwrap_or_default().fraction(),
                measures: stretch.len(),
                key: key.map(key::name_of),
                r: key
                    .zip(profile)
                    .and_then(|(key, profile)| correlations(profile, &summed(stretch))?.get(key).copied()),
                place: PlaceRow(place),
            }
        });
        let stretches = stretches.collect();
        Told::of(&summary(&spans, stretches))
    }
}

/// The lengths of the pitch classes in each measure; nothing where nothing sounds. In `compat` there are no measures at all
/// where music21 gives up.
fn lengths(score: &Score, params: &Params, starts: &[Ticks]) -> Vec<Option<Lengths>> {
    let class = class_of(params);
    if params.word("fidelity") == "compat" {
        return spans::by_index(score, starts.len(), class).unwrap_or_default();
    }
    let end = end_of(score).max(starts.last().copied().unwrap_or_default());
    let bounds: Vec<Ticks> = starts.iter().copied().chain([end]).collect();
    let sounds = |lengths: &TickLengths| lengths.iter().any(|length| length.is_positive());
    let lengths = spans::between(score, &bounds, class).into_iter();
    lengths.map(|lengths| sounds(&lengths).then(|| lengths.map(Ticks::as_quarters))).collect()
}

/// The figures of the columns.
fn summary(spans: &[Span<'_>], stretches: Vec<Stretch>) -> Answer {
    let keys: Vec<usize> = spans.iter().filter_map(|span| span.key).collect();
    let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
    keys.iter().for_each(|&key| *counts.entry(key).or_default() += 1);
    let main = counts.iter().rev().max_by_key(|&(_, count)| *count);
    let changes = keys.windows(2).filter(|pair| matches!(pair, [a, b] if a != b)).count();
    #[allow(clippy::cast_precision_loss, reason = "counts of measures are far below 2^53")]
    let per_measure = |count: usize| ratio(count as f64, keys.len() as f64);
    Answer {
        opening: keys.first().copied().map(key::name_of),
        r#final: keys.last().copied().map(key::name_of),
        main: main.map(|(&key, _)| key::name_of(key)),
        main_share: main.and_then(|(_, &count)| per_measure(count)),
        keys: counts.len(),
        changes,
        change_rate: per_measure(changes),
        stretches,
    }
}

/// The lengths of several measures.
fn summed(spans: &[Span<'_>]) -> Lengths {
    let mut sums = [0.0; 12];
    for span in spans {
        sums.iter_mut().zip(span.lengths).for_each(|(sum, length)| *sum += length);
    }
    sums
}

/// Where spans of four quarters begin, for a score without measures.
fn quarters_by_four(score: &Score) -> Result<Vec<Ticks>, Failure> {
    let span = Ticks::quarters(4);
    let count = end_of(score).0.max(0).saturating_add(span.0 - 1) / span.0;
    check(usize::try_from(count).unwrap_or(usize::MAX), &KEY_SPANS_MAX)?;
    let count = if score.notes.is_empty() { 0 } else { count };
    Ok((0..count).map(|at| Ticks::quarters(at.saturating_mul(4))).collect())
}

#[cfg(test)]
mod tests;
