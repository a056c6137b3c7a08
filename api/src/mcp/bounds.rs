//! What bounds MCP alone, so that an answer fits a model. `docs/operations.md` has the same table.

use crate::service::SCANNED_MAX;
use shared::limits::Limit;

const fn bound(name: &'static str, default: u64, unit: &'static str, reason: &'static str) -> Limit {
    Limit { name, unit, default, env: "", reason }
}

/// Of the rows of one answer, which stand in it twice: as structured content, and as text. Four bytes are about a token, and
/// an answer has some two thousand of them.
pub(super) const ROW_BYTES: Limit = bound(
    "rows of an answer",
    2_700,
    "bytes, twice",
    "An answer of more than two thousand tokens crowds out what the model knew.",
);
/// Of one call.
pub(super) const WAIT: Limit = bound("wait of a call", 45, "seconds", "Hosts give a call up after a minute.");
/// Of rows that one read of `job://{id}/results` gives: ten thousand tokens at the most.
pub(super) const RESULTS_BYTES: Limit =
    bound("page of `job://JOB/results`", 32_000, "bytes", "A host reads a resource whole.");
/// Of a score that is sent as a resource.
pub(super) const SCORE_BYTES: Limit = bound("`score://SCORE`", 3 << 20, "bytes", "The same.");
/// Where few of them are wanted.
const ROWS_LOOKED_AT: Limit = bound(
    "rows looked at for a page",
    SCANNED_MAX,
    "rows",
    "A condition that nothing meets would read a whole table for one call.",
);
/// A score that is sent in it has two million bytes at the most, and base64 of it a third more.
pub(super) const REQUEST_BYTES: Limit =
    bound("request", 4 << 20, "bytes", "A request is held in memory whole.");
/// As resources, or as tasks.
pub(super) const JOBS: Limit =
    bound("jobs listened to", 100, "jobs of one subscription", "Each is asked for once a second.");

/// Every bound, in the order of the table.
pub static BOUNDS: &[Limit] =
    &[ROW_BYTES, WAIT, RESULTS_BYTES, SCORE_BYTES, ROWS_LOOKED_AT, REQUEST_BYTES, JOBS];

/// A bound where the language wants another type.
pub(super) fn count(bound: &Limit) -> usize {
    usize::try_from(bound.default).unwrap_or(usize::MAX)
}
