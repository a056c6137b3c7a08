//! The listening end: connections taken, bounded and ended in good order.

use super::patient::Patient;
use super::tls::Tls;
use crate::front::Front;
use axum::middleware::AddExtension;
use axum::{Extension, Router};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use shared::failure::{Failure, FailureKind};
use shared::metrics;
use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tower::Layer;

/// How long what is being answered may take once the process is asked to stop.
const DRAIN: Duration = Duration::from_secs(5);
/// How long to wait after the system had no room for another connection.
const FULL_PAUSE: Duration = Duration::from_millis(100);

/// The address at the other end of a connection.
#[derive(Clone, Debug)]
pub(super) struct Peer(pub(super) Arc<str>);

/// A port of this machine.
#[derive(Debug)]
pub struct Listener {
    listener: TcpListener,
    tls: Option<Tls>,
    /// Where it listens.
    pub address: SocketAddr,
}

impl Listener {
    /// Takes a port: of the loopback, and of any address where callers show who they are.
    ///
    /// # Errors
    /// `malformed` for an address beyond the loopback where they need not, for whoever reaches the server may then do
    /// everything; `unavailable` when the port cannot be had.
    pub async fn bind(address: SocketAddr, callers_are_known: bool) -> Result<Self, Failure> {
        if !address.ip().is_loopback() && !callers_are_known {
            let message = format!(
                "{address} is not this machine alone, and whoever reaches the server may do everything: have callers show who \
                 they are (RIPIENO_AUTH, docs/security.md), or say --listen 127.0.0.1:{0} or [::1]:{0}",
                address.port()
            );
            return Err(Failure::new(FailureKind::Malformed, message));
        }
        let unavailable = |error| {
            Failure::new(FailureKind::Unavailable, format!("{address} cannot be listened at: {error}"))
        };
        let listener = TcpListener::bind(address).await.map_err(unavailable)?;
        let address = listener.local_addr().map_err(unavailable)?;
        Ok(Listener { listener, tls: None, address })
    }

    /// The same, which speaks by TLS where there is a certificate.
    #[must_use]
    pub fn with_tls(self, tls: Option<Tls>) -> Self {
        Listener { tls, ..self }
    }

    /// By which URL it is called on this machine.
    #[must_use]
    pub fn url(&self) -> String {
        format!("{}://{}", if self.tls.is_some() { "https" } else { "http" }, self.address)
    }

    /// Answers until the front is stopped and what was being answered then is told to its end.
    pub async fn serve(self, front: &Arc<Front>, router: Router) {
        let room = usize::try_from(front.limits.connections_max).unwrap_or(Semaphore::MAX_PERMITS);
        let room = Arc::new(Semaphore::new(room.min(Semaphore::MAX_PERMITS)));
        let mut connections = JoinSet::new();
        loop {
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                () = front.stopping() => break,
                Some(_) = connections.join_next() => continue,
            };
            let stream = match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    tracing::warn!(%error, "no connection can be taken");
                    tokio::time::sleep(FULL_PAUSE).await;
                    continue;
                }
            };
            // One too many is closed at once: its client tries elsewhere or again, and those that are served stay so.
            let Ok(permit) = Arc::clone(&room).try_acquire_owned() else {
                metrics::HTTP_REFUSED.increase();
                continue;
            };
            // Without it an answer of two writes waits for the other side's delayed acknowledgement: 40 ms.
            let _ = stream.set_nodelay(true);
            let tls = self.tls.as_ref().map(Tls::acceptor);
            connections.spawn(connection(stream, tls, permit, router.clone(), Arc::clone(front)));
        }
        drop(self.listener);
        let all = async { while connections.join_next().await.is_some() {} };
        if timeout(DRAIN, all).await.is_err() {
            tracing::warn!("answers were cut off: they took too long after the process was asked to stop");
        }
    }
}

async fn connection(
    stream: TcpStream,
    tls: Option<TlsAcceptor>,
    _room: OwnedSemaphorePermit,
    router: Router,
    front: Arc<Front>,
) {
    metrics::HTTP_CONNECTIONS.increase();
    if let Err(error) = greet(stream, tls, router, &front).await {
        tracing::debug!(%error, "a connection broke off");
    }
    metrics::HTTP_CONNECTIONS.decrease();
}

/// The first byte of a connection by TLS: a handshake.
const HANDSHAKE: u8 = 0x16;

/// Answers a connection as it begins: by TLS where that is spoken here. Whoever asks on this machine, for health, may do without.
async fn greet(
    stream: TcpStream,
    tls: Option<TlsAcceptor>,
    router: Router,
    front: &Front,
) -> Result<(), Box<dyn Error + Send + Sync>> {
    let patience = Duration::from_secs(front.limits.request_seconds_max);
    // Who is at the other end: a proxy, where there is one.
    let peer = stream.peer_addr().map(|peer| peer.ip());
    let router = Extension(Peer(peer.as_ref().map_or_else(|_| String::new(), ToString::to_string).into()))
        .layer(router);
    let Some(tls) = tls else { return answer(Patient::new(stream, patience), router, front).await };
    let mut first = [0];
    timeout(patience, stream.peek(&mut first)).await??;
    let stream = Patient::new(stream, patience);
    if first != [HANDSHAKE] && peer?.is_loopback() {
        return answer(stream, router, front).await;
    }
    let stream = timeout(patience, tls.accept(stream)).await??;
    answer(stream, router, front).await
}

async fn answer(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    router: AddExtension<Router, Peer>,
    front: &Front,
) -> Result<(), Box<dyn Error + Send + Sync>> {
    let limits = &front.limits;
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        // Also for how long a connection may be kept without a request.
        .header_read_timeout(Duration::from_secs(limits.request_seconds_max))
        .max_buf_size(usize::try_from(limits.request_head_bytes_max).unwrap_or(usize::MAX).max(8192))
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    tokio::pin!(served);
    let ended = tokio::select! {
        ended = served.as_mut() => ended,
        () = front.stopping() => {
            served.as_mut().graceful_shutdown();
            served.await
        }
    };
    Ok(ended?)
}
