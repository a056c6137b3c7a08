//! What a note takes from those before it: accidentals and ties (standard 2.1, 4.2 and 4.11).

use super::held::Held;
use super::voice::Voice;
use super::written::Reach;
use crate::score::{Flags, Step};

/// A note that a tie leaves, or may.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tie {
    pub(super) voice: u8,
    pub(super) step: Step,
    pub(super) octave: i8,
    pub(super) alter: i16,
}

impl Voice {
    /// Alteration of a note, and whether a tie comes in to it.
    #[inline]
    pub(super) fn alter(
        &mut self,
        step: Step,
        octave: i8,
        accidental: Option<i16>,
        grace: bool,
    ) -> (i16, bool) {
        let layer = self.layer;
        let mut ties = self.ties.iter();
        let tie = ties.find(|tie| !grace && tie.voice == layer && tie.step == step && tie.octave == octave);
        let reach = self.settings.reach;
        let same = |&&(other, height, _): &&(Step, i8, i16)| {
            other == step && (reach == Reach::Letter || height == octave)
        };
        let Some(alter) = accidental else {
            let carried = self.accidentals.iter().rev().find(same).map(|&(_, _, alter)| alter);
            let key = carried.unwrap_or_else(|| self.settings.key.alter(step));
            return (tie.map_or(key, |tie| tie.alter), tie.is_some());
        };
        let comes = tie.is_some_and(|tie| tie.alter == alter);
        if reach != Reach::Note {
            self.accidentals.retain(|entry| !same(&entry));
            self.accidentals.push((step, octave, alter));
        }
        (alter, comes)
    }

    /// The ties that led to the group just held are over, those that its members bear begin.
    pub(super) fn resolve_ties(&mut self, members: usize) {
        let layer = self.layer;
        if !self.ties.is_empty() {
            self.ties.retain(|tie| tie.voice != layer);
        }
        let leaving = self.leaving.iter().filter(|(_, leaves)| *leaves).map(|(tie, _)| *tie);
        self.ties.extend(leaving);
        // music21 ends a tie at whatever note comes next, and knows none at chords.
        let tied = std::mem::take(&mut self.tied) && members == 1;
        if let Some(Held::Note(note)) = self.held.get_mut(self.last.0).filter(|_| tied) {
            note.flags = note.flags.with(Flags::TIE_STOP);
        }
    }

    /// A tie after the last note or chord. Says whether there is one for it to leave.
    pub(super) fn tie(&mut self) -> bool {
        let (start, end) = self.last;
        if self.settings.compat {
            self.tied = true;
            if end - start > 1 {
                return true;
            }
        } else {
            let leaving = self.leaving.drain(..).filter(|(_, leaves)| !leaves).map(|(tie, _)| tie);
            self.ties.extend(leaving);
        }
        let mut found = false;
        for held in self.held.get_mut(start..end).unwrap_or_default() {
            if let Held::Note(note) = held {
                note.flags = note.flags.with(Flags::TIE_START);
                found = true;
            }
        }
        found
    }
}
