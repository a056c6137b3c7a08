//! The table of a job, as a file: also of a running one, and by ranges.

use super::extract::{OfPath, Params, Who, heavy};
use super::http_status;
use super::jobs::names_tag;
use super::problem::Problem;
use super::web::Web;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde::Deserialize;
use shared::failure::{Failure, FailureKind};
use shared::job::JobId;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};
use worker::table::Encoding;

/// Bytes that are read from a file at once.
const PIECE: u64 = 64 << 10;

/// How a table is written.
#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Format {
    /// One JSON object a line, with the nested detail of every finding.
    #[default]
    Jsonl,
    /// RFC 4180.
    Csv,
    /// Apache Parquet.
    Parquet,
    /// The list of what failed or is degraded, as CSV.
    Failures,
}

/// Which file.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct FormatParams {
    /// How the table is written; `jsonl` where nothing is said.
    #[param(inline)]
    #[serde(default)]
    format: Format,
}

impl Format {
    const fn encoding(self) -> Option<Encoding> {
        match self {
            Format::Jsonl => Some(Encoding::JsonLines),
            Format::Csv => Some(Encoding::Csv),
            Format::Parquet => Some(Encoding::Parquet),
            Format::Failures => None,
        }
    }

    const fn media_type(self) -> &'static str {
        match self {
            Format::Jsonl => "application/jsonl",
            Format::Csv | Format::Failures => "text/csv; charset=utf-8",
            Format::Parquet => "application/vnd.apache.parquet",
        }
    }
}

/// Sends the table of a job: of a running one the rows that are there.
#[utoipa::path(get, path = "/v1/jobs/{job}/results", operation_id = "job_results", tag = "results",
    params(("job" = String, Path, description = "The job", pattern = "^job-[a-kmnp-z2-9]{16}$"), FormatParams,
        ("Range" = Option<String>, Header, description = "One range of bytes, once the job has ended"),
        ("If-Range" = Option<String>, Header, description = "The `ETag` of the bytes that are there already"),
        ("If-None-Match" = Option<String>, Header, description = "The `ETag` of an answer of before")),
    responses(
        (status = 200, description = "The table", content(
            (String = "application/jsonl"), (String = "text/csv"), (Vec<u8> = "application/vnd.apache.parquet"))),
        (status = 206, description = "The range of it that was asked for", content(
            (String = "application/jsonl"), (String = "text/csv"), (Vec<u8> = "application/vnd.apache.parquet"))),
        (status = 304, description = "It is as it was"),
    ))]
pub(super) async fn results(
    State(web): State<Arc<Web>>,
    Who(principal): Who,
    OfPath(job): OfPath<JobId>,
    Params(FormatParams { format }): Params<FormatParams>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let status = web.front.service.status(&principal, &job).await?;
    let stamp = web.front.service.receipts(&principal, &job).await?;
    // Rows of a running job come while they are read: its bytes have no name that would hold.
    let ended = status.state.has_ended();
    let tag =
        ended.then(|| format!("\"{job}-{stamp}-{}\"", format.encoding().map_or("failures", Encoding::name)));
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    if let (Some(tag), Some(known)) = (&tag, text(header::IF_NONE_MATCH))
        && names_tag(known, tag)
    {
        return Ok((StatusCode::NOT_MODIFIED, [(header::ETAG, tag.clone())]).into_response());
    }
    let file = {
        let web = Arc::clone(&web);
        heavy(move || async move {
            web.kept.open(&web.front.service, &principal, &job, format.encoding(), stamp).await
        })
        .await?
    };
    let length = file.metadata().map_err(|error| unreadable(&error))?.len();
    let same = text(header::IF_RANGE).is_none_or(|known| tag.as_deref() == Some(known));
    let asked = text(header::RANGE).filter(|_| ended && same).and_then(|range| range_of(range, length));
    let (code, from, to) = match asked {
        None => (StatusCode::OK, 0, length),
        Some(Some((from, to))) => (StatusCode::PARTIAL_CONTENT, from, to),
        Some(None) => return Ok(beyond(length)),
    };
    let mut response = Response::new(pieces(file, from, to));
    *response.status_mut() = code;
    let name =
        format.encoding().map_or("failures.csv".to_owned(), |encoding| format!("table.{}", encoding.name()));
    let mut set = |name, value: String| {
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.headers_mut().insert(name, value);
        }
    };
    set(header::CONTENT_TYPE, format.media_type().to_owned());
    set(header::CONTENT_LENGTH, (to - from).to_string());
    set(header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\""));
    if let Some(tag) = tag {
        set(header::ETAG, tag);
        set(header::ACCEPT_RANGES, "bytes".to_owned());
    }
    if code == StatusCode::PARTIAL_CONTENT {
        set(header::CONTENT_RANGE, format!("bytes {from}-{}/{length}", to.saturating_sub(1)));
    }
    Ok(response)
}

fn beyond(length: u64) -> Response {
    let message = format!("the range lies beyond the end: there are {length} bytes");
    let problem = Problem::new(http_status(416), Failure::new(FailureKind::Malformed, message));
    let mut response = problem.into_response();
    if let Ok(value) = HeaderValue::from_str(&format!("bytes */{length}")) {
        response.headers_mut().insert(header::CONTENT_RANGE, value);
    }
    response
}

/// The half-open range that a header asks for: none for one that is to be passed over (RFC 9110, 14.2), and inside that
/// none for one that lies beyond the end.
fn range_of(header: &str, length: u64) -> Option<Option<(u64, u64)>> {
    let (first, last) = header.strip_prefix("bytes=")?.trim().split_once('-')?;
    if first.is_empty() {
        let last: u64 = last.parse().ok()?;
        return Some((last > 0 && length > 0).then(|| (length.saturating_sub(last), length)));
    }
    let first: u64 = first.parse().ok()?;
    let end = if last.is_empty() { u64::MAX } else { last.parse::<u64>().ok()?.checked_add(1)? };
    if end <= first {
        return None;
    }
    Some((first < length).then(|| (first, end.min(length))))
}

/// The bytes of a file, read piece by piece as they are taken.
fn pieces(file: Arc<File>, from: u64, to: u64) -> Body {
    let stream = futures::stream::try_unfold((file, from), move |(file, at)| async move {
        if at >= to {
            return Ok::<_, std::io::Error>(None);
        }
        let read = tokio::task::spawn_blocking(move || {
            let mut piece = vec![0; usize::try_from(PIECE.min(to - at)).unwrap_or(0)];
            file.read_exact_at(&mut piece, at)?;
            Ok::<_, std::io::Error>((piece, file))
        });
        let (piece, file) = read.await.map_err(std::io::Error::other)??;
        let next = at + piece.len() as u64;
        Ok(Some((Bytes::from(piece), (file, next))))
    });
    Body::from_stream(stream)
}

fn unreadable(error: &std::io::Error) -> Failure {
    Failure::new(FailureKind::Unavailable, format!("the table cannot be read: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_those_of_the_standard() {
        for (header, range) in [
            ("bytes=0-0", Some(Some((0, 1)))),
            ("bytes=2-", Some(Some((2, 10)))),
            ("bytes=-3", Some(Some((7, 10)))),
            ("bytes=-30", Some(Some((0, 10)))),
            ("bytes=5-99", Some(Some((5, 10)))),
            ("bytes=10-", Some(None)),
            ("bytes=-0", Some(None)),
            ("bytes=5-4", None),
            ("bytes=0-1,3-4", None),
            ("items=0-1", None),
            ("bytes=a-b", None),
        ] {
            assert_eq!(range_of(header, 10), range, "{header}");
        }
    }
}
