//! Which note-off ends which note.

use crate::read::Fidelity;

/// No note.
const NONE: u32 = u32::MAX;
/// Keys of a channel.
const KEYS: usize = 128;
/// Channels of a track.
pub(super) const CHANNELS: usize = 16;

/// A note in the ticks of its file.
#[derive(Clone, Copy, Debug)]
pub(super) struct RawNote {
    pub(super) on: u64,
    pub(super) off: u64,
    /// Byte of its note-on.
    pub(super) at: usize,
    /// The next note that was struck on the same key while this one sounded.
    next: u32,
    pub(super) key: u8,
    pub(super) channel: u8,
}

impl RawNote {
    /// A note that has begun.
    pub(super) const fn new(on: u64, at: usize, channel: u8, key: u8) -> Self {
        RawNote { on, off: on, at, next: NONE, key, channel }
    }
}

/// The first and the last sounding note of a key, as indices into the notes of the track.
#[derive(Clone, Copy)]
struct Queue {
    first: u32,
    last: u32,
}

/// The notes that sound, per channel and key. One serves all tracks of a file, one after the other.
pub(super) struct Pairing {
    queues: Vec<Queue>,
    /// Sounding notes of each channel, so that silence is cheap.
    sounding: [u32; CHANNELS],
    /// Whether a note-off ends all notes of its key, as in music21, or the one that has sounded longest.
    ends_all: bool,
}

impl Pairing {
    pub(super) fn new(fidelity: Fidelity) -> Self {
        Pairing {
            queues: vec![Queue { first: NONE, last: NONE }; CHANNELS * KEYS],
            sounding: [0; CHANNELS],
            ends_all: fidelity == Fidelity::Compat,
        }
    }

    /// A note begins. The caller sees to it that there are fewer than 2^32 - 1 notes.
    pub(super) fn begin(&mut self, notes: &mut Vec<RawNote>, note: RawNote) {
        let index = u32::try_from(notes.len()).unwrap_or(NONE);
        let Some(queue) = self.queues.get_mut(slot(note.channel, note.key)) else { return };
        if queue.first == NONE {
            queue.first = index;
        } else if let Some(last) = notes.get_mut(queue.last as usize) {
            last.next = index;
        }
        queue.last = index;
        notes.push(note);
        if let Some(count) = self.sounding.get_mut(usize::from(note.channel)) {
            *count += 1;
        }
    }

    /// A key is released; says how many notes that ends.
    pub(super) fn release(&mut self, notes: &mut [RawNote], channel: u8, key: u8, now: u64) -> u32 {
        self.end(notes, channel, key, now, self.ends_all)
    }

    /// All notes of a channel end; says how many.
    pub(super) fn silence(&mut self, notes: &mut [RawNote], channel: u8, now: u64) -> u32 {
        if self.sounding.get(usize::from(channel)).is_none_or(|&count| count == 0) {
            return 0;
        }
        (0..KEYS as u8).map(|key| self.end(notes, channel, key, now, true)).sum()
    }

    fn end(&mut self, notes: &mut [RawNote], channel: u8, key: u8, now: u64, all: bool) -> u32 {
        let Some(queue) = self.queues.get_mut(slot(channel, key)) else { return 0 };
        let mut ended = 0;
        while let Some(note) = notes.get_mut(queue.first as usize) {
            note.off = now;
            queue.first = note.next;
            ended += 1;
            if !all {
                break;
            }
        }
        if let Some(count) = self.sounding.get_mut(usize::from(channel)) {
            *count = count.saturating_sub(ended);
        }
        ended
    }
}

fn slot(channel: u8, key: u8) -> usize {
    usize::from(channel) * KEYS + usize::from(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Strikes a key at 0 and 2, releases it at 5 and 7; the ends of both notes.
    fn ends(fidelity: Fidelity) -> Vec<u64> {
        let (mut pairing, mut notes) = (Pairing::new(fidelity), Vec::new());
        for on in [0, 2] {
            pairing.begin(&mut notes, RawNote::new(on, 0, 3, 60));
        }
        for off in [5, 7] {
            pairing.release(&mut notes, 3, 60, off);
        }
        assert_eq!(pairing.silence(&mut notes, 3, 9), 0, "nothing sounds any more");
        notes.iter().map(|note| note.off).collect()
    }

    #[test]
    fn the_note_that_sounded_longest_ends_first() {
        assert_eq!(ends(Fidelity::Corrected), [5, 7]);
        assert_eq!(ends(Fidelity::Compat), [5, 5]);
    }
}
