//! The file around the tracks: where it starts, its header, its chunks, and what is often wrong with their lengths.

use super::clock::Clock;
use super::{Odd, ReadError};
use crate::score::Stop;
use memchr::memmem;
use shared::limits::{Limits, exceeded};
use shared::place::Place;

/// Bytes of the header that MacBinary puts before a file.
const MAC_BINARY: usize = 128;
/// Bytes of a chunk's name and length.
const CHUNK_HEAD: usize = 8;
/// Bytes of the header chunk with its name and length.
const HEADER: usize = CHUNK_HEAD + 6;
/// The last event of a track, without its delta time.
const END_OF_TRACK: &[u8] = &[0xFF, 0x2F, 0x00];

/// Where the MIDI file starts and ends in `bytes`, be it bare, in RIFF or behind a MacBinary header.
pub(super) fn start(bytes: &[u8]) -> Option<(usize, usize)> {
    let is_at = |at: usize| bytes.get(at..).is_some_and(|rest| rest.starts_with(b"MThd"));
    if is_at(0) {
        return Some((0, bytes.len()));
    }
    if bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"RMID") {
        return Some(riff_data(bytes));
    }
    is_at(MAC_BINARY).then_some((MAC_BINARY, bytes.len()))
}

/// The contents of the `data` chunk of a RIFF file; RIFF counts in little endian and pads to even lengths.
fn riff_data(bytes: &[u8]) -> (usize, usize) {
    let mut at = 12_usize;
    while let Some(head) = bytes.get(at..at.saturating_add(CHUNK_HEAD)) {
        let length = head.last_chunk().map_or(0, |length| u32::from_le_bytes(*length)) as usize;
        let from = at + CHUNK_HEAD;
        if head.starts_with(b"data") {
            return (from, from.saturating_add(length).min(bytes.len()));
        }
        at = from.saturating_add(length).saturating_add(length % 2);
    }
    (bytes.len(), bytes.len())
}

/// The header chunk. All offsets are from the start of the source.
pub(super) struct Header<'a> {
    /// The source up to the end of the MIDI file.
    pub(super) bytes: &'a [u8],
    /// Where the header starts and ends.
    pub(super) at: usize,
    pub(super) end: usize,
    /// 0, 1 or 2; what is none of them is read as 1.
    pub(super) format: u16,
    /// How many tracks it declares.
    pub(super) tracks: u16,
    pub(super) clock: Clock,
    /// What is odd about it, and where.
    pub(super) warnings: Vec<(usize, String)>,
}

impl<'a> Header<'a> {
    /// Finds and reads the header.
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self, ReadError> {
        let (at, end) = start(bytes).unwrap_or((0, bytes.len()));
        let bytes = bytes.get(..end).unwrap_or(bytes);
        let fault = |at: usize, message: &str| Err(ReadError::malformed(Place::byte(at), message));
        let rest = bytes.get(at..).unwrap_or(&[]);
        if !rest.starts_with(b"MThd") {
            return fault(at, "no MThd chunk: a MIDI file begins with one");
        }
        let Some(&[_, _, _, _, a, b, c, d, f0, f1, t0, t1, d0, d1]) = rest.first_chunk::<HEADER>() else {
            return fault(at, "the file ends inside the header chunk, which has 14 bytes");
        };
        let Some(clock) = Clock::new([d0, d1]) else {
            let message =
                "the division is neither ticks per quarter above 0 nor 24, 25, 29 or 30 frames a second";
            return fault(at + 12, message);
        };
        let mut header = Header {
            bytes,
            at,
            end: at + HEADER,
            format: u16::from_be_bytes([f0, f1]),
            tracks: u16::from_be_bytes([t0, t1]),
            clock,
            warnings: Vec::new(),
        };
        header.check(u32::from_be_bytes([a, b, c, d]) as usize);
        Ok(header)
    }

    /// Writes down what is odd, and settles where the chunks begin.
    fn check(&mut self, length: usize) {
        let at = self.at;
        if at == MAC_BINARY {
            self.warnings.push((0, "a MacBinary header of 128 bytes stands before the file".to_owned()));
        }
        // The standard allows a longer header. It is one if a chunk follows it.
        let declared = at.saturating_add(CHUNK_HEAD).saturating_add(length);
        if length > 6 && (declared == self.bytes.len() || is_chunk(self.bytes, declared)) {
            self.end = declared;
        } else if length != 6 {
            self.warnings.push((at + 4, format!("the header declares {length} bytes, it has 6")));
        }
        if self.format > 2 {
            self.warnings.push((at + CHUNK_HEAD, format!("format {} is unknown, read as 1", self.format)));
            self.format = 1;
        }
    }
}

/// The bytes of one track.
pub(super) struct Chunk<'a> {
    /// Counted from 1.
    pub(super) number: usize,
    /// Where `data` starts in the source.
    pub(super) at: usize,
    pub(super) data: &'a [u8],
    /// The source up to the end of `data`.
    pub(super) source: &'a [u8],
    /// How many bytes it declares, if that is more than there are.
    pub(super) short_of: Option<usize>,
}

/// Walks the chunks and gives those that are tracks.
pub(super) struct Chunks<'a> {
    bytes: &'a [u8],
    at: usize,
    number: usize,
    bytes_max: u64,
    /// The last search for a track: from where, and what it found. Searches go forward, so this keeps them linear.
    search: (usize, Option<usize>),
}

impl<'a> Chunks<'a> {
    pub(super) fn new(header: &Header<'a>, limits: &Limits) -> Self {
        let search = (usize::MAX, None);
        Chunks { bytes: header.bytes, at: header.end, number: 0, bytes_max: limits.source_bytes_max, search }
    }

    /// Goes on reading at `at`, where the last track was found to end.
    pub(super) const fn go_on(&mut self, at: usize) {
        self.at = at;
    }

    /// The next track.
    pub(super) fn next(&mut self, sink: &mut Odd<'_>) -> Result<Option<Chunk<'a>>, Stop> {
        while let Some(rest) = self.bytes.get(self.at..).filter(|rest| !rest.is_empty()) {
            let length = rest.get(4..8).and_then(|length| length.first_chunk());
            let length = length.map_or(usize::MAX, |length| u32::from_be_bytes(*length) as usize);
            if rest.starts_with(b"MTrk") && rest.len() >= CHUNK_HEAD {
                return self.track(length, sink).map(Some);
            }
            let end = self.at.saturating_add(CHUNK_HEAD).saturating_add(length);
            if is_chunk(self.bytes, self.at) && end <= self.bytes.len() {
                self.at = end; // A chunk of a kind that the standard says to skip.
                continue;
            }
            let to = self.find_track(self.at + 1).unwrap_or(self.bytes.len());
            sink.warn(self.at, &format!("{} bytes that are no chunk are left out", to - self.at))?;
            self.at = to;
        }
        Ok(None)
    }

    /// The track whose head is here and declares `length` bytes.
    fn track(&mut self, length: usize, sink: &mut Odd<'_>) -> Result<Chunk<'a>, Stop> {
        if length as u64 > self.bytes_max {
            let place = Some(Place::byte(self.at + 4));
            return Err(Stop::Failed(exceeded("source_bytes_max", self.bytes_max, place)));
        }
        self.number += 1;
        let from = self.at + CHUNK_HEAD;
        let mut end = from.saturating_add(length);
        let short_of = (end > self.bytes.len()).then_some(length);
        let ends_well = self.bytes.get(from..end).is_some_and(|data| data.ends_with(END_OF_TRACK));
        if end < self.bytes.len() && !ends_well && !is_chunk(self.bytes, end) {
            end = self.find_track(end).unwrap_or(self.bytes.len());
            let message =
                format!("track {}: it declares {length} bytes, but goes on after them", self.number);
            sink.warn(self.at + 4, &message)?;
        }
        let source = self.bytes.get(..end).unwrap_or(self.bytes);
        let data = source.get(from..).unwrap_or(&[]);
        Ok(Chunk { number: self.number, at: from, data, source, short_of })
    }

    /// The next place at or after `from` where a track may start.
    fn find_track(&mut self, from: usize) -> Option<usize> {
        let (searched, found) = self.search;
        if from < searched || found.is_some_and(|found| found < from) {
            let found = self.bytes.get(from..).and_then(|rest| memmem::find(rest, b"MTrk"));
            self.search = (from, found.map(|found| from + found));
        }
        self.search.1
    }
}

/// The tracks of a file that is made as the standard says: as many as the header declares, one after the other and nothing
/// else, each with an end of track.
pub(super) fn plain_tracks<'a>(header: &Header<'a>) -> Option<Vec<Chunk<'a>>> {
    let (mut tracks, mut at) = (Vec::new(), header.end);
    while at < header.bytes.len() {
        let [b'M', b'T', b'r', b'k', length @ ..] = header.bytes.get(at..)?.first_chunk::<CHUNK_HEAD>()?
        else {
            return None;
        };
        let from = at + CHUNK_HEAD;
        at = from.checked_add(u32::from_be_bytes(*length) as usize)?;
        let source = header.bytes.get(..at)?;
        let data = source.get(from..).filter(|data| data.ends_with(END_OF_TRACK))?;
        tracks.push(Chunk { number: tracks.len() + 1, at: from, data, source, short_of: None });
    }
    (tracks.len() == usize::from(header.tracks)).then_some(tracks)
}

/// Whether what stands at `at` can be a chunk: four printable letters and a length.
fn is_chunk(bytes: &[u8], at: usize) -> bool {
    let head = bytes.get(at..).and_then(|rest| rest.first_chunk::<CHUNK_HEAD>());
    head.is_some_and(|head| head.iter().take(4).all(|byte| (b' '..=b'~').contains(byte)))
}
