//! What was done, by whom: records in the ledger, each batch of which holds the digest of the one before, so that none can be
//! changed, left out or put between without its being seen.
//!
//! ```text
//! tenants/<t>/audit/<number>    some records, and the digest of the object before: created once
//! ```
//!
//! Any number of fronts write one chain: whoever creates a number first has it, the other takes the next. Records that come
//! while one object is being written go together into the next.

mod chain;

pub use chain::{Checked, Head};

use chain::Chain;
use serde::{Deserialize, Serialize};
use shared::failure::Failure;
use shared::ledger::Ledger;
use shared::metrics;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Mutex as Turn;

/// Records of one object.
const BATCH_MAX: usize = 500;
/// Records of one tenant that wait while the ledger is away.
const WAITING_MAX: usize = 10_000;

/// One thing that was done, or refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// When it was answered, in milliseconds since 1970.
    pub at_ms: u64,
    /// Who: the subject of the token, or the public part of the key. Nothing else of a person stands here.
    pub subject: String,
    /// What, as the table of operations calls it.
    pub operation: String,
    /// To which job, score or schedule; empty for none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub of: String,
    /// From which address the connection came.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub from: String,
    /// The HTTP status that it was answered with.
    pub status: u16,
    /// The number of the request, as the log has it.
    pub request: String,
}

/// The records of all tenants, as one process writes them.
#[derive(Debug)]
pub struct Audit {
    ledger: Ledger,
    desks: Mutex<BTreeMap<String, Arc<Desk>>>,
}

/// What waits to be written for one tenant, and where its chain ends as far as is known.
#[derive(Debug)]
struct Desk {
    waiting: Mutex<Vec<Record>>,
    chain: Turn<Chain>,
}

impl Audit {
    /// The records in a ledger.
    #[must_use]
    pub fn of(ledger: &Ledger) -> Self {
        Audit { ledger: ledger.clone(), desks: Mutex::default() }
    }

    /// Writes a record; it is durable once this returns. Where the ledger is away it is told in the log, for what it tells of
    /// is done.
    pub async fn note(&self, tenant: &str, record: Record) {
        if let Err(failure) = self.append(tenant, record.clone()).await {
            metrics::AUDIT_LOST.increase();
            tracing::error!(%failure, tenant, ?record, "a record of what was done could not be written");
        }
    }

    /// Writes a record.
    ///
    /// # Errors
    /// What the ledger says.
    pub async fn append(&self, tenant: &str, record: Record) -> Result<(), Failure> {
        let desk = self.desk(tenant);
        desk.waiting().push(record);
        // Whoever has the turn writes what waits, theirs and others': whose is written already finds nothing left.
        let mut chain = desk.chain.lock().await;
        loop {
            let batch: Vec<Record> = {
                let mut waiting = desk.waiting();
                let most = waiting.len().min(BATCH_MAX);
                waiting.drain(..most).collect()
            };
            if batch.is_empty() {
                return Ok(());
            }
            if let Err(failure) = chain.append(&batch).await {
                desk.put_back(batch);
                return Err(failure);
            }
        }
    }

    fn desk(&self, tenant: &str) -> Arc<Desk> {
        // Nothing that holds the lock can panic half-way through a change.
        let mut desks = self.desks.lock().unwrap_or_else(PoisonError::into_inner);
        let desk = desks.entry(tenant.to_owned()).or_insert_with(|| {
            let chain = Turn::new(Chain::of(&self.ledger.of(tenant)));
            Arc::new(Desk { waiting: Mutex::default(), chain })
        });
        Arc::clone(desk)
    }
}

impl Desk {
    /// What could not be written is written with the next record, unless that has been so for long.
    fn put_back(&self, batch: Vec<Record>) {
        let mut waiting = self.waiting();
        if waiting.len() + batch.len() <= WAITING_MAX {
            waiting.splice(0..0, batch);
        }
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, Vec<Record>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads the whole chain of a tenant, telling each record, and says whether it is whole.
///
/// # Errors
/// `internal`, naming the object, where it is not; what the ledger says.
pub async fn read(ledger: &Ledger, tell: impl FnMut(&Record)) -> Result<Checked, Failure> {
    Chain::of(ledger).read(tell).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::path::Path;

    /// What is done to a chain, and how.
    type Damage<'a> = (&'a str, Box<dyn Fn() + 'a>);

    fn record(subject: &str) -> Record {
        Record {
            at_ms: 1,
            subject: subject.to_owned(),
            operation: "cancel_job".to_owned(),
            of: "job-aaaaaaaaaaaaaaaa".to_owned(),
            from: "127.0.0.1".to_owned(),
            status: 200,
            request: "1".to_owned(),
        }
    }

    async fn subjects(ledger: &Ledger) -> Result<Vec<String>, Failure> {
        let mut all = Vec::new();
        read(&ledger.of("a"), |record| all.push(record.subject.clone())).await.map(|_| all)
    }

    #[tokio::test]
    async fn many_fronts_write_one_chain_and_lose_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = Ledger::in_folder(folder.path()).await.unwrap();
        let fronts = [Audit::of(&ledger), Audit::of(&ledger), Audit::of(&ledger)];
        let writing = (0..90).map(|index| {
            let front = &fronts[index % 3];
            async move { front.append("a", record(&index.to_string())).await.unwrap() }
        });
        futures::future::join_all(writing).await;
        Audit::of(&ledger).append("b", record("other")).await.unwrap();
        let mut all = subjects(&ledger).await.unwrap();
        all.sort_by_key(|subject| subject.parse::<u32>().unwrap());
        assert_eq!(all, (0..90).map(|index| index.to_string()).collect::<Vec<_>>());
    }

    #[tokio::test]
    async fn whatever_is_done_to_the_chain_is_seen() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = Ledger::in_folder(folder.path()).await.unwrap();
        let audit = Audit::of(&ledger);
        for index in 0..6 {
            audit.append("a", record(&index.to_string())).await.unwrap();
        }
        let at = |number: u32| folder.path().join(format!("tenants/a/audit/{number:010}"));
        let head = read(&ledger.of("a"), |_| {}).await.unwrap().head;
        let held: Vec<Vec<u8>> = (1..=6).map(|number| fs::read(at(number)).unwrap()).collect();
        let put_back =
            || (1..=6).for_each(|number| fs::write(at(number), &held[number as usize - 1]).unwrap());
        let damages: [Damage<'_>; 4] = [
            ("another's record in its place", Box::new(|| fs::write(at(3), &held[1]).unwrap())),
            (
                "two in the other order",
                Box::new(|| {
                    fs::write(at(3), &held[3]).unwrap();
                    fs::write(at(4), &held[2]).unwrap();
                }),
            ),
            ("one taken out", Box::new(|| fs::remove_file(at(3)).unwrap())),
            ("the first taken out", Box::new(|| fs::remove_file(at(1)).unwrap())),
        ];
        for (what, damage) in damages {
            damage();
            assert!(subjects(&ledger).await.is_err(), "{what}");
            put_back();
        }
        assert_eq!(subjects(&ledger).await.unwrap().len(), 6);
        // The end can be cut off unseen by the chain alone: whoever noted its head sees it.
        fs::remove_file(at(6)).unwrap();
        let shorter = read(&ledger.of("a"), |_| {}).await.unwrap();
        assert!(!shorter.holds(&head) && shorter.head.number == 5);
        put_back();
        assert!(read(&ledger.of("a"), |_| {}).await.unwrap().holds(&shorter.head));
        assert_eq!(head.to_string().parse::<Head>().unwrap(), head);
        assert!(Path::new(&at(1)).exists());
    }

    #[tokio::test]
    async fn a_chain_that_was_rewritten_from_some_place_on_is_not_the_one_that_was_noted() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = Ledger::in_folder(folder.path()).await.unwrap();
        for index in 0..4 {
            Audit::of(&ledger).append("a", record(&index.to_string())).await.unwrap();
        }
        let head = read(&ledger.of("a"), |_| {}).await.unwrap().head;
        for number in 2..=4 {
            fs::remove_file(folder.path().join(format!("tenants/a/audit/{number:010}"))).unwrap();
        }
        for index in ["1", "forged", "3"] {
            Audit::of(&ledger).append("a", record(index)).await.unwrap();
        }
        let forged = read(&ledger.of("a"), |_| {}).await.unwrap();
        assert!(forged.head.number == head.number && !forged.holds(&head));
    }
}
