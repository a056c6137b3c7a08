//! The written length of each pitch class in each span of a score.

use crate::analyse::common::is_plain;
use crate::score::{AnnotationKind, Flags, Note, Score, Ticks};

/// Twelve lengths in quarter notes, from C.
pub(in crate::analyse) type Lengths = [f64; 12];

/// Twelve lengths in ticks, from C.
pub(in crate::analyse) type TickLengths = [Ticks; 12];

/// How long each pitch class sounds between each two neighbouring bounds, which rise. A note that lasts over a bound
/// counts on both sides of it. The cost follows the notes and the spans, not their product.
pub(in crate::analyse) fn between(
    score: &Score,
    bounds: &[Ticks],
    class: fn(&Note) -> usize,
) -> Vec<TickLengths> {
    let spans = bounds.len().saturating_sub(1);
    let mut lengths = vec![[Ticks::ZERO; 12]; spans];
    // By span, how many notes of a class begin, less those that end, to last over the whole of it.
    let mut lasting = vec![[0_i64; 12]; spans + 1];
    let span_at = |moment: Ticks| bounds.partition_point(|&bound| bound <= moment);
    for note in score.notes.iter().filter(|note| is_plain(note) && note.duration.is_positive()) {
        let (class, end) = (class(note), note.end());
        // The spans that hold its first and its last moment.
        let first = span_at(note.onset).saturating_sub(1);
        let last = bounds.partition_point(|&bound| bound < end).saturating_sub(1);
        let mut edge = |span: usize| {
            let (Some(&from), Some(&to)) = (bounds.get(span), bounds.get(span + 1)) else { return };
            let length = end.min(to) - note.onset.max(from);
            if let Some(sum) = lengths.get_mut(span).and_then(|sums| sums.get_mut(class)) {
                *sum += length.max(Ticks::ZERO);
            }
        };
        edge(first);
        if last > first {
            edge(last);
            count(&mut lasting, first + 1, class, 1);
            count(&mut lasting, last, class, -1);
        }
    }
    let mut open = [0_i64; 12];
    let mut whole = Vec::with_capacity(spans);
    for ((sums, changes), bounds) in lengths.iter().zip(&lasting).zip(bounds.windows(2)) {
        let length = if let [from, to] = bounds { to.0.saturating_sub(from.0) } else { 0 };
        open.iter_mut().zip(changes).for_each(|(open, change)| *open += change);
        let mut span = *sums;
        span.iter_mut().zip(open).for_each(|(sum, notes)| *sum += Ticks(length.saturating_mul(notes)));
        whole.push(span);
    }
    whole
}

fn count(lasting: &mut [[i64; 12]], span: usize, class: usize, change: i64) {
    if let Some(count) = lasting.get_mut(span).and_then(|classes| classes.get_mut(class)) {
        *count += change;
    }
}

/// The notes that stand in measure i of any part, in measure i; nothing where a measure has no note at all, not even a
/// grace note or a chord symbol. `None` if a measure holds unpitched notes only, which is where music21 gives up.
pub(super) fn by_index(
    score: &Score,
    measures: usize,
    class: fn(&Note) -> usize,
) -> Option<Vec<Option<Lengths>>> {
    let mut lengths: Vec<Option<[Ticks; 12]>> = vec![None; measures];
    let mut unpitched = vec![false; measures];
    for note in &score.notes {
        let Some(sums) = lengths.get_mut(note.measure as usize) else { continue };
        if note.flags.has(Flags::UNPITCHED) {
            if let Some(seen) = unpitched.get_mut(note.measure as usize) {
                *seen = true;
            }
            continue;
        }
        let sums = sums.get_or_insert_default();
        if let Some(sum) = sums.get_mut(class(note)).filter(|_| !note.is_grace()) {
            *sum += note.duration;
        }
    }
    let symbols = score.annotations.iter().filter(|sign| sign.kind == AnnotationKind::ChordSymbol);
    for sign in symbols {
        // music21 has a chord of no length there.
        if let Some(sums) = lengths.get_mut(sign.measure as usize) {
            sums.get_or_insert_default();
        }
    }
    let refused = lengths.iter().zip(&unpitched).any(|(sums, &unpitched)| unpitched && sums.is_none());
    let quarters = |sums: Option<[Ticks; 12]>| sums.map(|sums| sums.map(Ticks::as_quarters));
    (!refused).then(|| lengths.into_iter().map(quarters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyse::common::class;
    use crate::analyse::testing::{note, score};
    use crate::score::Event;

    #[test]
    fn a_long_note_counts_in_each_span_that_it_lasts_over() {
        let notes = [note(0, (1, 2), (4, 1), 60), note(0, (1, 1), (1, 1), 62), note(0, (9, 1), (9, 1), 64)];
        let bounds = [0, 1, 2, 4, 8, 10].map(Ticks::quarters);
        let found =
            between(&score(1, notes.map(Event::Note).into()), &bounds, |note| class(note.sounding_key()));
        let of = |class: usize| found.iter().map(|lengths| lengths[class].as_quarters()).collect::<Vec<_>>();
        assert_eq!(of(0), [0.5, 1.0, 2.0, 0.5, 0.0]);
        assert_eq!(of(2), [0.0, 1.0, 0.0, 0.0, 0.0]);
        assert_eq!(of(4), [0.0, 0.0, 0.0, 0.0, 1.0]);
    }

    #[test]
    fn an_endless_note_costs_no_more_than_a_short_one() {
        let mut long = score(1, vec![Event::Note(note(0, (0, 1), (1, 1), 60))]);
        long.notes[0].duration = Ticks(i64::MAX);
        let bounds: Vec<Ticks> = (0..=1000).map(Ticks::quarters).collect();
        let found = between(&long, &bounds, |note| class(note.sounding_key()));
        let quarter = Ticks::quarters(1);
        assert!(
            found
                .iter()
                .all(|lengths| lengths[0] == quarter && lengths.iter().copied().sum::<Ticks>() == quarter)
        );
        assert_eq!(between(&long, &[], |_| 0).len(), 0);
    }
}
