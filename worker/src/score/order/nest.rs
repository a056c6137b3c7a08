//! Repeats within repeats: which starts stand within another repeat, and where playing stands in each of them.

use super::plan::Plan;
use std::collections::BTreeSet;

/// Where playing stands in the repeats around a measure.
pub(super) struct Nest {
    /// Where repeats start that stand within another one.
    inner: BTreeSet<usize>,
    /// The repeats around the present one, from the outermost.
    outer: Vec<Stretch>,
    now: Stretch,
}

/// A stretch of measures that may be repeated.
#[derive(Clone, Copy)]
struct Stretch {
    from: usize,
    /// How often it was begun, from 1.
    pass: u8,
    /// A sign starts it, and its end has not come yet.
    open: bool,
}

impl Stretch {
    const fn at(from: usize) -> Self {
        Stretch { from, pass: 1, open: false }
    }
}

impl Nest {
    /// At the first measure.
    pub(super) fn of(plan: &Plan) -> Self {
        Nest { inner: inner(plan), outer: Vec::new(), now: Stretch::at(0) }
    }

    /// Where what is repeated begins.
    pub(super) fn from(&self) -> usize {
        self.now.from
    }

    /// Which pass this is, from 1.
    pub(super) fn pass(&self) -> u8 {
        self.now.pass
    }

    /// A sign says that a repeat starts here. Says whether the one that it ends had no end.
    pub(super) fn start(&mut self, at: usize) -> bool {
        let before = self.now;
        if before.from != at {
            let is_inner = self.inner.contains(&at);
            if is_inner {
                self.outer.push(before);
            }
            self.now = Stretch { open: true, ..Stretch::at(at) };
            return !is_inner && before.open && before.pass == 1;
        }
        self.now.open = true;
        false
    }

    /// Goes back to the start, for another pass.
    pub(super) fn back(&mut self) -> usize {
        self.now.pass = self.now.pass.saturating_add(1);
        self.now.from
    }

    /// The repeat is over: the one around it goes on, or something new begins at `next`.
    pub(super) fn over(&mut self, next: usize) {
        self.now = self.outer.pop().unwrap_or(Stretch::at(next));
    }

    /// Playing begins anew at `at`.
    pub(super) fn restart(&mut self, at: usize) {
        self.outer.clear();
        self.now = Stretch::at(at);
    }
}

/// The starts that stand within another repeat. An end belongs to the nearest start before it that has none yet, as
/// brackets do; a start whose end never comes holds nothing.
fn inner(plan: &Plan) -> BTreeSet<usize> {
    let mut open: Vec<usize> = Vec::new();
    // Each start that has an end, and the start around it.
    let mut pairs: Vec<(usize, Option<usize>)> = Vec::new();
    for (at, bar) in plan.bars.iter().enumerate() {
        if plan.movements.contains(&at) {
            open.clear();
        }
        if bar.starts {
            open.push(at);
        }
        let ending = bar.ending.and_then(|index| plan.endings.get(index));
        if ending.map_or(bar.times.is_some(), |ending| ending.group_to == at)
            && let Some(start) = open.pop()
        {
            pairs.push((start, open.last().copied()));
        }
    }
    let ended: BTreeSet<usize> = pairs.iter().map(|&(start, _)| start).collect();
    let within =
        |&(start, around): &(usize, Option<usize>)| around.filter(|a| ended.contains(a)).map(|_| start);
    pairs.iter().filter_map(within).collect()
}
