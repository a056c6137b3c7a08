//! What stands beside kern on lines on which no note begins: when that is, the next note tells.

use super::beside::Beside;
use super::line::Line;
use super::spines::{Content, Seat, Spines};
use crate::score::{Annotation, AnnotationKind, EventSink, Stop, Ticks};
use shared::limits::exceeded;

/// Cells that wait for their time.
#[derive(Default)]
pub(super) struct Held {
    cells: Vec<Cell>,
    /// Lines of them since the last note or barline, and before that barline.
    lines: (u32, u32),
    /// How many of the cells stand before the last barline.
    before_bar: usize,
}

struct Cell {
    what: Beside,
    text: Box<[u8]>,
    at: Annotation,
    /// Which of the lines on its side of the barline it stands on, from 1.
    line: u32,
}

/// The cells of a line that hold words and signs beside kern, each with its moment still unsaid.
pub(super) fn cells<'a>(
    line: &'a Line<'a>,
    spines: &'a Spines,
) -> impl Iterator<Item = (Beside, &'a [u8], Annotation)> {
    spines.columns.iter().enumerate().filter_map(|(index, column)| {
        let Content::Beside(what) = column.content else { return None };
        let cell = line.cell(index);
        if matches!(cell, b"" | b"." | [b'!' | b'=', ..]) {
            return None;
        }
        // Its kind is said when it is told.
        let kind = AnnotationKind::Lyric;
        let mut at = Annotation::new(kind, column.seat.part, Ticks::ZERO, line.place(index));
        at.staff = column.seat.staff;
        at.number = if what == Beside::Lyric { column.voice } else { 1 };
        Some((what, cell, at))
    })
}

impl Held {
    /// Takes a line on which no note begins.
    pub(super) fn line(&mut self, line: &Line<'_>, spines: &Spines, most: u64) -> Result<(), Stop> {
        let before = self.cells.len();
        for (what, text, at) in cells(line, spines) {
            if self.cells.len() as u64 >= most {
                return Err(Stop::Failed(exceeded("annotations_max", most, Some(at.place))));
            }
            self.cells.push(Cell { what, text: text.into(), at, line: self.lines.0.saturating_add(1) });
        }
        self.lines.0 = self.lines.0.saturating_add(u32::from(self.cells.len() > before));
        Ok(())
    }

    /// Gives those that wait the seats of [`Spines::take_seats`].
    pub(super) fn take_seats(&mut self, seats: &[Seat]) {
        for Cell { at, .. } in &mut self.cells {
            if let Some(seat) = seats.get(usize::from(at.part)) {
                (at.part, at.staff) = (seat.part, seat.staff);
            }
        }
    }

    /// A barline stands after those so far.
    pub(super) fn bar(&mut self) {
        self.before_bar = self.cells.len();
        self.lines = (0, self.lines.1.saturating_add(self.lines.0));
    }

    /// Tells those before the last barline, or all: their lines part the time `from` the last line with a note `to`
    /// the next one evenly.
    pub(super) fn tell(
        &mut self,
        all: bool,
        (from, to): (Ticks, Ticks),
        sink: &mut dyn EventSink,
    ) -> Result<(), Stop> {
        if self.cells.is_empty() {
            return Ok(());
        }
        let count = if all { self.cells.len() } else { self.before_bar.min(self.cells.len()) };
        let parts = i128::from(if all { self.lines.0 } else { self.lines.1 }) + 1;
        let length = i128::from((to - from).0.max(0));
        for mut cell in self.cells.drain(..count) {
            let offset = i64::try_from(length * i128::from(cell.line).min(parts) / parts).unwrap_or(0);
            cell.at.onset = from + Ticks(offset);
            cell.what.tell(&cell.text, cell.at, sink)?;
        }
        self.before_bar = 0;
        self.lines.1 = 0;
        if all {
            *self = Held { cells: std::mem::take(&mut self.cells), ..Held::default() };
        }
        Ok(())
    }
}
