//! What a chord is called: music21 `Chord.commonName` and `pitchedCommonName`.

use super::super::interval::Interval;
use super::{Chord, class, name_of};
use crate::score::Pitch;
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt::Write;

impl Chord<'_> {
    /// `major triad`, `Perfect Fifth`, `enharmonic equivalent to minor seventh chord`.
    pub(in crate::analyse) fn common_name(&self) -> Cow<'static, str> {
        if self.pitches.iter().any(|pitch| pitch.alter % 100 != 0) {
            return "microtonal chord".into();
        }
        match self.set.cardinality {
            1 => self.octaves().into(),
            2 => self.interval().into(),
            _ => self.three_or_more(),
        }
    }

    /// The same with the name of the root, or of the bass where a root says little: `A-minor triad`.
    pub(in crate::analyse) fn pitched_common_name(&self, common: &str) -> String {
        if common == "note" || common == "unison" {
            return self.bass.name().to_string();
        }
        // So the names begin that are of no chord in particular.
        let rootless = ["enharmonic", "forte class"];
        let mut name = String::with_capacity(common.len() + " above Ebb".len());
        let _ = if self.set.cardinality <= 2 || rootless.iter().any(|words| common.starts_with(words)) {
            write!(name, "{common} above {}", self.bass.name())
        } else {
            write!(name, "{}-{common}", self.root.name())
        };
        name
    }

    fn octaves(&self) -> String {
        let heights: BTreeSet<i32> = self.pitches.iter().map(|pitch| pitch.cents()).collect();
        match (self.pitches, self.names, heights.len()) {
            ([_], _, _) => "note".to_owned(),
            (_, 1, 1) => "unison".to_owned(),
            ([low, high, ..], 1, 2) => Interval::between(*low, *high).name(),
            (_, 1, _) => "multiple octaves".to_owned(),
            (_, _, 1) => "enharmonic unison".to_owned(),
            _ => "enharmonic octaves".to_owned(),
        }
    }

    fn interval(&self) -> String {
        let other = self.pitches.iter().find(|&&pitch| class(pitch) != class(self.bass));
        let interval = Interval::between(self.bass, other.copied().unwrap_or(self.bass));
        if self.names > 2 {
            let semitones = interval.semitones.unsigned_abs() % 12;
            return format!("{semitones} semitone{}", if semitones == 1 { "" } else { "s" });
        }
        let heights: BTreeSet<i32> = self.pitches.iter().map(|pitch| pitch.cents()).collect();
        if heights.len() > 2 {
            return format!("{} with octave doublings", interval.semi_simple_name());
        }
        let second = self.pitches.get(1).copied().unwrap_or(self.bass);
        Interval::between(self.bass, second).name()
    }

    fn three_or_more(&self) -> Cow<'static, str> {
        let or_enharmonic = |is: bool, words: &str| match (self.set.name, is) {
            (Some(name), true) => Cow::from(name),
            (Some(name), false) => format!("{words} {name}").into(),
            (None, _) => format!("forte class {}", self.set.forte).into(),
        };
        let sixth = |name: &'static str, in_place: u8| match self.inversion() {
            inversion if inversion == in_place => name.into(),
            0 => format!("{name} in root position").into(),
            inversion => format!("{name} in {} inversion", ordinal(inversion)).into(),
        };
        let like = "enharmonic equivalent to";
        match (self.set.forte.as_str(), self.augmented_sixth()) {
            ("4-27B", _) if self.is_seventh_of([0, 400, 700, 1000]) => or_enharmonic(true, like),
            ("4-27B", Some("Ger")) => sixth("German augmented sixth chord", 1),
            ("4-27B", Some(_)) => sixth("Swiss augmented sixth chord", 2),
            ("4-27B", None) => or_enharmonic(false, "enharmonic to"),
            ("4-25", Some(_)) => sixth("French augmented sixth chord", 2),
            ("3-8A", Some(_)) => sixth("Italian augmented sixth chord", 1),
            ("4-20" | "4-26", _) => or_enharmonic(self.has_perfect_fifths(), like),
            ("3-11A", _) => or_enharmonic(self.is_minor(), like),
            ("3-11B", _) => or_enharmonic(self.is_major(), like),
            ("3-10", _) => or_enharmonic(self.is_diminished(), like),
            ("3-12", _) => or_enharmonic(self.is_augmented(), like),
            ("4-27A", _) => or_enharmonic(self.is_seventh_of([0, 300, 600, 1000]), like),
            ("4-28", _) => or_enharmonic(self.is_seventh_of([0, 300, 600, 900]), like),
            ("5-27A" | "5-27B" | "5-34", _) => or_enharmonic(self.is_ninth(), like),
            _ => or_enharmonic(true, like),
        }
    }

    /// A seventh chord with perfect fifths above root and third.
    fn has_perfect_fifths(&self) -> bool {
        let fifth = |from: Pitch| Pitch::at(from.diatonic() + 4, from.cents() + 700);
        let is_there = |pitch: Pitch| self.pitches.iter().any(|&other| name_of(other) == name_of(pitch));
        self.is_seventh()
            && is_there(fifth(self.root))
            && self.member(3).is_some_and(|third| is_there(fifth(third)))
    }
}

fn ordinal(inversion: u8) -> &'static str {
    match inversion {
        1 => "first",
        2 => "second",
        3 => "third",
        4 => "fourth",
        5 => "fifth",
        _ => "sixth",
    }
}
