//! Waiting for a job without asking again and again: announcements make it short, the ledger makes it right.

use super::jobs::{names_tag, tagged};
use super::web::Web;
use crate::front::Front;
use crate::service::Status;
use shared::dispatch::Announcement;
use shared::failure::Failure;
use shared::job::JobId;
use shared::metrics;
use shared::principal::Principal;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Instant, sleep, timeout_at};

/// How often a wait looks by itself: what is announced is a hint, and may be lost.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long a wait rests after a look: workers say what they do five times a second.
const REST: Duration = Duration::from_millis(100);

/// What is waited for.
pub(super) enum Until {
    /// The end of the job.
    Ended,
    /// A job whose tag is none of these.
    NotTagged(String),
}

impl Until {
    fn is(&self, status: &Status) -> bool {
        let ended = status.state.has_ended();
        match self {
            Until::Ended => ended,
            Until::NotTagged(tags) => ended || !names_tag(tags, &tagged(status).1),
        }
    }
}

/// Somebody waits; counted as long as it lives.
pub(super) struct Waiter;

impl Waiter {
    pub(super) fn new() -> Self {
        metrics::HTTP_WAITING.increase();
        Waiter
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        metrics::HTTP_WAITING.decrease();
    }
}

/// Looks at a job when what is waited for is so, the time is over, or the process ends; whichever is first.
pub(super) async fn wait_for(
    web: &Web,
    principal: &Principal,
    job: &JobId,
    at_most: Duration,
    until: &Until,
) -> Result<Arc<Status>, Failure> {
    if at_most.is_zero() {
        return web.look(principal, job).await;
    }
    let _waiter = Waiter::new();
    let deadline = Instant::now() + at_most;
    // Watched from before the first look, so that nothing is missed.
    let mut watch = web.front.dispatcher.watch().await;
    loop {
        let status = web.look(principal, job).await?;
        if until.is(&status) || web.front.is_stopping() {
            return Ok(status);
        }
        let news = async {
            sleep(REST).await;
            news_of(&web.front, &mut watch, job).await;
        };
        if timeout_at(deadline, news).await.is_err() {
            return web.look(principal, job).await;
        }
    }
}

/// Waits until something may have changed about a job.
pub(super) async fn news_of(front: &Front, watch: &mut Receiver<Announcement>, job: &JobId) {
    let heard = async {
        loop {
            match watch.recv().await {
                Ok(announcement) if announcement.job() == job => return,
                Ok(_) => {}
                Err(RecvError::Lagged(_)) => return,
                Err(RecvError::Closed) => std::future::pending().await,
            }
        }
    };
    tokio::select! {
        () = heard => {}
        () = sleep(LOOK_EVERY) => {}
        () = front.stopping() => {}
    }
}
