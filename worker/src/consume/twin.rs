//! Chunks that an earlier job had too: where every item is listed as it was then, the store copies the rows, and nobody reads
//! them, works them or writes them again.

use super::chunk::Whole;
use super::{Known, Worker};
use crate::cache::{Cache, Twin, twin_sentence, whose_sentence};
use futures::try_join;
use shared::dispatch::Message;
use shared::failure::{Failure, FailureKind};
use shared::job::{Item, JobId};
use shared::ledger::fresh_name;
use shared::receipt::{Outcome, Receipt};
use shared::wire;
use std::sync::Arc;
use std::time::Duration;

impl Worker {
    /// The rows and outcomes of a chunk by those of its twin. Nothing where it has none that is still there, or where the
    /// store would not copy: then its items are worked.
    pub(super) async fn copied(
        self: &Arc<Self>,
        known: &Known,
        message: &Message,
        items: &[Item],
    ) -> Option<Whole> {
        if items.is_empty() || items.iter().any(|item| item.etag.is_none() || item.failure.is_some()) {
            return None;
        }
        let (job, chunk) = match of_run_before(known, items) {
            Some(twin) => twin,
            None => self.recall_twin(known, items).await?,
        };
        match copy(known, message, items, (&job, chunk)).await {
            Ok(copied) => copied,
            Err(failure) => {
                // That it was removed is nothing to tell of.
                if failure.kind != FailureKind::NotFound {
                    tracing::warn!(job.id = %message.job, chunk = message.chunk, %failure, "rows were not copied");
                }
                None
            }
        }
    }

    /// The chunk of these items that this worker saw last.
    async fn recall_twin(self: &Arc<Self>, known: &Known, items: &[Item]) -> Option<(JobId, u32)> {
        let sentence = sentence(known, items)?;
        let (worker, keeper) = (Arc::clone(self), known.ledger.keeper());
        let twin = self.compute(move |_| {
            let recall = |cache: &Arc<Cache>| cache.recall(&keeper, &sentence);
            Ok(worker.cache.as_ref().and_then(recall))
        });
        twin.await.ok().flatten().map(|twin: Twin| (twin.job, twin.chunk))
    }

    /// Keeps in mind where a chunk was worked, if another one of the same items may be a copy of it.
    pub(super) async fn remember_twin(
        self: &Arc<Self>,
        known: &Known,
        job: &JobId,
        items: &[Item],
        receipt: &Receipt,
    ) {
        if self.cache.is_none() || !receipt.outcomes.iter().all(may_be_copied) {
            return;
        }
        let Some(sentence) = sentence(known, items) else { return };
        let twin = Twin { job: job.clone(), chunk: receipt.chunk };
        let (worker, keeper) = (Arc::clone(self), known.ledger.keeper());
        let kept = self.compute(move |_| {
            worker.cache.iter().for_each(|cache| cache.remember(&keeper, &sentence, &twin));
            Ok(())
        });
        // A worker that ends has no threads any more, and its cache needs no twin.
        let _ = kept.await;
    }
}

/// The chunk of the run before that has these items and no others before them: whether it has others after them is seen later.
fn of_run_before(known: &Known, items: &[Item]) -> Option<(JobId, u32)> {
    let job = known.before.as_ref()?;
    let chunk = items.first()?.earlier?.chunk;
    let mut earlier = items.iter().map(|item| item.earlier.map(|earlier| (earlier.chunk, earlier.item)));
    (0..)
        .zip(earlier.by_ref())
        .all(|(item, earlier)| earlier == Some((chunk, item)))
        .then(|| (job.clone(), chunk))
}

/// The rows and outcomes of a chunk by those of another, if its items are the same.
async fn copy(
    known: &Known,
    message: &Message,
    items: &[Item],
    (job, chunk): (&JobId, u32),
) -> Result<Option<Whole>, Failure> {
    let (ledger, made_by) = (&known.ledger, known.wanted.made_by());
    let (twin, receipt) = try_join!(ledger.chunk(job, chunk), ledger.receipt(job, chunk))?;
    let same = || twin.items.iter().map(as_listed).eq(items.iter().map(as_listed));
    let is_twin = |receipt: &Receipt| {
        receipt.made_by == made_by && receipt.outcomes.iter().all(may_be_copied) && same()
    };
    let Some(receipt) = receipt.filter(is_twin) else { return Ok(None) };
    let to = (&message.job, message.chunk);
    let rows = ledger.copy_rows((job, &receipt), to, fresh_name()?).await?;
    let outcomes = receipt.outcomes.into_iter().zip(items);
    let outcomes = outcomes.map(|(outcome, item)| Outcome { item: item.index, cached: true, ..outcome });
    Ok(Some(Whole { rows, outcomes: outcomes.collect(), cpu: Duration::ZERO }))
}

/// Whether the rows of an item may be taken for those of one that is listed alike.
const fn may_be_copied(outcome: &Outcome) -> bool {
    outcome.as_listed && outcome.lasting
}

/// What decides the rows of an item, but for how it is worked.
fn as_listed(item: &Item) -> Item {
    Item { index: 0, modified_ms: 0, earlier: None, ..item.clone() }
}

fn sentence(known: &Known, items: &[Item]) -> Option<String> {
    let items: Vec<Item> = items.iter().map(as_listed).collect();
    let digest = blake3::hash(&wire::encode(&items).ok()?);
    Some(twin_sentence(&whose_sentence(known.ledger.tenant()), known.wanted.made_by(), &digest.to_hex()))
}
