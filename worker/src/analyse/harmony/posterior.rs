//! How probable each key is at each chord of a path, all paths summed that have the same chords.
//!
//! The best path may go through a key that few others agree on. Forward and backward sums (Rabiner, A tutorial on hidden
//! Markov models, 1989) over 24 keys and the chords that were found tell what all of them together say. A chord takes
//! 24 × 24 products twice, and less memory than a step of the search, of which there is one a frame.

use super::decode::State;
use super::frames::{Before, Frame};
use super::model::{KEYS, Model, QUALITIES, change, key_moment};

/// What a weight of the search counts as a logarithm of odds.
const ODDS: f64 = 1.5;
/// What a new key costs more than in the search, where no phrase has ended: sums over all moments at which a key may
/// change find more changes than any one path does.
const DEARER: f64 = 2.0;
/// The same where no signature is stated, which holds the keys together elsewhere.
const DEARER_UNSIGNED: f64 = 3.0;

/// Something for each key.
pub(super) type Keys = [f64; KEYS];

/// Frames of one state of the path, and how probable each key is there.
pub(super) struct Told {
    /// How many frames.
    pub(super) frames: usize,
    /// The key on the path.
    pub(super) found: usize,
    /// Whether the chord is the one before, in another key.
    pub(super) goes_on: bool,
    /// How probable each key is.
    pub(super) keys: Keys,
}

/// How probable each key is along a path through some frames.
pub(super) fn of(frames: &[Frame], path: &[State], model: &Model) -> Vec<Told> {
    let chords = chords(frames, path, model);
    let keys = summed(&chords, &Changes::of(model));
    let told = |(chord, keys): (&Chord, Keys)| {
        let Chord { frames, found, goes_on, .. } = *chord;
        Told { frames, found, goes_on, keys }
    };
    chords.iter().zip(keys).map(told).collect()
}

/// Odds of going from a key to another; none for staying.
struct Changes {
    /// By the old key, then the new one.
    forth: [Keys; KEYS],
    /// By the new key, then the old one.
    back: [Keys; KEYS],
}

/// Frames of one state of the path, and how likely they are in each key, against the likeliest.
struct Chord {
    frames: usize,
    found: usize,
    goes_on: bool,
    /// In a key that was the key before.
    stays: Keys,
    /// In a new key.
    enters: Keys,
    /// Odds of a new key at its beginning, whichever it is.
    moment: f64,
}

impl Changes {
    fn of(model: &Model) -> Self {
        let odds = |cost: &f32| odds(-f64::from(*cost));
        let forth = model.leaving.each_ref().map(|costs| costs.each_ref().map(odds));
        let mut back = [[0.0; KEYS]; KEYS];
        for (from, odds) in forth.iter().enumerate() {
            for (back, odds) in back.iter_mut().zip(odds) {
                if let Some(back) = back.get_mut(from) {
                    *back = *odds;
                }
            }
        }
        Changes { forth, back }
    }
}

/// Odds of what has some worth.
fn odds(worth: f64) -> f64 {
    libm::exp(ODDS * worth)
}

fn chords(frames: &[Frame], path: &[State], model: &Model) -> Vec<Chord> {
    let mut rest = frames;
    let mut before = None;
    let mut chords = Vec::new();
    for states in path.chunk_by(PartialEq::eq) {
        let (during, after) = rest.split_at(states.len().min(rest.len()));
        rest = after;
        if let (Some(&state), Some(first)) = (states.first(), during.first()) {
            chords.push(chord(during, first, state, before, model));
            before = Some((state.root, state.quality));
        }
    }
    chords
}

/// What some frames tell of the keys in which their chord may be. `before` is root and kind of the chord before.
fn chord(
    during: &[Frame],
    first: &Frame,
    state: State,
    before: Option<(usize, usize)>,
    model: &Model,
) -> Chord {
    let State { key, root, quality } = state;
    let of = |table: &[[f32; 12]; QUALITIES]| {
        table.get(quality).and_then(|roots| roots.get(root)).copied().map_or(0.0, f64::from)
    };
    let mut lasts = [0.0; KEYS];
    for frame in during {
        let worth = model.keys(frame).into_iter().zip(model.goal(frame)).zip(model.hold.iter());
        for (lasts, ((key, goal), hold)) in lasts.iter_mut().zip(worth) {
            let goal = goal.get(root).copied().unwrap_or(0.0);
            *lasts += f64::from(key) + f64::from(goal) + f64::from(frame.weight) * of(hold);
        }
    }
    let mut begins = lasts;
    begins.iter_mut().zip(model.prior.iter()).for_each(|(begins, prior)| *begins += of(prior));
    // A chord that goes on begins anew only where its key changes.
    let goes_on = before == Some((root, quality));
    if goes_on {
        let change = f64::from(change(first));
        begins.iter_mut().for_each(|begins| *begins -= change);
    }
    if before.is_none() {
        begins.iter_mut().zip(model.first(first)).for_each(|(begins, first)| *begins += f64::from(first));
    }
    let most = begins.iter().chain(&lasts).fold(f64::MIN, |most, worth| most.max(*worth));
    let enters = begins.map(|worth| odds(worth - most));
    let stays = if goes_on { lasts.map(|worth| odds(worth - most)) } else { enters };
    let moment = odds(-f64::from(key_moment(first))) * libm::exp(-dearer(first));
    Chord { frames: during.len(), found: key, goes_on, stays, enters, moment }
}

/// What a new key costs more than in the search where a frame begins.
fn dearer(first: &Frame) -> f64 {
    match (first.before, first.signature) {
        (Before::PhraseEnd, _) => 0.0,
        (_, Some(_)) => DEARER,
        (_, None) => DEARER_UNSIGNED,
    }
}

/// How probable each key is at each chord.
fn summed(chords: &[Chord], changes: &Changes) -> Vec<Keys> {
    let mut told: Vec<Keys> = Vec::with_capacity(chords.len());
    for chord in chords {
        let now = told.last().map_or(chord.enters, |before| chord.after(before, changes));
        told.push(whole(now));
    }
    let mut later = [1.0; KEYS];
    for (chord, told) in chords.iter().zip(&mut told).rev() {
        told.iter_mut().zip(&later).for_each(|(told, later)| *told *= later);
        *told = whole(*told);
        later = whole(chord.before(&later, changes));
    }
    told
}

impl Chord {
    /// From how likely each key was up to the chord before, how likely it is up to this one.
    fn after(&self, before: &Keys, changes: &Changes) -> Keys {
        let mut now = carried(before, &changes.forth);
        let each = now.iter_mut().zip(before).zip(self.stays.iter().zip(&self.enters));
        for ((now, before), (stays, enters)) in each {
            *now = before * stays + self.moment * *now * enters;
        }
        now
    }

    /// From how likely what follows this chord is in each of its keys, how likely what follows the chord before is.
    fn before(&self, later: &Keys, changes: &Changes) -> Keys {
        let mut entered = *later;
        entered.iter_mut().zip(&self.enters).for_each(|(later, enters)| *later *= enters);
        let mut now = carried(&entered, &changes.back);
        for ((now, later), stays) in now.iter_mut().zip(later).zip(&self.stays) {
            *now = later * stays + self.moment * *now;
        }
        now
    }
}

/// Every key's odds, carried to all others.
fn carried(from: &Keys, changes: &[Keys; KEYS]) -> Keys {
    let mut to = [0.0; KEYS];
    for (from, odds) in from.iter().zip(changes) {
        to.iter_mut().zip(odds).for_each(|(to, odds)| *to += from * odds);
    }
    to
}

/// The same with a sum of one. A new key costs so little that no key falls far behind the likeliest, so there always is one.
fn whole(odds: Keys) -> Keys {
    let sum: f64 = odds.iter().sum();
    odds.map(|odds| odds / sum)
}

#[cfg(test)]
mod tests {
    use super::super::decode::tests::earned;
    use super::*;
    use crate::analyse::testing::soprano;

    fn frames() -> Vec<Frame> {
        let score = soprano();
        super::super::frames::of(&score, score.slices(), None)
    }

    /// Gives every chord of a path every key, adds up what each such path earns, and sums their odds one by one.
    fn one_by_one(frames: &[Frame], path: &[State], model: &Model) -> Vec<Keys> {
        let lengths: Vec<usize> = path.chunk_by(PartialEq::eq).map(<[State]>::len).collect();
        let mut told = vec![[0.0; KEYS]; lengths.len()];
        for number in 0..KEYS.pow(lengths.len() as u32) {
            let keys: Vec<usize> = (0..lengths.len() as u32).map(|at| number / KEYS.pow(at) % KEYS).collect();
            let each = keys.iter().zip(&lengths).flat_map(|(key, length)| vec![*key; *length]);
            let other: Vec<State> =
                path.iter().zip(each).map(|(state, key)| State { key, ..*state }).collect();
            let changes = (1..other.len()).filter(|&at| other[at].key != other[at - 1].key);
            let dearer: f64 = changes.map(|at| dearer(&frames[at])).sum();
            let worth = ODDS * f64::from(earned(frames, &other, model)) - dearer;
            for (told, key) in told.iter_mut().zip(keys) {
                told[key] += libm::exp(worth);
            }
        }
        told.into_iter().map(whole).collect()
    }

    #[test]
    fn what_is_summed_forth_and_back_is_what_all_ways_through_the_keys_sum_up_to() {
        let (frames, model) = (frames(), Model::new());
        let state = |key, root, quality| State { key, root, quality };
        let (tonic, fifth, again) = (state(9, 9, 0), state(9, 4, 4), state(18, 9, 0));
        for (at, path) in [
            (0, vec![tonic, tonic, fifth, again]),
            // A chord that goes on in another key.
            (4, vec![tonic, again, again, fifth]),
            (9, vec![fifth, fifth, fifth, tonic, again]),
            (25, vec![state(0, 6, 8), state(12, 1, 3), state(12, 7, 5)]),
        ] {
            for (phrase_ends, signature) in [(false, None), (true, None), (false, Some(3))] {
                let mut frames = frames[at..at + path.len()].to_vec();
                frames.iter_mut().for_each(|frame| frame.signature = signature);
                if phrase_ends {
                    frames.last_mut().unwrap().before = Before::PhraseEnd;
                }
                let summed = of(&frames, &path, &model);
                let all = one_by_one(&frames, &path, &model);
                assert_eq!(summed.len(), all.len());
                for (summed, all) in summed.iter().flat_map(|told| told.keys).zip(all.into_iter().flatten()) {
                    assert!(
                        (summed - all).abs() < 1e-5,
                        "from {at}, {phrase_ends}, {signature:?}: {summed} for {all}"
                    );
                }
            }
        }
    }

    #[test]
    fn what_lasts_for_ever_still_sums_up() {
        let model = Model::new();
        let frames: Vec<Frame> = frames().into_iter().cycle().take(30_000).collect();
        let lasting = State { key: 6, root: 6, quality: 1 };
        let moving = |at: usize| State { key: at / 3 % KEYS, root: at % 12, quality: at % 9 };
        for path in [vec![lasting; frames.len()], (0..frames.len()).map(moving).collect()] {
            for told in of(&frames, &path, &model) {
                let sum: f64 = told.keys.iter().sum();
                assert!((sum - 1.0).abs() < 1e-9, "{:?}", told.keys);
            }
        }
    }
}
