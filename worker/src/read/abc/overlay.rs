//! Layers that lie over measures which were read already: `&`, `&&`, `(& … & … &)` (standard 2.1, 7.4).

use super::teller::Teller;
use super::voice::Voice;
use crate::score::{Stop, Ticks};

/// Where a layer lies.
#[derive(Debug, Default)]
pub(super) struct Lay {
    /// How many measures the reading is behind the one that it came to.
    pub(super) behind: usize,
    /// Something stands in the measure that a layer lies over.
    pub(super) opened: bool,
    /// Starts of the measures that are over.
    pub(super) starts: Vec<Ticks>,
    /// How many were over when `(&` began.
    group: Option<usize>,
}

impl Lay {
    /// No measures and no layers; the room stays.
    pub(super) fn clear(&mut self) {
        self.starts.clear();
        *self = Lay { starts: std::mem::take(&mut self.starts), ..Lay::default() };
    }

    /// A measure is over.
    pub(super) fn finish(&mut self, start: Ticks) {
        self.starts.push(start);
    }

    /// Start of the measure that is so far behind.
    fn start(&self, behind: usize) -> Option<Ticks> {
        self.starts.len().checked_sub(behind).and_then(|index| self.starts.get(index)).copied()
    }

    /// The measure that is read, counted over the voice.
    pub(super) fn measure(&self) -> usize {
        self.starts.len().saturating_sub(self.behind)
    }
}

impl Voice {
    /// `(&`: the layers that follow begin where this measure does.
    pub(super) fn open_layers(&mut self) {
        self.lay.group = Some(self.lay.measure());
    }

    /// `&)`: the layers are over.
    pub(super) fn close_layers(&mut self) {
        self.lay.group = None;
        if self.lay.behind > 0 {
            self.reached = self.reached.max(self.clock);
            self.catch_up();
        }
    }

    /// `count` signs `&`: another layer, from the start of the measure or of an earlier one. Says whether there is one.
    pub(super) fn overlay(&mut self, count: usize, teller: &mut Teller) -> Result<bool, Stop> {
        let here = self.lay.measure();
        let opened = if self.lay.behind > 0 { self.lay.opened } else { self.opened.is_some() };
        let target = match self.lay.group {
            Some(group) => group.min(here),
            None => match here.checked_sub(if opened { count - 1 } else { count }) {
                Some(target) => target,
                None => return Ok(false),
            },
        };
        let behind = self.lay.starts.len() - target;
        let start = if behind == 0 { Some(self.start) } else { self.lay.start(behind) };
        let Some(start) = start else { return Ok(false) };
        self.reached = self.reached.max(self.clock);
        if behind > 0 {
            // Told now, the measure that the reading came to stands before what lies over the earlier ones.
            self.tell_held(self.held.len(), teller)?;
            self.accidentals.clear();
        }
        self.clock = start;
        self.layer = self.layer.saturating_add(1);
        self.last = (self.held.len(), self.held.len());
        self.broken = None;
        (self.lay.behind, self.lay.opened) = (behind, false);
        Ok(true)
    }

    /// A bar line within a layer: on to the next of the measures that it lies over.
    pub(super) fn lay_bar(&mut self, teller: &mut Teller) -> Result<(), Stop> {
        if !std::mem::take(&mut self.lay.opened) {
            return Ok(());
        }
        self.tell_held(self.held.len(), teller)?;
        self.accidentals.clear();
        let end = if self.lay.behind > 1 { self.lay.start(self.lay.behind - 1) } else { Some(self.start) };
        let end = end.unwrap_or(self.clock);
        if self.clock > end {
            teller.warn(0, "an overlay that is longer than the measure it lies over")?;
        }
        self.lay.behind -= 1;
        self.clock = end;
        if self.lay.behind == 0 {
            self.catch_up();
        }
        Ok(())
    }

    /// The reading goes on where it came to; a layer goes on too, if the measure there is open.
    fn catch_up(&mut self) {
        self.lay.behind = 0;
        self.clock = self.start;
        if self.opened.is_none() {
            self.layer = 1;
        }
    }
}
