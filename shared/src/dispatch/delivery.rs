//! A message in the hands of a consumer, whichever carrier brought it.

use super::{Lane, Message, memory, rabbitmq};
use std::time::Duration;

/// A message in the hands of a consumer. Dropped without a word, it goes back to its lane.
#[derive(Debug)]
pub enum Delivery {
    /// Of the carrier inside this process.
    Memory(memory::Delivery),
    /// Of RabbitMQ.
    RabbitMq(rabbitmq::Delivery),
}

impl Delivery {
    /// What it says.
    #[must_use]
    pub fn message(&self) -> Option<&Message> {
        match self {
            Delivery::Memory(delivery) => delivery.message(),
            Delivery::RabbitMq(delivery) => Some(delivery.message()),
        }
    }

    /// The lane that it came by.
    #[must_use]
    pub const fn lane(&self) -> Lane {
        match self {
            Delivery::Memory(delivery) => delivery.lane(),
            Delivery::RabbitMq(delivery) => delivery.lane(),
        }
    }

    /// How often it was in the hands of somebody who never came back: who died, or lost the broker.
    #[must_use]
    pub const fn lost(&self) -> u64 {
        match self {
            Delivery::Memory(_) => 0,
            Delivery::RabbitMq(delivery) => delivery.lost(),
        }
    }

    /// The work is done: the message is gone. Where the carrier cannot be told, the message comes again, and whoever
    /// gets it finds the work done.
    pub async fn done(self) {
        match self {
            Delivery::Memory(delivery) => delivery.done(),
            Delivery::RabbitMq(delivery) => delivery.done().await,
        }
    }

    /// The work could not be done now: the message comes again after a while, with one more attempt to its name.
    pub async fn retry(self, after: Duration) {
        match self {
            Delivery::Memory(delivery) => delivery.retry(after),
            Delivery::RabbitMq(delivery) => delivery.retry(after).await,
        }
    }

    /// The work belongs into another lane.
    pub async fn divert(self, lane: Lane) {
        match self {
            Delivery::Memory(delivery) => delivery.divert(lane),
            Delivery::RabbitMq(delivery) => delivery.divert(lane).await,
        }
    }

    /// The work was not done, and nobody is to blame: the consumer goes. Somebody else gets the message as it is.
    pub async fn hand_back(self) {
        match self {
            Delivery::Memory(delivery) => drop(delivery),
            Delivery::RabbitMq(delivery) => delivery.hand_back().await,
        }
    }

    /// The work cannot be done: the message is kept apart for a person to see.
    pub async fn bury(self) {
        match self {
            Delivery::Memory(delivery) => delivery.bury(),
            Delivery::RabbitMq(delivery) => delivery.bury().await,
        }
    }
}
