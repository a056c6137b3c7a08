//! What a chord and a key are worth of what sounds, and what changes of them cost. The numbers were fitted, which
//! `docs/accuracy.md` tells about.

use super::frames::{Before, Frame, Goal};
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

/// Something for each key, each of its roots, and each kind of chord on it: by kind, key, root.
pub(super) type Table<T> = [[[T; 12]; KEYS]; QUALITIES];
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
    /// What a root is worth to each key in a frame that may be a goal.
    goal: [[[f32; 12]; KEYS]; 2],
    /// What a new key costs: by the new one, then the old one; nothing for the same.
    pub(super) key_change: [[f32; KEYS]; KEYS],
    /// The keys under each signature from seven flats to seven sharps.
    signatures: [[Signed; KEYS]; 15],
    /// The keys where no signature is stated.
    unsigned: [Signed; KEYS],
}

/// A key under a signature.
#[derive(Clone, Copy)]
struct Signed {
    /// Its tonic on the line of fifths, spelled as near to the signature as can be.
    tonic: i32,
    /// What it is worth,
    each: f32,
    /// and once more at the beginning.
    first: f32,
}

/// What a frame is worth to chords and keys, and what changes cost there.
pub(super) struct Worth {
    /// By kind and root.
    pub(super) chords: [[f32; 12]; QUALITIES],
    pub(super) keys: [f32; KEYS],
    pub(super) weight: f32,
    /// By key and root.
    pub(super) goal: Option<[[f32; 12]; KEYS]>,
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

fn by_root(of: impl Fn(usize, usize) -> f32) -> ByRoot {
    std::array::from_fn(|quality| std::array::from_fn(|shift| of(quality, (24 - shift) % 12)))
}

/// What stands in a nested table, nothing where it has no such place.
fn at<const N: usize, const M: usize>(table: &[[i16; M]; N], row: usize, column: usize) -> f32 {
    table.get(row).and_then(|row| row.get(column)).map_or(0.0, |weight| value(*weight))
}

impl Model {
    pub(super) fn new() -> Self {
        const FOREIGN: usize = 4;
        let of_degree = |table: &[[[i16; QUALITIES]; 12]; 2], quality: usize, key: usize, root: usize| {
            table.get(key / 12).map_or(0.0, |table| at(table, degree(key, root), quality))
        };
        let table = |weights| {
            let mut table: Box<Table<f32>> = Box::new([[[0.0; 12]; KEYS]; QUALITIES]);
            for (quality, keys) in table.iter_mut().enumerate() {
                for (key, roots) in keys.iter_mut().enumerate() {
                    *roots = std::array::from_fn(|root| of_degree(weights, quality, key, root));
                }
            }
            table
        };
        let role = |quality, above| member(quality, above).unwrap_or(FOREIGN);
        let missing = |member: usize| w::MISSING.get(member).map_or(0.0, |weight| value(*weight));
        let goal = |goal: usize| {
            std::array::from_fn(|key| {
                let table = w::GOAL.get(goal);
                std::array::from_fn(|root| table.map_or(0.0, |table| at(table, key / 12, degree(key, root))))
            })
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
            unsigned: std::array::from_fn(|key| {
                // Major keys from C and minor ones from A have these signatures.
                let fifths = i32::try_from(key % 12).unwrap_or(0) * 7 - if key < 12 { 0 } else { 3 };
                Signed::of(key, fifths)
            }),
            signatures: std::array::from_fn(|index| {
                std::array::from_fn(|key| Signed::of(key, i32::try_from(index).unwrap_or(7) - 7))
            }),
        }
    }

    /// What a frame is worth.
    pub(super) fn worth(&self, frame: &Frame) -> Worth {
        let goal = frame.goal.and_then(|goal| self.goal.get(usize::from(goal == Goal::PhraseEnd)));
        let fresh = w::FRESH.get(frame.fresh.min(3)).map_or(0.0, |weight| value(*weight));
        Worth {
            chords: self.chords(frame),
            keys: keys(frame, self.signed(frame)),
            weight: frame.weight,
            goal: goal.copied(),
            change: at(&w::CHANGE, frame.level, usize::from(frame.bass_moves)) + fresh,
            key_moment: key_moment(frame),
        }
    }

    /// The keys under the signature of a frame; each under its own where none is stated.
    fn signed(&self, frame: &Frame) -> &[Signed; KEYS] {
        let index = frame.signature.and_then(|fifths| usize::try_from(fifths + 7).ok());
        index.and_then(|index| self.signatures.get(index)).unwrap_or(&self.unsigned)
    }

    /// What each key is worth at the beginning, beside the rest.
    pub(super) fn first(&self, frame: &Frame) -> [f32; KEYS] {
        self.signed(frame).map(|signed| signed.first)
    }

    fn chords(&self, frame: &Frame) -> [[f32; 12]; QUALITIES] {
        let mut worth = self.missing_all.map(|missing| [missing; 12]);
        let add = |worth: &mut [[f32; 12]; QUALITIES], table: &ByRoot, class: usize, share: f32| {
            for (worth, table) in worth.iter_mut().zip(table) {
                let table = table.get(12 - class..).unwrap_or_default();
                worth.iter_mut().zip(table).for_each(|(worth, value)| *worth += share * value);
            }
        };
        for (class, sound) in frame.sounds.iter().enumerate() {
            let Some(sound) = sound else { continue };
            if let Some(template) = self.template.get(sound.motion as usize) {
                add(&mut worth, template, class, sound.share);
            }
            add(&mut worth, &self.missing, class, -1.0);
        }
        if let Some(bass) = frame.bass_class() {
            add(&mut worth, &self.bass, bass, 1.0);
        }
        worth.map(|roots| roots.map(|worth| frame.weight * worth))
    }
}

impl Signed {
    fn of(key: usize, signature: i32) -> Self {
        let minor = key >= 12;
        let centre = signature + if minor { 3 } else { 0 };
        let tonic = i32::try_from(key % 12).unwrap_or(0) * 7;
        let off = (tonic - centre).rem_euclid(12);
        let tonic = centre + if off > 6 { off - 12 } else { off };
        let more = usize::try_from((tonic - centre + 6).clamp(0, 12)).unwrap_or(6);
        let mode = usize::from(minor);
        Signed { tonic, each: at(&w::SIGNATURE, mode, more), first: at(&w::FIRST, mode, more) }
    }
}

/// What a frame is worth to each key.
fn keys(frame: &Frame, signed: &[Signed; KEYS]) -> [f32; KEYS] {
    let bass = frame.bass_class();
    // A tonic is spelled as its signature has it, so without one there is nothing to count steps from.
    let spelled = frame.spelled && frame.signature.is_some();
    let mut worth = [0.0; KEYS];
    for (key, (worth, signed)) in worth.iter_mut().zip(signed).enumerate() {
        let mode = key / 12;
        *worth = signed.each;
        for (class, sound) in frame.sounds.iter().enumerate() {
            let Some(sound) = sound else { continue };
            let steps = if spelled { sound.fifths - signed.tonic } else { usual(mode, degree(key, class)) };
            let index = usize::try_from((steps + 8).clamp(0, 19)).unwrap_or(8);
            *worth += sound.share * at(&w::KEY, mode, index);
        }
        *worth += bass.map_or(0.0, |bass| at(&w::KEY_BASS, mode, degree(key, bass)));
        *worth *= frame.weight;
    }
    worth
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

/// How a degree is spelled as a rule: its steps on the line of fifths from the tonic.
fn usual(mode: usize, degree: usize) -> i32 {
    const USUAL: [[i32; 12]; 2] =
        [[0, 7, 2, -3, 4, -1, 6, 1, 8, 3, -2, 5], [0, -5, 2, -3, 4, -1, 6, 1, -4, 3, -2, 5]];
    USUAL.get(mode).and_then(|usual| usual.get(degree)).copied().unwrap_or(0)
}

/// What a new key costs.
fn key_change(from: usize, to: usize) -> f32 {
    if from == to {
        return 0.0;
    }
    w::KEY_CHANGE.get(from / 12).map_or(0.0, |table| at(table, to / 12, degree(from, to % 12)))
}
