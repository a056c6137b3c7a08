//! Which notes make a part.

use super::clock::Clock;
use super::pairing::{CHANNELS, RawNote};
use super::track::Track;
use crate::read::MidiParts;
use crate::score::Ticks;

/// The notes of one part, in the order of their onsets.
pub(super) struct Voice<'a> {
    /// The first track that they stand in.
    pub(super) track: &'a Track<'a>,
    /// Numbers of all of them.
    pub(super) tracks: &'a [usize],
    pub(super) notes: &'a [RawNote],
}

impl Voice<'_> {
    /// The channel of the first note.
    pub(super) fn channel(&self) -> u8 {
        self.notes.first().map_or(0, |note| note.channel)
    }

    /// At how many of those moments a note begins.
    pub(super) fn begins_with(&self, moments: &[Ticks], clock: Clock) -> usize {
        let begins = |&&moment: &&Ticks| {
            self.notes.binary_search_by_key(&moment, |note| clock.time(note.on).0).is_ok()
        };
        moments.iter().filter(begins).count()
    }
}

/// The tracks with their notes in the order of the parts; where parts are channels, a track for each channel.
pub(super) fn grouped(mut tracks: Vec<Track<'_>>, by: MidiParts) -> Vec<Track<'_>> {
    if by == MidiParts::Channel {
        tracks = channels(&tracks);
    }
    for track in &mut tracks {
        group(&mut track.notes, by == MidiParts::TrackChannel);
    }
    tracks
}

/// The parts of a grouped track.
pub(super) fn voices<'a>(track: &'a Track<'a>, by: MidiParts) -> impl Iterator<Item = Voice<'a>> {
    let apart = by == MidiParts::TrackChannel;
    let notes = track.notes.chunk_by(move |a, b| !apart || a.channel == b.channel);
    notes.map(move |notes| Voice { track, tracks: &track.sources, notes })
}

/// A track of each channel, called like the first that has notes of it.
fn channels<'a>(tracks: &[Track<'a>]) -> Vec<Track<'a>> {
    let of = |channel: u8| {
        let has = move |track: &&Track<'_>| track.notes.iter().any(|note| note.channel == channel);
        let first = tracks.iter().find(has)?;
        let notes = tracks.iter().flat_map(|track| &track.notes).filter(|note| note.channel == channel);
        let mut notes: Vec<RawNote> = notes.copied().collect();
        notes.sort_by_key(|note| note.on);
        let sources = tracks.iter().filter(has).map(|track| track.number).collect();
        Some(Track { notes, sources, ..first.head() })
    };
    (0..CHANNELS as u8).filter_map(of).collect()
}

/// Puts the notes of a track, which are in the order of their onsets, by channel if asked to, and the notes of one onset
/// by their ends, so that chords stand together. Else the order of the file stays.
fn group(notes: &mut Vec<RawNote>, by_channel: bool) {
    if by_channel && !notes.is_sorted_by_key(|note| note.channel) {
        sort_by_channel(notes);
    }
    for chord in notes.chunk_by_mut(|a, b| a.on == b.on && (!by_channel || a.channel == b.channel)) {
        if chord.len() > 1 {
            chord.sort_by_key(|note| note.off);
        }
    }
}

/// A sort of few keys: each note is written once, to the next place of its channel.
fn sort_by_channel(notes: &mut Vec<RawNote>) {
    let Some(&any) = notes.first() else { return };
    let mut places = [0_usize; CHANNELS];
    for note in &*notes {
        if let Some(count) = places.get_mut(usize::from(note.channel)) {
            *count += 1;
        }
    }
    let mut from = 0;
    for place in &mut places {
        from += std::mem::replace(place, from);
    }
    let mut sorted = vec![any; notes.len()];
    for note in &*notes {
        let Some(place) = places.get_mut(usize::from(note.channel)) else { continue };
        if let Some(slot) = sorted.get_mut(*place) {
            *slot = *note;
        }
        *place += 1;
    }
    *notes = sorted;
}
