//! The lengths of pitch classes in any window, by sums over all cells before it.

use crate::analyse::local_key::TickLengths;
use crate::score::{TICKS_PER_QUARTER, Ticks};

/// Where the windows of one size stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// One begins at each cell.
    Overlap,
    /// Each begins where the last one ends, and the last may be short. `one_more`: with an empty one at the end, where
    /// music21 has one.
    Apart {
        /// Whether it is counted.
        one_more: bool,
    },
    /// At each cell, all overlapping windows that hold it together.
    Averaged,
}

/// Sums of the lengths over all cells before each, and sums of those.
pub(super) struct Sums {
    cells: Vec<[i128; 12]>,
    sums: Vec<[i128; 12]>,
}

/// What has been added up before each element, and after the last.
fn running(values: impl Iterator<Item = [i128; 12]>) -> Vec<[i128; 12]> {
    let mut sum = [0_i128; 12];
    let mut sums = vec![sum];
    for value in values {
        sum.iter_mut().zip(value).for_each(|(sum, value)| *sum = sum.saturating_add(value));
        sums.push(sum);
    }
    sums
}

impl Sums {
    /// Of the cells in their order.
    pub(super) fn of(cells: &[TickLengths]) -> Self {
        let cells = running(cells.iter().map(|lengths| lengths.map(|Ticks(length)| i128::from(length))));
        let sums = running(cells.iter().copied());
        Sums { cells, sums }
    }

    /// How many cells there are.
    pub(super) fn cells(&self) -> usize {
        self.cells.len().saturating_sub(1)
    }

    /// How many windows of a size there are.
    pub(super) fn windows(&self, size: usize, kind: Kind) -> usize {
        match kind {
            Kind::Overlap => (self.cells() + 1).saturating_sub(size),
            Kind::Apart { one_more: false } => self.cells().div_ceil(size.max(1)),
            Kind::Apart { one_more: true } => self.cells() / size.max(1) + 1,
            Kind::Averaged => self.cells(),
        }
    }

    /// The quarters of each pitch class in a window; where windows are averaged, each cell as often as one holds it.
    pub(super) fn lengths(&self, size: usize, kind: Kind, at: usize) -> [f64; 12] {
        match kind {
            Kind::Overlap => quarters(&self.cells, at, at + size),
            Kind::Apart { .. } => {
                let from = at.saturating_mul(size).min(self.cells());
                quarters(&self.cells, from, from.saturating_add(size).min(self.cells()))
            }
            Kind::Averaged => {
                // The first and the last window that hold the cell begin here.
                let (first, last) =
                    ((at + 1).saturating_sub(size), at.min(self.cells().saturating_sub(size)));
                let ends = quarters(&self.sums, first + size, last + size + 1);
                let starts = quarters(&self.sums, first, last + 1);
                std::array::from_fn(|class| {
                    let of = |sums: &[f64; 12]| sums.get(class).copied().unwrap_or(0.0);
                    of(&ends) - of(&starts)
                })
            }
        }
    }
}

/// The difference of two sums, in quarters.
fn quarters(sums: &[[i128; 12]], from: usize, to: usize) -> [f64; 12] {
    let (Some(from), Some(to)) = (sums.get(from), sums.get(to)) else { return [0.0; 12] };
    std::array::from_fn(|class| {
        let of = |sums: &[i128; 12]| sums.get(class).copied().unwrap_or(0);
        #[allow(clippy::cast_precision_loss, reason = "sums of lengths, rounded like any other")]
        let ticks = (of(to) - of(from)) as f64;
        #[allow(clippy::cast_precision_loss, reason = "the constant is far below 2^53")]
        let quarter = TICKS_PER_QUARTER as f64;
        ticks / quarter
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Five cells of 1, 2, 4, 8, 16 quarters of C.
    fn sums() -> Sums {
        let cell = |quarters: i64| {
            std::array::from_fn(|class| Ticks::quarters(if class == 0 { quarters } else { 0 }))
        };
        Sums::of(&[1, 2, 4, 8, 16].map(cell))
    }

    fn all(size: usize, kind: Kind) -> Vec<f64> {
        let sums = sums();
        (0..sums.windows(size, kind)).map(|at| sums.lengths(size, kind, at)[0]).collect()
    }

    #[test]
    fn windows_add_up_their_cells() {
        assert_eq!(all(2, Kind::Overlap), [3.0, 6.0, 12.0, 24.0]);
        assert_eq!(all(5, Kind::Overlap), [31.0]);
        assert_eq!(all(2, Kind::Apart { one_more: false }), [3.0, 12.0, 16.0]);
        assert_eq!(all(1, Kind::Apart { one_more: true }), [1.0, 2.0, 4.0, 8.0, 16.0, 0.0]);
        // The first cell is in one window of two, the second in two.
        assert_eq!(all(2, Kind::Averaged), [3.0, 9.0, 18.0, 36.0, 24.0]);
        assert_eq!(all(1, Kind::Averaged), all(1, Kind::Overlap));
        assert!(Sums::of(&[]).windows(1, Kind::Averaged) == 0);
    }
}
