//! The bytes of a document on their way to the XML parser: where they stand, and how long one token may be.

use memchr::{memchr, memchr_iter, memchr2, memrchr};
use shared::failure::Failure;
use shared::limits::exceeded;
use shared::place::Place;
use std::io::{self, BufRead, Read};

/// Bytes held at once.
const BUFFER_BYTES: usize = 64 << 10;

/// A buffered source that knows line and column of the token that is being read.
///
/// Lines are counted when somebody asks for a place or when bytes leave the buffer, so that a token costs nothing.
pub(super) struct Source<'a> {
    input: Box<dyn Read + 'a>,
    buffer: Vec<u8>,
    /// The unread part of the buffer.
    unread: std::ops::Range<usize>,
    /// Line, column and whether a carriage return went before, at `counted` bytes into the buffer.
    cursor: Cursor,
    counted: usize,
    /// Start of the token, in the buffer or, when that has been refilled since, as a place.
    mark: usize,
    mark_left: Option<Place>,
    /// Bytes of the token that have left the buffer.
    token_bytes: u64,
    token_bytes_max: u64,
    /// A character that XML forbids follows the buffer.
    forbidden: bool,
}

#[derive(Clone, Copy)]
struct Cursor {
    line: u32,
    column: usize,
    after_return: bool,
}

impl Cursor {
    /// Walks over `bytes`. A line ends at a line feed, a carriage return, or both in that order.
    fn pass(&mut self, bytes: &[u8]) {
        let Some(&last) = bytes.last() else { return };
        let mut ends = memchr_iter(b'\n', bytes).count();
        let mut last_end = memrchr(b'\n', bytes);
        if memchr(b'\r', bytes).is_some() {
            let returns = memchr_iter(b'\r', bytes);
            // One that a line feed follows is counted with that line feed.
            ends += returns.filter(|&at| bytes.get(at + 1).is_some_and(|&next| next != b'\n')).count();
            ends += usize::from(last == b'\r');
            last_end = last_end.max(memrchr(b'\r', bytes));
        }
        if self.after_return && bytes.first() == Some(&b'\n') {
            ends = ends.saturating_sub(1);
        }
        self.line = self.line.saturating_add(u32::try_from(ends).unwrap_or(u32::MAX));
        self.column = match last_end {
            Some(at) => bytes.len() - at,
            None => self.column.saturating_add(bytes.len()),
        };
        self.after_return = last == b'\r';
    }

    fn place(self) -> Place {
        Place::line(self.line, u32::try_from(self.column).unwrap_or(u32::MAX))
    }
}

impl<'a> Source<'a> {
    /// A source over UTF-8 text without a byte order mark.
    pub(super) fn new(input: Box<dyn Read + 'a>, token_bytes_max: u64) -> Self {
        Source {
            input,
            buffer: vec![0; BUFFER_BYTES],
            unread: 0..0,
            cursor: Cursor { line: 1, column: 1, after_return: false },
            counted: 0,
            mark: 0,
            mark_left: None,
            token_bytes: 0,
            token_bytes_max,
            forbidden: false,
        }
    }

    /// Passes over text that nobody wants, up to markup or a reference. Text that goes on behind the buffer stays, so
    /// that its length is bounded like that of every token.
    pub(super) fn skip_text(&mut self) {
        let unread = self.buffer.get(self.unread.clone()).unwrap_or_default();
        if let Some(length) = memchr2(b'<', b'&', unread) {
            self.unread.start += length;
        }
    }

    /// A token begins here.
    pub(super) fn mark(&mut self) {
        self.mark = self.unread.start;
        self.mark_left = None;
        self.token_bytes = 0;
    }

    /// Where the token began.
    pub(super) fn place(&mut self) -> Place {
        if let Some(place) = self.mark_left {
            return place;
        }
        self.count_to(self.mark);
        self.cursor.place()
    }

    fn count_to(&mut self, end: usize) {
        if let Some(bytes) = self.buffer.get(self.counted..end) {
            self.cursor.pass(bytes);
            self.counted = end;
        }
    }

    fn refill(&mut self) -> io::Result<()> {
        self.mark_left = Some(self.place());
        let end = self.unread.end;
        self.count_to(end);
        self.token_bytes = self.token_bytes.saturating_add(end.saturating_sub(self.mark) as u64);
        if self.token_bytes > self.token_bytes_max {
            let place = self.mark_left;
            return Err(io::Error::other(exceeded("token_bytes_max", self.token_bytes_max, place)));
        }
        (self.unread, self.counted, self.mark) = (0..0, 0, 0);
        if self.forbidden {
            let message = "a control character, which XML forbids";
            return Err(io::Error::other(Failure::malformed(self.cursor.place(), message)));
        }
        let count = loop {
            match self.input.read(&mut self.buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => break other?,
            }
        };
        self.unread = 0..count;
        self.stop_at_forbidden();
        Ok(())
    }

    /// Ends the buffer before the first character that XML forbids; the next refill complains.
    fn stop_at_forbidden(&mut self) {
        let bytes = self.buffer.get(self.unread.clone()).unwrap_or_default();
        // Without a branch in the loop, so that it runs on many bytes at once.
        if bytes.iter().fold(false, |any, &byte| any | is_forbidden(byte)) {
            self.forbidden = true;
            self.unread.end = bytes.iter().position(|&byte| is_forbidden(byte)).unwrap_or(bytes.len());
        }
    }
}

fn is_forbidden(byte: u8) -> bool {
    (byte < b' ') & (byte != b'\n') & (byte != b'\t') & (byte != b'\r')
}

impl Read for Source<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(into)?;
        self.consume(count);
        Ok(count)
    }
}

impl BufRead for Source<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        // A forbidden character at the very start of a buffer leaves it empty: then complain, do not end.
        if self.unread.is_empty() {
            self.refill()?;
            if self.unread.is_empty() && self.forbidden {
                self.refill()?;
            }
        }
        Ok(self.buffer.get(self.unread.clone()).unwrap_or_default())
    }

    fn consume(&mut self, count: usize) {
        self.unread.start = self.unread.end.min(self.unread.start.saturating_add(count));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::failure::FailureKind;

    /// Gives one byte at a time, so that every boundary is met.
    struct Drip<'a>(&'a [u8]);

    impl Read for Drip<'_> {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            let Some((first, rest)) = self.0.split_first() else { return Ok(0) };
            self.0 = rest;
            into[0] = *first;
            Ok(1)
        }
    }

    fn place_after(text: &[u8], count: usize, drip: bool) -> Place {
        let input: Box<dyn Read> = if drip { Box::new(Drip(text)) } else { Box::new(text) };
        let mut source = Source::new(input, 1 << 20);
        for _ in 0..count {
            source.fill_buf().unwrap();
            source.consume(1);
        }
        source.mark();
        source.fill_buf().unwrap();
        source.place()
    }

    #[test]
    fn lines_end_in_three_ways() {
        for text in [&b"ab\ncd\n\nx"[..], b"ab\rcd\r\rx", b"ab\r\ncd\r\n\r\nx"] {
            for drip in [false, true] {
                assert_eq!(place_after(text, text.len() - 1, drip), Place::line(4, 1), "{text:?}");
                let d = text.iter().position(|&byte| byte == b'd').unwrap();
                assert_eq!(place_after(text, d, drip), Place::line(2, 2), "{text:?}");
            }
        }
    }

    #[test]
    fn a_token_has_a_bound_and_a_forbidden_character_a_place() {
        let mut source = Source::new(Box::new(io::repeat(b'x')), 100_000);
        let error = loop {
            match source.fill_buf() {
                Ok(bytes) => {
                    let count = bytes.len();
                    source.consume(count);
                }
                Err(error) => break error,
            }
        };
        let failure = error.get_ref().unwrap().downcast_ref::<Failure>().unwrap();
        assert_eq!(failure.kind, FailureKind::TooLarge);

        let mut source = Source::new(Box::new(&b"a\nb\x01c"[..]), 100);
        assert_eq!(source.fill_buf().unwrap(), b"a\nb");
        source.consume(3);
        let error = source.fill_buf().unwrap_err();
        let failure = error.get_ref().unwrap().downcast_ref::<Failure>().unwrap();
        assert_eq!(failure.place, Some(Place::line(2, 2)));
    }
}
