//! A count of notes, rests, measures and voices by their letters alone, apart from the reading, so that no loss is
//! silent.

use super::cursor::Cursor;
use super::signs::is_dynamic;
use std::collections::BTreeMap;

/// What the lines of a tune hold.
#[derive(Debug, Default)]
pub(super) struct Census {
    pub(super) notes: u64,
    pub(super) rests: u64,
    pub(super) measures: u64,
    names: BTreeMap<Box<[u8]>, usize>,
    voices: Vec<Count>,
    /// How many measures there were when the last staves began.
    base: u64,
    current: usize,
    /// Between braces, where a rest takes no time and none is meant.
    grace: bool,
    /// `!` breaks lines and opens no decoration.
    pub(super) bangs_break: bool,
    /// Layers follow one another, as music21 has it.
    is_flat: bool,
}

/// The measures of a voice.
#[derive(Clone, Copy, Debug, Default)]
struct Count {
    /// How many there are, the one that is open at the end included.
    begun: u64,
    /// Whether that one is open.
    end_is_open: bool,
    /// Which of them is read, from 0: an earlier one where a layer lies over it.
    at: u64,
    /// Whether something stands in that one already.
    open: bool,
    /// Where `(&` stands.
    group: Option<u64>,
}

impl Count {
    /// Something stands in this measure, or in so many of them. Says how many are new.
    fn open(&mut self, measures: u64) -> u64 {
        if std::mem::replace(&mut self.open, true) {
            return 0;
        }
        let new = (self.at + measures).saturating_sub(self.begun);
        self.at += measures.saturating_sub(1);
        self.begun += new;
        self.end_is_open |= new > 0;
        new
    }

    /// A bar line.
    fn close(&mut self) {
        if !std::mem::take(&mut self.open) {
            return;
        }
        self.at += 1;
        self.end_is_open &= self.at < self.begun;
        self.open = self.end_is_open && self.at + 1 == self.begun;
    }

    /// So many signs `&`: what follows lies over earlier measures, if there are as many.
    fn overlay(&mut self, count: u64) {
        let back = if self.open { count - 1 } else { count };
        let target = self.group.map_or(self.at.checked_sub(back), |group| Some(group.min(self.at)));
        if let Some(target) = target {
            self.at = target;
            self.open = self.end_is_open && self.at + 1 == self.begun;
        }
    }

    /// The layers are over.
    fn end_layers(&mut self) {
        self.group = None;
        let end = self.begun - u64::from(self.end_is_open);
        if self.at < end {
            (self.at, self.open) = (end, self.end_is_open);
        }
    }
}

impl Census {
    pub(super) fn new(is_flat: bool) -> Self {
        Census { is_flat, ..Census::default() }
    }

    /// How many voices there are.
    pub(super) fn voices(&self) -> u64 {
        self.voices.len() as u64
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
                self.names.insert(name.into(), self.voices.len());
                self.voices.push(Count { begun: self.base, at: self.base, ..Count::default() });
                self.measures += self.base;
                self.voices.len() - 1
            }
        };
    }

    /// The header is over: music that no `V:` claims goes to the first voice.
    pub(super) fn rewind(&mut self) {
        self.current = 0;
    }

    /// New staves begin: every voice comes to where the furthest is, those to come too.
    pub(super) fn sync(&mut self) {
        self.base = self.voices.iter().map(|voice| voice.begun).max().unwrap_or(0);
        for voice in &mut self.voices {
            voice.end_layers();
            if voice.begun < self.base {
                self.measures += self.base - voice.begun;
                *voice = Count { begun: self.base, at: self.base, ..Count::default() };
            }
        }
    }

    /// A line of music, without its comment.
    pub(super) fn line(&mut self, line: &[u8]) {
        let mut cursor = Cursor::new(line);
        self.grace = false;
        while let Some(byte) = cursor.take() {
            match byte {
                b' ' | b'0'..=b'9' => {}
                b'A'..=b'G' | b'a'..=b'g' => {
                    self.notes += 1;
                    if !self.is_open() {
                        self.open(1);
                    }
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
                    // A layer may have come to the measure that is open at the end: the first of them fills that.
                    let fills = u64::from(self.current().is_some_and(|voice| voice.open));
                    if count > fills {
                        self.close();
                        self.open(count - fills);
                    }
                }
                b'|' => self.close(),
                b'(' if cursor.peek() == Some(b'&') && !self.is_flat => {
                    cursor.skip(1);
                    self.layers(true);
                }
                b'&' if !self.is_flat => match cursor.take_if(b')') {
                    true => self.layers(false),
                    false => self.overlay(1 + u64::from(cursor.count(b'&'))),
                },
                b'(' if cursor.peek().is_some_and(|byte| byte.is_ascii_digit()) => {
                    cursor.take_while(|byte| byte.is_ascii_digit() || byte == b':');
                }
                b':' if cursor.peek() == Some(b':') => self.close(),
                b'"' => {
                    cursor.until(b'"');
                }
                b'!' if self.bangs_break => {}
                b'+' if !self.is_flat
                    && decoration(cursor.rest(), b'+', false).is_none()
                    && is_plus_chord(cursor.rest()) =>
                {
                    let chord = cursor.until(b'+').unwrap_or_default();
                    self.notes += chord.iter().filter(|byte| byte.is_ascii_alphabetic()).count() as u64;
                    self.open(1);
                }
                b'!' | b'+' => {
                    cursor.skip(decoration(cursor.rest(), byte, self.is_flat).unwrap_or(0));
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

    /// Whether something stands in the measure already.
    fn is_open(&self) -> bool {
        self.voices.get(self.current).is_some_and(|voice| voice.open)
    }

    fn open(&mut self, measures: u64) {
        let new = self.current().map_or(0, |voice| voice.open(measures));
        self.measures += new;
    }

    /// The voice that is counted; where none was named, it is the first.
    fn current(&mut self) -> Option<&mut Count> {
        if self.voices.is_empty() {
            self.voice(b"1");
        }
        self.voices.get_mut(self.current)
    }

    fn close(&mut self) {
        if let Some(voice) = self.current() {
            voice.close();
        }
    }

    /// `(&` or `&)`.
    fn layers(&mut self, begin: bool) {
        let Some(voice) = self.current() else { return };
        if begin {
            voice.group = Some(voice.at);
        } else {
            voice.end_layers();
        }
    }

    fn overlay(&mut self, count: u64) {
        if let Some(voice) = self.current() {
            voice.overlay(count);
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

/// Whether what follows a `+` is a chord of old, `+CEG+`: notes with their signs and lengths, up to another `+`.
pub(super) fn is_plus_chord(rest: &[u8]) -> bool {
    let end = memchr::memchr(b'+', rest).filter(|&end| (1..=40).contains(&end));
    end.and_then(|end| rest.get(..end)).is_some_and(are_notes)
}

/// Whether a text is notes, with their signs and lengths, and nothing else.
fn are_notes(text: &[u8]) -> bool {
    let mut notes = text.iter().filter(|byte| matches!(byte, b'A'..=b'G' | b'a'..=b'g'));
    notes.next().is_some() && text.iter().all(|byte| b"abcdefgABCDEFG^_=,'/0123456789".contains(byte))
}

/// Length of a decoration, its end mark included, if what follows a `!` or `+` is one: `!trill!`. A lone `!` is a line
/// break of old dialects, and so is one before notes, but for `compat`.
pub(super) fn decoration(rest: &[u8], mark: u8, compat: bool) -> Option<usize> {
    let end = memchr::memchr(mark, rest).filter(|&end| (1..=40).contains(&end))?;
    let name = rest.get(..end)?;
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || b".()<>-_/^'~*".contains(byte);
    let known = match compat {
        true => {
            let others = name.iter().any(|byte| !b"abcdefgABCDEFG".contains(byte));
            mark == b'!' || matches!(name, b"f" | b"p") || others
        }
        false => is_dynamic(name) || !are_notes(name),
    };
    (known && name.iter().all(is_name)).then_some(end + 1)
}
