//! One chunk: its items worked, its rows and receipt written.

use super::earlier::{RunBefore, Taken};
use super::progress::Progress;
use super::rows_out::RowWriter;
use super::{Known, Worker, YIELD_MAX, suspect};
use crate::cache::Cache;
use crate::fetch::{Arrived, Loaded, Mark};
use crate::pipeline::{self, Wanted, pace};
use crate::rows::Rows;
use crate::{ENGINE, fetch};
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use shared::dispatch::{Announcement, Lane, Message};
use shared::failure::{Failure, FailureKind};
use shared::job::{Item, Wish};
use shared::ledger::Created;
use shared::metrics;
use shared::reach::Reach;
use shared::receipt::{Outcome, Receipt, RowParts};
use shared::store;
use shared::wire::WIRE_VERSION;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{SemaphorePermit, oneshot};
use tokio::time::timeout;
use tracing::Span;

/// Items that go to a thread for computing together, at the most.
const GROUP_ITEMS: usize = 16;
/// Bytes of such a group, unless one item alone has more.
const GROUP_BYTES: u64 = 128 << 10;
/// What an object is taken for whose size nobody knows.
const UNKNOWN_BYTES: u64 = 64 << 10;
/// Times that a store is asked for the sources of a chunk, each with its client's own tries.
const FETCHES_MAX: u32 = 3;
/// The bytes in flight are counted in these.
pub(super) const BUDGET_UNIT: u64 = 1024;

/// What became of some items, in their order.
#[derive(Default)]
pub(super) struct Worked {
    pub(super) rows: Rows,
    pub(super) outcomes: Vec<Outcome>,
    /// Time of the processor that it took.
    pub(super) cpu: Duration,
}

/// What became of a whole chunk, whose rows are written.
pub(super) struct Whole {
    pub(super) rows: RowParts,
    pub(super) outcomes: Vec<Outcome>,
    /// Time of the processor that it took.
    pub(super) cpu: Duration,
}

impl Worker {
    /// Works a chunk and writes its receipt. Says whether that is the one that counts; nothing if the job was stopped
    /// meanwhile, and the chunk left as it was.
    pub(super) async fn work_chunk(
        self: &Arc<Self>,
        known: &Known,
        message: &Message,
        suspect: bool,
    ) -> Result<Option<Created>, Failure> {
        let began = Instant::now();
        let chunk = known.ledger.chunk(&message.job, message.chunk).await?;
        let items = chunk.items;
        let worked = match self.copied(known, message, &items).await {
            Some(copied) => Some(copied),
            None => self.work_items(items.clone(), known, message, suspect).await?,
        };
        let Some(Whole { rows, outcomes, cpu }) = worked else { return Ok(None) };
        let receipt = Receipt {
            version: WIRE_VERSION,
            chunk: message.chunk,
            engine: ENGINE.to_owned(),
            worked_ms: milliseconds(began.elapsed()),
            cpu_ms: milliseconds(cpu),
            rows,
            made_by: known.wanted.made_by().to_owned(),
            outcomes,
        };
        let created = known.ledger.write_receipt(&message.job, &receipt).await?;
        tracing::debug!(items = receipt.outcomes.len(), cpu_ms = receipt.cpu_ms, ?created, "chunk worked");
        count(&message.tenant, &receipt, created);
        if created == Created::First {
            let (job, chunk) = (message.job.clone(), message.chunk);
            self.dispatcher.announce(Announcement::Receipt { job, chunk });
            self.remember_twin(known, &message.job, &items, &receipt).await;
        }
        Ok(Some(created))
    }

    /// Works the items of a chunk and writes their rows; nothing if the job was stopped meanwhile.
    async fn work_items(
        self: &Arc<Self>,
        items: Vec<Item>,
        known: &Known,
        message: &Message,
        suspect: bool,
    ) -> Result<Option<Whole>, Failure> {
        let progress = Progress::new(&self.dispatcher, &message.job);
        let worked = match self.apart.clone().filter(|_| suspect) {
            Some(program) => suspect::work(program, &known.ledger, &known.request, items, &self.limits),
            None => self.work_groups(items, known, message),
        };
        let mut worked = worked.inspect_ok(|worked| progress.items(worked.outcomes.len() as u64));
        let mut rows = RowWriter::new(&known.ledger, message)?;
        let (mut outcomes, mut cpu) = (Vec::new(), Duration::ZERO);
        while let Some(worked) = worked.try_next().await? {
            outcomes.extend(worked.outcomes);
            cpu += worked.cpu;
            rows.add(worked.rows).await?;
            // What is done of it is done again when the job goes on: the cache has it.
            if self.known(&message.tenant, &message.job).await?.wish != Wish::Running {
                return Ok(None);
            }
        }
        progress.tell();
        Ok(Some(Whole { rows: rows.finish().await?, outcomes, cpu }))
    }

    /// Works the items on the threads for computing. In order, so that rows stand in the order of the items; only so many
    /// ahead, so that memory is bounded.
    fn work_groups<'a>(
        self: &'a Arc<Self>,
        items: Vec<Item>,
        known: &'a Known,
        message: &Message,
    ) -> BoxStream<'a, Result<Worked, Failure>> {
        let last = message.attempt + 1 >= FETCHES_MAX;
        let before = known.before.as_ref().map(|job| RunBefore::new(&known.ledger, job, &known.wanted));
        // One group after the other, for the rows of before are read in their order too.
        let step = |(mut groups, mut before): (std::vec::IntoIter<Vec<Item>>, Option<RunBefore<'a>>)| async {
            let group = groups.next()?;
            let mut taken = Vec::with_capacity(group.len());
            for item in &group {
                taken.push(match &mut before {
                    Some(before) => before.take(item).await,
                    None => None,
                });
            }
            Some(((group, taken), (groups, before)))
        };
        futures::stream::unfold((groups(items).into_iter(), before), step)
            .map(move |(group, taken)| self.work_group(group, taken, known, last))
            .buffered(self.threads + 2)
            .boxed()
    }

    /// Fetches a group of items here, and has them worked on a thread for computing. What cannot be fetched because a
    /// store is away is tried again with the whole chunk, unless this is the `last` time.
    async fn work_group(
        self: &Arc<Self>,
        group: Vec<Item>,
        taken: Vec<Option<Taken>>,
        job: &Known,
        last: bool,
    ) -> Result<Worked, Failure> {
        let bytes = group.iter().map(expected_bytes).sum::<u64>();
        let units = (bytes.min(self.limits.bytes_in_flight_max) / BUDGET_UNIT).max(1);
        let units = u32::try_from(units).unwrap_or(u32::MAX);
        let closed = |_| Failure::new(FailureKind::Internal, "the worker is gone");
        let _share = self.budget.acquire_many(units).await.map_err(closed)?;
        let is_current = |(item, taken): (&Item, &Option<Taken>)| {
            taken.as_ref().is_some_and(|taken| taken.is_current(item))
        };
        let current: Vec<bool> = group.iter().zip(&taken).map(is_current).collect();
        let known = self.recall_group(&group, &current, &job.wanted).await?;
        let all = group.into_iter().zip(taken).zip(known.into_iter().zip(current));
        let arriving = all.map(|((item, taken), (known, current))| async move {
            match (taken, current) {
                (Some(taken), true) => Ok((item, Arrival::Known(taken.rows, taken.outcome))),
                (taken, _) => match self.arrive(&item, known, taken, &job.reach).await {
                    Arrival::Fetched(Err(failure), _) if failure.kind.is_transient() && !last => Err(failure),
                    arrival => Ok((item, arrival)),
                },
            }
        });
        let arrived = futures::future::try_join_all(arriving).await?;
        let _turn = self.turn(job.lane).await?;
        let (worker, wanted) = (Arc::clone(self), Arc::clone(&job.wanted));
        self.compute(move |is_wanted| {
            let (mut worked, began) = (Worked::default(), pace::cpu());
            let cache = worker.cache.as_deref();
            for (item, arrival) in arrived {
                if !is_wanted() {
                    return Err(Failure::new(FailureKind::Cancelled, "nobody wants it any more"));
                }
                let outcome = work_item(&item, arrival, &wanted, cache, &mut worked.rows)?;
                worked.outcomes.push(outcome);
            }
            worked.cpu = pace::cpu().saturating_sub(began);
            Ok(worked)
        })
        .await
    }

    /// Waits until a group of items may have a thread for computing. What somebody waits for goes before all others, which
    /// lend it the threads for a while.
    async fn turn(&self, lane: Lane) -> Result<Option<SemaphorePermit<'_>>, Failure> {
        if lane == Lane::Interactive {
            return Ok(None);
        }
        let closed = |_| Failure::new(FailureKind::Internal, "the worker is gone");
        let turn = self.turns.acquire().await.map_err(closed)?;
        // The worker holds the sender, so there is no error.
        let _ = timeout(YIELD_MAX, self.urgent.subscribe().wait_for(|chunks| *chunks == 0)).await;
        Ok(Some(turn))
    }

    /// What the cache knows of each item of a store without its bytes. An item whose mark the listing told is known only
    /// by that mark.
    async fn recall_group(
        self: &Arc<Self>,
        group: &[Item],
        current: &[bool],
        wanted: &Arc<Wanted>,
    ) -> Result<Vec<Option<Recalled>>, Failure> {
        let in_store = |item: &Item| item.failure.is_none() && store::is_url(&item.address);
        let asked: Vec<Option<Item>> = group
            .iter()
            .zip(current)
            .map(|(item, current)| (!current && in_store(item)).then(|| item.clone()))
            .collect();
        if self.cache.is_none() || asked.iter().all(Option::is_none) {
            return Ok(group.iter().map(|_| None).collect());
        }
        let (worker, wanted) = (Arc::clone(self), Arc::clone(wanted));
        self.compute(move |_| {
            let Some(cache) = &worker.cache else { return Ok(Vec::new()) };
            let recall = |item: &Option<Item>| {
                let Some(item) = item else { return Ok(None) };
                let source = wanted.recall_source(cache, &item.address);
                let Some(source) = source.filter(|source| source.is_of(item)) else { return Ok(None) };
                let recalled = pipeline::recall(item, &source, &wanted, cache)?;
                Ok(recalled.map(|(rows, outcome)| Recalled { etag: source.etag, rows, outcome }))
            };
            asked.iter().map(recall).collect()
        })
        .await
    }

    /// Fetches an item, unless it is known to be as it was.
    async fn arrive(
        &self,
        item: &Item,
        known: Option<Recalled>,
        taken: Option<Taken>,
        reach: &Reach,
    ) -> Arrival {
        let Some(Recalled { etag, rows, mut outcome }) = known else {
            return Arrival::Fetched(fetch::fetch(item, reach, &self.stores, &self.limits).await, taken);
        };
        // The listing told its mark already; a manifest file told none.
        if item.etag.is_some() {
            outcome.as_listed = true;
            return Arrival::Known(rows, outcome);
        }
        match fetch::fetch_unless(item, Some(&etag), reach, &self.stores, &self.limits).await {
            Ok(Some(arrived)) => Arrival::Fetched(Ok(arrived), taken),
            Ok(None) => Arrival::Known(rows, outcome),
            Err(failure) => Arrival::Fetched(Err(failure), taken),
        }
    }

    /// Has `work` done on a thread for computing. It is told whether somebody still waits for it.
    pub(super) async fn compute<T: Send + 'static>(
        &self,
        work: impl FnOnce(&dyn Fn() -> bool) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        let (sender, receiver) = oneshot::channel();
        let span = Span::current();
        self.pool.spawn(move || {
            let outcome = span.in_scope(|| work(&|| !sender.is_closed()));
            // Nobody listens any more where the job was dropped meanwhile.
            let _ = sender.send(outcome);
        });
        receiver.await.map_err(|_| Failure::new(FailureKind::Internal, "a thread for computing is gone"))?
    }
}

/// What the cache knows of an item if its store still marks it so.
struct Recalled {
    etag: String,
    rows: Rows,
    outcome: Outcome,
}

/// How an item comes to a thread for computing.
enum Arrival {
    /// It is as it was, and nothing is to be computed.
    Known(Rows, Outcome),
    /// As it was fetched, or why it could not be; and what the run before found it to be.
    Fetched(Result<Arrived, Failure>, Option<Taken>),
}

/// Works an item that has arrived, and adds its rows: those of before where its bytes are those of before.
fn work_item(
    item: &Item,
    arrival: Arrival,
    wanted: &Wanted,
    cache: Option<&Cache>,
    rows: &mut Rows,
) -> Result<Outcome, Failure> {
    let mut add = |known: Rows| known.into_segments().try_for_each(|segment| rows.append(&segment?));
    let (arrived, taken) = match arrival {
        Arrival::Known(known, outcome) => return add(known).map(|()| outcome),
        Arrival::Fetched(arrived, taken) => (arrived, taken),
    };
    let arrived = match taken {
        None => arrived,
        Some(taken) => match arrived.and_then(|arrived| arrived.load(wanted.limits())) {
            Ok(loaded) if taken.is_of(&loaded) => {
                let as_listed = is_as_listed(item, &loaded);
                return add(taken.rows).map(|()| Outcome { as_listed, ..taken.outcome });
            }
            loaded => loaded.map(Arrived::Loaded),
        },
    };
    let as_listed = matches!(&arrived, Ok(Arrived::Loaded(loaded)) if is_as_listed(item, loaded));
    let outcome = pipeline::work(item, arrived, wanted, cache, rows)?;
    Ok(Outcome { as_listed, ..outcome })
}

/// Whether an item's bytes are those that the listing marked.
fn is_as_listed(item: &Item, loaded: &Loaded) -> bool {
    let marked = |mark: &Mark| item.etag.as_ref() == Some(&mark.etag) && item.bytes == mark.bytes;
    loaded.mark().is_some_and(marked)
}

/// Bytes of an item, about: a manifest file does not tell how large an object is.
fn expected_bytes(item: &Item) -> u64 {
    if item.bytes == 0 && item.failure.is_none() && store::is_url(&item.address) {
        return UNKNOWN_BYTES;
    }
    item.bytes
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn count(tenant: &str, receipt: &Receipt, created: Created) {
    if created == Created::Already {
        return metrics::CHUNKS_WASTED.increase();
    }
    metrics::CHUNKS_DONE.increase();
    let items = receipt.outcomes.len() as u64;
    metrics::ITEMS_DONE.add(items);
    metrics::TENANT_ITEMS.add(&[tenant], items);
    metrics::TENANT_BYTES.add(&[tenant], receipt.outcomes.iter().map(|outcome| outcome.bytes).sum());
    metrics::TENANT_CPU.add(&[tenant], receipt.cpu_ms);
    for outcome in &receipt.outcomes {
        metrics::ITEMS_CACHED.add(u64::from(outcome.cached));
        if let Some(failure) = &outcome.failure {
            metrics::item_failed(failure.kind);
            metrics::TENANT_FAILURES.add(&[tenant, failure.kind.label()], 1);
        }
    }
}

/// Cuts the items of a chunk into groups that go to a thread at once: handing over one small score costs as much as
/// reading it.
fn groups(items: Vec<Item>) -> Vec<Vec<Item>> {
    let mut groups: Vec<Vec<Item>> = Vec::new();
    let mut bytes = 0;
    for item in items {
        let full = groups
            .last()
            .is_none_or(|group| group.len() >= GROUP_ITEMS || bytes + expected_bytes(&item) > GROUP_BYTES);
        if full {
            groups.push(Vec::new());
            bytes = 0;
        }
        bytes += expected_bytes(&item);
        if let Some(group) = groups.last_mut() {
            group.push(item);
        }
    }
    groups
}
