//! A worker: takes chunks from the dispatcher, has their items worked, writes rows and receipt, passes the work on.

use crate::cache::Cache;
use crate::pipeline::{self, Wanted};
use crate::rows::Rows;
use crate::{ENGINE, fetch};
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};
use shared::clock;
use shared::dispatch::{Announcement, Delivery, Dispatcher, Lane, Message, retry_delay};
use shared::failure::{Failure, FailureKind};
use shared::job::{Item, JobId, Wish};
use shared::ledger::{Created, Ledger};
use shared::limits::Limits;
use shared::receipt::{Finished, Outcome, Receipt, RowParts, Totals};
use shared::store::Stores;
use shared::wire::WIRE_VERSION;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{Semaphore, oneshot};

/// Chunks worked at once: while one waits for the disk to take its receipt, the other keeps the cores busy.
const SLOTS: usize = 2;
/// Deliveries of a message before it is given up: together about a minute and a half of waiting.
const ATTEMPTS_MAX: u32 = 9;
/// How long what is wanted of a job is believed without asking again.
const CONTROL_TRUSTED: Duration = Duration::from_secs(2);
/// How often a worker says how many items it has worked.
const ANNOUNCE_EVERY: Duration = Duration::from_millis(200);
/// Items that go to a thread for computing together, at the most.
const GROUP_ITEMS: usize = 16;
/// Bytes of such a group, unless one item alone has more.
const GROUP_BYTES: u64 = 128 << 10;
/// Bytes of rows that are written to the ledger at once.
const PART_BYTES: usize = 4 << 20;
/// The bytes in flight are counted in these.
const BUDGET_UNIT: u64 = 1024;

/// What a worker stands on.
pub struct Worker {
    ledger: Ledger,
    dispatcher: Dispatcher,
    cache: Option<Cache>,
    stores: Stores,
    limits: Limits,
    pool: rayon::ThreadPool,
    threads: usize,
    budget: Semaphore,
    jobs: Mutex<BTreeMap<(String, JobId), Known>>,
}

/// What a worker remembers of a job that it works on.
#[derive(Clone)]
struct Known {
    ledger: Ledger,
    wanted: Arc<Wanted>,
    chunks: u32,
    wish: Wish,
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
        cache: Option<Cache>,
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
        })
    }

    /// Works until the dispatcher is closed; chunks in work are then brought to their end.
    pub async fn run(self: Arc<Self>) {
        let slots = (0..SLOTS).map(|_| {
            let worker = Arc::clone(&self);
            tokio::spawn(async move {
                while let Some(delivery) = worker.dispatcher.next().await {
                    worker.handle(delivery).await;
                }
            })
        });
        futures::future::join_all(slots.collect::<Vec<_>>()).await;
        if let Some(cache) = &self.cache {
            cache.flush();
        }
    }

    async fn handle(self: &Arc<Self>, delivery: Delivery) {
        let Some(message) = delivery.message().cloned() else { return };
        match self.work(delivery.lane(), &message).await {
            Ok(()) => delivery.done(),
            Err(failure) if failure.kind.is_transient() && message.attempt + 1 < ATTEMPTS_MAX => {
                tracing::warn!(job.id = %message.job, chunk = message.chunk, %failure, "chunk put back");
                delivery.retry(retry_delay(message.attempt));
            }
            Err(failure) => {
                tracing::error!(job.id = %message.job, chunk = message.chunk, %failure, "chunk given up");
                delivery.bury();
                self.dispatcher.announce(Announcement::Stuck {
                    job: message.job,
                    chunk: message.chunk,
                    failure,
                });
            }
        }
    }

    /// Works a chunk, if it still needs to be, and publishes the one that follows it.
    async fn work(self: &Arc<Self>, lane: Lane, message: &Message) -> Result<(), Failure> {
        let known = self.known(&message.tenant, &message.job).await?;
        if known.wish != Wish::Running || message.chunk >= known.chunks {
            return Ok(());
        }
        if !known.ledger.has_receipt(&message.job, message.chunk).await? {
            self.work_chunk(&known, message).await?;
        }
        let next = message.chunk.saturating_add(message.window.max(1));
        if next < known.chunks {
            return self.dispatcher.publish(lane, Message { chunk: next, attempt: 0, ..message.clone() });
        }
        finish_if_complete(&known.ledger, &self.dispatcher, &message.job, known.chunks).await.map(drop)
    }

    async fn work_chunk(self: &Arc<Self>, known: &Known, message: &Message) -> Result<(), Failure> {
        let began = Instant::now();
        let chunk = known.ledger.chunk(&message.job, message.chunk).await?;
        let progress = Progress::new(&self.dispatcher, &message.job);
        // In order, so that rows stand in the order of the items; only so many ahead, so that memory is bounded.
        let mut worked = futures::stream::iter(groups(chunk.items))
            .map(|group| self.work_group(group, &known.wanted))
            .buffered(self.threads + 2)
            .inspect_ok(|worked| progress.items(worked.outcomes.len() as u64));
        let mut rows = RowWriter::new(&known.ledger, message)?;
        let mut outcomes = Vec::new();
        while let Some(worked) = worked.try_next().await? {
            outcomes.extend(worked.outcomes);
            rows.add(worked.rows).await?;
        }
        progress.tell();
        let rows = rows.finish().await?;
        let receipt = Receipt {
            version: WIRE_VERSION,
            chunk: message.chunk,
            engine: ENGINE.to_owned(),
            worked_ms: u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
            rows,
            outcomes,
        };
        if known.ledger.write_receipt(&message.job, &receipt).await? == Created::First {
            let (job, chunk) = (message.job.clone(), message.chunk);
            self.dispatcher.announce(Announcement::Receipt { job, chunk });
        }
        Ok(())
    }

    /// Fetches a group of items here, and has them worked on a thread for computing.
    async fn work_group(self: &Arc<Self>, group: Vec<Item>, wanted: &Arc<Wanted>) -> Result<Worked, Failure> {
        let bytes = group.iter().map(|item| item.bytes).sum::<u64>();
        let units = (bytes.min(self.limits.bytes_in_flight_max) / BUDGET_UNIT).max(1);
        let units = u32::try_from(units).unwrap_or(u32::MAX);
        let closed = |_| Failure::new(FailureKind::Internal, "the worker is gone");
        let _share = self.budget.acquire_many(units).await.map_err(closed)?;
        let fetched = group.into_iter().map(|item| async {
            let arrived = fetch::fetch(&item.address, &self.stores, &self.limits).await;
            (item, arrived)
        });
        let fetched = futures::future::join_all(fetched).await;
        let (sender, receiver) = oneshot::channel();
        let (worker, wanted) = (Arc::clone(self), Arc::clone(wanted));
        self.pool.spawn(move || {
            let mut worked = Worked::default();
            let (cache, limits) = (worker.cache.as_ref(), &worker.limits);
            let outcome = fetched.into_iter().try_for_each(|(item, arrived)| {
                let outcome = pipeline::work(&item, arrived, &wanted, cache, limits, &mut worked.rows)?;
                worked.outcomes.push(outcome);
                Ok(())
            });
            // Nobody listens any more where the job was dropped meanwhile.
            let _ = sender.send(outcome.map(|()| worked));
        });
        receiver.await.map_err(|_| Failure::new(FailureKind::Internal, "a thread for computing is gone"))?
    }

    /// What is known of a job; asked of the ledger when that was long ago.
    async fn known(&self, tenant: &str, job: &JobId) -> Result<Known, Failure> {
        let key = (tenant.to_owned(), job.clone());
        let jobs = || self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        let remembered = jobs().get(&key).cloned();
        if let Some(known) = remembered.as_ref().filter(|known| known.asked.elapsed() < CONTROL_TRUSTED) {
            return Ok(known.clone());
        }
        let ledger = self.ledger.of(tenant);
        let wish = ledger.control(job).await?.wish;
        let (wanted, chunks) = match remembered {
            Some(known) => (known.wanted, known.chunks),
            None => {
                let record = ledger.record(job).await?;
                (Arc::new(Wanted::of(&record.request)?), record.chunks)
            }
        };
        let known = Known { ledger, wanted, chunks, wish, asked: Instant::now() };
        let mut jobs = jobs();
        jobs.retain(|_, known| known.asked.elapsed() < CONTROL_TRUSTED * 30);
        jobs.insert(key, known.clone());
        Ok(known)
    }
}

/// What became of some items, in their order.
#[derive(Default)]
struct Worked {
    rows: Rows,
    outcomes: Vec<Outcome>,
}

/// Writes the rows of a chunk to the ledger, part by part, while its items are worked.
struct RowWriter<'a> {
    ledger: &'a Ledger,
    message: &'a Message,
    parts: RowParts,
    held: Vec<u8>,
}

impl<'a> RowWriter<'a> {
    fn new(ledger: &'a Ledger, message: &'a Message) -> Result<Self, Failure> {
        let random = getrandom::u64()
            .map_err(|error| Failure::new(FailureKind::Unavailable, format!("no random numbers: {error}")))?;
        let parts = RowParts { name: format!("{random:016x}"), count: 0 };
        Ok(RowWriter { ledger, message, parts, held: Vec::new() })
    }

    async fn add(&mut self, rows: Rows) -> Result<(), Failure> {
        // Few rows come from memory; where there are many, reading a segment back is little beside having made it.
        for segment in rows.into_segments() {
            self.held.extend(segment?);
            if self.held.len() >= PART_BYTES {
                self.write().await?;
            }
        }
        Ok(())
    }

    async fn write(&mut self) -> Result<(), Failure> {
        let (Message { job, chunk, .. }, RowParts { name, count }) = (self.message, &self.parts);
        let rows = Bytes::from(std::mem::take(&mut self.held));
        self.ledger.write_rows(job, *chunk, name, *count, rows).await?;
        self.parts.count += 1;
        Ok(())
    }

    async fn finish(mut self) -> Result<RowParts, Failure> {
        if !self.held.is_empty() {
            self.write().await?;
        }
        Ok(self.parts)
    }
}

/// Cuts the items of a chunk into groups that go to a thread at once: handing over one small score costs as much as
/// reading it.
fn groups(items: Vec<Item>) -> Vec<Vec<Item>> {
    let mut groups: Vec<Vec<Item>> = Vec::new();
    let mut bytes = 0;
    for item in items {
        let full =
            groups.last().is_none_or(|group| group.len() >= GROUP_ITEMS || bytes + item.bytes > GROUP_BYTES);
        if full {
            groups.push(Vec::new());
            bytes = 0;
        }
        bytes += item.bytes;
        if let Some(group) = groups.last_mut() {
            group.push(item);
        }
    }
    groups
}

/// Ends a job if all of its receipts are there; whoever creates the end announces it. Says whether it has ended.
///
/// # Errors
/// What the ledger says.
pub async fn finish_if_complete(
    ledger: &Ledger,
    dispatcher: &Dispatcher,
    job: &JobId,
    chunks: u32,
) -> Result<bool, Failure> {
    if ledger.receipts(job).await?.len() < chunks as usize {
        return Ok(false);
    }
    let totals = totals(ledger, job).await?;
    let finished = Finished { version: WIRE_VERSION, at_ms: clock::now_ms(), cancelled: false, totals };
    if ledger.finish(job, &finished).await? == Created::First {
        dispatcher.announce(Announcement::Finished { job: job.clone() });
    }
    Ok(true)
}

/// What the receipts of a job add up to, so far.
///
/// # Errors
/// What the ledger says.
pub async fn totals(ledger: &Ledger, job: &JobId) -> Result<Totals, Failure> {
    let mut totals = Totals::default();
    for chunk in ledger.receipts(job).await? {
        if let Some(receipt) = ledger.receipt(job, chunk).await? {
            totals.add(&receipt);
        }
    }
    Ok(totals)
}

/// Counts items and tells of them now and then.
struct Progress<'a> {
    dispatcher: &'a Dispatcher,
    job: &'a JobId,
    state: Mutex<(u64, Instant)>,
}

impl<'a> Progress<'a> {
    fn new(dispatcher: &'a Dispatcher, job: &'a JobId) -> Self {
        Progress { dispatcher, job, state: Mutex::new((0, Instant::now())) }
    }

    fn items(&self, items: u64) {
        let due = {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            state.0 += items;
            state.1.elapsed() >= ANNOUNCE_EVERY
        };
        if due {
            self.tell();
        }
    }

    fn tell(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let items = std::mem::take(&mut state.0);
        state.1 = Instant::now();
        if items > 0 {
            self.dispatcher.announce(Announcement::Worked { job: self.job.clone(), items });
        }
    }
}
