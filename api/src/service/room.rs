//! How much of a tenant may be under way.

use super::Service;
use shared::failure::{Failure, FailureKind};
use shared::ledger::Ledger;
use shared::principal::LOCAL_TENANT;

impl Service {
    /// Refuses another job of a tenant that has as many as it may. Fronts that are asked at the same moment may let a few more
    /// in.
    pub(super) async fn room(&self, ledger: &Ledger) -> Result<(), Failure> {
        let most = self.limits.tenant_jobs_max;
        // Whoever sits at this machine takes room from nobody. The index is counted first: it costs one listing.
        if ledger.tenant() == LOCAL_TENANT || ledger.active_at_most().await? < most {
            return Ok(());
        }
        if (ledger.active().await?.len() as u64) < most {
            return Ok(());
        }
        let message = format!(
            "your tenant has {most} jobs that have not ended, as many as it may (tenant_jobs_max): wait for one, or cancel one"
        );
        Err(Failure::new(FailureKind::TooMany, message))
    }
}
