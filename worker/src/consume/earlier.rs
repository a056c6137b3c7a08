//! The rows of the run before: whoever works a run takes those of the items that are as they were, and works the others. So
//! a night costs what is new, on workers whose caches are empty too.

use crate::fetch::Loaded;
use crate::pipeline::Wanted;
use crate::rows::Rows;
use bytes::{Buf, Bytes};
use shared::failure::Failure;
use shared::job::{Earlier, Item, JobId};
use shared::ledger::Ledger;
use shared::receipt::{Depth, Outcome, RowParts};
use shared::row::Row;

/// What the run before found an item to be.
pub(super) struct Taken {
    pub(super) rows: Rows,
    pub(super) outcome: Outcome,
    digest: Option<String>,
}

impl Taken {
    /// Whether the listing alone says that the item is as it was.
    pub(super) const fn is_current(&self, item: &Item) -> bool {
        item.etag.is_some() && self.outcome.as_listed
    }

    /// Whether it is of these bytes.
    pub(super) fn is_of(&self, loaded: &Loaded) -> bool {
        self.digest.as_ref().is_some_and(|digest| *digest == loaded.digest())
    }
}

/// The run before, read along with the items of this one.
pub(super) struct RunBefore<'a> {
    ledger: &'a Ledger,
    job: &'a JobId,
    /// What its rows must have been made by.
    made_by: &'a str,
    chunk: Option<OpenChunk>,
    broken: bool,
}

/// A chunk of it.
struct OpenChunk {
    index: u32,
    /// None where its rows are not to be had.
    outcomes: Vec<Outcome>,
    parts: RowParts,
    part: u32,
    bytes: Bytes,
    /// A row that was read, and is not of the item before.
    row: Option<(Row, Bytes)>,
    /// Position of the item that comes next.
    item: u32,
}

impl<'a> RunBefore<'a> {
    pub(super) fn new(ledger: &'a Ledger, job: &'a JobId, wanted: &'a Wanted) -> Self {
        RunBefore { ledger, job, made_by: wanted.made_by(), chunk: None, broken: false }
    }

    /// What it found an item to be, if that may still be so. What cannot be read of it is worked anew.
    pub(super) async fn take(&mut self, item: &Item) -> Option<Taken> {
        let earlier = item.earlier.filter(|_| !self.broken)?;
        match self.find(earlier, item).await {
            Ok(taken) => taken,
            Err(failure) => {
                tracing::warn!(job.id = %self.job, %failure, "nothing is taken from the run before");
                self.broken = true;
                None
            }
        }
    }

    async fn find(&mut self, earlier: Earlier, item: &Item) -> Result<Option<Taken>, Failure> {
        let chunk = match self.chunk.take().filter(|chunk| chunk.index == earlier.chunk) {
            Some(chunk) => chunk,
            None => self.open(earlier.chunk).await?,
        };
        let chunk = self.chunk.insert(chunk);
        let outcome = usize::try_from(earlier.item).ok().and_then(|index| chunk.outcomes.get(index)).cloned();
        let may_be_taken = |outcome: &Outcome| outcome.lasting && earlier.item >= chunk.item;
        let Some(outcome) = outcome.filter(may_be_taken) else { return Ok(None) };
        while chunk.item < earlier.item {
            chunk.next_item(self.ledger, self.job, |_, _| Ok(())).await?;
        }
        let mut taken = Taken { rows: Rows::default(), outcome, digest: None };
        let (mut pieces, mut named) = (0_u32, true);
        let tell = |row: Row, findings: &[u8]| {
            named &= row.source == item.name;
            taken.digest.clone_from(&row.digest);
            pieces += 1;
            taken.rows.push_with(&Row { given: item.given.clone(), ..row }, findings)
        };
        chunk.next_item(self.ledger, self.job, tell).await?;
        taken.outcome = Outcome { item: item.index, cached: true, ..taken.outcome };
        Ok((named && pieces > 0).then_some(taken))
    }

    async fn open(&self, index: u32) -> Result<OpenChunk, Failure> {
        let receipt = self.ledger.receipt(self.job, index).await?;
        let receipt = receipt.filter(|receipt| receipt.made_by == self.made_by);
        let (outcomes, parts) = receipt.map(|receipt| (receipt.outcomes, receipt.rows)).unwrap_or_default();
        Ok(OpenChunk { index, outcomes, parts, part: 0, bytes: Bytes::new(), row: None, item: 0 })
    }
}

impl OpenChunk {
    /// Tells the rows of the next item, without their findings, and these as bytes.
    async fn next_item(
        &mut self,
        ledger: &Ledger,
        job: &JobId,
        mut tell: impl FnMut(Row, &[u8]) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let mut first = true;
        while let Some((row, findings)) = self.next_row(ledger, job).await? {
            // The rows of an item are numbered from 0.
            if row.piece == 0 && !std::mem::replace(&mut first, false) {
                self.row = Some((row, findings));
                break;
            }
            tell(row, &findings)?;
        }
        self.item += 1;
        Ok(())
    }

    async fn next_row(&mut self, ledger: &Ledger, job: &JobId) -> Result<Option<(Row, Bytes)>, Failure> {
        if let Some(row) = self.row.take() {
            return Ok(Some(row));
        }
        while self.bytes.is_empty() {
            if self.part == self.parts.count {
                return Ok(None);
            }
            self.bytes = ledger.rows((job, self.index), &self.parts, self.part, Depth::Whole).await?;
            self.part += 1;
        }
        let mut rest = self.bytes.as_ref();
        let (row, findings) = Row::split(&mut rest)?;
        let (findings, read) = (self.bytes.slice_ref(findings), self.bytes.len() - rest.len());
        self.bytes.advance(read);
        Ok(Some((row, findings)))
    }
}
