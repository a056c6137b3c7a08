//! The measures, signs and words of one part.

use super::Odd;
use super::clock::Bars;
use super::pairing::Struck;
use super::piece::{Sign, What};
use super::words::Word;
use crate::score::{Annotation, Event, KeySignature, Meter, Stop, Tempo, Ticks};
use shared::place::Place;

/// After all that is due.
const NEVER: Ticks = Ticks(i64::MAX);

/// What there is to tell of a part beside its notes.
pub(super) struct Teller<'a> {
    part: u16,
    pub(super) bars: Bars<'a>,
    /// The start of the next measure.
    bar: Option<Ticks>,
    signs: &'a [Sign],
    words: &'a [Word<'a>],
    /// Whose key signatures count.
    key_track: usize,
    /// Of the last measure.
    number: u32,
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
        Teller { part, bars, bar, signs, words, key_track, number: 0 }
    }

    /// Tells all of it. A bar has no byte of its own: it has that of the first of the notes that does not begin before it,
    /// or `end` where there is none.
    pub(super) fn tell(&mut self, mut notes: &[Struck], end: usize, sink: &mut Odd<'_>) -> Result<(), Stop> {
        let end = Place::byte(end);
        loop {
            let bar = self.bar.unwrap_or(NEVER);
            let sign = self.signs.first().map_or(NEVER, |sign| sign.onset);
            let word = self.words.first().map_or(NEVER, |word| word.onset);
            let due = bar.min(sign).min(word);
            if due == NEVER {
                return Ok(());
            }
            // Of what begins together the measure is first, and words are last.
            if bar == due {
                let before = notes.iter().take_while(|note| note.onset < bar).count();
                notes = notes.get(before..).unwrap_or_default();
                let place = notes.first().map_or(end, |note| Place::byte(note.at as usize));
                self.bar = self.bars.next();
                self.number += 1;
                sink.sink.measure(place, self.part, bar, self.number)?;
            } else if sign == due {
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
