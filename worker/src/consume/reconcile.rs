//! Reconciling: what the ledger knows is left to do, and no message may speak of any more, is published again. This one
//! routine closes every crash window, a broker that lost everything included.

use super::{end, finish_if_complete};
use shared::clock;
use shared::dispatch::{Announcement, Dispatcher, Lane, Message};
use shared::failure::Failure;
use shared::job::{JobId, Record, Wish};
use shared::ledger::Ledger;
use shared::metrics;
use shared::wire::WIRE_VERSION;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::TryRecvError;
use tracing::Instrument;

/// How often one of the workers looks.
pub const RECONCILE_EVERY: Duration = Duration::from_secs(30);
/// A job of which a worker spoke since then is in good hands.
const HEARD_TRUSTED: Duration = Duration::from_secs(25);
/// A job of which something was written since then is in good hands, in milliseconds.
const WRITTEN_TRUSTED_MS: u64 = 20_000;
/// A job that waits in a lane behind others is left alone for so long, in milliseconds.
const QUEUED_TRUSTED_MS: u64 = 300_000;

/// Publishes what is left to do of a job: the first chunk without a receipt of each of its lines of chunks (c, c + window,
/// c + twice the window, …); the relay does the rest. A job that may not run is left alone.
///
/// # Errors
/// What the ledger or the dispatcher says.
pub async fn reconcile(ledger: &Ledger, dispatcher: &Dispatcher, record: &Record) -> Result<(), Failure> {
    if finish_if_complete(ledger, dispatcher, &record.id, record.chunks).await? {
        return Ok(());
    }
    let control = ledger.control(&record.id).await?;
    match control.wish {
        Wish::Running => {}
        Wish::Paused => return Ok(()),
        // Whoever cancelled it died before it had written its end.
        Wish::Cancelled => return end(ledger, dispatcher, &record.id, true).await,
    }
    let lane = control.lane.unwrap_or(record.lane);
    let receipts = ledger.receipts(&record.id).await?;
    let window = record.window.max(1);
    for line in 0..window.min(record.chunks) {
        let step = usize::try_from(window).unwrap_or(usize::MAX);
        let left = (line..record.chunks).step_by(step).find(|chunk| receipts.binary_search(chunk).is_err());
        if let Some(chunk) = left {
            let (tenant, job) = (ledger.tenant().to_owned(), record.id.clone());
            let message = Message { version: WIRE_VERSION, tenant, job, chunk, window, attempt: 0 };
            dispatcher.publish(lane, message).await?;
        }
    }
    Ok(())
}

/// Looks after the unfinished jobs of every tenant.
pub struct Reconciler {
    ledger: Ledger,
    dispatcher: Dispatcher,
    watch: broadcast::Receiver<Announcement>,
    heard: BTreeMap<JobId, Instant>,
}

impl Reconciler {
    /// One that listens from now on.
    pub async fn new(ledger: Ledger, dispatcher: Dispatcher) -> Self {
        let watch = dispatcher.watch().await;
        Reconciler { ledger, dispatcher, watch, heard: BTreeMap::new() }
    }

    /// Looks again and again. A turn that is this process's and fails, for the broker was away, is tried again soon.
    pub async fn run(mut self) {
        let mut ticks = tokio::time::interval(RECONCILE_EVERY / 6);
        let mut turn = 0;
        let mut owed = None;
        loop {
            ticks.tick().await;
            self.listen();
            let now = clock::now_ms() / u64::try_from(RECONCILE_EVERY.as_millis()).unwrap_or(u64::MAX);
            if now != std::mem::replace(&mut turn, now) {
                let claimed = self.ledger.claim("reconcile", now).await.unwrap_or_else(|failure| {
                    tracing::warn!(%failure, "not reconciled; the next turn is in a while");
                    None
                });
                owed = claimed.map(|now_ms| (now_ms, Instant::now()));
            }
            let Some((claimed_ms, since)) = owed else { continue };
            let since_ms = u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX);
            match self.look(claimed_ms.saturating_add(since_ms)).await {
                Ok(()) => owed = None,
                Err(failure) => tracing::warn!(%failure, "not reconciled; it is tried again"),
            }
        }
    }

    /// Takes in what was said. Who is not heard because of too much talk is not forgotten: the ledger is asked as well.
    fn listen(&mut self) {
        loop {
            match self.watch.try_recv() {
                Ok(announcement) => {
                    self.heard.insert(announcement.job().clone(), Instant::now());
                }
                Err(TryRecvError::Lagged(_)) => {}
                Err(TryRecvError::Empty | TryRecvError::Closed) => break,
            }
        }
        self.heard.retain(|_, when| when.elapsed() < HEARD_TRUSTED);
    }

    /// Publishes what seems lost, by the store's time.
    async fn look(&self, now_ms: u64) -> Result<(), Failure> {
        let mut outcome = Ok(());
        for (ledger, record) in self.ledger.active_of_all().await? {
            // One that cannot be looked after keeps no other from it.
            let span = tracing::error_span!("job", tenant = ledger.tenant(), job.id = %record.id);
            let looked = self.look_after(&ledger, &record, now_ms).instrument(span.clone()).await;
            if let Err(failure) = looked {
                span.in_scope(|| tracing::warn!(%failure, "not reconciled"));
                outcome = Err(failure);
            }
        }
        outcome
    }

    async fn look_after(&self, ledger: &Ledger, record: &Record, now_ms: u64) -> Result<(), Failure> {
        if self.heard.contains_key(&record.id) {
            return Ok(());
        }
        let progress = ledger.progress(&record.id).await?;
        let still_ms = now_ms.saturating_sub(progress.last_ms);
        if still_ms < WRITTEN_TRUSTED_MS {
            return Ok(());
        }
        if still_ms < QUEUED_TRUSTED_MS && self.may_be_queued(ledger, record).await? {
            return Ok(());
        }
        metrics::JOBS_RECONCILED.increase();
        tracing::info!(receipts = progress.receipts, "reconciled");
        reconcile(ledger, &self.dispatcher, record).await
    }

    /// Whether a message of the job may be waiting: whether any is, in its lane or that of suspects.
    async fn may_be_queued(&self, ledger: &Ledger, record: &Record) -> Result<bool, Failure> {
        let lane = ledger.control(&record.id).await?.lane.unwrap_or(record.lane);
        Ok(self.dispatcher.backlog(lane).await? > 0 || self.dispatcher.backlog(Lane::Suspect).await? > 0)
    }
}
