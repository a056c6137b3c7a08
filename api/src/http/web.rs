//! What the handlers of one process share.

use super::callbacks::Callbacks;
use super::kept::Kept;
use super::looks::Looks;
use crate::front::Front;
use crate::service::Status;
use shared::failure::Failure;
use shared::job::JobId;
use shared::principal::Principal;
use std::sync::Arc;

/// The state of the HTTP skin.
pub(super) struct Web {
    /// What it shares with the other skins.
    pub(super) front: Arc<Front>,
    /// Looks that many share.
    pub(super) looks: Looks,
    /// Tables that were made.
    pub(super) kept: Kept,
    /// Who tells of the ends of jobs, if anybody does.
    pub(super) callbacks: Option<Callbacks>,
}

impl Web {
    pub(super) fn new(front: &Arc<Front>, callbacks: Option<Callbacks>) -> Result<Self, Failure> {
        let kept = Kept::new(front.limits.table_bytes_max)?;
        Ok(Web { front: Arc::clone(front), looks: Looks::default(), kept, callbacks })
    }

    /// Looks at a job.
    pub(super) async fn look(&self, principal: &Principal, job: &JobId) -> Result<Arc<Status>, Failure> {
        self.looks.look(&self.front.service, principal, job).await
    }
}
