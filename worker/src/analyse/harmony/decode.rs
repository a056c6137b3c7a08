//! The most likely path through keys and chords: Viterbi over 24 keys, 12 roots and 9 kinds of chord at once.
//!
//! A path pays where its chord changes and, more, where its key does; it earns what its chord and key are worth in each
//! frame. What came before a new chord counts by its key alone, so a step looks at 24 keys and not at pairs of chords.

use super::frames::Frame;
use super::model::{KEYS, Model, Table, Worth, key_moment};

/// A chord in a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct State {
    /// 0 to 11 for major keys from C, 12 to 23 for minor ones.
    pub(super) key: usize,
    /// Pitch class.
    pub(super) root: usize,
    /// Index among the kinds of chord.
    pub(super) quality: usize,
}

/// What the best path to each state has earned.
type Scores = Table<f32>;

/// What the way back asks of a step: the best state of each key before it, and who stayed. Small, for it is kept.
struct Step {
    /// What was earned, root and kind of chord.
    best: [(f32, u8, u8); KEYS],
    /// By key and root, a bit for each kind of chord that went on.
    stayed: [[u16; 12]; KEYS],
}

/// The best path.
pub(super) fn path(frames: &[Frame], model: &Model) -> Vec<State> {
    let Some((first, rest)) = frames.split_first() else { return Vec::new() };
    let mut scores = begin(first, model);
    let mut steps = Vec::with_capacity(rest.len());
    for frame in rest {
        steps.push(step(&mut scores, &model.worth(frame), model));
    }
    let mut state = best(&scores);
    let mut path = vec![state];
    for (frame, step) in rest.iter().zip(&steps).rev() {
        state = step.before(state, frame, model);
        path.push(state);
    }
    path.reverse();
    path
}

fn begin(frame: &Frame, model: &Model) -> Box<Scores> {
    let mut scores = model.prior.clone();
    for keys in scores.iter_mut() {
        for (roots, first) in keys.iter_mut().zip(model.first(frame)) {
            roots.iter_mut().for_each(|score| *score += first);
        }
    }
    earn(&mut scores, &model.worth(frame), model);
    scores
}

/// Adds what each state is worth in a frame.
fn earn(scores: &mut Scores, worth: &Worth, model: &Model) {
    for ((scores, hold), chords) in scores.iter_mut().zip(model.hold.iter()).zip(&worth.chords) {
        for ((scores, hold), key) in scores.iter_mut().zip(hold).zip(worth.keys) {
            for ((score, hold), chord) in scores.iter_mut().zip(hold).zip(chords) {
                *score += chord + key + worth.weight * hold;
            }
        }
        let Some(goal) = &worth.goal else { continue };
        for (scores, goal) in scores.iter_mut().zip(goal) {
            scores.iter_mut().zip(goal).for_each(|(score, goal)| *score += goal);
        }
    }
}

fn step(scores: &mut Scores, worth: &Worth, model: &Model) -> Step {
    let best = by_key(scores);
    let earned = best.map(|(earned, _)| earned);
    let mut entering = [0.0; KEYS];
    for ((key, entering), costs) in entering.iter_mut().enumerate().zip(&model.key_change) {
        let changed = (earned.iter().zip(costs).enumerate())
            .filter(|(other, _)| *other != key)
            .fold(f32::MIN, |best, (_, (earned, cost))| best.max(earned - cost));
        let same = earned.get(key).copied().unwrap_or(f32::MIN);
        *entering = same.max(changed - worth.key_moment) - worth.change;
    }
    let mut stayed = [[0_u16; 12]; KEYS];
    for ((quality, scores), prior) in scores.iter_mut().enumerate().zip(model.prior.iter()) {
        let keys = scores.iter_mut().zip(prior).zip(entering.iter().zip(&mut stayed));
        for ((scores, prior), (entering, stayed)) in keys {
            for ((score, prior), stayed) in scores.iter_mut().zip(prior).zip(stayed) {
                let entered = entering + prior;
                *stayed |= u16::from(*score >= entered) << quality;
                *score = score.max(entered);
            }
        }
    }
    earn(scores, worth, model);
    let small = |index: usize| u8::try_from(index).unwrap_or(0);
    Step { best: best.map(|(earned, state)| (earned, small(state.root), small(state.quality))), stayed }
}

/// The best state of each key, and what its path has earned.
fn by_key(scores: &Scores) -> [(f32, State); KEYS] {
    std::array::from_fn(|key| {
        // Twelve roots side by side, which the processor compares together.
        let (mut best, mut kinds) = ([f32::MIN; 12], [0_u32; 12]);
        for (scores, quality) in scores.iter().zip(0_u32..) {
            let Some(scores) = scores.get(key) else { continue };
            for ((best, kind), score) in best.iter_mut().zip(&mut kinds).zip(scores) {
                *kind = if *score > *best { quality } else { *kind };
                *best = best.max(*score);
            }
        }
        let mut of_key = (f32::MIN, State { key, root: 0, quality: 0 });
        for (root, (score, quality)) in best.iter().zip(kinds).enumerate() {
            if *score > of_key.0 {
                of_key = (*score, State { key, root, quality: quality as usize });
            }
        }
        of_key
    })
}

fn best(scores: &Scores) -> State {
    let keys = by_key(scores);
    let best = keys.iter().rev().max_by(|a, b| a.0.total_cmp(&b.0));
    best.map_or(State { key: 0, root: 0, quality: 0 }, |(_, state)| *state)
}

impl Step {
    /// The state before `state`, by the same sums as on the way forth.
    fn before(&self, state: State, frame: &Frame, model: &Model) -> State {
        let State { key, root, quality } = state;
        let stayed = self.stayed.get(key).and_then(|roots| roots.get(root)).copied().unwrap_or(0);
        if stayed >> quality & 1 == 1 {
            return state;
        }
        let moment = key_moment(frame);
        let costs = model.key_change.get(key).unwrap_or(&[0.0; KEYS]);
        let mut best = (f32::MIN, state);
        // The same key first: of equal ones it wins.
        let others = (0..KEYS).filter(|&other| other != key);
        for other in std::iter::once(key).chain(others) {
            let Some(&(earned, root, quality)) = self.best.get(other) else { continue };
            let change = if other == key { 0.0 } else { costs.get(other).copied().unwrap_or(0.0) + moment };
            if earned - change > best.0 {
                let (root, quality) = (usize::from(root), usize::from(quality));
                best = (earned - change, State { key: other, root, quality });
            }
        }
        best.1
    }
}

#[cfg(test)]
mod tests {
    use super::super::model::QUALITIES;
    use super::*;
    use crate::analyse::testing::soprano;

    /// Adds up what a path earns, step by step.
    fn earned(frames: &[Frame], path: &[State], model: &Model) -> f32 {
        let mut sum = 0.0;
        for (index, (frame, state)) in frames.iter().zip(path).enumerate() {
            let State { key, root, quality } = *state;
            let (worth, prior) = (model.worth(frame), model.prior[quality][key][root]);
            match index.checked_sub(1).map(|before| path[before]) {
                Some(before) if before == *state => {}
                Some(before) => {
                    let moment = if before.key == key { 0.0 } else { worth.key_moment };
                    sum += prior - worth.change - model.key_change[key][before.key] - moment;
                }
                None => sum += prior + model.first(frame)[key],
            }
            sum += worth.chords[quality][root] + worth.keys[key];
            sum += worth.weight * model.hold[quality][key][root];
            sum += worth.goal.map_or(0.0, |goal| goal[key][root]);
        }
        sum
    }

    #[test]
    fn the_path_earns_what_the_search_says_and_no_neighbour_of_it_earns_more() {
        let score = soprano();
        let model = Model::new();
        let some = super::super::frames::of(&score, score.slices(), None);
        let frames: Vec<Frame> = some.iter().cycle().take(600).cloned().collect();
        let path = path(&frames, &model);
        assert_eq!(path.len(), frames.len());
        let best = earned(&frames, &path, &model);
        let mut scores = begin(&frames[0], &model);
        for frame in &frames[1..] {
            step(&mut scores, &model.worth(frame), &model);
        }
        let end = *path.last().unwrap();
        let told = scores[end.quality][end.key][end.root];
        assert!((best - told).abs() < 0.001 * told.abs(), "{best} {told}");
        for at in (0..frames.len()).step_by(29) {
            for change in 1..60 {
                let mut other = path.clone();
                let state = &mut other[at];
                state.key = (state.key + change) % KEYS;
                state.root = (state.root + change / 5) % 12;
                state.quality = (state.quality + change / 7) % QUALITIES;
                assert!(earned(&frames, &other, &model) <= best + 0.001, "at {at} by {change}");
            }
        }
    }
}
