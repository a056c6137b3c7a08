//! What keys are worth under a key signature, by how the pitches are spelled there.

use super::model::{KEYS, at};
use super::weights as w;

/// How many steps from C on the line of fifths a pitch is told apart by, either way; beyond them it is far from every key.
const FIFTHS_MAX: i32 = 30;

/// The keys under a signature.
pub(super) struct Signature {
    /// What each is worth,
    pub(super) each: [f32; KEYS],
    /// and once more at the beginning.
    pub(super) first: [f32; KEYS],
    /// What a pitch is worth to each, by its place on the line of fifths from [`FIFTHS_MAX`] steps below C.
    spelled: Vec<[f32; KEYS]>,
}

impl Signature {
    /// The keys where each is thought under a signature of so many sharps.
    pub(super) fn of(sharps: impl Fn(usize) -> i32) -> Self {
        // Tonics on the line of fifths, spelled as near to the signature as can be.
        let tonics: [i32; KEYS] = std::array::from_fn(|key| {
            let centre = sharps(key) + if key < 12 { 0 } else { 3 };
            let off = (i32::try_from(key % 12).unwrap_or(0) * 7 - centre).rem_euclid(12);
            centre + if off > 6 { off - 12 } else { off }
        });
        let worth = |table: &[[i16; 13]; 2], key: usize| {
            let centre = sharps(key) + if key < 12 { 0 } else { 3 };
            let more = tonics.get(key).map_or(0, |tonic| tonic - centre);
            at(table, key / 12, usize::try_from((more + 6).clamp(0, 12)).unwrap_or(6))
        };
        let spelled = |fifths: i32| {
            let mut keys = tonics.iter().enumerate().map(|(key, tonic)| key_worth(key / 12, fifths - tonic));
            std::array::from_fn(|_| keys.next().unwrap_or(0.0))
        };
        Signature {
            each: std::array::from_fn(|key| worth(&w::SIGNATURE, key)),
            first: std::array::from_fn(|key| worth(&w::FIRST, key)),
            spelled: (-FIFTHS_MAX..=FIFTHS_MAX).map(spelled).collect(),
        }
    }

    /// What a pitch is worth to each, by its place on the line of fifths.
    pub(super) fn spelled(&self, fifths: i32) -> Option<&[f32; KEYS]> {
        let index = usize::try_from(fifths.clamp(-FIFTHS_MAX, FIFTHS_MAX) + FIFTHS_MAX).ok()?;
        self.spelled.get(index)
    }
}

/// What a pitch is worth to a key, so many steps on the line of fifths from its tonic.
pub(super) fn key_worth(mode: usize, steps: i32) -> f32 {
    at(&w::KEY, mode, usize::try_from((steps + 8).clamp(0, 19)).unwrap_or(8))
}

/// How a degree is spelled as a rule: its steps on the line of fifths from the tonic.
pub(super) fn usual(mode: usize, degree: usize) -> i32 {
    const USUAL: [[i32; 12]; 2] =
        [[0, 7, 2, -3, 4, -1, 6, 1, 8, 3, -2, 5], [0, -5, 2, -3, 4, -1, 6, 1, -4, 3, -2, 5]];
    USUAL.get(mode).and_then(|usual| usual.get(degree)).copied().unwrap_or(0)
}
