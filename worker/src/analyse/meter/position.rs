//! Where a note begins in its measure, and what it lasts over.

use super::accent::Accents;
use super::{Grid, snapped};
use crate::score::{Note, Score, Ticks};

/// The place of an onset in the levels of its measure.
pub(in crate::analyse) struct Position<'a> {
    accents: &'a Accents,
    /// From the downbeat, even if that is missing (in a pickup), as played and as meant.
    played: Ticks,
    at: Ticks,
    tolerance: Ticks,
    /// Where the measure ends, from the same downbeat; none where there are no measures.
    end: Option<Ticks>,
    /// How much is missing before the next measure, and how long that is.
    next: Option<(Ticks, Ticks)>,
}

impl<'a> Grid<'a> {
    /// The position of a note; none where no meter holds. `tolerance` is that of `meter`.
    pub(in crate::analyse) fn position(
        &self,
        score: &Score,
        note: &Note,
        tolerance: Ticks,
    ) -> Option<Position<'a>> {
        let measures = score.measures_of(note.part);
        let index = note.measure as usize;
        let measure = measures.get(index);
        let (from, _, accents) = self.at(measure.map_or(note.onset, |measure| measure.onset))?;
        let accents = accents.as_ref()?;
        let missing = |index: usize| self.missing.get(index).copied().unwrap_or_default();
        // Without bar lines, measures follow one another from where the meter stands.
        let (start, lack) = measure.map_or((*from, Ticks::ZERO), |measure| (measure.onset, missing(index)));
        let played = note.onset - start + lack;
        Some(Position {
            accents,
            played,
            at: snapped(played, tolerance),
            tolerance,
            end: measure.map(|measure| lack + measure.duration),
            next: measures.get(index + 1).map(|next| (missing(index + 1), next.duration)),
        })
    }
}

impl Position<'_> {
    /// Its level, 0 for the downbeat.
    pub(in crate::analyse) fn level(&self) -> usize {
        self.accents.level(self.at)
    }

    /// Length of a beat.
    pub(in crate::analyse) fn beat(&self) -> Ticks {
        self.accents.beat()
    }

    /// How far it is past a beat; nothing on one.
    pub(in crate::analyse) fn past_beat(&self) -> Ticks {
        Ticks(self.at.0.rem_euclid(self.beat().0))
    }

    /// What a span that begins here is like when its end stands on the grid.
    pub(in crate::analyse) fn span(&self, span: Ticks) -> Ticks {
        snapped(self.played + span, self.tolerance) - self.at
    }

    /// The level of the strongest place after it and before the end of a span that begins here.
    pub(in crate::analyse) fn strongest(&self, span: Ticks) -> Option<usize> {
        let to = self.at + self.span(span);
        let end = self.end.filter(|end| *end < to);
        let here = self.accents.strongest(self.at, end.unwrap_or(to));
        let beyond = end.zip(self.next).and_then(|(end, (missing, length))| {
            let over = to - end;
            let inside = self.accents.strongest(missing, missing + over.min(length));
            // Past the whole of the next measure there is a downbeat in any case.
            if over > length { Some(0) } else { least(Some(self.accents.level(missing)), inside) }
        });
        least(here, beyond)
    }
}

/// The stronger of two levels.
fn least(a: Option<usize>, b: Option<usize>) -> Option<usize> {
    a.into_iter().chain(b).min()
}
