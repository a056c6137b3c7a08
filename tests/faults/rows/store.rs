//! Faults of the store.

use crate::proxy::{Mood, Proxy};
use crate::site::Site;
use crate::{Found, Ground};
use std::fs;
use std::process::Stdio;
use std::time::{Duration, Instant};
use tokio::time::sleep;

/// The store that `tests/run` started, behind a proxy of moods; and a site on it.
async fn site(ground: &Ground, name: &str) -> Option<(Site, Proxy)> {
    let bucket = shared::config::var("RIPIENO_TEST_BUCKET")?;
    let upstream = shared::config::var("AWS_ENDPOINT")?.replace("http://", "");
    let proxy = Proxy::start(upstream).await;
    let store = format!("{bucket}/faults-{name}-{}", std::process::id());
    let mut site = Site::new(&ground.home, name, &ground.broker.uri(), Some(store)).await;
    site.set("AWS_ENDPOINT", &format!("http://{}", proxy.address));
    Some((site, proxy))
}

/// Row 14: one request in ten fails; then all of them; then all are slow.
pub async fn failing(ground: &mut Ground) -> Option<Found> {
    let (mut site, proxy) = site(ground, "store").await?;
    site.start(3);
    let job = site.submit(&ground.scores);
    site.until(&job, 1).await;
    let hold = Duration::from_secs(if ground.short { 8 } else { 60 });
    let mut recovery = 0.0_f64;
    for mood in [Mood::Tenth, Mood::Down, Mood::Slow] {
        proxy.set(mood);
        sleep(hold).await;
        proxy.set(Mood::Good);
        let (began, before) = (Instant::now(), site.receipts(&job).await);
        let ledger = site.ledger().await;
        while ledger.finished(&job).await.ok()?.is_none() && site.receipts(&job).await <= before {
            sleep(Duration::from_millis(50)).await;
        }
        recovery = recovery.max(began.elapsed().as_secs_f64());
    }
    site.finish(&job).await;
    let mut found = Found::of(site.judge(&job, &ground.reference, None).await);
    found.recovery = Some(recovery);
    found.note = format!("{} requests", proxy.requests());
    site.end().await;
    Some(found)
}

/// Row 16: a store that honours no condition is refused by worker and command line alike.
pub async fn unconditional(ground: &mut Ground) -> Option<Found> {
    let (site, proxy) = site(ground, "condition").await?;
    proxy.set(Mood::Unconditional);
    let mut found = Found::default();
    let worker = site.command("worker").stdin(Stdio::null()).output().ok()?;
    let said = String::from_utf8_lossy(&worker.stderr).into_owned();
    found.must(worker.status.code() == Some(1), format!("the worker's exit code is {:?}", worker.status));
    found.must(said.contains("create-if-absent"), format!("the worker says {said:?}"));
    let output = site.ripieno(&["jobs"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    found.must(output.status.code() == Some(3), format!("the exit code is {:?}", output.status));
    found.must(said.contains("create-if-absent"), format!("the command line says {said:?}"));
    site.end().await;
    Some(found)
}

/// Row 15: an object of the ledger that was cut off, and one of which a bit has turned.
pub async fn damaged(ground: &mut Ground) -> Option<Found> {
    let mut site = Site::new(&ground.home, "damage", &ground.broker.uri(), None).await;
    site.start(2);
    let job = site.submit(&ground.scores);
    site.finish(&job).await;
    let mut found = Found::of(site.judge(&job, &ground.reference, None).await);
    let rows = site.home.join("ledger/tenants/local/jobs").join(job.as_str()).join("rows");
    let mut parts: Vec<_> = fs::read_dir(rows).ok()?.flatten().map(|entry| entry.path()).collect();
    parts.sort();
    let path = parts.get(1)?;
    let whole = fs::read(path).ok()?;
    let mut turned = whole.clone();
    turned[whole.len() / 2] ^= 1;
    for (what, bytes) in [("cut off", &whole[..whole.len() / 2]), ("turned", &turned[..])] {
        fs::write(path, bytes).ok()?;
        let out = site.home.join("damaged");
        let output = site.ripieno(&["results", job.as_str(), "--out", out.to_str()?]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        found.must(output.status.code() == Some(3), format!("{what}: exit code {:?}", output.status));
        found.must(said.contains("is damaged"), format!("{what}: {said:?}"));
    }
    fs::write(path, whole).ok()?;
    site.end().await;
    Some(found)
}
