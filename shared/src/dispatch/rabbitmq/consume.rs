//! Consuming: every lane by one connection, and what becomes of what was taken.

use super::link::{Link, failure, unavailable};
use super::{Lane, Message, Phase, RabbitMq};
use crate::failure::Failure;
use crate::{metrics, wire};
use futures::{StreamExt, stream};
use lapin::Acker;
use lapin::options::{
    BasicAckOptions, BasicCancelOptions, BasicConsumeOptions, BasicNackOptions, BasicQosOptions,
    BasicRejectOptions,
};
use lapin::types::{AMQPValue, FieldTable};
use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};

/// Suspects that one consumer takes at once: each may take its child process down.
const SUSPECT_PREFETCH: u16 = 1;
/// How long a message that could not be put to a wait is held before it goes back to its lane.
const HOLD_MAX: Duration = Duration::from_secs(5);
/// How long the last deliveries may take to come once nothing more is wanted.
const CANCEL_TIMEOUT: Duration = Duration::from_secs(1);
/// How often the broker delivered a message that was not settled.
const LOST_HEADER: &str = "x-delivery-count";

/// What the broker has delivered and nobody has asked for yet.
#[derive(Default)]
pub(super) struct Waiting {
    queues: Mutex<BTreeMap<Lane, VecDeque<Delivery>>>,
    ready: Notify,
}

impl Waiting {
    fn queues(&self) -> MutexGuard<'_, BTreeMap<Lane, VecDeque<Delivery>>> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, delivery: Delivery) {
        self.queues().entry(delivery.lane).or_default().push_back(delivery);
        // Each looks: the next one may not be wanted by whoever waits longest.
        self.ready.notify_waiters();
    }

    fn take(&self, wanted: impl Fn(&Message) -> bool) -> Option<Delivery> {
        self.queues().values_mut().find_map(|queue| {
            let index = queue.iter().position(|delivery| wanted(&delivery.message))?;
            queue.remove(index)
        })
    }

    /// Everything that nobody has asked for.
    fn drain(&self) -> Vec<Delivery> {
        std::mem::take(&mut *self.queues()).into_values().flatten().collect()
    }

    /// The next one that is wanted, of the first lane that has one.
    pub(super) async fn next(&self, wanted: impl Fn(&Message) -> bool) -> Delivery {
        loop {
            // Enabled before the look, so that a delivery that comes between look and wait is not slept through.
            let ready = self.ready.notified();
            tokio::pin!(ready);
            ready.as_mut().enable();
            if let Some(delivery) = self.take(&wanted) {
                return delivery;
            }
            ready.await;
        }
    }
}

/// Takes from every lane by one connection: until it breaks, which is a failure, or until the end.
pub(super) async fn session(carrier: &RabbitMq) -> Result<(), Failure> {
    let link = carrier.0.address.open("consuming").await?;
    metrics::BROKER_CONSUMING.set(1);
    let outcome = take_all(carrier, &link).await;
    metrics::BROKER_CONSUMING.set(0);
    // Of a connection that is gone nothing can be settled: the broker delivers it again.
    for mut delivery in carrier.0.waiting.drain() {
        if outcome.is_err() {
            delivery.acker = None;
        } else {
            delivery.hand_back().await;
        }
    }
    outcome?;
    carrier.until(Phase::Left).await;
    link.close().await;
    Ok(())
}

async fn take_all(carrier: &RabbitMq, link: &Link) -> Result<(), Failure> {
    let mut taken = stream::SelectAll::new();
    let mut tags = Vec::new();
    for lane in Lane::ALL {
        // It holds for the consumers that begin after it.
        let prefetch = if lane == Lane::Suspect { SUSPECT_PREFETCH } else { carrier.0.prefetch };
        link.channel.basic_qos(prefetch, BasicQosOptions::default()).await.map_err(failure)?;
        let queue = carrier.0.address.names.lane(lane);
        let options = BasicConsumeOptions::default();
        let consumer = link.channel.basic_consume(queue, "".into(), options, FieldTable::default()).await;
        let consumer = consumer.map_err(failure)?;
        tags.push(consumer.tag());
        let ended = stream::once(async move { (lane, None) });
        taken.push(consumer.map(move |next| (lane, Some(next))).chain(ended).boxed());
    }
    loop {
        tokio::select! {
            () = carrier.until(Phase::Closed) => break,
            next = taken.next() => take(carrier, next).await?,
        }
    }
    for tag in tags {
        let _ = link.channel.basic_cancel(tag, BasicCancelOptions::default()).await;
    }
    // What was on its way until then comes before the end of each.
    while let Ok(Some((lane, next))) = timeout(CANCEL_TIMEOUT, taken.next()).await {
        if next.is_some() {
            take(carrier, Some((lane, next))).await?;
        }
    }
    Ok(())
}

type Taken = (Lane, Option<lapin::Result<lapin::message::Delivery>>);

async fn take(carrier: &RabbitMq, taken: Option<Taken>) -> Result<(), Failure> {
    let (lane, delivered) = match taken {
        Some((lane, Some(delivered))) => (lane, delivered.map_err(failure)?),
        Some((_, None)) | None => return Err(unavailable("a lane is gone")),
    };
    let lost = delivered.properties.headers().as_ref().and_then(|headers| headers.inner().get(LOST_HEADER));
    let lost = lost.and_then(number).unwrap_or(u64::from(delivered.redelivered));
    match wire::decode(&delivered.data, "a message") {
        Ok(message) => {
            let (carrier, acker) = (carrier.clone(), Some(delivered.acker));
            let delivery = Delivery { carrier: carrier.clone(), lane, message, lost, acker };
            carrier.0.waiting.push(delivery);
        }
        Err(failure) => {
            tracing::error!(%failure, "a message that nobody can read is kept apart");
            let _ = delivered.acker.reject(BasicRejectOptions { requeue: false }).await;
        }
    }
    Ok(())
}

fn number(value: &AMQPValue) -> Option<u64> {
    match *value {
        AMQPValue::LongLongInt(number) => u64::try_from(number).ok(),
        AMQPValue::LongInt(number) => u64::try_from(number).ok(),
        AMQPValue::LongUInt(number) => Some(u64::from(number)),
        AMQPValue::ShortInt(number) => u64::try_from(number).ok(),
        AMQPValue::ShortUInt(number) => Some(u64::from(number)),
        AMQPValue::ShortShortInt(number) => u64::try_from(number).ok(),
        AMQPValue::ShortShortUInt(number) => Some(u64::from(number)),
        _ => None,
    }
}

/// A message of a lane, in the hands of a consumer.
pub struct Delivery {
    carrier: RabbitMq,
    lane: Lane,
    message: Message,
    lost: u64,
    /// None once it is settled, or cannot be settled any more.
    acker: Option<Acker>,
}

impl fmt::Debug for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Delivery").field("lane", &self.lane).field("message", &self.message).finish()
    }
}

impl Delivery {
    pub(in super::super) const fn message(&self) -> &Message {
        &self.message
    }

    pub(in super::super) const fn lane(&self) -> Lane {
        self.lane
    }

    pub(in super::super) const fn lost(&self) -> u64 {
        self.lost
    }

    pub(in super::super) async fn done(mut self) {
        let Some(acker) = self.acker.take() else { return };
        // A broker that cannot be told delivers it again, and whoever gets it finds the receipt.
        if let Err(error) = acker.ack(BasicAckOptions::default()).await {
            tracing::debug!(%error, "a message could not be acknowledged");
        }
    }

    pub(in super::super) async fn retry(self, after: Duration) {
        let message = Message { attempt: self.message.attempt.saturating_add(1), ..self.message.clone() };
        let published = self.carrier.publish_later(after, self.lane, &message).await;
        self.settle(published, after).await;
    }

    pub(in super::super) async fn divert(self, lane: Lane) {
        let published = self.carrier.publish(lane, &self.message).await;
        self.settle(published, HOLD_MAX).await;
    }

    /// As a message of its own: one that is put back counts as lost.
    pub(in super::super) async fn hand_back(self) {
        let published = self.carrier.publish(self.lane, &self.message).await;
        self.settle(published, Duration::ZERO).await;
    }

    /// It is done if another message took its place; else it is held a while, and goes back itself.
    async fn settle(self, published: Result<(), Failure>, hold: Duration) {
        match published {
            Ok(()) => self.done().await,
            Err(failure) => {
                tracing::warn!(%failure, "a message goes back to its lane as it is");
                sleep(hold.min(HOLD_MAX)).await;
            }
        }
    }

    pub(in super::super) async fn bury(mut self) {
        let Some(acker) = self.acker.take() else { return };
        if let Err(error) = acker.reject(BasicRejectOptions { requeue: false }).await {
            tracing::debug!(%error, "a message could not be buried");
        }
    }
}

impl Drop for Delivery {
    fn drop(&mut self) {
        let (Some(acker), Ok(runtime)) = (self.acker.take(), tokio::runtime::Handle::try_current()) else {
            return; // Without a runtime the process ends, and the broker notices.
        };
        runtime.spawn(async move {
            let options = BasicNackOptions { requeue: true, ..BasicNackOptions::default() };
            let _ = acker.nack(options).await;
        });
    }
}
