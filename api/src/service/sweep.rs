//! Jobs that are kept no longer are removed: those that ended longer ago than what is set for their tenant, or for the
//! installation, unless something that is kept needs them.

use super::Service;
use super::tenants::kept;
use crate::audit::{Audit, Record};
use crate::schedule::needed;
use shared::clock::{self, DAY_MS};
use shared::failure::Failure;
use shared::job::JobId;
use shared::ledger::Ledger;
use std::collections::BTreeSet;
use tracing::Instrument;

/// What was removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Jobs.
    pub jobs: u64,
    /// Objects of the ledger.
    pub objects: u64,
}

impl Service {
    /// Removes the jobs of every tenant that are kept no longer at `now_ms`. May be cut off anywhere, and done by several at
    /// once: the next one goes on. One tenant that fails keeps no other from it.
    ///
    /// # Errors
    /// `malformed` for a `RIPIENO_RETENTION_DAYS` that is none; what the ledger says, of several failures the last.
    pub async fn sweep(&self, now_ms: u64) -> Result<Swept, Failure> {
        let (mut swept, mut outcome) = (Swept::default(), Ok(()));
        for tenant in self.ledger.tenants().await? {
            let span = tracing::error_span!("sweep", %tenant);
            let ledger = self.ledger.of(&tenant);
            let done = self.sweep_tenant(&ledger, now_ms, &mut swept).instrument(span.clone()).await;
            if let Err(failure) = done {
                span.in_scope(|| tracing::warn!(%failure, "not swept"));
                outcome = Err(failure);
            }
        }
        outcome.map(|()| swept)
    }

    async fn sweep_tenant(&self, ledger: &Ledger, now_ms: u64, swept: &mut Swept) -> Result<(), Failure> {
        let Some(days) = kept(&ledger.terms().await?)? else { return Ok(()) };
        let until_ms = now_ms.saturating_sub(days.saturating_mul(DAY_MS));
        let jobs = ledger.listed_jobs().await?;
        if jobs.last().is_none_or(|(created_ms, _)| *created_ms >= until_ms) {
            return Ok(());
        }
        let audit = Audit::of(&self.ledger);
        let mut needed = needed(ledger).await?;
        // What is not worked yet takes rows of the run before.
        needed.extend(ledger.active().await?.into_iter().filter_map(|record| record.before));
        // Newest first: what a job needs is older than the job.
        for (created_ms, job) in jobs {
            if !is_over(ledger, created_ms, &job, until_ms, &mut needed).await? {
                continue;
            }
            audit.append(ledger.tenant(), done(&job)).await?;
            swept.objects += ledger.remove_job(created_ms, &job, until_ms).await?;
            swept.jobs += 1;
            tracing::info!(job.id = %job, "removed");
        }
        Ok(())
    }
}

/// Whether a job is to be removed; one that stays has those stay that it needs.
async fn is_over(
    ledger: &Ledger,
    created_ms: u64,
    job: &JobId,
    until_ms: u64,
    needed: &mut BTreeSet<JobId>,
) -> Result<bool, Failure> {
    let old = created_ms < until_ms;
    let record = match ledger.record_if_any(job).await {
        // A damaged one is told of, and keeps no other from its end.
        Err(failure) if !failure.kind.is_transient() => {
            tracing::error!(job.id = %job, %failure, "a job is passed over");
            return Ok(false);
        }
        found => found?,
    };
    // What is listed and has no record was never accepted, or is half removed; or it is about to be accepted.
    let Some(record) = record else { return Ok(old) };
    let ended = match old && record.created_ms == created_ms && !needed.contains(job) {
        true => ledger.finished(job).await?,
        false => None,
    };
    if ended.is_some_and(|finished| finished.at_ms < until_ms) {
        return Ok(true);
    }
    // The table of a retry is that of the whole job.
    needed.extend(record.retries);
    Ok(false)
}

fn done(job: &JobId) -> Record {
    Record {
        at_ms: clock::now_ms(),
        subject: "retention".to_owned(),
        operation: "sweep".to_owned(),
        of: job.to_string(),
        from: String::new(),
        status: 200,
        request: String::new(),
    }
}
