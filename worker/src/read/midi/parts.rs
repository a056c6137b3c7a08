//! Which notes make a part.

use super::pairing::{CHANNELS, Struck};
use super::track::Track;
use crate::read::MidiParts;
use crate::score::{EventSink, Flags, Note, Pitch, Stop, Ticks};
use shared::place::Place;
use std::sync::LazyLock;
use std::{array, slice};

/// Parts whose notes are merged, at most.
pub(super) const MERGED_MAX: usize = 64;
/// How many notes are told at once where they are not.
const RUN: usize = 256;
/// From so many on, the memory of notes that are merged is given back.
const GIVEN_BACK_MIN: usize = 1 << 14;

/// The notes of one part, in the order of their onsets.
pub(super) struct Voice<'a> {
    /// The first track that they stand in.
    pub(super) track: &'a Track<'a>,
    /// Numbers of all of them.
    pub(super) tracks: &'a [usize],
    /// The channel of the first note.
    pub(super) channel: u8,
    pub(super) notes: &'a [Struck],
    /// Those of all parts if they are merged already, where this is one of them.
    merged: &'a [Note],
    part: usize,
}

impl Voice<'_> {
    /// At how many of those moments a note begins.
    pub(super) fn begins_with(&self, moments: &[Ticks]) -> usize {
        let begins = |&&moment: &&Ticks| {
            let merged = self.merged.partition_point(|note| note.onset < moment);
            let merged = self.merged.iter().skip(merged).take_while(|note| note.onset == moment);
            merged.map(|note| usize::from(note.part)).any(|part| part == self.part)
                || self.notes.binary_search_by_key(&moment, |note| note.onset).is_ok()
        };
        moments.iter().filter(begins).count()
    }
}

/// A track for each part, with its notes in the order that they have there.
pub(super) fn grouped(tracks: Vec<Track<'_>>, by: MidiParts) -> Vec<Track<'_>> {
    let mut tracks = match by {
        MidiParts::Channel => channels(&tracks),
        MidiParts::TrackChannel => apart(tracks),
        MidiParts::Track => tracks,
    };
    for track in tracks.iter_mut().filter(|track| !track.tidy) {
        group(&mut track.notes);
    }
    tracks
}

/// The parts that grouped tracks are; `merged` are their notes, if they are merged already.
pub(super) fn voices<'a>(tracks: &'a [Track<'a>], merged: &'a [Note]) -> Vec<Voice<'a>> {
    let voice = |(part, track): (usize, &'a Track<'a>)| {
        let channel = track.notes.first().map_or(track.channel, |note| note.channel);
        let own = slice::from_ref(&track.number);
        let tracks = if track.sources.is_empty() { own } else { &track.sources };
        Voice { track, tracks, channel, notes: &track.notes, merged, part }
    };
    tracks.iter().enumerate().map(voice).collect()
}

/// A track for each channel of each track.
fn apart(tracks: Vec<Track<'_>>) -> Vec<Track<'_>> {
    let mut all = Vec::with_capacity(tracks.len());
    for mut track in tracks {
        if track.tidy {
            all.push(track);
            continue;
        }
        let notes = std::mem::take(&mut track.notes);
        all.extend(by_channel(&notes).into_iter().filter(|notes| !notes.is_empty()).map(|notes| Track {
            notes,
            tidy: false,
            sources: track.sources.clone(),
            ..track.head()
        }));
    }
    all
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

/// Puts notes of one onset, which follow each other, in the order of their ends, so that chords stand together and can be
/// marked. Else the order of the file stays.
fn group(notes: &mut [Struck]) {
    let mut moments = Moments::new();
    for (at, note) in notes.iter_mut().enumerate() {
        moments.take(at, note);
    }
    moments.mend(notes);
}

/// Marks chords among notes in the order of their onsets, and finds the moments whose notes are not in the order of
/// their ends: few are not, and only those are sorted.
pub(super) struct Moments {
    /// Onset and end of the note before.
    before: (Ticks, Ticks),
    /// Notes that are shorter than the one before them.
    wrong: Vec<usize>,
}

impl Moments {
    pub(super) const fn new() -> Self {
        Moments { before: (Ticks(i64::MIN), Ticks::ZERO), wrong: Vec::new() }
    }

    /// The next note, and where it stands.
    #[inline(always)]
    pub(super) fn take(&mut self, at: usize, note: &mut Struck) {
        let (onset, end) = self.before;
        self.before = (note.onset, note.end);
        let together = onset == note.onset;
        note.flags = note.flags.without(Flags::CHORD).with_if(together && end == note.end, Flags::CHORD);
        // Many notes begin together, and none can foresee which.
        if together & (end > note.end) {
            self.wrong.push(at);
        }
    }

    /// Sorts the moments that have to be.
    pub(super) fn mend(self, notes: &mut [Struck]) {
        let joins = |a: &Struck, b: &Struck| a.onset == b.onset;
        let mut done = 0;
        for at in self.wrong {
            let (Some((before, rest)), true) = (notes.split_at_checked(at), at >= done) else { continue };
            let Some(note) = rest.first() else { continue };
            let from = at - before.iter().rev().take_while(|other| joins(other, note)).count();
            done = at + rest.iter().take_while(|other| joins(other, note)).count();
            let Some(moment) = notes.get_mut(from..done) else { continue };
            moment.sort_by_key(|note| note.end);
            let mut sorted = Moments::new();
            moment.iter_mut().enumerate().for_each(|(at, note)| sorted.take(at, note));
        }
    }
}

/// How the keys are spelled.
static SPELLING: LazyLock<[Pitch; 128]> = LazyLock::new(|| array::from_fn(|key| Pitch::from_key(key as i32)));

/// A note of a part as a score has it, which has `factor` ticks to one of the note's.
#[inline(always)]
fn note(struck: &Struck, part: u16, measure: u32, factor: i64, spelling: &[Pitch; 128]) -> Note {
    Note {
        onset: Ticks(struck.onset.0.wrapping_mul(factor)),
        // Neither is less than zero.
        duration: Ticks(struck.end.0.wrapping_sub(struck.onset.0).wrapping_mul(factor)),
        place: Place::byte(struck.at as usize),
        measure,
        written: spelling.get(usize::from(struck.key & 0x7F)).copied().unwrap_or(Pitch::from_key(0)),
        part,
        flags: struck.flags,
        transpose: 0,
        voice: 1,
        staff: 1,
    }
}

/// Tells the notes of all parts: in the order of a score, unless the parts are so many that looking at each of them at each
/// moment would take long. `bars` are the starts of the measures, which are those of all parts.
pub(super) fn tell(parts: Vec<Track<'_>>, bars: &[Ticks], sink: &mut dyn EventSink) -> Result<(), Stop> {
    if parts.len() <= MERGED_MAX {
        let mut parts: Vec<Vec<Struck>> = parts.into_iter().map(|track| track.notes).collect();
        return sink.all_notes(merged(&mut parts, bars));
    }
    let spelling = &*SPELLING;
    let mut run = Vec::with_capacity(RUN);
    for (part, track) in parts.into_iter().enumerate() {
        for notes in track.notes.chunks(RUN) {
            run.clear();
            run.extend(notes.iter().map(|struck| note(struck, part as u16, 0, 1, spelling)));
            sink.notes(part as u16, &run)?;
        }
    }
    Ok(())
}

/// The measure that is reached.
pub(super) struct Reached<'b> {
    pub(super) measure: u32,
    /// Where the next one begins.
    next: Ticks,
    /// Where those behind it do.
    later: &'b [Ticks],
}

impl<'b> Reached<'b> {
    /// In one of those bars.
    pub(super) fn at_bar(bars: &'b [Ticks], measure: u32) -> Self {
        let later = bars.get(measure as usize + 1..).unwrap_or_default();
        let mut reached = Reached { measure, next: Ticks(i64::MAX), later };
        reached.look();
        reached
    }

    fn look(&mut self) {
        let (next, later) =
            self.later.split_first().map_or((Ticks(i64::MAX), &[][..]), |(bar, rest)| (*bar, rest));
        (self.next, self.later) = (next, later);
    }

    /// The measure at a time that is not before the last one asked for.
    #[inline(always)]
    fn at(&mut self, now: Ticks) -> u32 {
        while self.next <= now && self.next.0 < i64::MAX {
            self.measure += 1;
            self.look();
        }
        self.measure
    }
}

/// The notes of all parts by onset, then part. In a long piece those that are merged go when they are a third of what was
/// left, so that hardly more memory is held at any time than all notes take in the end. Those that are merged last stay.
fn merged(parts: &mut [Vec<Struck>], bars: &[Ticks]) -> Vec<Note> {
    let spelling = &*SPELLING;
    let all = parts.iter().map(Vec::len).sum();
    let mut notes = Vec::with_capacity(all);
    let mut reached = Reached::at_bar(bars, 0);
    while notes.len() < all {
        let left = all - notes.len();
        let until = notes.len() + if left > GIVEN_BACK_MIN { left / 3 } else { left };
        let mut heads: Vec<Head<'_>> = parts.iter().map(|part| Head::new(part)).collect();
        match heads.as_mut_slice() {
            [head] => {
                let some = head.rest.by_ref().take(until - notes.len());
                notes.extend(some.map(|struck| note(struck, 0, reached.at(struck.onset), 1, spelling)));
            }
            heads => merge::<false>(heads, until, &mut reached, 1, &mut notes, &mut []),
        }
        if notes.len() == all {
            break;
        }
        let left: Vec<usize> = heads.iter().map(|head| head.rest.len()).collect();
        for (part, left) in parts.iter_mut().zip(left) {
            part.drain(..part.len() - left);
            part.shrink_to_fit();
        }
    }
    notes
}

/// What is left of a part.
pub(super) struct Head<'a> {
    /// When the next note begins; at the end of time if there is none.
    onset: Ticks,
    rest: slice::Iter<'a, Struck>,
}

impl<'a> Head<'a> {
    pub(super) fn new(rest: &'a [Struck]) -> Self {
        let rest = rest.iter();
        Head { onset: onset(&rest), rest }
    }
}

/// When the next of some notes begins; at the end of time if there is none.
#[inline(always)]
fn onset(rest: &slice::Iter<'_, Struck>) -> Ticks {
    rest.as_slice().first().map_or(Ticks(i64::MAX), |struck| struck.onset)
}

/// Merges whole moments until there are so many notes, which there are. A score has `factor` ticks to one of theirs; those
/// that are `RAW` stand in the order of the file, and no chords are marked among them; of these `places` has for each part the
/// bars up to the last note, each at the first note that does not begin before it. As a function of its own it has the
/// registers for itself.
#[inline(never)]
pub(super) fn merge<const RAW: bool>(
    heads: &mut [Head<'_>],
    until: usize,
    reached: &mut Reached<'_>,
    factor: i64,
    notes: &mut Vec<Note>,
    places: &mut [Vec<Place>],
) {
    let spelling = &*SPELLING;
    while notes.len() < until {
        let now = heads.iter().fold(Ticks(i64::MAX), |now, head| now.min(head.onset));
        // A bit for each part that something begins in. They are collected without a branch, as nobody can foresee which.
        let mut begins =
            heads.iter().rev().fold(0_u64, |begins, head| begins << 1 | u64::from(head.onset == now));
        let measure = reached.at(Ticks(now.0.wrapping_mul(factor)));
        while begins != 0 {
            let part = begins.trailing_zeros();
            begins &= begins - 1;
            let Some(head) = heads.get_mut(part as usize) else { continue };
            let rest = head.rest.as_slice();
            let count = rest.iter().position(|struck| struck.onset != now).unwrap_or(rest.len());
            let Some((moment, rest)) = rest.split_at_checked(count) else { continue };
            *head = Head::new(rest);
            notes.extend(moment.iter().map(|struck| note(struck, part as u16, measure, factor, spelling)));
            if RAW {
                let first = notes.len() - count;
                let moment = notes.get_mut(first..).unwrap_or_default();
                if count > 1 {
                    join(moment);
                }
                if let (Some(places), Some(first)) = (places.get_mut(part as usize), moment.first())
                    && places.len() <= measure as usize
                {
                    places.resize(measure as usize + 1, first.place);
                }
            }
        }
    }
}

/// Puts notes of one part that begin together in the order of their ends, and marks chords, as [`Moments`] does.
fn join(notes: &mut [Note]) {
    if !notes.is_sorted_by_key(|note| note.duration) {
        notes.sort_by_key(|note| note.duration);
    }
    let mut before = Ticks(i64::MIN);
    for note in notes {
        note.flags = note.flags.with_if(note.duration == before, Flags::CHORD);
        before = note.duration;
    }
}

/// The notes of each channel.
fn by_channel(notes: &[Struck]) -> [Vec<Struck>; CHANNELS] {
    let mut counts = [0_usize; CHANNELS];
    for note in notes {
        if let Some(count) = counts.get_mut(usize::from(note.channel)) {
            *count += 1;
        }
    }
    let mut channels = counts.map(Vec::with_capacity);
    for note in notes {
        if let Some(channel) = channels.get_mut(usize::from(note.channel)) {
            channel.push(*note);
        }
    }
    channels
}
