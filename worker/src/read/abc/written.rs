//! Notes as they are written, and what holds for them.

use super::fields::Metre;
use super::key::{Key, Shift};
use crate::score::{Step, Ticks};
use shared::place::Place;

/// How far an accidental reaches (standard 2.1, 11.3: `%%propagate-accidentals`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Reach {
    /// Its own note.
    Note,
    /// Notes of the same octave, to the end of the measure.
    Octave,
    /// Notes of that letter in all octaves, to the end of the measure: the standard's default.
    #[default]
    Letter,
}

/// A length as it is written: a multiple of the unit note.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Length {
    pub(super) above: u32,
    pub(super) below: u32,
}

impl Length {
    pub(super) const ONE: Length = Length { above: 1, below: 1 };
}

/// A note or rest as it is written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Member {
    pub(super) place: Place,
    pub(super) head: Head,
    pub(super) length: Length,
    /// A tie is written after it, inside of a chord.
    pub(super) tied: bool,
}

/// What stands in the place of a note.
#[derive(Clone, Copy, Debug)]
pub(super) enum Head {
    Note { step: Step, octave: i32, accidental: Option<i16> },
    Rest { hidden: bool },
}

/// `(p:q:r`: the next `left` notes take `above / below` of their length, those of a tuplet within it too.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tuplet {
    pub(super) above: u32,
    pub(super) below: u32,
    pub(super) left: u32,
    /// One of them was played.
    pub(super) begun: bool,
}

/// What holds for the notes to come.
#[derive(Clone, Debug, Default)]
pub(super) struct Settings {
    pub(super) metre: Metre,
    pub(super) unit: Ticks,
    pub(super) key: Key,
    pub(super) shift: Shift,
    pub(super) reach: Reach,
    /// Read as music21 does.
    pub(super) compat: bool,
}
