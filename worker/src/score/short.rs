//! Short texts of ASCII letters and numbers, made in place: answers hold tens of thousands of them, and the formatting of the
//! standard library, which asks a trait object for each piece, takes longer than working out most of what they say.

use std::fmt;

/// Bytes of the longest: a sign, two numbers of 64 bits and a stroke.
const BYTES: usize = 42;

/// A short text.
#[derive(Clone, Copy)]
pub(crate) struct Short {
    bytes: [u8; BYTES],
    length: usize,
}

impl Short {
    pub(crate) const fn new() -> Self {
        Short { bytes: [0; BYTES], length: 0 }
    }

    /// A number.
    pub(crate) fn of(number: i32) -> Self {
        let mut text = Short::new();
        text.signed(number);
        text
    }

    /// The text.
    pub(crate) fn as_str(&self) -> &str {
        // All that was added is ASCII.
        self.bytes.get(..self.length).and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or_default()
    }

    /// Adds an ASCII letter. What there is no room for is left out.
    #[inline]
    pub(crate) const fn letter(&mut self, letter: u8) {
        if let Some((_, [free, ..])) = self.bytes.split_at_mut_checked(self.length) {
            *free = letter & 0x7F;
            self.length += 1;
        }
    }

    /// Adds a number.
    #[inline]
    pub(crate) fn number(&mut self, number: u64) {
        let digits = number.checked_ilog10().unwrap_or(0) + 1;
        let Some(room) = self.bytes.get_mut(self.length..).and_then(|free| free.get_mut(..digits as usize))
        else {
            return;
        };
        let mut rest = number;
        for digit in room.iter_mut().rev() {
            *digit = b'0' + (rest % 10) as u8;
            rest /= 10;
        }
        self.length += digits as usize;
    }

    /// Adds a number with a minus where it is one.
    pub(crate) fn signed(&mut self, number: i32) {
        if number < 0 {
            self.letter(b'-');
        }
        self.number(u64::from(number.unsigned_abs()));
    }
}

impl fmt::Display for Short {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_the_standard_library_does() {
        for number in [0, 1, 9, 10, 99, 100, 12_345, u64::from(u32::MAX), u64::MAX] {
            let mut text = Short::new();
            text.number(number);
            assert_eq!(text.as_str(), number.to_string());
        }
        for number in [0, -1, 7, i32::MIN, i32::MAX] {
            assert_eq!(Short::of(number).to_string(), number.to_string());
        }
    }

    #[test]
    fn the_longest_fits_and_more_is_left_out() {
        let mut text = Short::new();
        text.letter(b'-');
        text.number(u64::MAX);
        text.letter(b'/');
        text.number(u64::MAX);
        let whole = format!("-{0}/{0}", u64::MAX);
        assert_eq!(text.as_str(), whole);
        text.letter(b'x');
        text.number(1);
        assert_eq!(text.as_str(), whole);
    }
}
