//! Scores over REST: sent whole, and in pieces over connections that break; asked for by jobs; taken out and deleted.

use super::server::Server;
use crate::support::{finish, tune};
use serde_json::{Value, json};
use std::fs;
use std::process::Command;

const BYTES: (&str, &str) = ("Content-Type", "application/octet-stream");
const PIECE: (&str, &str) = ("Content-Type", "application/offset+octet-stream");

fn error(answer: &super::server::Answer) -> String {
    answer.json()["detail"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn a_score_that_is_sent_is_found_analysed_taken_out_and_deleted() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(home.path());
    let text = tune(1, 64);
    let send = |path: &str, text: &str| server.ask("POST", path, &[BYTES], text);
    let sent = send("/v1/scores?name=%C3%A4%20b.abc&corpus=tunes", &text);
    assert_eq!(sent.status, 201, "{}", sent.text());
    let id = sent.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(sent.header("location"), format!("/v1/scores/{id}"));
    assert_eq!((&sent.json()["title"], &sent.json()["notes"]), (&"Tune 1".into(), &64.into()));
    assert_eq!(send("/v1/scores?name=other.abc", &text).status, 200, "the same bytes are one score");
    assert_eq!(send("/v1/scores?name=b.abc", &tune(2, 32)).status, 201);
    let refused = send("/v1/scores?name=c.abc", "no music");
    assert_eq!(refused.status, 422, "{}", refused.text());
    assert_eq!(send("/v1/scores?corpus=No!", &text).status, 422);

    let search = |query: &str| server.get(&format!("/v1/scores{query}")).json();
    assert_eq!(search("")["total"], 2);
    assert_eq!(search("?text=tune%201")["scores"][0]["id"], id);
    assert_eq!(search("?corpus=tunes")["total"], 1);
    let first = search("?limit=1");
    let next = first["next"].as_str().unwrap();
    let second = search(&format!("?limit=1&cursor={next}"));
    assert!(second["next"].is_null() && second["scores"][0]["id"] != first["scores"][0]["id"]);
    assert_eq!(server.get("/v1/corpora").json(), json!({ "corpora": ["tunes"] }));

    // A job of a corpus, and of scores by their handles; a plan of the same.
    let body = json!({ "corpus": "tunes", "analyses": ["ambitus"] });
    assert_eq!(server.post("/v1/plans", &body).json()["items"], 1);
    let job = server.post("/v1/jobs", &body).json();
    assert_eq!(job["sources"], json!(["corpus tunes"]));
    let ended = server.wait(job["id"].as_str().unwrap());
    assert_eq!((&ended["pieces"], &ended["failed"]), (&1.into(), &0.into()));
    let key = [("Idempotency-Key", "one")];
    let body = json!({ "scores": [id, first["scores"][0]["id"]], "analyses": ["ambitus"] });
    let job = server.post_with("/v1/jobs", &key, &body);
    assert_eq!(job.status, 202, "{}", job.text());
    server.wait(job.json()["id"].as_str().unwrap());
    let table =
        server.get(&format!("/v1/jobs/{}/results?format=csv", job.json()["id"].as_str().unwrap())).text();
    assert!(table.contains(&id), "{table}");

    let content = format!("/v1/scores/{id}/content");
    let got = server.get(&content);
    assert_eq!(got.text(), text);
    let named = "attachment; filename=\"_ b.abc\"; filename*=UTF-8''%C3%A4%20b.abc";
    assert_eq!(got.header("content-disposition"), named);
    let xml = server.get(&format!("{content}?as=musicxml"));
    assert!(xml.status == 200 && xml.text().contains("<work-title>Tune 1</work-title>"), "{}", xml.text());
    assert_eq!(xml.header("ripieno-left-out"), "0");
    let midi = server.get(&format!("{content}?as=midi&repeats=expanded"));
    assert!(midi.body.starts_with(b"MThd") && midi.header("content-disposition").contains("%C3%A4%20b.mid"));
    for (query, status) in [("as=lilypond", 415), ("as=midi&piece=1", 404), ("piece=0", 422)] {
        let refused = server.get(&format!("{content}?{query}"));
        assert_eq!(refused.status, status, "{query}: {}", refused.text());
    }
    let tag = [("If-None-Match", got.header("etag"))];
    assert_eq!(server.ask("GET", &content, &tag, "").status, 304);
    let path = format!("/v1/scores/{id}");
    assert_eq!(server.ask("DELETE", &path, &[], "").status, 204);
    assert_eq!((server.get(&path).status, server.ask("DELETE", &path, &[], "").status), (404, 404));
    assert_eq!(
        server.post_with("/v1/jobs", &key, &body).status,
        200,
        "what was accepted before is still that job"
    );
    assert_eq!(server.post("/v1/jobs", &body).status, 404);
    for (url, said) in
        [("http://93.184.216.34/a.krn", "say https://"), ("https://127.0.0.1/a.krn", "private network")]
    {
        let refused = server.post("/v1/imports", &json!({ "url": url }));
        assert!(refused.status == 403 && error(&refused).contains(said), "{}", refused.text());
    }
}

#[test]
fn an_upload_goes_on_where_it_broke_off_over_any_front() {
    let home = tempfile::tempdir().unwrap();
    let text = tune(3, 9000);
    let length = text.len().to_string();
    let server = Server::start(home.path());
    // Base64 of `large.abc` and `tunes`.
    let words =
        [("Upload-Length", length.as_str()), ("Upload-Metadata", "filename bGFyZ2UuYWJj,corpus dHVuZXM=")];
    let begun = server.ask("POST", "/v1/uploads", &words, "");
    assert_eq!(begun.status, 201, "{}", begun.text());
    let place = begun.header("location").to_owned();
    assert!(begun.header("upload-expires").ends_with(" GMT") && begun.header("tus-resumable") == "1.0.0");
    let append = |server: &Server, from: usize, to: usize| {
        let offset = from.to_string();
        server.ask("PATCH", &place, &[PIECE, ("Upload-Offset", &offset)], &text[from..to])
    };
    assert_eq!(append(&server, 0, 1000).header("upload-offset"), "1000");
    let twice = append(&server, 0, 1000);
    assert!(twice.status == 409 && error(&twice).contains("the upload is at 1000"), "{}", twice.text());
    // A piece whose connection breaks off counts for nothing; another process goes on.
    let head = format!("PATCH {place} HTTP/1.1\r\nHost: {}\r\nUpload-Offset: 1000\r\n", server.address);
    let part =
        format!("{head}Content-Type: {}\r\nContent-Length: 5000\r\n\r\n{}", PIECE.1, &text[1000..2000]);
    let mut stream = server.connect();
    std::io::Write::write_all(&mut stream, part.as_bytes()).unwrap();
    drop((stream, server));
    let server = Server::start(home.path());
    let so_far = server.ask("HEAD", &place, &[("Tus-Resumable", "1.0.0")], "");
    assert_eq!((so_far.status, so_far.header("upload-offset")), (204, "1000"));
    assert_eq!(append(&server, 1000, 9000).status, 204);
    let over = server.ask("PATCH", &place, &[PIECE, ("Upload-Offset", "9000")], &"x".repeat(text.len()));
    assert!(over.status == 413 && error(&over).contains("were announced"), "{}", over.text());
    assert!(server.get(&place).json()["score"].is_null());
    assert_eq!(append(&server, 9000, text.len()).status, 204);
    let whole = server.get(&place).json();
    let score = whole["score"].as_str().unwrap_or_else(|| panic!("{whole}"));
    assert_eq!(server.get(&format!("/v1/scores/{score}/content")).text(), text);
    assert_eq!(server.get("/v1/scores?corpus=tunes").json()["scores"][0]["name"], "large.abc");
    let pieces = tests::files_under(&home.path().join("ledger/tenants/local/uploads"));
    assert!(pieces.iter().all(|path| !path.to_string_lossy().contains("pieces")), "{pieces:?}");

    for (headers, status, said) in [
        (&[("Upload-Length", "0")][..], 422, "at least one byte"),
        (&[("Upload-Length", "x")], 400, "upload-length"),
        (&[], 400, "upload-length"),
        (&[("Upload-Length", "999999999999")], 413, "source_bytes_max"),
        (&[("Upload-Length", "9"), ("Tus-Resumable", "0.2.2")], 412, "1.0.0 is spoken"),
        (&[("Upload-Length", "9"), ("Upload-Metadata", "filename !")], 400, "base64"),
    ] {
        let refused = server.ask("POST", "/v1/uploads", headers, "");
        assert!(refused.status == status && error(&refused).contains(said), "{}", refused.text());
    }
    // What is no score is said so once it is there, and however often it is asked.
    let bad = server.ask("POST", "/v1/uploads", &[("Upload-Length", "8")], "");
    let bad = bad.header("location").to_owned();
    assert_eq!(server.ask("PATCH", &bad, &[PIECE, ("Upload-Offset", "0")], "no music").status, 204);
    for _ in 0..2 {
        let told = server.get(&bad).json();
        assert!(told["score"].is_null() && told["failure"]["kind"] != Value::Null, "{told}");
    }
    assert_eq!(server.ask("DELETE", &bad, &[], "").status, 204);
    assert_eq!(server.get(&bad).status, 404);
    let unknown = server.get("/v1/uploads/upload-aaaaaaaaaaaaaaaa");
    assert!(unknown.status == 404 && error(&unknown).contains("may have expired"));
}

#[test]
fn unfinished_uploads_are_bounded_and_expire() {
    let home = tempfile::tempdir().unwrap();
    let begin = |server: &Server| server.ask("POST", "/v1/uploads", &[("Upload-Length", "9")], "");
    let server = Server::start(home.path());
    let most = shared::limits::UPLOADS_MAX.default;
    let begun: Vec<String> = (0..most).map(|_| begin(&server).header("location").to_owned()).collect();
    assert!(begun.iter().all(|place| place.starts_with("/v1/uploads/upload-")), "{begun:?}");
    let refused = begin(&server);
    assert!(refused.status == 413 && error(&refused).contains("uploads_max = 100"), "{}", refused.text());
    drop(server);
    let server = Server::start_with(home.path(), |command| {
        command.env("RIPIENO_UPLOAD_SECONDS_MAX", "1");
    });
    server.until("they have expired", |server| server.get(&begun[0]).status == 404);
    server.until("there is room again", |server| begin(server).status == 201);
}

#[test]
fn a_client_of_the_tus_protocol_uploads_in_pieces() {
    let Some(python) = shared::config::var("RIPIENO_TEST_PYTHON") else {
        println!("skipped: no Python with tuspy (tests/run installs it)");
        return;
    };
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(&home.path().join("data"));
    let (file, text) = (home.path().join("large tune.abc"), tune(4, 9000));
    fs::write(&file, &text).unwrap();
    let program = "
import sys
from tusclient import client
url, path = sys.argv[1:]
meta = {'filename': 'large tune.abc', 'corpus': 'tus'}
up = client.TusClient(url + '/v1/uploads').uploader(path, chunk_size=4000, metadata=meta)
up.upload_chunk()
# Another process goes on from what the server says.
again = client.TusClient(url + '/v1/uploads').uploader(path, chunk_size=4000, url=up.url)
assert again.offset == 4000, again.offset
again.upload()
print(again.url)
";
    let mut command = Command::new(python);
    let (code, place, errors) = finish(command.args(["-c", program, &server.url()]).arg(&file));
    assert_eq!(code, 0, "{place}{errors}");
    let upload = server.get(place.trim().strip_prefix(&server.url()).unwrap()).json();
    let score = upload["score"].as_str().unwrap_or_else(|| panic!("{upload}"));
    assert_eq!(server.get(&format!("/v1/scores/{score}/content")).text(), text);
    assert_eq!(server.get(&format!("/v1/scores/{score}")).json()["name"], "large tune.abc");
}
