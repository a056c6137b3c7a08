//! How like two melodies are: the least work that turns the opening of one into that of the other.
//!
//! After Mongeau and Sankoff (Computers and the Humanities 24, 1990): a note is changed, put in or left out, or it falls
//! into several shorter ones, or several become one, each at the cost of the durations at stake. Unlike there, any two
//! different pitches are equally far apart, octaves aside, and either opening may end before the other, since openings
//! are cut by their number of notes.

use super::OpeningNote;

/// Notes that one note may fall into.
const PIECES_MAX: usize = 4;

/// Transpositions that are tried: those under which most of the sounding time agrees.
const TRANSPOSITIONS: usize = 2;

/// How like two openings are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Alignment {
    /// 1 for the same, 0 for nothing in common.
    pub score: f64,
    /// Semitones, from 0 to 11, by which the second is higher than the first, both counted from their first notes.
    pub transposition: u8,
}

/// The best alignment of two openings; nothing of nothing, and of what cannot reach the least score.
#[must_use]
pub fn align(one: &[OpeningNote], other: &[OpeningNote], least: f64) -> Option<Alignment> {
    let mut agreement = agreement(one, other);
    agreement.sort_by_key(|&(transposition, time)| (std::cmp::Reverse(time), transposition));
    let tried = agreement.iter().take(TRANSPOSITIONS).filter_map(|&(transposition, _)| {
        let score = Table { one, other, transposition: i32::from(transposition) }.score(least)?;
        Some(Alignment { score, transposition })
    });
    tried.reduce(|best, next| if next.score > best.score { next } else { best })
}

/// For each transposition, how much time the two spend on the same pitch classes.
fn agreement(one: &[OpeningNote], other: &[OpeningNote]) -> Vec<(u8, u64)> {
    let times = |notes: &[OpeningNote]| {
        let mut times = [0_u64; 12];
        for note in notes {
            let class = usize::from(note.semitones.rem_euclid(12).unsigned_abs());
            if let Some(time) = times.get_mut(class) {
                *time += u64::from(note.duration);
            }
        }
        times
    };
    let (here, there) = (times(one), times(other));
    let shared = |by: u8| {
        let turned = there.iter().cycle().skip(usize::from(by));
        here.iter().zip(turned).map(|(a, b)| a.min(b)).sum()
    };
    (0..12).map(|by| (by, shared(by))).collect()
}

struct Table<'a> {
    one: &'a [OpeningNote],
    other: &'a [OpeningNote],
    transposition: i32,
}

impl Table<'_> {
    /// 1 less the cost over all the time that was compared, at the best end.
    fn score(&self, least: f64) -> Option<f64> {
        let (rows, width) = (self.one.len(), self.other.len() + 1);
        let (above, left) = (sums(self.one), sums(self.other));
        // The rows of before, the nearest one last: a note may stand for several above it.
        let mut table: Vec<Vec<u64>> = vec![left.clone()];
        let mut best: Option<f64> = None;
        let time = above.last()? + left.last()?;
        let most = (1.0 - least) * time as f64;
        // The least costs of the rows of before: a row is made from so many, and costs never fall.
        let mut cheapest = [0; PIECES_MAX];
        for row in 1..=rows {
            let mut costs = Vec::with_capacity(width);
            for column in 0..width {
                costs.push(self.cost(row, column, &table, &costs));
            }
            for (column, &cost) in costs.iter().enumerate() {
                // One of the two has ended, and not long before the other.
                let ended = (row == rows && column * 4 >= (width - 1) * 3)
                    || (column == width - 1 && row * 4 >= rows * 3);
                let time = above.get(row)? + left.get(column)?;
                if ended && time > 0 {
                    let score = 1.0 - cost as f64 / time as f64;
                    best = Some(best.map_or(score, |best| best.max(score)));
                }
            }
            cheapest.rotate_left(1);
            if let (Some(slot), Some(&cost)) = (cheapest.last_mut(), costs.iter().min()) {
                *slot = cost;
            }
            if cheapest.iter().all(|&cost| cost as f64 > most) {
                break;
            }
            table.push(costs);
        }
        best.filter(|&best| best >= least)
    }

    /// The least cost of the first notes of both, so many of each.
    fn cost(&self, row: usize, column: usize, table: &[Vec<u64>], costs: &[u64]) -> u64 {
        let before = |up: usize, back: usize| {
            let (row, column) = (row.checked_sub(up)?, column.checked_sub(back)?);
            if up == 0 { costs.get(column).copied() } else { table.get(row)?.get(column).copied() }
        };
        let here = row.checked_sub(1).and_then(|row| self.one.get(row));
        let there = column.checked_sub(1).and_then(|column| self.other.get(column));
        let mut least = u64::MAX;
        if let (Some(here), Some(cost)) = (here, before(1, 0)) {
            least = least.min(cost + u64::from(here.duration));
        }
        if let (Some(there), Some(cost)) = (there, before(0, 1)) {
            least = least.min(cost + u64::from(there.duration));
        }
        let (Some(here), Some(there)) = (here, there) else { return least };
        let (mut one, mut many) = (0, 0);
        let mut same = true;
        for pieces in 1..=PIECES_MAX.min(row) {
            let Some(piece) = self.one.get(row - pieces) else { break };
            one += u64::from(piece.duration);
            same &= self.same(piece, there);
            if let Some(cost) = before(pieces, 1).filter(|_| pieces == 1 || same) {
                least = least.min(cost + change(one, u64::from(there.duration), same));
            }
        }
        same = self.same(here, there);
        many += u64::from(there.duration);
        for pieces in 2..=PIECES_MAX.min(column) {
            let Some(piece) = self.other.get(column - pieces) else { break };
            many += u64::from(piece.duration);
            same &= self.same(here, piece);
            if let Some(cost) = before(1, pieces).filter(|_| same) {
                least = least.min(cost + change(u64::from(here.duration), many, true));
            }
        }
        least
    }

    fn same(&self, here: &OpeningNote, there: &OpeningNote) -> bool {
        (i32::from(there.semitones) - i32::from(here.semitones) - self.transposition).rem_euclid(12) == 0
    }
}

/// The cost of one duration for another: what they differ by, and of another pitch all that they share, twice.
fn change(one: u64, other: u64, same: bool) -> u64 {
    one.abs_diff(other) + if same { 0 } else { 2 * one.min(other) }
}

/// The time up to each note.
fn sums(notes: &[OpeningNote]) -> Vec<u64> {
    let mut sum = 0;
    let mut sums = vec![0];
    sums.extend(notes.iter().map(|note| {
        sum += u64::from(note.duration);
        sum
    }));
    sums
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notes(notes: &[(i8, u16)]) -> Vec<OpeningNote> {
        notes.iter().map(|&(semitones, duration)| OpeningNote { semitones, duration }).collect()
    }

    fn score(one: &[(i8, u16)], other: &[(i8, u16)]) -> f64 {
        align(&notes(one), &notes(other), 0.0).map_or(f64::NAN, |alignment| alignment.score)
    }

    const TUNE: [(i8, u16); 8] = [(0, 24), (2, 24), (4, 24), (5, 24), (7, 48), (7, 48), (9, 24), (9, 24)];

    #[test]
    fn the_same_is_one_from_whichever_note_it_is_counted() {
        let from_second = TUNE.map(|(semitones, duration)| (semitones - 2, duration));
        let alignment = align(&notes(&TUNE), &notes(&from_second), 0.9).unwrap();
        assert_eq!((alignment.score, alignment.transposition), (1.0, 10));
        assert_eq!(align(&notes(&TUNE), &[], 0.9), None);
    }

    /// A half note that is played as two quarters costs nothing, one note changed twice its duration of 480, one left
    /// out its duration of 456.
    #[test]
    fn costs_by_hand() {
        let mut broken = TUNE.to_vec();
        broken.splice(4..5, [(7, 24), (7, 24)]);
        assert!((score(&TUNE, &broken) - 1.0).abs() < 1e-12);
        assert!((score(&broken, &TUNE) - 1.0).abs() < 1e-12);
        let mut changed = TUNE.to_vec();
        changed[2].0 = 3;
        assert!((score(&TUNE, &changed) - (1.0 - 48.0 / 480.0)).abs() < 1e-12);
        let mut shorter = TUNE.to_vec();
        shorter.remove(2);
        assert!((score(&TUNE, &shorter) - (1.0 - 24.0 / 456.0)).abs() < 1e-12);
    }

    #[test]
    fn it_is_the_same_both_ways_and_from_nothing_to_one() {
        let tunes: Vec<Vec<(i8, u16)>> = (1..8_i32)
            .map(|seed| {
                (0..20_i32)
                    .map(|index| {
                        let pitch = (index * index * seed + index) % 13;
                        (
                            i8::try_from(pitch).unwrap(),
                            [12, 24, 36, 48][usize::try_from(index * seed % 4).unwrap()],
                        )
                    })
                    .collect()
            })
            .collect();
        for one in &tunes {
            for other in &tunes {
                let (one, other) = (notes(one), notes(other));
                for transposition in 0..12 {
                    let there = Table { one: &one, other: &other, transposition }.score(0.0).unwrap();
                    let back =
                        Table { one: &other, other: &one, transposition: -transposition }.score(0.0).unwrap();
                    assert!((0.0..=1.0).contains(&there), "{there}");
                    assert!((there - back).abs() < 1e-12, "{there} {back}");
                    // To give up early never loses what is good enough.
                    for least in [0.5, 0.7, 0.9] {
                        let early = Table { one: &one, other: &other, transposition }.score(least);
                        assert_eq!(early, Some(there).filter(|&there| there >= least));
                    }
                }
            }
        }
    }
}
