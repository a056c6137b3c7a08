//! What an item is found to be, written as its rows and summed up in its outcome.

use super::Listener;
use crate::rows::Rows;
use serde_json::Value;
use shared::failure::{Failure, FailureKind};
use shared::job::Item;
use shared::receipt::Outcome;
use shared::row::{Facts, Row, State};

/// Encodes the rows of an item and sums them up.
pub(super) struct RowWriter<'a> {
    item: &'a Item,
    strict: bool,
    rows: &'a mut Rows,
    format: Option<String>,
    digest: Option<String>,
    piece: u32,
    pub(super) outcome: Outcome,
    defect: Option<Failure>,
}

impl<'a> RowWriter<'a> {
    pub(super) fn new(item: &'a Item, strict: bool, rows: &'a mut Rows) -> Self {
        let outcome = Outcome {
            item: item.index,
            pieces: 0,
            degraded: 0,
            notes: 0,
            bytes: 0,
            cached: false,
            as_listed: false,
            lasting: true,
            failure: None,
            name: String::new(),
        };
        RowWriter { item, strict, rows, format: None, digest: None, piece: 0, outcome, defect: None }
    }

    /// Adds a row; its findings are encoded already or, where there are none, its own.
    fn row(&mut self, facts: Facts, findings: Option<&[u8]>) {
        sum_up(&mut self.outcome, &facts);
        let (format, digest) = (self.format.clone(), self.digest.clone());
        let (source, given) = (self.item.name.clone(), self.item.given.clone());
        let row = Row { source, piece: self.piece, format, digest, given, facts };
        let pushed = match findings {
            Some(findings) => self.rows.push_with(&row, findings),
            None => self.rows.push(&row),
        };
        self.defect = self.defect.take().or_else(|| pushed.err());
        self.piece = self.piece.saturating_add(1);
    }

    pub(super) fn finish(mut self) -> Result<Outcome, Failure> {
        if self.outcome.failure.is_some() {
            self.outcome.name.clone_from(&self.item.name);
        }
        self.defect.map_or(Ok(self.outcome), Err)
    }
}

impl Listener for RowWriter<'_> {
    fn source(&mut self, format: Option<&'static str>, digest: String, bytes: u64) {
        self.outcome.bytes = bytes;
        (self.format, self.digest) = (format.map(str::to_owned), Some(digest));
    }

    fn piece(&mut self, facts: Facts) {
        self.row(strictly(self.strict, facts), None);
    }

    fn known(&mut self, facts: Facts, findings: &[u8]) {
        let facts = strictly(self.strict, facts);
        let findings = if facts.state == State::Failed { &[] } else { findings };
        self.row(facts, Some(findings));
    }
}

/// The facts of a piece as a strict job sees them: what is damaged has failed.
fn strictly(strict: bool, facts: Facts) -> Facts {
    if !strict || facts.state != State::Degraded {
        return facts;
    }
    let unsaid = || Failure::new(FailureKind::Malformed, "the score is damaged");
    Facts::failed(facts.failure.unwrap_or_else(unsaid))
}

fn sum_up(outcome: &mut Outcome, facts: &Facts) {
    outcome.notes += facts.notes;
    outcome.lasting &= is_lasting(facts);
    match facts.state {
        State::Failed => outcome.failure = outcome.failure.take().or_else(|| facts.failure.clone()),
        State::Ok | State::Degraded => outcome.pieces += 1,
    }
    outcome.degraded += u32::from(facts.state == State::Degraded);
    if let Some(finding) = facts.findings.iter().find(|finding| finding.cells.is_empty()) {
        let failure = finding.detail.text().ok().and_then(|text| serde_json::from_str::<Value>(&text).ok());
        let failure = failure.and_then(|detail| serde_json::from_value(detail.get("failure")?.clone()).ok());
        let unsaid = || Failure::new(FailureKind::Internal, format!("analysis {} failed", finding.name));
        outcome.failure.get_or_insert_with(|| failure.unwrap_or_else(unsaid));
    }
}

/// Whether the same bytes will always give this.
pub(super) fn is_lasting(facts: &Facts) -> bool {
    let lasting = facts.failure.as_ref().is_none_or(|failure| failure.kind.is_lasting());
    lasting && facts.findings.iter().all(|finding| !finding.cells.is_empty())
}
