//! `ripieno audit`: what was done, by whom, and whether the records of it are whole.

use super::desk::Desk;
use super::tenant::named;
use super::{READ_ALL, say};
use crate::audit::{self, Head};
use clap::Subcommand;
use serde_json::{Value, json};
use shared::failure::{Failure, FailureKind};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Hold each record of a tenant to the one before, and print where they end
    Verify {
        /// The tenant
        tenant: String,
        /// An end that verify printed before: the records must still have it
        #[arg(long, value_name = "NUMBER:DIGEST")]
        head: Option<Head>,
    },
    /// Print the records of a tenant, one JSON object a line, oldest first
    Export {
        /// The tenant
        tenant: String,
    },
}

/// Does it; says the exit code.
pub(super) async fn command(desk: &Desk, command: Command) -> Result<u8, Failure> {
    let ledger = |name: &str| Ok::<_, Failure>(desk.service.ledger_of_all().of(&named(name)?));
    match command {
        Command::Verify { tenant, head } => {
            let checked = audit::read(&ledger(&tenant)?, |_| {}).await?;
            if head.is_some_and(|head| !checked.holds(&head)) {
                let message = "the records are whole, but are not those that had this end: they were cut off or written anew";
                return Err(Failure::new(FailureKind::Internal, message));
            }
            say(&format!("{} records, whole; their end is {}\n", checked.records, checked.head));
        }
        Command::Export { tenant } => {
            let tell = |record: &audit::Record| {
                // A record is plain data: it always is JSON.
                let mut line = serde_json::to_value(record).unwrap_or(Value::Null);
                if let Some(line) = line.as_object_mut() {
                    line.insert("tenant".to_owned(), json!(tenant));
                }
                say(&format!("{line}\n"));
            };
            audit::read(&ledger(&tenant)?, tell).await?;
        }
    }
    Ok(READ_ALL)
}
