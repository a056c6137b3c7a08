//! The events of a measure that is not over.

use super::teller::Teller;
use crate::score::{Annotation, Event, Flags, KeySignature, Meter, Note, Rest, Stop, Tempo, Ticks};

/// An event whose measure is not over: broken rhythm and ties may change it yet.
#[derive(Debug)]
pub(super) enum Held {
    Note(Note),
    Rest(Rest),
    Meter(Meter),
    Key(KeySignature),
    Tempo(Tempo),
    /// With where its text is among the words of the voice.
    Annotation(Annotation, Span),
}

/// First byte of a text, and how many bytes it has.
pub(super) type Span = (u32, u32);

impl Held {
    /// When it is.
    pub(super) fn onset(&self) -> Ticks {
        match self {
            Held::Note(note) => note.onset,
            Held::Rest(rest) => rest.onset,
            Held::Meter(meter) => meter.onset,
            Held::Key(key) => key.onset,
            Held::Tempo(tempo) => tempo.onset,
            Held::Annotation(annotation, _) => annotation.onset,
        }
    }

    /// Whether it is a note that begins at that time or later.
    pub(super) fn goes_on(&self, onset: Ticks) -> bool {
        matches!(self, Held::Note(note) if note.onset >= onset)
    }

    /// Moves it in time.
    pub(super) fn shift(&mut self, by: Ticks) {
        match self {
            Held::Note(note) => note.onset += by,
            Held::Rest(rest) => rest.onset += by,
            Held::Meter(meter) => meter.onset += by,
            Held::Key(key) => key.onset += by,
            Held::Tempo(tempo) => tempo.onset += by,
            Held::Annotation(annotation, _) => annotation.onset += by,
        }
    }

    /// Tells the event; `words` are those of the voice.
    pub(super) fn tell(&self, words: &str, teller: &mut Teller) -> Result<(), Stop> {
        match *self {
            Held::Note(ref note) => teller.note(note),
            Held::Rest(rest) => teller.tell(rest.place, Event::Rest(rest)),
            Held::Meter(ref meter) => teller.tell(meter.place, Event::Meter(meter.clone())),
            Held::Key(key) => teller.tell(key.place, Event::Key(key)),
            Held::Tempo(tempo) => teller.tell(tempo.place, Event::Tempo(tempo)),
            Held::Annotation(annotation, (from, bytes)) => {
                let text = words.get(from as usize..from as usize + bytes as usize).unwrap_or_default();
                teller.tell(annotation.place, Event::Annotation(annotation, text))
            }
        }
    }

    /// Takes `above / below` of its length, and says by how much the length changed; other events have none.
    pub(super) fn scale(&mut self, above: i64, below: i64) -> Ticks {
        let (duration, flags) = match self {
            Held::Note(note) => (&mut note.duration, &mut note.flags),
            Held::Rest(rest) => (&mut rest.duration, &mut rest.flags),
            _ => return Ticks::ZERO,
        };
        let (length, exact) = multiple(*duration, above, below);
        let change = length - *duration;
        *duration = length;
        *flags = flags.with_if(!exact, Flags::ROUNDED);
        change
    }
}

/// `length * above / below`, and whether it is a whole number of ticks.
pub(super) fn multiple(length: Ticks, above: i64, below: i64) -> (Ticks, bool) {
    match length.0.checked_mul(above) {
        // As nearly always; dividing takes longer than all the rest of a note's time.
        Some(product) if below == 1 => (Ticks(product), true),
        Some(product) if below > 0 && product % below == 0 => (Ticks(product / below), true),
        Some(product) if below > 0 => {
            let half = i128::from(below) / 2;
            let rounded = (i128::from(product) + half) / i128::from(below);
            (Ticks(i64::try_from(rounded).unwrap_or(i64::MAX)), false)
        }
        _ => (Ticks(i64::MAX), false),
    }
}
