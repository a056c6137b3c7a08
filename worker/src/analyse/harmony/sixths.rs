//! Augmented sixths: chords that sound like a dominant on the lowered sixth degree and are spelled otherwise.

use super::decode::State;
use super::frames::Frame;
use super::model::{FRENCH, GERMAN, ITALIAN, degree};

/// A minor seventh is two steps down on the line of fifths, an augmented sixth ten up.
const AUGMENTED_SIXTH: i32 = 10;
/// Kind of a dominant seventh chord.
const DOMINANT: usize = 4;
/// Semitones of the lowered sixth degree above the tonic.
const LOWERED_SIXTH: usize = 8;

/// The sixth that a chord is by its spelling, or else the chord itself.
pub(super) fn told(state: State, during: &[Frame]) -> State {
    let above = degree(state.key, state.root);
    let sounds = |degree: usize| {
        let class = (state.key + degree) % 12;
        during.iter().filter(|frame| frame.spelled).find_map(|frame| *frame.sounds.get(class)?)
    };
    let (Some(low), Some(high)) = (sounds(LOWERED_SIXTH), sounds(6)) else { return state };
    if state.quality != DOMINANT || high.fifths - low.fifths != AUGMENTED_SIXTH {
        return state;
    }
    // In a major and a minor key alike: the root of the thirds is the raised fourth degree, or the second.
    let raised = (state.key + 6) % 12;
    let (root, quality) = match above {
        LOWERED_SIXTH if sounds(3).is_some() => (raised, GERMAN),
        LOWERED_SIXTH if sounds(2).is_some() => ((state.key + 2) % 12, FRENCH),
        LOWERED_SIXTH => (raised, ITALIAN),
        2 if sounds(9).is_none() => (state.root, FRENCH),
        _ => return state,
    };
    State { root, quality, ..state }
}
