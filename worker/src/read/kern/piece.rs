//! One piece: from its `**` line to the end of its last spine.

use super::census::Census;
use super::clock::{Clock, begin};
use super::held::{self, Held};
use super::line::Line;
use super::measure::Bar;
use super::parts::Parts;
use super::sections::Sections;
use super::spines::{Column, Content, Fit, Spines, ways};
use super::text::quote;
use super::words::Words;
use super::{chord, signs, token};
use crate::read::{Fidelity, ReadOptions};
use crate::score::{AnnotationKind, Event, EventSink, Stop, Ticks, Unit};
use shared::failure::Failure;
use shared::place::Place;

/// A piece that is being read.
pub(super) struct Piece<'a> {
    options: &'a ReadOptions,
    spines: Spines,
    clock: Clock,
    parts: Parts,
    bar: Bar,
    sections: Sections,
    census: Census,
    pub(super) words: Words,
    held: Held,
    /// Notes, rests and measures that the bytes hold.
    notes: u64,
    rests: u64,
    measures: u64,
    remarks: Vec<(usize, &'static str)>,
    /// Where columns begin and end on a line whose tabs became spaces.
    spaced: Vec<(u32, u32)>,
    fresh: Vec<usize>,
}

/// Tells `sink` of something odd that lost nothing.
pub(super) fn warn(sink: &mut dyn EventSink, place: Place, message: &str) -> Result<(), Stop> {
    sink.event(place, Event::Warning(message))
}

/// Tells `sink` of something that was left out.
pub(super) fn damage(sink: &mut dyn EventSink, place: Place, message: impl Into<String>) -> Result<(), Stop> {
    sink.event(place, Event::Damage(&Failure::malformed(place, message)))
}

impl<'a> Piece<'a> {
    /// The piece that a `**` line opens.
    pub(super) fn open(line: &Line<'_>, options: &'a ReadOptions) -> Result<Self, Stop> {
        let spines = Spines::open(line, options.limits.spines_max)?;
        let mut parts = Parts::default();
        parts.grow(spines.parts());
        Ok(Piece {
            options,
            spines,
            clock: Clock::default(),
            parts,
            bar: Bar::default(),
            sections: Sections::default(),
            census: Census::open(line),
            words: Words::new(options.limits.annotations_max),
            held: Held::default(),
            notes: 0,
            rests: 0,
            measures: 0,
            remarks: Vec::new(),
            spaced: Vec::new(),
            fresh: Vec::new(),
        })
    }

    /// Whether every spine was ended.
    pub(super) fn is_over(&self) -> bool {
        self.spines.columns.is_empty()
    }

    /// Whether a line of nothing but `**` opens the next piece, rather than saying what an added column holds.
    pub(super) fn may_restart(&self) -> bool {
        self.spines.columns.iter().all(|column| column.content != Content::Unsaid)
    }

    /// Takes a comment.
    pub(super) fn comment(&mut self, line: &Line<'_>) -> Result<(), Stop> {
        self.words.comment(line, &self.spines)
    }

    /// Takes a line with columns.
    pub(super) fn line(&mut self, line: &Line<'_>, sink: &mut dyn EventSink) -> Result<(), Stop> {
        let data = line.text.first() != Some(&b'*');
        let structural = !data && line.cells().any(is_manipulator);
        let open = self.spines.columns.len();
        let fit = self.spines.fit(line.width());
        if fit != Fit::Fits {
            self.census.doubt();
        }
        match fit {
            Fit::Fits => {}
            Fit::Repaired => {
                let message = format!("{} columns where the manipulators before leave {open}", line.width());
                damage(sink, line.place(0), message)?;
            }
            Fit::Differs => {
                let message = format!("{} columns where {open} are open", line.width());
                if structural {
                    damage(sink, line.place(0), message)?;
                } else if data && line.text.first() != Some(&b'=') {
                    damage(sink, line.place(0), message)?;
                    self.spines.widen(line, self.options.limits.spines_max)?;
                } else {
                    warn(sink, line.place(0), &message)?;
                }
            }
        }
        if !data {
            self.census.interpretations(line);
            return self.interpretations(line, structural, sink);
        }
        if line.width() == 1 && open > 1 {
            // Tabs that became spaces: the words are the columns, as far as can be told.
            let mut spaced = std::mem::take(&mut self.spaced);
            let result = self.data(&line.cut_at_spaces(&mut spaced), sink);
            self.spaced = spaced;
            return result;
        }
        self.data(line, sink)
    }

    fn interpretations(
        &mut self,
        line: &Line<'_>,
        structural: bool,
        sink: &mut dyn EventSink,
    ) -> Result<(), Stop> {
        for (index, cell) in line.cells().enumerate() {
            let Some(Column { content: Content::Kern(part), .. }) = self.spines.columns.get(index) else {
                continue;
            };
            if !cell.starts_with(b"*") {
                damage(sink, line.place(index), format!("{} among interpretations", quote(cell)))?;
            } else if cell.len() > 1 {
                let place = line.place(index);
                self.parts.interpret(*part, cell, place, sink)?;
                if let Some(label) = self.sections.interpret(cell, place) {
                    self.words.wait(AnnotationKind::Marker, None, label, place)?;
                } else if let Some(words) = signs::words(cell) {
                    self.words.wait(AnnotationKind::Direction, None, words, place)?;
                }
            }
        }
        if let Some(length) = self.parts.take_measure_length() {
            self.clock.measure = length;
        }
        if structural {
            if !line.cells().all(|cell| matches!(cell, b"*-")) && line.cells().any(changes_spines) {
                self.census.doubt();
            }
            let mut remarks = std::mem::take(&mut self.remarks);
            if self.spines.manipulate(line, self.options.limits.spines_max, &mut remarks)? {
                self.census.doubt();
            }
            for (index, message) in remarks.drain(..) {
                warn(sink, line.place(index), message)?;
            }
            self.remarks = remarks;
            self.parts.grow(self.spines.parts());
        }
        Ok(())
    }

    fn data(&mut self, line: &Line<'_>, sink: &mut dyn EventSink) -> Result<(), Stop> {
        let mut fresh = std::mem::take(&mut self.fresh);
        let result = self.data_of(line, &mut fresh, sink);
        self.fresh = fresh;
        result
    }

    fn data_of(
        &mut self,
        line: &Line<'_>,
        fresh: &mut Vec<usize>,
        sink: &mut dyn EventSink,
    ) -> Result<(), Stop> {
        fresh.clear();
        self.census.data(line);
        let (mut bar, mut beside, mut stray) = (false, false, None);
        for (index, (column, cell)) in self.spines.columns.iter().zip(line.cells()).enumerate() {
            match cell {
                b"." | [b'!', ..] => {}
                _ if column.content == Content::Other => {}
                _ if matches!(column.content, Content::Beside(_)) => {
                    beside = true;
                    stray = stray.or((cell.first() == Some(&b'=')).then_some(index));
                }
                _ if column.content == Content::Unsaid => {
                    damage(
                        sink,
                        line.place(index),
                        format!("{} in a column that did not say what it holds", quote(cell)),
                    )?;
                }
                [] => warn(sink, line.place(index), "an empty column: a dot stands for nothing new")?,
                [b'=', ..] => bar = true,
                _ => {
                    let (notes, rests) = token::count(cell);
                    self.notes += notes;
                    self.rests += rests;
                    fresh.push(index);
                }
            }
        }
        if let Some(index) = stray.filter(|_| !bar) {
            warn(sink, line.place(index), "a barline beside the notes, where these have none")?;
        }
        if bar {
            let spanned =
                if self.bar.is_sustained() { self.clock.open_sustained(&self.spines) } else { None };
            if let Some(at) = spanned {
                self.parts.declare(sink)?;
                self.held.tell(false, (self.clock.now, at), sink)?;
                self.measure(at, sink)?;
            }
            self.held.bar();
            return self.bar.line(line, &self.spines, sink);
        }
        if fresh.is_empty() {
            self.bar.sustain();
            if beside {
                self.held.line(line, &self.spines, self.options.limits.annotations_max)?;
            }
            return Ok(());
        }
        self.sound(line, fresh, beside, sink)
    }

    /// Takes a data line on which something begins, in the columns of `fresh`.
    fn sound(
        &mut self,
        line: &Line<'_>,
        fresh: &[usize],
        beside: bool,
        sink: &mut dyn EventSink,
    ) -> Result<(), Stop> {
        let new = self.bar.waits() || !self.bar.has_begun();
        let lasts = |index: usize| token::length(line.cell(index));
        let at = self.clock.line(&self.spines, fresh, new, &lasts);
        let before = self.clock.now;
        let said_at = if new { self.clock.open_measure(at, self.bar.is_sustained()) } else { at };
        if self.bar.missing(&self.spines) > 0 {
            if self.bar.has_begun() {
                self.parts.declare(sink)?;
                self.held.tell(false, (before, said_at), sink)?;
            }
            self.measure(self.clock.bar, sink)?;
        }
        self.parts.declare(sink)?;
        self.held.tell(true, (if new { said_at } else { before }, at), sink)?;
        self.sections.sound();
        self.parts.say_signs(said_at, sink)?;
        self.words.say(said_at, sink)?;
        if beside {
            for (what, cell, mut here) in held::cells(line, &self.spines) {
                here.onset = at;
                what.tell(cell, here, sink)?;
            }
        }
        let mut moves = false;
        for &index in fresh {
            moves |= self.column(line, index, at, sink)?.is_some_and(Ticks::is_positive);
        }
        self.clock.tick(at, moves);
        Ok(())
    }

    /// Makes one part of the spines that say so, before the first is told. To music21 each spine is a part.
    fn settle(&mut self) {
        if self.options.fidelity != Fidelity::Compat
            && let Some(seats) = self.parts.merge()
        {
            self.spines.take_seats(&seats);
            self.words.take_seats(&seats);
            self.held.take_seats(&seats);
        }
    }

    /// Begins a measure in every part.
    fn measure(&mut self, at: Ticks, sink: &mut dyn EventSink) -> Result<(), Stop> {
        self.settle();
        self.words.begin();
        self.measures += self.bar.missing(&self.spines);
        self.parts.declare(sink)?;
        match self.bar.begin(at, &mut self.spines, sink)? {
            Some(part) => self.sections.begin(part, sink),
            None => Ok(()),
        }
    }

    /// Takes one column of a data line; the length of what begins there.
    fn column(
        &mut self,
        line: &Line<'_>,
        index: usize,
        at: Ticks,
        sink: &mut dyn EventSink,
    ) -> Result<Option<Ticks>, Stop> {
        let Some(&column) = self.spines.columns.get(index) else { return Ok(None) };
        let Content::Kern(part) = column.content else { return Ok(None) };
        if let Some(due) = column.due.filter(|&due| due != at) {
            let message =
                format!("what came before in this column ends at {due} quarters, this line begins at {at}");
            warn(sink, line.place(index), &message)?;
        }
        let compat = self.options.fidelity == Fidelity::Compat;
        let length = chord::tell(line, index, &column, at, compat, sink)?;
        if let Some(length) = length {
            self.parts.reach(part, at + length);
            if let Some(column) = self.spines.columns.get_mut(index) {
                begin(column, at + length);
            }
        }
        Ok(length)
    }

    /// Tells that the piece is over, where the input or the next piece says so.
    pub(super) fn close(mut self, place: Place, sink: &mut dyn EventSink) -> Result<(), Stop> {
        self.settle();
        self.parts.declare(sink)?;
        if !self.bar.has_begun() {
            self.parts.say_signs(Ticks::ZERO, sink)?;
        }
        if self.parts.count() > 0 {
            let end = self.parts.end();
            let now = self.clock.now;
            self.held.tell(false, (now, end), sink)?;
            self.held.tell(true, (if self.bar.waits() { end } else { now }, end), sink)?;
            self.words.say(end, sink)?;
        }
        self.parts.close(place, sink)?;
        self.sections.close(place, sink)?;
        let merged = self.options.fidelity != Fidelity::Compat;
        let seen = (u64::from(self.spines.parts()), self.measures);
        let (parts, measures) = self.census.counts(merged).unwrap_or(seen);
        let counts = [
            (Unit::Notes, self.notes),
            (Unit::Rests, self.rests),
            (Unit::Measures, measures),
            (Unit::Parts, parts),
        ];
        for (unit, count) in counts {
            sink.event(place, Event::Declared(unit, count))?;
        }
        sink.event(place, Event::PieceEnd)
    }
}

/// Whether a manipulator does more to the spines than to split one, or to join its columns.
fn changes_spines(cell: &[u8]) -> bool {
    matches!(cell.trim_ascii_end(), b"*x" | b"*+" | b"*-" | [b'*', b'*', ..])
}

fn is_manipulator(cell: &[u8]) -> bool {
    match cell.trim_ascii_end() {
        [b'*', b'^', behind @ ..] => ways(behind).is_some(),
        cell => matches!(cell, b"*v" | b"*x" | b"*+" | b"*-" | [b'*', b'*', ..]),
    }
}
