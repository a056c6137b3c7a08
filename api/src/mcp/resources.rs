//! What can be read by its URI: `job://{id}`, `job://{id}/results`, `score://{id}`. What another tenant has is answered as
//! what is not there.

use super::answer::cut;
use super::bounds::{RESULTS_BYTES, SCORE_BYTES, count};
use super::cursor::RowCursor;
use super::tools::status::told;
use super::view::View;
use crate::front::Front;
use crate::moment;
use crate::scores::Query;
use crate::service::Take;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rmcp::model::{
    CacheScope, ErrorData, ListResourceTemplatesResult, ListResourcesResult, MetaObject,
    PaginatedRequestParams, ReadResourceResult, Resource, ResourceContents, ResourceTemplate,
};
use serde_json::{Value, json};
use shared::card::{Card, ScoreId};
use shared::failure::{Failure, FailureKind};
use shared::job::JobId;
use shared::principal::Principal;
use worker::export::Choice;
use worker::write;

/// Resources of one page.
const PAGE: usize = 50;
/// Cards and templates do not change; what is listed may, soon.
const TTL_MS: u64 = 5_000;

/// What a URI names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Named {
    Job(JobId),
    Results(JobId, RowCursor),
    Score(ScoreId),
    Exported(ScoreId, &'static str),
}

/// Reads a URI of ours.
pub(super) fn named(uri: &str) -> Option<Named> {
    if let Some(score) = uri.strip_prefix("score://") {
        let Some((score, format)) = score.split_once("?as=") else {
            return score.parse().ok().map(Named::Score);
        };
        let writer = write::find(format).ok()?;
        return score.parse().ok().map(|score| Named::Exported(score, writer.format().name));
    }
    let job = uri.strip_prefix("job://")?;
    let Some((job, rest)) = job.split_once("/results") else { return job.parse().ok().map(Named::Job) };
    let cursor = match rest {
        "" => RowCursor::default(),
        query => RowCursor::read(query.strip_prefix("?cursor=")?).ok()?,
    };
    job.parse().ok().map(|job| Named::Results(job, cursor))
}

pub(super) fn job_link(job: &JobId) -> Resource {
    Resource::new(format!("job://{job}"), job.to_string()).with_mime_type("application/json")
}

pub(super) fn results_link(job: &JobId) -> Resource {
    Resource::new(format!("job://{job}/results"), format!("rows of {job}")).with_mime_type("text/csv")
}

pub(super) fn score_link(card: &Card) -> Resource {
    let title = card.title.as_deref().unwrap_or(&card.name);
    Resource::new(format!("score://{}", card.id), card.name.clone())
        .with_title(cut(title, 100))
        .with_mime_type(mime(&card.format))
        .with_size(card.bytes)
}

fn mime(format: &str) -> &'static str {
    match format {
        "midi" => "audio/midi",
        "musicxml" => "application/vnd.recordare.musicxml",
        "abc" => "text/vnd.abc",
        _ => "text/plain",
    }
}

/// The uploaded scores, page by page. Jobs are found by `jobs_list`.
pub(super) async fn list(
    front: &Front,
    principal: &Principal,
    request: Option<PaginatedRequestParams>,
) -> Result<ListResourcesResult, ErrorData> {
    let cursor = request.and_then(|request| request.cursor).filter(|cursor| !cursor.is_empty());
    let bad = |_| ErrorData::invalid_params("that is no cursor of a list of resources", None);
    let after = cursor.map(|cursor| cursor.parse::<ScoreId>()).transpose().map_err(bad)?;
    let query = Query { after, limit: PAGE, ..Query::default() };
    let found = front.scores.search(principal, &query).await.map_err(|failure| refused(&failure))?;
    let next_cursor = found.cards.last().filter(|_| found.more).map(|card| card.id.to_string());
    let resources = found.cards.iter().map(|card| score_link(card)).collect();
    let result = ListResourcesResult { resources, next_cursor, ..ListResourcesResult::default() };
    Ok(result.with_ttl_ms(TTL_MS).with_cache_scope(CacheScope::Private))
}

pub(super) fn templates() -> ListResourceTemplatesResult {
    let template = |uri: &str, name: &str, about: &str, mime: &str| {
        ResourceTemplate::new(uri, name).with_description(about).with_mime_type(mime)
    };
    let resource_templates = vec![
        template("job://{id}", "job", "State and progress of a job", "application/json"),
        template("job://{id}/results{?cursor}", "rows of a job", "Its table, a page at a time", "text/csv"),
        ResourceTemplate::new("score://{id}{?as}", "score").with_description(
            "An uploaded score as it came; as=musicxml or as=midi: its first piece in that format",
        ),
    ];
    ListResourceTemplatesResult { resource_templates, ..ListResourceTemplatesResult::default() }
        .with_ttl_ms(3_600_000)
        .with_cache_scope(CacheScope::Public)
}

/// Reads what a URI names.
pub(super) async fn read(
    front: &Front,
    principal: &Principal,
    uri: &str,
) -> Result<ReadResourceResult, ErrorData> {
    let contents = match named(uri) {
        Some(Named::Job(job)) => job_contents(front, principal, uri, &job).await,
        Some(Named::Results(job, cursor)) => results_contents(front, principal, uri, &job, cursor).await,
        Some(Named::Score(score)) => score_contents(front, principal, uri, &score).await,
        Some(Named::Exported(score, format)) => exported(front, principal, uri, &score, format).await,
        None => Err(Failure::new(FailureKind::NotFound, "")),
    };
    let contents = contents.map_err(|failure| match failure.kind {
        FailureKind::NotFound => ErrorData::resource_not_found(
            format!("there is no {uri}: say job://JOB, job://JOB/results or score://SCORE"),
            Some(json!({ "uri": uri })),
        ),
        _ => refused(&failure),
    })?;
    let ttl = if uri.starts_with("score://") { 3_600_000 } else { 0 };
    Ok(ReadResourceResult::new(vec![contents]).with_ttl_ms(ttl).with_cache_scope(CacheScope::Private))
}

/// A failure outside of tools, where only the protocol's own errors are read.
pub(super) fn refused(failure: &Failure) -> ErrorData {
    let data = Some(json!({ "kind": failure.kind.label(), "retryable": failure.kind.is_transient() }));
    match failure.kind {
        FailureKind::Malformed | FailureKind::NotFound | FailureKind::TooLarge => {
            ErrorData::invalid_params(failure.message.clone(), data)
        }
        _ => ErrorData::internal_error(failure.to_string(), data),
    }
}

async fn job_contents(
    front: &Front,
    principal: &Principal,
    uri: &str,
    job: &JobId,
) -> Result<ResourceContents, Failure> {
    let status = front.service.status(principal, job).await?;
    let text = Value::Object(told(&status)).to_string();
    Ok(ResourceContents::text(text, uri).with_mime_type("application/json"))
}

async fn results_contents(
    front: &Front,
    principal: &Principal,
    uri: &str,
    job: &JobId,
    cursor: RowCursor,
) -> Result<ResourceContents, Failure> {
    let status = front.service.status(principal, job).await?;
    let view = View::of(&status.record.request, &[], &[])?;
    let (chooser, mut bytes, mut rows) = (view.clone(), 0, 0);
    let takes = move |row: &shared::row::Row| {
        bytes += chooser.bytes(row);
        rows += 1;
        if rows == 1 || bytes <= count(&RESULTS_BYTES) { Take::Row } else { Take::Full }
    };
    let page = front.service.page(principal, job, cursor.place, takes).await?;
    let contents = ResourceContents::text(view.show(&page.rows).csv(), uri).with_mime_type("text/csv");
    let Some(place) = page.next else { return Ok(contents) };
    let mut meta = MetaObject::new();
    let next = format!("job://{job}/results?cursor={}", RowCursor { place, skip: 0 }.text());
    meta.0.insert("ripieno/next".to_owned(), json!(next));
    Ok(contents.with_meta(meta))
}

async fn score_contents(
    front: &Front,
    principal: &Principal,
    uri: &str,
    score: &ScoreId,
) -> Result<ResourceContents, Failure> {
    let card = front.scores.card(principal, score).await?;
    if card.bytes > SCORE_BYTES.default {
        let message =
            format!("{uri} has {} bytes, more than the {} of a resource", card.bytes, SCORE_BYTES.default);
        return Err(Failure::new(FailureKind::TooLarge, message));
    }
    let bytes = front.scores.bytes(principal, &card).await?;
    let mut meta = MetaObject::new();
    meta.0.insert("ripieno/imported".to_owned(), json!(moment::text(card.created_ms)));
    Ok(contents(&bytes, uri).with_mime_type(mime(&card.format)).with_meta(meta))
}

async fn exported(
    front: &Front,
    principal: &Principal,
    uri: &str,
    score: &ScoreId,
    format: &str,
) -> Result<ResourceContents, Failure> {
    let (card, writer) = (front.scores.card(principal, score).await?, write::find(format)?);
    let exported = front.scores.exported(principal, &card, writer, Choice::default()).await?;
    let bytes = exported.bytes.len() as u64;
    if bytes > SCORE_BYTES.default {
        let message =
            format!("{uri} would have {bytes} bytes, more than the {} of a resource", SCORE_BYTES.default);
        return Err(Failure::new(FailureKind::TooLarge, message));
    }
    let mut meta = MetaObject::new();
    meta.0.insert("ripieno/left_out".to_owned(), json!(exported.left_out));
    Ok(contents(&exported.bytes, uri).with_mime_type(writer.format().media_type).with_meta(meta))
}

/// Bytes as a text, if they are one.
fn contents(bytes: &[u8], uri: &str) -> ResourceContents {
    match std::str::from_utf8(bytes) {
        Ok(text) => ResourceContents::text(text, uri),
        Err(_) => ResourceContents::blob(STANDARD.encode(bytes), uri),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uris_name_jobs_rows_and_scores_and_nothing_else() {
        let (job, score) = ("job-k3f9q2mwx7abcdef", "score-k3f9q2mwx7abcdef");
        assert_eq!(named(&format!("job://{job}")), Some(Named::Job(job.parse().unwrap())));
        let first = Named::Results(job.parse().unwrap(), RowCursor::default());
        assert_eq!(named(&format!("job://{job}/results")), Some(first));
        assert!(matches!(
            named(&format!("job://{job}/results?cursor=r1.2.3")),
            Some(Named::Results(_, cursor)) if cursor.text() == "r1.2.3"
        ));
        assert_eq!(named(&format!("score://{score}")), Some(Named::Score(score.parse().unwrap())));
        let exported = Some(Named::Exported(score.parse().unwrap(), "midi"));
        assert_eq!(named(&format!("score://{score}?as=midi")), exported);
        assert_eq!(named(&format!("score://{score}?as=lilypond")), None);
        for bad in ["", "job://", "score://../x", "file:///etc/passwd", "job://job-k3f9q2mwx7abcdef/rows"] {
            assert_eq!(named(bad), None, "{bad}");
        }
        assert_eq!(named(&format!("job://{job}/results?cursor=x")), None);
    }
}
