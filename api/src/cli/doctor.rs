//! `ripieno doctor`: what a process of Ripieno stands on, looked at one after the other, each with what to do.

use super::{NOTHING_DONE, READ_ALL, say};
use crate::http::Callbacks;
use rustix::fs::statvfs;
use rustix::process::{Resource, getrlimit};
use shared::dispatch::rabbitmq::RabbitMq;
use shared::dispatch::{Dispatcher, Lane};
use shared::failure::{Failure, FailureKind};
use shared::ledger::Ledger;
use shared::{clock, config};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::time::timeout;

/// How long the broker may take to answer.
const BROKER_TIMEOUT: Duration = Duration::from_secs(10);
/// How far this machine's clock may stand from the store's, in milliseconds: reconciling goes by half-minutes.
const CLOCK_OFF_MS_MAX: u64 = 5_000;
/// Bytes that the disk of a data folder had better have.
const FREE_BYTES_MIN: u64 = 2 << 30;
/// Files that a front had better be able to open: each connection is one.
const FILES_MIN: u64 = 4096;

/// What is said of one thing.
enum Found {
    Good(String),
    /// It works, but will be a nuisance.
    Poor(String, &'static str),
    /// It does not work.
    Bad(Failure, &'static str),
}

/// Looks at everything; says the exit code.
pub(super) async fn run(data: Option<PathBuf>) -> Result<u8, Failure> {
    let mut bad = 0;
    let mut tell = |name: &str, found: Found| match found {
        Found::Good(what) => say(&format!("ok    {name:<9} {what}\n")),
        Found::Poor(what, to_do) => say(&format!("poor  {name:<9} {what}\n                {to_do}\n")),
        Found::Bad(failure, to_do) => {
            bad += 1;
            say(&format!("bad   {name:<9} {failure}\n                {to_do}\n"));
        }
    };
    tell("limits", limits());
    tell("files", files());
    match config::cluster() {
        Err(failure) => tell("cluster", Found::Bad(failure, "set both variables, or neither")),
        Ok(None) => match config::data_folder(data) {
            Err(failure) => tell("store", Found::Bad(failure, "say where the data folder shall be")),
            Ok(folder) => {
                let ledger = Ledger::in_folder(&folder.join("ledger")).await;
                look_at_store(ledger, &folder.display().to_string(), &mut tell).await;
                tell("disk", disk(&folder));
            }
        },
        Ok(Some(cluster)) => {
            tell("broker", broker(&cluster.broker, &cluster.queues).await);
            look_at_store(Ledger::at_url(&cluster.store).await, &cluster.store, &mut tell).await;
        }
    }
    tell("temporary", disk(&std::env::temp_dir()));
    match Callbacks::from_environment() {
        Err(failure) => {
            tell("callbacks", Found::Bad(failure, "make one: echo whsec_$(head -c 32 /dev/urandom | base64)"))
        }
        Ok(None) => tell("callbacks", Found::Good("none: RIPIENO_CALLBACK_SECRET is not set".to_owned())),
        Ok(Some(_)) => tell("callbacks", Found::Good("are signed with RIPIENO_CALLBACK_SECRET".to_owned())),
    }
    Ok(if bad == 0 { READ_ALL } else { NOTHING_DONE })
}

fn limits() -> Found {
    match config::limits() {
        Ok(_) => Found::Good(format!("{} are in force", shared::limits::LIMITS.len())),
        Err(failure) => Found::Bad(failure, "correct the variable, or unset it"),
    }
}

fn files() -> Found {
    let most = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    let what = format!("{most} may be open at once");
    match most < FILES_MIN {
        true => Found::Poor(what, "`ulimit -n 16384` before `ripieno serve`: each connection is one"),
        false => Found::Good(what),
    }
}

fn disk(folder: &Path) -> Found {
    let name = folder.display();
    match statvfs(folder) {
        Err(error) => {
            let failure = Failure::new(FailureKind::Unavailable, format!("{name}: {error}"));
            Found::Bad(failure, "make the folder, or name another")
        }
        Ok(disk) => {
            let free = disk.f_bavail.saturating_mul(disk.f_frsize);
            let what = format!("{name} has {} MB free", free >> 20);
            match free < FREE_BYTES_MIN {
                true => {
                    Found::Poor(what, "make room: tables, the cache and large sources want some gigabytes")
                }
                false => Found::Good(what),
            }
        }
    }
}

async fn keys(ledger: &Ledger) -> Found {
    let Some(vault) = ledger.vault() else {
        return Found::Good(format!("nothing is sealed: {} is not set", config::MASTER_KEY));
    };
    match vault.check().await {
        Ok(tenants) => Found::Good(format!("those of {tenants} tenants open with the master key")),
        Err(failure) => Found::Bad(failure, "give the master keys of before behind the first one"),
    }
}

async fn broker(address: &str, queues: &str) -> Found {
    let to_do = "is RabbitMQ running there, and are user, password and virtual host right?";
    let asked = async {
        let dispatcher = Dispatcher::RabbitMq(RabbitMq::new(address, queues, 1)?);
        let waiting = dispatcher.backlog(Lane::Bulk).await;
        dispatcher.close();
        dispatcher.leave().await;
        waiting
    };
    match timeout(BROKER_TIMEOUT, asked).await {
        Ok(Ok(waiting)) => Found::Good(format!("answers; {waiting} messages wait in the lane of bulk")),
        Ok(Err(failure)) => Found::Bad(failure, to_do),
        Err(_) => Found::Bad(Failure::new(FailureKind::Unavailable, "it does not answer"), to_do),
    }
}

/// Opening a ledger tries whether the store honours create-if-absent; a claim says the store's time.
async fn look_at_store(ledger: Result<Ledger, Failure>, name: &str, tell: &mut impl FnMut(&str, Found)) {
    let ledger = match ledger {
        Ok(ledger) => ledger,
        Err(failure) => {
            let to_do = match failure.message.contains(config::MASTER_KEY) {
                true => {
                    "give every process the same master keys: the one that it was made with, and newer ones before it"
                }
                false => "is the address right, may you write there, and does it honour If-None-Match: *?",
            };
            return tell("store", Found::Bad(failure, to_do));
        }
    };
    tell("store", Found::Good(format!("{name} can be written, and a second create is refused")));
    tell("keys", keys(&ledger).await);
    let before = clock::now_ms();
    let found = match ledger.claim("doctor", before).await {
        Err(failure) => Found::Bad(failure, "the store says no time"),
        Ok(None) => Found::Good("somebody else asked at this very moment".to_owned()),
        Ok(Some(store)) => {
            let off = store.abs_diff(before);
            let what = format!("{off} ms from the store's");
            match off > CLOCK_OFF_MS_MAX {
                true => Found::Poor(
                    what,
                    "set the clock of this machine (NTP): work that was lost is looked for by it",
                ),
                false => Found::Good(what),
            }
        }
    };
    tell("clock", found);
}
