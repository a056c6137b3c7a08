//! What every skin calls: submit, look, cancel, pause, retry, take the results.

mod forecast;
mod listed;
mod order;
mod page;
mod past;
mod retry;
mod room;
mod rows;
mod sweep;
mod tenants;

pub use forecast::{Ahead, By, Forecast, Hands, Here, Known};
pub use listed::{Listed, Pages, Worked};
pub use order::{Callback, Order};
pub use page::{Page, Place, SCANNED_MAX, Take};
use past::Past;
pub(crate) use room::Charge;
pub use sweep::Swept;
pub use tenants::{Days, Holding};

use crate::plan;
use crate::scores::Scores;
use crate::similar::{Fingerprints, Pair, Question};
use crate::sources::Listing;
use serde::{Deserialize, Serialize};
use shared::clock;
use shared::dispatch::{Dispatcher, Lane};
use shared::failure::{Failure, FailureKind};
use shared::job::{Chunk, JobId, Record, Request, Wish};
use shared::ledger::{Created, Ledger};
use shared::limits::Limits;
use shared::principal::Principal;
use shared::reach::Reach;
use shared::receipt::{Depth, Totals};
use shared::row::Row;
use shared::terms::Share;
use shared::wire::WIRE_VERSION;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use utoipa::ToSchema;
use worker::consume::{self, end, reconcile, totals};
use worker::table::{Encoding, Tables};

/// Chunks of one job that travel at once at first where one process works them, or nobody knows how many do.
const WINDOW: u32 = 4;

/// The service, on a ledger and a dispatcher.
#[derive(Clone, Debug)]
pub struct Service {
    ledger: Ledger,
    dispatcher: Dispatcher,
    limits: Limits,
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It has work left.
    Active,
    /// It has work left, and waits until it may go on.
    Paused,
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
            State::Paused => "paused",
            State::Finished => "finished",
            State::Cancelled => "cancelled",
        }
    }

    /// Whether a job will do nothing more.
    #[must_use]
    pub const fn has_ended(self) -> bool {
        matches!(self, State::Finished | State::Cancelled)
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
    pub fn new(ledger: Ledger, dispatcher: Dispatcher) -> Self {
        Service { ledger, dispatcher, limits: Limits::default() }
    }

    /// With other limits than the defaults.
    #[must_use]
    pub fn with_limits(self, limits: &Limits) -> Self {
        Service { limits: limits.clone(), ..self }
    }

    /// The catalogue of uploaded scores, in the same ledger.
    #[must_use]
    pub fn scores(&self, limits: &Limits) -> Scores {
        Scores::new(self.ledger.clone(), limits.clone())
    }

    pub(crate) fn ledger(&self, principal: &Principal) -> Ledger {
        self.ledger.of(&principal.tenant)
    }

    /// Where the sources of somebody's jobs may lie.
    ///
    /// # Errors
    /// `malformed` for a `RIPIENO_SOURCES` that says no places.
    pub(crate) fn reach_of(&self, principal: &Principal) -> Result<Reach, Failure> {
        self.ledger(principal).reach_of_sources()
    }

    /// Whether the ledger can be reached.
    ///
    /// # Errors
    /// What the ledger says.
    pub async fn reach(&self) -> Result<(), Failure> {
        self.ledger.reach().await
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
        lane: Lane,
    ) -> Result<Accepted, Failure> {
        let ledger = self.ledger(principal);
        let plan = Plan::new(request, &listing, lane)?;
        let mut active = ledger.active().await?.into_iter();
        if let Some(record) = active.find(|record| record.submission == plan.submission) {
            return Ok(Accepted { record, resumed: true });
        }
        let record = self.accept(&ledger, new_id()?, plan, plan::chunks(listing.found.iter())).await?;
        Ok(Accepted { record, resumed: false })
    }

    /// Writes the chunks of a job, and then the record that makes it one.
    async fn accept(
        &self,
        ledger: &Ledger,
        id: JobId,
        plan: Plan,
        chunks: impl Iterator<Item = Result<Chunk, Failure>>,
    ) -> Result<Record, Failure> {
        // A job of a tenant that is erased meanwhile is none, rather than half of one.
        let ledger = &ledger.clone().bound_to_life().await?;
        let record = self.write(ledger, id, plan, chunks, None).await?;
        // The last thing before it is accepted: who dies in between has taken a share of the day for no job.
        self.charge(ledger, &record).await?;
        match ledger.accept(&record).await? {
            Created::First => Ok(record),
            // The client chose the id, and asked twice at once: the share of both is one.
            Created::Already => ledger.record(&record.id).await,
        }
    }

    /// Writes the chunks of a job that is not accepted yet, each item with its place in the run before.
    async fn write(
        &self,
        ledger: &Ledger,
        id: JobId,
        plan: Plan,
        chunks: impl Iterator<Item = Result<Chunk, Failure>>,
        before: Option<&Record>,
    ) -> Result<Record, Failure> {
        self.room(ledger, Share { items: plan.items, bytes: plan.bytes }).await?;
        let mut written = 0;
        let mut past = before.map(|before| Past::new(ledger, before));
        for chunk in chunks {
            let mut chunk = chunk?;
            if let Some(past) = &mut past {
                past.find(&mut chunk).await?;
            }
            ledger.write_chunk(&id, written, &chunk).await?;
            written += 1;
        }
        // As many as the workers can take that there are now; more when more of them come.
        let window = consume::window(&self.dispatcher, plan.lane, &self.limits).await.unwrap_or(WINDOW);
        let Plan { request, submission, items, bytes, left_out, lane, retries } = plan;
        Ok(Record {
            version: WIRE_VERSION,
            id,
            created_ms: clock::now_ms(),
            engine: worker::ENGINE.to_owned(),
            request,
            submission,
            items,
            bytes,
            chunks: written,
            left_out,
            lane,
            window,
            retries,
            before: before.map(|before| before.id.clone()),
        })
    }

    /// Writes the chunks of a job, which may take rows of the run before; accepting its record is left to the caller.
    ///
    /// # Errors
    /// As [`Service::submit`].
    pub(crate) async fn write_job(
        &self,
        ledger: &Ledger,
        request: Request,
        listing: Listing,
        lane: Lane,
        before: Option<&Record>,
    ) -> Result<Record, Failure> {
        let plan = Plan::new(request, &listing, lane)?;
        self.write(ledger, new_id()?, plan, plan::chunks(listing.found.iter()), before).await
    }

    /// The ledger, for duties that know no tenant.
    pub(crate) const fn ledger_of_all(&self) -> &Ledger {
        &self.ledger
    }

    /// Publishes the work of an accepted job, as a hint: without it the work begins at the next reconciling.
    pub(crate) async fn publish(&self, ledger: &Ledger, record: &Record) {
        self.hint(reconcile(ledger, &self.dispatcher, record).await);
    }

    /// Publishes what is left to do of a job: the first chunks without a receipt; the relay does the rest.
    ///
    /// # Errors
    /// What the ledger or the dispatcher says.
    pub async fn reconcile(&self, principal: &Principal, record: &Record) -> Result<(), Failure> {
        reconcile(&self.ledger(principal), &self.dispatcher, record).await
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
            None => {
                let paused = ledger.control(&record.id).await?.wish == Wish::Paused;
                let state = if paused { State::Paused } else { State::Active };
                (state, totals(ledger, &record.id).await?)
            }
        };
        Ok(Status { record, state, totals })
    }

    /// How many chunks of a job have their receipt: as long as that is the same, so is its table.
    ///
    /// # Errors
    /// What the ledger says.
    pub async fn receipts(&self, principal: &Principal, job: &JobId) -> Result<u64, Failure> {
        Ok(self.ledger(principal).receipts(job).await?.len() as u64)
    }

    /// What a job is doing, without its counts.
    ///
    /// # Errors
    /// What the ledger says.
    pub async fn state(&self, principal: &Principal, job: &JobId) -> Result<State, Failure> {
        let ledger = self.ledger(principal);
        match ledger.finished(job).await? {
            Some(finished) if finished.cancelled => Ok(State::Cancelled),
            Some(_) => Ok(State::Finished),
            None if ledger.control(job).await?.wish == Wish::Paused => Ok(State::Paused),
            None => Ok(State::Active),
        }
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
            end(&ledger, &self.dispatcher, job, true).await?;
        }
        Self::look(&ledger, record).await
    }

    /// Stops a job for a while: no chunk of it begins more than two seconds after this, until it may go on.
    ///
    /// # Errors
    /// `not_found`; `cancelled` for one that has ended; what the ledger says.
    pub async fn pause(&self, principal: &Principal, job: &JobId) -> Result<Status, Failure> {
        let (ledger, record) = self.unfinished(principal, job).await?;
        ledger.set_control(job, Wish::Paused).await?;
        Self::look(&ledger, record).await
    }

    /// Lets a job go on that was paused.
    ///
    /// # Errors
    /// As [`Service::pause`].
    pub async fn resume(&self, principal: &Principal, job: &JobId) -> Result<Status, Failure> {
        let (ledger, record) = self.unfinished(principal, job).await?;
        ledger.set_control(job, Wish::Running).await?;
        self.hint(reconcile(&ledger, &self.dispatcher, &record).await);
        Self::look(&ledger, record).await
    }

    /// Moves a job to another lane; what waits in the old one is worked from there.
    ///
    /// # Errors
    /// `malformed` for the lane of suspects; as [`Service::pause`].
    pub async fn prioritise(
        &self,
        principal: &Principal,
        job: &JobId,
        lane: Lane,
    ) -> Result<Status, Failure> {
        if lane == Lane::Suspect {
            let message = "no job belongs into the lane of suspects: say interactive or bulk";
            return Err(Failure::new(FailureKind::Malformed, message));
        }
        let (ledger, record) = self.unfinished(principal, job).await?;
        if ledger.control(job).await?.lane.unwrap_or(record.lane) != lane {
            ledger.set_lane(job, lane).await?;
            self.hint(reconcile(&ledger, &self.dispatcher, &record).await);
        }
        Self::look(&ledger, record).await
    }

    async fn unfinished(&self, principal: &Principal, job: &JobId) -> Result<(Ledger, Record), Failure> {
        let ledger = self.ledger(principal);
        let record = ledger.record(job).await?;
        if ledger.finished(job).await?.is_some() {
            return Err(Failure::new(FailureKind::Cancelled, format!("{job} has ended already")));
        }
        Ok((ledger, record))
    }

    /// What is published is a hint: without it the work begins later.
    fn hint(&self, published: Result<(), Failure>) {
        if let Err(failure) = published {
            tracing::warn!(%failure, "the work begins at the next reconciling");
        }
    }

    /// A new job of the items of an ended one that failed, or of which something failed. Its table is that of the whole
    /// job. An unfinished one of before is taken up.
    ///
    /// # Errors
    /// `not_found` when nothing failed; `malformed` for a job that has not ended; what the ledger says.
    pub async fn retry(&self, principal: &Principal, job: &JobId) -> Result<Accepted, Failure> {
        let ledger = self.ledger(principal);
        let record = ledger.record(job).await?;
        if ledger.finished(job).await?.is_none() {
            let message = format!("{job} has not ended yet; what failed of it can be tried again after that");
            return Err(Failure::new(FailureKind::Malformed, message));
        }
        let submission = plan::retry_submission(&record);
        let active = ledger.active().await?.into_iter();
        for earlier in active.filter(|earlier| earlier.submission == submission) {
            // One that has ended may not have left the active ones yet.
            if ledger.finished(&earlier.id).await?.is_none() {
                return Ok(Accepted { record: earlier, resumed: true });
            }
        }
        let items = retry::failed(&ledger, &record).await?;
        if items.is_empty() {
            return Err(Failure::new(FailureKind::NotFound, format!("nothing of {job} failed")));
        }
        let plan = Plan {
            request: record.request,
            submission,
            items: items.len() as u64,
            bytes: items.iter().map(|item| item.bytes).sum(),
            left_out: BTreeMap::new(),
            lane: record.lane,
            retries: Some(record.id),
        };
        let record = self.accept(&ledger, new_id()?, plan, plan::chunks_of(items)).await?;
        Ok(Accepted { record, resumed: false })
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
        let ledger = self.ledger(principal);
        let record = ledger.record(job).await?;
        let tables = Tables::begin(folder, &record.request, encodings)?;
        let depth = tables.depth();
        let add = |mut tables: Tables, row: Row| tables.add(&row).map(|()| tables);
        rows::fold(&ledger, &record, depth, tables, add).await?.finish()
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
        let ledger = self.ledger(principal);
        let record = ledger.record(job).await?;
        let step = |mut tell: T, row: Row| {
            if row.facts.failure.is_some() {
                tell(&row);
            }
            Ok(tell)
        };
        rows::fold(&ledger, &record, Depth::Flat, tell, step).await.map(drop)
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
        let ledger = self.ledger(principal);
        let record = ledger.record(job).await?;
        let add = |mut all: Fingerprints, row: Row| all.add(&row).map(|()| all);
        let all = rows::fold(&ledger, &record, Depth::Flat, Fingerprints::default(), add).await?;
        let compare = move || (all.len(), all.without, all.pairs(question));
        let gone = |error| Failure::new(FailureKind::Internal, format!("a thread is gone: {error}"));
        tokio::task::spawn_blocking(compare).await.map_err(gone)
    }
}

/// What a record is made of, but for what accepting adds.
struct Plan {
    request: Request,
    submission: String,
    items: u64,
    bytes: u64,
    left_out: BTreeMap<String, u64>,
    lane: Lane,
    retries: Option<JobId>,
}

impl Plan {
    /// The plan of a job over what was listed; refuses one over nothing.
    fn new(mut request: Request, listing: &Listing, lane: Lane) -> Result<Self, Failure> {
        let found = &listing.found;
        if found.items() == 0 {
            let message = format!("there is no score under {}", request.sources.join(", "));
            return Err(Failure::new(FailureKind::NotFound, message));
        }
        request.given.clone_from(&listing.given);
        let submission = plan::submission(&request, found.iter())?;
        let (items, bytes, left_out) = (found.items(), found.bytes(), listing.left_out.clone());
        Ok(Plan { request, submission, items, bytes, left_out, lane, retries: None })
    }
}

/// A key that nobody else has.
pub(crate) fn random_key() -> Result<String, Failure> {
    new_id().map(|id| id.to_string())
}

/// Bits that nobody else has.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], Failure> {
    let mut random = [0; N];
    getrandom::fill(&mut random)
        .map_err(|error| Failure::new(FailureKind::Unavailable, format!("no random numbers: {error}")))?;
    Ok(random)
}

fn new_id() -> Result<JobId, Failure> {
    random().map(|random| JobId::from_random(&random))
}
