//! Analysis throughput: notes per second and thread of each analysis, over scores that are in memory.
//!
//! ```text
//! cargo run --release -p benches --bin analyse -- PATHS…
//! ```
//!
//! Reads every file once, then runs each analysis over all scores, five times; one JSON line an analysis with the median,
//! and one for all of them with the reading's own time beside it, for the ratio.

use benches::{files_under, median, scores};
use serde_json::json;
use std::hint::black_box;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;
use worker::analyse::{self, ANALYSES};
use worker::score::Score;

const ROUNDS: usize = 5;

fn main() -> ExitCode {
    let paths: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    if paths.is_empty() {
        eprintln!("usage: analyse PATHS…");
        return ExitCode::from(2);
    }
    let began = Instant::now();
    let scores: Vec<Score> = files_under(&paths).iter().flat_map(|path| scores(path)).collect();
    let reading = began.elapsed().as_secs_f64();
    let notes: usize = scores.iter().map(|score| score.notes.len()).sum();
    let mut all = 0.0;
    for analysis in ANALYSES {
        let spec = analysis.spec();
        let params = spec.check(&serde_json::Map::new()).expect("defaults lie in their ranges");
        let round = || {
            let began = Instant::now();
            scores.iter().for_each(|score| drop(black_box(analyse::run(*analysis, score, &params))));
            began.elapsed().as_secs_f64()
        };
        let seconds = median((0..ROUNDS).map(|_| round()).collect());
        all += seconds;
        println!(
            "{}",
            json!({ "analysis": spec.mark(), "seconds": seconds, "notes_per_s": (notes as f64 / seconds).round() })
        );
    }
    println!(
        "{}",
        json!({
            "analysis": "all", "scores": scores.len(), "notes": notes, "seconds": all, "reading_seconds": reading,
            "us_per_score": (all * 1e7 / scores.len() as f64).round() / 10.0,
        })
    );
    ExitCode::SUCCESS
}
