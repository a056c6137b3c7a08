//! What encryption at rest costs: the same job on a ledger that is sealed and on one that is not, in turn.
//!
//! ```text
//! cargo run --release -p benches --bin sealed -- PATHS…
//! ```
//!
//! Each of nine rounds works every file without a cache, plain and sealed, the one first that was second before. Then both have a
//! cache that knows everything, and a job does nothing but read and write: that takes some tens of milliseconds, in which anything
//! that the machine does besides counts, so that there are two hundred rounds of it, in the same turns. One JSON line: `items` of a
//! job, medians of items a second by the wall clock, and `ratio` = sealed / plain items a second in the same round: its median, and
//! its first and third quartile, between which half of the rounds lie; `cpu_ratio` is the same of CPU seconds, plain / sealed.

use api::plan::{self, Choice};
use api::service::Service;
use api::sources;
use benches::{median, process_cpu_seconds, quartiles, text};
use serde_json::json;
use shared::dispatch::{Announcement, Dispatcher, Lane};
use shared::job::Request;
use shared::ledger::Ledger;
use shared::limits::Limits;
use shared::principal::Principal;
use shared::vault::{Master, MasterKeys};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;
use worker::cache::Cache;
use worker::consume::{Worker, reconcile};

/// Rounds in which everything is worked: each takes seconds.
const ROUNDS: usize = 9;
/// Rounds in which everything is known; an even number, so that each is first as often as the other.
const ROUNDS_KNOWN: usize = 200;
const THREADS: usize = 2;

fn main() -> ExitCode {
    let paths: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    if paths.is_empty() {
        eprintln!("usage: sealed PATHS…");
        return ExitCode::from(2);
    }
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("threads");
    let home = tempfile::tempdir().expect("a folder");
    println!("{}", runtime.block_on(measure(&paths, home.path())));
    ExitCode::SUCCESS
}

/// What a job took.
#[derive(Clone, Copy)]
struct Took {
    items: f64,
    wall_s: f64,
    cpu_s: f64,
}

async fn measure(paths: &[PathBuf], home: &Path) -> serde_json::Value {
    let names: Vec<String> = paths.iter().map(|path| text(path)).collect();
    let request = plan::request(names, &Choice::default()).expect("a request");
    let (mut worked, mut known) = (Rounds::default(), Rounds::default());
    for round in 0..ROUNDS {
        let folder = |sealed: bool| home.join(format!("{round}-{sealed}"));
        worked.add(round, async |sealed| job(&folder(sealed), &request, sealed, false).await).await;
        for sealed in [false, true] {
            std::fs::remove_dir_all(folder(sealed)).expect("its own folder");
        }
    }
    let folder = |sealed: bool| home.join(format!("known-{sealed}"));
    for sealed in [false, true] {
        job(&folder(sealed), &request, sealed, true).await;
    }
    for round in 0..ROUNDS_KNOWN {
        known.add(round, async |sealed| job(&folder(sealed), &request, sealed, true).await).await;
    }
    json!({ "worked": worked.told(), "from_the_cache": known.told() })
}

/// What was taken plain and sealed, round by round.
#[derive(Default)]
struct Rounds(Vec<(Took, Took)>);

impl Rounds {
    /// Does a round; who is first takes turns.
    async fn add(&mut self, round: usize, job: impl AsyncFn(bool) -> Took) {
        let sealed_first = round.is_multiple_of(2);
        let (one, other) = (job(sealed_first).await, job(!sealed_first).await);
        self.0.push(if sealed_first { (other, one) } else { (one, other) });
    }

    fn told(&self) -> serde_json::Value {
        let of = |figure: &dyn Fn(&(Took, Took)) -> f64| self.0.iter().map(figure).collect::<Vec<f64>>();
        let ratio = |figure: &dyn Fn(&(Took, Took)) -> f64| {
            let [first, median, third] =
                quartiles(of(figure)).map(|figure| (figure * 1000.0).round() / 1000.0);
            json!({ "median": median, "quartiles": [first, third] })
        };
        json!({
            "rounds": self.0.len(),
            "items": median(of(&|(plain, _)| plain.items)),
            "plain_items_per_s": median(of(&|(plain, _)| plain.items / plain.wall_s)).round(),
            "sealed_items_per_s": median(of(&|(_, sealed)| sealed.items / sealed.wall_s)).round(),
            "ratio": ratio(&|(plain, sealed)| plain.wall_s / sealed.wall_s),
            "cpu_ratio": ratio(&|(plain, sealed)| plain.cpu_s / sealed.cpu_s),
        })
    }
}

/// Submits a job and works it to its end.
async fn job(data: &Path, request: &Request, sealed: bool, cached: bool) -> Took {
    let limits = Limits::default();
    let keys = MasterKeys::read(&"5e".repeat(32)).expect("a key");
    let master = sealed.then(|| Arc::new(keys) as Arc<dyn Master>);
    let ledger = Ledger::in_folder_with(&data.join("ledger"), master).await.expect("a folder");
    let dispatcher = Dispatcher::memory();
    let service = Service::new(ledger.clone(), dispatcher.clone());
    let cache = if cached { Cache::open(&data.join("cache"), limits.cache_bytes_max) } else { None };
    let worker =
        Worker::new(ledger.clone(), dispatcher.clone(), cache.map(Arc::new), limits.clone(), THREADS);
    let (wall, cpu) = (Instant::now(), process_cpu_seconds());
    let listing = sources::list(&request.sources, &limits).await.expect("sources");
    let accepted = service.submit(&Principal::local(), request.clone(), listing, Lane::Bulk).await;
    let record = accepted.expect("a job").record;
    let mut watch = dispatcher.watch().await;
    let worker = tokio::spawn(Arc::new(worker.expect("threads")).run());
    reconcile(&ledger, &dispatcher, &record).await.expect("published");
    while !matches!(watch.recv().await, Ok(Announcement::Finished { .. })) {}
    let took = Took {
        items: record.items as f64,
        wall_s: wall.elapsed().as_secs_f64(),
        cpu_s: process_cpu_seconds() - cpu,
    };
    dispatcher.close();
    worker.await.expect("the worker ends");
    took
}
