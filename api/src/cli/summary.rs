//! A job in a few lines, for people.

use crate::service::{State, Status};
use std::fmt::Write;
use std::path::PathBuf;

/// Pieces, notes, failures by kind with the first few, cache hits, seconds, files.
pub(super) fn text(status: &Status, seconds: Option<f64>, files: &[PathBuf]) -> String {
    let (record, totals) = (&status.record, &status.totals);
    let mut text = String::new();
    let mut line = |label: &str, value: String| {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{label:<10}{value}");
    };
    let time = seconds.map_or(String::new(), |seconds| format!(" in {seconds:.1} s"));
    line("job", format!("{} {}{time}", record.id, status.state.name()));
    let done = if totals.items == record.items { String::new() } else { format!("{} of ", totals.items) };
    line("items", format!("{done}{}, {} from the cache", record.items, totals.cached));
    let degraded =
        if totals.degraded > 0 { format!(", {} degraded", totals.degraded) } else { String::new() };
    line("pieces", format!("{}{degraded}", totals.pieces));
    line("notes", totals.notes.to_string());
    if !record.left_out.is_empty() {
        let kinds: Vec<String> =
            record.left_out.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
        line(
            "left out",
            format!("{} files that are no scores by their names: {}", sum(record), kinds.join(", ")),
        );
    }
    line("failures", if totals.failed == 0 { "none".to_owned() } else { totals.failed.to_string() });
    for (kind, count) in &totals.kinds {
        let _ = writeln!(text, "  {count} {kind}");
        let examples = totals.examples.get(kind).into_iter().flatten();
        for example in examples {
            let place = example.place.map(|place| format!(" ({place})")).unwrap_or_default();
            let _ = writeln!(text, "    {}: {}{place}", example.name, example.message);
        }
    }
    if totals.failed > 0 || totals.degraded > 0 {
        let _ = writeln!(text, "  all of them: ripieno errors {}", record.id);
    }
    if status.state == State::Active {
        let _ = writeln!(text, "the same `ripieno run` goes on with it");
    }
    if status.state == State::Paused {
        let _ = writeln!(text, "`ripieno resume {}` lets it go on", record.id);
    }
    for file in files {
        let _ = writeln!(text, "{:<10}{}", "wrote", file.display());
    }
    text
}

fn sum(record: &shared::job::Record) -> u64 {
    record.left_out.values().sum()
}
