//! The tasks extension: a job, for clients that know tasks. A task's id is the job's, so that either way of asking finds it,
//! on any front.

use super::resources::refused;
use super::tools::answer_of;
use crate::front::Front;
use crate::moment;
use crate::service::{State, Status};
use rmcp::RoleServer;
use rmcp::model::{
    DetailedTask, ErrorData, GetTaskResult, JsonObject, ProtocolVersion, Task, TaskPayload, TaskStatus,
};
use rmcp::service::RequestContext;
use serde_json::Value;
use shared::clock;
use shared::failure::Failure;
use shared::job::JobId;
use shared::principal::Principal;

/// How often a client should ask.
const POLL_MS: u64 = 1_000;

/// Whether a request may be answered with a task: it says itself that its client knows them. What an older client said once
/// does not count, for some say so and cannot read one.
pub(super) fn known(context: &RequestContext<RoleServer>) -> bool {
    let modern = context.meta.protocol_version();
    let modern = modern.is_some_and(|version| version.as_str() >= ProtocolVersion::V_2026_07_28.as_str());
    modern && context.meta.client_capabilities().is_some_and(|known| known.supports_tasks())
}

/// A job as a task.
pub(super) fn task(status: &Status) -> Task {
    let (done, items) = (status.totals.items, status.record.items);
    let state = match status.state {
        State::Active | State::Paused => TaskStatus::Working,
        State::Finished => TaskStatus::Completed,
        State::Cancelled => TaskStatus::Cancelled,
    };
    let now = if status.state.has_ended() { status.record.created_ms } else { clock::now_ms() };
    Task::new(status.record.id.as_str(), state, moment::text(status.record.created_ms), moment::text(now))
        .with_status_message(format!("{done} of {items} items"))
        .with_poll_interval_ms(POLL_MS)
}

/// A task with its result, which is that of `analysis_run`.
pub(super) async fn get(front: &Front, principal: &Principal, id: &str) -> Result<GetTaskResult, ErrorData> {
    let status = found(id, front, principal).await?;
    detailed(front, principal, &status).await.map(GetTaskResult::new).map_err(|failure| refused(&failure))
}

/// A job as a task, with the result if it has ended.
pub(super) async fn detailed(
    front: &Front,
    principal: &Principal,
    status: &Status,
) -> Result<DetailedTask, Failure> {
    let payload = match status.state {
        State::Active | State::Paused => TaskPayload::Working,
        State::Cancelled => TaskPayload::Cancelled,
        State::Finished => {
            let answer = answer_of(front, principal, status, false).await?;
            let result = match serde_json::to_value(answer.into_result()) {
                Ok(Value::Object(result)) => result,
                _ => JsonObject::new(),
            };
            TaskPayload::Completed { result }
        }
    };
    Ok(DetailedTask::new(task(status), payload))
}

/// Takes answers to what a task asked; ours ask nothing.
pub(super) async fn update(front: &Front, principal: &Principal, id: &str) -> Result<(), ErrorData> {
    found(id, front, principal).await.map(drop)
}

pub(super) async fn cancel(front: &Front, principal: &Principal, id: &str) -> Result<(), ErrorData> {
    let status = found(id, front, principal).await?;
    let cancelled = front.service.cancel(principal, &status.record.id).await;
    cancelled.map(drop).map_err(|failure| refused(&failure))
}

/// The job of a task. One of another tenant is answered as one that is not there.
async fn found(id: &str, front: &Front, principal: &Principal) -> Result<Status, ErrorData> {
    let unknown = || ErrorData::invalid_params(format!("there is no task {id:?}"), None);
    let job: JobId = id.parse().map_err(|_| unknown())?;
    let status = front.service.status(principal, &job).await;
    status.map_err(|failure| if failure.kind.is_transient() { refused(&failure) } else { unknown() })
}
