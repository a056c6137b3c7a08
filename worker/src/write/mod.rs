//! Writers: a score in another format than it came in. Pure, like the readers: from a score to bytes.

mod midi;
mod musicxml;
mod played;

use crate::score::{Score, Ticks};
use shared::failure::{Failure, FailureKind};
use std::io::{self, Write};

/// What is written, and what of a score it holds.
#[derive(Debug)]
pub struct Written {
    /// Name on the wire; that of the format's reader.
    pub name: &'static str,
    /// File name extension.
    pub extension: &'static str,
    /// Media type.
    pub media_type: &'static str,
    /// What is written and what is not, for people.
    pub summary: &'static str,
}

/// One format. To add one: a file beside this, a line in [`WRITERS`].
pub trait ScoreWriter: Sync {
    /// What it writes.
    fn format(&self) -> &'static Written;

    /// Writes a score; says how many notes the format cannot say, which are left out. The same score is always the same
    /// bytes.
    ///
    /// # Errors
    /// What `out` says.
    fn write(&self, score: &Score, out: &mut dyn Write) -> io::Result<u64>;
}

/// Every format that can be written, in the order of the names.
pub static WRITERS: &[&dyn ScoreWriter] = &[&midi::Midi, &musicxml::MusicXml];

/// The writer of a format.
///
/// # Errors
/// `unsupported`, with the names of those that there are.
pub fn find(name: &str) -> Result<&'static dyn ScoreWriter, Failure> {
    let found = WRITERS.iter().find(|writer| writer.format().name == name);
    found.copied().ok_or_else(|| {
        let names: Vec<&str> = WRITERS.iter().map(|writer| writer.format().name).collect();
        let message = format!("{name:?} is not written; there are: {}", names.join(", "));
        Failure::new(FailureKind::Unsupported, message)
    })
}

/// The greatest length that all times of a score are multiples of, at most a quarter note.
fn unit(score: &Score) -> Ticks {
    let notes = score.notes.iter().flat_map(|note| [note.onset, note.duration]);
    let rests = score.rests.iter().flat_map(|rest| [rest.onset, rest.duration]);
    let measures = score.measures.iter().flat_map(|measure| [measure.onset, measure.duration]);
    let meters = score.meters.iter().map(|meter| meter.onset);
    let signs = meters.chain(score.keys.iter().map(|key| key.onset));
    let signs = signs.chain(score.tempi.iter().map(|tempo| tempo.onset));
    let all = notes.chain(rests).chain(measures).chain(signs);
    all.fold(Ticks::quarters(1), Ticks::common)
}
