//! Where in a source something stands: a line and column of a text, or a byte of a binary file.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A place in a source, in eight bytes so that every note can carry one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// Counted from 1; 0 says that `offset` is a byte offset from the start of the file.
    line: u32,
    /// The column, counted from 1 in bytes, or the byte offset, counted from 0.
    offset: u32,
}

/// The wire form: `{"line": 3, "column": 7}` or `{"byte": 42}`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    line: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    column: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    byte: Option<u32>,
}

impl Place {
    /// The first byte of a source.
    pub const START: Place = Place { line: 0, offset: 0 };

    /// A place in a text; both numbers count from 1, the column in bytes. A line of 0 is taken for 1.
    #[must_use]
    pub const fn line(line: u32, column: u32) -> Self {
        Place { line: if line == 0 { 1 } else { line }, offset: column }
    }

    /// A place in a binary file. Offsets past 4 GiB, which no limit allows, stay at the last one.
    #[must_use]
    pub fn byte(offset: usize) -> Self {
        Place { line: 0, offset: u32::try_from(offset).unwrap_or(u32::MAX) }
    }

    /// The line and column, for a place in a text.
    #[must_use]
    pub const fn line_column(self) -> Option<(u32, u32)> {
        if self.line == 0 { None } else { Some((self.line, self.offset)) }
    }
}

impl Place {
    /// Line and column of a text; 0 and the byte offset of a binary file.
    #[must_use]
    pub const fn numbers(self) -> (u32, u32) {
        (self.line, self.offset)
    }

    /// The place of those [`Place::numbers`].
    #[must_use]
    pub const fn of_numbers((line, offset): (u32, u32)) -> Self {
        Place { line, offset }
    }

    /// The byte offset, for a place in a binary file.
    #[must_use]
    pub const fn byte_offset(self) -> Option<u32> {
        if self.line == 0 { Some(self.offset) } else { None }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line_column() {
            Some((line, column)) => write!(f, "line {line}, column {column}"),
            None => write!(f, "byte {}", self.offset),
        }
    }
}

impl Serialize for Place {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let wire = match self.line_column() {
            Some((line, column)) => Wire { line: Some(line), column: Some(column), byte: None },
            None => Wire { line: None, column: None, byte: Some(self.offset) },
        };
        wire.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Place {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Wire::deserialize(deserializer)? {
            Wire { line: Some(line), column, byte: None } => Ok(Place::line(line, column.unwrap_or(1))),
            Wire { line: None, column: None, byte: Some(byte) } => Ok(Place { line: 0, offset: byte }),
            _ => Err(serde::de::Error::custom("a place is {line, column} or {byte}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_survives_the_wire() {
        for (place, text) in [
            (Place::line(3, 7), r#"{"line":3,"column":7}"#),
            (Place::byte(42), r#"{"byte":42}"#),
            (Place::START, r#"{"byte":0}"#),
        ] {
            assert_eq!(serde_json::to_string(&place).unwrap(), text);
            assert_eq!(serde_json::from_str::<Place>(text).unwrap(), place);
        }
        assert!(serde_json::from_str::<Place>(r#"{"line":1,"byte":2}"#).is_err());
    }
}
