//! One chunk: its items worked, its rows and receipt written.

use super::progress::Progress;
use super::rows_out::RowWriter;
use super::{Known, Worker, YIELD_MAX, suspect};
use crate::cache::Source;
use crate::fetch::Arrived;
use crate::pipeline::{self, Wanted};
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
use shared::receipt::{Outcome, Receipt};
use shared::store;
use shared::wire::WIRE_VERSION;
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::{SemaphorePermit, oneshot};
use tokio::time::timeout;

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
        let progress = Progress::new(&self.dispatcher, &message.job);
        let worked = match self.apart.clone().filter(|_| suspect) {
            Some(program) => suspect::work(program, &known.ledger, &known.request, chunk.items, &self.limits),
            None => self.work_groups(chunk.items, known, message),
        };
        let mut worked = worked.inspect_ok(|worked| progress.items(worked.outcomes.len() as u64));
        let mut rows = RowWriter::new(&known.ledger, message)?;
        let mut outcomes = Vec::new();
        while let Some(worked) = worked.try_next().await? {
            outcomes.extend(worked.outcomes);
            rows.add(worked.rows).await?;
            // What is done of it is done again when the job goes on: the cache has it.
            if self.known(&message.tenant, &message.job).await?.wish != Wish::Running {
                return Ok(None);
            }
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
        let created = known.ledger.write_receipt(&message.job, &receipt).await?;
        count(&receipt, created);
        if created == Created::First {
            let (job, chunk) = (message.job.clone(), message.chunk);
            self.dispatcher.announce(Announcement::Receipt { job, chunk });
        }
        Ok(Some(created))
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
        futures::stream::iter(groups(items))
            .map(move |group| self.work_group(group, known, last))
            .buffered(self.threads + 2)
            .boxed()
    }

    /// Fetches a group of items here, and has them worked on a thread for computing. What cannot be fetched because a
    /// store is away is tried again with the whole chunk, unless this is the `last` time.
    async fn work_group(
        self: &Arc<Self>,
        group: Vec<Item>,
        job: &Known,
        last: bool,
    ) -> Result<Worked, Failure> {
        let bytes = group.iter().map(expected_bytes).sum::<u64>();
        let units = (bytes.min(self.limits.bytes_in_flight_max) / BUDGET_UNIT).max(1);
        let units = u32::try_from(units).unwrap_or(u32::MAX);
        let closed = |_| Failure::new(FailureKind::Internal, "the worker is gone");
        let _share = self.budget.acquire_many(units).await.map_err(closed)?;
        let known = self.recall_group(&group, &job.wanted).await?;
        let arriving = group.into_iter().zip(known).map(|(item, known)| async {
            match self.arrive(&item, known, &job.reach).await {
                Arrival::Fetched(Err(failure)) if failure.kind.is_transient() && !last => Err(failure),
                arrival => Ok((item, arrival)),
            }
        });
        let arrived = futures::future::try_join_all(arriving).await?;
        let _turn = self.turn(job.lane).await?;
        let (worker, wanted) = (Arc::clone(self), Arc::clone(&job.wanted));
        self.compute(move |is_wanted| {
            let mut worked = Worked::default();
            let (cache, limits) = (worker.cache.as_ref(), &worker.limits);
            for (item, arrival) in arrived {
                if !is_wanted() {
                    return Err(Failure::new(FailureKind::Cancelled, "nobody wants it any more"));
                }
                worked.outcomes.push(match arrival {
                    Arrival::Known(rows, outcome) => {
                        rows.into_segments().try_for_each(|rows| worked.rows.append(&rows?))?;
                        outcome
                    }
                    Arrival::Fetched(arrived) => {
                        pipeline::work(&item, arrived, &wanted, cache, limits, &mut worked.rows)?
                    }
                });
            }
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
        wanted: &Arc<Wanted>,
    ) -> Result<Vec<Option<Recalled>>, Failure> {
        let in_store = |item: &Item| item.failure.is_none() && store::is_url(&item.address);
        if self.cache.is_none() || !group.iter().any(in_store) {
            return Ok(group.iter().map(|_| None).collect());
        }
        let (worker, wanted, group) = (Arc::clone(self), Arc::clone(wanted), group.to_vec());
        self.compute(move |_| {
            let Some(cache) = &worker.cache else { return Ok(Vec::new()) };
            let recall = |item: &Item| {
                let source = in_store(item).then(|| wanted.recall_source(cache, &item.address)).flatten();
                let is_it = |source: &Source| {
                    item.etag.as_ref().is_none_or(|etag| *etag == source.etag && item.bytes == source.bytes)
                };
                let Some(source) = source.filter(is_it) else { return Ok(None) };
                let recalled = pipeline::recall(item, &source, &wanted, cache, &worker.limits)?;
                Ok(recalled.map(|(rows, outcome)| Recalled { etag: source.etag, rows, outcome }))
            };
            group.iter().map(recall).collect()
        })
        .await
    }

    /// Fetches an item, unless it is known to be as it was.
    async fn arrive(&self, item: &Item, known: Option<Recalled>, reach: &Reach) -> Arrival {
        let Some(Recalled { etag, rows, outcome }) = known else {
            return Arrival::Fetched(fetch::fetch(item, reach, &self.stores, &self.limits).await);
        };
        // The listing told its mark already; a manifest file told none.
        if item.etag.is_some() {
            return Arrival::Known(rows, outcome);
        }
        match fetch::fetch_unless(item, Some(&etag), reach, &self.stores, &self.limits).await {
            Ok(Some(arrived)) => Arrival::Fetched(Ok(arrived)),
            Ok(None) => Arrival::Known(rows, outcome),
            Err(failure) => Arrival::Fetched(Err(failure)),
        }
    }

    /// Has `work` done on a thread for computing. It is told whether somebody still waits for it.
    async fn compute<T: Send + 'static>(
        &self,
        work: impl FnOnce(&dyn Fn() -> bool) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        let (sender, receiver) = oneshot::channel();
        self.pool.spawn(move || {
            let outcome = work(&|| !sender.is_closed());
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
    /// As it was fetched, or why it could not be.
    Fetched(Result<Arrived, Failure>),
}

/// Bytes of an item, about: a manifest file does not tell how large an object is.
fn expected_bytes(item: &Item) -> u64 {
    if item.bytes == 0 && item.failure.is_none() && store::is_url(&item.address) {
        return UNKNOWN_BYTES;
    }
    item.bytes
}

fn count(receipt: &Receipt, created: Created) {
    if created == Created::Already {
        return metrics::CHUNKS_WASTED.increase();
    }
    metrics::CHUNKS_DONE.increase();
    metrics::ITEMS_DONE.add(receipt.outcomes.len() as u64);
    for outcome in &receipt.outcomes {
        metrics::ITEMS_CACHED.add(u64::from(outcome.cached));
        outcome.failure.iter().for_each(|failure| metrics::item_failed(failure.kind));
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
