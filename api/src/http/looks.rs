//! Looks at jobs that many share: a thousand who watch one job ask the ledger no oftener than one.

use crate::service::{Service, State, Status};
use shared::failure::Failure;
use shared::job::JobId;
use shared::principal::Principal;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long a look is good for.
const TRUSTED: Duration = Duration::from_millis(200);
/// How long a look at a finished job is good for: it does not change any more, but its tenant may be erased.
const FINISHED_TRUSTED: Duration = Duration::from_secs(5);
/// A look is good for so many times as long as it took, so that long ones do not fill the day.
const TIMES_TRUSTED: u32 = 4;
/// Jobs whose looks are kept.
const JOBS_MAX: usize = 4096;

type Key = (String, JobId);
type Slot = Arc<tokio::sync::Mutex<Option<Look>>>;

struct Look {
    until: Instant,
    status: Arc<Status>,
}

/// The looks of one process.
#[derive(Default)]
pub(super) struct Looks(Mutex<BTreeMap<Key, Slot>>);

impl Looks {
    /// Looks at a job, or says what was seen a moment ago.
    pub(super) async fn look(
        &self,
        service: &Service,
        principal: &Principal,
        job: &JobId,
    ) -> Result<Arc<Status>, Failure> {
        let slot = self.slot((principal.tenant.clone(), job.clone()));
        // Whoever looks at the same moment waits for this look, and has it too.
        let mut look = slot.lock().await;
        if let Some(look) = look.as_ref()
            && Instant::now() < look.until
        {
            return Ok(Arc::clone(&look.status));
        }
        let began = Instant::now();
        let status = Arc::new(service.status(principal, job).await?);
        let trusted = match status.state {
            State::Finished => FINISHED_TRUSTED,
            _ => TRUSTED.max(began.elapsed() * TIMES_TRUSTED),
        };
        *look = Some(Look { until: Instant::now() + trusted, status: Arc::clone(&status) });
        Ok(status)
    }

    /// Forgets a job that was changed here.
    pub(super) fn forget(&self, principal: &Principal, job: &JobId) {
        self.slots().remove(&(principal.tenant.clone(), job.clone()));
    }

    fn slot(&self, key: Key) -> Slot {
        let mut slots = self.slots();
        if slots.len() >= JOBS_MAX && !slots.contains_key(&key) {
            slots.clear();
        }
        Arc::clone(slots.entry(key).or_default())
    }

    fn slots(&self) -> std::sync::MutexGuard<'_, BTreeMap<Key, Slot>> {
        // Nothing that holds the lock can panic half-way through a change.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
