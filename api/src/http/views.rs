//! What REST tells, as types: the OpenAPI document is made of them, and the command line reads them.

mod forecast;
pub(crate) mod schedules;
pub(crate) mod scores;
pub(crate) mod tenants;

pub(crate) use forecast::{PlanView, left_out};

use super::ask::ParamValue;
use crate::service::{State, Status, Worked};
use crate::similar::{Name, Pair};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use shared::failure::Failure;
use shared::place::Place;
use std::collections::BTreeMap;
use utoipa::ToSchema;
use worker::analyse::{Analysis, Kind};
use worker::read::Format;

/// A job, looked at.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct Job {
    /// Its handle.
    #[schema(example = "job-k3f9q2mwx7abcdef")]
    pub(crate) id: String,
    /// `active`, `paused`, `finished` or `cancelled`.
    pub(crate) state: State,
    /// When it was accepted, in milliseconds since 1970 UTC.
    pub(crate) created_ms: u64,
    /// As the client wrote them.
    pub(crate) sources: Vec<String>,
    /// `name@revision` of each analysis.
    pub(crate) analyses: Vec<String>,
    /// Items in all.
    pub(crate) items: u64,
    /// Bytes of all items.
    pub(crate) bytes: u64,
    /// Items with an outcome.
    pub(crate) done: u64,
    /// Items that failed, or of which something failed.
    pub(crate) failed: u64,
    /// Items whose findings all came from the cache.
    pub(crate) cached: u64,
    /// Pieces that were read.
    pub(crate) pieces: u64,
    /// Of these, degraded.
    pub(crate) degraded: u64,
    /// Notes read.
    pub(crate) notes: u64,
    /// Failed items by kind.
    pub(crate) kinds: BTreeMap<String, u64>,
    /// The first failures of each kind.
    pub(crate) examples: BTreeMap<String, Vec<Example>>,
    /// What was found and is no item: files that are no scores, by extension; sources that a manifest file `named again`.
    pub(crate) left_out: BTreeMap<String, u64>,
    /// The job whose failed items it works again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) retries: Option<String>,
}

/// One failure, as an example of its kind.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct Example {
    /// The item.
    pub(crate) name: String,
    /// What was wrong.
    pub(crate) message: String,
    /// Where.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub(crate) place: Option<Place>,
}

impl From<&Status> for Job {
    fn from(status: &Status) -> Self {
        let Status { record, state, totals } = status;
        let example = |example: &shared::receipt::Example| Example {
            name: example.name.clone(),
            message: example.message.clone(),
            place: example.place,
        };
        let examples = totals.examples.iter();
        Job {
            id: record.id.to_string(),
            state: *state,
            created_ms: record.created_ms,
            sources: record.request.sources.clone(),
            analyses: record.request.analyses.iter().map(|asked| asked.mark.clone()).collect(),
            items: record.items,
            bytes: record.bytes,
            done: totals.items,
            failed: totals.failed,
            cached: totals.cached,
            pieces: totals.pieces,
            degraded: totals.degraded,
            notes: totals.notes,
            kinds: totals.kinds.clone(),
            examples: examples.map(|(kind, of)| (kind.clone(), of.iter().map(example).collect())).collect(),
            left_out: record.left_out.clone(),
            retries: record.retries.as_ref().map(ToString::to_string),
        }
    }
}

/// A page of jobs, newest first.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct Jobs {
    /// The jobs.
    pub(crate) jobs: Vec<Job>,
    /// Cursor of the next page; none at the end.
    pub(crate) next: Option<String>,
}

/// An item and what became of it.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct ItemView {
    /// Position among all items of the job, from 0.
    pub(crate) index: u64,
    /// How the table calls it.
    pub(crate) name: String,
    /// Its size when the job was planned.
    pub(crate) bytes: u64,
    /// `waiting`, `done`, or `failed` (it, or something of it).
    pub(crate) state: ItemState,
    /// Rows that it gave.
    pub(crate) pieces: u32,
    /// Of these, degraded.
    pub(crate) degraded: u32,
    /// Whether all of it came from the cache.
    pub(crate) cached: bool,
    /// The first reason why something of it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) failure: Option<FailureView>,
}

/// Whether an item has its outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ItemState {
    /// Not yet.
    Waiting,
    /// It has.
    Done,
    /// It has, and failed, or something of it did.
    Failed,
}

/// Why something failed.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct FailureView {
    /// The kind, for code.
    pub(crate) kind: String,
    /// What was wrong, for people.
    pub(crate) message: String,
    /// Where in the source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub(crate) place: Option<Place>,
}

impl From<Failure> for FailureView {
    fn from(failure: Failure) -> Self {
        FailureView { kind: failure.kind.label().to_owned(), message: failure.message, place: failure.place }
    }
}

impl From<Worked> for ItemView {
    fn from((item, outcome): Worked) -> Self {
        let state = match &outcome {
            None => ItemState::Waiting,
            Some(outcome) if outcome.failure.is_some() => ItemState::Failed,
            Some(_) => ItemState::Done,
        };
        ItemView {
            index: item.index,
            name: item.name,
            bytes: item.bytes,
            state,
            pieces: outcome.as_ref().map_or(0, |outcome| outcome.pieces),
            degraded: outcome.as_ref().map_or(0, |outcome| outcome.degraded),
            cached: outcome.as_ref().is_some_and(|outcome| outcome.cached),
            failure: outcome.and_then(|outcome| outcome.failure).map(FailureView::from),
        }
    }
}

/// A page of items, in the order of the table.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct Items {
    /// The items.
    pub(crate) items: Vec<ItemView>,
    /// Cursor of the next page; none at the end.
    pub(crate) next: Option<String>,
}

/// Two pieces that are like each other.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct PairView {
    /// The piece that comes first in the table.
    pub(crate) one: PieceName,
    /// The other.
    pub(crate) other: PieceName,
    /// The greater of `stretches` and `opening`, from 0 to 1.
    pub(crate) score: f64,
    /// Share of the stretches of five notes that either has, estimated.
    pub(crate) stretches: f64,
    /// How like the openings are; nothing if one has none, or if they are less like than was asked.
    pub(crate) opening: Option<f64>,
}

/// What a piece is called.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct PieceName {
    /// The file or object, as it was named.
    pub(crate) source: String,
    /// Which piece of it, from 0.
    pub(crate) piece: u32,
    /// Title, or nothing.
    pub(crate) title: String,
}

impl From<Pair> for PairView {
    fn from(pair: Pair) -> Self {
        let name = |name: Name| PieceName {
            source: name.source.into(),
            piece: name.piece,
            title: name.title.into(),
        };
        let Pair { one, other, score, stretches, opening } = pair;
        PairView { one: name(one), other: name(other), score, stretches, opening }
    }
}

/// An analysis, as it describes itself.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AnalysisView {
    /// Its name.
    name: &'static str,
    /// `name@revision`.
    mark: String,
    /// One sentence.
    summary: &'static str,
    /// Whose definition it follows.
    reference: &'static str,
    /// What a client may choose.
    parameters: Vec<ParamView>,
    /// The columns of the table that it fills.
    columns: Vec<ColumnView>,
}

/// A parameter.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ParamView {
    /// Its name.
    name: &'static str,
    /// What it may be, in words.
    range: String,
    /// Its unit; empty for words.
    unit: &'static str,
    /// What it is when nothing is said.
    #[schema(value_type = ParamValue)]
    default: Value,
    /// One sentence.
    summary: &'static str,
}

/// A column.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ColumnView {
    /// Its name in the table.
    name: String,
    /// `integer`, `number` or `text`.
    r#type: &'static str,
    /// Its unit.
    unit: &'static str,
    /// One sentence.
    summary: &'static str,
}

impl From<&dyn Analysis> for AnalysisView {
    fn from(analysis: &dyn Analysis) -> Self {
        let spec = analysis.spec();
        let parameter = |param: &worker::analyse::Param| ParamView {
            name: param.name,
            range: param.range.text(),
            unit: param.unit,
            default: param.range.default(),
            summary: param.summary,
        };
        let column = |column: &worker::analyse::Column| ColumnView {
            name: format!("{}_{}", spec.name, column.name),
            r#type: match column.kind {
                Kind::Integer => "integer",
                Kind::Number => "number",
                Kind::Text => "text",
            },
            unit: column.unit,
            summary: column.summary,
        };
        AnalysisView {
            name: spec.name,
            mark: spec.mark(),
            summary: spec.summary,
            reference: spec.reference,
            parameters: spec.params.iter().map(parameter).collect(),
            columns: spec.columns.iter().map(column).collect(),
        }
    }
}

/// A format that can be read.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct FormatView {
    /// Its name.
    name: &'static str,
    /// Extensions of file names that bespeak it.
    extensions: &'static [&'static str],
    /// One sentence.
    summary: &'static str,
}

impl From<&'static Format> for FormatView {
    fn from(format: &'static Format) -> Self {
        FormatView { name: format.name, extensions: format.extensions, summary: format.summary }
    }
}
