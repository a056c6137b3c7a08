//! What sounds from one change to the next, and how each of its notes behaves in its voice.

use super::weights::LENGTH_POWER;
use crate::analyse::common::{class, is_plain};
use crate::analyse::meter::Grid;
use crate::score::{Note, Score, Slice, Slices, Ticks};

/// Quarters from which a frame is long.
const LONG_QUARTERS: f32 = 2.0;

/// How a note moves, which tells whether it belongs to the chord. In the order in which notes of one pitch class count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Motion {
    /// By leap, or not at all.
    Free,
    /// It is left by step.
    Leaving,
    /// It comes and goes by step: a passing or neighbour note.
    Passing,
    /// It is held over and falls by step: a suspension.
    Suspended,
}

/// A pitch class of a frame.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sound {
    /// How many notes have it.
    pub(super) notes: u16,
    /// The motion of the one that belongs to the chord most.
    pub(super) motion: Motion,
}

/// A slice, made ready.
#[derive(Clone, Debug)]
pub(super) struct Frame {
    pub(super) slice: Slice,
    /// Whether it lasts two quarters or more.
    pub(super) long: bool,
    /// Whether it follows a long one or silence.
    pub(super) begins_phrase: bool,
    /// How much it weighs: its length, of which long ones count less.
    pub(super) weight: f32,
    /// By pitch class.
    pub(super) sounds: [Option<Sound>; 12],
    /// The lowest key.
    pub(super) bass: Option<i32>,
    /// Whether the lowest key is another than before.
    pub(super) bass_moves: bool,
    /// Where in the measure it begins: 0 on the downbeat, 1 half-way, 2 on a beat, 3 between beats, 4 elsewhere.
    pub(super) level: usize,
}

impl Frame {
    /// Pitch class of the lowest key.
    pub(super) fn bass_class(&self) -> Option<usize> {
        self.bass.map(class)
    }
}

/// The frames of a score, in order. `grid` has the beats of the part whose measures count.
pub(super) fn of(score: &Score, slices: &Slices, grid: Option<&Grid<'_>>) -> Vec<Frame> {
    let measures = score.measures_of(score.leading_part());
    let slices = slices.iter().map(|(slice, _)| {
        let measure = measures.get(slice.measure as usize);
        let level = grid.map_or(4, |grid| grid.strength(measure, slice.offset));
        #[allow(clippy::cast_precision_loss, reason = "24 bits of a length are enough to weigh it by")]
        let quarters = slice.duration.0 as f32 / Ticks::quarters(1).0 as f32;
        Frame {
            slice: *slice,
            long: quarters >= LONG_QUARTERS,
            begins_phrase: false,
            weight: libm::powf(quarters, LENGTH_POWER),
            sounds: [None; 12],
            bass: None,
            bass_moves: false,
            level,
        }
    });
    let mut frames: Vec<Frame> = slices.collect();
    for (note, motion) in motions(score) {
        let key = note.sounding_key();
        let first = frames.partition_point(|frame| frame.slice.onset < note.onset);
        let during = frames.get_mut(first..).unwrap_or_default().iter_mut();
        for frame in during.take_while(|frame| frame.slice.onset < note.end()) {
            if let Some(sound) = frame.sounds.get_mut(class(key)) {
                let now = sound.unwrap_or(Sound { notes: 0, motion });
                *sound = Some(Sound { notes: now.notes.saturating_add(1), motion: now.motion.min(motion) });
            }
            frame.bass = Some(frame.bass.map_or(key, |bass| bass.min(key)));
        }
    }
    let mut before: Option<(Option<i32>, Ticks, bool)> = None;
    for frame in &mut frames {
        let end = frame.slice.onset + frame.slice.duration;
        if let Some((bass, ended, long)) = before.replace((frame.bass, end, frame.long)) {
            frame.bass_moves = frame.bass != bass;
            frame.begins_phrase = long || ended < frame.slice.onset;
        }
    }
    frames
}

/// Every note that takes time and has a pitch, with its motion.
fn motions(score: &Score) -> Vec<(&Note, Motion)> {
    let lasts = |note: &&Note| is_plain(note) && note.duration.is_positive();
    let mut notes: Vec<&Note> = score.notes.iter().filter(lasts).collect();
    // Stable: within a voice they stay in the order of their onsets.
    notes.sort_by_key(|note| (note.part, note.staff, note.voice));
    let mut motions = Vec::with_capacity(notes.len());
    for voice in notes.chunk_by(|a, b| (a.part, a.staff, a.voice) == (b.part, b.staff, b.voice)) {
        let mut before: &[&Note] = &[];
        let mut rest = voice;
        while let Some(first) = rest.first() {
            let together = rest.partition_point(|note| note.onset == first.onset);
            let (chord, after) = rest.split_at(together);
            motions.extend(chord.iter().map(|note| (*note, motion(note, before, after))));
            (before, rest) = (chord, after);
        }
    }
    motions
}

/// The motion of a note between the chord before it and what follows in its voice.
fn motion(note: &Note, before: &[&Note], after: &[&Note]) -> Motion {
    let key = note.sounding_key();
    let nearest = |notes: &[&Note]| {
        let keys = notes.iter().map(|other| other.sounding_key() - key);
        keys.min_by_key(|distance| (distance.abs(), *distance))
    };
    let ending: Vec<&Note> = before.iter().copied().filter(|other| other.end() == note.onset).collect();
    let next = after.partition_point(|other| other.onset < note.end());
    let next = after.get(next..).unwrap_or_default();
    let next = next.get(..next.partition_point(|other| other.onset == note.end())).unwrap_or_default();
    let (came, goes) = (nearest(&ending), nearest(next));
    let step = |distance: Option<i32>| distance.is_some_and(|distance| matches!(distance.abs(), 1 | 2));
    let held = came == Some(0) || !note.is_onset();
    match (step(came), step(goes)) {
        (true, true) => Motion::Passing,
        (_, true) if held && goes.is_some_and(|distance| distance < 0) => Motion::Suspended,
        (_, true) => Motion::Leaving,
        _ => Motion::Free,
    }
}
