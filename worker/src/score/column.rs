//! Rests, words and signs. A long score has many of each, and they are wanted one after the other: there most are packed, each
//! as what differs from the one before it in its part, in a fifth of the memory.

use super::packed::{Block, Row, Unpacking};
use super::sort::sort;
use super::time::Ticks;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// How many rows stand as they are before they are packed: all of a score that is not long.
const LOOSE_MAX: usize = 1 << 14;
/// Rows that there is room for once there is one.
const ROWS_AT_FIRST: usize = 32;

/// Rows in their order.
#[derive(Clone, Debug)]
pub struct Column<T> {
    blocks: Vec<Block>,
    /// How many rows they hold.
    packed: usize,
    /// What comes behind the blocks.
    loose: Vec<T>,
}

impl<T> Default for Column<T> {
    fn default() -> Self {
        Column { blocks: Vec::new(), packed: 0, loose: Vec::new() }
    }
}

impl<T: Row> Column<T> {
    /// How many rows there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.packed + self.loose.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.blocks.is_empty() && self.loose.is_empty()
    }

    /// The rows, one after the other.
    #[must_use]
    pub fn iter(&self) -> Rows<'_, T> {
        let mut blocks = self.blocks.iter();
        let open = blocks.next().map(|block| (block, Unpacking::default()));
        Rows { left: self.len(), open, blocks, loose: self.loose.iter() }
    }

    /// One of the rows; those before it are passed over one by one.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<T> {
        self.iter().nth(index)
    }

    /// One of the rows, where the next to be wanted is near it: `near` keeps what is packed together with it.
    #[inline]
    pub fn near(&self, index: usize, near: &mut Near<T>) -> Option<T> {
        match index.checked_sub(self.packed) {
            Some(loose) => self.loose.get(loose).copied(),
            None => {
                // Every block that another follows is full.
                let block = index / LOOSE_MAX;
                if near.block != Some(block) {
                    *near = Near { block: Some(block), rows: self.blocks.get(block)?.unpack() };
                }
                near.rows.get(index % LOOSE_MAX).copied()
            }
        }
    }

    /// For how many rows there is room.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.packed + self.loose.capacity()
    }

    /// Takes all rows out; the room stays.
    pub fn clear(&mut self) {
        self.blocks.clear();
        self.loose.clear();
        self.packed = 0;
    }

    /// Adds a row.
    #[inline]
    pub fn push(&mut self, row: T) {
        if self.loose.capacity() == 0 {
            self.loose.reserve(ROWS_AT_FIRST);
        }
        self.loose.push(row);
        if self.loose.len() == LOOSE_MAX {
            self.pack();
        }
    }

    fn pack(&mut self) {
        if !self.loose.is_empty() {
            self.blocks.push(Block::pack(&self.loose));
            self.packed += self.loose.len();
            self.loose.clear();
        }
    }

    /// Changes every row.
    pub(super) fn change(&mut self, mut change: impl FnMut(&mut T)) {
        for block in &mut self.blocks {
            let mut rows: Vec<T> = block.unpack();
            rows.iter_mut().for_each(&mut change);
            *block = Block::pack(&rows);
        }
        self.loose.iter_mut().for_each(change);
    }

    /// Sorts by onset, then part, and leaves the rest as the source has it.
    pub(super) fn sort(&mut self) {
        if self.blocks.is_empty() {
            sort(&mut self.loose, |row| row.onset(), |row| row.part());
            return;
        }
        self.pack();
        self.loose = Vec::new();
        for block in self.blocks.iter_mut().filter(|block| !block.sorted) {
            let mut rows: Vec<T> = block.unpack();
            rows.sort_by_key(|row| (row.onset(), row.part()));
            *block = Block::pack(&rows);
        }
        if !self.blocks.is_sorted_by(|before, next| before.last <= next.first) {
            self.merge();
        }
    }

    /// Merges blocks that are in order each. A block goes when its last row is taken.
    fn merge(&mut self) {
        let mut chains: Vec<Chain<T>> = Vec::new();
        let mut last = None;
        self.packed = 0;
        for block in std::mem::take(&mut self.blocks) {
            let follows = last.replace(block.last) <= Some(block.first);
            match chains.last_mut().filter(|_| follows) {
                Some(chain) => chain.blocks.push(block),
                None => chains.push(Chain::new(block)),
            }
        }
        let mut heads = BinaryHeap::with_capacity(chains.len());
        for (chain, index) in chains.iter_mut().zip(0_usize..) {
            chain.blocks.reverse();
            heads.extend(chain.next().map(|row| Head { row, index }));
        }
        while let Some(Head { mut row, index }) = heads.pop() {
            // Mostly the next row is of the same chain.
            loop {
                self.push(row);
                let Some(next) = chains.get_mut(index).and_then(Chain::next) else { break };
                let head = Head { row: next, index };
                if heads.peek().is_some_and(|other| *other > head) {
                    heads.push(head);
                    break;
                }
                row = next;
            }
        }
        self.loose.shrink_to_fit();
    }
}

/// Rows of a column that were packed together. Those of another column, or of one that was changed, are others.
#[derive(Clone, Debug)]
pub struct Near<T> {
    block: Option<usize>,
    rows: Vec<T>,
}

impl<T> Default for Near<T> {
    fn default() -> Self {
        Near { block: None, rows: Vec::new() }
    }
}

/// Blocks of which each begins where the one before it ends.
struct Chain<T> {
    open: (Block, Unpacking),
    /// Those behind it, the last first.
    blocks: Vec<Block>,
    row: std::marker::PhantomData<T>,
}

impl<T: Row> Chain<T> {
    fn new(block: Block) -> Self {
        Chain { open: (block, Unpacking::default()), blocks: Vec::new(), row: std::marker::PhantomData }
    }

    fn next(&mut self) -> Option<T> {
        let (block, unpacking) = &mut self.open;
        if let Some(row) = unpacking.next(block) {
            return Some(row);
        }
        self.open = (self.blocks.pop()?, Unpacking::default());
        let (block, unpacking) = &mut self.open;
        unpacking.next(block)
    }
}

/// The first row of a chain that was not taken. The greatest is the next to take.
struct Head<T> {
    row: T,
    index: usize,
}

impl<T: Row> Head<T> {
    fn key(&self) -> Reverse<(Ticks, u16, usize)> {
        Reverse((self.row.onset(), self.row.part(), self.index))
    }
}

impl<T: Row> PartialEq for Head<T> {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl<T: Row> Eq for Head<T> {}

impl<T: Row> PartialOrd for Head<T> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<T: Row> Ord for Head<T> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key().cmp(&other.key())
    }
}

/// The rows of a column, one after the other.
#[derive(Clone, Debug)]
pub struct Rows<'a, T> {
    left: usize,
    /// The block that is read.
    open: Option<(&'a Block, Unpacking)>,
    blocks: std::slice::Iter<'a, Block>,
    loose: std::slice::Iter<'a, T>,
}

impl<T: Row> Iterator for Rows<'_, T> {
    type Item = T;

    #[inline]
    fn next(&mut self) -> Option<T> {
        self.left = self.left.saturating_sub(1);
        while let Some((block, unpacking)) = &mut self.open {
            if let Some(row) = unpacking.next(block) {
                return Some(row);
            }
            self.open = self.blocks.next().map(|block| (block, Unpacking::default()));
        }
        self.loose.next().copied()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl<T: Row> ExactSizeIterator for Rows<'_, T> {}

impl<'a, T: Row> IntoIterator for &'a Column<T> {
    type Item = T;
    type IntoIter = Rows<'a, T>;

    fn into_iter(self) -> Rows<'a, T> {
        self.iter()
    }
}

impl<T: Row> FromIterator<T> for Column<T> {
    fn from_iter<I: IntoIterator<Item = T>>(rows: I) -> Self {
        let mut column = Column::default();
        rows.into_iter().for_each(|row| column.push(row));
        column
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Annotation, AnnotationKind, Flags, Rest};
    use super::*;
    use shared::place::Place;

    /// Rests of chance, in so many parts, one part after the other; some of them have no time that notes have.
    fn rests(parts: usize, spread: u64) -> Vec<Rest> {
        let mut random = 1_u64;
        let count = 3 * LOOSE_MAX + 777;
        let each = count / parts + 1;
        let rest = |at: usize| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let chance = random >> 33;
            let onset = Ticks::quarters((at % each) as i64 / 2 + (chance % spread) as i64);
            Rest {
                onset: if chance.is_multiple_of(7) { onset + Ticks(chance as i64) } else { onset },
                duration: Ticks(chance as i64 % 5 * 34_594_560),
                place: Place::line(at as u32 + 1, chance as u32 % 9),
                measure: (at % each) as u32 / 8,
                part: (at / each) as u16,
                flags: Flags::NONE.with_if(chance.is_multiple_of(3), Flags::WHOLE_MEASURE),
                voice: chance as u8 % 4,
                staff: 1,
            }
        };
        (0..count).map(rest).collect()
    }

    #[test]
    fn rows_come_back_as_they_were() {
        let rests = rests(3, 9);
        let mut column: Column<Rest> = rests.iter().copied().collect();
        assert_eq!((column.len(), column.blocks.len(), column.iter().len()), (rests.len(), 3, rests.len()));
        assert!(column.iter().eq(rests.iter().copied()));
        assert_eq!(column.get(LOOSE_MAX + 5), rests.get(LOOSE_MAX + 5).copied());
        assert_eq!(column.get(rests.len()), None);
        let mut near = Near::default();
        for at in [5, 6, LOOSE_MAX - 1, LOOSE_MAX, 3 * LOOSE_MAX - 1, 3 * LOOSE_MAX, rests.len(), 0] {
            assert_eq!(column.near(at, &mut near), rests.get(at).copied(), "{at}");
        }
        let mut skipped = column.iter();
        skipped.nth(LOOSE_MAX);
        assert_eq!(skipped.len(), rests.len() - LOOSE_MAX - 1);
        column.change(|rest| rest.onset += Ticks(1));
        assert!(column.iter().map(|rest| rest.onset).eq(rests.iter().map(|rest| rest.onset + Ticks(1))));
    }

    #[test]
    fn any_number_comes_back() {
        let extremes = [i64::MIN, -1, 0, 1, 135_135, i64::MAX];
        let word = |at: usize| {
            let onset = Ticks(extremes[at % extremes.len()]);
            let place =
                if at.is_multiple_of(2) { Place::byte(usize::MAX) } else { Place::line(u32::MAX, at as u32) };
            let mut word =
                Annotation::new(AnnotationKind::ALL[at % 11], u16::MAX * (at % 2) as u16, onset, place);
            (word.measure, word.text) = (u32::MAX * (at % 3 / 2) as u32, at as u32);
            (word.number, word.voice, word.staff) = (u8::MAX * (at % 5 / 4) as u8, at as u8, !(at as u8));
            word
        };
        let words: Vec<Annotation> = (0..LOOSE_MAX + 1).map(word).collect();
        let column: Column<Annotation> = words.iter().copied().collect();
        assert_eq!(column.blocks.len(), 1);
        assert!(column.iter().eq(words));
    }

    #[test]
    fn packed_rows_are_sorted_as_a_vector_is() {
        for (parts, spread) in [(1, 1), (1, 60_000), (4, 1), (7, 9), (900, 2)] {
            let mut rests = rests(parts, spread);
            let mut column: Column<Rest> = rests.iter().copied().collect();
            rests.sort_by_key(|rest| (rest.onset, rest.part));
            column.sort();
            assert!(column.iter().eq(rests), "{parts} parts, {spread}");
        }
    }

    #[test]
    fn a_packed_row_takes_a_fifth_of_its_memory() {
        // As music has them: a rest of an eighth every quarter, two in a measure, ten lines apart.
        let rest = |at: u32| Rest {
            onset: Ticks::quarters(i64::from(at)),
            duration: Ticks(69_189_120),
            place: Place::line(10 * at + 1, 7),
            measure: at / 2,
            part: 0,
            flags: Flags::NONE,
            voice: 1,
            staff: 1,
        };
        let column: Column<Rest> = (0..LOOSE_MAX as u32).map(rest).collect();
        let bytes: usize = column.blocks.iter().map(|block| block.bytes()).sum();
        assert!(bytes * 5 < LOOSE_MAX * size_of::<Rest>(), "{bytes}");
    }
}
