//! The list of failures of a job, read back.

use serde::Deserialize;
use shared::failure::{Failure, FailureKind};
use shared::place::Place;

/// A row of the list of failures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failed {
    /// The item.
    pub(crate) source: String,
    /// Which piece of it.
    pub(crate) piece: u32,
    /// `failed` or `degraded`.
    pub(crate) state: String,
    /// Why.
    pub(crate) failure: Failure,
}

#[derive(Deserialize)]
struct Line {
    source: String,
    piece: u32,
    state: String,
    kind: FailureKind,
    message: String,
    line: Option<u32>,
    column: Option<u32>,
    byte: Option<u32>,
}

/// Reads the list.
pub(super) fn failed(csv: &[u8]) -> Result<Vec<Failed>, Failure> {
    let lines = csv::Reader::from_reader(csv).into_deserialize::<Line>();
    lines
        .map(|line| {
            let wrong = |error| Failure::new(FailureKind::Internal, format!("the list of failures: {error}"));
            let Line { source, piece, state, kind, message, line, column, byte } = line.map_err(wrong)?;
            let place = match (line, column, byte) {
                (Some(line), Some(column), _) => Some(Place::line(line, column)),
                (_, _, Some(byte)) => Some(Place::byte(usize::try_from(byte).unwrap_or(usize::MAX))),
                _ => None,
            };
            Ok(Failed { source, piece, state, failure: Failure { place, ..Failure::new(kind, message) } })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_comes_back_as_it_was() {
        let text = "source,piece,state,kind,message,line,column,byte\r\na.abc,1,degraded,malformed,\"x, y\",3,4,\r\nb.mid,0,failed,malformed,z,,,7\r\n";
        let rows = failed(text.as_bytes()).unwrap();
        assert_eq!(rows[0].failure, Failure::malformed(Place::line(3, 4), "x, y"));
        assert_eq!((rows[1].failure.place, rows[1].piece), (Some(Place::byte(7)), 0));
    }
}
