//! Keys by the correlations of each measure and of those around it.

use super::Fits;
use crate::analyse::key::{KEYS, ranking};

/// The key of each measure: the one whose correlations, each over one more than its distance in measures, sum up
/// highest over `window` measures to both sides; of equal ones the one that fits the measure itself better. With
/// `overwritten` a sum takes the place of the correlations that it is made of, as in music21, so that later sums are made
/// of earlier ones; but for a measure that no other has looked at before, such as the first.
pub(super) fn keys(fits: &[Option<Fits>], window: usize, overwritten: bool) -> Vec<Option<usize>> {
    let mut now = fits.to_vec();
    let mut seen_to = 0;
    let mut keys = Vec::with_capacity(fits.len());
    for (at, own) in fits.iter().enumerate() {
        let sums = sums(&now, at, window);
        keys.push(sums.zip(*own).and_then(|(sums, own)| highest(&sums, &own)));
        if sums.is_none() {
            continue;
        }
        if let Some(slot) = now.get_mut(at).filter(|_| overwritten && at < seen_to) {
            *slot = sums;
        }
        seen_to = at + window + 1;
    }
    keys
}

/// The correlations of a measure, and of those around it over one more than their distance; nothing for a measure
/// without any. Added up as in music21: its own first, then from left to right.
pub(super) fn sums(fits: &[Option<Fits>], at: usize, window: usize) -> Option<Fits> {
    let mut sums = fits.get(at).copied().flatten()?;
    let from = at.saturating_sub(window);
    for (other, index) in fits.iter().skip(from).take(at + window + 1 - from).zip(from..) {
        let Some(other) = other.as_ref().filter(|_| index != at) else { continue };
        #[allow(clippy::cast_precision_loss, reason = "at most the window")]
        let divisor = (index.abs_diff(at) + 1) as f64;
        sums.iter_mut().zip(other).for_each(|(sum, r)| *sum += r / divisor);
    }
    Some(sums)
}

/// The key of the highest sum; of equal ones the first in the order of the measure's own correlations.
fn highest(sums: &[f64; KEYS], own: &[f64; KEYS]) -> Option<usize> {
    let mut best: Option<(usize, f64)> = None;
    for key in ranking(own) {
        let sum = sums.get(key).copied()?;
        if best.is_none_or(|(_, best)| sum > best) {
            best = Some((key, sum));
        }
    }
    best.map(|(key, _)| key)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fits that speak for one key only.
    fn only(key: usize, r: f64) -> Option<Fits> {
        Some(std::array::from_fn(|other| if other == key { r } else { 0.0 }))
    }

    #[test]
    fn neighbours_count_by_their_distance() {
        let fits = [only(0, 0.8), None, only(7, 0.5), only(0, 0.2), only(0, 0.5)];
        assert_eq!(keys(&fits, 0, false), [Some(0), None, Some(7), Some(0), Some(0)]);
        // In the third: G 0.5 against C 0.2 / 2, then 0.8 / 3 + 0.2 / 2 + 0.5 / 3.
        assert_eq!(keys(&fits, 1, false), [Some(0), None, Some(7), Some(0), Some(0)]);
        assert_eq!(keys(&fits, 2, false), [Some(0), None, Some(0), Some(0), Some(0)]);
    }

    #[test]
    fn overwritten_sums_count_again() {
        // The second becomes C 0.3 + 0.9 / 2 and G 0.28 / 2; so the third has C 0.75 / 2 against G 0.28 + 0.14 / 2.
        let fits = [only(0, 0.9), only(0, 0.3), only(7, 0.28), only(7, 0.0)];
        assert_eq!(keys(&fits, 1, true)[2], Some(0));
        assert_eq!(keys(&fits, 1, false)[2], Some(7));
    }
}
