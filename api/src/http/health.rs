//! For whoever watches the process: alive, ready, and what it counts.

use super::problem::Problem;
use crate::front::Front;
use axum::Router;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::get;
use shared::failure::{Failure, FailureKind};
use shared::metrics;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

/// How long the ledger may take to say that it is there.
const READY_TIMEOUT: Duration = Duration::from_secs(2);

pub(super) fn routes(front: &Arc<Front>) -> Router {
    Router::new()
        .route("/health/live", get(async || "alive\n"))
        .route("/health/ready", get(ready))
        .route("/metrics", get(counts))
        .with_state(Arc::clone(front))
}

/// Ready is who reaches the ledger. A broker that is away keeps nobody from submitting, for the ledger is the truth.
async fn ready(State(front): State<Arc<Front>>) -> Result<&'static str, Problem> {
    let unavailable = |message: &str| Failure::new(FailureKind::Unavailable, message);
    if front.is_stopping() {
        return Err(unavailable("the process is about to end").into());
    }
    let reached = timeout(READY_TIMEOUT, front.service.reach()).await;
    reached.map_err(|_| unavailable("the ledger does not answer"))??;
    Ok("ready\n")
}

async fn counts() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], metrics::text())
}
