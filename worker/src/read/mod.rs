//! Readers: one format each, from bytes to events. The registry and the choice by content are here.

mod abc;
mod kern;
mod midi;
mod musicxml;
mod options;

pub use options::{Fidelity, Grid, MidiOptions, MidiParts, ReadOptions};

use crate::score::{EventSink, Stop};
use shared::failure::{Failure, FailureKind};
use shared::place::Place;
use std::io::{self, BufRead, Seek};

/// How many opening bytes a reader may look at to recognise its format.
pub const HEAD_BYTES: usize = 4096;

/// A source of bytes that can be read from the front and, for archives, from any place.
pub trait Input: BufRead + Seek {}

impl<T: BufRead + Seek> Input for T {}

/// What a format is called and where it is used to stand.
#[derive(Debug)]
pub struct Format {
    /// Name on the wire and in tables.
    pub name: &'static str,
    /// Raised when the same bytes give other events: cached findings of the old ones are not used then.
    pub revision: u32,
    /// File name extensions in lower case; they choose the files of a folder, and break ties.
    pub extensions: &'static [&'static str],
    /// In a sentence, for people.
    pub summary: &'static str,
    /// The specification that the reader follows.
    pub reference: &'static str,
}

/// One notation format. To add one: a folder beside this file, a line in [`READERS`], scores in `tests/data/scores`.
pub trait ScoreReader: Sync {
    /// Name, file extensions and revision.
    fn format(&self) -> &'static Format;

    /// Whether the opening bytes (at most [`HEAD_BYTES`]) can only be this format.
    fn recognises(&self, head: &[u8]) -> bool;

    /// Reads `input` to its end, telling `sink` each event in the order of the file.
    ///
    /// What can be read of a damaged file is told; what cannot is told as `Event::Damage` where reading goes on, or
    /// ends in an error where it cannot.
    ///
    /// # Errors
    /// [`ReadError::Malformed`] with a place, [`ReadError::Stopped`] when the sink has had enough or a limit is
    /// passed, [`ReadError::Io`] when the input itself fails. Never panics, whatever the bytes.
    fn read(
        &self,
        input: &mut dyn Input,
        options: &ReadOptions,
        sink: &mut dyn EventSink,
    ) -> Result<(), ReadError>;
}

/// Every format, surest signature first. A loose signature must not come before a strict one.
pub static READERS: &[&dyn ScoreReader] = &[&midi::Midi, &musicxml::MusicXml, &kern::Kern, &abc::Abc];

/// The reader for a source: the first that recognises its opening bytes, else the one whose extension it bears.
#[must_use]
pub fn choose(head: &[u8], name: &str) -> Option<&'static dyn ScoreReader> {
    let head = head.get(..HEAD_BYTES).unwrap_or(head);
    let by_content = READERS.iter().find(|reader| reader.recognises(head));
    by_content.or_else(|| READERS.iter().find(|reader| has_extension(reader.format(), name))).copied()
}

/// Whether a file name bears one of a format's extensions.
#[must_use]
pub fn has_extension(format: &Format, name: &str) -> bool {
    let extension = name.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase());
    extension.is_some_and(|extension| format.extensions.contains(&extension.as_str()))
}

/// Why a reader stopped before the end.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The source breaks its format's rules, or is not of a kind that can be read.
    #[error("{0}")]
    Malformed(Failure),
    /// The sink has had enough, or a limit was passed.
    #[error("stopped")]
    Stopped(Stop),
    /// The input itself failed.
    #[error("reading failed: {0}")]
    Io(#[from] io::Error),
}

impl ReadError {
    /// The source breaks its format's rules at `place`.
    #[must_use]
    pub fn malformed(place: Place, message: impl Into<String>) -> Self {
        ReadError::Malformed(Failure::malformed(place, message))
    }

    /// The failure that this is to the caller.
    #[must_use]
    pub fn into_failure(self) -> Failure {
        match self {
            ReadError::Malformed(failure) | ReadError::Stopped(Stop::Failed(failure)) => failure,
            ReadError::Stopped(Stop::Cancelled) => {
                Failure::new(FailureKind::Cancelled, "the job is no longer wanted")
            }
            ReadError::Io(error) => {
                Failure::new(FailureKind::Unavailable, format!("reading failed: {error}"))
            }
        }
    }
}

impl From<Stop> for ReadError {
    fn from(stop: Stop) -> Self {
        ReadError::Stopped(stop)
    }
}
