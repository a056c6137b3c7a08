//! A server of one's own, and requests spelled out byte by byte.

use crate::support::ripieno;
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long a test waits for anything before it gives up.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A running `ripieno serve`; it is killed when it is dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Server {
    pub(crate) fn start(data: &Path) -> Self {
        Self::start_with(data, |_| {})
    }

    /// Starts it with more in its environment.
    pub(crate) fn start_with(data: &Path, more: impl FnOnce(&mut Command)) -> Self {
        Self::start_at("127.0.0.1:0", data, more)
    }

    /// Starts it at another address.
    pub(crate) fn start_at(listen: &str, data: &Path, more: impl FnOnce(&mut Command)) -> Self {
        let mut command = ripieno(data);
        command.args(["serve", "--listen", listen]).stdout(Stdio::piped());
        command.env_remove("RIPIENO_SERVER");
        more(&mut command);
        let mut child = command.spawn().expect("the program starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("piped")).read_line(&mut line).expect("it speaks");
        let address = line.trim().strip_prefix("listening at ").and_then(|url| url.split_once("://"));
        let (_, address) = address.expect("it says where it listens");
        Server { address: address.parse().expect("an address"), child }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn signal(&self, signal: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().expect("kill").success());
    }

    /// Memory that it has, in kilobytes.
    pub(crate) fn resident_kilobytes(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("it runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a line of it");
        line.trim().trim_end_matches(" kB").parse().expect("a number")
    }

    /// Waits for its end; says the exit code.
    pub(crate) fn end(&mut self) -> i32 {
        let until = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().expect("it can be waited for") {
                return status.code().unwrap_or(-1);
            }
            assert!(Instant::now() < until, "it does not end");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).expect("it listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a time to wait");
        stream
    }

    /// Sends a request head and body as they are; reads to the end of the connection.
    pub(crate) fn raw(&self, request: &[u8]) -> Answer {
        let mut stream = self.connect();
        // A server that has heard enough may close before all is sent.
        let _ = stream.write_all(request);
        Answer::read(&mut stream)
    }

    pub(crate) fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let mut head = format!("{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n", self.address);
        for (name, value) in headers {
            head += &format!("{name}: {value}\r\n");
        }
        if !body.is_empty() {
            head += &format!("Content-Length: {}\r\n", body.len());
        }
        self.raw(format!("{head}\r\n{body}").as_bytes())
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, &[], "")
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Answer {
        self.post_with(path, &[], body)
    }

    pub(crate) fn post_with(&self, path: &str, headers: &[(&str, &str)], body: &Value) -> Answer {
        let mut all = vec![("Content-Type", "application/json")];
        all.extend(headers);
        self.ask("POST", path, &all, &body.to_string())
    }

    /// Submits a job over a folder; says its handle.
    pub(crate) fn submit(&self, folder: &Path, analyses: &[&str]) -> String {
        let body = serde_json::json!({ "sources": [folder], "analyses": analyses });
        let answer = self.post("/v1/jobs", &body);
        assert_eq!(answer.status, 202, "{}", answer.text());
        let id = answer.json()["id"].as_str().expect("a handle").to_owned();
        assert_eq!(answer.header("location"), format!("/v1/jobs/{id}"));
        id
    }

    /// Waits for the end of a job.
    pub(crate) fn wait(&self, job: &str) -> Value {
        let until = Instant::now() + PATIENCE;
        loop {
            let job = self.get(&format!("/v1/jobs/{job}?wait=20")).json();
            if job["state"] == "finished" || job["state"] == "cancelled" {
                return job;
            }
            assert!(Instant::now() < until, "it does not end: {job}");
        }
    }

    /// A metric, as the server tells it.
    pub(crate) fn metric(&self, name: &str) -> u64 {
        self.metric_if_told(name).expect("a metric")
    }

    /// A metric, if the server has a connection left to tell it by.
    pub(crate) fn metric_if_told(&self, name: &str) -> Option<u64> {
        let text = self.get("/metrics").text();
        let line = text.lines().find_map(|line| line.strip_prefix(&format!("{name} ")))?;
        Some(line.parse().expect("a number"))
    }

    /// Waits until something is so.
    pub(crate) fn until(&self, what: &str, is: impl Fn(&Self) -> bool) {
        let until = Instant::now() + PATIENCE;
        while !is(self) {
            assert!(Instant::now() < until, "it is not so in time: {what}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What was answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn read(stream: &mut TcpStream) -> Self {
        let mut bytes = Vec::new();
        // What came before the connection was reset counts.
        let _ = stream.read_to_end(&mut bytes);
        let split = bytes.windows(4).position(|window| window == b"\r\n\r\n").unwrap_or(bytes.len());
        let head = String::from_utf8_lossy(&bytes[..split]).into_owned();
        let mut lines = head.lines();
        let status = lines.next().and_then(|line| line.split(' ').nth(1)).and_then(|code| code.parse().ok());
        let headers = lines.filter_map(|line| line.split_once(": "));
        // One that stands several times has its values on a line each.
        let headers = headers.fold(BTreeMap::new(), |mut all: BTreeMap<String, String>, (name, value)| {
            let known = all.entry(name.to_ascii_lowercase());
            known.and_modify(|before| *before += &format!("\n{value}")).or_insert_with(|| value.to_owned());
            all
        });
        let body = bytes.get(split + 4..).unwrap_or_default().to_vec();
        let chunked = headers.get("transfer-encoding").is_some_and(|coding| coding == "chunked");
        let body = if chunked { unchunked(&body) } else { body };
        Answer { status: status.unwrap_or(0), headers, body }
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }
}

fn unchunked(mut rest: &[u8]) -> Vec<u8> {
    let mut whole = Vec::new();
    while let Some(end) = rest.windows(2).position(|window| window == b"\r\n") {
        let length =
            std::str::from_utf8(&rest[..end]).ok().and_then(|text| usize::from_str_radix(text, 16).ok());
        let Some(length) = length.filter(|length| *length > 0) else { break };
        let from = end + 2;
        whole.extend(rest.get(from..from + length).unwrap_or_default());
        rest = rest.get(from + length + 2..).unwrap_or_default();
    }
    whole
}
