//! Two voices, each going from one note to the next: music21 `voiceLeading.VoiceLeadingQuartet`.

use crate::analyse::interval::{Interval, Quality};
use crate::score::Pitch;

/// The four notes: each voice before and after.
#[derive(Clone, Copy)]
pub(super) struct Quartet {
    upper: (Pitch, Pitch),
    lower: (Pitch, Pitch),
    /// From the upper to the lower voice, before and after.
    between: (Interval, Interval),
    /// What each voice does.
    moves: (Interval, Interval),
}

/// How two voices move against each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Motion {
    None,
    Oblique,
    Contrary,
    Similar,
    Parallel,
}

/// A perfect consonance that two voices keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Perfect {
    Fifth,
    Octave,
    Unison,
}

impl Quartet {
    /// Of the voice that stands higher in the score, and the other one.
    pub(super) fn new(upper: (Pitch, Pitch), lower: (Pitch, Pitch)) -> Self {
        let between = (Interval::between(upper.0, lower.0), Interval::between(upper.1, lower.1));
        let moves = (Interval::between(upper.0, upper.1), Interval::between(lower.0, lower.1));
        Quartet { upper, lower, between, moves }
    }

    /// `motionType` of music21.
    pub(super) fn motion(&self) -> Motion {
        let (a, b) = self.moves;
        match (stays(a), stays(b)) {
            (true, true) => Motion::None,
            (true, false) | (false, true) => Motion::Oblique,
            _ if !self.similar() => Motion::Contrary,
            _ if self.between.0.steps == self.between.1.steps => Motion::Parallel,
            _ => Motion::Similar,
        }
    }

    /// Whether both go the same way.
    fn similar(&self) -> bool {
        let (a, b) = self.moves;
        !(stays(a) && stays(b)) && a.semitones.signum() == b.semitones.signum()
    }

    fn contrary(&self) -> bool {
        self.motion() == Motion::Contrary
    }

    /// Whether both intervals are of one size, octaves aside.
    fn keeps_size(&self) -> bool {
        self.between.0.semi_simple() == self.between.1.semi_simple()
    }

    /// The perfect consonance that is kept in similar motion, or in contrary motion by octaves (`true`).
    pub(super) fn parallel(&self) -> Option<(Perfect, bool)> {
        let perfect = |interval: Interval| interval.quality() == Quality::Perfect;
        let (before, after) = self.between;
        if !perfect(before) || !perfect(after) {
            return None;
        }
        if self.similar() && self.keeps_size() {
            return match before.semi_simple() {
                5 => Some((Perfect::Fifth, false)),
                8 => Some((Perfect::Octave, false)),
                1 => Some((Perfect::Unison, false)),
                _ => None,
            };
        }
        match (before.simple(), after.simple()) {
            (5, 5) if self.contrary() => Some((Perfect::Fifth, true)),
            (1, 1) if self.contrary() => Some((Perfect::Octave, true)),
            _ => None,
        }
    }

    /// The perfect consonance that is reached in similar motion from another interval.
    pub(super) fn hidden(&self) -> Option<Perfect> {
        let after = self.between.1;
        if !self.similar() || self.keeps_size() || after.quality() != Quality::Perfect {
            return None;
        }
        match after.simple() {
            5 => Some(Perfect::Fifth),
            1 => Some(Perfect::Octave),
            _ => None,
        }
    }

    /// Whether the upper voice leaps: by more than a second.
    pub(super) fn upper_leaps(&self) -> bool {
        self.moves.0.steps.abs() > 1
    }

    /// Whether the voice that stands higher in the score is the lower one, before and after.
    pub(super) fn crossed(&self) -> (bool, bool) {
        let below = |upper: Pitch, lower: Pitch| upper.cents() < lower.cents();
        (below(self.upper.0, self.lower.0), below(self.upper.1, self.lower.1))
    }

    /// Whether a voice goes past where the other one has just been.
    pub(super) fn overlaps(&self) -> bool {
        self.upper.1.cents() < self.lower.0.cents() || self.lower.1.cents() > self.upper.0.cents()
    }

    /// The dissonance that is left otherwise than it should: a fourth whose upper note does not fall, an augmented fourth
    /// that does not open to a sixth, a diminished fifth that does not close to a third, a minor seventh that does not go
    /// to a third (`isProperResolution` without a key).
    pub(super) fn improper(&self) -> Option<&'static str> {
        if stays(self.moves.0) && stays(self.moves.1) {
            return None;
        }
        let (before, after) = self.between;
        let rises = self.moves.0.semitones > 0;
        let falls = self.moves.0.semitones < 0;
        let (name, proper) = match (before.simple(), before.quality()) {
            (4, Quality::Perfect) => ("P4", !rises),
            (4, Quality::Augmented(1)) => ("A4", self.contrary() && rises && after.simple() == 6),
            (5, Quality::Diminished(1)) => ("d5", self.contrary() && falls && after.simple() == 3),
            (7, Quality::Minor) => ("m7", after.simple() == 3),
            _ => return None,
        };
        (!proper).then_some(name)
    }
}

/// Whether a voice stays on its note.
fn stays(interval: Interval) -> bool {
    interval.steps == 0 && interval.semitones == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::score::Step;

    fn pitch(text: &str) -> Pitch {
        let bytes = text.as_bytes();
        let alter = match bytes.get(1) {
            Some(b'#') => 1,
            Some(b'b') => -1,
            _ => 0,
        };
        let octave = text[text.len() - 1..].parse().unwrap();
        Pitch::new(Step::from_letter(bytes[0]).unwrap(), alter, octave)
    }

    fn quartet(text: &str) -> Quartet {
        let notes: Vec<Pitch> = text.split(' ').map(pitch).collect();
        Quartet::new((notes[0], notes[1]), (notes[2], notes[3]))
    }

    /// motionType, parallelFifth, parallelOctave, parallelUnison, hiddenFifth, hiddenOctave of music21 10.5.1 for
    /// `VoiceLeadingQuartet(v1n1, v1n2, v2n1, v2n2)`.
    #[test]
    fn motions_are_those_of_music21() {
        use Motion::{Contrary, None as Still, Oblique, Parallel, Similar};
        for (text, motion, parallel, hidden) in [
            ("G4 A4 C4 D4", Parallel, Some((Perfect::Fifth, false)), None),
            ("G5 A4 C4 D4", Contrary, Some((Perfect::Fifth, true)), None),
            ("G5 A5 C4 D4", Parallel, Some((Perfect::Fifth, false)), None),
            ("G4 D6 C4 G4", Similar, Some((Perfect::Fifth, false)), None),
            ("C5 D5 C4 D4", Parallel, Some((Perfect::Octave, false)), None),
            ("C5 D5 C5 D5", Parallel, Some((Perfect::Unison, false)), None),
            ("C5 D4 C4 D4", Contrary, Some((Perfect::Octave, true)), None),
            ("F4 A4 C4 D4", Similar, None, Some(Perfect::Fifth)),
            ("A4 D5 C4 D4", Similar, None, Some(Perfect::Octave)),
            ("G4 Ab4 C4 D4", Parallel, None, None),
            ("G4 G4 C4 D4", Oblique, None, None),
            ("G4 G4 C4 C4", Still, None, None),
            ("G4 A4 E4 D4", Contrary, None, None),
        ] {
            let quartet = quartet(text);
            assert_eq!(
                (quartet.motion(), quartet.parallel(), quartet.hidden()),
                (motion, parallel, hidden),
                "{text}"
            );
        }
    }

    #[test]
    fn crossing_overlap_and_resolution() {
        assert_eq!(quartet("G4 C4 E4 E4").crossed(), (false, true));
        assert!(quartet("G4 C4 E4 A3").overlaps());
        assert!(!quartet("G4 F4 E4 D4").overlaps());
        for (text, improper) in [
            ("B4 C5 F4 E4", None),
            ("B4 A4 F4 E4", Some("A4")),
            ("F4 E4 B3 C4", None),
            ("F4 G4 B3 C4", Some("d5")),
            ("F4 E4 G3 C4", None),
            ("F4 F4 G3 D4", None),
            ("F4 G4 G3 C4", Some("m7")),
            ("F4 E4 C4 C4", None),
            ("F4 G4 C4 C4", Some("P4")),
        ] {
            assert_eq!(quartet(text).improper(), improper, "{text}");
        }
    }
}
