//! Schedules: jobs that come again, looked after by every front.

use super::ask::{LaneName, NewJob};
use super::extract::{Json, OfPath, Params, Who, limit};
use super::problem::Problem;
use super::views::schedules::{FireView, History, ScheduleView, Schedules};
use super::web::Web;
use crate::plan;
use crate::schedule::{Past, Scheduler, Times, Wanted};
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use shared::failure::{Failure, FailureKind};
use shared::principal::Principal;
use shared::schedule::{CatchUp, FireTime, ScheduleName, Standing};
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

/// A schedule to be.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewSchedule {
    /// Its name.
    #[schema(pattern = "^[a-z0-9][a-z0-9_-]{0,63}$", example = "nightly")]
    name: String,
    /// When it fires: minute, hour, day of the month, month, day of the week.
    #[schema(example = "0 2 * * *")]
    cron: String,
    /// By whose clocks: a name of the tz database.
    #[serde(default = "utc")]
    #[schema(default = "UTC", example = "Europe/Vienna")]
    timezone: String,
    /// Which of the times at which nobody was there are made up for.
    #[serde(default)]
    catch_up: CatchUpName,
    /// What is asked each time, of `sources`; `scores`, `corpus` and `callback` are not taken.
    job: NewJob,
}

fn utc() -> String {
    "UTC".to_owned()
}

/// What becomes of missed times.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum CatchUpName {
    #[default]
    One,
    None,
    All,
}

impl From<CatchUpName> for CatchUp {
    fn from(name: CatchUpName) -> CatchUp {
        match name {
            CatchUpName::One => CatchUp::One,
            CatchUpName::None => CatchUp::None,
            CatchUpName::All => CatchUp::All,
        }
    }
}

impl NewSchedule {
    fn wanted(self) -> Result<Wanted, Failure> {
        let NewSchedule { name, cron, timezone, catch_up, job } = self;
        if job.callback.is_some() {
            let message = "job.callback: jobs of a schedule have none; its history says how each ended";
            return Err(Failure::new(FailureKind::Malformed, message));
        }
        if !job.scores.is_empty() || job.corpus.is_some() {
            let message = "job: a schedule lists its sources each time; uploaded scores are none";
            return Err(Failure::new(FailureKind::Malformed, message));
        }
        let request = plan::request(job.sources.clone(), &job.choice()?)?;
        let (name, catch_up, lane) = (name.parse()?, catch_up.into(), LaneName::into(job.lane));
        Ok(Wanted { name, cron, timezone, catch_up, request, lane })
    }
}

/// Adds a schedule.
#[utoipa::path(post, path = "/v1/schedules", operation_id = "add_schedule", tag = "schedules", request_body = NewSchedule,
    responses((status = 201, description = "It is there", body = ScheduleView,
        headers(("Location" = String, description = "The schedule")),
        links(
            ("schedule" = (operation_id = "get_schedule", parameters(("schedule" = "$response.body#/name")))),
            ("history" = (operation_id = "schedule_history", parameters(("schedule" = "$response.body#/name")))),
            ("run" = (operation_id = "run_schedule", parameters(("schedule" = "$response.body#/name")))),
            ("remove" = (operation_id = "remove_schedule", parameters(("schedule" = "$response.body#/name")))),
        ))))]
pub(super) async fn add(
    State(web): State<Arc<Web>>,
    Who(principal): Who,
    Json(new): Json<NewSchedule>,
) -> Result<Response, Problem> {
    let schedule = web.front.service.add_schedule(&principal, new.wanted()?).await?;
    let location = [(header::LOCATION, format!("/v1/schedules/{}", schedule.name))];
    Ok((StatusCode::CREATED, location, axum::Json(ScheduleView::of(&schedule)?)).into_response())
}

/// Lists the schedules.
#[utoipa::path(get, path = "/v1/schedules", operation_id = "list_schedules", tag = "schedules",
    responses((status = 200, description = "Every schedule, in the order of the names", body = Schedules)))]
pub(super) async fn list(
    State(web): State<Arc<Web>>,
    Who(principal): Who,
) -> Result<axum::Json<Schedules>, Problem> {
    let schedules = web.front.service.schedules(&principal).await?;
    let schedules = schedules.iter().map(ScheduleView::of).collect::<Result<_, Failure>>()?;
    Ok(axum::Json(Schedules { schedules }))
}

/// Looks at a schedule.
#[utoipa::path(get, path = "/v1/schedules/{schedule}", operation_id = "get_schedule", tag = "schedules",
    params(("schedule" = String, Path, description = "Its name", pattern = "^[a-z0-9][a-z0-9_-]{0,63}$")),
    responses((status = 200, description = "The schedule", body = ScheduleView)))]
pub(super) async fn get(
    State(web): State<Arc<Web>>,
    Who(principal): Who,
    OfPath(name): OfPath<ScheduleName>,
) -> Result<axum::Json<ScheduleView>, Problem> {
    let schedule = web.front.service.schedule(&principal, &name).await?;
    Ok(axum::Json(ScheduleView::of(&schedule)?))
}

async fn set(
    web: &Web,
    principal: &Principal,
    name: &ScheduleName,
    standing: Standing,
) -> Result<axum::Json<ScheduleView>, Problem> {
    let schedule = web.front.service.set_schedule(principal, name, standing).await?;
    Ok(axum::Json(ScheduleView::of(&schedule)?))
}

/// Lets a schedule rest; what passes meanwhile is not made up for.
#[utoipa::path(post, path = "/v1/schedules/{schedule}/pause", operation_id = "pause_schedule", tag = "schedules",
    params(("schedule" = String, Path, description = "Its name", pattern = "^[a-z0-9][a-z0-9_-]{0,63}$")),
    responses((status = 200, description = "The schedule after that", body = ScheduleView)))]
pub(super) async fn pause(
    State(web): State<Arc<Web>>,
    Who(principal): Who,
    OfPath(name): OfPath<ScheduleName>,
) -> Result<axum::Json<ScheduleView>, Problem> {
    set(&web, &principal, &name, Standing::Paused).await
}

/// Lets a paused schedule fire again.
#[utoipa::path(post, path = "/v1/schedules/{schedule}/resume", operation_id = "resume_schedule", tag = "schedules",
    params(("schedule" = String, Path, description = "Its name", pattern = "^[a-z0-9][a-z0-9_-]{0,63}$")),
    responses((status = 200, description = "The schedule after that", body = ScheduleView)))]
pub(super) async fn resume(
    State(web): State<Arc<Web>>,
    Who(principal): Who,
    OfPath(name): OfPath<ScheduleName>,
) -> Result<axum::Json<ScheduleView>, Problem> {
    set(&web, &principal, &name, Standing::Active).await
}

/// Removes a schedule; its history and its jobs stay.
#[utoipa::path(delete, path = "/v1/schedules/{schedule}", operation_id = "remove_schedule", tag = "schedules",
    params(("schedule" = String, Path, description = "Its name", pattern = "^[a-z0-9][a-z0-9_-]{0,63}$")),
    responses((status = 200, description = "The schedule after that", body = ScheduleView)))]
pub(super) async fn remove(
    State(web): State<Arc<Web>>,
    Who(principal): Who,
    OfPath(name): OfPath<ScheduleName>,
) -> Result<axum::Json<ScheduleView>, Problem> {
    set(&web, &principal, &name, Standing::Removed).await
}

/// Has a schedule fire now, beside its times; a paused one too.
#[utoipa::path(post, path = "/v1/schedules/{schedule}/run", operation_id = "run_schedule", tag = "schedules",
    params(("schedule" = String, Path, description = "Its name", pattern = "^[a-z0-9][a-z0-9_-]{0,63}$")),
    responses((status = 202, description = "It will; the history says what became of it", body = FireView)))]
pub(super) async fn run(
    State(web): State<Arc<Web>>,
    Who(principal): Who,
    OfPath(name): OfPath<ScheduleName>,
) -> Result<(StatusCode, axum::Json<FireView>), Problem> {
    let schedule = web.front.service.schedule(&principal, &name).await?;
    let clocks = Times::parse(&schedule.cron, &schedule.timezone)?;
    let time = web.front.service.ask_schedule(&principal, &name).await?;
    let past = Past { time, fired: None, changes: None };
    Ok((StatusCode::ACCEPTED, axum::Json(FireView::of(past, &clocks))))
}

/// What of a history is asked for.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct HistoryPages {
    /// The `next` of the page before.
    #[param(pattern = "^([0-9]{15}(-asked)?)?$")]
    cursor: Option<String>,
    /// Entries at the most; 100 where nothing is said.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u64>,
}

/// Says what became of the times of a schedule, and what had changed each time, newest first; of a removed one too.
#[utoipa::path(get, path = "/v1/schedules/{schedule}/history", operation_id = "schedule_history", tag = "schedules",
    params(("schedule" = String, Path, description = "Its name", pattern = "^[a-z0-9][a-z0-9_-]{0,63}$"), HistoryPages),
    responses((status = 200, description = "A page of times", body = History)))]
pub(super) async fn history(
    State(web): State<Arc<Web>>,
    Who(principal): Who,
    OfPath(name): OfPath<ScheduleName>,
    Params(page): Params<HistoryPages>,
) -> Result<axum::Json<History>, Problem> {
    let (front, most) = (&web.front, limit(page.limit, &web.front.limits)?);
    let before = page.cursor.filter(|cursor| !cursor.is_empty());
    let before: Option<FireTime> = before.map(|cursor| cursor.parse()).transpose()?;
    // What ended meanwhile is told of, though nobody looked since.
    Scheduler::new(front.service.clone(), front.limits.clone()).complete(&principal, &name).await?;
    let clocks = front.service.schedule_clocks(&principal, &name).await?;
    let mut times = front.service.schedule_history(&principal, &name, before, most + 1).await?;
    let next =
        (times.len() > most).then(|| times.get(most.saturating_sub(1)).map(|past| past.time.to_string()));
    times.truncate(most);
    let fires = times.into_iter().map(|past| FireView::of(past, &clocks)).collect();
    Ok(axum::Json(History { fires, next: next.flatten() }))
}
