//! `ripieno keys`: API keys, made and taken back by whoever reaches the ledger.

use super::desk::Desk;
use super::{READ_ALL, say, tell};
use crate::audit::{Audit, Record};
use crate::auth::keys::{Key, Keys, Wanted};
use crate::moment;
use clap::Subcommand;
use shared::clock;
use shared::failure::Failure;
use shared::principal::{LOCAL_TENANT, Role, Scope};
use std::time::Duration;

/// Seconds of a day.
const DAY: u64 = 24 * 60 * 60;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Make a key and print it: it is told this once, for the ledger has only its digest
    Add {
        /// What it is for
        name: String,
        /// The tenant whose jobs and scores it opens
        #[arg(long)]
        tenant: String,
        /// What who has it may do: viewer, analyst, curator, admin or operator
        #[arg(long, value_parser = role)]
        role: Role,
        /// Less than the role may, with commas: `jobs:read,scores:read` [default: all that the role has]
        #[arg(long, value_delimiter = ',', value_parser = scope)]
        scopes: Vec<Scope>,
        /// Days until it ends
        #[arg(long, default_value_t = 90, value_parser = clap::value_parser!(u64).range(1..=3660))]
        days: u64,
    },
    /// List the keys, by tenant
    List,
    /// Take a key back: no front takes it ten seconds later
    Revoke {
        /// Its public part, as the list has it
        key: String,
    },
}

/// Does it; says the exit code.
pub(super) async fn command(desk: &Desk, command: Command) -> Result<u8, Failure> {
    let keys = Keys::of(desk.service.ledger_of_all());
    match command {
        Command::Add { name, tenant, role, scopes, days } => {
            let lasts = Duration::from_secs(days * DAY);
            let (key, text) = keys.add(&Wanted { tenant, name, role, scopes, lasts }).await?;
            noted(desk, "keys add", &key).await;
            say(&format!("{text}\n"));
            tell(&format!("key {} of {}, until {}\n", key.id, key.tenant, moment::text(key.expires_ms)));
        }
        Command::List => {
            for listed in keys.list().await? {
                let key = &listed.key;
                let state = match (listed.revoked, clock::now_ms() < key.expires_ms) {
                    (true, _) => "revoked",
                    (false, true) => "valid",
                    (false, false) => "ended",
                };
                let (until, scopes) = (moment::text(key.expires_ms), key.scopes.join(" "));
                let (id, tenant, role, name) = (&key.id, &key.tenant, &key.role, &key.name);
                say(&format!("{id}  {state:<8} {until}  {tenant:<16} {role:<8} {name}  [{scopes}]\n"));
            }
        }
        Command::Revoke { key } => {
            let key = keys.revoke(&key).await?;
            noted(desk, "keys revoke", &key).await;
            say(&format!("{} of {} is revoked\n", key.id, key.tenant));
        }
    }
    Ok(READ_ALL)
}

/// Records what whoever reaches the ledger did.
async fn noted(desk: &Desk, operation: &str, key: &Key) {
    let record = Record {
        at_ms: clock::now_ms(),
        subject: LOCAL_TENANT.to_owned(),
        operation: operation.to_owned(),
        of: key.id.clone(),
        from: String::new(),
        status: 200,
        request: String::new(),
    };
    Audit::of(desk.service.ledger_of_all()).note(&key.tenant, record).await;
}

fn role(text: &str) -> Result<Role, String> {
    Role::named(text).ok_or_else(|| format!("a role is one of {}", Role::ALL.map(Role::name).join(", ")))
}

fn scope(text: &str) -> Result<Scope, String> {
    Scope::named(text).ok_or_else(|| format!("a scope is one of {}", Scope::ALL.map(Scope::name).join(", ")))
}
