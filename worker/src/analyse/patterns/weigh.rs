//! Which repeats are worth telling: how much of the music each covers, how surprising it is, and the best of them.

use crate::analyse::suffixes::{Repeat, Suffixes};
use crate::analyse::viewpoint::Text;
use shared::limits::PATTERN_WORK_MAX;
use std::cmp::Ordering;
use std::ops::Range;

/// Patterns that are weighed exactly, for each that is asked for.
const POOL: usize = 8;

/// By what the best are chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rank {
    /// Notes covered over the notes of the pattern and its occurrences after the first: Meredith's compression ratio.
    Compression,
    /// Notes covered.
    Coverage,
    /// How much more often it stands there than chance would have it.
    Distinctive,
    /// Notes of the pattern.
    Length,
    /// Occurrences.
    Count,
}

impl Rank {
    /// The one of that name.
    pub(super) fn named(name: &str) -> Self {
        match name {
            "coverage" => Rank::Coverage,
            "distinctive" => Rank::Distinctive,
            "length" => Rank::Length,
            "count" => Rank::Count,
            _ => Rank::Compression,
        }
    }
}

/// How often things would stand in a text by chance.
pub(super) struct Chance {
    /// Logarithms (base 2) of how often the first symbol of each suffix stands in the text, summed up to each place.
    symbols: Vec<f64>,
    /// The same of the first two; nothing where each symbol is drawn for itself.
    pairs: Option<Vec<f64>>,
    /// Logarithm of the number of symbols that mean something.
    total: f64,
}

impl Chance {
    /// By an order-1 Markov chain of the text itself, or by the shares of its symbols alone.
    pub(super) fn of(text: &Text, suffixes: &Suffixes, order_1: bool) -> Self {
        let sums = |symbols| {
            let mut sum = 0.0;
            let mut sums = vec![0.0];
            sums.extend(suffixes.counts(symbols).into_iter().map(|count| {
                sum += libm::log2(f64::from(count.max(1)));
                sum
            }));
            sums
        };
        let total = libm::log2((text.tokens() as f64).max(1.0));
        Chance { symbols: sums(1), pairs: order_1.then(|| sums(2)), total }
    }

    /// Logarithm of the number of times that chance would have `length` symbols from a place on in the text. Of the chain:
    /// the product of the counts of its pairs over that of its inner symbols (Prum, Rodolphe and de Turckheim 1995).
    pub(super) fn expected(&self, place: usize, length: usize) -> f64 {
        let sum = |sums: &[f64], range: Range<usize>| {
            let at = |index: usize| sums.get(index).copied().unwrap_or(0.0);
            at(range.end) - at(range.start)
        };
        match &self.pairs {
            Some(pairs) if length > 1 => {
                let inner = sum(&self.symbols, place + 1..place + length - 1);
                sum(pairs, place..place + length - 1) - inner
            }
            Some(_) => sum(&self.symbols, place..place + length),
            None => self.total + sum(&self.symbols, place..place + length) - self.total * length as f64,
        }
    }
}

/// A repeat and what it is worth.
#[derive(Clone, Copy, Debug)]
pub(super) struct Weighed {
    pub(super) repeat: Repeat,
    /// Its notes.
    pub(super) notes: u64,
    /// Where it stands first.
    pub(super) first: u32,
    /// Notes that its occurrences cover.
    pub(super) covered: u64,
    /// Occurrences that do not overlap, taken from the front.
    pub(super) apart: u64,
    /// Notes covered over notes and occurrences that tell them.
    pub(super) compression: f64,
    /// Logarithm (base 2) of how much more often it stands there than by chance.
    pub(super) bits: f64,
    /// What it is ranked by.
    value: f64,
}

/// Weighs the repeats of one text.
pub(super) struct Scale<'a> {
    pub(super) text: &'a Text,
    pub(super) suffixes: &'a Suffixes,
    pub(super) chance: &'a Chance,
    pub(super) rank: Rank,
}

impl Scale<'_> {
    /// The best of some repeats that are not mostly covered by better ones, and how many were not weighed because too
    /// many occurrences had been. A theme repeats with its neighbours and in its pieces: of all these it is one.
    pub(super) fn best(&self, repeats: &[Repeat], top: usize) -> (Vec<Weighed>, u64) {
        let (weighed, unweighed) = self.first(repeats, top.saturating_mul(POOL));
        let mut covered = vec![false; self.text.symbols.len()];
        let mut best = Vec::new();
        for weighed in weighed {
            let span = usize::try_from(weighed.notes).unwrap_or(usize::MAX);
            let mut fresh = Vec::new();
            let mut end = 0;
            for place in self.places(&weighed.repeat) {
                let from = place as usize;
                let new = (from.max(end)..from + span).filter(|&note| covered.get(note) == Some(&false));
                fresh.extend(new);
                end = from + span;
            }
            if best.len() < top && fresh.len() as u64 * 2 >= weighed.covered {
                for note in fresh {
                    covered.get_mut(note).into_iter().for_each(|slot| *slot = true);
                }
                best.push(weighed);
            }
        }
        (best, unweighed)
    }

    /// The best of some repeats, and how many were not weighed.
    fn first(&self, repeats: &[Repeat], top: usize) -> (Vec<Weighed>, u64) {
        let mut bounds: Vec<(f64, &Repeat)> =
            repeats.iter().map(|repeat| (self.bound(repeat), repeat)).collect();
        bounds.sort_by(|(a, one), (b, other)| {
            b.total_cmp(a).then(other.length.cmp(&one.length)).then(one.from.cmp(&other.from))
        });
        let (mut best, mut work, mut looked_at) = (Vec::<Weighed>::new(), 0_u64, 0);
        for &(bound, repeat) in &bounds {
            // What comes later cannot be worth more than its bound.
            if best.len() >= top && best.last().is_some_and(|worst| bound < worst.value) {
                return (best, 0);
            }
            work += u64::from(repeat.count);
            if work > PATTERN_WORK_MAX.default {
                break;
            }
            looked_at += 1;
            let weighed = self.weigh(repeat);
            let place = best.partition_point(|other| other.order(&weighed) == Ordering::Less);
            if place < top {
                best.insert(place, weighed);
                best.truncate(top);
            }
        }
        (best, (bounds.len() - looked_at) as u64)
    }

    /// The most that a repeat can be worth.
    fn bound(&self, repeat: &Repeat) -> f64 {
        let notes = self.notes(repeat);
        let covered = (notes * u64::from(repeat.count)).min(self.text.symbols.len() as u64);
        match self.rank {
            Rank::Compression => compression(covered, notes, repeat.count),
            Rank::Coverage => covered as f64,
            Rank::Distinctive => self.bits(repeat),
            Rank::Length => notes as f64,
            Rank::Count => f64::from(repeat.count),
        }
    }

    /// How many notes a repeat has.
    pub(super) fn notes(&self, repeat: &Repeat) -> u64 {
        u64::from(repeat.length) + u64::from(self.text.extra())
    }

    /// How much more often than by chance, as a logarithm.
    pub(super) fn bits(&self, repeat: &Repeat) -> f64 {
        let place = self.suffixes.order.get(repeat.from as usize).copied().unwrap_or(0);
        let expected = self.chance.expected(place as usize, repeat.length as usize);
        libm::log2(f64::from(repeat.count.max(1))) - expected
    }

    /// Where a repeat stands, from the front.
    pub(super) fn places(&self, repeat: &Repeat) -> Vec<u32> {
        let mut places = self.suffixes.order.get(repeat.ranks()).unwrap_or_default().to_vec();
        places.sort_unstable();
        places
    }

    fn weigh(&self, repeat: &Repeat) -> Weighed {
        let places = self.places(repeat);
        let notes = self.notes(repeat);
        let (mut covered, mut apart) = (0, 0);
        let (mut end, mut end_apart) = (0, 0);
        for &place in &places {
            let (from, to) = (u64::from(place), u64::from(place) + notes);
            covered += to - from.max(end);
            end = to;
            if from >= end_apart {
                apart += 1;
                end_apart = to;
            }
        }
        let compression = compression(covered, notes, repeat.count);
        let bits = self.bits(repeat);
        let value = match self.rank {
            Rank::Compression => compression,
            Rank::Coverage => covered as f64,
            Rank::Distinctive => bits,
            Rank::Length => notes as f64,
            Rank::Count => f64::from(repeat.count),
        };
        let first = places.first().copied().unwrap_or(0);
        Weighed { repeat: *repeat, notes, first, covered, apart, compression, bits, value }
    }
}

impl Weighed {
    /// The better one first; of equals the longer, then the earlier.
    fn order(&self, other: &Self) -> Ordering {
        let (a, b) = (self, other);
        b.value.total_cmp(&a.value).then(b.notes.cmp(&a.notes)).then(a.first.cmp(&b.first))
    }
}

/// Meredith's compression ratio: what is covered over what tells it (the pattern, and a place for each occurrence more).
fn compression(covered: u64, notes: u64, count: u32) -> f64 {
    covered as f64 / (notes as f64 + f64::from(count) - 1.0).max(1.0)
}
