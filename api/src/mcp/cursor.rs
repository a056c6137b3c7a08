//! Where the next page begins, as a text that a client gives back. Nobody need understand it.

use crate::service::Place;
use shared::failure::{Failure, FailureKind};

/// Where a page of rows begins, and which entries of the long lists of its first row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct RowCursor {
    pub(super) place: Place,
    pub(super) skip: usize,
}

impl RowCursor {
    pub(super) fn text(self) -> String {
        format!("r{}.{}.{}", self.place.chunk, self.place.row, self.skip)
    }

    /// Reads a cursor; the empty one is the beginning.
    ///
    /// # Errors
    /// `malformed`.
    pub(super) fn read(text: &str) -> Result<Self, Failure> {
        if text.is_empty() {
            return Ok(RowCursor::default());
        }
        let numbers = text.strip_prefix('r').map(|numbers| numbers.splitn(3, '.').collect::<Vec<_>>());
        let read = |numbers: Vec<&str>| match numbers[..] {
            [chunk, row, skip] => {
                let place = Place { chunk: chunk.parse().ok()?, row: row.parse().ok()? };
                Some(RowCursor { place, skip: skip.parse().ok()? })
            }
            _ => None,
        };
        numbers.and_then(read).ok_or_else(|| wrong(text))
    }
}

/// How many entries of a list stand before a page of it, as a cursor.
pub(super) fn of_number(number: usize) -> String {
    format!("n{number}")
}

/// Reads what [`of_number`] wrote; the empty cursor is 0.
///
/// # Errors
/// `malformed`.
pub(super) fn number(text: &str) -> Result<usize, Failure> {
    if text.is_empty() {
        return Ok(0);
    }
    text.strip_prefix('n').and_then(|number| number.parse().ok()).ok_or_else(|| wrong(text))
}

/// The failure of a cursor that nobody gave.
pub(super) fn wrong(text: &str) -> Failure {
    let message = format!("{text:?} is no cursor: give back next_cursor of the page before, or leave it out");
    Failure::new(FailureKind::Malformed, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_come_back_and_others_are_refused() {
        let cursor = RowCursor { place: Place { chunk: 7, row: 1 << 40 }, skip: 12 };
        assert_eq!(RowCursor::read(&cursor.text()).unwrap(), cursor);
        assert_eq!(RowCursor::read("").unwrap(), RowCursor::default());
        assert_eq!(number(&of_number(12)).unwrap(), 12);
        assert_eq!(number("").unwrap(), 0);
        for bad in ["r", "r1.2", "r1.2.3.4", "r-1.0.0", "n7", "x", "r99999999999.0.0"] {
            assert!(RowCursor::read(bad).unwrap_err().message.contains("next_cursor"), "{bad}");
        }
        assert!(number("7").is_err());
    }
}
