//! Counting n-grams: every stretch of so many symbols of a text, with how often it stands there.

use std::ops::Range;

/// What counts as a stretch.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stretch {
    /// Symbols of one.
    pub(super) size: usize,
    /// A stretch begins at each so many symbols of a run.
    pub(super) stride: usize,
    /// Symbols below this mean something; others end a run.
    pub(super) meant: u32,
}

impl Stretch {
    /// Where the stretches of a text begin, in the order of what they say; those that say the same from the front on.
    pub(super) fn sorted(&self, text: &[u32]) -> Vec<u32> {
        let bits = u32::BITS - self.meant.leading_zeros();
        let packed = ((u64::BITS / bits.max(1)) as usize).min(self.size);
        let mut keyed: Vec<(u64, u32)> = Vec::new();
        let mut from = 0;
        for run in text.split(|&symbol| symbol >= self.meant) {
            for (offset, stretch) in run.windows(self.size).enumerate().step_by(self.stride) {
                let head = stretch.iter().take(packed);
                let key = head.fold(0_u64, |key, &symbol| (key << bits) | u64::from(symbol));
                keyed.push((key, u32::try_from(from + offset).unwrap_or(u32::MAX)));
            }
            from += run.len() + 1;
        }
        keyed.sort_unstable();
        if packed < self.size {
            for same in keyed.chunk_by_mut(|a, b| a.0 == b.0) {
                same.sort_by(|a, b| self.at(text, a.1).cmp(self.at(text, b.1)));
            }
        }
        keyed.into_iter().map(|(_, place)| place).collect()
    }

    /// The stretch at a place.
    pub(super) fn at<'a>(&self, text: &'a [u32], place: u32) -> &'a [u32] {
        text.get(place as usize..place as usize + self.size).unwrap_or_default()
    }

    /// The runs of sorted places whose stretches begin with the same symbols, so many of them.
    pub(super) fn groups(&self, text: &[u32], places: &[u32], symbols: usize) -> Vec<Range<usize>> {
        let head = |place: u32| text.get(place as usize..place as usize + symbols);
        let mut from = 0;
        let chunks = places.chunk_by(|&a, &b| head(a) == head(b));
        chunks
            .map(|chunk| {
                let group = from..from + chunk.len();
                from = group.end;
                group
            })
            .collect()
    }
}

/// Sums up counts for their entropy.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Entropy {
    total: u64,
    sum: f64,
    /// How many different things were counted.
    pub(super) distinct: u64,
}

impl Entropy {
    /// A thing was counted so often.
    pub(super) fn add(&mut self, count: u64) {
        self.total += count;
        self.sum += count as f64 * libm::log2((count as f64).max(1.0));
        self.distinct += 1;
    }

    /// All that was counted.
    pub(super) fn total(&self) -> u64 {
        self.total
    }

    /// In bits (Shannon 1948); nothing of nothing.
    pub(super) fn bits(&self) -> Option<f64> {
        let total = self.total as f64;
        // Rounding may leave a hair below zero where all things are one.
        (self.total > 0).then(|| (libm::log2(total) - self.sum / total).max(0.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn stretches_are_counted_as_by_hand_whatever_their_size() {
        let text: Vec<u32> = (0..400_u32).map(|index| (index * index / 7) % 5 + index / 100 * 1000).collect();
        let text: Vec<u32> = text.into_iter().map(|symbol| symbol % 1000 + symbol / 3000 * 9).collect();
        let text = [&text[..], &[100], &text, &[101]].concat();
        for (size, stride) in [(1, 1), (3, 1), (5, 2), (19, 2), (40, 1)] {
            let stretch = Stretch { size, stride, meant: 100 };
            let mut naive: BTreeMap<&[u32], Vec<u32>> = BTreeMap::new();
            for run in [0..400, 401..801] {
                let starts = run.clone().step_by(stride).filter(|start| start + size <= run.end);
                starts.for_each(|start| {
                    naive.entry(&text[start..start + size]).or_default().push(u32::try_from(start).unwrap());
                });
            }
            let sorted = stretch.sorted(&text);
            assert_eq!(sorted, naive.values().flatten().copied().collect::<Vec<u32>>());
            assert_eq!(stretch.groups(&text, &sorted, size).len(), naive.len());
        }
    }

    #[test]
    fn entropy_of_a_coin_and_of_a_certainty() {
        let entropy = |counts: &[u64]| {
            let mut entropy = Entropy::default();
            counts.iter().for_each(|&count| entropy.add(count));
            entropy.bits()
        };
        assert_eq!((entropy(&[5, 5]), entropy(&[9]), entropy(&[])), (Some(1.0), Some(0.0), None));
    }
}
