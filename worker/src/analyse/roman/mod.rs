//! Chords as degrees of a key.

mod compat;
mod corrected;

pub(super) use compat::compat;
pub(super) use corrected::corrected;

use super::chord::{Chord, class};
use crate::score::{Pitch, Step};
use serde::Serialize;
use serde::ser::SerializeTuple;
use std::borrow::Cow;

/// A major key, or a minor one with its natural scale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Key {
    /// Letter of the tonic.
    pub(super) step: Step,
    /// Its alteration in cents.
    pub(super) alter: i32,
    /// Whether it is minor.
    pub(super) minor: bool,
}

/// What a chord is in a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Numeral {
    /// The whole: `bVII65`, `V7/ii`.
    pub(super) figure: String,
    /// The numeral with its sign: `bVII`, `V`.
    pub(super) numeral: Cow<'static, str>,
    /// The degree from 1.
    pub(super) degree: u8,
    /// 0 for the root in the bass.
    pub(super) inversion: u8,
    /// Whether the root is foreign to the key.
    pub(super) altered: bool,
}

impl Serialize for Numeral {
    /// `[figure, numeral, degree, inversion]`: there are as many as slices.
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut row = serializer.serialize_tuple(4)?;
        row.serialize_element(&self.figure)?;
        row.serialize_element(&self.numeral)?;
        row.serialize_element(&self.degree)?;
        row.serialize_element(&self.inversion)?;
        row.end()
    }
}

impl Key {
    /// The key of a tonic as `key` names it: `F#`, `Bb`.
    pub(super) fn named(tonic: &str, minor: bool) -> Self {
        let mut letters = tonic.bytes();
        let step = letters.next().and_then(Step::from_letter).unwrap_or(Step::C);
        let alter = letters.map(|sign| if sign == b'#' { 100 } else { -100 }).sum();
        Key { step, alter, minor }
    }

    /// `Eb major`.
    pub(super) fn name(self) -> String {
        let sign = if self.alter < 0 { "b" } else { "#" };
        let signs = sign.repeat(self.alter.unsigned_abs() as usize / 100);
        format!("{:?}{signs} {}", self.step, if self.minor { "minor" } else { "major" })
    }

    /// Pitch class of the tonic.
    pub(super) fn class(self) -> u8 {
        class(self.tonic())
    }

    fn tonic(self) -> Pitch {
        let natural = Pitch::new(self.step, 0, 4);
        Pitch::at(natural.diatonic(), natural.cents() + self.alter)
    }

    /// Degree from 1 to 7 of a pitch's letter, and its cents above what the scale has there.
    pub(super) fn degree(self, pitch: Pitch) -> (u8, i32) {
        const MAJOR: [i32; 7] = [0, 200, 400, 500, 700, 900, 1100];
        const MINOR: [i32; 7] = [0, 200, 300, 500, 700, 800, 1000];
        let steps = (pitch.step as i32 - self.step as i32).rem_euclid(7);
        let scale = if self.minor { MINOR } else { MAJOR };
        let usual = usize::try_from(steps).ok().and_then(|index| scale.get(index)).copied().unwrap_or(0);
        let above = (pitch.cents() - self.tonic().cents() - usual + 600).rem_euclid(1200) - 600;
        (u8::try_from(steps + 1).unwrap_or(0), above)
    }

    /// The key whose tonic is altered by so many cents.
    fn raised(self, cents: i32) -> Self {
        Key { alter: self.alter + cents, ..self }
    }
}

/// `#` or `b`, once for each whole semitone.
fn signs(cents: i32) -> Cow<'static, str> {
    match cents / 100 {
        0 => "".into(),
        1 => "#".into(),
        -1 => "b".into(),
        sharps @ 2.. => "#".repeat(sharps.unsigned_abs() as usize).into(),
        flats => "b".repeat(flats.unsigned_abs() as usize).into(),
    }
}

/// The Roman numeral of a degree.
fn roman(degree: u8, upper: bool) -> &'static str {
    const UPPER: [&str; 7] = ["I", "II", "III", "IV", "V", "VI", "VII"];
    const LOWER: [&str; 7] = ["i", "ii", "iii", "iv", "v", "vi", "vii"];
    let names = if upper { UPPER } else { LOWER };
    let name = usize::from(degree).checked_sub(1).and_then(|index| names.get(index)).copied();
    name.unwrap_or(if upper { "I" } else { "i" })
}

/// Some texts, one after the other.
fn joined(texts: &[&str]) -> String {
    let mut joined = String::with_capacity(texts.iter().map(|text| text.len()).sum());
    texts.iter().for_each(|text| joined.push_str(text));
    joined
}

/// Whether a chord works as a dominant: a major triad or a dominant seventh.
fn is_dominant(chord: &Chord<'_>) -> bool {
    chord.is_major() || chord.is_seventh_of([0, 400, 700, 1000])
}
