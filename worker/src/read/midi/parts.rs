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
/// No later notes are merged: a time and a part are one number. It is a hundred times what a score may last unless its limit
/// is raised.
pub(super) const MERGED_UNTIL: Ticks = Ticks(i64::MAX / MERGED_MAX as i64);
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

/// A note of a part as a score has it.
#[inline(always)]
fn note(struck: &Struck, part: u16, measure: u32, spelling: &[Pitch; 128]) -> Note {
    Note {
        onset: struck.onset,
        // Neither is less than zero.
        duration: Ticks(struck.end.0.wrapping_sub(struck.onset.0)),
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

/// Tells the notes of all parts: in the order of a score, unless the parts are so many that looking at each of them for each
/// note would take long, or last too long. `bars` are the starts of the measures, which are those of all parts.
pub(super) fn tell(parts: Vec<Track<'_>>, bars: &[Ticks], sink: &mut dyn EventSink) -> Result<(), Stop> {
    if parts.len() <= MERGED_MAX && parts.iter().all(|part| part.sounds_until <= MERGED_UNTIL) {
        let mut parts: Vec<Vec<Struck>> = parts.into_iter().map(|track| track.notes).collect();
        return sink.all_notes(merged(&mut parts, bars));
    }
    let spelling = &*SPELLING;
    let mut run = Vec::with_capacity(RUN);
    for (part, track) in parts.into_iter().enumerate() {
        for notes in track.notes.chunks(RUN) {
            run.clear();
            run.extend(notes.iter().map(|struck| note(struck, part as u16, 0, spelling)));
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
    let all = parts.iter().map(Vec::len).sum();
    let mut notes = Vec::with_capacity(all);
    let mut reached = Reached::at_bar(bars, 0);
    while notes.len() < all {
        let left = all - notes.len();
        let count = if left > GIVEN_BACK_MIN { left / 3 } else { left };
        let mut rests: Vec<&[Struck]> = parts.iter().map(Vec::as_slice).collect();
        merge(&mut rests, count, &mut reached, &mut notes);
        if count == left {
            break;
        }
        let left: Vec<usize> = rests.iter().map(|rest| rest.len()).collect();
        for (part, left) in parts.iter_mut().zip(left) {
            part.drain(..part.len() - left);
            part.shrink_to_fit();
        }
    }
    notes
}

/// Takes so many notes, which there are, from the front of the parts, by onset, then part. The parts are at most
/// [`MERGED_MAX`], and their notes begin before [`MERGED_UNTIL`].
pub(super) fn merge(parts: &mut [&[Struck]], count: usize, reached: &mut Reached<'_>, notes: &mut Vec<Note>) {
    if let [part] = parts {
        let (some, rest) = part.split_at_checked(count).unwrap_or((part, &[]));
        let spelling = &*SPELLING;
        notes.extend(some.iter().map(|struck| note(struck, 0, reached.at(struck.onset), spelling)));
        *part = rest;
        return;
    }
    match parts.len() {
        0..=4 => merge_up_to::<4>(parts, count, reached, notes),
        5..=16 => merge_up_to::<16>(parts, count, reached, notes),
        _ => merge_up_to::<MERGED_MAX>(parts, count, reached, notes),
    }
}

/// As [`merge`], of so many parts or fewer. Which part the next note is of nobody can foresee, so it is found without a branch.
/// As a function of its own this has the registers for itself.
#[inline(never)]
fn merge_up_to<const PARTS: usize>(
    parts: &mut [&[Struck]],
    count: usize,
    reached: &mut Reached<'_>,
    notes: &mut Vec<Note>,
) {
    let spelling = &*SPELLING;
    let mut rests: [&[Struck]; PARTS] = array::from_fn(|part| parts.get(part).copied().unwrap_or_default());
    let mut keys: [u64; PARTS] =
        array::from_fn(|part| key(rests.get(part).copied().unwrap_or_default(), part));
    notes.reserve(count);
    for _ in 0..count {
        let part = least(&keys) as usize % MERGED_MAX;
        // Said in a way that asks for no check.
        let (Some(rest), Some(next)) = (rests.get_mut(part % PARTS), keys.get_mut(part % PARTS)) else {
            break;
        };
        let Some((struck, others)) = rest.split_first() else { break };
        (*rest, *next) = (others, key(others, part));
        notes.push(note(struck, part as u16, reached.at(struck.onset), spelling));
    }
    parts.iter_mut().zip(rests).for_each(|(part, rest)| *part = rest);
}

/// By which the next note of a part stands among those of others: its onset, then its part. Behind all if there is none.
#[inline(always)]
fn key(rest: &[Struck], part: usize) -> u64 {
    rest.first().map_or(u64::MAX, |struck| struck.onset.0 as u64 * MERGED_MAX as u64 + part as u64)
}

/// The least of some keys, found in halves, so that each step waits for few others.
#[inline(always)]
fn least<const KEYS: usize>(keys: &[u64; KEYS]) -> u64 {
    let mut keys = *keys;
    let mut left = keys.as_mut_slice();
    while left.len() > 1 {
        let (some, others) = left.split_at_mut(left.len() / 2);
        some.iter_mut().zip(others).for_each(|(key, other)| *key = (*key).min(*other));
        left = some;
    }
    left.first().copied().unwrap_or(u64::MAX)
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

#[cfg(test)]
mod tests {
    use super::super::file::Chunk;
    use super::*;
    use crate::score::{Event, ScoreBuilder};
    use proptest::collection::vec;
    use proptest::prelude::*;
    use shared::limits::Limits;

    /// A part whose notes begin so many ticks after each other.
    fn part(steps: &[i64]) -> Vec<Struck> {
        let onsets = steps.iter().scan(0, |now, step| {
            *now += step;
            Some(*now)
        });
        let note = |(onset, at): (i64, u32)| Struck {
            onset: Ticks(onset),
            end: Ticks(onset + 1),
            at,
            channel: 0,
            key: 60,
            flags: Flags::NONE,
        };
        onsets.zip(0..).map(note).collect()
    }

    proptest! {
        #[test]
        fn notes_of_any_number_of_parts_come_by_onset_then_part_then_as_they_stand(
            steps in vec(vec(0..3_i64, 0..20), 1..=MERGED_MAX),
            first in 0..200_usize,
        ) {
            let parts: Vec<Vec<Struck>> = steps.iter().map(|steps| part(steps)).collect();
            let indexed = parts.iter().zip(0_u16..);
            let mut expected: Vec<(Ticks, u16, u32)> =
                indexed.flat_map(|(part, index)| part.iter().map(move |note| (note.onset, index, note.at))).collect();
            expected.sort_unstable();
            let first = first.min(expected.len());
            let bars = [Ticks::ZERO, Ticks(10), Ticks(11)];
            let (mut reached, mut notes) = (Reached::at_bar(&bars, 0), Vec::new());
            let mut rests: Vec<&[Struck]> = parts.iter().map(Vec::as_slice).collect();
            for count in [first, expected.len() - first] {
                merge(&mut rests, count, &mut reached, &mut notes);
            }
            let merged: Vec<_> =
                notes.iter().map(|note| (note.onset, note.part, note.place.byte_offset().unwrap())).collect();
            prop_assert_eq!(merged, expected);
            prop_assert!(rests.iter().all(|rest| rest.is_empty()));
            let measure = |note: &Note| bars.iter().filter(|bar| **bar <= note.onset).count() as u32 - 1;
            prop_assert!(notes.iter().all(|note| note.measure == measure(note)));
        }
    }

    #[test]
    fn notes_too_late_to_be_merged_are_in_order_all_the_same() {
        let limits = Limits { quarters_max: u64::MAX, ..Limits::default() };
        let mut scores = Vec::new();
        let mut emit = |score| {
            scores.push(score);
            Ok(())
        };
        let mut builder = ScoreBuilder::new(&limits, &|| Ok(()), &mut emit);
        let mut say = |event| builder.event(Place::START, event).unwrap();
        say(Event::PieceStart { shared_time: true });
        (0..2).for_each(|part| say(Event::Part { part, name: None }));
        let chunk = Chunk { number: 1, at: 0, data: &[], source: &[], short_of: None };
        let late = MERGED_UNTIL.0 + 1;
        let track = |onsets: &[i64]| Track {
            notes: part(onsets),
            sounds_until: Ticks(late + 9),
            ..Track::new(&chunk, 0)
        };
        tell(vec![track(&[0, late, 2]), track(&[1, late])], &[Ticks::ZERO], &mut builder).unwrap();
        builder.event(Place::START, Event::PieceEnd).unwrap();
        let told: Vec<_> = scores[0].notes.iter().map(|note| (note.onset.0, note.part)).collect();
        assert_eq!(told, [(0, 0), (1, 1), (late, 0), (late + 1, 1), (late + 2, 0)]);
    }
}
