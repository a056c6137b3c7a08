//! The order in which measures are played, by repeats, endings and jumps.
//!
//! Measures are counted over all parts together, in the part that has most of them. A repeat goes back to the nearest
//! start before it that is open, or to where the last one was over; one that stands within another is played each time.
//! A jump is taken once; on the way back to where it was taken, repeats are played once, by their last ending, as
//! music21 10.5.1 has it too (`repeatAfterJump` is false), and only there a fine or a to-coda counts.

mod nest;
mod plan;
#[cfg(test)]
mod tests;

use super::note::Measure;
use super::{Score, Warning};
use nest::Nest;
use plan::{Bar, Jump, Plan};
use shared::failure::Failure;
use shared::limits::{Limits, exceeded};
use shared::place::Place;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// Measures as they are played.
#[derive(Clone, Debug, Default)]
pub struct Order {
    /// Indices of measures of the part that has most.
    pub measures: Vec<u32>,
    /// What was odd about the signs.
    pub warnings: Vec<Warning>,
}

/// The order of the measures of `score` as played, or with each repeat played `once`.
///
/// # Errors
/// `too_large` for more than `expanded_measures_max` of them.
pub fn order(score: &Score, once: bool, limits: &Limits) -> Result<Order, Failure> {
    let mut plan = Plan::of(score);
    let mut played = Played { order: Order::default(), once, max: limits.expanded_measures_max };
    if score.arrangement.is_empty() || !plan.arranged(score, &mut played)? {
        plan.find_endings();
        plan.play(&mut played)?;
    }
    let mut order = played.order;
    order.warnings.append(&mut plan.warnings);
    let mut heard = vec![false; plan.bars.len()];
    for &measure in &order.measures {
        if let Some(heard) = heard.get_mut(measure as usize) {
            *heard = true;
        }
    }
    // Played once, endings before the last are not heard.
    let silent = heard.iter().position(|heard| !heard).filter(|_| !once);
    if let Some(bar) = silent.and_then(|silent| plan.bars.get(silent)) {
        let message = "by its repeats and jumps, this measure is never played".into();
        order.warnings.push(Warning { message, place: bar.place });
    }
    Ok(order)
}

/// The part whose measures all are counted by: the first of those that have most.
pub(super) fn lead(score: &Score) -> &[Measure] {
    let parts = (0..score.parts.len()).filter_map(|part| u16::try_from(part).ok());
    let parts = parts.map(|part| score.measures_of(part));
    parts.fold(&[], |most, measures| if measures.len() > most.len() { measures } else { most })
}

/// Which of the lead's measures a measure of any part is: the one of its index, if both begin together.
pub(super) fn slot(lead: &[Measure], measure: &Measure) -> usize {
    let same = lead.get(measure.index as usize).is_some_and(|lead| lead.onset == measure.onset);
    if same {
        return measure.index as usize;
    }
    lead.partition_point(|lead| lead.onset <= measure.onset).saturating_sub(1)
}

/// What was played so far.
struct Played {
    order: Order,
    /// Each repeat is played once, by its last ending.
    once: bool,
    max: u64,
}

impl Played {
    fn push(&mut self, at: usize, bar: &Bar) -> Result<(), Failure> {
        if self.order.measures.len() as u64 >= self.max {
            return Err(exceeded("expanded_measures_max", self.max, Some(bar.place)));
        }
        self.order.measures.push(u32::try_from(at).unwrap_or(u32::MAX));
        Ok(())
    }
}

impl Plan {
    /// Plays the sections that the source names, after what comes before the first of them. False, and nothing is
    /// played, if the list does not fit the labels.
    fn arranged(&mut self, score: &Score, played: &mut Played) -> Result<bool, Failure> {
        let mut sections = score.arrangement.clone();
        if played.once && !score.short_arrangement.is_empty() {
            sections.clone_from(&score.short_arrangement);
        } else if played.once {
            sections.dedup();
        }
        let begins = self.bars.iter().enumerate().filter_map(|(at, bar)| Some((at, bar.section?)));
        let begins: Vec<(usize, u16)> = begins.collect();
        let ends = begins.iter().skip(1).map(|begin| begin.0).chain([self.bars.len()]);
        let ranges: BTreeMap<u16, Range<usize>> =
            begins.iter().zip(ends).map(|(&(from, name), to)| (name, from..to)).collect();
        if ranges.len() != begins.len() || sections.iter().any(|section| !ranges.contains_key(section)) {
            let message = "the list of sections does not fit their labels: the repeat signs count";
            self.warn(Place::START, message);
            return Ok(false);
        }
        let opening = 0..begins.first().map_or(0, |begin| begin.0);
        let named = sections.iter().filter_map(|section| ranges.get(section).cloned());
        let mut orders: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for range in [opening].into_iter().chain(named).filter(|range| !range.is_empty()) {
            let order = match orders.entry(range.start) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(new) if score.sections_repeat => new.insert(self.within(&range, played)?),
                Entry::Vacant(new) => new.insert(range.collect()),
            };
            for &at in &*order {
                if let Some(bar) = self.bars.get(at) {
                    played.push(at, bar)?;
                }
            }
        }
        Ok(true)
    }

    /// The order in which the measures of a section are played, by the signs within it.
    fn within(&mut self, range: &Range<usize>, outer: &Played) -> Result<Vec<usize>, Failure> {
        let inner = |all: &BTreeSet<usize>| {
            all.range(range.clone()).map(|at| at - range.start).collect::<BTreeSet<usize>>()
        };
        let mut section = Plan {
            bars: self.bars.get(range.clone()).unwrap_or_default().to_vec(),
            movements: [0].into(),
            segnos: inner(&self.segnos),
            codas: inner(&self.codas),
            endings: Vec::new(),
            warnings: Vec::new(),
        };
        let mut played = Played { order: Order::default(), once: outer.once, max: outer.max };
        section.find_endings();
        section.play(&mut played)?;
        self.warnings.append(&mut section.warnings);
        Ok(played.order.measures.into_iter().map(|at| at as usize + range.start).collect())
    }

    /// Plays from the first measure to the end.
    ///
    /// It ends: jumps are taken once each, between them a repeat goes back a bounded number of times and is over then,
    /// and everything else goes forward. How often repeats within repeats go back is a power of how deep they stand:
    /// there the limit of measures ends it.
    fn play(&mut self, played: &mut Played) -> Result<(), Failure> {
        let (mut at, mut nest) = (0, Nest::of(self));
        // The measure from which the last jump was taken.
        let mut jumped: Option<usize> = None;
        while let Some(&bar) = self.bars.get(at) {
            let again = jumped.is_some_and(|jumped| at <= jumped);
            let once = again || played.once;
            let ending = bar.ending.and_then(|index| self.endings.get(index)).copied();
            if let Some(ending) = ending.filter(|ending| ending.from == at) {
                let pass_here = if once { ending.passes } else { nest.pass() };
                if !ending.numbers.has(pass_here) {
                    at = ending.to + 1;
                    if ending.to == ending.group_to {
                        nest.over(at);
                    }
                    continue;
                }
            }
            if self.movements.contains(&at) && nest.from() != at {
                nest.restart(at);
                jumped = None;
            }
            // Past the endings: a last one may begin what is repeated next.
            if bar.starts && nest.start(at) && !once {
                self.warn(bar.place, "a repeat starts before the last one ended: the later start counts");
            }
            played.push(at, &bar)?;
            if again && bar.fine {
                let Some(next) = self.movements.range(at + 1..).next().copied() else { break };
                (at, jumped) = (next, None);
                continue;
            }
            if let Some(coda) = self.coda(at, again && bar.to_coda) {
                (at, jumped) = (coda, None);
                nest.restart(coda);
                continue;
            }
            let times = ending.map(|ending| ending.passes).or(bar.times).filter(|_| bar.times.is_some());
            if !once && times.is_some_and(|times| nest.pass() < times) {
                at = nest.back();
                continue;
            }
            if let Some(target) = self.jump(at) {
                (jumped, at) = (Some(at), target);
                nest.restart(target);
                continue;
            }
            let is_over = ending.map_or(bar.times.is_some(), |ending| {
                ending.group_to == at && (bar.times.is_some() || nest.from() < ending.from)
            });
            at += 1;
            if is_over {
                nest.over(at);
            }
        }
        Ok(())
    }

    /// The movement that a measure is in.
    fn movement(&self, at: usize) -> Range<usize> {
        let from = self.movements.range(..=at).next_back().copied().unwrap_or(0);
        from..self.movements.range(at + 1..).next().copied().unwrap_or(self.bars.len().max(at + 1))
    }

    /// Where the to-coda of a measure goes. It is taken once.
    fn coda(&mut self, at: usize, is_taken: bool) -> Option<usize> {
        if !is_taken {
            return None;
        }
        let movement = self.movement(at);
        let codas = self.codas.range(movement.clone());
        let coda = self.codas.range(at + 1..movement.end).next().or(codas.last()).copied();
        let bar = self.bars.get_mut(at)?;
        bar.to_coda = false;
        let place = bar.place;
        if coda.is_none() {
            self.warn(place, "to the coda, but there is none: playing goes on");
        }
        coda
    }

    /// Where the jump of a measure goes. It is taken once.
    fn jump(&mut self, at: usize) -> Option<usize> {
        let bar = self.bars.get_mut(at)?;
        let (jump, place) = (bar.jump.take()?, bar.place);
        let movement = self.movement(at);
        if jump == Jump::DaCapo {
            return Some(movement.start);
        }
        let segno = self.segnos.range(movement.start..=at).next_back().copied();
        if segno.is_none() {
            self.warn(place, "dal segno, but there is no segno before it: playing goes on");
        }
        segno
    }
}
