//! What is written over and under the notes of a voice: it waits for the note that it stands at.

use super::held::{Held, Span};
use super::teller::Teller;
use super::voice::Voice;
use crate::score::{Annotation, AnnotationKind, Stop, Ticks};
use shared::place::Place;

/// How much may wait for one note.
const PENDING_MAX: usize = 256;

/// How many slurs may be open at once.
const SLURS_MAX: usize = 64;

/// An annotation that waits for its note.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pending {
    kind: AnnotationKind,
    number: u8,
    place: Place,
    text: Span,
}

impl Voice {
    /// Something stands at the next note, chord or rest.
    pub(super) fn say(
        &mut self,
        kind: AnnotationKind,
        number: u8,
        text: &str,
        place: Place,
        teller: &mut Teller,
    ) -> Result<(), Stop> {
        if self.pending.len() >= PENDING_MAX {
            self.settle(|_| true);
            self.relieve(teller)?;
        }
        let text = self.keep(text);
        self.pending.push(Pending { kind, number, place, text });
        Ok(())
    }

    /// Keeps a text until it is told.
    pub(super) fn keep(&mut self, text: &str) -> Span {
        let from = u32::try_from(self.words.len()).unwrap_or(u32::MAX);
        self.words.push_str(text);
        (from, u32::try_from(text.len()).unwrap_or(0))
    }

    /// Something stands at a moment of the voice that may be over.
    pub(super) fn say_at(&mut self, annotation: Annotation, text: &str) {
        let text = self.keep(text);
        self.held.push(Held::Annotation(annotation, text));
    }

    /// An annotation of this voice.
    pub(super) fn annotation(&self, kind: AnnotationKind, onset: Ticks, place: Place) -> Annotation {
        let mut annotation = Annotation::new(kind, self.part, onset, place);
        annotation.voice = self.layer;
        annotation
    }

    /// What waits, of some kinds, stands here.
    pub(super) fn settle(&mut self, stands: impl Fn(AnnotationKind) -> bool) {
        let (clock, part, voice) = (self.clock, self.part, self.layer);
        let held = &mut self.held;
        self.pending.retain(|&Pending { kind, number, place, text }| {
            let here = stands(kind);
            if here {
                let mut annotation = Annotation::new(kind, part, clock, place);
                (annotation.number, annotation.voice) = (number, voice);
                held.push(Held::Annotation(annotation, text));
            }
            !here
        });
    }

    /// A slur begins at the next note.
    pub(super) fn open_slur(&mut self, place: Place, teller: &mut Teller) -> Result<(), Stop> {
        if self.slurs.len() >= SLURS_MAX {
            return Ok(()); // No music has as many; its end will be told as one too many.
        }
        self.slurs.push(place);
        let number = u8::try_from(self.slurs.len()).unwrap_or(u8::MAX);
        self.say(AnnotationKind::Slur, number, "start", place, teller)
    }

    /// A slur ends at the last note. Says whether there is one.
    pub(super) fn close_slur(&mut self, place: Place) -> bool {
        let number = u8::try_from(self.slurs.len()).unwrap_or(u8::MAX);
        if self.slurs.pop().is_none() {
            return false;
        }
        let (start, end) = self.last;
        let onset = self.held.get(start).filter(|_| start < end).map_or(self.clock, Held::onset);
        let mut annotation = self.annotation(AnnotationKind::Slur, onset, place);
        annotation.number = number;
        self.say_at(annotation, "stop");
        true
    }
}
