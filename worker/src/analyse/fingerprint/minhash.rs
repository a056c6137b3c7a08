//! Minimal hashes of a set: two sets share each of them with the probability of their Jaccard index.

use std::fmt::Write;

/// How many hashes a set has.
pub const HASHES: usize = 64;

/// The least of each hash over what was added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MinHash(Vec<u64>);

impl Default for MinHash {
    fn default() -> Self {
        MinHash(vec![u64::MAX; HASHES])
    }
}

impl MinHash {
    /// Adds something, by a number that stands for it alone.
    pub(super) fn add(&mut self, number: u64) {
        let base = mixed(number.wrapping_add(0x9e37_79b9_7f4a_7c15));
        // Each hash is the same number turned over by a constant of its own.
        let mut turn = 0_u64;
        for least in &mut self.0 {
            turn = turn.wrapping_add(0x9e37_79b9_7f4a_7c15);
            *least = (*least).min(mixed(base ^ turn));
        }
    }

    /// Sixteen bits of each, in hexadecimal.
    pub(super) fn to_text(&self) -> String {
        let mut text = String::with_capacity(4 * HASHES);
        for least in &self.0 {
            let _ = write!(text, "{:04x}", least & 0xffff); // Writing to a string cannot fail.
        }
        text
    }

    /// Reads such a text; nothing if it is none.
    #[must_use]
    pub fn read(text: &str) -> Option<[u16; HASHES]> {
        let mut hashes = [0; HASHES];
        if text.len() != 4 * HASHES || !text.is_ascii() {
            return None;
        }
        for (index, slot) in hashes.iter_mut().enumerate() {
            *slot = u16::from_str_radix(text.get(4 * index..4 * index + 4)?, 16).ok()?;
        }
        Some(hashes)
    }

    /// The share of hashes that two sets have in common: an estimate of what they share over what either has.
    #[must_use]
    pub fn likeness(one: &[u16; HASHES], other: &[u16; HASHES]) -> f64 {
        one.iter().zip(other).filter(|(a, b)| a == b).count() as f64 / HASHES as f64
    }
}

/// The finaliser of `SplitMix64` (Steele, Lea and Flood, OOPSLA 2014).
fn mixed(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(numbers: std::ops::Range<u64>) -> [u16; HASHES] {
        let mut hash = MinHash::default();
        numbers.for_each(|number| hash.add(number));
        MinHash::read(&hash.to_text()).unwrap()
    }

    /// Sets that share a third of what either has, over many pairs of sets.
    #[test]
    fn the_share_of_hashes_is_near_the_jaccard_index() {
        let shares = (0..60).map(|set| {
            let from = set * 1_000;
            MinHash::likeness(&of(from..from + 200), &of(from + 100..from + 300))
        });
        let mean = shares.sum::<f64>() / 60.0;
        assert!((mean - 1.0 / 3.0).abs() < 0.03, "{mean}");
        assert!((MinHash::likeness(&of(0..50), &of(0..50)) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn what_is_no_fingerprint_is_refused() {
        assert_eq!(MinHash::read("00"), None);
        assert_eq!(MinHash::read(&"g".repeat(256)), None);
        assert_eq!(MinHash::read(&"é".repeat(128)), None);
    }
}
