//! Requests over connections that stay open: as many as are answered, or so many a second.

use benches::cpu_seconds_of;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// How much is asked.
#[derive(Clone, Copy)]
pub(crate) struct Load {
    pub(crate) address: SocketAddr,
    pub(crate) connections: usize,
    pub(crate) time: Duration,
    /// Requests a second; as many as are answered where none is said. One that is late counts from when it was due.
    pub(crate) rate: Option<u64>,
    /// The process whose time is told.
    pub(crate) process: Option<u32>,
}

impl Load {
    /// Asks, and says what came of it; the answers a second.
    pub(crate) async fn run(
        self,
        name: &str,
        request: impl Fn(u64) -> Vec<u8> + Clone + Send + 'static,
    ) -> f64 {
        let count = Arc::new(AtomicU64::new(0));
        let cpu = || self.process.map_or(0.0, cpu_seconds_of);
        let (began, cpu_before) = (Instant::now(), cpu());
        let asking = (0..self.connections).map(|_| {
            let (request, count) = (request.clone(), Arc::clone(&count));
            tokio::spawn(async move {
                let mut stream = connect(self.address).await;
                let mut times = Vec::new();
                loop {
                    let number = count.fetch_add(1, Ordering::Relaxed);
                    let due = match self.rate {
                        Some(rate) => began + Duration::from_secs_f64(number as f64 / rate as f64),
                        None => Instant::now(),
                    };
                    if due.duration_since(began) >= self.time {
                        return times;
                    }
                    tokio::time::sleep_until(due.into()).await;
                    ask(&mut stream, &request(number)).await;
                    times.push(due.elapsed());
                }
            })
        });
        let mut times = Vec::new();
        for asked in asking.collect::<Vec<_>>() {
            times.extend(asked.await.expect("it asks"));
        }
        let (seconds, cpu) = (began.elapsed().as_secs_f64(), cpu() - cpu_before);
        times.sort_unstable();
        let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
        let rate = times.len() as f64 / seconds;
        print!("{name:<26} {rate:>10.0} {:>8.2} {:>8.2} {:>8.2}", at(0.5), at(0.99), at(1.0));
        match self.process {
            Some(_) => println!(" {:>12.2} {:>10.0}", cpu / seconds, cpu * 1e6 / times.len() as f64),
            None => println!(),
        }
        rate
    }
}

pub(crate) fn get(path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").into_bytes()
}

pub(crate) fn post(path: &str, headers: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n{headers}Content-Length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

pub(crate) async fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).await.expect("it listens");
    stream.set_nodelay(true).expect("a socket");
    stream
}

/// The same request by whoever has a key.
pub(crate) fn by(key: &str, request: &[u8]) -> Vec<u8> {
    let end = request.windows(2).position(|window| window == b"\r\n").expect("a first line") + 2;
    let (first, rest) = request.split_at(end);
    [first, format!("Authorization: Bearer {key}\r\n").as_bytes(), rest].concat()
}

/// Sends a request and reads the body of its answer, which is a good one.
pub(crate) async fn ask(stream: &mut TcpStream, request: &[u8]) -> Vec<u8> {
    let (head, body) = exchange(stream, request).await.expect("it is answered");
    assert!(head.starts_with("http/1.1 20"), "{head} {}", String::from_utf8_lossy(&body));
    body
}

/// Sends a request and reads its answer: the head in small letters, and the body.
pub(crate) async fn exchange(stream: &mut TcpStream, request: &[u8]) -> std::io::Result<(String, Vec<u8>)> {
    stream.write_all(request).await?;
    let mut answer = Vec::with_capacity(4096);
    loop {
        if stream.read_buf(&mut answer).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        let Some(end) = answer.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&answer[..end]).to_ascii_lowercase();
        let length =
            head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
        // An answer without a length has no body: 204 and the like.
        if answer.len() >= end + 4 + length.unwrap_or(0) {
            return Ok((head, answer.split_off(end + 4)));
        }
    }
}

/// The load of the machine over the last minute.
pub(crate) fn of_machine() -> String {
    let load = std::fs::read_to_string("/proc/loadavg").expect("there is a /proc");
    load.split(' ').next().unwrap_or_default().to_owned()
}
