//! Words and signs that wait until what they belong to is read to its end: only then its time, voice and staff are known.

use super::super::ReadError;
use super::warn;
use crate::score::{Annotation, AnnotationKind, Event, EventSink, Ticks};
use shared::place::Place;

/// How many words and signs of one note or direction are kept, and how many bytes of them: what has more is no score.
const ITEMS_MAX: usize = 1000;
const BYTES_MAX: usize = 1 << 20;

/// What waits. Its room is used again and again.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    items: Vec<Item>,
    /// The texts, one behind the other.
    texts: String,
    /// Where the first of those stands that found no room.
    lost: Option<Place>,
}

/// What words and signs belong to.
#[derive(Clone, Copy, Debug)]
pub(super) struct At {
    pub(super) part: u16,
    pub(super) onset: Ticks,
    pub(super) voice: u8,
    pub(super) staff: u8,
}

#[derive(Clone, Copy, Debug)]
struct Item {
    kind: AnnotationKind,
    number: u8,
    place: Place,
    /// Where its text ends.
    end: usize,
}

impl Waiting {
    /// Takes what `text` says.
    pub(super) fn say(&mut self, kind: AnnotationKind, place: Place, text: &str) {
        self.text().push_str(text);
        self.end(kind, 1, place);
    }

    /// The texts, for one more to be written behind them; [`Waiting::end`] says what it is.
    pub(super) fn text(&mut self) -> &mut String {
        &mut self.texts
    }

    /// The text that is being written.
    pub(super) fn open(&self) -> &str {
        self.texts.get(self.start()..).unwrap_or_default()
    }

    /// What was written since the last end is of this kind.
    pub(super) fn end(&mut self, kind: AnnotationKind, number: u8, place: Place) {
        let end = self.texts.len();
        if self.items.len() < ITEMS_MAX && end <= BYTES_MAX {
            self.items.push(Item { kind, number, place, end });
        } else {
            self.lost.get_or_insert(place);
            self.texts.truncate(self.start());
        }
    }

    /// What was written since the last end is nothing.
    pub(super) fn drop_open(&mut self) {
        self.texts.truncate(self.start());
    }

    fn start(&self) -> usize {
        self.items.last().map_or(0, |item| item.end)
    }

    /// Tells all of it.
    pub(super) fn tell(&mut self, at: At, sink: &mut dyn EventSink) -> Result<(), ReadError> {
        if self.items.is_empty() {
            return Ok(());
        }
        let mut start = 0;
        for item in self.items.drain(..) {
            let text = self.texts.get(start..item.end).unwrap_or_default();
            start = item.end;
            let mut annotation = Annotation::new(item.kind, at.part, at.onset, item.place);
            (annotation.number, annotation.voice, annotation.staff) = (item.number, at.voice, at.staff);
            sink.event(item.place, Event::Annotation(annotation, text))?;
        }
        self.texts.clear();
        match self.lost.take() {
            Some(place) => {
                warn(sink, place, "so many words and signs on one note or direction: the rest is left out")
            }
            None => Ok(()),
        }
    }
}
