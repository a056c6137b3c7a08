//! Barlines and the measures between them.

use super::line::Line;
use super::piece::{damage, warn};
use super::spines::Spines;
use super::text::quote;
use crate::score::{Event, EventSink, Mark, Stop, Ticks};
use shared::place::Place;

/// The last barline. Its measure begins when something sounds in it, so that a final barline opens none.
#[derive(Default)]
pub(super) struct Bar {
    waiting: Option<Waiting>,
    begun: bool,
    /// Which parts the last measure began in. The others are new, or come back: a spine's end was a slip.
    within: Vec<bool>,
    /// Number of the measure as it is printed.
    number: String,
    /// Some barline had a number.
    numbered: bool,
    /// Barlines so far that had none.
    unnumbered: u32,
    /// Something that is repeated begins with the next measure.
    repeats: Option<Place>,
}

#[derive(Clone, Copy)]
struct Waiting {
    place: Place,
    /// A line with nothing new stands after it.
    sustained: bool,
}

impl Bar {
    /// Whether a measure has begun.
    pub(super) fn has_begun(&self) -> bool {
        self.begun
    }

    /// Whether a barline waits for something after it.
    pub(super) fn waits(&self) -> bool {
        self.waiting.is_some()
    }

    /// Whether something goes on over the barline that waits.
    pub(super) fn is_sustained(&self) -> bool {
        self.waiting.is_some_and(|waiting| waiting.sustained)
    }

    /// Takes note of a line with nothing new.
    pub(super) fn sustain(&mut self) {
        if let Some(waiting) = &mut self.waiting {
            waiting.sustained = true;
        }
    }

    /// Takes a line of barlines.
    pub(super) fn line(
        &mut self,
        line: &Line<'_>,
        spines: &Spines,
        sink: &mut dyn EventSink,
    ) -> Result<(), Stop> {
        let mut shown = None;
        for (index, ..) in spines.kern() {
            let cell = line.cell(index);
            if cell.first() == Some(&b'=') {
                shown = shown.or(Some((index, cell)));
            } else if !matches!(cell, b"" | b"." | [b'!', ..]) {
                damage(sink, line.place(index), format!("{} among barlines", quote(cell)))?;
            }
        }
        let Some((index, cell)) = shown else { return Ok(()) };
        self.repeat(cell, line.place(index), spines, index, sink)?;
        self.count(cell);
        self.waiting = Some(Waiting { place: line.place(index), sustained: false });
        Ok(())
    }

    /// A colon before the strokes of a barline, `=:|!`, ends what is repeated; one after them, `=!|:`, begins it.
    fn repeat(
        &mut self,
        cell: &[u8],
        place: Place,
        spines: &Spines,
        index: usize,
        sink: &mut dyn EventSink,
    ) -> Result<(), Stop> {
        let is_stroke = |byte: &u8| matches!(byte, b'|' | b'!');
        let colon = memchr::memchr(b':', cell);
        let Some((colon, stroke)) = colon.zip(cell.iter().position(is_stroke)) else { return Ok(()) };
        if cell.iter().skip(stroke).any(|&byte| byte == b':') {
            self.repeats = Some(place);
        }
        let part = spines.kern().find(|kern| kern.0 == index).map_or(0, |kern| kern.1);
        if colon > stroke || !self.begun {
            return Ok(());
        }
        // A part that begins with the next measure has none yet that could end.
        let has_one = self.within.get(usize::from(part)).is_some_and(|&within| within);
        let part = if has_one { part } else { 0 };
        sink.event(place, Event::Mark { part, at_end: true, mark: Mark::RepeatEnd { times: 2 } })
    }

    /// What the next measure is called: the barline's number, else that of the measure before (a repeat sign cuts a
    /// measure in two), else the count of barlines in a piece that has no numbers.
    fn count(&mut self, cell: &[u8]) {
        let start = cell.iter().position(u8::is_ascii_digit).unwrap_or(cell.len());
        let (_, number) = cell.split_at_checked(start).unwrap_or_default();
        let digits = number.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(number.len());
        let rest = number.get(digits..).unwrap_or_default();
        let letter = rest.first().is_some_and(u8::is_ascii_lowercase)
            && !rest.iter().skip(1).any(u8::is_ascii_alphabetic);
        if let Some(text) = number.get(..digits + usize::from(letter)).filter(|text| !text.is_empty()) {
            self.number.clear();
            self.number.extend(text.iter().copied().map(char::from));
            self.numbered = true;
        } else if self.begun && !self.numbered {
            self.unnumbered = self.unnumbered.saturating_add(1);
            self.number = self.unnumbered.to_string();
        }
    }

    /// How many parts there are in which no measure has begun since the last barline.
    pub(super) fn missing(&self, spines: &Spines) -> u64 {
        spines.kern().filter(|&(_, part, column)| column.leads && self.is_missing(part)).count() as u64
    }

    fn is_missing(&self, part: u16) -> bool {
        self.waiting.is_some() || !self.within.get(usize::from(part)).is_some_and(|&within| within)
    }

    /// Begins the measure in the parts that miss it; the first of them. A column that ended too early may go on from
    /// there.
    pub(super) fn begin(
        &mut self,
        onset: Ticks,
        spines: &mut Spines,
        sink: &mut dyn EventSink,
    ) -> Result<Option<u16>, Stop> {
        let place = self.waiting.map_or(Place::START, |waiting| waiting.place);
        // The measure before the first number is an upbeat.
        let number = if self.number.is_empty() { "0" } else { &self.number };
        let mut first = None;
        for (_, part, column) in spines.kern() {
            if column.leads && self.is_missing(part) {
                sink.event(place, Event::Measure { part, onset, number })?;
                first.get_or_insert(part);
            }
        }
        if let Some((part, place)) = first.zip(self.repeats.take()) {
            sink.event(place, Event::Mark { part, at_end: false, mark: Mark::RepeatStart })?;
        }
        if self.waiting.is_some() {
            self.within.clear();
        }
        self.within.resize(usize::from(spines.parts()), false);
        for (_, part, _) in spines.kern() {
            if let Some(within) = self.within.get_mut(usize::from(part)) {
                *within = true;
            }
        }
        (self.begun, self.waiting) = (true, None);
        for column in &mut spines.columns {
            let active = std::mem::take(&mut column.active);
            let Some(due) = column.due.filter(|&due| due < onset) else { continue };
            column.due = Some(onset);
            if active {
                warn(
                    sink,
                    place,
                    &format!("a column ends at {due} quarters, the measure before this at {onset}"),
                )?;
            }
        }
        Ok(first)
    }
}
