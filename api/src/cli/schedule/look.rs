//! Schedules and their history, for people and for programs.

use super::{line, say};
use crate::cli::READ_ALL;
use crate::schedule::{Past, Times};
use serde_json::{Value, json};
use shared::failure::Failure;
use shared::schedule::{Changes, FireOutcome, Paths, Schedule};
use std::fmt::Write;

/// Paths of each kind that people are shown.
const PATHS_SHOWN: usize = 5;

pub(super) fn show(schedule: &Schedule) -> Result<u8, Failure> {
    let request = &schedule.request;
    let analyses: Vec<&str> = request.analyses.iter().map(|asked| asked.name.as_str()).collect();
    let mut text = format!("{}\n", line(schedule)?);
    // Writing to a string cannot fail.
    let _ = writeln!(text, "catch-up  {}", schedule.catch_up.name());
    let _ = writeln!(text, "lane      {}", schedule.lane.name());
    let _ = writeln!(text, "sources   {}", request.sources.join(" "));
    let _ = writeln!(text, "analyses  {}", analyses.join(","));
    let _ = writeln!(text, "fidelity  {}, repeats {}", request.fidelity, request.repeats);
    say(&text);
    Ok(READ_ALL)
}

pub(super) fn history(history: &[Past], zone: &str, as_json: bool) -> Result<u8, Failure> {
    let clock = Times::parse("* * * * *", zone)?;
    for past in history {
        let at = clock.text(past.time.at_ms);
        if as_json {
            say(&format!("{}\n", object(past, &at)));
            continue;
        }
        let asked = if past.time.asked { " (asked for)" } else { "" };
        let mut text = format!("{at}{asked}  {}\n", words(past));
        for (label, paths) in past.changes.iter().flat_map(kinds) {
            told(&mut text, label, paths);
        }
        say(&text);
    }
    Ok(READ_ALL)
}

fn words(past: &Past) -> String {
    match past.fired.as_ref().map(|fired| &fired.outcome) {
        None => "being seen to".to_owned(),
        Some(FireOutcome::Skipped { why }) => format!("skipped: {why}"),
        Some(FireOutcome::Failed { failure }) => format!("failed: {failure}"),
        Some(FireOutcome::Job { record, .. }) => match &past.changes {
            None => format!("{}  {} items, not ended", record.id, record.items),
            Some(changes) => {
                let how = if changes.cancelled { ", cancelled" } else { "" };
                let Changes { items, cached, failed, .. } = changes;
                format!("{}  {items} items, {cached} from the cache, {failed} failed{how}", record.id)
            }
        },
    }
}

fn kinds(changes: &Changes) -> [(&'static str, &Paths); 5] {
    [
        ("new", &changes.new),
        ("changed", &changes.changed),
        ("gone", &changes.gone),
        ("failed now", &changes.failed_now),
        ("failed no more", &changes.failed_no_more),
    ]
}

fn told(text: &mut String, label: &str, paths: &Paths) {
    if paths.count == 0 {
        return;
    }
    // Writing to a string cannot fail.
    let _ = writeln!(text, "  {} {label}", paths.count);
    for path in paths.first.iter().take(PATHS_SHOWN) {
        let _ = writeln!(text, "    {path}");
    }
    if paths.count > PATHS_SHOWN as u64 {
        let _ = writeln!(text, "    …");
    }
}

fn object(past: &Past, at: &str) -> Value {
    let mut object = json!({ "at": at, "asked": past.time.asked });
    let outcome = match past.fired.as_ref().map(|fired| &fired.outcome) {
        None => json!({ "state": "open" }),
        Some(FireOutcome::Skipped { why }) => json!({ "state": "skipped", "why": why }),
        Some(FireOutcome::Failed { failure }) => json!({ "state": "failed", "failure": failure }),
        Some(FireOutcome::Job { record, before }) => {
            json!({ "state": "job", "job": record.id, "before": before, "changes": past.changes })
        }
    };
    if let (Value::Object(object), Value::Object(outcome)) = (&mut object, outcome) {
        object.extend(outcome);
    }
    object
}
