//! The server that is asked, in a process of its own so that its time is told apart; and the floor.

use api::auth::Auth;
use api::embedded::Embedded;
use api::front::Front;
use api::http::{self, Listener, Names};
use axum::Router;
use axum::http::header;
use axum::routing::{get, post};
use axum::serve::ListenerExt;
use shared::config;
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;

/// A folder of the run, with scores in it; it is removed in the end.
pub(crate) struct Home(pub(crate) PathBuf);

impl Home {
    pub(crate) fn new() -> Self {
        let home = std::env::temp_dir().join(format!("ripieno-front-{}", std::process::id()));
        let scores = home.join("scores");
        fs::create_dir_all(&scores).expect("a folder can be made");
        fs::write(scores.join("a.abc"), "X:1\nL:1/4\nK:C\nCDEF|\n").expect("a file can be written");
        Home(home)
    }

    /// A score.
    pub(crate) fn scores(&self) -> PathBuf {
        self.0.join("scores")
    }

    /// The data folder of the server.
    pub(crate) fn data(&self) -> PathBuf {
        self.0.join("data")
    }

    /// A book of tunes that takes a while.
    pub(crate) fn book(&self, tunes: usize) -> PathBuf {
        let path = self.0.join("book.abc");
        let tune = |number: usize| {
            let notes: String =
                (0..200).map(|note| char::from(b"CDEFGABc"[(note * number + note / 7) % 8])).collect();
            format!("X:{number}\nL:1/8\nM:4/4\nK:C\n{notes}|\n\n")
        };
        fs::write(&path, (1..=tunes).map(tune).collect::<String>()).expect("a file can be written");
        path
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A server with a worker of one thread beside it.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Server {
    /// Starts it with these variables.
    pub(crate) fn start(home: &Home, more: &[(&str, &str)]) -> Self {
        let program = std::env::current_exe().expect("a program knows where it is");
        let mut command = Command::new(program);
        command
            .arg("serve")
            .arg(home.data())
            .envs(more.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut child = command.spawn().expect("it starts");
        let mut line = String::new();
        let output = child.stdout.take().expect("piped");
        BufReader::new(output).read_line(&mut line).expect("it says where it listens");
        Server { child, address: line.trim().parse().expect("an address") }
    }

    pub(crate) fn process(&self) -> u32 {
        self.child.id()
    }

    /// Peak memory, in megabytes.
    pub(crate) fn peak_megabytes(&self) -> u64 {
        self.kilobytes("VmHWM:") / 1_000
    }

    /// Memory now, in kilobytes.
    pub(crate) fn resident_kilobytes(&self) -> u64 {
        self.kilobytes("VmRSS:")
    }

    fn kilobytes(&self, name: &str) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("it is in /proc");
        let value = status.lines().find_map(|line| line.strip_prefix(name)).expect("a line of it");
        value.trim().trim_end_matches(" kB").parse().expect("a number")
    }

    pub(crate) fn end(mut self) {
        drop(self.child.stdin.take());
        self.child.wait().expect("it ends");
    }
}

/// The process of the server: until its input is closed.
pub(crate) async fn serve() {
    let data = PathBuf::from(std::env::args().nth(2).expect("a data folder"));
    let limits = config::limits().expect("limits");
    let embedded = Embedded::open(&data, limits.clone()).await.expect("a data folder");
    let auth = Auth::from_environment(&embedded.ledger(), None, &limits).expect("ways to know callers");
    let front = Front::new(embedded.service.clone(), embedded.dispatcher.clone(), limits).with_auth(auth);
    let front = Arc::new(front.with_here(Some(embedded.here(&data, 1))));
    let worker = embedded.work(&data, 1).expect("threads");
    let listener = Listener::bind("127.0.0.1:0".parse().expect("an address"), false).await.expect("a port");
    let router = http::router(&front, Names::default(), None).expect("a router");
    println!("{}", listener.address);
    let serving = tokio::spawn({
        let front = Arc::clone(&front);
        async move { listener.serve(&front, router).await }
    });
    let _ = tokio::io::stdin().read_to_end(&mut Vec::new()).await;
    front.stop();
    embedded.dispatcher.close();
    let _ = serving.await;
    worker.await.expect("the worker ends");
}

/// What the answers are.
const JSON: [(header::HeaderName, &str); 1] = [(header::CONTENT_TYPE, "application/json")];

/// A server of axum alone, which answers the same bytes, in the process of whoever asks.
pub(crate) async fn floor(looked: Vec<u8>, submitted: Vec<u8>) -> SocketAddr {
    let router = Router::new()
        .route("/job", get(async move || (JSON, looked.clone())))
        .route("/v1/jobs", post(async move |_: axum::body::Bytes| (JSON, submitted.clone())));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let listener = listener.tap_io(|stream| stream.set_nodelay(true).expect("a socket"));
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}
