//! Humdrum kern.

use super::{Format, Input, ReadError, ReadOptions, ScoreReader};
use crate::score::{Event, EventSink};
use shared::place::Place;

static FORMAT: Format = Format {
    name: "kern",
    revision: 1,
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
        head.starts_with(b"!!!")
    }

    fn read(&self, _: &mut dyn Input, _: &ReadOptions, sink: &mut dyn EventSink) -> Result<(), ReadError> {
        sink.event(Place::START, Event::PieceStart { shared_time: true })?;
        Err(ReadError::malformed(Place::START, "the reader is not there yet"))
    }
}
