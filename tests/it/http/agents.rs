//! Agents that speak MCP to three fronts through a proxy, and one of the fronts is killed amid their work.

use super::proxy::Proxy;
use super::server::{Answer, PATIENCE, Server};
use crate::support::{Cluster, broker, tune};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Jobs, each asked for by two agents under one key.
const JOBS: usize = 200;
/// Pairs of agents.
const PAIRS: usize = 4;
/// How often a call is made again whose connection broke.
const TRIES_MAX: usize = 20;

/// A call of a tool in 2026-07-28; nothing where the connection broke before the answer was whole.
fn call_once(address: SocketAddr, tool: &str, arguments: &Value) -> Option<Value> {
    let params = json!({
        "name": tool,
        "arguments": arguments,
        "_meta": {
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {},
        },
    });
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params }).to_string();
    let head = format!(
        "POST /mcp HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Type: application/json\r\n\
         Accept: application/json, text/event-stream\r\nMCP-Protocol-Version: 2026-07-28\r\n\
         Mcp-Method: tools/call\r\nMcp-Name: {tool}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    let mut stream = TcpStream::connect(address).expect("the proxy listens");
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all((head + &body).as_bytes()).ok()?;
    let answer = Answer::read(&mut stream);
    let whole: Value = serde_json::from_slice(&answer.body).ok()?;
    assert_eq!(answer.status, 200, "{tool} {arguments}: {}", answer.text());
    Some(whole)
}

/// Calls as a client does that does not give up; what is answered, and how often the connection broke before.
fn call(address: SocketAddr, tool: &str, arguments: &Value) -> (Value, usize) {
    for broken in 0..TRIES_MAX {
        let Some(answer) = call_once(address, tool, arguments) else { continue };
        let result = &answer["result"];
        assert_eq!(result["isError"], false, "{tool} {arguments}: {answer}");
        return (result["structuredContent"].clone(), broken);
    }
    panic!("{tool} {arguments} is never answered");
}

#[test]
fn of_two_hundred_jobs_none_is_lost_or_doubled_when_a_front_is_killed() {
    let Some(uri) = broker() else {
        println!("skipped: no broker (tests/run starts one)");
        return;
    };
    let home = tempfile::tempdir().unwrap();
    let cluster = Cluster::new(&uri, home.path(), "agents");
    let fronts: Vec<Server> = (0..3).map(|_| cluster.front()).collect();
    let _worker = cluster.worker();
    let proxy = Proxy::before(fronts.iter().map(|front| front.address).collect());
    let at = proxy.address;
    let import = json!({ "name": "air.abc", "content": tune(1, 30) });
    let score = call(at, "scores_import", &import).0["scores"][0]["score"].clone();

    let (asked, broken) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let answered: Mutex<BTreeMap<usize, BTreeSet<String>>> = Mutex::default();
    std::thread::scope(|scope| {
        for agent in 0..2 * PAIRS {
            let (score, fronts, asked, broken, answered) = (&score, &fronts, &asked, &broken, &answered);
            scope.spawn(move || {
                for number in (agent / 2..JOBS).step_by(PAIRS) {
                    if asked.fetch_add(1, Ordering::Relaxed) == JOBS {
                        fronts[0].signal("-KILL");
                    }
                    let job = json!({
                        "scores": [score], "analyses": ["ambitus"], "wait_s": 0, "idempotency_key": format!("k{number}"),
                    });
                    let (told, times) = call(at, "analysis_run", &job);
                    broken.fetch_add(times, Ordering::Relaxed);
                    let id = told["job"].as_str().unwrap().to_owned();
                    answered.lock().unwrap().entry(number).or_default().insert(id);
                }
            });
        }
    });
    let answered = answered.into_inner().unwrap();
    assert_eq!(answered.len(), JOBS);
    assert!(answered.values().all(|ids| ids.len() == 1), "one key is one job: {answered:?}");
    let ids: BTreeSet<String> = answered.into_values().flatten().collect();
    assert_eq!(ids.len(), JOBS, "another key is another job");

    for id in &ids {
        let until = std::time::Instant::now() + 3 * PATIENCE;
        loop {
            let job = call(at, "jobs_get", &json!({ "job": id, "wait_s": 20 })).0;
            if job["state"] == "finished" {
                assert_eq!((&job["done"], job["failed"].as_u64().unwrap_or(0)), (&json!(1), 0), "{job}");
                break;
            }
            assert!(std::time::Instant::now() < until, "it does not end: {job}");
        }
    }
    let (mut listed, mut cursor) = (Vec::new(), json!(""));
    while !cursor.is_null() {
        let page = call(at, "jobs_list", &json!({ "limit": 50, "cursor": cursor })).0;
        listed.extend(
            page["jobs"].as_array().unwrap().iter().map(|job| job["job"].as_str().unwrap().to_owned()),
        );
        cursor = page["next_cursor"].clone();
    }
    assert_eq!(listed.len(), JOBS, "the list has each once");
    assert_eq!(listed.into_iter().collect::<BTreeSet<_>>(), ids);
    let given = proxy.given();
    println!("connections of each front {given:?}, broken {}", broken.into_inner());
    assert!(given.iter().all(|count| *count >= JOBS / 4), "each front had its share: {given:?}");
    drop(fronts);
}
