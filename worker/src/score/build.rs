//! The sink that makes scores of events, within the limits.

use super::annotation::Annotation;
use super::event::{Event, EventSink, Stop, Unit};
use super::mark::MarkAt;
use super::note::{Label, Measure, Note, Part};
use super::texts::Known;
use super::time::Ticks;
use super::{Score, Warning, align};
use shared::failure::{Failure, FailureKind};
use shared::limits::{Limits, exceeded};
use shared::place::Place;
use std::rc::Rc;

/// How many events pass between two looks at the clock.
pub const EVENTS_PER_CHECK: u64 = 4096;

/// With this many notes, measures or words a score is long.
const LONG: usize = 1 << 14;

/// Measures that there is room for from the start.
const MEASURES_AT_FIRST: usize = 32;

/// Notes that there is room for from the start: those of a short tune.
const NOTES_AT_FIRST: usize = 128;

/// Makes a [`Score`] of each piece and hands it on.
pub struct ScoreBuilder<'a> {
    limits: &'a Limits,
    /// Asked now and then whether to go on.
    check: &'a dyn Fn() -> Result<(), Stop>,
    /// Given each finished piece.
    emit: &'a mut dyn FnMut(Score) -> Result<(), Stop>,
    draft: Option<Draft>,
    events: u64,
    pieces: u64,
}

/// A piece that is being read.
struct Draft {
    score: Score,
    shared_time: bool,
    /// Nothing may last longer.
    end_max: Ticks,
    /// Where the measures begin that each part has begun. Parts that are told at once are mostly alike, and share them.
    begun: Vec<Rc<Vec<Ticks>>>,
    /// The texts of annotations that came before.
    known: Known,
    /// Whether there is more room than may be needed.
    long: bool,
    /// How many notes came all at once, in the order of a score.
    sorted: usize,
    /// How many measures came part by part, and know how long they are but for the last of each part.
    timed: usize,
    /// Part and measure of the last annotation: the next one is often there, too.
    said: Option<(u16, u32)>,
}

impl<'a> ScoreBuilder<'a> {
    /// A builder that hands each piece to `emit` and asks `check` now and then whether to go on.
    pub fn new(
        limits: &'a Limits,
        check: &'a dyn Fn() -> Result<(), Stop>,
        emit: &'a mut dyn FnMut(Score) -> Result<(), Stop>,
    ) -> Self {
        ScoreBuilder { limits, check, emit, draft: None, events: 0, pieces: 0 }
    }

    /// Closes the piece that a failing reader left open, if it has anything in it; says whether it had.
    ///
    /// # Errors
    /// What `emit` says.
    pub fn salvage(&mut self, damage: &Failure) -> Result<bool, Stop> {
        let Some(mut draft) = self.draft.take() else { return Ok(false) };
        if draft.score.notes.is_empty() && draft.score.rests.is_empty() {
            return Ok(false);
        }
        draft.score.damage.get_or_insert_with(|| damage.clone());
        (self.emit)(draft.finish()).map(|()| true)
    }

    /// Counts events, and asks now and then whether to go on.
    #[inline]
    fn count(&mut self, events: u64) -> Result<(), Stop> {
        let before = self.events / EVENTS_PER_CHECK;
        self.events += events;
        if self.events / EVENTS_PER_CHECK == before { Ok(()) } else { (self.check)() }
    }

    fn start(&mut self, place: Place, shared_time: bool) -> Result<(), Stop> {
        self.pieces += 1;
        if self.pieces > self.limits.pieces_max {
            return Err(Stop::Failed(exceeded("pieces_max", self.limits.pieces_max, Some(place))));
        }
        self.end_piece()?;
        let end_max = Ticks::quarters(i64::try_from(self.limits.quarters_max).unwrap_or(i64::MAX));
        let (measures, notes) = (Vec::with_capacity(MEASURES_AT_FIRST), Vec::with_capacity(NOTES_AT_FIRST));
        let score = Score { measures, notes, ..Score::default() };
        self.draft = Some(Draft {
            score,
            shared_time,
            end_max,
            begun: Vec::new(),
            known: Known::default(),
            long: false,
            sorted: 0,
            timed: 0,
            said: None,
        });
        Ok(())
    }

    fn end_piece(&mut self) -> Result<(), Stop> {
        match self.draft.take() {
            Some(draft) => (self.emit)(draft.finish()),
            None => Ok(()),
        }
    }
}

impl EventSink for ScoreBuilder<'_> {
    fn event(&mut self, place: Place, event: Event<'_>) -> Result<(), Stop> {
        self.count(1)?;
        match event {
            Event::PieceStart { shared_time } => self.start(place, shared_time),
            Event::PieceEnd => self.end_piece(),
            event => match &mut self.draft {
                Some(draft) => draft.take(place, event, self.limits),
                None => Err(defect(place, "a reader spoke outside of a piece")),
            },
        }
    }

    fn measure(&mut self, place: Place, part: u16, onset: Ticks, number: u32) -> Result<(), Stop> {
        self.count(1)?;
        match (&mut self.draft, i32::try_from(number)) {
            (Some(draft), Ok(number)) => draft.measure(place, part, onset, (number, None), self.limits),
            (Some(draft), Err(_)) => {
                draft.measure(place, part, onset, (0, Some(&number.to_string())), self.limits)
            }
            (None, _) => Err(defect(place, "a reader spoke outside of a piece")),
        }
    }

    fn annotation(&mut self, annotation: Annotation, text: &str) -> Result<(), Stop> {
        self.count(1)?;
        match &mut self.draft {
            Some(draft) => draft.annotation(annotation.place, annotation, text, self.limits),
            None => Err(defect(annotation.place, "a reader spoke outside of a piece")),
        }
    }

    fn measures(&mut self, part: u16, begun: &[(Ticks, Place)]) -> Result<(), Stop> {
        let Some(draft) = self.draft.as_mut().filter(|draft| draft.may_come(begun, self.limits)) else {
            return self.each_measure(part, begun);
        };
        draft.measures(part, begun, self.limits)?;
        self.count(begun.len() as u64)
    }

    fn note(&mut self, note: &Note) -> Result<(), Stop> {
        self.count(1)?;
        match &mut self.draft {
            Some(draft) => draft.note(note.place, note, self.limits),
            None => Err(defect(note.place, "a reader spoke outside of a piece")),
        }
    }

    fn notes(&mut self, part: u16, notes: &[Note]) -> Result<(), Stop> {
        for notes in notes.chunks(EVENTS_PER_CHECK as usize) {
            self.count(notes.len() as u64)?;
            match (&mut self.draft, notes) {
                (_, []) => {}
                (Some(draft), notes) => draft.notes(part, notes, self.limits)?,
                (None, [first, ..]) => return Err(defect(first.place, "a reader spoke outside of a piece")),
            }
        }
        Ok(())
    }

    fn all_notes(&mut self, notes: Vec<Note>) -> Result<(), Stop> {
        let Some(first) = notes.first() else { return Ok(()) };
        let Some(draft) = &mut self.draft else {
            return Err(defect(first.place, "a reader spoke outside of a piece"));
        };
        let all = draft.score.rests.len() + notes.len();
        if !draft.score.notes.is_empty() || all as u64 > self.limits.notes_max {
            return notes.iter().try_for_each(|note| self.note(note));
        }
        debug_assert!(notes.iter().all(|note| draft.is_settled(note)), "a reader settled notes wrong");
        draft.score.parts.iter_mut().for_each(|part| part.staves = part.staves.max(1));
        let count = notes.len();
        (draft.sorted, draft.score.notes) = (count, notes);
        self.count(count as u64)
    }
}

#[cold]
fn defect(place: Place, message: &str) -> Stop {
    Stop::Failed(Failure::at(FailureKind::Internal, place, message))
}

impl Draft {
    fn take(&mut self, place: Place, event: Event<'_>, limits: &Limits) -> Result<(), Stop> {
        match event {
            Event::Note(note) => self.note(place, &note, limits)?,
            Event::Rest(mut rest) => {
                let end = rest.onset + rest.duration;
                self.check_time(place, end, limits)?;
                rest.measure = self.fill(place, rest.part, rest.staff, rest.onset, end)?;
                self.check_size(place, limits)?;
                self.score.rests.push(rest);
            }
            Event::Annotation(annotation, text) => self.annotation(place, annotation, text, limits)?,
            Event::Measure { part, onset, number } => {
                let (plain, digits) = leading_number(number);
                let label = (plain.is_none() || digits != number.len()).then_some(number);
                self.measure(place, part, onset, (plain.unwrap_or(0), label), limits)?;
            }
            Event::Meter(mut meter) => {
                meter.measure = self.measure_at(place, meter.part, meter.onset)?;
                self.score.meters.push(meter);
            }
            Event::Key(mut key) => {
                key.measure = self.measure_at(place, key.part, key.onset)?;
                self.score.keys.push(key);
            }
            Event::Tempo(mut tempo) => {
                tempo.measure = self.measure_at(place, tempo.part, tempo.onset)?;
                self.score.tempi.push(tempo);
            }
            Event::Mark { part, at_end, mark } => {
                let measure = self.measure_at(place, part, Ticks(i64::MAX))?;
                if self.score.marks.len() as u64 >= limits.measures_max {
                    return Err(Stop::Failed(exceeded("measures_max", limits.measures_max, Some(place))));
                }
                self.score.marks.push(MarkAt { part, measure, at_end, mark, place });
            }
            Event::Part { part, name } => self.part(place, part, name, limits)?,
            event => self.about(place, event, limits)?,
        }
        Ok(())
    }

    #[inline(always)]
    fn note(&mut self, place: Place, note: &Note, limits: &Limits) -> Result<(), Stop> {
        let end = note.end();
        self.check_time(place, end, limits)?;
        let measure = self.fill(place, note.part, note.staff, note.onset, end)?;
        self.check_size(place, limits)?;
        self.make_way(self.score.notes.len(), limits);
        self.score.notes.push(Note { measure, ..*note });
        Ok(())
    }

    /// A run of notes in order; where something is amiss, note by note, so that it has its place.
    fn notes(&mut self, part: u16, notes: &[Note], limits: &Limits) -> Result<(), Stop> {
        let (Some(first), from) = (notes.first(), self.score.notes.len()) else { return Ok(()) };
        self.make_way(from, limits);
        if (from + self.score.rests.len() + notes.len()) as u64 <= limits.notes_max {
            let mut measure = self.measure_at(first.place, part, first.onset)?;
            let begun = self.begun.get(usize::from(part)).map_or(&[][..], |begun| begun.as_slice());
            let mut later = begun.get(measure as usize + 1..).unwrap_or_default();
            let mut next = later.first().copied().unwrap_or(Ticks(i64::MAX));
            let (mut end, mut staff) = (Ticks::ZERO, 0);
            self.score.notes.extend(notes.iter().map(|note| {
                while next <= note.onset {
                    let Some((_, rest)) = later.split_first() else { break };
                    (later, measure) = (rest, measure + 1);
                    next = later.first().copied().unwrap_or(Ticks(i64::MAX));
                }
                end = end.max(note.end());
                staff = staff.max(note.staff);
                Note { part, measure, ..*note }
            }));
            if end <= self.end_max {
                self.reach(part, staff, end);
                return Ok(());
            }
            self.score.notes.truncate(from);
        }
        notes.iter().try_for_each(|note| self.note(note.place, &Note { part, ..*note }, limits))
    }

    /// Whether a note is as [`EventSink::all_notes`] wants it.
    fn is_settled(&self, note: &Note) -> bool {
        let measure = self.measure_at(note.place, note.part, note.onset);
        let part = self.score.parts.get(usize::from(note.part));
        measure == Ok(note.measure) && note.staff == 1 && part.is_some_and(|part| note.end() <= part.duration)
    }

    /// Events about the piece or a part as a whole.
    fn about(&mut self, place: Place, event: Event<'_>, limits: &Limits) -> Result<(), Stop> {
        match event {
            Event::Field(field, text) => {
                let text = text.trim();
                if !text.is_empty() && self.score.field(field).is_none() {
                    self.score.fields.push((field, text.into()));
                }
            }
            Event::Instrument { part, name, program } => {
                let Some(part) = self.score.parts.get_mut(usize::from(part)) else {
                    return Err(undeclared(place));
                };
                if let Some(name) = name.map(str::trim).filter(|name| !name.is_empty()) {
                    part.instrument.get_or_insert_with(|| name.into());
                }
                part.program = part.program.or(program);
            }
            Event::PartEnd { part, end } => {
                self.check_time(place, end, limits)?;
                let Some(part) = self.score.parts.get_mut(usize::from(part)) else {
                    return Err(undeclared(place));
                };
                part.duration = part.duration.max(end);
            }
            Event::Declared(unit, count) => {
                if let Some(entry) = self.score.conservation.get_mut(unit as usize) {
                    entry.declared = Some(entry.declared.unwrap_or(0).saturating_add(count));
                }
                if unit == Unit::Notes {
                    self.make_room(count.min(limits.notes_max));
                }
            }
            Event::Arrangement(sections) if self.score.arrangement.is_empty() => {
                self.score.arrangement.extend_from_slice(sections);
            }
            Event::Arrangement(_) => {}
            Event::ShortArrangement(sections) => self.score.short_arrangement = sections.to_vec(),
            Event::PartOrder(sections) => {
                self.score.arrangement = sections.to_vec();
                self.score.sections_repeat = true;
            }
            Event::Notation(notation) => self.score.notation = Some(notation),
            Event::Division(division) => self.score.division = Some(division),
            Event::Warning(message) => {
                self.score.warning_count += 1;
                if (self.score.warnings.len() as u64) < limits.warnings_max {
                    self.score.warnings.push(Warning { message: message.into(), place });
                }
            }
            Event::Damage(failure) => {
                self.score.damage.get_or_insert_with(|| failure.clone());
            }
            _ => return Err(defect(place, "an event that belongs to no piece")),
        }
        Ok(())
    }

    /// Makes room for the notes of a piece that is counted before it is told.
    fn make_room(&mut self, notes: u64) {
        reserve(&mut self.score.notes, notes);
    }

    /// Makes room for as much as the limits allow once a score is long, so that nothing is moved while it grows, which leaves
    /// holes as large as itself. Room that is never used takes no memory, only addresses, and is given back at the end.
    #[inline]
    fn make_way(&mut self, count: usize, limits: &Limits) {
        if count >= LONG && !self.long {
            self.lengthen(limits);
        }
    }

    #[cold]
    fn lengthen(&mut self, limits: &Limits) {
        reserve(&mut self.score.notes, limits.notes_max);
        reserve(&mut self.score.measures, limits.measures_max);
        self.score.texts.make_room(usize::try_from(limits.annotation_bytes_max).unwrap_or(0));
        self.long = true;
    }

    fn part(&mut self, place: Place, part: u16, name: Option<&str>, limits: &Limits) -> Result<(), Stop> {
        if usize::from(part) != self.score.parts.len() {
            return Err(defect(place, "a reader declared parts out of order"));
        }
        if self.score.parts.len() as u64 >= limits.parts_max {
            return Err(Stop::Failed(exceeded("parts_max", limits.parts_max, Some(place))));
        }
        let name = name.map(str::trim).filter(|name| !name.is_empty()).map(Into::into);
        self.score.parts.push(Part { name, ..Part::default() });
        self.score.measures.reserve(self.lead());
        self.begun.push(Rc::default());
        Ok(())
    }

    fn annotation(
        &mut self,
        place: Place,
        annotation: Annotation,
        text: &str,
        limits: &Limits,
    ) -> Result<(), Stop> {
        let text = trimmed(text);
        if text.is_empty() {
            return Ok(());
        }
        self.check_time(place, annotation.onset, limits)?;
        if self.score.annotations.len() as u64 >= limits.annotations_max {
            return Err(Stop::Failed(exceeded("annotations_max", limits.annotations_max, Some(place))));
        }
        let measure = match self.near(annotation.part, annotation.onset) {
            Some(measure) => measure,
            None => self.measure_at(place, annotation.part, annotation.onset)?,
        };
        self.said = Some((annotation.part, measure));
        self.make_way(self.score.annotations.len(), limits);
        let text = self.text(place, text, limits)?;
        self.score.annotations.push(Annotation { measure, text, ..annotation });
        Ok(())
    }

    /// Measures of the first part so far. The others have about as many; a hint that is wrong costs a little memory.
    fn lead(&self) -> usize {
        self.begun.first().map_or(0, |begun| begun.len())
    }

    /// Adds a text of the score; gives its number.
    fn text(&mut self, place: Place, text: &str, limits: &Limits) -> Result<u32, Stop> {
        if (self.score.texts.len() + text.len()) as u64 > limits.annotation_bytes_max {
            let failure = exceeded("annotation_bytes_max", limits.annotation_bytes_max, Some(place));
            return Err(Stop::Failed(failure));
        }
        Ok(self.score.texts.add(text, &mut self.known))
    }

    /// The measure that a part is in, where that is the one of the last annotation or one of the next two, and not the last.
    fn near(&self, part: u16, onset: Ticks) -> Option<u32> {
        let (_, measure) = self.said.filter(|(other, _)| *other == part)?;
        let begun = self.begun.get(usize::from(part))?.get(measure as usize..)?;
        let within = |pair: &[Ticks]| matches!(pair, [start, next] if *start <= onset && onset < *next);
        let later = begun.windows(2).take(3).position(within)?;
        Some(measure + later as u32)
    }

    fn measure(
        &mut self,
        place: Place,
        part: u16,
        onset: Ticks,
        (number, label): (i32, Option<&str>),
        limits: &Limits,
    ) -> Result<(), Stop> {
        self.check_time(place, onset, limits)?;
        if self.score.measures.len() as u64 >= limits.measures_max {
            return Err(Stop::Failed(exceeded("measures_max", limits.measures_max, Some(place))));
        }
        self.make_way(self.score.measures.len(), limits);
        let room = self.lead().max(MEASURES_AT_FIRST);
        let Some(begun) = self.begun.get_mut(usize::from(part)) else { return Err(undeclared(place)) };
        let index = u32::try_from(begun.len()).unwrap_or(u32::MAX);
        let begun = Rc::make_mut(begun);
        if begun.is_empty() {
            begun.reserve(room);
        }
        begun.push(onset);
        let label = label.map(|label| self.text(place, label, limits)).transpose()?.and_then(Label::of);
        self.score.measures.push(Measure { part, index, number, label, onset, duration: Ticks::ZERO, place });
        Ok(())
    }

    /// Whether those measures may come, all of them.
    fn may_come(&self, begun: &[(Ticks, Place)], limits: &Limits) -> bool {
        let all = self.score.measures.len() + begun.len();
        let is_early = |&(onset, _): &(Ticks, Place)| onset <= self.end_max;
        all as u64 <= limits.measures_max && i32::try_from(all).is_ok() && begun.iter().all(is_early)
    }

    /// All measures of a part, numbered from 1, which may come.
    fn measures(&mut self, part: u16, measures: &[(Ticks, Place)], limits: &Limits) -> Result<(), Stop> {
        let Some(&(_, place)) = measures.first() else { return Ok(()) };
        self.make_way(self.score.measures.len() + measures.len(), limits);
        let lead = self.begun.first().map(Rc::clone);
        let Some(begun) = self.begun.get_mut(usize::from(part)) else { return Err(undeclared(place)) };
        let first = begun.len() as u32;
        let onsets = measures.iter().map(|&(onset, _)| onset);
        match lead.filter(|lead| first == 0 && lead.iter().copied().eq(onsets.clone())) {
            Some(lead) => *begun = lead,
            None => Rc::make_mut(begun).extend(onsets),
        }
        let is_next = self.score.measures.last().is_none_or(|last| last.part < part);
        let timed = is_next && first == 0 && self.timed == self.score.measures.len();
        let nexts = measures.iter().skip(1).chain(measures.last());
        self.score.measures.extend(measures.iter().zip(nexts).zip(0..).map(
            |((&(onset, place), &(next, _)), index)| {
                let (index, number) = (first + index, index as i32 + 1);
                let duration = (next - onset).max(Ticks::ZERO);
                Measure { part, index, number, label: None, onset, duration, place }
            },
        ));
        if timed {
            self.timed = self.score.measures.len();
        }
        Ok(())
    }

    /// Index of the measure that a part is in, or of an earlier one for what comes late.
    fn measure_at(&self, place: Place, part: u16, onset: Ticks) -> Result<u32, Stop> {
        let Some(begun) = self.begun.get(usize::from(part)) else { return Err(undeclared(place)) };
        let count = match begun.last() {
            Some(last) if onset < *last => begun.partition_point(|&start| start <= onset),
            _ => begun.len(),
        };
        Ok(u32::try_from(count.saturating_sub(1)).unwrap_or(u32::MAX))
    }

    /// Something on a staff of a part lasts until `end`, and so does the part, whatever its reader says; gives the index
    /// of the measure that it is in.
    fn fill(&mut self, place: Place, part: u16, staff: u8, onset: Ticks, end: Ticks) -> Result<u32, Stop> {
        let measure = self.measure_at(place, part, onset)?;
        self.reach(part, staff, end);
        Ok(measure)
    }

    /// A part lasts until `end` at least, and has that staff.
    #[inline]
    fn reach(&mut self, part: u16, staff: u8, end: Ticks) {
        if let Some(part) = self.score.parts.get_mut(usize::from(part)) {
            part.staves = part.staves.max(staff);
            part.duration = part.duration.max(end);
        }
    }

    fn check_time(&self, place: Place, time: Ticks, limits: &Limits) -> Result<(), Stop> {
        if time > self.end_max {
            return Err(Stop::Failed(exceeded("quarters_max", limits.quarters_max, Some(place))));
        }
        Ok(())
    }

    /// Whether one more note or rest may come.
    fn check_size(&self, place: Place, limits: &Limits) -> Result<(), Stop> {
        if (self.score.notes.len() + self.score.rests.len()) as u64 >= limits.notes_max {
            return Err(Stop::Failed(exceeded("notes_max", limits.notes_max, Some(place))));
        }
        Ok(())
    }

    fn finish(self) -> Score {
        let Draft { mut score, shared_time, begun, long, sorted, timed, .. } = self;
        drop(begun);
        let read = [score.notes.len(), score.rests.len(), score.measures.len(), score.parts.len()];
        for (count, read) in score.conservation.iter_mut().zip(read) {
            count.read = read as u64;
        }
        for (unit, count) in Unit::ALL.iter().zip(score.conservation) {
            let Some(declared) = count.declared.filter(|&declared| declared != count.read) else { continue };
            let message = format!("the source holds {declared} {}, {} were read", unit.name(), count.read);
            score.warning_count += 1;
            score.warnings.push(Warning { message: message.into(), place: Place::START });
        }
        let done = align::Done { sorted: sorted == score.notes.len(), timed: timed == score.measures.len() };
        align::finish(&mut score, shared_time, done);
        if long {
            score.notes.shrink_to_fit();
            score.measures.shrink_to_fit();
            score.texts.shrink();
        }
        score
    }
}

/// Makes room for `count` items in all. Room is only speed: without it the vector grows as ever.
fn reserve<T>(items: &mut Vec<T>, count: u64) {
    let missing = usize::try_from(count).unwrap_or(0).saturating_sub(items.len());
    let _ = items.try_reserve_exact(missing);
}

/// The number that a text begins with, if it does and the number is no larger than that of a measure may be, and how
/// many digits it has.
fn leading_number(text: &str) -> (Option<i32>, usize) {
    let digits = text.bytes().take_while(u8::is_ascii_digit);
    let (value, count) = digits.fold((Some(0_i32), 0), |(value, count), digit| {
        let next = |value: i32| value.checked_mul(10)?.checked_add(i32::from(digit - b'0'));
        (value.and_then(next), count + 1)
    });
    (value.filter(|_| count > 0), count)
}

/// A text without spaces around it. Most have none, which their first and last byte say.
#[inline]
fn trimmed(text: &str) -> &str {
    match text.as_bytes() {
        [b'!'..=b'~', .., b'!'..=b'~'] => text,
        _ => text.trim(),
    }
}

fn undeclared(place: Place) -> Stop {
    defect(place, "a reader spoke of a part that it had not declared")
}
