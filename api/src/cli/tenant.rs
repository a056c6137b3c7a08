//! `ripieno tenant`: who has something here, what it may have and what it came to, the keys that it is sealed with, and its end.

use super::desk::Desk;
use super::{READ_ALL, say, tell};
use crate::audit::{Audit, Record};
use crate::client::Remote;
use crate::http::views::tenants::{TenantView, Tenants, UsageView};
use crate::service::Days;
use clap::Subcommand;
use shared::clock;
use shared::config;
use shared::failure::{Failure, FailureKind};
use shared::ledger::Ledger;
use shared::principal::{LOCAL_TENANT, PUBLIC_TENANT, tenant};
use shared::terms::Quota;
use shared::vault::Vault;
use std::sync::Arc;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// List the tenants, and the keys that their scores, jobs and results are sealed with
    List,
    /// Give a tenant a new key for what is written from now on; what is there stays as it is and can be read
    Rekey {
        /// The tenant
        tenant: String,
    },
    /// Wrap the keys of all tenants by the first master key; the others can be thrown away then
    Rewrap,
    /// Show what a tenant may have and has, or set it
    ///
    /// Without an option it is shown. What is set counts everywhere within ten seconds.
    Quota {
        /// The tenant
        tenant: String,
        #[command(flatten)]
        wanted: Wanted,
        /// First forget what was set before
        #[arg(long)]
        reset: bool,
    },
    /// Say for how many days the jobs of a tenant are kept once they have ended
    Retention {
        /// The tenant
        tenant: String,
        /// The days
        #[arg(long, value_name = "N", conflicts_with = "reset")]
        days: Option<u64>,
        /// As the installation has it (RIPIENO_RETENTION_DAYS)
        #[arg(long)]
        reset: bool,
    },
    /// Say what the work of a tenant came to, day by day
    Usage {
        /// The tenant
        tenant: String,
        #[command(flatten)]
        days: DaysAsked,
    },
    /// Destroy the keys of a tenant and remove what they sealed: nobody can read it any more
    Erase {
        /// The tenant
        tenant: String,
        /// It cannot be undone: without this it is not done
        #[arg(long)]
        yes: bool,
    },
}

/// Quotas that are to be set.
#[derive(Debug, clap::Args)]
pub(super) struct Wanted {
    /// Requests a second, on average
    #[arg(long, value_name = "N")]
    requests_per_second: Option<u64>,
    /// Jobs that have not ended
    #[arg(long, value_name = "N")]
    jobs: Option<u64>,
    /// Items of the jobs of one day in UTC
    #[arg(long, value_name = "N")]
    items_per_day: Option<u64>,
    /// Bytes of the jobs of one day in UTC
    #[arg(long, value_name = "N")]
    bytes_per_day: Option<u64>,
}

impl From<Wanted> for Quota {
    fn from(wanted: Wanted) -> Self {
        let Wanted { requests_per_second, jobs, items_per_day, bytes_per_day } = wanted;
        Quota { requests_per_second, jobs, items_per_day, bytes_per_day }
    }
}

/// Which days.
#[derive(Debug, clap::Args)]
pub(super) struct DaysAsked {
    /// The first day in UTC, such as 2026-03-01 [default: 29 days before the last]
    #[arg(long, value_name = "DAY")]
    pub(super) from: Option<String>,
    /// The last day [default: today]
    #[arg(long, value_name = "DAY")]
    pub(super) to: Option<String>,
    /// One JSON object
    #[arg(long)]
    pub(super) json: bool,
}

impl DaysAsked {
    pub(super) fn days(&self) -> Result<Days, Failure> {
        Days::read(self.from.as_deref(), self.to.as_deref())
    }

    /// Prints what was asked for.
    pub(super) fn tell(&self, usage: &UsageView) {
        match serde_json::to_string(usage) {
            Ok(json) if self.json => say(&format!("{json}\n")),
            _ => say(&usage.text()),
        }
    }
}

/// Does it; says the exit code.
pub(super) async fn command(desk: &Desk, command: Command) -> Result<u8, Failure> {
    let ledger = desk.service.ledger_of_all();
    match command {
        Command::List => say(&Tenants::of(desk.service.tenants().await?).text()),
        Command::Rekey { tenant } => {
            let tenant = named(&tenant)?;
            let keys = vault(ledger)?.rekey(&tenant).await?;
            noted(ledger, "tenant rekey", &tenant).await?;
            say(&format!("{tenant} has {keys} keys; the newest seals, in ten seconds everywhere\n"));
        }
        Command::Rewrap => {
            let done = vault(ledger)?.rewrap().await?;
            // It is nobody's in particular.
            noted(ledger, "tenant rewrap", LOCAL_TENANT).await?;
            let (changed, unchanged) = (done.changed, done.unchanged);
            say(&format!("keys of {changed} tenants wrapped anew, {unchanged} as they were\n"));
        }
        Command::Quota { tenant, wanted, reset } => {
            let (tenant, quota) = (named(&tenant)?, Quota::from(wanted));
            if reset || quota != Quota::default() {
                match reset {
                    true => desk.service.set_quota(&tenant, quota).await?,
                    false => desk.service.change_quota(&tenant, quota).await?,
                };
                noted(ledger, "tenant quota", &tenant).await?;
            }
            shown(desk, tenant).await?;
        }
        Command::Retention { tenant, days, reset } => {
            let tenant = named(&tenant)?;
            if reset || days.is_some() {
                desk.service.set_retention(&tenant, days).await?;
                noted(ledger, "tenant retention", &tenant).await?;
            }
            shown(desk, tenant).await?;
        }
        Command::Usage { tenant, days } => {
            let asked = days.days()?;
            let usage = desk.service.usage_of(&named(&tenant)?, &asked).await?;
            days.tell(&UsageView::of(&asked, usage));
        }
        Command::Erase { tenant, yes } => {
            let tenant = named(&tenant)?;
            if !yes {
                let message = format!(
                    "{tenant}: its scores, jobs, results and schedules would be gone for good: say --yes"
                );
                return Err(Failure::new(FailureKind::Malformed, message));
            }
            let erased = ledger.of(&tenant).erase().await?;
            noted(ledger, "tenant erase", &tenant).await?;
            let keys = match erased.keys {
                true => "its keys are destroyed, in ten seconds everywhere",
                false => "it had no keys: copies of its objects can be read by whoever has them",
            };
            say(&format!("{tenant} is erased: {keys}; {} objects removed\n", erased.objects));
            tell("API keys of the tenant are not taken back: ripieno keys list\n");
        }
    }
    Ok(READ_ALL)
}

/// The same commands against a server.
pub(super) async fn remote(remote: &Remote, command: Command) -> Result<u8, Failure> {
    match command {
        Command::List => say(&remote.tenants().await?.text()),
        Command::Quota { tenant, wanted, reset } => {
            let quota = Quota::from(wanted);
            let after = match (reset, quota == Quota::default()) {
                (true, _) => remote.set_quota(&tenant, quota).await?,
                (false, true) => remote.tenant(&tenant).await?,
                (false, false) => remote.change_quota(&tenant, quota).await?,
            };
            say(&after.text());
        }
        Command::Retention { tenant, days, reset } => {
            let after = match reset || days.is_some() {
                true => remote.set_retention(&tenant, days).await?,
                false => remote.tenant(&tenant).await?,
            };
            say(&after.text());
        }
        Command::Usage { tenant, days } => {
            let usage = remote.usage_of(&tenant, &days.days()?).await?;
            days.tell(&usage);
        }
        Command::Rekey { .. } | Command::Rewrap | Command::Erase { .. } => {
            let message = format!(
                "a server changes and destroys no keys of tenants: say it without --server and RIPIENO_SERVER where the \
                 store (RIPIENO_STORE) and the master key ({}) are at hand",
                config::MASTER_KEY
            );
            return Err(Failure::new(FailureKind::Malformed, message));
        }
    }
    Ok(READ_ALL)
}

async fn shown(desk: &Desk, tenant: String) -> Result<(), Failure> {
    let holding = desk.service.holding(&tenant).await?;
    say(&TenantView::of(tenant, &holding).text());
    Ok(())
}

fn vault(ledger: &Ledger) -> Result<&Arc<Vault>, Failure> {
    let none = || {
        let (key, file) = (config::MASTER_KEY, config::MASTER_KEY_FILE);
        Failure::new(FailureKind::Malformed, format!("nothing is sealed here: set {key} or {file}"))
    };
    ledger.vault().ok_or_else(none)
}

/// The name of a tenant, or of whoever works without tenants, or that of public corpora.
pub(super) fn named(name: &str) -> Result<String, Failure> {
    if [LOCAL_TENANT, PUBLIC_TENANT].contains(&name) { Ok(name.to_owned()) } else { tenant(name) }
}

/// Records what whoever reaches the ledger did.
async fn noted(ledger: &Ledger, operation: &str, tenant: &str) -> Result<(), Failure> {
    let record = Record {
        at_ms: clock::now_ms(),
        subject: LOCAL_TENANT.to_owned(),
        operation: operation.to_owned(),
        of: String::new(),
        from: String::new(),
        status: 200,
        request: String::new(),
    };
    Audit::of(ledger).append(tenant, record).await
}
