//! What encryption at rest costs: the same job on a ledger that is sealed and on one that is not, in turn.
//!
//! ```text
//! cargo run --release -p benches --bin sealed -- PATHS…
//! ```
//!
//! Each of nine rounds works every file twice, plain and sealed, the one first that was second before: without a cache, and
//! again with a cache that knows everything, which does nothing but read and write. One JSON line: medians of items a second by
//! the wall clock, and `ratio` = sealed / plain items a second in the same round; the same of the CPU seconds, plain / sealed.

use api::plan::{self, Choice};
use api::service::Service;
use api::sources;
use benches::{median, process_cpu_seconds, text};
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

const ROUNDS: usize = 9;
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
    let (mut first, mut known) = (Rounds::default(), Rounds::default());
    for round in 0..ROUNDS {
        let mut took = Vec::new();
        for sealed in [round % 2 == 0, round % 2 != 0] {
            let data = home.join(format!("{round}-{sealed}"));
            let once = job(&data, &request, sealed, false).await;
            job(&data, &request, sealed, true).await;
            took.push((sealed, once, job(&data, &request, sealed, true).await));
            std::fs::remove_dir_all(&data).expect("its own folder");
        }
        took.sort_by_key(|(sealed, ..)| *sealed);
        let [(_, plain, plain_known), (_, sealed, sealed_known)] = took[..] else { unreachable!("both") };
        first.add(plain, sealed);
        known.add(plain_known, sealed_known);
    }
    json!({ "worked": first.told(), "from_the_cache": known.told() })
}

#[derive(Default)]
struct Rounds(Vec<(Took, Took)>);

impl Rounds {
    fn add(&mut self, plain: Took, sealed: Took) {
        self.0.push((plain, sealed));
    }

    fn told(&self) -> serde_json::Value {
        let of = |figure: &dyn Fn(&(Took, Took)) -> f64| median(self.0.iter().map(figure).collect());
        let rounded = |figure: f64| (figure * 1000.0).round() / 1000.0;
        json!({
            "items": of(&|(plain, _)| plain.items),
            "plain_items_per_s": of(&|(plain, _)| plain.items / plain.wall_s).round(),
            "sealed_items_per_s": of(&|(_, sealed)| sealed.items / sealed.wall_s).round(),
            "ratio": rounded(of(&|(plain, sealed)| plain.wall_s / sealed.wall_s)),
            "cpu_ratio": rounded(of(&|(plain, sealed)| plain.cpu_s / sealed.cpu_s)),
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
