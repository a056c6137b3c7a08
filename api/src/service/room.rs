//! How much a tenant may have under way, and of one day. A job is taken whole or refused whole, before its record is there.

use super::Service;
use shared::clock::{self, DAY_MS, day_of};
use shared::dispatch::jittered;
use shared::failure::{Failure, FailureKind};
use shared::job::{JobId, Record};
use shared::ledger::{Created, Ledger};
use shared::metrics::QUOTA_REFUSED;
use shared::principal::LOCAL_TENANT;
use shared::terms::{Allowed, Share};
use std::time::Duration;

/// After how many seconds it may be tried again whether a job has ended: nobody knows when one will.
const JOB_SECONDS: u64 = 30;
/// Times that a share is asked for, where others ask for theirs at the same moment.
const TRIES_MAX: u32 = 5;
/// How long is waited between them.
const TRY_AFTER: Duration = Duration::from_millis(200);

/// What of a day a job has.
#[derive(Clone, Debug)]
pub(crate) struct Charge {
    job: JobId,
    day: u64,
    share: Share,
}

impl Service {
    /// Refuses another job of a tenant that has as many as it may, or whose day has no room for it. Fronts that are asked at
    /// the same moment may let a few more jobs in.
    pub(super) async fn room(&self, ledger: &Ledger, share: Share) -> Result<(), Failure> {
        // Whoever sits at this machine takes room from nobody.
        if ledger.tenant() == LOCAL_TENANT {
            return Ok(());
        }
        let allowed = self.allowed(ledger).await?;
        self.room_of_jobs(ledger, allowed.jobs).await?;
        let now_ms = clock::now_ms();
        fits(ledger, &allowed, ledger.charged(day_of(now_ms)).await?, share, now_ms)
    }

    async fn allowed(&self, ledger: &Ledger) -> Result<Allowed, Failure> {
        Ok(ledger.terms().await?.quota.over(&self.limits))
    }

    async fn room_of_jobs(&self, ledger: &Ledger, most: u64) -> Result<(), Failure> {
        // The index is counted first: it costs one listing.
        if ledger.active_at_most().await? < most || (ledger.active().await?.len() as u64) < most {
            return Ok(());
        }
        let message = format!(
            "your tenant has {most} jobs that have not ended, as many as it may (tenant_jobs_max): wait for one, or cancel one"
        );
        refused(ledger, "jobs", Failure::new(FailureKind::TooMany, message).after_seconds(JOB_SECONDS))
    }

    /// Has a job that is about to be accepted take its share of the day. It is written down first and counted then, so that
    /// of two that ask at the same moment for what only one can have, never both get it.
    ///
    /// # Errors
    /// `too_many` and `too_large`; what the ledger says.
    pub(crate) async fn charge(&self, ledger: &Ledger, record: &Record) -> Result<Option<Charge>, Failure> {
        if ledger.tenant() == LOCAL_TENANT {
            return Ok(None);
        }
        let (allowed, share) = (self.allowed(ledger).await?, share_of(record));
        for tries in 1.. {
            let now_ms = clock::now_ms();
            let charge = Charge { job: record.id.clone(), day: day_of(now_ms), share };
            let created = ledger.charge(charge.day, &charge.job, share).await?;
            let others = ledger.charged(charge.day).await?.without(share);
            let Err((quota, failure)) = room(&allowed, others, share, now_ms) else {
                return Ok(Some(charge));
            };
            // Whoever submits the very same job at this moment has taken it for both.
            if created == Created::First {
                self.discharge(ledger, Some(charge)).await?;
            }
            // Others may be about to give theirs back.
            if tries == TRIES_MAX || !failure.kind.is_transient() {
                return refused(ledger, quota, failure).map(|()| None);
            }
            tokio::time::sleep(jittered(TRY_AFTER)).await;
        }
        Ok(None)
    }

    /// Gives the share of a job back that was not accepted.
    ///
    /// # Errors
    /// What the ledger says.
    pub(crate) async fn discharge(&self, ledger: &Ledger, charge: Option<Charge>) -> Result<(), Failure> {
        match charge {
            Some(Charge { job, day, share }) => ledger.discharge(day, &job, share).await,
            None => Ok(()),
        }
    }
}

fn share_of(record: &Record) -> Share {
    Share { items: record.items, bytes: record.bytes }
}

fn refused(ledger: &Ledger, quota: &'static str, failure: Failure) -> Result<(), Failure> {
    QUOTA_REFUSED.add(&[ledger.tenant(), quota], 1);
    tracing::warn!(tenant = ledger.tenant(), quota, %failure, "refused by quota");
    Err(failure)
}

fn fits(ledger: &Ledger, allowed: &Allowed, used: Share, share: Share, now_ms: u64) -> Result<(), Failure> {
    room(allowed, used, share, now_ms).or_else(|(quota, failure)| refused(ledger, quota, failure))
}

/// Whether a day of which `used` is taken has room for a share; else by which quota not, and what is said of it.
fn room(allowed: &Allowed, used: Share, share: Share, now_ms: u64) -> Result<(), (&'static str, Failure)> {
    let quotas = [
        ("items", "tenant_items_per_day_max", allowed.items_per_day, used.items, share.items),
        ("bytes", "tenant_bytes_per_day_max", allowed.bytes_per_day, used.bytes, share.bytes),
    ];
    for (quota, name, most, used, wanted) in quotas {
        if wanted > most {
            let message = format!(
                "the job has {wanted} {quota}, and your tenant may have {most} a day ({name}): cut it up, or ask the operator for more"
            );
            return Err((quota, Failure::new(FailureKind::TooLarge, message)));
        }
        if wanted > most.saturating_sub(used) {
            let seconds = (DAY_MS - now_ms % DAY_MS).div_ceil(1000);
            let message = format!(
                "the job has {wanted} {quota}; your tenant may have {most} a day ({name}), and has {used} of them today: the next day \
                 begins at midnight UTC, in {seconds} seconds"
            );
            return Err((quota, Failure::new(FailureKind::TooMany, message).after_seconds(seconds)));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_full_until_midnight_and_what_fits_in_no_day_is_too_large() {
        let allowed = Allowed { requests_per_second: 1, jobs: 1, items_per_day: 10, bytes_per_day: 1000 };
        let of = |items, bytes| Share { items, bytes };
        let asked = |used, wanted| room(&allowed, used, wanted, 3 * DAY_MS - 1500);
        assert!(asked(of(4, 0), of(6, 1000)).is_ok() && asked(of(0, 0), of(10, 0)).is_ok());
        let (quota, failure) = asked(of(4, 0), of(7, 0)).unwrap_err();
        assert_eq!(
            (quota, failure.kind, failure.retry_after_seconds),
            ("items", FailureKind::TooMany, Some(2))
        );
        assert!(failure.message.contains("has 4 of them today"), "{failure}");
        let (quota, failure) = asked(of(0, 1), of(1, 1000)).unwrap_err();
        assert_eq!((quota, failure.kind), ("bytes", FailureKind::TooMany));
        let (quota, failure) = asked(of(0, 0), of(11, 0)).unwrap_err();
        assert_eq!(
            (quota, failure.kind, failure.retry_after_seconds),
            ("items", FailureKind::TooLarge, None)
        );
        // More may be used than is allowed: the operator set less, or bytes came that no listing told.
        assert!(asked(of(0, 5000), of(1, 0)).is_ok() && asked(of(0, 5000), of(1, 1)).is_err());
    }
}
