//! How chunks travel from whoever knows of work to whoever does it. A message is a hint; the ledger decides.

pub mod memory;

use crate::failure::Failure;
use crate::job::JobId;
use memory::Memory;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// A queue for one kind of work; the first listed is served first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lane {
    /// Somebody waits for the answer.
    Interactive,
    /// It will be done in its turn.
    Bulk,
}

/// "There may be work at this chunk of this job."
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Version of this record.
    pub version: u16,
    /// Whose job it is.
    pub tenant: String,
    /// The job.
    pub job: JobId,
    /// The chunk.
    pub chunk: u32,
    /// How many chunks of the job may travel at once: whoever ends chunk c publishes chunk c + window.
    pub window: u32,
    /// Deliveries that ended because something was away, before this one.
    pub attempt: u32,
}

/// Something that happened, for whoever watches; nothing depends on it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Announcement {
    /// So many more items of a job have an outcome that is not yet in a receipt.
    Worked {
        /// The job.
        job: JobId,
        /// Items since the last announcement.
        items: u64,
    },
    /// A receipt was written.
    Receipt {
        /// The job.
        job: JobId,
        /// The chunk.
        chunk: u32,
    },
    /// A job has finished.
    Finished {
        /// The job.
        job: JobId,
    },
    /// A chunk was given up after many attempts; it waits for the next reconciling.
    Stuck {
        /// The job.
        job: JobId,
        /// The chunk.
        chunk: u32,
        /// What was wrong at the last attempt.
        failure: Failure,
    },
}

/// A message in the hands of a consumer. Dropped without a word, it goes back to its lane.
pub type Delivery = memory::Delivery;

/// The carrier in use.
#[derive(Clone, Debug)]
pub enum Dispatcher {
    /// Inside this process.
    Memory(Memory),
}

impl Dispatcher {
    /// A carrier inside this process.
    #[must_use]
    pub fn memory() -> Self {
        Dispatcher::Memory(Memory::default())
    }

    /// Puts a message at the end of a lane.
    ///
    /// # Errors
    /// `unavailable` when the carrier cannot take it now; the ledger knows of the work all the same.
    pub fn publish(&self, lane: Lane, message: Message) -> Result<(), Failure> {
        let Dispatcher::Memory(memory) = self;
        memory.publish(lane, message);
        Ok(())
    }

    /// The next message of the first lane that has one; waits for one. `None` once the dispatcher is closed.
    pub async fn next(&self) -> Option<Delivery> {
        let Dispatcher::Memory(memory) = self;
        memory.next().await
    }

    /// Tells consumers to stop: those that wait get `None`, messages stay where they are.
    pub fn close(&self) {
        let Dispatcher::Memory(memory) = self;
        memory.close();
    }

    /// Tells whoever watches.
    pub fn announce(&self, announcement: Announcement) {
        let Dispatcher::Memory(memory) = self;
        memory.announce(announcement);
    }

    /// Announcements from now on.
    #[must_use]
    pub fn watch(&self) -> tokio::sync::broadcast::Receiver<Announcement> {
        let Dispatcher::Memory(memory) = self;
        memory.watch()
    }
}

/// How long to wait before the attempt after `attempt` (from 0): doubling from a quarter of a second to a minute.
#[must_use]
pub fn retry_delay(attempt: u32) -> Duration {
    Duration::from_millis(250 << attempt.min(8)).min(Duration::from_secs(60))
}
