//! The columns of a score: notes, rests, measures, meters, keys, tempi. Flat, without references.

use super::packed::{NUMBERS, Row};
use super::pitch::Pitch;
use super::time::Ticks;
use shared::place::Place;
use std::num::NonZeroU32;

/// What else is true of a note: a set of flags in sixteen bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Flags(u16);

impl Flags {
    /// No flag.
    pub const NONE: Flags = Flags(0);
    /// A grace note: it takes no time of its own.
    pub const GRACE: Flags = Flags(1);
    /// A tie goes on from here.
    pub const TIE_START: Flags = Flags(1 << 1);
    /// A tie comes in: this is no new onset.
    pub const TIE_STOP: Flags = Flags(1 << 2);
    /// It stands in one chord with the note before it.
    pub const CHORD: Flags = Flags(1 << 3);
    /// Its pitch is a place on the staff only: percussion.
    pub const UNPITCHED: Flags = Flags(1 << 4);
    /// A cue note.
    pub const CUE: Flags = Flags(1 << 5);
    /// It is not printed.
    pub const HIDDEN: Flags = Flags(1 << 6);
    /// Its time was rounded to the nearest tick, or the source's own time did not fit.
    pub const ROUNDED: Flags = Flags(1 << 7);
    /// A rest that fills its measure, whatever its written length.
    pub const WHOLE_MEASURE: Flags = Flags(1 << 8);

    /// Whether all of `other` is set.
    #[must_use]
    pub const fn has(self, other: Flags) -> bool {
        self.0 & other.0 == other.0
    }

    /// Both sets.
    #[must_use]
    pub const fn with(self, other: Flags) -> Flags {
        Flags(self.0 | other.0)
    }

    /// Without any of `other`.
    #[must_use]
    pub const fn without(self, other: Flags) -> Flags {
        Flags(self.0 & !other.0)
    }

    /// `other` as well, if `condition` holds.
    #[must_use]
    pub const fn with_if(self, condition: bool, other: Flags) -> Flags {
        if condition { self.with(other) } else { self }
    }
}

/// One note head. Chord members are notes of their own; ties are not merged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Note {
    /// From the start of the piece. Readers say it in the time of the part; the builder aligns the parts.
    pub onset: Ticks,
    /// Written length; zero for grace notes.
    pub duration: Ticks,
    /// Where it stands in the source.
    pub place: Place,
    /// Index of its measure within its part, from 0. Readers leave it 0: the builder knows.
    pub measure: u32,
    /// As written.
    pub written: Pitch,
    /// Index of its part.
    pub part: u16,
    /// Flags.
    pub flags: Flags,
    /// Semitones from the written to the sounding pitch.
    pub transpose: i8,
    /// Voice within the part, from 1.
    pub voice: u8,
    /// Staff within the part, from 1.
    pub staff: u8,
}

impl Note {
    /// MIDI key of the written pitch.
    #[must_use]
    pub const fn written_key(&self) -> i32 {
        self.written.key()
    }

    /// MIDI key that sounds.
    #[must_use]
    pub const fn sounding_key(&self) -> i32 {
        self.written.key() + self.transpose as i32
    }

    /// The pitch that sounds, spelled as the usual interval of so many semitones leads to it (six are an augmented
    /// fourth).
    #[must_use]
    pub fn sounding(&self) -> Pitch {
        const STEPS: [i32; 12] = [0, 1, 1, 2, 2, 3, 3, 4, 5, 5, 6, 6];
        let semitones = i32::from(self.transpose);
        if semitones == 0 {
            return self.written;
        }
        let within = usize::try_from(semitones.rem_euclid(12)).unwrap_or(0);
        let steps = STEPS.get(within).copied().unwrap_or(0) + 7 * semitones.div_euclid(12);
        Pitch::at(self.written.diatonic() + steps, self.written.cents() + semitones * 100)
    }

    /// Whether it is a grace note.
    #[must_use]
    pub const fn is_grace(&self) -> bool {
        self.flags.has(Flags::GRACE)
    }

    /// Whether it has a pitch.
    #[must_use]
    pub const fn is_pitched(&self) -> bool {
        !self.flags.has(Flags::UNPITCHED)
    }

    /// Whether the sound begins here: no tie comes in.
    #[must_use]
    pub const fn is_onset(&self) -> bool {
        !self.flags.has(Flags::TIE_STOP)
    }

    /// When it ends.
    #[must_use]
    pub fn end(&self) -> Ticks {
        self.onset + self.duration
    }
}

/// One written rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rest {
    /// From the start of the piece.
    pub onset: Ticks,
    /// Length.
    pub duration: Ticks,
    /// Where it stands in the source.
    pub place: Place,
    /// Index of its measure within its part. Readers leave it 0.
    pub measure: u32,
    /// Index of its part.
    pub part: u16,
    /// Flags: [`Flags::HIDDEN`], [`Flags::WHOLE_MEASURE`], [`Flags::ROUNDED`], [`Flags::CUE`].
    pub flags: Flags,
    /// Voice within the part, from 1.
    pub voice: u8,
    /// Staff within the part, from 1.
    pub staff: u8,
}

impl Row for Rest {
    const TIME: Option<usize> = Some(0);

    fn onset(&self) -> Ticks {
        self.onset
    }

    fn part(&self) -> u16 {
        self.part
    }

    fn numbers(&self) -> [i64; NUMBERS] {
        let (line, offset) = self.place.numbers();
        let Rest { duration, measure, flags, voice, staff, .. } = *self;
        let small = [flags.0, voice.into(), staff.into()].map(i64::from);
        let [flags, voice, staff] = small;
        [duration.0, line.into(), offset.into(), measure.into(), flags, voice, staff, 0]
    }

    fn of(onset: Ticks, part: u16, numbers: [i64; NUMBERS]) -> Self {
        let [duration, line, offset, measure, flags, voice, staff, _] = numbers;
        Rest {
            onset,
            duration: Ticks(duration),
            place: Place::of_numbers((line as u32, offset as u32)),
            measure: measure as u32,
            part,
            flags: Flags(flags as u16),
            voice: voice as u8,
            staff: staff as u8,
        }
    }
}

/// Which of a score's texts is a measure's label: its number, from 1, so that a measure without one pays nothing to say so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Label(NonZeroU32);

impl Label {
    /// Of a text's number, from 0.
    pub(super) fn of(text: u32) -> Option<Self> {
        text.checked_add(1).and_then(NonZeroU32::new).map(Label)
    }

    /// The text's number, from 0.
    pub(super) const fn text(self) -> u32 {
        self.0.get() - 1
    }
}

/// One measure of one part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Measure {
    /// Index of its part.
    pub part: u16,
    /// Index within the part, from 0.
    pub index: u32,
    /// Number as printed, where it is one; `label` has the text where it is not.
    pub number: i32,
    /// The number's text, where it is more than a number: "12a", "X1". The score has it: [`Score::label`](super::Score::label).
    pub label: Option<Label>,
    /// Start from the start of the piece, aligned over the parts.
    pub onset: Ticks,
    /// How much of it this part fills.
    pub duration: Ticks,
    /// Where it begins in the source.
    pub place: Place,
}

/// A time signature of one part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meter {
    /// From the start of the piece.
    pub onset: Ticks,
    /// Index of its measure within its part. Readers leave it 0.
    pub measure: u32,
    /// Index of its part.
    pub part: u16,
    /// The upper numbers: one, or several for a composite meter such as 3+2/8. Empty for senza misura.
    pub beats: Box<[u16]>,
    /// The lower number.
    pub unit: u16,
    /// Where it stands in the source.
    pub place: Place,
}

impl Meter {
    /// All beats of the measure, in units of the lower number.
    #[must_use]
    pub fn count(&self) -> u32 {
        self.beats.iter().fold(0, |sum, &beats| sum.saturating_add(u32::from(beats)))
    }

    /// Length of a full measure; `None` for senza misura.
    #[must_use]
    pub fn measure_duration(&self) -> Option<Ticks> {
        let (duration, _) = Ticks::from_quarters(i64::from(self.count()) * 4, i64::from(self.unit));
        duration.is_positive().then_some(duration)
    }

    /// `3/4`, `3+2/8`; `senza misura`.
    #[must_use]
    pub fn text(&self) -> String {
        if self.beats.is_empty() {
            return "senza misura".to_owned();
        }
        let beats: Vec<String> = self.beats.iter().map(u16::to_string).collect();
        format!("{}/{}", beats.join("+"), self.unit)
    }
}

/// Mode of a key that a source states.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Mode {
    Major,
    Minor,
    Ionian,
    Dorian,
    Phrygian,
    Lydian,
    Mixolydian,
    Aeolian,
    Locrian,
}

impl Mode {
    /// The name in lower case.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Mode::Major => "major",
            Mode::Minor => "minor",
            Mode::Ionian => "ionian",
            Mode::Dorian => "dorian",
            Mode::Phrygian => "phrygian",
            Mode::Lydian => "lydian",
            Mode::Mixolydian => "mixolydian",
            Mode::Aeolian => "aeolian",
            Mode::Locrian => "locrian",
        }
    }
}

/// A key signature of one part, with the mode if the source states one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeySignature {
    /// From the start of the piece.
    pub onset: Ticks,
    /// Index of its measure within its part. Readers leave it 0.
    pub measure: u32,
    /// Index of its part.
    pub part: u16,
    /// Sharps, or flats if negative, as written.
    pub fifths: i8,
    /// Mode, where stated.
    pub mode: Option<Mode>,
    /// Where it stands in the source.
    pub place: Place,
}

/// A tempo, for all parts, said in one of them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tempo {
    /// From the start of the piece.
    pub onset: Ticks,
    /// Index of its measure within the part that says it. Readers leave it 0.
    pub measure: u32,
    /// Index of the part that says it.
    pub part: u16,
    /// Quarter notes a minute.
    pub quarters_per_minute: f64,
    /// Where it stands in the source.
    pub place: Place,
}

/// One part: a staff or a group of staves that one player or voice reads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Part {
    /// Name, as printed or as the track says.
    pub name: Option<Box<str>>,
    /// Instrument, as the source names it.
    pub instrument: Option<Box<str>>,
    /// General MIDI program, from 1.
    pub program: Option<u8>,
    /// Length in the part's own time: parts of one score may differ.
    pub duration: Ticks,
    /// Number of staves, at least 1 once a note was read.
    pub staves: u8,
}
