//! `%%staves` and `%%score` amid a tune: voices that were silent in the staves before go on with the others, as abcm2ps
//! has it.

use super::teller::Teller;
use super::tune::Tune;
use super::voice::Voice;
use crate::score::{Stop, Ticks};
use shared::place::Place;

/// Where the voices stand when new staves begin.
#[derive(Clone, Debug)]
pub(super) struct Sync {
    /// Starts of the measures up to here, and where the last of them ends so far.
    starts: Vec<Ticks>,
    end: Ticks,
    /// Number of the first of them.
    first: Option<u32>,
    place: Place,
}

impl Default for Sync {
    fn default() -> Self {
        Sync { starts: Vec::new(), end: Ticks::ZERO, first: None, place: Place::START }
    }
}

impl Tune {
    /// New staves begin: every voice comes to where the furthest is.
    pub(super) fn sync(&mut self, place: Place, teller: &mut Teller) -> Result<(), Stop> {
        self.voices.iter_mut().for_each(Voice::close_layers);
        let Some(lead) = self.voices.iter().max_by_key(|voice| voice.reach()) else { return Ok(()) };
        let mut starts = lead.lay.starts.clone();
        starts.extend(lead.opened.map(|_| lead.start));
        let end = lead.reached.max(lead.clock);
        let done = u32::try_from(lead.lay.starts.len()).unwrap_or(u32::MAX);
        let first = lead.number.map(|number| number.saturating_sub(done));
        self.sync = Sync { starts, end, first, place };
        self.census.sync();
        for voice in &mut self.voices {
            voice.come_to(&self.sync, teller)?;
        }
        Ok(())
    }
}

impl Voice {
    /// How far it is: measures, and time.
    fn reach(&self) -> (usize, Ticks) {
        (self.lay.starts.len() + usize::from(self.opened.is_some()), self.reached.max(self.clock))
    }

    /// Lets it be silent up to where the others are.
    pub(super) fn come_to(&mut self, sync: &Sync, teller: &mut Teller) -> Result<(), Stop> {
        let (begun, _) = self.reach();
        if begun >= sync.starts.len() {
            return Ok(());
        }
        self.bar(teller)?;
        self.number = self.number.or(sync.first);
        for (index, &start) in sync.starts.iter().enumerate().skip(begun) {
            // Where it was longer than the others, it stays so.
            (self.start, self.clock) = (start.max(self.clock), start.max(self.clock));
            self.opened = Some(sync.place);
            self.reached = sync.starts.get(index + 1).copied().unwrap_or(sync.end).max(self.start);
            self.finish_measure(false, teller)?;
        }
        self.last = (self.held.len(), self.held.len());
        self.ties.clear();
        Ok(())
    }
}
