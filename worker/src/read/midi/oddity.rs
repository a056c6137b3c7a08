//! What is odd in a track, counted: a broken file has each oddity a thousand times.

use super::Odd;
use crate::score::Stop;

/// What can be odd about a track without anything being lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Oddity {
    /// A note-off where no note sounds.
    Orphan,
    /// A note without note-off.
    Hanging,
    /// A note that ends where it begins.
    NoLength,
    /// Running status after a meta or system exclusive event.
    Carried,
    /// A message that no file may hold, or a meta event with an odd payload.
    Skipped,
    /// A tempo, meter or key outside its range.
    OutOfRange,
    /// A system exclusive message without its last byte.
    OpenExclusive,
    /// An event after the end of the track.
    AfterEnd,
    /// Bytes after the end of the track that are no event.
    Rubbish,
    /// No end of track.
    NoEnd,
    /// A declared length that passes the end of the file, in a track that is not cut.
    WrongLength,
}

impl Oddity {
    const fn text(self) -> &'static str {
        match self {
            Oddity::Orphan => "a note-off where no note sounds",
            Oddity::Hanging => "a note has no note-off",
            Oddity::NoLength => "a note ends where it begins",
            Oddity::Carried => "running status is used across a meta or system exclusive event",
            Oddity::Skipped => "an event that no file may hold, or that is too short, is left out",
            Oddity::OutOfRange => "a tempo, meter or key out of range is left out",
            Oddity::OpenExclusive => "a system exclusive message has no end",
            Oddity::AfterEnd => "an event after the end of the track is read all the same",
            Oddity::Rubbish => "bytes after the end of the track, which are no event, are left out",
            Oddity::NoEnd => "there is no end-of-track event",
            Oddity::WrongLength => "it declares more bytes than there are",
        }
    }
}

/// How often each oddity was met, and where first.
#[derive(Default)]
pub(super) struct Tally(Vec<(Oddity, u64, usize)>);

impl Tally {
    /// Counts one more, at that byte.
    pub(super) fn add(&mut self, oddity: Oddity, at: usize) {
        self.count(oddity, 1, at);
    }

    fn count(&mut self, oddity: Oddity, more: u64, at: usize) {
        match self.0.iter_mut().find(|(known, ..)| *known == oddity) {
            Some((_, count, _)) => *count += more,
            None => self.0.push((oddity, more, at)),
        }
    }

    /// Counts what was met apart as if it had been met last.
    pub(super) fn append(&mut self, later: Tally) {
        later.0.into_iter().for_each(|(oddity, count, at)| self.count(oddity, count, at));
    }

    /// Warns of what was met in a track.
    pub(super) fn tell(&self, track: usize, sink: &mut Odd<'_>) -> Result<(), Stop> {
        for (oddity, count, at) in &self.0 {
            let times = if *count > 1 { format!(", {count} times") } else { String::new() };
            sink.warn(*at, &format!("track {track}: {}{times}", oddity.text()))?;
        }
        Ok(())
    }
}
