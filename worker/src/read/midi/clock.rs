//! From the ticks of a file to the ticks of a score, and the bars that a meter map makes.

use super::piece::{Sign, What};
use crate::score::{TICKS_PER_QUARTER, Ticks};
use shared::limits::Limits;

/// Bars that there is room for from the start.
const BARS_AT_FIRST: usize = 64;

/// How long a tick of the file is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    /// Quarters of `denominator` ticks.
    numerator: i64,
    denominator: i64,
    /// Score ticks of one file tick, where that is whole.
    factor: Option<i64>,
}

impl Clock {
    /// The clock of a header's division; `None` for one that measures nothing.
    ///
    /// A negative high byte counts SMPTE frames a second. Such a file runs in real time: its tempo events do not act,
    /// and a quarter is by convention half a second, what it is at 120 a minute.
    pub(super) fn new(division: [u8; 2]) -> Option<Self> {
        let [high, low] = division;
        // 29 stands for 30 drop frame, 30000/1001 a second; a quarter has half a second's frames.
        let (numerator, frames) = match (high < 0x80, 256 - u16::from(high)) {
            (true, _) => (1, i64::from(u16::from_be_bytes(division))),
            (false, 29) => (2 * 1001, 30_000 * i64::from(low)),
            (false, frames @ (24 | 25 | 30)) => (2, i64::from(frames) * i64::from(low)),
            (false, _) => return None,
        };
        let whole = TICKS_PER_QUARTER * numerator;
        let factor = (frames > 0 && whole % frames == 0).then(|| whole / frames);
        (frames > 0).then_some(Clock { numerator, denominator: frames, factor })
    }

    /// Whether quarters are by convention half a second, and no tempo acts.
    pub(super) const fn is_real_time(self) -> bool {
        self.numerator > 1
    }

    /// Ticks of a quarter, where that is a whole number.
    pub(super) fn division(self) -> Option<u32> {
        let whole = self.denominator % self.numerator == 0;
        whole.then(|| u32::try_from(self.denominator / self.numerator).ok()).flatten()
    }

    /// Ticks of a score that each tick of the file has, where that is whole.
    pub(super) const fn whole(self) -> Option<i64> {
        self.factor
    }

    /// The time of a tick, and whether it is exact.
    #[inline]
    pub(super) fn time(self, ticks: u64) -> (Ticks, bool) {
        let ticks = ticks.min(i64::MAX as u64) as i64;
        match self.factor {
            Some(factor) => (Ticks(ticks.saturating_mul(factor)), true),
            None => Ticks::from_quarters(ticks.saturating_mul(self.numerator), self.denominator),
        }
    }
}

/// The starts of the bars, from 0 to the end of the piece: a meter event begins a bar, and 4/4 holds before the first.
pub(super) struct Bars<'a> {
    signs: &'a [Sign],
    /// Where the next bar starts; after the last, where that ends.
    line: Ticks,
    length: Ticks,
    end: Ticks,
}

impl<'a> Bars<'a> {
    /// The bars that a piece which sounds until `end` needs; `signs` are in the order of time.
    pub(super) const fn new(signs: &'a [Sign], end: Ticks) -> Self {
        Bars { signs, line: Ticks::ZERO, length: Ticks::quarters(4), end }
    }

    /// What follows on bars that were `ahead`, if there were any: up to `end`, before which `signs` are all that is new.
    pub(super) fn go_on(ahead: Option<(Ticks, Ticks)>, signs: &'a [Sign], end: Ticks) -> Self {
        let mut bars = Bars::new(signs, end);
        if let Some((line, length)) = ahead {
            bars.length = length;
            bars.line = bars.meter().map_or(line, |(onset, _)| line.min(onset));
        }
        bars
    }

    /// Where the next bar starts unless a meter that is still to come changes that, and how long the last one was.
    pub(super) const fn ahead(&self) -> (Ticks, Ticks) {
        (self.line, self.length)
    }

    /// The starts of all, and where the last one ends. There may be no end of bars that no sink takes: the first past the
    /// limits is the last.
    pub(super) fn all(mut self, limits: &Limits) -> (Vec<Ticks>, Ticks) {
        let most = usize::try_from(limits.measures_max).unwrap_or(usize::MAX);
        let latest = Ticks::quarters(i64::try_from(limits.quarters_max).unwrap_or(i64::MAX));
        let mut starts = Vec::with_capacity(BARS_AT_FIRST);
        for start in self.by_ref() {
            starts.push(start);
            if starts.len() > most || start > latest {
                break;
            }
        }
        (starts, self.line)
    }

    /// The next change of meter that is still to come.
    fn meter(&mut self) -> Option<(Ticks, Ticks)> {
        while let Some((sign, rest)) = self.signs.split_first() {
            if let What::Meter { beats, unit } = sign.what {
                let (length, _) = Ticks::from_quarters(4 * i64::from(beats), i64::from(unit));
                return Some((sign.onset, length));
            }
            self.signs = rest;
        }
        None
    }
}

impl Iterator for Bars<'_> {
    type Item = Ticks;

    fn next(&mut self) -> Option<Ticks> {
        let start = self.line;
        if start >= self.end && start > Ticks::ZERO {
            return None;
        }
        let mut change = self.meter();
        while let Some((_, length)) = change.filter(|&(onset, _)| onset <= start) {
            self.length = length;
            self.signs = self.signs.get(1..).unwrap_or(&[]);
            change = self.meter();
        }
        let full = start + self.length;
        self.line = change.map_or(full, |(onset, _)| full.min(onset));
        Some(start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn divisions_that_measure_nothing_are_refused() {
        for division in [[0, 0], [0x80, 0], [0x80, 40], [0xF0, 96], [0xE7, 0]] {
            assert!(Clock::new(division).is_none(), "{division:?}");
        }
    }

    #[test]
    fn a_quarter_of_real_time_is_half_a_second() {
        // 25 frames of 40 ticks are a second of 1000 ticks.
        let clock = Clock::new([0xE7, 40]).unwrap();
        assert_eq!((clock.time(1000), clock.division()), ((Ticks::quarters(2), true), Some(500)));
        // 30 drop frame: 30000 frames of one tick last 1001 seconds.
        let clock = Clock::new([0xE3, 1]).unwrap();
        assert_eq!((clock.time(30_000), clock.division()), ((Ticks::quarters(2002), true), None));
        assert!(clock.is_real_time());
    }

    #[test]
    fn a_meter_event_begins_a_bar() {
        let meter = |quarters, beats| Sign {
            onset: Ticks::quarters(quarters),
            track: 0,
            at: 0,
            what: What::Meter { beats, unit: 4 },
        };
        let signs = [meter(6, 3), meter(9, 2)];
        let bars: Vec<i64> =
            Bars::new(&signs, Ticks::quarters(13)).map(|bar| bar.0 / TICKS_PER_QUARTER).collect();
        assert_eq!(bars, [0, 4, 6, 9, 11]);
        assert_eq!(Bars::new(&[], Ticks::ZERO).count(), 1, "an empty piece has a measure");
    }
}
