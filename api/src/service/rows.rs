//! The rows of a job in the order of its table, a part of one chunk in memory at a time.

use bytes::{Buf, Bytes};
use shared::failure::{Failure, FailureKind};
use shared::job::{JobId, Record};
use shared::ledger::Ledger;
use shared::receipt::{Depth, RowParts};
use shared::row::Row;
use std::iter::Peekable;
use tokio::runtime::Handle;

/// Jobs that each try again what failed of the one before.
const RETRIES_MAX: usize = 100;

type Rows = Box<dyn Iterator<Item = Result<Row, Failure>>>;

/// All rows of a job in order, those of what was tried again in the place of the old ones; blocks on the ledger.
pub(super) fn all(
    ledger: &Ledger,
    runtime: &Handle,
    jobs: Vec<JobId>,
    depth: Depth,
) -> impl Iterator<Item = Result<Row, Failure>> {
    let rows_of = |job| -> Rows { Box::new(RowsOf::new(ledger, runtime, job, depth)) };
    let rows = jobs
        .into_iter()
        .map(rows_of)
        .reduce(|before, again| Box::new(Merged { before, again: again.peekable(), replaced: None }) as Rows);
    rows.into_iter().flatten()
}

/// Folds over the rows of every chunk that has a receipt, in order. Where the job tries again what failed of another, over
/// that one's rows, with its own in the place of those that it tried again.
///
/// # Errors
/// What the ledger or `step` says.
pub(super) async fn fold<T: Send + 'static>(
    ledger: &Ledger,
    record: &Record,
    depth: Depth,
    start: T,
    step: impl Fn(T, Row) -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    let jobs = lineage(ledger, record).await?;
    let (ledger, runtime) = (ledger.clone(), Handle::current());
    // Encoding a table keeps a thread busy, and waits for the ledger in between.
    let folding = tokio::task::spawn_blocking(move || {
        all(&ledger, &runtime, jobs, depth).try_fold(start, |state, row| step(state, row?))
    });
    folding
        .await
        .map_err(|error| Failure::new(FailureKind::Internal, format!("a thread is gone: {error}")))?
}

/// The job whose table it is, those that tried again, and this one: oldest first.
pub(super) async fn lineage(ledger: &Ledger, record: &Record) -> Result<Vec<JobId>, Failure> {
    let mut jobs = vec![record.id.clone()];
    let mut before = record.retries.clone();
    while let Some(job) = before {
        if jobs.len() > RETRIES_MAX {
            let message = format!("it tries again for the {RETRIES_MAX}th time: begin with `ripieno run`");
            return Err(Failure::new(FailureKind::TooLarge, message));
        }
        before = ledger.record(&job).await?.retries;
        jobs.push(job);
    }
    jobs.reverse();
    Ok(jobs)
}

/// The rows of one job; blocks on the ledger. A failure is the last.
pub(super) struct RowsOf {
    ledger: Ledger,
    runtime: Handle,
    job: JobId,
    depth: Depth,
    /// Chunks with receipts that are still to come, the next one last; none before they were asked for.
    chunks: Option<Vec<u32>>,
    chunk: u32,
    parts: RowParts,
    part: u32,
    bytes: Bytes,
    failed: bool,
}

impl RowsOf {
    fn new(ledger: &Ledger, runtime: &Handle, job: JobId, depth: Depth) -> Self {
        let (ledger, runtime) = (ledger.clone(), runtime.clone());
        let (parts, bytes) = (RowParts::default(), Bytes::new());
        RowsOf { ledger, runtime, job, depth, chunks: None, chunk: 0, parts, part: 0, bytes, failed: false }
    }

    /// All of the rows from a chunk on.
    pub(super) fn from(ledger: &Ledger, runtime: &Handle, job: JobId, chunk: u32) -> Result<Self, Failure> {
        let mut rows = Self::new(ledger, runtime, job, Depth::Whole);
        let mut chunks = rows.runtime.block_on(rows.ledger.receipts(&rows.job))?;
        chunks.retain(|receipt| *receipt >= chunk);
        chunks.reverse();
        rows.chunks = Some(chunks);
        Ok(rows)
    }

    /// The chunk of the row that was told last.
    pub(super) const fn chunk(&self) -> u32 {
        self.chunk
    }

    fn read(&mut self) -> Result<Option<Row>, Failure> {
        while self.bytes.is_empty() {
            if self.part < self.parts.count {
                let bytes = self.ledger.rows((&self.job, self.chunk), &self.parts, self.part, self.depth);
                self.bytes = self.runtime.block_on(bytes)?;
                self.part += 1;
                continue;
            }
            if self.chunks.is_none() {
                let mut chunks = self.runtime.block_on(self.ledger.receipts(&self.job))?;
                chunks.reverse();
                self.chunks = Some(chunks);
            }
            let Some(chunk) = self.chunks.as_mut().and_then(Vec::pop) else { return Ok(None) };
            let receipt = self.runtime.block_on(self.ledger.receipt(&self.job, chunk))?;
            self.parts = receipt.map(|receipt| receipt.rows).unwrap_or_default();
            (self.chunk, self.part) = (chunk, 0);
        }
        let mut rest = self.bytes.as_ref();
        let row = Row::decode(&mut rest)?;
        let read = self.bytes.len() - rest.len();
        self.bytes.advance(read);
        Ok(Some(row))
    }
}

impl Iterator for RowsOf {
    type Item = Result<Row, Failure>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let row = self.read().transpose();
        self.failed = matches!(row, Some(Err(_)));
        row
    }
}

/// Rows, of which those of the items that were tried again are replaced. Both are in the same order of items.
struct Merged {
    before: Rows,
    again: Peekable<Rows>,
    /// The item whose new rows are told, or were told last.
    replaced: Option<String>,
}

impl Iterator for Merged {
    type Item = Result<Row, Failure>;

    fn next(&mut self) -> Option<Self::Item> {
        let is_of = |row: &Result<Row, Failure>, name: &Option<String>| match (row, name) {
            (Ok(row), Some(name)) => row.source == *name,
            (Ok(_), None) => false,
            (Err(_), _) => true, // It is told at once.
        };
        if let Some(row) = self.again.next_if(|row| is_of(row, &self.replaced)) {
            return Some(row);
        }
        loop {
            let row = self.before.next()?;
            let Ok(old) = &row else { return Some(row) };
            if self.replaced.as_ref() == Some(&old.source) {
                continue;
            }
            let name = Some(old.source.clone());
            match self.again.next_if(|row| is_of(row, &name)) {
                Some(new) => {
                    self.replaced = name;
                    return Some(new);
                }
                None => return Some(row),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::row::Facts;

    fn rows(names: &[(&str, u32)], what: &str) -> Rows {
        let row = |(name, piece): &(&str, u32)| {
            let facts = Facts::failed(Failure::new(FailureKind::Internal, what));
            let (source, piece) = ((*name).to_owned(), *piece);
            Ok(Row { source, piece, format: None, digest: None, given: Vec::new(), facts })
        };
        Box::new(names.iter().map(row).collect::<Vec<_>>().into_iter())
    }

    #[test]
    fn rows_of_what_was_tried_again_take_the_place_of_the_old_ones() {
        let before = rows(&[("a", 0), ("b", 0), ("c", 0), ("c", 1), ("d", 0), ("e", 0)], "old");
        // One item has more pieces now, one fewer, and one has not been tried yet.
        let again = rows(&[("b", 0), ("b", 1), ("c", 0), ("e", 0)], "new");
        let merged = Merged { before, again: again.peekable(), replaced: None };
        let told: Vec<String> = merged
            .map(|row| row.unwrap())
            .map(|row| format!("{}{} {}", row.source, row.piece, row.facts.failure.unwrap().message))
            .collect();
        assert_eq!(told, ["a0 old", "b0 new", "b1 new", "c0 new", "d0 old", "e0 new"]);
    }
}
