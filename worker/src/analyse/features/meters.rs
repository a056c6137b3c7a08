//! The features of the written page (R31 to R35, P22): meters and the mode of the key signature.

use super::{Answer, Feature, Material, entry};
use crate::score::{Meter, Mode, Notation, Score};

/// The features of meter and signature.
pub(in crate::analyse) static METERS: &[Feature] = &[
    entry!("R31" "r31" "Initial Time Signature" [2], Integer "number", "Upper and lower number of the first time signature.",
    |all| match all.meters.first {
        Some((count, unit, _)) => Answer::Wholes(vec![count, unit]),
        None if all.as_music21 => Answer::Wholes(vec![0, 0]),
        None => Answer::Nothing,
    }),
    entry!("R32" "r32" "Compound Or Simple Meter", Integer "0 or 1", "1 if the first upper number is at least 6 and divides by 3.",
        |all| all.meters.says(all, |(count, _, compound)| if all.as_music21 { compound } else { count >= 6 && count % 3 == 0 })),
    entry!("R33" "r33" "Triple Meter", Integer "0 or 1", "1 if the first upper number is 3.",
        |all| all.meters.says(all, |(count, _, _)| count == 3)),
    entry!("R34" "r34" "Quintuple Meter", Integer "0 or 1", "1 if the first upper number is 5.",
        |all| all.meters.says(all, |(count, _, _)| count == 5)),
    entry!("R35" "r35" "Changes of Meter", Integer "0 or 1", "1 if a time signature differs from the first.",
        |all| all.meters.says(all, |_| all.meters.changes)),
    entry!("P22" "p22" "Quality", Integer "0 or 1", "1 if the first key signature with a mode is minor, 0 if major.",
    |all| match all.meters.minor {
        None if all.as_music21 => Answer::Whole(0),
        minor => minor.into(),
    }),
];

/// The signatures of a score.
#[derive(Debug, Default)]
pub(in crate::analyse) struct Meters {
    /// Upper and lower number of the first, and whether its beats are of three.
    first: Option<(i64, i64, bool)>,
    changes: bool,
    /// Whether the first key with a mode is minor.
    minor: Option<bool>,
    /// Of all keys that state a mode: the one, if they agree, and whether it is minor, if it is one of the two.
    pub(super) agreed: Option<Option<bool>>,
}

impl Meters {
    /// The signatures of all parts, in the order of time.
    pub(super) fn of(score: &Score, as_music21: bool) -> Self {
        let numbers = |meter: &Meter| (i64::from(meter.count()), i64::from(meter.unit));
        let mut meters = score.meters.iter().filter(|meter| !meter.beats.is_empty());
        let first = meters.next();
        let mode = |mode: Mode| match mode {
            Mode::Major => Some(false),
            Mode::Minor => Some(true),
            _ => None,
        };
        // In kern, music21 knows no key but major and minor ones.
        let known =
            |found: &Mode| !as_music21 || score.notation != Some(Notation::Kern) || mode(*found).is_some();
        let modes = || score.keys.iter().filter_map(|key| key.mode).filter(known);
        let agreed = modes().next().filter(|first| modes().all(|other| other == *first));
        // music21 takes a MIDI file that says nothing for 4/4.
        let assumed = (as_music21 && score.notation == Some(Notation::Midi)).then_some((4, 4, false));
        Meters {
            first: first
                .map_or(assumed, |meter| Some((numbers(meter).0, numbers(meter).1, is_compound(meter)))),
            changes: first.is_some_and(|first| meters.any(|meter| numbers(meter) != numbers(first))),
            minor: modes().find_map(mode),
            agreed: agreed.map(mode),
        }
    }

    /// What is so of the first meter; without one, music21 says no.
    fn says(&self, all: &Material, is: impl Fn((i64, i64, bool)) -> bool) -> Answer {
        match self.first {
            None if all.as_music21 => Answer::Whole(0),
            first => first.map(is).into(),
        }
    }
}

/// Whether music21 counts the beats of a meter in threes.
fn is_compound(meter: &Meter) -> bool {
    match *meter.beats {
        [count] => count >= 6 && count % 3 == 0,
        _ => meter.beats.iter().all(|&count| count == 3),
    }
}
