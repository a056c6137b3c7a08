//! Which notes make a part.

use super::pairing::{CHANNELS, Struck};
use super::track::Track;
use crate::read::MidiParts;
use crate::score::{EventSink, Flags, Note, Pitch, Stop, Ticks};
use shared::place::Place;
use std::array;
use std::sync::LazyLock;

/// Parts whose notes are merged, at most.
const MERGED_MAX: usize = 64;
/// How many notes are told at once where they are not.
const RUN: usize = 256;

/// The notes of one part, in the order of their onsets.
pub(super) struct Voice<'a> {
    /// The first track that they stand in.
    pub(super) track: &'a Track<'a>,
    /// Numbers of all of them.
    pub(super) tracks: &'a [usize],
    /// The channel of the first note.
    pub(super) channel: u8,
    pub(super) notes: &'a [Struck],
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
        let runs = apart.then(|| track.notes.chunk_by(|a, b| a.channel == b.channel)).into_iter().flatten();
        let whole = Some(track.notes.as_slice()).filter(|notes| !apart && !notes.is_empty());
        voices.extend(runs.chain(whole).map(|notes| {
            let channel = notes.first().map_or(0, |note| note.channel);
            Voice { track, tracks: &track.sources, channel, notes }
        }));
    }
    voices
}

/// A track of each channel, called like the first that has notes of it.
fn channels<'a>(tracks: &[Track<'a>]) -> Vec<Track<'a>> {
    let of = |channel: u8| {
        let has = move |track: &&Track<'_>| track.notes.iter().any(|note| note.channel == channel);
        let first = tracks.iter().find(has)?;
        let notes = tracks.iter().flat_map(|track| &track.notes).filter(|note| note.channel == channel);
        let mut notes: Vec<Struck> = notes.copied().collect();
        notes.sort_by_key(|note| note.onset);
        let sources = tracks.iter().filter(has).map(|track| track.number).collect();
        let sounds_until = notes.iter().map(|note| note.end).max().unwrap_or_default();
        Some(Track { notes, tidy: false, sounds_until, sources, ..first.head() })
    };
    (0..CHANNELS as u8).filter_map(of).collect()
}

/// Puts the notes of a track, which are in the order of their onsets, by channel if asked to, and the notes of one onset
/// by their ends, so that chords stand together and can be marked. Else the order of the file stays.
fn group(notes: &mut Vec<Struck>, by_channel: bool) {
    let first = notes.first().map(|note| note.channel);
    if by_channel && notes.iter().any(|note| Some(note.channel) != first) {
        sort_by_channel(notes);
    }
    let mut moments = Moments::new(by_channel);
    for (at, note) in notes.iter_mut().enumerate() {
        moments.take(at, note, if by_channel { note.channel } else { 0 });
    }
    moments.mend(notes);
}

/// Marks chords among notes in the order of their onsets, and finds the moments whose notes are not in the order of
/// their ends: few are not, and only those are sorted.
pub(super) struct Moments {
    /// Channels are apart.
    by_channel: bool,
    /// Onset, end and channel of the note before.
    before: (Ticks, Ticks, u8),
    /// Notes that are shorter than the one before them.
    wrong: Vec<usize>,
}

impl Moments {
    pub(super) const fn new(by_channel: bool) -> Self {
        Moments { by_channel, before: (Ticks(i64::MIN), Ticks::ZERO, 0), wrong: Vec::new() }
    }

    /// The next note, where it stands, and its channel, which is 0 for all where channels are not apart.
    #[inline(always)]
    pub(super) fn take(&mut self, at: usize, note: &mut Struck, channel: u8) {
        let (onset, end, before) = self.before;
        self.before = (note.onset, note.end, channel);
        let together = onset == note.onset && channel == before;
        note.flags = note.flags.without(Flags::CHORD).with_if(together && end == note.end, Flags::CHORD);
        if together && end > note.end {
            self.wrong.push(at);
        }
    }

    /// Sorts the moments that have to be.
    pub(super) fn mend(self, notes: &mut [Struck]) {
        let joins =
            |a: &Struck, b: &Struck| a.onset == b.onset && (!self.by_channel || a.channel == b.channel);
        let mut done = 0;
        for at in self.wrong {
            let (Some((before, rest)), true) = (notes.split_at_checked(at), at >= done) else { continue };
            let Some(note) = rest.first() else { continue };
            let from = at - before.iter().rev().take_while(|other| joins(other, note)).count();
            done = at + rest.iter().take_while(|other| joins(other, note)).count();
            let Some(moment) = notes.get_mut(from..done) else { continue };
            moment.sort_by_key(|note| note.end);
            let mut sorted = Moments::new(false);
            moment.iter_mut().enumerate().for_each(|(at, note)| sorted.take(at, note, 0));
        }
    }
}

/// How the keys are spelled.
static SPELLING: LazyLock<[Pitch; 128]> = LazyLock::new(|| array::from_fn(|key| Pitch::from_key(key as i32)));

/// A note of a part as a score has it, but for its measure.
#[inline(always)]
fn note(struck: &Struck, part: u16, spelling: &[Pitch; 128]) -> Note {
    Note {
        onset: struck.onset,
        duration: struck.end - struck.onset,
        place: Place::byte(struck.at as usize),
        measure: 0,
        written: spelling.get(usize::from(struck.key)).copied().unwrap_or(Pitch::from_key(0)),
        part,
        flags: struck.flags,
        transpose: 0,
        voice: 1,
        staff: 1,
    }
}

/// Tells the notes of all parts: in the order of a score, unless the parts are so many that looking at each of them at each
/// moment would take long.
pub(super) fn tell(parts: &[Voice<'_>], sink: &mut dyn EventSink) -> Result<(), Stop> {
    let spelling = &*SPELLING;
    if parts.len() <= MERGED_MAX {
        return sink.all_notes(merged(parts, spelling));
    }
    let mut run = Vec::with_capacity(RUN);
    for (part, voice) in parts.iter().enumerate() {
        for notes in voice.notes.chunks(RUN) {
            run.clear();
            run.extend(notes.iter().map(|struck| note(struck, part as u16, spelling)));
            sink.notes(part as u16, &run)?;
        }
    }
    Ok(())
}

/// The notes of all parts by onset, then part.
fn merged(parts: &[Voice<'_>], spelling: &[Pitch; 128]) -> Vec<Note> {
    let mut rests: Vec<&[Struck]> = parts.iter().map(|voice| voice.notes).collect();
    let all = rests.iter().map(|notes| notes.len()).sum();
    let mut notes = Vec::with_capacity(all);
    let mut now = Ticks(i64::MIN);
    while notes.len() < all {
        let mut next = Ticks(i64::MAX);
        for (rest, part) in rests.iter_mut().zip(0..) {
            while let Some((struck, more)) = rest.split_first() {
                if struck.onset > now {
                    next = next.min(struck.onset);
                    break;
                }
                notes.push(note(struck, part, spelling));
                *rest = more;
            }
        }
        now = next;
    }
    notes
}

/// A sort of few keys: each note is written once, to the next place of its channel.
fn sort_by_channel(notes: &mut Vec<Struck>) {
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
