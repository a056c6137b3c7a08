//! Helpers of the tests.

pub mod broker;
pub mod promises;
pub mod signing;

use shared::failure::{Failure, FailureKind};
use shared::place::Place;
use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use worker::read::{self, HEAD_BYTES, ReadError, ReadOptions, ScoreReader};
use worker::score::{Event, EventSink, Score, ScoreBuilder, Stop, Unit};

/// The folder of the tests' data.
pub fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("data")
}

/// The corpora that stand beside a checkout, if they are there; a line is printed if they are not.
pub fn corpora() -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpora/dev");
    if !path.is_dir() {
        println!("skipped: there are no corpora at {}", path.display());
        return None;
    }
    Some(path)
}

/// Every file in a folder and the folders in it, in the order of their paths.
pub fn files_under(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry can be read").path()).collect();
    paths.sort();
    paths.into_iter().flat_map(|path| if path.is_dir() { files_under(&path) } else { vec![path] }).collect()
}

/// A tune like no other: `seed` decides its notes.
pub fn tune(seed: u64, notes: usize) -> String {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut text = format!("X:{seed}\nT:Tune {seed}\nM:4/4\nL:1/8\nK:G\n");
    for index in 0..notes {
        // Knuth's MMIX generator.
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        text.push(char::from(b"CDEFGABcdefgab"[(state >> 33) as usize % 14]));
        match index % 64 {
            63 => text.push_str("|\n"),
            7 | 15 | 23 | 31 | 39 | 47 | 55 => text.push('|'),
            _ => {}
        }
    }
    text.push_str("|]\n");
    text
}

/// The opening bytes of a source, as far as a reader may look.
pub fn head(bytes: &[u8]) -> &[u8] {
    &bytes[..bytes.len().min(HEAD_BYTES)]
}

/// What came of reading a source.
#[derive(Debug)]
pub struct Reading {
    /// The pieces, with what could be saved of one that broke off.
    pub scores: Vec<Score>,
    /// Why the reader stopped before the end, if it did.
    pub failure: Option<Failure>,
    /// How many notes, rests, measures and parts were told, in the order of [`Unit::ALL`].
    pub told: [u64; 4],
}

impl Reading {
    /// Whether all of the source was read.
    pub fn is_whole(&self) -> bool {
        self.failure.is_none() && self.scores.iter().all(|score| score.damage.is_none())
    }

    /// Notes of all pieces.
    pub fn notes(&self) -> usize {
        self.scores.iter().map(|score| score.notes.len()).sum()
    }
}

/// Reads a source with the reader that its bytes and name choose.
pub fn read(bytes: &[u8], name: &str, options: &ReadOptions) -> Reading {
    match read::choose(head(bytes), name) {
        Some(reader) => read_with(reader, bytes, options),
        None => {
            let failure = Failure::at(FailureKind::Unsupported, Place::START, "no reader knows this format");
            Reading { scores: Vec::new(), failure: Some(failure), told: [0; 4] }
        }
    }
}

/// Reads a source with that reader.
pub fn read_with(reader: &dyn ScoreReader, bytes: &[u8], options: &ReadOptions) -> Reading {
    let mut scores = Vec::new();
    let mut emit = |score| {
        scores.push(score);
        Ok(())
    };
    let mut builder = ScoreBuilder::new(&options.limits, &|| Ok(()), &mut emit);
    let mut counter = Counter { told: [0; 4], sink: &mut builder };
    let outcome = reader.read(&mut Cursor::new(bytes), options, &mut counter);
    let told = counter.told;
    let failure = outcome.map_err(ReadError::into_failure).err();
    if let Some(failure) = &failure {
        builder.salvage(failure).expect("the test takes every piece");
    }
    Reading { scores, failure, told }
}

/// Counts what passes.
struct Counter<'a> {
    told: [u64; 4],
    sink: &'a mut dyn EventSink,
}

impl EventSink for Counter<'_> {
    fn event(&mut self, place: Place, event: Event<'_>) -> Result<(), Stop> {
        let unit = match event {
            Event::Note(_) => Some(Unit::Notes),
            Event::Rest(_) => Some(Unit::Rests),
            Event::Measure { .. } => Some(Unit::Measures),
            Event::Part { .. } => Some(Unit::Parts),
            _ => None,
        };
        if let Some(unit) = unit {
            self.told[unit as usize] += 1;
        }
        self.sink.event(place, event)
    }
}
