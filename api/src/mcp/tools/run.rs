//! `analysis_run`: asks analyses of scores, and answers in place what is done in time.

use super::results::{Asked, detail, page_of, rows_properties};
use super::status::{failures, headline, next, properties, told};
use super::{Call, Spec};
use crate::front::Front;
use crate::http::views::PlanView;
use crate::mcp::answer::{Answer, rounded};
use crate::mcp::bounds::WAIT;
use crate::mcp::cursor::RowCursor;
use crate::mcp::resources::results_link;
use crate::mcp::view::View;
use crate::plan::{self, Choice};
use crate::service::{Accepted, Order, Status};
use crate::sources::Listing;
use crate::{scores, sources};
use serde_json::{Value, json};
use shared::clock;
use shared::dispatch::Lane;
use shared::failure::{Failure, FailureKind};
use shared::job::Request;
use std::time::Duration;
use worker::read::Fidelity;
use worker::score::Repeats;

pub(super) static SPEC: Spec = Spec {
    name: "analysis_run",
    title: "Run analyses",
    description: "Runs analyses over scores or a corpus. Done within wait_s: the rows. Else the handle of a job that is kept for good: then jobs_get and jobs_results.",
    hints: [false, false, true, true],
    input,
    output,
    example: r#"{"scores":["score-k3f9q2mwx7abcdef"],"analyses":["key"]}"#,
};

/// Scores up to which a job is interactive: it goes before bulk ones, and is waited for unless the client says otherwise.
pub(in crate::mcp) const INTERACTIVE_ITEMS_MAX: u64 = 20;
/// Seconds that are waited for an interactive job.
const WAIT_S: u64 = 20;
/// Rows of an answer.
const ROWS: usize = 50;

fn input() -> Value {
    json!({
        "type": "object",
        "properties": {
            "scores": {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 500, "description": "Handles of scores; on a server of your own also paths, folders and URLs"},
            "corpus": {"type": "string", "maxLength": 64, "description": "All scores of a corpus"},
            "analyses": {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 10, "description": "Names of analysis_catalog"},
            "options": {"type": "object", "description": "ANALYSIS.OPTION to value, such as {\"search.query\": \"C D Eb F#\"}; see analysis_catalog"},
            "repeats": {"type": "string", "enum": ["written", "expanded", "once"], "default": "written", "description": "Measures as written, or as played"},
            "fidelity": {"type": "string", "enum": ["corrected", "compat"], "default": "corrected", "description": "compat answers as music21 does"},
            "detail": detail(),
            "wait_s": {"type": "integer", "minimum": 0, "maximum": WAIT.default, "description": "Seconds to wait; 20 for up to 20 scores, else 0"},
            "dry_run": {"type": "boolean", "default": false, "description": "Only says what it would cost: items, how many are cached, CPU seconds, finish time"},
            "idempotency_key": {"type": "string", "minLength": 1, "maxLength": 128, "description": "Decides the handle: the same key is the same job, so a call that timed out can be repeated"},
        },
        "required": ["analyses"],
        "additionalProperties": false,
    })
}

fn output() -> Value {
    let mut all = properties();
    if let (Some(all), Value::Object(rows)) = (all.as_object_mut(), rows_properties()) {
        all.extend(rows);
        let plan = json!({"type": "object", "description": "With dry_run, and no job"});
        all.insert("plan".to_owned(), plan);
    }
    json!({ "type": "object", "properties": all, "required": ["items", "next"] })
}

pub(super) async fn call(call: &Call<'_>) -> Result<Answer, Failure> {
    let ask = Ask::of(call)?;
    if call.args.get("dry_run").and_then(Value::as_bool) == Some(true) {
        return dry_run(call, ask).await;
    }
    let accepted = submit(call, ask).await?;
    call.front.begin(&call.principal, &accepted).await;
    let interactive = accepted.record.items <= INTERACTIVE_ITEMS_MAX;
    let seconds = call.number("wait_s", if interactive { WAIT_S } else { 0 });
    let status = call.wait(&accepted.record.id, seconds).await?;
    answer(call.front, &call.principal, &status, call.text("detail") == Some("detailed")).await
}

/// A job as the call that submitted it is answered: with its rows, if it has ended.
pub(in crate::mcp) async fn answer(
    front: &Front,
    principal: &shared::principal::Principal,
    status: &Status,
    detailed: bool,
) -> Result<Answer, Failure> {
    let mut answer = told(status);
    let mut text = headline(status);
    let failures = failures(status);
    if !failures.is_empty() {
        answer.insert("failures".to_owned(), Value::Array(failures));
    }
    let mut next = next(status);
    if status.state.has_ended() {
        // Whoever reads the rows has said them, and they stand in the rows.
        ["sources", "analyses"].iter().for_each(|said| drop(answer.remove(*said)));
        let view = View::of(&status.record.request, &[], &[])?;
        let asked = Asked { cursor: RowCursor::default(), limit: ROWS, view, detailed };
        let page = page_of(front, principal, status, asked).await?;
        text.push_str(&page.text);
        answer.extend(page.fields);
        next = match page.next_cursor {
            Some(cursor) => {
                let job = &status.record.id;
                format!("More rows: jobs_results {{\"job\":\"{job}\",\"cursor\":\"{cursor}\"}}.")
            }
            None => "That is all.".to_owned(),
        };
    }
    text.push_str(&next);
    answer.insert("next".to_owned(), json!(next));
    Ok(Answer::new(Value::Object(answer), text).with(results_link(&status.record.id)))
}

/// What is asked of which scores.
struct Ask {
    request: Request,
    elsewhere: Vec<String>,
    scores: Vec<String>,
}

impl Ask {
    fn of(call: &Call<'_>) -> Result<Self, Failure> {
        let given = call.texts("scores").into_iter().map(str::to_owned);
        let (elsewhere, scores): (Vec<String>, Vec<String>) =
            given.partition(|name| call.front.at_home && !name.starts_with("score-"));
        let names = [elsewhere.clone(), scores::names(&scores, call.text("corpus"))].concat();
        if names.is_empty() {
            let message = "say scores (handles of scores_search or scores_import) or corpus";
            return Err(Failure::new(FailureKind::Malformed, message));
        }
        Ok(Ask { request: plan::request(names, &choice(call)?)?, elsewhere, scores })
    }

    /// What there is of it, and the lane that it goes by.
    async fn list(&self, call: &Call<'_>) -> Result<(Listing, Lane), Failure> {
        let (front, principal) = (call.front, &call.principal);
        let uploaded = front.scores.named(principal, &self.scores, call.text("corpus")).await?;
        let reach = front.service.reach_of(principal)?;
        let listing = sources::list_with(&self.elsewhere, uploaded, &reach, &front.limits).await?;
        let few = listing.found.items() <= INTERACTIVE_ITEMS_MAX;
        Ok((listing, if few { Lane::Interactive } else { Lane::Bulk }))
    }
}

async fn submit(call: &Call<'_>, ask: Ask) -> Result<Accepted, Failure> {
    let (service, principal) = (&call.front.service, &call.principal);
    let key = call.text("idempotency_key");
    if let Some(key) = key
        && let Some(record) = service.job_of_key(principal, key, &ask.request).await?
    {
        return Ok(Accepted { record, resumed: true });
    }
    let (listing, lane) = ask.list(call).await?;
    match key {
        Some(key) => {
            let order = Order { lane, key: Some(key.to_owned()), callback: None };
            service.order(principal, ask.request, listing, order).await
        }
        // The same over the same scores while it is unfinished is one job.
        None => service.submit(principal, ask.request, listing, lane).await,
    }
}

/// What it would cost, and nothing more.
async fn dry_run(call: &Call<'_>, ask: Ask) -> Result<Answer, Failure> {
    let (listing, lane) = ask.list(call).await?;
    let Front { service, here, .. } = call.front;
    let forecast = service.forecast(&call.principal, &ask.request, &listing, lane, here.as_ref()).await?;
    let plan = PlanView::of(&forecast, clock::now_ms());
    let next = "Nothing was begun: the same call without dry_run begins it.";
    let text = format!("{}{next}", plan.text());
    let plan = json!({
        "bytes": plan.bytes,
        "cached": plan.cached,
        "cpu_seconds": rounded(plan.cpu_seconds),
        "cpu_seconds_left": rounded(plan.cpu_seconds_left),
        "jobs_ahead": plan.ahead.jobs,
        "finish_seconds": plan.finish_seconds.map(rounded),
        "finish_at": plan.finish_at,
        "worked_by": plan.worked_by,
    });
    let structured = json!({ "items": forecast.estimate.total().items, "plan": plan, "next": next });
    Ok(Answer::new(structured, text))
}

fn choice(call: &Call<'_>) -> Result<Choice, Failure> {
    let options = call.args.get("options").and_then(Value::as_object);
    let mut params = Vec::new();
    for (path, value) in options.into_iter().flatten() {
        let value = match value {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            other => {
                let message = format!("option {path:?} is a text or a whole number, not {other}");
                return Err(Failure::new(FailureKind::Malformed, message));
            }
        };
        params.push((path.clone(), value));
    }
    let fidelity =
        if call.text("fidelity") == Some("compat") { Fidelity::Compat } else { Fidelity::Corrected };
    let repeats = Repeats::ALL.into_iter().find(|repeats| Some(repeats.name()) == call.text("repeats"));
    let analyses = call.texts("analyses").into_iter().map(str::to_owned).collect();
    Ok(Choice { analyses, params, fidelity, repeats: repeats.unwrap_or_default(), ..Choice::default() })
}

/// How long a client that knows tasks waits before it is given one.
pub(in crate::mcp) const BEFORE_TASK: Duration = Duration::from_secs(2);
