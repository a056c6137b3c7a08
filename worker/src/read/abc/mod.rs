//! ABC notation, tunebooks included.

use super::{Format, Input, ReadError, ReadOptions, ScoreReader};
use crate::score::{Event, EventSink};
use shared::place::Place;

static FORMAT: Format = Format {
    name: "abc",
    revision: 1,
    extensions: &["abc"],
    summary: "ABC notation, tunebooks included",
    reference: "Walshaw et al., The ABC music standard 2.1 (2011)",
};

/// ABC notation, tunebooks included.
pub(super) struct Abc;

impl ScoreReader for Abc {
    fn format(&self) -> &'static Format {
        &FORMAT
    }

    fn recognises(&self, head: &[u8]) -> bool {
        head.starts_with(b"X:")
    }

    fn read(&self, _: &mut dyn Input, _: &ReadOptions, sink: &mut dyn EventSink) -> Result<(), ReadError> {
        sink.event(Place::START, Event::PieceStart { shared_time: true })?;
        Err(ReadError::malformed(Place::START, "the reader is not there yet"))
    }
}
