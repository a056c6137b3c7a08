//! Pieces of a job that are like each other.

use super::extract::{OfPath, Params, Who, heavy};
use super::problem::Problem;
use super::views::PairView;
use super::web::Web;
use crate::similar::Question;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use shared::failure::{Failure, FailureKind};
use shared::job::JobId;
use std::convert::Infallible;
use std::sync::Arc;
use utoipa::IntoParams;

/// Pieces that were compared.
pub(crate) static COMPARED: HeaderName = HeaderName::from_static("ripieno-compared");
/// Rows without a fingerprint, which were not.
pub(crate) static WITHOUT: HeaderName = HeaderName::from_static("ripieno-without-fingerprint");
/// Pairs of one piece of the answer.
const PAIRS: usize = 500;

/// How like they must be.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct Likeness {
    /// Neighbours of each piece, at the most; 5 where nothing is said.
    #[param(minimum = 1, maximum = 100)]
    top: Option<u16>,
    /// The least score, from 0 to 1; 0.75 where nothing is said.
    #[param(minimum = 0.0, maximum = 1.0)]
    threshold: Option<f64>,
}

impl Likeness {
    fn question(&self) -> Result<Question, Failure> {
        let malformed = |message: &str| Failure::new(FailureKind::Malformed, message);
        let (top, threshold) = (self.top.unwrap_or(5), self.threshold.unwrap_or(0.75));
        if !(1..=100).contains(&top) {
            return Err(malformed("top is 1 to 100 neighbours"));
        }
        if !(0.0..=1.0).contains(&threshold) {
            return Err(malformed("threshold is a score from 0 to 1"));
        }
        Ok(Question { top: usize::from(top), threshold })
    }
}

/// Lists pieces of a job that are like each other, whatever their key, the likest first. The job needs `fingerprint`.
#[utoipa::path(get, path = "/v1/jobs/{job}/similar", operation_id = "job_similar", tag = "results",
    params(("job" = String, Path, description = "The job", pattern = "^job-[a-kmnp-z2-9]{16}$"), Likeness),
    responses((status = 200, description = "A pair a line", content((PairView = "application/jsonl")),
        headers(("Ripieno-Compared" = u64, description = "Pieces that were compared"),
            ("Ripieno-Without-Fingerprint" = u64, description = "Rows that have none, and were not")))))]
pub(super) async fn similar(
    State(web): State<Arc<Web>>,
    Who(principal): Who,
    OfPath(job): OfPath<JobId>,
    Params(likeness): Params<Likeness>,
) -> Result<Response, Problem> {
    let (service, question) = (web.front.service.clone(), likeness.question()?);
    let found = heavy(move || async move { service.similar(&principal, &job, question).await });
    let (compared, without, pairs) = found.await?;
    let mut pairs = pairs.into_iter();
    let pieces = std::iter::from_fn(move || {
        let mut lines = Vec::new();
        for pair in pairs.by_ref().take(PAIRS) {
            // A view is plain data: it always is JSON.
            lines.extend(serde_json::to_vec(&PairView::from(pair)).unwrap_or_default());
            lines.push(b'\n');
        }
        (!lines.is_empty()).then(|| Ok::<_, Infallible>(Bytes::from(lines)))
    });
    let mut head = HeaderMap::new();
    head.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/jsonl"));
    head.insert(COMPARED.clone(), HeaderValue::from(compared));
    head.insert(WITHOUT.clone(), HeaderValue::from(without));
    Ok((head, Body::from_stream(futures::stream::iter(pieces))).into_response())
}
