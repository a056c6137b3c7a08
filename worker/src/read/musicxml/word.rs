//! Eight bytes at a time: names and numbers are too short for a search in longer strides to pay.

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGHS: u64 = 0x8080_8080_8080_8080;

/// The first eight bytes.
pub(super) fn of(bytes: &[u8]) -> Option<u64> {
    bytes.first_chunk().map(|chunk| u64::from_le_bytes(*chunk))
}

/// A word of fewer than eight bytes, zeros behind them; of more, the first eight.
pub(super) fn padded(bytes: &[u8]) -> u64 {
    bytes.iter().take(8).rev().fold(0, |word, &byte| word << 8 | u64::from(byte))
}

/// All bits of the first `bytes` bytes.
pub(super) fn mask(bytes: usize) -> u64 {
    match bytes {
        0..8 => (1 << (8 * bytes)) - 1,
        _ => u64::MAX,
    }
}

/// Marks each byte that is `byte`. Behind the first mark others may stand without a cause.
pub(super) fn equal(word: u64, byte: u8) -> u64 {
    let different = word ^ ONES.wrapping_mul(u64::from(byte));
    different.wrapping_sub(ONES) & !different & HIGHS
}

/// Marks each byte that is below `byte`, which is at most 128. Only the first mark is sure.
pub(super) fn below(word: u64, byte: u8) -> u64 {
    word.wrapping_sub(ONES.wrapping_mul(u64::from(byte))) & !word & HIGHS
}

/// Which byte the first mark stands for.
pub(super) fn index(marks: u64) -> usize {
    marks.trailing_zeros() as usize / 8
}

/// The first byte that `marks` marks; none if it stands in the last seven bytes.
pub(super) fn first(bytes: &[u8], marks: impl Fn(u64) -> u64) -> Option<usize> {
    let mut at = 0;
    loop {
        let found = marks(of(bytes.get(at..)?)?);
        if found != 0 {
            return Some(at + index(found));
        }
        at += 8;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn words_have_their_first_byte_lowest() {
        assert_eq!(of(b"measures").map(|word| word & mask(7)), Some(padded(b"measure")));
        assert_eq!((padded(b""), padded(b"a"), mask(0), mask(1), mask(8)), (0, 0x61, 0, 0xFF, u64::MAX));
    }

    proptest! {
        #[test]
        fn the_first_mark_is_that_of_a_search_byte_by_byte(
            bytes in proptest::collection::vec(prop_oneof![any::<u8>(), 0x3a_u8..0x42], 0..40),
            byte in prop_oneof![0_u8..129, Just(b'>')],
        ) {
            let reach = bytes.len() / 8 * 8;
            let expected = |is: fn(u8, u8) -> bool| bytes[..reach].iter().position(|&other| is(other, byte));
            prop_assert_eq!(first(&bytes, |word| equal(word, byte)), expected(|other, byte| other == byte));
            prop_assert_eq!(first(&bytes, |word| below(word, byte)), expected(|other, byte| other < byte));
        }
    }
}
