//! JSON Lines: a row an object, with the nested detail of every finding.

use super::write_failure;
use serde::Serialize;
use shared::failure::{Failure, FailureKind};
use shared::row::{Row, State, Warning};
use std::collections::BTreeMap;
use std::io::Write;

/// Everything of a row but its findings, whose text is there already.
#[derive(Serialize)]
struct Head<'a> {
    source: &'a str,
    piece: u32,
    state: State,
    format: Option<&'a str>,
    digest: Option<&'a str>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    given: BTreeMap<&'a str, Option<&'a str>>,
    number: Option<&'a str>,
    title: Option<&'a str>,
    composer: Option<&'a str>,
    failure: Option<&'a Failure>,
    warnings: &'a [Warning],
    warning_count: u64,
}

/// Writes rows.
pub(super) struct Writer<W: Write> {
    file: W,
    /// Names of what a manifest file says.
    given: Vec<String>,
    line: Vec<u8>,
}

impl<W: Write> Writer<W> {
    pub(super) const fn new(file: W, given: Vec<String>) -> Self {
        Writer { file, given, line: Vec::new() }
    }

    pub(super) fn add(&mut self, row: &Row) -> Result<(), Failure> {
        let facts = &row.facts;
        let values = row.given.iter().map(Option::as_deref).chain(std::iter::repeat(None));
        let head = Head {
            source: &row.source,
            piece: row.piece,
            state: facts.state,
            format: row.format.as_deref(),
            digest: row.digest.as_deref(),
            given: self.given.iter().map(String::as_str).zip(values).collect(),
            number: facts.number.as_deref(),
            title: facts.title.as_deref(),
            composer: facts.composer.as_deref(),
            failure: facts.failure.as_ref(),
            warnings: &facts.warnings,
            warning_count: facts.warning_count,
        };
        self.line.clear();
        serde_json::to_writer(&mut self.line, &head)
            .map_err(|error| Failure::new(FailureKind::Internal, format!("a row is no JSON: {error}")))?;
        // The head's closing brace makes room for the findings, whose names need no escaping.
        self.line.pop();
        self.line.extend_from_slice(b",\"findings\":{");
        for (index, finding) in facts.findings.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            let detail = finding.detail.text()?;
            let parts = [comma, "\"", &finding.name, "\":", &detail];
            parts.iter().for_each(|part| self.line.extend_from_slice(part.as_bytes()));
        }
        self.line.extend_from_slice(b"}}\n");
        self.file.write_all(&self.line).map_err(|error| write_failure(&error))
    }

    pub(super) fn finish(mut self) -> Result<(), Failure> {
        self.file.flush().map_err(|error| write_failure(&error))
    }
}
