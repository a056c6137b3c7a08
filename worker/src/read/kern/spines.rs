//! The columns that are open, and the manipulators that split, join, swap, add and end them.

use super::beside::Beside;
use super::line::Line;
use crate::score::{Stop, Ticks};
use shared::limits::exceeded;

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// A column that `*+` added and that has not said yet.
    Unsaid,
    /// Something that nobody asks for.
    Other,
    /// Words and signs of the kern that it stands beside.
    Beside(Beside),
    /// Kern, of a part.
    Kern(u16),
}

/// Whose voice a column is, or beside whose it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seat {
    /// Index of the part.
    pub(super) part: u16,
    /// Staff within the part, from 1.
    pub(super) staff: u8,
}

/// One column.
#[derive(Clone, Copy, Debug)]
pub(super) struct Column {
    pub(super) content: Content,
    /// The part and staff; of a column that is no kern, those of the nearest kern to its left, else of the first.
    pub(super) seat: Seat,
    /// Voice within the part, from 1, left to right, each staff after the first from four higher; of a column of
    /// lyrics, its verse.
    pub(super) voice: u8,
    /// It is the first column of its part.
    pub(super) leads: bool,
    /// When its last note or rest ends; `None` where that is not known: the column is new.
    pub(super) due: Option<Ticks>,
    /// It had a token since the last barline or manipulator.
    pub(super) active: bool,
    /// Which column of the `**` line it comes from.
    origin: u32,
    /// Which kern spine it is, in the order in which they were opened.
    spine: u16,
}

/// The open columns.
#[derive(Default)]
pub(super) struct Spines {
    pub(super) columns: Vec<Column>,
    /// What to go back to if the line after a manipulator has another width than it promised.
    fallback: Vec<Column>,
    spare: Vec<Column>,
    parts: u16,
    /// Kern spines so far.
    kerns: u16,
    origins: u32,
    /// Columns seen so far, of each kern spine and of each part.
    seen: (Vec<u8>, Vec<bool>),
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
            let mut column = spines.columns.get(index).copied().unwrap_or(Column::UNSAID);
            spines.name(line, index, &mut column)?;
            if let Some(place) = spines.columns.get_mut(index) {
                *place = column;
            }
        }
        spines.number_voices();
        Ok(spines)
    }

    /// How many parts there are, ended ones included.
    pub(super) fn parts(&self) -> u16 {
        self.parts
    }

    /// Gives each part of so far, in their order, a seat: some are staves of one part.
    pub(super) fn take_seats(&mut self, seats: &[Seat]) {
        for column in self.columns.iter_mut().chain(&mut self.fallback) {
            if let Content::Kern(part) = &mut column.content
                && let Some(&seat) = seats.get(usize::from(*part))
            {
                (*part, column.seat) = (seat.part, seat);
            }
        }
        self.parts = seats.iter().map(|seat| seat.part + 1).max().unwrap_or(self.parts);
        self.number_voices();
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

    /// Follows a line of manipulators; `remark` hears of those that do nothing, with their column. Says whether columns
    /// of several spines were joined.
    pub(super) fn manipulate(
        &mut self,
        line: &Line<'_>,
        spines_max: u64,
        remark: &mut Vec<(usize, &'static str)>,
    ) -> Result<bool, Stop> {
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
        Ok(mixed)
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
                [b'*', b'^', times @ ..] => {
                    let room = usize::try_from(spines_max).unwrap_or(usize::MAX).saturating_add(1);
                    let times = ways(times).unwrap_or(1).min(room);
                    next.extend(std::iter::repeat_n(Column { active: false, ..column }, times));
                }
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
                    let mut column = column;
                    self.name(line, index, &mut column)?;
                    next.push(column);
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

    /// Takes what the `**` cell of a column says that it holds.
    fn name(&mut self, line: &Line<'_>, index: usize, column: &mut Column) -> Result<(), Stop> {
        let cell = line.cell(index).trim_ascii_end();
        if cell != b"**kern" {
            column.content = Beside::of(cell).map_or(Content::Other, Content::Beside);
            return Ok(());
        }
        if matches!(column.content, Content::Kern(_)) {
            return Ok(());
        }
        let (part, spine) = (self.parts, self.kerns);
        let (Some(parts), Some(kerns)) = (part.checked_add(1), spine.checked_add(1)) else {
            return Err(Stop::Failed(exceeded("parts_max", u64::from(u16::MAX), Some(line.place(index)))));
        };
        (self.parts, self.kerns) = (parts, kerns);
        (column.content, column.spine, column.seat) = (Content::Kern(part), spine, Seat { part, staff: 1 });
        Ok(())
    }

    fn fresh(&mut self, content: Content, due: Option<Ticks>) -> Column {
        self.origins = self.origins.wrapping_add(1);
        Column { content, due, origin: self.origins, ..Column::UNSAID }
    }

    /// Numbers the columns of each kern spine from left to right, and seats those beside them.
    fn number_voices(&mut self) {
        let (voices, led) = &mut self.seen;
        voices.clear();
        voices.resize(usize::from(self.kerns), 0);
        led.clear();
        led.resize(usize::from(self.parts), false);
        let is_kern = |column: &&Column| matches!(column.content, Content::Kern(_));
        let mut seat = self.columns.iter().find(is_kern).map_or(Seat::FIRST, |column| column.seat);
        let mut verses = 0_u8;
        for column in &mut self.columns {
            match column.content {
                Content::Kern(part) => {
                    (seat, verses) = (column.seat, 0);
                    if let Some(voice) = voices.get_mut(usize::from(column.spine)) {
                        *voice = voice.saturating_add(1);
                        let lower = (seat.staff - 1).saturating_mul(VOICES_OF_A_STAFF);
                        column.voice = voice.saturating_add(lower);
                    }
                    let led = led.get_mut(usize::from(part));
                    column.leads = led.is_some_and(|led| !std::mem::replace(led, true));
                    continue;
                }
                Content::Beside(Beside::Lyric) => {
                    verses = verses.saturating_add(1);
                    column.voice = verses;
                }
                _ => {}
            }
            column.seat = seat;
        }
    }
}

/// Into how many columns `*^` and what stands behind it split one.
pub(super) fn ways(behind: &[u8]) -> Option<usize> {
    match behind {
        [] => Some(2),
        digits => std::str::from_utf8(digits).ok()?.parse().ok().filter(|&ways| ways > 1),
    }
}

/// The numbers of voices that each staff of a part has to itself, as in MusicXML.
const VOICES_OF_A_STAFF: u8 = 4;

impl Seat {
    /// The first staff of the first part.
    pub(super) const FIRST: Seat = Seat { part: 0, staff: 1 };
}

impl Column {
    const UNSAID: Column = Column {
        content: Content::Unsaid,
        seat: Seat::FIRST,
        voice: 1,
        leads: false,
        due: None,
        active: false,
        origin: 0,
        spine: 0,
    };
}
