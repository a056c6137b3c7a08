//! `ripieno tenant` against a server: what an operator gets and sets there is what it gets and sets beside the store.

use super::keys::{ask, key};
use crate::http::server::Server;
use crate::support::{corpus, finish, ripieno};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A front whose tenants are sealed, and who asks it from elsewhere.
struct Site {
    home: tempfile::TempDir,
    server: Server,
    operator: String,
    admin: String,
}

/// What a command said: its exit code, output and errors.
type Said = (i32, String, String);

fn sealed(command: &mut Command) -> &mut Command {
    command.env_remove("RIPIENO_SERVER").env("RIPIENO_MASTER_KEY", "5e".repeat(32))
}

impl Site {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let data = home.path().join("data");
        let (admin, operator) = (key(&data, "uni-a", "admin", &[]), key(&data, "site", "operator", &[]));
        let server = Server::start_with(&data, |command| {
            sealed(command).env("RIPIENO_AUTH", "keys").env("RIPIENO_SOURCES", home.path());
        });
        Site { home, server, operator, admin }
    }

    fn data(&self) -> PathBuf {
        self.home.path().join("data")
    }

    /// Beside the store.
    fn here(&self, words: &[&str]) -> Said {
        finish(sealed(ripieno(&self.data()).arg("tenant").args(words)))
    }

    /// From elsewhere, by a key, where `server` is.
    fn there(&self, server: &str, key: &str, words: &[&str]) -> Said {
        let mut command = ripieno(&self.home.path().join("elsewhere"));
        command.args(["--server", server, "tenant"]).args(words).env("RIPIENO_TOKEN", key);
        finish(command.env_remove("RIPIENO_MASTER_KEY").env("XDG_CONFIG_HOME", self.home.path()))
    }

    fn by_operator(&self, words: &[&str]) -> Said {
        self.there(&self.server.url(), &self.operator, words)
    }
}

fn worked(site: &Site) {
    let scores = site.home.path().join("scores");
    corpus(&scores, 1, 10);
    let body = json!({ "sources": [scores], "analyses": ["ambitus"] }).to_string();
    let submitted = ask(&site.server, &site.admin, "POST", "/v1/jobs", &body);
    assert_eq!(submitted.status, 202, "{}", submitted.text());
    site.server.until("the job is counted", |server| {
        ask(server, &site.admin, "GET", "/v1/usage", "").json()["total"]["jobs"] == 1
    });
}

#[test]
fn an_operator_is_told_the_same_from_elsewhere_as_beside_the_store() {
    let site = Site::new();
    worked(&site);
    for words in [
        &["quota", "uni-a"][..],
        &["quota", "uni-a", "--items-per-day", "500", "--jobs", "7"],
        &["quota", "uni-a", "--bytes-per-day", "1000000000000000"],
        &["quota", "uni-a", "--reset", "--requests-per-second", "9"],
        &["quota", "uni-a", "--reset"],
        &["quota", "nobody-yet", "--jobs", "1"],
        &["retention", "uni-a"],
        &["retention", "uni-a", "--days", "30"],
        &["retention", "uni-a", "--reset"],
        &["usage", "uni-a"],
        &["usage", "uni-a", "--json"],
        &["usage", "uni-a", "--from", "2026-01-01", "--to", "2026-01-31"],
    ] {
        let (code, told, errors) = site.by_operator(words);
        assert!(code == 0 && errors.is_empty() && !told.is_empty(), "{words:?}: {told}{errors}");
        // Setting it again changes nothing, so that both may be asked.
        assert_eq!(site.here(words), (code, told, errors), "{words:?}");
    }
    let (_, told, _) = site.by_operator(&["quota", "uni-a", "--items-per-day", "500"]);
    assert!(told.contains("items today          2 of 500, set for it"), "{told}");
    let (_, told, _) = site.by_operator(&["quota", "uni-a", "--jobs", "7"]);
    assert!(
        told.contains(" of 500, set for it") && told.contains(" of 7, set for it"),
        "what is not said stays: {told}"
    );

    let (code, listed, errors) = site.by_operator(&["list"]);
    assert!(
        code == 0 && listed.contains("nobody-yet ") && listed.contains("1 keys, the newest of "),
        "{listed}{errors}"
    );
    let (_, beside, _) = site.here(&["list"]);
    let named = |line: &&str| !["local ", "public "].iter().any(|name| line.starts_with(name));
    let beside: Vec<&str> = beside.lines().filter(named).collect();
    assert_eq!(beside, listed.lines().collect::<Vec<_>>());

    let (_, records, _) = finish(sealed(ripieno(&site.data()).args(["audit", "export", "uni-a"])));
    assert!(records.contains("set_quota") && records.contains("set_retention"), "{records}");
}

#[test]
fn what_is_refused_beside_the_store_is_refused_from_elsewhere_in_the_same_words() {
    let site = Site::new();
    for (words, said) in [
        (&["quota", "uni-a", "--jobs", "0"][..], "jobs: a quota is 1 to 1000000000000000"),
        (
            &["quota", "uni-a", "--bytes-per-day", "1000000000000001"],
            "bytes_per_day: a quota is 1 to 1000000000000000",
        ),
        (
            &["quota", "uni-a", "--reset", "--items-per-day", "18446744073709551615"],
            "items_per_day: a quota is",
        ),
        (&["quota", "uni-a", "--jobs", "-1"], "unexpected argument"),
        (&["quota", "uni-a", "--jobs", "18446744073709551616"], "invalid value"),
        (&["retention", "uni-a", "--days", "0"], "jobs are kept for 1 to 36500 days"),
        (&["retention", "uni-a", "--days", "36501"], "jobs are kept for 1 to 36500 days"),
        (&["retention", "../jobs", "--days", "3"], "a tenant is 1 to 64 of"),
        (&["usage", "Uni A"], "a tenant is 1 to 64 of"),
        (&["usage", "uni-a", "--from", "x"], "is no day"),
        (&["usage", "uni-a", "--from", "2024-01-01", "--to", "2026-01-01"], "too many"),
    ] {
        let refused = site.by_operator(words);
        assert!(refused.0 == 1 && refused.1.is_empty() && refused.2.contains(said), "{words:?}: {refused:?}");
        assert_eq!(site.here(words), refused, "{words:?}");
    }
    let (_, told, _) = site.here(&["quota", "uni-a"]);
    assert!(!told.contains("set for it"), "{told}");
}

#[test]
fn who_is_no_operator_and_what_needs_the_master_key_is_refused() {
    let site = Site::new();
    let url = site.server.url();
    for words in [
        &["list"][..],
        &["quota", "uni-a", "--jobs", "3"],
        &["retention", "uni-a", "--reset"],
        &["usage", "uni-a"],
    ] {
        let (code, told, errors) = site.there(&url, &site.admin, words);
        assert!(
            code == 3 && told.is_empty() && errors.contains("ripieno: denied: "),
            "{words:?}: {told}{errors}"
        );
        let (code, _, errors) = site.there(&url, "ripieno_site_no", words);
        assert!(code == 3 && errors.contains("denied"), "{words:?}: {errors}");
    }
    for words in [&["rekey", "uni-a"][..], &["rewrap"], &["erase", "uni-a", "--yes"], &["erase", "uni-a"]] {
        let (code, told, errors) = site.by_operator(words);
        let says = ["without --server", "RIPIENO_SERVER", "RIPIENO_STORE", "RIPIENO_MASTER_KEY"];
        assert!(
            code == 1 && told.is_empty() && says.iter().all(|word| errors.contains(word)),
            "{words:?}: {errors}"
        );
    }
    assert!(site.here(&["list"]).1.contains("uni-a"), "it is there still");
    let (code, _, errors) = site.there("http://127.0.0.1:1", &site.operator, &["list"]);
    assert!(code == 3 && errors.contains("nobody answers there"), "{errors}");
}

/// Whoever sits at the machine needs no key, and a server may have a name.
#[test]
fn a_server_that_asks_for_nothing_is_looked_after_by_its_name() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(&home.path().join("data"));
    let named = |folder: &Path| {
        std::fs::write(folder.join("servers.json"), format!("{{\"lab\": \"{}\"}}", server.url()))
    };
    let folder = home.path().join("ripieno");
    std::fs::create_dir_all(&folder).unwrap();
    named(&folder).unwrap();
    let mut command = ripieno(&home.path().join("elsewhere"));
    command.args(["tenant", "quota", "uni-a", "--jobs", "3"]).env("RIPIENO_SERVER", "lab");
    let (code, told, errors) =
        finish(command.env("XDG_CONFIG_HOME", home.path()).env_remove("RIPIENO_TOKEN"));
    assert!(code == 0 && told.contains("0 of 3, set for it"), "{told}{errors}");
}
