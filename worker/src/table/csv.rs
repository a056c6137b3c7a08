//! Comma-separated values by RFC 4180.

use super::write_failure;
use shared::failure::Failure;
use shared::row::Cell;
use std::fmt::Write as _;
use std::io::Write;

/// Writes rows under a header.
pub(super) struct Writer<W: Write> {
    file: csv::Writer<W>,
    /// The text of a number.
    text: String,
}

impl<W: Write> Writer<W> {
    pub(super) fn begin(file: W, header: &[&str]) -> Result<Self, Failure> {
        let mut file = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(file);
        file.write_record(header).map_err(|error| write_failure(&error))?;
        Ok(Writer { file, text: String::new() })
    }

    pub(super) fn add(&mut self, cells: &[Cell]) -> Result<(), Failure> {
        let Writer { file, text } = self;
        let written = cells.iter().try_for_each(|cell| {
            text.clear();
            // Into a string there is no error.
            let _ = match cell {
                Cell::Null => Ok(()),
                Cell::Integer(number) => write!(text, "{number}"),
                // The shortest text that reads back as the same number.
                Cell::Number(number) => write!(text, "{number}"),
                Cell::Text(text) => return file.write_field(text),
            };
            file.write_field(&*text)
        });
        written.and_then(|()| file.write_record(None::<&[u8]>)).map_err(|error| write_failure(&error))
    }

    pub(super) fn finish(mut self) -> Result<(), Failure> {
        self.file.flush().map_err(|error| write_failure(&error))
    }
}
