//! Notes as they sound, ties joined.

use crate::score::{Flags, Note, Score, Ticks};
use std::collections::BTreeMap;

/// A sound.
#[derive(Clone, Copy, Debug)]
pub(super) struct Played {
    /// Index of its part.
    pub(super) part: u16,
    /// MIDI key; may lie outside 0 to 127.
    pub(super) key: i32,
    /// When it begins.
    pub(super) onset: Ticks,
    /// How long it sounds; nothing for a grace note.
    pub(super) duration: Ticks,
    /// Whether it is percussion.
    pub(super) unpitched: bool,
}

/// The sounds of a score, in the order of its notes.
pub(super) fn played(score: &Score) -> Vec<Played> {
    let mut all: Vec<Played> = Vec::with_capacity(score.notes.len());
    // Of each part and key, the sound that a tie may prolong, where it ends.
    let mut tied: BTreeMap<(u16, i32, Ticks), usize> = BTreeMap::new();
    for note in &score.notes {
        let key = note.sounding_key();
        let before = if note.is_onset() { None } else { tied.remove(&(note.part, key, note.onset)) };
        let index = match before.and_then(|index| all.get_mut(index).map(|sound| (index, sound))) {
            Some((index, sound)) => {
                sound.duration += note.duration;
                index
            }
            None => {
                all.push(sound(note, key));
                all.len() - 1
            }
        };
        if note.flags.has(Flags::TIE_START) && note.duration.is_positive() {
            tied.insert((note.part, key, note.end()), index);
        }
    }
    all
}

fn sound(note: &Note, key: i32) -> Played {
    let unpitched = !note.is_pitched();
    Played { part: note.part, key, onset: note.onset, duration: note.duration, unpitched }
}
