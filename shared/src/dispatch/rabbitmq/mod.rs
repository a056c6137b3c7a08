//! The carrier of a cluster: a RabbitMQ broker. It may lose everything that it holds: the ledger knows what is left to do.
//!
//! Lanes are quorum queues. A publish counts once the broker has confirmed it. What was taken and not settled when its
//! taker died comes again, and says how often that happened.

mod consume;
mod events;
mod link;
mod publish;
mod tls;
mod topology;

pub use consume::Delivery;

use super::{ANNOUNCEMENTS, Announcement, Lane, Message, jittered};
use crate::failure::Failure;
use crate::{metrics, wire};
use consume::Waiting;
use lapin::Queue;
use lapin::options::{BasicGetOptions, QueueDeclareOptions};
use lapin::types::FieldTable;
use link::{Address, failure};
use publish::Publisher;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{broadcast, mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

/// Announcements that wait to be sent; more of them are dropped.
const UNSAID_MAX: usize = 1024;
/// How long to wait for a watcher's queue; what is announced before it is there is not heard.
const SUBSCRIBE_TIMEOUT: Duration = Duration::from_secs(2);
/// How long the last words may take when a process leaves.
const LEAVE_TIMEOUT: Duration = Duration::from_secs(3);
/// Messages that were given up, of which are told.
const DEAD_TOLD_MAX: usize = 1000;
/// Waits between tries to connect: the first, and what they double to.
const RECONNECT_FIRST: Duration = Duration::from_millis(100);
const RECONNECT_MAX: Duration = Duration::from_secs(2);

/// The carrier; clones are the same one.
#[derive(Clone)]
pub struct RabbitMq(Arc<Inner>);

struct Inner {
    address: Address,
    prefetch: u16,
    publisher: Publisher,
    waiting: Waiting,
    phase: watch::Sender<Phase>,
    announcements: broadcast::Sender<Announcement>,
    subscribed: watch::Sender<bool>,
    unsaid: mpsc::Sender<Announcement>,
    tasks: Mutex<Tasks>,
}

/// What runs beside the caller, each from when it is first needed.
#[derive(Default)]
struct Tasks {
    consuming: Option<JoinHandle<()>>,
    watching: Option<JoinHandle<()>>,
    announcing: Option<JoinHandle<()>>,
    to_say: Option<mpsc::Receiver<Announcement>>,
}

/// How far the end is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    Open,
    /// Nothing is taken any more; what was taken can still be settled.
    Closed,
    /// Everything is settled.
    Left,
}

impl fmt::Debug for RabbitMq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RabbitMq").field("address", &self.0.address).finish_non_exhaustive()
    }
}

impl RabbitMq {
    /// A carrier by the broker at `uri`, whose names begin with `prefix`. `prefetch` messages of a lane are taken at
    /// once. Connects when it is first needed.
    ///
    /// # Errors
    /// `malformed` for what is no broker's address.
    pub fn new(uri: &str, prefix: &str, prefetch: u16) -> Result<Self, Failure> {
        let address = Address::new(uri, prefix)?;
        let (unsaid, to_say) = mpsc::channel(UNSAID_MAX);
        let tasks = Tasks { to_say: Some(to_say), ..Tasks::default() };
        Ok(RabbitMq(Arc::new(Inner {
            publisher: Publisher::new(address.clone()),
            address,
            prefetch,
            waiting: Waiting::default(),
            phase: watch::Sender::new(Phase::Open),
            announcements: broadcast::Sender::new(ANNOUNCEMENTS),
            subscribed: watch::Sender::new(false),
            unsaid,
            tasks: Mutex::new(tasks),
        })))
    }

    /// Waits until the end is so far.
    async fn until(&self, phase: Phase) {
        // The carrier holds the sender, so there is no error.
        let _ = self.0.phase.subscribe().wait_for(|now| *now >= phase).await;
    }

    fn tasks(&self) -> MutexGuard<'_, Tasks> {
        // Nothing that holds the lock can panic half-way through a change.
        self.0.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) async fn publish(&self, lane: Lane, message: &Message) -> Result<(), Failure> {
        let payload = wire::encode(message)?;
        let (exchange, key) = (self.0.address.names.lanes(), topology::now_key(lane));
        self.0.publisher.publish(exchange, key, &payload, None).await
    }

    pub(super) async fn publish_later(
        &self,
        after: Duration,
        lane: Lane,
        message: &Message,
    ) -> Result<(), Failure> {
        let payload = wire::encode(message)?;
        let key = topology::wait_key(after, lane);
        self.0.publisher.publish(self.0.address.names.waits(), key, &payload, Some(after)).await
    }

    pub(super) async fn next(&self, wanted: impl Fn(&Message) -> bool) -> Option<Delivery> {
        {
            let mut tasks = self.tasks();
            tasks.consuming.get_or_insert_with(|| tokio::spawn(self.clone().consume()));
        }
        tokio::select! {
            biased;
            () = self.until(Phase::Closed) => None,
            delivery = self.0.waiting.next(wanted) => Some(delivery),
        }
    }

    /// Consumes by one connection after the other, until the end.
    async fn consume(self) {
        self.keep(|carrier| async move { consume::session(&carrier).await }).await;
    }

    /// Watches by one connection after the other, until the end.
    async fn keep_watching(self) {
        self.keep(|carrier| async move { events::session(&carrier).await }).await;
    }

    /// Has `session` done again and again until it ends well.
    async fn keep<F: Future<Output = Result<(), Failure>>>(&self, session: impl Fn(RabbitMq) -> F) {
        let (mut wait, mut told) = (RECONNECT_FIRST, String::new());
        loop {
            let began = tokio::time::Instant::now();
            match session(self.clone()).await {
                Ok(()) => return,
                Err(failure) => {
                    metrics::BROKER_FAILURES.increase();
                    // Once for each reason: a broker may be away for hours.
                    if failure.message != told {
                        tracing::warn!(%failure, "no connection");
                        told = failure.message;
                    }
                }
            }
            if began.elapsed() > RECONNECT_MAX {
                wait = RECONNECT_FIRST;
            }
            tokio::select! {
                () = sleep(jittered(wait)) => wait = (wait * 2).min(RECONNECT_MAX),
                () = self.until(Phase::Closed) => return,
            }
        }
    }

    pub(super) fn close(&self) {
        self.0.phase.send_if_modified(|phase| {
            let closes = *phase == Phase::Open;
            *phase = (*phase).max(Phase::Closed);
            closes
        });
    }

    pub(super) async fn leave(&self) {
        self.0.phase.send_replace(Phase::Left);
        let tasks = std::mem::take(&mut *self.tasks());
        for task in [tasks.consuming, tasks.watching, tasks.announcing].into_iter().flatten() {
            let _ = timeout(LEAVE_TIMEOUT, task).await;
        }
        self.0.publisher.close().await;
    }

    pub(super) async fn backlog(&self, lane: Lane) -> Result<u64, Failure> {
        self.look_at(lane).await.map(|queue| u64::from(queue.message_count()))
    }

    pub(super) async fn consumers(&self, lane: Lane) -> Result<u32, Failure> {
        self.look_at(lane).await.map(|queue| queue.consumer_count())
    }

    async fn look_at(&self, lane: Lane) -> Result<Queue, Failure> {
        let channel = self.0.publisher.ask().await?;
        let options = QueueDeclareOptions::durable().passive();
        let queue = channel.queue_declare(self.0.address.names.lane(lane), options, FieldTable::default());
        let queue = queue.await.map_err(failure)?;
        let _ = channel.close(200, "done".into()).await;
        Ok(queue)
    }

    pub(super) async fn dead(&self) -> Result<Vec<Message>, Failure> {
        let channel = self.0.publisher.ask().await?;
        let mut messages = Vec::new();
        while messages.len() < DEAD_TOLD_MAX {
            let got = channel.basic_get(self.0.address.names.dead(), BasicGetOptions::default()).await;
            let Some(got) = got.map_err(failure)? else { break };
            messages.extend(wire::decode::<Message>(&got.delivery.data, "a message"));
        }
        // Nothing was acknowledged, so all of it goes back.
        let _ = channel.close(200, "done".into()).await;
        Ok(messages)
    }

    /// Takes everything of these names out of the broker, messages included.
    ///
    /// # Errors
    /// `unavailable` when the broker does not.
    pub async fn remove(&self) -> Result<(), Failure> {
        let channel = self.0.publisher.ask().await?;
        let outcome = topology::remove(&channel, &self.0.address.names).await.map_err(failure);
        let _ = channel.close(200, "done".into()).await;
        outcome
    }

    pub(super) fn announce(&self, announcement: Announcement) {
        {
            let mut tasks = self.tasks();
            if let Some(to_say) = tasks.to_say.take() {
                tasks.announcing = Some(tokio::spawn(events::say(self.clone(), to_say)));
            }
        }
        // One that finds no room is not said; nothing depends on it.
        let _ = self.0.unsaid.try_send(announcement);
    }

    pub(super) async fn watch(&self) -> broadcast::Receiver<Announcement> {
        let receiver = self.0.announcements.subscribe();
        {
            let mut tasks = self.tasks();
            tasks.watching.get_or_insert_with(|| tokio::spawn(self.clone().keep_watching()));
        }
        let mut subscribed = self.0.subscribed.subscribe();
        let _ = timeout(SUBSCRIBE_TIMEOUT, subscribed.wait_for(|is| *is)).await;
        receiver
    }
}
