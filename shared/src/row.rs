//! The rows of a table, as workers write them and writers of tables read them.

mod cell;
mod coding;
mod detail;

pub use cell::Cell;
pub use coding::{details_aside, with_details};
pub use detail::Detail;

use crate::failure::Failure;
use crate::place::Place;
use serde::{Deserialize, Serialize};

/// Whether a piece was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// All of it.
    Ok,
    /// What could be read of it.
    Degraded,
    /// Nothing of it.
    Failed,
}

impl State {
    /// Name in tables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            State::Ok => "ok",
            State::Degraded => "degraded",
            State::Failed => "failed",
        }
    }
}

/// The answer to one analysis.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// Name of the analysis.
    pub name: String,
    /// The flat columns, in the order of the spec; empty after a failure.
    pub cells: Vec<Cell>,
    /// The whole answer as JSON text; after a failure `{"failure": …}`.
    pub detail: Detail,
}

/// Something odd in a source that lost nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Warning {
    /// What.
    pub message: String,
    /// Where.
    pub place: Place,
}

/// What was found of one piece, whatever it is called and wherever it lies: this is what the cache keeps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Facts {
    /// Whether it was read.
    pub state: State,
    /// Title that the source states.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Composer that the source states.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub composer: Option<String>,
    /// Number that the source states: an ABC tune's `X:`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
    /// Notes read.
    pub notes: u64,
    /// Why it failed, or is degraded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    /// The first warnings.
    pub warnings: Vec<Warning>,
    /// How many there were.
    pub warning_count: u64,
    /// A finding for each analysis. They are encoded apart.
    #[serde(skip)]
    pub findings: Vec<Finding>,
}

impl Facts {
    /// The facts of something of which nothing could be read.
    #[must_use]
    pub fn failed(failure: Failure) -> Self {
        Facts {
            state: State::Failed,
            title: None,
            composer: None,
            number: None,
            notes: 0,
            failure: Some(failure),
            warnings: Vec::new(),
            warning_count: 0,
            findings: Vec::new(),
        }
    }
}

/// One row: a piece of an item, or an item of which nothing could be read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// How the table calls the item.
    pub source: String,
    /// Which piece of the item, from 0.
    pub piece: u32,
    /// Format, where a reader was found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
    /// BLAKE3 digest of the item's bytes, where they could be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// What a manifest file says of the item, in the order of the request's columns.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub given: Vec<Option<String>>,
    /// What was found.
    pub facts: Facts,
}
