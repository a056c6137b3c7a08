//! Uploaded scores: sent, fetched from where they lie, searched, taken out, deleted.

use super::ask::RepeatsName;
use super::extract::{Json, OfPath, Params, Who, heavy, limit};
use super::jobs::names_tag;
use super::problem::Problem;
use super::views::scores::{Corpora, ImportedView, NotImported, ScoreView, ScoresView};
use super::web::Web;
use crate::scores::{Imported, Query, Upload};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use shared::card::{Card, ScoreId};
use shared::failure::{Failure, FailureKind};
use shared::principal::Principal;
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};
use worker::export::{Choice, Exported};
use worker::score::Repeats;
use worker::write;

/// What of the scores is asked for; what is not said excludes nothing.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct Search {
    /// Words that stand in title, composer or file name, whatever their case.
    text: Option<String>,
    /// Words that stand in the composer.
    composer: Option<String>,
    /// Name of a format.
    format: Option<String>,
    /// Name of a corpus.
    #[param(pattern = "^[a-z0-9_-][a-z0-9_.-]{0,63}$")]
    corpus: Option<String>,
    /// The `next` of the page before.
    #[param(pattern = "^(score-[a-kmnp-z2-9]{16})?$")]
    cursor: Option<String>,
    /// Entries at the most; 100 where nothing is said.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u64>,
}

/// Searches the uploaded scores.
#[utoipa::path(get, path = "/v1/scores", operation_id = "search_scores", tag = "scores", params(Search),
    responses((status = 200, description = "A page of scores", body = ScoresView)))]
pub(super) async fn search(
    State(web): State<Arc<Web>>,
    Who(principal): Who,
    Params(asked): Params<Search>,
) -> Result<axum::Json<ScoresView>, Problem> {
    let after = asked.cursor.filter(|cursor| !cursor.is_empty());
    let query = Query {
        text: asked.text.unwrap_or_default(),
        composer: asked.composer.unwrap_or_default(),
        format: asked.format,
        corpus: asked.corpus,
        after: after.map(|cursor| cursor.parse()).transpose()?,
        limit: limit(asked.limit, &web.front.limits)?,
    };
    let found = web.front.scores.search(&principal, &query).await?;
    let last = found.cards.last().filter(|_| found.more).map(|card| card.id.to_string());
    let scores = found.cards.iter().map(|card| ScoreView::from(card.as_ref())).collect();
    Ok(axum::Json(ScoresView { scores, total: found.total, next: last }))
}

/// What a score that is sent is called.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct Naming {
    /// File name; its extension helps to tell the format.
    #[param(max_length = 200)]
    name: Option<String>,
    /// Corpus to put it in, made if it is not there.
    #[param(pattern = "^[a-z0-9_-][a-z0-9_.-]{0,63}$")]
    corpus: Option<String>,
}

/// Takes a score in, as the body of the request. Larger ones come as uploads.
#[utoipa::path(post, path = "/v1/scores", operation_id = "send_score", tag = "scores", params(Naming),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses(
        (status = 201, description = "It is there now, and durable", body = ScoreView, headers(("Location" = String, description = "The score")),
            links(
                ("score" = (operation_id = "get_score", parameters(("score" = "$response.body#/id")))),
                ("content" = (operation_id = "score_content", parameters(("score" = "$response.body#/id")))),
                ("delete" = (operation_id = "delete_score", parameters(("score" = "$response.body#/id")))),
            )),
        (status = 200, description = "The same bytes were there already", body = ScoreView, headers(("Location" = String, description = "The score"))),
    ))]
pub(super) async fn send(
    State(web): State<Arc<Web>>,
    Who(principal): Who,
    Params(Naming { name, corpus }): Params<Naming>,
    bytes: Bytes,
) -> Result<Response, Problem> {
    let upload = Upload { name: name.unwrap_or_default(), bytes, from: String::new(), corpus };
    let scores = web.front.scores.clone();
    let (card, new) = heavy(move || async move { scores.import(&principal, upload).await }).await?;
    let code = if new { StatusCode::CREATED } else { StatusCode::OK };
    let location = [(header::LOCATION, format!("/v1/scores/{}", card.id))];
    Ok((code, location, axum::Json(ScoreView::from(&card))).into_response())
}

/// Scores that lie elsewhere.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Import {
    /// URL of one score; it must be `https` and public.
    #[schema(max_length = 2000, pattern = "^https://")]
    url: String,
    /// Corpus to put it in, made if it is not there.
    #[serde(default)]
    #[schema(pattern = "^[a-z0-9_-][a-z0-9_.-]{0,63}$")]
    corpus: Option<String>,
}

/// Fetches a score from a URL.
#[utoipa::path(post, path = "/v1/imports", operation_id = "import_score", tag = "scores", request_body = Import,
    responses((status = 200, description = "What came of it", body = ImportedView)))]
pub(super) async fn import(
    State(web): State<Arc<Web>>,
    Who(principal): Who,
    Json(Import { url, corpus }): Json<Import>,
) -> Result<axum::Json<ImportedView>, Problem> {
    let (scores, at_home) = (web.front.scores.clone(), web.front.at_home);
    let imported =
        heavy(move || async move { scores.import_url(&principal, &url, corpus.as_deref(), at_home).await });
    let Imported { scores, failed } = imported.await?;
    let of = |wanted: bool| {
        let cards = scores.iter().filter(|(_, new)| *new == wanted);
        cards.map(|(card, _)| ScoreView::from(card)).collect()
    };
    let failed = failed.into_iter();
    let failed = failed.map(|(source, failure)| NotImported { source, failure: failure.into() }).collect();
    Ok(axum::Json(ImportedView { new: of(true), known: of(false), failed }))
}

/// Says what is known of a score.
#[utoipa::path(get, path = "/v1/scores/{score}", operation_id = "get_score", tag = "scores",
    params(("score" = String, Path, description = "The score", pattern = "^score-[a-kmnp-z2-9]{16}$")),
    responses((status = 200, description = "The score", body = ScoreView)))]
pub(super) async fn get(
    State(web): State<Arc<Web>>,
    Who(principal): Who,
    OfPath(score): OfPath<ScoreId>,
) -> Result<axum::Json<ScoreView>, Problem> {
    let card = web.front.scores.card(&principal, &score).await?;
    Ok(axum::Json(ScoreView::from(&card)))
}

/// How the bytes of a score are given.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct As {
    /// Another format: `midi` or `musicxml`; as it came where nothing is said.
    #[param(pattern = "^(midi|musicxml)$")]
    r#as: Option<String>,
    /// Which piece of it, in another format; from 0.
    piece: Option<u32>,
    /// Measures as written, as played, or so with each repeat once; in another format.
    repeats: Option<RepeatsName>,
}

/// Gives the bytes of a score, as they came, or a piece of it in another format.
#[utoipa::path(get, path = "/v1/scores/{score}/content", operation_id = "score_content", tag = "scores",
    params(("score" = String, Path, description = "The score", pattern = "^score-[a-kmnp-z2-9]{16}$"),
        As, ("If-None-Match" = Option<String>, Header, description = "The `ETag` of an answer of before")),
    responses(
        (status = 200, description = "Its bytes", content(
            (Vec<u8> = "application/octet-stream"), (Vec<u8> = "audio/midi"),
            (String = "application/vnd.recordare.musicxml+xml")),
            headers(("Ripieno-Left-Out" = u64, description = "Notes that the other format cannot say"))),
        (status = 304, description = "They are as they were"),
    ))]
pub(super) async fn content(
    State(web): State<Arc<Web>>,
    Who(principal): Who,
    OfPath(score): OfPath<ScoreId>,
    Params(wanted): Params<As>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let card = web.front.scores.card(&principal, &score).await?;
    if let Some(format) = &wanted.r#as {
        return exported(&web, &principal, &card, format, &wanted).await;
    }
    if wanted.piece.is_some() || wanted.repeats.is_some() {
        let message = "piece and repeats are for another format: say as=musicxml or as=midi";
        return Err(Failure::new(FailureKind::Malformed, message).into());
    }
    let tag = format!("\"{}\"", card.digest);
    let known = headers.get(header::IF_NONE_MATCH).and_then(|tag| tag.to_str().ok());
    if known.is_some_and(|known| names_tag(known, &tag)) {
        return Ok((StatusCode::NOT_MODIFIED, [(header::ETAG, tag)]).into_response());
    }
    let bytes = web.front.scores.bytes(&principal, &card).await?;
    let head = [
        (header::CONTENT_TYPE, "application/octet-stream".to_owned()),
        (header::CONTENT_DISPOSITION, attachment(&card.name)),
        (header::ETAG, tag),
    ];
    Ok((head, bytes).into_response())
}

async fn exported(
    web: &Web,
    principal: &Principal,
    card: &Card,
    format: &str,
    wanted: &As,
) -> Result<Response, Problem> {
    let writer = write::find(format)?;
    let repeats = wanted.repeats.map(Repeats::from).unwrap_or_default();
    let choice = Choice { piece: wanted.piece.unwrap_or(0), repeats };
    let Exported { bytes, left_out, .. } = web.front.scores.exported(principal, card, writer, choice).await?;
    let written = writer.format();
    let stem = card.name.rsplit_once('.').map_or(card.name.as_str(), |(stem, _)| stem);
    let head = [
        (header::CONTENT_TYPE, written.media_type.to_owned()),
        (header::CONTENT_DISPOSITION, attachment(&format!("{stem}.{}", written.extension))),
        (HeaderName::from_static("ripieno-left-out"), left_out.to_string()),
    ];
    Ok((head, bytes).into_response())
}

/// The name to save a score by: as it is, where that is plain, and in RFC 8187's letters.
fn attachment(name: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "-_. ".contains(letter);
    let ascii: String = name.chars().map(|letter| if plain(letter) { letter } else { '_' }).collect();
    let mut encoded = String::new();
    for byte in name.bytes() {
        match byte {
            b'-' | b'_' | b'.' | b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => encoded.push(char::from(byte)),
            _ => encoded += &format!("%{byte:02X}"),
        }
    }
    format!("attachment; filename=\"{ascii}\"; filename*=UTF-8''{encoded}")
}

/// Deletes a score, also from its corpora. What jobs found out about it stays.
#[utoipa::path(delete, path = "/v1/scores/{score}", operation_id = "delete_score", tag = "scores",
    params(("score" = String, Path, description = "The score", pattern = "^score-[a-kmnp-z2-9]{16}$")),
    responses((status = 204, description = "It is gone")))]
pub(super) async fn delete(
    State(web): State<Arc<Web>>,
    Who(principal): Who,
    OfPath(score): OfPath<ScoreId>,
) -> Result<StatusCode, Problem> {
    web.front.scores.delete(&principal, &score).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Lists the corpora.
#[utoipa::path(get, path = "/v1/corpora", operation_id = "list_corpora", tag = "scores",
    responses((status = 200, description = "The names of the corpora", body = Corpora)))]
pub(super) async fn corpora(
    State(web): State<Arc<Web>>,
    Who(principal): Who,
) -> Result<axum::Json<Corpora>, Problem> {
    Ok(axum::Json(Corpora { corpora: web.front.scores.corpora(&principal).await? }))
}
