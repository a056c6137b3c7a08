//! A line of music (standard 2.1, section 4): from its letters to what its voice plays.

use super::barline::{Barline, ending};
use super::census::is_field;
use super::cursor::Cursor;
use super::key::accidental;
use super::teller::Teller;
use super::text::decode;
use super::tune::Tune;
use super::written::{Head, Length, Member, Tuplet};
use crate::score::{AnnotationKind, Endings, Step, Stop};

/// The longest note in unit notes, and the shortest as a part of one; what passes them is a slip of the pen.
const LENGTH_MAX: u32 = 10_000;

/// The most measures that one `Z` may rest.
const REST_MEASURES_MAX: u32 = 10_000;

/// One line being read.
pub(super) struct Music<'a, 'b, 'c> {
    pub(super) cursor: Cursor<'a>,
    /// Column of the line's first byte, from 0.
    column: usize,
    pub(super) tune: &'b mut Tune,
    pub(super) teller: &'b mut Teller<'c>,
}

/// Reads a line of music, without its comment.
pub(super) fn line(text: &[u8], column: usize, tune: &mut Tune, teller: &mut Teller) -> Result<(), Stop> {
    let mut music = Music { cursor: Cursor::new(text), column, tune, teller };
    while let Some(byte) = music.cursor.peek() {
        match byte {
            b' ' => music.cursor.skip(1),
            byte => music.symbol(byte)?,
        }
    }
    Ok(())
}

impl Music<'_, '_, '_> {
    fn symbol(&mut self, byte: u8) -> Result<(), Stop> {
        match byte {
            b'A'..=b'G' | b'a'..=b'g' | b'^' | b'_' | b'=' | b'z' | b'x' => return self.single(),
            b'|' => return self.bar(),
            b':' | b']' => return self.colon(),
            b'[' => return self.bracket(),
            b'{' => return self.grace(),
            b'(' => return self.parenthesis(),
            b'"' => return self.quoted(),
            b'!' => return self.decorated(byte),
            b'+' => return self.plus(),
            b'<' | b'>' => return self.broken(byte),
            b'Z' | b'X' => return self.rest_measures(byte),
            b'-' => return self.tie(),
            b'&' => return self.overlay(),
            b')' => return self.end_slur(),
            b'.' => return self.dot(),
            b'y' => {
                // A spacer, and how wide: nothing to hear.
                self.cursor.skip(1);
                self.cursor.take_while(|byte| byte.is_ascii_digit() || byte == b'/');
                return Ok(());
            }
            b'0'..=b'9' | b'/' | b',' | b'\'' => return self.stray(),
            // Blanks, beams, line breaks, and what the standard reserves.
            b' ' | b'\t' | b'`' | b'\\' | b'$' | b'*' | b';' | b'?' | b'@' | b'#' => {}
            b'H'..=b'W' | b'h'..=b'w' | b'~' => self.letter(byte)?,
            _ => self.warn(&format!("byte 0x{byte:02x} is no ABC"))?,
        }
        self.cursor.skip(1);
        Ok(())
    }

    pub(super) fn at(&self) -> usize {
        self.column + self.cursor.at()
    }

    pub(super) fn warn(&mut self, message: &str) -> Result<(), Stop> {
        self.teller.warn(self.at(), message)
    }

    pub(super) fn damage(&mut self, message: &str) -> Result<(), Stop> {
        self.teller.damage(self.at(), message)
    }

    /// A note or rest that stands alone.
    fn single(&mut self) -> Result<(), Stop> {
        let Some(member) = self.member()? else { return Ok(()) };
        let voice = self.tune.voice();
        if voice.settings.compat && matches!(member.head, Head::Rest { hidden: true }) {
            voice.open(member.place); // music21 takes no notice of `x`.
            return Ok(());
        }
        voice.single(&member, self.teller)
    }

    /// Reads a note or rest with its length; nothing, past a warning, if there is only an accidental.
    #[inline(always)] // Giving the result back takes longer than reading most notes.
    pub(super) fn member(&mut self) -> Result<Option<Member>, Stop> {
        let place = self.teller.place(self.at());
        let accidental = match self.cursor.peek() {
            Some(b'^' | b'_' | b'=') => accidental(&mut self.cursor),
            _ => None,
        };
        let head = match self.cursor.peek() {
            Some(letter @ (b'A'..=b'G' | b'a'..=b'g')) => {
                self.cursor.skip(1);
                let mut octave = if letter.is_ascii_lowercase() { 5 } else { 4 };
                for mark in self.cursor.take_while(|byte| byte == b',' || byte == b'\'') {
                    octave += if *mark == b',' { -1 } else { 1 };
                }
                Head::Note { step: Step::from_letter(letter).unwrap_or(Step::C), octave, accidental }
            }
            Some(letter @ (b'z' | b'x')) if accidental.is_none() => {
                self.cursor.skip(1);
                Head::Rest { hidden: letter == b'x' }
            }
            _ => {
                self.warn("an accidental without a note")?;
                return Ok(None);
            }
        };
        let length = match self.cursor.peek() {
            Some(b'0'..=b'9' | b'/') => self.length()?,
            _ => Length::ONE,
        };
        Ok(Some(Member { place, head, length, tied: false }))
    }

    /// Reads `2`, `/`, `//`, `3/2` and the like; a length that is none counts as one.
    pub(super) fn length(&mut self) -> Result<Length, Stop> {
        let number = match self.cursor.peek() {
            Some(b'0'..=b'9') => self.cursor.number(),
            Some(b'/') => None,
            _ => return Ok(Length::ONE),
        };
        let above = number.unwrap_or(1);
        let slashes = self.cursor.count(b'/');
        let below = match self.cursor.peek() {
            Some(b'0'..=b'9') if slashes > 0 => self.cursor.number().unwrap_or(1),
            _ => 1_u32.checked_shl(slashes).unwrap_or(0),
        };
        if above == 0 || above > LENGTH_MAX || below == 0 || below > LENGTH_MAX {
            self.damage("a length of nothing or out of all measure, taken for one unit note")?;
            return Ok(Length::ONE);
        }
        Ok(Length { above, below })
    }

    /// A chord, an inline field, a variant ending, or a bar line that begins with a bracket.
    fn bracket(&mut self) -> Result<(), Stop> {
        let rest = self.cursor.rest().get(1..).unwrap_or_default();
        if is_field(rest) {
            return self.field();
        }
        match rest.first() {
            Some(b'|' | b':') => self.bar(),
            Some(b'0'..=b'9') => {
                let place = self.teller.place(self.at());
                self.cursor.skip(1);
                let line = Barline { ending: ending(&mut self.cursor), ..Barline::default() };
                self.tune.voice().bend(&line, place, self.teller)
            }
            Some(b'"') if self.is_named_ending(rest) => self.named_ending(),
            _ => self.grouped(b']'),
        }
    }

    /// A chord, at its opening mark.
    pub(super) fn grouped(&mut self, end: u8) -> Result<(), Stop> {
        self.cursor.skip(1);
        let mut members = std::mem::take(&mut self.tune.members);
        members.clear();
        let told = self.chord(end, &mut members);
        self.tune.members = members;
        told
    }

    /// `["1,3"` or `["last time"`: an ending whose text is in quotes.
    fn named_ending(&mut self) -> Result<(), Stop> {
        let place = self.teller.place(self.at());
        self.cursor.skip(2);
        let text = self.cursor.until(b'"').unwrap_or_default();
        let is_number = |byte: &u8| byte.is_ascii_digit() || matches!(byte, b',' | b'-' | b'.' | b' ');
        let voice = self.tune.voice();
        let mut numbers = Endings::parse(text);
        if numbers.is_empty() || !text.iter().all(is_number) {
            voice.say(AnnotationKind::Direction, 1, &decode(text), place, self.teller)?;
            numbers = voice.next_ending();
        }
        let line = Barline { ending: Some(numbers), ..Barline::default() };
        voice.bend(&line, place, self.teller)
    }

    /// Whether what stands behind a bracket is the text of an ending, `["last time"`, and not a chord's symbol.
    fn is_named_ending(&self, rest: &[u8]) -> bool {
        let mut cursor = Cursor::new(rest);
        cursor.skip(1);
        cursor.until(b'"');
        let next = cursor.rest().iter().find(|&&byte| matches!(byte, b'|' | b'[' | b']'));
        next != Some(&b']')
    }

    /// A tuplet, the start of a slur, or of layers over several measures.
    pub(super) fn parenthesis(&mut self) -> Result<(), Stop> {
        let place = self.teller.place(self.at());
        self.cursor.skip(1);
        if self.cursor.peek() == Some(b'&') && !self.tune.voice().settings.compat {
            self.cursor.skip(1);
            self.tune.voice().open_layers();
            return Ok(());
        }
        if !self.cursor.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            // abcm2ps lets a mark say on which side of the notes the slur is drawn.
            self.cursor.take_while(|byte| byte == b'\'' || byte == b',');
            return self.tune.voice().open_slur(place, self.teller);
        }
        let notes = self.cursor.number().unwrap_or(0);
        let mut time = None;
        let mut left = None;
        if self.cursor.peek() == Some(b':') && self.cursor.second() != Some(b'|') {
            self.cursor.skip(1);
            time = self.cursor.number();
            if self.cursor.take_if(b':') {
                left = self.cursor.number();
            }
        }
        let voice = self.tune.voice();
        let time = time.unwrap_or(match notes {
            3 | 6 => 2,
            2 | 4 | 8 => 3,
            _ if voice.settings.metre.is_compound() => 3,
            _ => 2,
        });
        let left = left.unwrap_or(notes);
        if notes == 0 || time == 0 || left == 0 || notes > 99 || time > 99 {
            return self.damage("a tuplet of nothing or out of all measure: its notes keep their lengths");
        }
        if voice.tuplet(Tuplet { above: time, below: notes, left, begun: false }) {
            self.warn("a tuplet that lacks notes: another begins, and has no room in it")?;
        }
        Ok(())
    }

    fn tie(&mut self) -> Result<(), Stop> {
        if !self.tune.voice().tie() {
            self.warn("a tie that leaves no note")?;
        }
        self.cursor.skip(1);
        self.cursor.take_while(|byte| byte == b'\'' || byte == b',');
        Ok(())
    }

    fn broken(&mut self, mark: u8) -> Result<(), Stop> {
        let before = self.cursor;
        let count = self.cursor.count(mark);
        if count > 8 {
            return self.damage("broken rhythm past the eighth dot: the notes keep their lengths");
        }
        if self.tune.voice().settings.compat && !self.is_between_notes(before) {
            return Ok(());
        }
        let below = 1 << count;
        let above = if mark == b'>' { 2 * below - 1 } else { 1 };
        if !self.tune.voice().broken(above, below) {
            self.warn("broken rhythm after no note")?;
        }
        Ok(())
    }

    /// music21 knows broken rhythm only right between two notes, with no slur or decoration beside it.
    fn is_between_notes(&self, before: Cursor) -> bool {
        let left = before.taken().trim_ascii_end().last();
        let right = self.cursor.rest().trim_ascii_start().first();
        let is_end = |&byte: &u8| !matches!(byte, b'(' | b')' | b'{' | b'}' | b'.' | b'!');
        let is_start =
            |&byte: &u8| matches!(byte, b'A'..=b'G' | b'a'..=b'g' | b'z' | b'^' | b'_' | b'=' | b'[' | b'"');
        left.is_none_or(is_end) && right.is_none_or(is_start)
    }

    fn rest_measures(&mut self, letter: u8) -> Result<(), Stop> {
        let head = Head::Rest { hidden: letter == b'X' };
        let rest = Member { place: self.teller.place(self.at()), head, length: Length::ONE, tied: false };
        self.cursor.skip(1);
        let mut count = self.cursor.number().unwrap_or(1);
        if count == 0 || count > REST_MEASURES_MAX {
            self.damage("a rest of no measure or of too many, taken for one")?;
            count = 1;
        }
        self.tune.voice().rest_measures(count, &rest, self.teller)
    }

    fn overlay(&mut self) -> Result<(), Stop> {
        let count = self.cursor.count(b'&') as usize;
        let voice = self.tune.voice();
        if voice.settings.compat {
            return Ok(()); // music21 plays the layers one after another.
        }
        if count == 1 && self.cursor.take_if(b')') {
            voice.close_layers();
        } else if !voice.overlay(count, self.teller)? {
            self.damage("an overlay of more measures than there are: its notes follow the others")?;
        }
        Ok(())
    }

    /// A bar line in any of its forms, with the number of an ending that it may bear.
    fn bar(&mut self) -> Result<(), Stop> {
        let place = self.teller.place(self.at());
        let line = Barline::read(&mut self.cursor);
        let voice = self.tune.voice();
        if voice.bar(self.teller)? {
            voice.bend(&line, place, self.teller)?;
        }
        Ok(())
    }

    /// `:|` and `::` are bar lines; a `:` or `]` alone is none.
    fn colon(&mut self) -> Result<(), Stop> {
        if matches!(self.cursor.second(), Some(b'|' | b':')) {
            return self.bar();
        }
        if self.cursor.peek() == Some(b':') {
            self.warn("a : that belongs to no bar line")?;
        }
        self.cursor.skip(1);
        Ok(())
    }

    fn stray(&mut self) -> Result<(), Stop> {
        self.warn("a length or octave mark that belongs to no note")?;
        self.cursor.take_while(|byte| byte.is_ascii_digit() || matches!(byte, b'/' | b',' | b'\''));
        Ok(())
    }

    fn field(&mut self) -> Result<(), Stop> {
        let start = self.at() + 1;
        self.cursor.skip(1);
        let letter = self.cursor.peek().unwrap_or(b' ');
        let Some(text) = self.cursor.until(b']') else {
            self.cursor.take_while(|_| true);
            return self.damage("a field inside of the line that is not closed: a ] is missing");
        };
        let value = text.get(2..).unwrap_or_default();
        if self.tune.voice().settings.compat && matches!(letter, b'M' | b'L') {
            return Ok(()); // music21 takes no notice of these.
        }
        self.tune.set(letter, value, start, self.teller)
    }
}
