//! Signs at notes, as they stand in a line of music (standard 2.1, 4.11, 4.14, 4.18 and 4.19).

use super::census::{decoration, is_plus_chord};
use super::music::Music;
use crate::score::Stop;

impl Music<'_, '_, '_> {
    /// A letter that stands for a decoration.
    pub(super) fn letter(&mut self, letter: u8) -> Result<(), Stop> {
        let place = self.teller.place(self.at());
        if !self.tune.symbol(letter, place, self.teller)? {
            let letter = char::from(letter);
            self.warn(&format!("the letter {letter} is no note, and no U: gives it a meaning"))?;
        }
        Ok(())
    }

    /// `.A` is staccato; the dot of a dotted slur, tie or bar line is for printers.
    pub(super) fn dot(&mut self) -> Result<(), Stop> {
        if !matches!(self.cursor.second(), Some(b'(' | b')' | b'-' | b'|')) {
            self.letter(b'.')?;
        }
        self.cursor.skip(1);
        Ok(())
    }

    pub(super) fn end_slur(&mut self) -> Result<(), Stop> {
        let place = self.teller.place(self.at());
        if !self.tune.voice().close_slur(place) {
            self.warn("a slur that ends before it begins")?;
        }
        self.cursor.skip(1);
        Ok(())
    }

    /// A chord symbol or annotation.
    pub(super) fn quoted(&mut self) -> Result<(), Stop> {
        let place = self.teller.place(self.at());
        self.cursor.skip(1);
        if let Some(text) = self.cursor.until(b'"') {
            return self.tune.quoted(text, place, self.teller);
        }
        // What follows is more likely music than text: only a word is left out.
        self.damage("a chord symbol or annotation that is not closed: a \" is missing")?;
        self.cursor.take_while(|byte| !matches!(byte, b' ' | b'|'));
        Ok(())
    }

    pub(super) fn decorated(&mut self, mark: u8) -> Result<(), Stop> {
        let place = self.teller.place(self.at());
        self.cursor.skip(1);
        let compat = self.tune.header.compat;
        match decoration(self.cursor.rest(), mark, compat).filter(|_| mark == b'+' || !self.tune.bangs_break)
        {
            Some(length) => {
                let name = self.cursor.rest().get(..length.saturating_sub(1)).unwrap_or_default();
                self.cursor.skip(length);
                self.tune.decoration(name, place, self.teller)
            }
            None if mark == b'+' => self.warn("a + that opens neither decoration nor chord"),
            None => Ok(()), // A line break of old.
        }
    }

    /// A decoration between plus signs, or a chord, as programs of old write them.
    pub(super) fn plus(&mut self) -> Result<(), Stop> {
        let rest = self.cursor.rest().get(1..).unwrap_or_default();
        if !self.tune.voice().settings.compat
            && decoration(rest, b'+', false).is_none()
            && is_plus_chord(rest)
        {
            return self.grouped(b'+');
        }
        self.decorated(b'+')
    }
}
