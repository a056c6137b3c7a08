//! From each part's own clock to one time for the piece, and the order that every score promises.

use super::Score;
use super::note::{Measure, Part};
use super::time::Ticks;

/// Gives measures their lengths, lines the parts up and sorts everything.
pub(super) fn finish(score: &mut Score, shared_time: bool) {
    score.measures.sort_by_key(|measure| (measure.part, measure.index));
    measure_durations(&mut score.measures, &score.parts);
    if !shared_time && score.parts.len() > 1 && !clocks_agree(score) {
        align(score);
    }
    sort(&mut score.notes, |note| note.onset, |note| note.part);
    sort(&mut score.rests, |rest| rest.onset, |rest| rest.part);
    sort(&mut score.annotations, |annotation| annotation.onset, |annotation| annotation.part);
    score.meters.sort_by_key(|meter| (meter.onset, meter.part));
    score.keys.sort_by_key(|key| (key.onset, key.part));
    score.marks.sort_by_key(|mark| (mark.part, mark.measure, mark.at_end));
    score.tempi.sort_by_key(|tempo| (tempo.onset, tempo.part));
}

/// How many items are sorted by keys apart from them, which takes memory for both.
const APART_MAX: usize = 1 << 17;

/// How many runs are merged, in so many passes as their number has bits; where there are more, sorting does better.
const RUNS_MAX: usize = 64;

/// Sorts by onset, then part, and leaves the rest as the source has it. Where all parts go on together the onsets are in
/// order from the start, and only what begins at one moment is to be sorted.
fn sort<T: Copy>(items: &mut Vec<T>, onset: impl Fn(&T) -> Ticks, part: impl Fn(&T) -> u16) {
    if !items.is_sorted_by_key(&onset) {
        match sorted_apart(items, &onset, &part) {
            Some(sorted) => *items = sorted,
            None => items.sort_by_key(|item| (onset(item), part(item))),
        }
        return;
    }
    for moment in items.chunk_by_mut(|a, b| onset(a) == onset(b)) {
        if moment.len() > 1 {
            moment.sort_by_key(&part);
        }
    }
}

/// The items in order, where they stand part after part and onset and index fit into eight bytes: those are sorted in a
/// fifth of the traffic that the items would make.
fn sorted_apart<T: Copy>(
    items: &[T],
    onset: impl Fn(&T) -> Ticks,
    part: impl Fn(&T) -> u16,
) -> Option<Vec<T>> {
    let bits = usize::BITS - items.len().leading_zeros();
    if items.len() > APART_MAX || !items.is_sorted_by_key(part) {
        return None;
    }
    let most = i64::MAX >> bits;
    let mut keys = Vec::with_capacity(items.len());
    // Where the next run of rising onsets begins: a part of one voice is one.
    let (mut runs, mut before) = (Vec::new(), Ticks(i64::MAX));
    for (item, at) in items.iter().zip(0_u64..) {
        let onset = onset(item);
        if !(0..most).contains(&onset.0) {
            return None;
        }
        if onset < before {
            runs.push(keys.len());
        }
        before = onset;
        keys.push((onset.0 as u64) << bits | at);
    }
    if runs.len() <= RUNS_MAX {
        merge(&mut keys, runs);
    } else {
        keys.sort_unstable(); // No two are the same.
    }
    let mut sorted = Vec::with_capacity(items.len());
    sorted.extend(keys.iter().filter_map(|key| items.get((key & ((1 << bits) - 1)) as usize)));
    Some(sorted)
}

/// Merges sorted runs, which begin at `starts`: each with its neighbour, until one is left.
fn merge(keys: &mut Vec<u64>, mut starts: Vec<usize>) {
    let mut merged = Vec::with_capacity(keys.len());
    while starts.len() > 1 {
        merged.clear();
        for pair in 0..starts.len().div_ceil(2) {
            let start = |index: usize| starts.get(index).copied().unwrap_or(keys.len());
            let (from, middle, to) = (start(2 * pair), start(2 * pair + 1), start(2 * pair + 2));
            let mut left = keys.get(from..middle).unwrap_or_default();
            let mut right = keys.get(middle..to).unwrap_or_default();
            while let (Some((one, left_rest)), Some((other, right_rest))) =
                (left.split_first(), right.split_first())
            {
                if one < other {
                    merged.push(*one);
                    left = left_rest;
                } else {
                    merged.push(*other);
                    right = right_rest;
                }
            }
            merged.extend_from_slice(left);
            merged.extend_from_slice(right);
        }
        std::mem::swap(keys, &mut merged);
        starts = starts.into_iter().step_by(2).collect();
    }
}

/// A measure lasts to the next one of its part, the last to the part's end.
fn measure_durations(measures: &mut [Measure], parts: &[Part]) {
    let mut next: Option<(u16, Ticks)> = None;
    for measure in measures.iter_mut().rev() {
        let end = match next {
            Some((part, onset)) if part == measure.part => onset,
            _ => parts.get(usize::from(measure.part)).map_or(measure.onset, |part| part.duration),
        };
        next = Some((measure.part, measure.onset));
        measure.duration = (end - measure.onset).max(Ticks::ZERO);
    }
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
    score.rests.iter_mut().for_each(|rest| rest.onset += shift(rest.part, rest.measure));
    for annotation in &mut score.annotations {
        annotation.onset += shift(annotation.part, annotation.measure);
    }
    score.meters.iter_mut().for_each(|meter| meter.onset += shift(meter.part, meter.measure));
    score.keys.iter_mut().for_each(|key| key.onset += shift(key.part, key.measure));
    score.tempi.iter_mut().for_each(|tempo| tempo.onset += shift(tempo.part, tempo.measure));
    for (measure, shift) in score.measures.iter_mut().zip(&shifts) {
        measure.onset += *shift;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_merged_whatever_their_number() {
        for parts in [1_u16, 2, 3, 7, 64, 65] {
            // Each part steps at its own pace, and the second half of each lies over the first.
            let part =
                |part: u16| (0..40).map(move |at| (Ticks(i64::from(part % 5 + 1) * (at % 20)), part, at));
            let items: Vec<(Ticks, u16, i64)> = (0..parts).flat_map(part).collect();
            let (mut sorted, mut expected) = (items.clone(), items);
            sort(&mut sorted, |item| item.0, |item| item.1);
            expected.sort_by_key(|item| (item.0, item.1));
            assert_eq!(sorted, expected, "{parts}");
        }
    }

    #[test]
    fn what_begins_together_is_sorted_by_part_and_keeps_its_order_within() {
        // Onset, part, and where it stood.
        let together = [(0, 1), (0, 0), (0, 1), (1, 2), (1, 0), (1, 0), (2, 0)];
        let apart = [(0, 0), (1, 0), (1, 0), (0, 1), (1, 1), (0, 2), (0, 2)];
        for items in [together, apart] {
            let mut sorted: Vec<(Ticks, u16, usize)> =
                items.iter().zip(0..).map(|(&(onset, part), at)| (Ticks(onset), part, at)).collect();
            sort(&mut sorted, |item| item.0, |item| item.1);
            assert!(sorted.is_sorted(), "{sorted:?}");
        }
    }
}
