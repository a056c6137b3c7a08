//! Labels of sections, and the list that says in which order they are played (Humdrum's "expansion list").

use super::piece::warn;
use crate::score::{Event, EventSink, Mark, Stop};
use shared::place::Place;
use std::collections::BTreeMap;

/// How many sections in a row may be endings of one; more are none.
const ENDINGS_MAX: usize = 16;

/// The sections of a piece.
#[derive(Default)]
pub(super) struct Sections {
    /// Number of each label, in the order in which they come up.
    numbers: BTreeMap<Box<[u8]>, u16>,
    list: Vec<u16>,
    /// The list named `norep`, in which no repeat is taken.
    short: Vec<u16>,
    /// The label that the next measure bears.
    waiting: Option<(u16, Place)>,
    /// Where a section begins within a measure: the list cannot be followed measure by measure, and repeat signs count.
    cut: Option<Place>,
}

impl Sections {
    /// Takes an interpretation: `*>A` is a label, which it gives back, `*>[A,A,B]` the list. Lists for other occasions
    /// have names: `*>norep[A,B]` is the order without repeats, and others are passed over.
    pub(super) fn interpret<'a>(&mut self, cell: &'a [u8], place: Place) -> Option<&'a [u8]> {
        let text = cell.trim_ascii_end().strip_prefix(b"*>")?;
        // Every spine says the same list.
        if let Some(list) = text.strip_prefix(b"[") {
            if self.list.is_empty() {
                self.list = self.numbers_of(list);
            }
        } else if let Some(list) = text.strip_prefix(b"norep[") {
            if self.short.is_empty() {
                self.short = self.numbers_of(list);
            }
        } else if !text.contains(&b'[') {
            self.waiting = self.number(text).map(|number| (number, place)).or(self.waiting);
            return Some(text);
        }
        None
    }

    fn numbers_of(&mut self, list: &[u8]) -> Vec<u16> {
        let names = list.strip_suffix(b"]").unwrap_or(list).split(|&byte| byte == b',');
        names.filter_map(|name| self.number(name.trim_ascii())).collect()
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
        if self.list.is_empty() && self.short.is_empty() {
            return Ok(());
        }
        if let Some(cut) = self.cut {
            let message =
                "a section begins within a measure: not the list of sections but the repeat signs count";
            return warn(sink, cut, message);
        }
        sink.event(place, Event::Arrangement(&self.list))?;
        let derived = if self.short.is_empty() { self.without_repeats() } else { Vec::new() };
        let short = if self.short.is_empty() { &derived } else { &self.short };
        sink.event(place, Event::ShortArrangement(short))
    }

    /// The list with what comes again at once played the last time only: A1 and A2 are endings of A, so that of
    /// A A1 A A2 B there remains A A2 B.
    fn without_repeats(&self) -> Vec<u16> {
        let names: BTreeMap<u16, &[u8]> =
            self.numbers.iter().map(|(name, &number)| (number, &**name)).collect();
        let is_ending = |other: &u16, of: u16| {
            let suffix = names.get(&of).and_then(|name| names.get(other)?.strip_prefix(*name));
            suffix.is_some_and(|suffix| !suffix.is_empty() && suffix.iter().all(u8::is_ascii_digit))
        };
        let mut short: Vec<u16> = Vec::new();
        for &section in &self.list {
            let last = short.iter().rev().take(ENDINGS_MAX);
            let endings = last.take_while(|before| is_ending(before, section)).count();
            let before = short.len().saturating_sub(endings + 1);
            if short.get(before) == Some(&section) {
                short.truncate(before);
            }
            short.push(section);
        }
        short
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_without_its_repeats() {
        for (list, expected) in [
            ("A,A,B,B", "A,B"),
            ("A,B,B1,B,B2,C", "A,B,B2,C"),
            ("A,A,B,B,C,C,D,D,A,B", "A,B,C,D,A,B"),
            ("A,A1,A,A1,A,A2", "A,A2"),
            ("A,B,A", "A,B,A"),
        ] {
            let mut sections = Sections::default();
            sections.interpret(format!("*>[{list}]").as_bytes(), Place::START);
            let expected = sections.numbers_of(expected.as_bytes());
            assert_eq!(sections.without_repeats(), expected, "{list}");
        }
    }
}
