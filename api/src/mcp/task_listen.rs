//! Subscriptions to tasks over HTTP (`subscriptions/listen` with `taskIds`), which the SDK does not know: it would acknowledge
//! them and never tell anything.

use super::answer::put;
use super::bounds::{JOBS, count};
use super::listen;
use super::tasks;
use crate::front::Front;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::stream::unfold;
use rmcp::model::TASKS_EXTENSION_ID;
use serde_json::{Value, json};
use shared::job::JobId;
use shared::principal::Principal;
use std::collections::BTreeSet;
use std::convert::Infallible;
use std::sync::Arc;
use tokio::sync::mpsc::{Receiver, Sender, channel};

/// The only version that has these subscriptions.
const VERSION: &str = "2026-07-28";
const META: &str = "/params/_meta/io.modelcontextprotocol~1";

/// A request for news of tasks.
pub(super) struct Asked {
    id: Value,
    tasks: Vec<String>,
    uris: Vec<String>,
    declared: bool,
}

/// Reads a body, if it is such a request, and one that the SDK would take.
pub(super) fn asked(headers: &HeaderMap, body: &Bytes) -> Option<Asked> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if header("mcp-method")? != "subscriptions/listen" || header("mcp-protocol-version")? != VERSION {
        return None;
    }
    let body: Value = serde_json::from_slice(body).ok()?;
    let meta = |name: &str| body.pointer(&format!("{META}{name}"));
    if body.get("method")?.as_str()? != "subscriptions/listen"
        || meta("protocolVersion")?.as_str()? != VERSION
    {
        return None;
    }
    let texts = |name: &str| -> Option<Vec<String>> {
        let all = body.pointer(&format!("/params/notifications/{name}"))?.as_array()?;
        Some(all.iter().filter_map(Value::as_str).map(str::to_owned).collect())
    };
    let extensions = meta("clientCapabilities")?.get("extensions");
    Some(Asked {
        id: body.get("id")?.clone(),
        tasks: texts("taskIds")?,
        uris: texts("resourceSubscriptions").unwrap_or_default(),
        declared: extensions.is_some_and(|known| known.get(TASKS_EXTENSION_ID).is_some()),
    })
}

/// Answers it with a stream: what is listened to, then each change, then the end when nothing more can come.
pub(super) async fn answer(front: Arc<Front>, principal: Principal, asked: Asked) -> Response {
    if !asked.declared {
        let needed = json!({ "requiredCapabilities": { "extensions": { TASKS_EXTENSION_ID: {} } } });
        let message = "news of tasks are for clients that declare the tasks extension";
        let error = json!({ "code": -32021, "message": message, "data": needed });
        let body = json!({ "jsonrpc": "2.0", "id": asked.id, "error": error });
        return (StatusCode::BAD_REQUEST, axum::Json(body)).into_response();
    }
    let (tell, told) = channel(8);
    tokio::spawn(async move {
        tokio::select! {
            _ = follow(&front, &principal, &asked, &tell) => {}
            () = tell.closed() => {}
            () = front.stopping() => {}
        }
        let meta = json!({ "io.modelcontextprotocol/subscriptionId": asked.id });
        let end = json!({ "resultType": "complete", "_meta": meta });
        let _ = tell.send(json!({ "jsonrpc": "2.0", "id": asked.id, "result": end })).await;
    });
    let next = |mut told: Receiver<Value>| async move {
        let message = told.recv().await?;
        Some((Ok::<Event, Infallible>(Event::default().data(message.to_string())), told))
    };
    let events = Sse::new(unfold(told, next)).keep_alive(KeepAlive::default());
    ([("x-accel-buffering", "no"), ("cache-control", "no-store")], events).into_response()
}

/// Tells everything that is to be told; nothing when nobody listens any more.
async fn follow(front: &Front, principal: &Principal, asked: &Asked, tell: &Sender<Value>) -> Option<()> {
    let mut jobs: BTreeSet<JobId> = BTreeSet::new();
    for task in asked.tasks.iter().take(count(&JOBS)) {
        let Ok(job) = task.parse::<JobId>() else { continue };
        // One of another tenant is one that is not there.
        if front.service.status(principal, &job).await.is_ok() {
            jobs.insert(job);
        }
    }
    let mut uris = listen::listenable(&asked.uris);
    let accepted = json!({ "taskIds": jobs, "resourceSubscriptions": uris });
    notify(asked, tell, "notifications/subscriptions/acknowledged", json!({ "notifications": accepted }))
        .await?;
    let of_resources: BTreeSet<String> = uris.iter().cloned().collect();
    uris.extend(jobs.iter().map(|job| format!("job://{job}")));
    let (changed, mut changes) = channel(8);
    let watching = listen::watch(front, principal, &uris, changed);
    let telling = async {
        while let Some(uri) = changes.recv().await {
            if of_resources.contains(&uri) {
                notify(asked, tell, "notifications/resources/updated", json!({ "uri": uri })).await?;
            }
            let job = uri.strip_prefix("job://").and_then(|job| job.parse::<JobId>().ok());
            let Some(job) = job.filter(|job| jobs.contains(job)) else { continue };
            let Ok(status) = front.service.status(principal, &job).await else { continue };
            let Ok(task) = tasks::detailed(front, principal, &status).await else { continue };
            notify(asked, tell, "notifications/tasks", serde_json::to_value(task).unwrap_or_default())
                .await?;
            if status.state.has_ended() {
                jobs.remove(&job);
            }
            if jobs.is_empty() && of_resources.is_empty() {
                return Some(());
            }
        }
        Some(())
    };
    tokio::select! {
        () = watching => Some(()),
        told = telling => told,
    }
}

async fn notify(asked: &Asked, tell: &Sender<Value>, method: &str, mut params: Value) -> Option<()> {
    put(&mut params, "_meta", json!({ "io.modelcontextprotocol/subscriptionId": asked.id }));
    tell.send(json!({ "jsonrpc": "2.0", "method": method, "params": params })).await.ok()
}
