//! Which member of a chord is its bass: the most likely path through its positions while the chord lasts.
//!
//! The lowest note of an accompaniment that breaks its chords is another one every moment; a person writes one position.

use super::decode::State;
use super::frames::Frame;
use super::model::{QUALITY, degree, member};
use super::weights as w;
use crate::score::Ticks;

/// How far about a frame its lowest neighbour is looked for.
const REACH: Ticks = Ticks::quarters(1);
/// Members that a chord has at the most.
const MEMBERS: usize = 4;

/// The position of a chord in each of its frames. In a score that is `note_against_note` each note of the bass on a beat
/// is meant, but for a dip to the fifth.
pub(super) fn of(frames: &[Frame], state: State, note_against_note: bool) -> Vec<usize> {
    if note_against_note { as_they_come(frames, state) } else { likely(frames, state) }
}

fn as_they_come(frames: &[Frame], state: State) -> Vec<usize> {
    let of = |frame: &Frame| lowest(frame.bass, state);
    let mut position = frames.iter().find_map(of).unwrap_or(0);
    let turned = |frame: &Frame| frame.level <= 2 && frame.bass_moves;
    let next = |frame: &Frame| {
        position = of(frame).filter(|&now| turned(frame) && now != 2).unwrap_or(position);
        position
    };
    frames.iter().map(next).collect()
}

/// Index of the member that a key is, if it is one.
fn lowest(key: Option<i32>, state: State) -> Option<usize> {
    let class = usize::try_from(key?.rem_euclid(12)).ok()?;
    member(state.quality, degree(state.root, class))
}

/// What a position is worth, by a table of positions and members.
fn worth<const N: usize, const M: usize>(table: &[[i16; M]; N], row: usize, column: usize) -> f32 {
    table.get(row).and_then(|row| row.get(column)).map_or(0.0, |weight| f32::from(*weight) / 10_000.0)
}

fn likely(frames: &[Frame], state: State) -> Vec<usize> {
    let count = QUALITY.get(state.quality).map_or(3, |quality| quality.members.len());
    let above = degree(state.key, state.root);
    let foreign = MEMBERS;
    let mut scores = [f32::MIN; MEMBERS];
    let mut from: Vec<[usize; MEMBERS]> = Vec::with_capacity(frames.len());
    for (index, (frame, low)) in frames.iter().zip(lows(frames)).enumerate() {
        let (bass, low) =
            (lowest(frame.bass, state).unwrap_or(foreign), lowest(low, state).unwrap_or(foreign));
        let before = best(&scores);
        let earned = scores.get(before).copied().unwrap_or(f32::MIN);
        let change = worth(&w::POSITION_CHANGE, frame.level, usize::from(frame.bass_moves));
        let mut origin = [0; MEMBERS];
        let each = scores.iter_mut().zip(&mut origin).enumerate().take(count);
        for (position, (score, origin)) in each {
            let degrees = w::POSITION_DEGREE.get(state.key / 12);
            let begins = worth(&w::POSITION_KIND, state.quality, position)
                + degrees.map_or(0.0, |degrees| worth(degrees, above, position))
                + worth(&w::POSITION_FIRST, position, bass);
            let entered = earned + begins + change;
            (*score, *origin) = match index {
                0 => (begins, position),
                _ if position == before || *score >= entered => (*score, position),
                _ => (entered, before),
            };
            *score += frame.weight
                * (worth(&w::POSITION_BASS, position, bass) + worth(&w::POSITION_LOW, position, low));
        }
        from.push(origin);
    }
    let mut position = best(&scores);
    let mut positions = Vec::with_capacity(frames.len());
    for origin in from.iter().rev() {
        positions.push(position);
        position = origin.get(position).copied().unwrap_or(position);
    }
    positions.reverse();
    positions
}

/// The best of some scores, of equal ones the last.
fn best(scores: &[f32; MEMBERS]) -> usize {
    let best = scores.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1));
    best.map_or(0, |(index, _)| index)
}

/// The lowest key near each frame.
fn lows(frames: &[Frame]) -> impl Iterator<Item = Option<i32>> {
    frames.iter().enumerate().map(|(index, frame)| {
        let (before, after) = frames.split_at_checked(index).unwrap_or((frames, &[]));
        let near = before.iter().rev().take_while(|other| frame.onset - other.onset < REACH);
        let next = after.iter().take_while(|other| other.onset < frame.onset + REACH);
        near.chain(next).filter_map(|other| other.bass).min()
    })
}
