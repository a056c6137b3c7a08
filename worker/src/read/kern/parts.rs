//! The parts of a piece, and what interpretations say of them before the next note.

use super::instruments;
use super::piece::warn;
use super::signs::{self, Sign};
use super::spines::Seat;
use super::text::{decode, quote};
use crate::score::{Event, EventSink, KeySignature, Meter, Mode, Stop, Tempo, Ticks};
use shared::place::Place;

/// The parts, from the highest.
#[derive(Default)]
pub(super) struct Parts {
    parts: Vec<Part>,
    /// How many of them were told.
    declared: usize,
    /// Some sign waits for the next note.
    waiting: bool,
    tempo: Option<(u16, f64, Place)>,
    /// The length of a measure that a meter said, until it is taken.
    length: Option<Option<Ticks>>,
}

#[derive(Default)]
struct Part {
    name: Option<String>,
    instrument: Option<String>,
    /// The number that its `*part` says.
    number: Option<Box<[u8]>>,
    signature: Option<(i8, Place)>,
    key: Option<(i8, Mode, Place)>,
    /// It had a signature.
    keyed: bool,
    meter: Option<Meter>,
    end: Ticks,
    place: Option<Place>,
    staves: u8,
}

impl Parts {
    /// Makes room for new parts.
    pub(super) fn grow(&mut self, parts: u16) {
        self.parts.resize_with(usize::from(parts).max(self.parts.len()), Part::default);
    }

    /// A part lasts at least until `end`.
    pub(super) fn reach(&mut self, part: u16, end: Ticks) {
        if let Some(part) = self.parts.get_mut(usize::from(part)) {
            part.end = part.end.max(end);
        }
    }

    /// Takes one interpretation.
    pub(super) fn interpret(
        &mut self,
        index: u16,
        cell: &[u8],
        place: Place,
        sink: &mut dyn EventSink,
    ) -> Result<(), Stop> {
        let Some(sign) = signs::parse(cell) else { return Ok(()) };
        let told = usize::from(index) < self.declared;
        let Some(part) = self.parts.get_mut(usize::from(index)) else { return Ok(()) };
        match sign {
            Sign::Part(number) => {
                part.number.get_or_insert_with(|| number.into());
                return Ok(());
            }
            Sign::Broken(why) => return warn(sink, place, &format!("{} is {why}", quote(cell))),
            Sign::Name(text) | Sign::Instrument(text) if told => {
                let name = decode(text);
                return sink
                    .event(place, Event::Instrument { part: index, name: Some(&name), program: None });
            }
            Sign::Name(text) => {
                part.name.get_or_insert_with(|| decode(text).into_owned());
                part.place.get_or_insert(place);
                return Ok(());
            }
            Sign::Instrument(text) => {
                part.instrument.get_or_insert_with(|| decode(text).into_owned());
                return Ok(());
            }
            Sign::Meter(beats, unit) => {
                let meter =
                    Meter { onset: Ticks::ZERO, measure: 0, part: index, beats: beats.into(), unit, place };
                self.length = Some(meter.measure_duration());
                part.meter = Some(meter);
            }
            Sign::Signature(fifths) => part.signature = Some((fifths, place)),
            Sign::Key(fifths, mode) => part.key = Some((fifths, mode, place)),
            // Every part may say the same tempo: it is said once.
            Sign::Tempo(speed) => match self.tempo {
                Some((first, ..)) if first != index => {}
                _ => self.tempo = Some((index, speed, place)),
            },
        }
        self.waiting = true;
        Ok(())
    }

    /// Makes one part of those that say the same `*part`, while none was told: they are its staves, from the highest.
    /// The seat of each part of before; `None` if all stay as they are.
    pub(super) fn merge(&mut self) -> Option<Vec<Seat>> {
        let same = |one: &Part, other: &Part| one.number.is_some() && one.number == other.number;
        let all = self.parts.iter().enumerate();
        let double = |(index, part): (usize, &Part)| self.parts.iter().skip(index + 1).any(|o| same(part, o));
        if self.declared > 0 || !all.clone().any(double) {
            return None;
        }
        let (mut merged, mut seats): (Vec<Part>, _) = (Vec::new(), Vec::new());
        for part in std::mem::take(&mut self.parts) {
            let index = merged.iter().position(|other| same(&part, other)).unwrap_or(merged.len());
            let staff = match merged.get_mut(index) {
                Some(other) => other.absorb(part),
                None => {
                    merged.push(Part { staves: 1, ..part });
                    1
                }
            };
            seats.push(Seat { part: u16::try_from(index).unwrap_or(u16::MAX), staff });
        }
        if let Some((part, ..)) = &mut self.tempo {
            *part = seats.get(usize::from(*part)).map_or(*part, |seat| seat.part);
        }
        self.parts = merged;
        Some(seats)
    }

    /// The length of a measure, if a meter said it since this was asked last.
    pub(super) fn take_measure_length(&mut self) -> Option<Option<Ticks>> {
        self.length.take()
    }

    /// Tells the parts that were not told yet.
    pub(super) fn declare(&mut self, sink: &mut dyn EventSink) -> Result<(), Stop> {
        while let Some(part) = self.parts.get(self.declared) {
            let index = u16::try_from(self.declared).unwrap_or(u16::MAX);
            let place = part.place.unwrap_or(Place::START);
            sink.event(place, Event::Part { part: index, name: part.name.as_deref() })?;
            if let Some(name) = &part.instrument {
                let program = instruments::program(name.as_bytes());
                sink.event(place, Event::Instrument { part: index, name: Some(name), program })?;
            }
            self.declared += 1;
        }
        Ok(())
    }

    /// Tells the meters, keys and tempo that waited.
    pub(super) fn say_signs(&mut self, onset: Ticks, sink: &mut dyn EventSink) -> Result<(), Stop> {
        if !std::mem::take(&mut self.waiting) {
            return Ok(());
        }
        for (part, index) in self.parts.iter_mut().zip(0_u16..) {
            if let Some(meter) = part.meter.take() {
                sink.event(meter.place, Event::Meter(Meter { onset, part: index, ..meter }))?;
            }
            if let Some((fifths, mode, place)) = part.take_key() {
                let key = KeySignature { onset, measure: 0, part: index, fifths, mode, place };
                sink.event(place, Event::Key(key))?;
            }
        }
        if let Some((part, quarters_per_minute, place)) = self.tempo.take() {
            let tempo = Tempo { onset, measure: 0, part, quarters_per_minute, place };
            sink.event(place, Event::Tempo(tempo))?;
        }
        Ok(())
    }

    /// How many parts there are.
    pub(super) fn count(&self) -> usize {
        self.parts.len()
    }

    /// When the last part ends.
    pub(super) fn end(&self) -> Ticks {
        self.parts.iter().map(|part| part.end).max().unwrap_or_default()
    }

    /// Tells where the parts end.
    pub(super) fn close(&self, place: Place, sink: &mut dyn EventSink) -> Result<(), Stop> {
        for (part, index) in self.parts.iter().zip(0_u16..) {
            sink.event(place, Event::PartEnd { part: index, end: part.end })?;
        }
        Ok(())
    }
}

impl Part {
    /// Takes a further staff, and what it says that was not said; the number of the staff.
    fn absorb(&mut self, other: Part) -> u8 {
        let named = |name: &String| !name.trim().is_empty();
        self.name = self.name.take().filter(named).or(other.name);
        self.instrument = self.instrument.take().or(other.instrument);
        self.signature = self.signature.or(other.signature);
        self.key = self.key.or(other.key);
        self.meter = self.meter.take().or(other.meter);
        self.place = self.place.or(other.place);
        self.staves = self.staves.saturating_add(1);
        self.staves
    }

    /// The signature, with the mode of a key that is stated at the same place. A key alone is a signature at the
    /// beginning only: later on it tells of a modulation.
    fn take_key(&mut self) -> Option<(i8, Option<Mode>, Place)> {
        let key = self.key.take();
        let stated = match (self.signature.take(), key) {
            (Some((fifths, place)), key) => Some((fifths, key.map(|(_, mode, _)| mode), place)),
            (None, Some((fifths, mode, place))) if !self.keyed => Some((fifths, Some(mode), place)),
            (None, _) => None,
        };
        self.keyed |= stated.is_some();
        stated
    }
}
