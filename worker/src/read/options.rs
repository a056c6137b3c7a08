//! What the caller decides of a reading.

use crate::score::{TICKS_PER_QUARTER, Ticks};
use shared::limits::Limits;

/// Whether to read as the reference implementation does, wrong or not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fidelity {
    /// As the source means it.
    #[default]
    Corrected,
    /// As music21 10.5.1 reads it.
    Compat,
}

impl Fidelity {
    /// Name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Fidelity::Corrected => "corrected",
            Fidelity::Compat => "compat",
        }
    }
}

/// What the caller decides of a reading.
#[derive(Clone, Debug, Default)]
pub struct ReadOptions {
    /// Whose reading.
    pub fidelity: Fidelity,
    /// How MIDI files are read.
    pub midi: MidiOptions,
    /// The bounds that hold.
    pub limits: Limits,
}

/// What a MIDI file leaves open.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MidiOptions {
    /// What onsets and ends are rounded to; by default they stay as they are.
    pub grid: Option<Grid>,
    /// What makes a part; by default track and channel, or the track alone in music21's reading.
    pub parts: Option<MidiParts>,
}

impl MidiOptions {
    /// Both choices in words, where they are not the defaults.
    #[must_use]
    pub fn text(&self) -> Option<String> {
        let grid = self.grid.as_ref().map(|grid| format!("grid {}", grid.text()));
        let parts = self.parts.map(|parts| format!("parts {}", parts.name()));
        let texts: Vec<String> = grid.into_iter().chain(parts).collect();
        (!texts.is_empty()).then(|| texts.join(", "))
    }
}

/// What makes a part of a MIDI file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MidiParts {
    /// Each channel of each track.
    TrackChannel,
    /// Each track.
    Track,
    /// Each channel, over all tracks.
    Channel,
}

impl MidiParts {
    /// Every choice.
    pub const ALL: [MidiParts; 3] = [MidiParts::TrackChannel, MidiParts::Track, MidiParts::Channel];

    /// Name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            MidiParts::TrackChannel => "track-channel",
            MidiParts::Track => "track",
            MidiParts::Channel => "channel",
        }
    }
}

/// Parts of a quarter note, to the nearest multiple of one of which times are rounded: 4 and 3 are sixteenths and triplet
/// eighths.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grid(Box<[u16]>);

/// More than any notation divides a quarter note into.
const DIVISOR_MAX: u16 = 1024;
/// More grids at once leave nothing to round.
const DIVISORS_MAX: usize = 8;

impl Grid {
    /// A grid of those parts of a quarter note.
    ///
    /// # Errors
    /// What is wrong with them, for a person.
    pub fn new(divisors: &[u16]) -> Result<Self, String> {
        let divides = |&divisor: &u16| {
            (1..=DIVISOR_MAX).contains(&divisor) && TICKS_PER_QUARTER % i64::from(divisor) == 0
        };
        if let Some(bad) = divisors.iter().find(|divisor| !divides(divisor)) {
            return Err(format!(
                "{bad} cannot be counted in a quarter note: a grid has numbers from 1 to {DIVISOR_MAX} without prime \
                 factors above 13, with commas, such as 4,3"
            ));
        }
        if divisors.is_empty() || divisors.len() > DIVISORS_MAX {
            return Err(format!("a grid has 1 to {DIVISORS_MAX} numbers, such as 4,3"));
        }
        Ok(Grid(divisors.into()))
    }

    /// The numbers.
    #[must_use]
    pub fn divisors(&self) -> &[u16] {
        &self.0
    }

    /// The numbers with commas.
    #[must_use]
    pub fn text(&self) -> String {
        self.0.iter().map(u16::to_string).collect::<Vec<_>>().join(",")
    }

    fn steps(&self) -> impl Iterator<Item = i64> {
        self.0.iter().map(|&divisor| TICKS_PER_QUARTER / i64::from(divisor))
    }

    /// The nearest point of the grid; of two that are as near, one of the number that is named first, and then the later.
    #[must_use]
    pub fn nearest(&self, time: Ticks) -> Ticks {
        let points = self.steps().map(|step| time.0.saturating_add(step / 2).div_euclid(step) * step);
        points.min_by_key(|point| (point - time.0).abs()).map_or(time, Ticks)
    }

    /// Start and end on the grid; what has a length keeps one, if only to the next point.
    #[must_use]
    pub fn span(&self, start: Ticks, end: Ticks) -> (Ticks, Ticks) {
        let (from, to) = (self.nearest(start), self.nearest(end));
        if to > from || end <= start {
            return (from, to.max(from));
        }
        let after = self.steps().map(|step| (from.0.div_euclid(step).saturating_add(1)).saturating_mul(step));
        (from, after.min().map_or(to, Ticks))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// In 1/48 of a quarter note.
    fn fine(count: i64) -> Ticks {
        Ticks(TICKS_PER_QUARTER / 48 * count)
    }

    #[test]
    fn times_go_to_the_nearest_of_all_grids() {
        let grid = Grid::new(&[4, 3]).unwrap();
        // Sixteenths are at 0, 12, 24, 36; triplet eighths at 0, 16, 32.
        for (time, point) in
            [(0, 0), (5, 0), (6, 12), (13, 12), (14, 12), (15, 16), (27, 24), (28, 24), (29, 32)]
        {
            assert_eq!(grid.nearest(fine(time)), fine(point), "{time}");
        }
        assert_eq!(grid.nearest(fine(48 * 7 + 17)), fine(48 * 7 + 16));
    }

    #[test]
    fn nothing_loses_its_length() {
        let grid = Grid::new(&[4, 3]).unwrap();
        assert_eq!(grid.span(fine(1), fine(3)), (fine(0), fine(12)));
        assert_eq!(grid.span(fine(12), fine(13)), (fine(12), fine(16)), "to the next point of any grid");
        assert_eq!(grid.span(fine(1), fine(1)), (fine(0), fine(0)), "what had none has none");
        assert_eq!(grid.span(fine(11), fine(25)), (fine(12), fine(24)));
    }

    #[test]
    fn a_grid_divides_the_quarter() {
        assert!([&[16, 12][..], &[1], &[1024, 27]].iter().all(|divisors| Grid::new(divisors).is_ok()));
        for bad in [&[][..], &[0], &[17], &[2048], &[1; 9]] {
            assert!(Grid::new(bad).unwrap_err().contains("such as 4,3"), "{bad:?}");
        }
        assert_eq!(MidiOptions::default().text(), None);
        let (grid, parts) = (Some(Grid::new(&[4, 3]).unwrap()), Some(MidiParts::Track));
        assert_eq!(MidiOptions { grid, parts }.text().unwrap(), "grid 4,3, parts track");
    }
}
