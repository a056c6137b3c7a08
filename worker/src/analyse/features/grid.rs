//! What music21 makes of the notes of a MIDI file before anything else: chords of those that begin and end together, and
//! all on a grid of quarters and thirds of a quarter note.

use super::compat::Item;
use super::sounds::{Kind, Sound};
use crate::score::{Measure, Ticks};

/// Quarters and thirds of a quarter note, the finer one first.
const GRIDS: [Ticks; 2] = [Ticks(Ticks::quarters(1).0 / 4), Ticks(Ticks::quarters(1).0 / 3)];

/// How many notes after one are looked at for its chord.
const CHORD_MAX: usize = 256;

/// Chords and grid for the notes of one staff, which are in the order of their starts.
pub(super) fn align(items: &mut Vec<Item<'_>>, measures: &[Measure]) {
    gather(items);
    let starts: Vec<Ticks> = items.iter().map(|item| nearest(item.sound.at, Ticks::ZERO, true)).collect();
    let mut next = None;
    for (item, &start) in items.iter_mut().zip(&starts).rev() {
        let (later, after) = match next {
            Some((at, after)) if at == start => (at, after),
            Some((at, _)) => (start, Some(at)),
            None => (start, None),
        };
        next = Some((later, after));
        let gap = after.map_or(Ticks::ZERO, |after: Ticks| after - start);
        place(&mut item.sound, start, gap, measures);
    }
    let rests = rests(items, measures);
    items.extend(rests);
}

/// A rest wherever nothing sounds on the staff, in each measure for itself.
fn rests<'a>(items: &[Item<'a>], measures: &[Measure]) -> Vec<Item<'a>> {
    let mut rests = Vec::new();
    let mut sounds = items.iter().map(|item| &item.sound).peekable();
    let mut free = Ticks::ZERO;
    let end = items.iter().map(|item| item.sound.at).max().unwrap_or_default();
    for (measure, bar) in (0..).zip(measures).take_while(|(_, bar)| bar.onset <= end) {
        let over = bar.onset + bar.duration;
        loop {
            let next = sounds.peek().map_or(over, |sound| sound.at.min(over));
            let from = free.max(bar.onset);
            if from < next {
                let (length, offset) = (next - from, from - bar.onset);
                let kind = Kind::Rest;
                let sound =
                    Sound { at: from, length, offset, measure, line: 0, kind, grace: false, pitches: (0, 0) };
                rests.push(Item::rest(sound));
                free = next;
            }
            let Some(sound) = sounds.next_if(|sound| sound.at < over) else { break };
            free = free.max(sound.end());
        }
    }
    rests
}

/// Puts a note where the grid has it.
fn place(sound: &mut Sound, start: Ticks, gap: Ticks, measures: &[Measure]) {
    let index = measures.partition_point(|measure| measure.onset <= start).saturating_sub(1);
    let begins = measures.get(index).map_or(Ticks::ZERO, |measure| measure.onset);
    sound.length = nearest(sound.length, gap, false);
    sound.at = start;
    sound.offset = start - begins;
    sound.measure = u32::try_from(index).unwrap_or(u32::MAX);
}

/// The nearest time on a grid: on the one that leaves the least of a gap to the next note open, of equals the nearer.
fn nearest(time: Ticks, gap: Ticks, may_vanish: bool) -> Ticks {
    let on_grid = |grid: Ticks| {
        let below = Ticks(time.0.max(0) / grid.0 * grid.0);
        let matched = if (time - below).0 * 2 <= grid.0 { below } else { below + grid };
        let matched = if matched == Ticks::ZERO && !may_vanish { grid } else { matched };
        let open = if gap.0 % grid.0 == 0 { Ticks::ZERO } else { Ticks((gap - matched).0.max(0)) };
        (open, Ticks((time - matched).0.abs()), grid, matched)
    };
    GRIDS.into_iter().map(on_grid).min().map_or(time, |(_, _, _, matched)| matched)
}

/// Joins the notes that begin within less than a quarter of a quarter note of each other and end within one.
fn gather(items: &mut Vec<Item<'_>>) {
    let near = GRIDS.first().copied().unwrap_or_default();
    let mut gone = vec![false; items.len()];
    for index in 0..items.len() {
        if gone.get(index).copied().unwrap_or(true) {
            continue;
        }
        let Some((head, later)) = items.get_mut(index..).and_then(<[Item<'_>]>::split_first_mut) else {
            continue;
        };
        for (other, gone) in later.iter().zip(gone.iter_mut().skip(index + 1)).take(CHORD_MAX) {
            if other.sound.at - head.sound.at >= near {
                break;
            }
            if !*gone && (other.sound.end() - head.sound.end()).0.abs() <= near.0 {
                other.notes.iter().for_each(|note| head.join(note));
                *gone = true;
            }
        }
    }
    let mut gone = gone.into_iter();
    items.retain(|_| !gone.next().unwrap_or(false));
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `common.nearestMultiple` and `Stream.quantize` of music21 10.5.1, by (4, 3).
    #[test]
    fn times_go_to_the_nearer_grid_and_fill_gaps() {
        let part = |numerator, denominator| Ticks::from_quarters(numerator, denominator).0;
        assert_eq!(nearest(part(3, 10), Ticks::ZERO, true), part(1, 3));
        assert_eq!(nearest(part(26, 100), Ticks::ZERO, true), part(1, 4));
        assert_eq!(nearest(part(1, 10), Ticks::ZERO, true), Ticks::ZERO);
        assert_eq!(nearest(part(1, 10), Ticks::ZERO, false), part(1, 4));
        // Three tenths, with the next note a half later, do not become a third: a quarter divides the half.
        assert_eq!(nearest(part(3, 10), part(1, 2), false), part(1, 4));
    }
}
