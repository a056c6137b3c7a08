//! How a front has the work of a job begin, and waits for it.

use crate::front::Front;
use crate::service::{Accepted, Status};
use shared::dispatch::Announcement;
use shared::failure::Failure;
use shared::job::{JobId, Record};
use shared::principal::Principal;
use std::time::Duration;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

/// How often a wait looks by itself: what is announced is a hint, and may be lost.
const LOOK_EVERY: Duration = Duration::from_secs(1);

impl Front {
    /// Has the work of an accepted job begin. It is accepted all the same if that fails: reconciling comes again.
    pub async fn begin(&self, principal: &Principal, accepted: &Accepted) {
        if let Err(failure) = self.service.reconcile(principal, &accepted.record).await {
            tracing::warn!(%failure, job.id = %accepted.record.id, "the work begins at the next reconciling");
        }
    }

    /// Waits until a job has ended, but no longer than `at_most`; `tell` hears of its progress about once a second.
    ///
    /// # Errors
    /// `not_found`, or what the ledger says.
    pub async fn wait(
        &self,
        principal: &Principal,
        job: &JobId,
        at_most: Duration,
        mut tell: impl FnMut(&Status) + Send,
    ) -> Result<Status, Failure> {
        // Watched from before the first look, so that no end is missed.
        let mut watch = self.dispatcher.watch().await;
        let status = self.service.status(principal, job).await?;
        if status.state.has_ended() || at_most.is_zero() {
            return Ok(status);
        }
        let items = status.record.items;
        tell(&status);
        let waiting = async {
            loop {
                self.sign(&mut watch, &status.record).await;
                if self.service.state(principal, job).await?.has_ended() {
                    return Ok::<(), Failure>(());
                }
                let status = self.service.status(principal, job).await?;
                if status.totals.items < items {
                    tell(&status);
                }
            }
        };
        tokio::select! {
            outcome = waiting => outcome?,
            () = tokio::time::sleep(at_most) => {}
            // Whoever waits is answered before the process ends.
            () = self.stopping() => {}
        }
        self.service.status(principal, job).await
    }

    /// Waits until a job may have ended: it is said so, or a while has passed.
    async fn sign(&self, watch: &mut Receiver<Announcement>, record: &Record) {
        let finished = async {
            loop {
                match watch.recv().await {
                    Ok(Announcement::Finished { job }) if job == record.id => return,
                    Ok(_) | Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => std::future::pending().await,
                }
            }
        };
        // That a while has passed is no failure.
        let _ = tokio::time::timeout(LOOK_EVERY, finished).await;
    }
}
