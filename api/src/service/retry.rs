//! What of an ended job is worth another try.

use futures::{StreamExt, TryStreamExt, stream};
use shared::failure::Failure;
use shared::job::{Item, Record};
use shared::ledger::Ledger;

/// Chunks that are looked at together.
const CHUNKS_AT_ONCE: usize = 16;

/// The items of which something failed, or that a cancelled job did not reach, in order.
pub(super) async fn failed(ledger: &Ledger, record: &Record) -> Result<Vec<Item>, Failure> {
    let chunks = stream::iter(0..record.chunks);
    let items = chunks.map(|chunk| failed_of_chunk(ledger, record, chunk)).buffered(CHUNKS_AT_ONCE);
    items.try_concat().await
}

async fn failed_of_chunk(ledger: &Ledger, record: &Record, chunk: u32) -> Result<Vec<Item>, Failure> {
    let Some(receipt) = ledger.receipt(&record.id, chunk).await? else {
        return Ok(ledger.chunk(&record.id, chunk).await?.items);
    };
    let failed = receipt.outcomes.iter().filter(|outcome| outcome.failure.is_some());
    let failed: Vec<u64> = failed.map(|outcome| outcome.item).collect();
    if failed.is_empty() {
        return Ok(Vec::new());
    }
    let mut items = ledger.chunk(&record.id, chunk).await?.items;
    items.retain(|item| failed.contains(&item.index));
    Ok(items)
}
