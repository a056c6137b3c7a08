//! A key that is told by its steps, where that is one of fifths after all.

use super::values::MILLION;

/// The order in which a key takes its sharps; its flats come the other way.
const SHARPS: &[u8; 7] = b"FCGDAEB";

/// The steps of a key, as sets of places in [`SHARPS`].
#[derive(Debug, Default)]
pub(super) struct Steps {
    sharp: u8,
    flat: u8,
    /// The step that waits for its alteration.
    last: Option<u8>,
    /// There is something in it that no key of fifths has.
    odd: bool,
}

impl Steps {
    pub(super) fn step(&mut self, name: &[u8]) {
        let place = (0..).zip(SHARPS).find(|(_, step)| name == [**step]);
        self.last = place.map(|(place, _)| 1 << place);
        self.odd |= place.is_none();
    }

    /// The alteration of that step, in millionths.
    pub(super) fn alter(&mut self, alter: Option<i64>) {
        let step = self.last.take().unwrap_or(0);
        match alter {
            Some(MILLION) => self.sharp |= step,
            Some(alter) if alter == -MILLION => self.flat |= step,
            Some(0) => {}
            _ => self.odd = true,
        }
    }

    /// How many sharps, or flats if negative; none for another set of steps.
    pub(super) fn fifths(&self) -> Option<i8> {
        let counts = (1..=7_i8).flat_map(|count| [count, -count]);
        // The first so many of the order are sharp, or the last so many flat.
        let sets = |count: i8| {
            let first = (1_u8 << count.unsigned_abs()) - 1;
            if count > 0 { (first, 0) } else { (0, (first << (7 - count.unsigned_abs())) & 0x7F) }
        };
        counts.into_iter().find(|&count| sets(count) == (self.sharp, self.flat)).filter(|_| !self.odd)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_steps_of_usual_keys_are_fifths() {
        for (steps, alter, expected) in [
            ("F", 1, Some(1)),
            ("CF", 1, Some(2)),
            ("BEA", -1, Some(-3)),
            ("BEADGCF", -1, Some(-7)),
            ("FCGDAEB", 1, Some(7)),
            ("C", 1, None),
            ("F", -1, None),
            ("", 1, None),
            ("H", 1, None),
        ] {
            let mut key = Steps::default();
            for step in steps.bytes() {
                key.step(&[step]);
                key.alter(Some(alter * MILLION));
            }
            assert_eq!(key.fifths(), expected, "{steps}");
        }
        let mut mixed = Steps::default();
        for (step, alter) in [(b"B", -1), (b"F", 1)] {
            mixed.step(step);
            mixed.alter(Some(alter * MILLION));
        }
        assert_eq!(mixed.fifths(), None);
    }
}
