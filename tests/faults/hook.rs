//! What happens to an item before it is read: it is written down, takes its time, and, if its name says so, takes its
//! process down.

use shared::clock;
use shared::job::Item;
use std::fs::OpenOptions;
use std::io::Write;
use std::time::Duration;

/// File in which every item is written down when its work begins: a line of the time in milliseconds and the name.
pub const JOURNAL: &str = "RIPIENO_FAULTS_JOURNAL";
/// Milliseconds that each item takes longer.
pub const PACE: &str = "RIPIENO_FAULTS_PACE_MS";

/// The hook of every process of a fault test.
pub fn hook(item: &Item) {
    if let Some(mut journal) = shared::config::var(JOURNAL)
        .and_then(|path| OpenOptions::new().append(true).create(true).open(path).ok())
    {
        // One write, so that lines of several processes do not mix.
        let line = format!("{} {}\n", clock::now_ms(), item.name);
        journal.write_all(line.as_bytes()).expect("the journal can be written");
    }
    let pace = shared::config::var(PACE).and_then(|text| text.parse().ok()).unwrap_or(0);
    if pace > 0 {
        std::thread::sleep(Duration::from_millis(pace));
    }
    if item.name.contains("poison-abort") {
        std::process::abort();
    } else if item.name.contains("poison-stack") {
        std::hint::black_box(deeper(1));
    } else if item.name.contains("poison-memory") {
        // More address space than whoever works suspects may have; elsewhere it ends just as badly.
        let bytes: Vec<u8> = Vec::with_capacity(8 << 30);
        std::hint::black_box(&bytes);
        std::process::abort();
    } else if item.name.contains("poison-panic") {
        panic!("asked for by its name");
    } else if item.name.contains("poison-endless") {
        std::thread::sleep(Duration::from_secs(3600));
    }
}

/// Recurses until the stack ends, which no catching survives.
fn deeper(depth: u64) -> u64 {
    let page = std::hint::black_box([depth; 512]);
    if page[0] == u64::MAX {
        return 0;
    }
    deeper(depth + 1) + page[1]
}
