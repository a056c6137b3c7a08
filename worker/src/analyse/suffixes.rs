//! The suffixes of a text in order, and what repeats in it.
//!
//! Sorting is by doubling within groups (Larsson and Sadakane, "Faster suffix sorting", TCS 387, 2007), common prefixes
//! after Kasai et al. (CPM 2001), repeats after Abouelhoda, Kurtz and Ohlebusch ("Replacing suffix trees with enhanced
//! suffix arrays", J. Discrete Algorithms 2, 2004). Sorting takes n log² n steps at the worst, all else n.

use std::collections::VecDeque;
use std::ops::Range;

/// The suffixes of a text.
pub(super) struct Suffixes {
    /// Where each begins, in their order.
    pub(super) order: Vec<u32>,
    /// How many symbols each shares with the one before it; of the first none.
    pub(super) shared: Vec<u32>,
}

/// Something that stands in a text more than once, and would stand there less often if it were longer at either end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Repeat {
    /// Its suffixes: the first of them in their order.
    pub(super) from: u32,
    /// How often it stands there; occurrences may overlap.
    pub(super) count: u32,
    /// How many symbols it has.
    pub(super) length: u32,
}

impl Repeat {
    /// Its suffixes.
    pub(super) fn ranks(&self) -> Range<usize> {
        self.from as usize..self.from as usize + self.count as usize
    }
}

impl Suffixes {
    /// Sorts the suffixes of a text of less than 2^32 symbols.
    pub(super) fn of(text: &[u32]) -> Self {
        let (order, rank) = sorted(text);
        let shared = shared(text, &order, &rank);
        Suffixes { order, shared }
    }

    /// The suffixes that begin with some symbols.
    pub(super) fn find(&self, text: &[u32], symbols: &[u32]) -> Range<usize> {
        let head = |&start: &u32| {
            let suffix = text.get(start as usize..).unwrap_or_default();
            suffix.get(..symbols.len()).unwrap_or(suffix)
        };
        let from = self.order.partition_point(|start| head(start) < symbols);
        let count =
            self.order.get(from..).unwrap_or_default().partition_point(|start| head(start) == symbols);
        from..from + count
    }

    /// Every maximal repeat of at least so many symbols and occurrences, in the order in which they end among the
    /// suffixes.
    pub(super) fn repeats(&self, text: &[u32], least: u32, count: u32) -> Vec<Repeat> {
        let changes = self.changes(text);
        let mut open: Vec<(u32, u32)> = Vec::new(); // length, first suffix
        let mut repeats = Vec::new();
        let ends = self.shared.iter().copied().chain([0]);
        for (rank, length) in (0_u32..).zip(ends) {
            let mut from = rank.saturating_sub(1);
            while let Some(&(open_length, open_from)) = open.last() {
                if open_length <= length {
                    break;
                }
                open.pop();
                from = open_from;
                let repeat = Repeat { from, count: rank - from, length: open_length };
                // What stands before it is not the same everywhere: it cannot be longer to the left.
                let left = differ(&changes, from, rank);
                if left && repeat.length >= least && repeat.count >= count {
                    repeats.push(repeat);
                }
            }
            if length > 0 && open.last().is_none_or(|&(open_length, _)| open_length < length) {
                open.push((length, from));
            }
        }
        repeats
    }

    /// For each suffix, how many suffixes up to it have something else before them than the one that precedes them in
    /// the order.
    fn changes(&self, text: &[u32]) -> Vec<u32> {
        let before = |start: u32| start.checked_sub(1).and_then(|index| text.get(index as usize));
        let mut last = None;
        let mut count = 0;
        let mut changes = Vec::with_capacity(self.order.len());
        for (rank, &start) in self.order.iter().enumerate() {
            let symbol = before(start);
            count += u32::from(rank == 0 || symbol != last);
            last = symbol;
            changes.push(count);
        }
        changes
    }

    /// For each place of the text, the length of the longest thing that begins there and stands `count` times in it.
    pub(super) fn longest(&self, count: usize) -> Vec<u32> {
        let window = count.saturating_sub(1).max(1);
        let suffixes = self.order.len();
        // What so many suffixes in a row share, by the last of them; then the best of the rows that a suffix is in.
        let inner = self.shared.get(1..).unwrap_or_default();
        let rows = extremes(inner, window, |a, b| a <= b);
        let (padding, none) = (vec![0; window], vec![0; window]);
        let padded: Vec<u32> = [padding, rows, none].concat();
        let best = extremes(&padded, window + 1, |a, b| a >= b);
        let mut longest = vec![0; suffixes];
        for (&start, &length) in self.order.iter().zip(&best) {
            if let Some(slot) = longest.get_mut(start as usize) {
                *slot = length;
            }
        }
        longest
    }

    /// For each place of the text, how often its first symbols (so many) stand in it.
    pub(super) fn counts(&self, symbols: u32) -> Vec<u32> {
        let mut counts = vec![0; self.order.len()];
        let mut from = 0;
        for rank in 1..=self.order.len() {
            if self.shared.get(rank).is_some_and(|&shared| shared >= symbols) {
                continue;
            }
            let group = self.order.get(from..rank).unwrap_or_default();
            let count = u32::try_from(group.len()).unwrap_or(u32::MAX);
            for &start in group {
                if let Some(slot) = counts.get_mut(start as usize) {
                    *slot = count;
                }
            }
            from = rank;
        }
        counts
    }
}

/// Whether not all of some suffixes have the same symbol before them.
fn differ(changes: &[u32], from: u32, to: u32) -> bool {
    let at = |rank: u32| changes.get(rank as usize).copied().unwrap_or(0);
    at(to - 1) > at(from)
}

/// The best of each `width` neighbours, for each place where so many begin.
fn extremes(values: &[u32], width: usize, better: impl Fn(u32, u32) -> bool) -> Vec<u32> {
    let mut held: VecDeque<(usize, u32)> = VecDeque::new();
    let mut best = Vec::with_capacity(values.len());
    for (index, &value) in values.iter().enumerate() {
        while held.back().is_some_and(|&(_, last)| better(value, last)) {
            held.pop_back();
        }
        held.push_back((index, value));
        if held.front().is_some_and(|&(first, _)| first + width <= index) {
            held.pop_front();
        }
        if index + 1 >= width {
            best.push(held.front().map_or(0, |&(_, value)| value));
        }
    }
    best
}

/// The suffixes in order, and the place of each in that order.
fn sorted(text: &[u32]) -> (Vec<u32>, Vec<u32>) {
    let (keys, packed) = packed(text);
    let mut order: Vec<u32> = (0..).take(text.len()).collect();
    order.sort_unstable_by_key(|&start| keys.get(start as usize));
    let first: Vec<u64> = order.iter().filter_map(|&start| keys.get(start as usize).copied()).collect();
    drop(keys);
    let mut rank = vec![0; text.len()];
    let mut groups = Vec::new();
    split(&mut rank, &mut groups, 0, &order, &first);
    let mut reach = packed;
    let mut pairs: Vec<(u64, u32)> = Vec::new();
    while !groups.is_empty() {
        let mut later = Vec::new();
        for (from, to) in groups {
            let Some(group) = order.get_mut(from..to) else { continue };
            // Past the end of the text stands what is smaller than anything.
            let after = |start: u32| rank.get(start as usize + reach).map_or(0, |&rank| u64::from(rank) + 1);
            pairs.clear();
            pairs.extend(group.iter().map(|&start| (after(start), start)));
            pairs.sort_unstable();
            group.iter_mut().zip(&pairs).for_each(|(slot, &(_, start))| *slot = start);
            let keys: Vec<u64> = pairs.iter().map(|&(key, _)| key).collect();
            split(&mut rank, &mut later, from, group, &keys);
        }
        groups = later;
        reach *= 2;
    }
    (order, rank)
}

/// Gives the suffixes of a group, which are in the order of their keys, their places; those of one key are a group again.
fn split(rank: &mut [u32], groups: &mut Vec<(usize, usize)>, from: usize, group: &[u32], keys: &[u64]) {
    let mut begin = from;
    for same in keys.chunk_by(|a, b| a == b) {
        let place = u32::try_from(begin).unwrap_or(u32::MAX);
        for start in group.iter().skip(begin - from).take(same.len()) {
            if let Some(slot) = rank.get_mut(*start as usize) {
                *slot = place;
            }
        }
        if same.len() > 1 {
            groups.push((begin, begin + same.len()));
        }
        begin += same.len();
    }
}

/// The first symbols from each place on in one number, and how many fit it.
fn packed(text: &[u32]) -> (Vec<u64>, usize) {
    let largest = text.iter().copied().max().unwrap_or(0);
    let bits = u64::BITS - (u64::from(largest) + 1).leading_zeros();
    let symbols = u64::BITS / bits;
    let top = bits * (symbols - 1);
    let mut keys = vec![0; text.len()];
    let mut key = 0_u64;
    for (slot, &symbol) in keys.iter_mut().zip(text).rev() {
        key = (key >> bits) | ((u64::from(symbol) + 1) << top);
        *slot = key;
    }
    (keys, symbols as usize)
}

/// What each suffix shares with the one before it in the order.
fn shared(text: &[u32], order: &[u32], rank: &[u32]) -> Vec<u32> {
    let mut shared = vec![0; text.len()];
    let mut length = 0_usize;
    for (start, &rank) in rank.iter().enumerate() {
        let before = (rank as usize).checked_sub(1).and_then(|before| order.get(before));
        let Some(&before) = before else {
            length = 0;
            continue;
        };
        let one = text.get(start + length..).unwrap_or_default();
        let other = text.get(before as usize + length..).unwrap_or_default();
        length += one.iter().zip(other).take_while(|(a, b)| a == b).count();
        if let Some(slot) = shared.get_mut(rank as usize) {
            *slot = u32::try_from(length).unwrap_or(u32::MAX);
        }
        length = length.saturating_sub(1);
    }
    shared
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::{BTreeMap, BTreeSet};

    /// Texts over small alphabets by a fixed rule, and the worst ones.
    fn texts() -> Vec<Vec<u32>> {
        let mut state = 12_345_u64;
        let mut next = move |below: u32| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            u32::try_from(state >> 33).unwrap() % below
        };
        let mut texts =
            vec![vec![], vec![7], vec![5; 40], [[1, 2]; 20].concat(), vec![u32::MAX, 0, u32::MAX]];
        for (alphabet, length) in [(2, 60), (3, 80), (5, 100), (2_000_000_000, 50)] {
            texts.extend((0..20).map(|_| (0..length).map(|_| next(alphabet)).collect::<Vec<u32>>()));
        }
        texts
    }

    #[test]
    fn suffixes_are_in_order_and_share_what_they_share() {
        for text in texts() {
            let suffixes = Suffixes::of(&text);
            let mut naive: Vec<u32> = (0..).take(text.len()).collect();
            naive.sort_by_key(|&start| &text[start as usize..]);
            assert_eq!(suffixes.order, naive);
            for rank in 1..text.len() {
                let [a, b] = [rank - 1, rank].map(|rank| &text[naive[rank] as usize..]);
                let share = a.iter().zip(b).take_while(|(a, b)| a == b).count();
                assert_eq!(suffixes.shared[rank] as usize, share);
            }
        }
    }

    /// Every substring of a text with its places.
    fn substrings(text: &[u32]) -> BTreeMap<&[u32], Vec<usize>> {
        let mut all: BTreeMap<&[u32], Vec<usize>> = BTreeMap::new();
        for from in 0..text.len() {
            (from + 1..=text.len()).for_each(|to| all.entry(&text[from..to]).or_default().push(from));
        }
        all
    }

    #[test]
    fn repeats_are_those_that_every_longer_one_is_rarer_than() {
        for text in texts() {
            let suffixes = Suffixes::of(&text);
            let all = substrings(&text);
            for (least, count) in [(1, 2), (2, 2), (3, 3)] {
                let maximal = |string: &&[u32], starts: &Vec<usize>| {
                    let before: BTreeSet<_> =
                        starts.iter().map(|&start| start.checked_sub(1).map(|index| text[index])).collect();
                    let after: BTreeSet<_> =
                        starts.iter().map(|&start| text.get(start + string.len())).collect();
                    before.len() > 1 && after.len() > 1
                };
                let naive: BTreeSet<(Vec<u32>, usize)> = all
                    .iter()
                    .filter(|(string, starts)| {
                        string.len() >= least && starts.len() >= count && maximal(string, starts)
                    })
                    .map(|(string, starts)| (string.to_vec(), starts.len()))
                    .collect();
                let found =
                    suffixes.repeats(&text, u32::try_from(least).unwrap(), u32::try_from(count).unwrap());
                let found: Vec<(Vec<u32>, usize)> = found
                    .iter()
                    .map(|repeat| {
                        let start = suffixes.order[repeat.from as usize] as usize;
                        (text[start..start + repeat.length as usize].to_vec(), repeat.count as usize)
                    })
                    .collect();
                assert_eq!(found.len(), naive.len(), "{text:?}");
                assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), naive, "{text:?}");
            }
        }
    }

    #[test]
    fn lengths_and_counts_at_each_place_are_those_of_a_search_by_hand() {
        for text in texts() {
            let suffixes = Suffixes::of(&text);
            let all = substrings(&text);
            for count in 2..5 {
                let longest = suffixes.longest(count);
                for start in 0..text.len() {
                    let naive = (1..=text.len() - start)
                        .filter(|length| all[&text[start..start + length]].len() >= count)
                        .max();
                    assert_eq!(longest[start] as usize, naive.unwrap_or(0), "{text:?} {start} {count}");
                }
            }
            let pairs = suffixes.counts(2);
            for start in 0..text.len().saturating_sub(1) {
                assert_eq!(pairs[start] as usize, all[&text[start..start + 2]].len());
                assert_eq!(suffixes.find(&text, &text[start..start + 2]).len(), pairs[start] as usize);
            }
            assert_eq!(suffixes.find(&text, &[3_000_000_000]).len(), 0);
        }
    }
}
