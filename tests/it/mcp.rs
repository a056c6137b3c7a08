//! `ripieno mcp` as an agent speaks with it, over standard input and output. What clients that others wrote make of it is
//! tested by `tests/mcp/run`.

mod questions;

use crate::support::{corpus, ripieno, tune};
use serde_json::{Value, json};
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// A client, and the server that it started.
struct Agent {
    server: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    sent: u64,
    /// Whether its client declares that it knows tasks.
    tasks: bool,
}

impl Agent {
    fn start(data: &Path) -> Self {
        let mut command = ripieno(data);
        command.args(["mcp", "--jobs", "1"]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut server = command.spawn().expect("the program starts");
        let (input, output) = (server.stdin.take().unwrap(), server.stdout.take().unwrap());
        Agent { server, input, output: BufReader::new(output), sent: 0, tasks: false }
    }

    /// A request of 2026-07-28; the answer as it came.
    fn ask(&mut self, method: &str, mut params: Value) -> Value {
        let extensions = if self.tasks { json!({ "io.modelcontextprotocol/tasks": {} }) } else { json!({}) };
        params["_meta"] = json!({
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientInfo": { "name": "tests", "version": "1" },
            "io.modelcontextprotocol/clientCapabilities": { "extensions": extensions },
        });
        self.send(method, params)
    }

    fn send(&mut self, method: &str, params: Value) -> Value {
        self.sent += 1;
        let request = json!({ "jsonrpc": "2.0", "id": self.sent, "method": method, "params": params });
        writeln!(self.input, "{request}").unwrap();
        loop {
            let mut line = String::new();
            assert!(self.output.read_line(&mut line).unwrap() > 0, "the server is gone, asked {method}");
            let answer: Value = serde_json::from_str(&line).unwrap();
            if answer["id"] == self.sent {
                return answer;
            }
        }
    }

    /// Calls a tool that shall answer; its structured content.
    fn call(&mut self, tool: &str, arguments: Value) -> Value {
        let answer = self.ask("tools/call", json!({ "name": tool, "arguments": arguments }));
        let result = &answer["result"];
        assert_eq!(result["isError"], false, "{tool} {arguments}: {answer}");
        assert!(answer.to_string().len() <= 8_000, "{tool} {arguments}: {} bytes", answer.to_string().len());
        result["structuredContent"].clone()
    }

    /// Calls a tool that shall refuse; what it says.
    fn refused(&mut self, tool: &str, arguments: Value) -> String {
        let answer = self.ask("tools/call", json!({ "name": tool, "arguments": arguments }));
        assert_eq!(answer["result"]["isError"], true, "{tool} {arguments}: {answer}");
        answer["result"]["content"][0]["text"].as_str().unwrap().to_owned()
    }

    /// Says no more and hears no more; the server ends by itself.
    fn end(self) {
        let Agent { mut server, input, output, .. } = self;
        drop((input, output));
        let until = Instant::now() + Duration::from_secs(60);
        let status = loop {
            match server.try_wait().unwrap() {
                Some(status) => break status,
                None => assert!(Instant::now() < until, "the server stays when its client is gone"),
            }
            sleep(Duration::from_millis(20));
        };
        assert!(status.success(), "{status}");
    }

    fn kill(mut self) {
        self.server.kill().unwrap();
        self.server.wait().unwrap();
    }
}

#[test]
fn an_agent_discovers_runs_and_pages_over_its_own_files() {
    let home = tempfile::tempdir().unwrap();
    let scores = home.path().join("scores");
    corpus(&scores, 60, 40);
    let mut agent = Agent::start(&home.path().join("data"));
    let found = agent.ask("server/discover", json!({}));
    assert!(found["result"]["supportedVersions"].to_string().contains("2026-07-28"), "{found}");
    let instructions = found["result"]["instructions"].as_str().unwrap();
    assert!(instructions.len() <= 1_000, "{} characters", instructions.len());

    let folder = scores.to_str().unwrap();
    let dry = json!({ "scores": [folder], "analyses": ["ambitus", "key"], "dry_run": true });
    let plan = agent.call("analysis_run", dry.clone());
    assert_eq!((&plan["items"], &plan["plan"]["cached"]["items"]), (&61.into(), &0.into()), "{plan}");
    assert!(plan["plan"]["finish_seconds"].as_f64().unwrap() > 0.0, "{plan}");
    assert_eq!(agent.call("jobs_list", json!({}))["jobs"], json!([]), "nothing was begun");
    let asked = json!({ "scores": [folder], "analyses": ["ambitus", "key"], "wait_s": 45 });
    let run = agent.call("analysis_run", asked);
    assert_eq!((&run["state"], &run["items"], &run["failed"]), (&"finished".into(), &61.into(), &1.into()));
    assert_eq!(run["failures"][0]["kind"], "malformed");
    assert_eq!(agent.call("analysis_run", dry)["plan"]["cached"]["items"], 61);
    let (mut rows, mut cursor) = (Vec::new(), json!(""));
    while !cursor.is_null() {
        let page = agent.call("jobs_results", json!({ "job": run["job"], "limit": 25, "cursor": cursor }));
        rows.extend(page["rows"].as_array().unwrap().iter().map(|row| row[0].as_str().unwrap().to_owned()));
        cursor = page["next_cursor"].clone();
    }
    assert_eq!(rows.len(), 61);
    assert!(rows.is_sorted(), "{rows:?}");
    let failed = agent.call("jobs_results", json!({ "job": run["job"], "where": ["state = failed"] }));
    assert_eq!(failed["rows"].as_array().unwrap().len(), 1);
    let cursor = agent.refused("jobs_results", json!({ "job": run["job"], "cursor": "x" }));
    assert!(cursor.contains("next_cursor"), "{cursor}");
    agent.end();
}

#[test]
fn a_handle_outlives_the_process_that_gave_it_and_a_key_is_one_job() {
    let home = tempfile::tempdir().unwrap();
    let (data, path) = (home.path().join("data"), home.path().join("book.abc"));
    let book: String = (1..=400).map(|seed| tune(seed, 60) + "\n").collect();
    fs::write(&path, book).unwrap();
    let asked = json!({
        "scores": [path.to_str().unwrap()], "analyses": ["patterns", "harmony"], "wait_s": 0, "idempotency_key": "one",
    });
    let mut agent = Agent::start(&data);
    let first = agent.call("analysis_run", asked.clone());
    agent.kill();

    let mut agent = Agent::start(&data);
    let again = agent.call("analysis_run", asked);
    assert_eq!(again["job"], first["job"], "the same key is the same job");
    let other = json!({ "scores": [path.to_str().unwrap()], "analyses": ["key"], "idempotency_key": "one" });
    assert!(agent.refused("analysis_run", other).contains("idempotency key"));
    let mut status = agent.call("jobs_get", json!({ "job": first["job"], "wait_s": 45 }));
    while status["state"] == "active" {
        status = agent.call("jobs_get", json!({ "job": first["job"], "wait_s": 45 }));
    }
    assert_eq!((&status["state"], &status["pieces"]), (&"finished".into(), &400.into()));
    assert_eq!(agent.call("jobs_list", json!({}))["jobs"].as_array().unwrap().len(), 1);
    agent.end();
}

#[test]
fn a_task_is_its_job_and_older_clients_get_none() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("book.abc");
    let book: String = (1..=10_000).map(|seed| tune(seed, 60) + "\n").collect();
    fs::write(&path, book).unwrap();
    let mut agent = Agent::start(&home.path().join("data"));
    agent.tasks = true;
    let arguments = json!({ "scores": [path.to_str().unwrap()], "analyses": ["patterns", "harmony"] });
    let answer = agent.ask("tools/call", json!({ "name": "analysis_run", "arguments": arguments }));
    assert_eq!(answer["result"]["resultType"], "task", "{answer}");
    let task = answer["result"]["taskId"].clone();
    let status = agent.call("jobs_get", json!({ "job": task }));
    assert_eq!(status["job"], task);
    let got = agent.ask("tasks/get", json!({ "taskId": task }));
    assert_eq!(got["result"]["taskId"], task, "{got}");
    let unknown = agent.ask("tasks/get", json!({ "taskId": "job-aaaaaaaaaaaaaaaa" }));
    assert_eq!(unknown["error"]["code"], -32602, "{unknown}");
    agent.tasks = false;
    let undeclared = agent.ask("tasks/get", json!({ "taskId": task }));
    assert_eq!(undeclared["error"]["code"], -32021, "{undeclared}");
    let handle =
        json!({ "scores": [path.to_str().unwrap()], "analyses": ["patterns", "harmony"], "wait_s": 0 });
    assert_eq!(agent.call("analysis_run", handle)["job"], task, "unfinished, it is the same job");
    agent.tasks = true;
    let cancelled = agent.ask("tasks/cancel", json!({ "taskId": task }));
    assert!(cancelled["error"].is_null(), "{cancelled}");
    let got = agent.ask("tasks/get", json!({ "taskId": task }));
    assert_eq!(got["result"]["status"], "cancelled", "{got}");
    agent.end();
}

#[test]
fn a_client_of_before_shakes_hands_and_is_served_the_same() {
    let home = tempfile::tempdir().unwrap();
    let mut agent = Agent::start(&home.path().join("data"));
    let hello = json!({
        "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": { "name": "tests", "version": "1" },
    });
    let answer = agent.send("initialize", hello);
    assert_eq!(answer["result"]["protocolVersion"], "2025-11-25", "{answer}");
    writeln!(agent.input, r#"{{"jsonrpc":"2.0","method":"notifications/initialized"}}"#).unwrap();
    let arguments = json!({ "name": "air.abc", "content": tune(1, 30) });
    let answer = agent.send("tools/call", json!({ "name": "scores_import", "arguments": arguments }));
    let score = &answer["result"]["structuredContent"]["scores"][0]["score"];
    assert!(score.as_str().unwrap().starts_with("score-"), "{answer}");
    let run = json!({ "scores": [score], "analyses": ["key"] });
    let answer = agent.send("tools/call", json!({ "name": "analysis_run", "arguments": run }));
    assert_eq!(answer["result"]["structuredContent"]["state"], "finished", "{answer}");
    let uri = format!("score://{}?as=musicxml", score.as_str().unwrap());
    let read = agent.send("resources/read", json!({ "uri": uri }));
    let exported = read["result"]["contents"][0]["text"].as_str().unwrap_or_else(|| panic!("{read}"));
    assert!(exported.contains("<score-partwise"), "{exported}");
    let read = agent.send("resources/read", json!({ "uri": "job://job-aaaaaaaaaaaaaaaa" }));
    assert!(read["error"]["message"].as_str().unwrap().contains("there is no job://"), "{read}");
    agent.end();
}
