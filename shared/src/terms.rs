//! What an operator sets for a tenant: how much it may have, and how long what it had is kept. What is not set is as the
//! installation has it.

use crate::config;
use crate::failure::{Failure, FailureKind};
use crate::limits::Limits;
use serde::{Deserialize, Serialize};

/// The largest quota: a petabyte a day. Numbers beyond it are not those of every reader of JSON.
pub const QUOTA_MAX: u64 = 1_000_000_000_000_000;
/// Days that jobs may be kept: a hundred years.
pub const RETENTION_DAYS_MAX: u64 = 36_500;

/// What is set for a tenant. Each change is a record of its own; the one with the highest number is in force.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// Version of this record.
    pub version: u16,
    /// Number of the change, from 1; 0 where nothing was ever set.
    pub number: u32,
    /// When it was made, in milliseconds since 1970 UTC.
    pub at_ms: u64,
    /// How much the tenant may have.
    pub quota: Quota,
    /// For how many days jobs are kept once they have ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retention_days: Option<u64>,
}

/// Quotas of a tenant that differ from those of the installation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Quota {
    /// Requests a second, on average.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requests_per_second: Option<u64>,
    /// Jobs that have not ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jobs: Option<u64>,
    /// Items of the jobs of one day in UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub items_per_day: Option<u64>,
    /// Bytes of the jobs of one day in UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes_per_day: Option<u64>,
}

/// How much a tenant may have, everything told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowed {
    /// Requests a second, on average.
    pub requests_per_second: u64,
    /// Jobs that have not ended.
    pub jobs: u64,
    /// Items of the jobs of one day in UTC.
    pub items_per_day: u64,
    /// Bytes of the jobs of one day in UTC.
    pub bytes_per_day: u64,
}

impl Quota {
    /// The same, where none is of nothing or beyond all measure.
    ///
    /// # Errors
    /// `malformed`, naming the first that is.
    pub fn checked(self) -> Result<Quota, Failure> {
        let Quota { requests_per_second, jobs, items_per_day, bytes_per_day } = self;
        let all = [
            ("requests_per_second", requests_per_second),
            ("jobs", jobs),
            ("items_per_day", items_per_day),
            ("bytes_per_day", bytes_per_day),
        ];
        let wrong = |quota: Option<u64>| quota.is_some_and(|quota| !(1..=QUOTA_MAX).contains(&quota));
        match all.into_iter().find(|(_, quota)| wrong(*quota)) {
            None => Ok(self),
            Some((name, _)) => {
                let message = format!(
                    "{name}: a quota is 1 to {QUOTA_MAX}; take back the keys of a tenant that shall have nothing"
                );
                Err(Failure::new(FailureKind::Malformed, message))
            }
        }
    }

    /// What is in force where these are set, and the installation has the other ones.
    #[must_use]
    pub fn over(&self, limits: &Limits) -> Allowed {
        Allowed {
            requests_per_second: self.requests_per_second.unwrap_or(limits.tenant_requests_per_second_max),
            jobs: self.jobs.unwrap_or(limits.tenant_jobs_max),
            items_per_day: self.items_per_day.unwrap_or(limits.tenant_items_per_day_max),
            bytes_per_day: self.bytes_per_day.unwrap_or(limits.tenant_bytes_per_day_max),
        }
    }

    /// These, and what `more` sets besides or anew.
    #[must_use]
    pub fn with(self, more: Quota) -> Quota {
        Quota {
            requests_per_second: more.requests_per_second.or(self.requests_per_second),
            jobs: more.jobs.or(self.jobs),
            items_per_day: more.items_per_day.or(self.items_per_day),
            bytes_per_day: more.bytes_per_day.or(self.bytes_per_day),
        }
    }
}

/// How much of a day a tenant has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Share {
    /// Items.
    pub items: u64,
    /// Bytes of sources.
    pub bytes: u64,
}

impl Share {
    /// Both together.
    #[must_use]
    pub const fn and(self, other: Share) -> Share {
        Share { items: self.items.saturating_add(other.items), bytes: self.bytes.saturating_add(other.bytes) }
    }

    /// What is left of it without another.
    #[must_use]
    pub const fn without(self, other: Share) -> Share {
        Share { items: self.items.saturating_sub(other.items), bytes: self.bytes.saturating_sub(other.bytes) }
    }
}

/// For how many days jobs may be kept, as an operator sets it.
///
/// # Errors
/// `malformed` for none, and for more than a hundred years.
pub fn checked_days(days: Option<u64>) -> Result<Option<u64>, Failure> {
    if days.is_some_and(|days| !(1..=RETENTION_DAYS_MAX).contains(&days)) {
        let message = format!("days: jobs are kept for 1 to {RETENTION_DAYS_MAX} days");
        return Err(Failure::new(FailureKind::Malformed, message));
    }
    Ok(days)
}

/// For how many days the installation keeps jobs that have ended, as `RIPIENO_RETENTION_DAYS` says; none for ever.
///
/// # Errors
/// `malformed` for what is no number of days, none, and more than a hundred years.
pub fn retention_days() -> Result<Option<u64>, Failure> {
    let Some(text) = config::var("RIPIENO_RETENTION_DAYS") else { return Ok(None) };
    parsed_days(&text).map(Some)
}

fn parsed_days(text: &str) -> Result<u64, Failure> {
    let days = text.trim().parse::<u64>().ok().filter(|days| (1..=RETENTION_DAYS_MAX).contains(days));
    days.ok_or_else(|| {
        let message =
            format!("RIPIENO_RETENTION_DAYS={text:?}: say a number of days from 1 to {RETENTION_DAYS_MAX}");
        Failure::new(FailureKind::Malformed, message)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_set_is_as_the_installation_has_it() {
        let limits = Limits { tenant_jobs_max: 7, ..Limits::default() };
        let quota = Quota { items_per_day: Some(5), ..Quota::default() };
        let allowed = quota.over(&limits);
        assert_eq!((allowed.items_per_day, allowed.jobs), (5, 7));
        assert_eq!(allowed.bytes_per_day, limits.tenant_bytes_per_day_max);
        let more = quota.with(Quota { jobs: Some(1), ..Quota::default() });
        assert_eq!((more.items_per_day, more.jobs, more.bytes_per_day), (Some(5), Some(1), None));
    }

    #[test]
    fn a_quota_of_nothing_or_beyond_all_measure_is_refused_by_name() {
        for number in [1, QUOTA_MAX] {
            let quota = Quota { jobs: Some(number), ..Quota::default() };
            assert_eq!(quota.checked().unwrap(), quota);
        }
        for number in [0, QUOTA_MAX + 1, u64::MAX] {
            let quota = Quota { jobs: Some(7), bytes_per_day: Some(number), ..Quota::default() };
            let failure = quota.checked().unwrap_err();
            assert!(
                failure.kind == FailureKind::Malformed && failure.message.starts_with("bytes_per_day: "),
                "{failure}"
            );
        }
        assert_eq!(checked_days(None).unwrap(), None);
        assert_eq!(checked_days(Some(RETENTION_DAYS_MAX)).unwrap(), Some(RETENTION_DAYS_MAX));
        assert!(checked_days(Some(0)).is_err() && checked_days(Some(RETENTION_DAYS_MAX + 1)).is_err());
        assert_eq!((parsed_days(" 90 ").unwrap(), parsed_days("36500").unwrap()), (90, RETENTION_DAYS_MAX));
        for text in ["0", "36501", "18446744073709551616", "-1", "a year"] {
            assert!(parsed_days(text).unwrap_err().message.contains(text), "{text}");
        }
    }
}
