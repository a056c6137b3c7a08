//! Who may call, under which name, and what is answered to what nobody offers.

use super::server::Server;
use crate::support::{finish, ripieno};

#[test]
fn another_site_may_not_call_and_another_name_is_not_ours() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(home.path());
    let own = format!("http://{}", server.address);
    for (headers, status) in [
        (&[][..], 200),
        (&[("Origin", own.as_str())], 200),
        (&[("Origin", "https://evil.example")], 403),
        (&[("Origin", "null")], 403),
        (&[("Origin", own.as_str()), ("Origin", "https://evil.example")], 403),
        (&[("Origin", own.as_str()), ("Origin", own.as_str())], 403),
    ] {
        let answer = server.ask("GET", "/v1/jobs", headers, "");
        assert_eq!(answer.status, status, "{headers:?}: {}", answer.text());
    }
    for (host, status) in
        [("evil.example", 403), ("localhost:1", 200), ("[::1]", 200), ("127.0.0.1.evil.example", 403)]
    {
        let request = format!("GET /v1/jobs HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        assert_eq!(server.raw(request.as_bytes()).status, status, "{host}");
    }
    let twice = "GET /v1/jobs HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    assert!([400, 403].contains(&server.raw(twice.as_bytes()).status));
}

#[test]
fn problems_say_what_would_be_right() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(home.path());
    let json = [("Content-Type", "application/json")];
    let job = "/v1/jobs/job-aaaaaaaaaaaaaaaa";
    for (method, path, headers, body, status, said) in [
        ("GET", "/v1/nothing", &[][..], "", 404, "/openapi.json"),
        ("DELETE", "/v1/jobs", &[], "", 405, "Allow"),
        ("GET", job, &[], "", 404, "no job"),
        ("GET", "/v1/jobs/7", &[], "", 422, "a job is like job-"),
        ("POST", "/v1/jobs", &[], "{}", 415, "application/json"),
        ("POST", "/v1/jobs", &json, "{", 400, "not JSON"),
        ("POST", "/v1/jobs", &json, "{}", 422, "sources"),
        ("POST", "/v1/jobs", &json, r#"{"sources":[]}"#, 422, "name 1 to 1000"),
        ("POST", "/v1/jobs", &json, r#"{"sources":["x"],"analyses":["kee"]}"#, 422, "did you mean"),
        ("POST", "/v1/jobs", &json, r#"{"sources":["x"],"lanes":1}"#, 422, "unknown field"),
        ("POST", "/v1/jobs", &json, r#"{"sources":["/no/such/file"]}"#, 404, "/no/such/file"),
        ("GET", "/v1/jobs?limit=0", &[], "", 422, "at least 1"),
        ("GET", "/v1/jobs?limit=5000", &[], "", 422, "page_rows_max = 1000"),
        ("GET", "/v1/jobs?cursor=x", &[], "", 422, "no cursor"),
        ("GET", "/v1/jobs?seite=2", &[], "", 400, "unknown field"),
        ("GET", "/v1/analyses/kee", &[], "", 404, "/v1/analyses"),
    ] {
        let answer = server.ask(method, path, headers, body);
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.text());
        assert_eq!(answer.header("content-type"), "application/problem+json", "{path}");
        let problem = answer.json();
        assert_eq!(problem["status"], status);
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains(said), "{method} {path}: {detail}");
        assert!(!answer.header("x-request-id").is_empty());
    }
    let refused = server.ask("DELETE", "/v1/jobs", &[], "");
    let mut allowed: Vec<&str> = refused.header("allow").split(',').collect();
    allowed.sort_unstable();
    assert_eq!(allowed, ["GET", "HEAD", "POST"]);
    assert_eq!(server.get("/health/live").status, 200);
    assert_eq!(server.get("/health/ready").status, 200);
    assert!(server.metric("ripieno_http_requests_total") > 10);
}

#[test]
fn nothing_but_the_loopback_is_listened_at_where_callers_are_not_known() {
    let home = tempfile::tempdir().unwrap();
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:0"] {
        let (code, _, errors) = finish(ripieno(home.path()).args(["serve", "--listen", address]));
        assert!(code == 1 && errors.contains("RIPIENO_AUTH"), "{address}: {code} {errors}");
    }
    // Where they are it is tried: this address is no machine's.
    let mut command = ripieno(home.path());
    command.args(["serve", "--listen", "192.0.2.1:0"]).env("RIPIENO_AUTH", "keys");
    let (code, _, errors) = finish(&mut command);
    assert!(code == 3 && errors.contains("cannot be listened at"), "{code} {errors}");
}

/// The document that is served, the one that is written down, and the one that the code says are the same.
#[test]
fn the_written_openapi_document_is_that_of_the_code() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/openapi.json");
    let code = api::http::document();
    if shared::config::var("BLESS").is_some() {
        std::fs::write(path, &code).unwrap();
    }
    let written = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        written == code,
        "docs/openapi.json is not that of the code: BLESS=1 cargo test -p tests openapi writes it"
    );
    let home = tempfile::tempdir().unwrap();
    assert_eq!(Server::start(home.path()).get("/openapi.json").text(), code);
}
