//! A tunebook, line by line: file header, tunes, and the text between them (standard 2.1, section 2.2).

use super::census::{decoration, is_field};
use super::cursor::Cursor;
use super::header::{Header, directive, program};
use super::teller::Teller;
use super::tune::{Tune, text_field};
use super::voice::Voice;
use super::written::Reach;
use crate::score::{Event, Notation, Stop};

/// Where in a book a line stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Before the first tune.
    FileHeader,
    /// Between `X:` and `K:`.
    Header,
    /// There was an empty line between `X:` and `K:`.
    BrokenHeader,
    /// Behind `K:`.
    Body,
    /// Behind the empty line that ends a tune; music may still go on, against the rules.
    Between,
}

/// A field of the file header.
struct FileField {
    letter: u8,
    value: Vec<u8>,
    line: u32,
    at: usize,
}

/// The reading of a book.
pub(super) struct Book<'a> {
    teller: Teller<'a>,
    header: Header,
    fields: Vec<FileField>,
    state: State,
    tune: Option<Tune>,
    /// Voices of the tune before.
    old: Vec<Voice>,
    /// Whether there was a tune.
    found: bool,
    /// Inside of `%%begintext` or its like.
    quoting: bool,
    /// The field before is a line of words or signs, and goes on with `+:`.
    under: Option<u8>,
}

impl<'a> Book<'a> {
    pub(super) fn new(teller: Teller<'a>, compat: bool) -> Self {
        // In music21, accidentals do not reach past their note unless the file claims version 2.
        let reach = if compat { Reach::Note } else { Reach::default() };
        let header = Header::new(compat, reach);
        let (fields, state) = (Vec::new(), State::FileHeader);
        let (tune, old, found, quoting, under) = (None, Vec::new(), false, false, None);
        Book { teller, header, fields, state, tune, old, found, quoting, under }
    }

    /// Whether there was a tune.
    pub(super) fn found(&self) -> bool {
        self.found
    }

    /// Takes the next line.
    pub(super) fn line(&mut self, number: u32, line: &[u8]) -> Result<(), Stop> {
        self.teller.line = number;
        let text = line.trim_ascii_start();
        let column = line.len() - text.len();
        if let Some(comment) = text.strip_prefix(b"%") {
            return self.comment(comment);
        }
        let text = without_comment(text).trim_ascii_end();
        self.quoting &= !text.starts_with(b"X:");
        if self.quoting {
            return Ok(());
        }
        match *text {
            [] => {
                self.empty_line();
                Ok(())
            }
            [b'+', b':', ref more @ ..] => match (&mut self.tune, self.under) {
                (Some(tune), Some(letter)) => {
                    tune.line_under(letter, more, true, column + 2, &mut self.teller)
                }
                _ => Ok(()), // It goes on with a text that needs no more of it.
            },
            [letter, b':', ..] if is_field(text) => {
                self.field(letter, text.get(2..).unwrap_or_default(), column)
            }
            _ => self.other(text, column),
        }
    }

    fn comment(&mut self, comment: &[u8]) -> Result<(), Stop> {
        let version = comment.strip_prefix(b"abc-").and_then(<[u8]>::first);
        if self.header.compat && version.is_some_and(|&digit| digit >= b'2') {
            self.header.reach = Reach::Letter;
        }
        let Some(value) = comment.strip_prefix(b"%") else { return Ok(()) };
        if value.starts_with(b"begin") || value.starts_with(b"end") {
            self.quoting = value.starts_with(b"begin");
        } else if let Some(tune) = &mut self.tune {
            return tune.directive(value, 2, &mut self.teller);
        } else {
            self.header.program = program(value).map(|(_, program)| program).or(self.header.program);
            if let Some(change) = directive(value, self.header.compat) {
                self.header.take(&change, self.teller.place(0));
            }
        }
        Ok(())
    }

    fn empty_line(&mut self) {
        self.state = match self.state {
            State::Header => State::BrokenHeader,
            State::Body => State::Between,
            state => state,
        };
    }

    fn field(&mut self, letter: u8, value: &[u8], column: usize) -> Result<(), Stop> {
        let at = column + 2;
        match (self.state, letter) {
            (_, b'X') => {
                self.begin(at)?;
            }
            (State::Between, b'T') | (State::FileHeader, b'K' | b'V') => {
                self.begin(at)?;
                self.teller.warn(at, "a tune without an X: field")?;
            }
            (State::FileHeader, _) => {
                self.file_field(letter, value, at);
                return Ok(());
            }
            _ => {}
        }
        self.under = Some(letter).filter(|letter| matches!(letter, b'w' | b's' | b'd'));
        let Some(tune) = &mut self.tune else { return Ok(()) };
        tune.field(letter, value, at, &mut self.teller)?;
        if letter == b'K' && matches!(self.state, State::Header | State::BrokenHeader) {
            self.begin_body()?;
        }
        Ok(())
    }

    /// A field before the first tune holds for every tune. Of texts the first counts; instructions, symbols and macros add
    /// up; of the rest the last counts.
    fn file_field(&mut self, letter: u8, value: &[u8], at: usize) {
        let text = text_field(letter).is_some();
        let adds = matches!(letter, b'I' | b'U' | b'm');
        if !text && !adds && !matches!(letter, b'M' | b'L' | b'Q') {
            return;
        }
        let field = FileField { letter, value: value.to_vec(), line: self.teller.line, at };
        match self.fields.iter_mut().find(|known| known.letter == letter) {
            Some(_) if adds => self.fields.push(field),
            Some(known) if !text => *known = field,
            Some(_) => {}
            None => self.fields.push(field),
        }
    }

    /// Tells a tune what the file header says, texts or the rest of it.
    fn recall(&mut self, text: bool) -> Result<(), Stop> {
        let Some(tune) = &mut self.tune else { return Ok(()) };
        let line = self.teller.line;
        for field in self.fields.iter().filter(|field| text_field(field.letter).is_some() == text) {
            self.teller.line = field.line;
            tune.field(field.letter, &field.value, field.at, &mut self.teller)?;
        }
        self.teller.line = line;
        Ok(())
    }

    /// A line that is no field: music, or text where no music can be.
    fn other(&mut self, text: &[u8], column: usize) -> Result<(), Stop> {
        match self.state {
            State::Body => {}
            _ if !looks_like_music(text) => return Ok(()),
            State::FileHeader => {
                self.begin(column)?;
                self.teller.warn(column, "a tune without an X: field")?;
                self.keyless(column)?;
            }
            State::Header | State::BrokenHeader => self.keyless(column)?,
            State::Between => {
                self.teller
                    .warn(column, "music behind the empty line that ends a tune: taken for more of it")?;
                self.state = State::Body;
            }
        }
        match &mut self.tune {
            Some(tune) => tune.music(text, column, &mut self.teller),
            None => Ok(()),
        }
    }

    /// A tune begins.
    fn begin(&mut self, at: usize) -> Result<(), Stop> {
        self.end()?;
        self.found = true;
        self.state = State::Header;
        self.teller.tell(self.teller.place(at), Event::PieceStart { shared_time: false })?;
        self.teller.tell(self.teller.place(at), Event::Notation(Notation::Abc))?;
        self.tune = Some(Tune::new(self.header.clone(), std::mem::take(&mut self.old)));
        self.recall(false)
    }

    /// A tune that has no `K:` where its music begins.
    fn keyless(&mut self, at: usize) -> Result<(), Stop> {
        self.teller.warn(at, "a tune without a K: field, taken for one without sharps or flats")?;
        self.begin_body()
    }

    fn begin_body(&mut self) -> Result<(), Stop> {
        self.recall(true)?;
        self.state = State::Body;
        if let Some(tune) = &mut self.tune {
            tune.begin_body(&self.teller);
        }
        Ok(())
    }

    /// The tune that is open is over.
    pub(super) fn end(&mut self) -> Result<(), Stop> {
        if self.tune.is_some() && matches!(self.state, State::Header | State::BrokenHeader) {
            self.keyless(0)?;
        }
        if let Some(tune) = self.tune.take() {
            self.old = tune.end(&mut self.teller)?;
        }
        Ok(())
    }
}

/// The line up to a `%` that begins a comment; `\%` is the character.
fn without_comment(line: &[u8]) -> &[u8] {
    let mut ends = memchr::memchr_iter(b'%', line);
    let end = ends.find(|&end| end == 0 || line.get(end - 1) != Some(&b'\\'));
    end.and_then(|end| line.get(..end)).unwrap_or(line)
}

/// Whether a line that stands where text may stand is music: notes, bars or lengths, and no other letters.
fn looks_like_music(line: &[u8]) -> bool {
    let mut cursor = Cursor::new(line);
    let (mut notes, mut signs) = (false, false);
    while let Some(byte) = cursor.take() {
        match byte {
            b'"' => _ = cursor.until(b'"'),
            b'!' | b'+' => cursor.skip(decoration(cursor.rest(), byte, false).unwrap_or(0)),
            b'[' if is_field(cursor.rest()) => match cursor.until(b']') {
                Some(_) => {}
                None => return false,
            },
            b'A'..=b'G' | b'a'..=b'g' | b'z' => notes = true,
            b'|' | b'0'..=b'9' => signs = true,
            b'H' | b'L' | b'M' | b'O' | b'P' | b'S' | b'T' | b'X' | b'Z' | b'u' | b'v' | b'x' | b'y' => {}
            byte if byte.is_ascii_alphabetic() || byte >= 0x80 => return false,
            _ => {}
        }
    }
    notes && signs
}
