//! Which note-off ends which note.

use crate::read::Fidelity;
use crate::score::{Flags, Ticks};

/// Keys of a channel.
const KEYS: usize = 128;
/// Channels of a track.
pub(super) const CHANNELS: usize = 16;

/// A note as it stands in a track, in three fifths of the memory that it takes in a score.
#[derive(Clone, Copy, Debug)]
pub(super) struct Struck {
    /// In ticks of the file until the track is read.
    pub(super) onset: Ticks,
    pub(super) end: Ticks,
    /// Its byte.
    pub(super) at: u32,
    pub(super) channel: u8,
    pub(super) key: u8,
    pub(super) flags: Flags,
}

/// No note.
const NONE: u32 = u32::MAX;

/// What sounds on a key: the first and the last note that was struck and not released, as indices into the notes of the
/// track. No first one is silence.
#[derive(Clone, Copy)]
struct Key {
    first: u32,
    last: u32,
}

const SILENT: Key = Key { first: NONE, last: NONE };

/// Why a note that begins or sounds on a key may be a note of no length.
#[derive(Clone, Copy)]
struct Doubt {
    /// A note that begins at this time is doubtful: a note-off came before it that ended no note, or a doubtful one.
    suspect: Ticks,
    /// Whether the only sounding note is doubtful.
    sounds: bool,
    /// The last of the doubtful notes before it; each knows the one before.
    chain: u32,
}

const NO_DOUBT: Doubt = Doubt { suspect: Ticks(i64::MIN), sounds: false, chain: NONE };

/// The notes that sound, per channel and key. One serves all tracks of a file, one after the other.
pub(super) struct Pairing {
    /// Of the channels up to the highest that was struck.
    keys: Vec<Key>,
    /// How many notes of this track have ended.
    ended: u32,
    /// For each note the one that follows it: struck on its key while it sounded, or the doubtful one before it. Empty
    /// until there is one, as most notes have none.
    links: Vec<u32>,
    /// What is in doubt on each key. Empty until something is, as in most files nothing is.
    doubts: Vec<Doubt>,
    /// A bit for each channel that was struck in this track, and behind these one for each that was since it was
    /// silenced, so that silence is cheap.
    struck: u32,
    /// How many notes of the track were looked at for that.
    looked: usize,
    fidelity: Fidelity,
}

/// Takes what mostly comes: a silent key is struck, or one is released on which one note sounds.
pub(super) struct Hand<'p> {
    keys: &'p mut [Key],
    /// How many notes it ended.
    pub(super) ended: u32,
}

/// Whether a hand strikes no more notes, as there is room for one at the most.
#[inline(always)]
pub(super) fn is_full(notes: &Vec<Struck>) -> bool {
    notes.len() + 1 >= notes.capacity()
}

impl Hand<'_> {
    /// A key is struck: whether that was taken, for which there must be room for two: whoever strikes the one that was not
    /// taken has room for that.
    #[inline(always)]
    pub(super) fn strike(&mut self, notes: &mut Vec<Struck>, note: Struck) -> bool {
        if is_full(notes) {
            return false;
        }
        let index = notes.len() as u32;
        match self.keys.get_mut(slot(note.channel, note.key)) {
            Some(key) if key.first == NONE => *key = Key { first: index, last: index },
            _ => return false,
        }
        notes.push(note);
        true
    }

    /// A key is released: whether that was taken.
    #[inline(always)]
    pub(super) fn release(&mut self, notes: &mut [Struck], channel: u8, key: u8, now: Ticks) -> bool {
        let Some(key) = self.keys.get_mut(slot(channel, key)) else { return false };
        let Some(note) = notes.get_mut(key.first as usize) else { return false };
        if key.first != key.last {
            return false;
        }
        note.end = now;
        key.first = NONE;
        self.ended += 1;
        true
    }
}

impl Pairing {
    pub(super) fn new(fidelity: Fidelity) -> Self {
        Pairing {
            keys: Vec::new(),
            ended: 0,
            links: Vec::new(),
            doubts: Vec::new(),
            struck: 0,
            looked: 0,
            fidelity,
        }
    }

    /// The keys as a hand holds them that takes what mostly comes: none while something is in doubt.
    #[inline]
    pub(super) fn hand(&mut self) -> Hand<'_> {
        let keys = if self.doubts.is_empty() { self.keys.as_mut_slice() } else { &mut [] };
        Hand { keys, ended: 0 }
    }

    /// Takes note of what a hand did.
    #[inline]
    pub(super) const fn count(&mut self, ended: u32) {
        self.ended += ended;
    }

    /// A note begins on a key, without length. The caller sees to it that there are fewer than 2^32 - 1 notes.
    pub(super) fn begin(&mut self, notes: &mut Vec<Struck>, note: Struck) {
        let at = slot(note.channel, note.key);
        if at >= self.keys.len() {
            self.keys.resize((usize::from(note.channel & 0xF) + 1) * KEYS, SILENT);
        }
        if !self.doubts.is_empty() {
            self.doubt(notes, at, note.onset);
        }
        let Some(key) = self.keys.get_mut(at) else { return };
        let index = notes.len() as u32;
        notes.push(note);
        if key.first == NONE {
            key.first = index;
        } else {
            link(&mut self.links, key.last, index);
        }
        key.last = index;
    }

    /// Whether a note that begins on a key is doubtful, and what that says of the one before.
    #[cold]
    fn doubt(&mut self, notes: &mut [Struck], at: usize, now: Ticks) {
        self.settle(notes, at);
        let (Some(key), Some(doubt)) = (self.keys.get(at), self.doubts.get_mut(at)) else { return };
        if key.first == NONE {
            doubt.sounds = doubt.suspect == now && self.fidelity == Fidelity::Corrected;
            if !doubt.sounds {
                doubt.chain = NONE;
            }
        }
    }

    /// Some programs, music21 among them, write a note of no length with its note-off first. Paired as they stand, the
    /// note-off of each such note ends the one before, and the last never ends. When the last is found out, by the key
    /// being struck again or by the end of the track, all of them get back the length that they have: none.
    fn settle(&mut self, notes: &mut [Struck], at: usize) {
        let (Some(key), Some(doubt)) = (self.keys.get_mut(at), self.doubts.get_mut(at)) else { return };
        if !doubt.sounds {
            return;
        }
        let mut chain = doubt.chain;
        while let Some(note) = notes.get_mut(chain as usize) {
            note.end = note.onset;
            chain = follower(&self.links, chain);
        }
        // The sounding one was made without length.
        (key.first, doubt.sounds, doubt.chain) = (NONE, false, NONE);
        self.ended += 1;
    }

    /// A key is released; says how many notes that ends: the one that has sounded longest, or all as in music21.
    pub(super) fn release(&mut self, notes: &mut [Struck], channel: u8, key: u8, now: Ticks) -> u32 {
        let ended = self.end(notes, slot(channel, key), now, self.fidelity == Fidelity::Compat);
        if ended == 0 {
            self.suspect(slot(channel, key), now);
        }
        ended
    }

    #[cold]
    fn suspect(&mut self, at: usize, now: Ticks) {
        self.doubts.resize(CHANNELS * KEYS, NO_DOUBT);
        if let Some(doubt) = self.doubts.get_mut(at) {
            (doubt.suspect, doubt.chain) = (now, NONE);
        }
    }

    /// The first note of a key ends, or all of them; says how many that are.
    fn end(&mut self, notes: &mut [Struck], at: usize, now: Ticks, all: bool) -> u32 {
        let Some(key) = self.keys.get_mut(at) else { return 0 };
        let mut ended = 0;
        while let Some(note) = notes.get_mut(key.first as usize) {
            let index = key.first;
            note.end = now;
            key.first = if index == key.last { NONE } else { follower(&self.links, index) };
            ended += 1;
            if let Some(doubt) = self.doubts.get_mut(at).filter(|doubt| doubt.sounds) {
                link(&mut self.links, index, doubt.chain);
                *doubt = Doubt { suspect: now, sounds: false, chain: index };
            }
            if !all {
                break;
            }
        }
        self.ended += ended;
        ended
    }

    /// All notes of a channel end.
    pub(super) fn silence(&mut self, notes: &mut [Struck], channel: u8, now: Ticks) {
        self.look(notes);
        let loud = 0x1_0000 << (channel & 0xF);
        if self.struck & loud != 0 {
            self.struck ^= loud;
            for key in 0..KEYS as u8 {
                self.end(notes, slot(channel, key), now, true);
            }
        }
    }

    /// Whether a channel has had a note in this track.
    pub(super) fn has_struck(&mut self, notes: &[Struck], channel: u8) -> bool {
        self.look(notes);
        self.struck & (1 << (channel & 0xF)) != 0
    }

    /// Which channels the notes since the last look are of: asked for now and then only, so notes pass faster.
    fn look(&mut self, notes: &[Struck]) {
        let new = notes.get(self.looked..).unwrap_or_default();
        self.struck |= new.iter().fold(0, |struck, note| struck | 0x1_0001 << (note.channel & 0xF));
        self.looked = notes.len();
    }

    /// Whether something is in doubt, so that notes which have ended may yet become others.
    pub(super) const fn doubts(&self) -> bool {
        !self.doubts.is_empty()
    }

    /// The first of the notes that sound.
    pub(super) fn first_sounding(&self) -> Option<usize> {
        self.keys.iter().map(|key| key.first).min().filter(|&first| first != NONE).map(|first| first as usize)
    }

    /// The first notes of the track go, of which none sounds and none is in doubt: so many, and a bit for each of their
    /// channels.
    pub(super) fn forget(&mut self, count: usize, channels: u16) {
        let gone = count as u32;
        for key in self.keys.iter_mut().filter(|key| key.first != NONE) {
            (key.first, key.last) = (key.first.saturating_sub(gone), key.last.saturating_sub(gone));
        }
        self.links.drain(..count.min(self.links.len()));
        self.links
            .iter_mut()
            .filter(|link| **link != NONE)
            .for_each(|link| *link = link.saturating_sub(gone));
        self.ended = self.ended.saturating_sub(gone);
        self.struck |= u32::from(channels) * 0x1_0001;
        self.looked = self.looked.saturating_sub(count);
    }

    /// The track ends, and the notes that still sound with it; says how many those are. Music21 drops them: in its
    /// reading they are kept, but without length, so that what is weighed by length is as there.
    pub(super) fn finish(&mut self, notes: &mut [Struck], now: Ticks) -> u32 {
        let sounds = notes.len() as u32 > self.ended;
        if sounds && !self.doubts.is_empty() {
            (0..self.keys.len()).for_each(|at| self.settle(notes, at));
        }
        let mut hanging = 0;
        if sounds {
            for key in &mut self.keys {
                let Key { mut first, last } = std::mem::replace(key, SILENT);
                while let Some(note) = notes.get_mut(first as usize) {
                    let lasts = self.fidelity == Fidelity::Corrected;
                    note.end = if lasts { now } else { note.onset };
                    hanging += 1;
                    first = if first == last { NONE } else { follower(&self.links, first) };
                }
            }
        }
        (self.ended, self.struck, self.looked) = (0, 0, 0);
        self.links.clear();
        self.doubts.clear();
        hanging
    }
}

/// Where a key stands among all.
#[inline(always)]
fn slot(channel: u8, key: u8) -> usize {
    usize::from(channel & 0xF) * KEYS + usize::from(key)
}

/// Says what follows a note.
#[cold]
fn link(links: &mut Vec<u32>, note: u32, next: u32) {
    let at = note as usize;
    if links.len() <= at {
        links.resize(at + 1, NONE);
    }
    if let Some(link) = links.get_mut(at) {
        *link = next;
    }
}

/// What follows a note, if anything does.
fn follower(links: &[u32], note: u32) -> u32 {
    links.get(note as usize).copied().unwrap_or(NONE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(channel: u8, key: u8, now: i64) -> Struck {
        Struck { onset: Ticks(now), end: Ticks(now), at: 0, channel, key, flags: Flags::NONE }
    }

    /// What becomes of a key that is struck (true) and released (false) at those times, in a track that ends at 99:
    /// start and end of each note.
    fn pair(fidelity: Fidelity, events: &[(i64, bool)]) -> Vec<(i64, i64)> {
        let (mut pairing, mut notes) = (Pairing::new(fidelity), Vec::new());
        for &(now, on) in events {
            if on {
                pairing.begin(&mut notes, note(3, 60, now));
            } else {
                pairing.release(&mut notes, 3, 60, Ticks(now));
            }
        }
        pairing.finish(&mut notes, Ticks(99));
        assert_eq!(pairing.finish(&mut notes, Ticks(100)), 0, "nothing sounds any more");
        notes.iter().map(|note| (note.onset.0, note.end.0)).collect()
    }

    #[test]
    fn the_note_that_sounded_longest_ends_first() {
        let events = [(0, true), (2, true), (5, false), (7, false)];
        assert_eq!(pair(Fidelity::Corrected, &events), [(0, 5), (2, 7)]);
        assert_eq!(pair(Fidelity::Compat, &events), [(0, 5), (2, 5)]);
    }

    #[test]
    fn what_a_track_leaves_does_not_sound_in_the_next() {
        let (mut pairing, mut notes) = (Pairing::new(Fidelity::Corrected), Vec::new());
        for now in [2, 4] {
            pairing.begin(&mut notes, note(3, 60, now));
        }
        pairing.release(&mut notes, 5, 61, Ticks(7));
        assert_eq!(pairing.finish(&mut notes, Ticks(9)), 2);
        let mut notes = Vec::new();
        assert_eq!(pairing.release(&mut notes, 3, 60, Ticks(0)), 0);
        pairing.begin(&mut notes, note(5, 61, 7));
        pairing.begin(&mut notes, note(3, 60, 8));
        pairing.silence(&mut notes, 3, Ticks(10));
        assert_eq!(pairing.finish(&mut notes, Ticks(12)), 1);
        assert_eq!(notes.iter().map(|note| note.end.0 - note.onset.0).collect::<Vec<_>>(), [5, 2]);
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
