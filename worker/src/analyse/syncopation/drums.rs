//! Witek's index: how much the strokes of a drum kit go against the meter and one another.

use crate::analyse::common::{most_measures, ratio};
use crate::analyse::meter::Grid;
use crate::score::{Note, Score, Ticks};
use serde_json::{Value, json};

/// The drums that play at one moment.
#[derive(Clone, Copy, Default)]
struct Strokes {
    bass: bool,
    snare: bool,
    hat: bool,
}

/// The sum over the score, the pairs that it is of, and the sum by measure; null where no drum kit plays. Only MIDI says
/// which drum an unpitched note is.
pub(super) fn index(score: &Score, grids: &[Grid<'_>], tolerance: Ticks) -> Value {
    let kit = score.notes.iter().filter(|note| score.division.is_some() && !note.is_pitched());
    // Moments in order, each with its level and its drums.
    let mut moments: Vec<(Ticks, usize, Strokes)> = Vec::new();
    for note in kit {
        let Some(drum) = drum(note) else { continue };
        let grid = grids.get(usize::from(note.part));
        let Some(position) = grid.and_then(|grid| grid.position(score, note, tolerance)) else { continue };
        let Strokes { bass, snare, hat } = drum;
        match moments.last_mut() {
            // Two drums that are meant together are never quite.
            Some((onset, _, strokes)) if note.onset - *onset <= tolerance => {
                strokes.bass |= bass;
                strokes.snare |= snare;
                strokes.hat |= hat;
            }
            _ => moments.push((note.onset, position.level(), drum)),
        }
    }
    if moments.is_empty() {
        return Value::Null;
    }
    let (mut sum, mut pairs) = (0_u64, 0_u64);
    for pair in moments.windows(2) {
        let [(_, level, strokes), (_, next_level, next)] = pair else { continue };
        // The next moment must not be weaker, so that its level is no higher.
        let Some(rise) = level.checked_sub(*next_level) else { continue };
        for weight in weights(*strokes, *next) {
            sum += rise as u64 + weight;
            pairs += 1;
        }
    }
    #[allow(clippy::cast_precision_loss, reason = "a sum of levels is far below 2^53")]
    let per_measure = ratio(sum as f64, most_measures(score) as f64);
    json!({ "sum": sum, "pairs": pairs, "per_measure": per_measure })
}

/// General MIDI: 35 and 36 are bass drums, 37 to 40 strokes of the snare but for 39, a clap; 42, 44 and 46 hi-hats.
fn drum(note: &Note) -> Option<Strokes> {
    let none = Strokes::default();
    match note.written_key() {
        35 | 36 => Some(Strokes { bass: true, ..none }),
        37 | 38 | 40 => Some(Strokes { snare: true, ..none }),
        42 | 44 | 46 => Some(Strokes { hat: true, ..none }),
        _ => None,
    }
}

/// The weight of each drum that is followed by others and does not play with them: bass drum before snare 2, snare before
/// bass drum 1, either before the hi-hat alone 5.
fn weights(now: Strokes, next: Strokes) -> impl Iterator<Item = u64> {
    let bass = (now.bass && !next.bass).then_some(if next.snare { 2 } else { 5 });
    let snare = (now.snare && !next.snare).then_some(if next.bass { 1 } else { 5 });
    bass.into_iter().chain(snare)
}
