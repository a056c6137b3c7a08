//! Reads a score for the first time: what its card says.

use crate::plan::{self, Choice};
use bytes::Bytes;
use shared::card::{Card, ScoreId};
use shared::failure::{Failure, FailureKind};
use shared::job::{Item, Request};
use shared::limits::Limits;
use shared::row::{Cell, Row, State};
use worker::fetch::{Arrived, Loaded};
use worker::pipeline::{self, Wanted};
use worker::rows::Rows;
use worker::table::decode_rows;

/// What the bytes say, under a card that has no handle of its own yet.
///
/// # Errors
/// Why nothing of it can be read.
pub(super) async fn describe(name: &str, bytes: Bytes, limits: &Limits) -> Result<Card, Failure> {
    let (name, limits) = (name.to_owned(), limits.clone());
    let reading = tokio::task::spawn_blocking(move || read(name, bytes, &limits));
    reading
        .await
        .map_err(|error| Failure::new(FailureKind::Internal, format!("a thread is gone: {error}")))?
}

/// The first row that the bytes give.
///
/// # Errors
/// Why nothing of it can be read.
pub(super) async fn first_row(name: &str, bytes: Bytes, limits: &Limits) -> Result<Row, Failure> {
    let (name, limits) = (name.to_owned(), limits.clone());
    let reading = tokio::task::spawn_blocking(move || {
        let mut first = None;
        rows(name, bytes, &request()?, &limits, |row| {
            first.get_or_insert(row);
            Ok(())
        })?;
        first.ok_or_else(nothing)
    });
    reading
        .await
        .map_err(|error| Failure::new(FailureKind::Internal, format!("a thread is gone: {error}")))?
}

fn request() -> Result<Request, Failure> {
    let choice = Choice { analyses: vec!["summary".to_owned()], ..Choice::default() };
    plan::request(Vec::new(), &choice)
}

/// Reads all pieces, as a worker would, and tells their rows.
fn rows(
    name: String,
    bytes: Bytes,
    request: &Request,
    limits: &Limits,
    mut tell: impl FnMut(Row) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let item = Item::alone(name, String::new(), bytes.len() as u64);
    let mut rows = Rows::default();
    let arrived = Arrived::Loaded(Loaded::of(bytes));
    pipeline::work(&item, Ok(arrived), &Wanted::of(request, limits)?, None, &mut rows)?;
    for segment in rows.into_segments() {
        decode_rows(&segment?).try_for_each(|row| tell(row?))?;
    }
    Ok(())
}

fn read(name: String, bytes: Bytes, limits: &Limits) -> Result<Card, Failure> {
    let request = request()?;
    let mut card: Option<Card> = None;
    rows(name, bytes, &request, limits, |row| {
        match (&mut card, row.facts.state) {
            (Some(card), _) => add(card, &row),
            (None, State::Failed) => return Err(why(row)),
            (None, _) => card = Some(first(&request, row)),
        }
        Ok(())
    })?;
    card.ok_or_else(nothing)
}

fn nothing() -> Failure {
    Failure::new(FailureKind::Malformed, "there is no piece in it")
}

fn why(row: Row) -> Failure {
    row.facts.failure.unwrap_or_else(|| Failure::new(FailureKind::Internal, "it failed without a reason"))
}

fn add(card: &mut Card, row: &Row) {
    card.pieces += 1;
    card.notes += row.facts.notes;
    card.warnings += row.facts.warning_count;
    if card.failure.is_none() {
        card.failure.clone_from(&row.facts.failure);
    }
}

fn first(request: &Request, row: Row) -> Card {
    let columns = worker::table::columns(request);
    let leading = columns.iter().take_while(|column| !column.name.starts_with("summary_")).count();
    let counted = |name: &str| {
        let column = columns.iter().skip(leading).position(|column| column.name == name)?;
        match row.facts.findings.first()?.cells.get(column)? {
            Cell::Integer(count) => u64::try_from(*count).ok(),
            _ => None,
        }
    };
    let (parts, measures) = (counted("summary_parts"), counted("summary_measures"));
    Card {
        version: 0,
        id: ScoreId::of_digest(&[0; 32]),
        digest: String::new(),
        name: String::new(),
        bytes: 0,
        created_ms: 0,
        from: String::new(),
        format: row.format.unwrap_or_default(),
        pieces: 1,
        parts: parts.unwrap_or_default(),
        measures: measures.unwrap_or_default(),
        title: row.facts.title,
        composer: row.facts.composer,
        notes: row.facts.notes,
        warnings: row.facts.warning_count,
        failure: row.facts.failure,
    }
}
