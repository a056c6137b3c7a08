//! What a worker says while it works: nothing depends on it.

use shared::dispatch::{Announcement, Dispatcher};
use shared::job::JobId;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How often a worker says how many items it has worked.
const ANNOUNCE_EVERY: Duration = Duration::from_millis(200);

/// Counts items and tells of them now and then.
pub(super) struct Progress<'a> {
    dispatcher: &'a Dispatcher,
    job: &'a JobId,
    state: Mutex<(u64, Instant)>,
}

impl<'a> Progress<'a> {
    pub(super) fn new(dispatcher: &'a Dispatcher, job: &'a JobId) -> Self {
        Progress { dispatcher, job, state: Mutex::new((0, Instant::now())) }
    }

    pub(super) fn items(&self, items: u64) {
        let due = {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            state.0 += items;
            state.1.elapsed() >= ANNOUNCE_EVERY
        };
        if due {
            self.tell();
        }
    }

    pub(super) fn tell(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let items = std::mem::take(&mut state.0);
        state.1 = Instant::now();
        if items > 0 {
            self.dispatcher.announce(Announcement::Worked { job: self.job.clone(), items });
        }
    }
}
