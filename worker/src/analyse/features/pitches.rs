//! The features of pitch (P): which pitches and pitch classes occur, and how often.

use super::super::common::{class, even_key, ratio};
use super::sounds::{Kind, Sounds};
use super::{Answer, Feature, Material, entry};
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// The features of pitch that are counted from the notes.
pub(in crate::analyse) static PITCHES: &[Feature] = &[
    entry!("P1" "p1" "Most Common Pitch Prevalence", Number "share", "Share of the notes that have the commonest pitch.",
        |all| share(all.pitches.top(0).map(|(_, count)| count), all).into()),
    entry!("P2" "p2" "Most Common Pitch Class Prevalence", Number "share", "Share of the notes that have the commonest pitch class.",
        |all| share(all.pitches.top_class().map(|(_, count)| count), all).into()),
    entry!("P3" "p3" "Relative Strength of Top Pitches", Number "ratio", "How often the second commonest pitch occurs for each time of the commonest.",
    |all| match all.pitches.top(0) {
        None if all.as_music21 => Answer::Number(0.0),
        None => Answer::Nothing,
        Some((_, top)) => ratio(all.pitches.top(1).map_or(0.0, |(_, next)| next as f64), top as f64).into(),
    }),
    entry!("P4" "p4" "Relative Strength of Top Pitch Classes", Number "ratio", "How often the second commonest pitch class occurs for each time of the commonest.",
        |all| all.pitches.top_class().and_then(|(_, top)| {
            ratio(all.pitches.second_class(all).map_or(0.0, |(_, next)| next as f64), top as f64)
        }).into()),
    entry!("P5" "p5" "Interval Between Strongest Pitches", Integer "semitone", "Distance of the two commonest pitches.",
    |all| match (all.pitches.top(0), all.pitches.top(1)) {
        (Some((top, _)), Some((next, _))) => Answer::Whole(i64::from((top - next).abs())),
        _ if all.as_music21 => Answer::Whole(0),
        _ => Answer::Nothing,
    }),
    entry!("P6" "p6" "Interval Between Strongest Pitch Classes", Integer "semitone", "Difference of the numbers of the two commonest pitch classes.",
    |all| match (all.pitches.top_class(), all.pitches.second_class(all)) {
        (Some((top, _)), Some((next, _))) => Answer::Whole(top.abs_diff(next) as i64),
        _ if all.as_music21 => Answer::Whole(0),
        _ => Answer::Nothing,
    }),
    entry!("P7" "p7" "Number of Common Pitches", Integer "pitch", "How many pitches have at least 9 % of the notes each.",
    |all| {
        let common = |&&(_, count): &&(i32, u64)| count as f64 / all.pitches.total as f64 >= 0.09;
        all.pitches.or_none(all, all.pitches.ranked.iter().filter(common).count()).into()
    }),
    entry!("P8" "p8" "Pitch Variety", Integer "pitch", "How many pitches occur.",
        |all| all.pitches.or_none(all, all.pitches.ranked.iter().filter(|(key, _)| *key > 0 || !all.as_music21).count()).into()),
    entry!("P9" "p9" "Pitch Class Variety", Integer "pitch class", "How many pitch classes occur.",
        |all| all.pitches.or_none(all, all.pitches.classes.iter().filter(|count| **count > 0).count()).into()),
    entry!("P10" "p10" "Range", Integer "semitone", "From the lowest pitch to the highest.",
    |all| {
        let keys = || all.pitches.ranked.iter().map(|(key, _)| i64::from(*key));
        keys().max().zip(keys().min()).map(|(high, low)| high - low).into()
    }),
    entry!("P11" "p11" "Most Common Pitch", Integer "MIDI key", "The commonest pitch.",
    |all| match all.pitches.top(0) {
        None if all.as_music21 => Answer::Whole(0),
        top => top.map(|(key, _)| i64::from(key)).into(),
    }),
    entry!("P12" "p12" "Primary Register", Number "MIDI key", "Mean of the pitches of all notes.",
        |all| ratio(all.pitches.cents as f64 / 100.0, all.pitches.total as f64).into()),
    entry!("P13" "p13" "Importance of Bass Register", Number "share", "Share of the notes up to MIDI key 54.",
        |all| share(Some(all.pitches.within(i32::MIN, 54)), all).into()),
    entry!("P14" "p14" "Importance of Middle Register", Number "share", "Share of the notes from MIDI key 55 to 72.",
        |all| share(Some(all.pitches.within(55, 72)), all).into()),
    entry!("P15" "p15" "Importance of High Register", Number "share", "Share of the notes from MIDI key 73.",
        |all| share(Some(all.pitches.within(73, i32::MAX)), all).into()),
    entry!("P16" "p16" "Most Common Pitch Class", Integer "pitch class", "The commonest pitch class, from 0 for C.",
    |all| match all.pitches.top_class() {
        None if all.as_music21 => Answer::Whole(0),
        top => top.map(|(class, _)| class as i64).into(),
    }),
    entry!("P19" "p19" "Basic Pitch Histogram" [128], Number "share", "Share of the notes at each MIDI key.",
        |all| (all.pitches.total > 0).then(|| {
            let mut shares = vec![0.0; 128];
            for &(key, count) in &all.pitches.ranked {
                if let Some(bin) = usize::try_from(key).ok().and_then(|key| shares.get_mut(key)) {
                    *bin = count as f64 / all.pitches.total as f64;
                }
            }
            shares
        }).into()),
    entry!("P20" "p20" "Pitch Class Distribution" [12], Number "share", "Share of the notes of each pitch class, the commonest first and then upwards by semitones.",
    |all| {
        let top = all.pitches.top_class().map(|(top, _)| top);
        top.map(|top| all.pitches.shares(|index| (index + top) % 12)).into()
    }),
    entry!("P21" "p21" "Fifths Pitch Histogram" [12], Number "share", "Share of the notes of each pitch class, from C upwards by fifths.",
        |all| (all.pitches.total > 0).then(|| all.pitches.shares(|index| 7 * index % 12)).into()),
];

/// The pitches of the notes, counted.
#[derive(Debug, Default)]
pub(in crate::analyse) struct Pitches {
    /// MIDI keys and how often they occur, the commonest first.
    ranked: Vec<(i32, u64)>,
    /// How often each pitch class occurs.
    classes: [u64; 12],
    /// How many notes there are.
    total: u64,
    /// Sum of their heights.
    cents: i64,
}

impl Pitches {
    /// Of all notes; of grace notes only as music21 has it.
    pub(super) fn of(sounds: &Sounds, as_music21: bool) -> Self {
        let mut pitches = Pitches::default();
        let mut counts: BTreeMap<i32, (u64, usize)> = BTreeMap::new();
        let heard = sounds.notes().filter(|sound| sound.kind != Kind::Unpitched);
        for pitch in heard.flat_map(|sound| sounds.heard(sound)).map(|heard| heard.counted) {
            let next = counts.len();
            counts.entry(pitch.key()).or_insert((0, next)).0 += 1;
            if let Some(count) = pitches.classes.get_mut(class(even_key(pitch.cents()))) {
                *count += 1;
            }
            pitches.total += 1;
            pitches.cents += i64::from(pitch.cents());
        }
        let mut ranked: Vec<(i32, (u64, usize))> = counts.into_iter().collect();
        // Of equals music21 takes the one that comes first; ours does not hang on the order of the parts.
        ranked.sort_by_key(|&(_, (count, first))| (Reverse(count), if as_music21 { first } else { 0 }));
        pitches.ranked = ranked.into_iter().map(|(key, (count, _))| (key, count)).collect();
        pitches
    }

    /// How many pitches were counted.
    pub(super) fn total(&self) -> u64 {
        self.total
    }

    fn top(&self, rank: usize) -> Option<(i32, u64)> {
        self.ranked.get(rank).copied()
    }

    /// The commonest pitch class, of equals the lowest.
    fn top_class(&self) -> Option<(usize, u64)> {
        self.best(None)
    }

    /// The next one. Where there is one class only, music21 takes another one that does not occur.
    fn second_class(&self, all: &Material) -> Option<(usize, u64)> {
        let (top, _) = self.top_class()?;
        let next = self.best(Some(top));
        next.or_else(|| all.as_music21.then_some((0, 0)))
    }

    fn best(&self, but: Option<usize>) -> Option<(usize, u64)> {
        let classes = self.classes.iter().copied().enumerate();
        let classes = classes.filter(|&(class, count)| count > 0 && Some(class) != but);
        classes.max_by_key(|&(class, count)| (count, Reverse(class)))
    }

    fn within(&self, low: i32, high: i32) -> u64 {
        self.ranked.iter().filter(|(key, _)| (low..=high).contains(key)).map(|(_, count)| count).sum()
    }

    fn shares(&self, class_at: impl Fn(usize) -> usize) -> Vec<f64> {
        let count = |index| self.classes.get(class_at(index)).copied().unwrap_or(0);
        (0..12).map(|index| count(index) as f64 / self.total as f64).collect()
    }

    /// A count; where there is no note, only music21 has one.
    fn or_none(&self, all: &Material, count: usize) -> Option<i64> {
        (self.total > 0 || all.as_music21).then(|| i64::try_from(count).unwrap_or(i64::MAX))
    }
}

fn share(count: Option<u64>, all: &Material) -> Option<f64> {
    ratio(count? as f64, all.pitches.total as f64)
}
