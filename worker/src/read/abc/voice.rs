//! One voice: its clock, what holds in it, and the measure that is being filled.

use super::annotate::Pending;
use super::fields::Metre;
use super::header::Change;
use super::held::{Held, multiple};
use super::overlay::Lay;
use super::teller::Teller;
use super::ties::Tie;
use super::words::Song;
use super::written::{Head, Length, Member, Settings, Tuplet};
use crate::score::{
    AnnotationKind, Event, Flags, KeySignature, Mark, Meter, Note, Pitch, Rest, Step, Stop, Tempo, Ticks,
};
use shared::place::Place;

/// How much of a measure is held back before the head of it is told.
const HELD_MAX: usize = 4096;

/// Up to how many notes or measures the room of a voice is kept for the next tune.
const ROOM_KEPT: usize = 1024;

/// One voice of a tune.
#[derive(Debug, Default)]
pub(super) struct Voice {
    pub(super) part: u16,
    pub(super) settings: Settings,
    /// The semitones of the settings' shift.
    transpose: i8,
    /// The tuplets that the next note stands in, from the outermost.
    tuplets: Vec<Tuplet>,
    pub(super) clock: Ticks,
    /// Start of the measure, and the latest end that a finished layer of it reached.
    pub(super) start: Ticks,
    pub(super) reached: Ticks,
    /// Layer of the measure, from 1: `&` begins another.
    pub(super) layer: u8,
    pub(super) lay: Lay,
    /// The first thing of the measure, once there is one.
    pub(super) opened: Option<Place>,
    /// The measure was told already, though it is not over.
    pub(super) told: bool,
    /// Number of the measure; none in the first, whose number its length decides.
    pub(super) number: Option<u32>,
    pub(super) held: Vec<Held>,
    /// Notes of `held` that are told together.
    run: Vec<Note>,
    /// What waits for the next note, and its texts and those of `held`.
    pub(super) pending: Vec<Pending>,
    pub(super) words: String,
    /// Where the slurs began that are open.
    pub(super) slurs: Vec<Place>,
    pub(super) song: Song,
    /// Where in `held` the last note, chord or rest begins and ends.
    pub(super) last: (usize, usize),
    /// What broken rhythm makes of the next length: above, and the power of two below.
    pub(super) broken: Option<(u32, u32)>,
    /// Accidentals of this measure.
    pub(super) accidentals: Vec<(Step, i8, i16)>,
    pub(super) ties: Vec<Tie>,
    /// The notes of the last group, and whether a tie leaves them already.
    pub(super) leaving: Vec<(Tie, bool)>,
    /// As music21 has it: the next note ends a tie.
    pub(super) tied: bool,
    /// Marks of the measure that is not told yet, each with whether it stands at the end.
    pub(super) marks: Vec<(Place, bool, Mark)>,
    /// Within an ending.
    pub(super) in_ending: bool,
    /// The last number of the endings so far.
    pub(super) last_ending: u8,
    /// A program was told.
    pub(super) has_program: bool,
}

impl Voice {
    pub(super) fn new(part: u16, compat: bool) -> Self {
        let settings = Settings { compat, ..Settings::default() };
        Voice { part, settings, layer: 1, ..Voice::default() }
    }

    /// A voice that takes over the room of this one, which is over, and nothing else.
    pub(super) fn renewed(mut self, part: u16, compat: bool) -> Self {
        self.held.clear();
        self.pending.clear();
        self.words.clear();
        self.accidentals.clear();
        self.ties.clear();
        self.leaving.clear();
        self.song.clear();
        self.lay.clear();
        let Voice { held, run, pending, words, song, accidentals, ties, leaving, lay, .. } = self;
        Voice { held, run, pending, words, song, accidentals, ties, leaving, lay, ..Voice::new(part, compat) }
    }

    /// Whether the room that it takes is that of a tune, so that it may be kept for the next one.
    pub(super) fn is_small(&self) -> bool {
        let texts = self.words.capacity() <= ROOM_KEPT * 4;
        texts && self.held.capacity().max(self.lay.starts.capacity()).max(self.song.room()) <= ROOM_KEPT
    }

    /// The music begins, with what the header says.
    pub(super) fn begin(&mut self, settings: Settings, place: Place) {
        self.take(&Change::Metre(settings.metre.clone()), place);
        self.take(&Change::Key(Some(settings.key), settings.shift), place);
        self.transpose = settings.shift.semitones();
        self.settings = settings;
    }

    /// The program that plays the voice.
    pub(super) fn program(&mut self, program: u8, place: Place, teller: &mut Teller) -> Result<(), Stop> {
        self.has_program = true;
        teller.tell(place, Event::Instrument { part: self.part, name: None, program: Some(program) })
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
            Change::Raise(by) => self.settings.shift.raise(*by),
        }
        self.transpose = self.settings.shift.semitones();
    }

    /// A note or rest that stands alone. Nearly all are notes that nothing bears on but the key and the accidentals before:
    /// for them this does what [`Voice::group`] does, with nothing to look for.
    pub(super) fn single(&mut self, member: &Member, teller: &mut Teller) -> Result<(), Stop> {
        let Head::Note { step, octave, accidental } = member.head else {
            return self.group(std::slice::from_ref(member), Length::ONE, teller);
        };
        let is_bare = self.tuplets.is_empty() && self.broken.is_none() && self.ties.is_empty();
        if !is_bare || self.lay.behind > 0 || self.settings.compat {
            return self.group(std::slice::from_ref(member), Length::ONE, teller);
        }
        self.opened.get_or_insert(member.place);
        self.relieve(teller)?;
        if !self.pending.is_empty() {
            self.settle(|_| true);
        }
        self.song.note(self.clock, self.lay.measure(), self.layer);
        let (above, below) = (i64::from(member.length.above), i64::from(member.length.below));
        let (duration, exact) = multiple(self.settings.unit, above, below);
        let octave = self.octave(octave);
        let (alter, _) = self.alter(step, octave, accidental, false);
        self.leaving.clear();
        self.leaving.push((Tie { voice: self.layer, step, octave, alter }, false));
        let flags = Flags::NONE.with_if(!exact, Flags::ROUNDED);
        let written = Pitch { octave, step, alter };
        let start = self.held.len();
        self.hold_note(written, member.place, duration, flags);
        self.last = (start, self.held.len());
        self.clock += duration;
        Ok(())
    }

    /// A note, a rest or a chord, at `scale` of the lengths of its members.
    pub(super) fn group(
        &mut self,
        members: &[Member],
        scale: Length,
        teller: &mut Teller,
    ) -> Result<(), Stop> {
        let Some(first) = members.first() else { return Ok(()) };
        self.open(first.place);
        self.relieve(teller)?;
        if !self.pending.is_empty() {
            self.settle(|_| true);
        }
        if members.iter().any(|member| matches!(member.head, Head::Note { .. })) {
            self.song.note(self.clock, self.lay.measure(), self.layer);
        }
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
        let first = members.iter().find(|member| matches!(member.head, Head::Note { .. }));
        let Some(first) = first else { return Ok(()) };
        self.open(first.place);
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
        if self.lay.behind > 0 {
            self.lay.opened = true;
        } else {
            self.opened.get_or_insert(place);
        }
    }

    /// What the lengths of the next group are multiplied by: broken rhythm, tuplet, and the chord's own length.
    fn factors(&mut self, scale: Length) -> (i64, i64) {
        let (mut above, mut below) = (i64::from(scale.above), i64::from(scale.below));
        if self.tuplets.is_empty() && self.broken.is_none() {
            return (above, below);
        }
        if let Some((broken_above, broken_below)) = self.broken.take() {
            above = above.saturating_mul(i64::from(broken_above));
            below = below.saturating_mul(i64::from(broken_below));
        }
        for tuplet in &mut self.tuplets {
            above = above.saturating_mul(i64::from(tuplet.above));
            below = below.saturating_mul(i64::from(tuplet.below));
            tuplet.left = tuplet.left.saturating_sub(1);
            tuplet.begun = true;
        }
        // One within another has no more notes left than that.
        while self.tuplets.last().is_some_and(|tuplet| tuplet.left == 0) {
            self.tuplets.pop();
        }
        (above, below)
    }

    /// A tuplet begins: within the one that is open, if it has room for it. Says whether one had to end before its time.
    pub(super) fn tuplet(&mut self, tuplet: Tuplet) -> bool {
        let open = self.tuplets.len();
        // Written twice at one note, it is one.
        let has_room = |outer: &Tuplet| outer.left > tuplet.left || outer.begun && outer.left == tuplet.left;
        self.tuplets.retain(|outer| has_room(outer) && !self.settings.compat);
        self.tuplets.push(tuplet);
        self.tuplets.len() <= open && !self.settings.compat
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
        let octave = self.octave(octave);
        let (alter, comes) = self.alter(step, octave, accidental, flags.has(Flags::GRACE));
        let leaves = member.tied && !self.settings.compat && !flags.has(Flags::GRACE);
        if !flags.has(Flags::GRACE) {
            self.leaving.push((Tie { voice, step, octave, alter }, leaves));
        }
        let flags = flags.with_if(comes, Flags::TIE_STOP).with_if(leaves, Flags::TIE_START);
        self.hold_note(Pitch { octave, step, alter }, place, duration, flags);
    }

    /// The octave that is meant, where `octave=` or a clef moves it.
    fn octave(&self, octave: i32) -> i8 {
        let octave = octave.saturating_add(i32::from(self.settings.shift.octave.unwrap_or(0)));
        i8::try_from(octave.clamp(-100, 100)).unwrap_or(0)
    }

    fn hold_note(&mut self, written: Pitch, place: Place, duration: Ticks, flags: Flags) {
        let drums = self.settings.shift.drums == Some(true);
        self.held.push(Held::Note(Note {
            onset: self.clock,
            duration,
            place,
            measure: 0,
            written,
            part: self.part,
            flags: flags.with_if(drums, Flags::UNPITCHED),
            transpose: self.transpose,
            voice: self.layer,
            staff: 1,
        }));
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
        let before = self.clock;
        self.clock += change;
        for held in self.held.get_mut(end..).unwrap_or_default() {
            // The end of a slur stays at its note.
            if held.onset() >= before {
                held.shift(change);
            }
        }
        true
    }

    /// A bar line: what was held is told, and the next note begins a measure. Says whether the voice came to it for the
    /// first time.
    pub(super) fn bar(&mut self, teller: &mut Teller) -> Result<bool, Stop> {
        if self.lay.behind > 0 {
            self.lay_bar(teller)?;
            return Ok(false);
        }
        if self.opened.is_none() {
            return Ok(true);
        }
        if !self.pending.is_empty() {
            self.settle(|kind| !matches!(kind, AnnotationKind::ChordSymbol | AnnotationKind::Slur));
        }
        self.reached = self.reached.max(self.clock);
        let short = self.settings.metre.length().is_some_and(|full| self.reached - self.start < full);
        self.finish_measure(self.settings.compat || short, teller)?;
        Ok(true)
    }

    /// Tells what is held of a measure that is over. `upbeat` says whether it is measure 0, if it is the first.
    pub(super) fn finish_measure(&mut self, upbeat: bool, teller: &mut Teller) -> Result<(), Stop> {
        if upbeat && self.number.is_none() {
            self.number = Some(0);
        }
        self.reached = self.reached.max(self.clock);
        self.tell_held(self.held.len(), teller)?;
        self.number = self.number.map(|number| number.saturating_add(1));
        self.lay.finish(self.start);
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
            self.open(rest.place);
            self.settle(|_| true);
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
    pub(super) fn tell_held(&mut self, count: usize, teller: &mut Teller) -> Result<(), Stop> {
        if let Some(place) = self.opened.filter(|_| !self.told) {
            teller.measure(place, self.part, self.start, *self.number.get_or_insert(1))?;
            self.told = true;
            for (place, at_end, mark) in self.marks.drain(..) {
                teller.tell(place, Event::Mark { part: self.part, at_end, mark })?;
            }
        }
        let mut held = self.held.iter().take(count).peekable();
        while let Some(next) = held.next() {
            let Held::Note(note) = next else {
                next.tell(&self.words, teller)?;
                continue;
            };
            // A run of notes of this measure is told as one.
            self.run.clear();
            self.run.push(*note);
            let mut onset = note.onset;
            while let Some(Held::Note(note)) = held.next_if(|next| next.goes_on(onset)) {
                self.run.push(*note);
                onset = note.onset;
            }
            if note.onset >= self.start {
                teller.notes(self.part, &self.run)?;
            } else {
                self.run.iter().try_for_each(|note| teller.note(note))?;
            }
        }
        if count >= self.held.len() {
            self.held.clear();
        } else {
            self.held.drain(..count);
        }
        if self.held.is_empty() && self.pending.is_empty() {
            self.words.clear();
        }
        self.last = (self.last.0.saturating_sub(count), self.last.1.saturating_sub(count));
        Ok(())
    }

    /// The tune is over.
    pub(super) fn end(&mut self, teller: &mut Teller) -> Result<(), Stop> {
        self.close_layers();
        self.settle(|_| true);
        if let Some(&place) = self.slurs.first() {
            teller.tell(place, Event::Warning("a slur that does not end"))?;
        }
        if !self.tuplets.is_empty() && !self.settings.compat {
            teller.warn(0, "the last tuplet lacks notes")?;
        }
        self.finish_measure(self.settings.compat, teller)?;
        // A da capo behind the last bar line.
        for (place, _, mark) in std::mem::take(&mut self.marks).into_iter().filter(|mark| mark.1) {
            self.mark_last(mark, place, teller)?;
        }
        teller.tell(teller.place(0), Event::PartEnd { part: self.part, end: self.clock })
    }
}
