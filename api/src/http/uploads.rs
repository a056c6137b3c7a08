//! Scores that come in pieces, by the tus protocol 1.0.0 (tus.io): creation, expiration and termination. What a client of it
//! does not know, the score that an upload became, `GET` says.

use super::extract::{OfPath, Who, heavy};
use super::http_status;
use super::problem::Problem;
use super::views::scores::UploadView;
use super::web::Web;
use crate::moment;
use crate::scores::{Appended, Progress};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use shared::card::UploadId;
use shared::failure::{Failure, FailureKind};
use std::sync::Arc;

const VERSION: &str = "1.0.0";
const PIECE: &str = "application/offset+octet-stream";
static TUS: HeaderName = HeaderName::from_static("tus-resumable");
static OFFSET: HeaderName = HeaderName::from_static("upload-offset");
static LENGTH: HeaderName = HeaderName::from_static("upload-length");
static METADATA: HeaderName = HeaderName::from_static("upload-metadata");
static EXPIRES: HeaderName = HeaderName::from_static("upload-expires");

/// Refuses another version of the protocol. A client that names none is taken to know this one.
fn version(headers: &HeaderMap) -> Result<(), Problem> {
    match headers.get(&TUS) {
        Some(version) if version != VERSION => {
            let message = format!("Tus-Resumable is {version:?}: {VERSION} is spoken here");
            Err(Problem::new(http_status(412), Failure::new(FailureKind::Unsupported, message)))
        }
        _ => Ok(()),
    }
}

fn number(headers: &HeaderMap, name: &HeaderName) -> Result<u64, Problem> {
    let value = headers.get(name).and_then(|value| value.to_str().ok()?.trim().parse::<u64>().ok());
    value.ok_or_else(|| Problem::bad_request(format!("{name} must say a number of bytes")))
}

/// What a client says of an upload: words, each with a value in base64.
fn metadata(headers: &HeaderMap, word: &str) -> Result<Option<String>, Problem> {
    let Some(value) = headers.get(&METADATA) else { return Ok(None) };
    let wrong =
        || Problem::bad_request(format!("{METADATA} is words, each with a value in base64, and commas"));
    let pairs = value.to_str().map_err(|_| wrong())?;
    for pair in pairs.split(',') {
        let (name, value) = pair.trim().split_once(' ').unwrap_or((pair.trim(), ""));
        if name == word {
            let bytes = STANDARD.decode(value.trim()).map_err(|_| wrong())?;
            return String::from_utf8(bytes).map(Some).map_err(|_| wrong());
        }
    }
    Ok(None)
}

fn answer(code: StatusCode, progress: &Progress) -> Response {
    let mut response = code.into_response();
    let texts = [
        (&TUS, VERSION.to_owned()),
        (&OFFSET, progress.offset.to_string()),
        (&LENGTH, progress.length.to_string()),
        (&EXPIRES, moment::http(progress.expires_ms)),
        (&header::CACHE_CONTROL, "no-store".to_owned()),
    ];
    for (name, text) in texts {
        if let Ok(value) = HeaderValue::from_str(&text) {
            response.headers_mut().insert(name.clone(), value);
        }
    }
    response
}

/// Begins an upload. `Upload-Metadata` may say `filename` and `corpus`.
#[utoipa::path(post, path = "/v1/uploads", operation_id = "begin_upload", tag = "scores",
    params(
        ("Upload-Length" = u64, Header, minimum = 1, maximum = 268_435_456_u64, description = "Bytes that there will be"),
        ("Upload-Metadata" = Option<String>, Header, pattern = "^filename [A-Za-z0-9+/]{0,200}={0,2}$",
            description = "`filename` and `corpus`, each with a value in base64"),
    ),
    responses((status = 201, description = "It waits for its pieces, at the `Location`",
        headers(("Location" = String, description = "The upload"), ("Upload-Expires" = String, description = "When it is thrown away"),
            ("Tus-Resumable" = String, description = "1.0.0")))))]
pub(super) async fn begin(
    State(web): State<Arc<Web>>,
    Who(principal): Who,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    version(&headers)?;
    let length = number(&headers, &LENGTH)?;
    let (name, corpus) = (metadata(&headers, "filename")?, metadata(&headers, "corpus")?);
    let name = name.unwrap_or_default();
    let progress = web.front.scores.begin_upload(&principal, length, &name, corpus).await?;
    let location = [(header::LOCATION, format!("/v1/uploads/{}", progress.id))];
    Ok((location, answer(StatusCode::CREATED, &progress)).into_response())
}

/// Looks at an upload, and has it become a score if all of it is there.
async fn look(web: &Arc<Web>, who: Who, upload: UploadId) -> Result<Progress, Failure> {
    let (scores, Who(principal)) = (web.front.scores.clone(), who);
    heavy(move || async move { scores.upload(&principal, &upload).await }).await
}

/// Says how far an upload is, in headers.
#[utoipa::path(head, path = "/v1/uploads/{upload}", operation_id = "upload_offset", tag = "scores",
    params(("upload" = String, Path, description = "The upload", pattern = "^upload-[a-kmnp-z2-9]{16}$")),
    responses((status = 204, description = "So far",
        headers(("Upload-Offset" = u64, description = "Bytes that are there"), ("Upload-Length" = u64, description = "Bytes that there will be")))))]
pub(super) async fn offset(
    State(web): State<Arc<Web>>,
    who: Who,
    OfPath(upload): OfPath<UploadId>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    version(&headers)?;
    Ok(answer(StatusCode::NO_CONTENT, &look(&web, who, upload).await?))
}

/// Says how far an upload is, and what it became.
#[utoipa::path(get, path = "/v1/uploads/{upload}", operation_id = "get_upload", tag = "scores",
    params(("upload" = String, Path, description = "The upload", pattern = "^upload-[a-kmnp-z2-9]{16}$")),
    responses((status = 200, description = "The upload", body = UploadView)))]
pub(super) async fn get(
    State(web): State<Arc<Web>>,
    who: Who,
    OfPath(upload): OfPath<UploadId>,
) -> Result<axum::Json<UploadView>, Problem> {
    Ok(axum::Json(UploadView::from(look(&web, who, upload).await?)))
}

/// Takes the next piece of an upload, of `request_bytes_max` at the most.
#[utoipa::path(patch, path = "/v1/uploads/{upload}", operation_id = "append_upload", tag = "scores",
    params(("upload" = String, Path, description = "The upload", pattern = "^upload-[a-kmnp-z2-9]{16}$"),
        ("Upload-Offset" = u64, Header, description = "Where the piece begins: where the upload is")),
    request_body(content = Vec<u8>, content_type = "application/offset+octet-stream"),
    responses((status = 204, description = "It is there, and durable",
        headers(("Upload-Offset" = u64, description = "Bytes that are there now"), ("Upload-Expires" = String, description = "When it is thrown away")))))]
pub(super) async fn append(
    State(web): State<Arc<Web>>,
    Who(principal): Who,
    OfPath(upload): OfPath<UploadId>,
    headers: HeaderMap,
    piece: Bytes,
) -> Result<Response, Problem> {
    version(&headers)?;
    if headers.get(header::CONTENT_TYPE).is_none_or(|kind| kind != PIECE) {
        let message = format!("a piece is sent as {PIECE}");
        return Err(Failure::new(FailureKind::Unsupported, message).into());
    }
    let offset = number(&headers, &OFFSET)?;
    let scores = web.front.scores.clone();
    let taken = heavy(move || async move { scores.append(&principal, &upload, offset, piece).await });
    match taken.await? {
        Appended::Taken(progress) => Ok(answer(StatusCode::NO_CONTENT, &progress)),
        Appended::Elsewhere(progress) => {
            let message = format!("the upload is at {}, the piece begins at {offset}", progress.offset);
            Err(Problem::new(StatusCode::CONFLICT, Failure::new(FailureKind::Malformed, message)))
        }
    }
}

/// Gives an upload up. The score of one that was whole stays.
#[utoipa::path(delete, path = "/v1/uploads/{upload}", operation_id = "give_up_upload", tag = "scores",
    params(("upload" = String, Path, description = "The upload", pattern = "^upload-[a-kmnp-z2-9]{16}$")),
    responses((status = 204, description = "It is gone")))]
pub(super) async fn give_up(
    State(web): State<Arc<Web>>,
    Who(principal): Who,
    OfPath(upload): OfPath<UploadId>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    version(&headers)?;
    web.front.scores.give_up_upload(&principal, &upload).await?;
    Ok((StatusCode::NO_CONTENT, [(TUS.clone(), VERSION)]).into_response())
}

/// Says what of the protocol is spoken here.
#[utoipa::path(options, path = "/v1/uploads", operation_id = "upload_options", tag = "scores",
    responses((status = 204, description = "In headers",
        headers(("Tus-Version" = String, description = "1.0.0"), ("Tus-Extension" = String, description = "What is spoken beside the core"),
            ("Tus-Max-Size" = u64, description = "Bytes of an upload")))))]
pub(super) async fn options(State(web): State<Arc<Web>>) -> Response {
    let head = [
        (TUS.clone(), VERSION.to_owned()),
        (HeaderName::from_static("tus-version"), VERSION.to_owned()),
        (HeaderName::from_static("tus-extension"), "creation,expiration,termination".to_owned()),
        (HeaderName::from_static("tus-max-size"), web.front.limits.source_bytes_max.to_string()),
    ];
    (StatusCode::NO_CONTENT, head).into_response()
}
