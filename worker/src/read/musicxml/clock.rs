//! Where a part stands in its time: divisions, the cursor, the measure.

use super::values::MILLION;
use crate::score::{TICKS_PER_QUARTER, Ticks};

/// The clock of one part. Its cursor counts millionths of a division, so that no rounding adds up where a division
/// is no whole number of ticks.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Clock {
    /// Start of the measure.
    start: Ticks,
    /// Where the divisions in force began to count.
    base: Ticks,
    /// The cursor: millionths of a division after `base`.
    at: i64,
    /// The furthest point of the measure that anything reached.
    furthest: Ticks,
    /// The furthest point that a note or rest reached, of the measure or at its start of the one before.
    sounded: Ticks,
    divisions: Option<Divisions>,
}

/// How many make a quarter note.
#[derive(Clone, Copy, Debug)]
struct Divisions {
    millionths: i64,
    /// Ticks of one, where that is a whole number.
    ticks: Option<i64>,
}

impl Divisions {
    const ONE: Divisions = Divisions { millionths: MILLION, ticks: Some(TICKS_PER_QUARTER) };

    fn new(millionths: i64) -> Self {
        let whole = millionths / MILLION;
        let exact = millionths % MILLION == 0 && whole > 0 && TICKS_PER_QUARTER % whole == 0;
        Divisions { millionths, ticks: exact.then(|| TICKS_PER_QUARTER / whole) }
    }

    /// Time of so many millionths of a division, and whether it is exact.
    fn time(self, count: i64) -> (Ticks, bool) {
        match self.ticks {
            Some(ticks) if count % MILLION == 0 => (Ticks((count / MILLION).saturating_mul(ticks)), true),
            _ => Ticks::from_quarters(count, self.millionths),
        }
    }
}

/// A stretch of time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) onset: Ticks,
    pub(super) duration: Ticks,
    pub(super) exact: bool,
}

impl Clock {
    fn divisions(&self) -> Divisions {
        self.divisions.unwrap_or(Divisions::ONE)
    }

    /// Whether the source has said what a division is.
    pub(super) fn is_set(&self) -> bool {
        self.divisions.is_some()
    }

    /// Sets how many millionths of a division make a quarter note, from here on.
    pub(super) fn set_divisions(&mut self, millionths: i64) {
        self.base = self.now();
        self.at = 0;
        self.divisions = Some(Divisions::new(millionths));
    }

    /// The cursor.
    pub(super) fn now(&self) -> Ticks {
        self.base + self.divisions().time(self.at).0
    }

    /// Millionths of a division that a fraction of quarter notes takes.
    pub(super) fn count(&self, (numerator, denominator): (i64, i64)) -> i64 {
        let wide = i128::from(numerator) * i128::from(self.divisions().millionths);
        wide.checked_div(i128::from(denominator)).and_then(|count| i64::try_from(count).ok()).unwrap_or(0)
    }

    /// The stretch of so many millionths of a division after the cursor. Stretches that meet in the source meet.
    pub(super) fn span(&self, count: i64) -> Span {
        let divisions = self.divisions();
        let (from, from_exact) = divisions.time(self.at);
        let (to, to_exact) = divisions.time(self.at.saturating_add(count));
        Span { onset: self.base + from, duration: to - from, exact: from_exact && to_exact }
    }

    /// A moment so many millionths of a division after the cursor, but not before the measure.
    pub(super) fn moved(&self, count: i64) -> Ticks {
        (self.now() + self.span(count).duration).max(self.start)
    }

    /// Moves the cursor on.
    pub(super) fn forward(&mut self, count: i64) {
        self.at = self.at.saturating_add(count);
    }

    /// Moves the cursor back; false when the measure's start stopped it.
    pub(super) fn back(&mut self, count: i64) -> bool {
        self.at = self.at.saturating_sub(count);
        let within = self.now() >= self.start;
        if !within {
            self.base = self.start;
            self.at = 0;
        }
        within
    }

    /// Takes note that a note or rest lasts until `end`.
    pub(super) fn reach(&mut self, end: Ticks) {
        self.furthest = self.furthest.max(end);
        self.sounded = self.sounded.max(end);
    }

    /// Takes note that the measure lasts at least to the cursor.
    pub(super) fn reach_silently(&mut self) {
        self.furthest = self.furthest.max(self.now());
    }

    /// Where the last note or rest ended.
    pub(super) fn sounded(&self) -> Ticks {
        self.sounded
    }

    /// Start of the measure.
    pub(super) fn start(&self) -> Ticks {
        self.start
    }

    /// Length of the measure so far.
    pub(super) fn length(&self) -> Ticks {
        self.furthest - self.start
    }

    /// Gives the measure a length, whatever it reached.
    pub(super) fn set_length(&mut self, length: Ticks) {
        self.furthest = self.start + length;
        self.sounded = self.furthest;
    }

    /// Ends the measure at its furthest point: there the next one starts.
    pub(super) fn end_measure(&mut self) {
        self.start = self.furthest;
        self.base = self.furthest;
        self.at = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_meets_in_the_source_meets_whatever_the_divisions() {
        let mut clock = Clock::default();
        clock.set_divisions(17 * MILLION);
        for _ in 0..17 {
            let span = clock.span(MILLION);
            assert_eq!(span.onset, clock.now());
            clock.forward(MILLION);
            assert_eq!(span.onset + span.duration, clock.now());
        }
        assert_eq!(clock.now(), Ticks::quarters(1));
        assert!(!clock.span(MILLION).exact && clock.span(17 * MILLION).exact);
    }

    #[test]
    fn divisions_change_and_backup_stops_at_the_measure() {
        let mut clock = Clock::default();
        clock.set_divisions(MILLION);
        clock.forward(2 * MILLION);
        clock.set_divisions(4 * MILLION);
        clock.forward(2 * MILLION);
        assert_eq!(clock.now().as_fraction(), "5/2");
        assert!(clock.back(10 * MILLION));
        assert_eq!(clock.now(), Ticks::ZERO);
        clock.reach(Ticks::quarters(1));
        clock.end_measure();
        assert!(!clock.back(1));
        assert_eq!(clock.now(), Ticks::quarters(1));
    }

    #[test]
    fn no_number_overflows() {
        let mut clock = Clock::default();
        for divisions in [1, i64::MAX] {
            clock.set_divisions(divisions);
            clock.forward(i64::MAX);
            clock.span(i64::MAX);
            clock.back(i64::MAX);
            clock.count((i64::MAX, 1));
            clock.reach(clock.now());
            clock.end_measure();
        }
    }
}
