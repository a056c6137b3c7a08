//! How often the main key of `harmony` and the keys of `key` are what is stated of tunes of a single line.
//!
//! ```text
//! lines [--signed] SHARED SCORES
//! ```
//!
//! Tunes in ABC state their key, those of Ceol Rince have a list of their tonics. Signatures are taken away unless they are
//! asked for. Of the titles in order every second one is for fitting. A line for each collection, half and analysis.

use benches::truth::numeral::Key;
use benches::{files_under, scores, text};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use worker::analyse;
use worker::score::{Field, Mode, Score};

const PROFILES: [&str; 5] =
    ["aarden_essen", "bellman_budge", "krumhansl_schmuckler", "simple", "temperley_kostka_payne"];

/// A tune and what is stated of it.
struct Tune {
    collection: &'static str,
    title: String,
    score: Score,
    tonic: usize,
    /// None where the mode is not stated, or is not to be relied on.
    minor: Option<bool>,
}

fn main() -> ExitCode {
    let (mut signed, mut paths) = (false, Vec::new());
    for word in std::env::args().skip(1) {
        match word.as_str() {
            "--signed" => signed = true,
            _ => paths.push(PathBuf::from(word)),
        }
    }
    let [shared, scores] = paths.as_slice() else {
        eprintln!("usage: lines [--signed] SHARED SCORES");
        return ExitCode::from(2);
    };
    let tunes = tunes(&shared.join("corpora/dev"), &scores.join("corpus"));
    let titles: BTreeSet<&str> = tunes.iter().map(|tune| tune.title.as_str()).collect();
    let halves: BTreeMap<&str, usize> = titles.into_iter().zip((0..2).cycle()).collect();
    let mut sums: BTreeMap<_, [usize; 3]> = BTreeMap::new();
    for tune in &tunes {
        let mut score = tune.score.clone();
        if !signed {
            score.keys.clear();
        }
        let half = ["fit", "test"][halves[tune.title.as_str()]];
        for (analysis, key) in answers(&score) {
            let tonic = key.filter(|key| key.tonic == tune.tonic);
            let mode = tonic.filter(|key| tune.minor.is_none_or(|minor| minor == key.minor));
            let sum = sums.entry((half, tune.collection, analysis)).or_default();
            let right = [1, usize::from(tonic.is_some()), usize::from(mode.is_some())];
            sum.iter_mut().zip(right).for_each(|(sum, right)| *sum += right);
        }
    }
    for ((half, collection, analysis), [all, tonic, key]) in sums {
        let share = |part: usize| part as f64 / all as f64;
        let (tonic, key) = (share(tonic), share(key));
        println!("{half:4} {collection:10} {analysis:22} {all:5} tunes  tonic {tonic:.3}  key {key:.3}");
    }
    ExitCode::SUCCESS
}

/// All tunes that are a single line.
fn tunes(dev: &Path, corpus: &Path) -> Vec<Tune> {
    let mut tunes = Vec::new();
    for (collection, folder) in [
        ("Aird", corpus.join("airdsAirs")),
        ("Essen", corpus.join("essenFolksong")),
        ("O'Neill", corpus.join("oneills1850")),
        ("Ryan", corpus.join("ryansMammoth")),
        ("tunebooks", corpus.join("nottingham-dataset")),
        ("tunebooks", dev.join("tunebook-abc")),
    ] {
        for path in files_under(&[folder]).iter().filter(|path| text(path).ends_with(".abc")) {
            tunes.extend(scores(path).into_iter().filter_map(|score| stated(collection, score)));
        }
    }
    let folder = dev.join("ceol-rince-midi");
    for row in fs::read_to_string(folder.join("roots.csv")).unwrap_or_default().lines() {
        let Some((name, Ok(tonic))) = row.rsplit_once(',').map(|(name, root)| (name, root.trim().parse()))
        else {
            continue;
        };
        let title = name.to_owned();
        let one =
            |score| Tune { collection: "Ceol Rince", title: squeezed(&title), score, tonic, minor: None };
        tunes.extend(scores(&folder.join(name.to_owned() + ".mid")).into_iter().map(one));
    }
    tunes.retain(|tune| tune.score.slices().iter().all(|(_, pitches)| pitches.len() < 2));
    tunes
}

/// A tune whose only key is stated with its mode: the major or minor one that has its third. Of Essen's songs nearly all are
/// called major.
fn stated(collection: &'static str, score: Score) -> Option<Tune> {
    let first = score.keys.first()?;
    if score.keys.iter().any(|key| (key.fifths, key.mode) != (first.fifths, first.mode)) {
        return None;
    }
    let (above, minor) = match first.mode? {
        Mode::Major | Mode::Ionian => (0, false),
        Mode::Lydian => (5, false),
        Mode::Mixolydian => (7, false),
        Mode::Minor | Mode::Aeolian => (9, true),
        Mode::Dorian => (2, true),
        Mode::Phrygian => (4, true),
        Mode::Locrian => return None,
    };
    let tonic = (i32::from(first.fifths) * 7 + above).rem_euclid(12) as usize;
    let title = squeezed(score.field(Field::Title)?);
    let minor = (collection != "Essen").then_some(minor);
    Some(Tune { collection, title, score, tonic, minor })
}

/// A title by which the same tune of two books is one.
fn squeezed(title: &str) -> String {
    title.chars().filter(|sign| sign.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// The key of the whole by each analysis.
fn answers(score: &Score) -> Vec<(&'static str, Option<Key>)> {
    let answer = |name: &str| {
        let analysis = analyse::find(name).expect("there is one");
        let params = analysis.spec().check(&Map::new()).expect("it needs none");
        analyse::run(analysis, score, &params).and_then(|told| told.tree()).unwrap_or_default()
    };
    let key = |name: &Value| {
        let (tonic, mode) = name.as_str()?.split_once(' ')?;
        Some(Key { tonic: Key::parse(tonic)?.tonic, minor: mode == "minor" })
    };
    let profiles = &answer("key")["profiles"];
    let mut answers = vec![("harmony", key(&answer("harmony")["main_key"]))];
    answers.extend(PROFILES.map(|profile| (profile, key(&profiles[profile]["name"]))));
    answers
}
