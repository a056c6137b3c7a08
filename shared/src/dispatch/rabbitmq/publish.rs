//! Publishing: a connection of its own, because a broker that runs out of memory stops those that publish.

use super::link::{Address, Link, failure, unavailable};
use crate::failure::Failure;
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions};
use lapin::types::ShortString;
use lapin::{BasicProperties, Channel, Confirmation};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::timeout;

/// How long a publish may take, opening a connection included. One that takes longer may have arrived or not.
const PUBLISH_TIMEOUT: Duration = Duration::from_secs(5);
/// On the disk of the broker, as AMQP numbers it.
const PERSISTENT: u8 = 2;

/// Publishes by a connection that it opens when it needs one.
pub(super) struct Publisher {
    address: Address,
    open: Mutex<Option<Arc<Open>>>,
}

struct Open {
    link: Link,
    /// Without confirms, for announcements.
    events: Channel,
}

impl Publisher {
    pub(super) fn new(address: Address) -> Self {
        Publisher { address, open: Mutex::new(None) }
    }

    async fn open(&self) -> Result<Arc<Open>, Failure> {
        let mut slot = self.open.lock().await;
        if let Some(open) = slot.as_ref().filter(|open| open.link.is_usable()) {
            return Ok(Arc::clone(open));
        }
        *slot = None;
        let link = self.address.open("publishing").await?;
        link.channel.confirm_select(ConfirmSelectOptions::default()).await.map_err(failure)?;
        let events = link.connection.create_channel().await.map_err(failure)?;
        let open = Arc::new(Open { link, events });
        *slot = Some(Arc::clone(&open));
        Ok(open)
    }

    /// Publishes, and waits until the broker has it in a queue and on its disk. There it stays no longer than `stay`, if
    /// that is said, or what the queue allows.
    pub(super) async fn publish(
        &self,
        exchange: ShortString,
        key: ShortString,
        payload: &[u8],
        stay: Option<Duration>,
    ) -> Result<(), Failure> {
        let publishing = async {
            let open = self.open().await?;
            if open.link.connection.status().blocked() {
                return Err(unavailable("takes nothing now, for it is short of memory or disk"));
            }
            let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
            let properties = BasicProperties::default().with_delivery_mode(PERSISTENT);
            let properties = match stay {
                Some(stay) => properties.with_expiration(stay.as_millis().to_string().into()),
                None => properties,
            };
            let sent = open.link.channel.basic_publish(exchange, key, options, payload, properties).await;
            match sent.map_err(failure)?.await.map_err(failure)? {
                Confirmation::Ack(None) => Ok(()),
                // A message that no queue takes is returned first, and confirmed all the same.
                Confirmation::Ack(Some(back)) | Confirmation::Nack(Some(back)) => {
                    Err(unavailable(format!("gave a message back: {}", back.reply_text)))
                }
                Confirmation::Nack(None) => Err(unavailable("refused a message: its queue is full")),
                Confirmation::NotRequested => Err(unavailable("confirms nothing")),
            }
        };
        match timeout(PUBLISH_TIMEOUT, publishing).await {
            Ok(outcome) => outcome,
            Err(_) => {
                // A connection on which nothing moves may never say so; the next publish opens another.
                if let Ok(mut slot) = self.open.try_lock() {
                    *slot = None;
                }
                Err(unavailable(format!("a publish took more than {} s", PUBLISH_TIMEOUT.as_secs())))
            }
        }
    }

    /// Announces, and waits for nobody to hear it.
    pub(super) async fn announce(&self, payload: &[u8]) {
        let said = async {
            let open = self.open().await?;
            let (options, properties) = (BasicPublishOptions::default(), BasicProperties::default());
            let exchange = self.address.names.events();
            let sent = open.events.basic_publish(exchange, "".into(), options, payload, properties).await;
            sent.map(drop).map_err(failure)
        };
        if let Ok(Err(failure)) = timeout(PUBLISH_TIMEOUT, said).await {
            tracing::debug!(%failure, "an announcement was lost");
        }
    }

    /// Another channel of this connection, for a question.
    pub(super) async fn ask(&self) -> Result<Channel, Failure> {
        let asking = async {
            let open = self.open().await?;
            open.link.connection.create_channel().await.map_err(failure)
        };
        timeout(PUBLISH_TIMEOUT, asking).await.map_err(|_| unavailable("does not answer"))?
    }

    pub(super) async fn close(&self) {
        let open = self.open.lock().await.take();
        if let Some(open) = open {
            open.link.close().await;
        }
    }
}
