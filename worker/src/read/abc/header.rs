//! What the fields say that bear on pitch and time, and what holds when the music begins.

use super::cursor::Cursor;
use super::fields::{self, Metre, Speed};
use super::key::{self, Key, Shift};
use super::teller::Teller;
use super::text::decode;
use super::written::{Reach, Settings};
use crate::score::{Stop, Ticks};
use shared::place::Place;

/// What one field changes.
#[derive(Clone, Debug)]
pub(super) enum Change {
    Metre(Metre),
    Unit(Ticks),
    Speed(Speed),
    /// A `K:` field may name a key, or only a clef or a transposition.
    Key(Option<Key>, Shift),
    Reach(Reach),
    /// Semitones that `%%MIDI rtranspose` adds.
    Raise(i8),
}

/// Reads a field. `None` for fields that change nothing, and for those that cannot be read, which is told.
pub(super) fn change(
    letter: u8,
    value: &[u8],
    compat: bool,
    at: usize,
    teller: &mut Teller,
) -> Result<Option<Change>, Stop> {
    let mut shift = Shift::default();
    let (change, want) = match letter {
        b'M' => (fields::metre(value).map(Change::Metre), "a metre such as 3/4, C| or none"),
        b'L' => (fields::unit(value).map(Change::Unit), "a unit note such as 1/8"),
        b'Q' => (fields::speed(value).map(Change::Speed), "a tempo such as 1/4=120"),
        b'K' => {
            let key = key::key(value, &mut shift, !compat);
            if compat {
                shift.octave = key::compat_octave(value);
            }
            (key.map(|key| Change::Key(key, shift)), "a key such as D, F#m or A dorian")
        }
        b'I' => return Ok(directive(value, compat)),
        _ => return Ok(None),
    };
    if change.is_none() {
        let (letter, value) = (char::from(letter), decode(value));
        let message =
            format!("{letter}:{} cannot be read: {want} would do; what held before holds on", value.trim());
        match letter {
            'Q' => teller.warn(at, &message)?,
            _ => teller.damage(at, message)?,
        }
    }
    Ok(change)
}

/// An `I:` or `%%` instruction that bears on what sounds: the reach of accidentals, transposition, drums.
pub(super) fn directive(value: &[u8], compat: bool) -> Option<Change> {
    let mut cursor = Cursor::new(value);
    let name = cursor.word()?;
    if compat {
        return None;
    }
    match name {
        b"propagate-accidentals" => Some(Change::Reach(match cursor.word() {
            Some(b"not") => Reach::Note,
            Some(b"octave") => Reach::Octave,
            _ => Reach::Letter,
        })),
        b"MIDI" => {
            let (name, value) = (cursor.word()?, cursor.word()?);
            let number = std::str::from_utf8(value).ok()?.parse().ok();
            match name {
                b"transpose" => Some(Change::Key(None, Shift { midi: Some(number?), ..Shift::default() })),
                b"rtranspose" => Some(Change::Raise(number?)),
                b"channel" => {
                    Some(Change::Key(None, Shift { drums: Some(number? == 10), ..Shift::default() }))
                }
                _ => None,
            }
        }
        _ => None,
    }
}

/// The channel, where there is one, and the General MIDI program, from 1, that a `%%MIDI program` instruction names.
pub(super) fn program(value: &[u8]) -> Option<(Option<u8>, u8)> {
    let mut cursor = Cursor::new(value);
    if cursor.word() != Some(b"MIDI") || cursor.word() != Some(b"program") {
        return None;
    }
    cursor.blanks();
    let first = cursor.number()?;
    cursor.blanks();
    let (channel, program) =
        cursor.number().map_or((None, first), |second| (u8::try_from(first).ok(), second));
    let program = u8::try_from(program).ok().filter(|&program| program < 128)?;
    Some((channel, program + 1))
}

/// What holds when the music begins; also the file header, which every tune starts from.
#[derive(Clone, Debug, Default)]
pub(super) struct Header {
    metre: Metre,
    unit: Option<Ticks>,
    key: Key,
    shift: Shift,
    pub(super) speed: Option<(Speed, Place)>,
    /// Program of the voices that say none.
    pub(super) program: Option<u8>,
    pub(super) reach: Reach,
    /// Read as music21 does.
    pub(super) compat: bool,
}

impl Header {
    pub(super) fn new(compat: bool, reach: Reach) -> Self {
        Header { compat, reach, ..Header::default() }
    }

    pub(super) fn take(&mut self, change: &Change, place: Place) {
        match change {
            Change::Metre(metre) => self.metre = metre.clone(),
            Change::Unit(unit) => self.unit = Some(*unit),
            Change::Speed(speed) => self.speed = Some((*speed, place)),
            Change::Key(key, shift) => {
                self.key = key.unwrap_or(self.key);
                self.shift = shift.or(self.shift);
            }
            Change::Reach(reach) => self.reach = *reach,
            Change::Raise(by) => self.shift.raise(*by),
        }
    }

    /// What holds for a voice that says `shift` of itself.
    pub(super) fn settings(&self, shift: Shift) -> Settings {
        Settings {
            metre: self.metre.clone(),
            unit: self.unit.unwrap_or_else(|| self.metre.default_unit()),
            key: self.key,
            shift: shift.or(self.shift),
            reach: self.reach,
            compat: self.compat,
        }
    }
}
