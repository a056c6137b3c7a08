//! What an operator sets for tenants and sees of them, and what a tenant's work came to. No job, score or name of one.

use super::Service;
use crate::moment;
use shared::clock::{self, day_of};
use shared::failure::{Failure, FailureKind};
use shared::ledger::Ledger;
use shared::principal::Principal;
use shared::terms::{Allowed, Quota, Share, Terms, checked_days, retention_days};
use shared::usage::Usage;
use shared::vault::KeysOf;
use std::collections::BTreeMap;
use std::ops::RangeInclusive;

/// Days that are told where nobody says which: a month.
const DAYS_TOLD: u64 = 30;
/// Days that are told at once: each is a folder of the ledger, and a record for each job that ended on it.
const DAYS_MAX: u64 = 366;

/// A stretch of days in UTC, first and last of them among them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Days(RangeInclusive<u64>);

impl Days {
    /// The days from one to another, such as `2026-03-29`; up to today, or a month of them, where nothing is said.
    ///
    /// # Errors
    /// `malformed` for what is no day, for no day at all, and for more than a year.
    pub fn read(from: Option<&str>, to: Option<&str>) -> Result<Self, Failure> {
        let to = to.map_or(Ok(day_of(clock::now_ms())), moment::read_day)?;
        let from = from.map_or(Ok(to.saturating_sub(DAYS_TOLD - 1)), moment::read_day)?;
        let malformed = |message: String| Failure::new(FailureKind::Malformed, message);
        match to.checked_sub(from) {
            None => Err(malformed(format!(
                "from {} to {} is no stretch of days",
                moment::day_text(from),
                moment::day_text(to)
            ))),
            Some(days) if days >= DAYS_MAX => {
                Err(malformed(format!("{} days are too many: ask for {DAYS_MAX} at once", days + 1)))
            }
            Some(_) => Ok(Days(from..=to)),
        }
    }

    /// The first one, as it is written.
    #[must_use]
    pub fn first(&self) -> String {
        moment::day_text(*self.0.start())
    }

    /// The last one, as it is written.
    #[must_use]
    pub fn last(&self) -> String {
        moment::day_text(*self.0.end())
    }
}

/// What is set for a tenant, and what it has of that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holding {
    /// What is set.
    pub terms: Terms,
    /// What it may have, by what is set and by the installation.
    pub allowed: Allowed,
    /// For how many days its jobs are kept; none for ever.
    pub retention_days: Option<u64>,
    /// Jobs that have not ended.
    pub jobs: u64,
    /// What it has of today.
    pub today: Share,
}

impl Service {
    /// The tenants that have something here, or that something is set for, and the keys that what is theirs is sealed with.
    ///
    /// # Errors
    /// What the ledger says.
    pub async fn tenants(&self) -> Result<BTreeMap<String, Option<KeysOf>>, Failure> {
        let mut names = self.ledger.tenants().await?;
        names.extend(self.ledger.tenants_with_terms().await?);
        let mut all: BTreeMap<_, _> = names.into_iter().map(|tenant| (tenant, None)).collect();
        if let Some(vault) = self.ledger.vault() {
            all.extend(vault.tenants().await?.into_iter().map(|keys| (keys.tenant.clone(), Some(keys))));
        }
        Ok(all)
    }

    /// What is set for a tenant, and what it has of that.
    ///
    /// # Errors
    /// What the ledger says.
    pub async fn holding(&self, tenant: &str) -> Result<Holding, Failure> {
        let ledger = self.ledger.of(tenant);
        let terms = ledger.terms().await?;
        Ok(Holding {
            allowed: terms.quota.over(&self.limits),
            retention_days: kept(&terms)?,
            jobs: ledger.active_at_most().await?,
            today: ledger.charged(day_of(clock::now_ms())).await?,
            terms,
        })
    }

    /// Sets the quotas of a tenant; those that are not said are as the installation has them.
    ///
    /// # Errors
    /// What [`Quota::checked`] says; what the ledger says.
    pub async fn set_quota(&self, tenant: &str, quota: Quota) -> Result<Terms, Failure> {
        let quota = quota.checked()?;
        self.ledger.of(tenant).change_terms(|terms| Terms { quota, ..terms }).await
    }

    /// Sets some quotas of a tenant; those that are not said stay.
    ///
    /// # Errors
    /// As [`Service::set_quota`].
    pub async fn change_quota(&self, tenant: &str, more: Quota) -> Result<Terms, Failure> {
        let more = more.checked()?;
        let change = |terms: Terms| Terms { quota: terms.quota.with(more), ..terms };
        self.ledger.of(tenant).change_terms(change).await
    }

    /// Sets for how many days the jobs of a tenant are kept; nothing for as the installation has it.
    ///
    /// # Errors
    /// What [`checked_days`] says; what the ledger says.
    pub async fn set_retention(&self, tenant: &str, days: Option<u64>) -> Result<Terms, Failure> {
        let days = checked_days(days)?;
        let change = |terms: Terms| Terms { retention_days: days, ..terms };
        self.ledger.of(tenant).change_terms(change).await
    }

    /// What the work of somebody's tenant came to, day by day, on those on which a job ended.
    ///
    /// # Errors
    /// What the ledger says.
    pub async fn usage(&self, principal: &Principal, days: &Days) -> Result<Vec<(String, Usage)>, Failure> {
        usage(&self.ledger(principal), days).await
    }

    /// The same of any tenant, for the operator.
    ///
    /// # Errors
    /// What the ledger says.
    pub async fn usage_of(&self, tenant: &str, days: &Days) -> Result<Vec<(String, Usage)>, Failure> {
        usage(&self.ledger.of(tenant), days).await
    }
}

async fn usage(ledger: &Ledger, days: &Days) -> Result<Vec<(String, Usage)>, Failure> {
    let usage = ledger.usage(days.0.clone()).await?;
    Ok(usage.into_iter().map(|(day, usage)| (moment::day_text(day), usage)).collect())
}

/// For how many days the jobs of a tenant are kept, by what is set for it and by the installation.
pub(crate) fn kept(terms: &Terms) -> Result<Option<u64>, Failure> {
    match terms.retention_days {
        Some(days) => Ok(Some(days)),
        None => retention_days(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_a_month_up_to_today_unless_something_else_is_said() {
        let days = Days::read(None, Some("2026-03-30")).unwrap();
        assert_eq!((days.first(), days.last()), ("2026-03-01".to_owned(), "2026-03-30".to_owned()));
        assert!(Days::read(Some("2026-03-30"), Some("2026-03-30")).is_ok());
        for (from, to, why) in [
            (Some("2026-03-31"), Some("2026-03-30"), "no stretch"),
            (Some("2024-03-30"), Some("2026-03-30"), "too many"),
            (Some("yesterday"), None, "no day"),
        ] {
            let failure = Days::read(from, to).unwrap_err();
            assert!(failure.kind == FailureKind::Malformed && failure.message.contains(why), "{failure}");
        }
        assert_eq!(Days::read(None, None).unwrap().0.count() as u64, DAYS_TOLD);
    }
}
