//! What a job would cost, as REST, MCP and the command line tell it.

use crate::moment;
use crate::plan::{self, Part};
use crate::service::{By, Forecast, Hands};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;
use utoipa::ToSchema;

/// What a job would cost.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct PlanView {
    /// Items that there are.
    pub(crate) items: u64,
    /// Their bytes.
    pub(crate) bytes: u64,
    /// Messages that they would travel as.
    pub(crate) chunks: u64,
    /// Seconds of one core that reading and analysing all of them takes, by size and format.
    pub(crate) cpu_seconds: f64,
    /// Items, bytes and seconds by format.
    pub(crate) formats: BTreeMap<String, Expected>,
    /// What of it was worked before.
    pub(crate) cached: Cached,
    /// Seconds of one core that are left where what was worked before is known.
    pub(crate) cpu_seconds_left: f64,
    /// Unfinished jobs of yours that go before it.
    pub(crate) ahead: Ahead,
    /// Workers of the cluster that take from its lane now; nothing where this server works itself, or the broker does not say.
    pub(crate) workers: Option<u64>,
    /// Cores that are counted on: those of this server, or one for each worker; nothing where nobody is there.
    pub(crate) cores: Option<u64>,
    /// Seconds until it has ended if it is submitted now; nothing where nobody is there to work.
    pub(crate) finish_seconds: Option<f64>,
    /// The same if nothing is known of what was worked before.
    pub(crate) finish_seconds_max: Option<f64>,
    /// When that is: a moment of RFC 3339.
    pub(crate) finish_at: Option<String>,
    /// By whom it is worked, or why no end can be told.
    pub(crate) worked_by: String,
    /// How the seconds were reckoned.
    pub(crate) basis: String,
    /// What was found and is no item: files that are no scores, by extension; sources that a manifest file `named again`.
    pub(crate) left_out: BTreeMap<String, u64>,
}

/// What the items of one format would cost.
#[derive(Clone, Debug, Default, Deserialize, Serialize, ToSchema)]
pub(crate) struct Expected {
    /// Items.
    pub(crate) items: u64,
    /// Their bytes.
    pub(crate) bytes: u64,
    /// Seconds of one core.
    pub(crate) cpu_seconds: f64,
}

/// What of a job was worked before.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct Cached {
    /// Items.
    pub(crate) items: u64,
    /// Seconds of one core that they took.
    pub(crate) cpu_seconds: f64,
    /// By what it is said.
    pub(crate) by: CachedBy,
    /// The earlier job, where it is said by one.
    pub(crate) job: Option<String>,
    /// Items that were looked at; where these are not all, the others are taken to be alike.
    pub(crate) looked_at: u64,
}

/// By what it is said how much was worked before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum CachedBy {
    /// The cache of the worker of this server: its items are not worked again.
    Cache,
    /// An earlier job of the same sources and analyses: a schedule takes its rows over, another job as far as the caches of the
    /// workers have them, which are their own and are not asked.
    EarlierJob,
    /// Nothing: there is no cache here, and no such job.
    Nothing,
}

/// Unfinished jobs of the same tenant that go before a job.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct Ahead {
    /// Jobs: of the same lane, and of those that are served before it.
    pub(crate) jobs: u64,
    /// Seconds of one core that are left of them, as if all of it came first.
    pub(crate) cpu_seconds: f64,
}

impl PlanView {
    /// A forecast, made now.
    pub(crate) fn of(forecast: &Forecast, now_ms: u64) -> Self {
        let seconds = |microseconds: u64| Duration::from_micros(microseconds).as_secs_f64();
        let expected = |part: Part| Expected {
            items: part.items,
            bytes: part.bytes,
            cpu_seconds: seconds(part.microseconds),
        };
        let Forecast { estimate, known, ahead, hands, left_out } = forecast;
        let (total, until) = (estimate.total(), forecast.until_end());
        let formats = estimate.formats.iter().map(|(name, part)| ((*name).to_owned(), expected(*part)));
        let (by, job) = match &known.by {
            By::Cache => (CachedBy::Cache, None),
            By::Job(job) => (CachedBy::EarlierJob, Some(job.to_string())),
            By::Nothing => (CachedBy::Nothing, None),
        };
        PlanView {
            items: total.items,
            bytes: total.bytes,
            chunks: estimate.chunks,
            cpu_seconds: seconds(total.microseconds),
            formats: formats.collect(),
            cached: Cached {
                items: known.part.items,
                cpu_seconds: seconds(known.part.microseconds),
                by,
                job,
                looked_at: known.looked_at,
            },
            cpu_seconds_left: seconds(forecast.left()),
            ahead: Ahead { jobs: ahead.jobs, cpu_seconds: seconds(ahead.microseconds) },
            workers: if let Hands::Workers(workers) = hands { Some(*workers) } else { None },
            cores: hands.cores(),
            finish_seconds: until.map(|(until, _)| seconds(until)),
            finish_seconds_max: until.map(|(_, most)| seconds(most)),
            finish_at: until.map(|(until, _)| moment::text(now_ms.saturating_add(until / 1000))),
            worked_by: worked_by(*hands),
            basis: plan::BASIS.to_owned(),
            left_out: left_out.clone(),
        }
    }

    /// The same for people: by format, and in all.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        let megabytes = |bytes: u64| format!("{}.{} MB", bytes / 1_000_000, bytes % 1_000_000 / 100_000);
        // Writing to a string cannot fail.
        let (items, bytes) = (self.items, megabytes(self.bytes));
        let _ = writeln!(text, "{:<10}{items}, {bytes}, in {} messages", "items", self.chunks);
        for (format, part) in &self.formats {
            let (bytes, work) = (megabytes(part.bytes), length(part.cpu_seconds));
            let _ = writeln!(text, "  {format:<8}{:>8}  {bytes:>12}  {work:>12}", part.items);
        }
        if !self.left_out.is_empty() {
            let _ = writeln!(text, "{:<10}{}", "left out", left_out(&self.left_out));
        }
        let _ = writeln!(text, "{:<10}{}", "cached", self.said_cached());
        let (all, left) = (length(self.cpu_seconds), length(self.cpu_seconds_left));
        let _ = writeln!(text, "{:<10}{left} of one core are left, of {all}: {}", "work", self.basis);
        if self.ahead.jobs > 0 {
            let (jobs, work) = (self.ahead.jobs, length(self.ahead.cpu_seconds));
            let _ = writeln!(text, "{:<10}{jobs} unfinished jobs, {work} of one core", "before it");
        }
        let _ = writeln!(text, "{:<10}{}", "finish", self.said_finish());
        text
    }

    /// How many items were worked before, and by what that is said.
    fn said_cached(&self) -> String {
        let Cached { items, by, job, looked_at, .. } = &self.cached;
        let of = match *looked_at < self.items && *by != CachedBy::Nothing {
            true => format!("some {items} of {}, by the {looked_at} that were looked at", self.items),
            false => format!("{items} of {}", self.items),
        };
        match by {
            CachedBy::Cache => format!("{of}: the cache has them"),
            CachedBy::EarlierJob => {
                let job = job.as_deref().unwrap_or_default();
                format!(
                    "{of} were worked by {job}: a schedule takes its rows, a job what the workers' own caches have"
                )
            }
            CachedBy::Nothing => format!("{of}: there is no cache here, and no earlier job of the same"),
        }
    }

    /// When a job ends that is submitted now. The moment is told where it is a minute away or more.
    fn said_finish(&self) -> String {
        let (Some(seconds), Some(most)) = (self.finish_seconds, self.finish_seconds_max) else {
            return self.worked_by.clone();
        };
        let bound = match self.cached.by == CachedBy::EarlierJob && most > seconds {
            true => format!(" ({} if the caches have nothing)", length(most)),
            false => String::new(),
        };
        let at = self.finish_at.as_ref().filter(|_| seconds >= 60.0);
        let at = at.map(|at| format!(", at {at}")).unwrap_or_default();
        format!("in {}{at}{bound}, by {}", length(seconds), self.worked_by)
    }
}

/// What was found and is no item, for people.
pub(crate) fn left_out(kinds: &BTreeMap<String, u64>) -> String {
    let told: Vec<String> = kinds.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
    let sum: u64 = kinds.values().sum();
    format!("{sum}, no scores by their names or named before: {}", told.join(", "))
}

/// A time in the unit in which people say it.
fn length(seconds: f64) -> String {
    match seconds {
        under if under < 1.0 => format!("{:.0} ms", under * 1e3),
        under if under < 60.0 => format!("{under:.1} s"),
        under if under < 5_400.0 => format!("{:.0} min", under / 60.0),
        more => format!("{:.1} h", more / 3_600.0),
    }
}

fn worked_by(hands: Hands) -> String {
    match hands {
        Hands::Here(cores) => format!("{cores} threads of one process"),
        Hands::Workers(0) => "no worker is up: the job waits until one is".to_owned(),
        Hands::Workers(workers) => format!("{workers} workers, each taken for one core"),
        Hands::Unknown => "the broker does not say how many workers are up".to_owned(),
    }
}
