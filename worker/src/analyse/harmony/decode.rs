//! The most likely path through keys and chords: Viterbi over 24 keys, 12 roots and 9 kinds of chord at once.
//!
//! A path pays where its chord changes and, more, where its key does; it earns what its chord and key are worth in each
//! frame. What came before a new chord counts by its key alone, so a step looks at 24 keys and not at pairs of chords.

use super::frames::Frame;
use super::model::{KEYS, Model, QUALITIES, Table, Worth, key_moment};

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
/// Of each key the best state: what its path has earned, root and kind of chord.
type Best = [(f32, u8, u8); KEYS];

/// What the way back asks of a step: the best state of each key before it, and who stayed. Small, for it is kept.
struct Step {
    best: Best,
    /// By key and root, a bit for each kind of chord that went on.
    stayed: [[u16; 12]; KEYS],
}

/// The best path.
pub(super) fn path(frames: &[Frame], model: &Model) -> Vec<State> {
    let Some((first, rest)) = frames.split_first() else { return Vec::new() };
    let (mut scores, mut best) = begin(first, model);
    let mut steps = Vec::with_capacity(rest.len());
    for frame in rest {
        let step = step(&mut scores, best, &model.worth(frame), model);
        best = step.1;
        steps.push(step.0);
    }
    let mut state = end(&best);
    let mut path = vec![state];
    for (frame, step) in rest.iter().zip(&steps).rev() {
        state = step.before(state, frame, model);
        path.push(state);
    }
    path.reverse();
    path
}

fn begin(frame: &Frame, model: &Model) -> (Box<Scores>, Best) {
    let mut scores: Box<Scores> = Box::new([[[f32::MIN; 12]; QUALITIES]; KEYS]);
    let worth = model.worth(frame);
    // What begins has come from nowhere: it enters, and whatever stood before it is too poor to stay.
    let (best, _) = earn(&mut scores, &model.first(frame), &worth, model);
    (scores, best)
}

fn step(scores: &mut Scores, best: Best, worth: &Worth<'_>, model: &Model) -> (Step, Best) {
    let mut entering = [f32::MIN; KEYS];
    for ((earned, ..), costs) in best.iter().zip(&model.leaving) {
        for (entering, cost) in entering.iter_mut().zip(costs) {
            *entering = greater(*entering, earned - cost);
        }
    }
    for (entering, (same, ..)) in entering.iter_mut().zip(&best) {
        *entering = greater(*same, *entering - worth.key_moment) - worth.change;
    }
    let (after, stayed) = earn(scores, &entering, worth, model);
    (Step { best, stayed }, after)
}

/// Takes each state a frame on, from itself or from what enters its key, whichever has earned more, and adds what it is worth
/// there. All in one pass: the table of states is what a step spends its time on.
fn earn(
    scores: &mut Scores,
    entering: &[f32; KEYS],
    worth: &Worth<'_>,
    model: &Model,
) -> (Best, [[u16; 12]; KEYS]) {
    let mut stayed = [[0_u16; 12]; KEYS];
    let mut best = [(f32::MIN, 0, 0); KEYS];
    let tables = scores.iter_mut().zip(model.prior.iter()).zip(model.hold.iter());
    let keys = worth.keys.iter().zip(worth.goal).zip(entering);
    let kept = stayed.iter_mut().zip(&mut best);
    for ((((scores, prior), hold), ((key, goal), entering)), (stayed, best)) in tables.zip(keys).zip(kept) {
        // Twelve roots side by side, which the processor does together.
        let (mut bits, mut most, mut kinds) = ([0_u32; 12], [f32::MIN; 12], [0_u32; 12]);
        let qualities = scores.iter_mut().zip(prior).zip(hold).zip(&worth.chords).zip(0_u32..);
        for ((((scores, prior), hold), chords), quality) in qualities {
            let states = scores.iter_mut().zip(prior).zip(hold).zip(chords).zip(goal);
            let roots = bits.iter_mut().zip(&mut most).zip(&mut kinds);
            for (((((score, prior), hold), chord), goal), ((bits, most), kind)) in states.zip(roots) {
                let entered = entering + prior;
                *bits |= u32::from(*score >= entered) << quality;
                *score = greater(*score, entered) + (chord + key + worth.weight * hold) + goal;
                *kind = if *score > *most { quality } else { *kind };
                *most = greater(*score, *most);
            }
        }
        let small = |index: u32| u8::try_from(index).unwrap_or(0);
        let earned = greatest(&most);
        let found = most.iter().zip(kinds).zip(0_u8..).find(|((score, _), _)| **score == earned);
        *best = found.map_or(*best, |((score, quality), root)| (*score, root, small(quality)));
        *stayed = bits.map(|bits| u16::try_from(bits).unwrap_or(0));
    }
    (best, stayed)
}

/// The greater of two, which are numbers.
fn greater(a: f32, b: f32) -> f32 {
    if a >= b { a } else { b }
}

/// The greatest of twelve, four side by side.
fn greatest(scores: &[f32; 12]) -> f32 {
    let mut lanes = [f32::MIN; 4];
    for four in scores.as_chunks::<4>().0 {
        lanes.iter_mut().zip(four).for_each(|(lane, score)| *lane = greater(*lane, *score));
    }
    lanes.into_iter().fold(f32::MIN, greater)
}

/// Where the best path of all ends; of equal ones in the first key.
fn end(best: &Best) -> State {
    let keys = best.iter().enumerate().rev().max_by(|a, b| a.1.0.total_cmp(&b.1.0));
    keys.map_or(State { key: 0, root: 0, quality: 0 }, |(key, (_, root, quality))| State {
        key,
        root: usize::from(*root),
        quality: usize::from(*quality),
    })
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
pub(super) mod tests {
    use super::*;
    use crate::analyse::testing::soprano;

    /// Adds up what a path earns, step by step.
    pub(in super::super) fn earned(frames: &[Frame], path: &[State], model: &Model) -> f32 {
        let mut sum = 0.0;
        for (index, (frame, state)) in frames.iter().zip(path).enumerate() {
            let State { key, root, quality } = *state;
            let (worth, prior) = (model.worth(frame), model.prior[key][quality][root]);
            match index.checked_sub(1).map(|before| path[before]) {
                Some(before) if before == *state => {}
                Some(before) => {
                    let moment = if before.key == key { 0.0 } else { worth.key_moment };
                    sum += prior - worth.change - model.key_change[key][before.key] - moment;
                }
                None => sum += prior + model.first(frame)[key],
            }
            sum += worth.chords[quality][root] + worth.keys[key];
            sum += worth.weight * model.hold[key][quality][root];
            sum += worth.goal[key][root];
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
        let (mut scores, mut at) = begin(&frames[0], &model);
        for frame in &frames[1..] {
            at = step(&mut scores, at, &model.worth(frame), &model).1;
        }
        let end = *path.last().unwrap();
        let told = scores[end.key][end.quality][end.root];
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
