//! Reads mutated scores, each reader for so many seconds, until one makes it panic, hang, swell or fail as a defect. Each
//! is read in one of the ways that can be asked for, and laid out as it is played. Such an input is made small, goes to `tests/data/damage/<format>`, which the tests read ever after, and ends this.
//!
//! `cargo run -p tests --bin fuzz -- [--seconds N] [--seed N] [FORMAT…]`; the same seed tries the same inputs in the same
//! order, as long as the fixtures and the corpora beside the checkout are the same.

mod mutate;

use mutate::{Random, mutate};
use shared::failure::FailureKind;
use std::hash::{BuildHasher, RandomState};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::exit;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use std::{fs, thread};
use tests::promises::{survives, ways};
use tests::{corpora, data, files_under, head};
use worker::analyse::{self, ANALYSES};
use worker::read::{self, READERS, ReadOptions, ScoreReader};

/// What one input may take of the processor, however busy that is: a hundred times what the slowest seed does.
const INPUT_SECONDS_MAX: u64 = 20;
/// What the process may hold: the seeds, and the largest score that the limits of [`small`] allow, many times over.
const MEMORY_MAX_KB: u64 = 1 << 20;
/// Larger files are no seeds: they would be slow and teach nothing new.
const SEED_BYTES_MAX: u64 = 48 << 10;
/// Each so many-th input goes through the analyses too.
const ANALYSED: u64 = 8;

/// What panicked since the last input began.
static PANICS: Mutex<String> = Mutex::new(String::new());

/// The input in work: what the watch needs to save it.
struct Work {
    bytes: Vec<u8>,
    /// What the process had taken of the processor when it began.
    since: f64,
}

fn main() {
    let (mut seconds, mut seed, mut formats) = (600, RandomState::new().hash_one("seed"), Vec::new());
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut value = || words.next().and_then(|value| value.parse().ok()).unwrap_or_else(usage);
        match word.as_str() {
            "--seconds" => seconds = value(),
            "--seed" => seed = value(),
            format if READERS.iter().any(|reader| reader.format().name == format) => formats.push(word),
            _ => usage(),
        }
    }
    // Told once, with the find, and not for each try at a smaller one.
    std::panic::set_hook(Box::new(|panic| {
        let mut panics = PANICS.lock().unwrap_or_else(PoisonError::into_inner);
        *panics += &format!("{panic}\n");
    }));
    for reader in READERS {
        let name = reader.format().name;
        if formats.is_empty() || formats.iter().any(|format| format == name) {
            fuzz(*reader, seed, Duration::from_secs(seconds));
        }
    }
}

fn usage<T>() -> T {
    eprintln!("usage: fuzz [--seconds N] [--seed N] [FORMAT…]");
    exit(2)
}

/// Mutates and reads for so long, watched by another thread.
fn fuzz(reader: &'static dyn ScoreReader, seed: u64, time: Duration) {
    let name = reader.format().name;
    let seeds = seeds(reader);
    println!("{name}: {} seeds, --seed {seed}", seeds.len());
    let began = Instant::now();
    let work = Arc::new(Mutex::new(Work { bytes: Vec::new(), since: cpu_seconds() }));
    let watched = Arc::clone(&work);
    let fuzzer = thread::spawn(move || {
        let (mut inputs, ways) = (0, ways(name));
        while began.elapsed() < time {
            inputs += 1;
            let mut random = Random(seed.wrapping_add(inputs));
            let (one, other) = (random.one(&seeds), random.one(&seeds));
            let bytes = mutate(name, one, other, &mut random);
            *watched.lock().unwrap_or_else(PoisonError::into_inner) =
                Work { bytes: bytes.clone(), since: cpu_seconds() };
            let (way, analysed) = (random.one(&ways), inputs % ANALYSED == 0);
            if let Some(message) = fault(reader, &bytes, way, analysed) {
                let bytes = smaller(bytes, |bytes| fault(reader, bytes, way, analysed).is_some());
                found(reader, &bytes, &message);
            }
        }
        println!("{name}: {inputs} inputs survived");
    });
    while !fuzzer.is_finished() {
        thread::sleep(Duration::from_millis(50));
        let work = work.lock().unwrap_or_else(PoisonError::into_inner);
        if cpu_seconds() - work.since > INPUT_SECONDS_MAX as f64 {
            found(reader, &work.bytes, &format!("more than {INPUT_SECONDS_MAX} seconds"));
        }
        if memory_kb() > MEMORY_MAX_KB {
            found(reader, &work.bytes, &format!("more than {MEMORY_MAX_KB} kB of memory"));
        }
    }
    fuzzer.join().expect("faults of a reader are caught");
}

/// The scores of a format that are known: fixtures, finds of before, and what the corpora have.
fn seeds(reader: &dyn ScoreReader) -> Vec<Vec<u8>> {
    let name = reader.format().name;
    let folders = [data().join("scores"), data().join("damage")].into_iter().chain(corpora());
    let files = folders.filter(|folder| folder.is_dir()).flat_map(|folder| files_under(&folder));
    let fits = |path: &Path| fs::metadata(path).is_ok_and(|file| file.len() <= SEED_BYTES_MAX);
    let bytes = files.filter(|path| fits(path)).filter_map(|path| {
        let bytes = fs::read(&path).ok()?;
        let chosen = read::choose(head(&bytes), &path.to_string_lossy())?;
        (chosen.format().name == name && !bytes.is_empty()).then_some(bytes)
    });
    bytes.collect()
}

/// What is wrong with how an input was read that way, if anything.
fn fault(reader: &dyn ScoreReader, bytes: &[u8], way: &ReadOptions, analysed: bool) -> Option<String> {
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        let what =
            format!("a mutated score, {} {}", way.fidelity.name(), way.midi.text().unwrap_or_default());
        let scores = survives(reader, bytes, way, &what);
        for score in scores.iter().filter(|_| analysed) {
            for analysis in ANALYSES {
                let params =
                    analysis.spec().check(&serde_json::Map::new()).expect("defaults lie in their ranges");
                if let Err(failure) = analyse::run(*analysis, score, &params) {
                    assert_ne!(failure.kind, FailureKind::Internal, "{failure}");
                }
            }
        }
    }));
    let panics = std::mem::take(&mut *PANICS.lock().unwrap_or_else(PoisonError::into_inner));
    outcome.err().map(|_| panics)
}

/// Leaves out of an input what its fault does not need, by ever smaller pieces, until the watch would wake.
fn smaller(mut bytes: Vec<u8>, faulty: impl Fn(&[u8]) -> bool) -> Vec<u8> {
    let began = Instant::now();
    let mut piece = bytes.len().div_ceil(2);
    while piece > 0 {
        let mut at = 0;
        while at < bytes.len() && began.elapsed() < Duration::from_secs(INPUT_SECONDS_MAX / 2) {
            let mut without = bytes.clone();
            without.drain(at..(at + piece).min(bytes.len()));
            if faulty(&without) { bytes = without } else { at += piece }
        }
        piece /= 2;
    }
    bytes
}

/// Keeps an input for the tests, and ends.
fn found(reader: &dyn ScoreReader, bytes: &[u8], message: &str) -> ! {
    let format = reader.format();
    let folder = data().join("damage").join(format.name);
    fs::create_dir_all(&folder).expect("a folder to write to");
    let number = files_under(&folder).len() + 1;
    let path = folder.join(format!("{number:03}.{}", format.extensions.first().unwrap_or(&"bin")));
    fs::write(&path, bytes).expect("a find to write");
    eprintln!("{}: {message}\n{} has the input", format.name, path.display());
    exit(1)
}

/// CPU seconds that this process has taken, to a hundredth; 0 where the system does not say.
fn cpu_seconds() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The fields behind the name, which is in parentheses and may hold anything; the 12th and 13th count the time.
    let fields = stat.rsplit(") ").next().unwrap_or_default().split(' ').skip(11).take(2);
    fields.filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / 100.0
}

/// What this process holds in memory now; 0 where the system does not say.
fn memory_kb() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok()).unwrap_or(0)
}
