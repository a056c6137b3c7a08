//! A score as it is played: its measures laid out in the order that repeats and jumps give.

use super::annotation::Annotation;
use super::note::{KeySignature, Measure, Meter, Note, Rest, Tempo};
use super::order::{lead, order, slot};
use super::time::Ticks;
use super::{Score, Warning};
use shared::failure::Failure;
use shared::limits::{Limits, exceeded};
use std::collections::BTreeMap;

/// Whether repeats count once, or as often as they are played.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Repeats {
    /// Measures in the order in which they are written.
    #[default]
    Written,
    /// Measures in the order in which they are played.
    Expanded,
    /// The same, but each repeat is played once, by its last ending.
    Once,
}

impl Repeats {
    /// Every choice.
    pub const ALL: [Repeats; 3] = [Repeats::Written, Repeats::Expanded, Repeats::Once];

    /// Name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Repeats::Written => "written",
            Repeats::Expanded => "expanded",
            Repeats::Once => "once",
        }
    }
}

/// The score with its measures in the order in which they are played, each with the number that is printed on it.
///
/// # Errors
/// `too_large` when the order or what is laid out by it passes a limit.
pub fn expanded(score: Score, limits: &Limits) -> Result<Score, Failure> {
    laid_out(score, Repeats::Expanded, limits)
}

/// The score with its measures in the order that `repeats` names, each with the number that is printed on it.
///
/// # Errors
/// `too_large` when the order or what is laid out by it passes a limit.
pub fn laid_out(mut score: Score, repeats: Repeats, limits: &Limits) -> Result<Score, Failure> {
    if score.marks.is_empty() || repeats == Repeats::Written {
        return Ok(score);
    }
    let order = order(&score, repeats == Repeats::Once, limits)?;
    for warning in order.warnings {
        score.warning_count += 1;
        if (score.warnings.len() as u64) < limits.warnings_max {
            score.warnings.push(Warning { ..warning });
        }
    }
    if order.measures.iter().copied().eq(0..u32::try_from(lead(&score).len()).unwrap_or(u32::MAX)) {
        score.marks.clear();
        score.arrangement.clear();
        score.short_arrangement.clear();
        return Ok(score);
    }
    Layout::of(&score, &order.measures, limits)?.lay(score, limits)
}

/// One measure of the lead, with those of the other parts that begin within it.
#[derive(Clone, Debug)]
struct Slot {
    onset: Ticks,
    length: Ticks,
    /// Ranks of its measures among those of the score.
    measures: Vec<u32>,
}

/// One playing of a slot.
#[derive(Clone, Copy, Debug)]
struct Turn {
    slot: usize,
    onset: Ticks,
    /// It does not follow what stands before it in the source.
    jumps: bool,
}

struct Layout {
    slots: Vec<Slot>,
    /// Slot of each measure of the score, and how many measures come before it in its slot and part.
    slot_of: Vec<(usize, u32)>,
    /// Rank of the first measure of each part, and how many there are.
    first: Vec<(usize, usize)>,
    turns: Vec<Turn>,
    /// For each turn, the index that the first measure of each of its parts has: the part and the index.
    bases: Vec<Vec<(u16, u32)>>,
}

impl Layout {
    fn of(score: &Score, order: &[u32], limits: &Limits) -> Result<Self, Failure> {
        let lead = lead(score);
        let mut slots: Vec<Slot> = lead
            .iter()
            .map(|measure| Slot { onset: measure.onset, length: Ticks::ZERO, measures: Vec::new() })
            .collect();
        let mut slot_of = Vec::with_capacity(score.measures.len());
        let mut before: Option<(u16, usize, u32)> = None;
        for (measure, rank) in score.measures.iter().zip(0_u32..) {
            let index = slot(lead, measure);
            let within = match before {
                Some((part, slot, within)) if (part, slot) == (measure.part, index) => within + 1,
                _ => 0,
            };
            before = Some((measure.part, index, within));
            slot_of.push((index, within));
            if let Some(slot) = slots.get_mut(index) {
                slot.measures.push(rank);
                slot.length = slot.length.max(measure.onset + measure.duration - slot.onset);
            }
        }
        // A measure of another part may reach over the lead's next one: only the last slot has no next one.
        let mut next = None;
        for slot in slots.iter_mut().rev() {
            slot.length = next.map_or(slot.length, |next: Ticks| next - slot.onset).max(Ticks::ZERO);
            next = Some(slot.onset);
        }
        let count = |part: usize| u16::try_from(part).map_or(0, |part| score.measures_of(part).len());
        let first = (0..score.parts.len()).scan(0, |first, part| {
            let this = (*first, count(part));
            *first += this.1;
            Some(this)
        });
        let first = first.collect();
        let mut layout = Layout { slots, slot_of, first, turns: Vec::new(), bases: Vec::new() };
        layout.take_turns(score, order, limits)?;
        Ok(layout)
    }

    /// Gives each playing of a slot its time, and its measures their indices.
    fn take_turns(&mut self, score: &Score, order: &[u32], limits: &Limits) -> Result<(), Failure> {
        let (mut onset, mut follows, mut measures) = (Ticks::ZERO, 0, 0);
        let mut next = vec![0_u32; score.parts.len()];
        for &index in order {
            let index = index as usize;
            let Some(slot) = self.slots.get(index) else { continue };
            measures += slot.measures.len() as u64;
            if measures > limits.measures_max {
                return Err(exceeded("measures_max", limits.measures_max, None));
            }
            self.turns.push(Turn { slot: index, onset, jumps: index != follows });
            (onset, follows) = (onset + slot.length, index + 1);
            let mut bases: Vec<(u16, u32)> = Vec::new();
            for measure in slot.measures.iter().filter_map(|&rank| score.measures.get(rank as usize)) {
                let Some(next) = next.get_mut(usize::from(measure.part)) else { continue };
                if bases.last().is_none_or(|base| base.0 != measure.part) {
                    bases.push((measure.part, *next));
                }
                *next += 1;
            }
            self.bases.push(bases);
        }
        if onset > Ticks::quarters(i64::try_from(limits.quarters_max).unwrap_or(i64::MAX)) {
            return Err(exceeded("quarters_max", limits.quarters_max, None));
        }
        Ok(())
    }

    /// Slot of something in a measure, and how many measures of its part and slot come before that.
    fn slot_of(&self, part: u16, measure: u32, onset: Ticks) -> (usize, u32) {
        let rank = self.first.get(usize::from(part)).filter(|&&(_, count)| (measure as usize) < count);
        let known = rank.and_then(|&(first, _)| self.slot_of.get(first + measure as usize)).copied();
        // What stands in no measure is where its time is.
        known.unwrap_or_else(|| (self.slots.partition_point(|slot| slot.onset <= onset).saturating_sub(1), 0))
    }

    fn lay(&self, score: Score, limits: &Limits) -> Result<Score, Failure> {
        let mut laid = Score {
            marks: Vec::new(),
            arrangement: Vec::new(),
            short_arrangement: Vec::new(),
            slices: Default::default(),
            measure_slices: Default::default(),
            ..score
        };
        let rests: Vec<Rest> = laid.rests.iter().collect();
        let words: Vec<Annotation> = laid.annotations.iter().collect();
        let sizes = [self.size(&laid.notes), self.size(&rests)];
        if sizes.iter().sum::<u64>() > limits.notes_max {
            return Err(exceeded("notes_max", limits.notes_max, None));
        }
        if self.size(&words) > limits.annotations_max {
            return Err(exceeded("annotations_max", limits.annotations_max, None));
        }
        laid.notes = self.sounding(&laid.notes);
        laid.rests = self.sounding(&rests).into_iter().collect();
        laid.annotations = self.sounding(&words).into_iter().collect();
        laid.meters = self.standing(&laid.meters);
        laid.keys = self.standing(&laid.keys);
        laid.tempi = self.standing(&laid.tempi);
        self.parts(&mut laid);
        let mut measures = Vec::new();
        for (turn, bases) in self.turns.iter().zip(&self.bases) {
            let Some(slot) = self.slots.get(turn.slot) else { continue };
            for &rank in &slot.measures {
                let Some(measure) = laid.measures.get(rank as usize) else { continue };
                let within = self.slot_of.get(rank as usize).map_or(0, |found| found.1);
                let onset = measure.onset - slot.onset + turn.onset;
                measures.push(Measure { index: base(bases, measure.part) + within, onset, ..*measure });
            }
        }
        measures.sort_by_key(|measure| (measure.part, measure.index));
        laid.measures = measures;
        Ok(laid)
    }

    /// How many of `things` there will be.
    fn size<T: Placed>(&self, things: &[T]) -> u64 {
        let mut counts = vec![0_u64; self.slots.len()];
        for thing in things {
            if let Some(count) = counts.get_mut(self.slot_of(thing.part(), thing.measure(), thing.onset()).0)
            {
                *count += 1;
            }
        }
        self.turns.iter().filter_map(|turn| counts.get(turn.slot)).sum()
    }

    /// What stands in each slot, in order.
    fn by_slot<'t, T: Placed>(&self, things: &'t [T]) -> Vec<Vec<&'t T>> {
        let mut slots = vec![Vec::new(); self.slots.len()];
        for thing in things {
            let (slot, _) = self.slot_of(thing.part(), thing.measure(), thing.onset());
            if let Some(slot) = slots.get_mut(slot) {
                slot.push(thing);
            }
        }
        slots
    }

    /// `thing` as it is in a turn.
    fn moved<T: Placed>(&self, thing: &T, turn: &Turn, bases: &[(u16, u32)]) -> T {
        let start = self.slots.get(turn.slot).map_or(Ticks::ZERO, |slot| slot.onset);
        let (_, within) = self.slot_of(thing.part(), thing.measure(), thing.onset());
        let onset = thing.onset() - start + turn.onset;
        thing.at(onset, base(bases, thing.part()).saturating_add(within))
    }

    /// Notes or rests: all of every turn.
    fn sounding<T: Placed>(&self, things: &[T]) -> Vec<T> {
        let slots = self.by_slot(things);
        let mut laid = Vec::new();
        for (turn, bases) in self.turns.iter().zip(&self.bases) {
            let here = slots.get(turn.slot).into_iter().flatten();
            laid.extend(here.map(|thing| self.moved(*thing, turn, bases)));
        }
        laid.sort_by_key(|thing| (thing.onset(), thing.part()));
        laid
    }

    /// Signatures or tempi: where a turn does not follow what stands before it, what held there is said again, and
    /// what is said again without a change is left out.
    fn standing<T: Placed>(&self, things: &[T]) -> Vec<T> {
        let slots = self.by_slot(things);
        // By lane, what stands in which slot.
        let mut lanes: BTreeMap<u16, Vec<(usize, &T)>> = BTreeMap::new();
        for (slot, here) in slots.iter().enumerate() {
            here.iter().for_each(|thing| lanes.entry(thing.lane()).or_default().push((slot, thing)));
        }
        let mut played = vec![false; slots.len()];
        let mut holding: BTreeMap<u16, &T> = BTreeMap::new();
        let mut laid = Vec::new();
        for (turn, bases) in self.turns.iter().zip(&self.bases) {
            let again = played.get_mut(turn.slot).is_some_and(|played| std::mem::replace(played, true));
            if turn.jumps {
                for &(part, index) in bases {
                    let Some(lane) = lanes.get(&part) else { continue };
                    let held = lane.partition_point(|&(slot, _)| slot < turn.slot).checked_sub(1);
                    let Some(&(_, held)) = held.and_then(|held| lane.get(held)) else { continue };
                    if holding.get(&part).is_none_or(|now| !now.says(held)) {
                        holding.insert(part, held);
                        laid.push(held.at(turn.onset, index));
                    }
                }
            }
            for thing in slots.get(turn.slot).into_iter().flatten() {
                let same = holding.insert(thing.lane(), thing).is_some_and(|before| before.says(thing));
                if !again || !same {
                    laid.push(self.moved(*thing, turn, bases));
                }
            }
        }
        laid.sort_by_key(|thing| (thing.onset(), thing.part()));
        laid
    }

    /// The parts' own lengths.
    fn parts(&self, score: &mut Score) {
        for (part, &(first, count)) in score.parts.iter_mut().zip(&self.first) {
            let Some(begun) = score.measures.get(first).filter(|_| count > 0) else { continue };
            // Before the part begins it is silent as long as the others play.
            let mut own: Vec<Ticks> = self
                .slots
                .iter()
                .map(|slot| if slot.onset < begun.onset { slot.length } else { Ticks::ZERO })
                .collect();
            let places = self.slot_of.iter().skip(first).take(count);
            for (measure, &(slot, _)) in score.measures.iter().skip(first).zip(places) {
                if let Some(own) = own.get_mut(slot) {
                    *own += measure.duration;
                }
            }
            part.duration = self.turns.iter().filter_map(|turn| own.get(turn.slot)).copied().sum();
        }
    }
}

/// The index of a part's first measure in a turn; 0 for one without.
fn base(bases: &[(u16, u32)], part: u16) -> u32 {
    let found = bases.binary_search_by_key(&part, |base| base.0).ok();
    found.and_then(|found| bases.get(found)).map_or(0, |base| base.1)
}

/// What stands somewhere in a part.
trait Placed: Clone {
    fn onset(&self) -> Ticks;
    fn part(&self) -> u16;
    fn measure(&self) -> u32;
    /// The same at another time and measure.
    fn at(&self, onset: Ticks, measure: u32) -> Self;
    /// For whom it holds.
    fn lane(&self) -> u16;
    /// Whether it says the same.
    fn says(&self, other: &Self) -> bool;
}

macro_rules! placed {
    ($($kind:ident holds for $lane:expr, if ($one:ident, $other:ident) $same:expr;)+) => {$(
        impl Placed for $kind {
            fn onset(&self) -> Ticks {
                self.onset
            }
            fn part(&self) -> u16 {
                self.part
            }
            fn measure(&self) -> u32 {
                self.measure
            }
            fn at(&self, onset: Ticks, measure: u32) -> Self {
                $kind { onset, measure, ..self.clone() }
            }
            fn lane(&self) -> u16 {
                let lane: fn(&$kind) -> u16 = $lane;
                lane(self)
            }
            fn says(&self, $other: &Self) -> bool {
                let $one = self;
                $same
            }
        }
    )+};
}

placed! {
    Note holds for |note| note.part, if (one, other) one == other;
    Rest holds for |rest| rest.part, if (one, other) one == other;
    Annotation holds for |annotation| annotation.part, if (one, other) one == other;
    Meter holds for |meter| meter.part, if (one, other) one.beats == other.beats && one.unit == other.unit;
    KeySignature holds for |key| key.part, if (one, other) one.fifths == other.fifths && one.mode == other.mode;
    Tempo holds for |_| 0, if (one, other) one.quarters_per_minute.to_bits() == other.quarters_per_minute.to_bits();
}
