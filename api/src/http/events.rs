//! Server-sent events of a job: what it is doing, each time that it changed, until it has ended.

use super::extract::{OfPath, Who};
use super::jobs::tagged;
use super::problem::Problem;
use super::waiting::{Waiter, news_of};
use super::web::Web;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::Stream;
use shared::dispatch::Announcement;
use shared::job::JobId;
use shared::principal::Principal;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::broadcast::Receiver;
use utoipa::ToSchema;

/// How often a stream without news shows that it is alive, so that nobody between closes it.
const ALIVE_EVERY: Duration = Duration::from_secs(15);
/// The least time between two events.
const REST: Duration = Duration::from_millis(200);

/// What one event carries.
#[derive(ToSchema)]
#[allow(dead_code, reason = "it describes the events, which are text")]
pub(super) struct JobEvent {
    /// `progress`, or `ended` at the end.
    event: String,
    /// Changes whenever the job does.
    id: String,
    /// A `Job`, as JSON.
    data: String,
}

/// Streams a job: an event `progress` whenever it changed, one `ended` at its end. Each is the whole job, so that nothing is
/// missed by whoever was away; `Last-Event-ID` only spares what is known. After the end the answer is 204: do not come back.
#[utoipa::path(get, path = "/v1/jobs/{job}/events", operation_id = "job_events", tag = "jobs",
    params(("job" = String, Path, description = "The job", pattern = "^job-[a-kmnp-z2-9]{16}$"),
        ("Last-Event-ID" = Option<String>, Header, description = "The `id` of the last event that came")),
    responses(
        (status = 200, description = "Events, whose data is a `Job`", content((JobEvent = "text/event-stream"))),
        (status = 204, description = "It has ended, and you know it"),
    ))]
pub(super) async fn events(
    State(web): State<Arc<Web>>,
    Who(principal): Who,
    OfPath(job): OfPath<JobId>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let known = headers.get("last-event-id").and_then(|id| id.to_str().ok()).map(str::to_owned);
    // Watched from before the first look, so that nothing is missed.
    let watch = web.front.dispatcher.watch().await;
    let status = web.look(&principal, &job).await?;
    if status.state.has_ended() && known.as_deref() == Some(&id_of(&tagged(&status).1)) {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let listening = Listening { web, principal, job, watch, known, ended: false, _waiter: Waiter::new() };
    let stream = Sse::new(stream(listening)).keep_alive(KeepAlive::new().interval(ALIVE_EVERY));
    Ok(([("x-accel-buffering", "no")], stream).into_response())
}

struct Listening {
    web: Arc<Web>,
    principal: Principal,
    job: JobId,
    watch: Receiver<Announcement>,
    known: Option<String>,
    ended: bool,
    _waiter: Waiter,
}

fn id_of(tag: &str) -> String {
    tag.trim_matches('"').to_owned()
}

fn stream(listening: Listening) -> impl Stream<Item = Result<Event, Infallible>> {
    futures::stream::unfold(listening, async |mut listening| {
        while !listening.ended && !listening.web.front.is_stopping() {
            // A ledger that is away for a moment ends no stream.
            if let Ok(status) = listening.web.look(&listening.principal, &listening.job).await {
                let (body, tag) = tagged(&status);
                let id = id_of(&tag);
                if listening.known.as_ref() != Some(&id) {
                    listening.ended = status.state.has_ended();
                    let name = if listening.ended { "ended" } else { "progress" };
                    let event = Event::default().event(name).id(&id).data(String::from_utf8_lossy(&body));
                    listening.known = Some(id);
                    return Some((Ok(event), listening));
                }
            }
            tokio::time::sleep(REST).await;
            news_of(&listening.web.front, &mut listening.watch, &listening.job).await;
        }
        None
    })
}
