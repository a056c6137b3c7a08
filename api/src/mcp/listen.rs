//! Subscriptions: who listens to `job://{id}` hears when something of the job was worked, and when it has ended.

use super::bounds::{JOBS, count};
use super::resources::{Named, named};
use crate::front::Front;
use crate::service::State;
use shared::dispatch::Announcement;
use shared::job::JobId;
use shared::principal::Principal;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::mpsc::Sender;

/// How often listeners are told at the most, and how often the ledger is asked for what was not announced.
const TELL_EVERY: Duration = Duration::from_secs(1);

/// The URIs among these that can be listened to. Scores never change.
pub(super) fn listenable(uris: &[String]) -> Vec<String> {
    let job = |uri: &&String| matches!(named(uri), Some(Named::Job(_) | Named::Results(..)));
    uris.iter().filter(job).take(count(&JOBS)).cloned().collect()
}

/// Tells each URI whose job has changed, until nobody listens any more.
pub(super) async fn watch(front: &Front, principal: &Principal, uris: &[String], tell: Sender<String>) {
    let mut watch = front.dispatcher.watch().await;
    let mut jobs: BTreeMap<JobId, (Vec<&str>, Option<State>)> = BTreeMap::new();
    for uri in uris {
        if let Some(Named::Job(job) | Named::Results(job, _)) = named(uri) {
            jobs.entry(job).or_default().0.push(uri);
        }
    }
    let mut look = tokio::time::interval(TELL_EVERY);
    look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut changed: BTreeSet<JobId> = BTreeSet::new();
    loop {
        tokio::select! {
            announcement = watch.recv() => match announcement {
                Ok(announcement) if jobs.contains_key(announcement.job()) => {
                    changed.insert(announcement.job().clone());
                    if !matches!(announcement, Announcement::Finished { .. }) {
                        continue;
                    }
                }
                Ok(_) => continue,
                Err(RecvError::Lagged(_)) => continue,
                Err(RecvError::Closed) => return,
            },
            _ = look.tick() => {}
        }
        for (job, (uris, before)) in &mut jobs {
            if before.is_some_and(State::has_ended) {
                continue;
            }
            // A job of another tenant is one that is not there: its record is asked for first.
            let now = match before {
                Some(_) => front.service.state(principal, job).await,
                None => front.service.status(principal, job).await.map(|status| status.state),
            };
            let Ok(now) = now else { continue };
            *before = Some(now);
            if !changed.contains(job) && !now.has_ended() {
                continue;
            }
            for uri in uris.iter() {
                if tell.send((*uri).to_owned()).await.is_err() {
                    return;
                }
            }
        }
        changed.clear();
    }
}
