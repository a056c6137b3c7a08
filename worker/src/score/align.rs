//! From each part's own clock to one time for the piece, and the order that every score promises.

use super::Score;
use super::note::{Measure, Part};
use super::sort::sort;
use super::time::Ticks;

/// What a score has already.
pub(super) struct Done {
    /// Its notes are sorted.
    pub(super) sorted: bool,
    /// Its measures are sorted, and know how long they are but for the last of each part.
    pub(super) timed: bool,
}

/// Gives measures their lengths, lines the parts up and sorts everything.
pub(super) fn finish(score: &mut Score, shared_time: bool, Done { mut sorted, timed }: Done) {
    if timed {
        last_durations(&mut score.measures, &score.parts);
    } else if !measure_durations(&mut score.measures, &score.parts) {
        // No two are the same, and this sort needs no memory.
        score.measures.sort_unstable_by_key(|measure| (measure.part, measure.index));
        measure_durations(&mut score.measures, &score.parts);
    }
    if !shared_time && score.parts.len() > 1 && !clocks_agree(score) {
        align(score);
        sorted = false;
    }
    if !sorted {
        sort(&mut score.notes, |note| note.onset, |note| note.part);
    }
    score.rests.sort();
    score.annotations.sort();
    score.meters.sort_by_key(|meter| (meter.onset, meter.part));
    score.keys.sort_by_key(|key| (key.onset, key.part));
    score.marks.sort_by_key(|mark| (mark.part, mark.measure, mark.at_end));
    score.tempi.sort_by_key(|tempo| (tempo.onset, tempo.part));
}

/// The last measure of a part lasts to the part's end.
fn last_durations(measures: &mut [Measure], parts: &[Part]) {
    for (part, index) in parts.iter().zip(0_u16..) {
        let end = measures.partition_point(|measure| measure.part <= index);
        let last = measures.get_mut(..end).and_then(<[Measure]>::last_mut);
        if let Some(last) = last.filter(|last| last.part == index) {
            last.duration = (part.duration - last.onset).max(Ticks::ZERO);
        }
    }
}

/// A measure lasts to the next one of its part, the last to the part's end. Says whether that is so: whether they are in order.
fn measure_durations(measures: &mut [Measure], parts: &[Part]) -> bool {
    let mut next: Option<(u16, u32, Ticks)> = None;
    for measure in measures.iter_mut().rev() {
        let Measure { part, index, onset, .. } = *measure;
        let end = match next {
            Some((other, later, _)) if (other, later) < (part, index) => return false,
            Some((other, _, end)) if other == part => end,
            _ => parts.get(usize::from(part)).map_or(onset, |part| part.duration),
        };
        next = Some((part, index, onset));
        measure.duration = (end - onset).max(Ticks::ZERO);
    }
    true
}

/// Whether parts of unlike counts of measures end at one time all the same: a bar line is missing somewhere, and the
/// parts' own clocks know better than the indices of measures.
fn clocks_agree(score: &Score) -> bool {
    let mut filled = score.parts.iter().zip(0..).filter_map(|(part, index)| {
        let measures = score.measures_of(index).len();
        (measures > 0).then_some((part.duration, measures))
    });
    let Some((duration, measures)) = filled.next() else { return false };
    let mut unlike = false;
    filled.all(|(other, count)| {
        unlike |= count != measures;
        other == duration
    }) && unlike
}

/// Starts measure i of every part where the longest i-1st measure of any part ends.
fn align(score: &mut Score) {
    let most = score.measures.iter().map(|measure| measure.index as usize + 1).max().unwrap_or(0);
    let mut longest = vec![Ticks::ZERO; most];
    for measure in &score.measures {
        if let Some(slot) = longest.get_mut(measure.index as usize) {
            *slot = (*slot).max(measure.duration);
        }
    }
    let starts: Vec<Ticks> = longest
        .iter()
        .scan(Ticks::ZERO, |start, &length| {
            let this = *start;
            *start += length;
            Some(this)
        })
        .collect();

    // What to add to the own time of (part, measure), found by the measure's rank in the sorted list.
    let mut first = vec![0_usize; score.parts.len() + 1];
    for measure in &score.measures {
        if let Some(count) = first.get_mut(usize::from(measure.part) + 1) {
            *count += 1;
        }
    }
    for index in 1..first.len() {
        let before = first.get(index - 1).copied().unwrap_or(0);
        if let Some(count) = first.get_mut(index) {
            *count += before;
        }
    }
    let shifts: Vec<Ticks> = score
        .measures
        .iter()
        .map(|measure| starts.get(measure.index as usize).copied().unwrap_or_default() - measure.onset)
        .collect();
    if shifts.iter().all(|&shift| shift == Ticks::ZERO) {
        return;
    }
    let shift = |part: u16, measure: u32| {
        let rank = first.get(usize::from(part)).map(|first| first + measure as usize);
        rank.and_then(|rank| shifts.get(rank)).copied().unwrap_or_default()
    };
    score.notes.iter_mut().for_each(|note| note.onset += shift(note.part, note.measure));
    score.rests.change(|rest| rest.onset += shift(rest.part, rest.measure));
    score.annotations.change(|annotation| annotation.onset += shift(annotation.part, annotation.measure));
    score.meters.iter_mut().for_each(|meter| meter.onset += shift(meter.part, meter.measure));
    score.keys.iter_mut().for_each(|key| key.onset += shift(key.part, key.measure));
    score.tempi.iter_mut().for_each(|tempo| tempo.onset += shift(tempo.part, tempo.measure));
    for (measure, shift) in score.measures.iter_mut().zip(&shifts) {
        measure.onset += *shift;
    }
}
