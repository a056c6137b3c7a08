//! The signs of each measure, and the endings that it may be in.

use super::super::{Endings, Mark, Measure, Score, Warning};
use super::{lead, slot};
use shared::place::Place;
use std::collections::BTreeSet;

/// Where a jump goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Jump {
    DaCapo,
    DalSegno,
}

/// A measure and its signs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bar {
    pub(super) place: Place,
    pub(super) starts: bool,
    /// How often what ends here is played.
    pub(super) times: Option<u8>,
    pub(super) opens: Option<Endings>,
    pub(super) closes: bool,
    pub(super) to_coda: bool,
    pub(super) fine: bool,
    /// A jump that is not taken yet.
    pub(super) jump: Option<Jump>,
    pub(super) section: Option<u16>,
    /// The ending that it is in.
    pub(super) ending: Option<usize>,
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
pub(super) struct Ending {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) numbers: Endings,
    /// End of the last bracket of its group, and passes in all.
    pub(super) group_to: usize,
    pub(super) passes: u8,
}

pub(super) struct Plan {
    pub(super) bars: Vec<Bar>,
    /// Where movements begin: the printed numbers begin again.
    pub(super) movements: BTreeSet<usize>,
    pub(super) segnos: BTreeSet<usize>,
    pub(super) codas: BTreeSet<usize>,
    pub(super) endings: Vec<Ending>,
    pub(super) warnings: Vec<Warning>,
}

/// The measures where the printed numbers begin again, with 1 or the 0 of an upbeat.
fn movements(lead: &[Measure]) -> BTreeSet<usize> {
    let mut last = 0;
    let numbered = lead.iter().enumerate().filter(|(_, measure)| measure.label.is_none());
    let begins = numbered.filter_map(|(index, measure)| {
        let before = std::mem::replace(&mut last, measure.number);
        (measure.number <= 1 && before > 1).then_some(index)
    });
    [0].into_iter().chain(begins).collect()
}

impl Plan {
    /// The signs of `score`.
    pub(super) fn of(score: &Score) -> Self {
        let lead = lead(score);
        let bars = lead.iter().map(Bar::of).collect();
        let (segnos, codas) = (BTreeSet::new(), BTreeSet::new());
        let movements = movements(lead);
        let mut plan = Plan { bars, movements, segnos, codas, endings: Vec::new(), warnings: Vec::new() };
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

    pub(super) fn warn(&mut self, place: Place, message: &str) {
        self.warnings.push(Warning { message: message.into(), place });
    }

    /// Gathers the brackets, and those that follow one another to groups.
    pub(super) fn find_endings(&mut self) {
        let mut found: Vec<Ending> = Vec::new();
        for (from, bar) in self.bars.iter().enumerate() {
            let Some(numbers) = bar.opens else { continue };
            let numbers = if numbers.is_empty() { Endings::of([1]) } else { numbers };
            let rest = self.bars.iter().enumerate().skip(from);
            let mut to = from;
            for (at, bar) in rest {
                let is_next = bar.opens.is_some() || bar.starts || self.movements.contains(&at);
                if at > from && is_next {
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
        let mut passes = group.iter().map(|ending| ending.numbers.bounds().1).max().unwrap_or(0);
        passes = passes.max(times);
        // The last of several is for the last pass, whatever its number.
        let is_played = group.len() == 1 || group.iter().any(|ending| ending.numbers.has(passes));
        if let Some(last) = group.last_mut().filter(|_| !is_played) {
            last.numbers = last.numbers.and(Endings::of([passes]));
        }
        for ending in group {
            (ending.group_to, ending.passes) = (last.to, passes);
            for bar in self.bars.get_mut(ending.from..=ending.to).unwrap_or_default() {
                bar.ending = Some(self.endings.len());
            }
            self.endings.push(*ending);
        }
    }
}
