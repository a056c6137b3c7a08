//! `jobs_list`: jobs, newest first.

use super::status::{headline, told};
use super::{Call, Spec};
use crate::mcp::answer::{Answer, put};
use crate::service::Pages;
use serde_json::{Value, json};
use shared::failure::Failure;

pub(super) static SPEC: Spec = Spec {
    name: "jobs_list",
    title: "List jobs",
    description: "Jobs of this tenant, newest first: how to find a handle again.",
    hints: [true, false, true, false],
    input,
    output,
    example: r#"{"state":"active"}"#,
};

fn input() -> Value {
    json!({
        "type": "object",
        "properties": {
            "state": {"type": "string", "enum": ["active", "paused", "finished", "cancelled"], "description": "Only these, of those looked at for the page"},
            "limit": {"type": "integer", "minimum": 1, "maximum": 50, "default": 10, "description": "Jobs looked at for one page"},
            "cursor": {"type": "string", "description": "next_cursor of the page before"},
        },
        "additionalProperties": false,
    })
}

fn output() -> Value {
    json!({
        "type": "object",
        "properties": {
            "jobs": {"type": "array", "items": {
                "type": "object",
                "properties": {"job": {"type": "string"}, "state": {"type": "string"}},
                "required": ["job", "state"],
            }},
            "next_cursor": {"type": "string"},
            "next": {"type": "string"},
        },
        "required": ["jobs", "next"],
    })
}

pub(super) async fn call(call: &Call<'_>) -> Result<Answer, Failure> {
    let cursor = call.text("cursor").filter(|cursor| !cursor.is_empty()).map(str::to_owned);
    let pages = Pages { cursor, limit: call.limit(10) };
    let listed = call.front.service.list_jobs(&call.principal, &pages).await?;
    let wanted = |name: &str| call.text("state").is_none_or(|state| state == name);
    let jobs: Vec<_> = listed.entries.iter().filter(|status| wanted(status.state.name())).collect();
    let mut text: String = jobs.iter().map(|status| headline(status)).collect();
    let next =
        if listed.next.is_some() { "More: call again with cursor = next_cursor." } else { "That is all." };
    let told = jobs.iter().map(|status| {
        let mut job = told(status);
        job.retain(|name, _| !["pieces", "eta_s"].contains(&name.as_str()));
        Value::Object(job)
    });
    let mut answer = json!({ "jobs": told.collect::<Vec<_>>(), "next": next });
    if let Some(cursor) = listed.next {
        text.push_str(&format!("next_cursor: {cursor}\n"));
        put(&mut answer, "next_cursor", json!(cursor));
    }
    text.push_str(next);
    Ok(Answer::new(answer, text))
}
