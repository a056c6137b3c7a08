//! The most likely path through keys and chords: Viterbi over 24 keys, 12 roots and 9 qualities at once.
//!
//! A path pays where its chord changes and, more, where its key does; it earns what its chord explains of each frame. No
//! argument of a maximum is kept on the way forth: on the way back only that of the path itself is looked up again.

use super::frames::Frame;
use super::model::{KEYS, Model, QUALITIES};

/// A key and a root: twelve roots for each of 24 keys, the major ones first.
const PLACES: usize = 12 * KEYS;
/// Frames whose scores are held at once; of the others those of every such block's first, from which the rest comes again.
const BLOCK: usize = 1024;

/// A chord in a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct State {
    /// 0 to 11 for major keys from C, 12 to 23 for minor ones.
    pub(super) key: usize,
    /// Pitch class.
    pub(super) root: usize,
    /// Index among the qualities.
    pub(super) quality: usize,
}

/// What the best path to each state has earned.
type Scores = Box<[[f32; PLACES]; QUALITIES]>;

/// The best path.
pub(super) fn path(frames: &[Frame], model: &Model) -> Vec<State> {
    let Some((first, rest)) = frames.split_first() else { return Vec::new() };
    let mut checkpoints = Vec::new();
    let mut block = vec![begin(first, model)];
    for frame in rest {
        let Some(now) = block.last() else { break };
        let next = step(now, frame, model);
        if block.len() == BLOCK {
            checkpoints.extend(block.drain(..).next());
        }
        block.push(next);
    }
    let Some(end) = block.last() else { return Vec::new() };
    let mut state = best(end);
    let mut path = vec![state];
    // Backwards: each frame of the block from the scores of the one before.
    let mut at = frames.len() - 1;
    loop {
        block.pop();
        if block.is_empty() {
            let Some(checkpoint) = checkpoints.pop() else { break };
            let from = at - at.min(BLOCK);
            block.push(checkpoint);
            for frame in frames.get(from + 1..at).unwrap_or_default() {
                let Some(now) = block.last() else { break };
                block.push(step(now, frame, model));
            }
        }
        let (Some(before), Some(frame)) = (block.last(), frames.get(at)) else { break };
        state = back(before, frame, state, model);
        path.push(state);
        at -= 1;
    }
    path.reverse();
    path
}

fn begin(frame: &Frame, model: &Model) -> Scores {
    let mut scores: Scores = Box::new(model.prior);
    earn(&mut scores, frame, model);
    scores
}

/// Adds what each state explains of a frame.
fn earn(scores: &mut Scores, frame: &Frame, model: &Model) {
    let (chords, keys) = (model.chords(frame), model.keys(frame));
    for (scores, chords) in scores.iter_mut().zip(&chords) {
        for (scores, key) in scores.as_chunks_mut::<12>().0.iter_mut().zip(&keys) {
            for (score, chord) in scores.iter_mut().zip(chords) {
                *score += chord + key;
            }
        }
    }
    for (key, degree, quality) in model.functions() {
        let place = key * 12 + (key + degree) % 12;
        if let Some(score) = scores.get_mut(quality).and_then(|scores| scores.get_mut(place)) {
            *score += model.function(frame, key, degree);
        }
    }
}

/// What the best path of any quality has earned, for each key and root.
fn by_place(scores: &Scores) -> [f32; PLACES] {
    let mut best = [f32::MIN; PLACES];
    for scores in scores.iter() {
        best.iter_mut().zip(scores).for_each(|(best, score)| *best = best.max(*score));
    }
    best
}

/// The same for each key.
fn by_key(places: &[f32; PLACES]) -> [f32; KEYS] {
    let mut best = [f32::MIN; KEYS];
    for (best, places) in best.iter_mut().zip(places.as_chunks::<12>().0) {
        *best = places.iter().fold(f32::MIN, |best, place| best.max(*place));
    }
    best
}

/// What a path to each key and root has earned when a chord of any quality begins there.
fn entering(scores: &Scores, frame: &Frame, model: &Model) -> [f32; PLACES] {
    let places = by_place(scores);
    let keys = by_key(&places);
    let moment = model.key_moment(frame);
    let mut entering = [f32::MIN; PLACES];
    for (key, (entering, places)) in
        entering.as_chunks_mut::<12>().0.iter_mut().zip(places.as_chunks::<12>().0).enumerate()
    {
        let changed = (keys.iter().enumerate())
            .filter(|&(other, _)| other != key)
            .fold(f32::MIN, |best, (other, score)| best.max(score - model.key_change(other, key) - moment));
        *entering = [changed; 12];
        for (motions, place) in model.motion(key).iter().zip(places) {
            for (entering, motion) in entering.iter_mut().zip(motions) {
                *entering = entering.max(place + motion);
            }
        }
    }
    entering
}

fn step(now: &Scores, frame: &Frame, model: &Model) -> Scores {
    let mut next = now.clone();
    let entering = entering(now, frame, model);
    let cost = model.change(frame);
    for (next, prior) in next.iter_mut().zip(&model.prior) {
        for ((next, entering), prior) in next.iter_mut().zip(&entering).zip(prior) {
            *next = next.max(entering - cost + prior);
        }
    }
    earn(&mut next, frame, model);
    next
}

/// The state before `state`, by the same sums as on the way forth.
fn back(before: &Scores, frame: &Frame, state: State, model: &Model) -> State {
    let State { key, root, quality } = state;
    let place = key * 12 + root;
    let stayed = score(before, state);
    let places = by_place(before);
    let (motions, moment) = (model.motion(key), model.key_moment(frame));
    let mut from = (f32::MIN, key, root);
    for other in (0..KEYS).filter(|&other| other != key) {
        for old in 0..12 {
            let earned = at(&places, other * 12 + old) - model.key_change(other, key) - moment;
            if earned > from.0 {
                from = (earned, other, old);
            }
        }
    }
    for (old, motions) in motions.iter().enumerate() {
        let earned = at(&places, key * 12 + old) + at(motions, root);
        if earned > from.0 {
            from = (earned, key, old);
        }
    }
    let prior = model.prior.get(quality).map_or(0.0, |prior| at(prior, place));
    if stayed >= from.0 - model.change(frame) + prior {
        return state;
    }
    let (_, key, root) = from;
    let quality = (0..QUALITIES).max_by(|&a, &b| {
        let of = |quality| score(before, State { key, root, quality });
        of(a).total_cmp(&of(b)).then(b.cmp(&a))
    });
    State { key, root, quality: quality.unwrap_or(0) }
}

fn score(scores: &Scores, state: State) -> f32 {
    scores.get(state.quality).map_or(f32::MIN, |scores| at(scores, state.key * 12 + state.root))
}

fn at(values: &[f32], index: usize) -> f32 {
    values.get(index).copied().unwrap_or(f32::MIN)
}

fn best(scores: &Scores) -> State {
    let mut best = (f32::MIN, State { key: 0, root: 0, quality: 0 });
    for (quality, scores) in scores.iter().enumerate() {
        for (place, &score) in scores.iter().enumerate() {
            if score > best.0 {
                best = (score, State { key: place / 12, root: place % 12, quality });
            }
        }
    }
    best.1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyse::testing::soprano;

    /// Adds up what a path earns, step by step.
    fn earned(frames: &[Frame], path: &[State], model: &Model) -> f32 {
        let mut sum = 0.0;
        for (index, (frame, state)) in frames.iter().zip(path).enumerate() {
            let place = state.key * 12 + state.root;
            let prior = model.prior[state.quality][place];
            match index.checked_sub(1).map(|before| path[before]) {
                Some(before) if before == *state => {}
                Some(before) => {
                    let from = match before.key == state.key {
                        true => model.motion(state.key)[before.root][state.root],
                        false => -model.key_change(before.key, state.key) - model.key_moment(frame),
                    };
                    sum += from - model.change(frame) + prior;
                }
                None => sum += prior,
            }
            sum += model.chords(frame)[state.quality][state.root] + model.keys(frame)[state.key];
            let function = model.functions().find(|&(key, degree, quality)| {
                (key, (key + degree) % 12, quality) == (state.key, state.root, state.quality)
            });
            sum += function.map_or(0.0, |(key, degree, _)| model.function(frame, key, degree));
        }
        sum
    }

    #[test]
    fn the_path_earns_what_the_search_says_and_no_neighbour_of_it_earns_more() {
        let score = soprano();
        let model = Model::new();
        let some = super::super::frames::of(&score, score.slices(), None);
        // Long enough for several blocks.
        let frames: Vec<Frame> = some.iter().cycle().take(2 * BLOCK + 7).cloned().collect();
        let path = path(&frames, &model);
        assert_eq!(path.len(), frames.len());
        let best = earned(&frames, &path, &model);
        let mut scores = begin(&frames[0], &model);
        for frame in &frames[1..] {
            scores = step(&scores, frame, &model);
        }
        let end = *path.last().unwrap();
        let told = scores[end.quality][end.key * 12 + end.root];
        assert!((best - told).abs() < 0.01 * told.abs(), "{best} {told}");
        for at in (0..frames.len()).step_by(97) {
            for change in 1..60 {
                let mut other = path.clone();
                let state = &mut other[at];
                state.key = (state.key + change) % KEYS;
                state.root = (state.root + change / 5) % 12;
                state.quality = (state.quality + change / 7) % QUALITIES;
                assert!(earned(&frames, &other, &model) <= best + 0.01, "at {at} by {change}");
            }
        }
    }
}
