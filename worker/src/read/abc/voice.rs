//! One voice: its clock, what holds in it, and the measure that is being filled.

use super::barline::Barline;
use super::fields::Metre;
use super::header::Change;
use super::held::{Held, multiple};
use super::teller::Teller;
use super::written::{Head, Length, Member, Reach, Settings, Tuplet};
use crate::score::{Event, Flags, KeySignature, Mark, Meter, Note, Pitch, Rest, Step, Stop, Tempo, Ticks};
use shared::place::Place;
use std::fmt::Write;

/// How much of a measure is held back before the head of it is told.
const HELD_MAX: usize = 4096;

/// How many marks one measure may have.
const MARKS_MAX: usize = 64;

/// A note that a tie leaves, or may.
#[derive(Clone, Copy, Debug)]
struct Tie {
    voice: u8,
    step: Step,
    octave: i8,
    alter: i16,
}

/// One voice of a tune.
#[derive(Debug, Default)]
pub(super) struct Voice {
    part: u16,
    pub(super) settings: Settings,
    pub(super) tuplet: Option<Tuplet>,
    clock: Ticks,
    /// Start of the measure, and the latest end that a finished layer of it reached.
    start: Ticks,
    reached: Ticks,
    /// Layer of the measure, from 1: `&` begins another.
    layer: u8,
    /// The first thing of the measure, once there is one.
    opened: Option<Place>,
    /// The measure was told already, though it is not over.
    told: bool,
    /// Number of the measure; none in the first, whose number its length decides.
    number: Option<u32>,
    held: Vec<Held>,
    /// Where in `held` the last note, chord or rest begins and ends.
    last: (usize, usize),
    /// What broken rhythm makes of the next length: above, and the power of two below.
    broken: Option<(u32, u32)>,
    /// Accidentals of this measure.
    accidentals: Vec<(Step, i8, i16)>,
    ties: Vec<Tie>,
    /// The notes of the last group, and whether a tie leaves them already.
    leaving: Vec<(Tie, bool)>,
    /// As music21 has it: the next note ends a tie.
    tied: bool,
    text: String,
    /// Marks of the measure that is not told yet, each with whether it stands at the end.
    marks: Vec<(Place, bool, Mark)>,
    /// Within an ending.
    in_ending: bool,
}

impl Voice {
    pub(super) fn new(part: u16, compat: bool) -> Self {
        let settings = Settings { compat, ..Settings::default() };
        Voice { part, settings, layer: 1, ..Voice::default() }
    }

    /// The music begins, with what the header says.
    pub(super) fn begin(&mut self, settings: Settings, place: Place) {
        self.take(&Change::Metre(settings.metre.clone()), place);
        self.take(&Change::Key(Some(settings.key), settings.shift), place);
        self.settings = settings;
    }

    /// Something begins to hold.
    pub(super) fn take(&mut self, change: &Change, place: Place) {
        let (onset, part, measure) = (self.clock, self.part, 0);
        match change {
            Change::Metre(metre) => {
                let Metre { beats, unit } = metre.clone();
                self.held.push(Held::Meter(Meter { onset, measure, part, beats, unit, place }));
                self.settings.metre = metre.clone();
            }
            Change::Key(key, shift) => {
                if let Some(key) = *key {
                    let (fifths, mode) = (key.fifths(), key.mode);
                    self.held.push(Held::Key(KeySignature { onset, measure, part, fifths, mode, place }));
                    self.settings.key = key;
                }
                self.settings.shift = shift.or(self.settings.shift);
            }
            Change::Speed(speed) => {
                // music21 takes a bare number for quarters, where the standard counts unit notes.
                let unit = if self.settings.compat { Ticks::quarters(1) } else { self.settings.unit };
                if let Some(quarters_per_minute) = speed.quarters(unit) {
                    self.held.push(Held::Tempo(Tempo { onset, measure, part, quarters_per_minute, place }));
                }
            }
            Change::Unit(unit) => self.settings.unit = *unit,
            Change::Reach(reach) => self.settings.reach = *reach,
        }
    }

    /// A note, a rest or a chord, at `scale` of the lengths of its members.
    pub(super) fn group(
        &mut self,
        members: &[Member],
        scale: Length,
        teller: &mut Teller,
    ) -> Result<(), Stop> {
        let Some(first) = members.first() else { return Ok(()) };
        self.opened.get_or_insert(first.place);
        self.relieve(teller)?;
        let start = self.held.len();
        let (above, below) = self.factors(scale);
        self.leaving.clear();
        let mut clock = self.clock;
        for member in members {
            // music21 gives every member of a chord the length of the first.
            let length = if self.settings.compat { first.length } else { member.length };
            let above = above.saturating_mul(i64::from(length.above));
            let below = below.saturating_mul(i64::from(length.below));
            let (duration, exact) = multiple(self.settings.unit, above, below);
            if self.held.len() == start {
                clock += duration; // The first member rules (standard 2.1, 4.17).
            }
            let flags = Flags::NONE.with_if(!exact, Flags::ROUNDED);
            self.hold(member, duration, flags.with_if(self.held.len() > start, Flags::CHORD));
        }
        self.last = (start, self.held.len());
        self.clock = clock;
        self.resolve_ties(members.len());
        Ok(())
    }

    /// Grace notes: they take no time, and broken rhythm does not see them (standard 2.1, 4.4).
    pub(super) fn grace(&mut self, members: &[Member], teller: &mut Teller) -> Result<(), Stop> {
        let Some(first) = members.first() else { return Ok(()) };
        self.opened.get_or_insert(first.place);
        self.relieve(teller)?;
        for (index, member) in members.iter().enumerate() {
            if let Head::Note { .. } = member.head {
                self.hold(member, Ticks::ZERO, Flags::GRACE.with_if(index > 0, Flags::CHORD));
            }
        }
        Ok(())
    }

    /// Tells the head of a measure that grows without end; what broken rhythm may yet change stays, if it can.
    pub(super) fn relieve(&mut self, teller: &mut Teller) -> Result<(), Stop> {
        match self.held.len() {
            0..HELD_MAX => Ok(()),
            held => self.tell_held(if self.last.0 > 0 { self.last.0.min(held) } else { held }, teller),
        }
    }

    /// Something stands in the measure, though nothing that is told.
    pub(super) fn open(&mut self, place: Place) {
        self.opened.get_or_insert(place);
    }

    /// What the lengths of the next group are multiplied by: broken rhythm, tuplet, and the chord's own length.
    fn factors(&mut self, scale: Length) -> (i64, i64) {
        let (mut above, mut below) = (i64::from(scale.above), i64::from(scale.below));
        if let Some((broken_above, broken_below)) = self.broken.take() {
            above = above.saturating_mul(i64::from(broken_above));
            below = below.saturating_mul(i64::from(broken_below));
        }
        if let Some(tuplet) = &mut self.tuplet {
            above = above.saturating_mul(i64::from(tuplet.above));
            below = below.saturating_mul(i64::from(tuplet.below));
            tuplet.left = tuplet.left.saturating_sub(1);
            if tuplet.left == 0 {
                self.tuplet = None;
            }
        }
        (above, below)
    }

    fn hold(&mut self, member: &Member, duration: Ticks, flags: Flags) {
        let (onset, part, place, voice) = (self.clock, self.part, member.place, self.layer);
        let Head::Note { step, octave, accidental } = member.head else {
            let hidden = matches!(member.head, Head::Rest { hidden: true });
            let flags = flags.with_if(hidden, Flags::HIDDEN);
            self.held.push(Held::Rest(Rest {
                onset,
                duration,
                place,
                measure: 0,
                part,
                flags,
                voice,
                staff: 1,
            }));
            return;
        };
        let octave = octave.saturating_add(i32::from(self.settings.shift.octave.unwrap_or(0)));
        let octave = i8::try_from(octave.clamp(-100, 100)).unwrap_or(0);
        let (alter, comes) = self.alter(step, octave, accidental, flags.has(Flags::GRACE));
        let flags = flags.with_if(comes, Flags::TIE_STOP);
        let leaves = member.tied && !self.settings.compat && !flags.has(Flags::GRACE);
        if !flags.has(Flags::GRACE) {
            self.leaving.push((Tie { voice, step, octave, alter }, leaves));
        }
        self.held.push(Held::Note(Note {
            onset,
            duration,
            place,
            measure: 0,
            written: Pitch { octave, step, alter },
            part,
            flags: flags.with_if(leaves, Flags::TIE_START),
            transpose: self.settings.shift.semitones(),
            voice,
            staff: 1,
        }));
    }

    /// Alteration of a note, and whether a tie comes in to it.
    fn alter(&mut self, step: Step, octave: i8, accidental: Option<i16>, grace: bool) -> (i16, bool) {
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
    fn resolve_ties(&mut self, members: usize) {
        let layer = self.layer;
        self.ties.retain(|tie| tie.voice != layer);
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

    /// Broken rhythm after the last group: it takes `above / below` of its length, what comes next the rest of two.
    /// Says whether there is a group before.
    pub(super) fn broken(&mut self, above: u32, below: u32) -> bool {
        let (start, end) = self.last;
        if start == end {
            return false;
        }
        self.broken = Some((2 * below - above, below));
        let mut change = None;
        for held in self.held.get_mut(start..end).unwrap_or_default() {
            let by = held.scale(i64::from(above), i64::from(below));
            change.get_or_insert(by); // The first member of a chord rules.
        }
        let change = change.unwrap_or_default();
        self.clock += change;
        for held in self.held.get_mut(end..).unwrap_or_default() {
            held.shift(change);
        }
        true
    }

    /// `&`: another layer from the start of the measure.
    pub(super) fn overlay(&mut self) {
        self.reached = self.reached.max(self.clock);
        self.clock = self.start;
        self.layer = self.layer.saturating_add(1);
        self.last = (self.held.len(), self.held.len());
        self.broken = None;
    }

    /// A bar line: what was held is told, and the next note begins a measure.
    pub(super) fn bar(&mut self, teller: &mut Teller) -> Result<(), Stop> {
        if self.opened.is_none() {
            return Ok(());
        }
        self.reached = self.reached.max(self.clock);
        let short = self.settings.metre.length().is_some_and(|full| self.reached - self.start < full);
        self.finish_measure(self.settings.compat || short, teller)
    }

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
            self.mark(Mark::RepeatStart, false, place, teller)?;
        }
        if let Some(numbers) = line.ending {
            self.in_ending = true;
            self.mark(Mark::EndingStart(numbers), false, place, teller)?;
        }
        Ok(())
    }

    /// A mark at the end of the last measure, if there was any.
    fn mark_last(&mut self, mark: Mark, place: Place, teller: &mut Teller) -> Result<(), Stop> {
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

    /// Tells what is held of a measure that is over. `upbeat` says whether it is measure 0, if it is the first.
    fn finish_measure(&mut self, upbeat: bool, teller: &mut Teller) -> Result<(), Stop> {
        if upbeat && self.number.is_none() {
            self.number = Some(0);
        }
        self.reached = self.reached.max(self.clock);
        self.tell_held(self.held.len(), teller)?;
        self.number = self.number.map(|number| number.saturating_add(1));
        (self.clock, self.start) = (self.reached, self.reached);
        (self.opened, self.told, self.layer) = (None, false, 1);
        self.accidentals.clear();
        Ok(())
    }

    /// Measures of rest, `Z4`.
    pub(super) fn rest_measures(
        &mut self,
        count: u32,
        rest: &Member,
        teller: &mut Teller,
    ) -> Result<(), Stop> {
        let length = self.settings.metre.length().unwrap_or(Ticks::quarters(4));
        for _ in 0..count {
            self.bar(teller)?;
            self.opened = Some(rest.place);
            if self.settings.compat {
                continue; // music21 takes no notice of such rests; their measures keep the voices in step.
            }
            self.hold(rest, length, Flags::WHOLE_MEASURE);
            self.clock += length;
        }
        self.last = (self.held.len(), self.held.len());
        self.ties.clear();
        Ok(())
    }

    /// Tells the measure, if it was not yet, and the first `count` of what is held.
    fn tell_held(&mut self, count: usize, teller: &mut Teller) -> Result<(), Stop> {
        if let Some(place) = self.opened.filter(|_| !self.told) {
            self.text.clear();
            // Writing to a string cannot fail.
            let _ = write!(self.text, "{}", self.number.get_or_insert(1));
            teller.tell(place, Event::Measure { part: self.part, onset: self.start, number: &self.text })?;
            self.told = true;
            for (place, at_end, mark) in self.marks.drain(..) {
                teller.tell(place, Event::Mark { part: self.part, at_end, mark })?;
            }
        }
        for held in self.held.drain(..count) {
            held.tell(teller)?;
        }
        self.last = (self.last.0.saturating_sub(count), self.last.1.saturating_sub(count));
        Ok(())
    }

    /// The tune is over.
    pub(super) fn end(&mut self, teller: &mut Teller) -> Result<(), Stop> {
        self.finish_measure(self.settings.compat, teller)?;
        // A da capo behind the last bar line.
        for (place, _, mark) in std::mem::take(&mut self.marks).into_iter().filter(|mark| mark.1) {
            self.mark_last(mark, place, teller)?;
        }
        teller.tell(teller.place(0), Event::PartEnd { part: self.part, end: self.clock })
    }
}
