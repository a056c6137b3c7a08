//! Parse throughput on one thread, from a warm page cache: bytes of files to finished scores, and the floors below that.
//!
//! ```text
//! cargo run --release -p benches --bin parse -- [--compat] PATHS…          one JSON line over all files
//! cargo run --release -p benches --bin parse -- --stream [--compat] PATHS… the same, without the files in memory
//! cargo run --release -p benches --bin parse -- --floor [--compat] PATHS…  one JSON line for each format
//! ```
//!
//! A path is a file or a folder of files. Every file is read into memory, or with `--stream` through a small buffer, and
//! built into scores, which are dropped; opening, reading and dropping are inside the time. A first pass warms the cache and counts; then the files are read
//! as often as it takes to last 0.2 s, five times over, and the medians of one pass are told:
//!
//! `{"files", "failed", "bytes", "notes", "wall_s", "cpu_s", "rss_kb"}`: `bytes` are those of the files that did not fail,
//! `cpu_s` is the time that the thread ran, `rss_kb` the most memory that the process ever held.
//!
//! With `--floor` each of the five rounds times, one after the other, our reading and two things that no reading can
//! do without, over the same files:
//!
//! - `read`: reading the file and one memchr pass over it, for the byte that ends a line or opens a tag;
//! - `scan`: reading it and the barest walk over its grammar. MusicXML: quick-xml's event loop; MIDI: midly's event
//!   loop; kern and ABC: lines, and in kern the tokens of each. Compressed MusicXML has none: unzipping it needs the reader.
//!
//! A ratio is our CPU time over that of the floor in the same round; the median of the rounds is told.

use benches::{peak_kb, thread_cpu_seconds};
use memchr::{memchr_iter, memchr2_iter};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::hint::black_box;
use std::io::{self, BufRead, BufReader, Cursor};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;
use worker::read::{self, Fidelity, HEAD_BYTES, Input, ReadOptions};
use worker::score::{Score, ScoreBuilder};

/// Rounds, of which the median is told.
const ROUNDS: usize = 5;
/// How long a measurement lasts at least.
const MEASUREMENT_S: f64 = 0.2;

fn main() -> ExitCode {
    // As the programs do it whose reading this is.
    shared::memory::settle();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (flags, paths): (Vec<_>, Vec<_>) = arguments.iter().partition(|argument| argument.starts_with("--"));
    let has = |flag: &str| flags.iter().any(|given| given.as_str() == flag);
    if paths.is_empty()
        || flags.iter().any(|flag| !["--floor", "--compat", "--stream"].contains(&flag.as_str()))
    {
        eprintln!("usage: parse [--floor | --stream] [--compat] PATHS…");
        return ExitCode::from(2);
    }
    let fidelity = if has("--compat") { Fidelity::Compat } else { Fidelity::Corrected };
    let options = ReadOptions { fidelity, ..ReadOptions::default() };
    let how = How { options: &options, streams: has("--stream") };
    match run(&paths, has("--floor"), &how) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// How the files are read.
struct How<'a> {
    options: &'a ReadOptions,
    /// Through a small buffer, rather than into memory first.
    streams: bool,
}

fn run(paths: &[&String], floor: bool, how: &How<'_>) -> io::Result<()> {
    let mut files = Vec::new();
    for path in paths {
        collect(Path::new(path), &mut files)?;
    }
    if !floor {
        println!("{}", Value::Object(throughput(&files, how)?));
        return Ok(());
    }
    let mut formats: BTreeMap<&str, Vec<PathBuf>> = BTreeMap::new();
    for path in files {
        formats.entry(format_of(&path)?).or_default().push(path);
    }
    for (format, files) in formats {
        let mut row = throughput(&files, how)?;
        row.insert("format".to_owned(), json!(format));
        floors(format, &files, how, &mut row)?;
        println!("{}", Value::Object(row));
    }
    Ok(())
}

/// Every file of a folder and its folders, in the order of their paths.
fn collect(path: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    if !path.is_dir() {
        files.push(path.to_owned());
        return Ok(());
    }
    let entries = fs::read_dir(path)?.map(|entry| entry.map(|entry| entry.path()));
    let mut paths = entries.collect::<io::Result<Vec<_>>>()?;
    paths.sort();
    paths.iter().try_for_each(|path| collect(path, files))
}

/// What one pass of reading gives.
#[derive(Default)]
struct Count {
    failed: u64,
    bytes: u64,
    notes: u64,
}

fn throughput(files: &[PathBuf], how: &How<'_>) -> io::Result<Map<String, Value>> {
    let count = parse_all(files, how)?;
    let mut work = || parse_all(files, how).map(drop);
    let passes = passes(&mut work)?;
    let spent = (0..ROUNDS).map(|_| measure(passes, &mut work)).collect::<io::Result<Vec<_>>>()?;
    let wall = median(spent.iter().map(|spent| spent.wall));
    let cpu = median(spent.iter().map(|spent| spent.cpu));
    let mut row = Map::new();
    row.insert("files".to_owned(), json!(files.len()));
    row.insert("failed".to_owned(), json!(count.failed));
    row.insert("bytes".to_owned(), json!(count.bytes));
    row.insert("notes".to_owned(), json!(count.notes));
    row.insert("wall_s".to_owned(), json!(wall));
    row.insert("cpu_s".to_owned(), json!(cpu));
    row.insert("rss_kb".to_owned(), json!(peak_kb()));
    Ok(row)
}

/// Times our reading and the floors in turn, and writes the ratios into the row.
fn floors(format: &str, files: &[PathBuf], how: &How<'_>, row: &mut Map<String, Value>) -> io::Result<()> {
    let mut ours = || parse_all(files, how).map(drop);
    let ours_passes = passes(&mut ours)?;
    let touch: fn(&[u8]) -> u64 = if matches!(format, "musicxml" | "mxl") { tags } else { lines };
    let scan: Option<fn(&[u8]) -> u64> = match format {
        "musicxml" => Some(xml_events),
        "midi" => Some(midi_events),
        "kern" => Some(tokens),
        "abc" => Some(lines_apart),
        _ => None,
    };
    let floors = [("read", Some(touch)), ("scan", scan)];
    let floors = floors.into_iter().filter_map(|(name, floor)| floor.map(|floor| (name, floor)));
    let mut floors = floors
        .map(|(name, floor)| {
            let work = move || over(files, floor);
            Ok((name, passes(&mut { work })?, work, Vec::new(), Vec::new()))
        })
        .collect::<io::Result<Vec<_>>>()?;
    for _ in 0..ROUNDS {
        let own = measure(ours_passes, &mut ours)?;
        for (_, passes, work, times, ratios) in &mut floors {
            let spent = measure(*passes, work)?;
            times.push(spent.cpu);
            ratios.push(own.cpu / spent.cpu);
        }
    }
    for (name, _, _, times, ratios) in floors {
        row.insert(format!("{name}_cpu_s"), json!(median(times.into_iter())));
        row.insert(format!("ratio_{name}"), json!(median(ratios.into_iter())));
    }
    Ok(())
}

/// Reads every file to scores.
fn parse_all(files: &[PathBuf], how: &How<'_>) -> io::Result<Count> {
    let mut count = Count::default();
    for path in files {
        let (bytes, notes) = if how.streams {
            let mut file = BufReader::with_capacity(1 << 16, File::open(path)?);
            let head = head(file.fill_buf()?).to_owned();
            (file.get_ref().metadata()?.len(), parse(&mut file, &head, path, how.options))
        } else {
            let bytes = fs::read(path)?;
            let notes = parse(&mut Cursor::new(&bytes), head(&bytes), path, how.options);
            (bytes.len() as u64, notes)
        };
        match notes {
            Some(notes) => {
                count.bytes += bytes;
                count.notes += notes;
            }
            None => count.failed += 1,
        }
    }
    Ok(count)
}

/// The notes of a source, if it could be read to its end.
fn parse(input: &mut dyn Input, head: &[u8], path: &Path, options: &ReadOptions) -> Option<u64> {
    let reader = read::choose(head, &path.to_string_lossy())?;
    let mut notes = 0;
    let mut emit = |score: Score| {
        notes += black_box(score).notes.len() as u64;
        Ok(())
    };
    let mut builder = ScoreBuilder::new(&options.limits, &|| Ok(()), &mut emit);
    reader.read(input, options, &mut builder).ok()?;
    Some(notes)
}

fn head(bytes: &[u8]) -> &[u8] {
    bytes.get(..HEAD_BYTES).unwrap_or(bytes)
}

/// The name of a file's format; that of zipped MusicXML is `mxl`.
fn format_of(path: &Path) -> io::Result<&'static str> {
    let bytes = fs::read(path)?;
    let name =
        read::choose(head(&bytes), &path.to_string_lossy()).map_or("unknown", |reader| reader.format().name);
    Ok(if bytes.starts_with(b"PK") { "mxl" } else { name })
}

/// Reads every file and does no more with it than `floor`.
fn over(files: &[PathBuf], floor: fn(&[u8]) -> u64) -> io::Result<()> {
    files.iter().try_for_each(|path| {
        fs::read(path).map(|bytes| {
            black_box(floor(&bytes));
        })
    })
}

fn lines(bytes: &[u8]) -> u64 {
    memchr_iter(b'\n', bytes).count() as u64
}

fn tags(bytes: &[u8]) -> u64 {
    memchr_iter(b'<', bytes).count() as u64
}

/// Takes the lines apart, without a look into them.
fn lines_apart(bytes: &[u8]) -> u64 {
    let mut from = 0;
    for end in memchr_iter(b'\n', bytes) {
        black_box(&bytes[from..end]);
        from = end + 1;
    }
    from as u64
}

/// Takes lines and tab-separated tokens apart.
fn tokens(bytes: &[u8]) -> u64 {
    let mut from = 0;
    for end in memchr2_iter(b'\n', b'\t', bytes) {
        black_box(&bytes[from..end]);
        from = end + 1;
    }
    from as u64
}

fn xml_events(bytes: &[u8]) -> u64 {
    let mut reader = quick_xml::Reader::from_reader(bytes);
    let mut events = 0;
    // A file in UTF-16 is none that it can walk: it ends at the first error.
    while let Ok(event) = reader.read_event() {
        if matches!(event, quick_xml::events::Event::Eof) {
            break;
        }
        black_box(&event);
        events += 1;
    }
    events
}

fn midi_events(bytes: &[u8]) -> u64 {
    // Midly negates the byte 0x80 where a division counts frames, which overflows.
    if bytes.get(12) == Some(&0x80) {
        return 0;
    }
    let Ok((_, tracks)) = midly::parse(bytes) else { return 0 };
    tracks.flatten().flatten().map(|event| drop(black_box(event))).count() as u64
}

/// What a pass took, in seconds.
struct Spent {
    wall: f64,
    cpu: f64,
}

/// How many passes last long enough to be measured.
fn passes(work: &mut impl FnMut() -> io::Result<()>) -> io::Result<u32> {
    let once = measure(1, work)?.wall.max(1e-6);
    // The quotient is at least 0 and at most 200 000.
    Ok((MEASUREMENT_S / once).ceil() as u32)
}

fn measure(passes: u32, work: &mut impl FnMut() -> io::Result<()>) -> io::Result<Spent> {
    let (start, cpu) = (Instant::now(), thread_cpu_seconds());
    for _ in 0..passes {
        work()?;
    }
    let wall = start.elapsed().as_secs_f64();
    let cpu = thread_cpu_seconds() - cpu;
    Ok(Spent { wall: wall / f64::from(passes), cpu: cpu / f64::from(passes) })
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}
