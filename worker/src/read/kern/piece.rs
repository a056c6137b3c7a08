//! One piece: from its `**` line to the end of its last spine.

use super::clock::{Clock, begin};
use super::line::Line;
use super::measure::Bar;
use super::parts::Parts;
use super::sections::Sections;
use super::spines::{Column, Content, Fit, Spines};
use super::text::quote;
use super::token::{self, Kind, Token};
use crate::read::{Fidelity, ReadOptions};
use crate::score::{Event, EventSink, Flags, Note, Rest, Stop, Ticks, Unit};
use shared::failure::Failure;
use shared::place::Place;

/// What a note lasts that says nothing of it: chant is written so, and to have an order is better than to have none.
const QUARTER: Ticks = Ticks::quarters(1);

/// A piece that is being read.
pub(super) struct Piece<'a> {
    options: &'a ReadOptions,
    spines: Spines,
    clock: Clock,
    parts: Parts,
    bar: Bar,
    sections: Sections,
    /// Notes, rests and measures that the bytes hold.
    notes: u64,
    rests: u64,
    measures: u64,
    remarks: Vec<(usize, &'static str)>,
    words: Vec<(u32, u32)>,
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
            notes: 0,
            rests: 0,
            measures: 0,
            remarks: Vec::new(),
            words: Vec::new(),
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

    /// Takes a line with columns.
    pub(super) fn line(&mut self, line: &Line<'_>, sink: &mut dyn EventSink) -> Result<(), Stop> {
        let data = line.text.first() != Some(&b'*');
        let structural = !data && line.cells().any(is_manipulator);
        let open = self.spines.columns.len();
        match self.spines.fit(line.width()) {
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
            return self.interpretations(line, structural, sink);
        }
        if line.width() == 1 && open > 1 {
            // Tabs that became spaces: the words are the columns, as far as can be told.
            let mut words = std::mem::take(&mut self.words);
            let result = self.data(&line.cut_at_spaces(&mut words), sink);
            self.words = words;
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
                self.parts.interpret(*part, cell, line.place(index), sink)?;
                self.sections.interpret(cell, line.place(index));
            }
        }
        if let Some(length) = self.parts.take_measure_length() {
            self.clock.measure = length;
        }
        if structural {
            let mut remarks = std::mem::take(&mut self.remarks);
            self.spines.manipulate(line, self.options.limits.spines_max, &mut remarks)?;
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
        let mut bar = false;
        for (index, (column, cell)) in self.spines.columns.iter().zip(line.cells()).enumerate() {
            match cell {
                _ if column.content == Content::Other => {}
                b"." | [b'!', ..] => {}
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
        if bar {
            let spanned =
                if self.bar.is_sustained() { self.clock.open_sustained(&self.spines) } else { None };
            if let Some(at) = spanned {
                self.measure(at, sink)?;
            }
            return self.bar.line(line, &self.spines, sink);
        }
        if fresh.is_empty() {
            self.bar.sustain();
            return Ok(());
        }
        let new = self.bar.waits() || !self.bar.has_begun();
        let at = self.clock.line(&self.spines, fresh, new);
        let said_at = if new { self.clock.open_measure(at, self.bar.is_sustained()) } else { at };
        if self.bar.missing(&self.spines) > 0 {
            self.measure(self.clock.bar, sink)?;
        }
        self.sections.sound();
        self.parts.say_signs(said_at, sink)?;
        let mut moves = false;
        for &mut index in fresh {
            moves |= self.column(line, index, at, sink)?.is_some_and(Ticks::is_positive);
        }
        self.clock.tick(at, moves);
        Ok(())
    }

    /// Begins a measure in every part.
    fn measure(&mut self, at: Ticks, sink: &mut dyn EventSink) -> Result<(), Stop> {
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
        let length = self.members(line, index, (part, column.voice), at, sink)?;
        if let Some(length) = length {
            self.parts.reach(part, at + length);
            if let Some(column) = self.spines.columns.get_mut(index) {
                begin(column, at + length);
            }
        }
        Ok(length)
    }

    /// Tells the notes and rests of one column; the length that the column takes.
    fn members(
        &mut self,
        line: &Line<'_>,
        index: usize,
        (part, voice): (u16, u8),
        at: Ticks,
        sink: &mut dyn EventSink,
    ) -> Result<Option<Ticks>, Stop> {
        let mut taken = None;
        let (mut offset, mut chord) = (0, false);
        for member in line.cell(index).split(|&byte| byte == b' ') {
            let place = line.place_in(index, offset);
            offset += member.len() + 1;
            if member.is_empty() || member == b"." {
                continue;
            }
            let compat = self.options.fidelity == Fidelity::Compat;
            let read = token::parse(member, compat);
            let unsaid = read.duration.is_none() && taken.is_none();
            complain(&read, member, taken, place, sink)?;
            let sounds = matches!(read.kind, Kind::Note(_) | Kind::Rest);
            // To music21 a chord has one length, that of its first note.
            let own = if compat { taken.or(read.duration) } else { read.duration.or(taken) };
            let Some(duration) = own.or(sounds.then_some(QUARTER)) else { continue };
            let flags = read.flags.with_if(unsaid, Flags::ROUNDED);
            match read.kind {
                Kind::Note(written) => {
                    let flags = flags.with_if(chord, Flags::CHORD);
                    let note = Note {
                        onset: at,
                        duration,
                        place,
                        measure: 0,
                        written,
                        part,
                        flags,
                        transpose: 0,
                        voice,
                        staff: 1,
                    };
                    sink.event(place, Event::Note(note))?;
                    chord = true;
                }
                Kind::Rest => {
                    let rest = Rest { onset: at, duration, place, measure: 0, part, flags, voice, staff: 1 };
                    sink.event(place, Event::Rest(rest))?;
                }
                Kind::Space | Kind::Unknown(_) => {}
            }
            taken = taken.filter(|&taken| taken > Ticks::ZERO).or(Some(duration));
        }
        Ok(taken)
    }

    /// Tells that the piece is over, where the input or the next piece says so.
    pub(super) fn close(mut self, place: Place, sink: &mut dyn EventSink) -> Result<(), Stop> {
        self.parts.declare(sink)?;
        if !self.bar.has_begun() {
            self.parts.say_signs(Ticks::ZERO, sink)?;
        }
        self.parts.close(place, sink)?;
        self.sections.close(place, sink)?;
        let parts = u64::from(self.spines.parts());
        let counts = [
            (Unit::Notes, self.notes),
            (Unit::Rests, self.rests),
            (Unit::Measures, self.measures),
            (Unit::Parts, parts),
        ];
        for (unit, count) in counts {
            sink.event(place, Event::Declared(unit, count))?;
        }
        sink.event(place, Event::PieceEnd)
    }
}

/// Says what is wrong with a member of a column, if anything is.
fn complain(
    read: &Token,
    member: &[u8],
    taken: Option<Ticks>,
    place: Place,
    sink: &mut dyn EventSink,
) -> Result<(), Stop> {
    if let Some(doubt) = read.doubt {
        damage(sink, place, format!("{} is {doubt}: the first was read", quote(member)))?;
    }
    match read.kind {
        Kind::Unknown(why) => damage(sink, place, format!("{} is {why}", quote(member))),
        Kind::Space if token::is_bare_space(member) => {
            warn(sink, place, &format!("{} is a duration without a note or a rest", quote(member)))
        }
        Kind::Space => damage(sink, place, format!("{} has a duration and no pitch", quote(member))),
        Kind::Note(_) | Kind::Rest => match (read.duration, taken) {
            (None, None) => {
                warn(sink, place, &format!("{} has no duration: taken for a quarter note", quote(member)))
            }
            (Some(own), Some(taken)) if own != taken && !read.flags.has(Flags::GRACE) => {
                warn(sink, place, &format!("{} has another length than its chord", quote(member)))
            }
            _ => Ok(()),
        },
    }
}

fn is_manipulator(cell: &[u8]) -> bool {
    matches!(cell.trim_ascii_end(), b"*^" | b"*v" | b"*x" | b"*+" | b"*-" | [b'*', b'*', ..])
}
