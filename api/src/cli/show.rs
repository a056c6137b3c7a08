//! The commands that only look: status, jobs, errors, analyses, formats.

use super::{NOTHING_DONE, READ_ALL, say, summary, tell};
use crate::service::Service;
use crate::similar::{Name, Question};
use serde_json::json;
use shared::failure::{Failure, FailureKind};
use shared::job::JobId;
use shared::principal::Principal;
use shared::row::Row;
use std::fmt::Write;
use worker::analyse::{self, ANALYSES, Kind};
use worker::read::READERS;

pub(super) async fn status(
    service: &Service,
    principal: &Principal,
    job: Option<JobId>,
) -> Result<u8, Failure> {
    let status = match job {
        Some(job) => service.status(principal, &job).await?,
        None => {
            let newest = service.jobs(principal).await?.into_iter().next();
            newest.ok_or_else(|| {
                Failure::new(FailureKind::NotFound, "there is no job yet: `ripieno run` makes one")
            })?
        }
    };
    say(&summary::text(&status, None, &[]));
    Ok(READ_ALL)
}

pub(super) async fn jobs(service: &Service, principal: &Principal) -> Result<u8, Failure> {
    for status in service.jobs(principal).await? {
        let (record, totals) = (&status.record, &status.totals);
        let sources = record.request.sources.join(" ");
        let (id, state) = (&record.id, status.state.name());
        say(&format!(
            "{id}  {state:<9}  {}/{} items  {} failed  {sources}\n",
            totals.items, record.items, totals.failed
        ));
    }
    Ok(READ_ALL)
}

pub(super) async fn errors(service: &Service, principal: &Principal, job: &JobId) -> Result<u8, Failure> {
    let tell = |row: &Row| {
        let Some(failure) = &row.facts.failure else { return };
        let piece = if row.piece == 0 { String::new() } else { format!(" piece {}", row.piece) };
        say(&format!("{}{piece}: {}: {failure}\n", row.source, row.facts.state.name()));
    };
    service.errors(principal, job, tell).await?;
    Ok(READ_ALL)
}

pub(super) async fn similar(
    service: &Service,
    principal: &Principal,
    job: &JobId,
    question: Question,
    as_json: bool,
) -> Result<u8, Failure> {
    let (compared, without, pairs) = service.similar(principal, job, question).await?;
    let piece = |name: &Name| json!({ "source": name.source, "piece": name.piece, "title": name.title });
    let words = |name: &Name| {
        let number = if name.piece == 0 { String::new() } else { format!(" piece {}", name.piece) };
        let title = if name.title.is_empty() { String::new() } else { format!(" ({})", name.title) };
        format!("{}{number}{title}", name.source)
    };
    for pair in &pairs {
        if as_json {
            let line = json!({
                "one": piece(&pair.one), "other": piece(&pair.other), "score": pair.score,
                "stretches": pair.stretches, "opening": pair.opening,
            });
            say(&format!("{line}\n"));
        } else {
            say(&format!("{:.3}  {}  {}\n", pair.score, words(&pair.one), words(&pair.other)));
        }
    }
    let summary =
        format!("{compared} pieces compared, {without} rows without a fingerprint: {} pairs\n", pairs.len());
    tell(&summary);
    Ok(READ_ALL)
}

pub(super) async fn cancel(service: &Service, principal: &Principal, job: &JobId) -> Result<u8, Failure> {
    let status = service.cancel(principal, job).await?;
    say(&format!(
        "{job} {}: {} of {} items are done\n",
        status.state.name(),
        status.totals.items,
        status.record.items
    ));
    Ok(READ_ALL)
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
