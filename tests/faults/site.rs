//! One cluster under test: its names in the broker, its ledger, its workers; and what is measured of it from outside.

use crate::hook::{JOURNAL, PACE};
use shared::dispatch::rabbitmq::RabbitMq;
use shared::dispatch::{Announcement, Dispatcher};
use shared::job::JobId;
use shared::ledger::Ledger;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};
use tokio::sync::broadcast;
use tokio::time::sleep;

/// Quick ones: what is tested is the way of the rows, whatever is in them.
pub const ANALYSES: &str = "ambitus,density,pitches";
/// How long a job may take on a busy machine.
const END: Duration = Duration::from_secs(300);

/// A cluster.
pub struct Site {
    /// Its folder.
    pub home: PathBuf,
    broker: String,
    store: String,
    /// How its names in the broker begin.
    pub queues: String,
    settings: BTreeMap<String, String>,
    /// Its workers.
    pub workers: Vec<Child>,
    /// How often one was started.
    pub started: usize,
    dispatcher: Dispatcher,
    watch: broadcast::Receiver<Announcement>,
}

/// What became of a job, from outside.
#[derive(Clone, Copy, Debug, Default)]
pub struct Verdict {
    /// Items.
    pub items: u64,
    /// Items without exactly one outcome.
    pub lost: u64,
    /// Items whose rows are not the expected ones, counters that differ, ends announced more than once.
    pub differing: u64,
    /// Executions of items, beyond one each, per item.
    pub wasted: f64,
}

impl Site {
    /// A cluster named `name` on a broker, with its ledger in a folder or, where `store` says so, elsewhere.
    pub async fn new(home: &Path, name: &str, broker: &str, store: Option<String>) -> Self {
        let home = home.join(name);
        fs::create_dir_all(&home).expect("a folder can be made");
        let store = store.unwrap_or_else(|| format!("file://{}", home.join("ledger").display()));
        let queues = format!("faults-{name}-{}", std::process::id());
        let dispatcher =
            Dispatcher::RabbitMq(RabbitMq::new(broker, &queues, 1).expect("the address is right"));
        let watch = dispatcher.watch().await;
        // Few chunks at once, so that most of them come by the relay.
        let settings = [(PACE, "2"), ("RIPIENO_CHUNKS_IN_LANE_MAX", "4")];
        let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let (broker, workers) = (broker.to_owned(), Vec::new());
        Site { home, broker, store, queues, settings, workers, started: 0, dispatcher, watch }
    }

    /// Sets a variable of its processes.
    pub fn set(&mut self, name: &str, value: &str) {
        self.settings.insert(name.to_owned(), value.to_owned());
    }

    /// This program in one of its roles.
    pub fn command(&self, role: &str) -> Command {
        let mut command = Command::new(std::env::current_exe().expect("a program knows where it is"));
        command.arg(role).env_remove("RIPIENO_DATA").env("RIPIENO_LOG", "warn,worker=info");
        command.env("RIPIENO_BROKER", &self.broker).env("RIPIENO_STORE", &self.store);
        command.env("RIPIENO_QUEUES", &self.queues).env("RIPIENO_CACHE", self.home.join("cache"));
        command.env(JOURNAL, self.home.join("journal")).envs(&self.settings);
        command
    }

    /// Starts so many more workers.
    pub fn start(&mut self, count: usize) {
        for _ in 0..count {
            let mut worker = self.command("worker");
            let child = worker.stdin(Stdio::null()).stdout(Stdio::null()).stderr(self.log()).spawn();
            self.workers.push(child.expect("this program starts"));
            self.started += 1;
        }
    }

    /// Starts a worker that the disk takes no file of more than so many kilobytes from.
    pub fn start_bounded(&mut self, kilobytes: u32) {
        let worker = self.command("worker");
        let mut command = Command::new("sh");
        // Ignored, the signal is an error of the write: no space, as far as whoever writes can tell.
        command.args(["-c", "trap '' XFSZ; ulimit -f \"$1\"; exec \"$0\" worker"]);
        command.arg(worker.get_program()).arg((kilobytes * 2).to_string());
        command.envs(worker.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command.env_remove("RIPIENO_DATA").stdin(Stdio::null()).stdout(Stdio::null()).stderr(self.log());
        self.workers.push(command.spawn().expect("there is a shell"));
        self.started += 1;
    }

    /// What the workers say.
    fn log(&self) -> File {
        let log = File::options().create(true).append(true).open(self.home.join("workers.log"));
        log.expect("a log can be written")
    }

    /// Sends a signal to a worker.
    pub fn signal(&self, worker: usize, signal: &str) {
        let id = self.workers[worker].id().to_string();
        let _ = Command::new("kill").args([signal, &id]).status();
    }

    /// `kill -9` of a worker.
    pub fn kill(&mut self, worker: usize) {
        let mut child = self.workers.remove(worker);
        let _ = child.kill();
        let _ = child.wait();
    }

    /// `kill -9` of all workers.
    pub fn kill_all(&mut self) {
        while !self.workers.is_empty() {
            self.kill(0);
        }
    }

    /// Asks a worker to stop; says how long it took, in seconds, and its exit code.
    pub async fn drain(&mut self, worker: usize) -> (f64, Option<i32>) {
        self.signal(worker, "-TERM");
        let mut child = self.workers.remove(worker);
        let began = Instant::now();
        loop {
            if let Some(status) = child.try_wait().expect("a child can be waited for") {
                return (began.elapsed().as_secs_f64(), status.code());
            }
            if began.elapsed() > Duration::from_secs(60) {
                let _ = child.kill();
            }
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// Runs the command line.
    pub fn ripieno(&self, arguments: &[&str]) -> Output {
        self.command("ripieno").args(arguments).stdin(Stdio::null()).output().expect("this program starts")
    }

    /// Submits a folder; says the handle.
    pub fn submit(&self, folder: &Path) -> JobId {
        self.submit_to("bulk", folder)
    }

    /// Submits a folder to a lane; says the handle.
    pub fn submit_to(&self, lane: &str, folder: &Path) -> JobId {
        let folder = folder.to_str().expect("the path is UTF-8");
        let output = self.ripieno(&["submit", folder, "--analyses", ANALYSES, "--lane", lane]);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let errors = String::from_utf8_lossy(&output.stderr);
        text.trim().parse().unwrap_or_else(|_| panic!("submit said {text:?} and {errors}"))
    }

    /// The ledger, as a client of the store sees it.
    pub async fn ledger(&self) -> Ledger {
        Ledger::at_url(&self.store).await.expect("the ledger can be opened")
    }

    /// Chunks that have their receipts.
    pub async fn receipts(&self, job: &JobId) -> usize {
        match Ledger::at_url(&self.store).await {
            Ok(ledger) => ledger.receipts(job).await.map_or(0, |receipts| receipts.len()),
            Err(_) => 0,
        }
    }

    /// Waits until a job has so many receipts; says how long that took, in seconds.
    pub async fn until(&self, job: &JobId, receipts: usize) -> f64 {
        let began = Instant::now();
        let ledger = self.ledger().await;
        while ledger.receipts(job).await.map_or(0, |receipts| receipts.len()) < receipts {
            assert!(began.elapsed() < END, "{job}: {receipts} receipts did not come in time");
            sleep(Duration::from_millis(20)).await;
        }
        began.elapsed().as_secs_f64()
    }

    /// Waits until a job has ended; says how long that took, in seconds.
    pub async fn finish(&self, job: &JobId) -> f64 {
        let (began, ledger) = (Instant::now(), self.ledger().await);
        while !matches!(ledger.finished(job).await, Ok(Some(_))) {
            assert!(began.elapsed() < END, "{job} did not end in time; see {}", self.home.display());
            sleep(Duration::from_millis(50)).await;
        }
        began.elapsed().as_secs_f64()
    }

    /// Writes the table of a job; says where.
    pub fn table(&self, job: &JobId) -> PathBuf {
        let out = self.home.join("out");
        let folder = out.to_str().expect("the path is UTF-8");
        let output = self.ripieno(&["results", job.as_str(), "--out", folder, "--format", "parquet,csv"]);
        assert!(output.status.success(), "results: {}", String::from_utf8_lossy(&output.stderr));
        out
    }

    /// What was written down of the work, in the order of time.
    pub fn journal(&self) -> Vec<(u64, String)> {
        let text = fs::read_to_string(self.home.join("journal")).unwrap_or_default();
        let line = |line: &str| {
            let (time, name) = line.split_once(' ')?;
            Some((time.parse().ok()?, name.to_owned()))
        };
        text.lines().filter_map(line).collect()
    }

    /// How often the end of a job was announced.
    pub async fn ends(&mut self, job: &JobId) -> u64 {
        sleep(Duration::from_millis(500)).await;
        let mut ends = 0;
        loop {
            match self.watch.try_recv() {
                Ok(Announcement::Finished { job: ended }) => ends += u64::from(ended == *job),
                Ok(_) | Err(broadcast::error::TryRecvError::Lagged(_)) => {}
                Err(_) => return ends,
            }
        }
    }

    /// Holds a finished job against the table of an undisturbed run; where a part of their names sets some items apart,
    /// without the rows of these.
    pub async fn judge(&mut self, job: &JobId, reference: &Path, apart: Option<&str>) -> Verdict {
        let ledger = self.ledger().await;
        let record = ledger.record(job).await.expect("the job is there");
        let mut outcomes: BTreeMap<u64, u64> = BTreeMap::new();
        for chunk in ledger.receipts(job).await.expect("the ledger answers") {
            let receipt = ledger.receipt(job, chunk).await.expect("the ledger answers").expect("it is there");
            receipt.outcomes.iter().for_each(|outcome| *outcomes.entry(outcome.item).or_default() += 1);
        }
        let once = outcomes.values().filter(|count| **count == 1).count() as u64;
        let finished = ledger.finished(job).await.expect("the ledger answers").expect("it has ended");
        let out = self.table(job);
        let mut differing = u64::from(finished.totals.items != record.items);
        differing += self.ends(job).await.saturating_sub(1);
        let lines = |path: &Path| -> Vec<String> {
            let text = fs::read_to_string(path.join("table.csv")).expect("the table is there");
            text.lines()
                .filter(|line| apart.is_none_or(|part| !line.contains(part)))
                .map(str::to_owned)
                .collect()
        };
        let (got, expected) = (lines(&out), lines(reference));
        differing += got.iter().zip(&expected).filter(|(one, other)| one != other).count() as u64;
        differing += got.len().abs_diff(expected.len()) as u64;
        let files = ["table.parquet", "table.csv", "failures.csv"];
        let bytes = |folder: &Path| files.map(|file| fs::read(folder.join(file)).unwrap_or_default());
        if apart.is_none() {
            differing += u64::from(bytes(&out) != bytes(reference));
        }
        #[allow(clippy::cast_precision_loss)]
        let wasted = self.journal().len() as f64 / record.items as f64 - 1.0;
        Verdict { items: record.items, lost: record.items - once, differing, wasted }
    }

    /// Ends it, and takes its names out of the broker.
    pub async fn end(mut self) {
        self.kill_all();
        self.dispatcher.close();
        if let Dispatcher::RabbitMq(rabbit) = &self.dispatcher {
            let _ = rabbit.remove().await;
        }
        self.dispatcher.leave().await;
    }

    /// What carries its chunks.
    pub fn dispatcher(&self) -> &Dispatcher {
        &self.dispatcher
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.kill_all();
    }
}
