//! The measures, signs and words of one part.

use super::Odd;
use super::pairing::Struck;
use super::piece::{Sign, What};
use super::words::Word;
use crate::score::{Annotation, Event, KeySignature, Meter, Stop, Tempo, Ticks};
use shared::place::Place;

/// The bytes of bars, as far as there are notes. A bar has no byte of its own: it has that of the first of the notes that does not
/// begin before it.
pub(super) fn placed(bars: &[Ticks], notes: &[Struck]) -> impl Iterator<Item = u32> {
    let mut notes = notes.iter();
    let mut first = notes.next();
    bars.iter().map_while(move |&bar| {
        while first.is_some_and(|note| note.onset < bar) {
            first = notes.next();
        }
        first.map(|note| note.at)
    })
}

/// Tells the signs and words of a part.
pub(super) struct Teller {
    pub(super) part: u16,
    /// Whose key signatures count.
    pub(super) key_track: usize,
}

impl Teller {
    /// Tells them in the order of time. Of what begins together words are last.
    pub(super) fn tell(
        &self,
        mut signs: &[Sign],
        words: &[Word<'_>],
        sink: &mut Odd<'_>,
    ) -> Result<(), Stop> {
        for word in words {
            while let Some((sign, rest)) = signs.split_first().filter(|(sign, _)| sign.onset <= word.onset) {
                self.tell_sign(sign, sink)?;
                signs = rest;
            }
            let annotation = Annotation::new(word.kind, self.part, word.onset, Place::byte(word.at));
            match word.plain() {
                Some(text) => sink.sink.annotation(annotation, text)?,
                None => sink.sink.annotation(annotation, &word.text())?,
            }
        }
        signs.iter().try_for_each(|sign| self.tell_sign(sign, sink))
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
