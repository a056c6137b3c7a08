//! Intervals between written pitches: steps of the staff and semitones, and the names that follow from both.

use crate::score::Pitch;

/// The distance from one pitch to another, both with their sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Interval {
    /// Positions on the staff.
    pub(super) steps: i32,
    /// Semitones; microtones go to the nearest.
    pub(super) semitones: i32,
}

/// What an interval is against the perfect or major one of its size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Quality {
    Perfect,
    Major,
    Minor,
    /// So many times.
    Augmented(u8),
    /// So many times.
    Diminished(u8),
}

impl Interval {
    /// From one pitch to the other.
    pub(super) fn between(from: Pitch, to: Pitch) -> Self {
        let cents = to.cents() - from.cents();
        Interval { steps: to.diatonic() - from.diatonic(), semitones: (cents + 50).div_euclid(100) }
    }

    /// 1 for a unison, 8 for an octave, whatever the direction.
    pub(super) fn number(self) -> u32 {
        self.steps.unsigned_abs() + 1
    }

    /// The number within the octave: 1 for unisons and octaves.
    pub(super) fn simple(self) -> u32 {
        self.steps.unsigned_abs() % 7 + 1
    }

    /// The same, with 8 for octaves.
    pub(super) fn semi_simple(self) -> u32 {
        if self.simple() == 1 && self.steps != 0 { 8 } else { self.simple() }
    }

    /// Perfect, major and so on: music21 `interval._getSpecifierFromGenericChromatic`.
    pub(super) fn quality(self) -> Quality {
        const MAJOR: [i32; 7] = [0, 2, 4, 5, 7, 9, 11];
        let (octaves, within) = (self.steps.abs() / 7, self.steps.unsigned_abs() as usize % 7);
        let usual = MAJOR.get(within).copied().unwrap_or(0) + 12 * octaves;
        // A second that falls though it is written upwards is narrower than none.
        let against = self.steps.signum() * self.semitones.signum() < 0;
        let is = match (against, self.steps) {
            (true, _) => -self.semitones.abs(),
            (false, 0) => self.semitones,
            _ => self.semitones.abs(),
        };
        let (perfectable, off) = (matches!(within, 0 | 3 | 4), is - usual);
        let times = |off: u32| u8::try_from(off).unwrap_or(u8::MAX);
        match (perfectable, off) {
            (true, 0) => Quality::Perfect,
            (false, 0) => Quality::Major,
            (false, -1) => Quality::Minor,
            (_, 1..) => Quality::Augmented(times(off.unsigned_abs())),
            (true, _) => Quality::Diminished(times(off.unsigned_abs())),
            (false, _) => Quality::Diminished(times(off.unsigned_abs() - 1)),
        }
    }

    /// `Perfect Fifth`, `Minor Tenth`, `Doubly-Augmented Octave`.
    pub(super) fn name(self) -> String {
        self.named(self.number())
    }

    /// The name within the octave, with `Octave` for octaves.
    pub(super) fn semi_simple_name(self) -> String {
        self.named(self.semi_simple())
    }

    fn named(self, number: u32) -> String {
        let times = |times: u8| match times {
            0 | 1 => "",
            2 => "Doubly-",
            3 => "Triply-",
            4 => "Quadruply-",
            _ => "Multiply-",
        };
        let quality = match self.quality() {
            Quality::Perfect => "Perfect".to_owned(),
            Quality::Major => "Major".to_owned(),
            Quality::Minor => "Minor".to_owned(),
            Quality::Augmented(count) => format!("{}Augmented", times(count)),
            Quality::Diminished(count) => format!("{}Diminished", times(count)),
        };
        format!("{quality} {}", ordinal(number))
    }
}

/// The name of a size, as music21 says it: words up to three octaves, then numbers.
fn ordinal(number: u32) -> String {
    const NAMES: [&str; 23] = [
        "Zeroth",
        "Unison",
        "Second",
        "Third",
        "Fourth",
        "Fifth",
        "Sixth",
        "Seventh",
        "Octave",
        "Ninth",
        "Tenth",
        "Eleventh",
        "Twelfth",
        "Thirteenth",
        "Fourteenth",
        "Double-octave",
        "Sixteenth",
        "Seventeenth",
        "Eighteenth",
        "Nineteenth",
        "Twentieth",
        "Twenty-first",
        "Triple-octave",
    ];
    if let Some(name) = NAMES.get(number as usize) {
        return (*name).to_owned();
    }
    let ending = match (number % 100, number % 10) {
        (11..=13, _) => "th",
        (_, 1) => "st",
        (_, 2) => "nd",
        (_, 3) => "rd",
        _ => "th",
    };
    format!("{number}{ending}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::score::Step;

    /// Names of music21 10.5.1, `interval.Interval(a, b).niceName`.
    #[test]
    fn names_are_those_of_music21() {
        let c = Pitch::new(Step::C, 0, 4);
        for (to, name) in [
            (Pitch::new(Step::C, 0, 4), "Perfect Unison"),
            (Pitch::new(Step::C, 1, 4), "Augmented Unison"),
            (Pitch::new(Step::C, -1, 4), "Diminished Unison"),
            (Pitch::new(Step::D, -2, 4), "Diminished Second"),
            (Pitch::new(Step::D, -3, 4), "Doubly-Diminished Second"),
            (Pitch::new(Step::E, -1, 5), "Minor Tenth"),
            (Pitch::new(Step::F, 1, 4), "Augmented Fourth"),
            (Pitch::new(Step::F, 0, 3), "Perfect Fifth"),
            (Pitch::new(Step::B, -2, 4), "Diminished Seventh"),
            (Pitch::new(Step::C, 0, 6), "Perfect Double-octave"),
            (Pitch::new(Step::D, 0, 7), "Major 23rd"),
        ] {
            assert_eq!(Interval::between(c, to).name(), name, "{to}");
        }
        let twelfth = Interval::between(c, Pitch::new(Step::G, 0, 5));
        assert_eq!((twelfth.number(), twelfth.simple(), twelfth.semi_simple()), (12, 5, 5));
        assert_eq!(Interval::between(c, Pitch::new(Step::C, 0, 5)).semi_simple(), 8);
    }
}
