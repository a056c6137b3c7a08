//! `ripieno run` and the commands around it, as a user types them.

use crate::support::{corpus, finish, ripieno, tables, tune};
use serde_json::Value;
use std::fs;
use tests::data;

#[test]
fn a_folder_becomes_a_table_and_a_second_run_computes_nothing() {
    let home = tempfile::tempdir().unwrap();
    let (store, scores) = (home.path().join("data"), home.path().join("scores"));
    corpus(&scores, 20, 100);
    let run = |out: &str| {
        let mut command = ripieno(&store);
        command.arg("run").arg(&scores).args([
            "--format",
            "parquet,csv,jsonl",
            "--progress",
            "none",
            "--out",
        ]);
        finish(command.arg(home.path().join(out)))
    };

    let (code, text, errors) = run("first");
    assert_eq!(code, 2, "the broken file makes it 2: {text}{errors}");
    assert!(text.contains("items     21, 0 from the cache") && text.contains("pieces    20"), "{text}");
    assert!(text.contains("1 malformed") && text.contains("broken.mid: "), "{text}");

    let (code, text, _) = run("second");
    assert_eq!(code, 2);
    assert!(text.contains("items     21, 21 from the cache"), "{text}");
    assert_eq!(tables(&home.path().join("first")), tables(&home.path().join("second")));
}

#[test]
fn rows_stand_in_the_order_of_the_sources_and_failures_in_their_list() {
    let home = tempfile::tempdir().unwrap();
    let (store, scores, out) =
        (home.path().join("data"), home.path().join("scores"), home.path().join("out"));
    corpus(&scores, 30, 50);
    let mut command = ripieno(&store);
    command.arg("run").arg(&scores).args(["--format", "jsonl", "--progress", "none", "--out"]).arg(&out);
    finish(&mut command);
    let table = fs::read_to_string(out.join("table.jsonl")).unwrap();
    let rows: Vec<Value> = table.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let sources: Vec<&str> = rows.iter().map(|row| row["source"].as_str().unwrap()).collect();
    assert_eq!(sources.len(), 31);
    assert!(sources.is_sorted(), "{sources:?}");
    let failed: Vec<&Value> = rows.iter().filter(|row| row["state"] == "failed").collect();
    assert_eq!(failed.len(), 1);
    assert_eq!(failed[0]["failure"]["kind"], "malformed");
    let failures = fs::read_to_string(out.join("failures.csv")).unwrap();
    assert_eq!(failures.lines().count(), 2, "{failures}");
    assert!(failures.contains("broken.mid,0,failed,malformed,"), "{failures}");
}

#[test]
fn every_fixture_of_the_project_has_its_row() {
    let home = tempfile::tempdir().unwrap();
    let out = home.path().join("out");
    let mut command = ripieno(&home.path().join("data"));
    command
        .arg("run")
        .arg(data().join("scores"))
        .args(["--format", "csv", "--progress", "none", "--out"])
        .arg(&out);
    let (code, text, errors) = finish(&mut command);
    assert!(code == 0 || code == 2, "{text}{errors}");
    assert!(!text.contains("internal"), "{text}");
}

#[test]
fn exit_codes_and_messages_say_what_was_wrong() {
    let home = tempfile::tempdir().unwrap();
    let (store, scores) = (home.path().join("data"), home.path().join("scores"));
    corpus(&scores, 3, 20);
    let out = home.path().join("out");
    let run = |arguments: &[&str]| finish(ripieno(&store).arg("run").args(arguments).arg("--out").arg(&out));
    let folder = scores.to_str().unwrap();

    for (arguments, code, said) in [
        (&["--analyses", "kee", folder][..], 1, "did you mean \"key\"?"),
        (&["--set", "ambitus.fidelity=x", folder], 1, "one of corrected, compat"),
        (&["--format", "xlsx", folder], 1, "parquet, csv, jsonl"),
        (&["--jobs", "0", folder], 1, "1..=1024"),
        (&[], 1, "FOLDER_OR_FILES"),
        (&["/no/such/folder"], 3, "/no/such/folder: "),
        (&[home.path().join("data").to_str().unwrap()], 3, "there is no score under"),
        (&["foo://bucket/x"], 3, "no object store"),
        (&[scores.join("broken.mid").to_str().unwrap()], 3, ""),
        (&[scores.join("tune0001.abc").to_str().unwrap()], 0, ""),
    ] {
        let (got, text, errors) = run(arguments);
        assert_eq!(got, code, "{arguments:?}: {text}{errors}");
        assert!(errors.contains(said) || text.contains(said), "{arguments:?}: {text}{errors}");
    }
}

#[test]
fn the_commands_around_a_run_speak_of_its_job() {
    let home = tempfile::tempdir().unwrap();
    let (store, scores, out) =
        (home.path().join("data"), home.path().join("scores"), home.path().join("out"));
    corpus(&scores, 5, 20);
    let (_, events, _) =
        finish(ripieno(&store).arg("run").arg(&scores).args(["--progress", "json", "--out"]).arg(&out));
    let events: Vec<Value> = events.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let names: Vec<&str> = events.iter().map(|event| event["event"].as_str().unwrap()).collect();
    assert_eq!(names.first(), Some(&"accepted"));
    assert_eq!(names.last(), Some(&"finished"));
    assert!(names.contains(&"progress"), "{names:?}");
    let done = events.iter().rfind(|event| event["event"] == "progress").unwrap();
    assert_eq!((done["done"].as_u64(), done["items"].as_u64()), (Some(6), Some(6)));
    let job = events[0]["job"].as_str().unwrap();

    let say = |arguments: &[&str]| finish(ripieno(&store).args(arguments));
    let (code, text, _) = say(&["status"]);
    assert!(code == 0 && text.contains(job) && text.contains("finished"), "{text}");
    let (_, text, _) = say(&["jobs"]);
    assert!(text.contains(job) && text.contains("6/6 items  1 failed"), "{text}");
    let (_, text, _) = say(&["errors", job]);
    assert!(text.lines().count() == 1 && text.contains("broken.mid: failed: malformed: "), "{text}");
    let again = home.path().join("again");
    let (code, _, _) = say(&["results", job, "--format", "parquet,csv", "--out", again.to_str().unwrap()]);
    assert_eq!(code, 0);
    assert_eq!(tables(&out), tables(&again));
    let (code, _, errors) = say(&["errors", "job-aaaaaaaaaaaaaaaa"]);
    assert!(code == 3 && errors.contains("no job job-aaaaaaaaaaaaaaaa"), "{errors}");
    let (code, _, errors) = say(&["status", "7"]);
    assert!(code == 1 && errors.contains("a job is like job-"), "{errors}");
    let (code, text, _) = say(&["cancel", job]);
    assert!(code == 0 && text.contains("finished"), "a finished job stays finished: {text}");
}

#[test]
fn strict_turns_a_damaged_score_into_a_failure() {
    let home = tempfile::tempdir().unwrap();
    let whole = fs::read(data().join("scores/midi/format-1-changes.mid")).unwrap();
    let path = home.path().join("cut.mid");
    fs::write(&path, &whole[..whole.len() - 40]).unwrap();
    let run = |extra: &[&str]| {
        let mut command = ripieno(&home.path().join("data"));
        command.arg("run").arg(&path).args(["--format", "csv", "--out"]).arg(home.path().join("out"));
        finish(command.args(extra))
    };
    let (code, text, _) = run(&[]);
    assert!(
        code == 0 && text.contains("1, 1 degraded") || text.contains("pieces    1, 1 degraded"),
        "{text}"
    );
    let (code, text, _) = run(&["--strict"]);
    assert!(code == 3 && text.contains("1 malformed"), "{text}");
}

#[test]
fn a_tunebook_of_many_parts_is_one_item_and_comes_whole_from_the_cache() {
    let home = tempfile::tempdir().unwrap();
    let book: String = (1..=700).map(|seed| tune(seed, 20) + "\n").collect();
    let path = home.path().join("book.abc");
    fs::write(&path, book).unwrap();
    let run = |store: &str, analyses: &str, out: &str| {
        let mut command = ripieno(&home.path().join(store));
        command.arg("run").arg(&path).args([
            "--analyses",
            analyses,
            "--format",
            "jsonl",
            "--progress",
            "none",
        ]);
        let (code, text, errors) = finish(command.arg("--out").arg(home.path().join(out)));
        assert_eq!(code, 0, "{text}{errors}");
        text
    };
    let text = run("data", "ambitus", "one");
    assert!(text.contains("items     1, 0 from the cache") && text.contains("pieces    700"), "{text}");
    assert!(run("data", "ambitus", "one-again").contains("1, 1 from the cache"));
    assert!(run("data", "ambitus,key", "two").contains("1, 0 from the cache"));
    assert!(run("data", "key", "other").contains("1, 1 from the cache"), "what was known is kept beside it");
    run("fresh", "ambitus,key", "two-fresh");
    let files = |out: &str| tables(&home.path().join(out));
    assert_eq!(files("one"), files("one-again"));
    assert_eq!(files("two"), files("two-fresh"));
}

#[test]
fn how_midi_files_are_read_is_asked_for_recorded_and_kept_apart_in_the_cache() {
    let home = tempfile::tempdir().unwrap();
    let fixture = data().join("scores/midi/format-0-two-channels.mid");
    let run = |out: &str, options: &[&str]| {
        let mut command = ripieno(&home.path().join("data"));
        command.arg("run").arg(&fixture).args([
            "--analyses",
            "summary",
            "--format",
            "jsonl",
            "--progress",
            "none",
        ]);
        let (code, text, errors) = finish(command.args(options).arg("--out").arg(home.path().join(out)));
        assert_eq!(code, 0, "{text}{errors}");
        let table = fs::read_to_string(home.path().join(out).join("table.jsonl")).unwrap();
        let row: Value = serde_json::from_str(table.lines().next().unwrap()).unwrap();
        (row["findings"]["summary"]["parts"].as_u64().unwrap(), row["warnings"].to_string())
    };
    assert_eq!(run("default", &[]), (2, "[]".to_owned()));
    let (parts, warnings) = run("asked", &["--midi-parts", "track", "--midi-grid", "4,3"]);
    assert!(
        parts == 1 && warnings.contains("by track") && warnings.contains("1/4 and 1/3"),
        "{parts} {warnings}"
    );
    assert_eq!(run("default", &[]), (2, "[]".to_owned()), "the cache knows both readings");

    for (option, value, teaching) in
        [("--midi-grid", "17", "such as 4,3"), ("--midi-parts", "voice", "track-channel")]
    {
        let mut command = ripieno(&home.path().join("data"));
        let (code, _, errors) = finish(command.arg("run").arg(&fixture).args([option, value]));
        assert!(code == 1 && errors.contains(teaching), "{code} {errors}");
    }
}
