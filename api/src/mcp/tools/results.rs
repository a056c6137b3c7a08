//! `jobs_results`: a page of the rows of a job.

use super::status::{headline, told};
use super::{Call, Spec};
use crate::front::Front;
use crate::mcp::answer::{Answer, put};
use crate::mcp::bounds::{ROW_BYTES, count};
use crate::mcp::cursor::RowCursor;
use crate::mcp::detail::window;
use crate::mcp::resources::results_link;
use crate::mcp::view::View;
use crate::service::{Status, Take};
use serde_json::{Map, Value, json};
use shared::failure::Failure;
use shared::principal::Principal;

pub(super) static SPEC: Spec = Spec {
    name: "jobs_results",
    title: "Rows of a job",
    description: "A page of a job's table, a row per piece; of a running job what is there. detailed gives the whole answer of each analysis (every chord, every measure), with long lists cut: follow next_cursor.",
    hints: [true, false, true, false],
    input,
    output,
    example: r#"{"job":"job-k3f9q2mwx7abcdef","fields":["title","key_simple"],"where":["key_simple ~ minor"]}"#,
};

fn input() -> Value {
    json!({
        "type": "object",
        "properties": {
            "job": {"type": "string", "description": "Handle of the job"},
            "detail": detail(),
            "fields": {"type": "array", "items": {"type": "string"}, "maxItems": 40, "description": "Columns, or names of analyses for all of theirs"},
            "where": {"type": "array", "items": {"type": "string"}, "maxItems": 5, "description": "Conditions that all hold: COLUMN OP VALUE, with OP one of = != < <= > >= ~ (contains)"},
            "limit": {"type": "integer", "minimum": 1, "maximum": 200, "default": 50, "description": "Rows of one page; fewer if they are long"},
            "cursor": {"type": "string", "description": "next_cursor of the page before"},
        },
        "required": ["job"],
        "additionalProperties": false,
    })
}

/// How much of each row is told.
pub(super) fn detail() -> Value {
    json!({
        "type": "string", "enum": ["concise", "detailed"], "default": "concise",
        "description": "Columns of the table, or whole answers",
    })
}

fn output() -> Value {
    let mut all = rows_properties();
    for name in ["job", "state", "items", "done"] {
        put(&mut all, name, super::status::properties().get(name).cloned().unwrap_or_default());
    }
    json!({ "type": "object", "properties": all, "required": ["job", "state", "next"] })
}

/// What is said of rows.
pub(super) fn rows_properties() -> Value {
    json!({
        "columns": {"type": "array", "items": {"type": "string"}},
        "rows": {"type": "array", "items": {"type": "array"}},
        "details": {"type": "array", "items": {"type": "object"}},
        "next_cursor": {"type": "string"},
        "next": {"type": "string"},
    })
}

pub(super) async fn call(call: &Call<'_>) -> Result<Answer, Failure> {
    let job = call.job()?;
    let status = call.front.service.status(&call.principal, &job).await?;
    let asked = Asked {
        cursor: RowCursor::read(call.text("cursor").unwrap_or_default())?,
        limit: call.limit(50),
        view: View::of(&status.record.request, &call.texts("fields"), &call.texts("where"))?,
        detailed: call.text("detail") == Some("detailed"),
    };
    let page = page_of(call.front, &call.principal, &status, asked).await?;
    let mut answer: Map<String, Value> = told(&status);
    answer.retain(|name, _| ["job", "state", "items", "done"].contains(&name.as_str()));
    let mut text = if status.state.has_ended() { String::new() } else { headline(&status) };
    text.push_str(&page.text);
    let next = match (&page.next_cursor, status.state.has_ended()) {
        (Some(_), _) => "More: call again with cursor = next_cursor.",
        (None, true) => "That is all.",
        (None, false) => "The job goes on: there will be more.",
    };
    text.push_str(next);
    answer.extend(page.fields);
    answer.insert("next".to_owned(), json!(next));
    Ok(Answer::new(Value::Object(answer), text).with(results_link(&job)))
}

/// Which rows, and how they are shown.
pub(in crate::mcp) struct Asked {
    pub(in crate::mcp) cursor: RowCursor,
    pub(in crate::mcp) limit: usize,
    pub(in crate::mcp) view: View,
    pub(in crate::mcp) detailed: bool,
}

/// A page, as fields and as text.
pub(in crate::mcp) struct Shown {
    pub(in crate::mcp) fields: Map<String, Value>,
    pub(in crate::mcp) text: String,
    pub(in crate::mcp) next_cursor: Option<String>,
}

/// A page of the rows of a job that fits an answer.
pub(in crate::mcp) async fn page_of(
    front: &Front,
    principal: &Principal,
    status: &Status,
    asked: Asked,
) -> Result<Shown, Failure> {
    let Asked { cursor, limit, view, detailed } = asked;
    let limit = if detailed { 1 } else { limit };
    let (mut rows, mut bytes) = (0, 0);
    let chooser = view.clone();
    let takes = move |row: &shared::row::Row| {
        if !chooser.wants(row) {
            return Take::Not;
        }
        bytes += chooser.bytes(row);
        rows += 1;
        let fits = rows <= limit && (rows == 1 || bytes <= count(&ROW_BYTES));
        if fits { Take::Row } else { Take::Full }
    };
    let page = front.service.page(principal, &status.record.id, cursor.place, takes).await?;
    let mut next = page.next.map(|place| RowCursor { place, skip: 0 });
    let mut fields = Map::new();
    let mut text;
    if detailed {
        let mut details = Vec::new();
        for row in &page.rows {
            let shown = window(row, cursor.skip, count(&ROW_BYTES));
            if let Some(skip) = shown.next {
                next = Some(RowCursor { place: row_place(cursor, &page.places), skip });
            }
            let (source, piece, title) = (&row.source, row.piece, &row.facts.title);
            let mut detail = json!({ "source": source, "piece": piece, "findings": shown.value });
            if let Some(title) = title {
                put(&mut detail, "title", json!(title));
            }
            if let Some(failure) = &row.facts.failure {
                put(&mut detail, "failure", json!(failure.to_string()));
            }
            details.push(detail);
        }
        text = details.iter().map(|detail| format!("{detail}\n")).collect();
        fields.insert("details".to_owned(), Value::Array(details));
    } else {
        let shown = view.show(&page.rows);
        text = shown.text();
        fields.insert("columns".to_owned(), json!(shown.columns));
        fields.insert("rows".to_owned(), json!(shown.rows));
    }
    let next_cursor = next.map(RowCursor::text);
    if let Some(cursor) = &next_cursor {
        text.push_str(&format!("next_cursor: {cursor}\n"));
        fields.insert("next_cursor".to_owned(), json!(cursor));
    }
    Ok(Shown { fields, text, next_cursor })
}

/// Where the only row of a page stands.
fn row_place(cursor: RowCursor, places: &[crate::service::Place]) -> crate::service::Place {
    places.first().copied().unwrap_or(cursor.place)
}
