//! The one error that crosses the wire: a kind for code, a message for people, a place in the source.

use crate::place::Place;
use serde::{Deserialize, Serialize};
use std::{fmt, io};

/// Why a piece of work gave no result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// What code branches on; nothing else.
    pub kind: FailureKind,
    /// For a person: lower case, no full stop, names the thing and what would be right.
    pub message: String,
    /// Where in the source, when that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
    /// After how many seconds the same may succeed, when that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_seconds: Option<u64>,
}

impl Failure {
    /// A failure without a place.
    #[must_use]
    pub fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        Failure { kind, message: message.into(), place: None, retry_after_seconds: None }
    }

    /// A failure at a place of its source.
    #[must_use]
    pub fn at(kind: FailureKind, place: Place, message: impl Into<String>) -> Self {
        Failure { place: Some(place), ..Failure::new(kind, message) }
    }

    /// The same, which may succeed after so many seconds.
    #[must_use]
    pub const fn after_seconds(mut self, seconds: u64) -> Self {
        self.retry_after_seconds = Some(seconds);
        self
    }

    /// The source breaks its format's rules at `place`.
    #[must_use]
    pub fn malformed(place: Place, message: impl Into<String>) -> Self {
        Failure::at(FailureKind::Malformed, place, message)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind.label(), self.message)?;
        match self.place {
            Some(place) => write!(f, " ({place})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Failure {}

/// What went wrong, as code sees it. [`FailureKind::ALL`] with [`FailureKind::row`] is the one table of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// The source, job or object does not exist.
    NotFound,
    /// It exists, but the caller may not have it.
    Denied,
    /// It passes a limit, which the message names.
    TooLarge,
    /// It is well-formed, but of a kind that no reader knows.
    Unsupported,
    /// It breaks the rules of its format or of the request.
    Malformed,
    /// It did not end within its time.
    TimedOut,
    /// It took its process down, twice.
    Crashed,
    /// Something that the work needs was away; later it may not be.
    Unavailable,
    /// Who asks has as much in hand as they may; later they may not.
    TooMany,
    /// Somebody asked for it to stop.
    Cancelled,
    /// A defect of Ripieno.
    Internal,
}

/// What is said of one kind: its name on the wire, and how each skin speaks of it.
#[derive(Clone, Copy, Debug)]
pub struct KindRow {
    /// Name on the wire, in metrics and in tables.
    pub label: &'static str,
    /// Trying again may help: the other side was away.
    pub transient: bool,
    /// The same bytes will always fail so: the failure may be cached.
    pub lasting: bool,
    /// HTTP status.
    pub http: u16,
    /// JSON-RPC code, outside the range that the protocol reserves.
    pub json_rpc: i32,
}

impl FailureKind {
    /// What an error of the file system is, where somebody named the file.
    #[must_use]
    pub fn of_file(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound => FailureKind::NotFound,
            io::ErrorKind::PermissionDenied => FailureKind::Denied,
            // No file can have such a name, now or later.
            io::ErrorKind::InvalidInput | io::ErrorKind::InvalidFilename => FailureKind::Malformed,
            _ => FailureKind::Unavailable,
        }
    }

    /// Every kind, in the order of its declaration.
    pub const ALL: [FailureKind; 11] = [
        FailureKind::NotFound,
        FailureKind::Denied,
        FailureKind::TooLarge,
        FailureKind::Unsupported,
        FailureKind::Malformed,
        FailureKind::TimedOut,
        FailureKind::Crashed,
        FailureKind::Unavailable,
        FailureKind::TooMany,
        FailureKind::Cancelled,
        FailureKind::Internal,
    ];

    /// The row of this kind.
    #[must_use]
    pub const fn row(self) -> KindRow {
        let (label, transient, lasting, http, json_rpc) = match self {
            FailureKind::NotFound => ("not_found", false, false, 404, 1404),
            FailureKind::Denied => ("denied", false, false, 403, 1403),
            FailureKind::TooLarge => ("too_large", false, true, 413, 1413),
            FailureKind::Unsupported => ("unsupported", false, true, 415, 1415),
            FailureKind::Malformed => ("malformed", false, true, 422, 1422),
            FailureKind::TimedOut => ("timed_out", false, false, 504, 1504),
            FailureKind::Crashed => ("crashed", false, false, 500, 1501),
            FailureKind::Unavailable => ("unavailable", true, false, 503, 1503),
            FailureKind::TooMany => ("too_many", true, false, 429, 1429),
            FailureKind::Cancelled => ("cancelled", false, false, 409, 1409),
            FailureKind::Internal => ("internal", false, false, 500, 1500),
        };
        KindRow { label, transient, lasting, http, json_rpc }
    }

    /// The name on the wire.
    #[must_use]
    pub const fn label(self) -> &'static str {
        self.row().label
    }

    /// Whether trying again may help.
    #[must_use]
    pub const fn is_transient(self) -> bool {
        self.row().transient
    }

    /// Whether the failure may be cached.
    #[must_use]
    pub const fn is_lasting(self) -> bool {
        self.row().lasting
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_table_of_kinds_is_whole() {
        let mut labels = BTreeSet::new();
        let mut codes = BTreeSet::new();
        for kind in FailureKind::ALL {
            let row = kind.row();
            assert_eq!(serde_json::to_value(kind).unwrap(), row.label, "the wire name is the label");
            assert!(labels.insert(row.label), "{} stands twice", row.label);
            assert!(codes.insert(row.json_rpc), "{} shares its JSON-RPC code", row.label);
            assert!((400..600).contains(&row.http));
            assert!(!(row.transient && row.lasting), "{} cannot be both", row.label);
        }
    }

    #[test]
    fn a_failure_names_kind_thing_and_place() {
        let failure = Failure::malformed(Place::line(12, 3), "measure 4: unclosed beam");
        assert_eq!(failure.to_string(), "malformed: measure 4: unclosed beam (line 12, column 3)");
    }
}
