//! Parts and measures as the bytes of a piece show them, counted apart from the columns that the reading follows.

use super::line::Line;

/// What was counted so far. Where spines come and go, or a measure has nothing but lines of dots, bytes alone do not
/// tell, and the census says nothing.
#[derive(Default)]
pub(super) struct Census {
    /// Which cells of the opening line are `**kern`.
    kern: Vec<usize>,
    width: usize,
    /// Whether the others are of kinds without digits.
    only_words: bool,
    /// The `*part` of each of them, where it is said before the first data.
    numbers: Vec<Vec<u8>>,
    /// Measures with something in them.
    measures: u64,
    /// Nothing but dots since the last barline.
    waits: bool,
    dots: bool,
    begun: bool,
    doubtful: bool,
}

/// Words and dynamics.
const WITHOUT_DIGITS: [&[u8]; 5] = [b"**text", b"**silbe", b"**lyrics", b"**dynam", b"**dyn"];

impl Census {
    /// A census of the piece that a `**` line opens.
    pub(super) fn open(line: &Line<'_>) -> Self {
        let kern = line.cells().enumerate().filter(|(_, cell)| cell.trim_ascii_end() == b"**kern");
        let kern: Vec<usize> = kern.map(|(index, _)| index).collect();
        let numbers = vec![Vec::new(); kern.len()];
        let is_known = |cell: &[u8]| WITHOUT_DIGITS.contains(&cell.trim_ascii_end());
        let only_words = line.cells().all(|cell| cell.trim_ascii_end() == b"**kern" || is_known(cell));
        Census { kern, width: line.width(), only_words, numbers, waits: true, ..Census::default() }
    }

    /// Takes a line of interpretations.
    pub(super) fn interpretations(&mut self, line: &Line<'_>) {
        if self.begun {
            return;
        }
        if line.width() != self.width {
            self.doubtful |= line.cells().any(|cell| cell.starts_with(b"*part"));
            return;
        }
        for (&index, number) in self.kern.iter().zip(&mut self.numbers) {
            if let Some(said) = line.cell(index).strip_prefix(b"*part")
                && number.is_empty()
                && said.first().is_some_and(u8::is_ascii_digit)
            {
                *number = said.trim_ascii_end().to_vec();
            }
        }
    }

    /// Spines come, go or change their places.
    pub(super) fn doubt(&mut self) {
        self.doubtful = true;
    }

    /// Takes a line of data or barlines. After the first note of a measure there is nothing to count.
    pub(super) fn data(&mut self, line: &Line<'_>) {
        let bars = |cell: &[u8]| cell.first() == Some(&b'=');
        let is_bar = if line.width() == self.width {
            self.kern.iter().any(|&index| bars(line.cell(index)))
        } else {
            let (any, all) = (line.cells().any(bars), line.cells().all(bars));
            // Which columns are kern is not known here: one barline among others may stand beside the notes.
            self.doubtful |= any && !all;
            any
        };
        if !is_bar && !self.waits {
            return;
        }
        self.doubtful |= line.width() < self.width || (is_bar && self.dots);
        if is_bar {
            (self.waits, self.dots) = (true, false);
            return;
        }
        let is_new = |cell: &[u8]| !matches!(cell, [] | b"." | [b'!' | b'=', ..]);
        let sounds = if line.width() == self.width {
            self.kern.iter().any(|&index| is_new(line.cell(index)))
        } else {
            // Notes have digits; of columns that may have some too it is not known here whether they are kern.
            let sounds = line.cells().any(|cell| is_new(cell) && cell.iter().any(u8::is_ascii_digit));
            self.doubtful |= sounds && !self.only_words;
            sounds
        };
        if sounds {
            (self.waits, self.dots, self.begun) = (false, false, true);
            self.measures += 1;
        } else {
            self.dots = true;
        }
    }

    /// Parts, and measures of all parts; of spines that say one `*part`, `merged` makes one. `None` where the bytes do
    /// not tell.
    pub(super) fn counts(mut self, merged: bool) -> Option<(u64, u64)> {
        let mut parts = self.kern.len();
        if merged {
            self.numbers.sort();
            let same = |pair: &[Vec<u8>]| pair.first() == pair.last() && pair.iter().all(|n| !n.is_empty());
            parts -= self.numbers.windows(2).filter(|pair| same(pair)).count();
        }
        let parts = u64::try_from(parts).ok()?;
        (!self.doubtful).then_some((parts, self.measures * parts))
    }
}
