//! Whatever is killed, nothing is lost, and the table is the same.

use crate::support::{corpus, finish, ripieno, tables};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Kills of one test, unless `RIPIENO_TEST_KILLS` says otherwise.
const KILLS: u32 = 50;

/// Enough to work on, and quick where nothing is optimised: what is killed is the way of the rows, whatever is in them.
const ANALYSES: &str =
    "ambitus,density,durations,key,melodic_intervals,meter,npvi,pitches,summary,texture,validate";

fn run(home: &Path, data: &str, out: &str) -> Command {
    let mut command = ripieno(&home.join(data));
    command.arg("run").arg(home.join("scores")).args(["--analyses", ANALYSES, "--progress", "none"]);
    command.args(["--format", "parquet,csv,jsonl"]);
    command.arg("--out").arg(home.join(out));
    command
}

/// `kill -9` at whatever moment it is, many times, then once to the end.
#[test]
fn killed_at_any_moment_the_same_command_gives_the_same_table() {
    let home = tempfile::tempdir().unwrap();
    corpus(&home.path().join("scores"), 1_500, 900);
    let began = Instant::now();
    let (code, text, errors) = finish(&mut run(home.path(), "whole", "whole-out"));
    assert_eq!(code, 2, "{text}{errors}");
    let whole_run = began.elapsed();

    let kills = shared::config::var("RIPIENO_TEST_KILLS");
    let kills = kills.map_or(KILLS, |text| text.parse().expect("a number of kills"));
    let mut cut_off = 0;
    let mut rounds = 0;
    let mut state = 1_u32;
    while cut_off < kills {
        // A data folder of its own for each ten kills: else the job would be done after the first few.
        let data = format!("killed-{}", cut_off / 10);
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let share = f64::from(state >> 8) / f64::from(1_u32 << 24);
        let mut child = run(home.path(), &data, "killed-out")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        sleep(whole_run.mul_f64(share * 0.7));
        // One that has ended by then was not cut off.
        if child.try_wait().unwrap().is_none() {
            child.kill().unwrap();
            cut_off += 1;
        }
        child.wait().unwrap();
        rounds += 1;
        assert!(rounds < 10 * kills, "the runs end before they can be killed");
    }
    for index in 0..kills.div_ceil(10) {
        let (code, text, errors) = finish(&mut run(home.path(), &format!("killed-{index}"), "killed-out"));
        assert_eq!(code, 2, "{text}{errors}");
        assert_eq!(tables(&home.path().join("whole-out")), tables(&home.path().join("killed-out")));
    }
}

/// What was accepted is there after a kill, with what was done of it, and is taken up by the same command.
#[test]
fn an_interrupted_job_is_known_and_taken_up() {
    let home = tempfile::tempdir().unwrap();
    corpus(&home.path().join("scores"), 1_500, 900);
    let mut child =
        run(home.path(), "data", "out").stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let receipts = || {
        let (_, text, _) = finish(ripieno(&home.path().join("data")).arg("jobs"));
        let items = text.split_whitespace().find_map(|word| word.split_once('/')?.0.parse::<u64>().ok());
        items.unwrap_or(0)
    };
    let until = Instant::now() + Duration::from_secs(60);
    while receipts() == 0 {
        assert!(
            Instant::now() < until && child.try_wait().unwrap().is_none(),
            "no receipt was written in time"
        );
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let done = receipts();
    assert!((1..1501).contains(&done), "{done}");
    let (code, text, errors) = finish(&mut run(home.path(), "data", "out"));
    assert_eq!(code, 2);
    assert!(errors.contains("resuming job-"), "{errors}");
    assert!(text.contains("items     1501, "), "{text}");
    let (_, jobs, _) = finish(ripieno(&home.path().join("data")).arg("jobs"));
    assert_eq!(jobs.lines().count(), 1, "it is one job: {jobs}");
}

/// Waits until a job is accepted.
fn accepted(data: &Path) -> String {
    let until = Instant::now() + Duration::from_secs(60);
    loop {
        let (_, jobs, _) = finish(ripieno(data).arg("jobs"));
        if let Some(job) = jobs.split_whitespace().next() {
            return job.to_owned();
        }
        assert!(Instant::now() < until, "no job was accepted in time");
    }
}

/// SIGINT stops at the next chunk, says how to go on, and loses nothing.
#[test]
fn an_interrupt_stops_cleanly_and_says_how_to_go_on() {
    let home = tempfile::tempdir().unwrap();
    corpus(&home.path().join("scores"), 1_500, 900);
    let child =
        run(home.path(), "data", "out").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    accepted(&home.path().join("data"));
    let id = child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    // On a fast machine it may have ended before; then there is nothing to say.
    if output.status.code() == Some(130) {
        assert!(errors.contains("the same command goes on"), "{errors}");
    } else {
        assert_eq!(output.status.code(), Some(2), "{errors}");
    }
    let (code, _, _) = finish(&mut run(home.path(), "data", "out"));
    assert_eq!(code, 2);
}

/// A job that is cancelled stops, and what was finished stays.
#[test]
fn a_cancelled_job_stops_and_keeps_what_is_done() {
    let home = tempfile::tempdir().unwrap();
    corpus(&home.path().join("scores"), 3_000, 900);
    let mut child =
        run(home.path(), "data", "out").stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let data = home.path().join("data");
    let job = accepted(&data);
    let (code, text, errors) = finish(ripieno(&data).args(["cancel", &job]));
    assert_eq!(code, 0, "{errors}");
    child.wait().unwrap();
    if text.contains("cancelled") {
        let (_, jobs, _) = finish(ripieno(&data).arg("jobs"));
        assert!(jobs.contains("cancelled"), "{jobs}");
        let (code, _, _) =
            finish(ripieno(&data).args(["results", &job, "--out"]).arg(home.path().join("kept")));
        assert_eq!(code, 0);
    }
}
