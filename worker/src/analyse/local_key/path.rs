//! The likeliest path through the 24 keys: a key must fit long enough to pay for the change into it.

use super::Fits;
use super::floating::sums;
use crate::analyse::key::KEYS;

/// How many measures to each side count with a measure.
const WINDOW: usize = 1;
/// What a change of key costs, in units of correlation, by how far the keys are apart. The first number was fitted, and the
/// window with it; `docs/accuracy.md` says on what.
const TO_FIFTH: f64 = 0.2;
const TO_RELATIVE: f64 = 0.22;
const TO_PARALLEL: f64 = 0.26;
const TO_OTHER: f64 = 0.4;

/// What the best path to each key has earned.
type Earned = [f64; KEYS];

/// The key of each measure; silent ones go on in the key before them.
pub(super) fn keys(fits: &[Option<Fits>]) -> Vec<usize> {
    let costs: [Earned; KEYS] = std::array::from_fn(|to| std::array::from_fn(|from| cost(from, to)));
    let mut earned: Earned = [0.0; KEYS];
    let mut came_from: Vec<[u8; KEYS]> = Vec::with_capacity(fits.len());
    for at in 0..fits.len() {
        let mut from = [0_u8; KEYS];
        let mut next: Earned = [0.0; KEYS];
        for (((next, from), costs), key) in next.iter_mut().zip(&mut from).zip(&costs).zip(0_u8..) {
            let stays = earned.get(usize::from(key)).copied().unwrap_or(0.0);
            (*next, *from) = (stays, key);
            for ((before, cost), other) in earned.iter().zip(costs).zip(0_u8..) {
                if before - cost > *next {
                    (*next, *from) = (before - cost, other);
                }
            }
        }
        if let Some(sums) = sums(fits, at, WINDOW) {
            let whole = 2.0_f64; // The weights of a full window: 1 + 2 / 2.
            next.iter_mut().zip(sums).for_each(|(next, sum)| *next += sum / whole);
        }
        earned = next;
        came_from.push(from);
    }
    let best = earned
        .iter()
        .zip(0_u8..)
        .fold((f64::MIN, 0), |best, (&earned, key)| if earned > best.0 { (earned, key) } else { best });
    let mut key = best.1;
    let mut keys = Vec::with_capacity(fits.len());
    for from in came_from.iter().rev() {
        keys.push(usize::from(key));
        key = from.get(usize::from(key)).copied().unwrap_or(key);
    }
    keys.reverse();
    keys
}

/// What the change from one key to another costs.
fn cost(from: usize, to: usize) -> f64 {
    let (up, same_mode) = ((to + 12 - from % 12) % 12, from / 12 == to / 12);
    let relative = if from < 12 { 9 } else { 3 };
    match (same_mode, up) {
        (true, 0) => 0.0,
        (true, 5 | 7) => TO_FIFTH,
        (false, 0) => TO_PARALLEL,
        (false, up) if up == relative => TO_RELATIVE,
        _ => TO_OTHER,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn only(key: usize, r: f64) -> Option<Fits> {
        Some(std::array::from_fn(|other| if other == key { r } else { 0.0 }))
    }

    #[test]
    fn one_measure_does_not_change_the_key_and_several_do() {
        let (home, away) = (only(0, 0.5), only(6, 0.5));
        let mut fits = vec![home; 4];
        fits.extend([away]);
        fits.extend(vec![home; 4]);
        assert_eq!(keys(&fits), [0; 9]);
        fits.extend(vec![away; 6]);
        let path = keys(&fits);
        assert_eq!(
            (path.first(), path.last(), path.windows(2).filter(|p| p[0] != p[1]).count()),
            (Some(&0), Some(&6), 1)
        );
        assert!(keys(&[]).is_empty());
        assert_eq!(keys(&[home, None, None]), [0; 3]);
    }

    /// No path earns more than the best one: tried against all paths of four measures through four keys.
    #[test]
    fn the_best_path_is_the_best_of_all() {
        let fits: Vec<Option<Fits>> = (0..4)
            .map(|at: usize| {
                Some(std::array::from_fn(|key| {
                    if key < 4 { ((key * 7 + at * 5) % 11) as f64 / 20.0 } else { -1.0 }
                }))
            })
            .collect();
        let earned = |path: &[usize]| -> f64 {
            let fit = |at: usize| sums(&fits, at, WINDOW).unwrap()[path[at]] / 2.0;
            let change = |pair: &[usize]| cost(pair[0], pair[1]);
            (0..4).map(fit).sum::<f64>() - path.windows(2).map(change).sum::<f64>()
        };
        let best = earned(&keys(&fits));
        for number in 0..256 {
            let path: Vec<usize> = (0..4).map(|at| number >> (2 * at) & 3).collect();
            assert!(earned(&path) <= best + 1e-12, "{path:?}");
        }
    }
}
