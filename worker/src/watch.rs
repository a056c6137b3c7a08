//! What a worker tells of itself over HTTP: `/metrics` for Prometheus, `/live` for whoever starts it again.

use shared::dispatch::{Dispatcher, Lane};
use shared::failure::{Failure, FailureKind};
use shared::metrics;
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Mutex;
use tokio::time::timeout;

/// Bytes of a request that are read; ours are short.
const REQUEST_BYTES_MAX: usize = 4096;
/// How long a request may take to come.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);
/// A worker that had work before it and did none for so long is not alive.
const IDLE_MAX: Duration = Duration::from_secs(180);

/// Answers until the process ends.
///
/// # Errors
/// `unavailable` when the address cannot be had.
pub(crate) async fn serve(address: SocketAddr, dispatcher: Dispatcher) -> Result<(), Failure> {
    let unavailable =
        |error| Failure::new(FailureKind::Unavailable, format!("{address} cannot be listened at: {error}"));
    let listener = TcpListener::bind(address).await.map_err(unavailable)?;
    let life = Mutex::new(Life { done: 0, since: Instant::now() });
    loop {
        // One after the other: those who ask are few and patient.
        if let Ok((stream, _)) = listener.accept().await {
            let _ = timeout(REQUEST_TIMEOUT, answer(stream, &dispatcher, &life)).await;
        }
    }
}

/// When work was last seen to be done.
struct Life {
    done: u64,
    since: Instant,
}

async fn answer(mut stream: TcpStream, dispatcher: &Dispatcher, life: &Mutex<Life>) -> std::io::Result<()> {
    let mut request = vec![0; REQUEST_BYTES_MAX];
    let read = stream.read(&mut request).await?;
    let line = String::from_utf8_lossy(request.get(..read).unwrap_or_default()).into_owned();
    let (status, body) = match line.split(' ').nth(1) {
        Some("/metrics") => ("200 OK", metrics::text()),
        Some("/live") if is_alive(dispatcher, life).await => ("200 OK", "alive\n".to_owned()),
        Some("/live") => ("503 Service Unavailable", "there is work, and none is done\n".to_owned()),
        _ => ("404 Not Found", "there are /metrics and /live\n".to_owned()),
    };
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/plain; version=0.0.4\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body.as_bytes()).await?;
    stream.shutdown().await
}

/// Whether chunks are done, or are in work, or there are none. A broker that is away is not the worker's fault.
async fn is_alive(dispatcher: &Dispatcher, life: &Mutex<Life>) -> bool {
    let done = metrics::CHUNKS_DONE.value() + metrics::CHUNKS_WASTED.value();
    let waiting = dispatcher.backlog(Lane::Bulk).await.unwrap_or(0);
    let mut life = life.lock().await;
    if done != life.done || waiting == 0 || metrics::CHUNKS_IN_WORK.value() > 0 {
        *life = Life { done, since: Instant::now() };
    }
    life.since.elapsed() < IDLE_MAX
}
