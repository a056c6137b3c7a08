//! Lines of a Humdrum file, cut into their columns.

use crate::read::{Input, ReadError};
use crate::score::Stop;
use memchr::memchr2;
use shared::limits::exceeded;
use shared::place::Place;
use std::io::ErrorKind;

/// The lines of an input, one at a time, in buffers that are used again. They end in LF, CRLF or CR.
pub(super) struct Lines<'a> {
    input: &'a mut dyn Input,
    bytes_max: u64,
    text: Vec<u8>,
    /// Start and end of each column in `text`.
    cells: Vec<(u32, u32)>,
    number: u32,
    /// The last line ended in CR: an LF that follows belongs to it.
    after_cr: bool,
}

/// One line.
#[derive(Clone, Copy)]
pub(super) struct Line<'a> {
    /// Without its end.
    pub(super) text: &'a [u8],
    cells: &'a [(u32, u32)],
    number: u32,
}

impl<'a> Lines<'a> {
    pub(super) fn new(input: &'a mut dyn Input, bytes_max: u64) -> Self {
        Lines { input, bytes_max, text: Vec::new(), cells: Vec::new(), number: 0, after_cr: false }
    }

    /// The next line; `None` at the end.
    pub(super) fn next(&mut self) -> Result<Option<Line<'_>>, ReadError> {
        self.text.clear();
        if !self.fill()? {
            return Ok(None);
        }
        self.number = self.number.saturating_add(1);
        if self.number == 1 && self.text.starts_with(b"\xEF\xBB\xBF") {
            self.text.drain(..3);
        }
        self.cells.clear();
        // Comments have no columns that matter.
        if self.text.first() != Some(&b'!') {
            // Columns are two or three bytes wide: too narrow for a search by vectors to pay.
            let (mut start, mut at) = (0, 0);
            for &byte in &self.text {
                if byte == b'\t' {
                    self.cells.push((start, at));
                    start = at + 1;
                }
                at += 1;
            }
            self.cells.push((start, at));
        }
        Ok(Some(Line { text: &self.text, cells: &self.cells, number: self.number }))
    }

    /// Where the input ended.
    pub(super) fn place(&self) -> Place {
        Place::line(self.number, 1)
    }

    /// Reads a line into `text`; says whether there was one.
    fn fill(&mut self) -> Result<bool, ReadError> {
        let mut any = false;
        loop {
            let bytes = match self.input.fill_buf() {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                bytes => bytes?,
            };
            let Some(&first) = bytes.first() else { return Ok(any) };
            if std::mem::take(&mut self.after_cr) && first == b'\n' {
                self.input.consume(1);
                continue;
            }
            any = true;
            let end = memchr2(b'\n', b'\r', bytes);
            let line = bytes.get(..end.unwrap_or(bytes.len())).unwrap_or(bytes);
            if (self.text.len() + line.len()) as u64 > self.bytes_max {
                let place = Place::line(self.number.saturating_add(1), 1);
                return Err(Stop::Failed(exceeded("token_bytes_max", self.bytes_max, Some(place))).into());
            }
            self.text.extend_from_slice(line);
            self.after_cr = end.and_then(|end| bytes.get(end)) == Some(&b'\r');
            let used = line.len() + usize::from(end.is_some());
            self.input.consume(used);
            if end.is_some() {
                return Ok(true);
            }
        }
    }
}

impl<'a> Line<'a> {
    /// How many columns it has; none if it is a comment.
    pub(super) fn width(&self) -> usize {
        self.cells.len()
    }

    /// A column's text; empty if there is none.
    pub(super) fn cell(&self, column: usize) -> &'a [u8] {
        let cell =
            self.cells.get(column).and_then(|&(start, end)| self.text.get(start as usize..end as usize));
        cell.unwrap_or_default()
    }

    /// Every column's text.
    pub(super) fn cells(&self) -> impl Iterator<Item = &'a [u8]> {
        let line = *self;
        (0..self.width()).map(move |column| line.cell(column))
    }

    /// Where a column stands.
    pub(super) fn place(&self, column: usize) -> Place {
        self.place_in(column, 0)
    }

    /// Where the byte `offset` of a column stands.
    pub(super) fn place_in(&self, column: usize, offset: usize) -> Place {
        let start = self.cells.get(column).map_or(0, |cell| cell.0);
        Place::line(self.number, start.saturating_add(short(offset)).saturating_add(1))
    }

    /// Where a byte of the line stands.
    pub(super) fn place_at(&self, offset: usize) -> Place {
        Place::line(self.number, short(offset).saturating_add(1))
    }

    /// The same line, cut at its spaces into `cells`.
    pub(super) fn cut_at_spaces<'b>(&self, cells: &'b mut Vec<(u32, u32)>) -> Line<'b>
    where
        'a: 'b,
    {
        cells.clear();
        let mut start = 0;
        for word in self.text.split(|&byte| byte == b' ') {
            if !word.is_empty() {
                cells.push((short(start), short(start + word.len())));
            }
            start += word.len() + 1;
        }
        Line { text: self.text, cells, number: self.number }
    }
}

/// An offset in a line; the limit on lines is far below 4 GiB.
fn short(offset: usize) -> u32 {
    u32::try_from(offset).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufReader, Cursor};

    fn lines(text: &[u8], capacity: usize) -> Vec<String> {
        let mut input = BufReader::with_capacity(capacity, Cursor::new(text));
        let mut lines = Lines::new(&mut input, 100);
        let mut all = Vec::new();
        while let Some(line) = lines.next().unwrap() {
            let cells: Vec<_> = line.cells().map(String::from_utf8_lossy).collect();
            all.push(format!("{}:{}", line.number, cells.join("|")));
        }
        all
    }

    #[test]
    fn lines_end_in_lf_crlf_or_cr_wherever_the_buffer_ends() {
        for end in ["\n", "\r\n", "\r"] {
            let text = ["\u{FEFF}a\tb", "", "c\t", "!x\ty", "d"].join(end);
            for capacity in 1..20 {
                let expected = ["1:a|b", "2:", "3:c|", "4:", "5:d"];
                assert_eq!(lines(text.as_bytes(), capacity), expected, "{end:?} {capacity}");
            }
        }
        assert_eq!(lines(b"", 8), [""; 0]);
    }

    #[test]
    fn a_line_is_bounded() {
        let text = [b'x'; 101];
        let mut input = Cursor::new(&text[..]);
        let failure = Lines::new(&mut input, 100).next().err().unwrap().into_failure();
        assert_eq!(failure.to_string().split(" =").next(), Some("too_large: more than token_bytes_max"));
    }
}
