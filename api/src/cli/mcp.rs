//! `ripieno mcp`: an agent on the other end of standard input and output.

use super::desk::Desk;
use super::run::{Signals, threads};
use super::{INTERRUPTED, READ_ALL};
use crate::front::Front;
use crate::mcp;
use shared::failure::Failure;
use std::sync::Arc;

/// Answers until the client is gone, or a signal comes. What is not finished goes on with the next process.
pub(super) async fn run(desk: &Desk, jobs: Option<u16>) -> Result<u8, Failure> {
    let mut signals = Signals::new()?;
    let front = Front::new(desk.service.clone(), desk.dispatcher.clone(), desk.limits.clone());
    let front = Arc::new(front.at_home().with_here(desk.here(threads(jobs))));
    let work = desk.work(threads(jobs))?;
    // What a process before this one left undone begins now.
    if work.is_some() {
        desk.take_up().await?;
    }
    let code = tokio::select! {
        outcome = mcp::stdio(Arc::clone(&front)) => outcome.map(|()| READ_ALL),
        () = signals.any() => Ok(INTERRUPTED),
    };
    front.stop();
    if let Some(work) = work {
        work.end().await?;
    }
    code
}
