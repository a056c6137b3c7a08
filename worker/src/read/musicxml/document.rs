//! A document from its root to its end, partwise or timewise.

use super::super::{Fidelity, ReadError, ReadOptions};
use super::header::{self, ScorePart, Titles};
use super::part::Part;
use super::xml::Xml;
use super::{measure, warn};
use crate::score::{Event, EventSink, Field, Notation, Stop, Unit};
use shared::failure::{Failure, FailureKind};
use shared::limits::exceeded;
use shared::place::Place;
use std::collections::BTreeMap;
use std::io::Read;

/// Reads a document of UTF-8.
pub(super) fn read<'a>(
    input: Box<dyn Read + 'a>,
    options: &ReadOptions,
    sink: &mut dyn EventSink,
) -> Result<(), ReadError> {
    let mut xml = Xml::new(input, &options.limits);
    let timewise = root(&mut xml)?;
    let place = xml.place();
    sink.event(place, Event::PieceStart { shared_time: false })?;
    sink.event(place, Event::Notation(Notation::MusicXml))?;
    let fidelity = options.fidelity;
    let (parts, by_id, titles) = (Vec::new(), BTreeMap::new(), Titles::default());
    let mut document = Document { xml, sink, fidelity, timewise, parts, by_id, titles };
    let outcome = document.score();
    // What a broken document declared up to its end is told as well, so that the loss has a size.
    if matches!(outcome, Ok(()) | Err(ReadError::Malformed(_))) {
        document.declare()?;
    }
    outcome?;
    Ok(sink.event(place, Event::PieceEnd)?)
}

/// Goes to the root element; true for a timewise score.
fn root(xml: &mut Xml<'_>) -> Result<bool, ReadError> {
    if !xml.child(0)? {
        let message = "the document has no element: <score-partwise> or <score-timewise> would be right";
        return Err(ReadError::malformed(xml.place(), message));
    }
    match xml.name() {
        b"score-partwise" => Ok(false),
        b"score-timewise" => Ok(true),
        name => {
            let name = String::from_utf8_lossy(name.get(..80).unwrap_or(name)).into_owned();
            let message = format!(
                "the root element <{name}> is no score: <score-partwise> or <score-timewise> would be right"
            );
            Err(ReadError::Malformed(Failure::at(FailureKind::Unsupported, xml.place(), message)))
        }
    }
}

struct Document<'a, 's> {
    xml: Xml<'a>,
    sink: &'s mut dyn EventSink,
    fidelity: Fidelity,
    timewise: bool,
    parts: Vec<Part>,
    /// Indices of the declared parts.
    by_id: BTreeMap<Vec<u8>, usize>,
    titles: Titles,
}

impl Document<'_, '_> {
    fn score(&mut self) -> Result<(), ReadError> {
        let here = self.xml.depth();
        while self.xml.child(here)? {
            match self.xml.name() {
                b"work" => header::work(&mut self.xml, &mut self.titles, self.sink)?,
                b"movement-title" => self.titles.movement(&mut self.xml, self.sink)?,
                b"movement-number" => {
                    header::field(&mut self.xml, Field::Number, self.sink)?;
                }
                b"identification" => header::identification(&mut self.xml, self.sink)?,
                b"credit" => self.titles.credit(&mut self.xml, self.sink)?,
                b"part-list" => self.part_list()?,
                b"part" if !self.timewise => self.part()?,
                b"measure" if self.timewise => self.measure_of_all()?,
                _ => {}
            }
        }
        let place = self.xml.place();
        self.titles.finish(place, self.sink)?;
        for part in &self.parts {
            // Music21 leaves out the `<forward>` that some programs fill the last measure with.
            let is_compat = self.fidelity == Fidelity::Compat;
            let end = if is_compat { part.clock.sounded() } else { part.clock.start() };
            self.sink.event(place, Event::PartEnd { part: part.index, end })?;
        }
        self.xml.finish()?;
        self.tell_oddities()
    }

    fn part_list(&mut self) -> Result<(), ReadError> {
        let place = self.xml.place();
        self.titles.finish(place, self.sink)?;
        let here = self.xml.depth();
        let mut groups = header::Groups::default();
        while self.xml.child(here)? {
            match self.xml.name() {
                b"part-group" => groups.read(&mut self.xml)?,
                b"score-part" => {
                    let place = self.xml.place();
                    let mut part = header::score_part(&mut self.xml)?;
                    groups.name(&mut part);
                    self.declare_part(part, place)?;
                }
                _ => {}
            }
        }
        self.tell_oddities()
    }

    fn declare_part(&mut self, part: ScorePart, place: Place) -> Result<usize, ReadError> {
        let count = self.parts.len();
        let Ok(index) = u16::try_from(count) else {
            let failure = exceeded("parts_max", u64::from(u16::MAX), Some(place));
            return Err(Stop::Failed(failure).into());
        };
        self.sink.event(place, Event::Part { part: index, name: part.name.as_deref() })?;
        if part.instrument.is_some() || part.program.is_some() {
            let (name, program) = (part.instrument.as_deref(), part.program);
            self.sink.event(place, Event::Instrument { part: index, name, program })?;
        }
        self.parts.push(Part { index, ..Part::default() });
        self.by_id.insert(part.id, count);
        Ok(count)
    }

    /// Index of the part that the open `<part>` is of. One that was not declared is one part more.
    fn index(&mut self) -> Result<usize, ReadError> {
        let id = self.xml.attribute(b"id").unwrap_or_default().to_vec();
        // A part without a name is the next one; one that nobody declared is one more.
        let next = || self.parts.iter().position(|part| id.is_empty() && !part.begun);
        let known = self.by_id.get(&id).copied().or_else(next);
        // A partwise score says all of a part in one element: a second one is another part.
        let again = |index: usize| !self.timewise && self.parts.get(index).is_some_and(|part| part.begun);
        if let Some(index) = known.filter(|&index| !again(index)) {
            return Ok(index);
        }
        let place = self.xml.place();
        let shown = String::from_utf8_lossy(&id);
        let message = match known {
            Some(_) => format!("the part {shown:?} comes a second time and is read as one more"),
            None => format!("the part {shown:?} is not in the part list and is read as one more"),
        };
        warn(self.sink, place, &message)?;
        self.declare_part(ScorePart { id, ..ScorePart::default() }, place)
    }

    /// The open `<part>` of a partwise score.
    fn part(&mut self) -> Result<(), ReadError> {
        let here = self.xml.depth();
        let index = self.index()?;
        while self.xml.child(here)? {
            if self.xml.name() == b"measure" {
                let heading = measure::Heading::read(&mut self.xml);
                self.measure(index, &heading)?;
            }
        }
        Ok(())
    }

    /// The open `<measure>` of a timewise score.
    fn measure_of_all(&mut self) -> Result<(), ReadError> {
        let here = self.xml.depth();
        let heading = measure::Heading::read(&mut self.xml);
        while self.xml.child(here)? {
            if self.xml.name() == b"part" {
                let index = self.index()?;
                self.measure(index, &heading)?;
            }
        }
        Ok(())
    }

    /// The contents of the open element, as a measure of a part.
    fn measure(&mut self, index: usize, heading: &measure::Heading) -> Result<(), ReadError> {
        let Some(part) = self.parts.get_mut(index) else { return Ok(()) };
        measure::read(&mut self.xml, part, heading, self.fidelity, self.sink)?;
        self.tell_oddities()
    }

    fn tell_oddities(&mut self) -> Result<(), ReadError> {
        self.xml.take_oddities().iter().try_for_each(|(place, message)| warn(self.sink, *place, message))
    }

    /// Tells how many there are of each unit, by the elements alone.
    fn declare(&mut self) -> Result<(), ReadError> {
        let counts = self.xml.counts();
        let measures = if self.timewise { counts.parts } else { counts.measures };
        let declared = [
            (Unit::Notes, counts.notes.saturating_sub(counts.rests)),
            (Unit::Rests, counts.rests),
            (Unit::Measures, measures),
            (Unit::Parts, counts.score_parts),
        ];
        let place = self.xml.place();
        declared.into_iter().try_for_each(|(unit, count)| {
            self.sink.event(place, Event::Declared(unit, count)).map_err(ReadError::from)
        })
    }
}
