//! The command line against a server: the same words, the same output, the same files.

use super::server::Server;
use crate::support::{corpus, finish, ripieno, tables};
use std::process::Command;

#[test]
fn commands_say_the_same_of_a_server_as_of_a_data_folder() {
    let home = tempfile::tempdir().unwrap();
    let (scores, data) = (home.path().join("scores"), home.path().join("data"));
    corpus(&scores, 8, 50);
    let server = Server::start(&data);
    // Its own data folder is empty: whatever it knows, it knows from the server.
    let there = |arguments: &[&str]| -> Command {
        let mut command = ripieno(&home.path().join("none"));
        command.args(["--server", &server.url()]).args(arguments);
        command
    };
    let here = |arguments: &[&str]| -> Command {
        let mut command = ripieno(&data);
        command.args(arguments).env_remove("RIPIENO_SERVER");
        command
    };
    let folder = scores.to_str().unwrap();
    let plan = finish(&mut there(&["plan", folder]));
    assert!(plan.0 == 0 && plan.1.starts_with("items     9, 0.0 MB, in 1 messages\n  abc "), "{plan:?}");
    assert_eq!(plan, finish(&mut here(&["plan", folder])));
    let (code, id, errors) = finish(&mut there(&["submit", folder, "--analyses", "key,ambitus"]));
    assert!(code == 0 && id.starts_with("job-"), "{id}{errors}");
    let id = id.trim();
    let (code, text, errors) = finish(&mut there(&["watch", id]));
    assert!(code == 2 && text.contains("finished") && text.contains("pieces    8"), "{text}{errors}");
    for words in [&["status", id][..], &["jobs"], &["errors", id], &["cancel", id], &["status"]] {
        assert_eq!(finish(&mut there(words)), finish(&mut here(words)), "{words:?}");
    }
    let (one, other) = (home.path().join("one"), home.path().join("other"));
    let formats = ["results", id, "--format", "parquet,csv,jsonl", "--out"];
    assert_eq!(finish(there(&formats).arg(&one)).0, 0);
    assert_eq!(finish(here(&formats).arg(&other)).0, 0);
    assert_eq!(tables(&one), tables(&other));

    let run = home.path().join("run");
    let (code, text, errors) = finish(
        there(&[
            "run",
            folder,
            "--analyses",
            "key,ambitus",
            "--progress",
            "json",
            "--format",
            "csv",
            "--out",
        ])
        .arg(&run),
    );
    assert_eq!(code, 2, "{text}{errors}");
    assert!(text.lines().last().unwrap().contains("\"event\":\"finished\""), "{text}");
    assert_eq!(
        std::fs::read(run.join("table.csv")).unwrap(),
        std::fs::read(other.join("table.csv")).unwrap()
    );
}

#[test]
fn what_a_server_refuses_and_a_server_that_is_away_are_told_as_ever() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(&home.path().join("data"));
    let say =
        |url: &str, arguments: &[&str]| finish(ripieno(home.path()).args(["--server", url]).args(arguments));
    for (arguments, code, said) in [
        (&["status", "job-aaaaaaaaaaaaaaaa"][..], 3, "no job job-aaaaaaaaaaaaaaaa"),
        (&["submit", "/no/such/folder"], 3, "/no/such/folder: "),
        (&["submit", "x", "--analyses", "kee"], 1, "did you mean \"key\"?"),
        (&["status"], 3, "there is no job yet"),
        (&["similar", "job-aaaaaaaaaaaaaaaa"], 3, "no job job-aaaaaaaaaaaaaaaa"),
        (&["mcp"], 1, "without --server"),
    ] {
        let (got, text, errors) = say(&server.url(), arguments);
        assert!(got == code && errors.contains(said), "{arguments:?}: {got} {text}{errors}");
    }
    let url = server.url();
    drop(server);
    let (code, _, errors) = say(&url, &["jobs"]);
    assert!(code == 3 && errors.contains("is `ripieno serve` running?"), "{errors}");
    let (code, _, errors) = say("127.0.0.1:8321", &["jobs"]);
    assert!(code == 1 && errors.contains("--server http://"), "{errors}");
}

#[test]
fn a_server_may_be_called_by_its_name() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(&home.path().join("data"));
    let folder = home.path().join("config/ripieno");
    let call = |name: &str| {
        let mut command = ripieno(home.path());
        finish(command.env("XDG_CONFIG_HOME", home.path().join("config")).args(["--server", name, "jobs"]))
    };
    let (code, _, errors) = call("lab");
    assert!(code == 1 && errors.contains("(there: none)"), "{errors}");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("servers.json"), format!("{{\"lab\": \"{}\"}}", server.url())).unwrap();
    let (code, text, errors) = call("lab");
    assert_eq!(code, 0, "{text}{errors}");
    let (code, _, errors) = call("lib");
    assert!(code == 1 && errors.contains("(there: lab)"), "{errors}");
    std::fs::write(folder.join("servers.json"), "lab").unwrap();
    let (code, _, errors) = call("lab");
    assert!(code == 1 && errors.contains("it is like"), "{errors}");
}

#[test]
fn the_doctor_says_what_is_well_and_what_to_do() {
    let home = tempfile::tempdir().unwrap();
    let doctor = |more: &[(&str, &str)]| {
        let mut command = ripieno(&home.path().join("data"));
        finish(command.arg("doctor").env_remove("RIPIENO_CALLBACK_SECRET").envs(more.iter().copied()))
    };
    let (code, text, errors) = doctor(&[]);
    assert_eq!(code, 0, "{text}{errors}");
    for name in ["limits", "files", "store", "disk", "clock", "temporary", "callbacks"] {
        assert!(text.lines().any(|line| line.split_whitespace().nth(1) == Some(name)), "{name}: {text}");
    }
    for (variable, value, said) in [
        ("RIPIENO_NOTES_MAX", "-1", "bad   limits"),
        ("RIPIENO_BROKER", "amqp://127.0.0.1:1", "bad   cluster"),
        ("RIPIENO_CALLBACK_SECRET", "secret", "bad   callbacks"),
    ] {
        let (code, text, _) = doctor(&[(variable, value)]);
        assert!(code == 3 && text.contains(said), "{variable}: {text}");
    }
    let store = format!("file://{}", home.path().join("shared").display());
    let cluster = [("RIPIENO_BROKER", "amqp://guest:guest@127.0.0.1:1"), ("RIPIENO_STORE", store.as_str())];
    let (code, text, _) = doctor(&cluster);
    assert!(code == 3 && text.contains("bad   broker") && text.contains("ok    store"), "{text}");
}

#[test]
fn shells_are_told_the_commands() {
    let home = tempfile::tempdir().unwrap();
    for shell in ["bash", "zsh", "fish"] {
        let (code, text, _) = finish(ripieno(home.path()).args(["completions", shell]));
        assert!(code == 0 && text.contains("prioritise") && text.contains("server"), "{shell}");
    }
}

#[test]
fn schedules_of_a_server_are_kept_by_the_same_commands() {
    let home = tempfile::tempdir().unwrap();
    let (scores, data) = (home.path().join("scores"), home.path().join("data"));
    corpus(&scores, 5, 50);
    let server = Server::start(&data);
    let there = |arguments: &[&str]| -> (i32, String, String) {
        let mut command = ripieno(&home.path().join("none"));
        finish(command.args(["--server", &server.url(), "schedule"]).args(arguments))
    };
    let here = |arguments: &[&str]| {
        let mut command = ripieno(&data);
        finish(command.arg("schedule").args(arguments).env_remove("RIPIENO_SERVER"))
    };
    let folder = scores.to_str().unwrap();
    let add =
        ["add", "nightly", "--cron", "0 2 * * *", "--timezone", "Europe/Vienna", "--catch-up", "all", "--"];
    let run = ["run", folder, "--analyses", "local_key,ambitus", "--set", "local_key.window=2"];
    let add = [&add[..], &run[..]].concat();
    let (code, text, errors) = there(&add);
    assert!(
        code == 0 && text.starts_with("nightly  active  \"0 2 * * *\" Europe/Vienna  next "),
        "{text}{errors}"
    );
    let (code, _, errors) = there(&add);
    assert!(code == 1 && errors.contains("there is a schedule nightly already"), "{errors}");
    let (code, text, errors) = there(&["run-now", "nightly"]);
    assert!(code == 0 && text.contains(" (asked for)  being seen to"), "{text}{errors}");
    let ended = || there(&["history", "nightly"]).1.contains("6 items, 0 from the cache, 1 failed");
    server.until("it has run", |_| ended());
    for words in [
        &["list"][..],
        &["show", "nightly"],
        &["history", "nightly"],
        &["history", "nightly", "--json", "--last", "1"],
        &["pause", "nightly"],
        &["resume", "nightly"],
        &["show", "weekly"],
    ] {
        assert_eq!(there(words), here(words), "{words:?}");
    }
    for asked in 2..4 {
        there(&["run-now", "nightly"]);
        let lines = || there(&["history", "nightly", "--json"]).1.matches("\"state\":\"job\"").count();
        server.until("it has run again", |_| lines() == asked);
    }
    // Page by page it is the same history.
    let page = server.get("/v1/schedules/nightly/history?limit=2").json();
    let cursor = page["next"].as_str().unwrap();
    let rest = server.get(&format!("/v1/schedules/nightly/history?limit=2&cursor={cursor}")).json();
    let jobs = |page: &serde_json::Value| {
        let fires = page["fires"].as_array().unwrap().iter();
        fires.map(|fire| fire["job"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let all = [jobs(&page), jobs(&rest)].concat();
    assert_eq!((all.len(), jobs(&page).len(), &rest["next"]), (3, 2, &serde_json::Value::Null));
    assert_eq!(all, jobs(&server.get("/v1/schedules/nightly/history").json()));
    let (code, _, errors) = there(&["serve"]);
    assert!(code == 1 && errors.contains("by itself"), "{errors}");
    let (code, text, _) = there(&["remove", "nightly"]);
    assert!(code == 0 && text.starts_with("nightly  removed"), "{text}");
    assert_eq!(there(&["list"]).1, "");
    assert_eq!(server.get("/v1/schedules/nightly").status, 404);
}
