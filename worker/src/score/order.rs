//! The order in which measures are played, by repeats, endings and jumps.
//!
//! Measures are counted over all parts together, in the part that has most of them. A repeat goes back to the nearest
//! start before it, or to where the last one was over: repeats do not stand within each other. A jump is taken once;
//! on the way back to where it was taken, repeats are played once, by their last ending, as music21 10.5.1 has it too
//! (`repeatAfterJump` is false), and only there a fine or a to-coda counts.

use super::mark::{Endings, Mark};
use super::note::Measure;
use super::{Score, Warning};
use shared::failure::Failure;
use shared::limits::{Limits, exceeded};
use shared::place::Place;
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

/// The order of the measures of `score` as played.
///
/// # Errors
/// `too_large` for more than `expanded_measures_max` of them.
pub fn order(score: &Score, limits: &Limits) -> Result<Order, Failure> {
    let mut plan = Plan::of(score);
    let mut played = Played { order: Order::default(), max: limits.expanded_measures_max };
    if !score.arrangement.is_empty() && plan.bars.iter().any(|bar| bar.section.is_some()) {
        plan.arranged(&score.arrangement, &mut played)?;
    } else {
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
    if let Some(bar) = heard.iter().position(|heard| !heard).and_then(|silent| plan.bars.get(silent)) {
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

/// Where a jump goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Jump {
    DaCapo,
    DalSegno,
}

/// A measure and its signs.
#[derive(Clone, Copy, Debug)]
struct Bar {
    place: Place,
    starts: bool,
    /// How often what ends here is played.
    times: Option<u8>,
    opens: Option<Endings>,
    closes: bool,
    to_coda: bool,
    fine: bool,
    /// A jump that is not taken yet.
    jump: Option<Jump>,
    section: Option<u16>,
    /// The ending that it is in.
    ending: Option<usize>,
}

impl Bar {
    fn of(measure: &Measure) -> Self {
        Bar {
            place: measure.place,
            starts: false,
            times: None,
            opens: None,
            closes: false,
            to_coda: false,
            fine: false,
            jump: None,
            section: None,
            ending: None,
        }
    }

    fn take(&mut self, mark: Mark) {
        match mark {
            Mark::RepeatStart => self.starts = true,
            Mark::RepeatEnd { times } => self.times = self.times.max(Some(times)),
            Mark::EndingStart(numbers) => self.opens = Some(numbers.and(self.opens.unwrap_or_default())),
            Mark::EndingEnd => self.closes = true,
            Mark::Segno | Mark::Coda => {}
            Mark::ToCoda => self.to_coda = true,
            Mark::DaCapo => self.jump = Some(Jump::DaCapo),
            Mark::DalSegno => self.jump = Some(Jump::DalSegno),
            Mark::Fine => self.fine = true,
            Mark::Section(section) => self.section = Some(section),
        }
    }
}

/// A bracket, which is played on some passes only.
#[derive(Clone, Copy, Debug)]
struct Ending {
    from: usize,
    to: usize,
    numbers: Endings,
    /// End of the last bracket of its group, and passes in all.
    group_to: usize,
    passes: u8,
}

struct Plan {
    bars: Vec<Bar>,
    segnos: BTreeSet<usize>,
    codas: BTreeSet<usize>,
    endings: Vec<Ending>,
    warnings: Vec<Warning>,
}

impl Plan {
    fn of(score: &Score) -> Self {
        let lead = lead(score);
        let bars = lead.iter().map(Bar::of).collect();
        let (segnos, codas) = (BTreeSet::new(), BTreeSet::new());
        let mut plan = Plan { bars, segnos, codas, endings: Vec::new(), warnings: Vec::new() };
        for at in &score.marks {
            let Some(measure) = score.measures_of(at.part).get(at.measure as usize) else { continue };
            let slot = slot(lead, measure);
            // What begins something belongs to the measure after it, what ends something to the one before.
            let begins = matches!(
                at.mark,
                Mark::RepeatStart | Mark::EndingStart(_) | Mark::Segno | Mark::Coda | Mark::Section(_)
            );
            let slot = match (begins, at.at_end) {
                (true, true) => Some(slot + 1),
                (false, false) => slot.checked_sub(1),
                _ => Some(slot),
            };
            let Some((slot, bar)) = slot.and_then(|slot| Some((slot, plan.bars.get_mut(slot)?))) else {
                continue;
            };
            bar.take(at.mark);
            match at.mark {
                Mark::Segno => _ = plan.segnos.insert(slot),
                Mark::Coda => _ = plan.codas.insert(slot),
                _ => {}
            }
        }
        plan
    }

    fn warn(&mut self, place: Place, message: &str) {
        self.warnings.push(Warning { message: message.into(), place });
    }

    /// Plays the sections that the source names, after what comes before the first of them.
    fn arranged(&mut self, sections: &[u16], played: &mut Played) -> Result<(), Failure> {
        let mut begins = Vec::new();
        for (index, bar) in self.bars.iter().enumerate() {
            if let Some(section) = bar.section {
                begins.push((index, section));
            }
        }
        let mut ends: Vec<usize> = begins.iter().skip(1).map(|begin| begin.0).collect();
        ends.push(self.bars.len());
        // Of two sections of one name, the first counts.
        let ranges = begins.iter().zip(ends).map(|(&(from, name), to)| (name, from..to));
        let ranges: BTreeMap<u16, Range<usize>> = ranges.rev().collect();
        let opening = 0..begins.first().map_or(0, |begin| begin.0);
        let mut unknown = false;
        let found = sections.iter().filter_map(|section| {
            let range = ranges.get(section).cloned();
            unknown |= range.is_none();
            range
        });
        for at in [opening].into_iter().chain(found).flatten() {
            if let Some(bar) = self.bars.get(at) {
                played.push(at, bar)?;
            }
        }
        if unknown {
            self.warn(Place::START, "the list of sections names one that is not there");
        }
        Ok(())
    }

    /// Gathers the brackets, and those that follow one another to groups.
    fn find_endings(&mut self) {
        let mut found: Vec<Ending> = Vec::new();
        for (from, bar) in self.bars.iter().enumerate() {
            let Some(numbers) = bar.opens else { continue };
            let numbers = if numbers.is_empty() { Endings::of([1]) } else { numbers };
            let rest = self.bars.iter().enumerate().skip(from);
            let mut to = from;
            for (at, bar) in rest {
                if at > from && (bar.opens.is_some() || bar.starts) {
                    break;
                }
                to = at;
                if bar.closes || bar.times.is_some() {
                    break;
                }
            }
            found.push(Ending { from, to, numbers, group_to: to, passes: 2 });
        }
        let mut rest = found.as_mut_slice();
        while let Some(first) = rest.first() {
            let (mut end, mut lowest, mut count) = (first.to, first.numbers.bounds().0, 1);
            for next in rest.iter().skip(1) {
                let number = next.numbers.bounds().0;
                if next.from != end + 1 || number <= lowest {
                    break;
                }
                (end, lowest, count) = (next.to, number, count + 1);
            }
            let (group, others) = rest.split_at_mut(count);
            self.settle(group);
            rest = others;
        }
    }

    /// Gives a group its number of passes. Brackets that nothing comes back to are played as they stand.
    fn settle(&mut self, group: &mut [Ending]) {
        let (Some(&first), Some(&last)) = (group.first(), group.last()) else { return };
        let within = |ending: &Ending| self.bars.get(ending.from..=ending.to).unwrap_or_default();
        if !within(&first).iter().any(|bar| bar.times.is_some() || bar.jump.is_some()) {
            if group.len() > 1 {
                let place = within(&first).first().map_or(Place::START, |bar| bar.place);
                self.warn(
                    place,
                    "endings without a repeat in the first of them are played one after another",
                );
            }
            return;
        }
        let times = group.iter().flat_map(within).filter_map(|bar| bar.times).max().unwrap_or(2);
        let highest = group.iter().map(|ending| ending.numbers.bounds().1).max().unwrap_or(0);
        for ending in group {
            (ending.group_to, ending.passes) = (last.to, times.max(highest));
            for bar in self.bars.get_mut(ending.from..=ending.to).unwrap_or_default() {
                bar.ending = Some(self.endings.len());
            }
            self.endings.push(*ending);
        }
    }

    /// Plays from the first measure to the end.
    ///
    /// It ends: jumps are taken once each, between them a repeat goes back a bounded number of times and is over then,
    /// and everything else goes forward.
    fn play(&mut self, played: &mut Played) -> Result<(), Failure> {
        let (mut at, mut from, mut pass) = (0, 0, 1_u8);
        // The measure from which the last jump was taken.
        let mut jumped: Option<usize> = None;
        let mut open: Option<usize> = None;
        while let Some(&bar) = self.bars.get(at) {
            let again = jumped.is_some_and(|jumped| at <= jumped);
            if bar.starts && from != at {
                if open.is_some() && !again {
                    self.warn(bar.place, "a repeat starts before the last one ended: the later start counts");
                }
                (from, pass) = (at, 1);
            }
            if bar.starts {
                open = Some(at);
            }
            let ending = bar.ending.and_then(|index| self.endings.get(index)).copied();
            if let Some(ending) = ending.filter(|ending| ending.from == at) {
                let pass_here = if again { ending.passes } else { pass };
                if !ending.numbers.has(pass_here) {
                    at = ending.to + 1;
                    if ending.to == ending.group_to {
                        (from, pass, open) = (at, 1, None);
                    }
                    continue;
                }
            }
            played.push(at, &bar)?;
            if again && bar.fine {
                break;
            }
            if let Some(coda) = self.coda(at, again && bar.to_coda) {
                (at, from, pass, jumped, open) = (coda, coda, 1, None, None);
                continue;
            }
            let times = ending.map(|ending| ending.passes).or(bar.times).filter(|_| bar.times.is_some());
            if !again && times.is_some_and(|times| pass < times) {
                (at, pass) = (from, pass + 1);
                continue;
            }
            if let Some(target) = self.jump(at) {
                (jumped, at, from, pass, open) = (Some(at), target, target, 1, None);
                continue;
            }
            let is_over = ending.map_or(bar.times.is_some(), |ending| ending.group_to == at);
            at += 1;
            if is_over {
                (from, pass, open) = (at, 1, None);
            }
        }
        Ok(())
    }

    /// Where the to-coda of a measure goes. It is taken once.
    fn coda(&mut self, at: usize, is_taken: bool) -> Option<usize> {
        if !is_taken {
            return None;
        }
        let coda = self.codas.range(at + 1..).next().or(self.codas.first()).copied();
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
        if jump == Jump::DaCapo {
            return Some(0);
        }
        let segno = self.segnos.range(..=at).next_back().copied();
        if segno.is_none() {
            self.warn(place, "dal segno, but there is no segno before it: playing goes on");
        }
        segno
    }
}
