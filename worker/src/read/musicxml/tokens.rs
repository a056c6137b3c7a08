//! From bytes to markup and text, one token at a time, without a copy.
//!
//! Nearly all of a score is tags and the text between them: these are found here, strictly. Comments, CDATA,
//! instructions, document types and references are rare, and quick-xml says where they end.

use super::source::Source;
use super::word;
use memchr::{memchr, memchr2, memchr3};
use quick_xml::Reader;
use quick_xml::errors::{Error, SyntaxError};
use quick_xml::events::Event;
use quick_xml::parser::{ElementParser, Parser};
use shared::limits::Limits;
use shared::place::Place;
use std::io::{self, Read};
use std::ops::Range;

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// `<a>`
    Open,
    /// `<a/>`
    Empty,
    /// `</a>`, of the element that was open.
    Close,
    /// Plain text, or what stands in CDATA.
    Text,
    /// `&a;`, without the signs around the name.
    Reference,
    DocType,
    /// Instructions, comments.
    Other,
    /// The document is over.
    End,
}

/// Why there is no next token.
#[derive(Debug)]
pub(super) enum Broken {
    Io(io::Error),
    Xml(String),
}

impl From<io::Error> for Broken {
    fn from(error: io::Error) -> Self {
        Broken::Io(error)
    }
}

/// The tokens of a document of UTF-8 without a byte order mark.
pub(super) struct Tokens<'a> {
    source: Source<'a>,
    /// What the last token says, without its brackets, as a part of the buffer.
    content: Range<usize>,
    /// How much of it is the name, in a start tag.
    name_bytes: usize,
    opened: Vec<Opened>,
    /// The names of the open elements that are longer than a word, one behind the other.
    names: Vec<u8>,
}

/// The name of an open element. Most are so short that they fit into a word, and are compared as one.
struct Opened {
    bytes: usize,
    /// The first eight bytes, zeros behind a shorter name.
    word: u64,
    /// Which bits of the word are the name's.
    mask: u64,
    /// Where the whole name begins among the names, if it does not fit.
    start: usize,
}

/// A token that was found: its length, and what of it is content.
struct Found {
    token: Token,
    bytes: usize,
    content: Range<usize>,
    name_bytes: usize,
}

impl Found {
    fn new(token: Token, bytes: usize, content: Range<usize>) -> Self {
        Found { token, bytes, content, name_bytes: 0 }
    }
}

impl<'a> Tokens<'a> {
    pub(super) fn new(input: Box<dyn Read + 'a>, limits: &Limits) -> Self {
        let source = Source::new(input, limits.token_bytes_max);
        Tokens { source, content: 0..0, name_bytes: 0, opened: Vec::new(), names: Vec::new() }
    }

    /// Where the last token began.
    pub(super) fn place(&mut self) -> Place {
        self.source.place()
    }

    /// What the last token says: the inside of a tag, a text, the name of a reference.
    pub(super) fn content(&self) -> &[u8] {
        self.source.bytes(&self.content)
    }

    /// The name in the last token, if that was a start tag.
    pub(super) fn name(&self) -> &[u8] {
        self.content().get(..self.name_bytes).unwrap_or_default()
    }

    /// What follows the name in the last token, if that was a start tag.
    pub(super) fn attributes(&self) -> &[u8] {
        self.content().get(self.name_bytes..).unwrap_or_default()
    }

    /// The next token. Where nobody wants text, plain text may be passed over.
    pub(super) fn next(&mut self, wants_text: bool) -> Result<Token, Broken> {
        if !wants_text {
            self.source.skip_text();
        }
        self.source.mark();
        match self.usual() {
            Some(token) => Ok(token),
            None => self.unusual(),
        }
    }

    /// A tag as nearly every program writes it, whole in the buffer.
    fn usual(&mut self) -> Option<Token> {
        let unread = self.source.unread();
        let (b'<', inside) = unread.split_first()? else { return None };
        if inside.first() == Some(&b'/') {
            let bytes = self.usual_end(unread)?;
            self.source.pass(bytes);
            self.close();
            return Some(Token::Close);
        }
        let name_bytes = word::first(inside, |word| word::equal(word, b'>') | word::below(word, b'('))?;
        let end = match inside.get(name_bytes)? {
            b'>' => name_bytes,
            b' ' if name_bytes > 0 => tag_end(inside)?,
            _ => return None,
        };
        if inside.first() == Some(&b'?') {
            return None;
        }
        let is_empty = end > 0 && inside.get(end - 1) == Some(&b'/');
        let content_bytes = end - usize::from(is_empty);
        let start = self.source.pass(end + 2) + 1;
        self.content = start..start + content_bytes;
        self.name_bytes = name_bytes.min(content_bytes);
        if is_empty {
            return Some(Token::Empty);
        }
        self.open();
        Some(Token::Open)
    }

    /// Any token, wherever it ends.
    fn unusual(&mut self) -> Result<Token, Broken> {
        let found = loop {
            if let Some(found) = self.find()? {
                break found;
            }
            if !self.source.more()? {
                break self.last()?;
            }
        };
        let start = self.source.pass(found.bytes);
        self.content = start + found.content.start..start + found.content.end;
        self.name_bytes = found.name_bytes;
        match found.token {
            Token::Open => self.open(),
            Token::Close => self.close(),
            _ => {}
        }
        Ok(found.token)
    }

    /// Whether the element that was just opened holds nothing but text and is in the buffer to its end: then it is closed,
    /// and its text is the content.
    pub(super) fn plain_text(&mut self) -> bool {
        let unread = self.source.unread();
        let Some(bytes) = text_bytes(unread) else { return false };
        let rest = unread.get(bytes..).unwrap_or_default();
        let Some(end_bytes) = self.usual_end(rest) else { return false };
        let start = self.source.pass(bytes);
        self.source.mark();
        self.source.pass(end_bytes);
        self.close();
        (self.content, self.name_bytes) = (start..start + bytes, 0);
        true
    }

    fn open(&mut self) {
        let bytes = self.name_bytes;
        let name = self.content.start..self.content.start + bytes;
        let start = self.names.len();
        if bytes > 8 {
            self.names.extend_from_slice(self.source.bytes(&name));
        }
        let mask = word::mask(bytes);
        // Behind a name there is at least the rest of its tag, so that the word is in the buffer but at its end.
        let first = self.source.bytes(&(name.start..name.start + 8));
        let first = word::of(first).unwrap_or_else(|| word::padded(self.source.bytes(&name)));
        self.opened.push(Opened { bytes, word: first & mask, mask, start });
    }

    /// The name of the element that was opened last; nothing where none is open.
    fn open_name(&self) -> Vec<u8> {
        let Some(opened) = self.opened.last() else { return Vec::new() };
        let word = opened.word.to_le_bytes();
        let name = word.get(..opened.bytes).or(self.names.get(opened.start..));
        name.unwrap_or_default().to_vec()
    }

    /// The length of the end tag of the open element at the front, as nearly every program writes it.
    fn usual_end(&self, unread: &[u8]) -> Option<usize> {
        let rest = unread.strip_prefix(b"</")?;
        let opened = self.opened.last()?;
        let is_same = (word::of(rest)? ^ opened.word) & opened.mask == 0
            && (opened.bytes <= 8 || rest.starts_with(self.names.get(opened.start..)?));
        (is_same && rest.get(opened.bytes) == Some(&b'>')).then_some(opened.bytes + 3)
    }

    fn close(&mut self) {
        let start = self.opened.pop().map_or(0, |opened| opened.start);
        self.names.truncate(start);
    }

    /// The token at the front of what is unread, if it is there to its end.
    fn find(&self) -> Result<Option<Found>, Broken> {
        let unread = self.source.unread();
        match unread {
            [b'<', b'/', ..] => self.end(unread),
            [b'<', b'!' | b'?', ..] => rare(unread),
            [b'<', _, ..] => Ok(start(unread)),
            [b'<'] | [] => Ok(None),
            [b'&', rest @ ..] => match memchr3(b';', b'&', b'<', rest) {
                Some(_) => rare(unread),
                None => Ok(None),
            },
            text => Ok(text_bytes(text).map(|bytes| Found::new(Token::Text, bytes, 0..bytes))),
        }
    }

    /// The token at the end of the document, of which no more will come.
    fn last(&self) -> Result<Found, Broken> {
        let unread = self.source.unread();
        let message = match unread {
            [] => return Ok(Found::new(Token::End, 0, 0..0)),
            [b'<', b'!', ..] => "a comment, CDATA or document type is not closed",
            [b'<', b'?', ..] => "an instruction is not closed",
            [b'<', ..] => "a tag is not closed",
            [b'&', ..] => "a reference is not closed",
            text => return Ok(Found::new(Token::Text, text.len(), 0..text.len())),
        };
        Err(Broken::Xml(message.to_owned()))
    }

    /// The end tag at the front.
    fn end(&self, unread: &[u8]) -> Result<Option<Found>, Broken> {
        if let Some(bytes) = self.usual_end(unread) {
            return Ok(Some(Found::new(Token::Close, bytes, 0..0)));
        }
        let open = self.open_name();
        let Some(end) = tag_end(unread) else { return Ok(None) };
        let name = unread.get(2..end).unwrap_or_default().trim_ascii_end();
        let shown = |name: &[u8]| String::from_utf8_lossy(name.get(..80).unwrap_or(name)).into_owned();
        if self.opened.is_empty() {
            return Err(Broken::Xml(format!("</{}> closes no element", shown(name))));
        }
        if name != open {
            return Err(Broken::Xml(format!("</{}> where </{}> would be right", shown(name), shown(&open))));
        }
        Ok(Some(Found::new(Token::Close, end + 1, 0..0)))
    }
}

/// How many bytes of plain text stand at the front; `None` where it goes on past the end.
fn text_bytes(unread: &[u8]) -> Option<usize> {
    let short = word::of(unread).map_or(0, |word| word::equal(word, b'<') | word::equal(word, b'&'));
    if short == 0 { memchr2(b'<', b'&', unread) } else { Some(word::index(short)) }
}

/// The start tag at the front, or the tag of an empty element.
fn start(unread: &[u8]) -> Option<Found> {
    let is_end = |byte: &u8| matches!(byte, b'>' | b' ' | b'\t' | b'\r' | b'\n' | b'"' | b'\'');
    let plain = unread.iter().position(is_end)?;
    let end = if unread.get(plain) == Some(&b'>') { plain } else { tag_end(unread)? };
    let is_empty = unread.get(end - 1) == Some(&b'/');
    let content = 1..end - usize::from(is_empty);
    let name = unread.get(content.clone())?;
    // A quote ends no name, odd as it is in one.
    let is_quote = matches!(unread.get(plain), Some(b'"' | b'\''));
    let name_bytes = if is_quote { name.iter().position(|byte| is_blank(*byte)) } else { Some(plain - 1) };
    let name_bytes = name_bytes.unwrap_or(name.len()).min(name.len());
    let token = if is_empty { Token::Empty } else { Token::Open };
    Some(Found { token, bytes: end + 1, content, name_bytes })
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

/// Where the tag at the front has its `>`: the first that stands in no quotes.
fn tag_end(unread: &[u8]) -> Option<usize> {
    let end = memchr(b'>', unread)?;
    let before = unread.get(..end)?;
    let (odd, single) = before
        .iter()
        .fold((false, false), |(odd, single), &byte| (odd ^ (byte == b'"'), single | (byte == b'\'')));
    if odd || single { ElementParser::Outside.feed(unread) } else { Some(end) }
}

/// The length of a token that is neither tag nor text.
fn rare(unread: &[u8]) -> Result<Option<Found>, Broken> {
    if unread == b"<!" {
        return Ok(None);
    }
    let mut reader = Reader::from_reader(unread);
    let event = match reader.read_event() {
        Ok(event) => event,
        Err(Error::Syntax(error)) if error != SyntaxError::InvalidBangMarkup => return Ok(None),
        Err(error) => return Err(Broken::Xml(error.to_string())),
    };
    let bytes = usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX);
    let found = |token, content| Ok(Some(Found::new(token, bytes, content)));
    match event {
        Event::CData(text) => found(Token::Text, 9..9 + text.len()),
        Event::GeneralRef(name) => found(Token::Reference, 1..1 + name.len()),
        Event::DocType(_) => found(Token::DocType, 0..bytes),
        _ => found(Token::Other, 0..0),
    }
}
