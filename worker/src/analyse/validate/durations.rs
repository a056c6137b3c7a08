//! Lengths that no sign has, and tuplets that do not come to an end.

use super::{At, Kind, ROUNDING, Report, Voice, Voices};
use crate::score::{Flags, Score, TICKS_PER_QUARTER, Ticks};
use std::collections::BTreeSet;

/// The shortest binary length, and a tick of the binary grid: 1/1024 of a quarter note.
const GRID: i64 = TICKS_PER_QUARTER >> 10;
/// More than a maxima with any number of dots.
const LONGEST: Ticks = Ticks::quarters(64);

/// Lists the notes and rests whose length cannot be meant.
pub(super) fn check(report: &mut Report<'_>) {
    let score = report.score;
    let is_written = score.division.is_none();
    let notes = score.notes.iter().filter(|note| !note.is_grace()).map(|note| {
        let at = At { part: note.part, measure: note.measure, voice: Some(note.voice), place: note.place };
        (at, note.duration, note.flags)
    });
    let rests = score.rests.iter().map(|rest| {
        let at = At { part: rest.part, measure: rest.measure, voice: Some(rest.voice), place: rest.place };
        (at, rest.duration, rest.flags)
    });
    for (at, duration, flags) in notes.chain(rests) {
        let should = if duration.0 < GRID {
            "at least 1/1024"
        } else if is_written && duration > LONGEST && !flags.has(Flags::WHOLE_MEASURE) {
            "at most 64"
        } else {
            continue;
        };
        report.add(Kind::DurationImpossible, at, duration, should);
    }
}

/// Whether a length is made of halves.
pub(super) const fn is_binary(duration: Ticks) -> bool {
    duration.0 % GRID == 0
}

/// Whether a time is a multiple of 1/16 of a quarter note, or of an eighth where rounding has added up.
fn is_on_beat_grid(time: Ticks, slack: Ticks) -> bool {
    let is_near = |unit: i64, slack: Ticks| {
        let past = time.0.rem_euclid(unit);
        past <= slack.0 || unit - past <= slack.0
    };
    is_binary(time) || is_near(TICKS_PER_QUARTER / 16, ROUNDING) || is_near(TICKS_PER_QUARTER / 2, slack)
}

/// Lists the voices that end off the binary grid by their tuplets. The model has no marks of tuplets, so they are told
/// by their lengths: whatever stands in a voice's measure, tuplets that are whole bring its end back to the grid.
///
/// A voice may end inside of a tuplet if another voice goes on from that very moment, and comes to the grid itself.
pub(super) fn check_tuplets(report: &mut Report<'_>, voices: &Voices) {
    let torn: Vec<(Key, &Voice)> = voices
        .iter()
        .filter(|(_, voice)| {
            voice.tuplets > 0 && !voice.rounded && !is_on_beat_grid(voice.end, voice.slack())
        })
        .map(|(&key, voice)| (key, voice))
        .collect();
    let begun = if torn.is_empty() { BTreeSet::new() } else { begun(report.score, &torn) };
    for ((part, measure, number), voice) in torn {
        if !begun.contains(&(part, measure, voice.end)) {
            let at = At { part, measure, voice: Some(number), place: voice.place };
            report.add(Kind::TupletUnbalanced, at, voice.end, next_on_grid(voice.end));
        }
    }
}

/// Part, measure and number of a voice.
type Key = (u16, u32, u8);

/// Where in their measures, by part and measure, the voices that are not torn begin something.
fn begun(score: &Score, torn: &[(Key, &Voice)]) -> BTreeSet<(u16, u32, Ticks)> {
    let torn: BTreeSet<Key> = torn.iter().map(|&(key, _)| key).collect();
    let notes = score.notes.iter().map(|note| (note.part, note.measure, note.voice, note.onset));
    let rests = score.rests.iter().map(|rest| (rest.part, rest.measure, rest.voice, rest.onset));
    let whole =
        notes.chain(rests).filter(|&(part, measure, voice, _)| !torn.contains(&(part, measure, voice)));
    let begun = whole.filter_map(|(part, measure, _, onset)| {
        let start = score.measures_of(part).get(measure as usize)?.onset;
        Some((part, measure, onset - start))
    });
    begun.collect()
}

/// The next point of the grid as coarse as the tuplet's: 4 after 11/3, 7/2 after 10/3 + 1/12.
fn next_on_grid(end: Ticks) -> Ticks {
    // Both divide the ticks of a quarter, so the trailing zeros that a time lacks are those of its denominator.
    let fine = TICKS_PER_QUARTER.trailing_zeros().saturating_sub(end.0.trailing_zeros());
    let unit = TICKS_PER_QUARTER >> fine;
    Ticks((end.0 / unit).saturating_add(1).saturating_mul(unit))
}
