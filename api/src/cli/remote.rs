//! The commands against a server: the same words, the same output.

use super::args::{Args, Ask, Command, Progress, Show};
use super::progress::Reporter;
use super::run::{Ended, Signals, absolute};
use super::{INTERRUPTED, READ_ALL, out, say, schedule, show, summary, tenant};
use crate::client::Remote;
use crate::http::views::Job;
use serde_json::{Map, Value, json};
use shared::failure::{Failure, FailureKind};
use shared::job::JobId;
use std::path::Path;

/// Does a command; says the exit code.
pub(super) async fn command(remote: &Remote, args: Args) -> Result<u8, Failure> {
    match args.command {
        Command::Run(options) => {
            let signals = Signals::new()?;
            let reporter = Reporter::new(options.show.progress);
            let job = remote.submit(&body(&options.ask)?).await?;
            see_through(remote, job, &options.show, reporter, signals).await
        }
        Command::Submit(ask) => {
            say(&format!("{}\n", remote.submit(&body(&ask)?).await?.id));
            Ok(READ_ALL)
        }
        Command::Plan(ask) => {
            say(&remote.plan(&body(&ask)?).await?.text());
            Ok(READ_ALL)
        }
        Command::Retry { job, show } => {
            let signals = Signals::new()?;
            let reporter = Reporter::new(show.progress);
            let job = remote.change(&job, "retry", None).await?;
            see_through(remote, job, &show, reporter, signals).await
        }
        Command::Watch { job, progress } => watch(remote, &job, progress).await,
        Command::Status { job } => {
            let job = match job {
                Some(job) => remote.job(&job).await?,
                None => remote.newest().await?.ok_or_else(show::no_job)?,
            };
            say(&summary::text(&job, None, &[]));
            Ok(READ_ALL)
        }
        Command::Jobs => {
            remote.jobs().await?.iter().for_each(|job| say(&show::job_line(job)));
            Ok(READ_ALL)
        }
        Command::Results { job, out, format } => {
            let make = async |folder: &Path| remote.results(&job, folder, &format).await;
            for path in out::written(&out, make).await? {
                say(&format!("{}\n", path.display()));
            }
            Ok(READ_ALL)
        }
        Command::Errors { job } => {
            for row in remote.errors(&job).await? {
                say(&show::error_line(&row.source, row.piece, &row.state, &row.failure));
            }
            Ok(READ_ALL)
        }
        Command::Similar { job, top, threshold, json } => {
            let (compared, without, pairs) = remote.similar(&job, top, threshold).await?;
            Ok(show::pairs(compared, without, pairs, json))
        }
        Command::Schedule(command) => schedule::remote(remote, command).await,
        Command::Tenant(command) => tenant::remote(remote, command).await,
        Command::Usage(days) => {
            days.tell(&remote.usage(&days.days()?).await?);
            Ok(READ_ALL)
        }
        Command::Cancel { job } => change(remote, &job, "cancel", None).await,
        Command::Pause { job } => change(remote, &job, "pause", None).await,
        Command::Resume { job } => change(remote, &job, "resume", None).await,
        Command::Prioritise { job, lane } => change(remote, &job, "prioritise", Some(lane.name())).await,
        _ => {
            let message = "this command is not done by a server: say it without --server and RIPIENO_SERVER";
            Err(Failure::new(FailureKind::Malformed, message))
        }
    }
}

async fn watch(remote: &Remote, job: &JobId, progress: Progress) -> Result<u8, Failure> {
    let (mut signals, mut reporter) = (Signals::new()?, Reporter::new(progress));
    let job = remote.job(job).await?;
    match wait(remote, job, &mut reporter, &mut signals).await? {
        (Ended::Job, job) => Ok(show::finished(&job, &reporter, &[])),
        (_, job) => Ok(interrupted(&job, &reporter)),
    }
}

async fn change(remote: &Remote, job: &JobId, what: &str, lane: Option<&str>) -> Result<u8, Failure> {
    let job = remote.change(job, what, lane).await?;
    say(&show::changed_line(&job));
    Ok(READ_ALL)
}

/// What is asked, as the server takes it. It may stand in another folder, so paths go as absolute ones.
pub(super) fn body(ask: &Ask) -> Result<Value, Failure> {
    let mut parameters: Map<String, Value> = Map::new();
    for (path, value) in &ask.set {
        let (analysis, name) = path.split_once('.').ok_or_else(|| {
            Failure::new(FailureKind::Malformed, format!("{path:?}: say analysis.parameter=value"))
        })?;
        let params = parameters.entry(analysis).or_insert_with(|| json!({}));
        if let Some(params) = params.as_object_mut() {
            params.insert(name.to_owned(), Value::from(value.as_str()));
        }
    }
    let sources: Vec<String> =
        ask.sources.iter().map(|source| absolute(source)).collect::<Result<_, Failure>>()?;
    Ok(json!({
        "sources": sources,
        "analyses": ask.analyses,
        "parameters": parameters,
        "fidelity": ask.fidelity.name(),
        "repeats": ask.repeats.name(),
        "midi_grid": ask.midi_grid.as_ref().map(|grid| grid.divisors().to_vec()).unwrap_or_default(),
        "midi_parts": ask.midi_parts.map(worker::read::MidiParts::name),
        "strict": ask.strict,
        "lane": ask.lane.name(),
    }))
}

async fn see_through(
    remote: &Remote,
    job: Job,
    show: &Show,
    mut reporter: Reporter,
    mut signals: Signals,
) -> Result<u8, Failure> {
    reporter.event("accepted", json!({ "job": job.id, "items": job.items, "done": job.done }));
    let (ended, job) = wait(remote, job, &mut reporter, &mut signals).await?;
    if !matches!(ended, Ended::Job) {
        return Ok(interrupted(&job, &reporter));
    }
    let id: JobId = job.id.parse()?;
    let make = async |folder: &Path| remote.results(&id, folder, &show.format).await;
    let files = out::written(&show.out, make).await?;
    Ok(show::finished(&job, &reporter, &files))
}

/// Waits until a job has ended, showing progress.
async fn wait(
    remote: &Remote,
    mut job: Job,
    reporter: &mut Reporter,
    signals: &mut Signals,
) -> Result<(Ended, Job), Failure> {
    let id: JobId = job.id.parse()?;
    let mut tag = String::from("\"none\"");
    reporter.start(job.items, job.done);
    while !job.state.has_ended() {
        let news = tokio::select! {
            news = remote.news(&id, &tag) => news?,
            () = signals.any() => {
                reporter.end();
                return Ok((Ended::Interrupted, job));
            }
        };
        if let Some((now, its)) = news {
            reporter.advance(now.done.saturating_sub(job.done));
            (job, tag) = (now, its);
        }
    }
    reporter.end();
    Ok((Ended::Job, job))
}

fn interrupted(job: &Job, reporter: &Reporter) -> u8 {
    let (done, items, id) = (job.done, job.items, &job.id);
    reporter.event("interrupted", json!({ "job": id, "items": items, "done": done }));
    let next = format!("the server goes on; `ripieno watch {id}` waits again");
    reporter.note(&format!("not waited for any longer: {done} of {items} items of {id} are done; {next}"));
    INTERRUPTED
}
