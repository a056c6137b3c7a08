//! `scores_import`: takes scores in.

use super::search::{line, row};
use super::{Call, Spec};
use crate::mcp::answer::{Answer, cut, put};
use crate::scores::{Imported, Upload};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use shared::failure::{Failure, FailureKind};
use std::fmt::Write;

pub(super) static SPEC: Spec = Spec {
    name: "scores_import",
    title: "Import scores",
    description: "Takes in scores (MIDI, MusicXML, ABC, Humdrum kern) from a URL, or as content with name; on a server of your own also from a path, folders too. The same bytes are one score however often they come. Handles are kept until deleted.",
    hints: [false, false, true, true],
    input,
    output,
    example: r#"{"name":"tune.abc","content":"X:1\nT:Air\nM:4/4\nL:1/8\nK:G\nGABc d2d2|","corpus":"airs"}"#,
};

/// Scores that are shown.
const SHOWN: usize = 12;
/// Failures that are shown.
const FAILURES: usize = 5;

fn input() -> Value {
    json!({
        "type": "object",
        "properties": {
            "url": {"type": "string", "maxLength": 2000, "description": "https URL of one score; s3:// prefix for many"},
            "path": {"type": "string", "maxLength": 4000, "description": "File or folder of the server, where that is your own machine"},
            "content": {"type": "string", "maxLength": 2_000_000, "description": "The score itself"},
            "encoding": {"type": "string", "enum": ["text", "base64"], "default": "text", "description": "base64 for MIDI and .mxl"},
            "name": {"type": "string", "maxLength": 200, "description": "File name with content; its extension helps to tell the format"},
            "corpus": {"type": "string", "maxLength": 64, "description": "Corpus to put them in, made if it is not there: a-z 0-9 - _ ."},
        },
        "additionalProperties": false,
    })
}

fn output() -> Value {
    json!({
        "type": "object",
        "properties": {
            "scores": {"type": "array", "items": {
                "type": "object", "properties": {"score": {"type": "string"}, "name": {"type": "string"}},
                "required": ["score", "name"],
            }},
            "imported": {"type": "integer"}, "known": {"type": "integer"}, "failed": {"type": "integer"},
            "failures": {"type": "array", "items": {"type": "object"}},
            "corpus": {"type": "string"}, "next": {"type": "string"},
        },
        "required": ["scores", "imported", "known", "failed", "next"],
    })
}

pub(super) async fn call(call: &Call<'_>) -> Result<Answer, Failure> {
    let (front, principal) = (call.front, &call.principal);
    let corpus = call.text("corpus");
    let imported = match (call.text("url"), call.text("path"), call.text("content")) {
        (Some(url), None, None) => front.scores.import_url(principal, url, corpus, front.at_home).await?,
        (None, Some(path), None) if front.at_home => {
            front.scores.import_path(principal, path, corpus).await?
        }
        (None, Some(_), None) => {
            let message = "this server reads no paths of its own: send content with name, or a url";
            return Err(Failure::new(FailureKind::Denied, message));
        }
        (None, None, Some(content)) => {
            let bytes = match call.text("encoding") {
                Some("base64") => STANDARD.decode(content.trim()).map_err(|error| {
                    Failure::new(FailureKind::Malformed, format!("content is no base64: {error}"))
                })?,
                _ => content.as_bytes().to_vec(),
            };
            let name = call.text("name").unwrap_or_default().to_owned();
            let corpus = corpus.map(str::to_owned);
            let upload = Upload { name, bytes: bytes.into(), from: String::new(), corpus };
            let outcome = front.scores.import(principal, upload).await?;
            Imported { scores: vec![outcome], failed: Vec::new() }
        }
        _ => {
            let message = "say one of url, path and content (with name)";
            return Err(Failure::new(FailureKind::Malformed, message));
        }
    };
    Ok(told(&imported, corpus))
}

fn told(imported: &Imported, corpus: Option<&str>) -> Answer {
    let new = imported.scores.iter().filter(|(_, new)| *new).count();
    let known = imported.scores.len() - new;
    let mut text = format!("{new} imported, {known} were there already, {} failed\n", imported.failed.len());
    for (card, _) in imported.scores.iter().take(SHOWN) {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{}", line(card));
    }
    let shown = imported.failed.iter().take(FAILURES);
    let failures: Vec<Value> = shown
        .map(|(name, failure)| json!({ "source": cut(name, 120), "message": cut(&failure.to_string(), 300) }))
        .collect();
    for failure in &failures {
        let part = |name: &str| failure.get(name).and_then(Value::as_str).unwrap_or_default();
        let _ = writeln!(text, "failed: {}: {}", part("source"), part("message"));
    }
    let next = match corpus {
        Some(corpus) => format!("analysis_run with corpus {corpus:?}, or with the handles."),
        None => "analysis_run with the handles.".to_owned(),
    };
    text.push_str(&next);
    let scores: Vec<Value> = imported.scores.iter().take(SHOWN).map(|(card, _)| row(card)).collect();
    let mut answer = json!({
        "scores": scores, "imported": new, "known": known, "failed": imported.failed.len(), "next": next,
    });
    if !failures.is_empty() {
        put(&mut answer, "failures", Value::Array(failures));
    }
    if let Some(corpus) = corpus {
        put(&mut answer, "corpus", json!(corpus));
    }
    Answer::new(answer, text)
}
