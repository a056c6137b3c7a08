//! What a tenant learns of another's jobs, scores and schedules: nothing. The answer about one is that about one that does not
//! exist, to the byte.

use super::keys::{ask, key, mcp};
use crate::http::server::{Answer, PATIENCE, Server};
use crate::support::corpus;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::path::Path;

/// Calls on another tenant's names, each beside one on a name that nobody has, unless `RIPIENO_TEST_STRANGERS` says otherwise.
const CALLS: usize = 600;

/// Numbers without pattern.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % sides as u64).unwrap()
    }

    fn of<'a>(&mut self, all: &[&'a str]) -> &'a str {
        all[self.roll(all.len())]
    }

    /// A name of the same kind that nobody has.
    fn unknown(&mut self, theirs: &str) -> String {
        const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
        match theirs.split_once('-') {
            Some((kind, _)) => {
                let letters = (0..16).map(|_| char::from(LETTERS[self.roll(32)])).collect::<String>();
                format!("{kind}-{letters}")
            }
            None => format!("x{}", self.0),
        }
    }
}

/// What tenant B has.
struct Theirs {
    jobs: Vec<String>,
    scores: Vec<String>,
    schedules: Vec<String>,
    uploads: Vec<String>,
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
    Theirs { jobs, scores: imported, schedules, uploads }
}

/// An answer without what differs from one request to the next, and with the name taken out.
fn plain(answer: &Answer, name: &str) -> (u16, BTreeMap<String, String>, String) {
    let mut headers = answer.headers.clone();
    headers.retain(|header, _| !["date", "x-request-id", "content-length"].contains(&header.as_str()));
    (answer.status, headers, answer.text().replace(name, "NAME"))
}

fn by_rest(dice: &mut Dice, theirs: &Theirs) -> (String, String, String, String) {
    let owned = |texts: [&str; 3]| (texts[0].to_owned(), texts[1].to_owned(), texts[2].to_owned());
    let of_jobs = dice.roll(3) > 0;
    let (all, (method, path, body)) = if of_jobs {
        let operations = [
            ["GET", "/v1/jobs/NAME", ""],
            ["GET", "/v1/jobs/NAME?wait=1", ""],
            ["GET", "/v1/jobs/NAME/events", ""],
            ["GET", "/v1/jobs/NAME/items", ""],
            ["GET", "/v1/jobs/NAME/items?limit=3&cursor=0.1", ""],
            ["GET", "/v1/jobs/NAME/failures", ""],
            ["GET", "/v1/jobs/NAME/results?format=csv", ""],
            ["GET", "/v1/jobs/NAME/results?format=parquet", ""],
            ["HEAD", "/v1/jobs/NAME", ""],
            ["POST", "/v1/jobs/NAME/cancel", ""],
            ["POST", "/v1/jobs/NAME/pause", ""],
            ["POST", "/v1/jobs/NAME/resume", ""],
            ["POST", "/v1/jobs/NAME/retry", ""],
            ["POST", "/v1/jobs/NAME/prioritise", r#"{"lane":"interactive"}"#],
            ["GET", "/v1/jobs/NAME/similar", ""],
        ];
        (&theirs.jobs, owned(operations[dice.roll(operations.len())]))
    } else if dice.roll(3) == 0 {
        let operations = [
            ["GET", "/v1/scores/NAME", ""],
            ["GET", "/v1/scores/NAME/content", ""],
            ["GET", "/v1/scores/NAME/content?as=midi", ""],
            ["DELETE", "/v1/scores/NAME", ""],
            ["POST", "/v1/jobs", r#"{"scores":["NAME"],"analyses":["key"]}"#],
            ["POST", "/v1/plans", r#"{"scores":["NAME"],"analyses":["key"]}"#],
        ];
        (&theirs.scores, owned(operations[dice.roll(operations.len())]))
    } else if dice.roll(2) == 0 {
        let operations = [
            ["GET", "/v1/uploads/NAME", ""],
            ["HEAD", "/v1/uploads/NAME", ""],
            ["DELETE", "/v1/uploads/NAME", ""],
        ];
        (&theirs.uploads, owned(operations[dice.roll(operations.len())]))
    } else {
        let operations = [
            ["GET", "/v1/schedules/NAME", ""],
            ["GET", "/v1/schedules/NAME/history", ""],
            ["POST", "/v1/schedules/NAME/pause", ""],
            ["POST", "/v1/schedules/NAME/resume", ""],
            ["POST", "/v1/schedules/NAME/run", ""],
            ["DELETE", "/v1/schedules/NAME", ""],
        ];
        (&theirs.schedules, owned(operations[dice.roll(operations.len())]))
    };
    (all[dice.roll(all.len())].clone(), method, path, body)
}

fn by_mcp(dice: &mut Dice, theirs: &Theirs) -> (String, &'static str, Value) {
    let of_score = dice.roll(3) == 0;
    let all = if of_score { &theirs.scores } else { &theirs.jobs };
    let name = all[dice.roll(all.len())].clone();
    let call = |tool: &str, arguments: Value| json!({ "name": tool, "arguments": arguments });
    let (method, params) = match (of_score, dice.roll(8)) {
        (true, 0) => ("resources/read", json!({ "uri": "score://NAME" })),
        (true, 1) => ("tools/call", call("jobs_cancel", json!({ "score": "NAME" }))),
        (true, 2) => ("tools/call", call("analysis_run", json!({ "scores": ["NAME"], "analyses": ["key"] }))),
        (true, _) => {
            let detail = dice.of(&["summary", "full", "source"]);
            ("tools/call", call("scores_inspect", json!({ "score": "NAME", "detail": detail })))
        }
        (false, 0) => ("resources/read", json!({ "uri": "job://NAME" })),
        (false, 1) => ("resources/read", json!({ "uri": "job://NAME/results" })),
        (false, 2) => ("tasks/get", json!({ "taskId": "NAME" })),
        (false, 3) => ("tasks/cancel", json!({ "taskId": "NAME" })),
        (false, 4) => ("tasks/update", json!({ "taskId": "NAME", "inputResponses": {} })),
        (false, 5) => ("tools/call", call("jobs_cancel", json!({ "job": "NAME" }))),
        (false, 6) => {
            ("tools/call", call("jobs_results", json!({ "job": "NAME", "limit": dice.roll(9) + 1 })))
        }
        (false, _) => ("tools/call", call("jobs_get", json!({ "job": "NAME", "wait_s": 0 }))),
    };
    (name, method, params)
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
    let calls =
        shared::config::var("RIPIENO_TEST_STRANGERS").and_then(|text| text.parse().ok()).unwrap_or(CALLS);
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    let mut kinds: BTreeMap<String, u32> = BTreeMap::new();
    for call in 0..calls {
        let (name, unknown, [one, other]) = if dice.roll(2) == 0 {
            let (name, method, path, body) = by_rest(&mut dice, &theirs);
            let unknown = dice.unknown(&name);
            *kinds.entry(format!("{method} {path}")).or_default() += 1;
            let both = [&name, &unknown].map(|name| {
                let (path, body) = (path.replace("NAME", name), body.replace("NAME", name));
                ask(&server, &ours, &method, &path, &body)
            });
            (name, unknown, both)
        } else {
            let (name, method, params) = by_mcp(&mut dice, &theirs);
            let unknown = dice.unknown(&name);
            *kinds.entry(format!("{method} {}", params["name"])).or_default() += 1;
            let both = [&name, &unknown].map(|name| {
                let params = serde_json::from_str(&params.to_string().replace("NAME", name)).unwrap();
                mcp(&server, &ours, method, params)
            });
            (name, unknown, both)
        };
        let (one, other) = (plain(&one, &name), plain(&other, &unknown));
        assert_eq!(one, other, "call {call}: {name} is told from {unknown}");
        assert!(!one.2.contains("Secret") && !one.2.contains("tune0"), "call {call}: {one:?}");
    }
    assert!(kinds.len() >= 34 || calls < CALLS, "every kind of call was made: {kinds:?}");
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
