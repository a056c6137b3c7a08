//! ABC notation, tunebooks included: line by line, each tune a piece.
//!
//! `book` knows which line is what, `tune` has the voices, `music` reads a line of notes and `voice` gives them their
//! time. `census` counts the same lines apart from all this, so that a loss shows.

mod annotate;
mod barline;
mod book;
mod census;
mod chord;
#[cfg(test)]
mod corpus_tests;
mod cursor;
mod decorations;
mod fields;
mod header;
mod held;
mod key;
mod lines;
mod macros;
mod marks;
mod music;
mod overlay;
mod parts;
mod quoted;
mod said;
mod signs;
mod sync;
mod teller;
#[cfg(test)]
mod tests;
mod text;
mod ties;
mod tune;
mod voice;
mod words;
mod written;

use super::{Fidelity, Format, Input, ReadError, ReadOptions, ScoreReader};
use crate::score::EventSink;
use shared::place::Place;

static FORMAT: Format = Format {
    name: "abc",
    revision: 2,
    extensions: &["abc"],
    summary: "ABC notation, tunebooks included",
    reference: "Walshaw et al., The ABC music standard 2.1 (2011)",
};

/// ABC notation, tunebooks included.
pub(super) struct Abc;

impl ScoreReader for Abc {
    fn format(&self) -> &'static Format {
        &FORMAT
    }

    fn recognises(&self, head: &[u8]) -> bool {
        let head = head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(head);
        if head.starts_with(b"%abc") {
            return true;
        }
        let start = head.trim_ascii_start();
        if start.starts_with(b"<") || start.starts_with(b"!!") || start.starts_with(b"**") {
            return false; // XML and kern, which may hold any line.
        }
        let ends = memchr::memchr2_iter(b'\n', b'\r', head);
        let lines = [0].into_iter().chain(ends.map(|end| end + 1)).filter_map(|start| head.get(start..));
        // Each of these goes on behind its line.
        let mut lines = lines.skip_while(|line| !is_number(line));
        lines.next().is_some() && lines.any(|line| matches!(line, [b'T' | b'M' | b'K', b':', ..]))
    }

    fn read(
        &self,
        input: &mut dyn Input,
        options: &ReadOptions,
        sink: &mut dyn EventSink,
    ) -> Result<(), ReadError> {
        let mut lines = lines::Lines::new(input, options.limits.token_bytes_max);
        let mut book = book::Book::new(teller::Teller::new(sink), options.fidelity == Fidelity::Compat);
        while let Some((number, line)) = lines.next()? {
            book.line(number, line)?;
        }
        book.end()?;
        if book.found() {
            return Ok(());
        }
        Err(ReadError::malformed(Place::START, "no tune: neither an X: nor a K: field, nor a line of music"))
    }
}

/// Whether a line is `X:` with a number; the text may go on behind it.
fn is_number(line: &[u8]) -> bool {
    let number = line.strip_prefix(b"X:");
    let first = number.and_then(|number| number.iter().find(|byte| !matches!(byte, b' ' | b'\t' | 0x0C)));
    first.is_some_and(u8::is_ascii_digit)
}
