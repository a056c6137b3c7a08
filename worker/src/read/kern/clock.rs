//! When a line sounds: the columns that begin something on it say so together.

use super::line::Line;
use super::spines::{Column, Spines};
use crate::score::Ticks;

/// The time of the last line, and what is due when.
#[derive(Default)]
pub(super) struct Clock {
    /// Time of the last line with a note or rest.
    pub(super) now: Ticks,
    /// That line had something with a length: the next one is later.
    moved: bool,
    /// Start of the measure.
    bar: Ticks,
    /// Full length of a measure, where a meter says it.
    pub(super) measure: Option<Ticks>,
}

impl Clock {
    /// When a line with notes sounds: what its columns had before ends then. Where they disagree most of them are
    /// right, and of as many the latest, which overlaps nothing.
    pub(super) fn line(&mut self, spines: &Spines, line: &Line<'_>) -> Ticks {
        let votes = || {
            let begin = spines.kern().filter(|&(index, ..)| is_token(line.cell(index)));
            begin.filter_map(|(_, _, column)| column.due).filter(|&due| self.can_be_next(due))
        };
        let mut all = votes();
        match all.next() {
            Some(first) if all.all(|due| due == first) => first,
            Some(_) => favourite(votes),
            // Nothing that begins here knows when: then here ends the first of what goes on.
            None => {
                let ends = spines.kern().filter_map(|(_, _, column)| column.due);
                ends.filter(|&due| self.can_be_next(due)).min().unwrap_or(self.now)
            }
        }
    }

    /// Takes note that a line sounded, and whether anything in it has a length.
    pub(super) fn tick(&mut self, now: Ticks, moves: bool) {
        self.moved = moves || (self.moved && now == self.now);
        self.now = now;
    }

    /// When a barline stands: where all columns end or, if they do not agree, where the meter says, else most of them.
    pub(super) fn barline(&mut self, spines: &Spines) -> Ticks {
        let dues =
            || spines.kern().filter_map(|(_, _, column)| column.due).filter(|&due| self.can_be_next(due));
        let mut all = dues();
        let at = match all.next() {
            None => self.now,
            Some(first) if all.all(|due| due == first) => first,
            Some(_) => {
                let full = self.measure.map(|measure| self.bar + measure);
                full.filter(|&full| dues().any(|due| due == full)).unwrap_or_else(|| favourite(dues))
            }
        };
        self.bar = at;
        at
    }

    fn can_be_next(&self, due: Ticks) -> bool {
        due > self.now || (due == self.now && !self.moved)
    }
}

/// The value that comes most often, and of those the greatest.
fn favourite<I: Iterator<Item = Ticks>>(values: impl Fn() -> I) -> Ticks {
    let count = |value: Ticks| values().filter(|&other| other == value).count();
    values().max_by_key(|&value| (count(value), value)).unwrap_or_default()
}

/// Whether a cell of a data line holds something that begins there.
pub(super) fn is_token(cell: &[u8]) -> bool {
    !matches!(cell, b"" | b"." | [b'!', ..])
}

/// A column that began something: it ends at `due`.
pub(super) fn begin(column: &mut Column, due: Ticks) {
    column.due = Some(due);
    column.active = true;
}
