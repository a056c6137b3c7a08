//! Words under the notes (`w:`), and the signs over them (`s:`): which syllable belongs to which note (standard 2.1,
//! 4.15 and 5.1).

use super::cursor::Cursor;
use super::signs::{self, Symbols};
use super::teller::Teller;
use super::voice::Voice;
use crate::score::{Annotation, AnnotationKind, Column, Event, NUMBERS, Near, Row, Stop, Ticks};
use shared::place::Place;
use std::borrow::Cow;

/// A note or chord that a syllable may belong to.
#[derive(Clone, Copy, Debug)]
struct Sung {
    onset: Ticks,
    /// Its measure, counted over the voice.
    measure: u32,
    layer: u8,
}

impl Row for Sung {
    const TIME: Option<usize> = None;

    fn onset(&self) -> Ticks {
        self.onset
    }

    fn part(&self) -> u16 {
        0
    }

    fn numbers(&self) -> [i64; NUMBERS] {
        [self.measure.into(), self.layer.into(), 0, 0, 0, 0, 0, 0]
    }

    fn of(onset: Ticks, _: u16, [measure, layer, ..]: [i64; NUMBERS]) -> Self {
        Sung { onset, measure: measure as u32, layer: layer as u8 }
    }
}

/// Notes that words may come for: all of a long tune, where none has any.
#[derive(Debug, Default)]
struct Notes {
    all: Column<Sung>,
    near: Near<Sung>,
}

impl Notes {
    fn get(&mut self, index: usize) -> Option<Sung> {
        self.all.near(index, &mut self.near)
    }

    fn clear(&mut self) {
        self.all.clear();
        self.near = Near::default();
    }
}

/// A line of words or signs: the notes that it is for, and how far it came.
#[derive(Clone, Copy, Debug, Default)]
struct Line {
    from: usize,
    to: usize,
    at: usize,
    /// The measure that it came to.
    measure: u32,
    verse: u8,
    /// It ends in a backslash: the next one goes on.
    goes_on: bool,
}

/// The notes of a voice, and the lines that were set under them.
#[derive(Debug, Default)]
pub(super) struct Song {
    notes: Notes,
    words: Line,
    signs: Line,
}

impl Line {
    /// A line begins under the notes that came since the last one, or under the same as another verse.
    fn begin(&mut self, notes: &mut Notes) {
        if std::mem::take(&mut self.goes_on) {
            return;
        }
        if notes.all.len() > self.to {
            (self.from, self.to, self.verse) = (self.to, notes.all.len(), 0);
        }
        self.verse = self.verse.saturating_add(1);
        self.at = self.from;
        self.measure = notes.get(self.at).map_or(0, |note| note.measure);
    }

    /// The next note, past which the line goes on.
    fn next(&mut self, notes: &mut Notes) -> Option<Sung> {
        let note = notes.get(self.at).filter(|_| self.at < self.to);
        self.at += 1;
        self.measure = note.map_or(self.measure, |note| note.measure);
        note
    }

    /// `|`: on to the next measure.
    fn bar(&mut self, notes: &mut Notes) {
        self.measure = self.measure.saturating_add(1);
        while notes.get(self.at).is_some_and(|note| self.at < self.to && note.measure < self.measure) {
            self.at += 1;
        }
    }
}

impl Song {
    /// Nothing is sung any more; the room stays.
    pub(super) fn clear(&mut self) {
        self.notes.clear();
        (self.words, self.signs) = (Line::default(), Line::default());
    }

    /// For how many notes there is room.
    pub(super) fn room(&self) -> usize {
        self.notes.all.capacity()
    }

    /// A note or chord that may be sung.
    pub(super) fn note(&mut self, onset: Ticks, measure: usize, layer: u8) {
        let notes = self.notes.all.len();
        let is_done = |line: &Line| line.to == notes || line.verse == 0;
        if self.words.to + self.signs.to > 0 && is_done(&self.words) && is_done(&self.signs) {
            self.notes.clear();
            (self.words.to, self.signs.to) = (0, 0);
        }
        let measure = u32::try_from(measure).unwrap_or(u32::MAX);
        self.notes.all.push(Sung { onset, measure, layer });
    }
}

/// What stands in a line of words.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Token<'a> {
    Syllable(Cow<'a, str>),
    /// A note without one.
    Skip,
    /// On to the next measure.
    Bar,
    /// The line goes on in the next one.
    GoesOn,
}

/// The syllables of a line.
struct Syllables<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Syllables<'a> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn next(&mut self) -> Option<Token<'a>> {
        self.blanks();
        let token = match self.peek()? {
            b'-' | b'_' | b'*' => Token::Skip,
            b'|' => Token::Bar,
            b'\\' if self.at + 1 == self.text.len() => Token::GoesOn,
            _ => return Some(Token::Syllable(self.syllable())),
        };
        self.at += 1;
        Some(token)
    }

    fn blanks(&mut self) {
        while let Some(b' ' | b'\t') = self.peek() {
            self.at += 1;
        }
    }

    /// The syllable that begins here, with the hyphen or the first underscore behind it.
    fn syllable(&mut self) -> Cow<'a, str> {
        let start = self.at;
        let mut has_signs = false;
        let rest = self.text.as_bytes().get(start..).unwrap_or_default();
        self.at += rest.iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
        let end = loop {
            match self.peek() {
                Some(b'-') => {
                    self.at += 1;
                    break self.at;
                }
                // Each underscore takes a note, the first one too.
                Some(b'_') => break self.at + 1,
                None | Some(b' ' | b'\t' | b'*' | b'|') => break self.at,
                Some(b'\\') if self.text.as_bytes().get(self.at + 1) == Some(&b'-') => {
                    has_signs = true;
                    self.at += 2;
                }
                Some(b'\\') if self.at + 1 == self.text.len() => break self.at,
                sign => {
                    has_signs |= sign == Some(b'~');
                    self.at += 1;
                }
            }
        };
        let text = self.text.get(start..end).unwrap_or_default();
        let is_blank = matches!(self.peek(), Some(b' ' | b'\t'));
        self.blanks();
        // A hyphen behind a blank takes a note of its own, and the word goes on all the same.
        let goes_on = is_blank && !text.ends_with('-') && self.peek() == Some(b'-');
        if !has_signs && !goes_on {
            return text.into();
        }
        let mut text = text.replace('~', " ").replace("\\-", "-");
        text.push_str(if goes_on { "-" } else { "" });
        text.into()
    }
}

impl Voice {
    /// A line of words under the notes; `more` says that it goes on with the line before. Says whether each syllable has
    /// its note.
    pub(super) fn sing(
        &mut self,
        text: &str,
        more: bool,
        place: Place,
        teller: &mut Teller,
    ) -> Result<bool, Stop> {
        let mut song = std::mem::take(&mut self.song);
        song.words.goes_on |= more && song.words.verse > 0;
        song.words.begin(&mut song.notes);
        let mut syllables = Syllables { text, at: 0 };
        while let Some(token) = syllables.next() {
            match token {
                Token::Syllable(text) => {
                    if let Some(note) = song.words.next(&mut song.notes) {
                        self.set(note, AnnotationKind::Lyric, song.words.verse, &text, place, teller)?;
                    }
                }
                Token::Skip => _ = song.words.next(&mut song.notes),
                Token::Bar => song.words.bar(&mut song.notes),
                Token::GoesOn => song.words.goes_on = true,
            }
        }
        let fits = song.words.at <= song.words.to;
        self.song = song;
        Ok(fits)
    }

    /// A line of signs over the notes. Says whether each has its note.
    pub(super) fn sign(
        &mut self,
        text: &[u8],
        more: bool,
        symbols: &Symbols,
        place: Place,
        teller: &mut Teller,
    ) -> Result<bool, Stop> {
        let mut song = std::mem::take(&mut self.song);
        song.signs.goes_on |= more && song.signs.verse > 0;
        song.signs.begin(&mut song.notes);
        let mut cursor = Cursor::new(text);
        while let Some(byte) = cursor.peek() {
            let start = cursor.rest();
            cursor.skip(1);
            let found = match byte {
                b' ' | b'\t' => continue,
                b'|' => {
                    song.signs.bar(&mut song.notes);
                    continue;
                }
                b'"' | b'!' | b'+' => cursor.until(byte).and_then(|name| start.get(..name.len() + 2)),
                _ => symbols.given(byte).or_else(|| signs::letter(byte)),
            };
            let note = song.signs.next(&mut song.notes);
            if let Some((note, (kind, text))) = note.zip(found.and_then(signs::read)) {
                self.set(note, kind, 1, &text, place, teller)?;
            }
        }
        let fits = song.signs.at <= song.signs.to;
        self.song = song;
        Ok(fits)
    }

    fn set(
        &mut self,
        note: Sung,
        kind: AnnotationKind,
        number: u8,
        text: &str,
        place: Place,
        teller: &mut Teller,
    ) -> Result<(), Stop> {
        let mut annotation = Annotation::new(kind, self.part, note.onset, place);
        (annotation.number, annotation.voice) = (number, note.layer);
        if (note.measure as usize) < self.lay.starts.len() {
            return teller.tell(place, Event::Annotation(annotation, text));
        }
        self.say_at(annotation, text);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(text: &str) -> String {
        let mut syllables = Syllables { text, at: 0 };
        let mut all = Vec::new();
        while let Some(token) = syllables.next() {
            all.push(match token {
                Token::Syllable(text) => text.into_owned(),
                Token::Skip => "*".to_owned(),
                Token::Bar => "|".to_owned(),
                Token::GoesOn => "+".to_owned(),
            });
        }
        all.join(" ")
    }

    #[test]
    fn syllables_are_told_apart() {
        for (text, want) in [
            ("syll-a-ble", "syll- a- ble"),
            ("syll-a--ble", "syll- a- * ble"),
            ("syll-a -ble", "syll- a- * ble"),
            ("time__", "time_ * *"),
            ("of~the~day", "of the day"),
            ("  a*b|c ", "a * b | c"),
            ("1.~Glo-ri\\-a_ *", "1. Glo- ri-a_ * *"),
            ("a \\", "a +"),
            ("", ""),
        ] {
            assert_eq!(tokens(text), want, "{text}");
        }
    }
}
