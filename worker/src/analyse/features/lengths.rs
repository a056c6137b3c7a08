//! The features of written length (QL), key (K1, P22), cadence (MC1) and language (TX1), which are music21's own.

use super::super::common::{class, even_key, ratio};
use super::language::Language;
use super::sounds::Sounds;
use super::{Answer, Feature, entry};
use crate::score::Ticks;
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// The features of music21 other than those of simultaneities.
pub(in crate::analyse) static LENGTHS: &[Feature] = &[
    entry!("P22" "p22" "Quality", Integer "0 or 1", "1 for minor, 0 for major: as all key signatures with a mode agree, else by the likeliest key.",
    |all| match all.meters.agreed {
        // music21 has no answer where they agree on another mode.
        Some(None) if all.as_music21 => Answer::Nothing,
        agreed => agreed.flatten().or(all.key.map(|(minor, _)| minor)).into(),
    }),
    entry!("K1" "k1" "Tonal Certainty", Number "score", "How far the likeliest key by the profile of Aarden and Essen stands out.",
        |all| all.key.map(|(_, certainty)| certainty).into()),
    entry!("QL1" "ql1" "Unique Note Quarter Lengths", Integer "length", "How many different lengths occur.",
        |all| (all.lengths.total > 0 || all.as_music21).then_some(all.lengths.distinct as i64).into()),
    entry!("QL2" "ql2" "Most Common Note Quarter Length", Number "quarter note", "The commonest length.",
    |all| match all.lengths.commonest {
        None if all.as_music21 => Answer::Number(0.0),
        commonest => commonest.map(|(length, _)| length.as_quarters()).into(),
    }),
    entry!("QL3" "ql3" "Most Common Note Quarter Length Prevalence", Number "share", "Share of the notes and chords that have it.",
        |all| all.lengths.commonest.and_then(|(_, count)| ratio(count as f64, all.lengths.total as f64)).into()),
    entry!("QL4" "ql4" "Range of Note Quarter Lengths", Number "quarter note", "From the shortest length to the longest.",
        |all| (all.lengths.total > 0).then(|| all.lengths.range.as_quarters()).into()),
    entry!("MC1" "mc1" "Ends With Landini Melodic Contour", Integer "0 or 1", "1 if a part ends with two semitones down and three up, or one down, two down and three up.",
        |all| (all.lengths.total > 0 || all.as_music21).then_some(all.melody.landini).into()),
    entry!("TX1" "tx1" "Language Feature", Integer "language", "Of the lyrics: 1 English, 2 French, 3 Italian, 4 German, 5 Chinese, 6 Latin, 7 Dutch.",
    |all| match all.language {
        Language::Known(number) => Answer::Whole(number),
        Language::NoLyrics if all.as_music21 => Answer::Whole(0),
        Language::NoLyrics | Language::Unknown => Answer::Nothing,
    }),
];

/// The lengths of notes and chords.
#[derive(Debug, Default)]
pub(in crate::analyse) struct Lengths {
    distinct: usize,
    /// The commonest and how often it occurs.
    commonest: Option<(Ticks, u64)>,
    total: u64,
    range: Ticks,
}

impl Lengths {
    /// Of all notes and chords. Of lengths that are equally common ours is the shortest; music21 takes the one that comes
    /// last for the first time.
    pub(super) fn of(sounds: &Sounds, as_music21: bool) -> Self {
        let mut counts: BTreeMap<Ticks, (u64, (Ticks, bool, usize))> = BTreeMap::new();
        for (index, staff) in sounds.staves.iter().enumerate() {
            for sound in staff.notes() {
                let (at, late) = sound.flat();
                let first = (at, late, index);
                let entry = counts.entry(sound.length).or_insert((0, first));
                *entry = (entry.0 + 1, entry.1.min(first));
            }
        }
        let rank = |(length, (count, first)): &(&Ticks, &(u64, (Ticks, bool, usize)))| {
            let last = as_music21.then_some(*first);
            (*count, last, Reverse(**length))
        };
        let commonest = counts.iter().max_by_key(rank);
        let range = counts
            .keys()
            .next_back()
            .zip(counts.keys().next())
            .map(|(longest, shortest)| *longest - *shortest);
        Lengths {
            distinct: counts.len(),
            commonest: commonest.map(|(length, (count, _))| (*length, *count)),
            total: counts.values().map(|(count, _)| count).sum(),
            range: range.unwrap_or_default(),
        }
    }
}

/// The quarter notes of each pitch class.
pub(super) fn class_lengths(sounds: &Sounds) -> [f64; 12] {
    let mut sums = [Ticks::ZERO; 12];
    for sound in sounds.notes() {
        for heard in sounds.heard(sound) {
            if let Some(sum) = sums.get_mut(class(even_key(heard.counted.cents()))) {
                *sum += sound.length;
            }
        }
    }
    sums.map(Ticks::as_quarters)
}
