//! The end of a job, and what its receipts add up to.

use futures::{StreamExt, TryStreamExt};
use shared::clock;
use shared::dispatch::{Announcement, Dispatcher};
use shared::failure::Failure;
use shared::job::JobId;
use shared::ledger::{Created, Ledger};
use shared::receipt::{Finished, Totals};
use shared::wire::WIRE_VERSION;

/// Receipts that are asked for at once.
const RECEIPTS_AT_ONCE: usize = 16;

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
    let chunks = ledger.receipts(job).await?;
    // In order, so that the examples of failures are the first ones; several at once, because each is a request.
    let mut receipts =
        futures::stream::iter(chunks).map(|chunk| ledger.receipt(job, chunk)).buffered(RECEIPTS_AT_ONCE);
    let mut totals = Totals::default();
    while let Some(receipt) = receipts.try_next().await? {
        receipt.iter().for_each(|receipt| totals.add(receipt));
    }
    Ok(totals)
}
