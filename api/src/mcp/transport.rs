//! How MCP comes in: by HTTP, or by standard input and output.

use super::bounds::{REQUEST_BYTES, count};
use super::{Mcp, task_listen};
use crate::auth::table::may;
use crate::front::Front;
use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use rmcp::ServiceExt;
use rmcp::transport::streamable_http_server::StreamableHttpServerConfig;
use rmcp::transport::streamable_http_server::session::never::NeverSessionManager;
use rmcp::transport::{StreamableHttpService, stdio as standard};
use serde_json::Value;
use shared::failure::{Failure, FailureKind};
use shared::principal::Principal;
use std::sync::Arc;

/// Where MCP is answered.
pub(crate) const PATH: &str = "/mcp";
/// The header that repeats what a request is about.
const NAME: &str = "mcp-name";
/// The header that repeats a request's method.
const METHOD: &str = "mcp-method";

/// MCP over HTTP at `/mcp`. Hosts and origins are checked before it, for all that is answered.
pub fn router(front: Arc<Front>) -> Router {
    let config = StreamableHttpServerConfig::default()
        .with_legacy_session_mode(false)
        .with_json_response(true)
        .disable_allowed_hosts()
        .disable_allowed_origins()
        .with_max_request_body_bytes(count(&REQUEST_BYTES));
    let handler = Mcp::new(Arc::clone(&front), false);
    #[cfg(feature = "conformance")]
    let handler = super::conformance::Fixtures::beside(handler);
    let sessions = Arc::new(NeverSessionManager::default());
    let service = StreamableHttpService::new(move || Ok(handler.clone()), sessions, config);
    Router::new().route_service(PATH, service).layer(from_fn_with_state(front, tasks_of_others))
}

/// MCP over standard input and output, until the client closes them.
///
/// # Errors
/// `unavailable` when the client does not speak MCP.
pub async fn stdio(front: Arc<Front>) -> Result<(), Failure> {
    let broken = |error: &dyn std::fmt::Display| {
        Failure::new(FailureKind::Unavailable, format!("the client is gone: {error}"))
    };
    let running = Mcp::new(front, true).serve(standard()).await.map_err(|error| broken(&error))?;
    running.waiting().await.map(drop).map_err(|error| broken(&error))
}

/// What the SDK does not do for tasks. Fills in `Mcp-Name` where a request about a task lacks it, as one does that comes from
/// a client that many use; one that differs from the body is refused further on. Answers who listens to tasks.
async fn tasks_of_others(State(front): State<Arc<Front>>, request: Request, next: Next) -> Response {
    let (nameless, listens) = (is_nameless(request.headers()), is_listening(request.headers()));
    if !nameless && !listens {
        return next.run(request).await;
    }
    let (mut parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, count(&REQUEST_BYTES)).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    if let Some(name) = task_id(&body).filter(|_| nameless) {
        parts.headers.insert(NAME, name);
    }
    if let Some(asked) = task_listen::asked(&parts.headers, &body) {
        let principal = parts.extensions.get::<Principal>();
        let Some(principal) = principal.filter(|who| may(who, "subscriptions/listen").is_ok()) else {
            return StatusCode::FORBIDDEN.into_response();
        };
        return task_listen::answer(front, principal.clone(), asked).await;
    }
    next.run(Request::from_parts(parts, Body::from(body))).await
}

fn is_listening(headers: &HeaderMap) -> bool {
    headers.get(METHOD).is_some_and(|method| method == "subscriptions/listen")
}

fn is_nameless(headers: &HeaderMap) -> bool {
    let method = headers.get(METHOD).and_then(|value| value.to_str().ok());
    method.is_some_and(|method| method.starts_with("tasks/")) && !headers.contains_key(NAME)
}

fn task_id(body: &Bytes) -> Option<HeaderValue> {
    let body: Value = serde_json::from_slice(body).ok()?;
    HeaderValue::from_str(body.pointer("/params/taskId")?.as_str()?).ok()
}
