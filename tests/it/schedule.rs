//! Schedules: each time fires once, whoever looks and whatever is killed, and the history says what had changed.

use crate::support::{Queues, broker, corpus, finish, program, ripieno, tables, tune};
use shared::schedule::FireTime;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How late in the day it is fired, in milliseconds: at two.
const FIRED_AT_MS: u64 = 120 * 60_000;

/// Days since 1970, so many from the last one of which that time is over.
fn days(number: u64) -> u64 {
    (shared::clock::now_ms() - FIRED_AT_MS) / 86_400_000 + number
}

/// A day to come: whatever the clock says, a schedule of before has not fired then.
fn day(number: u64) -> String {
    let days = days(number);
    // Civil from days (Hinnant 2013).
    let (z, era) = (days + 719_468, (days + 719_468) / 146_097);
    let doe = z - era * 146_097;
    let yoe = (doe - doe / 1_460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    let year = yoe + era * 400 + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{:02}", doy - (153 * mp + 2) / 5 + 1)
}

fn schedule(home: &Path) -> Command {
    let mut command = ripieno(&home.join("data"));
    command.arg("schedule");
    command
}

fn add(home: &Path, more: &[&str]) {
    let mut command = schedule(home);
    command.args(["add", "nightly", "--cron", "0 2 * * *", "--timezone", "UTC"]).args(more);
    command.args(["--", "run"]).arg(home.join("scores")).args(["--analyses", "ambitus,pitches"]);
    let (code, text, errors) = finish(&mut command);
    assert_eq!(code, 0, "{text}{errors}");
    assert!(text.starts_with("nightly  active  \"0 2 * * *\" UTC  next "), "{text}");
}

fn tick(home: &Path, number: u64) -> Command {
    let mut command = schedule(home);
    command.args(["tick", "--at", &format!("{}T02:05:00Z", day(number))]);
    command
}

fn look(home: &Path, number: u64) -> String {
    let (code, text, errors) = finish(&mut tick(home, number));
    assert_eq!(code, 0, "{text}{errors}");
    text
}

fn history(home: &Path) -> Vec<serde_json::Value> {
    let (code, text, errors) = finish(schedule(home).args(["history", "nightly", "--json", "--last", "100"]));
    assert_eq!(code, 0, "{errors}");
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn jobs(home: &Path) -> usize {
    finish(ripieno(&home.join("data")).arg("jobs")).1.lines().count()
}

fn paths(past: &serde_json::Value, kind: &str) -> Vec<String> {
    let first = past["changes"][kind]["first"].as_array().unwrap_or_else(|| panic!("{past}"));
    let file = |path: &serde_json::Value| {
        Path::new(path.as_str().unwrap()).file_name().unwrap().to_string_lossy().into_owned()
    };
    assert_eq!(past["changes"][kind]["count"], first.len());
    first.iter().map(file).collect()
}

fn scores(home: &Path, names: impl Iterator<Item = u64>) {
    fs::create_dir_all(home.join("scores")).unwrap();
    for seed in names {
        fs::write(home.join(format!("scores/{seed:04}.abc")), tune(seed, 100)).unwrap();
    }
}

#[test]
fn each_night_works_what_is_new_or_changed_and_says_so() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    scores(home, 0..20);
    fs::write(home.join("scores/bad.mid"), b"MThd\0\0").unwrap();
    add(home, &[]);
    assert_eq!(look(home, 0), "", "nothing is due before its time");
    assert_eq!(look(home, 1).split_whitespace().next(), Some("nightly"));
    assert_eq!(look(home, 1), "", "once");

    // By the second night one came, one changed, one went, one is broken, one mended.
    scores(home, 20..21);
    fs::write(home.join("scores/0003.abc"), tune(300, 120)).unwrap();
    fs::remove_file(home.join("scores/0005.abc")).unwrap();
    fs::write(home.join("scores/0007.abc"), "X:1\nK:C\n").unwrap();
    fs::write(home.join("scores/0007.mid"), b"MThd\0\0").unwrap();
    fs::remove_file(home.join("scores/0007.abc")).unwrap();
    fs::write(home.join("scores/bad.mid"), fs::read(good_midi()).unwrap()).unwrap();
    look(home, 2);

    let told = history(home);
    assert_eq!(told.len(), 2, "{told:?}");
    let (second, first) = (&told[0], &told[1]);
    assert_eq!(second["at"], format!("{}T02:00:00Z", day(2)));
    assert_eq!((paths(first, "new").len(), paths(first, "failed_now")), (21, vec!["bad.mid".to_owned()]));
    assert_eq!(paths(second, "new"), ["0007.mid", "0020.abc"]);
    assert_eq!(paths(second, "changed"), ["0003.abc", "bad.mid"]);
    assert_eq!(paths(second, "gone"), ["0005.abc", "0007.abc"]);
    assert_eq!(paths(second, "failed_now"), ["0007.mid"]);
    assert_eq!(paths(second, "failed_no_more"), ["bad.mid"]);
    assert_eq!(second["before"], first["job"]);
    assert_eq!(second["changes"]["items"], 21);
    assert!(second["changes"]["cached"].as_u64().unwrap() >= 17, "what is as before is not worked: {second}");
    let (code, _, errors) = finish(
        ripieno(&home.join("data"))
            .args(["results", second["job"].as_str().unwrap(), "--out"])
            .arg(home.join("out")),
    );
    assert_eq!(code, 0, "the history names the job: {errors}");
}

/// Workers that come when there is work have empty caches.
#[test]
fn a_night_on_an_empty_cache_takes_what_is_as_it_was_from_the_night_before() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    scores(home, 10..310);
    // A tunebook, one that is broken, and what is no score.
    let book: String = (1..600).map(|number| tune(number, 20)).collect();
    fs::write(home.join("scores/0100.abc"), book).unwrap();
    fs::write(home.join("scores/0200.abc"), "X:1\nK:C\nCDEF|\nX:2\nL:1/0\nK:C\nC\n").unwrap();
    fs::write(home.join("scores/bad.mid"), b"MThd\0\0").unwrap();
    add(home, &[]);
    let night = |number, limit: Option<&str>| {
        // There is none in the first night.
        let _ = fs::remove_dir_all(home.join("data/cache"));
        let mut command = tick(home, number);
        limit.map(|notes| command.env("RIPIENO_NOTES_MAX", notes));
        let (code, text, errors) = finish(&mut command);
        assert_eq!(code, 0, "{text}{errors}");
        let past = history(home).remove(0);
        let (items, cached) = (past["changes"]["items"].as_u64(), past["changes"]["cached"].as_u64());
        let out = home.join(format!("night-{number}"));
        let mut results = ripieno(&home.join("data"));
        results
            .args(["results", past["job"].as_str().unwrap(), "--format", "jsonl,parquet", "--out"])
            .arg(&out);
        assert_eq!(finish(&mut results).0, 0);
        (items.unwrap(), cached.unwrap(), tables(&out))
    };
    let (items, cached, first) = night(1, None);
    assert_eq!((items, cached), (301, 0));
    let (items, cached, second) = night(2, None);
    assert_eq!((items, cached), (301, 301));
    assert!(first == second, "the same table");

    // The borders between chunks lie elsewhere now.
    scores(home, 0..3);
    fs::write(home.join("scores/0103.abc"), tune(301, 120)).unwrap();
    fs::remove_file(home.join("scores/0105.abc")).unwrap();
    // One was only touched.
    let touched = fs::read(home.join("scores/0104.abc")).unwrap();
    fs::write(home.join("scores/0104.abc"), touched).unwrap();
    let (items, cached, third) = night(3, None);
    assert_eq!((items, cached), (303, 299));
    let fresh = home.join("fresh");
    let mut run = ripieno(&home.join("other-data"));
    run.arg("run").arg(home.join("scores")).args(["--analyses", "ambitus,pitches", "--progress", "none"]);
    assert_eq!(finish(run.args(["--format", "jsonl,parquet", "--out"]).arg(&fresh)).0, 2);
    assert!(third == tables(&fresh), "the table of a run that knows nothing of before");

    // Rows that other limits made may be others, and so for as long as they are not made anew.
    assert_eq!(night(4, Some("999999")).1, 0);
    assert_eq!(night(5, None).1, 0);
    assert_eq!(night(6, None).1, 303);
}

fn good_midi() -> PathBuf {
    let all = tests::files_under(&tests::data().join("scores"));
    all.into_iter().find(|path| path.extension().is_some_and(|kind| kind == "mid")).expect("a MIDI file")
}

#[test]
fn many_processes_that_look_at_once_fire_once() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    scores(home, 0..30);
    add(home, &[]);
    for night in 1..=3 {
        let looking: Vec<_> = (0..6)
            .map(|_| tick(home, night).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap())
            .collect();
        let mut accepted = 0;
        for process in looking {
            let output = process.wait_with_output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            accepted += String::from_utf8_lossy(&output.stdout).lines().count();
        }
        assert!(accepted >= 1, "somebody says that the job was accepted");
        assert_eq!(jobs(home), usize::try_from(night).unwrap(), "one job a night");
    }
    let told = history(home);
    assert_eq!(told.len(), 3);
    assert!(told.iter().all(|past| past["state"] == "job" && past["changes"]["items"] == 30), "{told:?}");
}

/// How far a night is, by what lies in the ledger.
fn stage(home: &Path, night: u64) -> &'static str {
    let ledger = home.join("data/ledger/tenants/local");
    let time = format!("{:015}", days(night) * 86_400_000 + 7_200_000);
    let fire = ledger.join(format!("schedules/nightly/fires/{:06}/{time}", days(night)));
    let jobs = fs::read_dir(ledger.join("jobs")).map(|jobs| {
        jobs.filter(|job| job.as_ref().is_ok_and(|job| job.path().join("record").exists())).count() as u64
    });
    match () {
        () if fire.join("changes").exists() => "ended",
        () if jobs.is_ok_and(|jobs| jobs == night) => "accepted",
        () if fire.join("fired").exists() => "decided",
        () if fire.join("claims/0000000000").exists() => "claimed",
        () if ledger.join("schedules/nightly/open").join(time).exists() => "opened",
        () => "nothing",
    }
}

/// Killed at one write of the ledger or another, until it was killed between all that matter: the next look completes what
/// was begun.
#[test]
fn killed_at_any_write_the_next_look_completes_it() {
    const CALLS: &str = "trace=link,linkat";
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    scores(home, 0..3);
    add(home, &[]);
    let mut seen = BTreeSet::new();
    let mut night = 0;
    while !["opened", "claimed", "decided", "accepted"].iter().all(|stage| seen.contains(stage)) {
        night += 1;
        assert!(night < 150, "it was killed at {seen:?} only");
        // The threads of the process write by turns, and each counts its own writes.
        let mut command = Command::new("strace");
        command.args(["-f", "-qq", "-o", "/dev/null", "-e", CALLS, "-e"]);
        command.arg(format!("inject=link,linkat:signal=KILL:when={}", 1 + night % 8)).arg(program());
        command.arg("--data").arg(home.join("data")).env_remove("RIPIENO_BROKER").env_remove("RIPIENO_STORE");
        command.args(["schedule", "tick", "--at", &format!("{}T02:05:00Z", day(night))]);
        finish(&mut command);
        seen.insert(stage(home, night));
        // Whoever looks next is not kept waiting for one that is gone.
        let (code, text, errors) = finish(tick(home, night).env("RIPIENO_FIRE_SECONDS_MAX", "1"));
        assert_eq!(code, 0, "{text}{errors}");
        assert_eq!(stage(home, night), "ended", "after {seen:?}");
        assert_eq!(jobs(home) as u64, night, "one job a night");
    }
    let told = history(home);
    assert_eq!(told.len() as u64, night.min(100));
    for past in &told {
        assert_eq!((&past["state"], &past["changes"]["items"]), (&"job".into(), &3.into()), "{past}");
    }
    let mut open = tests::files_under(&home.join("data/ledger/tenants/local/schedules/nightly/open"));
    // What was being written when it was killed is no object.
    open.retain(|path| !path.to_string_lossy().contains('#'));
    assert!(open.is_empty(), "{open:?}");
}

#[test]
fn missed_nights_are_made_up_for_as_the_policy_says() {
    for (policy, expected) in [("one", 1), ("none", 0), ("all", 4)] {
        let home = tempfile::tempdir().unwrap();
        let home = home.path();
        scores(home, 0..2);
        add(home, &["--catch-up", policy]);
        // Nobody was there for three nights, and half a day.
        for _ in 0..6 {
            let mut command = schedule(home);
            command.args(["tick", "--at", &format!("{}T14:00:00Z", day(4))]);
            assert_eq!(finish(&mut command).0, 0);
        }
        let told = history(home);
        assert_eq!((told.len(), jobs(home)), (expected, expected), "{policy}: {told:?}");
        if let Some(last) = told.first() {
            assert_eq!(last["at"], format!("{}T02:00:00Z", day(4)));
        }
    }
}

#[test]
fn a_schedule_is_paused_resumed_asked_and_removed() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    scores(home, 0..2);
    add(home, &[]);
    let run = |arguments: &[&str]| finish(schedule(home).args(arguments));
    assert!(run(&["pause", "nightly"]).1.starts_with("nightly  paused"));
    assert_eq!(look(home, 1), "", "a paused one does not fire");
    let (code, asked, errors) = run(&["run-now", "nightly"]);
    assert_eq!((code, asked.lines().count()), (0, 1), "{asked}{errors}");
    assert!(run(&["resume", "nightly"]).1.starts_with("nightly  active"));
    assert!(run(&["show", "nightly"]).1.contains("analyses  ambitus,pitches"));
    let told = history(home);
    assert_eq!((told.len(), &told[0]["asked"]), (1, &true.into()));
    assert_eq!(run(&["remove", "nightly"]).0, 0);
    assert_eq!(run(&["list"]).1, "");
    assert_eq!(look(home, 1), "", "a removed one does not fire");
    assert_eq!(history(home).len(), 1, "its history stays");
    add(home, &[]);
    assert_eq!(run(&["list"]).1.lines().count(), 1);
}

#[test]
fn a_run_that_has_not_ended_keeps_the_next_one_from_beginning() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    corpus(&home.join("scores"), 1_500, 900);
    add(home, &[]);
    let mut looking = tick(home, 1).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let until = Instant::now() + Duration::from_secs(60);
    while jobs(home) == 0 {
        assert!(Instant::now() < until, "no job was accepted in time");
    }
    looking.kill().unwrap();
    looking.wait().unwrap();
    let (_, text, _) = finish(ripieno(&home.join("data")).arg("jobs"));
    assert!(text.contains("active"), "{text}");
    let job = text.split_whitespace().next().unwrap().to_owned();
    assert_eq!(finish(ripieno(&home.join("data")).args(["pause", &job])).0, 0);
    assert_eq!(look(home, 2), "", "nobody waits for a paused job");
    let told = history(home);
    assert_eq!(told[0]["state"], "skipped");
    assert_eq!(told[0]["why"], format!("{job} of the run before had not ended"));
    // Once it has ended, the night after comes.
    assert_eq!(finish(ripieno(&home.join("data")).args(["resume", &job])).0, 0);
    look(home, 2);
    assert!(look(home, 3).starts_with("nightly job-"));
    let told = history(home);
    assert_eq!((told.len(), &told[0]["before"]), (3, &job.into()));
}

#[test]
fn what_cannot_be_is_refused_with_what_would_be_right() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    scores(home, 0..1);
    let refused = |arguments: &[&str], word: &str| {
        let (code, _, errors) = finish(schedule(home).args(arguments));
        assert!(code != 0 && errors.contains(word), "{arguments:?}: {code} {errors}");
    };
    let add = ["add", "n", "--cron"];
    let job = ["--", "run", "scores"];
    let with = |cron: &'static str, more: &[&'static str]| [&add[..], &[cron], more, &job[..]].concat();
    refused(&with("0 25 * * *", &[]), "is no pattern of times");
    refused(&with("0 0 30 2 *", &[]), "never comes");
    refused(&with("0 2 * * *", &["--timezone", "Vienna"]), "such as Europe/Vienna");
    refused(&with("0 2 * * *", &["--catch-up", "some"]), "one, none, all");
    refused(&["add", "A/b", "--cron", "0 2 * * *", "--", "run", "scores"], "is no name of a schedule");
    refused(&["add", "n", "--cron", "0 2 * * *", "--", "scores"], "behind -- stands what is run");
    refused(&["add", "n", "--cron", "0 2 * * *", "--", "run", "scores", "--out", "x"], "--out");
    refused(
        &["add", "n", "--cron", "0 2 * * *", "--", "run", "s", "--analyses", "keyy"],
        "did you mean \"key\"",
    );
    refused(&["show", "n"], "no schedule n");
    refused(&["tick", "--at", "tomorrow"], "is no moment");
}

/// Sources that are not there are no job, and are told of.
#[test]
fn a_night_without_sources_is_told_of() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    add(home, &[]);
    look(home, 1);
    let told = history(home);
    assert_eq!(told[0]["state"], "failed", "{told:?}");
    assert!(told[0]["failure"]["message"].as_str().unwrap().contains("scores: "), "{told:?}");
    scores(home, 0..2);
    look(home, 2);
    assert_eq!(history(home)[0]["state"], "job");
}

/// A cluster of one worker and several that look, one of them killed.
#[test]
fn in_a_cluster_each_night_is_fired_once_and_worked_by_the_workers() {
    let Some(uri) = broker() else {
        println!("skipped: no broker (tests/run starts one)");
        return;
    };
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    scores(home, 0..40);
    let queues = Queues::new(&uri, "schedule");
    let store = format!("file://{}", home.join("ledger").display());
    let in_cluster = |command: &mut Command| {
        command
            .env("RIPIENO_BROKER", &uri)
            .env("RIPIENO_STORE", &store)
            .env("RIPIENO_QUEUES", &queues.prefix);
        command.env("RIPIENO_CACHE", home.join("cache")).env("RIPIENO_FIRE_SECONDS_MAX", "1");
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
    };
    let run = |arguments: &[&str]| {
        let mut command = schedule(home);
        command.args(arguments);
        in_cluster(&mut command);
        finish(&mut command)
    };
    let folder = home.join("scores");
    let folder = folder.to_str().unwrap();
    let job = ["--", "run", folder, "--analyses", "ambitus"];
    let (code, _, errors) = run(&[&["add", "nightly", "--cron", "0 2 * * *"][..], &job].concat());
    assert_eq!(code, 0, "{errors}");
    let mut worker = Command::new(program().with_file_name("ripieno-worker"));
    in_cluster(&mut worker);
    let mut worker = worker.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let mut ended = 0;
    for night in 1..=3 {
        let at = format!("{}T02:05:00Z", day(night));
        let mut looking: Vec<_> = (0..4)
            .map(|_| {
                let mut command = schedule(home);
                command.args(["tick", "--at", &at]);
                in_cluster(&mut command);
                command.spawn().unwrap()
            })
            .collect();
        // Whatever the first was about to do.
        sleep(Duration::from_millis(50 * night));
        looking[0].kill().unwrap();
        looking.iter_mut().for_each(|process| drop(process.wait()));
        let until = Instant::now() + Duration::from_secs(120);
        loop {
            let (code, _, errors) = run(&["tick", "--at", &at]);
            assert_eq!(code, 0, "{errors}");
            let (_, told, _) = run(&["history", "nightly", "--json"]);
            ended = told.lines().filter(|line| line.contains("\"items\":40")).count() as u64;
            if ended == night {
                break;
            }
            assert!(Instant::now() < until, "night {night} did not end: {told}");
            sleep(Duration::from_millis(300));
        }
        let mut jobs = ripieno(&home.join("data"));
        in_cluster(jobs.arg("jobs"));
        assert_eq!(finish(&mut jobs).1.lines().count() as u64, night, "one job a night");
    }
    worker.kill().unwrap();
    worker.wait().unwrap();
    assert_eq!(ended, 3);
}

/// One that slept between its claim and its outcome wakes up when another has done it all: what it wrote is named by nobody.
#[test]
fn one_that_wakes_up_late_fires_no_second_time() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    scores(home, 0..3);
    add(home, &[]);
    let mut night = 0;
    loop {
        night += 1;
        assert!(night < 80, "it never slept between claim and outcome");
        let mut command = Command::new("strace");
        command.args(["-f", "-qq", "-o", "/dev/null", "-e", "trace=link,linkat", "-e"]);
        command.arg(format!("inject=link,linkat:signal=STOP:when={}", 1 + night % 6)).arg(program());
        command.arg("--data").arg(home.join("data")).env_remove("RIPIENO_BROKER").env_remove("RIPIENO_STORE");
        command.args(["schedule", "tick", "--at", &format!("{}T02:05:00Z", day(night))]);
        let mut sleeper = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        // Longer than a claim is trusted by the one that comes next.
        sleep(Duration::from_millis(1_500));
        let slept_there = sleeper.try_wait().unwrap().is_none() && stage(home, night) == "claimed";
        if slept_there {
            let (code, text, errors) = finish(tick(home, night).env("RIPIENO_FIRE_SECONDS_MAX", "1"));
            assert_eq!(code, 0, "{text}{errors}");
            assert_eq!(stage(home, night), "ended");
        }
        let wake = format!("kill -CONT $(pgrep -P {}) 2>/dev/null || true", sleeper.id());
        let until = Instant::now() + Duration::from_secs(60);
        while sleeper.try_wait().unwrap().is_none() {
            Command::new("sh").args(["-c", &wake]).status().unwrap();
            assert!(Instant::now() < until, "it does not wake up");
            sleep(Duration::from_millis(100));
        }
        if slept_there {
            break;
        }
        look(home, night);
    }
    assert_eq!(jobs(home) as u64, night, "one job a night");
    assert_eq!(history(home).len() as u64, night.min(100));
    let written = fs::read_dir(home.join("data/ledger/tenants/local/jobs")).unwrap().count() as u64;
    assert_eq!(written, night + 1, "both wrote chunks, and one of them in vain");
}

/// The loop itself, as an operator starts it, and as a front has it beside what it answers.
#[tokio::test]
async fn served_until_sigterm_what_is_asked_for_is_worked() {
    for command in [&["schedule", "serve"][..], &["serve", "--listen", "127.0.0.1:0"]] {
        served(command).await;
    }
}

async fn served(command: &[&str]) {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    scores(home, 0..3);
    add(home, &[]);
    let mut serving = ripieno(&home.join("data"));
    let mut serving = serving.args(command).stdout(Stdio::null()).spawn().unwrap();
    let ledger = shared::ledger::Ledger::in_folder(&home.join("data/ledger")).await.unwrap();
    let ledger = ledger.of(shared::principal::LOCAL_TENANT);
    let name = "nightly".parse().unwrap();
    let time = FireTime { at_ms: shared::clock::now_ms(), asked: true };
    ledger.open_fire(&name, time).await.unwrap();
    let until = Instant::now() + Duration::from_secs(120);
    let changes = loop {
        if let Some(changes) = ledger.changes(&name, time).await.unwrap() {
            break changes;
        }
        assert!(Instant::now() < until && serving.try_wait().unwrap().is_none(), "it was not worked");
        tokio::time::sleep(Duration::from_millis(200)).await;
    };
    assert_eq!((changes.items, changes.new.count), (3, 3));
    assert!(Command::new("kill").args(["-TERM", &serving.id().to_string()]).status().unwrap().success());
    assert_eq!(serving.wait().unwrap().code(), Some(0));
}
