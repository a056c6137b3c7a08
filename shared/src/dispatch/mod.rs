//! How chunks travel from whoever knows of work to whoever does it. A message is a hint; the ledger decides.

mod delivery;
pub mod memory;
pub mod rabbitmq;

pub use delivery::Delivery;

use crate::failure::Failure;
use crate::job::JobId;
use memory::Memory;
use rabbitmq::RabbitMq;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use tokio::sync::broadcast;

/// Announcements that a slow watcher may be behind before it misses some.
const ANNOUNCEMENTS: usize = 4096;

/// A queue for one kind of work; the first listed is served first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lane {
    /// Somebody waits for the answer.
    Interactive,
    /// Whoever worked it before died of it, or of something else at that moment: it is worked apart from all others.
    Suspect,
    /// It will be done in its turn.
    Bulk,
}

impl Lane {
    /// Every lane, the first served first.
    pub const ALL: [Lane; 3] = [Lane::Interactive, Lane::Suspect, Lane::Bulk];

    /// Name in queues, in metrics and on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Lane::Interactive => "interactive",
            Lane::Suspect => "suspect",
            Lane::Bulk => "bulk",
        }
    }
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
    /// A chunk is being worked, and will be for longer.
    Working {
        /// The job.
        job: JobId,
        /// The chunk.
        chunk: u32,
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

impl Announcement {
    /// The job that it speaks of.
    #[must_use]
    pub const fn job(&self) -> &JobId {
        match self {
            Announcement::Worked { job, .. }
            | Announcement::Working { job, .. }
            | Announcement::Receipt { job, .. }
            | Announcement::Finished { job }
            | Announcement::Stuck { job, .. } => job,
        }
    }
}

/// The carrier in use.
#[derive(Clone, Debug)]
pub enum Dispatcher {
    /// Inside this process.
    Memory(Memory),
    /// By a RabbitMQ broker.
    RabbitMq(RabbitMq),
}

impl Dispatcher {
    /// A carrier inside this process.
    #[must_use]
    pub fn memory() -> Self {
        Dispatcher::Memory(Memory::default())
    }

    /// Puts a message at the end of a lane. Once this returns, the carrier has it as safe as it can.
    ///
    /// # Errors
    /// `unavailable` when the carrier cannot take it now; the ledger knows of the work all the same.
    pub async fn publish(&self, lane: Lane, message: Message) -> Result<(), Failure> {
        match self {
            Dispatcher::Memory(memory) => {
                memory.publish(lane, message);
                Ok(())
            }
            Dispatcher::RabbitMq(rabbit) => rabbit.publish(lane, &message).await,
        }
    }

    /// The next message of the first lane that has one; waits for one. `None` once the dispatcher is closed. What a
    /// dropped future waited for stays where it is.
    pub async fn next(&self) -> Option<Delivery> {
        match self {
            Dispatcher::Memory(memory) => memory.next(|_| true).await.map(Delivery::Memory),
            Dispatcher::RabbitMq(rabbit) => rabbit.next(|_| true).await.map(Delivery::RabbitMq),
        }
    }

    /// The next message that is `wanted`, as [`Dispatcher::next`]; others stay for whoever asks next.
    pub async fn next_wanted(&self, wanted: impl Fn(&Message) -> bool) -> Option<Delivery> {
        match self {
            Dispatcher::Memory(memory) => memory.next(wanted).await.map(Delivery::Memory),
            Dispatcher::RabbitMq(rabbit) => rabbit.next(wanted).await.map(Delivery::RabbitMq),
        }
    }

    /// Tells consumers to stop: those that wait get `None`, messages stay where they are.
    pub fn close(&self) {
        match self {
            Dispatcher::Memory(memory) => memory.close(),
            Dispatcher::RabbitMq(rabbit) => rabbit.close(),
        }
    }

    /// After [`Dispatcher::close`], and once every delivery is settled: waits until the carrier knows all of it.
    pub async fn leave(&self) {
        if let Dispatcher::RabbitMq(rabbit) = self {
            rabbit.leave().await;
        }
    }

    /// Messages that wait in a lane for a consumer.
    ///
    /// # Errors
    /// `unavailable` when the carrier does not say.
    pub async fn backlog(&self, lane: Lane) -> Result<u64, Failure> {
        match self {
            Dispatcher::Memory(memory) => Ok(memory.backlog(lane)),
            Dispatcher::RabbitMq(rabbit) => rabbit.backlog(lane).await,
        }
    }

    /// Processes that take from a lane now; none is known of a carrier inside one process, where nobody comes and goes.
    ///
    /// # Errors
    /// `unavailable` when the carrier does not say.
    pub async fn consumers(&self, lane: Lane) -> Result<Option<u32>, Failure> {
        match self {
            Dispatcher::Memory(_) => Ok(None),
            Dispatcher::RabbitMq(rabbit) => rabbit.consumers(lane).await.map(Some),
        }
    }

    /// The messages that were given up, oldest first: a thousand at the most.
    ///
    /// # Errors
    /// `unavailable` when the carrier does not say.
    pub async fn dead(&self) -> Result<Vec<Message>, Failure> {
        match self {
            Dispatcher::Memory(memory) => Ok(memory.dead()),
            Dispatcher::RabbitMq(rabbit) => rabbit.dead().await,
        }
    }

    /// Tells whoever watches; never waits.
    pub fn announce(&self, announcement: Announcement) {
        match self {
            Dispatcher::Memory(memory) => memory.announce(announcement),
            Dispatcher::RabbitMq(rabbit) => rabbit.announce(announcement),
        }
    }

    /// Announcements from now on, of every process that shares the carrier.
    pub async fn watch(&self) -> broadcast::Receiver<Announcement> {
        match self {
            Dispatcher::Memory(memory) => memory.watch(),
            Dispatcher::RabbitMq(rabbit) => rabbit.watch().await,
        }
    }
}

/// A wait of between half of this one and all of it: so those that failed together do not come again together.
#[must_use]
pub fn jittered(wait: Duration) -> Duration {
    let half = wait / 2;
    // Without random numbers they come together.
    half + half.mul_f64(f64::from(getrandom::u32().unwrap_or(u32::MAX)) / f64::from(u32::MAX))
}

/// How long to wait before the attempt after `attempt` (from 0), at the most: doubling from a quarter of a second to a minute.
#[must_use]
pub fn retry_delay(attempt: u32) -> Duration {
    Duration::from_millis(250 << attempt.min(8)).min(Duration::from_secs(60))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_differ_within_their_bounds() {
        for attempt in 0..12 {
            let longest = retry_delay(attempt);
            let waits: Vec<Duration> = (0..64).map(|_| jittered(longest)).collect();
            assert!(waits.iter().all(|wait| *wait >= longest / 2 && *wait <= longest), "{waits:?}");
            assert!(waits.iter().any(|wait| *wait != waits[0]), "sixty-four equal random numbers");
        }
    }
}
