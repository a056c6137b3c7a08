//! A job in a few lines, for people.

use crate::http::views::{Job, left_out};
use crate::service::State;
use std::fmt::Write;
use std::path::PathBuf;

/// Pieces, notes, failures by kind with the first few, cache hits, seconds, files.
pub(super) fn text(job: &Job, seconds: Option<f64>, files: &[PathBuf]) -> String {
    let mut text = String::new();
    let mut line = |label: &str, value: String| {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{label:<10}{value}");
    };
    let time = seconds.map_or(String::new(), |seconds| format!(" in {seconds:.1} s"));
    line("job", format!("{} {}{time}", job.id, job.state.name()));
    let done = if job.done == job.items { String::new() } else { format!("{} of ", job.done) };
    line("items", format!("{done}{}, {} from the cache", job.items, job.cached));
    let degraded = if job.degraded > 0 { format!(", {} degraded", job.degraded) } else { String::new() };
    line("pieces", format!("{}{degraded}", job.pieces));
    line("notes", job.notes.to_string());
    if !job.left_out.is_empty() {
        line("left out", left_out(&job.left_out));
    }
    line("failures", if job.failed == 0 { "none".to_owned() } else { job.failed.to_string() });
    for (kind, count) in &job.kinds {
        let _ = writeln!(text, "  {count} {kind}");
        let examples = job.examples.get(kind).into_iter().flatten();
        for example in examples {
            let place = example.place.map(|place| format!(" ({place})")).unwrap_or_default();
            let _ = writeln!(text, "    {}: {}{place}", example.name, example.message);
        }
    }
    if job.failed > 0 || job.degraded > 0 {
        let _ = writeln!(text, "  all of them: ripieno errors {}", job.id);
    }
    if job.state == State::Active {
        let _ = writeln!(text, "the same `ripieno run` goes on with it");
    }
    if job.state == State::Paused {
        let _ = writeln!(text, "`ripieno resume {}` lets it go on", job.id);
    }
    for file in files {
        let _ = writeln!(text, "{:<10}{}", "wrote", file.display());
    }
    text
}
