//! Jobs, items and failures page by page: each cursor is a place in an order that does not change.

use super::{Service, Status};
use futures::{StreamExt, TryStreamExt, stream};
use shared::failure::{Failure, FailureKind};
use shared::job::{Item, JobId, Record};
use shared::principal::Principal;
use shared::receipt::Outcome;

/// Jobs of a page that are looked at together.
const JOBS_AT_ONCE: usize = 8;

/// A part of a list.
#[derive(Clone, Debug)]
pub struct Listed<T> {
    /// In the order of the list.
    pub entries: Vec<T>,
    /// Where the next page begins; none at the end.
    pub next: Option<String>,
}

/// Which part.
#[derive(Clone, Debug)]
pub struct Pages {
    /// Where the page before ended; none for the first.
    pub cursor: Option<String>,
    /// How many entries at the most.
    pub limit: usize,
}

/// An item and what became of it, if that is known.
pub type Worked = (Item, Option<Outcome>);

impl Service {
    /// Jobs, newest first. A cursor is `created_ms.job` of the last one that was told.
    ///
    /// # Errors
    /// `malformed` for what is no cursor; what the ledger says.
    pub async fn list_jobs(&self, principal: &Principal, pages: &Pages) -> Result<Listed<Status>, Failure> {
        let after = pages.cursor.as_deref().map(job_cursor).transpose()?;
        let ledger = self.ledger(principal);
        let after = after.as_ref().map(|(created_ms, id)| (*created_ms, id));
        let mut records = ledger.records_after(after, pages.limit.saturating_add(1)).await?;
        let more = records.len() > pages.limit;
        records.truncate(pages.limit);
        let next = records.last().filter(|_| more).map(|last| format!("{}.{}", last.created_ms, last.id));
        let looks = stream::iter(records).map(|record| Self::look(&ledger, record)).buffered(JOBS_AT_ONCE);
        Ok(Listed { entries: looks.try_collect().await?, next })
    }

    /// Items of a job, in order, with what became of them. A cursor is `chunk.place` of the next item.
    ///
    /// # Errors
    /// `not_found`; `malformed` for what is no cursor; what the ledger says.
    pub async fn list_items(
        &self,
        principal: &Principal,
        job: &JobId,
        pages: &Pages,
        only_failed: bool,
    ) -> Result<Listed<Worked>, Failure> {
        let ledger = self.ledger(principal);
        let record: Record = ledger.record(job).await?;
        let (mut chunk, mut place) = pages.cursor.as_deref().map_or(Ok((0, 0)), item_cursor)?;
        let mut entries = Vec::new();
        while chunk < record.chunks {
            let receipt = ledger.receipt(job, chunk).await?;
            let outcomes = receipt.map(|receipt| receipt.outcomes).unwrap_or_default();
            // Of a chunk in which nothing failed the items need not be looked at.
            if only_failed && outcomes.iter().all(|outcome| outcome.failure.is_none()) {
                (chunk, place) = (chunk + 1, 0);
                continue;
            }
            let items = ledger.chunk(job, chunk).await?.items;
            for item in items.into_iter().skip(place) {
                let outcome = outcomes.iter().find(|outcome| outcome.item == item.index).cloned();
                let failed = outcome.as_ref().is_some_and(|outcome| outcome.failure.is_some());
                if only_failed && !failed {
                    place += 1;
                    continue;
                }
                if entries.len() == pages.limit {
                    return Ok(Listed { entries, next: Some(format!("{chunk}.{place}")) });
                }
                entries.push((item, outcome));
                place += 1;
            }
            (chunk, place) = (chunk + 1, 0);
        }
        Ok(Listed { entries, next: None })
    }
}

fn no_cursor(text: &str) -> Failure {
    let message = format!("{text:?} is no cursor: take the `next` of the page before, as it is");
    Failure::new(FailureKind::Malformed, message)
}

fn job_cursor(text: &str) -> Result<(u64, JobId), Failure> {
    let parts = text.split_once('.').and_then(|(ms, id)| Some((ms.parse().ok()?, id.parse().ok()?)));
    parts.ok_or_else(|| no_cursor(text))
}

fn item_cursor(text: &str) -> Result<(u32, usize), Failure> {
    let parts =
        text.split_once('.').and_then(|(chunk, place)| Some((chunk.parse().ok()?, place.parse().ok()?)));
    parts.ok_or_else(|| no_cursor(text))
}
