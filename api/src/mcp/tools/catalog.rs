//! `analysis_catalog`: what can be asked of a score.

use super::{Call, Spec};
use crate::mcp::answer::{Answer, cut, put};
use crate::plan;
use serde_json::{Map, Value, json};
use shared::failure::Failure;
use std::fmt::Write;
use worker::analyse::{ANALYSES, Kind, Range, Spec as Analysis};

pub(super) static SPEC: Spec = Spec {
    name: "analysis_catalog",
    title: "Catalogue of analyses",
    description: "Lists the analyses; with names, the options of each as JSON Schema, its columns and its reference. Ask before analysis_run with options.",
    hints: [true, false, true, false],
    input,
    output,
    example: r#"{"analyses":["key"]}"#,
};

/// Columns that are described; the feature sets have a hundred.
const COLUMNS: usize = 16;
/// Bytes of a summary in the list of all.
const SUMMARY_BYTES: usize = 60;

fn input() -> Value {
    json!({
        "type": "object",
        "properties": {
            "analyses": {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 3, "description": "Names to describe; none for the list"},
            "query": {"type": "string", "maxLength": 100, "description": "Only analyses whose name or summary has this word"},
        },
        "additionalProperties": false,
    })
}

fn output() -> Value {
    json!({
        "type": "object",
        "properties": {
            "analyses": {"type": "array", "items": {
                "type": "object",
                "properties": {
                    "analysis": {"type": "string"}, "summary": {"type": "string"},
                    "options": {"type": "object"},
                    "columns": {"type": "array", "items": {"type": "string"}},
                    "reference": {"type": "string"},
                },
                "required": ["analysis", "summary"],
            }},
            "next": {"type": "string"},
        },
        "required": ["analyses", "next"],
    })
}

pub(super) fn call(call: &Call<'_>) -> Result<Answer, Failure> {
    let names = call.texts("analyses");
    if names.is_empty() {
        return Ok(list(call.text("query").unwrap_or_default()));
    }
    let mut all = Vec::with_capacity(names.len());
    let mut text = String::new();
    for name in names {
        let spec = plan::analysis(name)?.spec();
        all.push(described(spec));
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{}: {}", spec.mark(), spec.summary);
        for param in spec.params {
            let default = param.range.default();
            let (range, summary) = (param.range.text(), param.summary);
            let _ = writeln!(text, "  option {}.{}: {range} [{default}]; {summary}", spec.name, param.name);
        }
    }
    let next = "Pass options to analysis_run as {\"ANALYSIS.OPTION\": value}.";
    text.push_str(next);
    Ok(Answer::new(json!({ "analyses": all, "next": next }), text))
}

fn list(query: &str) -> Answer {
    let query = query.to_lowercase();
    let specs = ANALYSES.iter().map(|analysis| analysis.spec());
    let hits =
        specs.filter(|spec| spec.name.contains(&query) || spec.summary.to_lowercase().contains(&query));
    let mut text = String::new();
    let mut all = Vec::new();
    for spec in hits {
        let summary = cut(spec.summary, SUMMARY_BYTES);
        let _ = writeln!(text, "{}: {summary}", spec.name);
        all.push(json!({ "analysis": spec.name, "summary": summary }));
    }
    let next = "Call again with analyses = [names] for options and columns, or analysis_run.";
    text.push_str(next);
    Answer::new(json!({ "analyses": all, "next": next }), text)
}

fn described(spec: &Analysis) -> Value {
    let options: Map<String, Value> = spec
        .params
        .iter()
        .map(|param| {
            let mut schema = match &param.range {
                Range::Choice(words) => json!({"type": "string", "enum": words}),
                Range::Integer { min, max, .. } => json!({"type": "integer", "minimum": min, "maximum": max}),
                Range::Text { grammar, .. } => json!({"type": "string", "description": grammar}),
            };
            put(&mut schema, "default", param.range.default());
            (format!("{}.{}", spec.name, param.name), schema)
        })
        .collect();
    let columns = spec.columns.iter().take(COLUMNS).map(|column| {
        let kind = match column.kind {
            Kind::Integer => "integer",
            Kind::Number => "number",
            Kind::Text => "text",
        };
        let unit = if column.unit.is_empty() { String::new() } else { format!(" ({})", column.unit) };
        format!("{}_{}: {kind}{unit}", spec.name, column.name)
    });
    let more = spec.columns.len().saturating_sub(COLUMNS);
    let columns = columns.chain((more > 0).then(|| format!("… {more} more"))).collect::<Vec<_>>();
    json!({
        "analysis": spec.name, "summary": cut(spec.summary, 400), "options": options, "columns": columns,
        "reference": spec.reference,
    })
}
