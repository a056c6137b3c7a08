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
    pub(super) at: u32,
    /// The next note that was struck on the same key while this one sounded.
    next: u32,
    pub(super) key: u8,
    pub(super) channel: u8,
}

impl RawNote {
    /// A note that has begun.
    pub(super) fn new(on: u64, at: usize, channel: u8, key: u8) -> Self {
        // Past 4 GiB, which no limit allows, places stay at the last byte.
        let at = u32::try_from(at).unwrap_or(u32::MAX);
        RawNote { on, off: on, at, next: NONE, key, channel }
    }
}

/// What sounds on a key of a channel.
#[derive(Clone, Copy)]
struct Queue {
    /// The first and the last sounding note, as indices into the notes of the track.
    first: u32,
    last: u32,
    /// A note that begins at this time is doubtful: a note-off came before it that ended no note, or a doubtful one.
    suspect: u64,
    /// Whether the only sounding note is doubtful.
    doubtful: bool,
    /// The last of the doubtful notes before it; each knows the one before.
    chain: u32,
}

const SILENT: Queue = Queue { first: NONE, last: NONE, suspect: u64::MAX, doubtful: false, chain: NONE };

impl Queue {
    /// The first note ends, or all of them; says how many that are.
    #[inline(always)]
    fn end(&mut self, notes: &mut [RawNote], now: u64, all: bool) -> u32 {
        let mut ended = 0;
        while let Some(note) = notes.get_mut(self.first as usize) {
            let index = std::mem::replace(&mut self.first, note.next);
            note.off = now;
            ended += 1;
            if self.doubtful {
                self.doubtful = false;
                note.next = self.chain;
                (self.suspect, self.chain) = (now, index);
            }
            if !all {
                break;
            }
        }
        ended
    }

    /// Some programs, music21 among them, write a note of no length with its note-off first. Paired as they stand, the
    /// note-off of each such note ends the one before, and the last never ends. When the last is found out, by the key
    /// being struck again or by the end of the track, all of them get back the length that they have: none.
    fn settle_doubts(&mut self, notes: &mut [RawNote]) {
        let mut chain = self.chain;
        while let Some(note) = notes.get_mut(chain as usize) {
            note.off = note.on;
            chain = note.next;
        }
        // The sounding one was made with its start for its end.
        (self.first, self.doubtful, self.chain) = (NONE, false, NONE);
    }
}

/// The notes that sound, per channel and key. One serves all tracks of a file, one after the other.
pub(super) struct Pairing {
    /// Per channel, its keys; empty until the channel is touched, as most files use few.
    queues: [Vec<Queue>; CHANNELS],
    /// A bit for each channel that was struck since it was silenced, so that silence is cheap.
    struck: u16,
    fidelity: Fidelity,
}

impl Pairing {
    pub(super) fn new(fidelity: Fidelity) -> Self {
        Pairing { queues: Default::default(), struck: 0, fidelity }
    }

    /// A note begins. The caller sees to it that there are fewer than 2^32 - 1 notes.
    #[inline(always)]
    pub(super) fn begin(&mut self, notes: &mut Vec<RawNote>, note: RawNote) {
        let index = u32::try_from(notes.len()).unwrap_or(NONE);
        let Some(queue) = queue(&mut self.queues, note.channel, note.key) else { return };
        self.struck |= 1 << note.channel;
        if queue.doubtful {
            queue.settle_doubts(notes);
        }
        if queue.first == NONE {
            queue.first = index;
            queue.doubtful = queue.suspect == note.on && self.fidelity == Fidelity::Corrected;
            if !queue.doubtful {
                queue.chain = NONE;
            }
        } else if let Some(last) = notes.get_mut(queue.last as usize) {
            last.next = index;
        }
        queue.last = index;
        notes.push(note);
    }

    /// A key is released; says how many notes that ends: the one that has sounded longest, or all as in music21.
    #[inline(always)]
    pub(super) fn release(&mut self, notes: &mut [RawNote], channel: u8, key: u8, now: u64) -> u32 {
        let Some(queue) = queue(&mut self.queues, channel, key) else { return 0 };
        let ended = queue.end(notes, now, self.fidelity == Fidelity::Compat);
        if ended == 0 {
            (queue.suspect, queue.chain) = (now, NONE);
        }
        ended
    }

    /// All notes of a channel end.
    pub(super) fn silence(&mut self, notes: &mut [RawNote], channel: u8, now: u64) {
        if self.struck & (1 << channel) != 0 {
            self.struck ^= 1 << channel;
            for queue in self.queues.get_mut(usize::from(channel)).into_iter().flatten() {
                queue.end(notes, now, true);
            }
        }
    }

    /// The track ends, and the notes that still sound with it; says how many those are. Music21 drops them: in its
    /// reading they are kept, but without length, so that what is weighed by length is as there.
    pub(super) fn finish(&mut self, notes: &mut [RawNote], now: u64) -> u32 {
        let mut hanging = 0;
        for queue in self.queues.iter_mut().flatten() {
            if queue.doubtful {
                queue.settle_doubts(notes);
            }
            let mut next = queue.first;
            while let Some(note) = notes.get_mut(next as usize) {
                note.off = if self.fidelity == Fidelity::Compat { note.on } else { now };
                next = note.next;
                hanging += 1;
            }
        }
        self.queues.iter_mut().for_each(Vec::clear);
        self.struck = 0;
        hanging
    }
}

/// What sounds on a key.
fn queue(queues: &mut [Vec<Queue>; CHANNELS], channel: u8, key: u8) -> Option<&mut Queue> {
    let keys = queues.get_mut(usize::from(channel))?;
    if keys.is_empty() {
        keys.resize(KEYS, SILENT);
    }
    keys.get_mut(usize::from(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What becomes of a key that is struck (true) and released (false) at those times, in a track that ends at 99:
    /// start and end of each note.
    fn pair(fidelity: Fidelity, events: &[(u64, bool)]) -> Vec<(u64, u64)> {
        let (mut pairing, mut notes) = (Pairing::new(fidelity), Vec::new());
        for &(now, on) in events {
            if on {
                pairing.begin(&mut notes, RawNote::new(now, 0, 3, 60));
            } else {
                pairing.release(&mut notes, 3, 60, now);
            }
        }
        pairing.finish(&mut notes, 99);
        assert_eq!(pairing.finish(&mut notes, 100), 0, "nothing sounds any more");
        notes.iter().map(|note| (note.on, note.off)).collect()
    }

    #[test]
    fn the_note_that_sounded_longest_ends_first() {
        let events = [(0, true), (2, true), (5, false), (7, false)];
        assert_eq!(pair(Fidelity::Corrected, &events), [(0, 5), (2, 7)]);
        assert_eq!(pair(Fidelity::Compat, &events), [(0, 5), (2, 5)]);
    }

    #[test]
    fn a_note_that_never_ends_lasts_to_the_end_of_the_track() {
        let events = [(0, true), (2, true), (5, false)];
        assert_eq!(pair(Fidelity::Corrected, &events), [(0, 5), (2, 99)]);
        assert_eq!(pair(Fidelity::Compat, &[(0, true)]), [(0, 0)]);
    }

    #[test]
    fn a_note_of_no_length_may_be_written_backwards() {
        let backwards = [(4, false), (4, true)];
        assert_eq!(pair(Fidelity::Corrected, &backwards), [(4, 4)]);
        let next = [&backwards[..], &[(6, true), (8, false)]].concat();
        assert_eq!(pair(Fidelity::Corrected, &next), [(4, 4), (6, 8)]);
        let chain = [&backwards[..], &[(7, false), (7, true), (9, true), (10, false)]].concat();
        assert_eq!(pair(Fidelity::Corrected, &chain), [(4, 4), (7, 7), (9, 10)]);
        assert_eq!(pair(Fidelity::Compat, &chain), [(4, 7), (7, 10), (9, 10)]);
        let repeated = [&backwards[..], &[(7, false), (7, true), (9, false)]].concat();
        assert_eq!(pair(Fidelity::Corrected, &repeated), [(4, 7), (7, 9)]);
        let twice_released = [&backwards[..], &[(8, false)]].concat();
        assert_eq!(pair(Fidelity::Corrected, &twice_released), [(4, 8)]);
    }
}
