//! How `harmony` agrees with human analysts, beat by beat, on those analysed scores that are there. Skipped, with a printed
//! line, where none is. `docs/accuracy.md` has the figures over all of them.

use crate::support::{finish, ripieno};
use serde_json::Value;
use shared::config::var;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// What is right of the beats at the least, of those scores that `tests/run` lays out: chord, key, both.
const LEAST: (f64, f64, f64) = (0.87, 0.75, 0.66);

/// Quarters of an exact fraction.
fn quarters(text: &str) -> f64 {
    let (above, below) = text.split_once('/').unwrap_or((text, "1"));
    above.parse::<f64>().unwrap() / below.parse::<f64>().unwrap()
}

/// Pitch class of a name such as `F#`, `Bb` or `B-`.
fn class(name: &str) -> i32 {
    let letter = "C D EF G A B".find(&name[..1]).unwrap() as i32;
    let sharps = name.matches('#').count() as i32;
    let flats = name[1..].chars().filter(|sign| matches!(sign, 'b' | '-')).count() as i32;
    (letter + sharps - flats).rem_euclid(12)
}

fn key(text: &str) -> (i32, String) {
    let (tonic, mode) = text.split_once(' ').unwrap();
    (class(tonic), mode.to_lowercase())
}

/// What holds at a moment, of things sorted by when they begin.
fn at<T>(things: &[(f64, T)], moment: f64) -> Option<&(f64, T)> {
    things.partition_point(|(from, _)| *from <= moment).checked_sub(1).map(|index| &things[index])
}

/// Beats, and of these right chords, keys, and both.
fn beats(truth: &Value, segments: &Value) -> [f64; 4] {
    let begun = |value: &Value| quarters(value["offset"].as_str().unwrap());
    let segments: Vec<(f64, &Value)> = segments.as_array().unwrap().iter().map(|s| (begun(s), s)).collect();
    let truths: Vec<(f64, &Value)> =
        truth.as_array().unwrap().iter().map(|t| (quarters(t[2].as_str().unwrap()), t)).collect();
    let mut counts = [0.0; 4];
    let end = truths.iter().map(|(from, t)| from + quarters(t[3].as_str().unwrap())).fold(0.0, f64::max);
    for beat in 0..end as u32 {
        let beat = f64::from(beat);
        let Some((from, truth)) = at(&truths, beat) else { continue };
        if truth[6].is_null() || from + quarters(truth[3].as_str().unwrap()) <= beat {
            continue;
        }
        let Some((_, ours)) = at(&segments, beat) else { continue };
        let chord = i64::from(class(ours["root"].as_str().unwrap())) == truth[6].as_i64().unwrap()
            && ours["quality"] == truth[9]
            && ours["inversion"] == truth[10];
        let key = key(ours["key"].as_str().unwrap()) == key(truth[4].as_str().unwrap());
        for (count, right) in counts.iter_mut().zip([true, chord, key, chord && key]) {
            *count += f64::from(u8::from(right));
        }
    }
    counts
}

#[test]
fn harmony_agrees_with_analysts_as_far_as_it_did() {
    let Some(scores) = var("RIPIENO_TEST_ORACLE") else {
        println!("skipped: no oracle (tests/run lays its scores out where it is there)");
        return;
    };
    let truth = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/oracle/harmony_truth.jsonl");
    let truth = fs::read_to_string(truth).unwrap();
    let truth = truth.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    // Where the analyst's measures are not those of the score, beats do not meet.
    let aligned = truth.filter(|record| {
        let alignment = &record["alignment"];
        let meets = alignment["offset_mismatch"].as_u64() < Some(5);
        alignment["usable"] == true && meets && alignment["explained_pc"].as_f64() > Some(0.85)
    });
    let there = aligned.filter_map(|record| {
        let path = Path::new(&scores).join(record["score"].as_str().unwrap());
        path.exists().then_some((path, record))
    });
    let there: BTreeMap<_, Value> = there.collect();
    let home = tempfile::tempdir().unwrap();
    let out = home.path().join("out");
    let mut command = ripieno(&home.path().join("data"));
    command.args(["run", "--analyses", "harmony", "--format", "jsonl", "--progress", "none", "--out"]);
    let (code, text, errors) = finish(command.arg(&out).args(there.keys()));
    assert_eq!(code, 0, "{text}{errors}");
    let mut sum = [0.0; 4];
    for line in fs::read_to_string(out.join("table.jsonl")).unwrap().lines() {
        let row: Value = serde_json::from_str(line).unwrap();
        let truth = &there[Path::new(row["source"].as_str().unwrap())]["truth"];
        let counts = beats(truth, &row["findings"]["harmony"]["segments"]);
        sum.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
    }
    let [beats, chord, key, both] = sum;
    let (chord, key, both) = (chord / beats, key / beats, both / beats);
    println!("{} scores, {beats} beats: chord {chord:.3}, key {key:.3}, both {both:.3}", there.len());
    assert!(there.len() >= 3, "there are {} analysed scores", there.len());
    assert!(chord >= LEAST.0 && key >= LEAST.1 && both >= LEAST.2, "chord {chord}, key {key}, both {both}");
}
