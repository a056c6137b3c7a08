//! Rows on their way from the threads for computing to the ledger: encoded one after the other, in memory while they are
//! few, else in a file that nobody else names.

use shared::failure::{Failure, FailureKind};
use shared::row::Row;
use std::fs::File;
use std::io::{self, Read, Seek, Write};

/// Bytes after which rows go to the file.
const HELD_BYTES: usize = 1 << 20;

/// Encoded rows, in order.
#[derive(Debug, Default)]
pub struct Rows {
    held: Vec<u8>,
    file: Option<File>,
    /// Bytes of each run of whole rows that went to the file.
    segments: Vec<usize>,
}

impl Rows {
    /// Adds a row.
    ///
    /// # Errors
    /// `internal` when it cannot be encoded, which is a defect; `unavailable` when the disk does not take it.
    pub fn push(&mut self, row: &Row) -> Result<(), Failure> {
        row.encode_into(&mut self.held)?;
        self.bound()
    }

    /// Adds a row whose findings were encoded before.
    ///
    /// # Errors
    /// As [`Rows::push`].
    pub fn push_with(&mut self, row: &Row, findings: &[u8]) -> Result<(), Failure> {
        row.encode_with(findings, &mut self.held)?;
        self.bound()
    }

    /// Adds whole rows that were encoded elsewhere.
    ///
    /// # Errors
    /// `unavailable` when the disk does not take them.
    pub fn append(&mut self, encoded: &[u8]) -> Result<(), Failure> {
        self.held.extend_from_slice(encoded);
        self.bound()
    }

    /// Has what is held go to the file once it is much.
    fn bound(&mut self) -> Result<(), Failure> {
        if self.held.len() < HELD_BYTES {
            return Ok(());
        }
        self.spill().map_err(|error| spool_failure(&error))
    }

    fn spill(&mut self) -> io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(tempfile::tempfile()?),
        };
        file.write_all(&self.held)?;
        self.segments.push(self.held.len());
        self.held.clear();
        Ok(())
    }

    /// Takes them apart into runs of whole rows, in order. A failure is the last.
    pub fn into_segments(self) -> impl Iterator<Item = Result<Vec<u8>, Failure>> {
        let Rows { held, mut file, segments } = self;
        let mut rewound = false;
        let mut read = move |bytes: usize| -> io::Result<Vec<u8>> {
            let Some(file) = &mut file else { return Err(io::ErrorKind::NotFound.into()) };
            if !std::mem::replace(&mut rewound, true) {
                file.rewind()?;
            }
            let mut segment = vec![0; bytes];
            file.read_exact(&mut segment).map(|()| segment)
        };
        let from_file =
            segments.into_iter().map(move |bytes| read(bytes).map_err(|error| spool_failure(&error)));
        let mut failed = false;
        from_file
            .chain((!held.is_empty()).then_some(Ok(held)))
            .take_while(move |segment| !std::mem::replace(&mut failed, segment.is_err()))
    }
}

fn spool_failure(error: &io::Error) -> Failure {
    Failure::new(FailureKind::Unavailable, format!("rows cannot be kept in a temporary file: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::decode_rows;
    use shared::row::Facts;

    fn row(piece: u32, bytes: usize) -> Row {
        let facts =
            Facts { title: Some("t".repeat(bytes)), ..Facts::failed(spool_failure(&io::Error::other("x"))) };
        Row { source: "a".into(), piece, format: None, digest: None, given: Vec::new(), facts }
    }

    fn back(rows: Rows) -> Vec<Vec<Row>> {
        rows.into_segments()
            .map(|segment| decode_rows(&segment.unwrap()).map(Result::unwrap).collect())
            .collect()
    }

    #[test]
    fn rows_come_back_in_order_from_memory_and_file() {
        assert_eq!(back(Rows::default()), Vec::<Vec<Row>>::new());
        let expected: Vec<Row> = (0..40).map(|piece| row(piece, 100 << 10)).collect();
        let mut rows = Rows::default();
        for row in &expected {
            rows.push(row).unwrap();
            assert!(rows.held.len() < HELD_BYTES, "what is held is bounded");
        }
        let segments = back(rows);
        assert_eq!(segments.len(), 4, "11 rows make a segment");
        assert_eq!(segments.concat(), expected);
    }

    #[test]
    fn a_file_that_is_cut_off_is_a_failure_and_never_a_shorter_table() {
        let mut rows = Rows::default();
        rows.push(&row(0, HELD_BYTES)).unwrap();
        rows.push(&row(1, HELD_BYTES)).unwrap();
        rows.file.as_ref().unwrap().set_len(HELD_BYTES as u64 + 500).unwrap();
        rows.push(&row(2, 10)).unwrap();
        let segments: Vec<_> = rows.into_segments().collect();
        assert!(matches!(&segments[..], [Ok(_), Err(failure)] if failure.kind == FailureKind::Unavailable));
    }
}
