//! What the parts of the reader tell the sink through.

use crate::score::{Event, EventSink, Note, Stop, Ticks};
use shared::failure::Failure;
use shared::place::Place;

/// A sink, and the line that is being read.
pub(super) struct Teller<'a> {
    sink: &'a mut dyn EventSink,
    pub(super) line: u32,
    /// Where the bytes of the line come from, if macros were replaced in it.
    pub(super) origins: Vec<(usize, usize, bool)>,
}

impl<'a> Teller<'a> {
    pub(super) fn new(sink: &'a mut dyn EventSink) -> Self {
        Teller { sink, line: 1, origins: Vec::new() }
    }

    /// The place of a byte of the line, counted from 0.
    pub(super) fn place(&self, at: usize) -> Place {
        let at = if self.origins.is_empty() { at } else { self.origin(at) };
        Place::line(self.line, u32::try_from(at).unwrap_or(u32::MAX).saturating_add(1))
    }

    /// Where a byte of a line with macros replaced comes from.
    fn origin(&self, at: usize) -> usize {
        let before = self.origins.partition_point(|&(from, _, _)| from <= at).checked_sub(1);
        match before.and_then(|index| self.origins.get(index)) {
            Some(&(from, source, true)) => source + (at - from),
            Some(&(_, source, false)) => source,
            None => at,
        }
    }

    pub(super) fn tell(&mut self, place: Place, event: Event<'_>) -> Result<(), Stop> {
        self.sink.event(place, event)
    }

    /// The same as telling it as an event.
    pub(super) fn measure(&mut self, place: Place, part: u16, onset: Ticks, number: u32) -> Result<(), Stop> {
        self.sink.measure(place, part, onset, number)
    }

    /// The same as telling it as an event.
    pub(super) fn note(&mut self, note: &Note) -> Result<(), Stop> {
        self.sink.note(note)
    }

    /// The same as telling each, of a run in the order of their onsets within the measure of that part.
    pub(super) fn notes(&mut self, part: u16, notes: &[Note]) -> Result<(), Stop> {
        self.sink.notes(part, notes)
    }

    pub(super) fn warn(&mut self, at: usize, message: &str) -> Result<(), Stop> {
        self.sink.event(self.place(at), Event::Warning(message))
    }

    pub(super) fn damage(&mut self, at: usize, message: impl Into<String>) -> Result<(), Stop> {
        let failure = Failure::malformed(self.place(at), message);
        self.sink.event(self.place(at), Event::Damage(&failure))
    }
}
