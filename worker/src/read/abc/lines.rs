//! The lines of a text, one at a time, whatever ends them: LF, CR LF or a lone CR.

use super::super::{Input, ReadError};
use crate::score::Stop;
use shared::limits::exceeded;
use shared::place::Place;
use std::io::ErrorKind;

/// A text that is read line by line.
pub(super) struct Lines<'a> {
    input: &'a mut dyn Input,
    /// Bytes of the input that the last line was lent from, its end included.
    lent: usize,
    /// The line, where the input has it in pieces.
    buffer: Vec<u8>,
    number: u32,
    /// The last line ended in CR: an LF that follows belongs to it.
    after_cr: bool,
    bytes_max: u64,
}

impl<'a> Lines<'a> {
    pub(super) fn new(input: &'a mut dyn Input, bytes_max: u64) -> Self {
        Lines { input, lent: 0, buffer: Vec::new(), number: 0, after_cr: false, bytes_max }
    }

    /// The next line without its end, and its number from 1; `None` after the last.
    pub(super) fn next(&mut self) -> Result<Option<(u32, &[u8])>, ReadError> {
        self.buffer.clear();
        self.input.consume(std::mem::take(&mut self.lent));
        loop {
            let chunk = match self.input.fill_buf() {
                Ok(chunk) => chunk,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error.into()),
            };
            let Some(&first) = chunk.first() else { break };
            if std::mem::take(&mut self.after_cr) && first == b'\n' {
                self.input.consume(1);
                continue;
            }
            let end = memchr::memchr2(b'\n', b'\r', chunk);
            let text = chunk.get(..end.unwrap_or(chunk.len())).unwrap_or(chunk);
            let (length, taken) = (text.len(), text.len() + usize::from(end.is_some()));
            self.after_cr = end.is_some_and(|end| chunk.get(end) == Some(&b'\r'));
            if self.buffer.is_empty() && end.is_some() && length as u64 <= self.bytes_max {
                self.lent = taken;
                self.number = self.number.saturating_add(1);
                // What is buffered is given again.
                let chunk = self.input.fill_buf()?;
                return Ok(Some((self.number, unmarked(self.number, chunk.get(..length).unwrap_or(chunk)))));
            }
            self.buffer.extend_from_slice(text);
            self.input.consume(taken);
            if self.buffer.len() as u64 > self.bytes_max {
                let place = Place::line(self.number.saturating_add(1), 1);
                let failure = exceeded("token_bytes_max", self.bytes_max, Some(place));
                return Err(Stop::Failed(failure).into());
            }
            if end.is_some() {
                return Ok(Some(self.line()));
            }
        }
        Ok(if self.buffer.is_empty() { None } else { Some(self.line()) })
    }

    fn line(&mut self) -> (u32, &[u8]) {
        self.number = self.number.saturating_add(1);
        (self.number, unmarked(self.number, &self.buffer))
    }
}

/// The text of a line, the first one without a byte order mark.
fn unmarked(number: u32, text: &[u8]) -> &[u8] {
    let mark = if number == 1 { text.strip_prefix(b"\xEF\xBB\xBF") } else { None };
    mark.unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufReader, Cursor};

    fn lines(text: &[u8], capacity: usize) -> Vec<(u32, Vec<u8>)> {
        let mut input = BufReader::with_capacity(capacity, Cursor::new(text));
        let mut lines = Lines::new(&mut input, 100);
        let mut all = Vec::new();
        while let Some((number, line)) = lines.next().unwrap() {
            all.push((number, line.to_vec()));
        }
        all
    }

    #[test]
    fn every_kind_of_line_end_counts_once_wherever_the_buffer_is_cut() {
        let want: Vec<(u32, Vec<u8>)> =
            [(1, "a"), (2, ""), (3, "bc"), (4, "d")].map(|(n, s)| (n, s.into())).into();
        for text in ["a\n\nbc\nd", "a\r\rbc\rd\r", "a\r\n\r\nbc\r\nd\r\n", "\u{feff}a\r\n\nbc\rd\n"] {
            for capacity in 1..8 {
                assert_eq!(lines(text.as_bytes(), capacity), want, "{text:?} in pieces of {capacity}");
            }
        }
    }

    #[test]
    fn a_line_past_the_limit_is_refused() {
        for end in ["", "\n"] {
            let mut input = Cursor::new("A".repeat(101) + end);
            let failure = Lines::new(&mut input, 100).next().unwrap_err().into_failure();
            assert_eq!(
                failure.message,
                "more than token_bytes_max = 100 bytes of one line, text or attribute"
            );
        }
    }
}
