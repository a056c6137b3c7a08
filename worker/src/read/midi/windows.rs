//! Long files: all tracks are read side by side, a window of time after the other, and their notes are merged as they come.
//!
//! Read one track after the other, the notes of all take three fifths of what the score takes beside it, and are looked at
//! again when the processor's cache has long lost them. Here each track holds some thousand. Only plain files are read so:
//! of format 1, chunks end to end, one channel to a track, nothing damaged and no note in doubt. Nothing is told before all
//! is read, so that any other file is read as ever, from the start.

use super::clock::Bars;
use super::file::{Header, plain_tracks};
use super::oddity::Tally;
use super::pairing::{Pairing, Struck};
use super::parts::{MERGED_MAX, MERGED_UNTIL, Reached, merge};
use super::piece::{Piece, Sign, What};
use super::teller::placed;
use super::track::{Bounds, Decoder, NOTE_BYTES, time_notes};
use super::{Odd, ReadError};
use crate::read::{MidiParts, ReadOptions};
use crate::score::{Note, Ticks};
use shared::limits::Limits;

/// Bytes from which on a file is long.
pub(super) const LONG_BYTES: usize = 1 << 19;
/// Notes that there is room for at first: with those a window takes a fifth of a megabyte, which the cache next to a core holds.
pub(super) const ROOM: usize = 1 << 13;
/// Notes that a track has room for at the least.
const ROOM_MIN: usize = 4;
/// Of the notes that are held more than this part is merged in each window, or tracks get more room.
const MERGED_PART: usize = 4;

/// The notes of all parts.
pub(super) struct Merged {
    /// In the order of a score.
    pub(super) notes: Vec<Note>,
    /// Where the bars of all parts begin, and where the last one ends.
    pub(super) bars: (Vec<Ticks>, Ticks),
    /// The bytes of each part's bars, but for those that no note comes after.
    pub(super) places: Vec<Vec<u32>>,
}

/// Reads all tracks of a plain file into one piece; nothing, and nothing told, if it is another. At first there is `room`
/// for so many notes, of which each track has its share by its bytes, so that all come about as far in time.
pub(super) fn read<'a>(
    header: &Header<'a>,
    options: &ReadOptions,
    room: usize,
    sink: &mut Odd<'_>,
) -> Result<Option<Piece<'a>>, ReadError> {
    let midi = &options.midi;
    if header.format != 1 || midi.grid.is_some() || midi.parts == Some(MidiParts::Channel) {
        return Ok(None);
    }
    let limits = &options.limits;
    let tracks = plain_tracks(header).filter(|tracks| tracks.len() <= MERGED_MAX);
    let (Some(tracks), Some(factor)) = (tracks, header.clock.whole()) else { return Ok(None) };
    // So that all together are within the limits.
    let share = |most: u64| most / (tracks.len() as u64).max(1);
    let bounds = Bounds {
        clock: header.clock,
        limits,
        notes_left: limits.notes_max,
        words_left: share(limits.annotations_max),
        signs_left: share(limits.measures_max),
    };
    let mut pairings: Vec<Pairing> = tracks.iter().map(|_| Pairing::new(options.fidelity)).collect();
    let lanes = tracks.iter().zip(&mut pairings);
    let mut lanes: Vec<Lane<'a, '_>> = lanes
        .map(|(track, pairing)| {
            let room = (room * track.data.len() / header.bytes.len()).max(ROOM_MIN);
            Lane::new(Decoder::new(track, &bounds, pairing, Some(room)))
        })
        .collect();
    let merged = merged(&mut lanes, header, factor, limits);
    if merged.is_none() {
        return Ok(None);
    }
    let mut piece = Piece::new(header);
    piece.merged = merged;
    for lane in lanes {
        let Lane { mut decoder, odd, channels, .. } = lane;
        decoder.odd(odd);
        decoder.track.channel = channels.trailing_zeros() as u8;
        piece.add(decoder.finish(sink)?, limits)?;
    }
    Ok(Some(piece))
}

/// The notes of all tracks in the order of a score, which has `factor` ticks to one of the file, if that is plain and within
/// the limits.
fn merged(lanes: &mut [Lane<'_, '_>], header: &Header<'_>, factor: i64, limits: &Limits) -> Option<Merged> {
    let latest = Ticks::quarters(i64::try_from(limits.quarters_max).ok()?).min(MERGED_UNTIL);
    let mut notes = Vec::new();
    // Room that is not used takes addresses, and no memory.
    notes.try_reserve_exact(header.bytes.len() / NOTE_BYTES).ok()?;
    let mut bars = Lines::default();
    loop {
        read_on(lanes, factor)?;
        let until = lanes.iter().map(|lane| lane.settled).min()?;
        lanes.iter_mut().for_each(|lane| lane.ripen(until));
        let (held, ripe) =
            lanes.iter().fold((0, 0), |(held, ripe), lane| (held + lane.notes().len(), ripe + lane.ripe));
        if until < Ticks(i64::MAX) && ripe * MERGED_PART <= held {
            lanes.iter_mut().filter(|lane| lane.settled == until).for_each(Lane::grow);
        }
        let end = lanes.iter().map(|lane| lane.decoder.track.sounds_until).max()?;
        if end > latest || (notes.len() + ripe) as u64 > limits.notes_max {
            return None;
        }
        let last = until == Ticks(i64::MAX);
        if ripe > 0 || last {
            bars.go_on(lanes, until, if last { end } else { until }, limits)?;
            let mut parts: Vec<&[Struck]> = Vec::with_capacity(lanes.len());
            for lane in lanes.iter_mut().filter(|lane| lane.sounds()) {
                lane.place(&bars.starts);
                parts.push(lane.ripe());
            }
            let mut reached = Reached::at_bar(&bars.starts, bars.reached);
            merge(&mut parts, ripe, &mut reached, &mut notes);
            bars.reached = reached.measure;
            lanes.iter_mut().for_each(Lane::let_go);
        }
        if last {
            break;
        }
    }
    notes.shrink_to_fit();
    let places = lanes.iter_mut().filter(|lane| lane.sounds()).map(|lane| std::mem::take(&mut lane.places));
    let (places, (over, _)) = (places.collect(), bars.ahead?);
    (!notes.is_empty()).then_some(Merged { notes, bars: (bars.starts, over), places })
}

/// Reads on in all tracks: as many notes as there is room for in the one that is behind, and in the others no further than that
/// came, so that few notes wait for its. A track without notes is read until it has some, as its part has its place among all.
fn read_on(lanes: &mut [Lane<'_, '_>], factor: i64) -> Option<()> {
    let (behind, _) = lanes.iter().enumerate().min_by_key(|(_, lane)| lane.settled)?;
    let (before, rest) = lanes.split_at_mut_checked(behind)?;
    let (behind, after) = rest.split_first_mut()?;
    behind.go_on(factor, u64::MAX)?;
    let until = behind.decoder.track.end;
    let mut others = before.iter_mut().chain(after);
    others.try_for_each(|lane| lane.go_on(factor, if lane.sounds() { until } else { u64::MAX }))
}

/// The bars of all parts, as far as all tracks have come.
#[derive(Default)]
struct Lines {
    starts: Vec<Ticks>,
    /// The one that the notes have come to.
    reached: u32,
    /// Where the next one begins unless the meter changes before, and how long it then is. Nothing before the first.
    ahead: Option<(Ticks, Ticks)>,
}

impl Lines {
    /// Takes the meters up to a time that all tracks have come to, and goes on with the bars to an end that is no later: nothing
    /// if those of all parts are too many.
    fn go_on(&mut self, lanes: &mut [Lane<'_, '_>], until: Ticks, end: Ticks, limits: &Limits) -> Option<()> {
        let mut meters: Vec<Sign> = lanes.iter_mut().flat_map(|lane| lane.meters(until)).collect();
        meters.sort_by_key(|sign| sign.onset);
        let parts = lanes.iter().filter(|lane| lane.sounds()).count();
        let mut bars = Bars::go_on(self.ahead, &meters, end);
        for start in bars.by_ref() {
            self.starts.push(start);
            if (self.starts.len() * parts) as u64 > limits.measures_max {
                return None;
            }
        }
        self.ahead = Some(bars.ahead());
        Some(())
    }
}

/// A track that is being read.
struct Lane<'a, 'r> {
    decoder: Decoder<'a, 'r>,
    ended: bool,
    /// Notes in front that have ended, and begin before all that will. They have the ticks of a score, and their chords are
    /// marked; the others have those of the file.
    whole: usize,
    /// No note that is still to come or still to end begins before, in ticks of a score.
    settled: Ticks,
    /// Notes in front that can be merged.
    ripe: usize,
    /// Signs that were looked at.
    signs: usize,
    /// A bit for each channel.
    channels: u16,
    /// The bytes of bars, as far as notes were merged.
    places: Vec<u32>,
    /// What was odd in notes. As said of a track it comes after what was odd in its reading.
    odd: Tally,
}

impl<'a, 'r> Lane<'a, 'r> {
    fn new(decoder: Decoder<'a, 'r>) -> Self {
        Lane {
            decoder,
            ended: false,
            whole: 0,
            settled: Ticks::ZERO,
            ripe: 0,
            signs: 0,
            channels: 0,
            places: Vec::new(),
            odd: Tally::default(),
        }
    }

    /// Reads as many notes as there is room for, and none much later than `until`; nothing if they are not plain, or too late for a
    /// score with `factor` ticks to one of theirs.
    fn go_on(&mut self, factor: i64, until: u64) -> Option<()> {
        let decoder = &mut self.decoder;
        decoder.until = until;
        let mut settled = Ticks(i64::MAX);
        if !self.ended {
            self.ended = decoder.go_on().ok()?;
            if !decoder.is_plain(self.ended) {
                return None;
            }
            if self.ended {
                decoder.end_notes();
            } else {
                // What comes later than the last note may be no note, and no bar is to begin behind all notes.
                let notes = &decoder.track.notes;
                let first = decoder.pairing.first_sounding().and_then(|first| notes.get(first));
                let Some(first) = first.or(notes.last()) else { return Some(()) };
                settled = first.onset;
            }
        }
        // Nothing is later than now.
        decoder.now().0.checked_mul(factor)?;
        self.settled = Ticks(settled.0.saturating_mul(factor));
        let others = decoder.track.notes.get_mut(self.whole..)?;
        let count = others.partition_point(|note| note.onset < settled);
        let timed =
            time_notes(others.get_mut(..count)?, &mut self.odd, |ticks| (Ticks(ticks.0 * factor), true));
        timed.moments.mend(others);
        self.whole += count;
        self.channels |= timed.channels;
        decoder.track.sounds_until = timed.last.max(decoder.track.sounds_until);
        (self.channels.count_ones() <= 1).then_some(())
    }

    fn notes(&self) -> &[Struck] {
        &self.decoder.track.notes
    }

    /// Whether there are notes. Before the first are merged all tracks were read up to some, or to their ends.
    fn sounds(&self) -> bool {
        self.decoder.track.count() > 0
    }

    /// Notes up to a time can be merged.
    fn ripen(&mut self, until: Ticks) {
        let whole = self.notes().get(..self.whole).unwrap_or_default();
        self.ripe = whole.partition_point(|note| note.onset < until);
    }

    /// Makes twice the room.
    fn grow(&mut self) {
        let notes = &mut self.decoder.track.notes;
        notes.reserve(2 * notes.capacity() - notes.len());
    }

    /// Meters before a time of the score, which come once.
    fn meters(&mut self, until: Ticks) -> impl Iterator<Item = Sign> {
        let signs = self.decoder.track.signs.get(self.signs..).unwrap_or_default();
        let count = signs.partition_point(|sign| sign.onset < until);
        self.signs += count;
        signs.iter().take(count).filter(|sign| matches!(sign.what, What::Meter { .. })).copied()
    }

    /// The notes that can be merged.
    fn ripe(&self) -> &[Struck] {
        self.notes().get(..self.ripe).unwrap_or_default()
    }

    /// Finds where bars begin in the notes that can be merged.
    fn place(&mut self, bars: &[Ticks]) {
        let notes = self.decoder.track.notes.get(..self.ripe).unwrap_or_default();
        self.places.extend(placed(bars.get(self.places.len()..).unwrap_or_default(), notes));
    }

    /// Lets the notes go that were merged.
    fn let_go(&mut self) {
        let count = std::mem::take(&mut self.ripe);
        self.decoder.pairing.forget(count, self.channels);
        self.decoder.track.notes.drain(..count);
        self.decoder.track.merged += count;
        self.whole -= count;
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{file, read_with};
    use super::*;
    use crate::read::Fidelity;
    use crate::score::{Event, EventSink, Score, ScoreBuilder};
    use proptest::collection::vec;
    use proptest::prelude::*;
    use shared::place::Place;

    /// The scores of a file whose tracks are read side by side, if it is plain.
    fn side_by_side(bytes: &[u8], options: &ReadOptions, room: usize) -> Option<Vec<Score>> {
        let mut scores = Vec::new();
        let mut emit = |score| {
            scores.push(score);
            Ok(())
        };
        let mut builder = ScoreBuilder::new(&options.limits, &|| Ok(()), &mut emit);
        let header = Header::read(bytes).ok()?;
        builder.event(Place::START, Event::PieceStart { shared_time: true }).unwrap();
        let mut sink = Odd { sink: &mut builder, damage: None };
        let mut piece = read(&header, options, room, &mut sink).unwrap()?;
        piece.tell(options, &mut sink).unwrap();
        builder.event(Place::START, Event::PieceEnd).unwrap();
        Some(scores)
    }

    /// An event after up to two quarters, of a channel where it has one.
    fn event() -> impl Strategy<Value = Vec<u8>> {
        let key = 60..64_u8;
        let body = prop_oneof![
            8 => key.clone().prop_map(|key| vec![0x90, key, 9]),
            8 => key.clone().prop_map(|key| vec![0x80, key, 0]),
            2 => (key.clone(), 1..6_u8).prop_map(|(key, length)| vec![0x90, key, 9, length, 0x80, key, 0]),
            1 => Just(vec![0xB0, 123, 0]),
            1 => (0..4_u8).prop_map(|program| vec![0xC0, program]),
            1 => (1..5_u8).prop_map(|beats| vec![0xFF, 0x58, 4, beats, 2, 24, 8]),
            1 => Just(vec![0xFF, 0x59, 2, 1, 0]),
            1 => Just(vec![0xFF, 0x05, 2, b'l', b'a']),
            1 => Just(vec![0xFF, 0x01, 1, b'x']),
        ];
        (prop_oneof![3 => Just(0_u8), 2 => 0..9_u8], body)
            .prop_map(|(delta, body)| [vec![delta], body].concat())
    }

    /// A track of one channel, whose notes mostly end before their keys are struck again.
    fn track(channel: u8) -> impl Strategy<Value = Vec<u8>> {
        vec(event(), 0..80).prop_map(move |events| {
            let mut sounds = [false; 128];
            let mut track = Vec::new();
            for event in events {
                let key = usize::from(event[2]);
                match event[1] {
                    0x80 if !sounds[key] => continue,
                    0x80 => sounds[key] = false,
                    0x90 if event.len() == 4 => sounds[key] = true,
                    0xB0 => sounds = [false; 128],
                    _ => {}
                }
                let is_message = |at: usize| matches!(event[at], 0x80..=0xCF) && at != 0;
                let with_channel = |(at, &byte)| if is_message(at) { byte | channel } else { byte };
                track.extend(event.iter().enumerate().map(with_channel));
            }
            track
        })
    }

    /// Quavers on one key, and a note that sounds through all of them.
    fn drone(channel: u8) -> Vec<u8> {
        let quavers = [0, 0x90 | channel, 61, 9, 2, 0x80 | channel, 61, 0].repeat(100);
        [&[0, 0x90 | channel, 40, 9], quavers.as_slice(), &[0, 0x80 | channel, 40, 0]].concat()
    }

    #[test]
    fn a_note_that_sounds_through_many_windows_makes_them_longer() {
        let quavers = [1, 0x90, 60, 9, 1, 0x80, 60, 0].repeat(100);
        let bytes = file(1, &[&[0, 0xFF, 3, 1, b'x'], &quavers, &drone(1), &drone(2)]);
        let options = ReadOptions::default();
        let scores = side_by_side(&bytes, &options, 8).unwrap();
        assert_eq!(scores[0].notes.len(), 302);
        assert_eq!(format!("{scores:?}"), format!("{:?}", read_with(&bytes, &options).unwrap()));
    }

    #[test]
    fn there_is_always_room_for_another_note() {
        let (drone, options) = (drone(0), ReadOptions::default());
        for room in [1, 100, 1000] {
            let scores = side_by_side(&file(1, &[&drone]), &options, room).unwrap();
            assert_eq!(scores[0].notes.len(), 101);
        }
    }

    #[test]
    fn what_is_not_plain_is_left_to_be_read_track_by_track() {
        let is_plain = |bytes: &[u8]| side_by_side(bytes, &ReadOptions::default(), 8).is_some();
        let (one, two) = ([0, 0x90, 60, 9, 4, 0x80, 60, 0], [0, 0x91, 62, 9, 4, 0x81, 62, 0]);
        assert!(is_plain(&file(1, &[&one, &two])));
        assert!(!is_plain(&file(0, &[&one])), "format 0");
        assert!(!is_plain(&file(1, &[&[one, two].concat()])), "two channels in one track");
        assert!(!is_plain(&file(1, &[&one, &[0, 0x80, 60, 0]])), "a note-off that ends nothing");
        assert!(!is_plain(&file(1, &[&one, &[0, 0x91, 62]])), "damage");
        assert!(!is_plain(&file(1, &[&[]])), "no notes");
        assert!(!is_plain(&[file(1, &[&one]), vec![0]].concat()), "bytes behind the last track");
    }

    proptest! {
        // Mistakes in where windows end show in one of some thousand files.
        #![proptest_config(ProptestConfig { cases: 4096, failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn side_by_side_the_tracks_make_the_score_that_they_make_one_by_one(
            tracks in (track(0), track(1), track(9), track(1)),
            room in 1..40_usize,
            compat in any::<bool>(),
        ) {
            let (a, b, c, d) = &tracks;
            let bytes = file(1, &[a, b, c, d]);
            let fidelity = if compat { Fidelity::Compat } else { Fidelity::Corrected };
            let options = ReadOptions { fidelity, ..ReadOptions::default() };
            if let Some(scores) = side_by_side(&bytes, &options, room) {
                prop_assert_eq!(format!("{scores:?}"), format!("{:?}", read_with(&bytes, &options).unwrap()));
            }
        }
    }
}
