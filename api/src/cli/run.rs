//! `ripieno run`, `submit` and `retry`: submit, work or have worked, wait, write the table.

use super::desk::Desk;
use super::progress::Reporter;
use super::{INTERRUPTED, READ_ALL, args, out, say, show};
use crate::http::views::{Job, PlanView};
use crate::plan::{self, Choice};
use crate::service::{Accepted, State};
use crate::sources;
use serde_json::json;
use shared::clock;
use shared::dispatch::Announcement;
use shared::failure::{Failure, FailureKind};
use shared::job::{JobId, Record, Request};
use shared::principal::Principal;
use shared::store;
use std::num::NonZero;
use std::path::Path;
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::broadcast::error::RecvError;
use worker::read::MidiOptions;

/// How often a run looks whether somebody else ended its job, or paused it, or lets it go on.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// How the wait for a job ended.
pub(super) enum Ended {
    Job,
    Interrupted,
    Stuck(Failure),
}

/// What is asked for, checked.
pub(super) fn request(ask: &args::Ask, sources: Vec<String>) -> Result<Request, Failure> {
    let choice = Choice {
        analyses: ask.analyses.clone(),
        params: ask.set.clone(),
        fidelity: ask.fidelity,
        strict: ask.strict,
        repeats: ask.repeats,
        midi: MidiOptions { grid: ask.midi_grid.clone(), parts: ask.midi_parts },
    };
    plan::request(sources, &choice)
}

/// Accepts the job that is asked for.
async fn accept(desk: &Desk, ask: &args::Ask) -> Result<Accepted, Failure> {
    let request = request(ask, ask.sources.clone())?;
    let listing = sources::list(&ask.sources, &desk.limits).await?;
    desk.service.submit(&Principal::local(), request, listing, ask.lane).await
}

/// Says what the job that is asked for would cost.
pub(super) async fn plan(desk: &Desk, ask: &args::Ask) -> Result<u8, Failure> {
    let request = request(ask, ask.sources.clone())?;
    let listing = sources::list(&ask.sources, &desk.limits).await?;
    let here = desk.here(threads(None));
    let principal = Principal::local();
    let forecast = desk.service.forecast(&principal, &request, &listing, ask.lane, here.as_ref()).await?;
    say(&PlanView::of(&forecast, clock::now_ms()).text());
    Ok(READ_ALL)
}

/// Runs the command; says the exit code.
pub(super) async fn run(desk: &Desk, options: &args::Run) -> Result<u8, Failure> {
    // Before a job is accepted nothing is lost by an end at once; from then on it is a clean one.
    let signals = Signals::new()?;
    let reporter = Reporter::new(options.show.progress);
    let accepted = accept(desk, &options.ask).await?;
    see_through(desk, accepted, &options.show, reporter, signals).await
}

/// Tries again what failed of a job; says the exit code.
pub(super) async fn retry(desk: &Desk, job: &JobId, show: &args::Show) -> Result<u8, Failure> {
    let signals = Signals::new()?;
    let reporter = Reporter::new(show.progress);
    let accepted = desk.service.retry(&Principal::local(), job).await?;
    see_through(desk, accepted, show, reporter, signals).await
}

/// Submits to the cluster and does not wait.
pub(super) async fn submit(desk: &Desk, ask: &args::Ask) -> Result<u8, Failure> {
    if !desk.is_cluster() {
        let message = "nobody would work on it: without RIPIENO_BROKER and RIPIENO_STORE say `ripieno run`";
        return Err(Failure::new(FailureKind::Malformed, message));
    }
    let accepted = accept(desk, ask).await?;
    say(&format!("{}\n", accepted.record.id));
    publish(desk, &accepted.record).await?;
    Ok(READ_ALL)
}

/// Waits until a job of whoever works here has ended, and sums it up.
pub(super) async fn watch(desk: &Desk, job: &JobId, progress: args::Progress) -> Result<u8, Failure> {
    let (service, principal) = (&desk.service, Principal::local());
    let mut signals = Signals::new()?;
    let mut reporter = Reporter::new(progress);
    let mut status = service.status(&principal, job).await?;
    reporter.start(status.record.items, status.totals.items);
    while matches!(status.state, State::Active | State::Paused) {
        tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => {}
            () = signals.any() => return Ok(INTERRUPTED),
        }
        let now = service.status(&principal, job).await?;
        reporter.advance(now.totals.items.saturating_sub(status.totals.items));
        status = now;
    }
    reporter.end();
    Ok(show::finished(&Job::from(&status), &reporter, &[]))
}

/// Publishes the work of an accepted job. In a cluster that is a hint: without it the work begins a little later.
async fn publish(desk: &Desk, record: &Record) -> Result<(), Failure> {
    match desk.service.reconcile(&Principal::local(), record).await {
        Err(failure) if desk.is_cluster() && failure.kind.is_transient() => {
            tracing::warn!(%failure, "the work begins at the next reconciling");
            Ok(())
        }
        outcome => outcome,
    }
}

/// Has an accepted job worked, waits for it and writes its table.
async fn see_through(
    desk: &Desk,
    accepted: Accepted,
    show: &args::Show,
    mut reporter: Reporter,
    mut signals: Signals,
) -> Result<u8, Failure> {
    let (principal, record) = (Principal::local(), &accepted.record);
    let status = desk.service.status(&principal, &record.id).await?;
    let before = status.totals.items;
    if status.state == State::Paused && !desk.is_cluster() {
        let message = format!("{0} is paused; `ripieno resume {0}` first", record.id);
        return Err(Failure::new(FailureKind::Cancelled, message));
    }
    let event = if accepted.resumed { "resumed" } else { "accepted" };
    reporter.event(event, json!({ "job": record.id, "items": record.items, "done": before }));
    if accepted.resumed {
        reporter.note(&format!("resuming {}: {before} of {} items are done", record.id, record.items));
    }
    reporter.start(record.items, before);

    // Watched from before the first chunk is published, so that no announcement is missed.
    let mut watch = desk.dispatcher.watch().await;
    let work = desk.work(threads(show.jobs))?;
    publish(desk, record).await?;
    let ended = wait(desk, record, &mut watch, &mut reporter, &mut signals).await;
    if let Some(work) = work {
        work.end().await?;
    }
    reporter.end();
    conclude(desk, record, ended?, show, &reporter, &mut signals).await
}

/// A source as whoever stands in another folder can name it.
pub(super) fn absolute(source: &str) -> Result<String, Failure> {
    if store::is_url(source) {
        return Ok(source.to_owned());
    }
    let path = std::path::absolute(source).ok().and_then(|path| path.into_os_string().into_string().ok());
    path.ok_or_else(|| Failure::new(FailureKind::Malformed, format!("{source:?} is no path")))
}

/// Threads for computing: as many as were asked for, else one per core.
pub(super) fn threads(asked: Option<u16>) -> usize {
    let cores = || std::thread::available_parallelism().map_or(1, NonZero::get);
    asked.map_or_else(cores, usize::from)
}

async fn conclude(
    desk: &Desk,
    record: &Record,
    ended: Ended,
    show: &args::Show,
    reporter: &Reporter,
    signals: &mut Signals,
) -> Result<u8, Failure> {
    match ended {
        Ended::Job => tokio::select! {
            code = finish(desk, record, show, reporter) => code,
            () = signals.any() => {
                reporter.note(&format!("stopped: the table is not written; ripieno results {} writes it", record.id));
                Ok(INTERRUPTED)
            }
        },
        Ended::Stuck(failure) => {
            let message = format!("{}; nothing is lost: the same command goes on", failure.message);
            Err(Failure { message, ..failure })
        }
        Ended::Interrupted => {
            let status = desk.service.status(&Principal::local(), &record.id).await?;
            let (done, items, id) = (status.totals.items, record.items, &record.id);
            reporter.event("interrupted", json!({ "job": id, "items": items, "done": done }));
            let what = if desk.is_cluster() { "not waited for any longer" } else { "stopped" };
            let next = match desk.is_cluster() {
                true => format!("the workers go on; `ripieno status {id}` tells"),
                false => "the same command goes on".to_owned(),
            };
            reporter.note(&format!("{what}: {done} of {items} items of {id} are done; {next}"));
            Ok(INTERRUPTED)
        }
    }
}

/// The signals that ask for an end. Once they are listened to, nothing else acts on them.
pub(super) struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    pub(super) fn new() -> Result<Self, Failure> {
        let unavailable = |error| Failure::new(FailureKind::Unavailable, format!("no signals: {error}"));
        let interrupt = signal(SignalKind::interrupt()).map_err(unavailable)?;
        let terminate = signal(SignalKind::terminate()).map_err(unavailable)?;
        Ok(Signals { interrupt, terminate })
    }

    /// Waits for either.
    pub(super) async fn any(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// Waits until the job has ended, showing progress.
async fn wait(
    desk: &Desk,
    record: &Record,
    watch: &mut tokio::sync::broadcast::Receiver<Announcement>,
    reporter: &mut Reporter,
    signals: &mut Signals,
) -> Result<Ended, Failure> {
    let principal = Principal::local();
    let mut look = tokio::time::interval(LOOK_EVERY);
    let mut paused = false;
    loop {
        tokio::select! {
            announcement = watch.recv() => match announcement {
                Ok(Announcement::Worked { job, items }) if job == record.id => reporter.advance(items),
                Ok(Announcement::Finished { job }) if job == record.id => return Ok(Ended::Job),
                // In a cluster reconciling has it tried again.
                Ok(Announcement::Stuck { job, failure, .. }) if job == record.id && !desk.is_cluster() => {
                    return Ok(Ended::Stuck(failure));
                }
                Ok(_) | Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return Ok(Ended::Interrupted),
            },
            // Another process may have ended it, or paused it, or let it go on.
            _ = look.tick() => match look_at(desk, &principal, record).await {
                Some(State::Finished | State::Cancelled) => return Ok(Ended::Job),
                Some(State::Paused) => paused = true,
                Some(State::Active) if std::mem::take(&mut paused) => publish(desk, record).await?,
                Some(State::Active) | None => {}
            },
            () = signals.any() => return Ok(Ended::Interrupted),
        }
    }
}

/// What a job is doing, if the ledger says so: one that is away for a moment ends no wait.
async fn look_at(desk: &Desk, principal: &Principal, record: &Record) -> Option<State> {
    match desk.service.state(principal, &record.id).await {
        Ok(state) => Some(state),
        Err(failure) => {
            tracing::warn!(%failure, "the job cannot be looked at now");
            None
        }
    }
}

/// Writes the table and sums the job up.
async fn finish(desk: &Desk, record: &Record, show: &args::Show, reporter: &Reporter) -> Result<u8, Failure> {
    let (service, principal) = (&desk.service, Principal::local());
    let make = async |folder: &Path| service.results(&principal, &record.id, folder, &show.format).await;
    let files = out::written(&show.out, make).await?;
    let status = service.status(&principal, &record.id).await?;
    Ok(show::finished(&Job::from(&status), reporter, &files))
}
