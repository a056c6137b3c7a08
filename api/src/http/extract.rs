//! What handlers take out of a request, with errors that say what would be right.

use super::http_status;
use super::problem::Problem;
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use serde::de::DeserializeOwned;
use serde_json::error::Category;
use shared::failure::{Failure, FailureKind};
use shared::limits::{Limits, exceeded};
use shared::principal::Principal;
use std::str::FromStr;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;

/// Bytes that an idempotency key may have.
const KEY_BYTES_MAX: usize = 128;
/// Listings, submissions and tables that are made at once: each holds a thread, and needs others for the disk.
static ROOM: Semaphore = Semaphore::const_new(8);

/// A body of JSON: an object, as all are here.
pub(super) struct Json<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        let kind = kind.unwrap_or_default().split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        if kind != "application/json" {
            let message = format!("the body is {kind:?}: send application/json");
            return Err(Failure::new(FailureKind::Unsupported, message).into());
        }
        let body = bytes::Bytes::from_request(request, state).await;
        let body = body.map_err(|error| Problem::bad_request(format!("the body broke off: {error}")))?;
        let malformed = |what: &str| Failure::new(FailureKind::Malformed, format!("the body: {what}")).into();
        let read = serde_json::from_slice(&body).map_err(|error| match error.classify() {
            Category::Data => malformed(&error.to_string()),
            Category::Syntax | Category::Eof | Category::Io => {
                Problem::bad_request(format!("the body is not JSON: {error}"))
            }
        })?;
        // serde takes a list for an object whose fields stand in order.
        match body.trim_ascii_start().first() {
            Some(b'{') => Ok(Json(read)),
            _ => Err(malformed("it is a list, where an object is wanted")),
        }
    }
}

/// The query of an address.
pub(super) struct Params<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Params<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let query = Query::try_from_uri(&parts.uri);
        query.map(|Query(query)| Params(query)).map_err(|error| Problem::bad_request(error.body_text()))
    }
}

/// Who asks, as the door found out.
pub(super) struct Who(pub(super) Principal);

impl<S: Send + Sync> FromRequestParts<S> for Who {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let found = parts.extensions.get::<Principal>().cloned();
        let nobody = || Failure::new(FailureKind::Internal, "nobody was asked who they are");
        found.map(Who).ok_or_else(|| nobody().into())
    }
}

/// What an address names: a job, a schedule, a score.
pub(super) struct OfPath<T>(pub(super) T);

impl<T: FromStr<Err = Failure>, S: Send + Sync> FromRequestParts<S> for OfPath<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let path = Path::<String>::from_request_parts(parts, state).await;
        let Path(text) = path.map_err(|error| Problem::bad_request(error.body_text()))?;
        Ok(OfPath(text.parse()?))
    }
}

/// The key that a client gave its request, if it did.
pub(super) fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(value) = headers.get("idempotency-key") else { return Ok(None) };
    let key = value.to_str().ok().map(str::trim).filter(|key| (1..=KEY_BYTES_MAX).contains(&key.len()));
    let key = key.ok_or_else(|| {
        Problem::bad_request(format!("Idempotency-Key is 1 to {KEY_BYTES_MAX} plain characters of your own"))
    })?;
    Ok(Some(key.to_owned()))
}

/// How long a request may wait, as it asked.
pub(super) fn wait(seconds: u64, limits: &Limits) -> Result<Duration, Problem> {
    if seconds > limits.wait_seconds_max {
        let failure = exceeded("wait_seconds_max", limits.wait_seconds_max, None);
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, failure));
    }
    Ok(Duration::from_secs(seconds))
}

/// How many entries a page may have, as the request asked.
pub(super) fn limit(asked: Option<u64>, limits: &Limits) -> Result<usize, Problem> {
    /// Entries of a page where nothing is said.
    const DEFAULT: u64 = 100;
    let most = limits.page_rows_max;
    match asked.unwrap_or(DEFAULT.min(most)) {
        0 => Err(Problem::new(http_status(422), Failure::new(FailureKind::Malformed, "limit is at least 1"))),
        asked if asked > most => Err(Problem::new(http_status(422), exceeded("page_rows_max", most, None))),
        asked => Ok(usize::try_from(asked).unwrap_or(usize::MAX)),
    }
}

/// Does what keeps a thread busy, or walks folders, where it holds up no other request.
pub(super) async fn heavy<T, F>(work: impl FnOnce() -> F + Send + 'static) -> Result<T, Failure>
where
    T: Send + 'static,
    F: Future<Output = Result<T, Failure>>,
{
    let gone = |error: &dyn std::fmt::Display| {
        Failure::new(FailureKind::Internal, format!("a thread is gone: {error}"))
    };
    let _room = ROOM.acquire().await.map_err(|error| gone(&error))?;
    let runtime = Handle::current();
    let done = tokio::task::spawn_blocking(move || runtime.block_on(work()));
    done.await.map_err(|error| gone(&error))?
}
