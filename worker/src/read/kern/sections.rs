//! Labels of sections, and the list that says in which order they are played (Humdrum's "expansion list").

use super::piece::warn;
use crate::score::{Event, EventSink, Mark, Stop};
use shared::place::Place;
use std::collections::BTreeMap;

/// The sections of a piece.
#[derive(Default)]
pub(super) struct Sections {
    /// Number of each label, in the order in which they come up.
    numbers: BTreeMap<Box<[u8]>, u16>,
    list: Vec<u16>,
    /// The label that the next measure bears.
    waiting: Option<(u16, Place)>,
    /// Where a section begins within a measure: the list cannot be followed measure by measure, and repeat signs count.
    cut: Option<Place>,
}

impl Sections {
    /// Takes an interpretation: `*>A` is a label, which it gives back, `*>[A,A,B]` the list. Lists for other occasions
    /// have names: `*>norep[A,B]` is the order without repeats.
    pub(super) fn interpret<'a>(&mut self, cell: &'a [u8], place: Place) -> Option<&'a [u8]> {
        let text = cell.trim_ascii_end().strip_prefix(b"*>")?;
        if let Some(list) = text.strip_prefix(b"[") {
            // Every spine says the same list.
            if self.list.is_empty() {
                let list = list.strip_suffix(b"]").unwrap_or(list);
                let names = list.split(|&byte| byte == b',');
                self.list = names.filter_map(|name| self.number(name.trim_ascii())).collect();
            }
        } else if !text.contains(&b'[') {
            self.waiting = self.number(text).map(|number| (number, place)).or(self.waiting);
            return Some(text);
        }
        None
    }

    fn number(&mut self, name: &[u8]) -> Option<u16> {
        let next = u16::try_from(self.numbers.len()).ok()?;
        Some(*self.numbers.entry(name.into()).or_insert(next))
    }

    /// A measure begins in `part`, which says its label.
    pub(super) fn begin(&mut self, part: u16, sink: &mut dyn EventSink) -> Result<(), Stop> {
        let Some((section, place)) = self.waiting.take() else { return Ok(()) };
        sink.event(place, Event::Mark { part, at_end: false, mark: Mark::Section(section) })
    }

    /// Something sounds; a label that still waits stands within a measure.
    pub(super) fn sound(&mut self) {
        if let Some((_, place)) = self.waiting.take() {
            self.cut.get_or_insert(place);
        }
    }

    /// The piece is over.
    pub(super) fn close(&self, place: Place, sink: &mut dyn EventSink) -> Result<(), Stop> {
        if self.list.is_empty() {
            return Ok(());
        }
        if let Some(cut) = self.cut {
            let message =
                "a section begins within a measure: not the list of sections but the repeat signs count";
            return warn(sink, cut, message);
        }
        sink.event(place, Event::Arrangement(&self.list))
    }
}
