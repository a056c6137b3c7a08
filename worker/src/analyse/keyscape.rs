//! Keyscape: the key of every window of a score, from one cell to the whole.

mod windows;

use super::common::{class_of, integer, number, ratio, text};
use super::key::{self, KEYS, Profile, correlations, ranking};
use super::local_key::between;
use super::sonorities::check;
use super::{Analysis, Param, Params, Range, Spec, Told};
use crate::score::{Note, Score, Ticks};
use serde::Serialize;
use shared::failure::Failure;
use shared::limits::{KEY_SPANS_MAX, KEY_WINDOWS_MAX};
use std::collections::BTreeMap;
use windows::{Kind, Sums};

static SPEC: Spec = Spec {
    name: "keyscape",
    revision: 1,
    summary: "Key of each window of the score, at windows of several sizes, by correlation of the pitch classes in it with a profile. The detail has a line of text for each size, a letter for each window: `C V D W E F X G Y A Z B` are C, C#, D, Eb … B major, small letters minor, a dot is silence. The figures are over all windows.",
    params: &[
        Param {
            name: "fidelity",
            unit: "",
            summary: "`compat` takes written pitch, and as music21 does one window more than there is room for where `windows` is `apart`; `corrected` sounding pitch.",
            range: Range::Choice(&["corrected", "compat"]),
        },
        Param {
            name: "profile",
            unit: "",
            summary: "The key profile, as in `key`.",
            range: Range::Choice(&[
                "aarden_essen",
                "bellman_budge",
                "krumhansl_schmuckler",
                "simple",
                "temperley_kostka_payne",
            ]),
        },
        Param {
            name: "windows",
            unit: "",
            summary: "`overlap`: one begins at each cell; `apart`: each begins where the last ends; `averaged`: at each cell the sum of all that hold it.",
            range: Range::Choice(&["overlap", "apart", "averaged"]),
        },
        Param {
            name: "cell",
            unit: "quarter note",
            summary: "Length of a cell, in which windows are counted.",
            range: Range::Integer { min: 1, max: 64, default: 1 },
        },
        Param {
            name: "smallest",
            unit: "cell",
            summary: "The smallest window.",
            range: Range::Integer { min: 1, max: 10_000, default: 4 },
        },
        Param {
            name: "largest",
            unit: "cell",
            summary: "The largest window; 0 is the whole score.",
            range: Range::Integer { min: 0, max: 50_000, default: 0 },
        },
        Param {
            name: "sizes",
            unit: "size",
            summary: "How many sizes of windows there are at the most, each as many times the last one; 0 takes every size, which makes as many windows as half the square of the cells.",
            range: Range::Integer { min: 0, max: 64, default: 10 },
        },
    ],
    columns: &[
        text("whole", "/whole", "key", "Key of the largest window, the first if there are several."),
        text(
            "main",
            "/main",
            "key",
            "Key of the most windows, of several the first from C, major before minor.",
        ),
        number(
            "main_share",
            "/main_share",
            "share",
            "Share of the windows with a key that are in the main one.",
        ),
        integer("keys", "/keys", "key", "Different keys."),
        number(
            "entropy",
            "/entropy",
            "bit",
            "Shannon entropy of the keys of the windows, at most log2 24 = 4.585.",
        ),
        number(
            "stability",
            "/stability",
            "share",
            "Neighbouring windows of one size that have the same key.",
        ),
        integer("windows", "/windows", "window", "Windows with a key."),
    ],
    reference: "Sapp, Harmonic Visualizations of Tonal Music (2001), and Visual Hierarchical Key Analysis (2005); music21 analysis.windowed.WindowedAnalysis",
};

/// The analysis.
pub(super) struct Keyscape;

/// The keys of all windows of a size.
#[derive(Serialize)]
struct Level {
    /// In cells.
    window: usize,
    keys: String,
}

#[derive(Serialize)]
struct Answer {
    whole: Option<String>,
    main: Option<String>,
    main_share: Option<f64>,
    keys: usize,
    entropy: Option<f64>,
    stability: Option<f64>,
    windows: u64,
    cells: usize,
    levels: Vec<Level>,
}

/// What is counted over all windows.
#[derive(Default)]
struct Tally {
    counts: BTreeMap<usize, u64>,
    pairs: u64,
    equal: u64,
}

impl Analysis for Keyscape {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn run(&self, score: &Score, params: &Params) -> Result<Told, Failure> {
        let count = |name: &str| usize::try_from(params.integer(name)).unwrap_or(0);
        let compat = params.word("fidelity") == "compat";
        let sums = Sums::of(&cells(score, params.integer("cell"), class_of(params))?);
        let largest = match count("largest") {
            0 => sums.cells(),
            largest => largest.min(sums.cells()),
        };
        let sizes = sizes(count("smallest").min(largest), largest, count("sizes"));
        let kind = match params.word("windows") {
            "apart" => Kind::Apart { one_more: compat },
            "averaged" => Kind::Averaged,
            _ => Kind::Overlap,
        };
        let all = sizes.iter().fold(0_usize, |all, &size| all.saturating_add(sums.windows(size, kind)));
        check(all, &KEY_WINDOWS_MAX)?;
        let finder = Finder::of(key::profile(params.word("profile")), compat);
        let (mut tally, mut levels, mut whole) = (Tally::default(), Vec::new(), None);
        for window in sizes {
            let keys: Vec<Option<usize>> = (0..sums.windows(window, kind))
                .map(|at| finder.key(&sums.lengths(window, kind, at)))
                .collect();
            whole = keys.first().copied().flatten();
            tally.take(&keys);
            levels.push(Level { window, keys: keys.into_iter().map(letter).collect() });
        }
        Told::of(&tally.answer(whole, sums.cells(), levels))
    }
}

/// The lengths of the pitch classes in each cell from the start to the end of the last measure.
fn cells(score: &Score, quarters: i64, class: fn(&Note) -> usize) -> Result<Vec<[Ticks; 12]>, Failure> {
    let ends = score.measures.iter().map(|measure| measure.onset + measure.duration);
    let end = ends.max().unwrap_or_else(|| score.duration());
    let cell = Ticks::quarters(quarters.max(1));
    let count = end.0.max(0).saturating_add(cell.0 - 1) / cell.0;
    check(usize::try_from(count).unwrap_or(usize::MAX), &KEY_SPANS_MAX)?;
    let bounds: Vec<Ticks> = (0..=count).map(|at| Ticks(at.saturating_mul(cell.0))).collect();
    Ok(between(score, &bounds, class))
}

/// Sizes from the smallest to the largest window, `count` at the most and each about as many times the last; each size if
/// `count` is 0.
fn sizes(smallest: usize, largest: usize, count: usize) -> Vec<usize> {
    if count == 0 {
        return (smallest.max(1)..=largest).collect();
    }
    let (from, to) = (smallest.max(1) as f64, largest as f64);
    let steps = (count - 1).max(1) as f64;
    let size = |step: usize| {
        let size = (libm::log2(from) + (libm::log2(to) - libm::log2(from)) * step as f64 / steps).min(40.0);
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 1 and the cells")]
        let size = libm::exp2(size).round() as usize;
        size.clamp(1, largest)
    };
    if largest == 0 {
        return Vec::new();
    }
    let mut sizes: Vec<usize> = (0..count).map(size).chain([largest]).collect();
    sizes.sort_unstable();
    sizes.dedup();
    // One size alone is the largest.
    if count == 1 { sizes.split_off(sizes.len().saturating_sub(1)) } else { sizes }
}

/// Finds the key of a window.
enum Finder {
    /// By the sums of the reference in their order, so that keys which tie there tie here.
    Exact(Option<&'static Profile>),
    /// By profiles made ready: each key's, less their mean and of length 1, so that the key which correlates most has the
    /// largest product with the lengths.
    Ready(Box<[[f64; 12]; KEYS]>),
}

impl Finder {
    fn of(profile: Option<&'static Profile>, compat: bool) -> Self {
        if compat {
            return Finder::Exact(profile);
        }
        let ready = |key: usize| {
            let weights = profile.map_or([0.0; 12], |known| if key < 12 { known.major } else { known.minor });
            let mean = weights.iter().sum::<f64>() / 12.0;
            let length = weights.iter().map(|weight| (weight - mean) * (weight - mean)).sum::<f64>().sqrt();
            let mut turned = weights.map(|weight| (weight - mean) / length);
            turned.rotate_right(key % 12);
            turned
        };
        Finder::Ready(Box::new(std::array::from_fn(ready)))
    }

    /// The key of some lengths; none of silence, or where all twelve are the same. Of keys that fit equally well `compat`
    /// has the last as music21 does, else it is the first from C, major before minor.
    fn key(&self, lengths: &[f64; 12]) -> Option<usize> {
        let profiles = match self {
            Finder::Exact(profile) => return ranking(&correlations((*profile)?, lengths)?).first().copied(),
            Finder::Ready(profiles) => profiles,
        };
        let (least, most) = lengths.iter().fold((f64::MAX, 0.0_f64), |(a, b), &x| (a.min(x), b.max(x)));
        if most <= least {
            return None;
        }
        let mut best = (0.0, None);
        for (profile, key) in profiles.iter().zip(0..) {
            let fit: f64 = profile.iter().zip(lengths).map(|(weight, length)| weight * length).sum();
            // What is larger by rounding only is not larger.
            if fit > best.0 + most * 1e-12 {
                best = (fit, Some(key));
            }
        }
        best.1
    }
}

/// One letter for each key.
fn letter(key: Option<usize>) -> char {
    let letters = "CVDWEFXGYAZBcvdwefxgyazb";
    key.and_then(|key| letters.chars().nth(key)).unwrap_or('.')
}

impl Tally {
    fn take(&mut self, keys: &[Option<usize>]) {
        for &key in keys.iter().flatten() {
            *self.counts.entry(key).or_default() += 1;
        }
        for pair in keys.windows(2) {
            if let [Some(a), Some(b)] = pair {
                self.pairs += 1;
                self.equal += u64::from(a == b);
            }
        }
    }

    #[allow(clippy::cast_precision_loss, reason = "counts of windows are far below 2^53")]
    fn answer(&self, whole: Option<usize>, cells: usize, levels: Vec<Level>) -> Answer {
        let windows = self.counts.values().sum::<u64>();
        let share = |count: u64| ratio(count as f64, windows as f64);
        let main = self.counts.iter().rev().max_by_key(|&(_, count)| *count);
        let bits = self.counts.values().filter_map(|&count| share(count)).map(|p| -p * libm::log2(p));
        Answer {
            whole: whole.map(key::name_of),
            main: main.map(|(&key, _)| key::name_of(key)),
            main_share: main.and_then(|(_, &count)| share(count)),
            keys: self.counts.len(),
            entropy: (windows > 0).then(|| bits.sum::<f64>() + 0.0),
            stability: ratio(self.equal as f64, self.pairs as f64),
            windows,
            cells,
            levels,
        }
    }
}

#[cfg(test)]
mod tests;
