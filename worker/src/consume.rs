//! A worker: takes chunks from the dispatcher, has their items worked, writes rows and receipt, passes the work on.

mod chunk;
mod earlier;
mod finish;
mod line;
mod progress;
mod reconcile;
mod rows_out;
mod suspect;
mod twin;

pub use finish::{end, finish_if_complete, totals};
pub use line::window;
pub use reconcile::{RECONCILE_EVERY, Reconciler, reconcile};

use crate::apart::Apart;
use crate::cache::Cache;
use crate::marks::Marks;
use crate::pipeline::Wanted;
use chunk::BUDGET_UNIT;
use shared::dispatch::{Announcement, Delivery, Dispatcher, Lane, Message, jittered, retry_delay};
use shared::failure::{Failure, FailureKind};
use shared::job::{JobId, Request, Wish};
use shared::ledger::{Created, Ledger};
use shared::limits::Limits;
use shared::metrics;
use shared::reach::Reach;
use shared::store::Stores;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{Semaphore, watch};
use tracing::{Instrument, Span};

/// Chunks worked at once: while one waits for the disk to take its receipt, the other keeps the cores busy.
pub const SLOTS: u16 = 2;
/// Messages of a lane that a worker takes at once: one waits here, so that no slot does.
pub const PREFETCH: u16 = SLOTS + 1;
/// How long a group of items of bulk may wait for chunks that somebody waits for.
const YIELD_MAX: Duration = Duration::from_millis(500);
/// Deliveries of a message before it is given up: together about a minute and a half of waiting.
const ATTEMPTS_MAX: u32 = 9;
/// How long what is wanted of a job is believed without asking again.
const CONTROL_TRUSTED: Duration = Duration::from_millis(1500);
/// How often a worker says that a chunk is still in work.
const WORKING_EVERY: Duration = Duration::from_secs(10);

/// What a worker stands on.
pub struct Worker {
    ledger: Ledger,
    dispatcher: Dispatcher,
    cache: Option<Arc<Cache>>,
    stores: Stores,
    limits: Limits,
    pool: rayon::ThreadPool,
    threads: usize,
    budget: Semaphore,
    jobs: Mutex<BTreeMap<(String, JobId), Known>>,
    in_work: Chunks,
    apart: Option<Apart>,
    marks: Option<Marks>,
    abandoned: watch::Sender<bool>,
    /// Chunks in work that somebody waits for.
    urgent: watch::Sender<u32>,
    /// Groups of bulk that have a thread for computing, or are next: what is urgent does not queue behind more.
    turns: Semaphore,
    consumers: line::Consumers,
}

/// What a worker remembers of a job that it works on.
#[derive(Clone)]
struct Known {
    ledger: Ledger,
    request: Arc<Request>,
    wanted: Arc<Wanted>,
    reach: Arc<Reach>,
    before: Option<JobId>,
    chunks: u32,
    wish: Wish,
    lane: Lane,
    asked: Instant,
}

impl Worker {
    /// A worker with `threads` threads for computing.
    ///
    /// # Errors
    /// `unavailable` when the threads cannot be had.
    pub fn new(
        ledger: Ledger,
        dispatcher: Dispatcher,
        cache: Option<Arc<Cache>>,
        limits: Limits,
        threads: usize,
    ) -> Result<Self, Failure> {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .thread_name(|i| format!("compute-{i}"))
            .build();
        let pool =
            pool.map_err(|error| Failure::new(FailureKind::Unavailable, format!("no threads: {error}")))?;
        let units =
            usize::try_from(limits.bytes_in_flight_max / BUDGET_UNIT).unwrap_or(Semaphore::MAX_PERMITS);
        let budget = Semaphore::new(units.clamp(1, Semaphore::MAX_PERMITS));
        Ok(Worker {
            ledger,
            dispatcher,
            cache,
            stores: Stores::default(),
            limits,
            pool,
            threads,
            budget,
            jobs: Mutex::default(),
            in_work: Mutex::default(),
            apart: None,
            marks: None,
            abandoned: watch::Sender::new(false),
            urgent: watch::Sender::new(0),
            turns: Semaphore::new(threads + 1),
            consumers: line::Consumers::default(),
        })
    }

    /// Has suspect chunks worked by another process.
    #[must_use]
    pub fn with_apart(self, apart: Option<Apart>) -> Self {
        Worker { apart, ..self }
    }

    /// Marks the chunks in work, and takes those for suspect that a process before this one died of.
    #[must_use]
    pub fn with_marks(self, marks: Marks) -> Self {
        Worker { marks: Some(marks), ..self }
    }

    /// Works until the dispatcher is closed; chunks in work are then brought to their end.
    pub async fn run(self: Arc<Self>) {
        let slots = (0..SLOTS).map(|_| {
            let worker = Arc::clone(&self);
            tokio::spawn(async move {
                while let Some(delivery) = worker.dispatcher.next().await {
                    worker.take(delivery).await;
                }
            })
        });
        let mut slots: Vec<_> = slots.collect();
        // One more for jobs of which nothing is in work here: they do not wait until a chunk of another has ended.
        let worker = Arc::clone(&self);
        slots.push(tokio::spawn(async move {
            let is_other = |message: &Message| !InWork::has_job(&worker.in_work, &message.job);
            while let Some(delivery) = worker.dispatcher.next_wanted(is_other).await {
                worker.take(delivery).await;
            }
        }));
        futures::future::join_all(slots).await;
        if let Some(cache) = &self.cache {
            cache.close();
        }
    }

    /// Gives what is in work back: there is no time to end it.
    pub fn abandon(&self) {
        self.abandoned.send_replace(true);
    }

    async fn is_abandoned(&self) {
        // The worker holds the sender, so there is no error.
        let _ = self.abandoned.subscribe().wait_for(|is| *is).await;
    }

    async fn take(self: &Arc<Self>, delivery: Delivery) {
        let Some(message) = delivery.message().cloned() else { return };
        let span = of_chunk(&message);
        self.handle(delivery, message).instrument(span).await;
    }

    async fn handle(self: &Arc<Self>, delivery: Delivery, message: Message) {
        // Apart from others, so that one that takes its process down keeps no other waiting.
        if delivery.lost() > 0 && delivery.lane() != Lane::Suspect && self.apart.is_some() {
            return delivery.divert(Lane::Suspect).await;
        }
        let suspect = delivery.lane() == Lane::Suspect;
        // A message that came twice, or again after the broker was lost. Whoever works the chunk here settles it for both.
        let Some(_in_work) = InWork::begin(&self.in_work, &message) else {
            return delivery.done().await;
        };
        let _urgent = (delivery.lane() == Lane::Interactive).then(|| Urgent::begin(&self.urgent));
        let outcome = tokio::select! {
            outcome = self.work(&message, suspect) => outcome,
            () = self.say_so(&message) => return, // It never ends.
            () = self.is_abandoned() => return delivery.hand_back().await,
        };
        match outcome {
            Ok(()) => delivery.done().await,
            Err(failure) if failure.kind.is_transient() && message.attempt + 1 < ATTEMPTS_MAX => {
                metrics::CHUNKS_PUT_BACK.increase();
                tracing::warn!(%failure, "chunk put back");
                delivery.retry(jittered(retry_delay(message.attempt))).await;
            }
            Err(failure) => {
                metrics::CHUNKS_GIVEN_UP.increase();
                tracing::error!(%failure, "chunk given up");
                delivery.bury().await;
                self.dispatcher.announce(Announcement::Stuck {
                    job: message.job,
                    chunk: message.chunk,
                    failure,
                });
            }
        }
    }

    /// Says now and then that a chunk is in work.
    async fn say_so(&self, message: &Message) {
        loop {
            tokio::time::sleep(WORKING_EVERY).await;
            let (job, chunk) = (message.job.clone(), message.chunk);
            self.dispatcher.announce(Announcement::Working { job, chunk });
        }
    }

    /// Works a chunk, if it still needs to be, and publishes the one that follows it.
    async fn work(self: &Arc<Self>, message: &Message, suspect: bool) -> Result<(), Failure> {
        let Message { tenant, job, .. } = message;
        let known = self.known(tenant, job).await?;
        if known.wish != Wish::Running || message.chunk >= known.chunks {
            return Ok(());
        }
        let Some(chunk) = line::left(&known, message).await? else {
            return finish_if_complete(&known.ledger, &self.dispatcher, job, known.chunks).await.map(drop);
        };
        let first = message.chunk;
        let message = Message { chunk, ..message.clone() };
        let suspect = suspect && chunk == first
            || self.marks.as_ref().is_some_and(|marks| marks.is_suspect(job, chunk));
        let mark = self.marks.as_ref().map(|marks| (marks, marks.begin(job, chunk)));
        let created = self.work_chunk(&known, &message, suspect).await?;
        if let Some((marks, mark)) = mark {
            marks.end(mark, job, chunk);
        }
        // Whoever was first passes the work on: so a message that came twice ends here.
        if created != Some(Created::First) {
            return Ok(());
        }
        // It may have been moved to another lane meanwhile.
        let lane = self.known(tenant, job).await?.lane;
        let wide = self.consumers.window(&self.dispatcher, lane, &self.limits).await;
        let next = line::next(&message, wide, known.chunks);
        if !next.is_empty() {
            for message in next {
                self.dispatcher.publish(lane, message).await?;
            }
            return Ok(());
        }
        finish_if_complete(&known.ledger, &self.dispatcher, job, known.chunks).await.map(drop)
    }

    /// What is known of a job; asked of the ledger when that was long ago.
    async fn known(&self, tenant: &str, job: &JobId) -> Result<Known, Failure> {
        let key = (tenant.to_owned(), job.clone());
        let jobs = || self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        let remembered = jobs().get(&key).cloned();
        if let Some(known) = remembered.as_ref().filter(|known| known.asked.elapsed() < CONTROL_TRUSTED) {
            return Ok(known.clone());
        }
        // Bound before anything is read: of a tenant that is erased after that, nothing more is written.
        let (remembered, ledger) = match remembered {
            Some(known) if !known.ledger.is_over().await? => (Some(known.clone()), known.ledger),
            _ => (None, self.ledger.of(tenant).bound_to_life().await?),
        };
        let asked = Instant::now();
        let control = ledger.control(job).await?;
        let known = match remembered {
            Some(known) => {
                Known { wish: control.wish, lane: control.lane.unwrap_or(known.lane), asked, ..known }
            }
            None => {
                let record = ledger.record(job).await?;
                let wanted = Wanted::of(&record.request, &self.limits)?;
                let wanted = Arc::new(wanted.for_ledger(&ledger).await?);
                let (chunks, lane) = (record.chunks, control.lane.unwrap_or(record.lane));
                let (request, before) = (Arc::new(record.request), record.before);
                let (reach, wish) = (Arc::new(ledger.reach_of_sources()?), control.wish);
                Known { ledger, request, wanted, reach, before, chunks, wish, lane, asked }
            }
        };
        let mut jobs = jobs();
        jobs.retain(|_, known| known.asked.elapsed() < CONTROL_TRUSTED * 30);
        jobs.insert(key, known.clone());
        Ok(known)
    }
}

/// What stands in each line of the log of what is done for a chunk, whatever level is logged.
fn of_chunk(message: &Message) -> Span {
    let Message { tenant, job, chunk, .. } = message;
    tracing::error_span!("chunk", %tenant, job.id = %job, chunk)
}

type Chunks = Mutex<BTreeSet<(JobId, u32)>>;

/// A chunk in work, as long as it lives.
struct InWork<'a> {
    chunks: &'a Chunks,
    chunk: (JobId, u32),
}

impl<'a> InWork<'a> {
    /// Nothing if it is in work already.
    fn begin(chunks: &'a Chunks, message: &Message) -> Option<Self> {
        let chunk = (message.job.clone(), message.chunk);
        let new = chunks.lock().unwrap_or_else(PoisonError::into_inner).insert(chunk.clone());
        new.then(|| {
            metrics::CHUNKS_IN_WORK.increase();
            InWork { chunks, chunk }
        })
    }
}

impl InWork<'_> {
    /// Whether a chunk of the job is in work.
    fn has_job(chunks: &Chunks, job: &JobId) -> bool {
        let chunks = chunks.lock().unwrap_or_else(PoisonError::into_inner);
        chunks.range((job.clone(), 0)..=(job.clone(), u32::MAX)).next().is_some()
    }
}

/// A chunk in work that somebody waits for, as long as it lives.
struct Urgent<'a>(&'a watch::Sender<u32>);

impl<'a> Urgent<'a> {
    fn begin(urgent: &'a watch::Sender<u32>) -> Self {
        urgent.send_modify(|chunks| *chunks += 1);
        Urgent(urgent)
    }
}

impl Drop for Urgent<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|chunks| *chunks -= 1);
    }
}

impl Drop for InWork<'_> {
    fn drop(&mut self) {
        metrics::CHUNKS_IN_WORK.decrease();
        self.chunks.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.chunk);
    }
}
