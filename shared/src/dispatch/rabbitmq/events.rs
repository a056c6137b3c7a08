//! Announcements, by an exchange that gives each to every watcher.

use super::link::{failure, unavailable};
use super::{Announcement, Phase, RabbitMq, topology};
use crate::failure::Failure;
use crate::wire;
use futures::StreamExt;
use lapin::options::BasicConsumeOptions;
use lapin::types::FieldTable;
use tokio::sync::mpsc;

/// Says what is to be said, until the end and all of it is said.
pub(super) async fn say(carrier: RabbitMq, mut to_say: mpsc::Receiver<Announcement>) {
    loop {
        let announcement = tokio::select! {
            biased;
            announcement = to_say.recv() => announcement,
            () = carrier.until(Phase::Left) => None,
        };
        let Some(announcement) = announcement else { return };
        if let Ok(payload) = wire::encode(&announcement) {
            carrier.0.publisher.announce(&payload).await;
        }
    }
}

/// Hears what others say, by one connection.
pub(super) async fn session(carrier: &RabbitMq) -> Result<(), Failure> {
    let link = carrier.0.address.open("watching").await?;
    let queue = topology::declare_watcher(&link.channel, &carrier.0.address.names).await.map_err(failure)?;
    let options = BasicConsumeOptions { no_ack: true, exclusive: true, ..BasicConsumeOptions::default() };
    let consumer = link.channel.basic_consume(queue, "".into(), options, FieldTable::default()).await;
    let mut consumer = consumer.map_err(failure)?;
    carrier.0.subscribed.send_replace(true);
    let outcome = loop {
        tokio::select! {
            () = carrier.until(Phase::Left) => break Ok(()),
            heard = consumer.next() => match heard {
                Some(Ok(heard)) => {
                    // What a newer version says and this one does not know is passed over.
                    if let Ok(announcement) = wire::decode(&heard.data, "an announcement") {
                        let _ = carrier.0.announcements.send(announcement);
                    }
                }
                Some(Err(error)) => break Err(failure(error)),
                None => break Err(unavailable("a watcher's queue is gone")),
            },
        }
    };
    carrier.0.subscribed.send_replace(false);
    if outcome.is_ok() {
        link.close().await;
    }
    outcome
}
