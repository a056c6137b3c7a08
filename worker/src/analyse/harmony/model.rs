//! What a chord explains of what sounds, and what chords and keys cost. The numbers were fitted, which `docs/accuracy.md`
//! tells about.

use super::frames::{Frame, Motion};
use super::weights as w;

/// Major keys from C, then minor ones.
pub(super) const KEYS: usize = 24;
/// How many kinds of chords are told apart.
pub(super) const QUALITIES: usize = 9;

/// A kind of chord.
#[derive(Debug)]
pub(super) struct Quality {
    /// Semitones of its members above the root, the root first.
    pub(super) members: &'static [usize],
    /// Of its triad.
    pub(super) triad: &'static str,
    /// What a figure says behind the degree: of the triad, and of the seventh.
    pub(super) marks: (&'static str, &'static str),
    /// Whether the degree is written in capitals.
    pub(super) capital: bool,
}

/// Every kind of chord.
pub(super) static QUALITY: [Quality; QUALITIES] = [
    Quality { members: &[0, 4, 7], triad: "major", marks: ("", ""), capital: true },
    Quality { members: &[0, 3, 7], triad: "minor", marks: ("", ""), capital: false },
    Quality { members: &[0, 3, 6], triad: "diminished", marks: ("o", ""), capital: false },
    Quality { members: &[0, 4, 8], triad: "augmented", marks: ("+", ""), capital: true },
    Quality { members: &[0, 4, 7, 10], triad: "major", marks: ("", ""), capital: true },
    Quality { members: &[0, 3, 7, 10], triad: "minor", marks: ("", ""), capital: false },
    Quality { members: &[0, 4, 7, 11], triad: "major", marks: ("", "M"), capital: true },
    Quality { members: &[0, 3, 6, 10], triad: "diminished", marks: ("ø", ""), capital: false },
    Quality { members: &[0, 3, 6, 9], triad: "diminished", marks: ("o", ""), capital: false },
];

/// The costs, laid out for the search.
pub(super) struct Model {
    /// What a chord earns by being likely in its key: by quality, then key and root.
    pub(super) prior: [[f32; 12 * KEYS]; QUALITIES],
    /// What it earns by coming after another root: by key, old root, new root.
    motion: Vec<[[f32; 12]; 12]>,
    key_change: [[f32; KEYS]; KEYS],
    /// By quality and semitones above the root, the index of the member.
    member: [[Option<u8>; 12]; QUALITIES],
}

impl Model {
    pub(super) fn new() -> Self {
        let degree = |key: usize, class: usize| (class + 12 - key % 12) % 12;
        let centi = |value: i16| f32::from(value) / 100.0;
        let prior = std::array::from_fn(|quality| {
            std::array::from_fn(|place| {
                let (key, root) = (place / 12, place % 12);
                let table = if key < 12 { &w::PRIOR_MAJOR } else { &w::PRIOR_MINOR };
                let row = table.get(degree(key, root)).and_then(|row| row.get(quality)).copied();
                w::PRIOR * centi(row.unwrap_or(0))
            })
        });
        let motion = |key: usize| {
            let table = if key < 12 { &w::MOTION_MAJOR } else { &w::MOTION_MINOR };
            std::array::from_fn(|old| {
                std::array::from_fn(|new| {
                    let row = table.get(degree(key, old)).and_then(|row| row.get(degree(key, new))).copied();
                    w::MOTION * centi(row.unwrap_or(0))
                })
            })
        };
        let member = std::array::from_fn(|quality| {
            let members = QUALITY.get(quality).map_or(&[][..], |quality| quality.members);
            let index = |semitones| members.iter().zip(0..).find(|(member, _)| **member == semitones);
            std::array::from_fn(|semitones| index(semitones).map(|(_, index)| index))
        });
        let key_change = std::array::from_fn(|from| std::array::from_fn(|to| key_change(from, to)));
        Model { prior, motion: (0..KEYS).map(motion).collect(), key_change, member }
    }

    /// What a new root earns in a key: by the old root.
    pub(super) fn motion(&self, key: usize) -> &[[f32; 12]; 12] {
        static NONE: [[f32; 12]; 12] = [[0.0; 12]; 12];
        self.motion.get(key).unwrap_or(&NONE)
    }

    pub(super) fn key_change(&self, from: usize, to: usize) -> f32 {
        self.key_change.get(from).and_then(|row| row.get(to)).copied().unwrap_or(0.0)
    }

    /// What a new chord costs where a frame begins.
    pub(super) fn change(&self, frame: &Frame) -> f32 {
        let cost = w::CHANGE.get(frame.level).copied().unwrap_or(0.0);
        if frame.bass_moves { cost - w::BASS_MOVES } else { cost }
    }

    /// What each chord explains of a frame: by quality and root.
    pub(super) fn chords(&self, frame: &Frame) -> [[f32; 12]; QUALITIES] {
        let mut earned = [[0.0_f32; 12]; QUALITIES];
        let mut there = [[0_u32; 12]; QUALITIES];
        for (class, sound) in frame.sounds.iter().enumerate() {
            let Some(sound) = sound else { continue };
            let doubled = 1.0 + w::DOUBLING * (f32::from(sound.notes) - 1.0);
            let passing = if sound.motion == Motion::Passing { w::PASSING_MEMBER } else { 1.0 };
            let as_member = w::MEMBER.map(|member| doubled * passing * member);
            let as_foreign = -doubled.min(w::DOUBLED_MAX) * foreign(sound.motion);
            // The class is each member of some chord: of the one whose root lies so many semitones below.
            let roots = |of: usize| (class + 12 - of) % 12;
            for ((earned, there), members) in earned.iter_mut().zip(&mut there).zip(&self.member) {
                for (semitones, member) in members.iter().enumerate() {
                    let root = roots(semitones);
                    let (Some(earned), Some(there)) = (earned.get_mut(root), there.get_mut(root)) else {
                        continue;
                    };
                    match member {
                        Some(index) => {
                            *there += 1;
                            *earned += as_member.get(usize::from(*index)).copied().unwrap_or(0.0);
                        }
                        None => *earned += as_foreign,
                    }
                }
            }
        }
        let bass = frame.bass_class().unwrap_or(0);
        for (quality, (earned, there)) in earned.iter_mut().zip(&there).enumerate() {
            let members = self.member.get(quality).unwrap_or(&[None; 12]);
            let count = QUALITY.get(quality).map_or(3, |quality| quality.members.len());
            let kind = w::QUALITY.get(quality).copied().unwrap_or(0.0);
            for (root, (earned, there)) in earned.iter_mut().zip(there).enumerate() {
                let below = match members.get((bass + 12 - root) % 12).copied().flatten() {
                    Some(index) => w::BASS.get(usize::from(index)).copied().unwrap_or(0.0),
                    None => w::BASS_FOREIGN,
                };
                #[allow(clippy::cast_precision_loss, reason = "four members at the most")]
                let missing = (count as u32).saturating_sub(*there) as f32;
                *earned = frame.weight * (*earned - w::MISSING * missing + below + kind);
            }
        }
        earned
    }

    /// What each key explains of a frame.
    pub(super) fn keys(&self, frame: &Frame) -> [f32; KEYS] {
        std::array::from_fn(|key| {
            let classes = frame.sounds.iter().enumerate().filter(|(_, sound)| sound.is_some());
            let cost: f32 = classes.map(|(class, _)| outside((class + 12 - key % 12) % 12, key < 12)).sum();
            frame.weight * -(cost + if key < 12 { 0.0 } else { w::MINOR })
        })
    }

    /// The chords that are the tonic or the dominant of a key: key, degree in semitones, quality.
    pub(super) fn functions(&self) -> impl Iterator<Item = (usize, usize, usize)> {
        (0..KEYS).flat_map(|key| [(key, 0, key / 12), (key, 7, 0), (key, 7, 4)])
    }

    /// What one of these earns beside the rest.
    pub(super) fn function(&self, frame: &Frame, key: usize, degree: usize) -> f32 {
        let (each, long) = match degree {
            0 if key < 12 => (w::TONIC_MAJOR, w::TONIC_LONG),
            0 => (w::TONIC_MINOR, w::TONIC_LONG),
            _ => (w::DOMINANT, w::DOMINANT_LONG),
        };
        each * frame.weight + if frame.long { long } else { 0.0 }
    }

    /// What a new key costs where a frame begins, whichever it is.
    pub(super) fn key_moment(&self, frame: &Frame) -> f32 {
        #[allow(clippy::cast_precision_loss, reason = "five levels")]
        let level = frame.level as f32;
        w::KEY_LEVEL * level - if frame.begins_phrase { w::KEY_PHRASE } else { 0.0 }
    }
}

/// What a note costs that the chord has not.
fn foreign(motion: Motion) -> f32 {
    w::FOREIGN
        * match motion {
            Motion::Free => 1.0,
            Motion::Leaving => w::LEAVING,
            Motion::Passing => w::PASSING,
            Motion::Suspended => w::SUSPENDED,
        }
}

/// What a degree costs that the scale has not. In minor the raised sixth and seventh cost less.
fn outside(degree: usize, major: bool) -> f32 {
    match (major, degree) {
        (true, 0 | 2 | 4 | 5 | 7 | 9 | 11) | (false, 0 | 2 | 3 | 5 | 7 | 8 | 10) => 0.0,
        (false, 9 | 11) => w::RAISED,
        _ => w::OUTSIDE,
    }
}

/// What a new key costs.
fn key_change(from: usize, to: usize) -> f32 {
    let (up, same_mode) = ((to + 12 - from % 12) % 12, from / 12 == to / 12);
    let relative = if from < 12 { 9 } else { 3 };
    w::KEY_CHANGE
        + match (same_mode, up) {
            (false, up) if up == relative => w::TO_RELATIVE,
            (false, 0) => w::TO_PARALLEL,
            (true, 5 | 7) => w::TO_FIFTH,
            _ => w::TO_OTHER,
        }
}
