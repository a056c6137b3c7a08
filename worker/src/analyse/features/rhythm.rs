//! The features of rhythm in seconds (R): how many notes, how long, and how far from each other.

use super::super::common::{mean, ratio};
use super::super::tempo::{ASSUMED, is_playable};
use super::compat::Times;
use super::sounds::{Sound, Sounds, Staff};
use super::{Answer, Feature, entry};
use crate::score::{Notation, Score, Ticks};

/// Notes shorter than this are staccato, in seconds.
const SHORT: f64 = 0.1;

/// Attacks nearer to each other than this are one, in seconds.
const TOGETHER: f64 = 1e-7;

/// The features of rhythm that are measured in seconds.
pub(in crate::analyse) static RHYTHM: &[Feature] = &[
    entry!("R15" "r15" "Note Density", Number "note per second", "Notes for each second until the last one ends.",
    |all| match ratio(all.rhythm.notes as f64, all.rhythm.end) {
        None if all.as_music21 && all.rhythm.notes == 0 => Answer::Number(0.0),
        density => density.into(),
    }),
    entry!("R17" "r17" "Average Note Duration", Number "second", "Mean duration of the notes.",
        |all| all.rhythm.lengths.map(|lengths| lengths.mean).into()),
    entry!("R18" "r18" "Variability of Note Duration", Number "second", "Standard deviation of the durations.",
        |all| all.rhythm.lengths.map(|lengths| lengths.deviation).into()),
    entry!("R19" "r19" "Maximum Note Duration", Number "second", "The longest note.",
        |all| all.rhythm.lengths.map(|lengths| lengths.max).into()),
    entry!("R20" "r20" "Minimum Note Duration", Number "second", "The shortest note.",
        |all| all.rhythm.lengths.map(|lengths| lengths.min).into()),
    entry!("R21" "r21" "Staccato Incidence", Number "share", "Share of the notes that are shorter than a tenth of a second.",
        |all| ratio(all.rhythm.short as f64, all.rhythm.notes as f64).into()),
    entry!("R22" "r22" "Average Time Between Attacks", Number "second", "Mean time from one attack to the next, whoever plays.",
        |all| all.rhythm.attacks.map(|attacks| attacks.mean).into()),
    entry!("R23" "r23" "Variability of Time Between Attacks", Number "second", "Standard deviation of these times.",
        |all| all.rhythm.attacks.map(|attacks| attacks.deviation).into()),
    entry!("R24" "r24" "Average Time Between Attacks For Each Voice", Number "second", "Mean over the parts of the mean time from one attack of a part to its next.",
        |all| all.rhythm.voices.map(|voices| voices.0).into()),
    entry!("R25" "r25" "Average Variability of Time Between Attacks For Each Voice", Number "second", "Mean over the parts of the standard deviation of these times.",
        |all| all.rhythm.voices.map(|voices| voices.1).into()),
    entry!("R30" "r30" "Initial Tempo", Number "quarter note per minute", "The tempo at the beginning, 120 where none is said.",
        |all| Answer::Number(all.rhythm.tempo)),
    entry!("R36" "r36" "Duration", Number "second", "Until the last note ends.",
        |all| (all.rhythm.notes > 0).then_some(all.rhythm.end).into()),
];

/// Mean, standard deviation and bounds of some times.
#[derive(Clone, Copy, Debug)]
struct Spread {
    mean: f64,
    deviation: f64,
    min: f64,
    max: f64,
}

/// The notes of a score in seconds.
#[derive(Debug)]
pub(in crate::analyse) struct Rhythm {
    notes: usize,
    end: f64,
    short: usize,
    lengths: Option<Spread>,
    attacks: Option<Spread>,
    /// Means of means and of deviations over the voices.
    voices: Option<(f64, f64)>,
    tempo: f64,
}

impl Rhythm {
    /// Of all notes, by the tempi of all parts; music21 measures each part by those that stand in it.
    pub(super) fn of(score: &Score, sounds: &Sounds, as_music21: bool) -> Self {
        let times = Times::of(score);
        let clock = Clock::of(score, &times, as_music21, None);
        let mut lengths = Vec::new();
        let mut starts = Vec::new();
        let mut end = 0.0_f64;
        for sound in sounds.notes() {
            let (from, to) = clock.span(sound);
            // A chord is one thing to music21, and as many notes as it has to a MIDI file.
            let count = if as_music21 { 1 } else { sound.pitches.1.max(1) };
            lengths.extend(std::iter::repeat_n(to, count));
            starts.push(from);
            end = end.max(from + to);
        }
        let voices = voices(score, &times, sounds, as_music21);
        Rhythm {
            notes: lengths.len(),
            end,
            short: lengths.iter().filter(|&&length| length < SHORT).count(),
            lengths: Spread::of(&lengths),
            attacks: Spread::of(&gaps(starts)),
            voices,
            tempo: clock.initial(),
        }
    }
}

/// Means over the voices; nothing if there is none, and for music21 if one of them has no two attacks.
fn voices(score: &Score, times: &Times, sounds: &Sounds, as_music21: bool) -> Option<(f64, f64)> {
    let own;
    let mut whole = None;
    if !as_music21 {
        own = Clock::of(score, times, false, None);
        whole = Some(&own);
    }
    let mut spreads = Vec::new();
    for staff in &sounds.staves {
        let starts = |clock: &Clock| -> Vec<f64> { staff.notes().map(|sound| clock.span(sound).0).collect() };
        let starts = match whole {
            Some(clock) => starts(clock),
            None => starts(&Clock::of(score, times, true, Some(staff))),
        };
        match Spread::of(&gaps(starts)) {
            Some(spread) => spreads.push(spread),
            None if as_music21 => return None,
            None => {}
        }
    }
    let means: Vec<f64> = spreads.iter().map(|spread| spread.mean).collect();
    let deviations: Vec<f64> = spreads.iter().map(|spread| spread.deviation).collect();
    mean(&means).zip(mean(&deviations))
}

/// The times from one attack to the next.
fn gaps(mut starts: Vec<f64>) -> Vec<f64> {
    starts.sort_by(f64::total_cmp);
    let gaps = starts.iter().zip(starts.iter().skip(1)).map(|(from, to)| to - from);
    gaps.filter(|gap| *gap > TOGETHER).collect()
}

impl Spread {
    fn of(values: &[f64]) -> Option<Self> {
        let mean = mean(values)?;
        let squares: f64 = values.iter().map(|value| (value - mean) * (value - mean)).sum();
        let max = values.iter().copied().fold(f64::MIN, f64::max);
        let min = values.iter().copied().fold(f64::MAX, f64::min);
        Some(Spread { mean, deviation: (squares / values.len() as f64).sqrt(), min, max })
    }
}

/// Stretches of one tempo each: where they begin, in time and in seconds, and how long a quarter note is.
struct Clock(Vec<(Ticks, f64, f64)>);

impl Clock {
    /// The tempi of a score, or those that stand on one staff, in the parts' own times or in the piece's.
    fn of(score: &Score, times: &Times, own: bool, of: Option<&Staff>) -> Self {
        // It copies the tempi of a MIDI file to each part; in kern they stand in each spine.
        let everywhere = matches!(score.notation, Some(Notation::Midi | Notation::Kern));
        let here = |part: u16| everywhere || of.is_none_or(|staff| staff.leads && staff.part == part);
        let stated =
            score.tempi.iter().filter(|tempo| is_playable(tempo.quarters_per_minute) && here(tempo.part));
        // music21 rounds what a MIDI file says to hundredths.
        let rounds = own && score.notation == Some(Notation::Midi);
        let mut changes: Vec<(Ticks, f64)> = stated
            .map(|tempo| {
                let beats = tempo.quarters_per_minute;
                let beats = if rounds { (beats * 100.0).round() / 100.0 } else { beats };
                let at =
                    if own { times.moment(tempo.part, tempo.measure, tempo.onset).0 } else { tempo.onset };
                (at, beats)
            })
            .collect();
        changes.sort_by_key(|(at, _)| *at);
        let mut stretches = vec![(Ticks::ZERO, 0.0, 60.0 / ASSUMED)];
        for (at, quarters_per_minute) in changes {
            let last = stretches.last().copied().unwrap_or_default();
            let at = at.max(last.0);
            let seconds = last.1 + (at - last.0).as_quarters() * last.2;
            if at == last.0 {
                stretches.pop();
            }
            stretches.push((at, seconds, 60.0 / quarters_per_minute));
        }
        Clock(stretches)
    }

    /// Seconds from the start of the piece.
    fn seconds(&self, at: Ticks) -> f64 {
        let after = self.0.partition_point(|(from, _, _)| *from <= at);
        let stretch = self.0.get(after.saturating_sub(1)).copied().unwrap_or_default();
        stretch.1 + (at - stretch.0).as_quarters() * stretch.2
    }

    /// When a sound begins, and how long it lasts.
    fn span(&self, sound: &Sound) -> (f64, f64) {
        let after = self.0.partition_point(|(from, _, _)| *from <= sound.at);
        let from = self.seconds(sound.at);
        let stays = self.0.get(after).is_none_or(|(change, _, _)| sound.end() <= *change);
        let quarter = self.0.get(after.saturating_sub(1)).map_or(0.0, |stretch| stretch.2);
        // Within one tempo without the detour, which would make a tenth of a second a little less.
        (from, if stays { sound.length.as_quarters() * quarter } else { self.seconds(sound.end()) - from })
    }

    fn initial(&self) -> f64 {
        self.0.first().map_or(ASSUMED, |first| 60.0 / first.2)
    }
}
