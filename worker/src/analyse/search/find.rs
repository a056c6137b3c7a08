//! Where a query stands in a melody, exactly or within some edits.

use super::query::Query;
use crate::analyse::melody::Sung;
use crate::analyse::viewpoint::Clock;

/// A stretch of a run of notes that is near the query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// Its first note.
    pub(super) from: usize,
    /// The note after its last.
    pub(super) to: usize,
    /// Elements to put in, leave out or change.
    pub(super) edits: u32,
}

/// Every place of a run of notes where the query stands within so many edits (Sellers, J. Algorithms 1, 1980): for each
/// end the nearest stretch, the shortest of several. Of those that overlap, when edits are allowed, the one with fewer
/// edits is kept, then the earlier one.
pub(super) fn find(query: &Query, run: &[Sung], clock: Clock, most: u32) -> Vec<Found> {
    let elements = if query.extra() == 0 { run.len() } else { run.len().saturating_sub(1) };
    // For each number of elements of the query: the least edits of any stretch that ends here, and where it begins.
    let mut column: Vec<(u32, usize)> =
        (0..=u32::try_from(query.len()).unwrap_or(0)).map(|edits| (edits, 0)).collect();
    let mut same = Vec::with_capacity(query.len());
    let mut found = Vec::new();
    for (index, note) in run.iter().take(elements).enumerate() {
        same.clear();
        query.matches(note, run.get(index + 1), clock, |is| same.push(is));
        let mut diagonal = (0, index);
        let mut left = (0, index + 1);
        if let Some(first) = column.first_mut() {
            *first = left;
        }
        for (slot, &is) in column.iter_mut().skip(1).zip(&same) {
            let changed = (diagonal.0 + u32::from(!is), diagonal.1);
            let best = [changed, (slot.0 + 1, slot.1), (left.0 + 1, left.1)];
            let best = best.into_iter().min_by_key(|&(edits, from)| (edits, std::cmp::Reverse(from)));
            diagonal = *slot;
            *slot = best.unwrap_or(changed);
            left = *slot;
        }
        if let Some(&(edits, from)) = column.last()
            && edits <= most
            && from <= index
        {
            found.push(Found { from, to: index + 1 + query.extra(), edits });
        }
    }
    if most == 0 { found } else { apart(found) }
}

/// Those that do not overlap with a better one.
fn apart(mut found: Vec<Found>) -> Vec<Found> {
    found.sort_by_key(|found| (found.edits, found.from, found.to));
    let mut kept: std::collections::BTreeMap<usize, Found> = std::collections::BTreeMap::new();
    for one in found {
        let before = kept.range(..one.to).next_back();
        if before.is_none_or(|(_, other)| other.to <= one.from) {
            kept.insert(one.from, one);
        }
    }
    kept.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::score::{Pitch, Ticks};
    use shared::place::Place;

    fn run(keys: &[i32]) -> Vec<Sung> {
        let note = |(index, &key): (i64, &i32)| Sung {
            onset: Ticks::quarters(index),
            length: Ticks::quarters(1),
            step: Ticks::quarters(1),
            place: Place::START,
            pitch: Pitch::from_key(key),
            after_rest: false,
        };
        (0..).zip(keys).map(note).collect()
    }

    fn spans(query: &str, keys: &[i32], most: u32) -> Vec<(usize, usize, u32)> {
        let found = find(&Query::parse(query).unwrap(), &run(keys), Clock::of(None), most);
        found.iter().map(|found| (found.from, found.to, found.edits)).collect()
    }

    #[test]
    fn exact_places_may_overlap() {
        assert_eq!(spans("+2 +2", &[60, 62, 64, 66, 60], 0), [(0, 3, 0), (1, 4, 0)]);
        assert_eq!(spans("C D", &[60, 74, 60, 62], 0), [(0, 2, 0), (2, 4, 0)]);
        assert_eq!(spans("C4 D4", &[60, 74, 60, 62], 0), [(2, 4, 0)]);
        assert_eq!(spans("UD", &[60, 65, 61, 61], 0), [(0, 3, 0)]);
        assert_eq!(spans("+1 +1", &[], 0), []);
    }

    /// C D E F with the E left out, with another note put in, and with F sharp for F.
    #[test]
    fn edits_are_counted_by_hand() {
        assert_eq!(spans("C D E F", &[59, 60, 62, 65, 67], 1), [(1, 4, 1)]);
        assert_eq!(spans("C D E F", &[60, 62, 69, 64, 65], 1), [(0, 5, 1)]);
        assert_eq!(spans("C D E F", &[60, 62, 64, 66], 1), [(0, 3, 1)]);
        assert_eq!(spans("C D E F", &[60, 61, 63, 66], 1), []);
    }

    /// Against the distance of every stretch, made in full.
    #[test]
    fn every_end_has_the_least_distance_of_any_stretch_that_ends_there() {
        let distance = |a: &[i32], b: &[i32]| {
            let mut row: Vec<usize> = (0..=b.len()).collect();
            for (i, x) in a.iter().enumerate() {
                let mut next = vec![i + 1];
                for (j, y) in b.iter().enumerate() {
                    next.push((row[j] + usize::from(x != y)).min(row[j + 1] + 1).min(next[j] + 1));
                }
                row = next;
            }
            row[b.len()]
        };
        let keys: Vec<i32> = (0..120_i32).map(|index| 60 + (index * index * 7 / 5) % 6).collect();
        let classes = [0, 3, 1, 4, 2];
        let query = Query::Notes(classes.map(|class| (class, false)).to_vec());
        for most in 0..3 {
            let exact = find(&query, &run(&keys), Clock::of(None), most);
            let played: Vec<i32> = keys.iter().map(|key| key % 12).collect();
            let near = |to: usize| (0..to).any(|from| distance(&played[from..to], &classes) <= most as usize);
            for found in &exact {
                assert_eq!(distance(&played[found.from..found.to], &classes), found.edits as usize);
            }
            // Each end that is near enough is told, or overlaps with one that is at least as good.
            for to in (1..=keys.len()).filter(|&to| near(to)) {
                assert!(exact.iter().any(|found| found.from < to && to <= found.to + 5), "{most} {to}");
            }
        }
    }
}
