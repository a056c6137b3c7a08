//! Faults of workers and of what they work on.

use super::corpus;
use crate::hook::PACE;
use crate::site::{ANALYSES, Site};
use crate::{Found, Ground};
use shared::dispatch::Lane;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};
use tokio::time::sleep;

/// Items of one chunk at the most.
const CHUNK: f64 = 256.0;

/// Row 1: of three workers one is killed now and then, and another takes its place.
pub async fn killed(ground: &mut Ground) -> Option<Found> {
    let mut site = Site::new(&ground.home, "kill", &ground.broker.uri(), None).await;
    site.start(3);
    let job = site.submit(&ground.scores);
    site.until(&job, 1).await;
    let (mut kills, mut slowest) = (0, 0.0_f64);
    let ledger = site.ledger().await;
    while ledger.finished(&job).await.ok()?.is_none() && kills < 8 {
        site.kill(kills % 3);
        kills += 1;
        site.start(1);
        let before = site.receipts(&job).await;
        let began = Instant::now();
        while ledger.finished(&job).await.ok()?.is_none() && site.receipts(&job).await <= before {
            sleep(Duration::from_millis(50)).await;
        }
        slowest = slowest.max(began.elapsed().as_secs_f64());
        sleep(Duration::from_millis(300)).await;
    }
    site.finish(&job).await;
    let mut found = Found::of(site.judge(&job, &ground.reference, None).await);
    let allowed = f64::from(u32::try_from(kills).ok()?) * 2.0 * CHUNK / 3_001.0;
    found.must(found.verdict.wasted <= allowed + 0.01, format!("W is more than {allowed:.3}"));
    found.recovery = Some(slowest);
    found.note = format!("{kills} kills, 3 workers");
    site.end().await;
    Some(found)
}

fn poison(folder: &Path) -> Vec<&'static str> {
    corpus(folder, 600);
    let names = ["poison-abort.abc", "poison-memory.abc", "poison-panic.abc", "poison-stack.abc"];
    for name in names {
        fs::write(folder.join(name), tests::tune(7, 30)).expect("a file can be written");
    }
    names.to_vec()
}

/// What the failures say of the poison.
fn judge_poison(found: &mut Found, out: &Path, names: &[&str]) {
    let failures = fs::read_to_string(out.join("failures.csv")).expect("failures are listed");
    for name in names {
        let kind = if name.contains("panic") { ",internal," } else { ",crashed," };
        let row = failures.lines().find(|line| line.contains(name)).unwrap_or_default();
        found.must(row.contains(kind), format!("{name} is not {kind}: {row:?}"));
    }
    found.must(failures.lines().count() == 6, "something else failed too");
    let table = fs::read_to_string(out.join("table.csv")).expect("there is a table");
    let good = table.lines().filter(|line| line.contains("/tune")).count();
    found.must(good == 600, format!("{good} of 600 other items have rows"));
}

/// Row 2 and 4: scores that abort, panic, end the stack or the memory.
pub async fn poisoned(ground: &mut Ground) -> Option<Found> {
    let mut site = Site::new(&ground.home, "poison", &ground.broker.uri(), None).await;
    let scores = site.home.join("scores");
    let names = poison(&scores);
    site.start(3);
    let job = site.submit(&scores);
    let ledger = site.ledger().await;
    let began = Instant::now();
    // A pod that died is started again, as whoever runs them does.
    while ledger.finished(&job).await.ok()?.is_none() && began.elapsed() < Duration::from_secs(240) {
        let dead = (0..site.workers.len()).find(|&i| matches!(site.workers[i].try_wait(), Ok(Some(_))));
        if let Some(dead) = dead {
            site.kill(dead);
            site.start(1);
        }
        sleep(Duration::from_millis(50)).await;
    }
    let mut found = Found::of(site.judge(&job, &ground.reference, Some("/")).await);
    judge_poison(&mut found, &site.home.join("out"), &names);
    found.note = format!("{} poisoned items, {} workers died", names.len(), site.started - 3);
    site.end().await;
    Some(found)
}

/// The same in one process, which dies, and is started again by the same command.
pub async fn poisoned_in_one_process(ground: &mut Ground) -> Option<Found> {
    let home = ground.home.join("poison-embedded");
    let scores = home.join("scores");
    let names = poison(&scores);
    let mut deaths = 0;
    let mut found = Found::default();
    loop {
        let mut command = Command::new(std::env::current_exe().ok()?);
        command.env_remove("RIPIENO_BROKER").env_remove("RIPIENO_STORE").env(PACE, "1").arg("ripieno");
        command.arg("--data").arg(home.join("data")).arg("run").arg(&scores);
        command.args(["--analyses", ANALYSES, "--progress", "none"]).arg("--out").arg(home.join("out"));
        let output = command.output().ok()?;
        match output.status.code() {
            None => deaths += 1,
            Some(code) => {
                let errors = String::from_utf8_lossy(&output.stderr).into_owned();
                found.must(code == 2, format!("exit code {code}: {errors}"));
                break;
            }
        }
        if deaths > 12 {
            found.must(false, "the same command never ends");
            return Some(found);
        }
    }
    judge_poison(&mut found, &home.join("out"), &names);
    found.verdict.items = 605;
    found.note = format!("the process died {deaths} times");
    Some(found)
}

/// Row 5: a score that takes longer than it may.
pub async fn endless(ground: &mut Ground) -> Option<Found> {
    let mut site = Site::new(&ground.home, "endless", &ground.broker.uri(), None).await;
    let scores = site.home.join("scores");
    corpus(&scores, 300);
    fs::write(
        scores.join("slow.abc"),
        format!("X:1\nT:slow\nM:4/4\nL:1/8\nK:C\n{}", "CDEFGABc|\n".repeat(4 << 20)),
    )
    .ok()?;
    site.set("RIPIENO_ITEM_SECONDS_MAX", "1");
    site.set("RIPIENO_NOTES_MAX", "100000000");
    site.start(1);
    let job = site.submit(&scores);
    let seconds = site.finish(&job).await;
    let mut found = Found::of(site.judge(&job, &ground.reference, Some("/")).await);
    let failures = fs::read_to_string(site.home.join("out/failures.csv")).ok()?;
    let row = failures.lines().find(|line| line.contains("slow.abc")).unwrap_or_default();
    found.must(row.contains("timed_out"), format!("slow.abc is not timed_out: {row:?}"));
    found.must(failures.lines().count() == 3, "something else failed too");
    found.note = format!("ended within {seconds:.1} s");
    site.end().await;
    Some(found)
}

/// Row 6: a job of nothing but bad files.
pub async fn bad_files(ground: &mut Ground) -> Option<Found> {
    let mut site = Site::new(&ground.home, "bad", &ground.broker.uri(), None).await;
    site.set(PACE, "0");
    let scores = site.home.join("scores");
    fs::create_dir_all(&scores).ok()?;
    let count = if ground.short { 2_000 } else { 10_000 };
    let bad: [(&str, &[u8]); 4] =
        [("mid", b"MThd\0\0"), ("xml", b"<score-partwise><part>"), ("mxl", b"PK\x03\x04"), ("abc", b"")];
    for index in 0..count {
        let (extension, bytes) = bad[index % bad.len()];
        fs::write(scores.join(format!("bad{index:05}.{extension}")), bytes).ok()?;
    }
    site.start(2);
    let job = site.submit(&scores);
    let seconds = site.finish(&job).await;
    let mut found = Found::of(site.judge(&job, &ground.reference, Some(",")).await);
    let failures = fs::read_to_string(site.home.join("out/failures.csv")).ok()?;
    let told = failures.lines().skip(1).count();
    found.must(told == count, format!("{told} of {count} failures are listed"));
    let without = failures.lines().skip(1).filter(|line| line.ends_with(",,,")).count();
    found.must(without == 0, format!("{without} failures have no place"));
    let alive = site.workers.iter_mut().all(|worker| matches!(worker.try_wait(), Ok(None)));
    found.must(alive && site.started == 2, "a worker died");
    found.note = format!("{seconds:.1} s");
    site.end().await;
    Some(found)
}

/// Row 17: a cache that cannot be.
pub async fn no_cache(ground: &mut Ground) -> Option<Found> {
    let mut site = Site::new(&ground.home, "no-cache", &ground.broker.uri(), None).await;
    // A device that is always full, in the place of the folder.
    site.set("RIPIENO_CACHE", "/dev/full/cache");
    site.start(2);
    let job = site.submit(&ground.scores);
    site.finish(&job).await;
    let found = Found::of(site.judge(&job, &ground.reference, None).await);
    site.end().await;
    Some(found)
}

/// Row 17: a disk that takes no more while the cache is in use. The rows of a chunk still find room.
pub async fn full_disk(ground: &mut Ground) -> Option<Found> {
    let mut site = Site::new(&ground.home, "full-disk", &ground.broker.uri(), None).await;
    site.start_bounded(600);
    site.start_bounded(600);
    let job = site.submit(&ground.scores);
    site.finish(&job).await;
    let mut found = Found::of(site.judge(&job, &ground.reference, None).await);
    let said = |site: &Site| fs::read_to_string(site.home.join("workers.log")).unwrap_or_default();
    let off = said(&site).matches("cache switched off").count();
    found.must(off > 0, "the disk was never full");
    // Both end in good order, and those that come after them find no wrong entry.
    for _ in 0..2 {
        let (seconds, code) = site.drain(0).await;
        found.must(code == Some(0) && seconds < 25.0, format!("exit code {code:?} after {seconds:.1} s"));
    }
    site.start(2);
    let again = site.submit(&ground.scores);
    site.finish(&again).await;
    let verdict = site.judge(&again, &ground.reference, None).await;
    found.verdict.lost += verdict.lost;
    found.verdict.differing += verdict.differing;
    // The journal holds both jobs.
    found.verdict.wasted = verdict.wasted - 1.0;
    found.note = format!("{off} caches switched off; a second job after it");
    site.end().await;
    Some(found)
}

/// Row 18: a cache in which bits have turned.
pub async fn damaged_cache(ground: &mut Ground) -> Option<Found> {
    let mut site = Site::new(&ground.home, "bad-cache", &ground.broker.uri(), None).await;
    site.set(PACE, "0");
    site.start(2);
    let first = site.submit(&ground.scores);
    site.finish(&first).await;
    while !site.workers.is_empty() {
        site.drain(0).await;
    }
    let mut turned = 0;
    for path in files(&site.home.join("cache")) {
        let Ok(mut bytes) = fs::read(&path) else { continue };
        for index in (64..bytes.len()).step_by(4096) {
            bytes[index] ^= 0x10;
            turned += 1;
        }
        fs::write(&path, bytes).ok()?;
    }
    let _ = fs::remove_file(site.home.join("journal"));
    let began = Instant::now();
    site.start(2);
    let job = site.submit(&ground.scores);
    site.until(&job, 1).await;
    let recovery = began.elapsed().as_secs_f64();
    site.finish(&job).await;
    let mut found = Found::of(site.judge(&job, &ground.reference, None).await);
    found.recovery = Some(recovery);
    found.note = format!("{turned} bits of the cache turned");
    site.end().await;
    Some(found)
}

fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// Row 22: every worker is asked to stop, again and again.
pub async fn drained(ground: &mut Ground) -> Option<Found> {
    let mut site = Site::new(&ground.home, "sigterm", &ground.broker.uri(), None).await;
    site.set(PACE, "6");
    site.start(3);
    let job = site.submit(&ground.scores);
    site.until(&job, 1).await;
    let ledger = site.ledger().await;
    let (mut drains, mut slowest, mut codes) = (0, 0.0_f64, Vec::new());
    while ledger.finished(&job).await.ok()?.is_none() && drains < 12 {
        site.start(1);
        let (seconds, code) = site.drain(0).await;
        slowest = slowest.max(seconds);
        codes.push(code);
        drains += 1;
        sleep(Duration::from_millis(500)).await;
    }
    site.finish(&job).await;
    let mut found = Found::of(site.judge(&job, &ground.reference, None).await);
    found.must(slowest <= 10.0, format!("an exit took {slowest:.1} s"));
    found.must(codes.iter().all(|code| *code == Some(0)), format!("exit codes {codes:?}"));
    found.must(site.dispatcher().dead().await.is_ok_and(|dead| dead.is_empty()), "something was given up");
    let suspects = site.dispatcher().backlog(Lane::Suspect).await;
    found.must(suspects.is_ok_and(|waiting| waiting == 0), "something became suspect");
    let log = fs::read_to_string(site.home.join("workers.log")).unwrap_or_default();
    found.must(!log.contains("put back"), "an attempt was charged");
    found.note = format!("{drains} exits, the slowest {slowest:.1} s");
    site.end().await;
    Some(found)
}
