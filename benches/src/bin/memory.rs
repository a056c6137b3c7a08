//! What each reader takes of memory, a note: long scores of four parts with rests, slurs, dynamics and articulations are made in
//! each format, one three times as long as the other, and each is read in a process of its own.
//!
//! ```text
//! cargo run --release -p benches --bin memory                  one JSON line for each format
//! cargo run --release -p benches --bin memory -- read FILE     reads one, once: {"notes", "words", "rests", "rss_kb"}
//! ```
//!
//! `{"format", "bytes", "notes", "rss_kb", "bytes_a_note"}`: `rss_kb` is the most memory that the process held which read the
//! longer score, and `bytes_a_note` what it held more than the other, over the notes that it read more: what does not grow
//! with the score is left out. It ends in failure when one takes more than the goal.

use benches::long::{FORMATS, write};
use serde_json::{Value, json};
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::Path;
use std::process::{Command, ExitCode};
use worker::read::{self, HEAD_BYTES, ReadOptions};
use worker::score::{Score, ScoreBuilder};

/// Measures of the two scores, each with 24 notes.
const MEASURES: [u32; 2] = [4_500, 13_500];
/// What a note may take, in bytes.
const GOAL: f64 = 64.0;
/// What a process may hold that reads the longer score, in kilobytes.
const GOAL_KB: u64 = 100 << 10;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let done = match arguments.split_first() {
        None => all(),
        Some((word, [file])) if word == "read" => one(Path::new(file)).map(|()| true),
        Some(_) => {
            eprintln!("usage: memory [read FILE]");
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => {
            eprintln!("more than {GOAL} bytes a note, or {GOAL_KB} kB in all");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Measures every format; says whether each keeps to the goals.
fn all() -> io::Result<bool> {
    let folder = tempfile::tempdir()?;
    let mut well = true;
    for format in FORMATS {
        let path = folder.path().join("long").with_extension(format.extension);
        let mut figures = Vec::new();
        for measures in MEASURES {
            let mut out = BufWriter::new(File::create(&path)?);
            write(format.name, measures, &mut out)?;
            out.flush()?;
            let read = Command::new(std::env::current_exe()?).arg("read").arg(&path).output()?;
            let told: Value = serde_json::from_slice(&read.stdout)?;
            let figure = |name: &str| {
                told[name].as_u64().ok_or_else(|| io::Error::other(format!("no {name}: {told}")))
            };
            figures.push((figure("notes")?, figure("rss_kb")?));
        }
        let [(few, small), (many, large)] = figures[..] else { continue };
        let a_note = (large as f64 - small as f64) * 1024.0 / (many as f64 - few as f64);
        well &= a_note <= GOAL && large <= GOAL_KB;
        let bytes = fs::metadata(&path)?.len();
        let (format, a_note) = (format.name, (a_note * 10.0).round() / 10.0);
        println!(
            "{}",
            json!({ "format": format, "bytes": bytes, "notes": many, "rss_kb": large, "bytes_a_note": a_note })
        );
    }
    Ok(well)
}

/// Reads one file through a small buffer, once, and tells what that took.
fn one(path: &Path) -> io::Result<()> {
    let mut file = BufReader::with_capacity(1 << 16, File::open(path)?);
    let head = file.fill_buf()?;
    let head = head.get(..HEAD_BYTES).unwrap_or(head).to_owned();
    let reader = read::choose(&head, &path.to_string_lossy()).ok_or_else(|| io::Error::other("no reader"))?;
    let (mut notes, mut words, mut rests) = (0, 0, 0);
    let mut emit = |score: Score| {
        notes += score.notes.len();
        words += score.annotations.len();
        rests += score.rests.len();
        Ok(())
    };
    let options = ReadOptions::default();
    let mut builder = ScoreBuilder::new(&options.limits, &|| Ok(()), &mut emit);
    reader.read(&mut file, &options, &mut builder).map_err(|error| io::Error::other(error.into_failure()))?;
    println!("{}", json!({ "notes": notes, "words": words, "rests": rests, "rss_kb": benches::peak_kb() }));
    Ok(())
}
