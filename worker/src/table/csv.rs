//! Comma-separated values by RFC 4180.

use super::write_failure;
use shared::failure::Failure;
use shared::row::Cell;
use std::io::Write;

/// Writes rows under a header.
pub(super) struct Writer<W: Write>(csv::Writer<W>);

impl<W: Write> Writer<W> {
    pub(super) fn begin(file: W, header: &[&str]) -> Result<Self, Failure> {
        let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(file);
        writer.write_record(header).map_err(|error| write_failure(&error))?;
        Ok(Writer(writer))
    }

    pub(super) fn add(&mut self, cells: &[Cell]) -> Result<(), Failure> {
        let texts = cells.iter().map(|cell| match cell {
            Cell::Null => String::new(),
            Cell::Integer(number) => number.to_string(),
            // The shortest text that reads back as the same number.
            Cell::Number(number) => number.to_string(),
            Cell::Text(text) => text.clone(),
        });
        self.0.write_record(texts).map_err(|error| write_failure(&error))
    }

    pub(super) fn finish(mut self) -> Result<(), Failure> {
        self.0.flush().map_err(|error| write_failure(&error))
    }
}
