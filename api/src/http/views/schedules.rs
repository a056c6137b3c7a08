//! Schedules, and what became of their times, as REST tells them; the command line prints the same.

use super::FailureView;
use crate::schedule::{Past, Times};
use serde::{Deserialize, Serialize};
use shared::clock;
use shared::failure::Failure;
use shared::schedule::{CatchUp, Changes, FireOutcome, Paths, Schedule, Standing};
use utoipa::ToSchema;

/// A job that comes again.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct ScheduleView {
    /// Its name.
    #[schema(example = "nightly")]
    pub(crate) name: String,
    /// `active`, `paused` or `removed`.
    #[schema(value_type = String)]
    pub(crate) standing: Standing,
    /// When it fires: minute, hour, day of the month, month, day of the week.
    pub(crate) cron: String,
    /// By whose clocks: a name of the tz database.
    pub(crate) timezone: String,
    /// Which missed times are made up for: the last `one`, `none`, or `all`.
    #[schema(value_type = String)]
    pub(crate) catch_up: CatchUp,
    /// The lane of its jobs.
    pub(crate) lane: String,
    /// What is listed each time.
    pub(crate) sources: Vec<String>,
    /// Names of the analyses; each time goes by their revisions of that day.
    pub(crate) analyses: Vec<String>,
    /// How sources are read.
    pub(crate) fidelity: String,
    /// Which measures count.
    pub(crate) repeats: String,
    /// When it fires next, by its clocks, as RFC 3339 has it; none while it rests.
    pub(crate) next: Option<String>,
    /// Since when it stands so, in milliseconds since 1970 UTC.
    pub(crate) since_ms: u64,
}

impl ScheduleView {
    /// A schedule, and when it fires next.
    ///
    /// # Errors
    /// `malformed` for a record whose pattern or zone this build does not know.
    pub(crate) fn of(schedule: &Schedule) -> Result<Self, Failure> {
        let times = Times::parse(&schedule.cron, &schedule.timezone)?;
        let next = match schedule.standing {
            Standing::Active => times.next(clock::now_ms()).map(|next| times.text(next)),
            Standing::Paused | Standing::Removed => None,
        };
        let request = &schedule.request;
        Ok(ScheduleView {
            name: schedule.name.to_string(),
            standing: schedule.standing,
            cron: schedule.cron.clone(),
            timezone: schedule.timezone.clone(),
            catch_up: schedule.catch_up,
            lane: schedule.lane.name().to_owned(),
            sources: request.sources.clone(),
            analyses: request.analyses.iter().map(|asked| asked.name.clone()).collect(),
            fidelity: request.fidelity.clone(),
            repeats: request.repeats.clone(),
            next,
            since_ms: schedule.since_ms,
        })
    }
}

/// Every schedule, in the order of the names.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct Schedules {
    /// The schedules.
    pub(crate) schedules: Vec<ScheduleView>,
}

/// One time of a schedule.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct FireView {
    /// When, by the clocks of the schedule, as RFC 3339 has it.
    pub(crate) at: String,
    /// Whether somebody asked for it, beside the times of the schedule.
    pub(crate) asked: bool,
    /// What became of it.
    pub(crate) state: FireState,
    /// Why it was skipped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) why: Option<String>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) failure: Option<FailureView>,
    /// Its job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) job: Option<String>,
    /// Items of the job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) items: Option<u64>,
    /// The job that it is held against.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) before: Option<String>,
    /// What had changed, once its job has ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) changes: Option<ChangesView>,
}

/// What became of a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum FireState {
    /// It is being seen to.
    Open,
    /// There was no need for a job.
    Skipped,
    /// There could be no job.
    Failed,
    /// It became a job.
    Job,
}

/// What had changed when a job ended, against the one before.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct ChangesView {
    /// Whether the job was cancelled: what it did not reach is not told of.
    pub(crate) cancelled: bool,
    /// Items with an outcome.
    pub(crate) items: u64,
    /// Of these, those whose findings all came from the cache.
    pub(crate) cached: u64,
    /// Of these, those that failed, or of which something failed.
    pub(crate) failed: u64,
    /// Sources that were not there before.
    pub(crate) new: PathsView,
    /// Sources of another size or time than before.
    pub(crate) changed: PathsView,
    /// Sources that are there no more.
    pub(crate) gone: PathsView,
    /// Sources that fail, and did not before.
    pub(crate) failed_now: PathsView,
    /// Sources that failed, and do so no more.
    pub(crate) failed_no_more: PathsView,
}

/// How many, and the first of them.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct PathsView {
    /// How many.
    pub(crate) count: u64,
    /// The names of the first, in the order of the table.
    pub(crate) first: Vec<String>,
}

impl From<Paths> for PathsView {
    fn from(Paths { count, first }: Paths) -> Self {
        PathsView { count, first }
    }
}

impl From<Changes> for ChangesView {
    fn from(changes: Changes) -> Self {
        ChangesView {
            cancelled: changes.cancelled,
            items: changes.items,
            cached: changes.cached,
            failed: changes.failed,
            new: changes.new.into(),
            changed: changes.changed.into(),
            gone: changes.gone.into(),
            failed_now: changes.failed_now.into(),
            failed_no_more: changes.failed_no_more.into(),
        }
    }
}

impl FireView {
    /// One time, as the clocks of its schedule show it.
    pub(crate) fn of(past: Past, clocks: &Times) -> Self {
        let mut view = FireView {
            at: clocks.text(past.time.at_ms),
            asked: past.time.asked,
            state: FireState::Open,
            why: None,
            failure: None,
            job: None,
            items: None,
            before: None,
            changes: past.changes.map(ChangesView::from),
        };
        match past.fired.map(|fired| fired.outcome) {
            None => {}
            Some(FireOutcome::Skipped { why }) => {
                (view.state, view.why) = (FireState::Skipped, Some(why));
            }
            Some(FireOutcome::Failed { failure }) => {
                (view.state, view.failure) = (FireState::Failed, Some(failure.into()));
            }
            Some(FireOutcome::Job { record, before }) => {
                view.state = FireState::Job;
                (view.job, view.items) = (Some(record.id.to_string()), Some(record.items));
                view.before = before.map(|job| job.to_string());
            }
        }
        view
    }
}

/// The times of a schedule, newest first.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct History {
    /// The times.
    pub(crate) fires: Vec<FireView>,
    /// Cursor of the next page; none at the end.
    pub(crate) next: Option<String>,
}
