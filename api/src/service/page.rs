//! A page of the rows of a job, from a place on.

use super::Service;
use super::rows::{RowsOf, all, lineage};
use shared::failure::{Failure, FailureKind};
use shared::job::JobId;
use shared::principal::Principal;
use shared::receipt::Depth;
use shared::row::Row;
use tokio::runtime::Handle;

/// Rows that are looked at for one page, where few of them are wanted.
pub const SCANNED_MAX: u64 = 20_000;

/// Where a page begins: rows that are passed over, from the first row of a chunk on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The chunk; 0 where the job's table is made of those of several jobs.
    pub chunk: u32,
    /// Rows of it, or of all, that stand before the page.
    pub row: u64,
}

/// Rows of a job, in the order of its table.
#[derive(Debug)]
pub struct Page {
    /// The rows that were wanted.
    pub rows: Vec<Row>,
    /// Where each of them stands.
    pub places: Vec<Place>,
    /// Where the next page begins, if there is more.
    pub next: Option<Place>,
}

impl Service {
    /// The rows from a place on that `takes` wants, until it says that the page is full. Of a running job the rows that are
    /// there.
    ///
    /// # Errors
    /// `not_found`, or what the ledger says.
    pub async fn page(
        &self,
        principal: &Principal,
        job: &JobId,
        from: Place,
        takes: impl FnMut(&Row) -> Take + Send + 'static,
    ) -> Result<Page, Failure> {
        let ledger = self.ledger(principal);
        let record = ledger.record(job).await?;
        let jobs = lineage(&ledger, &record).await?;
        let runtime = Handle::current();
        let page = tokio::task::spawn_blocking(move || match &jobs[..] {
            [job] => {
                let mut rows = RowsOf::from(&ledger, &runtime, job.clone(), from.chunk)?;
                let next = move || rows.next().map(|row| (rows.chunk(), row));
                take(std::iter::from_fn(next), from, takes)
            }
            // What was tried again may have rows in any chunk: the rows are counted from the first.
            _ => take(all(&ledger, &runtime, jobs, Depth::Whole).map(|row| (0, row)), from, takes),
        });
        page.await
            .map_err(|error| Failure::new(FailureKind::Internal, format!("a thread is gone: {error}")))?
    }
}

/// What becomes of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Take {
    /// It stands on the page.
    Row,
    /// It is passed over.
    Not,
    /// The page is full without it: it is the first of the next.
    Full,
}

fn take(
    rows: impl Iterator<Item = (u32, Result<Row, Failure>)>,
    from: Place,
    mut takes: impl FnMut(&Row) -> Take,
) -> Result<Page, Failure> {
    let mut page = Page { rows: Vec::new(), places: Vec::new(), next: None };
    let mut at: Option<Place> = None;
    let mut scanned = 0;
    for (chunk, row) in rows {
        let row = row?;
        let place = match at {
            Some(before) if before.chunk == chunk => Place { chunk, row: before.row + 1 },
            _ => Place { chunk, row: 0 },
        };
        at = Some(place);
        if place.chunk == from.chunk && place.row < from.row {
            continue;
        }
        let took = if scanned == SCANNED_MAX { Take::Full } else { takes(&row) };
        scanned += 1;
        match took {
            Take::Row => {
                page.rows.push(row);
                page.places.push(place);
            }
            Take::Not => {}
            Take::Full => {
                page.next = Some(place);
                break;
            }
        }
    }
    Ok(page)
}
