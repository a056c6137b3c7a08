//! A document as nested elements: the cursor over the XML parser that everything else reads through.

use super::super::ReadError;
use super::fault_of;
use super::tokens::{Broken, Token, Tokens};
use crate::score::Stop;
use memchr::{memchr, memmem};
use quick_xml::escape::{resolve_predefined_entity, unescape};
use quick_xml::events::BytesRef;
use shared::failure::{Failure, FailureKind};
use shared::limits::{Limits, exceeded};
use shared::place::Place;
use std::io::Read;

/// How many oddities wait to be told; a measure with more of them has said enough.
const ODDITIES_MAX: usize = 64;

/// The cursor. It stands on an open element; [`Xml::child`] goes to the next one inside.
pub(super) struct Xml<'a> {
    tokens: Tokens<'a>,
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

impl<'a> Xml<'a> {
    pub(super) fn new(input: Box<dyn Read + 'a>, limits: &Limits) -> Self {
        Xml {
            tokens: Tokens::new(input, limits),
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
        self.tokens.place()
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
        // Most children that nobody has read hold nothing but text.
        if self.depth == parent + 1 && !self.empty && !self.gathering && self.tokens.plain_text() {
            self.depth = parent;
        }
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

    /// The text of the open element, to its end, without white space around it. Its name and attributes are gone then.
    pub(super) fn text(&mut self) -> Result<&[u8], ReadError> {
        if !self.empty && self.tokens.plain_text() {
            self.depth = self.depth.saturating_sub(1);
            return Ok(self.tokens.content().trim_ascii());
        }
        self.gather()?;
        Ok(self.text.trim_ascii())
    }

    /// Gathers the text of an element that has more in it than text.
    fn gather(&mut self) -> Result<(), ReadError> {
        let here = self.depth;
        self.text.clear();
        self.gathering = true;
        let outcome = self.child(here);
        let outcome = outcome.and_then(|more| if more { self.rest(here) } else { Ok(()) });
        self.gathering = false;
        outcome
    }

    fn rest(&mut self, here: u64) -> Result<(), ReadError> {
        while self.child(here)? {}
        Ok(())
    }

    /// The text as a string, its white space made single spaces.
    pub(super) fn string(&mut self) -> Result<String, ReadError> {
        let mut text = String::new();
        self.append(&mut text)?;
        Ok(text)
    }

    /// Writes the text behind another, its white space made single spaces.
    pub(super) fn append(&mut self, into: &mut String) -> Result<(), ReadError> {
        let start = into.len();
        let text = self.text()?;
        let is_utf8 = match std::str::from_utf8(text) {
            Ok(text) => {
                push_words(into, text);
                true
            }
            Err(_) => {
                push_words(into, &String::from_utf8_lossy(text));
                false
            }
        };
        if !is_utf8 {
            let text = into.get(start..).unwrap_or_default();
            let message = format!("the text {text:?} does not keep to its encoding");
            let place = self.place();
            self.odd(place, message);
        }
        Ok(())
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

    /// Name of the element that was opened last, while nothing was read after its start tag.
    pub(super) fn name(&self) -> &[u8] {
        self.tokens.name()
    }

    /// The raw value of an attribute of that element.
    pub(super) fn attribute(&self, name: &[u8]) -> Option<&[u8]> {
        let mut rest = self.tokens.attributes();
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
        let token = match self.tokens.next(self.gathering) {
            Ok(token) => token,
            Err(error) => return Err(self.broken(error)),
        };
        match token {
            Token::Open | Token::Empty => {
                self.empty = token == Token::Empty;
                self.depth += 1;
                self.counts.see(self.tokens.name());
                if self.depth > self.depth_max {
                    let failure = exceeded("xml_depth_max", self.depth_max, Some(self.place()));
                    return Err(Stop::Failed(failure).into());
                }
                return Ok(Token::Open);
            }
            Token::Close => self.depth = self.depth.saturating_sub(1),
            Token::Text if self.gathering => self.text.extend_from_slice(self.tokens.content()),
            Token::Reference => self.reference()?,
            Token::DocType => {
                self.declares_entities |= memmem::find(self.tokens.content(), b"<!ENTITY").is_some();
            }
            Token::Text | Token::Other | Token::End => {}
        }
        Ok(token)
    }

    /// Takes what a reference stands for. Entities that the document declares are never expanded: that is how a
    /// few bytes become gigabytes, and how a document reads the files of its reader.
    fn reference(&mut self) -> Result<(), ReadError> {
        let name = String::from_utf8_lossy(self.tokens.content()).into_owned();
        match resolve(self.tokens.content()) {
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

    fn broken(&mut self, error: Broken) -> ReadError {
        match error {
            Broken::Io(error) => fault_of(error),
            Broken::Xml(error) => ReadError::malformed(self.place(), format!("the XML is broken: {error}")),
        }
    }
}

fn push_words(into: &mut String, text: &str) {
    for (index, word) in text.split_whitespace().enumerate() {
        if index > 0 {
            into.push(' ');
        }
        into.push_str(word);
    }
}

fn resolve(reference: &[u8]) -> Option<String> {
    let name = std::str::from_utf8(reference).ok()?;
    if let Ok(Some(character)) = BytesRef::new(name).resolve_char_ref() {
        return Some(character.into());
    }
    resolve_predefined_entity(name).map(str::to_owned)
}
