//! The main job on the real scores that stand beside a checkout, and what others say of them. Skipped, with a printed
//! line, where they are absent.

use crate::support::{finish, ripieno};
use serde_json::Value;
use shared::config::var;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;
use tests::{corpora, files_under};

/// What a run may hold in memory, at any size of corpus.
const MEMORY_MAX_KB: u64 = 300 << 10;

/// Folders that hold broken files on purpose.
const BROKEN: [&str; 6] = [
    "malformed-derived",
    "kern-edge-humlib",
    "midi-edge",
    "mixed-edge",
    "musicxml-edge",
    "musicxml-test-suite",
];

#[test]
fn every_file_of_the_corpora_is_accounted_for_in_bounded_memory() {
    let Some(corpora) = corpora() else { return };
    let home = tempfile::tempdir().unwrap();
    let out = home.path().join("out");
    let mut command = ripieno(&home.path().join("data"));
    command.arg("run").arg(&corpora).args(["--format", "jsonl", "--progress", "json", "--out"]).arg(&out);
    let events = home.path().join("events");
    command.stdout(fs::File::create(&events).unwrap()).stderr(Stdio::inherit());
    let mut child = command.spawn().unwrap();
    let mut most = 0;
    let status = loop {
        most = memory_kb(child.id()).unwrap_or(0).max(most);
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        sleep(Duration::from_millis(20));
    };
    assert_eq!(status.code(), Some(2), "the broken files make it 2");
    assert!(most > 0 && most < MEMORY_MAX_KB, "{most} kB");

    let events = fs::read_to_string(events).unwrap();
    let end: Value = serde_json::from_str(events.lines().last().unwrap()).unwrap();
    let number = |value: &Value| value.as_u64().unwrap();
    let left_out: u64 = end["left_out"].as_object().unwrap().values().map(number).sum();
    assert_eq!(number(&end["items"]) + left_out, files_under(&corpora).len() as u64);
    assert_eq!(number(&end["totals"]["items"]), number(&end["items"]));
    assert!(end["totals"]["kinds"].get("internal").is_none(), "{end}");

    for row in rows(&out.join("table.jsonl")) {
        let source = row["source"].as_str().unwrap();
        if row["state"] == "failed" {
            assert!(!row["failure"]["message"].as_str().unwrap().is_empty(), "{row}");
            assert!(BROKEN.iter().any(|folder| source.contains(folder)), "{source}: {}", row["failure"]);
        }
    }
}

fn rows(path: &Path) -> Vec<Value> {
    fs::read_to_string(path).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The most memory that a process ever held, while it is there.
fn memory_kb(process: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// How many values agree with music21 10.5.1, at the least. What differs is explained in `docs/parity.md`, piece by piece.
const AGREEMENT: [(&str, u64); 10] = [
    ("ambitus", 433),
    ("grace_notes", 440),
    ("key.aarden_essen", 437),
    ("key_r.aarden_essen", 424),
    ("notes", 421),
    ("onsets", 454),
    ("parts", 468),
    ("pitch_class_onsets", 454),
    ("pitch_class_quarters", 427),
    ("quarters", 422),
];

/// The same of harmony, by `tests/check_harmony.py`.
const HARMONY: [(&str, u64); 12] = [
    ("chords.bass", 19_187),
    ("chords.forte", 19_187),
    ("chords.inversion", 19_187),
    ("chords.name", 19_187),
    ("chords.names", 19_187),
    ("chords.pitches", 19_187),
    ("chords.quality", 19_187),
    ("chords.root", 19_187),
    ("parallels.norest", 641),
    ("parallels.withrest", 641),
    ("roman.figure", 19_187),
    ("roman.key", 150),
];

/// The same of lines, by `tests/check_lines.py`.
const LINES: [(&str, u64); 6] = [
    ("durations.notes", 754),
    ("durations.rests", 431),
    ("melodic_intervals.adjacent", 677),
    ("melodic_intervals.all", 677),
    ("npvi.notes", 677),
    ("npvi.written", 662),
];

#[test]
fn the_oracle_agrees_as_far_as_it_did() {
    let (Some(scores), Some(python)) = (var("RIPIENO_TEST_ORACLE"), var("RIPIENO_TEST_PYTHON")) else {
        println!("skipped: no oracle (tests/run lays its scores out where it is there)");
        return;
    };
    let home = tempfile::tempdir().unwrap();
    let out = home.path().join("out");
    let mut command = ripieno(&home.path().join("data"));
    command.args([
        "run",
        &scores,
        "--fidelity",
        "compat",
        "--format",
        "jsonl",
        "--progress",
        "none",
        "--out",
    ]);
    let (code, text, errors) = finish(command.arg(&out));
    assert_eq!(code, 2, "{text}{errors}");
    let oracle = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/oracle");
    let ours = |name| Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    for (script, least) in [
        (oracle.join("compare.py"), &AGREEMENT[..]),
        (ours("check_harmony.py"), &HARMONY[..]),
        (ours("check_lines.py"), &LINES[..]),
    ] {
        let mut compare = Command::new(&python);
        compare.arg(script).arg(out.join("table.jsonl")).arg(oracle.join("dev.jsonl.gz"));
        let (_, report, errors) = finish(&mut compare);
        for &(quantity, least) in least {
            let line = report.lines().find(|line| line.split_whitespace().next() == Some(quantity));
            let line = line.unwrap_or_else(|| panic!("no {quantity} in the comparison: {report}{errors}"));
            let words: Vec<&str> = line.split_whitespace().collect();
            let at = words.iter().position(|word| *word == "equal").expect("a count of equal values");
            let equal: u64 = words[at + 1].parse().unwrap();
            assert!(equal >= least, "{quantity}: {equal} values agree, {least} did\n{report}");
        }
    }
}
