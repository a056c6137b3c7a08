//! A document as nested elements: the cursor over the XML parser that everything else reads through.

use super::super::ReadError;
use super::fault_of;
use super::source::Source;
use crate::score::Stop;
use memchr::{memchr, memmem};
use quick_xml::Reader;
use quick_xml::errors::Error;
use quick_xml::escape::{resolve_predefined_entity, unescape};
use quick_xml::events::{BytesRef, Event};
use shared::failure::{Failure, FailureKind};
use shared::limits::{Limits, exceeded};
use shared::place::Place;
use std::io::{self, Read};

/// How many oddities wait to be told; a measure with more of them has said enough.
const ODDITIES_MAX: usize = 64;

/// The cursor. It stands on an open element; [`Xml::child`] goes to the next one inside.
pub(super) struct Xml<'a> {
    reader: Reader<Source<'a>>,
    buffer: Vec<u8>,
    /// The start tag of the element that was opened last, without its brackets.
    tag: Vec<u8>,
    name_bytes: usize,
    /// The text that is being gathered.
    text: Vec<u8>,
    gathering: bool,
    depth: u64,
    depth_max: u64,
    /// The open element was `<so/>`: it closes without a tag of its own.
    empty: bool,
    declares_entities: bool,
    counts: Counts,
    oddities: Vec<(Place, String)>,
}

/// How often elements were opened, whatever became of them.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    pub(super) notes: u64,
    pub(super) rests: u64,
    pub(super) measures: u64,
    pub(super) parts: u64,
    pub(super) score_parts: u64,
}

impl Counts {
    fn see(&mut self, name: &[u8]) {
        match name {
            b"note" => self.notes += 1,
            b"rest" => self.rests += 1,
            b"measure" => self.measures += 1,
            b"part" => self.parts += 1,
            b"score-part" => self.score_parts += 1,
            _ => {}
        }
    }
}

enum Token {
    Open,
    Close,
    Other,
    End,
}

impl<'a> Xml<'a> {
    pub(super) fn new(input: Box<dyn Read + 'a>, limits: &Limits) -> Self {
        Xml {
            reader: Reader::from_reader(Source::new(input, limits.token_bytes_max)),
            buffer: Vec::new(),
            tag: Vec::new(),
            name_bytes: 0,
            text: Vec::new(),
            gathering: false,
            depth: 0,
            depth_max: limits.xml_depth_max,
            empty: false,
            declares_entities: false,
            counts: Counts::default(),
            oddities: Vec::new(),
        }
    }

    /// How deep the cursor stands: 1 in the root element.
    pub(super) fn depth(&self) -> u64 {
        self.depth
    }

    /// Where the token began that was read last.
    pub(super) fn place(&mut self) -> Place {
        self.reader.get_mut().place()
    }

    pub(super) fn counts(&self) -> Counts {
        self.counts
    }

    /// What was odd in the XML itself since the last call.
    pub(super) fn take_oddities(&mut self) -> Vec<(Place, String)> {
        std::mem::take(&mut self.oddities)
    }

    /// Goes to the next child of the element at depth `parent`; false when that element ends. What is left of the
    /// child before is passed over.
    pub(super) fn child(&mut self, parent: u64) -> Result<bool, ReadError> {
        while self.depth >= parent {
            match self.advance()? {
                Token::Open if self.depth == parent + 1 => return Ok(true),
                Token::End => return self.ended(),
                _ => {}
            }
        }
        Ok(false)
    }

    /// Goes to the next start tag at any depth; false at the end of the document.
    pub(super) fn open(&mut self) -> Result<bool, ReadError> {
        loop {
            match self.advance()? {
                Token::Open => return Ok(true),
                Token::End => return Ok(false),
                _ => {}
            }
        }
    }

    /// The text of the open element, to its end, without white space around it.
    pub(super) fn text(&mut self) -> Result<&[u8], ReadError> {
        let here = self.depth;
        self.text.clear();
        self.gathering = true;
        let outcome = self.child(here);
        let outcome = outcome.and_then(|more| if more { self.rest(here) } else { Ok(()) });
        self.gathering = false;
        outcome.map(|()| self.text.trim_ascii())
    }

    fn rest(&mut self, here: u64) -> Result<(), ReadError> {
        while self.child(here)? {}
        Ok(())
    }

    /// The text as a string, its white space made single spaces.
    pub(super) fn string(&mut self) -> Result<String, ReadError> {
        let text = self.text()?;
        let is_utf8 = std::str::from_utf8(text).is_ok();
        let text = String::from_utf8_lossy(text).split_whitespace().collect::<Vec<_>>().join(" ");
        if !is_utf8 {
            let message = format!("the text {text:?} does not keep to its encoding");
            let place = self.place();
            self.odd(place, message);
        }
        Ok(text)
    }

    /// Reads to the end of the document, so that a checksum over it is compared; an element after the root is odd.
    pub(super) fn finish(&mut self) -> Result<(), ReadError> {
        while self.open()? {
            if self.depth == 1 {
                let place = self.place();
                self.odd(place, "an element follows the end of the score".to_owned());
            }
        }
        Ok(())
    }

    /// Name of the open element.
    pub(super) fn name(&self) -> &[u8] {
        self.tag.get(..self.name_bytes).unwrap_or_default()
    }

    /// The raw value of an attribute of the element that was opened last.
    pub(super) fn attribute(&self, name: &[u8]) -> Option<&[u8]> {
        let mut rest = self.tag.get(self.name_bytes..)?;
        loop {
            rest = rest.trim_ascii_start();
            let equals = memchr(b'=', rest)?;
            let found = rest.get(..equals)?.trim_ascii_end() == name;
            rest = rest.get(equals + 1..)?.trim_ascii_start();
            let (&quote, value) = rest.split_first()?;
            let end = memchr(quote, value)?;
            if found {
                return value.get(..end);
            }
            rest = value.get(end + 1..)?;
        }
    }

    /// The value of an attribute as a string, with its references resolved.
    pub(super) fn attribute_text(&self, name: &[u8]) -> Option<String> {
        let value = String::from_utf8_lossy(self.attribute(name)?);
        // A value with a reference that nobody knows stays as it is.
        let plain = unescape(&value).map(|text| text.into_owned());
        Some(plain.unwrap_or_else(|_| value.clone().into_owned()))
    }

    fn advance(&mut self) -> Result<Token, ReadError> {
        if self.empty {
            self.empty = false;
            self.depth = self.depth.saturating_sub(1);
            return Ok(Token::Close);
        }
        self.buffer.clear();
        let source = self.reader.get_mut();
        if self.depth > 0 && !self.gathering {
            source.skip_text();
        }
        source.mark();
        let (tag, empty) = match self.reader.read_event_into(&mut self.buffer) {
            Ok(Event::Start(tag)) => (tag, false),
            Ok(Event::Empty(tag)) => (tag, true),
            Ok(Event::End(_)) => {
                self.depth = self.depth.saturating_sub(1);
                return Ok(Token::Close);
            }
            Ok(Event::Text(text)) => {
                if self.gathering {
                    self.text.extend_from_slice(&text);
                }
                return Ok(Token::Other);
            }
            Ok(Event::CData(text)) => {
                if self.gathering {
                    self.text.extend_from_slice(&text);
                }
                return Ok(Token::Other);
            }
            Ok(Event::GeneralRef(reference)) => {
                let resolved = resolve(&reference);
                let name = String::from_utf8_lossy(&reference).into_owned();
                self.reference(resolved, &name)?;
                return Ok(Token::Other);
            }
            Ok(Event::DocType(text)) => {
                self.declares_entities |= memmem::find(&text, b"<!ENTITY").is_some();
                return Ok(Token::Other);
            }
            Ok(Event::Eof) => return Ok(Token::End),
            Ok(_) => return Ok(Token::Other),
            Err(error) => return Err(self.broken(error)),
        };
        self.tag.clear();
        self.tag.extend_from_slice(&tag);
        self.name_bytes = tag.name().as_ref().len();
        self.empty = empty;
        self.depth += 1;
        self.counts.see(tag.name().as_ref());
        if self.depth > self.depth_max {
            let failure = exceeded("xml_depth_max", self.depth_max, Some(self.place()));
            return Err(Stop::Failed(failure).into());
        }
        Ok(Token::Open)
    }

    /// Takes what a reference stands for. Entities that the document declares are never expanded: that is how a
    /// few bytes become gigabytes, and how a document reads the files of its reader.
    fn reference(&mut self, resolved: Option<String>, name: &str) -> Result<(), ReadError> {
        match resolved {
            Some(text) if self.gathering => self.text.extend_from_slice(text.as_bytes()),
            Some(_) => {}
            None if self.declares_entities => {
                let message = format!("the entity &{name}; is the document's own, and such are not expanded");
                return Err(ReadError::Malformed(Failure::at(
                    FailureKind::Unsupported,
                    self.place(),
                    message,
                )));
            }
            None => {
                let place = self.place();
                self.odd(place, format!("the entity &{name}; is unknown and left out"));
            }
        }
        Ok(())
    }

    fn odd(&mut self, place: Place, message: String) {
        if self.oddities.len() < ODDITIES_MAX {
            self.oddities.push((place, message));
        }
    }

    fn ended(&mut self) -> Result<bool, ReadError> {
        if self.depth == 0 {
            return Ok(false);
        }
        let place = self.place();
        Err(ReadError::malformed(place, format!("the document ends inside of {} open elements", self.depth)))
    }

    fn broken(&mut self, error: Error) -> ReadError {
        match error {
            Error::Io(error) => match error.get_ref().and_then(|inner| inner.downcast_ref::<Failure>()) {
                Some(failure) => fault_of(io::Error::other(failure.clone())),
                None => ReadError::Io(io::Error::new(error.kind(), error.to_string())),
            },
            error => ReadError::malformed(self.place(), format!("the XML is broken: {error}")),
        }
    }
}

fn resolve(reference: &BytesRef<'_>) -> Option<String> {
    if let Ok(Some(character)) = reference.resolve_char_ref() {
        return Some(character.into());
    }
    let name = std::str::from_utf8(reference).ok()?;
    resolve_predefined_entity(name).map(str::to_owned)
}
