//! `jobs_get`: what a job is doing; and how every tool speaks of a job.

use super::{Call, Spec};
use crate::mcp::answer::{Answer, cut};
use crate::mcp::bounds::WAIT;
use crate::mcp::resources::job_link;
use crate::moment;
use crate::service::{State, Status};
use serde_json::{Map, Value, json};
use shared::clock;
use shared::failure::Failure;
use std::fmt::Write;

pub(super) static SPEC: Spec = Spec {
    name: "jobs_get",
    title: "Look at a job",
    description: "State and progress of a job, and its first failures; with wait_s it waits for the end. The job goes on whoever waits.",
    hints: [true, false, true, false],
    input,
    output,
    example: r#"{"job":"job-k3f9q2mwx7abcdef","wait_s":20}"#,
};

/// Failures that are shown.
const FAILURES: usize = 5;
/// Sources that are named.
const SOURCES: usize = 3;

fn input() -> Value {
    json!({
        "type": "object",
        "properties": {
            "job": {"type": "string", "description": "Handle of the job"},
            "wait_s": {"type": "integer", "minimum": 0, "maximum": WAIT.default, "default": 0, "description": "Seconds to wait for the end"},
        },
        "required": ["job"],
        "additionalProperties": false,
    })
}

fn output() -> Value {
    json!({ "type": "object", "properties": properties(), "required": ["job", "state", "items", "done", "next"] })
}

/// What is said of a job.
pub(super) fn properties() -> Value {
    json!({
        "job": {"type": "string"},
        "state": {"type": "string", "enum": ["active", "paused", "finished", "cancelled"]},
        "items": {"type": "integer"}, "done": {"type": "integer"}, "failed": {"type": "integer"},
        "pieces": {"type": "integer"}, "analyses": {"type": "array", "items": {"type": "string"}},
        "sources": {"type": "array", "items": {"type": "string"}},
        "created": {"type": "string"}, "eta_s": {"type": "integer"},
        "failures": {"type": "array", "items": {"type": "object"}},
        "next": {"type": "string"},
    })
}

pub(super) async fn call(call: &Call<'_>) -> Result<Answer, Failure> {
    let job = call.job()?;
    let status = call.wait(&job, call.number("wait_s", 0)).await?;
    let mut text = headline(&status);
    let mut answer = told(&status);
    let failures = failures(&status);
    for failure in &failures {
        let part = |name: &str| failure.get(name).and_then(Value::as_str).unwrap_or_default();
        // Writing to a string cannot fail.
        let _ = writeln!(text, "failed: {} ({}): {}", part("source"), part("kind"), part("message"));
    }
    if !failures.is_empty() {
        answer.insert("failures".to_owned(), Value::Array(failures));
    }
    let next = next(&status);
    text.push_str(&next);
    answer.insert("next".to_owned(), json!(next));
    Ok(Answer::new(Value::Object(answer), text).with(job_link(&status.record.id)))
}

/// A job as fields.
pub(in crate::mcp) fn told(status: &Status) -> Map<String, Value> {
    let (record, totals) = (&status.record, &status.totals);
    let mut told = Map::new();
    let mut put = |name: &str, value: Value| drop(told.insert(name.to_owned(), value));
    put("job", json!(record.id));
    put("state", json!(status.state.name()));
    put("items", json!(record.items));
    put("done", json!(totals.items));
    put("failed", json!(totals.failed));
    put("pieces", json!(totals.pieces));
    let analyses = record.request.analyses.iter().take(10).map(|asked| &asked.name);
    put("analyses", json!(analyses.collect::<Vec<_>>()));
    put("sources", json!(sources(status)));
    put("created", json!(moment::text(record.created_ms)));
    if let Some(seconds) = eta(status) {
        put("eta_s", json!(seconds));
    }
    told
}

/// The first sources, in few words.
fn sources(status: &Status) -> Vec<String> {
    let sources = &status.record.request.sources;
    let more = sources.len().saturating_sub(SOURCES);
    let named = sources.iter().take(SOURCES).map(|source| cut(source, 80));
    named.chain((more > 0).then(|| format!("… {more} more"))).collect()
}

/// A job in a line.
pub(super) fn headline(status: &Status) -> String {
    let (record, totals) = (&status.record, &status.totals);
    let failed = if totals.failed > 0 { format!(", {} failed", totals.failed) } else { String::new() };
    let eta = eta(status).map(|seconds| format!(", about {seconds} s left")).unwrap_or_default();
    let state = status.state.name();
    format!("{} {state}: {} of {} items done{failed}{eta}\n", record.id, totals.items, record.items)
}

/// Seconds until the end, if it goes on as it went.
fn eta(status: &Status) -> Option<u64> {
    let (done, items) = (status.totals.items, status.record.items);
    if status.state != State::Active || done == 0 {
        return None;
    }
    let passed = clock::now_ms().saturating_sub(status.record.created_ms);
    Some((passed / done).saturating_mul(items.saturating_sub(done)).div_ceil(1000))
}

/// The first failures of a job.
pub(super) fn failures(status: &Status) -> Vec<Value> {
    let kinds = status.totals.examples.iter();
    let all = kinds.flat_map(|(kind, examples)| examples.iter().map(move |example| (kind, example)));
    let told = all.take(FAILURES).map(|(kind, example)| {
        let place = example.place.map(|place| format!(" ({place})")).unwrap_or_default();
        let message = format!("{}{place}", cut(&example.message, 300));
        json!({ "source": cut(&example.name, 120), "kind": kind, "message": message })
    });
    told.collect()
}

/// What to do next with a job.
pub(super) fn next(status: &Status) -> String {
    let job = &status.record.id;
    match status.state {
        State::Active => {
            format!("Not done: jobs_get {{\"job\":\"{job}\",\"wait_s\":45}}. Do not submit it again.")
        }
        State::Paused => "Paused by somebody; it goes on when it is resumed.".to_owned(),
        State::Finished | State::Cancelled if status.totals.items > 0 => {
            format!("Rows: jobs_results {{\"job\":\"{job}\"}}.")
        }
        State::Finished | State::Cancelled => "There are no rows.".to_owned(),
    }
}
