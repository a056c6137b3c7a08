//! The measures, signs and words of one part, told in step with its notes.

use super::Odd;
use super::clock::Bars;
use super::piece::{Sign, What};
use super::words::Word;
use crate::score::{Annotation, Event, KeySignature, Meter, Stop, Tempo, Ticks};
use shared::place::Place;
use std::iter;

/// After all that is due.
const NEVER: Ticks = Ticks(i64::MAX);

/// What there is to tell of a part beside its notes.
pub(super) struct Teller<'a> {
    part: u16,
    pub(super) bars: Bars<'a>,
    /// The start of the next measure.
    bar: Option<Ticks>,
    /// When the next of it is due.
    pub(super) due: Ticks,
    signs: &'a [Sign],
    words: &'a [Word<'a>],
    /// Whose key signatures count.
    key_track: usize,
    /// Of the last measure.
    number: Numeral,
}

impl<'a> Teller<'a> {
    pub(super) fn new(
        part: u16,
        mut bars: Bars<'a>,
        signs: &'a [Sign],
        words: &'a [Word<'a>],
        key_track: usize,
    ) -> Self {
        let bar = bars.next();
        Teller { part, bars, bar, due: Ticks::ZERO, signs, words, key_track, number: Numeral::default() }
    }

    /// Tells what begins up to `onset`; `at` is the byte that made this necessary, as bars have none of their own.
    pub(super) fn tell_until(&mut self, onset: Ticks, at: usize, sink: &mut Odd<'_>) -> Result<(), Stop> {
        loop {
            let bar = self.bar.unwrap_or(NEVER);
            let sign = self.signs.first().map_or(NEVER, |sign| sign.onset);
            let word = self.words.first().map_or(NEVER, |word| word.onset);
            self.due = bar.min(sign).min(word);
            if self.due > onset || self.due == NEVER {
                return Ok(());
            }
            // Of what begins together the measure is first, and words are last.
            if bar == self.due {
                self.bar = self.bars.next();
                let number = self.number.next();
                sink.tell(at, Event::Measure { part: self.part, onset: bar, number })?;
            } else if sign == self.due {
                let Some((sign, rest)) = self.signs.split_first() else { return Ok(()) };
                self.signs = rest;
                self.tell_sign(sign, sink)?;
            } else {
                let Some((word, rest)) = self.words.split_first() else { return Ok(()) };
                self.words = rest;
                let annotation = Annotation::new(word.kind, self.part, word.onset, Place::byte(word.at));
                sink.tell(word.at, Event::Annotation(annotation, &word.text))?;
            }
        }
    }

    fn tell_sign(&self, sign: &Sign, sink: &mut Odd<'_>) -> Result<(), Stop> {
        let Sign { onset, track, at, what } = *sign;
        let (part, measure, place) = (self.part, 0, Place::byte(at));
        match what {
            What::Meter { beats, unit } => sink
                .tell(at, Event::Meter(Meter { onset, measure, part, beats: [beats].into(), unit, place })),
            What::Key { fifths, mode } if track == self.key_track => sink
                .tell(at, Event::Key(KeySignature { onset, measure, part, fifths, mode: Some(mode), place })),
            // A tempo is for all parts, and said in the first.
            What::Tempo(quarters_per_minute) if part == 0 => {
                sink.tell(at, Event::Tempo(Tempo { onset, measure, part, quarters_per_minute, place }))
            }
            What::Key { .. } | What::Tempo(_) => Ok(()),
        }
    }
}

/// A number that counts up in its decimal digits, so that a measure costs no text of its own.
#[derive(Default)]
struct Numeral(String);

impl Numeral {
    /// The next number, from 1.
    fn next(&mut self) -> &str {
        let mut nines = 0;
        let last = loop {
            match self.0.pop() {
                Some('9') => nines += 1,
                digit => break digit.unwrap_or('0'),
            }
        };
        // The digit after it, which is no nine.
        self.0.push(char::from(last as u8 + 1));
        self.0.extend(iter::repeat_n('0', nines));
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numerals_count() {
        let mut numeral = Numeral::default();
        for number in 1..=1_000_u32 {
            assert_eq!(numeral.next(), number.to_string());
        }
    }
}
