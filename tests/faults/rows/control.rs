//! Faults of the front, and what is wanted of jobs while everything dies.

use crate::hook::PACE;
use crate::site::{ANALYSES, Site};
use crate::{Found, Ground};
use shared::clock;
use shared::job::Wish;
use std::fs;
use std::process::Stdio;
use std::time::{Duration, Instant};
use tokio::time::sleep;

/// Row 13: whoever submits is killed, at whatever moment, and tries again.
pub async fn killed_front(ground: &mut Ground) -> Option<Found> {
    let mut site = Site::new(&ground.home, "front", &ground.broker.uri(), None).await;
    let mut cut_off = 0;
    for round in 0..8_u64 {
        let mut submit = site.command("ripieno");
        submit.args(["submit"]).arg(&ground.scores).args(["--analyses", ANALYSES]);
        let mut child =
            submit.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().ok()?;
        sleep(Duration::from_millis(30 * round * round)).await;
        cut_off += u32::from(matches!(child.try_wait(), Ok(None)));
        let _ = child.kill();
        let _ = child.wait();
    }
    // Without a retry reconciling would run it; with one it is the same job.
    let job = site.submit(&ground.scores);
    let ledger = site.ledger().await;
    let jobs = ledger.records().await.ok()?.len();
    site.start(3);
    let seconds = site.finish(&job).await;
    let mut found = Found::of(site.judge(&job, &ground.reference, None).await);
    found.must(jobs == 1, format!("there are {jobs} jobs"));
    // A second job, of which no message was ever published.
    let scores = site.home.join("scores");
    super::corpus(&scores, 40);
    let listing =
        api::sources::list(&[scores.to_str()?.to_owned()], &shared::limits::Limits::default()).await;
    let choice = api::plan::Choice { analyses: vec!["ambitus".to_owned()], ..api::plan::Choice::default() };
    let request = api::plan::request(vec![scores.to_str()?.to_owned()], &choice).ok()?;
    let service = api::service::Service::new(ledger, site.dispatcher().clone());
    let (principal, lane) = (shared::principal::Principal::local(), shared::dispatch::Lane::Bulk);
    let silent = service.submit(&principal, request, listing.ok()?, lane).await.ok()?.record;
    found.recovery = Some(site.finish(&silent.id).await);
    found.note = format!("{cut_off} submits cut off, then {seconds:.1} s; R: a job that nobody published");
    site.end().await;
    Some(found)
}

/// Row 23: nothing begins more than two seconds after a cancel; what is done stays.
pub async fn cancelled(ground: &mut Ground) -> Option<Found> {
    let mut found = Found::default();
    for share in [0, 50, 90] {
        let mut site = Site::new(&ground.home, &format!("cancel-{share}"), &ground.broker.uri(), None).await;
        site.set(PACE, "8");
        site.start(2);
        let job = site.submit(&ground.scores);
        let ledger = site.ledger().await;
        let chunks = ledger.record(&job).await.ok()?.chunks as usize;
        site.until(&job, chunks * share / 100).await;
        let output = site.ripieno(&["cancel", job.as_str()]);
        let answered = clock::now_ms();
        found.must(output.status.success(), "cancel failed");
        sleep(Duration::from_secs(5)).await;
        let late = site.journal().into_iter().filter(|(time, _)| *time > answered + 2_500).count();
        found.must(late == 0, format!("at {share} %: {late} items began too late"));
        let out = site.table(&job);
        let rows = fs::read_to_string(out.join("table.csv")).ok()?.lines().skip(1).count();
        let mut done = 0;
        for chunk in ledger.receipts(&job).await.ok()? {
            done += ledger.receipt(&job, chunk).await.ok()??.outcomes.len();
        }
        found.must(rows == done, format!("at {share} %: {rows} rows of {done} items that are done"));
        found.verdict.items += done as u64;
        site.end().await;
    }
    found.note = "at 0, 50 and 90 %; N: items that were done".to_owned();
    Some(found)
}

/// Row 24: a paused job stays so whatever dies, and goes on when it may.
pub async fn paused(ground: &mut Ground) -> Option<Found> {
    let mut site = Site::new(&ground.home, "pause", &ground.broker.uri(), None).await;
    site.set(PACE, "6");
    site.start(3);
    let job = site.submit(&ground.scores);
    site.until(&job, 2).await;
    let paused = site.ripieno(&["pause", job.as_str()]);
    let mut found = Found::default();
    found.must(paused.status.success(), "pause failed");
    sleep(Duration::from_secs(4)).await;
    site.kill_all();
    ground.broker.kill();
    ground.broker.restart();
    site.start(3);
    let before = (site.receipts(&job).await, site.journal().len());
    // Longer than reconciling waits in the long run.
    sleep(Duration::from_secs(if ground.short { 8 } else { 70 })).await;
    let after = (site.receipts(&job).await, site.journal().len());
    found.must(before == after, format!("it went on by itself: {before:?} {after:?}"));
    let wish = site.ledger().await.control(&job).await.ok()?.wish;
    found.must(wish == Wish::Paused, "it is not paused any more");
    let began = Instant::now();
    let resumed = site.ripieno(&["resume", job.as_str()]);
    found.must(resumed.status.success(), "resume failed");
    site.until(&job, after.0 + 1).await;
    found.recovery = Some(began.elapsed().as_secs_f64());
    site.finish(&job).await;
    found.verdict = site.judge(&job, &ground.reference, None).await;
    site.end().await;
    Some(found)
}

/// Row 25: a small job that somebody waits for, and a small one that nobody waits for, behind a large one.
pub async fn fair(ground: &mut Ground) -> Option<Found> {
    let mut site = Site::new(&ground.home, "fair", &ground.broker.uri(), None).await;
    site.set(PACE, "10");
    site.start(2);
    let small = site.home.join("small");
    super::corpus(&small, 20);
    // The first job of a worker takes longer than any other.
    let first = site.submit_to("interactive", &small);
    site.finish(&first).await;
    let mut seconds = Vec::new();
    let mut large = None;
    for lane in ["interactive", "bulk", "interactive", "bulk"] {
        if seconds.len() == 2 {
            let job = site.submit(&ground.scores);
            site.until(&job, 1).await;
            large = Some(job);
        }
        // A cache that knows them would make the second ones quicker.
        let scores = site.home.join(format!("small-{}", seconds.len()));
        super::corpus(&scores, 20);
        let job = site.submit_to(lane, &scores);
        seconds.push(site.finish(&job).await);
    }
    let mut found = Found::default();
    let large = large?;
    let before_it = site.ledger().await.finished(&large).await.ok()?.is_none();
    found.must(before_it, "the large job had ended before the small ones");
    found.note = format!(
        "interactive {:.1} s alone, {:.1} s behind a large job; bulk {:.1} s and {:.1} s",
        seconds[0], seconds[2], seconds[1], seconds[3]
    );
    site.finish(&large).await;
    // The journal holds all of them.
    found.verdict = site.judge(&large, &ground.reference, None).await;
    found.verdict.wasted = 0.0;
    site.end().await;
    Some(found)
}

/// What failed is tried again, alone, and takes its place in the table.
pub async fn retried(ground: &mut Ground) -> Option<Found> {
    let mut site = Site::new(&ground.home, "retry", &ground.broker.uri(), None).await;
    site.set(PACE, "0");
    let scores = site.home.join("scores");
    super::corpus(&scores, 300);
    site.start(1);
    let job = site.submit(&scores);
    site.finish(&job).await;
    let _ = fs::remove_file(site.home.join("journal"));
    fs::write(
        scores.join("broken.mid"),
        b"MThd\0\0\0\x06\0\0\0\x01\0\x60MTrk\0\0\0\x0c\0\x90\x3c\x40\x60\x80\x3c\x40\0\xff\x2f\0",
    )
    .ok()?;
    let out = site.home.join("retried");
    let output = site.ripieno(&["retry", job.as_str(), "--out", out.to_str()?, "--progress", "none"]);
    let mut found = Found::default();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    found.must(output.status.code() == Some(0), format!("exit code {:?}: {said}", output.status));
    let worked = site.journal().len();
    found.must(worked == 1, format!("{worked} items were worked, not the one that failed"));
    let table = fs::read_to_string(out.join("table.csv")).ok()?;
    found.must(table.lines().count() == 302, format!("{} lines in the table", table.lines().count()));
    let row = table.lines().find(|line| line.contains("broken.mid")).unwrap_or_default().to_owned();
    found.must(row.contains(",ok,midi,"), format!("the row is {row:?}"));
    found.verdict.items = 301;
    found.note = format!("{worked} item tried again");
    site.end().await;
    Some(found)
}
