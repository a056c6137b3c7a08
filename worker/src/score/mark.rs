//! Signs that bend the order in which measures are played: repeats, endings, jumps.

use shared::place::Place;

/// The passes of a repeat on which an ending is played, from 1 to 63, as a set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Endings(u64);

impl Endings {
    /// The passes in `numbers`; those that are out of range are left out.
    #[must_use]
    pub fn of(numbers: impl IntoIterator<Item = u8>) -> Self {
        numbers.into_iter().fold(Endings::default(), |set, number| set.and(Endings(bit(number))))
    }

    /// The passes that a text such as `1`, `1, 3` or `1-3` names.
    #[must_use]
    pub fn parse(text: &[u8]) -> Self {
        let mut set = Endings::default();
        let (mut number, mut from) = (None, None);
        for &byte in text.iter().chain(b",") {
            match byte {
                b'0'..=b'9' => {
                    let before: u8 = number.unwrap_or(0);
                    number = Some(before.saturating_mul(10).saturating_add(byte - b'0'));
                }
                b'-' => (from, number) = (number.or(from), None),
                b'.' => {}
                _ => {
                    let last = number.take();
                    let first = from.take().or(last);
                    let range = first.zip(last).map(|(first, last)| first..=last.min(63));
                    set = set.and(Endings::of(range.into_iter().flatten()));
                }
            }
        }
        set
    }

    /// Whether pass `number` is in the set.
    #[must_use]
    pub const fn has(self, number: u8) -> bool {
        self.0 & bit(number) != 0
    }

    /// Both sets.
    #[must_use]
    pub const fn and(self, other: Endings) -> Endings {
        Endings(self.0 | other.0)
    }

    /// Whether there is no pass in it.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The first and the last pass; zeros if there is none.
    #[must_use]
    pub fn bounds(self) -> (u8, u8) {
        let mut numbers = (1..64).filter(|&number| self.has(number));
        let first = numbers.next().unwrap_or(0);
        (first, numbers.next_back().unwrap_or(first))
    }
}

const fn bit(number: u8) -> u64 {
    if number == 0 || number > 63 { 0 } else { 1 << number }
}

/// A sign that bends the order of playing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// What is repeated begins.
    RepeatStart,
    /// Back to the start of what is repeated.
    RepeatEnd {
        /// How often it is played in all.
        times: u8,
    },
    /// A bracket begins that is played on these passes only.
    EndingStart(Endings),
    /// The bracket is over.
    EndingEnd,
    /// Where a dal segno goes to.
    Segno,
    /// Where a to-coda goes to.
    Coda,
    /// After a jump: on to the coda.
    ToCoda,
    /// Back to the beginning.
    DaCapo,
    /// Back to the segno.
    DalSegno,
    /// After a jump: the end.
    Fine,
    /// A section of this number begins, which an arrangement may name.
    Section(u16),
}

/// A sign and where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MarkAt {
    /// Index of its part.
    pub part: u16,
    /// Index of its measure within its part.
    pub measure: u32,
    /// Whether it stands at the end of the measure, else at its start.
    pub at_end: bool,
    /// The sign.
    pub mark: Mark,
    /// Where it stands in the source.
    pub place: Place,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endings_are_sets_of_passes() {
        for (text, expected) in
            [("1", &[1_u8][..]), ("1, 2", &[1, 2]), ("1-3", &[1, 2, 3]), ("1.,4-5", &[1, 4, 5]), ("x", &[])]
        {
            assert_eq!(Endings::parse(text.as_bytes()), Endings::of(expected.iter().copied()), "{text}");
        }
        assert_eq!(Endings::parse(b"2-999999").bounds(), (2, 63));
        assert_eq!(Endings::parse(b"0,64,-"), Endings::default());
        assert_eq!(Endings::of([2]).bounds(), (2, 2));
    }
}
