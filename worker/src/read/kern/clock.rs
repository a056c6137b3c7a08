//! When a line sounds: the columns that begin something on it say so together.

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
    pub(super) bar: Ticks,
    /// Full length of a measure, where a meter says it.
    pub(super) measure: Option<Ticks>,
}

impl Clock {
    /// When a line with notes sounds: what its columns had before ends then. Where they disagree the meter knows, if
    /// a measure begins here; else most of them are right, and of as many the latest, which overlaps nothing.
    /// `fresh` are the columns in which something begins, and `lasts` how long it is there.
    pub(super) fn line(
        &self,
        spines: &Spines,
        fresh: &[usize],
        after_bar: bool,
        lasts: &dyn Fn(usize) -> Ticks,
    ) -> Ticks {
        let votes = || {
            let dues = fresh.iter().filter_map(|&index| spines.columns.get(index)?.due);
            dues.filter(|&due| self.can_be_next(due))
        };
        let mut all = votes();
        match all.next() {
            Some(first) if all.all(|due| due == first) => first,
            Some(_) => {
                let full = self.full().filter(|&full| after_bar && votes().any(|due| due == full));
                full.unwrap_or_else(|| favourite(votes))
            }
            // All was due on the last line, where these columns had nothing: a moment that is written on two lines.
            None if fresh.iter().all(|&index| self.was_due(spines, index)) => self.now,
            // Nothing that begins here knows when: then here ends the first of what goes on, or what is new ends with it.
            None => {
                let ends = spines.kern().filter_map(|(_, _, column)| column.due);
                let end = ends.filter(|&due| self.can_be_next(due)).min().unwrap_or(self.now);
                let is_new = |&index: &usize| spines.columns.get(index).is_some_and(|new| new.due.is_none());
                let length = fresh.iter().map(|&index| lasts(index)).max().unwrap_or_default();
                let floats = fresh.iter().all(is_new).then_some(end - length);
                floats.filter(|&at| self.can_be_next(at)).unwrap_or(end)
            }
        }
    }

    /// Takes note that a line sounded, and whether anything in it has a length.
    pub(super) fn tick(&mut self, now: Ticks, moves: bool) {
        self.moved = moves || (self.moved && now == self.now);
        self.now = now;
    }

    /// Where the meter says that this measure ends.
    fn full(&self) -> Option<Ticks> {
        let full = self.bar + self.measure?;
        (full >= self.now).then_some(full)
    }

    /// Since when the measure lasts in which the line at `first` is the first to begin something. A line of nothing
    /// new may stand before it: then notes go on over the barline, and only the meter knows where that is.
    pub(super) fn open_measure(&mut self, first: Ticks, sustained: bool) -> Ticks {
        let full = self.full().filter(|&full| sustained && full < first);
        self.bar = full.unwrap_or(first);
        self.bar
    }

    /// Since when a measure lasts in which nothing begins, if something goes on through it.
    pub(super) fn open_sustained(&mut self, spines: &Spines) -> Option<Ticks> {
        let full = self.full().filter(|&full| spines.kern().any(|(.., column)| column.due > Some(full)))?;
        self.bar = full;
        Some(full)
    }

    /// Whether what a column had before ended where the last line is.
    fn was_due(&self, spines: &Spines, index: usize) -> bool {
        spines.columns.get(index).is_some_and(|column| column.due == Some(self.now))
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

/// A column that began something: it ends at `due`.
pub(super) fn begin(column: &mut Column, due: Ticks) {
    column.due = Some(due);
    column.active = true;
}
