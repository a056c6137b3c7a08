//! How rows are packed: a byte that says which numbers are not those of the row before in the same part, how much later it
//! is than the row before, and by how much each of those numbers is another.

use super::time::{TICKS_PER_QUARTER, Ticks};

/// How many numbers a row has beside its onset and its part: one for each bit of a byte.
pub const NUMBERS: usize = 8;

/// Most times are multiples of this: notes down to 1/256, and triplets down to 1/64.
const UNIT: i64 = TICKS_PER_QUARTER / 192;
/// More units than this are written as ticks.
const UNITS_MAX: u64 = 1 << 40;

/// What can be packed.
pub trait Row: Copy {
    /// Which of the numbers is a span of time, if one is.
    const TIME: Option<usize>;

    /// When it begins.
    fn onset(&self) -> Ticks;

    /// Its part.
    fn part(&self) -> u16;

    /// All else of it.
    fn numbers(&self) -> [i64; NUMBERS];

    /// The row with those numbers.
    fn of(onset: Ticks, part: u16, numbers: [i64; NUMBERS]) -> Self;
}

/// Rows that are packed.
#[derive(Clone, Debug)]
pub(super) struct Block {
    bytes: Box<[u8]>,
    /// How many there are.
    pub(super) rows: usize,
    /// Whether they are in the order of their onsets, then parts.
    pub(super) sorted: bool,
    /// Onset and part of the first and of the last row.
    pub(super) first: (Ticks, u16),
    pub(super) last: (Ticks, u16),
}

impl Block {
    pub(super) fn pack<T: Row>(rows: &[T]) -> Self {
        let key = |row: &T| (row.onset(), row.part());
        let mut bytes = Vec::with_capacity(rows.len() * NUMBERS);
        let mut before = Before::default();
        for row in rows {
            let (onset, part) = key(row);
            let other = part != before.part;
            put_time(onset.0.wrapping_sub(before.onset.0), other, &mut bytes);
            if other {
                put(u64::from(part), &mut bytes);
            }
            (before.onset, before.part) = (onset, part);
            let (numbers, known) = (row.numbers(), before.numbers());
            let changes = || {
                numbers.iter().zip(&*known).zip(0_usize..).filter(|((number, before), _)| number != before)
            };
            bytes.push(changes().fold(0, |mask, (_, at)| mask | 1 << at));
            for ((number, before), at) in changes() {
                let more = number.wrapping_sub(*before);
                if T::TIME == Some(at) {
                    put_time(more, false, &mut bytes)
                } else {
                    put(zigzag(more), &mut bytes)
                }
            }
            *known = numbers;
        }
        let first = rows.first().map(key).unwrap_or_default();
        let last = rows.last().map(key).unwrap_or_default();
        Block { bytes: bytes.into(), rows: rows.len(), sorted: rows.is_sorted_by_key(key), first, last }
    }

    /// All of the rows.
    pub(super) fn unpack<T: Row>(&self) -> Vec<T> {
        let mut unpacking = Unpacking::default();
        let mut rows = Vec::with_capacity(self.rows);
        rows.extend(std::iter::from_fn(|| unpacking.next::<T>(self)));
        rows
    }

    /// How much memory they take.
    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        self.bytes.len()
    }
}

/// How far a block is unpacked.
#[derive(Clone, Debug, Default)]
pub(super) struct Unpacking {
    /// How many rows are.
    rows: usize,
    /// How many bytes they took.
    at: usize,
    before: Before,
}

impl Unpacking {
    /// The next row of the block.
    pub(super) fn next<T: Row>(&mut self, block: &Block) -> Option<T> {
        if self.rows == block.rows {
            return None;
        }
        self.rows += 1;
        let mut bytes = block.bytes.get(self.at..).unwrap_or_default();
        let (later, other) = take_time(&mut bytes);
        let onset = Ticks(self.before.onset.0.wrapping_add(later));
        let part = if other { take(&mut bytes) as u16 } else { self.before.part };
        (self.before.onset, self.before.part) = (onset, part);
        let known = self.before.numbers();
        let (&mask, rest) = bytes.split_first().unwrap_or((&0, &[]));
        bytes = rest;
        for (number, at) in known.iter_mut().zip(0_usize..).filter(|(_, at)| mask >> at & 1 == 1) {
            let more = if T::TIME == Some(at) { take_time(&mut bytes).0 } else { unzigzag(take(&mut bytes)) };
            *number = number.wrapping_add(more);
        }
        let row = T::of(onset, part, *known);
        self.at = block.bytes.len() - bytes.len();
        Some(row)
    }
}

/// What came before a row.
#[derive(Clone, Debug, Default)]
struct Before {
    onset: Ticks,
    part: u16,
    /// The numbers of the last row of each part.
    parts: Vec<[i64; NUMBERS]>,
    /// Stands in for what cannot be.
    none: [i64; NUMBERS],
}

impl Before {
    /// The numbers of the last row of this part.
    fn numbers(&mut self) -> &mut [i64; NUMBERS] {
        let part = usize::from(self.part);
        if self.parts.len() <= part {
            self.parts.resize(part + 1, [0; NUMBERS]);
        }
        self.parts.get_mut(part).unwrap_or(&mut self.none)
    }
}

/// Writes a span of time and a flag.
fn put_time(ticks: i64, flag: bool, bytes: &mut Vec<u8>) {
    let (units, flag) = (zigzag(ticks / UNIT), u64::from(flag) << 1);
    if ticks % UNIT == 0 && units < UNITS_MAX {
        put(units << 2 | flag, bytes);
    } else {
        put(flag | 1, bytes);
        put(zigzag(ticks), bytes);
    }
}

fn take_time(bytes: &mut &[u8]) -> (i64, bool) {
    let word = take(bytes);
    let ticks = if word & 1 == 0 { unzigzag(word >> 2) * UNIT } else { unzigzag(take(bytes)) };
    (ticks, word & 2 != 0)
}

/// Small numbers of either sign as small numbers.
const fn zigzag(number: i64) -> u64 {
    (number << 1 ^ number >> 63) as u64
}

const fn unzigzag(number: u64) -> i64 {
    (number >> 1) as i64 ^ -((number & 1) as i64)
}

/// Writes a number in groups of seven bits, the lowest first.
fn put(mut number: u64, bytes: &mut Vec<u8>) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

fn take(bytes: &mut &[u8]) -> u64 {
    let (mut number, mut shift) = (0, 0);
    while let Some((&byte, rest)) = bytes.split_first() {
        *bytes = rest;
        number |= u64::from(byte & 0x7F) << shift;
        shift += 7;
        // A number has ten bytes at most.
        if byte < 0x80 || shift > 63 {
            break;
        }
    }
    number
}
