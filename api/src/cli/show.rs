//! The commands that only look: status, jobs, errors, analyses, formats.

use super::progress::Reporter;
use super::{NOTHING_DONE, READ_ALL, SOME_FAILED, say, summary, tell};
use crate::http::views::{Job, PairView, PieceName};
use crate::service::{Pages, Service, State, Status};
use crate::similar::Question;
use serde_json::json;
use shared::failure::{Failure, FailureKind};
use shared::job::JobId;
use shared::principal::Principal;
use shared::row::Row;
use std::fmt::Write;
use std::path::PathBuf;
use worker::analyse::{self, ANALYSES, Kind};
use worker::read::READERS;

/// Jobs that are looked at before any of them is shown.
const JOBS_AT_ONCE: usize = 100;

pub(super) async fn status(
    service: &Service,
    principal: &Principal,
    job: Option<JobId>,
) -> Result<u8, Failure> {
    let status = match job {
        Some(job) => service.status(principal, &job).await?,
        None => {
            let newest = service.list_jobs(principal, &Pages { cursor: None, limit: 1 }).await?;
            newest.entries.into_iter().next().ok_or_else(no_job)?
        }
    };
    say(&summary::text(&Job::from(&status), None, &[]));
    Ok(READ_ALL)
}

/// Why nothing can be said of the newest job.
pub(super) fn no_job() -> Failure {
    Failure::new(FailureKind::NotFound, "there is no job yet: `ripieno run` makes one")
}

pub(super) async fn jobs(service: &Service, principal: &Principal) -> Result<u8, Failure> {
    let mut pages = Pages { cursor: None, limit: JOBS_AT_ONCE };
    loop {
        let page = service.list_jobs(principal, &pages).await?;
        page.entries.iter().for_each(|status| say(&job_line(&Job::from(status))));
        pages.cursor = Some(match page.next {
            Some(next) => next,
            None => return Ok(READ_ALL),
        });
    }
}

/// A job in a line.
pub(super) fn job_line(job: &Job) -> String {
    let Job { id, done, items, failed, .. } = job;
    format!(
        "{id}  {:<9}  {done}/{items} items  {failed} failed  {}\n",
        job.state.name(),
        job.sources.join(" ")
    )
}

pub(super) async fn errors(service: &Service, principal: &Principal, job: &JobId) -> Result<u8, Failure> {
    let tell = |row: &Row| {
        let Some(failure) = &row.facts.failure else { return };
        say(&error_line(&row.source, row.piece, row.facts.state.name(), failure));
    };
    service.errors(principal, job, tell).await?;
    Ok(READ_ALL)
}

/// What failed, in a line.
pub(super) fn error_line(source: &str, piece: u32, state: &str, failure: &Failure) -> String {
    let piece = if piece == 0 { String::new() } else { format!(" piece {piece}") };
    format!("{source}{piece}: {state}: {failure}\n")
}

/// Sums a job up that was waited for; says the exit code.
pub(super) fn finished(job: &Job, reporter: &Reporter, files: &[PathBuf]) -> u8 {
    let seconds = reporter.seconds();
    if reporter.is_json() {
        let files: Vec<String> = files.iter().map(|path| path.display().to_string()).collect();
        let fields = json!({
            "job": job.id, "state": job.state.name(), "items": job.items,
            "totals": {
                "items": job.done, "failed": job.failed, "cached": job.cached, "pieces": job.pieces,
                "degraded": job.degraded, "notes": job.notes, "kinds": job.kinds, "examples": job.examples,
            },
            "left_out": job.left_out, "files": files, "seconds": seconds
        });
        reporter.event("finished", fields);
    } else {
        say(&summary::text(job, Some(seconds), files));
    }
    match job.pieces {
        0 => NOTHING_DONE,
        _ if job.failed > 0 || job.state == State::Cancelled => SOME_FAILED,
        _ => READ_ALL,
    }
}

pub(super) async fn similar(
    service: &Service,
    principal: &Principal,
    job: &JobId,
    question: Question,
    as_json: bool,
) -> Result<u8, Failure> {
    let (compared, without, found) = service.similar(principal, job, question).await?;
    Ok(pairs(compared, without, found.into_iter().map(PairView::from), as_json))
}

/// Pairs line by line, and then of how many pieces they are.
pub(super) fn pairs(
    compared: usize,
    without: u64,
    found: impl IntoIterator<Item = PairView>,
    as_json: bool,
) -> u8 {
    let count = found.into_iter().inspect(|pair| pair_line(pair, as_json)).count();
    tell(&format!("{compared} pieces compared, {without} rows without a fingerprint: {count} pairs\n"));
    READ_ALL
}

fn pair_line(pair: &PairView, as_json: bool) {
    let words = |name: &PieceName| {
        let number = if name.piece == 0 { String::new() } else { format!(" piece {}", name.piece) };
        let title = if name.title.is_empty() { String::new() } else { format!(" ({})", name.title) };
        format!("{}{number}{title}", name.source)
    };
    if as_json {
        // A view is plain data: it always is JSON.
        say(&format!("{}\n", serde_json::to_string(pair).unwrap_or_default()));
    } else {
        say(&format!("{:.3}  {}  {}\n", pair.score, words(&pair.one), words(&pair.other)));
    }
}

/// What a job is doing after somebody changed what is wanted of it.
pub(super) fn changed(status: Result<Status, Failure>) -> Result<u8, Failure> {
    say(&changed_line(&Job::from(&status?)));
    Ok(READ_ALL)
}

/// The same in a line.
pub(super) fn changed_line(job: &Job) -> String {
    format!("{} {}: {} of {} items are done\n", job.id, job.state.name(), job.done, job.items)
}

pub(super) fn formats() -> u8 {
    for reader in READERS {
        let format = reader.format();
        let extensions: Vec<String> =
            format.extensions.iter().map(|extension| format!(".{extension}")).collect();
        say(&format!("{:<9} {:<22} {}\n", format.name, extensions.join(" "), format.summary));
    }
    READ_ALL
}

pub(super) fn analyses(name: Option<&str>) -> Result<u8, Failure> {
    let Some(name) = name else {
        for analysis in ANALYSES {
            let spec = analysis.spec();
            say(&format!("{:<20} {}\n", spec.mark(), spec.summary));
        }
        return Ok(READ_ALL);
    };
    let Some(analysis) = analyse::find(name) else {
        tell(&format!("ripieno: no analysis {name:?}; `ripieno analyses` lists them\n"));
        return Ok(NOTHING_DONE);
    };
    let spec = analysis.spec();
    let mut text = format!("{}\n{}\nreference: {}\n", spec.mark(), spec.summary, spec.reference);
    for param in spec.params {
        let (name, range, summary) = (param.name, param.range.text(), param.summary);
        let default = param.range.default();
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "parameter {name}: {range} {}[default: {default}]\n    {summary}",
            unit(param.unit)
        );
    }
    for column in spec.columns {
        let kind = match column.kind {
            Kind::Integer => "integer",
            Kind::Number => "number",
            Kind::Text => "text",
        };
        let (name, summary) = (column.name, column.summary);
        let _ = writeln!(text, "column {}_{name}: {kind} {}\n    {summary}", spec.name, unit(column.unit));
    }
    say(&text);
    Ok(READ_ALL)
}

fn unit(unit: &str) -> String {
    if unit.is_empty() { String::new() } else { format!("({unit}) ") }
}
