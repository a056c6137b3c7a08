//! Which notes make a part.

use super::pairing::CHANNELS;
use super::track::Track;
use crate::read::MidiParts;
use crate::score::{Flags, Note, Ticks};

/// The notes of one part, in the order of their onsets.
pub(super) struct Voice<'a> {
    /// The first track that they stand in.
    pub(super) track: &'a Track<'a>,
    /// Numbers of all of them.
    pub(super) tracks: &'a [usize],
    /// The channel of the first note.
    pub(super) channel: u8,
    pub(super) notes: &'a [Note],
}

impl Voice<'_> {
    /// At how many of those moments a note begins.
    pub(super) fn begins_with(&self, moments: &[Ticks]) -> usize {
        let begins = |&&moment: &&Ticks| self.notes.binary_search_by_key(&moment, |note| note.onset).is_ok();
        moments.iter().filter(begins).count()
    }
}

/// The tracks with their notes in the order of the parts; where parts are channels, a track for each channel.
pub(super) fn grouped(mut tracks: Vec<Track<'_>>, by: MidiParts) -> Vec<Track<'_>> {
    if by == MidiParts::Channel {
        tracks = channels(&tracks);
    }
    for track in tracks.iter_mut().filter(|track| !track.tidy) {
        group(&mut track.notes, by == MidiParts::TrackChannel);
    }
    tracks
}

/// The parts of grouped tracks.
pub(super) fn voices<'a>(tracks: &'a [Track<'a>], by: MidiParts) -> Vec<Voice<'a>> {
    let mut voices = Vec::with_capacity(tracks.len());
    for track in tracks {
        let apart = by == MidiParts::TrackChannel && !track.tidy;
        let runs = apart.then(|| track.notes.chunk_by(|a, b| a.part == b.part)).into_iter().flatten();
        let whole = Some(track.notes.as_slice()).filter(|notes| !apart && !notes.is_empty());
        voices.extend(runs.chain(whole).map(|notes| {
            let channel = notes.first().map_or(0, |note| note.part as u8);
            Voice { track, tracks: &track.sources, channel, notes }
        }));
    }
    voices
}

/// A track of each channel, called like the first that has notes of it.
fn channels<'a>(tracks: &[Track<'a>]) -> Vec<Track<'a>> {
    let of = |channel: u8| {
        let has = move |track: &&Track<'_>| track.notes.iter().any(|note| note.part == u16::from(channel));
        let first = tracks.iter().find(has)?;
        let notes =
            tracks.iter().flat_map(|track| &track.notes).filter(|note| note.part == u16::from(channel));
        let mut notes: Vec<Note> = notes.copied().collect();
        notes.sort_by_key(|note| note.onset);
        let sources = tracks.iter().filter(has).map(|track| track.number).collect();
        let sounds_until = notes.iter().map(Note::end).max().unwrap_or_default();
        Some(Track { notes, tidy: false, sounds_until, sources, ..first.head() })
    };
    (0..CHANNELS as u8).filter_map(of).collect()
}

/// Puts the notes of a track, which are in the order of their onsets, by channel if asked to, and the notes of one onset
/// by their ends, so that chords stand together and can be marked. Else the order of the file stays.
fn group(notes: &mut Vec<Note>, by_channel: bool) {
    let first = notes.first().map(|note| note.part);
    if by_channel && notes.iter().any(|note| Some(note.part) != first) {
        sort_by_channel(notes);
    }
    let mut moments = Moments::new(by_channel);
    for (at, note) in notes.iter_mut().enumerate() {
        moments.take(at, note, if by_channel { note.part } else { 0 });
    }
    moments.mend(notes);
}

/// Marks chords among notes in the order of their onsets, and finds the moments whose notes are not in the order of
/// their ends: few are not, and only those are sorted.
pub(super) struct Moments {
    /// Channels are apart.
    by_channel: bool,
    /// Onset, length and channel of the note before.
    before: (Ticks, Ticks, u16),
    /// Notes that are shorter than the one before them.
    wrong: Vec<usize>,
}

impl Moments {
    pub(super) const fn new(by_channel: bool) -> Self {
        Moments { by_channel, before: (Ticks(i64::MIN), Ticks::ZERO, 0), wrong: Vec::new() }
    }

    /// The next note, where it stands, and its channel, which is 0 for all where channels are not apart.
    #[inline(always)]
    pub(super) fn take(&mut self, at: usize, note: &mut Note, channel: u16) {
        let (onset, duration, before) = self.before;
        self.before = (note.onset, note.duration, channel);
        let together = onset == note.onset && channel == before;
        note.flags =
            note.flags.without(Flags::CHORD).with_if(together && duration == note.duration, Flags::CHORD);
        if together && duration > note.duration {
            self.wrong.push(at);
        }
    }

    /// Sorts the moments that have to be.
    pub(super) fn mend(self, notes: &mut [Note]) {
        let joins = |a: &Note, b: &Note| a.onset == b.onset && (!self.by_channel || a.part == b.part);
        let mut done = 0;
        for at in self.wrong {
            let (Some((before, rest)), true) = (notes.split_at_checked(at), at >= done) else { continue };
            let Some(note) = rest.first() else { continue };
            let from = at - before.iter().rev().take_while(|other| joins(other, note)).count();
            done = at + rest.iter().take_while(|other| joins(other, note)).count();
            let Some(moment) = notes.get_mut(from..done) else { continue };
            moment.sort_by_key(|note| note.duration);
            let mut sorted = Moments::new(false);
            moment.iter_mut().enumerate().for_each(|(at, note)| sorted.take(at, note, 0));
        }
    }
}

/// A sort of few keys: each note is written once, to the next place of its channel.
fn sort_by_channel(notes: &mut Vec<Note>) {
    let Some(&any) = notes.first() else { return };
    let mut places = [0_usize; CHANNELS];
    for note in &*notes {
        if let Some(count) = places.get_mut(usize::from(note.part)) {
            *count += 1;
        }
    }
    let mut from = 0;
    for place in &mut places {
        from += std::mem::replace(place, from);
    }
    let mut sorted = vec![any; notes.len()];
    for note in &*notes {
        let Some(place) = places.get_mut(usize::from(note.part)) else { continue };
        if let Some(slot) = sorted.get_mut(*place) {
            *slot = *note;
        }
        *place += 1;
    }
    *notes = sorted;
}
