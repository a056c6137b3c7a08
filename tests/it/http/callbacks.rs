//! Who is to be told of the end of a job is told, until it takes it; and nobody is called who may not be.

use super::server::{PATIENCE, Server};
use crate::support::corpus;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// A receiver that answers with each status in turn, and tells what it was sent.
fn receiver(answers: &'static [&'static str]) -> (String, Receiver<(Vec<String>, String)>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/hook?token=secret", listener.local_addr().unwrap());
    let (send, receive) = channel();
    std::thread::spawn(move || {
        for answer in answers {
            let (stream, _) = listener.accept().unwrap();
            let mut reader = BufReader::new(stream);
            let mut head = Vec::new();
            loop {
                let mut line = String::new();
                reader.read_line(&mut line).unwrap();
                if line.trim().is_empty() {
                    break;
                }
                head.push(line.trim().to_ascii_lowercase());
            }
            let length = head.iter().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
            let mut body = vec![0; length.parse().unwrap()];
            reader.read_exact(&mut body).unwrap();
            write!(reader.get_mut(), "HTTP/1.1 {answer}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                .unwrap();
            send.send((head, String::from_utf8(body).unwrap())).unwrap();
        }
    });
    (url, receive)
}

fn header<'a>(head: &'a [String], name: &str) -> &'a str {
    head.iter().find_map(|line| line.strip_prefix(&format!("{name}: "))).unwrap()
}

#[test]
fn the_end_of_a_job_is_told_again_until_it_is_taken() {
    let home = tempfile::tempdir().unwrap();
    let (scores, data) = (home.path().join("scores"), home.path().join("data"));
    corpus(&scores, 4, 40);
    let start = || {
        Server::start_with(&data, |command| {
            command.env("RIPIENO_CALLBACK_SECRET", SECRET).env("RIPIENO_CALLBACK_PRIVATE", "yes");
        })
    };
    let mut server = start();
    let (url, told) = receiver(&["503 Busy", "302 Found\r\nLocation: http://169.254.169.254/", "204 Taken"]);
    let job = server.post("/v1/jobs", &json!({ "sources": [scores], "analyses": ["key"], "callback": url }));
    assert_eq!(job.status, 202, "{}", job.text());
    let id = job.json()["id"].as_str().unwrap().to_owned();
    let first = told.recv_timeout(PATIENCE).unwrap();
    // What is owed outlives whoever owes it.
    server.signal("-KILL");
    server.end();
    let server = start();
    let second = told.recv_timeout(PATIENCE).unwrap();
    let third = told.recv_timeout(PATIENCE).unwrap();
    for (head, body) in [&first, &second, &third] {
        let body: Value = serde_json::from_str(body).unwrap();
        assert_eq!((&body["type"], &body["data"]["id"]), (&json!("job.finished"), &json!(id)));
        assert_eq!(header(head, "webhook-id"), format!("msg_{id}"), "the same each time");
        assert!(header(head, "webhook-signature").starts_with("v1,"));
        assert!(header(head, "webhook-timestamp").parse::<u64>().is_ok());
    }
    server.until("it is told", |server| server.metric("ripieno_callbacks_done_total") == 1);
}

#[test]
fn private_addresses_and_servers_without_a_secret_refuse_callbacks() {
    let home = tempfile::tempdir().unwrap();
    let scores = home.path().join("scores");
    corpus(&scores, 1, 10);
    let ask = |server: &Server, url: &str| {
        server.post("/v1/jobs", &json!({ "sources": [scores], "analyses": ["key"], "callback": url }))
    };
    let plain = Server::start(&home.path().join("a"));
    let answer = ask(&plain, "https://hooks.example/x");
    assert!(answer.status == 422 && answer.text().contains("RIPIENO_CALLBACK_SECRET"), "{}", answer.text());
    let signing = Server::start_with(&home.path().join("b"), |command| {
        command.env("RIPIENO_CALLBACK_SECRET", SECRET);
    });
    for url in [
        "https://127.0.0.1/x",
        "https://169.254.169.254/latest",
        "https://[::1]/",
        "http://hooks.example/",
        "x",
    ] {
        let answer = ask(&signing, url);
        assert!(answer.status == 422 && answer.text().contains("callback: "), "{url}: {}", answer.text());
    }
    assert_eq!(signing.get("/v1/jobs").json()["jobs"], json!([]));
}
