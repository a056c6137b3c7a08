//! `scores_search`: finds uploaded scores.

use super::{Call, Spec};
use crate::mcp::answer::{Answer, cut, put};
use crate::scores::Query;
use serde_json::{Value, json};
use shared::card::Card;
use shared::failure::Failure;
use std::fmt::Write;
use worker::read::READERS;

pub(super) static SPEC: Spec = Spec {
    name: "scores_search",
    title: "Search scores",
    description: "Finds uploaded scores by words in title, composer or file name. Gives handles for analysis_run and scores_inspect.",
    hints: [true, false, true, false],
    input,
    output,
    example: r#"{"query":"bach chorale","limit":10}"#,
};

fn input() -> Value {
    let formats: Vec<&str> = READERS.iter().map(|reader| reader.format().name).collect();
    json!({
        "type": "object",
        "properties": {
            "query": {"type": "string", "maxLength": 200, "description": "Words that must all occur; none for all scores"},
            "composer": {"type": "string", "maxLength": 100, "description": "Words of the composer's name"},
            "format": {"type": "string", "enum": formats, "description": "Only this format"},
            "corpus": {"type": "string", "maxLength": 64, "description": "Only this corpus"},
            "limit": {"type": "integer", "minimum": 1, "maximum": 50, "default": 20, "description": "Scores of one page"},
            "cursor": {"type": "string", "description": "next_cursor of the page before"},
        },
        "additionalProperties": false,
    })
}

fn output() -> Value {
    json!({
        "type": "object",
        "properties": {
            "scores": {"type": "array", "items": {
                "type": "object",
                "properties": {
                    "score": {"type": "string"}, "name": {"type": "string"}, "title": {"type": "string"},
                    "composer": {"type": "string"}, "format": {"type": "string"}, "measures": {"type": "integer"},
                },
                "required": ["score", "name"],
            }},
            "total": {"type": "integer"},
            "corpora": {"type": "array", "items": {"type": "string"}},
            "next_cursor": {"type": "string"},
            "next": {"type": "string"},
        },
        "required": ["scores", "total", "next"],
    })
}

/// Names of corpora that are told.
const CORPORA: usize = 20;

pub(super) async fn call(call: &Call<'_>) -> Result<Answer, Failure> {
    let scores = &call.front.scores;
    let query = Query {
        text: call.text("query").unwrap_or_default().to_owned(),
        composer: call.text("composer").unwrap_or_default().to_owned(),
        format: call.text("format").map(str::to_owned),
        corpus: call.text("corpus").map(str::to_owned),
        after: call.text("cursor").filter(|cursor| !cursor.is_empty()).map(str::parse).transpose()?,
        limit: call.limit(20),
    };
    let found = scores.search(&call.principal, &query).await?;
    let mut corpora = scores.corpora(&call.principal).await?;
    corpora.truncate(CORPORA);
    let next = match (found.total, found.more) {
        (0, _) => "Nothing found: search with fewer words, or scores_import one.",
        (_, true) => "More: call again with cursor = next_cursor. Then analysis_run with the handles.",
        (_, false) => "Pass handles to analysis_run (scores) or scores_inspect (score).",
    };
    let mut text = format!("{} scores found\n", found.total);
    for card in &found.cards {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{}", line(card));
    }
    let mut answer = json!({
        "scores": found.cards.iter().map(|card| row(card)).collect::<Vec<_>>(),
        "total": found.total, "next": next,
    });
    if !corpora.is_empty() {
        let _ = writeln!(text, "corpora: {}", corpora.join(", "));
        put(&mut answer, "corpora", json!(corpora));
    }
    if let Some(last) = found.cards.last().filter(|_| found.more) {
        put(&mut answer, "next_cursor", json!(last.id));
        let _ = writeln!(text, "next_cursor: {}", last.id);
    }
    text.push_str(next);
    Ok(Answer::new(answer, text))
}

/// A score as a list shows it.
pub(super) fn row(card: &Card) -> Value {
    let mut row = json!({
        "score": card.id, "name": card.name, "format": card.format, "measures": card.measures,
    });
    if let Some(title) = &card.title {
        put(&mut row, "title", json!(cut(title, 100)));
    }
    if let Some(composer) = &card.composer {
        put(&mut row, "composer", json!(cut(composer, 60)));
    }
    row
}

/// The same as a line.
pub(super) fn line(card: &Card) -> String {
    let title = card.title.as_deref().unwrap_or(&card.name);
    let composer = card.composer.as_deref().map(|name| format!(", {name}")).unwrap_or_default();
    let text = format!("{title}{composer}").replace(['\n', '\r', '\t'], " ");
    format!("{}  {}  ({}, {} measures)", card.id, cut(&text, 100), card.format, card.measures)
}
