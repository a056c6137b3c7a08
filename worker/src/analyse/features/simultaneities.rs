//! The features of what sounds together: how many voices (T), and which chords (CS).

use super::super::chord::Chord;
use super::super::common::ratio;
use super::sounds::Sounds;
use super::sweep::Sweep;
use super::{Answer, Feature, Material, entry};
use crate::score::{Pitch, Score};
use shared::failure::Failure;
use std::collections::BTreeMap;

/// The features of texture.
pub(in crate::analyse) static TEXTURE: &[Feature] = &[
    entry!("T1" "t1" "Maximum Number of Independent Voices", Integer "part", "The most parts that sound at once.",
    |all| match all.chords.voices {
        None if all.as_music21 => Answer::Whole(0),
        voices => voices.map(|voices| voices.0).into(),
    }),
    entry!("T2" "t2" "Average Number of Independent Voices", Number "part", "Mean number of parts that sound at once, silence left out.",
        |all| all.chords.voices.map(|voices| voices.1).into()),
    entry!("T3" "t3" "Variability of Number of Independent Voices", Number "part", "Standard deviation of this number.",
        |all| all.chords.voices.map(|voices| voices.2).into()),
];

/// The features of simultaneities, which are music21's own.
pub(in crate::analyse) static SIMULTANEITIES: &[Feature] = &[
    entry!("CS1" "cs1" "Unique Pitch Class Set Simultaneities", Integer "pitch-class set", "How many different sets of pitch classes sound together.",
        |all| all.chords.count(all, all.chords.sets.0).into()),
    entry!("CS2" "cs2" "Unique Set Class Simultaneities", Integer "set class", "How many different set classes, inversions not told apart.",
        |all| all.chords.count(all, all.chords.classes.0).into()),
    entry!("CS3" "cs3" "Most Common Pitch Class Set Simultaneity Prevalence", Number "share", "Share of the slices that have the commonest set of pitch classes.",
        |all| all.chords.part(all.chords.sets.1).into()),
    entry!("CS4" "cs4" "Most Common Set Class Simultaneity Prevalence", Number "share", "Share of the slices that have the commonest set class.",
        |all| all.chords.part(all.chords.classes.1).into()),
    entry!("CS5" "cs5" "Major Triad Simultaneity Prevalence", Number "share", "Share of the slices that are major triads or a root with its major third.",
        |all| all.chords.share(all, all.chords.major)),
    entry!("CS6" "cs6" "Minor Triad Simultaneity Prevalence", Number "share", "Share of the slices that are minor triads or a root with its minor third.",
        |all| all.chords.share(all, all.chords.minor)),
    entry!("CS7" "cs7" "Dominant Seventh Simultaneity Prevalence", Number "share", "Share of the slices that are dominant sevenths.",
        |all| all.chords.share(all, all.chords.dominant)),
    entry!("CS8" "cs8" "Diminished Triad Simultaneity Prevalence", Number "share", "Share of the slices that are diminished triads.",
        |all| all.chords.share(all, all.chords.diminished)),
    entry!("CS9" "cs9" "Triad Simultaneity Prevalence", Number "share", "Share of the slices that are spelled as triads: three names, a root with third and fifth.",
        |all| all.chords.share(all, all.chords.triads)),
    entry!("CS10" "cs10" "Diminished Seventh Simultaneity Prevalence", Number "share", "Share of the slices that are diminished sevenths.",
        |all| all.chords.share(all, all.chords.diminished_seventh)),
    entry!("CS11" "cs11" "Incorrectly Spelled Triad Prevalence", Number "share", "Share of the triads by sound (Forte 3-10, 3-11, 3-12) that are not spelled as one.",
    |all| match all.as_music21 {
        true => ratio(all.chords.sounding as f64 - all.chords.triads as f64, all.chords.sounding as f64).into(),
        false => ratio(all.chords.misspelled as f64, all.chords.sounding as f64).into(),
    }),
    entry!("CS12" "cs12" "Chord Bass Motion" [12], Number "share", "Share of the steps from one chord symbol to the next by which the bass rises so many semitones, the same bass left out.",
        |all| all.chords.bass_motion(all)),
];

/// What sounds together in a score.
#[derive(Debug, Default)]
pub(in crate::analyse) struct Simultaneities {
    /// Most, mean and standard deviation of the parts that sound at once.
    voices: Option<(i64, f64, f64)>,
    slices: u64,
    /// How many different sets of pitch classes, and how many slices have the commonest.
    sets: (usize, u64),
    /// The same of set classes.
    classes: (usize, u64),
    major: u64,
    minor: u64,
    dominant: u64,
    diminished: u64,
    diminished_seventh: u64,
    triads: u64,
    /// Triads by sound, and those of them that are not spelled so.
    sounding: u64,
    misspelled: u64,
    /// How often the bass of chord symbols goes up by so many semitones.
    basses: [u64; 12],
}

impl Simultaneities {
    /// Of the slices of a score.
    ///
    /// # Errors
    /// `too_large` for a piece of too many slices.
    pub(super) fn of(score: &Score, sounds: &Sounds, as_music21: bool) -> Result<Self, Failure> {
        let sweep = Sweep::of(score, sounds, as_music21)?;
        let mut told = Simultaneities {
            voices: voices(&sweep, as_music21),
            slices: sweep.slices,
            basses: super::symbols::basses(score),
            ..Simultaneities::default()
        };
        let mut sets: BTreeMap<u16, u64> = BTreeMap::new();
        let mut classes: BTreeMap<(u8, u8), u64> = BTreeMap::new();
        for (pitches, &count) in &sweep.chords {
            let Some(chord) = Chord::of(pitches) else { continue };
            let set = chord.set.normal.iter().fold(0, |set, &class| set | 1_u16 << class.min(15));
            *sets.entry(set).or_default() += count;
            *classes.entry((chord.set.cardinality, chord.set.number)).or_default() += count;
            told.add(pitches, &chord, count);
        }
        told.sets = (sets.len(), sets.values().copied().max().unwrap_or(0));
        told.classes = (classes.len(), classes.values().copied().max().unwrap_or(0));
        Ok(told)
    }

    fn add(&mut self, pitches: &[Pitch], chord: &Chord<'_>, count: u64) {
        let third = |class: u8, height: i32| {
            (chord.set.cardinality, chord.set.number) == (2, class)
                && chord.member(3).is_some()
                && pitches.iter().all(|&pitch| [0, height].contains(&chord.above_root(pitch)))
        };
        let mut tell = |is: bool, what: fn(&mut Self) -> &mut u64| *what(self) += if is { count } else { 0 };
        tell(chord.is_major() || third(4, 400), |told| &mut told.major);
        tell(chord.is_minor() || third(3, 300), |told| &mut told.minor);
        tell(chord.is_seventh_of([0, 400, 700, 1000]), |told| &mut told.dominant);
        tell(chord.is_diminished(), |told| &mut told.diminished);
        tell(chord.is_seventh_of([0, 300, 600, 900]), |told| &mut told.diminished_seventh);
        let spelled = chord.is_triad();
        tell(spelled, |told| &mut told.triads);
        let sounding = chord.set.cardinality == 3 && (10..=12).contains(&chord.set.number);
        tell(sounding, |told| &mut told.sounding);
        tell(sounding && !spelled, |told| &mut told.misspelled);
    }

    /// A count; where nothing sounds, only music21 has one.
    fn count(&self, all: &Material, count: usize) -> Option<i64> {
        (self.slices > 0 || all.as_music21).then(|| i64::try_from(count).unwrap_or(i64::MAX))
    }

    fn part(&self, count: u64) -> Option<f64> {
        ratio(count as f64, self.slices as f64)
    }

    fn share(&self, all: &Material, count: u64) -> Answer {
        match ratio(count as f64, self.slices as f64) {
            None if all.as_music21 => Answer::Number(0.0),
            share => share.into(),
        }
    }

    /// music21 counts a step upwards as one downwards, and has a vector where no bass moves.
    fn bass_motion(&self, all: &Material) -> Answer {
        let total: u64 = self.basses.iter().sum();
        let share = |steps: usize| {
            let steps = if all.as_music21 { (12 - steps) % 12 } else { steps };
            self.basses.get(steps).map_or(0.0, |&count| count as f64 / total as f64)
        };
        match (total, all.as_music21) {
            (0, true) => Answer::Numbers((0..12).map(|steps| if steps == 0 { 1.0 } else { 0.0 }).collect()),
            (0, false) => Answer::Nothing,
            _ => Answer::Numbers((0..12).map(share).collect()),
        }
    }
}

/// Most, mean and standard deviation of the voices at once: over the slices as music21 has it, else over their time.
fn voices(sweep: &Sweep, as_music21: bool) -> Option<(i64, f64, f64)> {
    let weight = |of: &(u64, crate::score::Ticks)| if as_music21 { of.0 as f64 } else { of.1.as_quarters() };
    let sum = |of: &dyn Fn(f64) -> f64| -> f64 {
        sweep.channels.iter().map(|(&channels, slices)| of(channels as f64) * weight(slices)).sum()
    };
    let whole = sum(&|_| 1.0);
    let mean = ratio(sum(&|channels| channels), whole)?;
    let variance = ratio(sum(&|channels| (channels - mean) * (channels - mean)), whole)?;
    let most = sweep.channels.keys().next_back()?;
    Some((i64::try_from(*most).unwrap_or(i64::MAX), mean, variance.sqrt()))
}
