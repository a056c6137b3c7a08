//! What the features are taken from: the notes, chords and rests of each staff, with tied notes as one.

use crate::score::{Note, Pitch, Ticks};
use std::collections::BTreeMap;

/// What something on a staff is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// One note.
    Note,
    /// Several pitches that are struck together.
    Chord,
    /// A note without pitch.
    Unpitched,
    /// A rest.
    Rest,
}

/// Something on a staff.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sound {
    /// Where it begins, in the time by which it is measured: its part's own, or the piece's.
    pub(super) at: Ticks,
    /// How long it lasts, with what is tied to it.
    pub(super) length: Ticks,
    /// The same from the start of its measure, where slices are cut measure by measure; else `at`.
    pub(super) offset: Ticks,
    /// Index of its measure in its part.
    pub(super) measure: u32,
    /// What of its measure it belongs to: a voice, or a line of the staff.
    pub(super) line: u16,
    /// What it is.
    pub(super) kind: Kind,
    /// Whether it takes no time of its own.
    pub(super) grace: bool,
    /// Its first pitch among all, and how many it has.
    pub(super) pitches: (usize, usize),
}

/// A pitch as it is counted, and as it stands in slices.
#[derive(Clone, Copy, Debug)]
pub(super) struct Heard {
    /// In histograms and intervals.
    pub(super) counted: Pitch,
    /// In slices.
    pub(super) sliced: Pitch,
}

/// A staff.
#[derive(Clone, Debug, Default)]
pub(super) struct Staff {
    /// Index of its part.
    pub(super) part: u16,
    /// Which of the voices that are told apart in slices it is: one number for all staves that count as one.
    pub(super) channel: usize,
    /// Whether it is the first of its part, where what is said to the whole part stands.
    pub(super) leads: bool,
    /// What stands on it, by measure, line and time.
    pub(super) sounds: Vec<Sound>,
}

/// All staves of a score.
#[derive(Clone, Debug, Default)]
pub(super) struct Sounds {
    /// The staves in order.
    pub(super) staves: Vec<Staff>,
    /// All pitches, those of a chord together.
    pub(super) heard: Vec<Heard>,
}

impl Sounds {
    /// The pitches of a sound.
    pub(super) fn heard(&self, sound: &Sound) -> &[Heard] {
        let (first, count) = sound.pitches;
        self.heard.get(first..first.saturating_add(count)).unwrap_or_default()
    }

    /// Everything that is no rest, staff by staff.
    pub(super) fn notes(&self) -> impl Iterator<Item = &Sound> {
        self.staves.iter().flat_map(Staff::notes)
    }

    /// Adds the pitches of some notes and says where they are.
    pub(super) fn hear(&mut self, notes: &[&Note], heard: impl Fn(&Note) -> Heard) -> (usize, usize) {
        let first = self.heard.len();
        self.heard.extend(notes.iter().filter(|note| note.is_pitched()).map(|note| heard(note)));
        (first, self.heard.len() - first)
    }
}

impl Staff {
    /// What is no rest.
    pub(super) fn notes(&self) -> impl Iterator<Item = &Sound> {
        self.sounds.iter().filter(|sound| sound.kind != Kind::Rest)
    }
}

impl Sound {
    /// Where it ends.
    pub(super) fn end(&self) -> Ticks {
        self.at + self.length
    }

    /// The order in which music21 finds things of one flat part: by time, grace notes first.
    pub(super) fn flat(&self) -> (Ticks, bool) {
        (self.at, !self.grace)
    }
}

/// Numbers things by their names, in the order of their coming.
#[derive(Debug)]
pub(super) struct Numbers<K>(BTreeMap<K, usize>);

impl<K: Ord> Numbers<K> {
    /// No name yet.
    pub(super) const fn new() -> Self {
        Numbers(BTreeMap::new())
    }

    /// The number of a name.
    pub(super) fn of(&mut self, name: K) -> usize {
        let next = self.0.len();
        *self.0.entry(name).or_insert(next)
    }
}
