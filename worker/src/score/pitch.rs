//! Pitches as they are written: step, alteration, octave.

use super::short::Short;
use serde::{Serialize, Serializer};
use std::fmt;

/// Letter of a pitch, from C.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Step {
    /// C
    C,
    /// D
    D,
    /// E
    E,
    /// F
    F,
    /// G
    G,
    /// A
    A,
    /// B (the German H)
    B,
}

impl Step {
    /// The seven letters from C.
    pub const ALL: [Step; 7] = [Step::C, Step::D, Step::E, Step::F, Step::G, Step::A, Step::B];

    /// Semitones above C of the unaltered letter.
    #[must_use]
    pub const fn semitones(self) -> i32 {
        match self {
            Step::C => 0,
            Step::D => 2,
            Step::E => 4,
            Step::F => 5,
            Step::G => 7,
            Step::A => 9,
            Step::B => 11,
        }
    }

    /// The letter `index` steps above C; the index wraps at the octave.
    #[must_use]
    pub const fn from_index(index: i32) -> Step {
        match index.rem_euclid(7) {
            0 => Step::C,
            1 => Step::D,
            2 => Step::E,
            3 => Step::F,
            4 => Step::G,
            5 => Step::A,
            _ => Step::B,
        }
    }

    /// The letter, in upper case.
    #[must_use]
    pub const fn letter(self) -> u8 {
        match self {
            Step::C => b'C',
            Step::D => b'D',
            Step::E => b'E',
            Step::F => b'F',
            Step::G => b'G',
            Step::A => b'A',
            Step::B => b'B',
        }
    }

    /// The letter that an upper- or lower-case character names.
    #[must_use]
    pub const fn from_letter(letter: u8) -> Option<Step> {
        Some(match letter.to_ascii_uppercase() {
            b'C' => Step::C,
            b'D' => Step::D,
            b'E' => Step::E,
            b'F' => Step::F,
            b'G' => Step::G,
            b'A' => Step::A,
            b'B' => Step::B,
            _ => return None,
        })
    }
}

/// A written pitch. C4 is middle C, MIDI key 60.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pitch {
    /// Octave in scientific pitch notation.
    pub octave: i8,
    /// Letter.
    pub step: Step,
    /// Alteration in cents: 100 is a sharp, -50 a quarter tone down.
    pub alter: i16,
}

impl Pitch {
    /// A pitch altered by whole semitones.
    #[must_use]
    pub const fn new(step: Step, alter_semitones: i8, octave: i8) -> Self {
        Pitch { octave, step, alter: alter_semitones as i16 * 100 }
    }

    /// The pitch of a MIDI key, spelled C C# D E- E F F# G G# A B- B.
    #[must_use]
    pub fn from_key(key: i32) -> Self {
        const SPELLING: [(Step, i8); 12] = [
            (Step::C, 0),
            (Step::C, 1),
            (Step::D, 0),
            (Step::E, -1),
            (Step::E, 0),
            (Step::F, 0),
            (Step::F, 1),
            (Step::G, 0),
            (Step::G, 1),
            (Step::A, 0),
            (Step::B, -1),
            (Step::B, 0),
        ];
        let class = usize::try_from(key.rem_euclid(12)).unwrap_or(0);
        let (step, alter) = SPELLING.get(class).copied().unwrap_or((Step::C, 0));
        let octave = (key.div_euclid(12) - 1).clamp(i32::from(i8::MIN), i32::from(i8::MAX));
        Pitch::new(step, alter, i8::try_from(octave).unwrap_or(0))
    }

    /// The pitch of a staff position (see [`Pitch::diatonic`]) and a height in cents; what has no such octave or
    /// alteration is the nearest that has.
    #[must_use]
    pub fn at(diatonic: i32, cents: i32) -> Self {
        let octave = diatonic.div_euclid(7).clamp(i32::from(i8::MIN), i32::from(i8::MAX));
        let natural =
            Pitch { octave: i8::try_from(octave).unwrap_or(0), step: Step::from_index(diatonic), alter: 0 };
        let alter = (cents - natural.cents()).clamp(i32::from(i16::MIN), i32::from(i16::MAX));
        Pitch { alter: i16::try_from(alter).unwrap_or(0), ..natural }
    }

    /// Height in cents above MIDI key 0.
    #[must_use]
    pub const fn cents(self) -> i32 {
        (self.octave as i32 + 1) * 1200 + self.step.semitones() * 100 + self.alter as i32
    }

    /// The nearest MIDI key (60 is middle C); a quarter tone rounds up. May lie outside 0 to 127.
    #[must_use]
    pub const fn key(self) -> i32 {
        (self.cents() + 50).div_euclid(100)
    }

    /// Steps on the line of fifths from C: 1 for G, -2 for B flat, 6 for F sharp. Quarter tones are as their letter.
    #[must_use]
    pub const fn fifths(self) -> i32 {
        let letter = match self.step {
            Step::C => 0,
            Step::D => 2,
            Step::E => 4,
            Step::F => -1,
            Step::G => 1,
            Step::A => 3,
            Step::B => 5,
        };
        letter + 7 * (self.alter as i32 / 100)
    }

    /// Letters above C0: the number of staff positions.
    #[must_use]
    pub const fn diatonic(self) -> i32 {
        self.octave as i32 * 7 + self.step as i32
    }
}

/// More signs than this nobody writes.
const SIGNS_MAX: u32 = 16;

/// The name of a pitch, with its octave or without.
#[derive(Clone, Copy, Debug)]
pub struct PitchName(Pitch, Option<i8>);

impl PitchName {
    /// Whole semitones of its alteration, the nearest, and the cents beyond them.
    fn alteration(&self) -> (i32, i32) {
        let semitones = (i32::from(self.0.alter) + 50).div_euclid(100);
        (semitones, i32::from(self.0.alter) - semitones * 100)
    }

    /// The text, of few signs.
    fn short(&self) -> Option<Short> {
        let (semitones, cents) = self.alteration();
        let (signs, sign) = (semitones.unsigned_abs(), if semitones < 0 { b'b' } else { b'#' });
        if signs > SIGNS_MAX {
            return None;
        }
        let mut text = Short::new();
        text.letter(self.0.step.letter());
        (0..signs).for_each(|_| text.letter(sign));
        if let Some(octave) = self.1 {
            text.signed(octave.into());
        }
        if cents != 0 {
            text.letter(if cents < 0 { b'-' } else { b'+' });
            text.number(cents.unsigned_abs().into());
            text.letter(b'c');
        }
        Some(text)
    }
}

impl fmt::Display for PitchName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(text) = self.short() {
            return text.fmt(f);
        }
        let (semitones, cents) = self.alteration();
        let signs = if semitones < 0 { "b" } else { "#" }.repeat(semitones.unsigned_abs() as usize);
        write!(f, "{:?}{signs}", self.0.step)?;
        self.1.map_or(Ok(()), |octave| write!(f, "{octave}"))?;
        if cents == 0 { Ok(()) } else { write!(f, "{cents:+}c") }
    }
}

impl Serialize for PitchName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.short() {
            Some(text) => serializer.serialize_str(text.as_str()),
            None => serializer.collect_str(self),
        }
    }
}

impl Pitch {
    /// The name without the octave: `F#`, `Bb`.
    #[must_use]
    pub const fn name(self) -> PitchName {
        PitchName(self, None)
    }
}

impl fmt::Display for Pitch {
    /// `F#4`, `Bb3`, `C5`; microtones are rounded to the nearest semitone and followed by the rest in cents.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        PitchName(*self, Some(self.octave)).fmt(f)
    }
}

/// As it is written.
impl Serialize for Pitch {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        PitchName(*self, Some(self.octave)).serialize(serializer)
    }
}

/// The name of a pitch class as the references spell it: C C# D E- E F F# G G# A B- B, with `b` for `-`.
#[must_use]
pub fn class_name(class: u8) -> &'static str {
    const NAMES: [&str; 12] = ["C", "C#", "D", "Eb", "E", "F", "F#", "G", "G#", "A", "Bb", "B"];
    NAMES.get(usize::from(class % 12)).copied().unwrap_or("C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_names() {
        assert_eq!(Pitch::new(Step::C, 0, 4).key(), 60);
        assert_eq!(Pitch::new(Step::B, 1, 3).key(), 60);
        assert_eq!(Pitch::new(Step::C, -1, 4).key(), 59);
        assert_eq!(Pitch::new(Step::F, 1, 4).to_string(), "F#4");
        assert_eq!(Pitch { octave: 3, step: Step::B, alter: -250 }.to_string(), "Bbb3-50c");
        assert_eq!(std::mem::size_of::<Pitch>(), 4);
    }

    #[test]
    fn few_signs_and_many_make_names_alike() {
        for (alter, name) in
            [(0, "B"), (50, "B#-50c"), (-50, "B-50c"), (49, "B+49c"), (1600, "B################")]
        {
            let pitch = Pitch { octave: -1, step: Step::B, alter };
            assert_eq!(pitch.name().to_string(), name);
        }
        for alter in [i16::MIN, -1_749, 1_649, 1_650, 1_750, i16::MAX] {
            let pitch = Pitch { octave: 4, step: Step::A, alter };
            let semitones = (i32::from(alter) + 50).div_euclid(100);
            let signs = if semitones < 0 { "b" } else { "#" }.repeat(semitones.unsigned_abs() as usize);
            let cents = i32::from(alter) - 100 * semitones;
            let rest = if cents == 0 { String::new() } else { format!("{cents:+}c") };
            assert_eq!(pitch.to_string(), format!("A{signs}4{rest}"));
            assert_eq!(serde_json::to_value(pitch).unwrap(), pitch.to_string());
        }
    }

    #[test]
    fn every_key_has_a_spelling_that_sounds_the_same() {
        for key in -12..140 {
            assert_eq!(Pitch::from_key(key).key(), key);
        }
    }
}
