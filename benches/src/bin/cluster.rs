//! What a job costs in a cluster, by the real programs beside this one: `ripieno`, and one `ripieno-worker`.
//!
//! ```text
//! RIPIENO_BROKER=… cluster growth ITEMS…             jobs of so many small tunes, one after the other
//! RIPIENO_BROKER=… cluster corpus FOLDER ANALYSES    a job over scores of which the worker knows none, and its table
//! cluster again URL                                  a run over a store in one process, and the same again
//! ```
//! `growth` prints a JSON line a job: CPU microseconds an item of the front that is asked, of the worker since it was ready and
//! of the kernel for that (which finds and opens the files), the worker's peak memory, and messages an item, of work and of
//! announcements; `over_first` is CPU an item over that of the first job. `corpus` prints a line for each of five rounds, which has no
//! peak but what the table costs the front (`table_cpu_us`) and what the broker took for the job, where it runs on this machine, or else
//! null (of several the first); then the median of what everybody took. `again` prints seconds and CPU seconds of both runs
//! and of writing the tables alone, and the ratios, first over second.

use benches::{cpu_seconds_of, files_under, median};
use serde_json::json;
use shared::dispatch::rabbitmq::RabbitMq;
use shared::dispatch::{Announcement, Dispatcher};
use shared::job::JobId;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::Instant;
use tempfile::TempDir;
use tests::tune;
use tokio::runtime::Runtime;
use tokio::sync::broadcast::Receiver;

/// Rounds of `again`.
const ROUNDS: usize = 3;
/// Rounds of `corpus`.
const CORPUS_ROUNDS: usize = 5;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match (words.as_slice(), shared::config::var("RIPIENO_BROKER")) {
        (["growth", items @ ..], Some(broker)) if !items.is_empty() => {
            let items: Vec<u64> = items.iter().map(|text| text.parse().expect("a number of items")).collect();
            runtime().block_on(growth(&broker, &items));
        }
        (["corpus", folder, analyses], Some(broker)) => {
            runtime().block_on(all_of(&broker, folder, analyses));
        }
        (["again", url], _) => again(url),
        _ => {
            eprintln!(
                "usage: RIPIENO_BROKER=… cluster growth ITEMS…, RIPIENO_BROKER=… cluster corpus FOLDER ANALYSES, or cluster again URL"
            );
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("threads")
}

/// A program that was built beside this one.
fn program(name: &str) -> Command {
    let own = std::env::current_exe().expect("a program knows where it is");
    let path = own.with_file_name(name);
    assert!(path.is_file(), "{} is not built", path.display());
    let mut command = Command::new(path);
    command.stdin(Stdio::null()).env_remove("RIPIENO_DATA");
    command
}

/// Fields of `/proc/PROCESS/stat`, from the state on.
fn stat(process: &str) -> Vec<f64> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).expect("it runs");
    let fields = stat.rsplit(") ").next().expect("fields").split(' ');
    fields.map(|field| field.trim().parse().unwrap_or(0.0)).collect()
}

/// CPU seconds of a process, its own and the kernel's for it.
fn cpu_seconds(child: &Child) -> (f64, f64) {
    let fields = stat(&child.id().to_string());
    (fields[11] / 100.0, fields[12] / 100.0)
}

/// CPU seconds of the processes that this one has waited for.
fn cpu_seconds_of_ended() -> f64 {
    let fields = stat("self");
    (fields[13] + fields[14]) / 100.0
}

/// The most memory that a process has had, in megabytes.
fn peak_mb(child: &Child) -> f64 {
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).expect("it runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("it says its memory");
    line.trim().trim_end_matches(" kB").parse::<f64>().expect("kilobytes") / 1024.0
}

/// Notes of a tune.
const NOTES: usize = 64;

/// So many tunes, each like no other, from the one of that number on.
fn corpus(folder: &Path, from: u64, items: u64) {
    for number in 0..items {
        let inside = folder.join(format!("{:03}", number / 1000));
        fs::create_dir_all(&inside).expect("a folder");
        fs::write(inside.join(format!("{number:07}.abc")), tune(from + number, NOTES)).expect("a file");
    }
}

/// A front and the queues that it shares with its workers.
struct Cluster<'a> {
    broker: &'a str,
    queues: String,
    home: TempDir,
    front: Child,
    /// Where the front listens.
    server: String,
    rabbit: RabbitMq,
    dispatcher: Dispatcher,
    watch: Receiver<Announcement>,
}

/// What a job took.
struct Took {
    job: JobId,
    seconds: f64,
    /// Messages of work, and announcements.
    chunks: f64,
    announced: f64,
}

impl<'a> Cluster<'a> {
    async fn begin(broker: &'a str) -> Self {
        let home = tempfile::tempdir().expect("a folder");
        let queues = format!("bench-{}", std::process::id());
        let rabbit = RabbitMq::new(broker, &queues, 1).expect("an address");
        let dispatcher = Dispatcher::RabbitMq(rabbit.clone());
        let watch = dispatcher.watch().await;
        // The front that jobs go to. Whoever asks it is no part of what a job costs.
        let mut front = member("ripieno", broker, &queues, home.path());
        front.args(["serve", "--listen", "127.0.0.1:0"]).stdout(Stdio::piped());
        let mut front = front.spawn().expect("it starts");
        let mut line = String::new();
        let output = front.stdout.take().expect("piped");
        BufReader::new(output).read_line(&mut line).expect("it says where it listens");
        let server = line.trim().strip_prefix("listening at ").expect("a URL").to_owned();
        Cluster { broker, queues, home, front, server, rabbit, dispatcher, watch }
    }

    /// A worker. What it costs to start it is no cost of a job, so that it has worked a tune before, of that number.
    async fn worker(&mut self, tune: u64) -> Child {
        let mut worker = member("ripieno-worker", self.broker, &self.queues, self.home.path());
        let worker = worker.spawn().expect("it starts");
        let first = self.home.path().join(format!("first-{tune}"));
        corpus(&first, tune, 1);
        self.work(&first, "ambitus").await;
        worker
    }

    /// Has a job worked.
    async fn work(&mut self, scores: &Path, analyses: &str) -> Took {
        let began = Instant::now();
        let mut submit = program("ripieno");
        submit.args(["--server", &self.server, "submit"]).arg(scores).args(["--analyses", analyses]);
        let submit = submit.output().expect("it starts");
        let job: JobId = String::from_utf8_lossy(&submit.stdout).trim().parse().expect("a handle");
        let (mut chunks, mut announced) = (0_u64, 0_u64);
        loop {
            let announcement = self.watch.recv().await.expect("every announcement is heard");
            announced += u64::from(*announcement.job() == job);
            match announcement {
                Announcement::Receipt { job: of, .. } if of == job => chunks += 1,
                Announcement::Finished { job: of } if of == job => break,
                _ => {}
            }
        }
        let seconds = began.elapsed().as_secs_f64();
        Took { job, seconds, chunks: chunks as f64, announced: announced as f64 }
    }

    async fn end(mut self) {
        end(&mut self.front);
        self.dispatcher.close();
        self.rabbit.remove().await.expect("the broker forgets it");
        self.dispatcher.leave().await;
    }
}

/// A program of a cluster.
fn member(name: &str, broker: &str, queues: &str, home: &Path) -> Command {
    let mut command = program(name);
    let ledger = format!("file://{}", home.join("ledger").display());
    command.env("RIPIENO_BROKER", broker).env("RIPIENO_STORE", ledger).env("RIPIENO_QUEUES", queues);
    command.env("RIPIENO_CACHE", home.join("cache"));
    command
}

fn end(process: &mut Child) {
    let _ = Command::new("kill").arg(process.id().to_string()).status();
    let _ = process.wait();
}

fn rounded(figure: f64) -> f64 {
    (figure * 1000.0).round() / 1000.0
}

async fn growth(broker: &str, items: &[u64]) {
    let mut cluster = Cluster::begin(broker).await;
    let (mut first, mut tunes) = (None, 0);
    for (number, &items) in items.iter().enumerate() {
        // A worker for each job, whose peak is that of the job.
        let mut worker = cluster.worker(tunes).await;
        let scores = cluster.home.path().join(format!("scores-{number}"));
        // None that a job before had: it would be known.
        corpus(&scores, tunes + 1, items);
        tunes += items + 1;
        let (asked, (worked, kernel)) = (cpu_seconds_of(cluster.front.id()), cpu_seconds(&worker));
        let Took { seconds, chunks, announced, .. } = cluster.work(&scores, "ambitus").await;
        let (asked, peak) = (cpu_seconds_of(cluster.front.id()) - asked, peak_mb(&worker));
        let (all_worked, all_kernel) = cpu_seconds(&worker);
        let (worked, kernel, count) = (all_worked - worked, all_kernel - kernel, items as f64);
        let total = (asked + worked + kernel) * 1e6 / count;
        let first = *first.get_or_insert(total);
        println!(
            "{}",
            json!({
                "items": items, "seconds": rounded(seconds), "front_cpu_us": (asked * 1e6 / count).round(),
                "worker_cpu_us": (worked * 1e6 / count).round(),
                "worker_kernel_us": (kernel * 1e6 / count).round(), "over_first": rounded(total / first),
                "worker_peak_mb": peak.round(), "messages_per_item": chunks / count,
                "announcements_per_item": announced / count,
            })
        );
        end(&mut worker);
    }
    cluster.end().await;
}

/// The process of a broker on this machine.
fn broker_process() -> Option<u32> {
    let processes = fs::read_dir("/proc").ok()?.flatten();
    let id = |entry: fs::DirEntry| entry.file_name().to_str()?.parse().ok();
    let is_broker =
        |id: &u32| fs::read_to_string(format!("/proc/{id}/comm")).is_ok_and(|name| name.trim() == "beam.smp");
    processes.filter_map(id).find(is_broker)
}

async fn all_of(broker: &str, folder: &str, analyses: &str) {
    let beam = broker_process();
    let of_broker = || beam.map(cpu_seconds_of);
    let count = files_under(&[PathBuf::from(folder)]).len() as f64;
    let mut totals = Vec::new();
    for _ in 0..CORPUS_ROUNDS {
        // Anew, so that neither cache nor ledger knows anything.
        let mut cluster = Cluster::begin(broker).await;
        let mut worker = cluster.worker(0).await;
        let (front, brought, worked) =
            (cpu_seconds_of(cluster.front.id()), of_broker(), cpu_seconds_of(worker.id()));
        let took = cluster.work(Path::new(folder), analyses).await;
        let asked = cpu_seconds_of(cluster.front.id()) - front;
        let (worked, brought) =
            (cpu_seconds_of(worker.id()) - worked, of_broker().zip(brought).map(|(now, then)| now - then));
        let before = cpu_seconds_of_ended();
        let job = took.job.to_string();
        let mut results = member("ripieno", cluster.broker, &cluster.queues, cluster.home.path());
        results.args(["results", &job, "--out"]).arg(cluster.home.path().join("out"));
        let results = results.output().expect("it starts");
        assert!(matches!(results.status.code(), Some(0 | 2)), "{results:?}");
        let table = cpu_seconds_of_ended() - before;
        let each = |seconds: f64| (seconds * 1e6 / count).round();
        let total = each(asked + worked + table + brought.unwrap_or(0.0));
        println!(
            "{}",
            json!({
                "items": count, "seconds": rounded(took.seconds), "front_cpu_us": each(asked),
                "worker_cpu_us": each(worked), "broker_cpu_us": brought.map(each), "table_cpu_us": each(table),
                "all_cpu_us": total, "messages_per_item": took.chunks / count,
                "announcements_per_item": took.announced / count,
            })
        );
        totals.push(total);
        end(&mut worker);
        cluster.end().await;
    }
    println!("{}", json!({ "all_cpu_us": median(totals) }));
}

fn again(url: &str) {
    let (mut wall, mut cpu, mut cpu_of_job) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let home = tempfile::tempdir().expect("a folder");
        let (data, out) = (home.path().join("data"), home.path().join("out"));
        let timed = |arguments: &[&str]| {
            let (before, began) = (cpu_seconds_of_ended(), Instant::now());
            let mut command = program("ripieno");
            command.env_remove("RIPIENO_BROKER").env_remove("RIPIENO_STORE");
            command.arg("--data").arg(&data).args(arguments).arg("--out").arg(&out);
            let output = command.output().expect("it starts");
            assert!(matches!(output.status.code(), Some(0 | 2)), "{output:?}");
            (
                String::from_utf8_lossy(&output.stdout).into_owned(),
                began.elapsed().as_secs_f64(),
                cpu_seconds_of_ended() - before,
            )
        };
        let run = || timed(&["run", url, "--progress", "none"]);
        let (first, second) = (run(), run());
        let job = second.0.split_whitespace().find(|word| word.starts_with("job-")).expect("its handle");
        let table = timed(&["results", job]);
        println!(
            "{}",
            json!({ "first_s": first.1, "second_s": second.1, "first_cpu_s": first.2, "second_cpu_s": second.2, "table_cpu_s": table.2 })
        );
        wall.push(first.1 / second.1);
        cpu.push(first.2 / second.2);
        // Of a hundredth of a second nothing more can be told.
        cpu_of_job.push((first.2 - table.2) / (second.2 - table.2).max(0.01));
    }
    println!(
        "{}",
        json!({ "wall_ratio": median(wall), "cpu_ratio": median(cpu), "cpu_ratio_without_tables": median(cpu_of_job) })
    );
}
