//! What is kept no longer is removed whole, whoever died at it, and nothing that somebody needs.

use crate::support::corpus;
use api::embedded::Embedded;
use api::plan::{self, Choice};
use api::schedule::{Scheduler, Wanted};
use api::service::{Order, Service, Swept};
use api::sources;
use shared::clock::{self, DAY_MS};
use shared::failure::FailureKind;
use shared::job::{JobId, Record, Request};
use shared::ledger::Ledger;
use shared::limits::Limits;
use shared::principal::Principal;
use shared::schedule::{CatchUp, ScheduleName};
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use tests::files_under;

/// A data folder with a worker, and two scores of which one is broken.
struct Site {
    home: tempfile::TempDir,
    embedded: Embedded,
    scores: PathBuf,
}

impl Site {
    async fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let scores = home.path().join("scores");
        corpus(&scores, 1, 10);
        let embedded = Embedded::open(home.path(), Limits::default()).await.unwrap();
        embedded.service.set_retention("local", Some(5)).await.unwrap();
        Site { home, embedded, scores }
    }

    fn service(&self) -> &Service {
        &self.embedded.service
    }

    fn ledger(&self) -> Ledger {
        self.embedded.ledger()
    }

    fn request(&self) -> Request {
        let choice = Choice { analyses: vec!["key".to_owned()], ..Choice::default() };
        plan::request(vec![self.scores.to_str().unwrap().to_owned()], &choice).unwrap()
    }

    async fn submit(&self, key: Option<&str>) -> Record {
        let listing = sources::list(&self.request().sources, &self.embedded.limits).await.unwrap();
        let order = Order { lane: shared::dispatch::Lane::Bulk, key: key.map(str::to_owned), callback: None };
        let accepted =
            self.service().order(&Principal::local(), self.request(), listing, order).await.unwrap();
        self.service().reconcile(&Principal::local(), &accepted.record).await.unwrap();
        accepted.record
    }

    async fn ended(&self, job: &JobId) {
        let since = Instant::now();
        // It is active until what it came to is counted.
        while self.ledger().active().await.unwrap().iter().any(|record| record.id == *job) {
            assert!(since.elapsed() < Duration::from_secs(60), "{job} does not end");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// What is there of a job, index and all.
    fn left(&self, job: &JobId) -> Vec<PathBuf> {
        let all = files_under(&self.home.path().join("ledger"));
        all.into_iter()
            .filter(|path| {
                let path = path.to_string_lossy();
                path.contains(job.as_str()) && !path.contains("/usage/") && !path.contains("/charges/")
            })
            .collect()
    }

    async fn sweep(&self, days: u64) -> Swept {
        self.service().sweep(clock::now_ms() + days * DAY_MS).await.unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_ended_long_ago_is_removed_and_what_runs_or_is_needed_stays() {
    let site = Site::new().await;
    let work = site.embedded.work(site.home.path(), 1).unwrap();
    let done = site.submit(Some("night-1")).await;
    site.ended(&done.id).await;
    let base = site.submit(None).await;
    site.ended(&base.id).await;
    site.embedded.dispatcher.close();
    work.await.unwrap();
    // Nobody works any more: this one stays as it is, and its table is that of the other with its own rows in it.
    let retry = site.service().retry(&Principal::local(), &base.id).await.unwrap().record;
    assert_eq!(site.sweep(4).await, Swept::default(), "five days are not over");
    let before = site.left(&done.id).len() as u64;
    let swept = site.sweep(6).await;
    assert_eq!((swept.jobs, swept.objects), (1, before), "{:?}", site.left(&done.id));
    assert_eq!(site.left(&done.id), Vec::<PathBuf>::new());
    let failure = site.service().status(&Principal::local(), &done.id).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::NotFound);
    for job in [&base.id, &retry.id] {
        site.service().status(&Principal::local(), job).await.unwrap();
    }
    assert_eq!(site.ledger().records().await.unwrap().len(), 2);
    // What it came to stays, and that it was removed is told.
    assert_eq!(site.ledger().usage(0..=u64::MAX).await.unwrap()[0].1.jobs, 2);
    let mut told = Vec::new();
    api::audit::read(&site.ledger(), |record| told.push((record.operation.clone(), record.of.clone())))
        .await
        .unwrap();
    assert!(told.contains(&("sweep".to_owned(), done.id.to_string())), "{told:?}");
    // The key may be used again: it means a new job.
    let again = site.submit(Some("night-1")).await;
    assert!(again.id == done.id && again.created_ms > done.created_ms);
    // Once the retry has ended both can go.
    site.service().cancel(&Principal::local(), &retry.id).await.unwrap();
    site.service().cancel(&Principal::local(), &again.id).await.unwrap();
    assert_eq!(site.sweep(7).await.jobs, 3);
    assert!(site.ledger().listed_jobs().await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_is_half_removed_is_none_and_is_removed_by_the_next() {
    let site = Site::new().await;
    let ledger = site.ledger();
    let mut jobs = Vec::new();
    for _ in 0..4 {
        let job = site.submit(None).await.id;
        site.service().cancel(&Principal::local(), &job).await.unwrap();
        jobs.push(job);
    }
    // Whoever removed it died after the record, after the chunks, before the index.
    let folder = |job: &JobId| site.home.path().join(format!("ledger/tenants/local/jobs/{job}"));
    fs::remove_file(folder(&jobs[0]).join("record")).unwrap();
    fs::remove_file(folder(&jobs[1]).join("record")).unwrap();
    fs::remove_dir_all(folder(&jobs[1]).join("manifest")).unwrap();
    fs::remove_dir_all(folder(&jobs[2])).unwrap();
    for job in &jobs[..3] {
        let failure = site.service().status(&Principal::local(), job).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::NotFound, "{job}");
    }
    assert_eq!(ledger.records().await.unwrap().len(), 1);
    assert_eq!(site.sweep(1).await, Swept::default(), "one that is about to be accepted looks like that");
    assert_eq!(site.sweep(6).await.jobs, 4);
    for job in &jobs {
        assert_eq!(site.left(job), Vec::<PathBuf>::new());
    }
    assert!(!ledger.is_being_removed(&jobs[0]).await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_run_of_a_schedule_finds_what_it_takes_rows_from() {
    let site = Site::new().await;
    let work = site.embedded.work(site.home.path(), 1).unwrap();
    let (name, who): (ScheduleName, _) = ("nightly".parse().unwrap(), Principal::local());
    let (cron, timezone) = ("0 2 * * *".to_owned(), "UTC".to_owned());
    let (request, lane) = (site.request(), shared::dispatch::Lane::Bulk);
    let wanted = Wanted { name: name.clone(), cron, timezone, catch_up: CatchUp::One, request, lane };
    site.service().add_schedule(&who, wanted).await.unwrap();
    let scheduler = Scheduler::new(site.service().clone(), Limits::default()).working_here();
    let night = async |number: u64| {
        let now = clock::now_ms() + number * DAY_MS;
        let tick = scheduler.tick(now).await.unwrap();
        let job = tick.accepted[0].1.clone();
        site.ended(&job).await;
        while scheduler.tick(now).await.unwrap().open > 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        job
    };
    let (first, second, third) = (night(2).await, night(3).await, night(4).await);
    // Of a run that was cancelled the next one takes nothing; that one of before stays.
    assert_eq!(site.sweep(20).await.jobs, 2);
    assert!(site.left(&first).is_empty() && site.left(&second).is_empty() && !site.left(&third).is_empty());
    let fourth = night(21).await;
    let finished = site.ledger().finished(&fourth).await.unwrap().unwrap();
    assert_eq!(site.ledger().record(&fourth).await.unwrap().before, Some(third.clone()));
    assert_eq!(finished.totals.cached, 2, "all of it was taken");
    assert_eq!(site.sweep(40).await.jobs, 1);
    assert!(site.left(&third).is_empty() && !site.left(&fourth).is_empty());
    site.embedded.dispatcher.close();
    work.await.unwrap();
}
