//! A proxy before an S3-compatible store that does what stores do on bad days.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// What the proxy does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Mood {
    /// Passes everything on.
    Good,
    /// Every tenth request fails, and every twentieth after it was done.
    Tenth,
    /// Every request fails.
    Down,
    /// Every request waits for three seconds.
    Slow,
    /// Passes on everything but the condition of a write.
    Unconditional,
}

const MOODS: [Mood; 5] = [Mood::Good, Mood::Tenth, Mood::Down, Mood::Slow, Mood::Unconditional];

/// The proxy.
#[derive(Clone)]
pub struct Proxy {
    /// Where it listens.
    pub address: SocketAddr,
    mood: Arc<AtomicU8>,
    requests: Arc<AtomicU64>,
}

impl Proxy {
    /// A proxy before `upstream`, in a good mood.
    pub async fn start(upstream: String) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("there is a free port");
        let address = listener.local_addr().expect("it has an address");
        let proxy =
            Proxy { address, mood: Arc::new(AtomicU8::new(0)), requests: Arc::new(AtomicU64::new(0)) };
        let serving = proxy.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (proxy, upstream) = (serving.clone(), upstream.clone());
                tokio::spawn(async move { proxy.serve(client, &upstream).await });
            }
        });
        proxy
    }

    /// What it does from now on.
    pub fn set(&self, mood: Mood) {
        self.mood.store(mood as u8, Ordering::SeqCst);
    }

    /// Requests so far.
    pub fn requests(&self) -> u64 {
        self.requests.load(Ordering::SeqCst)
    }

    /// One request a connection, so that the mood holds from the next request on.
    async fn serve(&self, mut client: TcpStream, upstream: &str) -> Option<()> {
        let (read, mut write) = client.split();
        let mut read = BufReader::new(read);
        let mut head = String::new();
        let mut length = 0;
        loop {
            let mut line = String::new();
            read.read_line(&mut line).await.ok().filter(|read| *read > 0)?;
            let lower = line.to_ascii_lowercase();
            if let Some(value) = lower.strip_prefix("content-length:") {
                length = value.trim().parse().ok()?;
            }
            let mood = MOODS[usize::from(self.mood.load(Ordering::SeqCst))];
            if lower.starts_with("connection:")
                || mood == Mood::Unconditional && lower.starts_with("if-none-match:")
            {
                continue;
            }
            if line == "\r\n" {
                break;
            }
            head.push_str(&line);
        }
        let mut body = vec![0; length];
        read.read_exact(&mut body).await.ok()?;
        let number = self.requests.fetch_add(1, Ordering::SeqCst);
        let mood = MOODS[usize::from(self.mood.load(Ordering::SeqCst))];
        if mood == Mood::Slow {
            tokio::time::sleep(Duration::from_secs(3)).await;
        }
        let fails = mood == Mood::Down || mood == Mood::Tenth && number.is_multiple_of(10);
        let fails_after = mood == Mood::Tenth && number % 20 == 5;
        const FAILURE: &[u8] = b"HTTP/1.1 503 Slow Down\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        if fails {
            return write.write_all(FAILURE).await.ok();
        }
        let mut server = TcpStream::connect(upstream).await.ok()?;
        server.write_all(format!("{head}Connection: close\r\n\r\n").as_bytes()).await.ok()?;
        server.write_all(&body).await.ok()?;
        let mut answer = Vec::new();
        server.read_to_end(&mut answer).await.ok()?;
        write.write_all(if fails_after { FAILURE } else { &answer }).await.ok()
    }
}
