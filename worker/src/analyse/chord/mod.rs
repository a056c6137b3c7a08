//! What a chord is: root, bass, inversion, quality, and its set class, after music21 `chord.Chord`.

mod classes;
mod name;
mod set;

pub(super) use set::SetClass;

use super::common::even_key;
use crate::score::{Pitch, Step};

/// Pitches that sound together, from the lowest on the staff upwards, each once; at least one.
#[derive(Clone, Debug)]
pub(super) struct Chord<'a> {
    /// The pitches.
    pub(super) pitches: &'a [Pitch],
    /// The root, of the same letters the lowest.
    pub(super) root: Pitch,
    /// The lowest on the staff.
    pub(super) bass: Pitch,
    /// What its pitch classes are.
    pub(super) set: &'static SetClass,
    /// How many letters with their alterations it has.
    pub(super) names: usize,
    /// The lowest pitch that stands so many steps above the root, up to six.
    members: [Option<Pitch>; 7],
}

/// A letter and its alteration: a pitch without its octave.
type Name = (Step, i16);

impl<'a> Chord<'a> {
    /// The chord of some pitches; none of none.
    pub(super) fn of(pitches: &'a [Pitch]) -> Option<Self> {
        let bass = *pitches.first()?;
        let classes = pitches.iter().fold(0, |classes, &pitch| classes | 1 << class(pitch));
        let is_new = |(index, pitch): &(usize, &Pitch)| {
            !pitches.iter().take(*index).any(|&before| name_of(before) == name_of(**pitch))
        };
        let names = pitches.iter().enumerate().filter(is_new).count();
        let (root, mut members) = (root(pitches, bass), [None; 7]);
        for &pitch in pitches {
            if let Some(member) = members.get_mut(steps(root, pitch)) {
                member.get_or_insert(pitch);
            }
        }
        Some(Chord { pitches, root, bass, set: SetClass::of(classes)?, names, members })
    }

    /// The lowest pitch that stands so many steps above the root: 3 for the third, 1 for the root itself.
    pub(super) fn member(&self, step: i32) -> Option<Pitch> {
        self.members.get(usize::try_from(step - 1).ok()?).copied().flatten()
    }

    /// Which member of the chord a pitch is, from 1 to 7.
    pub(super) fn step_of(&self, pitch: Pitch) -> i32 {
        steps(self.root, pitch) as i32 + 1
    }

    /// Cents above the root, within the octave.
    pub(super) fn above_root(&self, pitch: Pitch) -> i32 {
        (pitch.cents() - self.root.cents()).rem_euclid(1200)
    }

    /// Cents from the root to a member, within the octave.
    pub(super) fn height(&self, step: i32) -> Option<i32> {
        self.member(step).map(|pitch| self.above_root(pitch))
    }

    /// 0 with the root in the bass, 1 with the third, 2 with the fifth, up to 6 with the thirteenth.
    pub(super) fn inversion(&self) -> u8 {
        match self.step_of(self.bass) {
            3 => 1,
            5 => 2,
            7 => 3,
            2 => 4,
            4 => 5,
            6 => 6,
            _ => 0,
        }
    }

    /// `major`, `minor`, `diminished`, `augmented`, else `other`; a third alone has its own quality.
    pub(super) fn quality(&self) -> &'static str {
        // Another alteration of root, third or fifth.
        let differs = |pitch: &Pitch| {
            let step = self.step_of(*pitch);
            matches!(step, 1 | 3 | 5) && Some(self.above_root(*pitch)) != self.height(step)
        };
        if self.pitches.iter().any(differs) {
            return "other";
        }
        match (self.height(3), self.height(5)) {
            (Some(400), None | Some(700)) => "major",
            (Some(300), None | Some(700)) => "minor",
            (Some(400), Some(800)) => "augmented",
            (Some(300), Some(600)) => "diminished",
            _ => "other",
        }
    }

    /// Three names: root, third and fifth.
    pub(super) fn is_triad(&self) -> bool {
        self.names == 3 && self.has(&[3, 5])
    }

    /// Four names: root, third, fifth and seventh.
    pub(super) fn is_seventh(&self) -> bool {
        self.names == 4 && self.has(&[3, 5, 7])
    }

    /// Five names: root, second (the ninth), third, fifth and seventh.
    pub(super) fn is_ninth(&self) -> bool {
        self.names == 5 && self.has(&[2, 3, 5, 7])
    }

    fn has(&self, steps: &[i32]) -> bool {
        steps.iter().all(|&step| self.member(step).is_some())
    }

    /// A seventh chord of nothing but these cents above the root.
    pub(super) fn is_seventh_of(&self, heights: [i32; 4]) -> bool {
        self.is_seventh() && self.pitches.iter().all(|&pitch| heights.contains(&self.above_root(pitch)))
    }

    /// A triad of a set class, spelled with this third and fifth in semitones.
    fn is_triad_of(&self, forte: (u8, &str), third: u8, fifth: u8) -> bool {
        let above = |step| self.member(step).map(|pitch| (class(pitch) + 12 - class(self.root)) % 12);
        (self.set.cardinality, self.set.number, self.set.letter) == (3, forte.0, forte.1)
            && self.is_triad()
            && !self.is_respelled()
            && (above(3), above(5)) == (Some(third), Some(fifth))
    }

    pub(super) fn is_major(&self) -> bool {
        self.is_triad_of((11, "B"), 4, 7)
    }

    pub(super) fn is_minor(&self) -> bool {
        self.is_triad_of((11, "A"), 3, 7)
    }

    pub(super) fn is_diminished(&self) -> bool {
        self.is_triad_of((10, ""), 3, 6)
    }

    pub(super) fn is_augmented(&self) -> bool {
        self.is_triad_of((12, ""), 4, 8)
    }

    /// Whether some pitch class has more than one name in it.
    pub(super) fn is_respelled(&self) -> bool {
        usize::from(self.set.cardinality) != self.names
    }

    /// Which augmented sixth chord it is, in any position: `It`, `Fr`, `Ger` or `Sw`.
    pub(super) fn augmented_sixth(&self) -> Option<&'static str> {
        if self.is_respelled() {
            return None;
        }
        let heights = (self.height(3), self.height(5), self.height(7));
        match (self.set.cardinality, self.set.number, self.set.letter, heights) {
            (3, 8, "A", (Some(200), Some(600), _)) => Some("It"),
            (4, 25, "", (Some(400), Some(600), Some(1000))) => Some("Fr"),
            (4, 27, "B", (Some(200), Some(600), Some(900))) => Some("Ger"),
            (4, 27, "B", (Some(300), Some(500), Some(900))) => Some("Sw"),
            _ => None,
        }
    }

    /// One name, a consonant interval (not the fourth), or a major or minor triad that is no six-four.
    pub(super) fn is_consonant(&self) -> bool {
        match self.names {
            1 => true,
            2 => {
                let other = self.pitches.iter().find(|&&pitch| name_of(pitch) != name_of(self.bass));
                let above = other.map(|other| {
                    let steps = (other.diatonic() - self.bass.diatonic()).rem_euclid(7);
                    (steps, (other.cents() - self.bass.cents()).rem_euclid(1200))
                });
                matches!(above, Some((2, 300 | 400) | (4, 700) | (5, 800 | 900)))
            }
            3 => (self.is_major() || self.is_minor()) && self.inversion() != 2,
            _ => false,
        }
    }
}

/// Letter and alteration.
fn name_of(pitch: Pitch) -> Name {
    (pitch.step, pitch.alter)
}

/// Steps from one letter up to the next of another, from 0 to 6.
fn steps(from: Pitch, to: Pitch) -> usize {
    (7 + to.step as usize - from.step as usize) % 7
}

/// The pitch class, from 0 for C.
pub(super) fn class(pitch: Pitch) -> u8 {
    u8::try_from(even_key(pitch.cents()).rem_euclid(12)).unwrap_or(0)
}

/// Steps to third, fifth, seventh, ninth, eleventh and thirteenth, and what each weighs.
const MEMBERS: [(u32, f64); 6] =
    [(2, 1.0 / 6.0), (4, 1.0 / 7.0), (6, 1.0 / 8.0), (1, 1.0 / 9.0), (3, 1.0 / 10.0), (5, 1.0 / 11.0)];

/// The root: of one letter that, of seven the bass, else the one with most of third, fifth, seventh, ninth, eleventh and
/// thirteenth above it, the lower ones weighing more. Thirds that stack up to all others weigh most.
fn root(pitches: &[Pitch], bass: Pitch) -> Pitch {
    let letters = pitches.iter().fold(0_u32, |letters, pitch| letters | 1 << pitch.step as u32);
    if matches!(letters.count_ones(), 1 | 7) {
        return bass;
    }
    let (mut best, mut seen) = ((bass, f64::MIN), 0);
    for &pitch in pitches {
        let step = pitch.step as u32;
        if seen >> step & 1 == 1 {
            continue;
        }
        seen |= 1 << step;
        // The letters turned so that this one is the first.
        let above = (letters << 7 | letters) >> step & 0x7F;
        let there = MEMBERS.iter().filter(|(steps, _)| above >> steps & 1 == 1);
        let weight = there.map(|(_, weight)| weight).sum::<f64>();
        if weight > best.1 {
            best = (pitch, weight);
        }
    }
    best.0
}

#[cfg(test)]
mod tests;
