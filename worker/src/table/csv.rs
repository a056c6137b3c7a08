//! Comma-separated values by RFC 4180.

use super::write_failure;
use shared::failure::Failure;
use shared::row::Cell;
use std::fmt::{Display, Write as _};
use std::io::Write;

/// Writes rows under a header.
pub(super) struct Writer<W: Write> {
    file: csv::Writer<W>,
    /// The text of a number.
    text: String,
    digits: zmij::Buffer,
}

impl<W: Write> Writer<W> {
    pub(super) fn begin(file: W, header: &[&str]) -> Result<Self, Failure> {
        let mut file = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(file);
        file.write_record(header).map_err(|error| write_failure(&error))?;
        Ok(Writer { file, text: String::new(), digits: zmij::Buffer::new() })
    }

    pub(super) fn add(&mut self, cells: &[Cell]) -> Result<(), Failure> {
        let Writer { file, text, digits } = self;
        let written = cells.iter().try_for_each(|cell| match cell {
            Cell::Null => file.write_field(""),
            Cell::Integer(number) => file.write_field(printed(number, text)),
            Cell::Number(number) => file.write_field(decimal(*number, digits, text)),
            Cell::Text(text) => file.write_field(text),
        });
        written.and_then(|()| file.write_record(None::<&[u8]>)).map_err(|error| write_failure(&error))
    }

    pub(super) fn finish(mut self) -> Result<(), Failure> {
        self.file.flush().map_err(|error| write_failure(&error))
    }
}

fn printed<'a>(number: &impl Display, text: &'a mut String) -> &'a str {
    text.clear();
    // Into a string there is no error.
    let _ = write!(text, "{number}");
    text
}

/// The shortest text that reads back as the same number, without an exponent, which the standard library takes twice as long to
/// find.
fn decimal<'a>(number: f64, digits: &'a mut zmij::Buffer, text: &'a mut String) -> &'a str {
    let short = digits.format(number);
    if short.contains('e') { printed(&number, text) } else { short.strip_suffix(".0").unwrap_or(short) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn numbers_are_as_the_standard_library_prints_them(bits: u64, whole: i32, part in 0..1000_u32) {
            let near = f64::from(whole) + f64::from(part) / 1000.0;
            for number in [f64::from_bits(bits), near, f64::from(whole), -0.0, f64::NAN, f64::INFINITY, 1e16, 1e-5] {
                let (mut digits, mut text) = (zmij::Buffer::new(), String::new());
                prop_assert_eq!(decimal(number, &mut digits, &mut text), number.to_string());
            }
        }
    }
}
