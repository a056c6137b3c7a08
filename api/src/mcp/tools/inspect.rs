//! `scores_inspect`: one score, from its card to its bytes.

use super::{Call, Spec};
use crate::mcp::answer::{Answer, cut, put, round_all};
use crate::mcp::cursor;
use crate::mcp::resources::score_link;
use crate::moment;
use serde_json::{Value, json};
use shared::card::Card;
use shared::failure::{Failure, FailureKind};

pub(super) static SPEC: Spec = Spec {
    name: "scores_inspect",
    title: "Inspect a score",
    description: "One uploaded score. concise: its card; full: also meters, keys, tempi, instruments, warnings; source: the notation itself, a page at a time. Export: the linked resource, with ?as=musicxml or ?as=midi in another format.",
    hints: [true, false, true, false],
    input,
    output,
    example: r#"{"score":"score-k3f9q2mwx7abcdef","detail":"full"}"#,
};

/// Bytes of notation on a page.
const PAGE_BYTES: usize = 3_000;
/// Warnings that are told.
const WARNINGS: usize = 8;
/// Entries of a list of meters, keys, tempi or instruments.
const ENTRIES: usize = 12;

fn input() -> Value {
    json!({
        "type": "object",
        "properties": {
            "score": {"type": "string", "description": "Handle of the score"},
            "detail": {"type": "string", "enum": ["concise", "full", "source"], "default": "concise", "description": "How much is told"},
            "cursor": {"type": "string", "description": "next_cursor of the page before, with source"},
        },
        "required": ["score"],
        "additionalProperties": false,
    })
}

fn output() -> Value {
    json!({
        "type": "object",
        "properties": {
            "score": {"type": "string"}, "name": {"type": "string"}, "title": {"type": "string"},
            "composer": {"type": "string"}, "format": {"type": "string"}, "bytes": {"type": "integer"},
            "pieces": {"type": "integer"}, "parts": {"type": "integer"}, "measures": {"type": "integer"},
            "notes": {"type": "integer"}, "warnings": {"type": "integer"}, "degraded": {"type": "string"},
            "imported": {"type": "string"}, "from": {"type": "string"},
            "summary": {"type": "object"}, "first_warnings": {"type": "array", "items": {"type": "string"}},
            "source": {"type": "string"}, "next_cursor": {"type": "string"}, "next": {"type": "string"},
        },
        "required": ["score", "name", "format", "next"],
    })
}

pub(super) async fn call(call: &Call<'_>) -> Result<Answer, Failure> {
    let scores = &call.front.scores;
    let id = call.text("score").unwrap_or_default().parse()?;
    let card = scores.card(&call.principal, &id).await?;
    let mut answer = told(&card);
    match call.text("detail") {
        Some("full") => full(call, &card, &mut answer).await?,
        Some("source") => return source(call, &card).await,
        _ => {}
    }
    let next = "analysis_run with this handle; detail full or source for more.";
    put(&mut answer, "next", json!(next));
    let text = text(&answer);
    Ok(Answer::new(answer, text).with(score_link(&card)))
}

fn told(card: &Card) -> Value {
    let mut told = json!({
        "score": card.id, "name": card.name, "format": card.format, "bytes": card.bytes, "pieces": card.pieces,
        "parts": card.parts, "measures": card.measures, "notes": card.notes, "warnings": card.warnings,
        "imported": moment::text(card.created_ms),
    });
    let texts = [("title", &card.title), ("composer", &card.composer)];
    for (name, text) in texts {
        if let Some(text) = text {
            put(&mut told, name, json!(cut(text, 200)));
        }
    }
    if let Some(failure) = &card.failure {
        put(&mut told, "degraded", json!(failure.to_string()));
    }
    if !card.from.is_empty() {
        put(&mut told, "from", json!(cut(&card.from, 200)));
    }
    told
}

/// An answer as lines; a text for those that read no structured content.
fn text(answer: &Value) -> String {
    let fields = answer.as_object().into_iter().flatten();
    let line = |(name, value): (&String, &Value)| match value {
        Value::String(text) => format!("{name}: {}\n", text.replace(['\n', '\r'], " ")),
        other => format!("{name}: {other}\n"),
    };
    fields.map(line).collect()
}

async fn full(call: &Call<'_>, card: &Card, answer: &mut Value) -> Result<(), Failure> {
    let row = call.front.scores.first_row(&call.principal, card).await?;
    let detail = row.facts.findings.first().map(|finding| finding.detail.text()).transpose()?;
    let mut summary: Value = serde_json::from_str(&detail.unwrap_or_default()).unwrap_or_default();
    round_all(&mut summary);
    for value in summary.as_object_mut().into_iter().flatten().map(|(_, value)| value) {
        if let Value::Array(all) = value {
            let more = all.len().saturating_sub(ENTRIES);
            all.truncate(ENTRIES);
            if more > 0 {
                all.push(json!(format!("… {more} more")));
            }
        }
    }
    put(answer, "summary", summary);
    let warnings = row.facts.warnings.iter().take(WARNINGS);
    let warnings: Vec<String> =
        warnings.map(|warning| format!("{} ({})", cut(&warning.message, 200), warning.place)).collect();
    if !warnings.is_empty() {
        put(answer, "first_warnings", json!(warnings));
    }
    Ok(())
}

async fn source(call: &Call<'_>, card: &Card) -> Result<Answer, Failure> {
    let bytes = call.front.scores.bytes(&call.principal, card).await?;
    let Ok(text) = std::str::from_utf8(&bytes) else {
        let message = format!("{} is no text: read the resource score://{} instead", card.name, card.id);
        return Err(Failure::new(FailureKind::Unsupported, message));
    };
    let from = cursor::number(call.text("cursor").unwrap_or_default())?;
    let page = text.get(from..).ok_or_else(|| cursor::wrong(call.text("cursor").unwrap_or_default()))?;
    let end = (0..=PAGE_BYTES.min(page.len())).rev().find(|end| page.is_char_boundary(*end)).unwrap_or(0);
    let (page, more) = page.split_at(end);
    let next = if more.is_empty() { "That is all." } else { "More: call again with cursor = next_cursor." };
    let mut answer = json!({
        "score": card.id, "name": card.name, "format": card.format, "source": page, "next": next,
    });
    let mut text = format!("{page}\n");
    if !more.is_empty() {
        let cursor = cursor::of_number(from + end);
        text.push_str(&format!("next_cursor: {cursor}\n"));
        put(&mut answer, "next_cursor", json!(cursor));
    }
    text.push_str(next);
    Ok(Answer::new(answer, text).with(score_link(card)))
}
