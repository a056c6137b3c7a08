//! The twenty questions of `docs/mcp.md` about one chorale: each is answered, and none at length.

use super::Agent;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;

/// Bytes of an answer as it comes, by what a token is taken for: two thousand of four bytes.
const ANSWER_BYTES_MAX: usize = 8_000;
/// Bytes of all answers together.
const ALL_BYTES_MAX: usize = 64_000;

/// The rows of the table: number, question, tool, arguments.
fn questions() -> Vec<(String, String, String)> {
    let page = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/mcp.md")).unwrap();
    let (_, rest) = page.split_once("## Twenty questions\n").expect("the page asks them");
    let rest = rest.split("\n## ").next().unwrap();
    let rows = rest.lines().filter_map(|line| {
        let cells: Vec<&str> = line.trim_matches('|').splitn(3, '|').map(str::trim).collect();
        let [number, question, call] = cells[..] else { return None };
        number.parse::<u32>().ok()?;
        let (tool, arguments) = call.trim_matches('`').split_once(' ').expect("a tool and its arguments");
        Some((question.to_owned(), tool.to_owned(), arguments.to_owned()))
    });
    rows.collect()
}

#[test]
fn twenty_questions_are_answered_and_none_at_length() {
    let home = tempfile::tempdir().unwrap();
    let mut agent = Agent::start(&home.path().join("data"));
    let score = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/scores/kern/bwv-66-6.krn");
    let (mut handle, mut job, mut all) = (String::new(), String::new(), 0);
    let questions = questions();
    assert_eq!(questions.len(), 20);
    for (number, (question, tool, arguments)) in (1..).zip(questions) {
        let arguments = arguments.replace("FILE", score.to_str().unwrap());
        let arguments = arguments.replace("SCORE", &handle).replace("JOB", &job);
        let arguments: Value = serde_json::from_str(&arguments).expect("arguments are JSON");
        let answer = agent.ask("tools/call", json!({ "name": tool, "arguments": arguments }));
        let (result, bytes) = (&answer["result"], answer.to_string().len());
        println!("{number:>2} {bytes:>5} bytes {:>5} tokens  {question}", bytes.div_ceil(4));
        assert_eq!(result["isError"], false, "{question}: {answer}");
        assert!(bytes <= ANSWER_BYTES_MAX, "{question}: {bytes} bytes: {answer}");
        let told = &result["structuredContent"];
        if let Some(imported) = told["scores"][0]["score"].as_str() {
            imported.clone_into(&mut handle);
        }
        if let Some(of) = told["job"].as_str() {
            of.clone_into(&mut job);
            assert_eq!(told["state"], "finished", "{question}: {answer}");
        }
        if tool == "analysis_run" && arguments["dry_run"] != true {
            let (row, detail) = (&told["rows"][0], &told["details"][0]["findings"]);
            let says = row.as_array().map_or(0, Vec::len) > 2 || detail.is_object();
            assert!(says && told.get("failures").is_none(), "{question}: {answer}");
        }
        all += bytes;
    }
    println!("all of them {all} bytes, {} tokens", all.div_ceil(4));
    assert!(all <= ALL_BYTES_MAX, "{all} bytes for twenty answers");
    agent.end();
}
