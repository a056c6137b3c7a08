//! A run beside the one before it: its items are told where they stood there, so that whoever works it can take the rows of
//! those that are as they were.

use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt, stream};
use shared::failure::Failure;
use shared::job::{Chunk, Earlier, Item, Record};
use shared::ledger::Ledger;

/// Chunks of the run before that are asked for at once.
const CHUNKS_AT_ONCE: usize = 4;

type Place = (Earlier, Item);

/// The items of the run before, in their order.
pub(super) struct Past<'a> {
    items: BoxStream<'a, Result<Place, Failure>>,
    /// The first one that does not stand before what was looked for last.
    next: Option<Place>,
}

impl<'a> Past<'a> {
    pub(super) fn new(ledger: &'a Ledger, before: &'a Record) -> Self {
        let items = move |chunk: u32| async move {
            let items = ledger.chunk(&before.id, chunk).await?.items;
            Ok(stream::iter(
                items
                    .into_iter()
                    .zip(0..)
                    .map(move |(item, position)| Ok((Earlier { chunk, item: position }, item))),
            ))
        };
        let chunks = stream::iter(0..before.chunks).map(items).buffered(CHUNKS_AT_ONCE);
        Past { items: chunks.try_flatten().boxed(), next: None }
    }

    /// Tells the items of a chunk where they stood. The chunks come in their order.
    ///
    /// # Errors
    /// What the ledger says, if that may pass; a run before that cannot be read is one of which nothing is known.
    pub(super) async fn find(&mut self, chunk: &mut Chunk) -> Result<(), Failure> {
        match self.look(chunk).await {
            Err(failure) if !failure.kind.is_transient() => {
                tracing::warn!(%failure, "the run before cannot be read: everything is worked");
                (self.items, self.next) = (stream::empty().boxed(), None);
                Ok(())
            }
            looked => looked,
        }
    }

    async fn look(&mut self, chunk: &mut Chunk) -> Result<(), Failure> {
        for item in &mut chunk.items {
            let marked_alike =
                |old: &Item| old.etag == item.etag && (old.etag.is_none() || old.bytes == item.bytes);
            let place = self.place_of(item).await?;
            let same = |old: &Item| marked_alike(old) && item.failure.is_none();
            item.earlier = place.filter(|(_, old)| same(old)).map(|(earlier, _)| *earlier);
        }
        Ok(())
    }

    /// Where an item of the same name and address stood, and what it was. Items are asked for in their order.
    ///
    /// # Errors
    /// What the ledger says.
    pub(super) async fn place_of(&mut self, item: &Item) -> Result<Option<&Place>, Failure> {
        // The order of every manifest.
        while self.next.as_ref().is_none_or(|(_, old)| key(old) < key(item)) {
            self.next = self.items.try_next().await?;
            if self.next.is_none() {
                return Ok(None);
            }
        }
        Ok(self.next.as_ref().filter(|(_, old)| key(old) == key(item)))
    }
}

fn key(item: &Item) -> (&str, &str) {
    (&item.name, &item.address)
}
