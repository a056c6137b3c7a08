//! What the operator declares public is found once for all tenants; nothing else is, not even the very same bytes. And each
//! line that is logged of their work says whose it is.

use super::keys::{ask, key};
use crate::http::server::Server;
use crate::support::tune;
use serde_json::{Value, json};
use std::fs::{self, File};
use std::path::Path;

/// Items of a job that were known already.
fn cached(server: &Server, key: &str, folder: &Path) -> u64 {
    let body = json!({ "sources": [folder], "analyses": ["ambitus"] }).to_string();
    let answer = ask(server, key, "POST", "/v1/jobs", &body);
    assert_eq!(answer.status, 202, "{}", answer.text());
    let id = answer.json()["id"].as_str().unwrap().to_owned();
    loop {
        let job = ask(server, key, "GET", &format!("/v1/jobs/{id}?wait=20"), "").json();
        if job["state"] == "finished" {
            assert_eq!((&job["items"], &job["failed"]), (&json!(3), &json!(0)), "{job}");
            return job["cached"].as_u64().unwrap();
        }
    }
}

fn shares(master: Option<&str>) {
    let home = tempfile::tempdir().unwrap();
    let (data, root) = (home.path().join("data"), home.path().canonicalize().unwrap());
    let (open, shut, log) = (root.join("scores/open"), root.join("scores/shut"), root.join("log"));
    for folder in [&open, &shut] {
        fs::create_dir_all(folder).unwrap();
        for seed in 0..3 {
            fs::write(folder.join(format!("{seed}.abc")), tune(seed, 40)).unwrap();
        }
    }
    let server = Server::start_with(&data, |command| {
        command.env("RIPIENO_AUTH", "keys").env("RIPIENO_SOURCES", root.join("scores"));
        command.env("RIPIENO_PUBLIC_SOURCES", format!("s3://open-scores/, {}", open.display()));
        command.env("RIPIENO_LOG", "worker=debug").env("RIPIENO_LOG_FORMAT", "json");
        command.stderr(File::create(&log).unwrap());
        master.map(|master| command.env("RIPIENO_MASTER_KEY", master));
    });
    let made = |tenant: &str| match master {
        None => key(&data, tenant, "analyst", &[]),
        Some(master) => key_with(&data, tenant, master),
    };
    let (a, b) = (made("uni-a"), made("uni-b"));
    assert_eq!(cached(&server, &a, &open), 0);
    assert_eq!(cached(&server, &b, &open), 3, "what is public is found once");
    // The same bytes, elsewhere: nobody's but whose they are.
    assert_eq!(cached(&server, &a, &shut), 0);
    assert_eq!(cached(&server, &b, &shut), 0);
    assert_eq!((cached(&server, &a, &shut), cached(&server, &b, &open)), (3, 3));
    drop(server);
    let told = fs::read_to_string(&log).unwrap();
    let lines: Vec<Value> = told.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of_chunks = || lines.iter().filter(|line| line["fields"]["message"] == "chunk worked");
    assert_eq!(of_chunks().count(), 6, "{told}");
    for line in of_chunks() {
        let span = &line["span"];
        assert!(span["tenant"] == "uni-a" || span["tenant"] == "uni-b", "{line}");
        assert!(span["job.id"].as_str().is_some_and(|job| job.starts_with("job-")), "{line}");
    }
}

fn key_with(data: &Path, tenant: &str, master: &str) -> String {
    let mut command = crate::support::ripieno(data);
    command.args(["keys", "add", "test", "--tenant", tenant, "--role", "analyst"]);
    let (code, key, errors) =
        crate::support::finish(command.env("RIPIENO_MASTER_KEY", master).env_remove("RIPIENO_SERVER"));
    assert_eq!(code, 0, "{errors}");
    key.trim().to_owned()
}

#[test]
fn findings_are_shared_where_that_is_declared_and_nowhere_else() {
    shares(None);
}

#[test]
fn findings_of_public_corpora_are_sealed_with_keys_of_their_own() {
    shares(Some("00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"));
}
