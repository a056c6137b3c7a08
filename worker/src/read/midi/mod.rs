//! Standard MIDI Files, formats 0, 1 and 2, as they are found: in RIFF, behind a MacBinary header, cut short, miscounted.
//!
//! The chunks and events are walked here, so that every event has its byte and damage in one track costs that track's
//! end only. Midly decodes the meta and system exclusive events. Channel messages, nearly all of a file, are two bytes
//! that need no decoder.

mod clock;
mod file;
mod frame;
mod oddity;
mod pairing;
mod parts;
mod piece;
mod teller;
mod track;
mod windows;
mod words;

use super::{Format, Input, ReadError, ReadOptions, ScoreReader};
use crate::score::{Event, EventSink, Stop};
use file::{Chunks, Header};
use pairing::Pairing;
use piece::Piece;
use shared::failure::Failure;
use shared::limits::exceeded;
use shared::place::Place;
use std::borrow::Cow;
use std::io::{self, Read, SeekFrom};
use track::Bounds;
use windows::{LONG_BYTES, ROOM};

static FORMAT: Format = Format {
    name: "midi",
    revision: 2,
    extensions: &["mid", "midi", "kar", "rmi"],
    summary: "Standard MIDI Files, formats 0, 1 and 2",
    reference: "MMA/AMEI RP-001, Standard MIDI Files 1.0",
};

/// Standard MIDI Files, formats 0, 1 and 2.
pub(super) struct Midi;

impl ScoreReader for Midi {
    fn format(&self) -> &'static Format {
        &FORMAT
    }

    fn recognises(&self, head: &[u8]) -> bool {
        file::start(head).is_some()
    }

    fn read(
        &self,
        input: &mut dyn Input,
        options: &ReadOptions,
        sink: &mut dyn EventSink,
    ) -> Result<(), ReadError> {
        let most = options.limits.source_bytes_max;
        let bytes = whole(input, most)?;
        if bytes.len() as u64 > most {
            return Err(Stop::Failed(exceeded("source_bytes_max", most, None)).into());
        }
        let header = Header::read(&bytes)?;
        let mut sink = Odd { sink, damage: None };
        sink.tell(header.at, Event::PieceStart { shared_time: true })?;
        for (at, message) in &header.warnings {
            sink.warn(*at, message)?;
        }
        read_tracks(&header, options, &mut sink)
    }
}

/// The input as one piece: where it lies if that is in memory, else a copy, which goes no further than past `most`.
fn whole(input: &mut dyn Input, most: u64) -> io::Result<Cow<'_, [u8]>> {
    let start = input.stream_position()?;
    let length = input.seek(SeekFrom::End(0))?.saturating_sub(start);
    input.seek(SeekFrom::Start(start))?;
    if input.fill_buf()?.len() as u64 == length {
        return input.fill_buf().map(Cow::Borrowed);
    }
    let most = most.saturating_add(1);
    let mut bytes = Vec::with_capacity(usize::try_from(length.min(most)).unwrap_or(0));
    input.take(most).read_to_end(&mut bytes)?;
    Ok(bytes.into())
}

/// Reads the tracks: all into one piece, or in format 2 each into one of its own.
fn read_tracks(header: &Header<'_>, options: &ReadOptions, sink: &mut Odd<'_>) -> Result<(), ReadError> {
    if header.bytes.len() >= LONG_BYTES
        && let Some(mut piece) = windows::read(header, options, ROOM, sink)?
    {
        piece.tell(options, sink)?;
        return Ok(sink.tell(header.bytes.len(), Event::PieceEnd)?);
    }
    let mut chunks = Chunks::new(header, &options.limits);
    let mut pairing = Pairing::new(options.fidelity);
    let mut piece = Piece::new(header);
    let (mut found, mut notes) = (0_u64, 0_u64);
    while let Some(chunk) = chunks.next(sink)? {
        if header.format == 2 && found > 0 {
            notes += piece.notes;
            piece.tell(options, sink)?;
            sink.tell(chunk.at, Event::PieceEnd)?;
            sink.tell(chunk.at, Event::PieceStart { shared_time: true })?;
            piece = Piece::new(header);
        }
        let bounds = Bounds {
            clock: header.clock,
            limits: &options.limits,
            notes_left: options.limits.notes_max.saturating_sub(piece.notes),
            words_left: options.limits.annotations_max.saturating_sub(piece.words),
            signs_left: options.limits.measures_max.saturating_sub(piece.signs.len() as u64),
        };
        let (track, end) = track::read(&chunk, &mut pairing, &bounds, sink)?;
        chunks.go_on(end);
        piece.add(track, &options.limits)?;
        found += 1;
    }
    if found != u64::from(header.tracks) {
        let message = format!("the header declares {} tracks, there are {found}", header.tracks);
        sink.warn(header.at, &message)?;
    }
    notes += piece.notes;
    if notes == 0 {
        if let Some(failure) = sink.damage.take() {
            return Err(ReadError::Malformed(failure));
        }
        if found == 0 {
            return Err(ReadError::malformed(Place::byte(header.end), "no track chunk follows the header"));
        }
    }
    piece.tell(options, sink)?;
    sink.tell(header.bytes.len(), Event::PieceEnd)?;
    Ok(())
}

/// The sink, with short words for what is odd.
struct Odd<'a> {
    sink: &'a mut dyn EventSink,
    /// The first damage that was told.
    damage: Option<Failure>,
}

impl Odd<'_> {
    fn tell(&mut self, at: usize, event: Event<'_>) -> Result<(), Stop> {
        self.sink.event(Place::byte(at), event)
    }

    fn warn(&mut self, at: usize, message: &str) -> Result<(), Stop> {
        self.tell(at, Event::Warning(message))
    }

    fn damage(&mut self, at: usize, message: String) -> Result<(), Stop> {
        let failure = Failure::malformed(Place::byte(at), message);
        self.tell(at, Event::Damage(&failure))?;
        self.damage.get_or_insert(failure);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
