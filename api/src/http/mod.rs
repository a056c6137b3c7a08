//! The HTTP skin: REST under `/v1`, MCP under `/mcp`, health and metrics. Thin: what is done is done by the service.

mod ask;
mod callbacks;
mod catalogue;
mod entry;
mod events;
mod extract;
mod guard;
mod health;
mod items;
mod jobs;
mod kept;
mod listen;
mod login;
mod looks;
mod openapi;
mod patient;
mod problem;
mod rest;
mod results;
mod schedules;
mod scores;
mod similar;
mod tenants;
mod tls;
mod uploads;
mod usage;
pub(crate) mod views;
mod waiting;
mod web;

pub use callbacks::Callbacks;
pub use guard::Names;
pub use listen::Listener;
pub use rest::document;
pub(crate) use similar::{COMPARED, WITHOUT};
pub use tls::Tls;

use crate::front::Front;
use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use entry::Door;
use problem::Problem;
use shared::failure::{Failure, FailureKind};
use std::sync::Arc;
use web::Web;

/// Everything that is answered over HTTP.
///
/// # Errors
/// `unavailable` when there is no temporary folder for downloads.
pub fn router(front: &Arc<Front>, names: Names, callbacks: Option<Callbacks>) -> Result<Router, Failure> {
    let web = Arc::new(Web::new(front, callbacks)?);
    let door = Door { front: Arc::clone(front), operations: Arc::new(rest::operations()) };
    let guarded = Router::new()
        .merge(rest::routes(&web))
        .merge(crate::mcp::router(Arc::clone(front)))
        .fallback(no_such_path)
        .method_not_allowed_fallback(no_such_method)
        .layer(from_fn_with_state(door.clone(), entry::may))
        .layer(from_fn_with_state(Arc::clone(front), guard::whole_body))
        .layer(from_fn_with_state(door, entry::known))
        .merge(entry::metadata(front))
        .merge(login::routes(front))
        .layer(from_fn_with_state(Arc::new(names), guard::names));
    // Whoever watches the process calls it by whatever name it has for it, and learns nothing of anybody's jobs.
    Ok(Router::new()
        .merge(health::routes(front))
        .fallback_service(guarded)
        .method_not_allowed_fallback(no_such_method)
        .layer(from_fn(guard::request)))
}

async fn no_such_path(request: axum::extract::Request) -> Problem {
    let path = request.uri().path().to_owned();
    Failure::new(
        FailureKind::NotFound,
        format!("there is nothing at {path}; /openapi.json says what there is"),
    )
    .into()
}

async fn no_such_method(request: axum::extract::Request) -> Problem {
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let message = format!("{path} does not answer {method}; the header Allow says what it answers");
    Problem::new(http_status(405), Failure::new(FailureKind::Unsupported, message))
}

/// A status by its number; the numbers are constants, and those of the table of failures are held by its test.
fn http_status(code: u16) -> axum::http::StatusCode {
    axum::http::StatusCode::from_u16(code).unwrap_or(axum::http::StatusCode::INTERNAL_SERVER_ERROR)
}
