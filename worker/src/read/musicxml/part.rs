//! What is remembered of a part from measure to measure.

use super::clock::{Clock, Span};
use super::waiting::Waiting;
use crate::score::{Rest, Ticks};

/// One part.
#[derive(Debug, Default)]
pub(super) struct Part {
    pub(super) index: u16,
    pub(super) clock: Clock,
    pub(super) voices: Voices,
    pub(super) transposition: Transposition,
    /// The note that a chord would join, and its written length.
    pub(super) last: Option<(Span, i64)>,
    /// Length of a full measure; `None` without a meter.
    pub(super) bar: Bar,
    /// The rests of a measure in which no note has come yet, each with whether it is written as a whole note or longer.
    pub(super) rests: Vec<(Rest, bool)>,
    /// Whether the measure has a note, or so many rests that none shall wait for one.
    pub(super) has_notes: bool,
    /// Words and signs of the note or direction that is being read.
    pub(super) waiting: Waiting,
    /// How long the figures last that came since the last note, in millionths of a division.
    pub(super) figured: i64,
    /// The tempo that it said last, in quarter notes a minute.
    pub(super) tempo: Option<f64>,
    /// Whether it has measures of its own.
    pub(super) begun: bool,
}

/// How long a full measure is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Bar {
    /// No time signature yet.
    #[default]
    Unknown,
    /// Senza misura.
    Free,
    Long(Ticks),
}

impl Bar {
    /// Length of a measure in which nothing stands: a full one, and four quarters where nothing was said.
    pub(super) fn of_empty_measure(self) -> Ticks {
        match self {
            Bar::Unknown => Ticks::quarters(4),
            Bar::Free => Ticks::ZERO,
            Bar::Long(length) => length,
        }
    }

    /// The length, where a time signature says it.
    pub(super) fn stated(self) -> Option<Ticks> {
        match self {
            Bar::Long(length) => Some(length),
            Bar::Unknown | Bar::Free => None,
        }
    }
}

/// How much of a voice's name counts.
const NAME_BYTES: usize = 64;

/// The voices of a part, which have names in the source, by the order in which they come up.
#[derive(Debug, Default)]
pub(super) struct Voices(Vec<Box<[u8]>>);

impl Voices {
    /// Number of a voice from 1; past 255 they share one.
    pub(super) fn number(&mut self, name: &[u8]) -> u8 {
        let name = name.get(..NAME_BYTES).unwrap_or(name);
        let index = self.find(name).unwrap_or_else(|| {
            if self.0.len() < usize::from(u8::MAX) {
                self.0.push(name.into());
            }
            self.0.len().saturating_sub(1)
        });
        u8::try_from(index + 1).unwrap_or(u8::MAX)
    }

    fn find(&self, name: &[u8]) -> Option<usize> {
        self.0.iter().position(|known| **known == *name)
    }

    /// Number of a voice that has come up; 0 for another.
    pub(super) fn known(&self, name: &[u8]) -> u8 {
        let name = name.get(..NAME_BYTES).unwrap_or(name);
        self.find(name).map_or(0, |index| u8::try_from(index + 1).unwrap_or(u8::MAX))
    }
}

/// Semitones from written to sounding pitch, for the part and for staves that differ.
#[derive(Debug, Default)]
pub(super) struct Transposition {
    part: i8,
    staves: Vec<(u8, i8)>,
}

impl Transposition {
    /// Sets one staff, or without a number the whole part.
    pub(super) fn set(&mut self, staff: Option<u8>, semitones: i8) {
        match staff {
            None => {
                self.part = semitones;
                self.staves.clear();
            }
            Some(staff) => {
                self.staves.retain(|&(known, _)| known != staff);
                self.staves.push((staff, semitones));
            }
        }
    }

    /// That of a staff.
    pub(super) fn of(&self, staff: u8) -> i8 {
        self.staves.iter().find(|&&(known, _)| known == staff).map_or(self.part, |&(_, semitones)| semitones)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn voices_are_numbered_as_they_come() {
        let mut voices = Voices::default();
        assert_eq!(["1", "5", "1", "alto"].map(|name| voices.number(name.as_bytes())), [1, 2, 1, 3]);
        for index in 0..400 {
            voices.number(index.to_string().as_bytes());
        }
        assert_eq!(voices.number(b"one more"), 255);
        assert_eq!((voices.known(b"5"), voices.known(b"never")), (2, 0));
    }

    #[test]
    fn a_staff_may_transpose_alone() {
        let mut transposition = Transposition::default();
        transposition.set(None, -2);
        transposition.set(Some(2), -14);
        assert_eq!((transposition.of(1), transposition.of(2)), (-2, -14));
        transposition.set(None, 0);
        assert_eq!(transposition.of(2), 0);
    }
}
