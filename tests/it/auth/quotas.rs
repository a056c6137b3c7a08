//! How much a tenant may have under way and of one day, that it is no other's matter, and what its work came to.

use super::keys::{ask, key, mcp};
use crate::http::server::Server;
use crate::support::{corpus, finish, ripieno};
use api::embedded::Embedded;
use api::plan::{self, Choice};
use api::schedule::{Scheduler, Wanted};
use api::service::{Accepted, Order, Service};
use api::sources;
use serde_json::{Value, json};
use shared::clock::{self, day_of};
use shared::dispatch::{Dispatcher, Lane, memory::Memory};
use shared::failure::{Failure, FailureKind};
use shared::ledger::Ledger;
use shared::limits::Limits;
use shared::principal::Principal;
use shared::schedule::{CatchUp, FireOutcome, FireTime};
use shared::terms::{Quota, Share};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

#[test]
fn who_asks_too_often_is_told_to_wait_and_others_are_not() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start_with(home.path(), |command| {
        command.env("RIPIENO_AUTH", "keys").env("RIPIENO_TENANT_REQUESTS_PER_SECOND_MAX", "1");
    });
    let (busy, other) = (key(home.path(), "uni-a", "viewer", &[]), key(home.path(), "uni-b", "viewer", &[]));
    // Two at once, then one a second: so many take longer than that on no machine.
    let answers: Vec<_> = (0..60).map(|_| ask(&server, &busy, "GET", "/v1/formats", "")).collect();
    let refused = answers.iter().find(|answer| answer.status == 429).expect("one too many");
    assert!(refused.text().contains("tenant_requests_per_second_max = 1"), "{}", refused.text());
    assert_eq!((refused.header("retry-after"), &refused.json()["kind"]), ("2", &"too_many".into()));
    assert_eq!(ask(&server, &other, "GET", "/v1/formats", "").status, 200);
}

/// A service on which nobody works: what is accepted stays active. And a folder of two items.
struct Site {
    _home: tempfile::TempDir,
    scores: PathBuf,
    ledger: Ledger,
    limits: Limits,
    service: Service,
}

impl Site {
    async fn new(limits: Limits) -> Self {
        let home = tempfile::tempdir().unwrap();
        let scores = home.path().join("scores");
        corpus(&scores, 1, 10);
        let ledger = Ledger::in_folder(&home.path().join("ledger")).await.unwrap();
        let service =
            Service::new(ledger.clone(), Dispatcher::Memory(Memory::default())).with_limits(&limits);
        Site { _home: home, scores, ledger, limits, service }
    }

    async fn submit(&self, who: &Principal, key: Option<&str>) -> Result<Accepted, Failure> {
        let choice = Choice { analyses: vec!["key".to_owned()], ..Choice::default() };
        let request = plan::request(vec![self.scores.to_str().unwrap().to_owned()], &choice).unwrap();
        let listing = sources::list(&request.sources, &self.limits).await.unwrap();
        let order = Order { lane: Lane::Bulk, key: key.map(str::to_owned), callback: None };
        self.service.order(who, request, listing, order).await
    }

    async fn today(&self, tenant: &str) -> Share {
        self.ledger.of(tenant).charged(day_of(clock::now_ms())).await.unwrap()
    }
}

const fn items(per_day: u64) -> Quota {
    Quota { requests_per_second: None, jobs: None, items_per_day: Some(per_day), bytes_per_day: None }
}

fn of(tenant: &str) -> Principal {
    Principal { tenant: tenant.to_owned(), ..Principal::local() }
}

#[tokio::test]
async fn who_has_as_many_jobs_as_it_may_gets_no_more_until_one_has_ended() {
    let site = Site::new(Limits { tenant_jobs_max: 2, ..Limits::default() }).await;
    let first = site.submit(&of("uni-a"), None).await.unwrap();
    site.submit(&of("uni-a"), None).await.unwrap();
    let failure = site.submit(&of("uni-a"), None).await.unwrap_err();
    assert!(failure.kind == FailureKind::TooMany && failure.message.contains("2 jobs"), "{failure}");
    assert_eq!(failure.retry_after_seconds, Some(30));
    site.submit(&of("uni-b"), None).await.unwrap();
    for _ in 0..4 {
        site.submit(&Principal::local(), None).await.unwrap();
    }
    site.service.cancel(&of("uni-a"), &first.record.id).await.unwrap();
    site.submit(&of("uni-a"), None).await.unwrap();
    // An operator sets another number for one of them.
    site.service.change_quota("uni-a", Quota { jobs: Some(3), ..Quota::default() }).await.unwrap();
    site.submit(&of("uni-a"), None).await.unwrap();
    assert!(site.submit(&of("uni-a"), None).await.is_err());
}

#[tokio::test]
async fn a_job_is_taken_whole_or_not_at_all_and_counts_for_its_day() {
    let site = Site::new(Limits::default()).await;
    site.service.change_quota("uni-a", items(5)).await.unwrap();
    let one = site.submit(&of("uni-a"), Some("night-1")).await.unwrap();
    let share = Share { items: one.record.items, bytes: one.record.bytes };
    assert!(share.items == 2 && share.bytes > 0, "{share:?}");
    // The same key is the same job, and counts once.
    assert_eq!(site.submit(&of("uni-a"), Some("night-1")).await.unwrap().record.id, one.record.id);
    assert_eq!(site.today("uni-a").await, share);
    // So many at once: there is room for one more.
    let who = of("uni-a");
    let asked = futures::future::join_all((0..8).map(|_| site.submit(&who, None))).await;
    let taken = asked.iter().filter(|outcome| outcome.is_ok()).count();
    assert_eq!(taken, 1, "of two places one was free");
    for failure in asked.iter().filter_map(|outcome| outcome.as_ref().err()) {
        assert!(
            failure.kind == FailureKind::TooMany && failure.message.contains("of them today"),
            "{failure}"
        );
        assert!(failure.retry_after_seconds.is_some_and(|seconds| (1..=86_400).contains(&seconds)));
    }
    assert_eq!(site.today("uni-a").await, share.and(share));
    assert_eq!(site.ledger.of("uni-a").records().await.unwrap().len(), 2);
    // Bytes are counted as items are; what fits in no day is said so.
    let bytes = |most: u64| Quota { jobs: Some(3), bytes_per_day: Some(most), ..Quota::default() };
    site.service.set_quota("uni-a", bytes(2 * share.bytes)).await.unwrap();
    assert_eq!(site.submit(&who, None).await.unwrap_err().kind, FailureKind::TooMany);
    site.service.set_quota("uni-a", bytes(share.bytes - 1)).await.unwrap();
    let failure = site.submit(&who, None).await.unwrap_err();
    assert!(failure.kind == FailureKind::TooLarge && failure.message.contains("cut it up"), "{failure}");
    site.service.set_quota("uni-a", Quota::default()).await.unwrap();
    site.submit(&who, None).await.unwrap();
    site.submit(&of("uni-b"), None).await.unwrap();
    site.submit(&Principal::local(), None).await.unwrap();
    assert_eq!(site.today("local").await, Share::default(), "whoever sits here is not counted");
}

#[tokio::test]
async fn a_time_of_a_schedule_that_is_over_quota_stands_in_its_history() {
    let site = Site::new(Limits { fire_seconds_max: 1, ..Limits::default() }).await;
    let who = of("uni-a");
    site.submit(&who, None).await.unwrap();
    site.service.change_quota("uni-a", items(3)).await.unwrap();
    let choice = Choice { analyses: vec!["key".to_owned()], ..Choice::default() };
    let name: shared::schedule::ScheduleName = "nightly".parse().unwrap();
    // The sources of a tenant lie where the operator says; the catalogue of public addresses is asked for none.
    let place = site.ledger.of("uni-a").scores_place();
    std::fs::create_dir_all(&place).unwrap();
    for file in ["a.abc", "b.abc"] {
        std::fs::write(Path::new(&place).join(file), "X:1\nK:C\nCDEF|\n").unwrap();
    }
    let request = plan::request(vec![place], &choice).unwrap();
    let (cron, timezone) = ("0 2 * * *".to_owned(), "UTC".to_owned());
    let wanted =
        Wanted { name: name.clone(), cron, timezone, catch_up: CatchUp::One, request, lane: Lane::Bulk };
    site.service.add_schedule(&who, wanted).await.unwrap();
    let scheduler = Scheduler::new(site.service.clone(), site.limits.clone());
    let two_days_on = clock::now_ms() + 2 * clock::DAY_MS;
    let tick = scheduler.tick(two_days_on).await.unwrap();
    assert!(tick.accepted.is_empty() && tick.open == 0, "{tick:?}");
    let ledger = site.ledger.of("uni-a");
    let last = FireTime { at_ms: u64::MAX, asked: true };
    let time = ledger.fires(&name, last, 1).await.unwrap()[0];
    let fired = ledger.fired(&name, time).await.unwrap().unwrap();
    let FireOutcome::Failed { failure } = fired.outcome else { panic!("{fired:?}") };
    assert!(
        failure.kind == FailureKind::TooMany && failure.message.contains("has 2 of them today"),
        "{failure}"
    );
    // It counts nothing; when there is room again, the next time has its job.
    assert_eq!(site.today("uni-a").await.items, 2);
    site.service.set_quota("uni-a", Quota::default()).await.unwrap();
    let tick = scheduler.tick(two_days_on + clock::DAY_MS).await.unwrap();
    assert_eq!(tick.accepted.len(), 1);
    assert_eq!(site.today("uni-a").await.items, 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_no_listing_told_count_when_the_job_has_ended() {
    let home = tempfile::tempdir().unwrap();
    let limits = Limits { tenant_bytes_per_day_max: 100, ..Limits::default() };
    let embedded = Embedded::open(home.path(), limits.clone()).await.unwrap();
    let (ledger, who) = (embedded.ledger().of("uni-a"), of("uni-a"));
    let place = PathBuf::from(ledger.scores_place());
    std::fs::create_dir_all(&place).unwrap();
    let tune = format!("X:1\nK:C\n{}\n", "CDEF|".repeat(30));
    std::fs::write(place.join("a.abc"), &tune).unwrap();
    std::fs::write(place.join("list.csv"), format!("url\nfile://{}/a.abc\n", place.display())).unwrap();
    let work = embedded.work(home.path(), 1).unwrap();
    let submit = async || {
        let choice = Choice { analyses: vec!["key".to_owned()], ..Choice::default() };
        let list = place.join("list.csv").to_str().unwrap().to_owned();
        let request = plan::request(vec![list], &choice).unwrap();
        let listing = sources::list(&request.sources, &limits).await.unwrap();
        let order = Order { lane: Lane::Bulk, key: None, callback: None };
        embedded.service.order(&who, request, listing, order).await
    };
    let record = submit().await.unwrap().record;
    assert_eq!((record.items, record.bytes), (1, 0), "nobody knows how large it is");
    embedded.service.reconcile(&who, &record).await.unwrap();
    let since = Instant::now();
    while !ledger.active().await.unwrap().is_empty() {
        assert!(since.elapsed() < Duration::from_secs(60), "it does not end");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let finished = ledger.finished(&record.id).await.unwrap().unwrap();
    assert_eq!((finished.totals.failed, finished.totals.bytes), (0, tune.len() as u64));
    let charged = ledger.charged(day_of(finished.at_ms)).await.unwrap();
    assert_eq!(charged, Share { items: 1, bytes: tune.len() as u64 });
    let usage = ledger.usage(day_of(finished.at_ms)..=day_of(finished.at_ms)).await.unwrap();
    assert_eq!((usage[0].1.jobs, usage[0].1.sums.bytes), (1, tune.len() as u64));
    // The next one has no bytes that are known, so there is room for it; one that has some is refused until tomorrow.
    submit().await.unwrap();
    let choice = Choice { analyses: vec!["key".to_owned()], ..Choice::default() };
    let request = plan::request(vec![place.join("a.abc").to_str().unwrap().to_owned()], &choice).unwrap();
    let listing = sources::list(&request.sources, &limits).await.unwrap();
    let order = Order { lane: Lane::Bulk, key: None, callback: None };
    let failure = embedded.service.order(&who, request, listing, order).await.unwrap_err();
    assert!(matches!(failure.kind, FailureKind::TooMany | FailureKind::TooLarge), "{failure}");
    embedded.dispatcher.close();
    work.await.unwrap();
}

/// A server for tenants, whose sources lie in one folder.
fn served(home: &Path) -> (Server, PathBuf) {
    let scores = home.canonicalize().unwrap().join("scores");
    corpus(&scores, 1, 10);
    let server = Server::start_with(&home.join("data"), |command| {
        command.env("RIPIENO_AUTH", "keys").env("RIPIENO_SOURCES", &scores);
    });
    (server, scores)
}

fn ended(server: &Server, key: &str, job: &str) -> Value {
    loop {
        let job = ask(server, key, "GET", &format!("/v1/jobs/{job}?wait=20"), "").json();
        if job["state"] != "active" {
            return job;
        }
    }
}

#[test]
fn what_is_refused_says_when_it_frees_and_what_was_worked_is_counted_once() {
    let home = tempfile::tempdir().unwrap();
    let (server, scores) = served(home.path());
    let data = home.path().join("data");
    let admin = key(&data, "uni-a", "admin", &[]);
    let set = |words: &[&str]| {
        let mut command = ripieno(&data);
        let (code, text, errors) =
            finish(command.args(["tenant", "quota", "uni-a"]).args(words).env_remove("RIPIENO_SERVER"));
        assert_eq!(code, 0, "{errors}");
        text
    };
    assert!(set(&[]).contains("items today          0 of 20000000\n"), "{}", set(&[]));
    assert!(set(&["--items-per-day", "3"]).contains("0 of 3, set for it"));
    let body = json!({ "sources": [scores], "analyses": ["ambitus"] }).to_string();
    let submitted = ask(&server, &admin, "POST", "/v1/jobs", &body);
    assert_eq!(submitted.status, 202, "{}", submitted.text());
    let job = submitted.json()["id"].as_str().unwrap().to_owned();
    let job = ended(&server, &admin, &job);
    let refused = ask(&server, &admin, "POST", "/v1/jobs", &body);
    let seconds: u64 = refused.header("retry-after").parse().unwrap();
    assert!(refused.status == 429 && (1..=86_400).contains(&seconds), "{}", refused.text());
    assert!(
        refused.text().contains("tenant_items_per_day_max") && refused.text().contains("has 2 of them today")
    );
    let imported = |name: &str| {
        let arguments = json!({ "name": name, "content": format!("X:1\nT:{name}\nK:C\nCDEF|") });
        let call = json!({ "name": "scores_import", "arguments": arguments });
        let told = mcp(&server, &admin, "tools/call", call).text();
        let begin = told.find("score-").expect("a score");
        told[begin..begin + 22].to_owned()
    };
    let arguments = json!({ "scores": [imported("a.abc"), imported("b.abc")], "analyses": ["ambitus"] });
    let run = json!({ "name": "analysis_run", "arguments": arguments });
    let by_mcp = mcp(&server, &admin, "tools/call", run);
    let error = &by_mcp.json()["result"]["_meta"]["ripieno/error"];
    assert!(by_mcp.text().contains("has 2 of them today"), "{}", by_mcp.text());
    assert!((1..=86_400).contains(&error["retry_after_seconds"].as_u64().unwrap()), "{error}");
    let metrics = server.get("/metrics").text();
    assert!(
        metrics.contains("ripieno_quota_refused_total{tenant=\"uni-a\",quota=\"items\"} 2\n"),
        "{metrics}"
    );
    assert!(metrics.contains("ripieno_tenant_items_total{tenant=\"uni-a\"} 2\n"), "{metrics}");
    assert!(
        metrics.contains("ripieno_tenant_failures_total{tenant=\"uni-a\",kind=\"malformed\"} 1\n"),
        "{metrics}"
    );
    // What is set anew holds at once for what is submitted, and what was reset is as the installation has it.
    assert!(set(&["--jobs", "9"]).contains("2 of 3, set for it"));
    assert!(set(&["--reset"]).contains("2 of 20000000\n"));
    assert_eq!(ask(&server, &admin, "POST", "/v1/jobs", &body).status, 202);

    let usage = ask(&server, &admin, "GET", "/v1/usage", "");
    assert_eq!(usage.status, 200, "{}", usage.text());
    server.until("both jobs are counted", |server| {
        ask(server, &admin, "GET", "/v1/usage", "").json()["total"]["jobs"] == 2
    });
    let total = ask(&server, &admin, "GET", "/v1/usage", "").json()["total"].clone();
    assert_eq!((&total["items"], &total["failed"]), (&json!(4), &json!(2)), "{total}");
    assert_eq!(total["bytes"].as_u64(), job["bytes"].as_u64().map(|bytes| 2 * bytes), "{total}");
    let mut command = ripieno(&data);
    let (code, told, errors) =
        finish(command.args(["tenant", "usage", "uni-a", "--json"]).env_remove("RIPIENO_SERVER"));
    assert!(code == 0 && serde_json::from_str::<Value>(&told).unwrap()["total"] == total, "{told}{errors}");
    let mut command = ripieno(&home.path().join("none"));
    command.args(["--server", &server.url(), "usage"]).env("RIPIENO_TOKEN", &admin);
    let (code, told, errors) = finish(&mut command);
    assert!(code == 0 && told.lines().last().unwrap().starts_with("all"), "{told}{errors}");
    for (asked, status) in [("?from=2026-01-02&to=2026-01-01", 422), ("?from=x", 422), ("?since=1", 400)] {
        assert_eq!(ask(&server, &admin, "GET", &format!("/v1/usage{asked}"), "").status, status, "{asked}");
    }
    let curator = key(&data, "uni-a", "curator", &[]);
    assert_eq!(ask(&server, &curator, "GET", "/v1/usage", "").status, 403);
    let other = key(&data, "uni-b", "admin", &[]);
    assert_eq!(ask(&server, &other, "GET", "/v1/usage", "").json()["total"]["jobs"], 0);
}

#[test]
fn an_operator_sets_and_sees_counts_and_nothing_of_a_job() {
    let home = tempfile::tempdir().unwrap();
    let (server, scores) = served(home.path());
    let data = home.path().join("data");
    let (admin, operator) = (key(&data, "uni-a", "admin", &[]), key(&data, "site", "operator", &[]));
    let body = json!({ "sources": [scores], "analyses": ["ambitus"] }).to_string();
    let job = ask(&server, &admin, "POST", "/v1/jobs", &body).json()["id"].as_str().unwrap().to_owned();
    ended(&server, &admin, &job);
    let asked = |key: &str, method: &str, path: &str, body: &str| ask(&server, key, method, path, body);
    let tenants = asked(&operator, "GET", "/v1/tenants", "").json();
    assert!(tenants["tenants"].as_array().unwrap().contains(&json!("uni-a")), "{tenants}");
    let tenant = asked(&operator, "GET", "/v1/tenants/uni-a", "").json();
    assert_eq!((&tenant["used"]["items"], &tenant["retention_days"]), (&json!(2), &Value::Null), "{tenant}");
    let set = asked(&operator, "PUT", "/v1/tenants/uni-a/quota", r#"{"requests_per_second":1,"jobs":7}"#);
    assert_eq!((set.status, &set.json()["quota"]["jobs"]), (200, &json!(7)), "{}", set.text());
    let kept = asked(&operator, "PUT", "/v1/tenants/uni-a/retention", r#"{"days":30}"#);
    assert_eq!((kept.status, &kept.json()["retention_days"]), (200, &json!(30)), "{}", kept.text());
    let usage = asked(&operator, "GET", "/v1/tenants/uni-a/usage", "").json();
    assert_eq!((&usage["total"]["jobs"], &usage["total"]["items"]), (&json!(1), &json!(2)), "{usage}");
    for (path, body) in [
        ("/v1/tenants/uni-a/quota", r#"{"jobs":0}"#),
        ("/v1/tenants/uni-a/quota", r#"{"items":1}"#),
        ("/v1/tenants/uni-a/retention", r#"{"days":0}"#),
        ("/v1/tenants/local/quota", "{}"),
    ] {
        assert_eq!(asked(&operator, "PUT", path, body).status, 422, "{path} {body}");
    }
    // Nothing of a job, and no tenant may do what an operator may.
    for path in ["/v1/jobs", "/v1/scores", "/v1/schedules", &format!("/v1/jobs/{job}"), "/v1/usage"] {
        assert_eq!(asked(&operator, "GET", path, "").status, 403, "{path}");
    }
    for path in ["/v1/tenants", "/v1/tenants/uni-a", "/v1/tenants/uni-b/usage"] {
        assert_eq!(asked(&admin, "GET", path, "").status, 403, "{path}");
    }
    let (_, told, _) = finish(ripieno(&data).args(["audit", "export", "uni-a"]).env_remove("RIPIENO_SERVER"));
    assert!(told.contains("set_quota") && told.contains("set_retention"), "{told}");
    // Within ten seconds this front goes by it; `until` waits for longer.
    server.until("one request a second", |server| {
        (0..4).any(|_| ask(server, &admin, "GET", "/v1/formats", "").status == 429)
    });
}
