//! What became of a chunk, and of the job that its receipts add up to.

use crate::failure::Failure;
use crate::job::JobId;
use crate::place::Place;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What became of one item.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// Index of the item within the job.
    pub item: u64,
    /// Rows that it gave.
    pub pieces: u32,
    /// Rows that are marked degraded.
    pub degraded: u32,
    /// Notes read.
    pub notes: u64,
    /// Bytes of the source; 0 for one that could not be had.
    #[serde(default, skip_serializing_if = "is_none")]
    pub bytes: u64,
    /// Whether every finding came from the cache, or from the run before.
    pub cached: bool,
    /// Whether its bytes were those that the listing marked.
    #[serde(default, skip_serializing_if = "is_false")]
    pub as_listed: bool,
    /// Whether the same bytes will always give this: nothing of it failed for a reason that may not be there again.
    #[serde(default, skip_serializing_if = "is_false")]
    pub lasting: bool,
    /// Why it, or a piece or finding of it, failed: the first reason. An item may have rows and a failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    /// Its name, for messages; only where there is a failure.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
const fn is_false(is: &bool) -> bool {
    !*is
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
const fn is_none(number: &u64) -> bool {
    *number == 0
}

/// An outcome for each item of a chunk. Written once; the first one counts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Receipt {
    /// Version of this record.
    pub version: u16,
    /// The chunk.
    pub chunk: u32,
    /// Version of the engine that worked it.
    pub engine: String,
    /// How long the work took, in milliseconds of wall time.
    pub worked_ms: u64,
    /// Time of the processor that reading and analysing took, in milliseconds; not that of fetching and writing.
    #[serde(default)]
    pub cpu_ms: u64,
    /// Where its rows are.
    pub rows: RowParts,
    /// What decided them but for the sources: readers, options and limits of reading, analyses. Other workers take rows of
    /// the same sources only where this is theirs too.
    #[serde(default)]
    pub made_by: String,
    /// In the order of the items.
    pub outcomes: Vec<Outcome>,
}

/// The rows of a chunk: objects of whole rows, in order. Each time that a chunk is worked they have another name, so that
/// the receipt that counts names the rows that belong to it, whoever else worked the chunk.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowParts {
    /// Name of this time: letters and digits.
    pub name: String,
    /// How many there are.
    pub count: u32,
    /// Numbers of those whose details lie aside, in objects of their own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aside: Vec<u32>,
    /// Where they were written, if these are copies of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
}

/// How much of rows is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// What stands in columns. Findings may come without their details.
    Flat,
    /// All of it.
    Whole,
}

/// Where rows were written first: they are sealed under that name, wherever they are copied to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The job.
    pub job: JobId,
    /// Its chunk.
    pub chunk: u32,
    /// The name of that time.
    pub name: String,
}

/// Counts of a job, so far or at its end.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Items with an outcome.
    pub items: u64,
    /// Items that failed, or of which something failed.
    pub failed: u64,
    /// Items whose findings all came from the cache.
    pub cached: u64,
    /// Rows of pieces that were read.
    pub pieces: u64,
    /// Of these, degraded.
    pub degraded: u64,
    /// Notes read.
    pub notes: u64,
    /// Bytes of the sources.
    #[serde(default)]
    pub bytes: u64,
    /// Time of the processor that reading and analysing took, in milliseconds.
    #[serde(default)]
    pub cpu_ms: u64,
    /// Failed items by kind.
    pub kinds: BTreeMap<String, u64>,
    /// The first failures of each kind.
    pub examples: BTreeMap<String, Vec<Example>>,
}

/// One failure, as a summary shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Example {
    /// The item.
    pub name: String,
    /// What was wrong.
    pub message: String,
    /// Where.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
}

/// How many examples of each kind a summary keeps.
const EXAMPLES_PER_KIND: usize = 3;

impl Totals {
    /// Adds what a receipt says. Receipts are added in the order of the chunks, so that the examples are the first.
    pub fn add(&mut self, receipt: &Receipt) {
        self.cpu_ms += receipt.cpu_ms;
        for outcome in &receipt.outcomes {
            self.items += 1;
            self.bytes += outcome.bytes;
            self.cached += u64::from(outcome.cached);
            self.pieces += u64::from(outcome.pieces);
            self.degraded += u64::from(outcome.degraded);
            self.notes += outcome.notes;
            if let Some(failure) = &outcome.failure {
                self.failed += 1;
                self.fail(&outcome.name, failure);
            }
        }
    }

    fn fail(&mut self, name: &str, failure: &Failure) {
        let label = failure.kind.label();
        *self.kinds.entry(label.to_owned()).or_default() += 1;
        let examples = self.examples.entry(label.to_owned()).or_default();
        if examples.len() < EXAMPLES_PER_KIND {
            let (name, message) = (name.to_owned(), failure.message.clone());
            examples.push(Example { name, message, place: failure.place });
        }
    }
}

/// How a job ended; created once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finished {
    /// Version of this record.
    pub version: u16,
    /// When, in milliseconds since 1970 UTC.
    pub at_ms: u64,
    /// Whether it was cancelled before its end.
    pub cancelled: bool,
    /// The counts; items without an outcome are those that a cancelled job did not reach.
    pub totals: Totals,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire;

    #[test]
    fn a_receipt_of_before_bytes_and_time_were_counted_is_read() {
        let old = r#"{"version":1,"chunk":0,"engine":"0.1.0","worked_ms":7,"rows":{"name":"a","count":1},"made_by":"x",
            "outcomes":[{"item":0,"pieces":1,"degraded":0,"notes":9,"cached":true}]}"#;
        let receipt: Receipt = serde_json::from_str(old).unwrap();
        let mut totals = Totals::default();
        totals.add(&receipt);
        assert_eq!((totals.items, totals.notes, totals.bytes, totals.cpu_ms), (1, 9, 0, 0));
        let mut new = receipt.clone();
        (new.cpu_ms, new.outcomes[0].bytes) = (5, 100);
        let read: Receipt = wire::decode(&wire::encode(&new).unwrap(), "a receipt").unwrap();
        totals.add(&read);
        assert_eq!((totals.items, totals.bytes, totals.cpu_ms), (2, 100, 5));
        let totals =
            r#"{"items":1,"failed":0,"cached":0,"pieces":1,"degraded":0,"notes":9,"kinds":{},"examples":{}}"#;
        assert_eq!(serde_json::from_str::<Totals>(totals).unwrap().bytes, 0);
    }
}
