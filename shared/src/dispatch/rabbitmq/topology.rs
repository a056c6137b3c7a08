//! What stands in the broker: exchanges and queues, their names and arguments. Everything is durable or dies with its
//! connection, and nothing depends on a plugin: this holds on RabbitMQ 3.10 and on 4.

use super::super::Lane;
use lapin::options::{
    ExchangeDeclareOptions, ExchangeDeleteOptions, QueueBindOptions, QueueDeclareOptions, QueueDeleteOptions,
};
use lapin::types::{AMQPValue, FieldTable, ShortString};
use lapin::{Channel, ExchangeKind};
use std::time::Duration;

/// Deliveries of one message that nobody settled, after which the broker takes it to be deadly. Those who take a message
/// that others lost work it in a child process, so that this is a backstop only.
const DELIVERY_LIMIT: i64 = 20;
/// Messages that are kept of those that were given up; the oldest go first.
const DEAD_MESSAGES_MAX: i64 = 100_000;
/// Announcements that a slow watcher may be behind before it misses some.
const EVENTS_MAX: i64 = 10_000;

/// Waits that a message can be put to. A queue for each: a queue that holds different waits would keep the short ones
/// behind the long ones.
pub(super) const WAITS: [Duration; 5] = [
    Duration::from_millis(250),
    Duration::from_secs(1),
    Duration::from_secs(4),
    Duration::from_secs(16),
    Duration::from_secs(60),
];

/// The names of one installation: several may share a broker.
#[derive(Clone, Debug)]
pub(super) struct Names(String);

impl Names {
    pub(super) fn new(prefix: &str) -> Self {
        Names(prefix.to_owned())
    }

    fn name(&self, what: &str) -> ShortString {
        format!("{}.{what}", self.0).into()
    }

    /// The exchange before the lanes. A message's key is `now.LANE`, or `WAIT.LANE` after a wait.
    pub(super) fn lanes(&self) -> ShortString {
        self.name("lanes")
    }

    /// The exchange before the waits.
    pub(super) fn waits(&self) -> ShortString {
        self.name("waits")
    }

    pub(super) fn lane(&self, lane: Lane) -> ShortString {
        self.name(lane.name())
    }

    pub(super) fn wait(&self, wait: Duration) -> ShortString {
        self.name(&format!("wait.{}", wait_name(wait)))
    }

    pub(super) fn dead(&self) -> ShortString {
        self.name("dead")
    }

    pub(super) fn events(&self) -> ShortString {
        self.name("events")
    }
}

/// The key of a message that goes to a lane now.
pub(super) fn now_key(lane: Lane) -> ShortString {
    format!("now.{}", lane.name()).into()
}

/// The key of a message that goes to a lane after the shortest wait that is not shorter than asked, or the longest one.
pub(super) fn wait_key(after: Duration, lane: Lane) -> ShortString {
    let [.., longest] = WAITS;
    let wait = WAITS.into_iter().find(|wait| *wait >= after).unwrap_or(longest);
    format!("{}.{}", wait_name(wait), lane.name()).into()
}

fn wait_name(wait: Duration) -> String {
    format!("{}ms", wait.as_millis())
}

/// Declares everything; what is there already is left as it is.
pub(super) async fn declare(channel: &Channel, names: &Names) -> lapin::Result<()> {
    let durable = ExchangeDeclareOptions { durable: true, ..ExchangeDeclareOptions::default() };
    for (name, kind) in [
        (names.lanes(), ExchangeKind::Topic),
        (names.waits(), ExchangeKind::Topic),
        (names.events(), ExchangeKind::Fanout),
    ] {
        channel.exchange_declare(name, kind, durable, FieldTable::default()).await?;
    }
    let dead = [("x-max-length", AMQPValue::LongLongInt(DEAD_MESSAGES_MAX))];
    channel.queue_declare(names.dead(), QueueDeclareOptions::durable(), quorum(dead)).await?;
    for lane in Lane::ALL {
        let arguments = quorum([
            ("x-delivery-limit", AMQPValue::LongLongInt(DELIVERY_LIMIT)),
            ("x-dead-letter-exchange", text("")),
            ("x-dead-letter-routing-key", text(names.dead().as_str())),
            ("x-dead-letter-strategy", text("at-least-once")),
            ("x-overflow", text("reject-publish")),
        ]);
        channel.queue_declare(names.lane(lane), QueueDeclareOptions::durable(), arguments).await?;
        let key = format!("*.{}", lane.name()).into();
        bind(channel, names.lane(lane), names.lanes(), key).await?;
    }
    for wait in WAITS {
        // What leaves keeps its key, and so finds its lane.
        let arguments = quorum([
            ("x-message-ttl", AMQPValue::LongLongInt(i64::try_from(wait.as_millis()).unwrap_or(i64::MAX))),
            ("x-dead-letter-exchange", text(names.lanes().as_str())),
            ("x-dead-letter-strategy", text("at-least-once")),
            ("x-overflow", text("reject-publish")),
        ]);
        channel.queue_declare(names.wait(wait), QueueDeclareOptions::durable(), arguments).await?;
        let key = format!("{}.*", wait_name(wait)).into();
        bind(channel, names.wait(wait), names.waits(), key).await?;
    }
    Ok(())
}

/// Takes everything away again.
pub(super) async fn remove(channel: &Channel, names: &Names) -> lapin::Result<()> {
    let lanes = Lane::ALL.into_iter().map(|lane| names.lane(lane));
    let waits = WAITS.into_iter().map(|wait| names.wait(wait));
    for queue in lanes.chain(waits).chain([names.dead()]) {
        channel.queue_delete(queue, QueueDeleteOptions::default()).await?;
    }
    for exchange in [names.lanes(), names.waits(), names.events()] {
        channel.exchange_delete(exchange, ExchangeDeleteOptions::default()).await?;
    }
    Ok(())
}

/// A queue of the watcher's own, which goes with its connection; says its name.
pub(super) async fn declare_watcher(channel: &Channel, names: &Names) -> lapin::Result<ShortString> {
    let arguments = table([("x-max-length", AMQPValue::LongLongInt(EVENTS_MAX))]);
    let queue = channel.queue_declare("".into(), QueueDeclareOptions::exclusive(), arguments).await?;
    bind(channel, queue.name().clone(), names.events(), "".into()).await?;
    Ok(queue.name().clone())
}

async fn bind(
    channel: &Channel,
    queue: ShortString,
    exchange: ShortString,
    key: ShortString,
) -> lapin::Result<()> {
    channel.queue_bind(queue, exchange, key, QueueBindOptions::default(), FieldTable::default()).await
}

fn quorum<const N: usize>(more: [(&'static str, AMQPValue); N]) -> FieldTable {
    let mut arguments = table(more);
    arguments.insert("x-queue-type".into(), text("quorum"));
    arguments
}

fn table<const N: usize>(entries: [(&'static str, AMQPValue); N]) -> FieldTable {
    let mut arguments = FieldTable::default();
    for (name, value) in entries {
        arguments.insert(name.into(), value);
    }
    arguments
}

fn text(text: &str) -> AMQPValue {
    AMQPValue::LongString(text.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_never_shorter_than_asked_unless_it_is_the_longest() {
        for (asked, key) in
            [(0, "250ms.bulk"), (250, "250ms.bulk"), (251, "1000ms.bulk"), (90_000, "60000ms.bulk")]
        {
            assert_eq!(wait_key(Duration::from_millis(asked), Lane::Bulk).as_str(), key);
        }
    }
}
