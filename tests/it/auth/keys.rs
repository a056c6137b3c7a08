//! API keys: what each opens, over REST and MCP alike.

use crate::http::server::{Answer, Server};
use crate::support::{corpus, finish, ripieno};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::path::Path;
use std::time::Duration;

/// A server that wants keys.
pub(super) fn server(data: &Path) -> Server {
    Server::start_with(data, |command| {
        command.env("RIPIENO_AUTH", "keys");
    })
}

/// Makes a key.
pub(crate) fn key(data: &Path, tenant: &str, role: &str, more: &[&str]) -> String {
    let mut command = ripieno(data);
    command.args(["keys", "add", "test", "--tenant", tenant, "--role", role]).args(more);
    let (code, key, errors) = finish(command.env_remove("RIPIENO_SERVER"));
    assert!(code == 0 && key.starts_with(&format!("ripieno_{tenant}_")), "{key}{errors}");
    key.trim().to_owned()
}

pub(crate) fn ask(server: &Server, key: &str, method: &str, path: &str, body: &str) -> Answer {
    let bearer = format!("Bearer {key}");
    let headers = [("Authorization", bearer.as_str()), ("Content-Type", "application/json")];
    server.ask(method, path, &headers, body)
}

/// A request of MCP, of the newest version.
pub(super) fn mcp(server: &Server, key: &str, method: &str, params: Value) -> Answer {
    mcp_with(server, key, method, params, &[])
}

/// The same with more headers.
pub(super) fn mcp_with(
    server: &Server,
    key: &str,
    method: &str,
    params: Value,
    more: &[(&str, &str)],
) -> Answer {
    let bearer = format!("Bearer {key}");
    let name = params.get("name").or(params.get("uri")).or(params.get("taskId")).cloned();
    let mut params = params;
    params["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {"extensions": {"io.modelcontextprotocol/tasks": {}}},
    });
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params }).to_string();
    let mut headers = vec![
        ("Authorization", bearer.as_str()),
        ("Content-Type", "application/json"),
        ("Accept", "application/json, text/event-stream"),
        ("MCP-Protocol-Version", "2026-07-28"),
        ("Mcp-Method", method),
    ];
    let name = name.as_ref().and_then(Value::as_str).unwrap_or_default();
    if !name.is_empty() {
        headers.push(("Mcp-Name", name));
    }
    headers.extend(more);
    server.ask("POST", "/mcp", &headers, &body)
}

#[test]
fn nobody_comes_in_without_a_key_and_everybody_is_told_how() {
    let home = tempfile::tempdir().unwrap();
    let server = server(home.path());
    let key = key(home.path(), "uni-a", "viewer", &[]);
    for (path, needs) in [
        ("/v1/jobs", "jobs:read"),
        ("/v1/schedules", "schedules:read"),
        ("/v1/nothing", "jobs:read scores:read"),
        ("/openapi.json", "jobs:read scores:read"),
        ("/mcp", "jobs:read scores:read"),
    ] {
        let answer = server.get(path);
        assert_eq!(answer.status, 401, "{path}: {}", answer.text());
        assert_eq!(answer.header("www-authenticate"), format!("Bearer scope=\"{needs}\""), "{path}");
        assert_eq!(answer.json()["kind"], "denied");
    }
    // Whoever watches the process has no key.
    for path in ["/health/live", "/health/ready", "/metrics"] {
        assert_eq!(server.get(path).status, 200, "{path}");
    }
    for (asked, said) in [
        (ask(&server, "garbage", "GET", "/v1/jobs", ""), "none that this server takes"),
        (ask(&server, &key.replace("uni-a", "uni-b"), "GET", "/v1/jobs", ""), "no such key"),
        (ask(&server, &key[..key.len() - 1], "GET", "/v1/jobs", ""), "no such key"),
        (server.get(&format!("/v1/jobs?access_token={key}")), "never into an address"),
        (ask(&server, &key, "GET", "/v1/jobs?access_token=x", ""), "never into an address"),
    ] {
        let challenge = asked.header("www-authenticate");
        assert!(asked.status == 401 && challenge.contains(said), "{} {challenge}", asked.status);
        assert!(!asked.text().contains(&key), "a key is not told back");
    }
    // Whoever is sent away with a body comes again on the same connection: it is not closed over what was not read.
    let mut stream = server.connect();
    let host = server.address;
    for _ in 0..2 {
        write!(stream, "POST /mcp HTTP/1.1\r\nHost: {host}\r\nContent-Length: 2\r\n\r\n").unwrap();
        std::thread::sleep(Duration::from_millis(50));
        stream.write_all(b"{}").unwrap();
        let mut bytes = [0; 4096];
        let read = stream.read(&mut bytes).unwrap();
        assert!(bytes[..read].starts_with(b"HTTP/1.1 401"), "{}", String::from_utf8_lossy(&bytes[..read]));
    }
    assert_eq!(ask(&server, &key, "GET", "/v1/jobs", "").status, 200);
    assert_eq!(ask(&server, &key, "GET", "/v1/nothing", "").status, 404);
    assert_eq!(ask(&server, &key, "DELETE", "/v1/jobs", "").status, 405);
}

#[test]
fn roles_and_scopes_bound_rest_and_mcp_alike() {
    let home = tempfile::tempdir().unwrap();
    let server = server(home.path());
    let data = home.path();
    let viewer = key(data, "uni-a", "viewer", &[]);
    let analyst = key(data, "uni-a", "analyst", &[]);
    let narrow = key(data, "uni-a", "curator", &["--scopes", "jobs:read,scores:read"]);
    let curator = key(data, "uni-a", "curator", &[]);
    let operator = key(data, "uni-a", "operator", &[]);
    let job = json!({ "sources": ["x"] }).to_string();
    let tune =
        json!({ "name": "scores_import", "arguments": { "name": "a.abc", "content": "X:1\nK:C\nCDEF|" } });
    let schedule = json!({ "name": "n", "cron": "0 2 * * *", "job": { "sources": ["x"] } }).to_string();
    let step = |scopes: &str| format!("Bearer error=\"insufficient_scope\", scope=\"{scopes}\"");
    for (key, submits, imports, schedules) in [
        (&viewer, "", "", ""),
        (&analyst, "yes", "", ""),
        (&operator, "", "", ""),
        (&narrow, "jobs:write", "scores:write", "schedules:write jobs:write"),
        (&curator, "yes", "yes", "yes"),
    ] {
        let submitted = ask(&server, key, "POST", "/v1/jobs", &job);
        let imported = mcp(&server, key, "tools/call", tune.clone());
        let added = ask(&server, key, "POST", "/v1/schedules", &schedule);
        for (answer, expected) in [(submitted, submits), (imported, imports), (added, schedules)] {
            let challenge = answer.header("www-authenticate");
            match expected {
                "yes" => {
                    assert!(answer.status != 401 && !answer.text().contains("needs a"), "{}", answer.text())
                }
                "" => assert!(answer.status == 403 && challenge.is_empty(), "{} {challenge}", answer.status),
                scopes => assert!(answer.status == 403 && challenge == step(scopes), "{challenge}"),
            }
        }
    }
    let found = mcp(&server, &viewer, "tools/call", json!({ "name": "scores_search", "arguments": {} }));
    assert!(found.text().contains("a.abc"), "{}", found.text());
    assert_eq!(mcp(&server, &operator, "tools/list", json!({})).status, 200);
    assert_eq!(mcp(&server, &operator, "resources/list", json!({})).status, 403);
    // One body with two methods is read in two ways by two readers: what counts is what is done.
    let two = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"scores_import","arguments":{"name":"b.abc","content":"X:1\nK:C\nC|"}},"method":"tools/list"}"#;
    let headers = [("Authorization", format!("Bearer {viewer}"))];
    let mut headers: Vec<(&str, &str)> =
        headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    headers.extend([("Content-Type", "application/json"), ("Accept", "application/json, text/event-stream")]);
    server.ask("POST", "/mcp", &headers, two);
    let found = mcp(&server, &viewer, "tools/call", json!({ "name": "scores_search", "arguments": {} }));
    assert!(!found.text().contains("b.abc"), "{}", found.text());
}

#[test]
fn a_revoked_key_opens_nothing_and_the_command_line_shows_its_own() {
    let home = tempfile::tempdir().unwrap();
    let (data, scores) = (home.path().join("data"), home.path().join("scores"));
    corpus(&scores, 2, 20);
    let server = server(&data);
    let key = key(&data, "uni-a", "analyst", &["--days", "1"]);
    let there = |token: &str, words: &[&str]| {
        let mut command = ripieno(&home.path().join("none"));
        command.args(["--server", &server.url()]).args(words).env("RIPIENO_TOKEN", token);
        finish(&mut command)
    };
    assert_eq!(there(&key, &["jobs"]).0, 0);
    let (code, _, errors) = there("ripieno_nothing", &["jobs"]);
    assert!(code == 3 && errors.contains("denied"), "{errors}");
    let (_, listed, _) = finish(ripieno(&data).args(["keys", "list"]));
    assert!(listed.contains("valid") && listed.contains("uni-a") && listed.contains("analyst"), "{listed}");
    let secret = key.rsplit('_').next().unwrap();
    assert!(!listed.contains(secret));
    let id = listed.split_whitespace().next().unwrap();
    assert_eq!(finish(ripieno(&data).args(["keys", "revoke", id])).0, 0);
    let (_, listed, _) = finish(ripieno(&data).args(["keys", "list"]));
    assert!(listed.contains("revoked"), "{listed}");
    // This front believes what it knew for ten seconds; one that starts now does not.
    server.until("the key is revoked", |_| there(&key, &["jobs"]).0 == 3);
    let (code, _, errors) =
        finish(ripieno(&data).args(["keys", "add", "x", "--tenant", "local", "--role", "viewer"]));
    assert!(code == 1 && errors.contains("local is nobody's"), "{errors}");
    let (code, _, errors) =
        finish(ripieno(&data).args(["serve", "--listen", "127.0.0.1:0"]).env("RIPIENO_AUTH", "kees"));
    assert!(code == 1 && errors.contains("RIPIENO_AUTH"), "{errors}");
}
