//! What sounds in each half of a quarter, or as long as nothing changes, and how each of its notes behaves in its voice.

use crate::analyse::common::{class, is_plain};
use crate::analyse::meter::Grid;
use crate::score::{AnnotationKind, Note, Score, Slices, TICKS_PER_QUARTER, Ticks};
use shared::place::Place;

/// Changes within so much time, counted from the bar line, are one frame: chords do not follow each other faster.
const CELL: Ticks = Ticks(TICKS_PER_QUARTER / 2);
/// Quarters from which a frame is long.
const LONG_QUARTERS: f32 = 2.0;
/// Quarters from which length adds no weight.
const HEAVY_QUARTERS: f32 = 4.0;

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
    /// How much of the frame it sounds, up to 1.
    pub(super) share: f32,
    /// The motion of the note that belongs to the chord most.
    pub(super) motion: Motion,
    /// Steps on the line of fifths from C, as it is written.
    pub(super) fifths: i32,
}

/// What stands before a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Before {
    /// Nothing that tells.
    Plain,
    /// A frame of two quarters or more.
    Long,
    /// A fermata or silence: the end of a phrase.
    PhraseEnd,
}

/// What a frame may be the goal of a phrase by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Goal {
    /// It lasts two quarters or more.
    Long,
    /// It ends a phrase or the piece.
    PhraseEnd,
}

/// A stretch of the piece, made ready.
#[derive(Clone, Debug)]
pub(super) struct Frame {
    pub(super) onset: Ticks,
    pub(super) duration: Ticks,
    pub(super) place: Place,
    /// How much it weighs: the root of its length in quarters.
    pub(super) weight: f32,
    /// Where in the measure it begins: 0 on the downbeat, 1 half-way, 2 on a beat, 3 between beats, 4 elsewhere.
    pub(super) level: usize,
    pub(super) before: Before,
    pub(super) goal: Option<Goal>,
    /// By pitch class.
    pub(super) sounds: [Option<Sound>; 12],
    /// The lowest key.
    pub(super) bass: Option<i32>,
    /// Whether the lowest key is another than before.
    pub(super) bass_moves: bool,
    /// How many notes begin.
    pub(super) fresh: usize,
    /// Sharps of the key signature, or flats if negative; none where none is stated.
    pub(super) signature: Option<i32>,
    /// Whether a person spelled the pitches: not in a MIDI file.
    pub(super) spelled: bool,
}

impl Frame {
    /// Pitch class of the lowest key.
    pub(super) fn bass_class(&self) -> Option<usize> {
        self.bass.map(class)
    }

    pub(super) fn end(&self) -> Ticks {
        self.onset + self.duration
    }

    /// Its length.
    #[allow(clippy::cast_possible_truncation, reason = "24 bits of a length are enough to weigh it by")]
    pub(super) fn quarters(&self) -> f32 {
        self.duration.as_quarters() as f32
    }
}

/// The frames of a score, in order. `grid` has the beats of the part whose measures count.
pub(super) fn of(score: &Score, slices: &Slices, grid: Option<&Grid<'_>>) -> Vec<Frame> {
    let mut frames = cells(score, slices, grid);
    for (note, motion) in motions(score) {
        sound(&mut frames, note, motion);
    }
    let mut fermatas =
        score.annotations.iter().filter(|said| said.kind == AnnotationKind::Fermata).peekable();
    let mut last: Option<(Option<i32>, Ticks, bool)> = None;
    for frame in &mut frames {
        frame.weight = libm::sqrtf(frame.quarters().min(HEAVY_QUARTERS));
        let long = frame.quarters() >= LONG_QUARTERS;
        let mut held = false;
        while fermatas.next_if(|said| said.onset < frame.onset).is_some() {
            held = true;
        }
        if let Some((bass, ended, was_long)) = last.replace((frame.bass, frame.end(), long)) {
            frame.bass_moves = frame.bass != bass;
            frame.before = match (held || ended < frame.onset, was_long) {
                (true, _) => Before::PhraseEnd,
                (false, true) => Before::Long,
                (false, false) => Before::Plain,
            };
        }
        frame.goal = long.then_some(Goal::Long);
    }
    let mut next = Before::PhraseEnd;
    for frame in frames.iter_mut().rev() {
        if next == Before::PhraseEnd {
            frame.goal = Some(Goal::PhraseEnd);
        }
        next = frame.before;
    }
    frames
}

/// The stretches, without what sounds in them.
fn cells(score: &Score, slices: &Slices, grid: Option<&Grid<'_>>) -> Vec<Frame> {
    let measures = score.measures_of(score.leading_part());
    let signatures = signatures(score);
    let mut frames: Vec<Frame> = Vec::with_capacity(slices.len());
    let mut last = None;
    for (slice, _) in slices.iter() {
        let measure = measures.get(slice.measure as usize);
        let at = grid.map_or(slice.offset, |grid| grid.within_bar(measure, slice.offset));
        let cell = (slice.measure, at.0.div_euclid(CELL.0));
        match frames.last_mut() {
            Some(frame) if last == Some(cell) && frame.end() == slice.onset => {
                frame.duration = slice.onset + slice.duration - frame.onset;
            }
            _ => frames.push(Frame {
                onset: slice.onset,
                duration: slice.duration,
                place: slice.place,
                weight: 0.0,
                level: grid.map_or(4, |grid| grid.strength(measure, slice.offset)),
                before: Before::Plain,
                goal: None,
                sounds: [None; 12],
                bass: None,
                bass_moves: false,
                fresh: 0,
                signature: signature(&signatures, slice.onset),
                spelled: score.division.is_none(),
            }),
        }
        last = Some(cell);
    }
    frames
}

/// The key signatures of the parts that sound as written, from when on each counts. In a MIDI file one without sharps and
/// flats is what programs write that know none.
fn signatures(score: &Score) -> Vec<(Ticks, i32)> {
    let mut transposes = vec![false; score.parts.len()];
    for note in score.notes.iter().filter(|note| note.transpose % 12 != 0) {
        if let Some(part) = transposes.get_mut(usize::from(note.part)) {
            *part = true;
        }
    }
    let plain = |part: u16| transposes.get(usize::from(part)) == Some(&false);
    let says = |fifths: i8| score.division.is_none() || fifths != 0;
    let stated = score.keys.iter().filter(|key| plain(key.part) && says(key.fifths));
    let mut stated: Vec<(Ticks, i32)> = stated.map(|key| (key.onset, i32::from(key.fifths))).collect();
    stated.sort_unstable();
    stated
}

/// The signature of a moment; before the first one, that one.
fn signature(stated: &[(Ticks, i32)], at: Ticks) -> Option<i32> {
    let after = stated.partition_point(|(from, _)| *from <= at);
    stated.get(after.saturating_sub(1)).map(|(_, fifths)| (*fifths).clamp(-7, 7))
}

/// Adds a note to the frames during which it sounds.
fn sound(frames: &mut [Frame], note: &Note, motion: Motion) {
    let (key, end) = (note.sounding_key(), note.end());
    let first = frames.partition_point(|frame| frame.end() <= note.onset);
    let during = frames.get_mut(first..).unwrap_or_default().iter_mut();
    for frame in during.take_while(|frame| frame.onset < end) {
        let time = end.min(frame.end()) - note.onset.max(frame.onset);
        #[allow(clippy::cast_possible_truncation, reason = "a share of a frame")]
        let share = (time.as_quarters() / frame.duration.as_quarters()) as f32;
        if let Some(sound) = frame.sounds.get_mut(class(key)) {
            *sound = Some(match sound {
                Some(now) => {
                    let share = (now.share + share).min(1.0);
                    Sound { share, motion: now.motion.min(motion), fifths: now.fifths }
                }
                None => Sound { share, motion, fifths: note.sounding().fifths() },
            });
        }
        frame.bass = Some(frame.bass.map_or(key, |bass| bass.min(key)));
        frame.fresh += usize::from(note.onset >= frame.onset && note.is_onset());
    }
}

/// Every note that takes time and has a pitch, with its motion.
fn motions(score: &Score) -> Vec<(&Note, Motion)> {
    let mut notes: Vec<&Note> = score.notes.iter().filter(|note| lasts(note)).collect();
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

fn lasts(note: &Note) -> bool {
    is_plain(note) && note.duration.is_positive()
}

/// The motion of a note between the chord before it and what follows in its voice.
fn motion(note: &Note, before: &[&Note], after: &[&Note]) -> Motion {
    let (key, end) = (note.sounding_key(), note.end());
    let distance = |other: &&Note| other.sounding_key() - key;
    let nearer = |distance: &i32| (distance.abs(), *distance);
    let came = before.iter().filter(|other| other.end() == note.onset).map(distance).min_by_key(nearer);
    let next = after.partition_point(|other| other.onset < end);
    let next = after.get(next..).unwrap_or_default().iter();
    let goes = next.take_while(|other| other.onset == end).map(distance).min_by_key(nearer);
    let step = |distance: Option<i32>| distance.is_some_and(|distance| matches!(distance.abs(), 1 | 2));
    let held = came == Some(0) || !note.is_onset();
    match (step(came), step(goes)) {
        (true, true) => Motion::Passing,
        (_, true) if held && goes.is_some_and(|distance| distance < 0) => Motion::Suspended,
        (_, true) => Motion::Leaving,
        _ => Motion::Free,
    }
}

/// Whether never more than one note sounds.
pub(super) fn single_line(slices: &Slices) -> bool {
    slices.iter().all(|(_, pitches)| pitches.len() < 2)
}

/// Whether the score is note against note: at least three voices, none with chords, and on eight of ten beats where
/// something begins three notes do. Chorales are; each of their bass notes counts.
pub(super) fn note_against_note(score: &Score, frames: &[Frame]) -> bool {
    let begun = || frames.iter().filter(|frame| frame.fresh > 0 && frame.level <= 2);
    let (together, all) = (begun().filter(|frame| frame.fresh >= 3).count(), begun().count());
    if all == 0 || together * 10 < all * 8 {
        return false;
    }
    let line = |note: &Note| (note.part, note.staff, note.voice);
    let mut notes: Vec<_> =
        score.notes.iter().filter(|note| lasts(note)).map(|note| (line(note), note.onset)).collect();
    notes.sort_unstable();
    let chords = notes.windows(2).any(|pair| matches!(pair, [a, b] if a == b));
    notes.dedup_by_key(|(line, _)| *line);
    !chords && notes.len() >= 3
}
