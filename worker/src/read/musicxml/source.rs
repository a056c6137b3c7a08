//! The bytes of a document on their way to the XML parser: where they stand, and how long one token may be.

use super::word;
use memchr::{memchr, memchr_iter, memchr2};
use shared::failure::Failure;
use shared::limits::exceeded;
use shared::place::Place;
use std::cell::Cell;
use std::io::{self, Read};
use std::ops::Range;

/// Bytes held at once.
const BUFFER_BYTES: usize = 64 << 10;

thread_local! {
    /// The buffer of the document before, if it did not grow: a new one would be cleared for each, and a short score has two
    /// documents.
    static SPARE: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// How far markup is looked for word by word, which beats a search in longer strides up to there.
const NEAR_BYTES: usize = 32;

/// A buffered source that holds one token whole and knows its line and column.
///
/// Lines are counted when somebody asks for a place or when bytes leave the buffer, so that a token costs nothing.
pub(super) struct Source<'a> {
    input: Box<dyn Read + 'a>,
    /// Filled up to `end`; a token that is longer makes it grow.
    buffer: Vec<u8>,
    end: usize,
    /// What is unread begins here.
    at: usize,
    /// Start of the token.
    mark: usize,
    /// Line, column and whether a carriage return went before, at `counted` bytes into the buffer.
    cursor: Cursor,
    counted: usize,
    /// Whether a carriage return was ever in the buffer.
    returns: bool,
    token_bytes_max: u64,
    /// A character that XML forbids follows the buffer.
    forbidden: bool,
    /// What the input failed with, behind the buffer.
    failed: Option<io::Error>,
}

#[derive(Clone, Copy)]
struct Cursor {
    line: u32,
    column: usize,
    after_return: bool,
}

impl Cursor {
    /// Walks over `bytes`, in which there may be carriage returns. A line ends at a line feed, a carriage return, or both
    /// in that order.
    fn pass(&mut self, bytes: &[u8], returns: bool) {
        let Some(&last) = bytes.last() else { return };
        let last_of = |end| bytes.iter().rposition(|&byte| byte == end);
        let mut ends = line_feeds(bytes);
        let mut last_end = if ends > 0 { last_of(b'\n') } else { None };
        if returns && memchr(b'\r', bytes).is_some() {
            let returns = memchr_iter(b'\r', bytes);
            // One that a line feed follows is counted with that line feed.
            ends += returns.filter(|&at| bytes.get(at + 1).is_some_and(|&next| next != b'\n')).count();
            ends += usize::from(last == b'\r');
            last_end = last_end.max(last_of(b'\r'));
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

/// How many line feeds there are. They are counted in bytes, as many at once as fit into one, for which the compiler has many
/// bytes looked at together: faster than `memchr_iter` for the few hundred between two notes (decision 159).
fn line_feeds(bytes: &[u8]) -> usize {
    let of_chunk = |chunk: &[u8]| chunk.iter().map(|&byte| u8::from(byte == b'\n')).sum::<u8>();
    bytes.chunks(192).map(|chunk| usize::from(of_chunk(chunk))).sum()
}

impl<'a> Source<'a> {
    /// A source over UTF-8 text without a byte order mark.
    pub(super) fn new(input: Box<dyn Read + 'a>, token_bytes_max: u64) -> Self {
        let mut buffer = SPARE.take();
        buffer.resize(BUFFER_BYTES, 0);
        Source {
            input,
            buffer,
            end: 0,
            at: 0,
            mark: 0,
            cursor: Cursor { line: 1, column: 1, after_return: false },
            counted: 0,
            returns: false,
            token_bytes_max,
            forbidden: false,
            failed: None,
        }
    }

    /// What is unread and in the buffer.
    pub(super) fn unread(&self) -> &[u8] {
        self.buffer.get(self.at..self.end).unwrap_or_default()
    }

    /// A part of the buffer. It stays where it is until [`Source::more`] is called.
    pub(super) fn bytes(&self, part: &Range<usize>) -> &[u8] {
        self.buffer.get(part.clone()).unwrap_or_default()
    }

    /// Passes over unread bytes; says where in the buffer they are.
    pub(super) fn pass(&mut self, count: usize) -> usize {
        let start = self.at;
        self.at = self.end.min(start.saturating_add(count));
        start
    }

    /// Passes over text that nobody wants, up to markup or a reference. Text that goes on behind the buffer stays, so
    /// that its length is bounded like that of every token.
    pub(super) fn skip_text(&mut self) {
        let unread = self.unread();
        // Between most tags there is a line end and some blanks, or nothing.
        let near = unread.get(..NEAR_BYTES).unwrap_or(unread);
        let near = word::first(near, |word| word::equal(word, b'<') | word::equal(word, b'&'));
        if let Some(length) = near.or_else(|| memchr2(b'<', b'&', unread)) {
            self.at += length;
        }
    }

    /// A token begins here.
    pub(super) fn mark(&mut self) {
        self.mark = self.at;
    }

    /// Where the token began.
    pub(super) fn place(&mut self) -> Place {
        if let Some(bytes) = self.buffer.get(self.counted..self.mark) {
            self.cursor.pass(bytes, self.returns);
            self.counted = self.mark;
        }
        self.cursor.place()
    }

    /// Reads more bytes behind those of the token; false at the end of the input.
    pub(super) fn more(&mut self) -> io::Result<bool> {
        let place = self.place();
        if self.end.saturating_sub(self.mark) as u64 > self.token_bytes_max {
            return Err(io::Error::other(exceeded("token_bytes_max", self.token_bytes_max, Some(place))));
        }
        if self.forbidden {
            self.cursor.pass(self.buffer.get(self.mark..self.end).unwrap_or_default(), self.returns);
            let message = "a control character, which XML forbids";
            return Err(io::Error::other(Failure::malformed(self.cursor.place(), message)));
        }
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        self.buffer.copy_within(self.mark..self.end, 0);
        self.at -= self.mark;
        self.end -= self.mark;
        (self.mark, self.counted) = (0, 0);
        if self.end == self.buffer.len() {
            self.buffer.resize(self.end.saturating_mul(2), 0);
        }
        let from = self.end;
        self.fill();
        self.stop_at_forbidden(from);
        match self.failed.take() {
            Some(error) if self.end == from => Err(error),
            failed => {
                self.failed = failed;
                Ok(self.end > from || self.forbidden)
            }
        }
    }

    /// Fills the buffer, so that a token is not looked for too often.
    fn fill(&mut self) {
        while let Some(free) = self.buffer.get_mut(self.end..).filter(|free| !free.is_empty()) {
            match self.input.read(free) {
                Ok(0) => break,
                Ok(count) => self.end += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.failed = Some(error);
                    break;
                }
            }
        }
    }

    /// Ends the buffer before the first character that XML forbids; the next reading complains.
    fn stop_at_forbidden(&mut self, from: usize) {
        let bytes = self.buffer.get(from..self.end).unwrap_or_default();
        self.returns = self.returns || memchr(b'\r', bytes).is_some();
        // Without a branch in the loop, so that it runs on many bytes at once.
        if bytes.iter().fold(false, |any, &byte| any | is_forbidden(byte)) {
            self.forbidden = true;
            self.end = from + bytes.iter().position(|&byte| is_forbidden(byte)).unwrap_or(bytes.len());
        }
    }
}

impl Drop for Source<'_> {
    fn drop(&mut self) {
        if self.buffer.len() == BUFFER_BYTES {
            SPARE.set(std::mem::take(&mut self.buffer));
        }
    }
}

fn is_forbidden(byte: u8) -> bool {
    (byte < b' ') & (byte != b'\n') & (byte != b'\t') & (byte != b'\r')
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
            while source.unread().is_empty() {
                source.mark();
                assert!(source.more().unwrap());
            }
            source.pass(1);
        }
        source.mark();
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
            match source.more() {
                Ok(more) => assert!(more),
                Err(error) => break error,
            }
        };
        let failure = error.get_ref().unwrap().downcast_ref::<Failure>().unwrap();
        assert_eq!(failure.kind, FailureKind::TooLarge);

        let mut source = Source::new(Box::new(&b"a\nb\x01c"[..]), 100);
        assert!(source.more().unwrap());
        assert_eq!(source.unread(), b"a\nb");
        let error = source.more().unwrap_err();
        let failure = error.get_ref().unwrap().downcast_ref::<Failure>().unwrap();
        assert_eq!(failure.place, Some(Place::line(2, 2)));
    }

    #[test]
    fn what_came_before_a_failing_input_is_given_first() {
        let failing = b"abc".chain(Failing);
        let mut source = Source::new(Box::new(failing), 100);
        assert!(source.more().unwrap());
        assert_eq!(source.unread(), b"abc");
        assert!(source.more().is_err());
    }

    struct Failing;

    impl Read for Failing {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("gone"))
        }
    }
}
