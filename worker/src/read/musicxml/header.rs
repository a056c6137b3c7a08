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
    /// A title that is printed only, and whether it is called one.
    printed: Option<(String, bool)>,
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

    /// Reads the open `<credit>`, what is printed on a page: it counts where nothing else says it. A title is what is
    /// called one, else the first text of the first page.
    pub(super) fn credit(&mut self, xml: &mut Xml<'_>, sink: &mut dyn EventSink) -> Result<(), ReadError> {
        let (here, place) = (xml.depth(), xml.place());
        let is_first_page = xml.attribute(b"page").is_none_or(|page| page == b"1");
        let (mut field, mut is_named, mut text) = (None, false, String::new());
        while xml.child(here)? {
            match xml.name() {
                b"credit-type" => {
                    is_named = true;
                    field = field.or(match xml.text()? {
                        b"title" => Some(Field::Title),
                        b"composer" => Some(Field::Composer),
                        b"lyricist" => Some(Field::Lyricist),
                        b"rights" => Some(Field::Rights),
                        _ => None,
                    });
                }
                b"credit-words" => {
                    text.push(' ');
                    xml.append(&mut text)?;
                }
                _ => {}
            }
        }
        let text = text.trim();
        // Programs print it over the score as the name of the part.
        let is_title = !matches!(text, "Score" | "Full Score");
        let known = self.printed.as_ref().map(|printed| printed.1);
        match field {
            _ if text.is_empty() => {}
            Some(Field::Title) if known != Some(true) => self.printed = Some((text.to_owned(), true)),
            Some(Field::Title) => {}
            // The first of a field counts, and credits come behind what names the composer.
            Some(field) => sink.event(place, Event::Field(field, text))?,
            None if is_first_page && !is_named && is_title && known.is_none() => {
                self.printed = Some((text.to_owned(), false));
            }
            None => {}
        }
        Ok(())
    }

    /// Says the title of a piece that has only that of its movement, or one in print.
    pub(super) fn finish(&mut self, place: Place, sink: &mut dyn EventSink) -> Result<(), ReadError> {
        let printed = self.printed.take().map(|(text, _)| text);
        if let Some(title) = self.movement.take().or(printed).filter(|_| !self.work) {
            sink.event(place, Event::Field(Field::Title, &title))?;
            self.work = true;
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

/// How many part groups may be open at once; what opens more is no score.
const GROUPS_MAX: usize = 64;

/// The part groups that are open, by their numbers, the innermost last, with their names.
#[derive(Debug, Default)]
pub(super) struct Groups(Vec<(Vec<u8>, String)>);

impl Groups {
    /// Reads the open `<part-group>`.
    pub(super) fn read(&mut self, xml: &mut Xml<'_>) -> Result<(), ReadError> {
        let here = xml.depth();
        let number = xml.attribute(b"number").unwrap_or(b"1").to_vec();
        if xml.attribute(b"type") == Some(b"stop") {
            self.0.retain(|(open, _)| *open != number);
            return Ok(());
        }
        let mut name = String::new();
        while xml.child(here)? {
            if xml.name() == b"group-name" {
                xml.append(&mut name)?;
            }
        }
        if self.0.len() < GROUPS_MAX {
            self.0.push((number, name));
        }
        Ok(())
    }

    /// Gives a part that has no name of its own that of its group, as the second of two flutes that share a bracket.
    pub(super) fn name(&self, part: &mut ScorePart) {
        if part.name.as_ref().is_none_or(|name| name.trim().is_empty()) {
            let named = self.0.iter().rev().find(|(_, name)| !name.is_empty());
            part.name = named.map(|(_, name)| name.clone()).or(part.name.take());
        }
    }
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
