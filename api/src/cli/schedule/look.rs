//! Schedules and their history, for people and for programs.

use super::say;
use crate::cli::READ_ALL;
use crate::http::views::schedules::{ChangesView, FireState, FireView, PathsView, ScheduleView};
use std::fmt::Write;

/// Paths of each kind that people are shown.
const PATHS_SHOWN: usize = 5;

/// A schedule in a line: its name, whether it fires, when.
pub(in crate::cli) fn line(schedule: &ScheduleView) -> u8 {
    let ScheduleView { name, standing, cron, timezone, next, .. } = schedule;
    let next = next.as_ref().map(|next| format!("  next {next}")).unwrap_or_default();
    say(&format!("{name}  {}  {cron:?} {timezone}{next}\n", standing.name()));
    READ_ALL
}

pub(in crate::cli) fn show(schedule: &ScheduleView) -> u8 {
    line(schedule);
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = writeln!(text, "catch-up  {}", schedule.catch_up.name());
    let _ = writeln!(text, "lane      {}", schedule.lane);
    let _ = writeln!(text, "sources   {}", schedule.sources.join(" "));
    let _ = writeln!(text, "analyses  {}", schedule.analyses.join(","));
    let _ = writeln!(text, "fidelity  {}, repeats {}", schedule.fidelity, schedule.repeats);
    say(&text);
    READ_ALL
}

pub(in crate::cli) fn history(history: &[FireView], as_json: bool) -> u8 {
    for fire in history {
        if as_json {
            // A view is plain data: it always is JSON.
            say(&format!("{}\n", serde_json::to_string(fire).unwrap_or_default()));
            continue;
        }
        let asked = if fire.asked { " (asked for)" } else { "" };
        let mut text = format!("{}{asked}  {}\n", fire.at, words(fire));
        for (label, paths) in fire.changes.iter().flat_map(kinds) {
            told(&mut text, label, paths);
        }
        say(&text);
    }
    READ_ALL
}

fn words(fire: &FireView) -> String {
    let job = fire.job.as_deref().unwrap_or_default();
    match (fire.state, &fire.changes) {
        (FireState::Open, _) => "being seen to".to_owned(),
        (FireState::Skipped, _) => format!("skipped: {}", fire.why.as_deref().unwrap_or_default()),
        (FireState::Failed, _) => {
            format!("failed: {}", fire.failure.as_ref().map_or("", |failure| &failure.message))
        }
        (FireState::Job, None) => format!("{job}  {} items, not ended", fire.items.unwrap_or_default()),
        (FireState::Job, Some(changes)) => {
            let how = if changes.cancelled { ", cancelled" } else { "" };
            let ChangesView { items, cached, failed, .. } = changes;
            format!("{job}  {items} items, {cached} from the cache, {failed} failed{how}")
        }
    }
}

fn kinds(changes: &ChangesView) -> [(&'static str, &PathsView); 5] {
    [
        ("new", &changes.new),
        ("changed", &changes.changed),
        ("gone", &changes.gone),
        ("failed now", &changes.failed_now),
        ("failed no more", &changes.failed_no_more),
    ]
}

fn told(text: &mut String, label: &str, paths: &PathsView) {
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
