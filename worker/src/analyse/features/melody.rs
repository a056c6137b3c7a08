//! The features of melody (M): the intervals from note to note of each line, and the arcs that they make.

use super::super::common::ratio;
use super::sounds::{Heard, Kind, Sound, Sounds};
use super::{Answer, Feature, Material, entry};
use crate::score::Ticks;

/// The features of melody.
pub(in crate::analyse) static MELODY: &[Feature] = &[
    entry!("M1" "m1" "Melodic Interval Histogram" [128], Number "share", "Share of the intervals of each size in semitones.",
    |all| {
        let melody = &all.melody;
        (melody.total > 0).then(|| melody.sizes.iter().map(|&count| count as f64 / melody.total as f64).collect::<Vec<f64>>()).into()
    }),
    entry!("M2" "m2" "Average Melodic Interval", Number "semitone", "Mean size of the intervals.",
        |all| ratio((0_u64..).zip(&all.melody.sizes).map(|(size, count)| size * count).sum::<u64>() as f64, all.melody.total as f64).into()),
    entry!("M3" "m3" "Most Common Melodic Interval", Integer "semitone", "The commonest size.",
    |all| match all.melody.top(None) {
        None if all.as_music21 => Answer::Whole(0),
        top => top.map(|(size, _)| size as i64).into(),
    }),
    entry!("M4" "m4" "Distance Between Most Common Melodic Intervals", Integer "semitone", "Distance of the two commonest sizes.",
    |all| match (all.melody.top(None), all.melody.second()) {
        (Some((top, _)), Some((next, _))) => Answer::Whole(top.abs_diff(next) as i64),
        // The first empty bin is music21's second.
        (top, None) if all.as_music21 => Answer::Whole(top.map_or(0, |(top, _)| top) as i64),
        _ => Answer::Nothing,
    }),
    entry!("M5" "m5" "Most Common Melodic Interval Prevalence", Number "share", "Share of the intervals that have the commonest size.",
        |all| all.melody.top(None).and_then(|(_, top)| ratio(top as f64, all.melody.total as f64)).into()),
    entry!("M6" "m6" "Relative Strength of Most Common Intervals", Number "ratio", "How often the second commonest size occurs for each time of the commonest.",
        |all| all.melody.top(None).and_then(|(_, top)| ratio(all.melody.second().map_or(0.0, |(_, next)| next as f64), top as f64)).into()),
    entry!("M7" "m7" "Number of Common Melodic Intervals", Integer "size", "How many sizes have at least 9 % of the intervals each.",
    |all| {
        let melody = &all.melody;
        let common = melody.sizes.iter().filter(|&&count| count as f64 / melody.total as f64 >= 0.09).count();
        (melody.total > 0).then_some(common as i64).into()
    }),
    entry!("M8" "m8" "Amount of Arpeggiation", Number "share", "Share of the intervals that are unisons, thirds, fifths, sevenths, octaves or tenths (0, 3, 4, 7, 10, 11, 12, 15, 16 semitones).",
    |all| match all.melody.share(&[0, 3, 4, 7, 10, 11, 12, 15, 16]) {
        None if all.as_music21 => Answer::Number(0.0),
        // music21 takes a melody without any of them for one without notes.
        Some(share) if all.as_music21 && share <= 0.0 => Answer::Nothing,
        share => share.into(),
    }),
    entry!("M9" "m9" "Repeated Notes", Number "share", "Share of the intervals that are unisons.",
    |all| match all.melody.share(&[0]) {
        None if all.as_music21 => Answer::Number(0.0),
        share => share.into(),
    }),
    entry!("m10" "m10" "Chromatic Motion", Number "share", "Share of the intervals that are semitones.",
        |all| all.melody.share(&[1]).into()),
    entry!("M11" "m11" "Stepwise Motion", Number "share", "Share of the intervals of one or two semitones.",
        |all| all.melody.share(&[1, 2]).into()),
    entry!("M12" "m12" "Melodic Thirds", Number "share", "Share of the intervals of three or four semitones.",
        |all| all.melody.share(&[3, 4]).into()),
    entry!("M13" "m13" "Melodic Fifths", Number "share", "Share of the intervals of seven semitones.",
        |all| all.melody.share(&[7]).into()),
    entry!("M14" "m14" "Melodic Tritones", Number "share", "Share of the intervals of six semitones.",
        |all| all.melody.share(&[6]).into()),
    entry!("M15" "m15" "Melodic Octaves", Number "share", "Share of the intervals of one octave or several.",
    |all| match all.as_music21 {
        true => all.melody.share(&[12, 24, 48, 60, 72, 84, 96, 108, 120]).into(),
        false => all.melody.share(&[12, 24, 36, 48, 60, 72, 84, 96, 108, 120]).into(),
    }),
    entry!("m17" "m17" "Direction of Motion", Number "share", "Share of the intervals but unisons that rise.",
        |all| ratio(all.melody.rising as f64, (all.melody.rising + all.melody.falling) as f64).into()),
    entry!("M18" "m18" "Duration of Melodic Arcs", Number "interval", "Intervals but unisons for each change of direction.",
        |all| all.melody.of_arcs((all.melody.rising + all.melody.falling) as f64, all)),
    entry!("M19" "m19" "Size of Melodic Arcs", Number "semitone", "Semitones between changes of direction, or from the beginning to the first, for each change.",
        |all| all.melody.of_arcs(all.melody.spans as f64, all)),
];

/// The intervals of a score.
#[derive(Debug)]
pub(in crate::analyse) struct Melody {
    /// How often each size occurs, in semitones.
    sizes: [u64; 128],
    /// How many there are.
    total: u64,
    /// Of the highest notes, how many intervals rise and fall.
    rising: u64,
    falling: u64,
    /// How often the direction changes, and how far it went before.
    turns: u64,
    spans: u64,
    /// Whether the last intervals of a staff are those of a Landini cadence.
    pub(super) landini: bool,
}

impl Melody {
    /// Of lines. music21 strings the voices of each measure one after the other; the intervals of its histogram leap over
    /// chords, those of its contour go to their highest notes. Ours are one and the same, of the highest notes.
    pub(super) fn of(sounds: &Sounds, as_music21: bool) -> Self {
        let mut melody =
            Melody { sizes: [0; 128], total: 0, rising: 0, falling: 0, turns: 0, spans: 0, landini: false };
        for staff in &sounds.staves {
            if as_music21 {
                melody.count(&keys(sounds, &staff.sounds, false));
                melody.follow(&keys(sounds, &staff.sounds, true));
            } else {
                for line in staff.sounds.chunk_by(|a, b| a.line == b.line) {
                    let keys = keys(sounds, line, true);
                    melody.count(&keys);
                    melody.follow(&keys);
                }
            }
        }
        melody
    }

    fn count(&mut self, keys: &[i32]) {
        for (from, to) in keys.iter().zip(keys.iter().skip(1)) {
            let size = usize::try_from(from.abs_diff(*to)).unwrap_or(usize::MAX);
            if let Some(count) = self.sizes.get_mut(size) {
                *count += 1;
                self.total += 1;
            }
        }
    }

    fn follow(&mut self, keys: &[i32]) {
        let (mut direction, mut span) = (0, 0);
        let mut last = [0; 3];
        for (from, to) in keys.iter().zip(keys.iter().skip(1)) {
            let interval = to - from;
            match interval.signum() {
                0 => continue,
                1 => self.rising += 1,
                _ => self.falling += 1,
            }
            if direction == -interval.signum() {
                self.turns += 1;
                self.spans += span;
                span = 0;
            }
            direction = interval.signum();
            span += u64::from(interval.unsigned_abs());
            last = [last[1], last[2], interval];
        }
        self.landini |= last[1..] == [-2, 3] || last == [-1, -2, 3];
    }

    /// The commonest size but one, of equals the smallest.
    fn top(&self, but: Option<usize>) -> Option<(usize, u64)> {
        let sizes = self.sizes.iter().copied().enumerate();
        let sizes = sizes.filter(|&(size, count)| count > 0 && Some(size) != but);
        sizes.max_by_key(|&(size, count)| (count, std::cmp::Reverse(size)))
    }

    fn second(&self) -> Option<(usize, u64)> {
        self.top(Some(self.top(None)?.0))
    }

    fn share(&self, sizes: &[usize]) -> Option<f64> {
        let count: u64 = sizes.iter().filter_map(|&size| self.sizes.get(size)).sum();
        ratio(count as f64, self.total as f64)
    }

    /// Something for each change of direction; without one, music21 says 0.
    fn of_arcs(&self, what: f64, all: &Material) -> Answer {
        match ratio(what, self.turns as f64) {
            None if all.as_music21 => Answer::Number(0.0),
            value => value.into(),
        }
    }
}

/// The keys of one note after the other: what begins before another of its voice is over is left out, and so are chords
/// unless their highest notes count.
fn keys(sounds: &Sounds, of: &[Sound], highest: bool) -> Vec<i32> {
    let mut keys = Vec::with_capacity(of.len());
    for line in of.chunk_by(|a, b| (a.measure, a.line) == (b.measure, b.line)) {
        let mut end = Ticks(i64::MIN);
        for sound in line {
            let heard = sounds.heard(sound);
            match sound.kind {
                Kind::Rest => end = sound.end(),
                Kind::Chord if !highest || heard.len() < 2 => {}
                Kind::Note | Kind::Chord if sound.at >= end => {
                    keys.extend(top(heard));
                    end = sound.end();
                }
                _ => {}
            }
        }
    }
    keys
}

/// The highest on the staff.
fn top(heard: &[Heard]) -> Option<i32> {
    let pitches = heard.iter().map(|heard| heard.counted);
    pitches.max_by_key(|pitch| (pitch.diatonic(), pitch.cents())).map(crate::score::Pitch::key)
}
