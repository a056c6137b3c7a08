//! Humdrum kern: columns of tokens that split and join, line by line.

mod beside;
mod census;
mod chord;
mod chords;
mod clock;
mod held;
mod instruments;
mod line;
mod marks;
mod measure;
mod parts;
mod piece;
mod sections;
mod signs;
mod spines;
#[cfg(test)]
mod tests;
mod text;
mod token;
mod words;

use super::{Format, HEAD_BYTES, Input, ReadError, ReadOptions, ScoreReader};
use crate::score::{AnnotationKind, Event, EventSink, Field, Notation, Stop};
use line::{Line, Lines};
use piece::{Piece, damage, warn};
use shared::failure::{Failure, FailureKind};
use shared::place::Place;

static FORMAT: Format = Format {
    name: "kern",
    revision: 4,
    extensions: &["krn", "kern", "hum"],
    summary: "Humdrum kern",
    reference: "Huron, The Humdrum Toolkit: Reference Manual (1994), **kern",
};

/// Humdrum kern.
pub(super) struct Kern;

impl ScoreReader for Kern {
    fn format(&self) -> &'static Format {
        &FORMAT
    }

    fn recognises(&self, head: &[u8]) -> bool {
        let text = head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(head);
        let mut comments = 0;
        for line in text.split(|byte| matches!(byte, b'\n' | b'\r')) {
            match line {
                [] => {}
                [b'!', ..] => comments += 1,
                [b'*', b'*', letter, ..] => return letter.is_ascii_alphabetic(),
                _ => return false,
            }
        }
        // A long preface that the head does not hold whole: nothing else opens with reference records.
        comments > 0 && head.len() >= HEAD_BYTES && text.starts_with(b"!!!")
    }

    fn read(
        &self,
        input: &mut dyn Input,
        options: &ReadOptions,
        sink: &mut dyn EventSink,
    ) -> Result<(), ReadError> {
        let mut lines = Lines::new(input, options.limits.token_bytes_max);
        let mut reading = Reading { options, piece: None, records: Vec::new() };
        while let Some(line) = lines.next()? {
            reading.line(&line, sink)?;
        }
        reading.end(lines.place(), sink)
    }
}

/// What is kept from line to line.
struct Reading<'a> {
    options: &'a ReadOptions,
    /// The piece that is read. One that is over stays until it is known whose the reference records after it are.
    piece: Option<Piece<'a>>,
    /// Reference records that stand between pieces, the first of each kind: rank, field, value, place.
    records: Vec<(usize, Field, String, Place)>,
}

impl Reading<'_> {
    fn line(&mut self, line: &Line<'_>, sink: &mut dyn EventSink) -> Result<(), ReadError> {
        match line.text {
            [] => {
                if let Some(piece) = &self.piece
                    && !piece.is_over()
                {
                    warn(sink, line.place(0), "an empty line: a comment or nothing would be right")?;
                }
            }
            [b'!', b'!', b'!', ..] => self.record(line, sink)?,
            [b'!', ..] => {
                if let Some(piece) = self.piece.as_mut().filter(|piece| !piece.is_over()) {
                    piece.comment(line)?;
                }
            }
            [b'*', b'*', ..] if self.opens(line) => self.open(line, sink)?,
            _ => self.content(line, sink)?,
        }
        Ok(())
    }

    /// Whether a line that begins with `**` opens a piece.
    fn opens(&self, line: &Line<'_>) -> bool {
        let all = line.cells().all(|cell| cell.starts_with(b"**"));
        self.piece.as_ref().is_none_or(|piece| piece.is_over() || (all && piece.may_restart()))
    }

    fn open(&mut self, line: &Line<'_>, sink: &mut dyn EventSink) -> Result<(), ReadError> {
        if let Some(piece) = self.piece.take() {
            if !piece.is_over() {
                warn(sink, line.place(0), "a new piece before the last one ended with *-")?;
            }
            piece.close(line.place(0), sink)?;
        }
        if !line.cells().any(|cell| cell.trim_ascii_end() == b"**kern") {
            let found: Vec<_> = line.cells().take(8).map(text::decode).collect();
            let message = format!("no **kern spine, only {}", found.join(", "));
            let failure = Failure::at(FailureKind::Unsupported, line.place(0), message);
            return Err(ReadError::Malformed(failure));
        }
        sink.event(line.place(0), Event::PieceStart { shared_time: true })?;
        sink.event(line.place(0), Event::Notation(Notation::Kern))?;
        for (index, cell) in line.cells().enumerate() {
            if !cell.starts_with(b"**") {
                let why = "does not say what the column holds, as **kern does";
                damage(sink, line.place(index), format!("{} {why}", text::quote(cell)))?;
            } else if cell.trim_ascii_end() == b"**mens" {
                damage(sink, line.place(index), "the notes of a **mens spine are not read")?;
            }
        }
        let mut piece = Piece::open(line, self.options)?;
        if let Some((.., words, place)) = self.records.iter().find(|record| text::is_tempo(record.0)) {
            piece.words.wait(AnnotationKind::Direction, None, words.as_bytes(), *place)?;
        }
        self.piece = Some(piece);
        Ok(self.say_records(sink)?)
    }

    fn content(&mut self, line: &Line<'_>, sink: &mut dyn EventSink) -> Result<(), ReadError> {
        match &mut self.piece {
            Some(piece) if piece.is_over() => {
                damage(
                    sink,
                    line.place(0),
                    "something after every spine was ended, where ** would open a piece",
                )?;
            }
            Some(piece) => piece.line(line, sink)?,
            None => {
                let message = "something before the line that says what the spines hold, such as **kern";
                return Err(ReadError::malformed(line.place(0), message));
            }
        }
        Ok(())
    }

    fn record(&mut self, line: &Line<'_>, sink: &mut dyn EventSink) -> Result<(), Stop> {
        let Some((rank, field, value)) = text::record(line.text) else { return Ok(()) };
        let value = text::decode(value);
        match &mut self.piece {
            Some(piece) if !piece.is_over() => {
                if text::is_tempo(rank) {
                    piece.words.wait(AnnotationKind::Direction, None, value.as_bytes(), line.place(0))?;
                }
                sink.event(line.place(0), Event::Field(field, &value))
            }
            _ => {
                if self.records.iter().all(|record| record.0 != rank) {
                    self.records.push((rank, field, value.into_owned(), line.place(0)));
                }
                Ok(())
            }
        }
    }

    /// Tells the records that waited, the most telling first.
    fn say_records(&mut self, sink: &mut dyn EventSink) -> Result<(), Stop> {
        self.records.sort_by_key(|record| record.0);
        for (_, field, value, place) in self.records.drain(..) {
            sink.event(place, Event::Field(field, &value))?;
        }
        Ok(())
    }

    fn end(mut self, place: Place, sink: &mut dyn EventSink) -> Result<(), ReadError> {
        let Some(piece) = self.piece.take() else {
            return Err(ReadError::malformed(
                place,
                "no line that says what the spines hold, such as **kern",
            ));
        };
        self.say_records(sink)?;
        if !piece.is_over() {
            damage(sink, place, "the end before every spine was ended with *-: the file may be cut off")?;
        }
        Ok(piece.close(place, sink)?)
    }
}
