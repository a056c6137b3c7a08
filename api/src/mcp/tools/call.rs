//! One call of a tool: who asks, with which arguments, and who hears of progress.

use crate::front::Front;
use crate::service::Status;
use rmcp::RoleServer;
use rmcp::model::{ProgressNotificationParam, ProgressToken};
use rmcp::service::Peer;
use serde_json::{Map, Value};
use shared::failure::{Failure, FailureKind};
use shared::job::JobId;
use shared::principal::Principal;
use std::time::Duration;
use tokio::sync::mpsc::unbounded_channel;
use tokio_util::sync::CancellationToken;

/// One call.
pub(in crate::mcp) struct Call<'a> {
    pub(in crate::mcp) front: &'a Front,
    pub(in crate::mcp) principal: Principal,
    /// Checked against the schema.
    pub(in crate::mcp) args: Map<String, Value>,
    pub(in crate::mcp) waiter: Waiter,
}

/// Who waits for the answer.
pub(in crate::mcp) struct Waiter {
    pub(in crate::mcp) peer: Peer<RoleServer>,
    /// Where the client wants progress told.
    pub(in crate::mcp) progress: Option<ProgressToken>,
    /// The client does not wait any longer. The job goes on.
    pub(in crate::mcp) gone: CancellationToken,
}

impl Call<'_> {
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.args.get(name).and_then(Value::as_str)
    }

    pub(super) fn number(&self, name: &str, default: u64) -> u64 {
        self.args.get(name).and_then(Value::as_u64).unwrap_or(default)
    }

    pub(super) fn texts(&self, name: &str) -> Vec<&str> {
        let all = self.args.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        all.iter().filter_map(Value::as_str).collect()
    }

    pub(super) fn job(&self) -> Result<JobId, Failure> {
        self.text("job").unwrap_or_default().parse()
    }

    /// How many entries a page has.
    pub(super) fn limit(&self, default: u64) -> usize {
        usize::try_from(self.number("limit", default)).unwrap_or(1)
    }

    /// Waits for a job, telling progress; no longer than somebody waits for the answer.
    pub(super) async fn wait(&self, job: &JobId, seconds: u64) -> Result<Status, Failure> {
        let Waiter { peer, progress, gone } = &self.waiter;
        let (tell, mut told) = unbounded_channel();
        let tell = move |status: &Status| {
            // Told to nobody if the wait is over.
            let _ = tell.send((status.totals.items, status.record.items));
        };
        let waiting = self.front.wait(&self.principal, job, Duration::from_secs(seconds), tell);
        tokio::pin!(waiting);
        let mut most = None;
        loop {
            let (done, items) = tokio::select! {
                status = &mut waiting => return status,
                () = gone.cancelled() => return Err(left(job)),
                Some(progress) = told.recv() => progress,
            };
            let Some(token) = progress.as_ref().filter(|_| most < Some(done)) else { continue };
            most = Some(done);
            let progress = ProgressNotificationParam::new(token.clone(), done as f64)
                .with_total(items as f64)
                .with_message(format!("{done} of {items} items"));
            // Whoever does not hear it will see the answer.
            let _ = peer.notify_progress(progress).await;
        }
    }
}

fn left(job: &JobId) -> Failure {
    Failure::new(FailureKind::Cancelled, format!("nobody waits any longer; {job} goes on"))
}
