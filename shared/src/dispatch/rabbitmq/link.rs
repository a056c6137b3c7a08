//! Connections to the broker. One that breaks is not mended but replaced: whoever needs it opens the next.

use super::tls::Tls;
use super::topology::{self, Names};
use crate::failure::{Failure, FailureKind};
use lapin::runtime::default_runtime;
use lapin::uri::AMQPUri;
use lapin::{Channel, Connection, ConnectionProperties};
use std::fmt;
use std::time::Duration;
use tokio::time::timeout;

/// Seconds between signs of life; a broker that gave none for two of them is gone.
const HEARTBEAT_SECONDS: u16 = 10;
/// Bytes of one frame, where the address does not say. lapin makes room for 32 frames to send and as many to receive, and has
/// all of it cleared: with the broker's own 128 KiB that is 8 MiB a connection. Our messages take a few hundred bytes.
const FRAME_BYTES_MAX: u32 = 16 << 10;
/// How long a connection may take until it can be used.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Where the broker is, and what is called how in it.
#[derive(Clone)]
pub(super) struct Address {
    uri: AMQPUri,
    tls: Tls,
    pub(super) names: Names,
}

/// The URI holds a password, and the names of files.
impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let AMQPUri { authority, vhost, .. } = &self.uri;
        write!(f, "{}:{}/{vhost} {:?}", authority.host, authority.port, self.names)
    }
}

impl Address {
    pub(super) fn new(uri: &str, prefix: &str) -> Result<Self, Failure> {
        let tls = Tls::of(uri)?;
        let mut uri: AMQPUri = uri.parse().map_err(|error| {
            let message =
                format!("the broker's address is not like amqp://user:password@host/vhost: {error}");
            Failure::new(FailureKind::Malformed, message)
        })?;
        uri.query.heartbeat.get_or_insert(HEARTBEAT_SECONDS);
        uri.query.frame_max.get_or_insert(FRAME_BYTES_MAX);
        Ok(Address { uri, tls, names: Names::new(prefix) })
    }

    /// A connection with a first channel, by which everything was declared.
    pub(super) async fn open(&self, purpose: &str) -> Result<Link, Failure> {
        let name = format!("ripieno {purpose} {}", std::process::id());
        let properties = ConnectionProperties::default().with_connection_name(name.into());
        let tls = self.tls.read()?;
        let opening = async {
            let (uri, runtime) = (self.uri.clone(), default_runtime()?);
            let connection = Connection::connect_uri_with_config(uri, properties, tls, runtime).await?;
            let channel = connection.create_channel().await?;
            topology::declare(&channel, &self.names).await?;
            Ok(Link { connection, channel })
        };
        let late = |_| unavailable(format!("no connection within {} s", CONNECT_TIMEOUT.as_secs()));
        timeout(CONNECT_TIMEOUT, opening).await.map_err(late)?.map_err(failure)
    }
}

/// A connection in use.
pub(super) struct Link {
    pub(super) connection: Connection,
    pub(super) channel: Channel,
}

impl Link {
    pub(super) fn is_usable(&self) -> bool {
        self.connection.status().connected() && self.channel.status().connected()
    }

    /// Ends it in good order, so that what was said before is heard.
    pub(super) async fn close(&self) {
        let _ = timeout(CONNECT_TIMEOUT, self.connection.close(200, "done".into())).await;
    }
}

pub(super) fn failure(error: lapin::Error) -> Failure {
    unavailable(error.to_string())
}

pub(super) fn unavailable(what: impl fmt::Display) -> Failure {
    Failure::new(FailureKind::Unavailable, format!("the broker: {what}"))
}
