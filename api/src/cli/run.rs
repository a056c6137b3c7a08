//! `ripieno run`: submit, work, wait, write the table.

use super::progress::Reporter;
use super::{INTERRUPTED, NOTHING_DONE, READ_ALL, SOME_FAILED, args, say, summary};
use crate::embedded::Embedded;
use crate::plan::{self, Choice};
use crate::service::{State, Status};
use crate::sources;
use serde_json::json;
use shared::dispatch::{Announcement, Lane};
use shared::failure::{Failure, FailureKind};
use shared::job::Record;
use shared::principal::Principal;
use std::num::NonZero;
use std::path::Path;
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::broadcast::error::RecvError;
use worker::read::MidiOptions;

/// How often a run looks whether somebody else ended its job.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// How the wait for a job ended.
enum Ended {
    Job,
    Interrupted,
    Stuck(Failure),
}

/// Runs the command; says the exit code.
pub(super) async fn run(embedded: &Embedded, data: &Path, options: &args::Run) -> Result<u8, Failure> {
    let choice = Choice {
        analyses: options.analyses.clone(),
        params: options.set.clone(),
        fidelity: options.fidelity,
        strict: options.strict,
        repeats: options.repeats,
        midi: MidiOptions { grid: options.midi_grid.clone(), parts: options.midi_parts },
    };
    let request = plan::request(options.sources.clone(), &choice)?;
    let mut reporter = Reporter::new(options.progress);
    let listing = sources::list(&options.sources, &embedded.limits).await?;
    let principal = Principal::local();
    let service = &embedded.service;
    // Before a job is accepted nothing is lost by an end at once; from then on it is a clean one.
    let mut signals = Signals::new()?;
    let accepted = service.submit(&principal, request, listing).await?;
    let record = &accepted.record;
    let before = service.status(&principal, &record.id).await?.totals.items;
    let event = if accepted.resumed { "resumed" } else { "accepted" };
    reporter.event(event, json!({ "job": record.id, "items": record.items, "done": before }));
    if accepted.resumed {
        reporter.note(&format!("resuming {}: {before} of {} items are done", record.id, record.items));
    }
    reporter.start(record.items, before);

    // Watched from before the first chunk is published, so that no announcement is missed.
    let mut watch = embedded.dispatcher.watch();
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    let threads = options.jobs.map_or(cores, usize::from);
    let worker = embedded.work(data, threads)?;
    service.reconcile(&principal, record, Lane::Bulk).await?;
    let ended = wait(embedded, &principal, record, &mut watch, &mut reporter, &mut signals).await;
    embedded.dispatcher.close();
    let gone = |error| Failure::new(FailureKind::Internal, format!("the worker is gone: {error}"));
    worker.await.map_err(gone)?;
    reporter.end();

    match ended? {
        Ended::Job => tokio::select! {
            code = finish(embedded, &principal, record, options, &reporter) => code,
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
            let status = service.status(&principal, &record.id).await?;
            let (done, items, id) = (status.totals.items, record.items, &record.id);
            reporter.event("interrupted", json!({ "job": id, "items": items, "done": done }));
            reporter.note(&format!(
                "stopped: {done} of {items} items of {id} are done; the same command goes on"
            ));
            Ok(INTERRUPTED)
        }
    }
}

/// The signals that ask for an end. Once they are listened to, nothing else acts on them.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    fn new() -> Result<Self, Failure> {
        let unavailable = |error| Failure::new(FailureKind::Unavailable, format!("no signals: {error}"));
        let interrupt = signal(SignalKind::interrupt()).map_err(unavailable)?;
        let terminate = signal(SignalKind::terminate()).map_err(unavailable)?;
        Ok(Signals { interrupt, terminate })
    }

    /// Waits for either.
    async fn any(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// Waits until the job has ended, showing progress.
async fn wait(
    embedded: &Embedded,
    principal: &Principal,
    record: &Record,
    watch: &mut tokio::sync::broadcast::Receiver<Announcement>,
    reporter: &mut Reporter,
    signals: &mut Signals,
) -> Result<Ended, Failure> {
    let mut look = tokio::time::interval(LOOK_EVERY);
    loop {
        tokio::select! {
            announcement = watch.recv() => match announcement {
                Ok(Announcement::Worked { job, items }) if job == record.id => reporter.advance(items),
                Ok(Announcement::Finished { job }) if job == record.id => return Ok(Ended::Job),
                Ok(Announcement::Stuck { job, failure, .. }) if job == record.id => return Ok(Ended::Stuck(failure)),
                Ok(_) | Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return Ok(Ended::Interrupted),
            },
            // Another process may have cancelled it, or done the last of it.
            _ = look.tick() => if embedded.service.has_ended(principal, &record.id).await? {
                return Ok(Ended::Job);
            },
            () = signals.any() => return Ok(Ended::Interrupted),
        }
    }
}

/// Writes the table and sums the job up.
async fn finish(
    embedded: &Embedded,
    principal: &Principal,
    record: &Record,
    options: &args::Run,
    reporter: &Reporter,
) -> Result<u8, Failure> {
    let service = &embedded.service;
    let files = service.results(principal, &record.id, &options.out, &options.format).await?;
    let status = service.status(principal, &record.id).await?;
    let seconds = reporter.seconds();
    if reporter.is_json() {
        let files: Vec<String> = files.iter().map(|path| path.display().to_string()).collect();
        let (job, state, totals) = (&record.id, status.state.name(), &status.totals);
        let left_out = &record.left_out;
        let fields = json!({
            "job": job, "state": state, "items": record.items, "totals": totals, "left_out": left_out,
            "files": files, "seconds": seconds
        });
        reporter.event("finished", fields);
    } else {
        say(&summary::text(&status, Some(seconds), &files));
    }
    Ok(code(&status))
}

fn code(status: &Status) -> u8 {
    match status.totals.pieces {
        0 => NOTHING_DONE,
        _ if status.totals.failed > 0 || status.state == State::Cancelled => SOME_FAILED,
        _ => READ_ALL,
    }
}
