//! Where sources of a tenant may lie: looked at by who lists, and again by who fetches.

use super::keys::{ask, key, mcp};
use crate::http::server::Server;
use crate::support::corpus;
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::symlink;

#[test]
fn a_tenant_names_its_own_folders_and_nothing_else() {
    let home = tempfile::tempdir().unwrap();
    let root = home.path().canonicalize().unwrap();
    let data = root.join("data");
    for tenant in ["uni-a", "uni-b"] {
        corpus(&root.join("corpora").join(tenant), 2, 20);
    }
    let own = root.join("corpora/uni-a");
    symlink(root.join("corpora/uni-b/tune0001.abc"), own.join("link.abc")).unwrap();
    symlink(root.join("corpora/uni-b"), own.join("folder")).unwrap();
    let lines = [
        "tune0001.abc",
        "link.abc",
        "../uni-b/tune0001.abc",
        "../uni-b/none.abc",
        "/etc",
        "/etc/passwd",
        "https://127.0.0.1/x.abc",
        "file:///etc/passwd",
    ];
    fs::write(own.join("list.csv"), format!("url\n{}\n", lines.join("\n"))).unwrap();
    let server = Server::start_with(&data, |command| {
        command.env("RIPIENO_AUTH", "keys");
        command.env("RIPIENO_SOURCES", format!("{}/corpora/{{tenant}}", root.display()));
    });
    let key = key(&data, "uni-a", "curator", &[]);
    let submit = |source: &str| {
        let body = json!({ "sources": [source], "analyses": ["ambitus"] });
        let planned = ask(&server, &key, "POST", "/v1/plans", &body.to_string());
        let submitted = ask(&server, &key, "POST", "/v1/jobs", &body.to_string());
        assert_eq!(planned.status < 300, submitted.status < 300, "{source}: a plan reaches as far as a job");
        submitted
    };
    let there = |inside: &str| format!("{}/{inside}", root.display());
    for denied in [
        there("corpora"),
        there("corpora/uni-b"),
        there("corpora/uni-b/none"),
        there("corpora/uni-a/../uni-b"),
        there("corpora/uni-a/folder"),
        there("corpora/uni-*/*.abc"),
        there("data/ledger"),
        "/etc/passwd".to_owned(),
        "relative".to_owned(),
        "*.abc".to_owned(),
        format!("file://{}", there("corpora/uni-b")),
        "s3://bucket/x".to_owned(),
        "http://93.184.216.34/x.abc".to_owned(),
        "https://127.0.0.1:1/x.abc".to_owned(),
        "https://localhost/list.csv".to_owned(),
        "https://169.254.169.254/latest/meta-data/".to_owned(),
        "https://[::ffff:127.0.0.1]/x.abc".to_owned(),
    ] {
        let answer = submit(&denied);
        assert!(answer.status == 403, "{denied}: {} {}", answer.status, answer.text());
        let url = json!({ "name": "scores_import", "arguments": { "url": denied } });
        let imported = mcp(&server, &key, "tools/call", url);
        assert!(imported.text().contains("\"isError\":true"), "{denied}: {}", imported.text());
    }
    // A schedule lists its sources when it fires, and says then what was wrong.
    let job = json!({ "sources": [there("corpora/uni-b")], "analyses": ["ambitus"] });
    let schedule = json!({ "name": "n", "cron": "0 2 * * *", "job": job });
    assert_eq!(ask(&server, &key, "POST", "/v1/schedules", &schedule.to_string()).status, 201);
    ask(&server, &key, "POST", "/v1/schedules/n/run", "");
    server.until("its history says so", |server| {
        let history = ask(server, &key, "GET", "/v1/schedules/n/history", "").text();
        history.contains("no folder that you may name")
    });
    // What is looked at where it is fetched: links, and the lines of a manifest file.
    for (source, items, failed) in [(there("corpora/uni-a"), 4, 2), (there("corpora/uni-a/list.csv"), 8, 7)] {
        let job = submit(&source).json();
        assert_eq!(job["items"], items, "{job}");
        let path = format!("/v1/jobs/{}", job["id"].as_str().unwrap());
        let ended = ask(&server, &key, "GET", &format!("{path}?wait=30"), "").json();
        assert_eq!(ended["state"], "finished", "{ended}");
        let failures = ask(&server, &key, "GET", &format!("{path}/failures"), "").json();
        let failures: Vec<&Value> = failures["items"].as_array().unwrap().iter().collect();
        assert_eq!(failures.len(), failed, "{failures:?}");
        let denied = failures.iter().filter(|item| item.to_string().contains("denied")).count();
        // Nothing is told of what lies beyond reach, not even its size.
        let sizes: Vec<&Value> = failures
            .iter()
            .filter(|item| item.to_string().contains("denied"))
            .map(|item| &item["bytes"])
            .collect();
        assert!(sizes.iter().all(|bytes| **bytes == 0), "{failures:?}");
        assert_eq!(denied, if source.ends_with("csv") { 7 } else { 1 }, "{failures:?}");
    }
}
