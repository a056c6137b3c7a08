//! The columns that are open, and the manipulators that split, join, swap, add and end them.

use super::line::Line;
use crate::score::{Stop, Ticks};
use shared::limits::exceeded;

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// A column that `*+` added and that has not said yet.
    Unsaid,
    /// Something that is no music.
    Other,
    /// Kern, of a part.
    Kern(u16),
}

/// One column.
#[derive(Clone, Copy, Debug)]
pub(super) struct Column {
    pub(super) content: Content,
    /// Voice within the part, from 1, left to right.
    pub(super) voice: u8,
    /// When its last note or rest ends; `None` where that is not known: the column is new.
    pub(super) due: Option<Ticks>,
    /// It had a token since the last barline or manipulator.
    pub(super) active: bool,
    /// Which column of the `**` line it comes from.
    origin: u32,
}

/// The open columns.
#[derive(Default)]
pub(super) struct Spines {
    pub(super) columns: Vec<Column>,
    /// What to go back to if the line after a manipulator has another width than it promised.
    fallback: Vec<Column>,
    spare: Vec<Column>,
    parts: u16,
    origins: u32,
}

/// Whether a line is as wide as there are columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fit {
    /// It is.
    Fits,
    /// It is since the manipulators before it were read in another way.
    Repaired,
    /// It is not.
    Differs,
}

impl Spines {
    /// The columns that a `**` line opens. The right-most kern column is the highest part.
    pub(super) fn open(line: &Line<'_>, spines_max: u64) -> Result<Self, Stop> {
        let mut spines = Spines::default();
        if line.width() as u64 > spines_max {
            return Err(Stop::Failed(exceeded("spines_max", spines_max, Some(line.place(0)))));
        }
        for _ in 0..line.width() {
            let column = spines.fresh(Content::Other, Some(Ticks::ZERO));
            spines.columns.push(column);
        }
        for index in (0..line.width()).rev() {
            let content = spines.content(line, index)?;
            if let Some(column) = spines.columns.get_mut(index) {
                column.content = content;
            }
        }
        spines.number_voices();
        Ok(spines)
    }

    /// How many parts there are, ended ones included.
    pub(super) fn parts(&self) -> u16 {
        self.parts
    }

    /// The kern columns: index, part, column.
    pub(super) fn kern(&self) -> impl Iterator<Item = (usize, u16, &Column)> {
        self.columns.iter().enumerate().filter_map(|(index, column)| match column.content {
            Content::Kern(part) => Some((index, part, column)),
            _ => None,
        })
    }

    /// Holds a line's width against the columns.
    pub(super) fn fit(&mut self, width: usize) -> Fit {
        if width == self.columns.len() {
            self.fallback.clear();
            return Fit::Fits;
        }
        if width != self.fallback.len() {
            return Fit::Differs;
        }
        std::mem::swap(&mut self.columns, &mut self.fallback);
        self.fallback.clear();
        self.number_voices();
        Fit::Repaired
    }

    /// Opens columns for what a line has too many: a split was forgotten, and what is in them is not to be lost. If
    /// the next line is as narrow as before, it was only that line.
    pub(super) fn widen(&mut self, line: &Line<'_>, spines_max: u64) -> Result<(), Stop> {
        if line.width() as u64 > spines_max {
            return Err(Stop::Failed(exceeded("spines_max", spines_max, Some(line.place(0)))));
        }
        if let Some(&last) = self.columns.last()
            && line.width() > self.columns.len()
        {
            self.fallback.clone_from(&self.columns);
            self.columns.resize(line.width(), last);
            self.number_voices();
        }
        Ok(())
    }

    /// Follows a line of manipulators; `remark` hears of those that do nothing, with their column.
    pub(super) fn manipulate(
        &mut self,
        line: &Line<'_>,
        spines_max: u64,
        remark: &mut Vec<(usize, &'static str)>,
    ) -> Result<(), Stop> {
        let mut next = std::mem::take(&mut self.spare);
        let mut other = std::mem::take(&mut self.fallback);
        let mixed = self.follow(line, false, spines_max, remark, &mut next)?;
        if mixed {
            // Neighbours of two spines were joined into one: some writers mean each spine's own.
            self.follow(line, true, spines_max, &mut Vec::new(), &mut other)?;
        }
        let before = std::mem::replace(&mut self.columns, next);
        (self.fallback, self.spare) = if mixed { (other, before) } else { (before, other) };
        self.number_voices();
        Ok(())
    }

    /// Writes what becomes of the columns into `next`; says whether columns of several origins were joined.
    fn follow(
        &mut self,
        line: &Line<'_>,
        by_origin: bool,
        spines_max: u64,
        remark: &mut Vec<(usize, &'static str)>,
        next: &mut Vec<Column>,
    ) -> Result<bool, Stop> {
        next.clear();
        let (mut index, mut mixed) = (0, false);
        while let Some(&column) = self.columns.get(index) {
            match line.cell(index).trim_ascii_end() {
                b"*^" => next.extend([Column { active: false, ..column }; 2]),
                b"*+" => {
                    let added = self.fresh(Content::Unsaid, None);
                    next.extend([column, added]);
                }
                b"*-" => {}
                b"*x" => match self.columns.get(index + 1) {
                    Some(&right) if line.cell(index + 1).trim_ascii_end() == b"*x" => {
                        next.extend([right, column]);
                        index += 1;
                    }
                    _ => {
                        remark.push((index, "*x without a neighbour to swap with"));
                        next.push(column);
                    }
                },
                b"*v" => {
                    let (joined, count, several) = self.join(line, index, by_origin);
                    if count == 1 {
                        remark.push((index, "*v without a neighbour to join"));
                    }
                    mixed |= several;
                    next.push(joined);
                    index += count - 1;
                }
                cell if cell.starts_with(b"**") => {
                    let content = self.content(line, index)?;
                    next.push(Column { content, ..column });
                }
                _ => next.push(column),
            }
            index += 1;
            if next.len() as u64 > spines_max {
                return Err(Stop::Failed(exceeded("spines_max", spines_max, Some(line.place(index)))));
            }
        }
        Ok(mixed)
    }

    /// Joins the run of `*v` that begins at `first`: the joined column, how many it was, whether of several origins.
    fn join(&self, line: &Line<'_>, first: usize, by_origin: bool) -> (Column, usize, bool) {
        let mut run = self.columns.iter().enumerate().skip(first);
        let Some((_, &(mut joined))) = run.next() else { return (Column::UNSAID, 1, false) };
        let (mut count, mut several) = (1, false);
        for (index, column) in run {
            let same = column.origin == joined.origin;
            if line.cell(index).trim_ascii_end() != b"*v" || (by_origin && !same) {
                break;
            }
            several |= !same;
            joined.due = joined.due.max(column.due);
            joined.active |= column.active;
            count += 1;
        }
        (joined, count, several)
    }

    /// What the `**` cell of a column says that it holds.
    fn content(&mut self, line: &Line<'_>, index: usize) -> Result<Content, Stop> {
        if line.cell(index).trim_ascii_end() != b"**kern" {
            return Ok(Content::Other);
        }
        if let Some(Column { content: kern @ Content::Kern(_), .. }) = self.columns.get(index) {
            return Ok(*kern);
        }
        let part = self.parts;
        let Some(parts) = part.checked_add(1) else {
            return Err(Stop::Failed(exceeded("parts_max", u64::from(u16::MAX), Some(line.place(index)))));
        };
        self.parts = parts;
        Ok(Content::Kern(part))
    }

    fn fresh(&mut self, content: Content, due: Option<Ticks>) -> Column {
        self.origins = self.origins.wrapping_add(1);
        Column { content, due, origin: self.origins, ..Column::UNSAID }
    }

    /// Numbers the columns of each part from left to right.
    fn number_voices(&mut self) {
        let mut voices = vec![0_u8; usize::from(self.parts)];
        for column in &mut self.columns {
            if let Content::Kern(part) = column.content
                && let Some(voice) = voices.get_mut(usize::from(part))
            {
                *voice = voice.saturating_add(1);
                column.voice = *voice;
            }
        }
    }
}

impl Column {
    const UNSAID: Column = Column { content: Content::Unsaid, voice: 1, due: None, active: false, origin: 0 };
}
