//! What analyses cost, against the reading of the same scores.
//!
//! ```text
//! cargo run --release -p benches --bin analyse -- PATHS…
//! cargo run --release -p benches --bin analyse -- --growth
//! cargo run --release -p benches --bin analyse -- --music21 PYTHON PATHS…
//! ```
//!
//! The first reads the files and runs each analysis over all scores, five times over; one JSON line an analysis with the
//! median CPU time and its ratio to that of the reading, and one for all of them together. Each analysis gets scores of
//! which nothing has been worked out yet; `all` shares what analyses share.
//!
//! The second does so over made-up scores of a thousand to a million notes, and tells nanoseconds a note, and the exponent by
//! which the whole cost grows from ten thousand notes to the largest score that is within the limits.
//!
//! The third runs `benches/with_music21.py` with a Python that has music21 over the same files in the same run: CPU time of
//! reading, key, chords, Roman numerals and parallels there over that here, and the same of features.

use benches::{files_under, median, scores, text, thread_cpu_seconds};
use serde_json::{Value, json};
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use worker::analyse::{self, ANALYSES, Analysis};
use worker::score::{Event, EventSink, Flags, Meter, Note, Pitch, Score, ScoreBuilder, Ticks};

const ROUNDS: usize = 5;
/// What music21 is asked for, in our names.
const HARMONY: [&str; 4] = ["key", "chords", "roman_numerals", "voice_leading"];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        ["--growth"] => growth(),
        ["--music21", python, _, ..] => return beside_music21(python, &words[2..]),
        [first, ..] if !first.starts_with("--") => table(&words),
        _ => {
            eprintln!("usage: analyse PATHS… | --growth | --music21 PYTHON PATHS…");
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}

fn files(paths: &[&str]) -> Vec<PathBuf> {
    files_under(&paths.iter().map(PathBuf::from).collect::<Vec<_>>())
}

/// The median of some rounds of something, in CPU seconds. What a round needs is made before its time begins.
fn timed<T>(mut make: impl FnMut() -> T, mut run: impl FnMut(&T)) -> f64 {
    let round = |_| {
        let made = make();
        let began = thread_cpu_seconds();
        run(&made);
        thread_cpu_seconds() - began
    };
    median((0..ROUNDS).map(round).collect())
}

/// CPU seconds that some analyses take over scores of which nothing has been worked out yet.
fn cost(analyses: &[&dyn Analysis], scores: &[Score]) -> f64 {
    let none = serde_json::Map::new();
    let asked: Vec<_> = analyses
        .iter()
        .map(|analysis| (*analysis, analysis.spec().check(&none).expect("defaults lie in their ranges")))
        .collect();
    timed(
        || scores.to_vec(),
        |scores| {
            for score in scores {
                for (analysis, params) in &asked {
                    drop(black_box(analyse::run(*analysis, score, params)));
                }
            }
        },
    )
}

/// CPU seconds from files that the system has in memory to scores.
fn reading(files: &[PathBuf]) -> f64 {
    timed(|| (), |()| files.iter().for_each(|path| drop(black_box(scores(path)))))
}

fn count(scores: &[Score]) -> f64 {
    scores.iter().map(|score| score.notes.len()).sum::<usize>() as f64
}

fn rounded(figure: f64) -> f64 {
    (figure * 100.0).round() / 100.0
}

fn table(paths: &[&str]) {
    let files = files(paths);
    let scores: Vec<Score> = files.iter().flat_map(|path| scores(path)).collect();
    let (notes, reading) = (count(&scores), reading(&files));
    let line = |name: String, seconds: f64| {
        println!(
            "{}",
            json!({
                "analysis": name, "seconds": rounded(seconds * 1e3) / 1e3, "ns_per_note": rounded(seconds * 1e9 / notes),
                "of_reading": rounded(seconds / reading),
            })
        );
    };
    println!(
        "{}",
        json!({ "scores": scores.len(), "notes": notes, "reading_ns_per_note": rounded(reading * 1e9 / notes) })
    );
    for analysis in ANALYSES {
        line(analysis.spec().mark(), cost(&[*analysis], &scores));
    }
    line("all".to_owned(), cost(ANALYSES, &scores));
}

#[allow(clippy::disallowed_methods, reason = "an exponent for people, to two places")]
fn growth() {
    let sizes = [1_000, 10_000, 100_000, 1_000_000];
    let made: Vec<[Score; 1]> = sizes.iter().map(|&notes| [made(notes)]).collect();
    for analysis in ANALYSES {
        let params = analysis.spec().check(&serde_json::Map::new()).expect("defaults lie in their ranges");
        let of = |score: &[Score; 1]| match analyse::run(*analysis, &score[0], &params) {
            Ok(_) => Ok(cost(&[*analysis], score) * 1e9 / count(score)),
            Err(failure) => Err(failure.message),
        };
        let costs: Vec<Result<f64, String>> = made.iter().map(of).collect();
        let told: Vec<(usize, f64)> = sizes
            .iter()
            .zip(&costs)
            .filter_map(|(notes, cost)| Some((*notes, *cost.as_ref().ok()?)))
            .collect();
        let exponent = match told[1..] {
            [(few, cheap), .., (many, dear)] => {
                json!(rounded(1.0 + (dear / cheap).ln() / (many as f64 / few as f64).ln()))
            }
            _ => Value::Null,
        };
        let per_note: Vec<Value> = costs
            .into_iter()
            .map(|cost| cost.map_or_else(|why| json!(why), |cost| json!(rounded(cost))))
            .collect();
        println!(
            "{}",
            json!({ "analysis": analysis.spec().mark(), "notes": sizes, "ns_per_note": per_note, "exponent": exponent })
        );
    }
}

/// Four parts in quarters, made by a rule: chords of a key in root position or inverted, with passing notes.
fn made(notes: usize) -> Score {
    let limits = shared::limits::Limits::default();
    let mut score = None;
    let mut emit = |made| {
        score = Some(made);
        Ok(())
    };
    let mut builder = ScoreBuilder::new(&limits, &|| Ok(()), &mut emit);
    let place = shared::place::Place::START;
    let mut tell = |event: Event<'_>| builder.event(place, event).expect("a score within its limits");
    tell(Event::PieceStart { shared_time: true });
    (0..4).for_each(|part| tell(Event::Part { part, name: None }));
    let onset = Ticks::ZERO;
    for part in 0..4 {
        tell(Event::Meter(Meter { onset, measure: 0, part, beats: [4].into(), unit: 4, place }));
    }
    for beat in 0..notes / 4 {
        let onset = Ticks::quarters(beat as i64);
        if beat % 4 == 0 {
            (0..4).for_each(|part| tell(Event::Measure { part, onset, number: "1" }));
        }
        let root = [0, 5, 7, 9, 2, 7, 4, 11][beat * 7 / 3 % 8];
        for (part, up) in [(0, 28), (1, 19), (2, 12), (3, 0)] {
            let key = 43 + up + root + (beat * (usize::from(part) + 3) % 5) as i32;
            tell(Event::Note(Note {
                onset,
                duration: Ticks::quarters(1),
                place,
                measure: 0,
                written: Pitch::from_key(key),
                part,
                flags: Flags::NONE,
                transpose: 0,
                voice: 1,
                staff: 1,
            }));
        }
    }
    tell(Event::PieceEnd);
    drop(builder);
    score.expect("a score")
}

fn beside_music21(python: &str, paths: &[&str]) -> ExitCode {
    let files = files(paths);
    let all: Vec<Score> = files.iter().flat_map(|path| scores(path)).collect();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("with_music21.py");
    let output = Command::new(python).arg(script).args(files.iter().map(|path| text(path))).output();
    let answer = output.ok().filter(|output| output.status.success());
    let Some(theirs) = answer.and_then(|output| serde_json::from_slice::<Value>(&output.stdout).ok()) else {
        eprintln!("analyse: {python} cannot run with_music21.py; is music21 installed there?");
        return ExitCode::from(2);
    };
    let reading = reading(&files);
    let of = |names: &[&str]| {
        let found: Vec<&dyn Analysis> = names.iter().filter_map(|name| analyse::find(name)).collect();
        reading + cost(&found, &all)
    };
    let features: Vec<&str> = ANALYSES
        .iter()
        .map(|analysis| analysis.spec().name)
        .filter(|name| name.ends_with("features"))
        .collect();
    for (what, names) in [("harmony", &HARMONY[..]), ("features", &features[..])] {
        let (ours, theirs) = (of(names), theirs[what].as_f64().unwrap_or(f64::NAN));
        println!(
            "{}",
            json!({
                "what": what, "analyses": names, "scores": all.len(), "music21_ms_per_score": rounded(theirs * 1e3 / all.len() as f64),
                "ms_per_score": rounded(ours * 1e5 / all.len() as f64) / 100.0, "ratio": rounded(theirs / ours),
            })
        );
    }
    ExitCode::SUCCESS
}
