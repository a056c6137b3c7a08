//! What every skin calls: submit, look, cancel, take the results.

use crate::plan;
use crate::similar::{Fingerprints, Pair, Question};
use crate::sources::Listing;
use shared::clock;
use shared::dispatch::{Dispatcher, Lane, Message};
use shared::failure::{Failure, FailureKind};
use shared::job::{JobId, Record, Request, Wish};
use shared::ledger::{Created, Ledger};
use shared::principal::Principal;
use shared::receipt::{Finished, Receipt, Totals};
use shared::row::Row;
use shared::wire::WIRE_VERSION;
use std::path::{Path, PathBuf};
use worker::consume::{finish_if_complete, totals};
use worker::table::{Encoding, Tables};

/// Chunks of one job that travel at once.
const WINDOW: u32 = 4;

/// The service, on a ledger and a dispatcher.
#[derive(Clone, Debug)]
pub struct Service {
    ledger: Ledger,
    dispatcher: Dispatcher,
}

/// How a submission was taken.
#[derive(Clone, Debug)]
pub struct Accepted {
    /// The job.
    pub record: Record,
    /// Whether it is an unfinished one of before, of the same request over the same files.
    pub resumed: bool,
}

/// What a job is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It has work left.
    Active,
    /// Every item has its outcome.
    Finished,
    /// It was cancelled before that.
    Cancelled,
}

impl State {
    /// Name for people and on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            State::Active => "active",
            State::Finished => "finished",
            State::Cancelled => "cancelled",
        }
    }
}

/// A job, looked at.
#[derive(Clone, Debug)]
pub struct Status {
    /// What was asked.
    pub record: Record,
    /// What it is doing.
    pub state: State,
    /// The counts so far.
    pub totals: Totals,
}

impl Service {
    /// A service on a ledger and a dispatcher.
    #[must_use]
    pub const fn new(ledger: Ledger, dispatcher: Dispatcher) -> Self {
        Service { ledger, dispatcher }
    }

    fn ledger(&self, principal: &Principal) -> Ledger {
        self.ledger.of(&principal.tenant)
    }

    /// Accepts a job: once this returns, its record is durable. An unfinished job of the same request over the same
    /// files is taken up instead of a new one.
    ///
    /// # Errors
    /// `not_found` when there is nothing to work on; `too_large`; what the ledger says.
    pub async fn submit(
        &self,
        principal: &Principal,
        request: Request,
        listing: Listing,
    ) -> Result<Accepted, Failure> {
        let ledger = self.ledger(principal);
        let found = &listing.found;
        if found.items() == 0 {
            let message = format!("there is no score under {}", request.sources.join(", "));
            return Err(Failure::new(FailureKind::NotFound, message));
        }
        let submission = plan::submission(&request, found.iter())?;
        let unfinished = ledger.active().await?.into_iter().find(|record| record.submission == submission);
        if let Some(record) = unfinished {
            return Ok(Accepted { record, resumed: true });
        }
        let id = new_id()?;
        let mut chunks = 0;
        for chunk in plan::chunks(found.iter()) {
            ledger.write_chunk(&id, chunks, &chunk?).await?;
            chunks += 1;
        }
        let record = Record {
            version: WIRE_VERSION,
            id,
            created_ms: clock::now_ms(),
            engine: worker::ENGINE.to_owned(),
            request,
            submission,
            items: found.items(),
            bytes: found.bytes(),
            chunks,
            left_out: listing.left_out,
        };
        ledger.accept(&record).await?;
        Ok(Accepted { record, resumed: false })
    }

    /// Publishes what is left to do of a job: the first chunks without a receipt; the relay does the rest.
    ///
    /// # Errors
    /// What the ledger or the dispatcher says.
    pub async fn reconcile(&self, principal: &Principal, record: &Record, lane: Lane) -> Result<(), Failure> {
        let ledger = self.ledger(principal);
        if finish_if_complete(&ledger, &self.dispatcher, &record.id, record.chunks).await? {
            return Ok(());
        }
        let receipts = ledger.receipts(&record.id).await?;
        for first in 0..WINDOW.min(record.chunks) {
            // The chunks c, c + window, … are passed from one to the next.
            let mut line = (first..record.chunks).step_by(WINDOW as usize);
            let Some(chunk) = line.find(|chunk| receipts.binary_search(chunk).is_err()) else { continue };
            let (tenant, job) = (principal.tenant.clone(), record.id.clone());
            let message = Message { version: WIRE_VERSION, tenant, job, chunk, window: WINDOW, attempt: 0 };
            self.dispatcher.publish(lane, message)?;
        }
        Ok(())
    }

    /// Looks at a job.
    ///
    /// # Errors
    /// `not_found`, or what the ledger says.
    pub async fn status(&self, principal: &Principal, job: &JobId) -> Result<Status, Failure> {
        let ledger = self.ledger(principal);
        let record = ledger.record(job).await?;
        Self::look(&ledger, record).await
    }

    async fn look(ledger: &Ledger, record: Record) -> Result<Status, Failure> {
        let finished = ledger.finished(&record.id).await?;
        let (state, totals) = match finished {
            Some(finished) if !finished.cancelled => (State::Finished, finished.totals),
            // Chunks that were in work when it was cancelled may have ended after that.
            Some(_) => (State::Cancelled, totals(ledger, &record.id).await?),
            None => (State::Active, totals(ledger, &record.id).await?),
        };
        Ok(Status { record, state, totals })
    }

    /// Looks at every job, newest first.
    ///
    /// # Errors
    /// What the ledger says.
    pub async fn jobs(&self, principal: &Principal) -> Result<Vec<Status>, Failure> {
        let ledger = self.ledger(principal);
        let mut jobs = Vec::new();
        for record in ledger.records().await? {
            jobs.push(Self::look(&ledger, record).await?);
        }
        Ok(jobs)
    }

    /// Whether a job has ended, one way or the other.
    ///
    /// # Errors
    /// What the ledger says.
    pub async fn has_ended(&self, principal: &Principal, job: &JobId) -> Result<bool, Failure> {
        Ok(self.ledger(principal).finished(job).await?.is_some())
    }

    /// Stops a job: no chunk of it begins more than two seconds after this. What is finished stays.
    ///
    /// # Errors
    /// `not_found`, or what the ledger says.
    pub async fn cancel(&self, principal: &Principal, job: &JobId) -> Result<Status, Failure> {
        let ledger = self.ledger(principal);
        let record = ledger.record(job).await?;
        if ledger.finished(job).await?.is_none() {
            ledger.set_control(job, Wish::Cancelled).await?;
            let totals = Totals::default();
            let finished =
                Finished { version: WIRE_VERSION, at_ms: clock::now_ms(), cancelled: true, totals };
            if ledger.finish(job, &finished).await? == Created::First {
                self.dispatcher.announce(shared::dispatch::Announcement::Finished { job: job.clone() });
            }
        }
        Self::look(&ledger, record).await
    }

    /// Writes the table of a job, also of a running one: what is there so far. Says which files it wrote.
    ///
    /// # Errors
    /// `not_found`, what the ledger says, `unavailable` when a file cannot be written.
    pub async fn results(
        &self,
        principal: &Principal,
        job: &JobId,
        folder: &Path,
        encodings: &[Encoding],
    ) -> Result<Vec<PathBuf>, Failure> {
        let record = self.ledger(principal).record(job).await?;
        let tables = Tables::begin(folder, &record.request, encodings)?;
        let add = |mut tables: Tables, row: Row| tables.add(&row).map(|()| tables);
        self.fold_rows(principal, job, tables, add).await?.finish()
    }

    /// Tells the rows of what failed or is degraded, in the order of the table.
    ///
    /// # Errors
    /// `not_found`, or what the ledger says.
    pub async fn errors<T: FnMut(&Row) + Send + 'static>(
        &self,
        principal: &Principal,
        job: &JobId,
        tell: T,
    ) -> Result<(), Failure> {
        self.ledger(principal).record(job).await?;
        let step = |mut tell: T, row: Row| {
            if row.facts.failure.is_some() {
                tell(&row);
            }
            Ok(tell)
        };
        self.fold_rows(principal, job, tell, step).await.map(drop)
    }

    /// Finds the pieces of a job that are like each other; says how many were compared, how many rows have no fingerprint,
    /// and the pairs.
    ///
    /// # Errors
    /// `not_found`, `malformed` for a job without fingerprints, `too_large` for one of too many pieces, or what the ledger
    /// says.
    pub async fn similar(
        &self,
        principal: &Principal,
        job: &JobId,
        question: Question,
    ) -> Result<(usize, u64, Vec<Pair>), Failure> {
        self.ledger(principal).record(job).await?;
        let add = |mut all: Fingerprints, row: Row| all.add(&row).map(|()| all);
        let all = self.fold_rows(principal, job, Fingerprints::default(), add).await?;
        let compare = move || (all.len(), all.without, all.pairs(question));
        let gone = |error| Failure::new(FailureKind::Internal, format!("a thread is gone: {error}"));
        tokio::task::spawn_blocking(compare).await.map_err(gone)
    }

    /// Folds over the rows of every chunk that has a receipt, in order; only one part of the encoded rows of one chunk is
    /// in memory at a time.
    async fn fold_rows<T: Send + 'static>(
        &self,
        principal: &Principal,
        job: &JobId,
        start: T,
        step: impl Fn(T, Row) -> Result<T, Failure> + Copy + Send + 'static,
    ) -> Result<T, Failure> {
        let ledger = self.ledger(principal);
        let mut state = start;
        for chunk in ledger.receipts(job).await? {
            let Some(Receipt { rows, .. }) = ledger.receipt(job, chunk).await? else { continue };
            for part in 0..rows.count {
                let bytes = ledger.rows(job, chunk, &rows.name, part).await?;
                let done = tokio::task::spawn_blocking(move || {
                    worker::table::decode_rows(&bytes).try_fold(state, |state, row| step(state, row?))
                });
                let gone = |error| Failure::new(FailureKind::Internal, format!("a thread is gone: {error}"));
                state = done.await.map_err(gone)??;
            }
        }
        Ok(state)
    }
}

fn new_id() -> Result<JobId, Failure> {
    let mut random = [0; 16];
    getrandom::fill(&mut random)
        .map_err(|error| Failure::new(FailureKind::Unavailable, format!("no random numbers: {error}")))?;
    Ok(JobId::from_random(&random))
}
