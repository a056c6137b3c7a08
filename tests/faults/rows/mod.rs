//! The rows: each a fault, and what must hold after it.

mod broker;
mod control;
mod partition;
mod store;
mod workers;

use crate::{Found, Ground};
use std::fs;
use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use tests::tune;

type Running<'a> = Pin<Box<dyn Future<Output = Option<Found>> + 'a>>;

/// A row of the table in docs/reliability.md.
pub struct Row {
    /// Its name.
    pub name: &'static str,
    /// Whether it belongs to the short run.
    pub short: bool,
    /// What it is skipped without.
    pub needs: &'static str,
    /// Does it.
    pub run: fn(&mut Ground) -> Running<'_>,
}

macro_rules! rows {
    ($($name:literal $short:literal $needs:literal $path:path;)+) => {
        /// Every row, in the order of the table.
        pub static ROWS: &[Row] = &[$(Row {
            name: $name, short: $short, needs: $needs, run: |ground| Box::pin($path(ground)),
        }),+];
    };
}

rows! {
    "1-kill" true "" workers::killed;
    "2-poison" true "" workers::poisoned;
    "2-embedded" true "" workers::poisoned_in_one_process;
    "5-endless" false "" workers::endless;
    "6-bad-files" true "" workers::bad_files;
    "7-broker-kill" true "" broker::killed;
    "8-broker-wipe" true "" broker::wiped;
    "9-frozen" false "" broker::frozen;
    "9-parted" true "" partition::parted;
    "10-blocked" false "" broker::starved;
    "11-twice" true "" broker::delivered_twice;
    "13-front-kill" true "" control::killed_front;
    "14-store" true "no object store (tests/run starts one)" store::failing;
    "15-damage" true "" store::damaged;
    "16-condition" true "no object store (tests/run starts one)" store::unconditional;
    "17-no-cache" true "" workers::no_cache;
    "17-full-disk" true "" workers::full_disk;
    "18-bad-cache" true "" workers::damaged_cache;
    "22-sigterm" true "" workers::drained;
    "23-cancel" true "" control::cancelled;
    "24-pause" true "" control::paused;
    "25-fair" true "" control::fair;
    "retry" true "" control::retried;
}

/// Many scores, one of them broken.
pub fn corpus(folder: &Path, files: u64) {
    fs::create_dir_all(folder).expect("a folder can be made");
    for seed in 0..files {
        fs::write(folder.join(format!("tune{seed:05}.abc")), tune(seed, 60)).expect("a file can be written");
    }
    fs::write(folder.join("broken.mid"), b"MThd\0\0").expect("a file can be written");
}
