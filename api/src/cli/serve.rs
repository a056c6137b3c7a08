//! `ripieno serve`: the front, open to others, with a worker beside it where no cluster is configured.

use super::desk::Desk;
use super::run::{Signals, threads};
use super::{READ_ALL, say};
use crate::auth::Auth;
use crate::front::Front;
use crate::http::{self, Callbacks, Listener, Names, Tls};
use crate::schedule::Scheduler;
use shared::failure::Failure;
use shared::redis::Redis;
use std::net::SocketAddr;
use std::sync::Arc;
use worker::consume::Reconciler;

/// Answers until it is asked to stop; says the exit code.
pub(super) async fn serve(desk: &Desk, listen: SocketAddr) -> Result<u8, Failure> {
    let mut signals = Signals::new()?;
    let redis = Redis::from_environment(&desk.limits)?;
    let auth = Auth::from_environment(desk.service.ledger_of_all(), redis.as_ref(), &desk.limits)?;
    let tls = Tls::from_environment()?;
    let listener = Listener::bind(listen, auth.is_some()).await?.with_tls(tls);
    let front = Front::new(desk.service.clone(), desk.dispatcher.clone(), desk.limits.clone());
    let front = Arc::new(front.with_auth(auth).with_here(desk.here(threads(None))));
    let work = desk.work(threads(None))?;
    // What a process before this one left undone begins now, without waiting for its turn.
    if work.is_some() {
        desk.take_up().await?;
    }
    let reconciling = desk.ledger().map(|ledger| {
        let reconciler = Reconciler::new(ledger, desk.dispatcher.clone());
        tokio::spawn(async { reconciler.await.run().await })
    });
    let callbacks = Callbacks::from_environment()?;
    let calling = callbacks.clone().map(|callbacks| tokio::spawn(callbacks.run(Arc::clone(&front))));
    let scheduling = tokio::spawn(Scheduler::new(desk.service.clone(), desk.limits.clone()).run());
    let router = http::router(&front, Names::from_environment(), callbacks)?;
    say(&format!("listening at {}\n", listener.url()));
    let serving = tokio::spawn({
        let front = Arc::clone(&front);
        async move { listener.serve(&front, router).await }
    });
    signals.any().await;
    tracing::info!("stopping");
    front.stop();
    [reconciling, calling, Some(scheduling)].into_iter().flatten().for_each(|task| task.abort());
    let (served, worked) = tokio::join!(serving, async {
        match work {
            Some(work) => work.end().await,
            None => Ok(()),
        }
    });
    if let Err(error) = served {
        tracing::error!(%error, "the listener ended before its time");
    }
    worked.map(|()| READ_ALL)
}
