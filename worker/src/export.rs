//! From the bytes of a score to the same music in another format.

use crate::fetch::Loaded;
use crate::pipeline::pace::Pace;
use crate::read::{self, HEAD_BYTES, ReadError, ReadOptions};
use crate::score::{Repeats, Score, ScoreBuilder, Stop, laid_out};
use crate::write::ScoreWriter;
use shared::failure::{Failure, FailureKind};
use std::io::Read;

/// What of a source is exported, and how.
#[derive(Clone, Copy, Debug, Default)]
pub struct Choice {
    /// Which piece of it, from 0.
    pub piece: u32,
    /// Measures as they are written, as they are played, or so with each repeat once.
    pub repeats: Repeats,
}

/// A piece in another format.
#[derive(Clone, Debug)]
pub struct Exported {
    /// The file.
    pub bytes: Vec<u8>,
    /// Notes that the format cannot say, and that are not there.
    pub left_out: u64,
    /// What of the source could not be read, and so is not there.
    pub damage: Option<Failure>,
}

/// Writes a piece of a source in a format. Blocks while it reads.
///
/// # Errors
/// `unsupported` for a source that no reader knows; why it cannot be read, `timed_out` too; `not_found` for a piece that is not in it.
pub fn export(
    loaded: &Loaded,
    name: &str,
    writer: &dyn ScoreWriter,
    choice: Choice,
    options: &ReadOptions,
) -> Result<Exported, Failure> {
    let (mut pieces, mut found) = (0, None);
    // A tunebook is not read behind the tune that is wanted.
    let enough = || Stop::Cancelled;
    let mut emit = |score: Score| {
        pieces += 1;
        if pieces > choice.piece {
            found = Some(score);
            return Err(enough());
        }
        Ok(())
    };
    let mut head = Vec::new();
    let opened = loaded.open()?.take(HEAD_BYTES as u64).read_to_end(&mut head);
    opened.map_err(|error| Failure::new(FailureKind::Unavailable, format!("it cannot be read: {error}")))?;
    let reader = read::choose(&head, name)
        .ok_or_else(|| Failure::new(FailureKind::Unsupported, "no reader knows this format"))?;
    // As long as an item may be worked, and in turn with the large ones that are.
    let pace = Pace::new(&options.limits);
    let check = || pace.check();
    let mut builder = ScoreBuilder::new(&options.limits, &check, &mut emit);
    let outcome = reader.read(&mut *loaded.open()?, options, &mut builder);
    let broken = outcome.err().map(|error| {
        let damaged = matches!(error, ReadError::Malformed(_));
        let failure = error.into_failure();
        if damaged {
            // What could be saved is taken as a piece like any other.
            let _ = builder.salvage(&failure);
        }
        failure
    });
    drop(builder);
    let Some(score) = found else {
        let none = || {
            let message = format!("there is no piece {}: there are {pieces}, from 0", choice.piece);
            Failure::new(FailureKind::NotFound, message)
        };
        return Err(broken.unwrap_or_else(none));
    };
    let score = laid_out(score, choice.repeats, &options.limits)?;
    let mut bytes = Vec::new();
    let left_out = writer.write(&score, &mut bytes);
    let left_out = left_out.map_err(|error| Failure::new(FailureKind::TooLarge, error.to_string()))?;
    Ok(Exported { bytes, left_out, damage: score.damage })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::write;
    use shared::limits::Limits;

    #[test]
    fn an_export_takes_no_longer_than_an_item_may() {
        let tune = format!("X:1\nT:Long\nM:4/4\nL:1/8\nK:C\n{}\n", "CDEF GABc|\n".repeat(20_000));
        let export = |item_seconds_max: u64| {
            let limits = Limits { item_seconds_max, ..Limits::default() };
            let options = ReadOptions { limits, ..ReadOptions::default() };
            let loaded = Loaded::of(tune.clone().into());
            export(&loaded, "long.abc", write::find("midi").unwrap(), Choice::default(), &options)
        };
        assert!(export(120).unwrap().bytes.starts_with(b"MThd"));
        assert_eq!(export(0).unwrap_err().kind, FailureKind::TimedOut);
    }
}
