//! Faults, injected into a real cluster: processes killed, the broker killed and wiped, the store failing. Nothing may be
//! lost, nothing may differ.
//!
//! ```text
//! faults [--short] [ROW…]     the rows of the table in docs/reliability.md, or all of them
//! ```
//! Each row prints L (items without exactly one outcome), D (items whose rows differ from those of an undisturbed run,
//! and counters that differ), W (executions beyond one, per item) and R (seconds from the end of the fault to the next
//! receipt). L and D must be 0. It needs `rabbitmq-server`; rows of the object store need the one that `tests/run` starts.

#[allow(dead_code, reason = "`autoscale` uses the rest of it")]
mod cable;
mod hook;
mod proxy;
mod rows;
mod site;

use site::{ANALYSES, Verdict};
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Instant;
use tests::broker::Broker;

/// What every row stands on.
pub struct Ground {
    home: PathBuf,
    broker: Broker,
    /// Scores that are all right but for one.
    scores: PathBuf,
    /// Their table, from a run that nobody disturbed.
    reference: PathBuf,
    /// Whether the long waits are shortened.
    short: bool,
}

/// What a row found.
#[derive(Debug, Default)]
pub struct Found {
    verdict: Verdict,
    /// Seconds until work went on.
    recovery: Option<f64>,
    /// Everything else that is worth saying.
    note: String,
    /// What is not as it must be.
    wrong: Vec<String>,
}

impl Found {
    fn of(verdict: Verdict) -> Self {
        Found { verdict, ..Found::default() }
    }

    /// Holds something that must be.
    fn must(&mut self, holds: bool, what: impl Into<String>) {
        if !holds {
            self.wrong.push(what.into());
        }
    }
}

fn main() -> ExitCode {
    let mut arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    let role = arguments.first().and_then(|word| word.to_str()).unwrap_or_default().to_owned();
    worker_hook(&role);
    match role.as_str() {
        "worker" => return ExitCode::from(worker::process::main(&[])),
        worker::apart::COMMAND => return ExitCode::from(worker::apart::run()),
        "ripieno" => return ExitCode::from(api::cli::run(arguments)),
        _ => {}
    }
    let short = arguments.iter().any(|word| word == "--short");
    arguments.retain(|word| word != "--short");
    let wanted: Vec<String> = arguments.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    let unknown = wanted.iter().find(|name| !rows::ROWS.iter().any(|row| row.name == name.as_str()));
    if let Some(name) = unknown {
        let names: Vec<&str> = rows::ROWS.iter().map(|row| row.name).collect();
        eprintln!("faults: no row {name:?}; there are {}", names.join(", "));
        return ExitCode::FAILURE;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let good = runtime.expect("threads").block_on(all(short, &wanted));
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The processes of a cluster have the hook; the one that tests them has not.
fn worker_hook(role: &str) {
    if matches!(role, "worker" | "ripieno" | worker::apart::COMMAND) {
        worker::pipeline::set_hook(hook::hook);
    }
}

async fn all(short: bool, wanted: &[String]) -> bool {
    let mut folder = tempfile::tempdir().expect("a folder can be made");
    // Kept, it holds the logs of every process.
    folder.disable_cleanup(shared::config::var("RIPIENO_FAULTS_KEEP").is_some());
    let home = folder.path().to_owned();
    println!("starting a broker");
    let broker = Broker::start(&home.join("broker"));
    let scores = home.join("scores");
    rows::corpus(&scores, 3_000);
    let reference = home.join("reference");
    undisturbed(&home, &scores, &reference);
    let mut ground = Ground { home, broker, scores, reference, short };
    println!("{:<14} {:>6} {:>3} {:>3} {:>7} {:>7} {:>6}", "row", "N", "L", "D", "W", "R s", "s");
    let mut good = true;
    for row in rows::ROWS {
        let chosen =
            if wanted.is_empty() { !short || row.short } else { wanted.iter().any(|name| name == row.name) };
        if !chosen {
            continue;
        }
        let began = Instant::now();
        let found = (row.run)(&mut ground).await;
        let Some(mut found) = found else {
            println!("{:<14} skipped: {}", row.name, row.needs);
            continue;
        };
        let Verdict { items, lost, differing, wasted } = found.verdict;
        found.must(lost == 0, format!("L = {lost}"));
        found.must(differing == 0, format!("D = {differing}"));
        let recovery = found.recovery.map_or("-".to_owned(), |seconds| format!("{seconds:.1}"));
        let seconds = began.elapsed().as_secs_f64();
        let (name, note) = (row.name, &found.note);
        println!(
            "{name:<14} {items:>6} {lost:>3} {differing:>3} {wasted:>7.3} {recovery:>7} {seconds:>6.1}  {note}"
        );
        for wrong in &found.wrong {
            println!("    NOT AS IT MUST BE: {wrong}");
        }
        good &= found.wrong.is_empty();
    }
    good
}

/// The table of a run in one process that nobody disturbs.
fn undisturbed(home: &Path, scores: &Path, out: &Path) {
    let mut command = Command::new(std::env::current_exe().expect("a program knows where it is"));
    command.env_remove("RIPIENO_BROKER").env_remove("RIPIENO_STORE").arg("ripieno");
    command.arg("--data").arg(home.join("reference-data")).arg("run").arg(scores);
    command
        .args(["--analyses", ANALYSES, "--progress", "none", "--format", "parquet,csv"])
        .arg("--out")
        .arg(out);
    let output = command.output().expect("this program starts");
    assert_eq!(output.status.code(), Some(2), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(fs::metadata(out.join("table.csv")).is_ok());
}
