//! What the work of a tenant came to: a record for each job that has ended, made of its receipts, which count once however
//! often a chunk was worked.

use crate::job::JobId;
use crate::receipt::Totals;
use serde::{Deserialize, Serialize};

/// What one job came to. Written once, and kept when the job is removed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobUsage {
    /// Version of this record.
    pub version: u16,
    /// The job.
    pub job: JobId,
    /// When it ended, in milliseconds since 1970 UTC: it counts for the day that this lies in.
    pub at_ms: u64,
    /// What its receipts add up to.
    pub sums: Sums,
}

/// What jobs come to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sums {
    /// Items with an outcome.
    pub items: u64,
    /// Of these, those that failed, or of which something failed.
    pub failed: u64,
    /// Of these, those whose findings were known already.
    pub cached: u64,
    /// Bytes of the sources.
    pub bytes: u64,
    /// Time of the processor that reading and analysing took, in milliseconds.
    pub cpu_ms: u64,
}

impl From<&Totals> for Sums {
    fn from(totals: &Totals) -> Self {
        let Totals { items, failed, cached, bytes, cpu_ms, .. } = *totals;
        Sums { items, failed, cached, bytes, cpu_ms }
    }
}

/// What the jobs that ended in a stretch of time came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Jobs that ended.
    pub jobs: u64,
    /// What they came to.
    pub sums: Sums,
}

impl Usage {
    /// These jobs, and so many more that came to `more`.
    #[must_use]
    pub const fn and(self, jobs: u64, more: Sums) -> Usage {
        let Sums { items, failed, cached, bytes, cpu_ms } = self.sums;
        Usage {
            jobs: self.jobs.saturating_add(jobs),
            sums: Sums {
                items: items.saturating_add(more.items),
                failed: failed.saturating_add(more.failed),
                cached: cached.saturating_add(more.cached),
                bytes: bytes.saturating_add(more.bytes),
                cpu_ms: cpu_ms.saturating_add(more.cpu_ms),
            },
        }
    }
}
