//! The metrical level of a place in a measure, without a table: levels are divisions of the measure.

use crate::score::{Meter, Ticks};

/// The levels of one meter: the measure, its groups, and what each group divides into.
pub(in crate::analyse) struct Accents {
    bar: Ticks,
    /// How many units (of the lower number) a measure has.
    units: u32,
    /// The unit at which each group starts: equal groups, or the summands of an additive meter.
    groups: Groups,
}

enum Groups {
    /// So many equal groups.
    Equal(u32),
    /// Groups that start at these units.
    At(Vec<u32>),
}

impl Accents {
    /// The levels of a meter; none without measures.
    pub(super) fn of(meter: &Meter) -> Option<Self> {
        let (bar, units) = (meter.measure_duration()?, meter.count());
        let groups = match &*meter.beats {
            [_] => Groups::Equal(equal_groups(units)),
            [first, rest @ ..] if rest.iter().all(|beats| beats == first) => {
                Groups::Equal(first_division(u32::try_from(meter.beats.len()).ok()?))
            }
            beats => Groups::At(
                beats
                    .iter()
                    .scan(0_u32, |start, &beats| {
                        let this = *start;
                        *start = start.saturating_add(u32::from(beats));
                        Some(this)
                    })
                    .collect(),
            ),
        };
        Some(Accents { bar, units, groups })
    }

    /// Length of a full measure.
    pub(super) fn bar(&self) -> Ticks {
        self.bar
    }

    /// Length of a beat: the lower number, or three of it in compound meters.
    pub(in crate::analyse) fn beat(&self) -> Ticks {
        let compound = match self.groups {
            Groups::Equal(_) => {
                matches!(self.units, 6 | 9 | 12) || (self.units >= 15 && self.units.is_multiple_of(3))
            }
            Groups::At(_) => false,
        };
        let unit = self.bar.0 / i64::from(self.units.max(1));
        Ticks(if compound { unit * 3 } else { unit }.max(1))
    }

    /// The level of a position, 0 for the downbeat. Past the end of a full measure it starts anew.
    pub(super) fn level(&self, position: Ticks) -> usize {
        let position = position.0.rem_euclid(self.bar.0);
        if position == 0 {
            return 0;
        }
        // Positions are compared as fractions of the measure, in units over `bar` ticks: no rounding.
        let bar = i128::from(self.bar.0);
        let place = i128::from(position) * i128::from(self.units);
        match &self.groups {
            Groups::Equal(count) => {
                finer(place, bar * i128::from(self.units), [*count].into_iter().chain(self.inner(*count)))
            }
            Groups::At(starts) => {
                let after = starts.partition_point(|&start| i128::from(start) * bar <= place);
                let start = after.checked_sub(1).and_then(|index| starts.get(index)).copied().unwrap_or(0);
                let end = starts.get(after).copied().unwrap_or(self.units);
                let inside = place - i128::from(start) * bar;
                if inside == 0 {
                    return 1;
                }
                let span = end.saturating_sub(start).max(1);
                1 + finer(inside, i128::from(span) * bar, additive_divisions(span))
            }
        }
    }
}

impl Accents {
    /// The level of the strongest place after `from` and before `to`, both counted from a downbeat; none if only places
    /// of no level lie between them.
    pub(super) fn strongest(&self, from: Ticks, to: Ticks) -> Option<usize> {
        let bar = i128::from(self.bar.0);
        let (from, to) = (i128::from(from.0), i128::from(to.0));
        if starts_between(from, to, bar, 1) {
            return Some(0);
        }
        // Within one measure, as fractions of it: in units over `bar` ticks.
        let units = i128::from(self.units);
        let downbeat = from.div_euclid(bar) * bar;
        let (from, to) = ((from - downbeat) * units, (to - downbeat) * units);
        match &self.groups {
            Groups::Equal(count) => {
                let divisions = [*count].into_iter().chain(self.inner(*count));
                strongest(from, to, bar * units, divisions).map(|level| level + 1)
            }
            Groups::At(starts) => {
                let after = starts.partition_point(|&start| i128::from(start) * bar <= from);
                let next = starts.get(after).copied();
                if next.is_some_and(|start| i128::from(start) * bar < to) {
                    return Some(1);
                }
                let start = after.checked_sub(1).and_then(|index| starts.get(index)).copied().unwrap_or(0);
                let span = next.unwrap_or(self.units).saturating_sub(start).max(1);
                let start = i128::from(start) * bar;
                let divisions = additive_divisions(span);
                strongest(from - start, to - start, i128::from(span) * bar, divisions).map(|level| level + 2)
            }
        }
    }

    /// The two divisions inside each of so many equal groups.
    fn inner(&self, groups: u32) -> [u32; 2] {
        let group = self.units / groups.max(1);
        if group * groups == self.units { equal_divisions(group) } else { [2, 2] }
    }
}

/// Whether one of the `spans` equal spans of `whole` starts after `from` and before `to`.
fn starts_between(from: i128, to: i128, whole: i128, spans: i128) -> bool {
    let next = from.saturating_mul(spans).div_euclid(whole) + 1;
    next.saturating_mul(whole) < to.saturating_mul(spans)
}

/// The first division, counted from 0, of which a span starts after `from` and before `to`.
fn strongest(from: i128, to: i128, whole: i128, divisions: impl Iterator<Item = u32>) -> Option<usize> {
    let mut spans = 1_i128;
    for (level, division) in divisions.enumerate() {
        spans *= i128::from(division);
        if starts_between(from, to, whole, spans) {
            return Some(level);
        }
    }
    None
}

/// The first level, counted from 1, whose spans one starts at `place` of `whole`; one past the last if none does.
fn finer(place: i128, whole: i128, divisions: impl Iterator<Item = u32>) -> usize {
    let (mut level, mut spans) = (1, 1_i128);
    for division in divisions {
        spans *= i128::from(division);
        if place.saturating_mul(spans) % whole == 0 {
            return level;
        }
        level += 1;
    }
    level
}

/// How many groups a measure of that many units has: music21 counts beats (compound above 3 in threes) and halves
/// powers of two.
fn equal_groups(units: u32) -> u32 {
    let beats = match units {
        6 => 2,
        9 => 3,
        12 => 4,
        _ if units >= 15 && units.is_multiple_of(3) => units / 3,
        _ => units,
    };
    first_division(beats)
}

fn first_division(beats: u32) -> u32 {
    if matches!(beats, 1 | 2 | 4 | 8 | 16 | 32) { 2 } else { beats.max(1) }
}

/// The two divisions of each equal group of so many units.
fn equal_divisions(units: u32) -> [u32; 2] {
    match units {
        3 => [3, 2],
        0 | 1 | 2 | 4 | 8 | 16 | 32 | 64 => [2, 2],
        _ if units.is_multiple_of(3) => [units / 3, 3],
        _ => [units, 2],
    }
}

/// The divisions of a group of an additive meter: by halves if it can be, to the unit, and half of that.
fn additive_divisions(units: u32) -> impl Iterator<Item = u32> {
    let (halvings, last) =
        if units.is_power_of_two() { (units.trailing_zeros().max(1), 1) } else { (0, units.max(1)) };
    let halves = (0..halvings).map(|_| 2);
    halves.chain((last > 1).then_some(last)).chain(Some(2))
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::place::Place;

    /// Weights of music21 10.5.1, `[m.weight for m in TimeSignature(…).accentSequence]`, as exponents of 1/2.
    const CASES: [(&[u16], u16, &str); 16] = [
        (&[2], 4, "03231323"),
        (&[3], 4, "032313231323"),
        (&[4], 4, "03231323"),
        (&[1], 4, "03231323"),
        (&[5], 4, "03231323132313231323"),
        (&[6], 8, "032323132323"),
        (&[9], 8, "032323132323132323"),
        (&[12], 8, "033233133233"),
        (&[8], 4, "03231323"),
        (&[24], 16, "033233233233133233233233"),
        (&[15], 8, "032323132323132323132323132323"),
        (&[3, 2], 8, "0323231323"),
        (&[2, 3], 8, "0323132323"),
        (&[3, 3, 2], 8, "0323231323231323"),
        (&[4, 3], 8, "04342434132323"),
        (&[3, 3, 3], 8, "032323132323132323"),
    ];

    #[test]
    fn levels_are_those_of_music21() {
        for (beats, unit, levels) in CASES {
            let meter = Meter {
                onset: Ticks::ZERO,
                measure: 0,
                part: 0,
                beats: beats.into(),
                unit,
                place: Place::START,
            };
            let accents = Accents::of(&meter).unwrap();
            let cells = levels.len() as i64;
            let found: String = (0..cells)
                .map(|cell| accents.level(Ticks(accents.bar().0 / cells * cell)).to_string())
                .collect();
            assert_eq!(found, levels, "{}", meter.text());
            // The strongest place between two is the strongest of all places between them.
            let place = |cell: i64| Ticks(accents.bar().0 / cells * cell);
            for (from, to) in (0..2 * cells).flat_map(|from| (from..=2 * cells).map(move |to| (from, to))) {
                let between = (from + 1..to).map(|cell| accents.level(place(cell))).min();
                let strongest = accents.strongest(place(from), place(to));
                assert_eq!(strongest, between, "{} from {from} to {to}", meter.text());
            }
            let off = accents.level(Ticks(accents.bar().0 / cells / 3));
            assert_eq!(off, if beats == [4, 3] { 5 } else { 4 }, "{}", meter.text());
            assert_eq!(accents.level(accents.bar()), 0);
        }
    }
}
