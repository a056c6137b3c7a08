//! What is remembered of a whole chunk: which one had the same items.

use serde::{Deserialize, Serialize};
use shared::job::JobId;

/// Where a chunk of some items was worked last. A hint: what the ledger says of that chunk decides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Twin {
    /// The job.
    pub job: JobId,
    /// Its chunk.
    pub chunk: u32,
}

/// What a chunk is found by: for whom it was worked, what decided its rows, and the digest of its items as they were listed.
#[must_use]
pub fn twin_sentence(whose: &str, made_by: &str, items: &str) -> String {
    format!("{whose}chunk {items}\nmade by {made_by}\n")
}
