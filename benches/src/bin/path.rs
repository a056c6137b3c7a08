//! The whole path: items per second from a submitted job to its last receipt, and what it costs beyond reading and
//! analysing.
//!
//! ```text
//! cargo run --release -p benches --bin path -- PATHS…
//! ```
//!
//! In each of five rounds, in turn and over the same files:
//!
//! - `bare`: every file loaded, hashed, read and analysed on two threads, and the answers dropped;
//! - `path`: the same as a job, without a cache, on two threads: plan, ledger (durable), chunks, rows, receipts;
//! - `cached`: the same job again with a cache that knows everything.
//!
//! One JSON line: medians of CPU seconds of each, `overhead_us_per_item` = (path - bare) / items in the same round,
//! `items_per_s` by the wall clock, `cores` = CPU seconds over wall seconds of `path`.

use api::embedded::Embedded;
use api::plan::{self, Choice};
use api::sources;
use benches::{files_under, median, process_cpu_seconds, text};
use serde_json::json;
use shared::dispatch::{Announcement, Dispatcher, Lane};
use shared::job::{Item, Record, Request};
use shared::limits::Limits;
use shared::principal::Principal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;
use worker::cache::Cache;
use worker::consume::Worker;
use worker::fetch::Arrived;
use worker::pipeline::{Wanted, bare};

const ROUNDS: usize = 5;
const THREADS: usize = 2;

fn main() -> ExitCode {
    let paths: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    if paths.is_empty() {
        eprintln!("usage: path PATHS…");
        return ExitCode::from(2);
    }
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("threads");
    let home = std::env::temp_dir().join(format!("ripieno-bench-{}", std::process::id()));
    println!("{}", runtime.block_on(measure(&paths, &home)));
    std::fs::remove_dir_all(&home).expect("its own folder");
    ExitCode::SUCCESS
}

async fn measure(paths: &[PathBuf], home: &Path) -> serde_json::Value {
    let names: Vec<String> = paths.iter().map(|path| text(path)).collect();
    let request = plan::request(names, &Choice::default()).expect("a request");
    let limits = Limits::default();
    let (mut bare_s, mut path_s, mut wall_s, mut cached_s) = (vec![], vec![], vec![], vec![]);
    let mut items = 0;
    for round in 0..ROUNDS {
        let files = files_under(paths);
        let began = process_cpu_seconds();
        all_bare(&files, &request, &limits);
        bare_s.push(process_cpu_seconds() - began);

        let data = home.join(round.to_string());
        let (wall, began) = (Instant::now(), process_cpu_seconds());
        let record = job(&data, &request, &limits, false).await;
        path_s.push(process_cpu_seconds() - began);
        wall_s.push(wall.elapsed().as_secs_f64());
        items = record.items;

        job(&data, &request, &limits, true).await;
        let began = process_cpu_seconds();
        job(&data, &request, &limits, true).await;
        cached_s.push(process_cpu_seconds() - began);
    }
    let per_item = |seconds: f64| (seconds * 1e7 / items as f64).round() / 10.0;
    let overheads = bare_s.iter().zip(&path_s).map(|(bare, path)| path - bare).collect();
    let cores = path_s.iter().zip(&wall_s).map(|(cpu, wall)| cpu / wall).collect();
    json!({
        "items": items, "bare_cpu_s": median(bare_s), "path_cpu_s": median(path_s), "cached_cpu_s": median(cached_s.clone()),
        "overhead_us_per_item": per_item(median(overheads)), "cached_us_per_item": per_item(median(cached_s)),
        "items_per_s": (items as f64 / median(wall_s)).round(), "cores": (median(cores) * 100.0).round() / 100.0,
    })
}

/// Loads, reads and analyses every file, and drops what comes of it; on as many threads as the path has, because two
/// threads on one core's caches take longer than one.
fn all_bare(files: &[PathBuf], request: &Request, limits: &Limits) {
    let wanted = Wanted::of(request, limits).expect("analyses");
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let wanted = &wanted;
            scope.spawn(move || {
                for path in files.iter().skip(thread).step_by(THREADS) {
                    let (name, address) = (text(path), text(path));
                    let item = Item { name, address, ..Item::default() };
                    std::hint::black_box(bare(&item, Ok(Arrived::Path(path.clone())), wanted));
                }
            });
        }
    });
}

/// Submits a job and works it to its end.
async fn job(data: &Path, request: &Request, limits: &Limits, cached: bool) -> Record {
    let embedded = Embedded::open(data, limits.clone()).await.expect("a data folder");
    let principal = Principal::local();
    let listing = sources::list(&request.sources, limits).await.expect("sources");
    let record = embedded
        .service
        .submit(&principal, request.clone(), listing, Lane::Bulk)
        .await
        .expect("a job")
        .record;
    let cache = if cached { Cache::open(&data.join("cache"), limits.cache_bytes_max) } else { None };
    let worker = Worker::new(
        embedded.ledger(),
        embedded.dispatcher.clone(),
        cache.map(Arc::new),
        limits.clone(),
        THREADS,
    );
    let mut watch = embedded.dispatcher.watch().await;
    let worker = tokio::spawn(Arc::new(worker.expect("threads")).run());
    embedded.service.reconcile(&principal, &record).await.expect("published");
    while !matches!(watch.recv().await, Ok(Announcement::Finished { .. })) {}
    Dispatcher::close(&embedded.dispatcher);
    worker.await.expect("the worker ends");
    record
}
