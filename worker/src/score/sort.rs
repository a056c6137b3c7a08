//! The order that every score promises of its notes, rests and annotations, made within the memory that they have.

use super::time::Ticks;

/// How many items are sorted by keys apart from them, which takes memory for both.
const APART_MAX: usize = 1 << 15;
/// How many items lie aside at once while longer runs are merged.
const ASIDE_MAX: usize = 1 << 12;

/// Sorts by onset, then part, and leaves the rest as the source has it. Where all parts go on together the onsets are in
/// order from the start, and only what begins at one moment is to be sorted.
pub(super) fn sort<T: Copy>(items: &mut Vec<T>, onset: impl Fn(&T) -> Ticks, part: impl Fn(&T) -> u16) {
    if items.is_sorted_by_key(|item| (onset(item), part(item))) {
        return;
    }
    if !items.is_sorted_by_key(&onset) {
        match sorted_apart(items, &onset, &part) {
            Some(sorted) => *items = sorted,
            None => sort_in_place(items, &|item| (onset(item), part(item))),
        }
        return;
    }
    for moment in items.chunk_by_mut(|a, b| onset(a) == onset(b)) {
        if moment.len() > 1 {
            moment.sort_by_key(&part);
        }
    }
}

/// The items in order, where onset, part and index fit into eight bytes: those are sorted in a fifth of the traffic that
/// the items would make.
fn sorted_apart<T: Copy>(
    items: &[T],
    onset: impl Fn(&T) -> Ticks,
    part: impl Fn(&T) -> u16,
) -> Option<Vec<T>> {
    if items.len() > APART_MAX {
        return None;
    }
    let (mut onsets, mut parts) = (0, 0);
    for item in items {
        onsets |= onset(item).0 as u64;
        parts |= u64::from(part(item));
    }
    let width = |number: u64| u64::BITS - number.leading_zeros();
    let (bits, part_bits) = (width(items.len() as u64), width(parts));
    // A negative onset has the uppermost bit. All are multiples of some note value, which goes.
    let unit = onsets.trailing_zeros();
    if (onsets.checked_shr(unit).unwrap_or(0)).leading_zeros() < bits + part_bits {
        return None;
    }
    let keys = items.iter().zip(0_u64..);
    let mut keys: Vec<u64> = keys
        .map(|(item, at)| {
            let onset = (onset(item).0 as u64).checked_shr(unit).unwrap_or(0);
            (onset << part_bits | u64::from(part(item))) << bits | at
        })
        .collect();
    // A part goes on in order, which this sort makes use of, be the parts one after the other or in turns.
    keys.sort();
    let (&first, places) = (items.first()?, (1 << bits) - 1);
    Some(keys.iter().map(|key| items.get((key & places) as usize).copied().unwrap_or(first)).collect())
}

/// A stable sort that takes no more memory for more items: blocks by the sort of the standard library, which would take
/// half of the items' own memory for all, then merges of neighbours, in turns where both are longer than what fits aside.
fn sort_in_place<T: Copy, K: Ord>(items: &mut [T], key: &impl Fn(&T) -> K) {
    for block in items.chunks_mut(ASIDE_MAX) {
        block.sort_by_key(key);
    }
    let mut aside = Vec::with_capacity(ASIDE_MAX.min(items.len()));
    let mut width = ASIDE_MAX;
    while width < items.len() {
        for pair in items.chunks_mut(2 * width).filter(|pair| pair.len() > width) {
            merge(pair, width, &mut aside, key);
        }
        width *= 2;
    }
}

/// Merges what stands before `middle` and what stands after it, each in order.
fn merge<T: Copy, K: Ord>(items: &mut [T], middle: usize, aside: &mut Vec<T>, key: &impl Fn(&T) -> K) {
    // Pairs of neighbouring runs: where the first begins, where the second does, and where that ends.
    let mut open = vec![(0, middle, items.len())];
    while let Some((from, middle, to)) = open.pop() {
        let (Some(left), Some(right)) = (items.get(from..middle), items.get(middle..to)) else { continue };
        let (Some(last), Some(first)) = (left.last().map(key), right.first().map(key)) else { continue };
        // What stands right already stays out of it.
        let from = from + left.partition_point(|item| key(item) <= first);
        let to = middle + right.partition_point(|item| key(item) < last);
        let (before, after) = (middle - from, to - middle);
        if before.min(after) <= ASIDE_MAX {
            if let Some(items) = items.get_mut(from..to) {
                if before <= after {
                    merge_forth(items, before, aside, key);
                } else {
                    merge_back(items, before, aside, key);
                }
            }
            continue;
        }
        // The longer one is halved, and the other cut where that half would go: the inner pieces change places.
        let (left, right) = cut(items, (from, middle, to), key);
        if let Some(inner) = items.get_mut(left..right) {
            inner.rotate_left(middle - left);
        }
        let middle_now = left + (right - middle);
        open.extend([(from, left, middle_now), (middle_now, right, to)]);
    }
}

/// Where two neighbouring runs are cut so that all before both cuts goes before all behind them.
fn cut<T, K: Ord>(
    items: &[T],
    (from, middle, to): (usize, usize, usize),
    key: &impl Fn(&T) -> K,
) -> (usize, usize) {
    let (left, right) =
        (items.get(from..middle).unwrap_or_default(), items.get(middle..to).unwrap_or_default());
    let half = if left.len() >= right.len() { left.get(left.len() / 2) } else { right.get(right.len() / 2) };
    let Some(half) = half.map(key) else { return (middle, middle) };
    if left.len() >= right.len() {
        (from + left.len() / 2, middle + right.partition_point(|item| key(item) < half))
    } else {
        (from + left.partition_point(|item| key(item) <= half), middle + right.len() / 2)
    }
}

/// Merges from the front; the run before `middle` goes aside.
fn merge_forth<T: Copy, K: Ord>(items: &mut [T], middle: usize, aside: &mut Vec<T>, key: &impl Fn(&T) -> K) {
    aside.clear();
    aside.extend(items.iter().take(middle));
    let mut left = aside.iter().copied().peekable();
    let mut right = middle;
    for at in 0..items.len() {
        let next = items.get(right).copied();
        let Some(first) = left.peek() else { return };
        let item = match next.filter(|next| key(next) < key(first)) {
            Some(next) => {
                right += 1;
                Some(next)
            }
            None => left.next(),
        };
        if let (Some(slot), Some(item)) = (items.get_mut(at), item) {
            *slot = item;
        }
    }
}

/// Merges from the back; the run after `middle` goes aside.
fn merge_back<T: Copy, K: Ord>(items: &mut [T], middle: usize, aside: &mut Vec<T>, key: &impl Fn(&T) -> K) {
    aside.clear();
    aside.extend(items.iter().skip(middle));
    let mut left = middle;
    for at in (0..items.len()).rev() {
        let before = left.checked_sub(1).and_then(|before| items.get(before)).copied();
        let Some(last) = aside.last() else { return };
        let item = match before.filter(|before| key(before) > key(last)) {
            Some(before) => {
                left -= 1;
                Some(before)
            }
            None => aside.pop(),
        };
        if let (Some(slot), Some(item)) = (items.get_mut(at), item) {
            *slot = item;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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

    #[test]
    fn parts_in_turns_are_sorted_by_their_onsets() {
        // Lines of eight notes, four voices in turn, as tunebooks have them; and the same with what begins before time.
        for first in [0, -3] {
            let items = (0..640).map(|at| (Ticks(first + at / 32 * 8 + at % 8), (at / 8 % 4) as u16, at));
            let mut items: Vec<(Ticks, u16, i64)> = items.collect();
            let mut expected = items.clone();
            expected.sort_by_key(|item| (item.0, item.1));
            assert_ne!(items, expected);
            sort(&mut items, |item| item.0, |item| item.1);
            assert_eq!(items, expected);
        }
    }

    #[test]
    fn long_scores_are_sorted_as_the_standard_library_does() {
        let mut random = 1_u64;
        // Of parts that follow each other, of chance, and of one part that goes back and forth.
        for (parts, spread) in [(1, 400_000), (4, 0), (7, 50), (300, 3), (2, 200)] {
            let count = 9 * ASIDE_MAX + 777;
            let each = count / parts + 1;
            let items = (0..count).map(|at| {
                random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let onset = (at % each) as u64 / 2 + if spread > 0 { (random >> 33) % spread } else { 0 };
                (Ticks(onset as i64), (at / each) as u16, at)
            });
            let mut items: Vec<(Ticks, u16, usize)> = items.collect();
            let mut expected = items.clone();
            expected.sort_by_key(|item| (item.0, item.1));
            sort(&mut items, |item| item.0, |item| item.1);
            assert!(items == expected, "{parts} parts, {spread}");
        }
    }
}
