//! A place in a line of bytes, and the small steps that all of ABC's grammars share.

/// The bytes of a line and how far they were read.
#[derive(Clone, Copy)]
pub(super) struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Cursor { bytes, at: 0 }
    }

    /// How many bytes were read.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// The next byte, which is not taken.
    pub(super) fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// The byte after the next.
    pub(super) fn second(&self) -> Option<u8> {
        self.bytes.get(self.at + 1).copied()
    }

    /// What was not read yet.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or(&[])
    }

    /// What was read.
    pub(super) fn taken(&self) -> &'a [u8] {
        self.bytes.get(..self.at).unwrap_or(&[])
    }

    /// Takes the next byte.
    pub(super) fn take(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }

    /// Takes the next byte if it is this one.
    pub(super) fn take_if(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    /// Takes `count` bytes, or what there is.
    pub(super) fn skip(&mut self, count: usize) {
        self.at = (self.at + count).min(self.bytes.len());
    }

    /// Takes bytes as long as they are of a kind.
    pub(super) fn take_while(&mut self, kind: impl Fn(u8) -> bool) -> &'a [u8] {
        let rest = self.rest();
        let end = rest.iter().position(|&byte| !kind(byte)).unwrap_or(rest.len());
        self.at += end;
        rest.get(..end).unwrap_or(rest)
    }

    /// Takes how often a byte is repeated.
    pub(super) fn count(&mut self, byte: u8) -> u32 {
        u32::try_from(self.take_while(|next| next == byte).len()).unwrap_or(u32::MAX)
    }

    /// Takes blanks.
    pub(super) fn blanks(&mut self) {
        self.take_while(|byte| byte == b' ' || byte == b'\t');
    }

    /// Takes a whole number; one that does not fit is the largest that does.
    pub(super) fn number(&mut self) -> Option<u32> {
        let digits = self.take_while(|byte| byte.is_ascii_digit());
        let add = |sum: u32, &digit: &u8| sum.saturating_mul(10).saturating_add(u32::from(digit - b'0'));
        (!digits.is_empty()).then(|| digits.iter().fold(0, add))
    }

    /// Takes what stands before the next `byte`, and that byte; nothing if there is none.
    pub(super) fn until(&mut self, byte: u8) -> Option<&'a [u8]> {
        let rest = self.rest();
        let end = memchr::memchr(byte, rest)?;
        self.at += end + 1;
        rest.get(..end)
    }

    /// Takes a word: what stands before the next blank, quoted text with blanks included.
    pub(super) fn word(&mut self) -> Option<&'a [u8]> {
        self.blanks();
        let start = self.at;
        while let Some(byte) = self.peek().filter(|byte| !matches!(byte, b' ' | b'\t')) {
            self.at += 1;
            if byte == b'"' {
                self.until(b'"');
            }
        }
        self.bytes.get(start..self.at).filter(|word| !word.is_empty())
    }
}
