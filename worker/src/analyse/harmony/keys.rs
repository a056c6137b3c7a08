//! The key of each chord, decided once more by how probable each is there, and no key for the sake of one chord.
//!
//! The most probable key of each chord alone would be right of the most chords, but flickers: of the keys so found in
//! chorales one in seven lasts a single chord. So those keys are taken of which the most chords are right, as is to be
//! expected, among all that last two chords or more (decoding for accuracy among the paths that are allowed: Käll, Krogh and
//! Sonnhammer 2005). Whole numbers are added, so that what rounding makes of equal probabilities decides nothing.

use super::decode::State;
use super::frames::Frame;
use super::model::{KEYS, Model};
use super::posterior::{self, Told};

/// Parts that a probability is counted in.
const PARTS: f64 = 1e6;
/// A gain that nobody has: far below all others, and more can be added to it.
const NONE: i64 = i64::MIN / 2;

/// What the best keys up to a chord have gained, by the key of that chord.
type Gains = [i64; KEYS];

/// The same by how long that key has lasted.
struct Best {
    /// For one chord.
    new: Gains,
    /// For two or more.
    held: Gains,
}

/// What the way back asks of a chord.
struct Step {
    /// The key that others are entered from.
    from: usize,
    /// A bit for each key that, if it is new, came from there.
    entered: u32,
    /// A bit for each key that, if it is held, was new before.
    settled: u32,
}

/// Decides the key of each state of a path through some frames once more. The chords stay.
pub(super) fn decide(frames: &[Frame], path: &mut [State], model: &Model) {
    let told = posterior::of(frames, path, model);
    let mut rest = path;
    for (chord, key) in told.iter().zip(keys(&told)) {
        let (these, others) = rest.split_at_mut(chord.frames.min(rest.len()));
        these.iter_mut().for_each(|state| state.key = key);
        rest = others;
    }
}

/// The key of each chord.
fn keys(told: &[Told]) -> Vec<usize> {
    let Some(last) = told.last() else { return Vec::new() };
    let mut best = Best { new: [NONE; KEYS], held: [NONE; KEYS] };
    let mut steps = Vec::with_capacity(told.len());
    for (index, chord) in told.iter().enumerate() {
        steps.push(if index == 0 { best.begin(chord) } else { best.step(chord) });
    }
    let (new, held) = (greatest(&best.new, last.found), greatest(&best.held, last.found));
    // Where there is only one chord its key cannot last longer.
    let mut is_held = best.held.iter().any(|gain| *gain >= 0);
    let mut key = if is_held { held } else { new };
    let mut keys = Vec::with_capacity(told.len());
    for step in steps.iter().rev() {
        keys.push(key);
        (key, is_held) = step.before(key, is_held);
    }
    keys.reverse();
    keys
}

impl Best {
    fn begin(&mut self, chord: &Told) -> Step {
        self.new = chord.keys.map(parts);
        Step { from: chord.found, entered: 0, settled: 0 }
    }

    /// Takes the best keys a chord on. A chord that goes on makes no key last longer.
    fn step(&mut self, chord: &Told) -> Step {
        let from = greatest(&self.held, chord.found);
        let entering = self.held.get(from).copied().unwrap_or(NONE);
        let mut step = Step { from, entered: 0, settled: 0 };
        let gains = self.new.iter_mut().zip(&mut self.held).zip(chord.keys).zip(0..);
        for (((new, held), probable), bit) in gains {
            let (stays, settles) = if chord.goes_on { (*new, NONE) } else { (NONE, *new) };
            step.entered |= u32::from(entering > stays) << bit;
            step.settled |= u32::from(settles > *held) << bit;
            *new = entering.max(stays) + parts(probable);
            *held = settles.max(*held) + parts(probable);
        }
        step
    }
}

impl Step {
    /// The key before `key`, and whether it was held.
    fn before(&self, key: usize, is_held: bool) -> (usize, bool) {
        let is = |bits: u32| bits >> key & 1 == 1;
        match (is_held, is(self.entered)) {
            (true, _) => (key, !is(self.settled)),
            (false, true) => (self.from, true),
            (false, false) => (key, false),
        }
    }
}

/// A probability as a whole number.
fn parts(probability: f64) -> i64 {
    #[allow(clippy::cast_possible_truncation, reason = "at most PARTS")]
    let parts = libm::round(probability * PARTS) as i64;
    parts
}

/// The key that has gained the most, of equal ones the one that was found, then the first.
fn greatest(gains: &Gains, found: usize) -> usize {
    let of = |key: usize| gains.get(key).copied().unwrap_or(NONE);
    (0..KEYS).fold(found, |best, key| if of(key) > of(best) { key } else { best })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyse::testing::soprano;

    /// What keys gain; nothing if one of them lasts a single chord.
    fn gained(told: &[Told], keys: &[usize]) -> Option<i64> {
        let mut chords = 0;
        for (index, told) in told.iter().enumerate() {
            if index > 0 && keys[index] != keys[index - 1] {
                if chords < 2 {
                    return None;
                }
                chords = 0;
            }
            chords += usize::from(!told.goes_on || chords == 0);
        }
        (chords >= 2).then(|| told.iter().zip(keys).map(|(told, key)| parts(told.keys[*key])).sum())
    }

    #[test]
    fn the_keys_gain_the_most_of_all_that_last_two_chords() {
        let mut seed = 1_u64;
        let mut next = || {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) as f64 / f64::from(1_u32 << 31)
        };
        for round in 0..300 {
            let count = 2 + round % 6;
            let one = |index: usize| {
                let mut keys = [0.0; KEYS];
                keys[..3].fill_with(|| libm::pow(next(), 3.0));
                Told { frames: 1, found: round % 3, goes_on: index > 1 && next() < 0.25, keys }
            };
            let told: Vec<Told> = (0..count).map(one).collect();
            let all = (0..3_usize.pow(count as u32)).map(|number| {
                (0..count as u32).map(|at| number / 3_usize.pow(at) % 3).collect::<Vec<usize>>()
            });
            let most = all.filter_map(|keys| gained(&told, &keys)).max();
            assert_eq!(gained(&told, &keys(&told)), most, "round {round}");
        }
    }

    #[test]
    fn of_equal_keys_that_of_the_path_stays() {
        for found in 0..KEYS {
            let one = || Told { frames: 1, found, goes_on: false, keys: [1.0 / 24.0; KEYS] };
            assert_eq!(keys(&[one()]), [found]);
            assert_eq!(keys(&[one(), one(), one()]), [found; 3]);
        }
    }

    #[test]
    fn chords_stay_as_they_are() {
        let (score, model) = (soprano(), Model::new());
        let frames = super::super::frames::of(&score, score.slices(), None);
        let found = super::super::decode::path(&frames, &model);
        let mut path = found.clone();
        decide(&frames, &mut path, &model);
        let chord = |state: &State| (state.root, state.quality);
        assert!(found.iter().map(chord).eq(path.iter().map(chord)));
        decide(&[], &mut [], &model);
    }
}
