//! What the benchmarks share: time that a process ran, medians, scores, and what analysts say of them.

pub mod long;
pub mod truth;

use rustix::time::{ClockId, clock_gettime};
use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use worker::read::{self, HEAD_BYTES, ReadOptions};
use worker::score::{Score, ScoreBuilder};

/// CPU seconds that all threads of this process ran so far, ended ones included, to the nanosecond.
pub fn process_cpu_seconds() -> f64 {
    seconds(ClockId::ProcessCPUTime)
}

/// The same of another process, to a hundredth (`/proc/PID/stat`).
///
/// # Panics
/// Where there is no such process, or no `/proc`.
pub fn cpu_seconds_of(process: u32) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).expect("it is in /proc");
    // The second field, in parentheses, may hold anything; utime and stime are the 14th and 15th.
    let fields: Vec<&str> = stat.rsplit(") ").next().expect("fields").split(' ').collect();
    let ticks = |index: usize| fields[index].parse::<f64>().expect("a number of ticks");
    (ticks(11) + ticks(12)) / 100.0
}

/// CPU seconds that this thread ran so far, to the nanosecond.
pub fn thread_cpu_seconds() -> f64 {
    seconds(ClockId::ThreadCPUTime)
}

fn seconds(clock: ClockId) -> f64 {
    let now = clock_gettime(clock);
    now.tv_sec as f64 + now.tv_nsec as f64 / 1e9
}

/// The most memory that this process ever held, in kilobytes; 0 where that is not to be had.
pub fn peak_kb() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

/// The median of some figures.
///
/// # Panics
/// For none.
pub fn median(figures: Vec<f64>) -> f64 {
    quartiles(figures)[1]
}

/// The first quartile of some figures, their median, and their third quartile.
///
/// # Panics
/// For none.
pub fn quartiles(mut figures: Vec<f64>) -> [f64; 3] {
    figures.sort_by(f64::total_cmp);
    [1, 2, 3].map(|quarter| figures[figures.len() * quarter / 4])
}

/// Every file in the folders given, and the files given, sorted.
///
/// # Panics
/// When a folder cannot be read.
pub fn files_under(paths: &[PathBuf]) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut open = paths.to_vec();
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(fs::read_dir(&path).expect("a folder").map(|entry| entry.expect("an entry").path()));
        } else {
            files.push(path);
        }
    }
    files.sort();
    files
}

/// A path as text.
pub fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// The pieces of a file; none of one that cannot be read.
///
/// # Panics
/// When there is no such file.
pub fn scores(path: &Path) -> Vec<Score> {
    let bytes = fs::read(path).expect("a file");
    let head = bytes.get(..HEAD_BYTES).unwrap_or(&bytes);
    let Some(reader) = read::choose(head, &path.to_string_lossy()) else { return Vec::new() };
    let options = ReadOptions::default();
    let mut scores = Vec::new();
    let mut emit = |score| {
        scores.push(score);
        Ok(())
    };
    let mut builder = ScoreBuilder::new(&options.limits, &|| Ok(()), &mut emit);
    // What a damaged file gives is as good as another score here.
    let _ = reader.read(&mut Cursor::new(&bytes), &options, &mut builder);
    drop(builder);
    scores
}
