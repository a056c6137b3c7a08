//! What had changed between two runs: their manifests and receipts side by side, a few chunks of each in memory.

use futures::{Stream, StreamExt, TryStreamExt, stream};
use shared::failure::Failure;
use shared::job::{Item, Record};
use shared::ledger::Ledger;
use shared::limits::CHANGES_MAX;
use shared::receipt::Finished;
use shared::schedule::Changes;
use shared::wire::WIRE_VERSION;
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::pin::pin;

/// Chunks of a run that are asked for at once.
const CHUNKS_AT_ONCE: usize = 4;

/// An item of a run, and what became of it.
struct Seen {
    item: Item,
    outcome: Option<Seal>,
}

/// What counts of an outcome.
#[derive(Clone, Copy)]
struct Seal {
    failed: bool,
    cached: bool,
}

impl Seen {
    fn failed(&self) -> bool {
        self.outcome.is_some_and(|outcome| outcome.failed)
    }
}

/// What had changed when a run ended, against the one before; without one everything is new.
///
/// # Errors
/// What the ledger says.
pub(super) async fn between(
    ledger: &Ledger,
    before: Option<&Record>,
    run: &Record,
    finished: &Finished,
) -> Result<Changes, Failure> {
    let mut changes = Changes { version: WIRE_VERSION, cancelled: finished.cancelled, ..Changes::default() };
    let mut old_items = pin!(stream::iter(before).flat_map(|before| items(ledger, before)));
    let mut new_items = pin!(items(ledger, run));
    let (mut old, mut new) = (old_items.try_next().await?, new_items.try_next().await?);
    loop {
        let order = match (&old, &new) {
            (None, None) => return Ok(changes),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            // The order of every manifest.
            (Some(old), Some(new)) => {
                (&old.item.name, &old.item.address).cmp(&(&new.item.name, &new.item.address))
            }
        };
        compare(&mut changes, old.as_ref().filter(|_| order.is_le()), new.as_ref().filter(|_| order.is_ge()));
        if order.is_le() {
            old = old_items.try_next().await?;
        }
        if order.is_ge() {
            new = new_items.try_next().await?;
        }
    }
}

/// Adds what there is to say of one source.
fn compare(changes: &mut Changes, old: Option<&Seen>, new: Option<&Seen>) {
    let most = CHANGES_MAX.default;
    let Some(new) = new else {
        return old.iter().for_each(|old| changes.gone.add(&old.item.name, most));
    };
    let name = &new.item.name;
    match old {
        None => changes.new.add(name, most),
        Some(old) if (old.item.bytes, old.item.modified_ms) != (new.item.bytes, new.item.modified_ms) => {
            changes.changed.add(name, most);
        }
        Some(_) => {}
    }
    let Some(outcome) = new.outcome else { return };
    changes.items += 1;
    changes.cached += u64::from(outcome.cached);
    changes.failed += u64::from(outcome.failed);
    match (old.is_some_and(Seen::failed), outcome.failed) {
        (false, true) => changes.failed_now.add(name, most),
        (true, false) => changes.failed_no_more.add(name, most),
        _ => {}
    }
}

/// The items of a run, in order.
fn items<'a>(ledger: &'a Ledger, run: &'a Record) -> impl Stream<Item = Result<Seen, Failure>> + 'a {
    let chunks = stream::iter(0..run.chunks).map(move |chunk| chunk_items(ledger, run, chunk));
    chunks.buffered(CHUNKS_AT_ONCE).map_ok(|items| stream::iter(items.into_iter().map(Ok))).try_flatten()
}

async fn chunk_items(ledger: &Ledger, run: &Record, chunk: u32) -> Result<Vec<Seen>, Failure> {
    let items = ledger.chunk(&run.id, chunk).await?.items;
    let outcomes = ledger.receipt(&run.id, chunk).await?.map(|receipt| receipt.outcomes).unwrap_or_default();
    let seal = |failed, cached| Seal { failed, cached };
    let outcomes: BTreeMap<u64, Seal> = outcomes
        .into_iter()
        .map(|outcome| (outcome.item, seal(outcome.failure.is_some(), outcome.cached)))
        .collect();
    let seen = |item: Item| Seen { outcome: outcomes.get(&item.index).copied(), item };
    Ok(items.into_iter().map(seen).collect())
}
