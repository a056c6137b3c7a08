//! The collections: where their scores and labels are, and which half of their works is for fitting.

use super::numeral::{Chord, Key, Spelling, chord};
use super::{Analysed, Label, ends, roman_text};
use crate::{files_under, scores};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use worker::score::{AnnotationKind, Mode, Score, Ticks};

/// Every analysed score under the folders: `shared` has the labels, `oracle` the scores of the chorales and madrigals.
/// What is not there is passed over.
pub fn corpora(shared: &Path, oracle: &Path) -> Vec<Analysed> {
    let dev = shared.join("corpora/dev");
    let mut all = aligned(&shared.join("oracle/harmony_truth.jsonl"), oracle);
    all.extend(songs(&dev.join("harmony-wir-lieder")));
    all.extend(quartets(&dev));
    all.extend(variations(&dev.join("harmony-tavern")));
    all
}

/// Of some works in order, every second one is fitted on.
fn halves(works: &BTreeSet<String>) -> BTreeMap<&str, bool> {
    works.iter().enumerate().map(|(index, work)| (work.as_str(), index % 2 == 0)).collect()
}

fn quarters(text: &str) -> Ticks {
    let (above, below) = text.split_once('/').unwrap_or((text, "1"));
    Ticks::from_quarters(above.parse().unwrap_or(0), below.parse().unwrap_or(1)).0
}

fn triad(name: &str) -> &'static str {
    ["major", "minor", "diminished", "augmented"].into_iter().find(|known| *known == name).unwrap_or("other")
}

/// Chorales and madrigals: labels that are laid on the scores already. Those whose measures run off are left out.
fn aligned(truth: &Path, scores_at: &Path) -> Vec<Analysed> {
    let text = fs::read_to_string(truth).unwrap_or_default();
    let records: Vec<Value> = text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let names = records.iter().filter_map(|record| record["score"].as_str().map(str::to_owned));
    let names: BTreeSet<String> = names.collect();
    let halves = halves(&names);
    let mut all = Vec::new();
    for record in &records {
        let name = record["score"].as_str().unwrap_or_default();
        let path = scores_at.join(name);
        if record["alignment"]["usable"] != true || !path.exists() {
            continue;
        }
        let Some(score) = scores(&path).into_iter().next() else { continue };
        let label = |row: &Value| {
            let from = quarters(row[2].as_str()?);
            let (tonic, mode) = row[4].as_str()?.split_once(' ')?;
            let key = Key { tonic: Key::parse(tonic)?.tonic, minor: mode == "minor" };
            let chord =
                row[6].as_u64().map(|root| Chord {
                    root: root as usize,
                    triad: triad(row[9].as_str().unwrap_or_default()),
                    inversion: row[10].as_u64().unwrap_or(0) as usize,
                    seventh: (row[11] == true)
                        .then_some(if row[5].as_str().is_some_and(|f| f.contains("o7")) { 9 } else { 10 }),
                });
            let to = from + quarters(row[3].as_str()?);
            Some(Label { from, to, key, figure: row[5].as_str()?.to_owned(), chord })
        };
        let labels = record["truth"].as_array().into_iter().flatten().filter_map(label).collect();
        let corpus = if record["collection"] == "bach" { "chorales" } else { "madrigals" };
        all.push(Analysed { corpus, name: name.to_owned(), fit: halves[name], score, labels });
    }
    all
}

/// The songs of When in Rome: RomanText beside each score. A work is what its composer gathered: an opus or a cycle.
fn songs(folder: &Path) -> Vec<Analysed> {
    let texts: Vec<PathBuf> = if folder.is_dir() { files_under(&[folder.to_owned()]) } else { Vec::new() };
    let texts: Vec<PathBuf> = texts.into_iter().filter(|path| path.ends_with("analysis.txt")).collect();
    let work = |path: &Path| {
        let above: Vec<String> = path.ancestors().skip(1).take(3).map(crate::text).collect();
        // A song that stands alone is filed under `_`, and is a work of its own.
        if above[1].ends_with("/_") { above[0].clone() } else { above[1].clone() }
    };
    let works: BTreeSet<String> = texts.iter().map(|path| work(path)).collect();
    let halves = halves(&works);
    let mut all = Vec::new();
    for path in &texts {
        let Some(score) = scores(&path.with_file_name("score.mxl")).into_iter().next() else { continue };
        let text = String::from_utf8_lossy(&fs::read(path).expect("a file that was listed")).into_owned();
        let labels = roman_text::labels(&text, &score);
        let name = crate::text(path.parent().and_then(|at| at.strip_prefix(folder).ok()).unwrap_or(path));
        all.push(Analysed { corpus: "songs", name, fit: halves[work(path).as_str()], score, labels });
    }
    all
}

/// Movements of quartets: tables of labels, which say at which measure of which score they begin.
fn quartets(dev: &Path) -> Vec<Analysed> {
    let folder = dev.join("harmony-haydn-op20");
    let tables: Vec<PathBuf> = if folder.is_dir() { files_under(&[folder]) } else { Vec::new() };
    let mut by_score: BTreeMap<String, Vec<(usize, String)>> = BTreeMap::new();
    for table in tables.iter().filter(|path| path.extension().is_some_and(|end| end == "tsv")) {
        let text = fs::read_to_string(table).expect("a file that was listed");
        let head = text.lines().find_map(|line| line.strip_prefix("# score: ")).unwrap_or_default();
        let score = head.split(" (").next().unwrap_or_default().to_owned();
        let start = head.split("measure index ").nth(1).and_then(|rest| rest.split(' ').next());
        let start = start.and_then(|index| index.parse().ok()).unwrap_or(0);
        by_score.entry(score).or_default().push((start, text));
    }
    let works: BTreeSet<String> = by_score.keys().cloned().collect();
    let halves = halves(&works);
    let mut all = Vec::new();
    for (path, movements) in &by_score {
        let Some(score) = scores(&dev.join(path)).into_iter().next() else { continue };
        let measures = score.measures_of(score.leading_part());
        let mut labels = Vec::new();
        for (start, text) in movements {
            let Some(begin) = measures.get(*start) else { continue };
            let rows: Vec<Vec<&str>> = text.lines().map(|line| line.split('\t').collect()).collect();
            let rows = rows.iter().filter(|row| row.len() == 6 && row[0] != "measure");
            let mut found: Vec<Label> = Vec::new();
            for row in rows {
                let Some(key) = Key::parse(row[3]) else { continue };
                let chord = chord(row[5], key, Spelling::Harm);
                found.push(Label::new(begin.onset + quarters(row[2]), key, row[5], chord));
            }
            labels.extend(found);
        }
        labels.sort_by_key(|label| label.from);
        let labels = local_keys(ends(labels, &score));
        all.push(Analysed {
            corpus: "quartets",
            name: path.clone(),
            fit: halves[path.as_str()],
            score,
            labels,
        });
    }
    all
}

/// Phrases of variations: `**harm` in the very files. The first of two analysts is taken.
fn variations(folder: &Path) -> Vec<Analysed> {
    let files: Vec<PathBuf> = if folder.is_dir() { files_under(&[folder.to_owned()]) } else { Vec::new() };
    let phrase =
        |path: &Path| crate::text(path).ends_with("_a.krn") && crate::text(path).contains("/Joined/");
    let files: Vec<PathBuf> = files.into_iter().filter(|path| phrase(path)).collect();
    let work = |path: &Path| crate::text(path.ancestors().nth(2).unwrap_or(path));
    let works: BTreeSet<String> = files.iter().map(|path| work(path)).collect();
    let halves = halves(&works);
    let mut all = Vec::new();
    for path in &files {
        let Some(score) = scores(path).into_iter().next() else { continue };
        let said = score.annotations.iter().filter(|said| said.kind == AnnotationKind::Harmony);
        let mut labels = Vec::new();
        for said in said {
            let Some(key) = stated(&score, said.onset) else { continue };
            let figure = score.text(said);
            labels.push(Label::new(said.onset, key, figure, chord(figure, key, Spelling::Harm)));
        }
        let labels = local_keys(ends(labels, &score));
        let name = crate::text(path.strip_prefix(folder).unwrap_or(path));
        all.push(Analysed { corpus: "variations", name, fit: halves[work(path).as_str()], score, labels });
    }
    all
}

/// The key that a score states at a moment, with its mode.
fn stated(score: &Score, at: Ticks) -> Option<Key> {
    let stated = score.keys.iter().rfind(|key| key.onset <= at && key.mode.is_some())?;
    let minor = stated.mode == Some(Mode::Minor);
    let tonic = (i32::from(stated.fifths) * 7 + if minor { 9 } else { 0 }).rem_euclid(12);
    Some(Key { tonic: tonic as usize, minor })
}

/// `I/V` and `IV/V` say that V is the key there, which the analysts of these collections write no other way: a run of
/// chords of one applied key that are not all dominants is in that key.
fn local_keys(mut labels: Vec<Label>) -> Vec<Label> {
    let applied = |label: &Label| {
        label.figure.split('[').next().and_then(|figure| label.key.applied(figure.trim_matches(['(', ')'])))
    };
    let keys: Vec<Option<Key>> = labels.iter().map(applied).collect();
    let mut first = 0;
    for run in keys.chunk_by(PartialEq::eq) {
        let here = &mut labels[first..first + run.len()];
        first += run.len();
        let dominant = |label: &Label| {
            let base = label.figure.trim_matches(['(', ')']);
            base.starts_with('V') && !base.starts_with("VI") || base.starts_with("vii")
        };
        if let Some(Some(key)) = run.first()
            && !here.iter().all(dominant)
        {
            here.iter_mut().for_each(|label| label.key = *key);
        }
    }
    labels
}
