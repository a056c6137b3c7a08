//! Jobs over REST, from their submission to their table.

use super::server::Server;
use crate::support::{corpus, finish, ripieno};
use serde_json::json;
use std::fs;

const FEW: [&str; 2] = ["ambitus", "key"];

#[test]
fn a_job_is_submitted_watched_paged_and_downloaded() {
    let home = tempfile::tempdir().unwrap();
    let scores = home.path().join("scores");
    corpus(&scores, 12, 60);
    let server = Server::start(&home.path().join("data"));
    let id = server.submit(&scores, &FEW);
    let job = server.wait(&id);
    assert_eq!((job["items"].as_u64(), job["failed"].as_u64()), (Some(13), Some(1)), "{job}");

    // Items in pages, each once.
    let (mut names, mut query) = (Vec::new(), "?limit=5".to_owned());
    loop {
        let page = server.get(&format!("/v1/jobs/{id}/items{query}")).json();
        let items = page["items"].as_array().unwrap();
        names.extend(items.iter().map(|item| item["name"].as_str().unwrap().to_owned()));
        let Some(next) = page["next"].as_str() else { break };
        query = format!("?limit=5&cursor={next}");
    }
    assert!(names.len() == 13 && names.is_sorted(), "{names:?}");
    let failures = server.get(&format!("/v1/jobs/{id}/failures")).json();
    assert_eq!(failures["items"].as_array().unwrap().len(), 1);
    assert_eq!(failures["items"][0]["failure"]["kind"], "malformed");

    // The same bytes as the command line writes.
    let out = home.path().join("out");
    let mut command = ripieno(&home.path().join("data"));
    finish(command.args(["results", &id, "--format", "parquet,csv,jsonl", "--out"]).arg(&out));
    for (format, file) in [
        ("parquet", "table.parquet"),
        ("csv", "table.csv"),
        ("jsonl", "table.jsonl"),
        ("failures", "failures.csv"),
    ] {
        let path = format!("/v1/jobs/{id}/results?format={format}");
        let (whole, expected) = (server.get(&path), fs::read(out.join(file)).unwrap());
        assert!(whole.status == 200 && whole.body == expected, "{format}: {}", whole.status);
        let tag = whole.header("etag").to_owned();
        assert_eq!(server.ask("GET", &path, &[("If-None-Match", &tag)], "").status, 304);
        let part = server.ask("GET", &path, &[("Range", "bytes=4-9"), ("If-Range", &tag)], "");
        assert_eq!((part.status, &part.body[..]), (206, &expected[4..10]));
        assert_eq!(part.header("content-range"), format!("bytes 4-9/{}", expected.len()));
        let other = server.ask("GET", &path, &[("Range", "bytes=4-9"), ("If-Range", "\"other\"")], "");
        assert_eq!(other.body, expected);
        assert_eq!(server.ask("GET", &path, &[("Range", "bytes=99999999-")], "").status, 416);
    }

    // Listed, and gone on with from the list.
    let second = server.submit(&scores, &FEW);
    server.wait(&second);
    let first = server.get("/v1/jobs?limit=1").json();
    assert_eq!(first["jobs"][0]["id"], json!(second));
    let next = server.get(&format!("/v1/jobs?limit=1&cursor={}", first["next"].as_str().unwrap())).json();
    assert_eq!((&next["jobs"][0]["id"], &next["next"]), (&json!(id), &json!(null)));
    // What failed is tried again as a job of its own.
    let again = server.post(&format!("/v1/jobs/{id}/retry"), &json!({})).json();
    assert_eq!((&again["items"], &again["retries"]), (&json!(1), &json!(id)));
}

#[test]
fn a_key_is_one_job_however_often_it_is_asked_for() {
    let home = tempfile::tempdir().unwrap();
    let scores = home.path().join("scores");
    corpus(&scores, 6, 40);
    let (one, other) = (Server::start(&home.path().join("data")), Server::start(&home.path().join("data")));
    let body = json!({ "sources": [scores], "analyses": FEW });
    let key = [("Idempotency-Key", "night-1")];
    let answers: Vec<_> = std::thread::scope(|scope| {
        let ask = |index: usize| {
            let server = if index.is_multiple_of(2) { &one } else { &other };
            scope.spawn(|| server.post_with("/v1/jobs", &key, &body))
        };
        let asked: Vec<_> = (0..20).map(ask).collect();
        asked.into_iter().map(|answer| answer.join().unwrap()).collect()
    });
    let ids: std::collections::BTreeSet<String> = answers
        .iter()
        .map(|answer| answer.json()["id"].as_str().unwrap_or_else(|| panic!("{answer:?}")).to_owned())
        .collect();
    assert_eq!(ids.len(), 1, "{ids:?}");
    assert_eq!(one.get("/v1/jobs").json()["jobs"].as_array().unwrap().len(), 1);
    let else_ = json!({ "sources": [scores], "analyses": ["ambitus"] });
    let refused = one.post_with("/v1/jobs", &key, &else_);
    assert!(refused.status == 422 && refused.text().contains("new key"), "{}", refused.text());
    // Files that changed since do not make it another job.
    fs::write(scores.join("tune9999.abc"), "X:1\nK:C\nCDEF|\n").unwrap();
    let repeated = one.post_with("/v1/jobs", &key, &body);
    assert_eq!((repeated.status, repeated.json()["id"].as_str()), (200, ids.first().map(String::as_str)));
    for bad in ["", &"x".repeat(129)] {
        assert_eq!(one.post_with("/v1/jobs", &[("Idempotency-Key", bad)], &body).status, 400, "{bad}");
    }
}

#[test]
fn a_job_is_told_by_events_and_an_etag_until_it_has_ended() {
    let home = tempfile::tempdir().unwrap();
    let scores = home.path().join("scores");
    corpus(&scores, 40, 300);
    let server = Server::start(&home.path().join("data"));
    let id = server.submit(&scores, &FEW);
    let path = format!("/v1/jobs/{id}/events");
    let stream = server.get(&path).text();
    let events: Vec<&str> = stream.lines().filter_map(|line| line.strip_prefix("event: ")).collect();
    assert_eq!(events.iter().filter(|event| **event == "ended").count(), 1, "{stream}");
    assert_eq!(events.last(), Some(&"ended"));
    let last = stream.lines().filter_map(|line| line.strip_prefix("id: ")).next_back().unwrap();
    let data = stream.lines().filter_map(|line| line.strip_prefix("data: ")).next_back().unwrap();
    assert_eq!(serde_json::from_str::<serde_json::Value>(data).unwrap()["state"], "finished");
    assert_eq!(server.ask("GET", &path, &[("Last-Event-ID", last)], "").status, 204);
    let again = server.ask("GET", &path, &[("Last-Event-ID", "of before")], "").text();
    assert!(again.contains("event: ended"), "{again}");

    let seen = server.get(&format!("/v1/jobs/{id}"));
    let tag = seen.header("etag").to_owned();
    // It has ended: nothing will come, and nobody is kept waiting for it.
    let same = server.ask("GET", &format!("/v1/jobs/{id}?wait=30"), &[("If-None-Match", &tag)], "");
    assert_eq!((same.status, same.body.len()), (304, 0));
    let wait = server.get(&format!("/v1/jobs/{id}?wait=61"));
    assert!(wait.status == 422 && wait.text().contains("wait_seconds_max = 60"), "{}", wait.text());
}

#[test]
fn a_job_is_paused_moved_resumed_and_cancelled() {
    let home = tempfile::tempdir().unwrap();
    let scores = home.path().join("scores");
    corpus(&scores, 2_500, 900);
    let server = Server::start(&home.path().join("data"));
    let id = server.submit(&scores, &["patterns", "key"]);
    let change = |what: &str, body| server.post(&format!("/v1/jobs/{id}/{what}"), &body);
    assert_eq!(change("pause", json!({})).json()["state"], "paused");
    assert_eq!(server.get(&format!("/v1/jobs/{id}")).json()["state"], "paused");
    assert_eq!(change("prioritise", json!({ "lane": "interactive" })).status, 200);
    assert_eq!(change("prioritise", json!({ "lane": "suspect" })).status, 422);
    assert_eq!(change("resume", json!({})).json()["state"], "active");
    // Of a running job the table is there as far as it goes.
    let table = server.get(&format!("/v1/jobs/{id}/results?format=csv"));
    assert!(table.status == 200 && table.text().starts_with("source,piece,state"), "{}", table.text());
    assert_eq!(change("cancel", json!({})).json()["state"], "cancelled");
    assert_eq!(change("pause", json!({})).status, 409);
    assert_eq!(server.wait(&id)["state"], "cancelled");
}

#[test]
fn a_plan_says_what_it_would_cost_and_submits_nothing() {
    let home = tempfile::tempdir().unwrap();
    let scores = home.path().join("scores");
    corpus(&scores, 5, 40);
    let server = Server::start(&home.path().join("data"));
    let plan = server.post("/v1/plans", &json!({ "sources": [scores] })).json();
    assert_eq!((&plan["items"], &plan["formats"]["abc"]["items"]), (&json!(6), &json!(5)), "{plan}");
    assert!(plan["cpu_seconds"].as_f64().unwrap() > 0.0 && plan["basis"].as_str().unwrap().contains("MB/s"));
    assert_eq!(server.get("/v1/jobs").json()["jobs"], json!([]));
    assert_eq!(server.get("/v1/formats").json().as_array().unwrap().len(), 4);
    let analyses = server.get("/v1/analyses").json();
    assert_eq!(analyses.as_array().unwrap().len(), worker::analyse::ANALYSES.len());
    assert_eq!(server.get("/v1/analyses/key").json()["name"], "key");
}
