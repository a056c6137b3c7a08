//! The table of operations is that of REST and of the docs.

use api::auth::table::{OPERATIONS, operation, page};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;

#[test]
fn every_operation_of_rest_has_its_row_and_no_row_is_of_nothing() {
    let document: Value = serde_json::from_str(&api::http::document()).unwrap();
    let items = document["paths"].as_object().unwrap().values();
    let operations = items.flat_map(|item| item.as_object().unwrap().values());
    let ids: BTreeSet<&str> = operations.filter_map(|operation| operation["operationId"].as_str()).collect();
    for id in &ids {
        assert!(operation(id).is_some(), "api/src/auth/table.rs lacks {id}: who may do it?");
    }
    // Those of MCP have a slash or are the protocol's own.
    let of_mcp = |name: &str| name.contains('/') || ["initialize", "ping", "openapi"].contains(&name);
    for row in OPERATIONS.iter().filter(|row| !of_mcp(row.name)) {
        assert!(ids.contains(row.name), "{} is no operation of REST", row.name);
    }
}

#[test]
fn the_docs_have_the_table() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/security.md");
    let written = fs::read_to_string(path).unwrap();
    let begin = written.find("| operation |").expect("docs/security.md has the table");
    let end = written[begin..].find("\n\n").map_or(written.len(), |end| begin + end + 1);
    if shared::config::var("BLESS").is_some() {
        fs::write(path, format!("{}{}{}", &written[..begin], page(), &written[end..])).unwrap();
        return;
    }
    assert!(written[begin..end] == page(), "docs/security.md has another table: BLESS=1 writes it");
}
