//! What stands before the music: titles, names, the list of parts.

use super::super::ReadError;
use super::values::whole;
use super::xml::Xml;
use crate::score::{Event, EventSink, Field};
use shared::place::Place;

/// Reads the open `<work>`.
pub(super) fn work(
    xml: &mut Xml<'_>,
    titles: &mut Titles,
    sink: &mut dyn EventSink,
) -> Result<(), ReadError> {
    let here = xml.depth();
    while xml.child(here)? {
        match xml.name() {
            b"work-title" => titles.work |= field(xml, Field::Title, sink)?,
            b"work-number" => {
                field(xml, Field::Number, sink)?;
            }
            _ => {}
        }
    }
    Ok(())
}

/// What is known of the titles.
#[derive(Debug, Default)]
pub(super) struct Titles {
    work: bool,
    movement: Option<String>,
}

impl Titles {
    /// Reads the open `<movement-title>`.
    pub(super) fn movement(&mut self, xml: &mut Xml<'_>, sink: &mut dyn EventSink) -> Result<(), ReadError> {
        let place = xml.place();
        let text = xml.string()?;
        sink.event(place, Event::Field(Field::Movement, &text))?;
        self.movement = Some(text).filter(|text| !text.is_empty());
        Ok(())
    }

    /// Says the title of a piece that has only that of its movement.
    pub(super) fn finish(&mut self, place: Place, sink: &mut dyn EventSink) -> Result<(), ReadError> {
        if let Some(movement) = self.movement.take().filter(|_| !self.work) {
            sink.event(place, Event::Field(Field::Title, &movement))?;
        }
        Ok(())
    }
}

/// Reads the open `<identification>`.
pub(super) fn identification(xml: &mut Xml<'_>, sink: &mut dyn EventSink) -> Result<(), ReadError> {
    let here = xml.depth();
    while xml.child(here)? {
        let kind = match xml.name() {
            b"creator" => match xml.attribute(b"type") {
                Some(b"composer") => Field::Composer,
                Some(b"lyricist" | b"poet") => Field::Lyricist,
                _ => continue,
            },
            b"rights" => Field::Rights,
            b"source" => Field::Source,
            _ => continue,
        };
        field(xml, kind, sink)?;
    }
    Ok(())
}

/// Tells the text of the open element as a field; says whether there was one.
pub(super) fn field(xml: &mut Xml<'_>, field: Field, sink: &mut dyn EventSink) -> Result<bool, ReadError> {
    let place = xml.place();
    let text = xml.string()?;
    sink.event(place, Event::Field(field, &text))?;
    Ok(!text.is_empty())
}

/// A `<score-part>`.
#[derive(Debug, Default)]
pub(super) struct ScorePart {
    pub(super) id: Vec<u8>,
    pub(super) name: Option<String>,
    pub(super) instrument: Option<String>,
    pub(super) program: Option<u8>,
}

/// Reads the open `<score-part>`. Of several instruments the first counts.
pub(super) fn score_part(xml: &mut Xml<'_>) -> Result<ScorePart, ReadError> {
    let here = xml.depth();
    let id = xml.attribute(b"id").unwrap_or_default().to_vec();
    let mut part = ScorePart { id, ..ScorePart::default() };
    while xml.child(here)? {
        match xml.name() {
            b"part-name" => part.name = Some(xml.string()?),
            b"score-instrument" => {
                let within = xml.depth();
                while xml.child(within)? {
                    if xml.name() == b"instrument-name" && part.instrument.is_none() {
                        part.instrument = Some(xml.string()?);
                    }
                }
            }
            b"midi-instrument" => part.program = part.program.or(program(xml)?),
            _ => {}
        }
    }
    Ok(part)
}

/// The program of the open `<midi-instrument>`; on channel 10 numbers are drum kits.
fn program(xml: &mut Xml<'_>) -> Result<Option<u8>, ReadError> {
    let here = xml.depth();
    let (mut program, mut channel) = (None, None);
    while xml.child(here)? {
        match xml.name() {
            b"midi-program" => program = whole(xml.text()?).filter(|program| (1..=128).contains(program)),
            b"midi-channel" => channel = whole::<u8>(xml.text()?),
            _ => {}
        }
    }
    Ok(program.filter(|_| channel != Some(10)))
}
