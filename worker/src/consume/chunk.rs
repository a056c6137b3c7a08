//! One chunk: its items worked, its rows and receipt written.

use super::progress::Progress;
use super::rows_out::RowWriter;
use super::{Known, Worker, suspect};
use crate::pipeline::{self, Wanted};
use crate::rows::Rows;
use crate::{ENGINE, fetch};
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use shared::dispatch::{Announcement, Message};
use shared::failure::{Failure, FailureKind};
use shared::job::{Item, Wish};
use shared::ledger::Created;
use shared::metrics;
use shared::receipt::{Outcome, Receipt};
use shared::wire::WIRE_VERSION;
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::oneshot;

/// Items that go to a thread for computing together, at the most.
const GROUP_ITEMS: usize = 16;
/// Bytes of such a group, unless one item alone has more.
const GROUP_BYTES: u64 = 128 << 10;
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
            Some(program) => suspect::work(program, &known.request, chunk.items, &self.limits),
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
            .map(move |group| self.work_group(group, &known.wanted, last))
            .buffered(self.threads + 2)
            .boxed()
    }

    /// Fetches a group of items here, and has them worked on a thread for computing. What cannot be fetched because a
    /// store is away is tried again with the whole chunk, unless this is the `last` time.
    async fn work_group(
        self: &Arc<Self>,
        group: Vec<Item>,
        wanted: &Arc<Wanted>,
        last: bool,
    ) -> Result<Worked, Failure> {
        let bytes = group.iter().map(|item| item.bytes).sum::<u64>();
        let units = (bytes.min(self.limits.bytes_in_flight_max) / BUDGET_UNIT).max(1);
        let units = u32::try_from(units).unwrap_or(u32::MAX);
        let closed = |_| Failure::new(FailureKind::Internal, "the worker is gone");
        let _share = self.budget.acquire_many(units).await.map_err(closed)?;
        let fetched = group.into_iter().map(|item| async {
            let arrived = fetch::fetch(&item.address, &self.stores, &self.limits).await;
            match arrived {
                Err(failure) if failure.kind.is_transient() && !last => Err(failure),
                arrived => Ok((item, arrived)),
            }
        });
        let fetched = futures::future::try_join_all(fetched).await?;
        let (sender, receiver) = oneshot::channel();
        let (worker, wanted) = (Arc::clone(self), Arc::clone(wanted));
        self.pool.spawn(move || {
            let mut worked = Worked::default();
            let (cache, limits) = (worker.cache.as_ref(), &worker.limits);
            let outcome = fetched.into_iter().try_for_each(|(item, arrived)| {
                if sender.is_closed() {
                    return Err(Failure::new(FailureKind::Cancelled, "nobody wants it any more"));
                }
                let outcome = pipeline::work(&item, arrived, &wanted, cache, limits, &mut worked.rows)?;
                worked.outcomes.push(outcome);
                Ok(())
            });
            // Nobody listens any more where the job was dropped meanwhile.
            let _ = sender.send(outcome.map(|()| worked));
        });
        receiver.await.map_err(|_| Failure::new(FailureKind::Internal, "a thread for computing is gone"))?
    }
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
