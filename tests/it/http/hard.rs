//! Clients that are slow, large, many, or gone; and a server that is killed.

use super::server::{PATIENCE, Server};
use crate::auth::keys::key;
use crate::support::corpus;
use serde_json::json;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Connections of one test, unless `RIPIENO_TEST_CONNECTIONS` says otherwise.
const CONNECTIONS: usize = 200;
/// Held by whoever has so many: there are files for one of them in this process.
static MANY: Mutex<()> = Mutex::new(());

#[test]
fn bodies_and_heads_over_the_limit_are_refused() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start_with(home.path(), |command| {
        command.env("RIPIENO_REQUEST_BYTES_MAX", "1000");
    });
    let sources = |bytes: usize| json!({ "sources": ["x".repeat(bytes)] });
    let large = server.post("/v1/jobs", &sources(2000));
    assert!(large.status == 413 && large.text().contains("request_bytes_max = 1000"), "{large:?}");
    assert_eq!(server.post("/v1/jobs", &sources(20)).status, 404, "a small one is read");
    // One that does not say its length is counted as it comes.
    let chunk = format!("7d0\r\n{}\r\n0\r\n\r\n", "x".repeat(2000));
    let chunked = [("Content-Type", "application/json"), ("Transfer-Encoding", "chunked")];
    let head = chunked.iter().fold(String::new(), |head, (name, value)| head + name + ": " + value + "\r\n");
    let host = server.address;
    let request = format!("POST /v1/jobs HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{head}\r\n{chunk}");
    assert_eq!(server.raw(request.as_bytes()).status, 413);
    let long = format!("GET /v1/jobs HTTP/1.1\r\nHost: {host}\r\nX-Long: {}\r\n\r\n", "x".repeat(100_000));
    assert_eq!(server.raw(long.as_bytes()).status, 431);
    assert_eq!(server.get("/health/live").status, 200);
}

#[test]
fn slow_clients_are_sent_away_and_keep_nobody_waiting() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start_with(home.path(), |command| {
        command.env("RIPIENO_REQUEST_SECONDS_MAX", "2");
    });
    let began = Instant::now();
    let slow = |head: String| {
        let mut stream = server.connect();
        stream.write_all(head.as_bytes()).unwrap();
        stream
    };
    let host = server.address;
    // A head that does not end, a body that does not come, a connection without a request.
    let mut streams = [
        slow(format!("GET /v1/jobs HTTP/1.1\r\nHost: {host}\r\nX-Slow: ")),
        slow(format!(
            "POST /v1/jobs HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n{{"
        )),
        slow(String::new()),
    ];
    assert_eq!(server.get("/v1/jobs").status, 200, "others are answered meanwhile");
    let mut answers = streams.iter_mut().map(|stream| {
        let mut text = String::new();
        let _ = stream.read_to_string(&mut text);
        text
    });
    let head = answers.next().unwrap();
    assert!(head.is_empty() || head.starts_with("HTTP/1.1 408"), "{head}");
    let body = answers.next().unwrap();
    assert!(body.starts_with("HTTP/1.1 408") && body.contains("request_seconds_max = 2"), "{body}");
    assert_eq!(answers.next().unwrap(), "");
    assert!(began.elapsed() < PATIENCE, "each was sent away");
}

#[test]
fn who_asks_and_does_not_read_is_given_up() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start_with(home.path(), |command| {
        command.env("RIPIENO_REQUEST_SECONDS_MAX", "2");
    });
    let mut stream = server.connect();
    // Some thirty megabytes of answers: more than both sides' sockets hold.
    let request = format!("GET /openapi.json HTTP/1.1\r\nHost: {}\r\n\r\n", server.address);
    stream.write_all(request.repeat(500).as_bytes()).unwrap();
    let mut read = stream.read(&mut [0; 1000]).unwrap();
    server.until("it is given up", |server| server.metric("ripieno_http_connections") == 1);
    let mut piece = vec![0; 1 << 20];
    while let Ok(bytes @ 1..) = stream.read(&mut piece) {
        read += bytes;
    }
    let all = 500 * server.get("/openapi.json").body.len();
    assert!(read < all, "{read} of {all} bytes were told");
}

#[test]
fn who_goes_while_waiting_is_forgotten_and_the_job_goes_on() {
    let home = tempfile::tempdir().unwrap();
    let scores = home.path().join("scores");
    corpus(&scores, 1_200, 900);
    let server = Server::start(&home.path().join("data"));
    let id = server.submit(&scores, &["patterns", "key"]);
    assert_eq!(server.post(&format!("/v1/jobs/{id}/pause"), &json!({})).status, 200);
    let waiting = |path: String| {
        let mut stream = server.connect();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: {}\r\n\r\n", server.address).unwrap();
        stream
    };
    let streams = [waiting(format!("/v1/jobs/{id}?wait=60")), waiting(format!("/v1/jobs/{id}/events"))];
    server.until("two wait", |server| server.metric("ripieno_http_waiting") == 2);
    drop(streams);
    server.until("nobody waits", |server| server.metric("ripieno_http_waiting") == 0);
    assert_eq!(server.get(&format!("/v1/jobs/{id}")).json()["state"], "paused");
    server.post(&format!("/v1/jobs/{id}/resume"), &json!({}));
    assert_eq!(server.wait(&id)["done"], json!(1201));
}

#[test]
fn idle_connections_are_bounded_and_the_served_stay_served() {
    let _many = MANY.lock().unwrap_or_else(PoisonError::into_inner);
    let many = shared::config::var("RIPIENO_TEST_CONNECTIONS");
    let many = many.map_or(CONNECTIONS, |text| text.parse().expect("a number of connections"));
    let home = tempfile::tempdir().unwrap();
    let server = Server::start_with(home.path(), |command| {
        command.env("RIPIENO_CONNECTIONS_MAX", (many + 1).to_string());
        // None is sent away for its silence, however slow the machine is.
        command.env("RIPIENO_REQUEST_SECONDS_MAX", "3600");
    });
    let mut idle: Vec<TcpStream> = (0..many).map(|_| server.connect()).collect();
    // The last place is that of whoever asks. Who asked before may not be gone yet: then there is no place to ask from.
    let all = Some(many as u64 + 1);
    server.until("all are there", |server| server.metric_if_told("ripieno_http_connections") == all);
    // There is a place for one at most, and for none while whoever asked is still there: the others are closed at
    // once, and which they are is not said.
    let late: Vec<TcpStream> = (0..3).map(|_| server.connect()).collect();
    for stream in &late {
        stream.set_nonblocking(true).unwrap();
    }
    let closed = |mut stream: &TcpStream| match stream.read(&mut [0; 1]) {
        Ok(bytes) => bytes == 0,
        Err(error) => error.kind() != ErrorKind::WouldBlock,
    };
    server.until("there is a place for one", |_| late.iter().filter(|stream| closed(stream)).count() >= 2);
    drop(late);
    server.until("they are counted", |server| {
        server.metric_if_told("ripieno_http_refused_total").is_some_and(|refused| refused >= 2)
    });
    // The idle ones are served whenever they ask.
    for stream in idle.iter_mut().take(20) {
        write!(stream, "GET /health/live HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", server.address)
            .unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        assert!(text.starts_with("HTTP/1.1 200"), "{text}");
    }
}

#[test]
fn many_clients_with_keys_are_answered_in_bounded_memory() {
    let _many = MANY.lock().unwrap_or_else(PoisonError::into_inner);
    let many = shared::config::var("RIPIENO_TEST_CONNECTIONS");
    let many: usize = many.map_or(CONNECTIONS, |text| text.parse().expect("a number of connections"));
    let home = tempfile::tempdir().unwrap();
    let server = Server::start_with(home.path(), |command| {
        command.env("RIPIENO_AUTH", "keys").env("RIPIENO_CONNECTIONS_MAX", (many + 10).to_string());
        command.env("RIPIENO_TENANT_REQUESTS_PER_SECOND_MAX", "100000");
        command.env("RIPIENO_REQUEST_SECONDS_MAX", "3600");
    });
    let keys: Vec<String> =
        (0..8).map(|number| key(home.path(), &format!("uni-{number}"), "viewer", &[])).collect();
    let call = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": { "_meta": {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {},
    } } });
    let call = call.to_string();
    let before = server.resident_kilobytes();
    let mut clients: Vec<TcpStream> = (0..many).map(|_| server.connect()).collect();
    // By turns REST and MCP, all of them at once, three times over the same connections.
    for turn in 0..3 {
        for (number, client) in clients.iter_mut().enumerate() {
            let head = format!("Host: {}\r\nAuthorization: Bearer {}\r\n", server.address, keys[number % 8]);
            let request = match (number + turn) % 2 {
                0 => format!("GET /v1/jobs HTTP/1.1\r\n{head}\r\n"),
                _ => format!(
                    "POST /mcp HTTP/1.1\r\n{head}Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\n\
                     MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: tools/list\r\nContent-Length: {}\r\n\r\n{call}",
                    call.len()
                ),
            };
            client.write_all(request.as_bytes()).unwrap();
        }
        for (number, client) in clients.iter_mut().enumerate() {
            let answer = whole_answer(client);
            assert!(answer.starts_with("HTTP/1.1 200"), "client {number}: {answer}");
            let expected = if (number + turn) % 2 == 0 { "\"jobs\":[]" } else { "analysis_run" };
            assert!(answer.contains(expected), "client {number}: {answer}");
        }
    }
    let each = server.resident_kilobytes().saturating_sub(before) / many as u64;
    // Without a bound each would keep the largest answer that it had, some 13 kB, and more.
    assert!(each < 100 || many < 1000, "a client costs {each} kB");
}

/// The next answer of a connection, which says its length.
fn whole_answer(stream: &mut TcpStream) -> String {
    let (mut bytes, mut piece) = (Vec::new(), [0; 32 << 10]);
    loop {
        let text = String::from_utf8_lossy(&bytes);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            if length.and_then(|text| text.parse().ok()).is_some_and(|length: usize| body.len() >= length) {
                return text.into_owned();
            }
        }
        let read = stream.read(&mut piece).unwrap();
        assert!(read > 0, "it ended: {text}");
        bytes.extend_from_slice(&piece[..read]);
    }
}

#[test]
fn a_job_is_there_after_a_kill_of_whoever_accepted_it() {
    let home = tempfile::tempdir().unwrap();
    let (scores, data) = (home.path().join("scores"), home.path().join("data"));
    corpus(&scores, 300, 300);
    let mut ids = Vec::new();
    for round in 0..3 {
        let mut server = Server::start(&data);
        let body = json!({ "sources": [scores], "analyses": ["ambitus"] });
        let answer = server.post_with("/v1/jobs", &[("Idempotency-Key", &format!("round-{round}"))], &body);
        assert_eq!(answer.status, 202, "{}", answer.text());
        server.signal("-KILL");
        server.end();
        ids.push(answer.json()["id"].as_str().unwrap().to_owned());
    }
    let server = Server::start(&data);
    for (round, id) in ids.iter().enumerate() {
        assert_eq!(server.wait(id)["done"], json!(301));
        let body = json!({ "sources": [scores], "analyses": ["ambitus"] });
        let again = server.post_with("/v1/jobs", &[("Idempotency-Key", &format!("round-{round}"))], &body);
        assert_eq!((again.status, again.json()["id"].as_str()), (200, Some(id.as_str())));
    }
    assert_eq!(server.get("/v1/jobs").json()["jobs"].as_array().unwrap().len(), 3);
}

#[test]
fn asked_to_stop_it_answers_who_waits_and_ends() {
    let home = tempfile::tempdir().unwrap();
    let (scores, data) = (home.path().join("scores"), home.path().join("data"));
    corpus(&scores, 2_500, 900);
    let mut server = Server::start(&data);
    let id = server.submit(&scores, &["patterns", "key"]);
    let mut stream = server.connect();
    write!(stream, "GET /v1/jobs/{id}?wait=60 HTTP/1.1\r\nHost: {}\r\n\r\n", server.address).unwrap();
    server.until("one waits", |server| server.metric("ripieno_http_waiting") == 1);
    let began = Instant::now();
    server.signal("-TERM");
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    assert!(text.starts_with("HTTP/1.1 200") && text.contains(&id), "{text}");
    assert_eq!(server.end(), 0);
    assert!(began.elapsed() < PATIENCE.min(Duration::from_secs(50)), "well before the wait was over");
    // What it did not do, the next one does.
    let server = Server::start(&data);
    assert_eq!(server.get(&format!("/v1/jobs/{id}")).json()["state"], "active");
    assert_eq!(server.post(&format!("/v1/jobs/{id}/cancel"), &json!({})).json()["state"], "cancelled");
}
