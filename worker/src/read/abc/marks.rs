//! Signs that bend the order of playing, and the measures that they stand in.

use super::barline::Barline;
use super::teller::Teller;
use super::voice::Voice;
use crate::score::{Endings, Event, Mark, Stop};
use shared::place::Place;

/// How many marks one measure may have.
const MARKS_MAX: usize = 64;

impl Voice {
    /// What a bar line, which was taken already, does to the order of playing.
    pub(super) fn bend(&mut self, line: &Barline, place: Place, teller: &mut Teller) -> Result<(), Stop> {
        if let Some(times) = line.times {
            self.mark_last(Mark::RepeatEnd { times }, place, teller)?;
            self.in_ending = false;
        }
        if self.in_ending && (line.is_strong || line.starts) {
            self.mark_last(Mark::EndingEnd, place, teller)?;
            self.in_ending = false;
        }
        if line.starts {
            self.last_ending = 0;
            self.mark(Mark::RepeatStart, false, place, teller)?;
        }
        if let Some(numbers) = line.ending {
            self.in_ending = true;
            self.last_ending = numbers.bounds().1;
            self.mark(Mark::EndingStart(numbers), false, place, teller)?;
        }
        Ok(())
    }

    /// The passes of an ending that bears words: those behind the endings before it.
    pub(super) fn next_ending(&self) -> Endings {
        Endings::of([self.last_ending.saturating_add(1)])
    }

    /// `P:` names what begins here, or behind the measure that is open.
    pub(super) fn section(&mut self, number: u16, place: Place, teller: &mut Teller) -> Result<(), Stop> {
        self.mark(Mark::Section(number), self.opened.is_some(), place, teller)
    }

    /// A mark at the end of the last measure, if there was any.
    pub(super) fn mark_last(&mut self, mark: Mark, place: Place, teller: &mut Teller) -> Result<(), Stop> {
        match self.number {
            Some(_) => teller.tell(place, Event::Mark { part: self.part, at_end: true, mark }),
            None => Ok(()),
        }
    }

    /// A mark in the measure that is open or comes next.
    pub(super) fn mark(
        &mut self,
        mark: Mark,
        at_end: bool,
        place: Place,
        teller: &mut Teller,
    ) -> Result<(), Stop> {
        if self.told {
            return teller.tell(place, Event::Mark { part: self.part, at_end, mark });
        }
        // A measure has few of them; what repeats them without end has no measures.
        if self.marks.len() < MARKS_MAX {
            self.marks.push((place, at_end, mark));
        }
        Ok(())
    }
}
