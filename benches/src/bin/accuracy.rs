//! How `harmony` agrees with human analysts, beat by beat, on every collection of analysed scores that is there.
//!
//! ```text
//! accuracy [--kinds] [--list] [--unsigned] SHARED [ORACLE_SCORES]
//! ```
//!
//! One line a collection and half: beats, then the shares of root, chord (root, triad, inversion), local key, and both.
//! `--kinds` tells what wrong keys and chords are instead; `--list` tells each score; `--unsigned` takes the key signatures away.

use benches::truth::{Analysed, Label, corpora};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;
use worker::analyse;
use worker::score::Ticks;

/// Labels that explain less of what sounds do not lie on their score: repeats written out, another edition.
const EXPLAINED_LEAST: f64 = 0.75;

/// What was counted over some beats.
#[derive(Default)]
struct Counts {
    beats: f64,
    root: f64,
    triad: f64,
    chord: f64,
    key: f64,
    both: f64,
    kinds: BTreeMap<String, f64>,
}

/// A segment of our answer.
struct Ours {
    from: f64,
    key: (usize, bool),
    root: usize,
    triad: String,
    inversion: usize,
    figure: String,
}

fn main() -> ExitCode {
    let (mut kinds, mut list, mut unsigned, mut paths) = (false, false, false, Vec::new());
    for word in std::env::args().skip(1) {
        match word.as_str() {
            "--kinds" => kinds = true,
            "--list" => list = true,
            "--unsigned" => unsigned = true,
            _ => paths.push(PathBuf::from(word)),
        }
    }
    let Some(shared) = paths.first() else {
        eprintln!("usage: accuracy [--kinds] [--list] [--unsigned] SHARED [ORACLE_SCORES]");
        return ExitCode::from(2);
    };
    let oracle = paths.get(1).cloned().unwrap_or_default();
    let mut sums: BTreeMap<(String, bool), (usize, Counts)> = BTreeMap::new();
    let mut left_out: BTreeMap<&str, usize> = BTreeMap::new();
    for mut analysed in corpora(shared, &oracle) {
        if unsigned {
            analysed.score.keys.clear();
        }
        let explained = analysed.explained();
        if explained < EXPLAINED_LEAST {
            *left_out.entry(analysed.corpus).or_default() += 1;
            if list {
                println!("left out, {explained:.2} explained: {}", analysed.name);
            }
            continue;
        }
        let mut counts = Counts::default();
        count(&analysed, &mut counts);
        if list {
            println!("{} {explained:.2} {}", figures(&counts), analysed.name);
        }
        for corpus in [analysed.corpus, "all"] {
            let (scores, sum) = sums.entry((corpus.to_owned(), analysed.fit)).or_default();
            *scores += 1;
            sum.add(&counts);
        }
    }
    for ((corpus, fit), (scores, counts)) in &sums {
        let half = if *fit { "fit" } else { "test" };
        println!("{corpus:10} {half:4} {scores:4} scores {}", figures(counts));
        if kinds {
            tell_kinds(counts);
        }
    }
    println!("left out: {left_out:?}");
    ExitCode::SUCCESS
}

impl Counts {
    fn add(&mut self, other: &Counts) {
        self.beats += other.beats;
        self.root += other.root;
        self.triad += other.triad;
        self.chord += other.chord;
        self.key += other.key;
        self.both += other.both;
        for (kind, count) in &other.kinds {
            *self.kinds.entry(kind.clone()).or_default() += count;
        }
    }
}

fn figures(counts: &Counts) -> String {
    let share = |part: f64| part / counts.beats.max(1.0);
    format!(
        "{:6} beats  root {:.3}  triad {:.3}  chord {:.3}  key {:.3}  both {:.3}",
        counts.beats,
        share(counts.root),
        share(counts.triad),
        share(counts.chord),
        share(counts.key),
        share(counts.both)
    )
}

fn tell_kinds(counts: &Counts) {
    for what in ["key", "chord"] {
        let of: Vec<(&String, &f64)> =
            counts.kinds.iter().filter(|(kind, _)| kind.starts_with(what)).collect();
        let all: f64 = of.iter().map(|(_, count)| **count).sum();
        let mut of: Vec<_> = of.into_iter().map(|(kind, count)| (count / all, kind)).collect();
        of.sort_by(|a, b| b.0.total_cmp(&a.0));
        let told: Vec<String> = of.iter().take(9).map(|(share, kind)| format!("{kind} {share:.2}")).collect();
        println!("    {}", told.join(", "));
    }
}

/// Counts each quarter of a score that the analyst names a chord for.
fn count(analysed: &Analysed, counts: &mut Counts) {
    let ours = answer(analysed);
    let end = analysed.labels.last().map_or(0.0, |label| label.to.as_quarters());
    let mut beat = 0;
    while (beat as f64) < end {
        let (moment, at) = (Ticks::quarters(beat), beat as f64);
        beat += 1;
        let Some(label) = analysed.at(moment).filter(|label| label.chord.is_some()) else { continue };
        counts.beats += 1.0;
        let index = ours.partition_point(|ours| ours.from <= at);
        let Some(ours) = index.checked_sub(1).and_then(|index| ours.get(index)) else { continue };
        compare(label, ours, counts);
    }
}

fn compare(label: &Label, ours: &Ours, counts: &mut Counts) {
    let Some(chord) = label.chord else { return };
    let key = ours.key == (label.key.tonic, label.key.minor);
    let root = ours.root == chord.root;
    let triad = root && ours.triad == chord.triad;
    let right = triad && ours.inversion == chord.inversion;
    for (count, is) in [
        (&mut counts.root, root),
        (&mut counts.triad, triad),
        (&mut counts.chord, right),
        (&mut counts.key, key),
        (&mut counts.both, right && key),
    ] {
        *count += f64::from(u8::from(is));
    }
    if !key {
        let kind = key_kind(label, ours);
        *counts.kinds.entry(format!("key {kind}")).or_default() += 1.0;
    }
    if !right {
        let kind = if triad {
            format!("inversion {} for {}", ours.inversion, chord.inversion)
        } else if root {
            format!("{} for {}", ours.triad, chord.triad)
        } else {
            let up = (ours.root + 12 - chord.root) % 12;
            match up {
                3 | 4 | 8 | 9 => "root a third away".to_owned(),
                5 | 7 => "root a fifth away".to_owned(),
                1 | 2 | 10 | 11 => "root a step away".to_owned(),
                _ => "root a tritone away".to_owned(),
            }
        };
        *counts.kinds.entry(format!("chord {kind}")).or_default() += 1.0;
        if std::env::var_os("FIGURES").is_some() {
            println!("{} {} for {}", label.key.minor, ours.figure, label.figure);
        }
    }
}

fn key_kind(label: &Label, ours: &Ours) -> &'static str {
    let up = (ours.key.0 + 12 - label.key.tonic) % 12;
    match (label.key.minor, ours.key.1, up) {
        (_, _, 0) => "parallel",
        (false, true, 9) | (true, false, 3) => "relative",
        (a, b, 7) if a == b => "fifth up",
        (a, b, 5) if a == b => "fifth down",
        (_, _, 7) => "fifth up, other mode",
        (_, _, 5) => "fifth down, other mode",
        (false, true, 2 | 4) | (true, false, 8 | 10) => "near, other mode",
        _ => "far",
    }
}

/// The segments of `harmony`, through the door that everybody uses.
fn answer(analysed: &Analysed) -> Vec<Ours> {
    let harmony = analyse::find("harmony").expect("there is a harmony");
    let params = harmony.spec().check(&Map::new()).expect("it has no parameters");
    let answer =
        analyse::run(harmony, &analysed.score, &params).and_then(|told| told.tree()).unwrap_or_default();
    let segment = |segment: &Value| {
        let (above, below) =
            segment["offset"].as_str().map(|text| text.split_once('/').unwrap_or((text, "1")))?;
        let (tonic, mode) = segment["key"].as_str()?.split_once(' ')?;
        let class = |name: &str| benches::truth::numeral::Key::parse(name).map(|key| key.tonic);
        Some(Ours {
            from: above.parse::<f64>().ok()? / below.parse::<f64>().ok()?,
            key: (class(tonic)?, mode == "minor"),
            root: class(segment["root"].as_str()?)?,
            triad: segment["quality"].as_str()?.to_owned(),
            inversion: segment["inversion"].as_u64()? as usize,
            figure: segment["figure"].as_str()?.to_owned(),
        })
    };
    answer["segments"].as_array().into_iter().flatten().filter_map(segment).collect()
}
