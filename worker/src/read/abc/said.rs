//! What a tune says beside its notes: names of parts, words, signs.

use super::parts::order;
use super::teller::Teller;
use super::text::decode;
use super::tune::Tune;
use super::{barline, fields, quoted, signs};
use crate::score::{AnnotationKind, Event, Stop};
use shared::place::Place;

impl Tune {
    /// What was named by `P:` begins in the voice that the music goes to.
    pub(super) fn tell_labels(&mut self, teller: &mut Teller) -> Result<(), Stop> {
        for (place, label) in std::mem::take(&mut self.labels) {
            let voice = self.voice();
            if let [letter @ (b'A'..=b'Z' | b'a'..=b'z')] = label.as_bytes() {
                voice.section(u16::from(*letter), place, teller)?;
            }
            voice.say(AnnotationKind::Marker, 1, &label, place, teller)?;
        }
        Ok(())
    }

    /// A `P:` field: in the header the order of the parts, in the body the name of one.
    pub(super) fn part(&mut self, value: &[u8], at: usize, teller: &mut Teller) -> Result<(), Stop> {
        let place = teller.place(at);
        if self.in_body {
            let label = decode(value).trim().into();
            self.labels.push((place, label));
            // On a line of its own it may come before the voice that it is for.
            return if self.in_line { self.tell_labels(teller) } else { Ok(()) };
        }
        match order(value.trim_ascii()) {
            Some(order) => teller.tell(place, Event::PartOrder(&order)),
            None => teller.warn(at, "a P: field that tells no order of parts, such as A(AB)3"),
        }
    }

    /// Words or signs for the notes of the current voice; `more` says that they go on with the line before.
    pub(super) fn line_under(
        &mut self,
        letter: u8,
        value: &[u8],
        more: bool,
        at: usize,
        teller: &mut Teller,
    ) -> Result<(), Stop> {
        let place = teller.place(at);
        let symbols = std::mem::take(&mut self.symbols);
        let voice = self.voice();
        let fits = match letter {
            b'w' => voice.sing(&decode(value), more, place, teller)?,
            _ => voice.sign(value, more, &symbols, place, teller)?,
        };
        voice.relieve(teller)?;
        self.symbols = symbols;
        match (fits, letter) {
            (true, _) => Ok(()),
            (false, b'w') => {
                teller.warn(at, "more syllables than notes: those that are left over are not sung")
            }
            (false, _) => teller.warn(at, "more signs than notes"),
        }
    }

    /// Words of the tempo.
    pub(super) fn speed_words(&mut self, value: &[u8], at: usize, teller: &mut Teller) -> Result<(), Stop> {
        let Some(words) = fields::words(value) else { return Ok(()) };
        let (place, words) = (teller.place(at), decode(words));
        if self.begun {
            return self.voice().say(AnnotationKind::Direction, 1, &words, place, teller);
        }
        self.speed_words = Some((place, words.into()));
        if self.in_body {
            self.tell_speed();
        }
        Ok(())
    }

    /// A letter that stands for a decoration. Says whether it stands for any.
    pub(super) fn symbol(&mut self, letter: u8, place: Place, teller: &mut Teller) -> Result<bool, Stop> {
        if !self.symbols.is_empty() {
            let symbols = std::mem::take(&mut self.symbols);
            let told = match symbols.given(letter) {
                Some([b'"', text @ .., b'"']) => Some(self.quoted(text, place, teller)),
                Some(sign) => Some(self.decoration(signs::bare(sign), place, teller)),
                None => None,
            };
            self.symbols = symbols;
            if let Some(told) = told {
                return told.map(|()| true);
            }
        }
        match signs::letter(letter) {
            Some(name) => self.decoration(name, place, teller).map(|()| true),
            None => Ok(false),
        }
    }

    /// A decoration by its name.
    pub(super) fn decoration(&mut self, name: &[u8], place: Place, teller: &mut Teller) -> Result<(), Stop> {
        let voice = self.voice();
        match barline::mark(name) {
            Some((mark, at_end)) => voice.mark(mark, at_end, place, teller),
            None => match signs::sign(name) {
                Some((kind, text)) => voice.say(kind, 1, &text, place, teller),
                None => Ok(()),
            },
        }
    }

    /// A chord symbol, or words, which may tell a jump.
    pub(super) fn quoted(&mut self, text: &[u8], place: Place, teller: &mut Teller) -> Result<(), Stop> {
        let (kind, text) = quoted::kind(text);
        let voice = self.voice();
        let jump = if kind == AnnotationKind::Direction { quoted::jump(text) } else { None };
        if let Some((mark, at_end)) = jump {
            voice.mark(mark, at_end, place, teller)?;
        }
        voice.say(kind, 1, &decode(text), place, teller)
    }
}
