//! From musical time to seconds, by the tempi that a score states.

use crate::score::{Score, Ticks};

/// Quarter notes a minute where a score states no tempo: the default of MIDI and of music21.
pub(super) const ASSUMED: f64 = 120.0;

/// Whether anything can be played at a tempo.
pub(super) fn is_playable(quarters_per_minute: f64) -> bool {
    quarters_per_minute.is_finite() && quarters_per_minute > 0.0
}

/// Seconds from the start of a score to `end`; of several tempi at one moment the last counts.
pub(super) fn seconds(score: &Score, end: Ticks) -> f64 {
    let (mut seconds, mut from, mut tempo) = (0.0, Ticks::ZERO, ASSUMED);
    for change in score.tempi.iter().filter(|tempo| is_playable(tempo.quarters_per_minute)) {
        let onset = change.onset.clamp(from, end.max(from));
        seconds += (onset - from).as_quarters() * 60.0 / tempo;
        (from, tempo) = (onset, change.quarters_per_minute);
    }
    seconds + (end.max(from) - from).as_quarters() * 60.0 / tempo
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyse::testing::score;
    use crate::score::{Event, Tempo};
    use shared::place::Place;

    #[test]
    fn each_stretch_at_its_own_tempo() {
        let tempo = |onset, quarters_per_minute| {
            let onset = Ticks::quarters(onset);
            Event::Tempo(Tempo { onset, measure: 0, part: 0, quarters_per_minute, place: Place::START })
        };
        let score = score(1, vec![tempo(2, 60.0), tempo(4, 0.0), tempo(4, 240.0), tempo(90, 1.0)]);
        // Two quarters at 120 assumed, two at 60, four at 240.
        assert!((seconds(&score, Ticks::quarters(8)) - (1.0 + 2.0 + 1.0)).abs() < 1e-12);
        assert!(seconds(&score, Ticks::ZERO).abs() < 1e-12);
    }
}
