//! Fixtures that become tasks of the SDK's own manager.

use super::inputs::form;
use super::{text, tool};
use rmcp::RoleServer;
use rmcp::model::*;
use rmcp::service::RequestContext;
use rmcp::task_manager::{TaskExit, TaskManager, TaskOptions};
use serde_json::{Value, json};
use std::time::Duration;

/// Those that can only be tasks.
const TASKS_ONLY: [&str; 4] = ["failing_job", "test_tool_with_task", "confirm_delete", "multi_input"];

pub(super) fn tools() -> Vec<Tool> {
    let bare = json!({ "type": "object", "properties": {} });
    let greet =
        json!({ "type": "object", "properties": { "name": { "type": "string" } }, "required": ["name"] });
    let slow = json!({
        "type": "object", "properties": { "seconds": { "type": "number" }, "label": { "type": "string" } },
    });
    let file = json!({ "type": "object", "properties": { "filename": { "type": "string" } } });
    vec![
        tool("greet", greet),
        tool("slow_compute", slow),
        tool("failing_job", bare.clone()),
        tool("protocol_error_job", bare.clone()),
        tool("confirm_delete", file),
        tool("multi_input", bare.clone()),
        tool("test_tool_with_task", bare),
    ]
}

pub(super) async fn call(
    tasks: &TaskManager,
    request: &CallToolRequestParams,
    context: &RequestContext<RoleServer>,
) -> Result<CallToolResponse, ErrorData> {
    let known = super::super::tasks::known(context);
    let name = request.name.as_ref();
    if TASKS_ONLY.contains(&name) && !known {
        let needed = ClientCapabilities::builder().enable_tasks().build();
        return Err(ErrorData::missing_required_client_capability(needed));
    }
    let argument = |name: &str| request.arguments.as_ref().and_then(|arguments| arguments.get(name)).cloned();
    let word = |name: &str, other: &str| {
        argument(name).and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_else(|| other.to_owned())
    };
    match name {
        "greet" => Ok(text(format!("Hello, {}!", word("name", "friend"))).into()),
        "slow_compute" => {
            let seconds = argument("seconds").and_then(|value| value.as_f64()).unwrap_or(1.0);
            let done = format!("slow_compute({}) done after {seconds}s", word("label", "compute"));
            let seconds = Duration::from_secs_f64(seconds.clamp(0.0, 60.0));
            if !known {
                tokio::time::sleep(seconds).await;
                return Ok(text(done).into());
            }
            let task = tasks.spawn(TaskOptions::default(), move |context| {
                Box::pin(async move {
                    tokio::select! {
                        _ = context.cancelled() => Err(TaskExit::Cancelled),
                        () = tokio::time::sleep(seconds) => Ok(text(done)),
                    }
                })
            });
            Ok(CreateTaskResult::new(task).into())
        }
        "failing_job" => {
            let failed = CallToolResult::error(vec![ContentBlock::text("failing_job: intentional error")]);
            Ok(after(tasks, 1_000, Ok(failed)))
        }
        "protocol_error_job" => {
            let error = ErrorData::internal_error("protocol_error_job: intentional failure", None);
            if known { Ok(after(tasks, 200, Err(error))) } else { Err(error) }
        }
        "confirm_delete" => {
            let file = word("filename", "file.txt");
            let asked = form(&format!("Delete {file}?"), json!({ "confirm": { "type": "boolean" } }))?;
            let task = tasks.spawn(TaskOptions::default(), move |context| {
                Box::pin(async move {
                    let response = context.request_input("confirm", asked).await?;
                    let confirmed =
                        response.pointer("/content/confirm").and_then(Value::as_bool).unwrap_or(false);
                    Ok(text(format!("confirm_delete({file}): confirmed = {confirmed}")))
                })
            });
            Ok(CreateTaskResult::new(task).into())
        }
        "multi_input" => {
            let ask = |message: &str| form(message, json!({ "value": { "type": "string" } }));
            let (first, second) = (ask("Provide value A")?, ask("Provide value B")?);
            let task = tasks.spawn(TaskOptions::default(), move |context| {
                Box::pin(async move {
                    let (first, second) = tokio::join!(
                        context.request_input("input-a", first),
                        context.request_input("input-b", second)
                    );
                    let value =
                        |response: &Value| response.pointer("/content/value").cloned().unwrap_or_default();
                    Ok(text(format!("multi_input: a = {}, b = {}", value(&first?), value(&second?))))
                })
            });
            Ok(CreateTaskResult::new(task).into())
        }
        _ => {
            let responses = request.input_responses.as_ref();
            let Some(response) = responses.and_then(|responses| responses.get("user_name")) else {
                let asked = form("What is your name?", json!({ "name": { "type": "string" } }))?;
                let requests = InputRequests::from([("user_name".to_owned(), asked)]);
                return Ok(InputRequiredResult::from_input_requests(requests).into());
            };
            let name = response.pointer("/content/name").and_then(Value::as_str).unwrap_or("friend");
            Ok(after(tasks, 200, Ok(text(format!("Hello, {name}! (async)")))))
        }
    }
}

/// A task that ends so after a while.
fn after(tasks: &TaskManager, ms: u64, end: Result<CallToolResult, ErrorData>) -> CallToolResponse {
    let task = tasks.spawn(TaskOptions::default(), move |_| {
        Box::pin(async move {
            tokio::time::sleep(Duration::from_millis(ms)).await;
            end.map_err(TaskExit::Error)
        })
    });
    CreateTaskResult::new(task).into()
}
