//! What the front costs: looking at a job and submitting one over HTTP, against a bare axum handler that answers the same
//! bytes, in the same run.
//!
//! `cargo run --release -p benches --bin front [-- SECONDS]`

use api::embedded::Embedded;
use api::front::Front;
use api::http::{self, Listener, Names};
use axum::Router;
use axum::http::header;
use axum::routing::{get, post};
use axum::serve::ListenerExt;
use serde_json::Value;
use shared::limits::Limits;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Connections that ask at once.
const CONNECTIONS: usize = 32;
/// Submissions at once: each waits for the disk.
const SUBMITTERS: usize = 8;

#[tokio::main]
async fn main() {
    let seconds = std::env::args().nth(1).map_or(5, |text| text.parse().expect("a number of seconds"));
    let home = std::env::temp_dir().join(format!("ripieno-front-{}", std::process::id()));
    let scores = home.join("scores");
    std::fs::create_dir_all(&scores).expect("a folder can be made");
    std::fs::write(scores.join("a.abc"), "X:1\nL:1/4\nK:C\nCDEF|\n").expect("a file can be written");

    let embedded = Embedded::open(&home.join("data"), Limits::default()).await.expect("a data folder");
    let front =
        Arc::new(Front::new(embedded.service.clone(), embedded.dispatcher.clone(), Limits::default()));
    let worker = embedded.work(&home.join("data"), 1).expect("threads");
    let listener = Listener::bind("127.0.0.1:0".parse().expect("an address"), false).await.expect("a port");
    let address = listener.address;
    let router = http::router(&front, Names::default(), None).expect("a router");
    let serving = tokio::spawn({
        let front = Arc::clone(&front);
        async move { listener.serve(&front, router).await }
    });

    let body = format!(r#"{{"sources":["{}"],"analyses":["ambitus"]}}"#, scores.display());
    let mut stream = connect(address).await;
    let job = ask(&mut stream, &submission(&body, "first")).await;
    let job: Value = serde_json::from_slice(&job).expect("a job");
    let path = format!("/v1/jobs/{}", job["id"].as_str().expect("a handle"));
    let looked = ask(&mut stream, &look(&format!("{path}?wait=30"))).await;
    let floor = floor(looked.clone(), job.to_string().into_bytes()).await;

    println!(
        "{CONNECTIONS} connections, {seconds} s each; {SUBMITTERS} submitters; answers of {} bytes",
        looked.len()
    );
    println!("{:<22} {:>10} {:>9} {:>9}", "", "requests/s", "p50 ms", "p99 ms");
    let time = Duration::from_secs(seconds);
    let bare = run("bare axum, GET", floor, CONNECTIONS, time, |_| look("/job")).await;
    let ours = run("GET job", address, CONNECTIONS, time, move |_| look(&path)).await;
    println!("{:<22} {:>10.2}", "of the floor", ours / bare);
    let submitted = move |n: u64| submission(&body, &n.to_string());
    let bare = run("bare axum, POST", floor, SUBMITTERS, time, submitted.clone()).await;
    let ours = run("POST job, durable", address, SUBMITTERS, time, submitted).await;
    println!("{:<22} {:>10.2}", "of the floor", ours / bare);

    front.stop();
    embedded.dispatcher.close();
    let _ = serving.await;
    worker.await.expect("the worker ends");
    std::fs::remove_dir_all(&home).expect("the folder can be removed");
}

/// What the answers are.
const JSON: [(header::HeaderName, &str); 1] = [(header::CONTENT_TYPE, "application/json")];

/// A server of axum alone, which answers the same bytes.
async fn floor(looked: Vec<u8>, submitted: Vec<u8>) -> SocketAddr {
    let router = Router::new()
        .route("/job", get(async move || (JSON, looked.clone())))
        .route("/v1/jobs", post(async move |_: axum::body::Bytes| (JSON, submitted.clone())));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let listener = listener.tap_io(|stream| stream.set_nodelay(true).expect("a socket"));
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

fn look(path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").into_bytes()
}

fn submission(body: &str, key: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nIdempotency-Key: {key}\r\nContent-Length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

async fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).await.expect("it listens");
    stream.set_nodelay(true).expect("a socket");
    stream
}

/// Sends a request and reads the body of its answer.
async fn ask(stream: &mut TcpStream, request: &[u8]) -> Vec<u8> {
    stream.write_all(request).await.expect("sent");
    let mut answer = Vec::with_capacity(4096);
    loop {
        assert!(stream.read_buf(&mut answer).await.expect("read") > 0, "it was closed");
        let Some(end) = answer.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&answer[..end]).to_ascii_lowercase();
        assert!(head.starts_with("http/1.1 20"), "{head}");
        let length =
            head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
        let length = length.expect("a length");
        if answer.len() >= end + 4 + length {
            return answer.split_off(end + 4);
        }
    }
}

/// Asks as often as it can be answered; says how often a second that was.
async fn run(
    name: &str,
    address: SocketAddr,
    connections: usize,
    time: Duration,
    request: impl Fn(u64) -> Vec<u8> + Clone + Send + 'static,
) -> f64 {
    let count = Arc::new(AtomicU64::new(0));
    let began = Instant::now();
    let asking = (0..connections).map(|_| {
        let (request, count) = (request.clone(), Arc::clone(&count));
        tokio::spawn(async move {
            let mut stream = connect(address).await;
            let mut times = Vec::new();
            while began.elapsed() < time {
                let request = request(count.fetch_add(1, Ordering::Relaxed));
                let asked = Instant::now();
                ask(&mut stream, &request).await;
                times.push(asked.elapsed());
            }
            times
        })
    });
    let mut times = Vec::new();
    for asked in asking.collect::<Vec<_>>() {
        times.extend(asked.await.expect("it asks"));
    }
    let seconds = began.elapsed().as_secs_f64();
    times.sort_unstable();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
    let rate = times.len() as f64 / seconds;
    println!("{name:<22} {rate:>10.0} {:>9.2} {:>9.2}", at(0.5), at(0.99));
    rate
}
