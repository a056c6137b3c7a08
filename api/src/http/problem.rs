//! A failure as HTTP tells it: problem details by RFC 9457, from the one table of failures.

use super::http_status;
use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use shared::failure::{Failure, FailureKind};
use shared::place::Place;

/// The media type of problem details.
const MEDIA_TYPE: &str = "application/problem+json";
/// After how many seconds to try again, where the failure does not say.
const RETRY_AFTER_SECONDS: u64 = 2;

/// A failure and the status that it is answered with.
#[derive(Debug)]
pub(super) struct Problem {
    status: StatusCode,
    failure: Failure,
}

impl Problem {
    /// A failure with a status of its own: one of HTTP that no kind of failure has.
    pub(super) const fn new(status: StatusCode, failure: Failure) -> Self {
        Problem { status, failure }
    }

    /// A request that HTTP itself cannot take: 400.
    pub(super) fn bad_request(message: impl Into<String>) -> Self {
        Problem::new(StatusCode::BAD_REQUEST, Failure::new(FailureKind::Malformed, message))
    }
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        Problem { status: http_status(failure.kind.row().http), failure }
    }
}

/// Problem details (RFC 9457).
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct Details {
    /// Where the kind is explained.
    r#type: String,
    /// The kind in words.
    title: &'static str,
    /// The HTTP status.
    status: u16,
    /// What was wrong, where, and what would be right.
    detail: String,
    /// The kind, for code.
    #[schema(value_type = String)]
    kind: FailureKind,
    /// Whether the same request may succeed later.
    retryable: bool,
    /// Where in the source, when that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    place: Option<Place>,
}

const fn title(kind: FailureKind) -> &'static str {
    match kind {
        FailureKind::NotFound => "It does not exist",
        FailureKind::Denied => "It may not be had",
        FailureKind::TooLarge => "It passes a limit",
        FailureKind::Unsupported => "It is of a kind that is not known",
        FailureKind::Malformed => "It breaks the rules",
        FailureKind::TimedOut => "It did not end in time",
        FailureKind::Crashed => "It took its process down",
        FailureKind::Unavailable => "Something was away",
        FailureKind::TooMany => "It is too much at once",
        FailureKind::Cancelled => "It was stopped, or has ended",
        FailureKind::Internal => "A defect of Ripieno",
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let Problem { status, failure: Failure { kind, message, place, retry_after_seconds } } = self;
        let details = Details {
            r#type: format!("/problems/{}", kind.label()),
            title: title(kind),
            status: status.as_u16(),
            detail: message,
            kind,
            retryable: kind.is_transient(),
            place,
        };
        let mut response = (status, Json(details)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        if kind.is_transient() {
            headers.insert(
                header::RETRY_AFTER,
                HeaderValue::from(retry_after_seconds.unwrap_or(RETRY_AFTER_SECONDS)),
            );
        }
        response
    }
}
