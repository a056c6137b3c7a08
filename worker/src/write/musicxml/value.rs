//! Note values: the head, dots and tuplet that a length is written by.

use crate::score::Ticks;

/// How a length is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Value {
    /// `quarter`, by its MusicXML name.
    pub(super) head: &'static str,
    /// Dots.
    pub(super) dots: u8,
    /// How many take the time of how many; both 1 for no tuplet.
    pub(super) tuplet: (u8, u8),
}

/// Heads, and the quarter notes of each as a fraction.
const HEADS: [(&str, i64, i64); 12] = [
    ("maxima", 32, 1),
    ("long", 16, 1),
    ("breve", 8, 1),
    ("whole", 4, 1),
    ("half", 2, 1),
    ("quarter", 1, 1),
    ("eighth", 1, 2),
    ("16th", 1, 4),
    ("32nd", 1, 8),
    ("64th", 1, 16),
    ("128th", 1, 32),
    ("256th", 1, 64),
];
/// Tuplets in use, the plainest first.
const TUPLETS: [(u8, u8); 11] =
    [(1, 1), (3, 2), (5, 4), (6, 4), (7, 4), (7, 8), (9, 8), (2, 3), (4, 3), (11, 8), (13, 8)];

/// The value that has this length; nothing for one that needs a tie.
pub(super) fn value(length: Ticks) -> Option<Value> {
    for tuplet in TUPLETS {
        // Nobody writes dots in a tuplet but in triplets.
        let dotted = if matches!(tuplet, (1, 1) | (3, 2)) { 0..3_u8 } else { 0..1 };
        for (head, quarters, of) in HEADS {
            for dots in dotted.clone() {
                // A head with dots is 1, 3/2, 7/4 of itself.
                let (dotted, undotted) = ((2_i64 << dots) - 1, 1_i64 << dots);
                let (actual, normal) = (i64::from(tuplet.0), i64::from(tuplet.1));
                let (ticks, exact) = Ticks::from_quarters(quarters * dotted * normal, of * undotted * actual);
                if exact && ticks == length {
                    return Some(Value { head, dots, tuplet });
                }
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_have_the_values_that_a_person_would_write() {
        for (numerator, denominator, head, dots, tuplet) in [
            (1, 1, "quarter", 0, (1, 1)),
            (3, 1, "half", 1, (1, 1)),
            (7, 8, "eighth", 2, (1, 1)),
            (1, 3, "eighth", 0, (3, 2)),
            (2, 3, "quarter", 0, (3, 2)),
            (1, 5, "16th", 0, (5, 4)),
            (8, 1, "breve", 0, (1, 1)),
            (1, 7, "16th", 0, (7, 4)),
        ] {
            let length = Ticks::from_quarters(numerator, denominator).0;
            assert_eq!(value(length), Some(Value { head, dots, tuplet }), "{numerator}/{denominator}");
        }
        for (numerator, denominator) in [(5, 1), (9, 4), (0, 1), (1, 4096)] {
            assert_eq!(value(Ticks::from_quarters(numerator, denominator).0), None);
        }
    }
}
