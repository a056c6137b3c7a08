//! What a chord and a key are worth of what sounds, and what changes of them cost. The numbers were fitted, which
//! `docs/accuracy.md` tells about.

use super::frames::{Before, Frame, Goal};
use super::signature::{Signature, key_worth, usual};
use super::weights as w;

/// Major keys from C, then minor ones.
pub(super) const KEYS: usize = 24;
/// How many kinds of chords the search tells apart.
pub(super) const QUALITIES: usize = 9;
/// The kinds that the search does not know: sixths that their spelling tells from dominants.
pub(super) const ITALIAN: usize = 9;
/// The same with a perfect fifth above the bass.
pub(super) const GERMAN: usize = 10;
/// The same with an augmented fourth above the bass.
pub(super) const FRENCH: usize = 11;

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

/// Every kind of chord. Augmented sixths have the root of their thirds: the raised fourth, the second of the French one.
pub(super) static QUALITY: [Quality; QUALITIES + 3] = [
    Quality { members: &[0, 4, 7], triad: "major", marks: ("", ""), capital: true },
    Quality { members: &[0, 3, 7], triad: "minor", marks: ("", ""), capital: false },
    Quality { members: &[0, 3, 6], triad: "diminished", marks: ("o", ""), capital: false },
    Quality { members: &[0, 4, 8], triad: "augmented", marks: ("+", ""), capital: true },
    Quality { members: &[0, 4, 7, 10], triad: "major", marks: ("", ""), capital: true },
    Quality { members: &[0, 3, 7, 10], triad: "minor", marks: ("", ""), capital: false },
    Quality { members: &[0, 4, 7, 11], triad: "major", marks: ("", "M"), capital: true },
    Quality { members: &[0, 3, 6, 10], triad: "diminished", marks: ("ø", ""), capital: false },
    Quality { members: &[0, 3, 6, 9], triad: "diminished", marks: ("o", ""), capital: false },
    Quality { members: &[0, 2, 6], triad: "other", marks: ("It", ""), capital: true },
    Quality { members: &[0, 2, 6, 9], triad: "other", marks: ("Ger", ""), capital: true },
    Quality { members: &[0, 4, 6, 10], triad: "other", marks: ("Fr", ""), capital: true },
];

/// Something for each key, each kind of chord in it, and each of its roots.
pub(super) type Table<T> = [[[T; 12]; QUALITIES]; KEYS];
/// Something by kind and interval, laid out so that from `12 - class` on it stands by root. Twice the twelve, no wrapping.
type ByRoot = [[f32; 24]; QUALITIES];

/// The numbers, laid out for the search.
pub(super) struct Model {
    /// What a chord is worth that begins.
    pub(super) prior: Box<Table<f32>>,
    /// What it is worth while it lasts.
    pub(super) hold: Box<Table<f32>>,
    /// What a pitch class is worth, by motion.
    template: [ByRoot; 4],
    /// What is lost again of `missing_all`, because a member sounds.
    missing: ByRoot,
    /// What a chord is worth of which nothing sounds.
    missing_all: [f32; QUALITIES],
    bass: ByRoot,
    /// What a root is worth to each key in a frame that is no goal (nothing), a long one, or the end of a phrase.
    goal: [[[f32; 12]; KEYS]; 3],
    /// What a new key costs: by the new one, then the old one; nothing for the same.
    pub(super) key_change: [[f32; KEYS]; KEYS],
    /// The same by the old one, then the new one; the same key cannot be gone to.
    pub(super) leaving: [[f32; KEYS]; KEYS],
    /// The keys under each signature from seven flats to seven sharps.
    signatures: Vec<Signature>,
    /// The keys where no signature is stated.
    unsigned: Signature,
    /// What a pitch class is worth to each key where nobody spelled it.
    usual: [[f32; KEYS]; 12],
    /// What the lowest note is worth to each key, by its pitch class.
    key_bass: [[f32; KEYS]; 12],
}

/// What a frame is worth to chords and keys, and what changes cost there.
pub(super) struct Worth<'a> {
    /// By kind and root.
    pub(super) chords: [[f32; 12]; QUALITIES],
    pub(super) keys: [f32; KEYS],
    pub(super) weight: f32,
    /// By key and root.
    pub(super) goal: &'a [[f32; 12]; KEYS],
    /// What a new chord costs.
    pub(super) change: f32,
    /// What a new key costs more.
    pub(super) key_moment: f32,
}

const fn value(weight: i16) -> f32 {
    weight as f32 / 10_000.0
}

/// The degree of a pitch class in a key, in semitones.
pub(super) fn degree(key: usize, class: usize) -> usize {
    (class + 12 - key % 12) % 12
}

/// Index of the member of a kind of chord that lies so many semitones above its root.
pub(super) fn member(quality: usize, above: usize) -> Option<usize> {
    QUALITY.get(quality)?.members.iter().position(|member| *member == above)
}

/// The twelve roots of a row that are counted from a pitch class.
fn from_class(row: &[f32; 24], class: usize) -> &[f32; 12] {
    row.get(12_usize.saturating_sub(class)..).and_then(<[f32]>::first_chunk).unwrap_or(&[0.0; 12])
}

fn by_root(of: impl Fn(usize, usize) -> f32) -> ByRoot {
    std::array::from_fn(|quality| std::array::from_fn(|shift| of(quality, (24 - shift) % 12)))
}

/// What stands in a nested table, nothing where it has no such place.
pub(super) fn at<const N: usize, const M: usize>(table: &[[i16; M]; N], row: usize, column: usize) -> f32 {
    table.get(row).and_then(|row| row.get(column)).map_or(0.0, |weight| value(*weight))
}

impl Model {
    pub(super) fn new() -> Self {
        const FOREIGN: usize = 4;
        let of_degree = |table: &[[[i16; QUALITIES]; 12]; 2], quality: usize, key: usize, root: usize| {
            table.get(key / 12).map_or(0.0, |table| at(table, degree(key, root), quality))
        };
        let table = |weights| {
            let mut table: Box<Table<f32>> = Box::new([[[0.0; 12]; QUALITIES]; KEYS]);
            for (key, kinds) in table.iter_mut().enumerate() {
                for (quality, roots) in kinds.iter_mut().enumerate() {
                    *roots = std::array::from_fn(|root| of_degree(weights, quality, key, root));
                }
            }
            table
        };
        let role = |quality, above| member(quality, above).unwrap_or(FOREIGN);
        let missing = |member: usize| w::MISSING.get(member).map_or(0.0, |weight| value(*weight));
        let goal = |goal: usize| {
            std::array::from_fn(|key| {
                let table = goal.checked_sub(1).and_then(|goal| w::GOAL.get(goal));
                std::array::from_fn(|root| table.map_or(0.0, |table| at(table, key / 12, degree(key, root))))
            })
        };
        let by_class = |of: fn(usize, usize) -> f32| {
            std::array::from_fn(|class| std::array::from_fn(|key| of(key / 12, degree(key, class))))
        };
        Model {
            prior: table(&w::PRIOR),
            hold: table(&w::HOLD),
            template: std::array::from_fn(|motion| {
                by_root(|quality, above| {
                    at(&w::TEMPLATE, quality, above) + at(&w::ROLE, motion, role(quality, above))
                })
            }),
            missing: by_root(|quality, above| member(quality, above).map_or(0.0, missing)),
            missing_all: std::array::from_fn(|quality| {
                (0..QUALITY.get(quality).map_or(0, |quality| quality.members.len())).map(missing).sum()
            }),
            bass: by_root(|quality, above| at(&w::BASS, quality, above)),
            goal: std::array::from_fn(goal),
            key_change: std::array::from_fn(|to| std::array::from_fn(|from| key_change(from, to))),
            leaving: std::array::from_fn(|from| {
                std::array::from_fn(|to| if from == to { f32::INFINITY } else { key_change(from, to) })
            }),
            // Major keys from C and minor ones from A have these signatures.
            unsigned: Signature::of(|key| {
                i32::try_from(key % 12).unwrap_or(0) * 7 - if key < 12 { 0 } else { 3 }
            }),
            signatures: (-7..=7).map(|fifths| Signature::of(|_| fifths)).collect(),
            usual: by_class(|mode, degree| key_worth(mode, usual(mode, degree))),
            key_bass: by_class(|mode, degree| at(&w::KEY_BASS, mode, degree)),
        }
    }

    /// What a frame is worth.
    pub(super) fn worth(&self, frame: &Frame) -> Worth<'_> {
        Worth {
            chords: self.chords(frame),
            keys: self.keys(frame),
            weight: frame.weight,
            goal: self.goal(frame),
            change: change(frame),
            key_moment: key_moment(frame),
        }
    }

    /// What a root is worth to each key as the goal that a frame is.
    pub(super) fn goal(&self, frame: &Frame) -> &[[f32; 12]; KEYS] {
        let [none, long, phrase_end] = &self.goal;
        match frame.goal {
            None => none,
            Some(Goal::Long) => long,
            Some(Goal::PhraseEnd) => phrase_end,
        }
    }

    /// The keys under the signature of a frame; each under its own where none is stated.
    fn signature(&self, frame: &Frame) -> &Signature {
        let index = frame.signature.and_then(|fifths| usize::try_from(fifths + 7).ok());
        index.and_then(|index| self.signatures.get(index)).unwrap_or(&self.unsigned)
    }

    /// What each key is worth at the beginning, beside the rest.
    pub(super) fn first(&self, frame: &Frame) -> [f32; KEYS] {
        self.signature(frame).first
    }

    fn chords(&self, frame: &Frame) -> [[f32; 12]; QUALITIES] {
        let mut worth = self.missing_all.map(|missing| [missing; 12]);
        for (class, sound) in frame.sounds.iter().enumerate() {
            let Some(sound) = sound else { continue };
            let Some(template) = self.template.get(sound.motion as usize) else { continue };
            for ((worth, template), missing) in worth.iter_mut().zip(template).zip(&self.missing) {
                let roots = from_class(template, class).iter().zip(from_class(missing, class));
                for (worth, (template, missing)) in worth.iter_mut().zip(roots) {
                    *worth = *worth + sound.share * template - missing;
                }
            }
        }
        if let Some(bass) = frame.bass_class() {
            for (worth, row) in worth.iter_mut().zip(&self.bass) {
                worth.iter_mut().zip(from_class(row, bass)).for_each(|(worth, bass)| *worth += bass);
            }
        }
        worth.map(|roots| roots.map(|worth| frame.weight * worth))
    }

    /// What a frame is worth to each key.
    pub(super) fn keys(&self, frame: &Frame) -> [f32; KEYS] {
        let signature = self.signature(frame);
        // A tonic is spelled as its signature has it, so without one there is nothing to count steps from.
        let spelled = frame.spelled && frame.signature.is_some();
        let mut worth = signature.each;
        for (sound, usual) in frame.sounds.iter().zip(&self.usual) {
            let Some(sound) = sound else { continue };
            let told = if spelled { signature.spelled(sound.fifths).unwrap_or(usual) } else { usual };
            worth.iter_mut().zip(told).for_each(|(worth, told)| *worth += sound.share * told);
        }
        let bass = frame.bass_class().and_then(|bass| self.key_bass.get(bass)).unwrap_or(&[0.0; KEYS]);
        worth.iter_mut().zip(bass).for_each(|(worth, bass)| *worth = (*worth + bass) * frame.weight);
        worth
    }
}

/// What a new chord costs where a frame begins.
pub(super) fn change(frame: &Frame) -> f32 {
    let fresh = w::FRESH.get(frame.fresh.min(3)).map_or(0.0, |weight| value(*weight));
    at(&w::CHANGE, frame.level, usize::from(frame.bass_moves)) + fresh
}

/// What a new key costs where a frame begins, whichever it is.
pub(super) fn key_moment(frame: &Frame) -> f32 {
    let before = match frame.before {
        Before::Plain => 0,
        Before::Long => 1,
        Before::PhraseEnd => 2,
    };
    at(&w::KEY_MOMENT, frame.level, before)
}

/// What a new key costs.
fn key_change(from: usize, to: usize) -> f32 {
    if from == to {
        return 0.0;
    }
    w::KEY_CHANGE.get(from / 12).map_or(0.0, |table| at(table, to / 12, degree(from, to % 12)))
}
