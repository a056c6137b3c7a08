//! The carrier of embedded mode: lanes inside the process. It loses everything with the process, which is why it may:
//! the ledger knows what is left to do.

use super::{ANNOUNCEMENTS, Announcement, Lane, Message};
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, broadcast};

/// The carrier; clones are the same one.
#[derive(Clone, Debug)]
pub struct Memory(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    lanes: Mutex<Lanes>,
    ready: Notify,
    announcements: broadcast::Sender<Announcement>,
}

#[derive(Debug, Default)]
struct Lanes {
    queues: BTreeMap<Lane, VecDeque<Message>>,
    dead: Vec<Message>,
    closed: bool,
}

impl Default for Memory {
    fn default() -> Self {
        let (announcements, _) = broadcast::channel(ANNOUNCEMENTS);
        Memory(Arc::new(Inner { lanes: Mutex::default(), ready: Notify::new(), announcements }))
    }
}

impl Memory {
    fn lanes(&self) -> MutexGuard<'_, Lanes> {
        // Nothing that holds the lock can panic half-way through a change.
        self.0.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn publish(&self, lane: Lane, message: Message) {
        self.lanes().queues.entry(lane).or_default().push_back(message);
        self.0.ready.notify_waiters();
    }

    pub(super) async fn next(&self, wanted: impl Fn(&Message) -> bool) -> Option<Delivery> {
        loop {
            // Enabled before the look, so that a message that comes between look and wait is not slept through.
            let ready = self.0.ready.notified();
            tokio::pin!(ready);
            ready.as_mut().enable();
            {
                let mut lanes = self.lanes();
                if lanes.closed {
                    return None;
                }
                let next = lanes.queues.iter_mut().find_map(|(lane, queue)| {
                    let index = queue.iter().position(&wanted)?;
                    Some((*lane, queue.remove(index)?))
                });
                if let Some((lane, message)) = next {
                    return Some(Delivery { carrier: self.clone(), lane, message: Some(message) });
                }
            }
            ready.await;
        }
    }

    pub(super) fn close(&self) {
        self.lanes().closed = true;
        self.0.ready.notify_waiters();
    }

    pub(super) fn announce(&self, announcement: Announcement) {
        // Nobody watching is no error.
        let _ = self.0.announcements.send(announcement);
    }

    pub(super) fn watch(&self) -> broadcast::Receiver<Announcement> {
        self.0.announcements.subscribe()
    }

    pub(super) fn backlog(&self, lane: Lane) -> u64 {
        self.lanes().queues.get(&lane).map_or(0, |queue| queue.len() as u64)
    }

    pub(super) fn dead(&self) -> Vec<Message> {
        self.lanes().dead.clone()
    }
}

/// A message in the hands of a consumer. Dropped without a word, it goes back to the front of its lane.
#[derive(Debug)]
pub struct Delivery {
    carrier: Memory,
    lane: Lane,
    message: Option<Message>,
}

impl Delivery {
    pub(super) fn message(&self) -> Option<&Message> {
        self.message.as_ref()
    }

    pub(super) const fn lane(&self) -> Lane {
        self.lane
    }

    pub(super) fn done(mut self) {
        self.message = None;
    }

    pub(super) fn retry(mut self, after: Duration) {
        let Some(mut message) = self.message.take() else { return };
        message.attempt += 1;
        let (carrier, lane) = (self.carrier.clone(), self.lane);
        tokio::spawn(async move {
            tokio::time::sleep(after).await;
            carrier.publish(lane, message);
        });
    }

    pub(super) fn divert(mut self, lane: Lane) {
        let Some(message) = self.message.take() else { return };
        self.carrier.publish(lane, message);
    }

    pub(super) fn bury(mut self) {
        let Some(message) = self.message.take() else { return };
        self.carrier.lanes().dead.push(message);
    }
}

impl Drop for Delivery {
    fn drop(&mut self) {
        if let Some(message) = self.message.take() {
            self.carrier.lanes().queues.entry(self.lane).or_default().push_front(message);
            self.carrier.0.ready.notify_waiters();
        }
    }
}
