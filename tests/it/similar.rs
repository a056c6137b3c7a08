//! `ripieno similar` and the query of `search`, as a user types them.

use crate::http::server::Server;
use crate::support::{finish, ripieno};
use serde_json::Value;
use std::fs;
use std::path::Path;

/// A tune made for this test, in G, then a fifth lower in other note values and with a note in two pieces; and another.
const TUNES: [(&str, &str); 3] = [
    ("a.abc", "X:1\nT:Daughter\nM:4/4\nL:1/8\nK:G\nGABG dBAG|c2e2 d2B2|GABG dBAG|A2F2 G4|\n"),
    ("b.abc", "X:1\nT:Daughter, lower\nM:2/4\nL:1/16\nK:C\nCDEC GEDC|F2A2 GGE2|CDEC GEDC|D2B,2 C4|\n"),
    ("c.abc", "X:1\nT:Other\nM:3/4\nL:1/4\nK:D\nd f a|g3|e c A|d2 A|F G A|B A G|F E D|D3|\n"),
];

fn job(home: &Path, analyses: &str) -> String {
    let scores = home.join("scores");
    fs::create_dir_all(&scores).unwrap();
    for (name, text) in TUNES {
        fs::write(scores.join(name), text).unwrap();
    }
    let mut command = ripieno(&home.join("data"));
    command.arg("run").arg(&scores).args(["--analyses", analyses, "--format", "jsonl", "--progress", "json"]);
    let (code, text, errors) = finish(command.arg("--out").arg(home.join("out")));
    assert_eq!(code, 0, "{text}{errors}");
    let accepted: Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    accepted["job"].as_str().unwrap().to_owned()
}

#[test]
fn a_tune_is_found_again_in_another_key_and_other_note_values() {
    let home = tempfile::tempdir().unwrap();
    let job = job(home.path(), "fingerprint");
    let similar = |given: &[&str]| {
        let mut command = ripieno(&home.path().join("data"));
        finish(command.args(["similar", &job]).args(given))
    };
    let (code, text, errors) = similar(&["--json"]);
    assert_eq!(code, 0, "{errors}");
    let pairs: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(pairs.len(), 1, "{text}");
    let source = |side: &str| pairs[0][side]["source"].as_str().unwrap().to_owned();
    assert!(source("one").ends_with("a.abc") && source("other").ends_with("b.abc"), "{text}");
    assert_eq!(pairs[0]["opening"], 1.0, "a note in two pieces costs nothing");
    assert!(errors.starts_with("3 pieces compared, 0 rows without a fingerprint: 1 pairs"), "{errors}");
    let (code, text, _) = similar(&[]);
    assert!(code == 0 && text.starts_with("1.000  ") && text.contains("(Daughter, lower)"), "{text}");
    // A server says the same of it.
    let server = Server::start(&home.path().join("data"));
    for given in [&[][..], &["--json", "--top", "2"], &["--threshold", "1"]] {
        let mut there = ripieno(&home.path().join("none"));
        there.args(["--server", &server.url(), "similar", &job]).args(given);
        assert_eq!(finish(&mut there), similar(given), "{given:?}");
    }
    let (code, _, errors) = similar(&["--threshold", "2"]);
    assert!(code == 1 && errors.contains("a threshold is a number from 0 to 1"), "{errors}");
}

#[test]
fn a_job_without_fingerprints_says_which_analysis_it_lacks() {
    let home = tempfile::tempdir().unwrap();
    let job = job(home.path(), "summary");
    let (code, text, errors) = finish(ripieno(&home.path().join("data")).args(["similar", &job]));
    assert!(code == 1 && text.is_empty() && errors.contains("--analyses fingerprint"), "{errors}");
}

#[test]
fn a_query_is_a_text_that_is_checked_before_anything_is_read() {
    let home = tempfile::tempdir().unwrap();
    job(home.path(), "summary");
    let search = |query: &str| {
        let mut command = ripieno(&home.path().join("data"));
        command.arg("run").arg(home.path().join("scores")).args([
            "--analyses",
            "search",
            "--format",
            "jsonl",
        ]);
        command.args(["--progress", "none", "--set", &format!("search.query={query}"), "--out"]);
        finish(command.arg(home.path().join("out")))
    };
    let counts = || -> Vec<Value> {
        let table = fs::read_to_string(home.path().join("out/table.jsonl")).unwrap();
        let rows = table.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        rows.map(|row| row["findings"]["search"]["count"].clone()).collect()
    };
    assert_eq!(search("+2 +2 -4 +7").0, 0);
    assert_eq!(counts(), [2, 2, 0]);
    assert_eq!(search("F# E D").0, 0);
    assert_eq!(counts(), [0, 0, 1]);
    // A number is a text here, and no query.
    for (query, part) in [("+2", "two elements are the least"), ("2 2", "+2 is one up"), ("", "it is empty")]
    {
        let (code, _, errors) = search(query);
        assert!(code == 1 && errors.contains(part) && errors.contains("search: query is"), "{errors}");
    }
}
