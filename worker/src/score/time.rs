//! Musical time in whole ticks, so that tuplets add up exactly.

use super::short::Short;
use serde::{Serialize, Serializer};
use std::fmt;
use std::ops::{Add, AddAssign, Neg, Sub};

/// Ticks in a quarter note: 2^10 * 3^3 * 5 * 7 * 11 * 13, which the divisions and tuplets in use all divide.
pub const TICKS_PER_QUARTER: i64 = 138_378_240;

/// A point or a span of musical time. Arithmetic saturates: a time that far out is a broken file, and the
/// limit on quarters refuses it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticks(pub i64);

impl Ticks {
    /// No time at all.
    pub const ZERO: Ticks = Ticks(0);

    /// A number of whole quarter notes.
    #[must_use]
    pub const fn quarters(count: i64) -> Self {
        Ticks(count.saturating_mul(TICKS_PER_QUARTER))
    }

    /// `numerator / denominator` quarter notes, rounded to the nearest tick; the flag says whether it is exact.
    /// A denominator of zero gives no time and is not exact.
    #[must_use]
    pub fn from_quarters(numerator: i64, denominator: i64) -> (Self, bool) {
        if denominator == 0 {
            return (Ticks::ZERO, false);
        }
        // As nearly always; dividing 128 bits takes ten times as long.
        if denominator > 0
            && let Some(product) = numerator.checked_mul(TICKS_PER_QUARTER)
            && product % denominator == 0
        {
            return (Ticks(product / denominator), true);
        }
        let wide = i128::from(numerator) * i128::from(TICKS_PER_QUARTER);
        let denominator = i128::from(denominator);
        let (wide, denominator) = if denominator < 0 { (-wide, -denominator) } else { (wide, denominator) };
        let rounded = (2 * wide + denominator).div_euclid(2 * denominator);
        let clamped = rounded.clamp(i128::from(i64::MIN), i128::from(i64::MAX));
        // Clamped to the range just above, so the conversion cannot fail.
        let ticks = i64::try_from(clamped).unwrap_or(i64::MAX);
        (Ticks(ticks), wide % denominator == 0)
    }

    /// This time as quarter notes in floating point, for statistics.
    #[must_use]
    pub fn as_quarters(self) -> f64 {
        // Exact up to 2^53 ticks, 65 million quarters.
        #[allow(clippy::cast_precision_loss, reason = "scores are far shorter than 2^53 ticks")]
        let ticks = self.0 as f64;
        #[allow(clippy::cast_precision_loss, reason = "the constant is far below 2^53")]
        let quarter = TICKS_PER_QUARTER as f64;
        ticks / quarter
    }

    /// This time as quarter notes in lowest terms: "7/2", "4", "1/3".
    #[must_use]
    pub fn fraction(self) -> Fraction {
        self.fraction_of(Ticks(TICKS_PER_QUARTER))
    }

    /// The same as a text.
    #[must_use]
    pub fn as_fraction(self) -> String {
        self.fraction().to_string()
    }

    /// How many times `whole` this time is, in lowest terms; nothing is taken for one tick.
    #[must_use]
    pub fn fraction_of(self, whole: Ticks) -> Fraction {
        let (numerator, denominator) = self.ratio(whole);
        Fraction { negative: self.0 < 0, numerator, denominator }
    }

    /// How many times `whole` this time is, in lowest terms and without a sign; nothing is taken for one tick.
    #[must_use]
    pub fn ratio(self, whole: Ticks) -> (u64, u64) {
        let whole = whole.0.unsigned_abs().max(1);
        if self.0.unsigned_abs().is_multiple_of(whole) {
            return (self.0.unsigned_abs() / whole, 1);
        }
        let divisor = gcd(self.0.unsigned_abs(), whole);
        (self.0.unsigned_abs() / divisor, whole / divisor)
    }

    /// The greatest length that both are multiples of.
    #[must_use]
    pub fn common(self, other: Ticks) -> Ticks {
        Ticks(i64::try_from(gcd(self.0.unsigned_abs(), other.0.unsigned_abs())).unwrap_or(1))
    }

    /// Whether this is a span of some length.
    #[must_use]
    pub const fn is_positive(self) -> bool {
        self.0 > 0
    }
}

fn gcd(a: u64, b: u64) -> u64 {
    let (mut a, mut b) = (a, b);
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a.max(1)
}

impl Add for Ticks {
    type Output = Ticks;
    fn add(self, other: Ticks) -> Ticks {
        Ticks(self.0.saturating_add(other.0))
    }
}

impl AddAssign for Ticks {
    fn add_assign(&mut self, other: Ticks) {
        *self = *self + other;
    }
}

impl Sub for Ticks {
    type Output = Ticks;
    fn sub(self, other: Ticks) -> Ticks {
        Ticks(self.0.saturating_sub(other.0))
    }
}

impl Neg for Ticks {
    type Output = Ticks;
    fn neg(self) -> Ticks {
        Ticks(self.0.saturating_neg())
    }
}

impl std::iter::Sum for Ticks {
    fn sum<I: Iterator<Item = Ticks>>(iter: I) -> Ticks {
        iter.fold(Ticks::ZERO, Add::add)
    }
}

impl fmt::Display for Ticks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.fraction().fmt(f)
    }
}

/// A number in lowest terms, written and told in JSON as `-7/2`, and as `4` where it is whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fraction {
    negative: bool,
    numerator: u64,
    denominator: u64,
}

impl fmt::Display for Fraction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.short().fmt(f)
    }
}

impl Fraction {
    fn short(self) -> Short {
        let mut text = Short::new();
        if self.negative {
            text.letter(b'-');
        }
        text.number(self.numerator);
        if self.denominator != 1 {
            text.letter(b'/');
            text.number(self.denominator);
        }
        text
    }
}

impl Serialize for Fraction {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.short().as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tuplets_and_midi_divisions_are_exact() {
        assert_eq!(TICKS_PER_QUARTER, (1 << 10) * 27 * 5 * 7 * 11 * 13);
        for division in [24, 48, 96, 120, 192, 240, 384, 480, 768, 960, 1024, 10_080] {
            assert!(Ticks::from_quarters(1, division).1, "{division}");
        }
        let third = Ticks::from_quarters(1, 3).0;
        assert_eq!(third + third + third, Ticks::quarters(1));
    }

    #[test]
    fn what_is_not_exact_rounds_to_the_nearest_tick_and_says_so() {
        assert_eq!(Ticks::from_quarters(1, 17), (Ticks(8_139_896), false));
        assert_eq!(Ticks::from_quarters(-1, 17), (Ticks(-8_139_896), false));
        assert_eq!(Ticks::from_quarters(5, 0), (Ticks::ZERO, false));
        assert_eq!(Ticks::from_quarters(i64::MAX, 1), (Ticks(i64::MAX), true));
    }

    #[test]
    fn fractions_are_in_lowest_terms() {
        for (numerator, denominator, text) in
            [(65, 2, "65/2"), (4, 1, "4"), (2, 6, "1/3"), (-3, 4, "-3/4"), (0, 1, "0")]
        {
            assert_eq!(Ticks::from_quarters(numerator, denominator).0.as_fraction(), text);
        }
    }
}
