//! The requests.

use super::load::{ask, connect, get, post};
use super::server::Home;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::path::Path;

/// A job that has ended, and the ways in which it is asked for.
pub(crate) struct Asks {
    scores: String,
    job: String,
    /// `GET /v1/jobs/{job}`.
    pub(crate) look: Vec<u8>,
    /// `jobs_get`.
    pub(crate) mcp_look: Vec<u8>,
    /// What a submission is answered with.
    pub(crate) submitted: Vec<u8>,
}

impl Asks {
    /// Submits a job and waits for its end.
    pub(crate) async fn new(home: &Home, address: SocketAddr) -> Self {
        let scores = home.scores().display().to_string();
        let mut stream = connect(address).await;
        let submitted = ask(&mut stream, &submission(&scores, &["ambitus"], "first")).await;
        let accepted: Value = serde_json::from_slice(&submitted).expect("a job");
        let job = accepted["id"].as_str().expect("a handle").to_owned();
        ask(&mut stream, &get(&format!("/v1/jobs/{job}?wait=30"))).await;
        let look = get(&format!("/v1/jobs/{job}"));
        let mcp_look = tool("jobs_get", &json!({ "job": job }));
        Asks { scores, job, look, mcp_look, submitted }
    }

    /// Submissions of the same score, each under a key of its own.
    pub(crate) fn submission(&self, keys: &str) -> impl Fn(u64) -> Vec<u8> + Clone + Send + 'static {
        let (scores, keys) = (self.scores.clone(), keys.to_owned());
        move |number| submission(&scores, &["ambitus"], &format!("{keys}-{number}"))
    }

    /// Reads of all kinds, by turns: seven of ten look at a job, by MCP or REST; the others list, page and catalogue.
    pub(crate) fn reads(&self) -> impl Fn(u64) -> Vec<u8> + Clone + Send + 'static {
        let job = &self.job;
        let all = [
            self.mcp_look.clone(),
            self.look.clone(),
            self.mcp_look.clone(),
            get(&format!("/v1/jobs/{job}/items")),
            self.look.clone(),
            tool("jobs_results", &json!({ "job": job })),
            self.mcp_look.clone(),
            tool("analysis_catalog", &json!({ "analyses": ["key"] })),
            self.mcp_look.clone(),
            get("/v1/jobs?limit=10"),
        ];
        move |number| all[(number % 10) as usize].clone()
    }
}

pub(crate) fn submission(source: &str, analyses: &[&str], key: &str) -> Vec<u8> {
    let body = json!({ "sources": [source], "analyses": analyses });
    post("/v1/jobs", &format!("Idempotency-Key: {key}\r\n"), &body.to_string())
}

/// A submission of a book of tunes.
pub(crate) fn long(book: &Path) -> Vec<u8> {
    submission(&book.display().to_string(), &["patterns", "harmony"], "long")
}

/// A request of MCP 2026-07-28.
pub(crate) fn mcp(method: &str, name: &str, mut params: Value) -> Vec<u8> {
    params["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {"extensions": {"io.modelcontextprotocol/tasks": {}}},
    });
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
    let name = if name.is_empty() { String::new() } else { format!("Mcp-Name: {name}\r\n") };
    let headers = format!(
        "Accept: application/json, text/event-stream\r\nMCP-Protocol-Version: 2026-07-28\r\nMcp-Method: {method}\r\n{name}"
    );
    post("/mcp", &headers, &body.to_string())
}

pub(crate) fn tool(name: &str, arguments: &Value) -> Vec<u8> {
    mcp("tools/call", name, json!({ "name": name, "arguments": arguments }))
}
