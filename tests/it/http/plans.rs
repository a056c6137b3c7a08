//! A plan says what a job would cost: what of it is known, what stands before it, who would do it.

use super::server::Server;
use crate::support::{Cluster, broker, corpus, tune};
use serde_json::{Value, json};
use std::fs;

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("no number: {value}"))
}

#[test]
fn a_server_that_works_itself_says_what_its_cache_has() {
    let home = tempfile::tempdir().unwrap();
    let scores = home.path().join("scores");
    corpus(&scores, 5, 40);
    let server = Server::start(&home.path().join("data"));
    let body = json!({ "sources": [scores], "analyses": ["ambitus", "key"] });
    let plan = |body: &Value| server.post("/v1/plans", body).json();
    let first = plan(&body);
    assert_eq!((&first["cached"]["items"], &first["cached"]["by"]), (&json!(0), &json!("cache")), "{first}");
    assert_eq!(first["cached"]["looked_at"], 6, "{first}");
    assert_eq!(first["workers"], Value::Null, "{first}");
    assert!(number(&first["cores"]) >= 1.0 && number(&first["finish_seconds"]) > 0.0, "{first}");
    assert_eq!(server.get("/v1/jobs").json()["jobs"], json!([]), "nothing is submitted");

    server.wait(&server.submit(&scores, &["ambitus", "key"]));
    let again = plan(&body);
    assert_eq!(again["cached"]["items"], 6, "what is broken is known too: {again}");
    assert!(number(&again["cpu_seconds_left"]) < number(&first["cpu_seconds_left"]), "{again}");
    assert!(number(&again["finish_seconds"]) <= number(&again["finish_seconds_max"]), "{again}");
    fs::write(scores.join("tune0001.abc"), tune(77, 40)).unwrap();
    assert_eq!(plan(&body)["cached"]["items"], 5, "other bytes are not known");
    let other = json!({ "sources": [scores], "analyses": ["ambitus", "npvi"] });
    assert_eq!(plan(&other)["cached"]["items"], 0, "another analysis was never asked");
    let fewer = json!({ "sources": [scores], "analyses": ["key"] });
    assert_eq!(plan(&fewer)["cached"]["items"], 5, "each analysis is known by itself");
}

#[test]
fn a_front_of_a_cluster_says_what_an_earlier_job_has_and_who_is_there() {
    let Some(uri) = broker() else {
        println!("skipped: no broker (tests/run starts one)");
        return;
    };
    let home = tempfile::tempdir().unwrap();
    let scores = home.path().join("scores");
    corpus(&scores, 5, 40);
    let cluster = Cluster::new(&uri, home.path(), "plans");
    let front = cluster.front();
    let body = json!({ "sources": [scores], "analyses": ["ambitus"] });
    let plan = || front.post("/v1/plans", &body).json();
    let alone = plan();
    assert_eq!((&alone["workers"], &alone["cores"]), (&json!(0), &Value::Null), "{alone}");
    assert_eq!((&alone["finish_seconds"], &alone["finish_at"]), (&Value::Null, &Value::Null), "{alone}");
    assert!(alone["worked_by"].as_str().unwrap().contains("no worker is up"), "{alone}");
    assert_eq!(alone["cached"]["by"], "nothing", "{alone}");
    assert_eq!(alone["ahead"]["jobs"], 0, "{alone}");

    let job = front.submit(&scores, &["ambitus"]);
    let behind = plan();
    assert_eq!(behind["ahead"]["jobs"], 1, "{behind}");
    assert!(number(&behind["ahead"]["cpu_seconds"]) > 0.0, "{behind}");
    let urgent = json!({ "sources": [scores], "analyses": ["ambitus"], "lane": "interactive" });
    assert_eq!(front.post("/v1/plans", &urgent).json()["ahead"]["jobs"], 0, "bulk does not go before it");

    let _worker = cluster.worker();
    front.until("a worker takes from the lane", |_| plan()["workers"] == 1);
    front.wait(&job);
    // As one leaves it that ended the job and died before taking it out of the index of active ones.
    fs::write(home.path().join("store/active/local").join(&job), "").unwrap();
    let known = plan();
    assert_eq!((&known["cores"], &known["ahead"]["jobs"]), (&json!(1), &json!(0)), "{known}");
    assert_eq!((&known["cached"]["by"], &known["cached"]["job"]), (&json!("earlier_job"), &json!(job)));
    assert_eq!((&known["cached"]["items"], &known["cached"]["looked_at"]), (&json!(6), &json!(6)), "{known}");
    assert!(number(&known["finish_seconds"]) < number(&known["finish_seconds_max"]), "{known}");
    fs::write(scores.join("tune0001.abc"), tune(77, 39)).unwrap();
    fs::write(scores.join("new.abc"), tune(78, 40)).unwrap();
    let changed = plan();
    assert_eq!((&changed["items"], &changed["cached"]["items"]), (&json!(7), &json!(5)), "{changed}");
    let other = json!({ "sources": [scores], "analyses": ["key"] });
    assert_eq!(front.post("/v1/plans", &other).json()["cached"]["by"], "nothing");
}
