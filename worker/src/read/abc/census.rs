//! A count of notes, rests, measures and voices by their letters alone, apart from the reading, so that no loss is
//! silent.

use super::cursor::Cursor;
use std::collections::BTreeMap;

/// What the lines of a tune hold.
#[derive(Debug, Default)]
pub(super) struct Census {
    pub(super) notes: u64,
    pub(super) rests: u64,
    pub(super) measures: u64,
    names: BTreeMap<Box<[u8]>, usize>,
    /// Whether a measure of each voice is open.
    open: Vec<bool>,
    current: usize,
    /// Between braces, where a rest takes no time and none is meant.
    grace: bool,
}

impl Census {
    /// How many voices there are.
    pub(super) fn voices(&self) -> u64 {
        self.open.len() as u64
    }

    /// A `V:` field.
    pub(super) fn voice(&mut self, field: &[u8]) {
        let name = field.trim_ascii().split(|byte| matches!(byte, b' ' | b'\t')).next().unwrap_or_default();
        let name = name.split(|&byte| byte == b',').next().unwrap_or_default();
        if name.is_empty() || name == b"*" {
            return;
        }
        self.current = match self.names.get(name) {
            Some(&known) => known,
            None => {
                self.names.insert(name.into(), self.open.len());
                self.open.push(false);
                self.open.len() - 1
            }
        };
    }

    /// The header is over: music that no `V:` claims goes to the first voice.
    pub(super) fn rewind(&mut self) {
        self.current = 0;
    }

    /// A line of music, without its comment.
    pub(super) fn line(&mut self, line: &[u8]) {
        let mut cursor = Cursor::new(line);
        self.grace = false;
        while let Some(byte) = cursor.take() {
            match byte {
                b'A'..=b'G' | b'a'..=b'g' => {
                    self.notes += 1;
                    self.open(1);
                }
                b'{' => self.grace = true,
                b'}' => self.grace = false,
                b'z' | b'x' if !self.grace => {
                    self.rests += 1;
                    self.open(1);
                }
                b'Z' | b'X' => {
                    let count = u64::from(cursor.number().unwrap_or(1));
                    self.rests += count;
                    self.close();
                    self.open(count);
                }
                b'|' => self.close(),
                b'(' if cursor.peek().is_some_and(|byte| byte.is_ascii_digit()) => {
                    cursor.take_while(|byte| byte.is_ascii_digit() || byte == b':');
                }
                b':' if cursor.peek() == Some(b':') => self.close(),
                b'"' => {
                    cursor.until(b'"');
                }
                b'!' | b'+' => {
                    cursor.skip(decoration(cursor.rest(), byte).unwrap_or(0));
                }
                b'[' if is_field(cursor.rest()) => match cursor.until(b']') {
                    Some([b'V', _, voice @ ..]) => self.voice(voice),
                    Some(_) => {}
                    None => return, // The rest of the line is lost with the field that is not closed, as is told.
                },
                _ => {}
            }
        }
    }

    fn open(&mut self, measures: u64) {
        if self.open.is_empty() {
            self.voice(b"1");
        }
        if self.open.get_mut(self.current).is_some_and(|open| !std::mem::replace(open, true)) {
            self.measures += measures;
        }
    }

    fn close(&mut self) {
        if let Some(open) = self.open.get_mut(self.current) {
            *open = false;
        }
    }
}

/// Whether a line, or what follows a `[`, is a field: `K:G`. `d:|` is music.
pub(super) fn is_field(text: &[u8]) -> bool {
    match text {
        [b'A'..=b'G' | b'a'..=b'g' | b'z', b':', b'|' | b':', ..] => false,
        [letter, b':', ..] => letter.is_ascii_alphabetic(),
        _ => false,
    }
}

/// Length of a decoration, its end mark included, if what follows a `!` or `+` is one: `!trill!`. A lone `!` is a line
/// break of old dialects.
pub(super) fn decoration(rest: &[u8], mark: u8) -> Option<usize> {
    let end = memchr::memchr(mark, rest).filter(|&end| (1..=40).contains(&end))?;
    let name = rest.get(..end)?;
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || b".()<>-_/^'~*".contains(byte);
    let known = mark == b'!'
        || matches!(name, b"f" | b"p")
        || name.iter().any(|byte| !b"abcdefgABCDEFG".contains(byte));
    (known && name.iter().all(is_name)).then_some(end + 1)
}
