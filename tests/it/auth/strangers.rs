//! What a tenant learns of another's jobs, scores and schedules: nothing. The answer about one is that about one that does not
//! exist, to the byte.

use super::keys::{ask, key, mcp, mcp_with};
use crate::http::server::{Answer, PATIENCE, Server};
use crate::support::corpus;
use api::auth::table::OPERATIONS;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::path::Path;

/// Calls on another tenant's names, each beside one on a name that nobody has, unless `RIPIENO_TEST_STRANGERS` says otherwise.
const CALLS: usize = 600;
/// What the calls are drawn from, unless `RIPIENO_TEST_SEED` says otherwise.
const SEED: u64 = 0x9e37_79b9_7f4a_7c15;

/// Numbers without pattern.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % sides as u64).unwrap()
    }

    fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.roll(all.len())]
    }

    fn letter(&mut self) -> char {
        char::from(self.of(b"abcdefghijkmnpqrstuvwxyz23456789"))
    }

    /// A name of the same kind that nobody has: another altogether, or one with another letter.
    fn unknown(&mut self, theirs: &str) -> String {
        let Some((kind, letters)) = theirs.split_once('-') else { return format!("x{}", self.0) };
        if kind == "uni" {
            return format!("uni-{}", self.0);
        }
        if self.roll(2) == 0 {
            return format!("{kind}-{}", (0..16).map(|_| self.letter()).collect::<String>());
        }
        let (at, before) = (self.roll(16), letters.as_bytes());
        let other = loop {
            let letter = self.letter();
            if letter != char::from(before[at]) {
                break letter;
            }
        };
        format!("{kind}-{}{other}{}", &letters[..at], &letters[at + 1..])
    }

    /// Headers that make no difference, or had better make none.
    fn headers(&mut self) -> Vec<(&'static str, &'static str)> {
        const HEADERS: [(&str, &str); 16] = [
            ("X-Tenant", "uni-b"),
            ("X-Forwarded-User", "uni-b"),
            ("X-Forwarded-For", "127.0.0.1"),
            ("X-Original-URL", "/v1/jobs"),
            ("X-HTTP-Method-Override", "GET"),
            ("If-None-Match", "*"),
            ("If-None-Match", "\"a\""),
            ("If-Match", "*"),
            ("If-Range", "\"a\""),
            ("Range", "bytes=0-9"),
            ("Last-Event-ID", "0.1"),
            ("Idempotency-Key", "night-1"),
            ("Prefer", "wait=0"),
            ("Cookie", "ripieno=x; tenant=uni-b"),
            ("Accept-Encoding", "gzip"),
            ("Tus-Resumable", "1.0.0"),
        ];
        (0..self.roll(4)).map(|_| self.of(&HEADERS)).collect()
    }
}

/// What tenant B has.
struct Theirs {
    jobs: Vec<String>,
    scores: Vec<String>,
    schedules: Vec<String>,
    uploads: Vec<String>,
    tenants: Vec<String>,
}

fn furnish(server: &Server, key: &str, scores: &Path) -> Theirs {
    let job = json!({ "sources": [scores], "analyses": ["key", "ambitus"] }).to_string();
    let (mut jobs, mut imported, mut schedules) = (Vec::new(), Vec::new(), Vec::new());
    let mut uploads = Vec::new();
    for index in 0..3 {
        let answer = ask(server, key, "POST", "/v1/jobs", &job);
        assert!(answer.status < 300, "{}", answer.text());
        jobs.push(answer.json()["id"].as_str().unwrap().to_owned());
        let last = jobs.last().unwrap();
        assert_eq!(
            ask(server, key, "GET", &format!("/v1/jobs/{last}?wait=60"), "").json()["state"],
            "finished"
        );
        let content =
            format!("X:1\nT:Secret air {index}\nM:4/4\nL:1/8\nK:G\nGABc d{}d2|", "e".repeat(index + 1));
        let arguments = json!({ "name": "s.abc", "content": content, "corpus": "secrets" });
        let answer =
            mcp(server, key, "tools/call", json!({ "name": "scores_import", "arguments": arguments }));
        let score =
            answer.json()["result"]["structuredContent"]["scores"][0]["score"].as_str().unwrap().to_owned();
        imported.push(score);
        let schedule =
            json!({ "name": format!("secret{index}"), "cron": "0 2 * * *", "job": { "sources": [scores] } });
        assert_eq!(ask(server, key, "POST", "/v1/schedules", &schedule.to_string()).status, 201);
        schedules.push(format!("secret{index}"));
        let bearer = format!("Bearer {key}");
        let headers = [("Authorization", bearer.as_str()), ("Upload-Length", "100")];
        let begun = server.ask("POST", "/v1/uploads", &headers, "");
        uploads.push(begun.header("location").rsplit('/').next().unwrap().to_owned());
        assert!(uploads[index].starts_with("upload-"), "{}", begun.text());
    }
    Theirs { jobs, scores: imported, schedules, uploads, tenants: vec!["uni-b".to_owned()] }
}

/// Status, headers and body.
type Plain = (u16, BTreeMap<String, String>, String);

/// An answer without what differs from one request to the next, and with the name taken out.
fn plain(answer: &Answer, name: &str) -> Plain {
    let mut headers = answer.headers.clone();
    headers.retain(|header, _| !["date", "x-request-id", "content-length"].contains(&header.as_str()));
    (answer.status, headers, answer.text().replace(name, "NAME"))
}

/// A request: its operation, the other tenant's name in it, and how it is asked.
struct Call {
    operation: String,
    name: String,
    ask: Ask,
}

enum Ask {
    Rest {
        method: &'static str,
        path: String,
        body: &'static str,
    },
    Mcp {
        method: &'static str,
        params: Value,
    },
    /// What a listener is told first.
    Listen,
}

/// Every operation of REST that is of something that has a name, by what it is of.
const OF_JOBS: [[&str; 4]; 14] = [
    ["get_job", "GET", "/v1/jobs/NAME", ""],
    ["job_events", "GET", "/v1/jobs/NAME/events", ""],
    ["job_items", "GET", "/v1/jobs/NAME/items", ""],
    ["job_failures", "GET", "/v1/jobs/NAME/failures", ""],
    ["job_results", "GET", "/v1/jobs/NAME/results", ""],
    ["get_job", "HEAD", "/v1/jobs/NAME", ""],
    ["job_results", "HEAD", "/v1/jobs/NAME/results", ""],
    ["cancel_job", "POST", "/v1/jobs/NAME/cancel", ""],
    ["pause_job", "POST", "/v1/jobs/NAME/pause", ""],
    ["resume_job", "POST", "/v1/jobs/NAME/resume", ""],
    ["retry_job", "POST", "/v1/jobs/NAME/retry", ""],
    ["prioritise_job", "POST", "/v1/jobs/NAME/prioritise", r#"{"lane":"interactive"}"#],
    ["prioritise_job", "POST", "/v1/jobs/NAME/prioritise", r#"{"lane":"bulk"}"#],
    ["job_similar", "GET", "/v1/jobs/NAME/similar", ""],
];
const OF_SCORES: [[&str; 4]; 6] = [
    ["get_score", "GET", "/v1/scores/NAME", ""],
    ["score_content", "GET", "/v1/scores/NAME/content", ""],
    ["delete_score", "DELETE", "/v1/scores/NAME", ""],
    ["submit_job", "POST", "/v1/jobs", r#"{"scores":["NAME"],"analyses":["key"]}"#],
    ["plan_job", "POST", "/v1/plans", r#"{"scores":["NAME"],"analyses":["key"]}"#],
    ["plan_job", "POST", "/v1/plans", r#"{"scores":["NAME"],"analyses":["ambitus","chords"]}"#],
];
const OF_UPLOADS: [[&str; 4]; 4] = [
    ["get_upload", "GET", "/v1/uploads/NAME", ""],
    ["upload_offset", "HEAD", "/v1/uploads/NAME", ""],
    ["append_upload", "PATCH", "/v1/uploads/NAME", "more"],
    ["give_up_upload", "DELETE", "/v1/uploads/NAME", ""],
];
const OF_SCHEDULES: [[&str; 4]; 6] = [
    ["get_schedule", "GET", "/v1/schedules/NAME", ""],
    ["schedule_history", "GET", "/v1/schedules/NAME/history", ""],
    ["pause_schedule", "POST", "/v1/schedules/NAME/pause", ""],
    ["resume_schedule", "POST", "/v1/schedules/NAME/resume", ""],
    ["run_schedule", "POST", "/v1/schedules/NAME/run", ""],
    ["remove_schedule", "DELETE", "/v1/schedules/NAME", ""],
];
const OF_TENANTS: [[&str; 4]; 4] = [
    ["get_tenant", "GET", "/v1/tenants/NAME", ""],
    ["get_tenant_usage", "GET", "/v1/tenants/NAME/usage", ""],
    ["set_quota", "PUT", "/v1/tenants/NAME/quota", r#"{"jobs":1}"#],
    ["set_retention", "PUT", "/v1/tenants/NAME/retention", r#"{"days":1}"#],
];
/// What is of nothing that has a name, or makes one.
const OF_NOTHING: [&str; 32] = [
    "openapi",
    "list_analyses",
    "get_analysis",
    "list_formats",
    "list_jobs",
    "search_scores",
    "list_corpora",
    "send_score",
    "import_score",
    "upload_options",
    "begin_upload",
    "list_schedules",
    "add_schedule",
    "get_usage",
    "list_tenants",
    "initialize",
    "ping",
    "server/discover",
    "notifications/initialized",
    "notifications/cancelled",
    "notifications/roots/list_changed",
    "notifications/progress",
    "logging/setLevel",
    "tools/list",
    "prompts/list",
    "prompts/get",
    "resources/templates/list",
    "resources/list",
    "tools/call scores_search",
    "tools/call scores_import",
    "tools/call analysis_catalog",
    "tools/call jobs_list",
];

fn by_rest(dice: &mut Dice, theirs: &Theirs) -> Call {
    let (all, [operation, method, path, body]) = match dice.roll(7) {
        0..3 => (&theirs.jobs, dice.of(&OF_JOBS)),
        3 => (&theirs.scores, dice.of(&OF_SCORES)),
        4 => (&theirs.uploads, dice.of(&OF_UPLOADS)),
        5 => (&theirs.tenants, dice.of(&OF_TENANTS)),
        _ => (&theirs.schedules, dice.of(&OF_SCHEDULES)),
    };
    // Parameters, of which some are another operation's, or nobody's.
    let number = dice.roll(1_002);
    let (limit, number) = (format!("limit={number}"), format!("{}.{}", dice.roll(3), dice.roll(9)));
    let cursor = format!("cursor={number}");
    let all_parameters = [
        "wait=0",
        "wait=1",
        &limit,
        &cursor,
        "cursor=x",
        "format=csv",
        "format=parquet",
        "format=jsonl",
        "format=failures",
        "format=x",
        "as=midi",
        "as=musicxml&piece=0",
        "tenant=uni-b",
        "threshold=0.5",
        "top=3",
    ];
    let parameters: Vec<&str> = (0..dice.roll(3)).map(|_| dice.of(&all_parameters)).collect();
    let mark = if parameters.is_empty() { "" } else { "?" };
    let path = format!("{path}{mark}{}", parameters.join("&"));
    let name = all[dice.roll(all.len())].clone();
    Call { operation: operation.to_owned(), name, ask: Ask::Rest { method, path, body } }
}

fn by_mcp(dice: &mut Dice, theirs: &Theirs) -> Call {
    let call = |tool: &str, arguments: Value| ("tools/call", json!({ "name": tool, "arguments": arguments }));
    let about = |uri: &str| json!({ "uri": uri });
    let completed = |argument: &str, uri: &str| {
        let of = json!({ "type": "ref/resource", "uri": uri });
        ("completion/complete", json!({ "ref": of, "argument": { "name": argument, "value": "NAME" } }))
    };
    let of_score = dice.roll(3) == 0;
    let all = if of_score { &theirs.scores } else { &theirs.jobs };
    let name = all[dice.roll(all.len())].clone();
    let (method, params) = match (of_score, dice.roll(if of_score { 6 } else { 13 })) {
        (true, 0) => ("resources/read", about("score://NAME")),
        (true, 1) => call("jobs_cancel", json!({ "score": "NAME" })),
        (true, 2) => call("analysis_run", json!({ "scores": ["NAME"], "analyses": ["key"] })),
        (true, 3) => {
            call("analysis_run", json!({ "scores": ["NAME"], "analyses": ["key"], "dry_run": true }))
        }
        (true, 4) => completed("score", "score://{score}"),
        (true, _) => {
            let detail = dice.of(&["summary", "full", "source"]);
            call("scores_inspect", json!({ "score": "NAME", "detail": detail }))
        }
        (false, 0) => ("resources/read", about("job://NAME")),
        (false, 1) => ("resources/read", about("job://NAME/results")),
        (false, 2) => ("tasks/get", json!({ "taskId": "NAME" })),
        (false, 3) => ("tasks/cancel", json!({ "taskId": "NAME" })),
        (false, 4) => ("tasks/update", json!({ "taskId": "NAME", "inputResponses": {} })),
        (false, 5) => call("jobs_cancel", json!({ "job": "NAME" })),
        (false, 6) => {
            let (limit, detail) = (dice.roll(300), dice.of(&["concise", "detailed", "x"]));
            call("jobs_results", json!({ "job": "NAME", "limit": limit, "detail": detail }))
        }
        (false, 7) => ("resources/subscribe", about("job://NAME")),
        (false, 8) => ("resources/unsubscribe", about("job://NAME")),
        (false, 9) => completed("job", "job://{job}"),
        (false, 10) => {
            return Call { operation: "subscriptions/listen".to_owned(), name, ask: Ask::Listen };
        }
        (false, _) => call("jobs_get", json!({ "job": "NAME", "wait_s": dice.roll(2) })),
    };
    let of = match (method, of_score) {
        ("resources/read", true) => " score".to_owned(),
        ("resources/read", false) => " job".to_owned(),
        ("tools/call", _) => {
            let tool = params["name"].as_str().unwrap();
            let what = if of_score { "score" } else { "job" };
            format!(" {tool}{}", if tool == "jobs_cancel" { format!(" {what}") } else { String::new() })
        }
        _ => String::new(),
    };
    Call { operation: format!("{method}{of}"), name, ask: Ask::Mcp { method, params } }
}

/// What a call is answered where it names this, with the name and what differs from one request to the next taken out.
fn answered(server: &Server, key: &str, call: &Call, headers: &[(&str, &str)], name: &str) -> Plain {
    match &call.ask {
        Ask::Rest { method, path, body } => {
            let bearer = format!("Bearer {key}");
            let kind =
                if *method == "PATCH" { "application/offset+octet-stream" } else { "application/json" };
            let mut all =
                vec![("Authorization", bearer.as_str()), ("Content-Type", kind), ("Upload-Offset", "0")];
            all.extend(headers);
            let (path, body) = (path.replace("NAME", name), body.replace("NAME", name));
            plain(&server.ask(method, &path, &all, &body), name)
        }
        Ask::Mcp { method, params } => {
            let params = serde_json::from_str(&params.to_string().replace("NAME", name)).unwrap();
            plain(&mcp_with(server, key, method, params, headers), name)
        }
        Ask::Listen => (200, BTreeMap::new(), heard(server, key, name)),
    }
}

#[test]
fn another_tenants_things_are_as_if_they_were_not() {
    let home = tempfile::tempdir().unwrap();
    let (data, scores) = (home.path().join("data"), home.path().canonicalize().unwrap().join("scores"));
    corpus(&scores, 3, 20);
    let server = Server::start_with(&data, |command| {
        command.env("RIPIENO_AUTH", "keys").env("RIPIENO_SOURCES", &scores);
        command.env("RIPIENO_TENANT_REQUESTS_PER_SECOND_MAX", "100000");
    });
    let (ours, of_b) = (key(&data, "uni-a", "admin", &[]), key(&data, "uni-b", "admin", &[]));
    let theirs = furnish(&server, &of_b, &scores);
    let before: Vec<Answer> = look(&server, &of_b);
    let set = |name: &str| shared::config::var(name).map(|text| text.parse::<u64>().expect("a number"));
    let calls = set("RIPIENO_TEST_STRANGERS").map_or(CALLS, |calls| usize::try_from(calls).unwrap());
    let seed = set("RIPIENO_TEST_SEED").unwrap_or(SEED);
    println!("RIPIENO_TEST_SEED={seed}");
    let mut dice = Dice(seed.max(1));
    let mut kinds = BTreeSet::new();
    for number in 0..calls {
        let call = if dice.roll(2) == 0 { by_rest(&mut dice, &theirs) } else { by_mcp(&mut dice, &theirs) };
        let (headers, unknown) = (dice.headers(), dice.unknown(&call.name));
        let [one, other] = [&call.name, &unknown].map(|name| answered(&server, &ours, &call, &headers, name));
        let (operation, name) = (&call.operation, &call.name);
        assert_eq!(one, other, "call {number}, {operation}: {name} is told from {unknown}, {headers:?}");
        let told = ["Secret", "tune0", "secret"].into_iter().find(|word| one.2.contains(word));
        assert_eq!(told, None, "call {number}, {operation}: {one:?}");
        kinds.insert(call.operation);
    }
    let every = OPERATIONS.iter().map(|row| row.name).filter(|name| !OF_NOTHING.contains(name));
    let missing: Vec<&str> = every.filter(|name| !kinds.contains(*name)).collect();
    assert!(missing.is_empty() || calls < CALLS, "nobody asked {missing:?}");
    println!("{calls} calls of {} operations, beside as many on names of nobody", kinds.len());
    // Lists and searches are of one's own.
    let lists = ["/v1/jobs", "/v1/schedules", "/v1/scores", "/v1/scores?text=Secret", "/v1/corpora"];
    for path in lists {
        let text = ask(&server, &ours, "GET", path, "").text();
        let told = ["job-", "score-", "secret"].into_iter().find(|word| text.contains(word));
        assert_eq!(told, None, "{path}: {text}");
    }
    for (tool, arguments) in [
        ("scores_search", json!({})),
        ("scores_search", json!({ "query": "Secret" })),
        ("scores_search", json!({ "corpus": "secrets" })),
        ("jobs_list", json!({})),
        ("analysis_run", json!({ "corpus": "secrets", "analyses": ["key"] })),
    ] {
        let text = mcp(&server, &ours, "tools/call", json!({ "name": tool, "arguments": arguments })).text();
        let handles = theirs.jobs.iter().chain(&theirs.scores);
        let told = handles.filter(|handle| text.contains(handle.as_str())).count();
        assert!(told == 0 && !text.contains("Secret air"), "{tool}: {text}");
    }
    let listed = mcp(&server, &ours, "resources/list", json!({})).text();
    assert!(!listed.contains("score-"), "{listed}");
    assert_eq!(heard(&server, &ours, &theirs.jobs[0]), heard(&server, &ours, "job-aaaaaaaaaaaaaaaa"));
    // And nothing that was tried has changed anything.
    for (before, after) in before.iter().zip(look(&server, &of_b)) {
        assert_eq!(before.text(), after.text());
    }
}

fn look(server: &Server, key: &str) -> Vec<Answer> {
    let search = json!({ "name": "scores_search", "arguments": {} });
    vec![
        ask(server, key, "GET", "/v1/jobs", ""),
        ask(server, key, "GET", "/v1/schedules", ""),
        mcp(server, key, "tools/call", search),
    ]
}

/// What a listener to a task is told first.
fn heard(server: &Server, key: &str, job: &str) -> String {
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {"extensions": {"io.modelcontextprotocol/tasks": {}}},
    });
    let params = json!({ "notifications": { "taskIds": [job] }, "_meta": meta });
    let body =
        json!({ "jsonrpc": "2.0", "id": 1, "method": "subscriptions/listen", "params": params }).to_string();
    let head = format!(
        "POST /mcp HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {key}\r\nContent-Type: application/json\r\n\
         Accept: application/json, text/event-stream\r\nMCP-Protocol-Version: 2026-07-28\r\n\
         Mcp-Method: subscriptions/listen\r\nContent-Length: {}\r\n\r\n",
        server.address,
        body.len()
    );
    let mut stream = server.connect();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(format!("{head}{body}").as_bytes()).unwrap();
    let (mut text, mut bytes) = (String::new(), [0; 4096]);
    while !text.contains("acknowledged") {
        let read = stream.read(&mut bytes).unwrap();
        assert!(read > 0, "it ended: {text}");
        text += &String::from_utf8_lossy(&bytes[..read]);
    }
    text.split("data:").nth(1).unwrap_or_default().trim().replace(job, "NAME")
}
