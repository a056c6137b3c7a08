//! What was done stands in the audit: who, what, to what, from where, how it ended; and nothing that opens anything.

use super::keys::{ask, key, mcp};
use crate::http::server::Server;
use crate::support::{corpus, finish, ripieno};
use serde_json::{Value, json};
use std::cell::Cell;
use std::fs;
use std::io::Write;
use std::thread::sleep;
use std::time::Duration;

#[test]
fn what_was_done_and_refused_is_recorded_and_cannot_be_changed_unseen() {
    let home = tempfile::tempdir().unwrap();
    let (data, scores) = (home.path().join("data"), home.path().canonicalize().unwrap().join("scores"));
    corpus(&scores, 2, 20);
    let server = Server::start_with(&data, |command| {
        command.env("RIPIENO_AUTH", "keys").env("RIPIENO_SOURCES", &scores);
    });
    let (curator, viewer) = (key(&data, "uni-a", "curator", &[]), key(&data, "uni-a", "viewer", &[]));
    let body = json!({ "sources": [scores], "analyses": ["ambitus"] }).to_string();
    let job = ask(&server, &curator, "POST", "/v1/jobs", &body).json()["id"].as_str().unwrap().to_owned();
    assert_eq!(ask(&server, &curator, "GET", &format!("/v1/jobs/{job}"), "").status, 200);
    assert_eq!(ask(&server, &viewer, "POST", &format!("/v1/jobs/{job}/cancel"), "").status, 403);
    ask(&server, &curator, "POST", "/v1/jobs/job-aaaaaaaaaaaaaaaa/pause", "");
    let arguments = json!({ "name": "a.abc", "content": "X:1\nK:C\nCDEF|" });
    mcp(&server, &curator, "tools/call", json!({ "name": "scores_import", "arguments": arguments }));
    mcp(&server, &curator, "tools/call", json!({ "name": "jobs_cancel", "arguments": { "job": job } }));
    let audit = |words: &[&str]| {
        let mut command = ripieno(&data);
        finish(command.arg("audit").args(words).env_remove("RIPIENO_SERVER"))
    };
    let (code, text, errors) = audit(&["export", "uni-a"]);
    assert_eq!(code, 0, "{errors}");
    let records: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let told: Vec<(&str, &str, u64)> = records
        .iter()
        .map(|record| {
            let of = record["of"].as_str().unwrap_or_default();
            (record["operation"].as_str().unwrap(), of, record["status"].as_u64().unwrap())
        })
        .collect();
    let id = |key: &str| key.split('_').nth(2).unwrap().to_owned();
    let expected = [
        ("keys add", id(&curator), 200),
        ("keys add", id(&viewer), 200),
        ("submit_job", job.clone(), 202),
        ("cancel_job", job.clone(), 403),
        ("pause_job", "job-aaaaaaaaaaaaaaaa".to_owned(), 404),
        ("tools/call scores_import", String::new(), 200),
        ("tools/call jobs_cancel job", job.clone(), 200),
    ];
    let expected: Vec<(&str, &str, u64)> =
        expected.iter().map(|(what, of, status)| (*what, of.as_str(), *status)).collect();
    assert_eq!(told, expected);
    assert_eq!(records[3]["subject"], format!("key:{}", id(&viewer)));
    for record in &records[2..] {
        assert_eq!((&record["from"], &record["tenant"]), (&json!("127.0.0.1"), &json!("uni-a")));
        assert!(record["at_ms"].as_u64().unwrap() > 0 && !record["request"].as_str().unwrap().is_empty());
    }
    assert!(!text.contains(curator.rsplit('_').next().unwrap()));
    // Whoever goes away without an answer is recorded too, once it was let in.
    let gone = "/v1/jobs/job-bbbbbbbbbbbbbbbb/pause";
    let host = server.address;
    let request = format!("POST {gone} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {curator}\r\n\r\n");
    let patience = Cell::new(Duration::ZERO);
    server.until("it is recorded", |server| {
        let mut stream = server.connect();
        stream.write_all(request.as_bytes()).unwrap();
        sleep(patience.get());
        drop(stream);
        patience.set(patience.get() + Duration::from_millis(1));
        audit(&["export", "uni-a"]).1.contains("job-bbbbbbbbbbbbbbbb")
    });
    // Somebody else's are somebody else's.
    assert_eq!(audit(&["export", "uni-b"]).1, "");

    // Others may still come, until nobody is there.
    drop(server);
    let (code, said, _) = audit(&["verify", "uni-a"]);
    let whole = said.split_once(" records, whole").and_then(|(count, _)| count.parse::<u32>().ok());
    assert!(code == 0 && whole >= Some(8), "{said}");
    let head = said.split_whitespace().last().unwrap();
    assert_eq!(audit(&["verify", "uni-a", "--head", head]).0, 0);
    let folder = data.join("ledger/tenants/uni-a/audit");
    let mut objects: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    objects.sort();
    fs::remove_file(objects.last().unwrap()).unwrap();
    let (code, _, errors) = audit(&["verify", "uni-a", "--head", head]);
    assert!(code == 3 && errors.contains("cut off"), "{errors}");
    fs::remove_file(&objects[1]).unwrap();
    let (code, _, errors) = audit(&["verify", "uni-a"]);
    assert!(code == 3 && errors.contains("object 2 of the audit is missing"), "{errors}");
}
