//! Jobs: submitted, looked at, listed, and what is wanted of them changed.

use super::ask::{LaneName, NewJob};
use super::callbacks;
use super::extract::{Json, OfPath, Params, Who, heavy, idempotency_key, limit, wait};
use super::problem::Problem;
use super::views::{Job, Jobs};
use super::waiting::{Until, wait_for};
use super::web::Web;
use crate::service::{Accepted, Order, Pages, Status};
use crate::{plan, scores, sources};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use shared::failure::Failure;
use shared::job::JobId;
use shared::principal::Principal;
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

/// Submits a job. Once this is answered, the job is durable.
#[utoipa::path(
    post, path = "/v1/jobs", operation_id = "submit_job", tag = "jobs", request_body = NewJob,
    params(("Idempotency-Key" = Option<String>, Header, min_length = 1, max_length = 128,
        pattern = "^[!-~]+$", description = "A key of your own: the same key is the same job, however often it is asked for.")),
    responses(
        (status = 202, description = "Accepted, and durable", body = Job, headers(("Location" = String, description = "The job")),
            links(
                ("job" = (operation_id = "get_job", parameters(("job" = "$response.body#/id")))),
                ("events" = (operation_id = "job_events", parameters(("job" = "$response.body#/id")))),
                ("items" = (operation_id = "job_items", parameters(("job" = "$response.body#/id")))),
                ("failures" = (operation_id = "job_failures", parameters(("job" = "$response.body#/id")))),
                ("results" = (operation_id = "job_results", parameters(("job" = "$response.body#/id")))),
                ("cancel" = (operation_id = "cancel_job", parameters(("job" = "$response.body#/id")))),
                ("retry" = (operation_id = "retry_job", parameters(("job" = "$response.body#/id")))),
            )),
        (status = 200, description = "Accepted before, under the same key", body = Job, headers(("Location" = String, description = "The job"))),
    )
)]
pub(super) async fn submit(
    State(web): State<Arc<Web>>,
    Who(principal): Who,
    headers: HeaderMap,
    Json(job): Json<NewJob>,
) -> Result<Response, Problem> {
    let key = idempotency_key(&headers)?;
    let names = [job.sources.clone(), scores::names(&job.scores, job.corpus.as_deref())].concat();
    let request = plan::request(names, &job.choice()?)?;
    if let Some(url) = &job.callback {
        callbacks::check(web.callbacks.as_ref(), url)?;
    }
    if let Some(key) = &key
        && let Some(record) = web.front.service.job_of_key(&principal, key, &request).await?
    {
        return accepted(&web, &principal, Accepted { record, resumed: true }).await;
    }
    let uploaded = web.front.scores.named(&principal, &job.scores, job.corpus.as_deref()).await?;
    let order = Order { lane: job.lane.into(), key, callback: job.callback };
    let (service, limits) = (web.front.service.clone(), web.front.limits.clone());
    let who = principal.clone();
    let taken = heavy(move || async move {
        let reach = service.reach_of(&who)?;
        let listing = sources::list_with(&job.sources, uploaded, &reach, &limits).await?;
        service.order(&who, request, listing, order).await
    });
    accepted(&web, &principal, taken.await?).await
}

/// Has an accepted job begin, and answers with it.
async fn accepted(web: &Web, principal: &Principal, accepted: Accepted) -> Result<Response, Problem> {
    if !accepted.resumed {
        web.front.begin(principal, &accepted).await;
    }
    let status = web.front.service.status(principal, &accepted.record.id).await?;
    let code = if accepted.resumed { StatusCode::OK } else { StatusCode::ACCEPTED };
    let location = [(header::LOCATION, format!("/v1/jobs/{}", accepted.record.id))];
    Ok((code, location, axum::Json(Job::from(&status))).into_response())
}

/// What of the list of jobs is asked for.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct JobPages {
    /// The `next` of the page before.
    #[param(pattern = r"^([0-9]{1,15}\.job-[a-kmnp-z2-9]{16})?$")]
    cursor: Option<String>,
    /// Entries at the most; 100 where nothing is said.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u64>,
}

/// Which part of a list is asked for; an empty cursor is that of the first page.
pub(super) fn pages(web: &Web, cursor: Option<String>, asked: Option<u64>) -> Result<Pages, Problem> {
    let cursor = cursor.filter(|cursor| !cursor.is_empty());
    Ok(Pages { limit: limit(asked, &web.front.limits)?, cursor })
}

/// Lists the jobs, newest first.
#[utoipa::path(get, path = "/v1/jobs", operation_id = "list_jobs", tag = "jobs", params(JobPages),
    responses((status = 200, description = "A page of jobs", body = Jobs)))]
pub(super) async fn list(
    State(web): State<Arc<Web>>,
    Who(principal): Who,
    Params(page): Params<JobPages>,
) -> Result<axum::Json<Jobs>, Problem> {
    let page = web.front.service.list_jobs(&principal, &pages(&web, page.cursor, page.limit)?).await?;
    Ok(axum::Json(Jobs { jobs: page.entries.iter().map(Job::from).collect(), next: page.next }))
}

/// How long to wait.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct WaitParams {
    /// Seconds to wait for the end of the job, or, with `If-None-Match`, for any change of it.
    #[param(minimum = 0, maximum = 60)]
    wait: Option<u64>,
}

/// Looks at a job; with `wait`, when it has ended or changed.
#[utoipa::path(get, path = "/v1/jobs/{job}", operation_id = "get_job", tag = "jobs",
    params(("job" = String, Path, description = "The job", pattern = "^job-[a-kmnp-z2-9]{16}$"), WaitParams,
        ("If-None-Match" = Option<String>, Header, description = "The `ETag` of an answer of before: 304 while the job is as it was")),
    responses(
        (status = 200, description = "The job", body = Job, headers(("ETag" = String, description = "Changes whenever the job does"))),
        (status = 304, description = "It is as it was"),
    ))]
pub(super) async fn get(
    State(web): State<Arc<Web>>,
    Who(principal): Who,
    OfPath(job): OfPath<JobId>,
    Params(params): Params<WaitParams>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let known = headers.get(header::IF_NONE_MATCH).and_then(|tag| tag.to_str().ok()).map(str::to_owned);
    let at_most = wait(params.wait.unwrap_or(0), &web.front.limits)?;
    let until = match &known {
        Some(known) if known != "*" => Until::NotTagged(known.clone()),
        _ => Until::Ended,
    };
    let status = wait_for(&web, &principal, &job, at_most, &until).await?;
    let (body, tag) = tagged(&status);
    let tag_header = HeaderValue::from_str(&tag).unwrap_or(HeaderValue::from_static("\"\""));
    if known.is_some_and(|known| names_tag(&known, &tag)) {
        return Ok((StatusCode::NOT_MODIFIED, [(header::ETAG, tag_header)]).into_response());
    }
    let json = HeaderValue::from_static("application/json");
    Ok(([(header::CONTENT_TYPE, json), (header::ETAG, tag_header)], body).into_response())
}

/// A job as JSON, and the tag that changes with it.
pub(super) fn tagged(status: &Status) -> (Vec<u8>, String) {
    // A view is plain data: it always is JSON.
    let body = serde_json::to_vec(&Job::from(status)).unwrap_or_default();
    let digest = blake3::hash(&body).to_hex();
    let tag = format!("\"{}\"", digest.get(..16).unwrap_or_default());
    (body, tag)
}

/// Whether a list of tags, as a header has them, names one, or all.
pub(super) fn names_tag(list: &str, tag: &str) -> bool {
    list.split(',').map(str::trim).any(|one| one == "*" || one.strip_prefix("W/").unwrap_or(one) == tag)
}

macro_rules! change {
    ($(#[$doc:meta])* $name:ident, $path:literal, $id:literal) => {
        $(#[$doc])*
        #[utoipa::path(post, path = $path, operation_id = $id, tag = "jobs",
            params(("job" = String, Path, description = "The job", pattern = "^job-[a-kmnp-z2-9]{16}$")),
            responses((status = 200, description = "The job after that", body = Job)))]
        pub(super) async fn $name(
            State(web): State<Arc<Web>>,
            Who(principal): Who,
            OfPath(job): OfPath<JobId>,
        ) -> Result<axum::Json<Job>, Problem> {
            let status = web.front.service.$name(&principal, &job).await;
            changed(&web, &principal, &job, status)
        }
    };
}

change!(
    /// Stops a job; what is finished stays.
    cancel, "/v1/jobs/{job}/cancel", "cancel_job"
);
change!(
    /// Stops a job for a while.
    pause, "/v1/jobs/{job}/pause", "pause_job"
);
change!(
    /// Lets a paused job go on.
    resume, "/v1/jobs/{job}/resume", "resume_job"
);

fn changed(
    web: &Web,
    principal: &Principal,
    job: &JobId,
    status: Result<Status, Failure>,
) -> Result<axum::Json<Job>, Problem> {
    web.looks.forget(principal, job);
    Ok(axum::Json(Job::from(&status?)))
}

/// Where a job is to go.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Move {
    /// The lane: `interactive` goes before `bulk`.
    pub(super) lane: LaneName,
}

/// Moves a job to another lane.
#[utoipa::path(post, path = "/v1/jobs/{job}/prioritise", operation_id = "prioritise_job", tag = "jobs", request_body = Move,
    params(("job" = String, Path, description = "The job", pattern = "^job-[a-kmnp-z2-9]{16}$")),
    responses((status = 200, description = "The job after that", body = Job)))]
pub(super) async fn prioritise(
    State(web): State<Arc<Web>>,
    Who(principal): Who,
    OfPath(job): OfPath<JobId>,
    Json(to): Json<Move>,
) -> Result<axum::Json<Job>, Problem> {
    let status = web.front.service.prioritise(&principal, &job, to.lane.into()).await;
    changed(&web, &principal, &job, status)
}

/// Makes a new job of what failed of an ended one; its table is that of the whole job.
#[utoipa::path(post, path = "/v1/jobs/{job}/retry", operation_id = "retry_job", tag = "jobs",
    params(("job" = String, Path, description = "The job", pattern = "^job-[a-kmnp-z2-9]{16}$")),
    responses(
        (status = 202, description = "Accepted, and durable", body = Job, headers(("Location" = String, description = "The new job"))),
        (status = 200, description = "There is an unfinished one of before", body = Job, headers(("Location" = String, description = "That job"))),
    ))]
pub(super) async fn retry(
    State(web): State<Arc<Web>>,
    Who(principal): Who,
    OfPath(job): OfPath<JobId>,
) -> Result<Response, Problem> {
    let (service, who) = (web.front.service.clone(), principal.clone());
    let taken = heavy(move || async move { service.retry(&who, &job).await }).await?;
    accepted(&web, &principal, taken).await
}
