//! How long an item may be worked, and whose turn it is among large pieces.

use crate::score::{EVENTS_PER_CHECK, Stop};
use rustix::time::{ClockId, clock_gettime};
use shared::failure::{Failure, FailureKind};
use shared::limits::Limits;
use std::cell::{Cell, RefCell};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Events from which a piece is read and analysed only in its turn: what large pieces take at once would add up.
/// Movements of symphonies have up to 200 000.
const LARGE_EVENTS: u64 = 25_000;

/// Large pieces in work.
static LARGE: Mutex<usize> = Mutex::new(0);
/// Told when one of them is done.
static DONE: Condvar = Condvar::new();

/// Time of the processor that this thread has had.
pub(crate) fn cpu() -> Duration {
    let had = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(u64::try_from(had.tv_sec).unwrap_or(0), u32::try_from(had.tv_nsec).unwrap_or(0))
}

/// The pace of one item.
pub(crate) struct Pace {
    began: Instant,
    /// Time that was spent on waiting for a turn.
    waited: Cell<Duration>,
    seconds_max: u64,
    /// Checks since the piece in work began.
    checks: Cell<u64>,
    turn: RefCell<Option<Turn>>,
}

impl Pace {
    pub(crate) fn new(limits: &Limits) -> Self {
        Pace {
            began: Instant::now(),
            waited: Cell::default(),
            seconds_max: limits.item_seconds_max,
            checks: Cell::default(),
            turn: RefCell::default(),
        }
    }

    /// What a builder asks while it reads. May wait.
    ///
    /// # Errors
    /// `timed_out`.
    pub(crate) fn check(&self) -> Result<(), Stop> {
        self.checks.set(self.checks.get() + 1);
        self.take_turn(self.checks.get() * EVENTS_PER_CHECK);
        self.in_time()
    }

    /// Waits for a turn if a piece of `events` needs one.
    pub(crate) fn take_turn(&self, events: u64) {
        let mut turn = self.turn.borrow_mut();
        if events >= LARGE_EVENTS && turn.is_none() {
            let asked = Instant::now();
            *turn = Some(Turn::take(rayon::current_num_threads() / 2));
            self.waited.set(self.waited.get() + asked.elapsed());
        }
    }

    /// The piece in work is done.
    pub(crate) fn end_piece(&self) {
        self.checks.set(0);
        self.turn.replace(None);
    }

    /// # Errors
    /// `timed_out`.
    pub(crate) fn in_time(&self) -> Result<(), Stop> {
        let worked = self.began.elapsed().saturating_sub(self.waited.get());
        if worked <= Duration::from_secs(self.seconds_max) {
            return Ok(());
        }
        let message =
            format!("more than item_seconds_max = {} seconds of work for one item", self.seconds_max);
        Err(Stop::Failed(Failure::new(FailureKind::TimedOut, message)))
    }
}

/// A turn; it ends with this.
struct Turn;

impl Turn {
    /// Waits until fewer than `most` large pieces are in work. One always may be.
    fn take(most: usize) -> Self {
        let large = LARGE.lock().unwrap_or_else(PoisonError::into_inner);
        let mut large =
            DONE.wait_while(large, |large| *large >= most.max(1)).unwrap_or_else(PoisonError::into_inner);
        *large += 1;
        Turn
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut large = LARGE.lock().unwrap_or_else(PoisonError::into_inner);
        *large = large.saturating_sub(1);
        DONE.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn large_pieces_take_turns_and_the_wait_is_no_work() {
        static AT_ONCE: AtomicUsize = AtomicUsize::new(0);
        let limits = Limits { item_seconds_max: 1, ..Limits::default() };
        let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
        pool.scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|_| {
                    let pace = Pace::new(&limits);
                    for _ in 0..LARGE_EVENTS / EVENTS_PER_CHECK + 1 {
                        pace.check().unwrap();
                    }
                    assert_eq!(AT_ONCE.fetch_add(1, Ordering::SeqCst), 0, "one for two threads");
                    std::thread::sleep(Duration::from_millis(400));
                    AT_ONCE.fetch_sub(1, Ordering::SeqCst);
                    pace.check().unwrap();
                    pace.end_piece();
                });
            }
        });
        let pace = Pace::new(&limits);
        std::thread::sleep(Duration::from_millis(1100));
        assert!(matches!(pace.check(), Err(Stop::Failed(failure)) if failure.kind == FailureKind::TimedOut));
    }
}
