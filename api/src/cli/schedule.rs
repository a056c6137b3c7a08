//! `ripieno schedule`: jobs that come again.

mod look;

use super::desk::Desk;
use super::remote::body;
use super::run::{self, Signals};
use super::{INTERRUPTED, READ_ALL, args, say};
use crate::client::Remote;
use crate::http::views::schedules::{FireView, ScheduleView};
use crate::moment;
use crate::schedule::{Scheduler, Tick, Wanted};
use clap::{Parser, Subcommand};
use serde_json::json;
use shared::clock;
use shared::dispatch::Announcement;
use shared::failure::{Failure, FailureKind};
use shared::principal::Principal;
use shared::schedule::{CatchUp, Schedule as Known, ScheduleName, Standing};
use std::time::Duration;
use worker::consume::Reconciler;

/// How often it is looked whether what is worked here has ended.
const LOOK_EVERY: Duration = Duration::from_millis(500);

#[derive(Debug, Subcommand)]
pub(super) enum Schedule {
    /// Add a schedule; `ripieno serve`, `ripieno schedule serve` or `tick` has it fire
    ///
    /// ripieno schedule add nightly --cron "0 2 * * *" --timezone Europe/Vienna -- run s3://scores/ --analyses key,chords
    ///
    /// Paths are kept as absolute ones. Each time all sources are listed; what has not changed comes from the cache.
    Add {
        /// Its name
        name: ScheduleName,
        /// When it fires: minute, hour, day of the month, month, day of the week
        #[arg(long, value_name = "PATTERN")]
        cron: String,
        /// By whose clocks: a name of the tz database
        #[arg(long, value_name = "ZONE", default_value = "UTC")]
        timezone: String,
        /// Which of the times at which nobody was there are made up for: the last `one`, `none`, or `all`
        #[arg(long, default_value = "one", value_parser = catch_up)]
        catch_up: CatchUp,
        /// What is asked each time: `run`, then sources and options as of `ripieno run`
        #[arg(last = true, required = true, value_name = "run SOURCES", num_args = 1..)]
        job: Vec<String>,
    },
    /// List the schedules, and when each fires next
    List,
    /// Show a schedule
    Show {
        /// The schedule
        name: ScheduleName,
    },
    /// Let a schedule rest; what passes meanwhile is not made up for
    Pause {
        /// The schedule
        name: ScheduleName,
    },
    /// Let a paused schedule fire again
    Resume {
        /// The schedule
        name: ScheduleName,
    },
    /// Remove a schedule; its history and its jobs stay
    Remove {
        /// The schedule
        name: ScheduleName,
    },
    /// Have a schedule fire now
    RunNow {
        /// The schedule
        name: ScheduleName,
    },
    /// Show what became of a schedule's times, newest first, and what had changed each time
    History {
        /// The schedule
        name: ScheduleName,
        /// How many times
        #[arg(long, value_name = "N", default_value_t = 10)]
        last: usize,
        /// One JSON object a line, with all paths that are kept
        #[arg(long)]
        json: bool,
    },
    /// Look after the schedules once: for a timer of your own
    ///
    /// In a cluster it submits what is due. Without one it also works what is due, to its end.
    Tick {
        /// The time that counts as now, such as 2026-03-29T01:00:00Z [default: the clock's]
        #[arg(long, value_name = "TIME", value_parser = at)]
        at: Option<u64>,
    },
    /// Look after the schedules until stopped; several may, and each time fires once
    Serve,
}

/// What stands behind `--`.
#[derive(Debug, Parser)]
#[command(name = "run", disable_help_flag = true)]
struct Job {
    #[command(flatten)]
    ask: args::Ask,
}

fn catch_up(text: &str) -> Result<CatchUp, String> {
    let found = CatchUp::ALL.into_iter().find(|policy| policy.name() == text);
    found.ok_or_else(|| "say one of one, none, all".to_owned())
}

fn at(text: &str) -> Result<u64, String> {
    moment::read(text).map_err(|failure| failure.message)
}

/// Runs a command; says the exit code.
pub(super) async fn command(desk: &Desk, command: Schedule) -> Result<u8, Failure> {
    let (service, principal) = (&desk.service, Principal::local());
    match command {
        Schedule::Add { name, cron, timezone, catch_up, job } => {
            let ask = asked(&job)?;
            let sources = ask.sources.iter().map(|source| run::absolute(source)).collect::<Result<_, _>>()?;
            let (request, lane) = (run::request(&ask, sources)?, ask.lane);
            let wanted = Wanted { name, cron, timezone, catch_up, request, lane };
            seen(&service.add_schedule(&principal, wanted).await?)
        }
        Schedule::List => {
            for schedule in service.schedules(&principal).await? {
                seen(&schedule)?;
            }
            Ok(READ_ALL)
        }
        Schedule::Show { name } => {
            let schedule = service.schedule(&principal, &name).await?;
            Ok(look::show(&ScheduleView::of(&schedule)?))
        }
        Schedule::Pause { name } => seen(&service.set_schedule(&principal, &name, Standing::Paused).await?),
        Schedule::Resume { name } => seen(&service.set_schedule(&principal, &name, Standing::Active).await?),
        Schedule::Remove { name } => seen(&service.set_schedule(&principal, &name, Standing::Removed).await?),
        Schedule::RunNow { name } => {
            service.ask_schedule(&principal, &name).await?;
            see_through(desk, clock::now_ms()).await
        }
        Schedule::History { name, last, json } => {
            // What ended meanwhile is told of, though nobody looked since.
            scheduler(desk).complete(&principal, &name).await?;
            let clocks = service.schedule_clocks(&principal, &name).await?;
            let history = service.schedule_history(&principal, &name, None, last).await?;
            let fires: Vec<_> = history.into_iter().map(|past| FireView::of(past, &clocks)).collect();
            Ok(look::history(&fires, json))
        }
        Schedule::Tick { at } => see_through(desk, at.unwrap_or_else(clock::now_ms)).await,
        Schedule::Serve => serve(desk).await,
    }
}

/// What stands behind `--`, checked.
fn asked(job: &[String]) -> Result<args::Ask, Failure> {
    let malformed = |message| Failure::new(FailureKind::Malformed, message);
    if job.first().is_none_or(|first| first != "run") {
        return Err(malformed(
            "behind -- stands what is run each time: -- run SOURCES --analyses …".to_owned(),
        ));
    }
    let job = Job::try_parse_from(job).map_err(|error| {
        let text = error.to_string();
        let first = text.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned();
        malformed(format!("behind --: {first}; `ripieno results JOB` writes the table of a job"))
    })?;
    Ok(job.ask)
}

fn seen(schedule: &Known) -> Result<u8, Failure> {
    Ok(look::line(&ScheduleView::of(schedule)?))
}

/// The same commands against a server.
pub(super) async fn remote(remote: &Remote, command: Schedule) -> Result<u8, Failure> {
    match command {
        Schedule::Add { name, cron, timezone, catch_up, job } => {
            let job = body(&asked(&job)?)?;
            let new = json!({
                "name": name, "cron": cron, "timezone": timezone, "catch_up": catch_up.name(), "job": job,
            });
            Ok(look::line(&remote.add_schedule(&new).await?))
        }
        Schedule::List => {
            remote.schedules().await?.iter().for_each(|schedule| {
                look::line(schedule);
            });
            Ok(READ_ALL)
        }
        Schedule::Show { name } => Ok(look::show(&remote.schedule(&name).await?)),
        Schedule::Pause { name } => Ok(look::line(&remote.set_schedule(&name, Standing::Paused).await?)),
        Schedule::Resume { name } => Ok(look::line(&remote.set_schedule(&name, Standing::Active).await?)),
        Schedule::Remove { name } => Ok(look::line(&remote.set_schedule(&name, Standing::Removed).await?)),
        Schedule::RunNow { name } => {
            let fires = [remote.run_schedule(&name).await?];
            Ok(look::history(&fires, false))
        }
        Schedule::History { name, last, json } => {
            Ok(look::history(&remote.schedule_history(&name, last).await?, json))
        }
        Schedule::Tick { .. } | Schedule::Serve => {
            let message = "a server looks after its schedules by itself: this is for where none runs";
            Err(Failure::new(FailureKind::Malformed, message))
        }
    }
}

fn scheduler(desk: &Desk) -> Scheduler {
    let scheduler = Scheduler::new(desk.service.clone(), desk.limits.clone());
    if desk.is_cluster() { scheduler } else { scheduler.working_here() }
}

/// Fires what is due. Where nobody else works, works it to its end.
async fn see_through(desk: &Desk, now_ms: u64) -> Result<u8, Failure> {
    let mut signals = Signals::new()?;
    let mut watch = desk.dispatcher.watch().await;
    let scheduler = scheduler(desk);
    let mut tick = scheduler.tick(now_ms).await?;
    accepted(&tick);
    let Some(work) = desk.work(run::threads(None))? else { return Ok(READ_ALL) };
    let mut outcome = Ok(READ_ALL);
    while tick.open > 0 && matches!(outcome, Ok(READ_ALL)) {
        tokio::select! {
            announcement = watch.recv() => match announcement {
                Ok(Announcement::Stuck { failure, .. }) => outcome = Err(failure),
                Ok(Announcement::Finished { .. }) => {}
                _ => continue,
            },
            () = tokio::time::sleep(LOOK_EVERY) => {}
            () = signals.any() => outcome = Ok(INTERRUPTED),
        }
        tick = scheduler.tick(now_ms).await?;
        accepted(&tick);
    }
    work.end().await?;
    outcome
}

fn accepted(tick: &Tick) {
    for (name, job) in &tick.accepted {
        say(&format!("{name} {job}\n"));
    }
}

/// Looks after the schedules, and works where nobody else does, until a signal.
async fn serve(desk: &Desk) -> Result<u8, Failure> {
    let mut signals = Signals::new()?;
    let work = desk.work(run::threads(None))?;
    // Workers that went because there was nothing to do are started again by what waits in the lanes: so whoever stays puts
    // there what was lost.
    let reconciling = desk.is_cluster().then(|| {
        let (ledger, dispatcher) = (desk.service.ledger_of_all().clone(), desk.dispatcher.clone());
        tokio::spawn(async { Reconciler::new(ledger, dispatcher).await.run().await })
    });
    let looking = tokio::spawn(scheduler(desk).run());
    signals.any().await;
    looking.abort();
    if let Some(reconciling) = reconciling {
        reconciling.abort();
    }
    match work {
        Some(work) => work.end().await.map(|()| READ_ALL),
        None => Ok(READ_ALL),
    }
}
