//! Jobs as programs submit them: under a key that makes asking twice harmless, and with somebody to call at the end.

use super::{Accepted, Plan, Service, new_id};
use crate::plan;
use crate::sources::Listing;
use serde::{Deserialize, Serialize};
use shared::dispatch::Lane;
use shared::failure::{Failure, FailureKind};
use shared::job::{JobId, Record, Request};
use shared::ledger::{Drawer, Ledger};
use shared::principal::Principal;
use shared::{clock, wire};

/// Where callbacks that are owed lie, one folder a job.
pub(crate) const CALLBACKS: &str = "callbacks";

/// How a job is submitted.
#[derive(Clone, Debug)]
pub struct Order {
    /// The lane.
    pub lane: Lane,
    /// A key of the client's own: the same key is the same job, however often it is asked for.
    pub key: Option<String>,
    /// Whom to call when the job has ended.
    pub callback: Option<String>,
}

/// A call that is owed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Callback {
    /// The job, whose end it tells.
    pub job: JobId,
    /// Whom to call.
    pub url: String,
    /// When the job was submitted, in milliseconds since 1970 UTC.
    pub since_ms: u64,
}

impl Service {
    /// The drawer of callbacks that are owed, of all tenants.
    pub(crate) fn callbacks(&self) -> Drawer {
        self.ledger.common_drawer(CALLBACKS)
    }

    /// The job that a key of before fixed, if it was accepted.
    ///
    /// # Errors
    /// `malformed` when it was submitted with another request; what the ledger says.
    pub async fn job_of_key(
        &self,
        principal: &Principal,
        key: &str,
        request: &Request,
    ) -> Result<Option<Record>, Failure> {
        let ledger = self.ledger(principal);
        let record = ledger.record_if_any(&JobId::from_key(&principal.tenant, key)).await?;
        record.map(|record| same_request(record, request, key)).transpose()
    }

    /// Accepts a job. Without a key it is a new one each time; with one it is the same, which was or is accepted.
    ///
    /// # Errors
    /// `malformed` for a key of another request; as [`Service::submit`].
    pub async fn order(
        &self,
        principal: &Principal,
        request: Request,
        listing: Listing,
        order: Order,
    ) -> Result<Accepted, Failure> {
        let ledger = self.ledger(principal);
        let id = match &order.key {
            Some(key) => {
                if let Some(record) = self.job_of_key(principal, key, &request).await? {
                    return Ok(Accepted { record, resumed: true });
                }
                let id = JobId::from_key(&principal.tenant, key);
                // Looked for after its record: while that is gone and the rest is not, this is there.
                if ledger.is_being_removed(&id).await? {
                    let message = format!("the job {id} of before is being removed: ask again in a moment");
                    return Err(Failure::new(FailureKind::Unavailable, message));
                }
                id
            }
            None => new_id()?,
        };
        let plan = Plan::new(request.clone(), &listing, order.lane)?;
        if let Some(url) = order.callback {
            self.owe(&ledger, Callback { job: id.clone(), url, since_ms: clock::now_ms() }).await?;
        }
        let record = self.accept(&ledger, id, plan, plan::chunks(listing.found.iter())).await?;
        let record = match &order.key {
            Some(key) => same_request(record, &request, key)?,
            None => record,
        };
        Ok(Accepted { record, resumed: false })
    }

    /// Writes down whom to call before the job is accepted; a job that never is has its note thrown away after a while.
    async fn owe(&self, ledger: &Ledger, callback: Callback) -> Result<(), Failure> {
        let key = [ledger.tenant(), callback.job.as_str(), "owed"];
        self.callbacks().create(&key, wire::encode(&callback)?).await.map(drop)
    }
}

fn same_request(record: Record, request: &Request, key: &str) -> Result<Record, Failure> {
    // What manifest files give was listed, not asked.
    if (Request { given: request.given.clone(), ..record.request.clone() }) == *request {
        return Ok(record);
    }
    let message = format!(
        "the idempotency key {key:?} belongs to {}, which asks for something else: a new request wants a new key",
        record.id
    );
    Err(Failure::new(FailureKind::Malformed, message))
}
