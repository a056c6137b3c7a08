//! The end of a job, and what its receipts add up to.

use futures::{StreamExt, TryStreamExt};
use shared::clock::{self, day_of};
use shared::dispatch::{Announcement, Dispatcher};
use shared::failure::Failure;
use shared::job::JobId;
use shared::ledger::{Created, Ledger};
use shared::receipt::{Finished, Totals};
use shared::terms::Share;
use shared::usage::{JobUsage, Sums};
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
    end(ledger, dispatcher, job, false).await.map(|()| true)
}

/// Ends a job, unless it has ended: writes how, counts what it came to, and takes it from the active ones. It is one of them
/// until all of that is done, so whoever comes after one that died in between completes it.
///
/// # Errors
/// What the ledger says.
pub async fn end(
    ledger: &Ledger,
    dispatcher: &Dispatcher,
    job: &JobId,
    cancelled: bool,
) -> Result<(), Failure> {
    let (mut created, mut finished) = (Created::Already, ledger.finished(job).await?);
    if finished.is_none() {
        let totals = totals(ledger, job).await?;
        let ours = Finished { version: WIRE_VERSION, at_ms: clock::now_ms(), cancelled, totals };
        created = ledger.write_end(job, &ours).await?;
        finished = match created {
            Created::First => Some(ours),
            Created::Already => ledger.finished(job).await?,
        };
    }
    if let Some(finished) = finished {
        count(ledger, job, &finished).await?;
    }
    ledger.leave_active(job).await?;
    if created == Created::First {
        dispatcher.announce(Announcement::Finished { job: job.clone() });
    }
    Ok(())
}

/// Counts what a job came to, once; bytes that no listing had told are charged to the day of its end.
async fn count(ledger: &Ledger, job: &JobId, finished: &Finished) -> Result<(), Failure> {
    let (at_ms, sums) = (finished.at_ms, Sums::from(&finished.totals));
    ledger.write_usage(&JobUsage { version: WIRE_VERSION, job: job.clone(), at_ms, sums }).await?;
    let planned = ledger.record_if_any(job).await?.map_or(u64::MAX, |record| record.bytes);
    let unplanned = sums.bytes.saturating_sub(planned);
    if unplanned > 0 {
        ledger.charge_late(day_of(at_ms), job, Share { items: 0, bytes: unplanned }).await?;
    }
    Ok(())
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
