//! Labels of sections, and the list that says in which order they are played (Humdrum's "expansion list").

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
    /// A section begins within a measure: the list cannot be followed measure by measure, and repeat signs count.
    is_cut: bool,
}

impl Sections {
    /// Takes an interpretation: `*>A` is a label, `*>[A,A,B]` the list. Lists for other occasions have names.
    pub(super) fn interpret(&mut self, cell: &[u8], place: Place) {
        let Some(text) = cell.trim_ascii_end().strip_prefix(b"*>") else { return };
        if let Some(list) = text.strip_prefix(b"[") {
            // Every spine says the same list.
            if self.list.is_empty() {
                let list = list.strip_suffix(b"]").unwrap_or(list);
                let names = list.split(|&byte| byte == b',');
                self.list = names.filter_map(|name| self.number(name.trim_ascii())).collect();
            }
        } else if !text.contains(&b'[') {
            self.waiting = self.number(text).map(|number| (number, place)).or(self.waiting);
        }
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
        self.is_cut |= self.waiting.take().is_some();
    }

    /// The piece is over.
    pub(super) fn close(&self, place: Place, sink: &mut dyn EventSink) -> Result<(), Stop> {
        if self.is_cut || self.list.is_empty() {
            return Ok(());
        }
        sink.event(place, Event::Arrangement(&self.list))
    }
}
