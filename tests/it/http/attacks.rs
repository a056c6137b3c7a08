//! Lists of attacks that are known by name, each sent as it stands: requests that two readers would end in two places, headers and paths
//! that would become something else, JSON and scores that would not end. None is taken, and the server goes on.

use super::server::{PATIENCE, Server};
use serde_json::{Value, json};
use std::io::{Cursor, Read, Write};
use std::time::Instant;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

/// What stands behind a request, to be taken for one of its own by who ends the first too soon.
const SMUGGLED: &str = "GET /smuggled HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

/// What is answered to some bytes, and with which statuses: one for each request that was seen in them.
fn statuses(server: &Server, bytes: &[u8]) -> (Vec<u16>, String) {
    let mut stream = server.connect();
    let mut answer = Vec::new();
    // A server that has heard enough may close before all is sent.
    let _ = stream.write_all(bytes);
    let _ = stream.read_to_end(&mut answer);
    let text = String::from_utf8_lossy(&answer).into_owned();
    let heads = text.match_indices("HTTP/1.").filter_map(|(at, _)| text.get(at + 9..at + 12)?.parse().ok());
    (heads.collect(), text)
}

/// An archive.
fn zip(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in members {
        archive.start_file(*name, SimpleFileOptions::default()).unwrap();
        archive.write_all(bytes).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

#[test]
fn a_request_ends_where_it_says_or_is_none() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(home.path());
    let head = "POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";
    let lengths = [
        "Content-Length: 5\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nContent-Length: 5",
        "Content-Length: 0\r\nContent-Length: 60",
        "Content-Length: 0, 60",
        "Content-Length: +5",
        "Content-Length: -1",
        "Content-Length: 0x5",
        "Content-Length: 99999999999999999999",
        "Transfer-Encoding: xchunked",
        "Transfer-Encoding : chunked",
        "Transfer-Encoding: chunked, identity",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
        "Transfer-Encoding:\x0bchunked",
        "X: y\rTransfer-Encoding: chunked",
        "X: y\r\n Transfer-Encoding: chunked",
    ];
    for length in lengths {
        let (statuses, text) =
            statuses(&server, format!("{head}{length}\r\n\r\n0\r\n\r\n{SMUGGLED}").as_bytes());
        assert!(matches!(statuses[..], [400] | []), "{length:?}: {text}");
    }
    let chunked = format!("{head}Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n");
    for chunk in [
        "-1\r\n{}",
        "fffffffffffffffff\r\n{}",
        "2 2\r\n{}",
        "0x2\r\n{}",
        "2\r\n{}x",
        &format!("2;{}\r\n{{}}", "a".repeat(60_000)),
    ] {
        let (statuses, text) = statuses(&server, format!("{chunked}{chunk}\r\n0\r\n\r\n").as_bytes());
        assert!(matches!(statuses[..], [400] | []), "{:.40}: {text}", chunk);
    }
    let lines = [
        "GET /v1/jobs HTTP/1.1\r\nHost: localhost\r\nX: a\0b\r\n\r\n",
        "GET /v1/jobs HTTP/1.1\r\nHost: localhost\r\nX\0: a\r\n\r\n",
        "GET /v1/jobs HTTP/1.1\r\nHost: localhost\r\nX Y: a\r\n\r\n",
        "GET /v1/jobs HTTP/1.1\r\nHost: localhost\r\n: a\r\n\r\n",
        "GET  /v1/jobs HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "GET /v1/jobs\r\n\r\n",
        "GET /v1/jobs HTTP/3.0\r\nHost: localhost\r\n\r\n",
        "GET /v1/jobs HTTP/1.1\r\n\r\n",
        "GET /v1/jobs HTTP/1.1\r\nHost: localhost@evil.example\r\nConnection: close\r\n\r\n",
        "GET /v1/jobs HTTP/1.1\r\nHost: localhost, evil.example\r\nConnection: close\r\n\r\n",
        "GET /v1/jobs HTTP/1.1\r\nHost: evil.example\r\nX-Forwarded-Host: localhost\r\nConnection: close\r\n\r\n",
        "CONNECT 169.254.169.254:80 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
        "TRACE /v1/jobs HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ];
    for line in lines.map(|line| line.replace("HTTP/1.1\r\n\r\n", "HTTP/1.1\r\nConnection: close\r\n\r\n")) {
        let (statuses, text) = statuses(&server, line.as_bytes());
        assert!(matches!(statuses[..], [400..=499] | []), "{line:?}: {text}");
    }
    assert_eq!(server.get("/v1/jobs").status, 200);
}

#[test]
fn paths_lead_nowhere_else_and_headers_hold_no_lines() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(home.path());
    for path in [
        "/v1/jobs/../../etc/passwd",
        "/v1/jobs/..%2f..%2fetc%2fpasswd",
        "/v1/jobs/%2e%2e/%2e%2e/etc/passwd",
        "/v1/jobs/%252e%252e%252fetc%252fpasswd",
        "/v1/jobs/..%5c..%5cetc",
        "/v1/jobs/%00",
        "/v1/jobs/job-aaaaaaaaaaaaaaaa%00",
        "/v1/jobs/%ff%fe",
        "/v1/jobs/%c0%ae%c0%ae",
        "/v1/jobs/%0d%0aSet-Cookie:%20a=b",
        "/v1/jobs//",
        "/v1/scores/..%2f..%2fjobs",
        "/v1/schedules/..%2fx",
        "/v1/schedules/x%00",
        "/v1/uploads/..%2fx",
        "/v1//jobs",
        "/V1/jobs",
        "/./v1/jobs",
        "//evil.example/v1/jobs",
    ] {
        let answer = server.get(path);
        assert!((400..500).contains(&answer.status), "{path}: {} {}", answer.status, answer.text());
        assert!(
            !answer.headers.contains_key("set-cookie") && !answer.text().contains("root:"),
            "{path}: {answer:?}"
        );
    }
    // The name of a score stands in a header when it is fetched.
    let names =
        ["a%0d%0aSet-Cookie:%20a=b.abc", "a%22;x=%22.abc", "..%2f..%2fetc%2fpasswd.abc", "%e2%80%aecba.abc"];
    for name in names {
        let sent = server.ask(
            "POST",
            &format!("/v1/scores?name={name}"),
            &[("Content-Type", "application/octet-stream")],
            "X:1\nK:C\nCDEF|\n",
        );
        if sent.status >= 400 {
            continue;
        }
        let id = sent.json()["id"].as_str().unwrap().to_owned();
        let fetched = server.get(&format!("/v1/scores/{id}/content"));
        let header = fetched.header("content-disposition");
        assert!(
            fetched.status == 200 && header.starts_with("attachment; filename=\""),
            "{name}: {fetched:?}"
        );
        assert_eq!(header.matches('"').count(), 2, "{name}: {header}");
        assert!(!fetched.headers.contains_key("set-cookie") && !header.contains('/'), "{name}: {header}");
        assert_eq!(server.ask("DELETE", &format!("/v1/scores/{id}"), &[], "").status, 204);
    }
    for id in ["a%0d%0ab", "a b", &"a".repeat(10_000), "<script>"] {
        let answer = server.ask("GET", "/v1/jobs", &[("X-Request-Id", id)], "");
        assert!(answer.status == 200 && answer.header("x-request-id") != id, "{id:.20}: {answer:?}");
    }
}

#[test]
fn json_that_is_too_deep_too_large_or_two_things_is_refused() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(home.path());
    let deep = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
    let deeper = |depth: usize| format!("{}1{}", "{\"sources\":".repeat(depth), "}".repeat(depth));
    let job = |more: &str| format!("{{\"sources\":[\"/none\"],{more}}}");
    let bodies = [
        deep(100_000),
        deeper(100_000),
        job(&format!("\"x\":{}", deep(10_000))),
        job("\"sources\":[\"/etc\"]"),
        job("\"analyses\":[\"key\"],\"analyses\":[\"chords\"]"),
        job("\"analyses\":[1e999]"),
        job("\"analyses\":null,\"params\":{\"key\":{\"window\":1e400}}"),
        job("\"__proto__\":{\"admin\":true}"),
        job("\"tenant\":\"uni-b\""),
        "{\"sources\":[\"\\ud800\"]}".to_owned(),
        "{\"sources\":[\"/none\\u0000\"]}".to_owned(),
        "{\"sources\":[\"/none\"]}{\"sources\":[\"/none\"]}".to_owned(),
        "\u{feff}{\"sources\":[\"/none\"]}".to_owned(),
        "{\"sources\":[\"/none\"],}".to_owned(),
        "{'sources':['/none']}".to_owned(),
        "{\"sources\":[/*x*/\"/none\"]}".to_owned(),
        "NaN".to_owned(),
        "null".to_owned(),
        String::from(" "),
    ];
    for body in &bodies {
        let kind = [("Content-Type", "application/json")];
        let answer = server.ask("POST", "/v1/jobs", &kind, body);
        assert!((400..500).contains(&answer.status), "{:.60}: {} {}", body, answer.status, answer.text());
        assert!(answer.body.len() < 4_000, "{:.60}: {} bytes are told", body, answer.body.len());
        let headers = [kind[0], ("Accept", "application/json, text/event-stream")];
        let call = format!("{{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{body}}}");
        let answer = server.ask("POST", "/mcp", &headers, &call);
        let told: Value = serde_json::from_slice(&answer.body).unwrap_or(json!({ "error": "no JSON" }));
        assert!(answer.status < 500 && told.get("result").is_none(), "{:.60}: {}", body, answer.text());
    }
    assert_eq!(server.get("/v1/jobs").json()["jobs"], json!([]), "none of them was a job");
}

#[test]
fn scores_that_unfold_without_end_or_reach_for_files_are_refused() {
    let home = tempfile::tempdir().unwrap();
    let secret = home.path().join("secret");
    std::fs::write(&secret, "the secret of the tests").unwrap();
    let server = Server::start_with(&home.path().join("data"), |command| {
        command.env("RIPIENO_INFLATED_BYTES_MAX", "20000000").env("RIPIENO_ARCHIVE_ENTRIES_MAX", "100");
    });
    let score = |title: &str, dtd: &str| {
        format!(
            "<?xml version=\"1.0\"?>{dtd}<score-partwise><work><work-title>{title}</work-title></work>\
             <part-list><score-part id=\"P1\"><part-name>p</part-name></score-part></part-list><part id=\"P1\"><measure number=\"1\">\
             <attributes><divisions>1</divisions></attributes><note><pitch><step>C</step><octave>4</octave></pitch>\
             <duration>4</duration></note></measure></part></score-partwise>"
        )
    };
    let laughs: String = (1..30)
        .map(|level| format!("<!ENTITY l{level} \"{}\">", format!("&l{};", level - 1).repeat(10)))
        .collect();
    let container = |path: &str| {
        format!("<container><rootfiles><rootfile full-path=\"{path}\"/></rootfiles></container>").into_bytes()
    };
    let plain = score("t", "").into_bytes();
    let file = format!("<!DOCTYPE x [<!ENTITY a SYSTEM \"file://{}\">]>", secret.display());
    let parameter = format!("<!DOCTYPE x [<!ENTITY % a SYSTEM \"file://{}\">%a;]>", secret.display());
    let zeros = vec![b' '; 30_000_000];
    let long = "a".repeat(60_000);
    let attacks: Vec<(&str, Vec<u8>)> = vec![
        (
            "laughs.musicxml",
            score("&l29;", &format!("<!DOCTYPE x [<!ENTITY l0 \"ha\">{laughs}]>")).into_bytes(),
        ),
        ("file.musicxml", score("&a;", &file).into_bytes()),
        ("parameter.musicxml", score("t", &parameter).into_bytes()),
        (
            "net.musicxml",
            score("&a;", "<!DOCTYPE x [<!ENTITY a SYSTEM \"http://169.254.169.254/\">]>").into_bytes(),
        ),
        (
            "include.musicxml",
            score(&format!("<xi:include href=\"{}\" parse=\"text\"/>", secret.display()), "").into_bytes(),
        ),
        ("deep.musicxml", format!("<score-partwise>{}", "<part>".repeat(100_000)).into_bytes()),
        ("attribute.musicxml", format!("<score-partwise a=\"{}\"", "a".repeat(1_000_000)).into_bytes()),
        ("bomb.mxl", zip(&[("META-INF/container.xml", &container("s.xml")), ("s.xml", &zeros)])),
        (
            "above.mxl",
            zip(&[("META-INF/container.xml", &container("../../../etc/passwd")), ("s.xml", &plain)]),
        ),
        ("root.mxl", zip(&[("META-INF/container.xml", &container("/etc/passwd")), ("s.xml", &plain)])),
        ("itself.mxl", zip(&[("META-INF/container.xml", &container("META-INF/container.xml"))])),
        ("names.mxl", zip(&[("META-INF/container.xml", &container(&long)), (long.as_str(), &plain)])),
        ("many.mxl", {
            let names: Vec<String> = (0..200).map(|number| format!("{number}.xml")).collect();
            zip(&names.iter().map(|name| (name.as_str(), &plain[..])).collect::<Vec<_>>())
        }),
        ("nested.mxl", {
            let inner = zip(&[("s.xml", &plain)]);
            zip(&[("META-INF/container.xml", &container("inner.mxl")), ("inner.mxl", &inner)])
        }),
        ("cut.mxl", zip(&[("s.xml", &plain)])[..40].to_vec()),
    ];
    for (name, bytes) in &attacks {
        let began = Instant::now();
        let head = format!(
            "POST /v1/scores?name={name} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/octet-stream\r\n\
             Content-Length: {}\r\n\r\n",
            bytes.len()
        );
        let answer = server.raw(&[head.as_bytes(), bytes].concat());
        let text = answer.text();
        assert!(answer.status < 500 && answer.status > 0, "{name}: {} {text}", answer.status);
        assert!(!text.contains("secret of the tests") && !text.contains("root:"), "{name}: {text}");
        assert!(began.elapsed() < PATIENCE / 2, "{name} took {:?}", began.elapsed());
        // What is taken is a score without what it reached for.
        if answer.status < 300 {
            let id = answer.json()["id"].as_str().unwrap().to_owned();
            let told = server.get(&format!("/v1/scores/{id}/content?as=musicxml")).text();
            assert!(!told.contains("secret of the tests") && !told.contains("hahaha"), "{name}: {told}");
        }
    }
    assert_eq!(server.get("/health/ready").status, 200);
    assert!(server.metric("ripieno_http_failures_total") == 0, "nothing of it was a defect");
}
