//! A backlog, and workers that come and go by it as in Kubernetes: a broker of its own with its management interface, real
//! `ripieno-worker` processes, and between them the formula of KEDA and the horizontal autoscaler with the settings of
//! `helm/`.
//!
//! ```text
//! autoscale [--items N] [--pace MS] [--most WORKERS] [--speed S]
//! ```
//! Each item takes MS milliseconds longer than it has to, asleep: so a machine of two cores has room for more workers than
//! two. With a speed of S every wait of Kubernetes is that much shorter. At half of the work only half of the workers are allowed
//! any longer, so that the others go with work in hand. It fails unless L = 0, D = 0, no attempt was charged, no worker is left,
//! and no item was begun twice (but where a chunk took longer than a drain may, and was given back).

#[allow(dead_code, reason = "the faults use the rest of it")]
#[path = "../faults/hook.rs"]
mod hook;
mod lanes;
mod scaler;
#[allow(dead_code, reason = "the faults use the rest of it")]
#[path = "../faults/site.rs"]
mod site;

use scaler::{Scaler, Settings};
use shared::dispatch::Lane;
use site::{ANALYSES, Site};
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, ExitCode};
use std::time::{Duration, Instant};
use tests::broker::Broker;
use tokio::time::sleep;

/// How often KEDA looks at the lanes, and the autoscaler at KEDA: what Kubernetes does by default.
const SYNC_SECONDS: f64 = 15.0;
/// `worker.keda` of `helm/values.yaml`.
const COOLDOWN_SECONDS: f64 = 120.0;
const STABILISATION_SECONDS: f64 = 120.0;
/// How often queues tell their depth, by default.
const TOLD_SECONDS: f64 = 5.0;
/// A drain that takes so long has given a chunk back.
const DRAIN_SECONDS: f64 = 6.0;
/// A run ends by then, whatever happens.
const END: Duration = Duration::from_secs(1800);

/// What is asked.
struct Plan {
    items: u64,
    pace_ms: u64,
    most: u64,
    speed: f64,
}

fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    let role = arguments.first().and_then(|word| word.to_str()).unwrap_or_default().to_owned();
    if matches!(role.as_str(), "worker" | worker::apart::COMMAND) {
        worker::pipeline::set_hook(hook::hook);
    }
    match role.as_str() {
        "worker" => return ExitCode::from(worker::process::main(&[])),
        worker::apart::COMMAND => return ExitCode::from(worker::apart::run()),
        "ripieno" => return ExitCode::from(api::cli::run(arguments)),
        _ => {}
    }
    let Some(plan) = plan(&arguments) else {
        eprintln!("usage: autoscale [--items N] [--pace MS] [--most WORKERS] [--speed S]");
        return ExitCode::FAILURE;
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let good = runtime.expect("threads").block_on(run(&plan));
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn plan(arguments: &[OsString]) -> Option<Plan> {
    let mut plan = Plan { items: 12_000, pace_ms: 10, most: 6, speed: 15.0 };
    for pair in arguments.chunks(2) {
        let [name, value] = pair else { return None };
        let value = value.to_str()?;
        match name.to_str()? {
            "--items" => plan.items = value.parse().ok()?,
            "--pace" => plan.pace_ms = value.parse().ok()?,
            "--most" => plan.most = value.parse().ok().filter(|most| *most > 0)?,
            "--speed" => plan.speed = value.parse().ok().filter(|speed| *speed > 0.0)?,
            _ => return None,
        }
    }
    Some(plan)
}

/// Workers that were asked to go.
#[derive(Default)]
struct Leaving {
    children: Vec<(Child, Instant, Instant)>,
    /// Seconds that ended workers lived, all together.
    lived: f64,
    slowest: f64,
    failed: usize,
}

impl Leaving {
    fn look(&mut self) {
        self.children.retain_mut(|(child, started, asked)| {
            let Ok(Some(status)) = child.try_wait() else { return true };
            self.lived += started.elapsed().as_secs_f64();
            self.slowest = self.slowest.max(asked.elapsed().as_secs_f64());
            self.failed += usize::from(!status.success());
            false
        });
    }
}

async fn run(plan: &Plan) -> bool {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let home = folder.path();
    let scores = home.join("scores");
    corpus(&scores, plan.items);
    let reference = undisturbed(home, &scores);
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "some thousand milliseconds")]
    let told_every_ms = ((TOLD_SECONDS * 1000.0 / plan.speed) as u64).max(200);
    let broker = Broker::managed(&home.join("broker"), told_every_ms);
    let mut site = Site::new(home, "scaled", &broker.uri(), None).await;
    let slots = u64::from(worker::consume::SLOTS);
    site.set(hook::PACE, &plan.pace_ms.to_string());
    // As the chart sets it.
    site.set("RIPIENO_CHUNKS_IN_LANE_MAX", &(2 * slots * plan.most).max(16).to_string());
    let job = site.submit(&scores);
    let shorter = |seconds: f64| Duration::from_secs_f64(seconds / plan.speed);
    let mut scaler = Scaler::new(Settings {
        value: slots,
        most: plan.most,
        cooldown: shorter(COOLDOWN_SECONDS),
        stabilisation: shorter(STABILISATION_SECONDS),
    });
    let (began, ledger) = (Instant::now(), site.ledger().await);
    let (mut started, mut leaving, mut events) = (Vec::<Instant>::new(), Leaving::default(), String::new());
    let (mut drained, mut highest, mut count) = (None, 0, 0_u32);
    let half = ledger.record(&job).await.expect("the job is there").chunks as usize / 2;
    let mut limited = false;
    loop {
        sleep(shorter(SYNC_SECONDS)).await;
        assert!(began.elapsed() < END, "it does not end; see {}", home.display());
        leaving.look();
        if drained.is_none() && matches!(ledger.finished(&job).await, Ok(Some(_))) {
            drained = Some(began.elapsed().as_secs_f64());
        }
        if !limited && ledger.receipts(&job).await.is_ok_and(|receipts| receipts.len() >= half) {
            limited = true;
            scaler.limit(plan.most.div_ceil(2));
        }
        let port = broker.management_port().expect("it has one");
        let Some(depth) = lanes::depth(port, &site.queues).await else { continue };
        let current = site.workers.len() as u64;
        let wanted = scaler.wanted(began.elapsed(), depth, current);
        highest = highest.max(wanted);
        if wanted != current {
            count += 1;
            // Writing to a string cannot fail.
            let _ = write!(events, "{:.0}s {depth}:{current}->{wanted}  ", began.elapsed().as_secs_f64());
        }
        for _ in current..wanted {
            site.start(1);
            started.push(Instant::now());
        }
        for _ in wanted..current {
            // The youngest first, as Kubernetes does.
            site.signal(site.workers.len() - 1, "-TERM");
            let (child, since) = (site.workers.pop(), started.pop());
            leaving.children.extend(child.zip(since).map(|(child, since)| (child, since, Instant::now())));
        }
        if drained.is_some() && site.workers.is_empty() && leaving.children.is_empty() {
            break;
        }
    }
    println!("scale events: {events}");
    let good =
        judged(plan, &mut site, &job, &reference, &leaving, (drained.unwrap_or(0.0), highest, count)).await;
    site.end().await;
    good
}

/// Says what came of it; whether it is as it must be.
async fn judged(
    plan: &Plan,
    site: &mut Site,
    job: &shared::job::JobId,
    reference: &Path,
    leaving: &Leaving,
    (drained, highest, count): (f64, u64, u32),
) -> bool {
    let verdict = site.judge(job, reference, None).await;
    let journal = site.journal();
    let twice = journal.len() - journal.iter().map(|(_, name)| name).collect::<BTreeSet<_>>().len();
    let log = fs::read_to_string(site.home.join("workers.log")).unwrap_or_default();
    let charged = log.matches("put back").count();
    let suspects = site.dispatcher().backlog(Lane::Suspect).await.unwrap_or(u64::MAX);
    #[allow(clippy::cast_precision_loss, reason = "some million milliseconds")]
    let (busy, paid) = {
        let threads = std::thread::available_parallelism().map_or(1, |cores| cores.get());
        ((plan.items * plan.pace_ms) as f64 / 1000.0, leaving.lived * threads as f64)
    };
    println!(
        "N {}  pace {} ms  workers up to {highest} of {}  speed {}x",
        plan.items, plan.pace_ms, plan.most, plan.speed
    );
    println!("time to drain {drained:.1} s  scale events {count}  slowest exit {:.1} s", leaving.slowest);
    println!(
        "core-seconds: paid {paid:.0}, busy {busy:.0}, idle {:.0} ({:.0} %)",
        paid - busy,
        100.0 * (paid - busy) / paid.max(0.001)
    );
    println!(
        "L {}  D {}  items begun twice {twice}  attempts charged {charged}  suspects {suspects}  failed exits {}",
        verdict.lost, verdict.differing, leaving.failed
    );
    verdict.lost == 0
        && verdict.differing == 0
        && (twice == 0 || leaving.slowest >= DRAIN_SECONDS)
        && charged == 0
        && suspects == 0
        && leaving.failed == 0
        && verdict.items == plan.items
}

/// Tunes of a few notes, each like no other.
fn corpus(folder: &Path, items: u64) {
    for seed in 0..items {
        let inside = folder.join(format!("{:03}", seed / 1000));
        if seed % 1000 == 0 {
            fs::create_dir_all(&inside).expect("a folder can be made");
        }
        let note =
            |index: u64| char::from(b"CDEFGABcdefgab"[(seed.wrapping_mul(index * index + 7) % 14) as usize]);
        let notes: String = (1..17).map(note).collect();
        fs::write(inside.join(format!("{seed:07}.abc")), format!("X:{seed}\nM:4/4\nL:1/8\nK:G\n{notes}|]\n"))
            .expect("a file can be written");
    }
}

/// The table of a run in one process that nobody disturbs.
fn undisturbed(home: &Path, scores: &Path) -> std::path::PathBuf {
    let out = home.join("reference");
    let mut command = Command::new(std::env::current_exe().expect("a program knows where it is"));
    command.env_remove("RIPIENO_BROKER").env_remove("RIPIENO_STORE").arg("ripieno");
    command.arg("--data").arg(home.join("reference-data")).arg("run").arg(scores);
    command
        .args(["--analyses", ANALYSES, "--progress", "none", "--format", "parquet,csv", "--out"])
        .arg(&out);
    let output = command.output().expect("this program starts");
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    out
}
