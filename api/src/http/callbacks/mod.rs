//! Callbacks: whoever is named with a job is told of its end, signed by the Standard Webhooks scheme.
//!
//! What is owed lies in the ledger, and so does each try before it is made: whichever front is there makes the next one, and
//! no two make the same. A receiver may be told twice, of one `webhook-id`; it is not forgotten.

mod address;
mod sign;

use super::views::Job;
use crate::front::Front;
use crate::moment;
use crate::service::Callback;
use futures::{StreamExt, stream};
use reqwest::header::CONTENT_TYPE;
use reqwest::redirect::Policy;
use reqwest::{Client, StatusCode};
use serde_json::json;
use shared::dispatch::Announcement;
use shared::failure::{Failure, FailureKind};
use shared::ledger::{Created, Entry};
use shared::principal::Principal;
use shared::{clock, config, metrics, wire};
use sign::Key;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::sleep;
use tracing::Instrument;
use url::Url;

/// How often it is looked what is due.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// Calls that are made at once.
const CALLS_AT_ONCE: usize = 16;
/// A note about a job that was not accepted by then is thrown away, in milliseconds.
const UNACCEPTED_MS_MAX: u64 = 3_600_000;

/// Makes callbacks.
#[derive(Clone, Debug)]
pub struct Callbacks {
    key: Key,
    /// Whether addresses of this machine and of private networks may be called.
    private: bool,
}

/// What became of a call.
enum Told {
    Yes,
    /// The receiver does not want to be called any more.
    Never,
    NotYet(String),
}

impl Callbacks {
    /// As `RIPIENO_CALLBACK_SECRET` and `RIPIENO_CALLBACK_PRIVATE` say; none without a secret.
    ///
    /// # Errors
    /// `malformed` for a secret that is none.
    pub fn from_environment() -> Result<Option<Self>, Failure> {
        let Some(secret) = config::var("RIPIENO_CALLBACK_SECRET") else { return Ok(None) };
        let private = config::var("RIPIENO_CALLBACK_PRIVATE").is_some_and(|text| text == "yes");
        Ok(Some(Callbacks { key: secret.parse()?, private }))
    }

    /// Refuses an address that would never be called.
    pub(super) fn check(&self, url: &str) -> Result<(), Failure> {
        address::check(url, self.private).map(drop)
    }

    /// Makes the calls that are due until the front stops.
    pub async fn run(self, front: Arc<Front>) {
        let mut watch = front.dispatcher.watch().await;
        loop {
            if let Err(failure) = self.look(&front).await {
                tracing::warn!(%failure, "callbacks cannot be looked after now");
            }
            let ended = async {
                loop {
                    match watch.recv().await {
                        Ok(Announcement::Finished { .. }) | Err(RecvError::Lagged(_)) => return,
                        Ok(_) => {}
                        Err(RecvError::Closed) => std::future::pending().await,
                    }
                }
            };
            tokio::select! {
                () = ended => {}
                () = sleep(LOOK_EVERY) => {}
                () = front.stopping() => return,
            }
        }
    }

    /// Looks through all that is owed.
    async fn look(&self, front: &Front) -> Result<(), Failure> {
        let mut owed: BTreeMap<Vec<String>, Vec<Entry>> = BTreeMap::new();
        for entry in front.service.callbacks().list(&[]).await? {
            owed.entry(entry.key.get(..2).unwrap_or_default().to_vec()).or_default().push(entry);
        }
        let each = owed.into_iter().map(|(of, entries)| {
            let [tenant, job] = [of.first(), of.get(1)].map(|name| name.map_or("", String::as_str));
            let span = tracing::error_span!("callback", tenant, job.id = job);
            let look = async move {
                if let Err(failure) = self.look_after(front, &entries).await {
                    tracing::warn!(%failure, "a callback cannot be looked after now");
                }
            };
            look.instrument(span)
        });
        stream::iter(each).buffer_unordered(CALLS_AT_ONCE).collect::<()>().await;
        Ok(())
    }

    async fn look_after(&self, front: &Front, entries: &[Entry]) -> Result<(), Failure> {
        let [Entry { key, .. }, ..] = entries else { return Ok(()) };
        let [tenant, job, ..] = &key[..] else { return Ok(()) };
        let drawer = front.service.callbacks();
        let Some(owed) = drawer.get(&[tenant, job, "owed"]).await? else {
            return forget(front, entries).await; // Half of it was forgotten before.
        };
        let callback: Callback = wire::decode(&owed, "a callback")?;
        let principal = Principal { tenant: tenant.clone(), ..Principal::local() };
        let status = match front.service.status(&principal, &callback.job).await {
            Err(failure) if failure.kind == FailureKind::NotFound => {
                let old = clock::now_ms().saturating_sub(callback.since_ms) > UNACCEPTED_MS_MAX;
                return if old { forget(front, entries).await } else { Ok(()) };
            }
            status => status?,
        };
        let tries = entries.len() - 1;
        let last_ms = entries.iter().map(|entry| entry.written_ms).max().unwrap_or(0);
        let waited = tries == 0 || clock::now_ms().saturating_sub(last_ms) >= delay_ms(tries);
        if !status.state.has_ended() || !waited {
            return Ok(());
        }
        if tries as u64 >= front.limits.callback_tries_max {
            metrics::CALLBACKS_GIVEN_UP.increase();
            tracing::error!(tries, "nobody takes the callback; it is given up");
            return forget(front, entries).await;
        }
        // Whoever writes the try makes it.
        if drawer.create(&[tenant, job, &format!("try-{tries:04}")], Vec::new()).await? == Created::Already {
            return Ok(());
        }
        let told = self.call(&callback, &Job::from(&status), front.limits.callback_seconds_max).await;
        match told {
            Told::NotYet(why) => {
                tracing::warn!(why, "the callback is tried again later");
                Ok(())
            }
            Told::Yes | Told::Never => {
                if matches!(told, Told::Yes) {
                    metrics::CALLBACKS_DONE.increase();
                }
                let last = format!("try-{tries:04}");
                drawer.remove(&[tenant, job, "owed"]).await?;
                drawer.remove(&[tenant, job, &last]).await?;
                forget(front, entries).await
            }
        }
    }

    async fn call(&self, callback: &Callback, job: &Job, seconds: u64) -> Told {
        match self.try_to_call(callback, job, Duration::from_secs(seconds)).await {
            Ok(status) if status.is_success() => Told::Yes,
            Ok(StatusCode::GONE) => Told::Never,
            Ok(status) => Told::NotYet(format!("the receiver answered {status}")),
            Err(why) => Told::NotYet(why),
        }
    }

    async fn try_to_call(
        &self,
        callback: &Callback,
        job: &Job,
        at_most: Duration,
    ) -> Result<StatusCode, String> {
        let url = address::check(&callback.url, self.private).map_err(|failure| failure.message)?;
        // The address that was looked at is the one that is called, whatever its name leads to a moment later.
        let addresses = address::resolved(&url, self.private).await.map_err(|failure| failure.message)?;
        let client = Client::builder().no_proxy().redirect(Policy::none()).timeout(at_most);
        let client = client.resolve_to_addrs(url.host_str().unwrap_or_default(), &addresses).build();
        let client = client.map_err(|error| error.to_string())?;
        let now_ms = clock::now_ms();
        let body = json!({
            "type": format!("job.{}", job.state.name()), "timestamp": moment::precise(now_ms), "data": job
        });
        let (body, id, seconds) = (body.to_string(), format!("msg_{}", callback.job), now_ms / 1000);
        let signature = self.key.sign(&id, seconds, body.as_bytes());
        let request = client.post(Url::as_str(&url)).header(CONTENT_TYPE, "application/json").body(body);
        let request = request.header("webhook-id", id).header("webhook-timestamp", seconds);
        let answer = request.header("webhook-signature", signature).send().await;
        // The address stays out of it: it may carry a token.
        answer.map(|answer| answer.status()).map_err(|error| error.without_url().to_string())
    }
}

async fn forget(front: &Front, entries: &[Entry]) -> Result<(), Failure> {
    let drawer = front.service.callbacks();
    for entry in entries {
        let key: Vec<&str> = entry.key.iter().map(String::as_str).collect();
        drawer.remove(&key).await?;
    }
    Ok(())
}

/// How long after the last of so many tries the next one is due, in milliseconds: 5 s, 25 s, 2 min, 10 min, then hourly.
const fn delay_ms(tries: usize) -> u64 {
    match tries {
        0 => 0,
        1 => 5_000,
        2 => 25_000,
        3 => 120_000,
        4 => 600_000,
        _ => 3_600_000,
    }
}

/// Refuses a callback where none are made.
pub(super) fn check(callbacks: Option<&Callbacks>, url: &str) -> Result<(), Failure> {
    let none = || {
        let message = "this server makes no callbacks: set RIPIENO_CALLBACK_SECRET, or leave `callback` out";
        Failure::new(FailureKind::Malformed, message)
    };
    callbacks.ok_or_else(none)?.check(url)
}
