//! Macros (standard 2.1, section 9): text that stands for other text, for one note or for any.

use super::cursor::Cursor;

/// The most bytes that a line may grow to.
const EXPANDED_MAX: usize = 1 << 20;

/// The most macros of a tune: each is tried at each byte of its lines.
const MACROS_MAX: usize = 256;

const NOTES: &[u8; 7] = b"CDEFGAB";

/// One macro.
#[derive(Clone, Debug)]
struct Macro {
    target: Box<[u8]>,
    /// Where in the target the `n` stands for any note.
    note: Option<usize>,
    text: Box<[u8]>,
}

/// The macros that hold.
#[derive(Clone, Debug, Default)]
pub(super) struct Macros {
    all: Vec<Macro>,
}

/// A line with its macros replaced.
#[derive(Debug, Default)]
pub(super) struct Expanded {
    pub(super) text: Vec<u8>,
    /// Where stretches of it begin, where they come from, and whether byte by byte.
    pub(super) origins: Vec<(usize, usize, bool)>,
    /// It grew beyond all measure: the rest stands as it is written.
    pub(super) is_cut: bool,
}

impl Macros {
    /// Takes an `m:` field such as `~n3 = n{o}n{m}n`. Says whether it is one.
    pub(super) fn take(&mut self, value: &[u8]) -> bool {
        let Some(equals) = memchr::memchr(b'=', value.get(1..).unwrap_or_default()) else { return false };
        let (target, text) = value.split_at(equals + 1);
        let (target, text) = (target.trim_ascii(), text.get(1..).unwrap_or_default().trim_ascii());
        if target.is_empty() || self.all.len() >= MACROS_MAX {
            return false;
        }
        let note = memchr::memchr(b'n', target);
        self.all.retain(|known| *known.target != *target);
        self.all.push(Macro { target: target.into(), note, text: text.into() });
        true
    }

    /// A line of music with its macros replaced; `None` where it has none.
    pub(super) fn expand(&self, line: &[u8]) -> Option<Expanded> {
        if self.all.is_empty() {
            return None;
        }
        let mut out = Expanded::default();
        let mut cursor = Cursor::new(line);
        let mut copied = 0;
        while let Some(byte) = cursor.peek() {
            let at = cursor.at();
            let found = self.all.iter().find_map(|known| Some((known, known.matches(cursor.rest())?)));
            if let Some((known, (length, note))) = found {
                if out.text.len() + known.text.len() * 4 + line.len() > EXPANDED_MAX {
                    out.is_cut = true;
                    break;
                }
                out.copy(line, copied, at);
                out.origins.push((out.text.len(), at, false));
                known.write(note, &mut out.text);
                cursor.skip(length);
                copied = cursor.at();
                continue;
            }
            cursor.skip(1);
            if byte == b'"' {
                cursor.until(b'"');
            }
        }
        out.copy(line, copied, line.len());
        (copied > 0 || out.is_cut).then_some(out)
    }
}

impl Expanded {
    fn copy(&mut self, line: &[u8], from: usize, to: usize) {
        self.origins.push((self.text.len(), from, true));
        self.text.extend_from_slice(line.get(from..to).unwrap_or_default());
    }
}

impl Macro {
    /// How many bytes of the text it stands for, and the note that `n` is, in steps from middle C.
    fn matches(&self, text: &[u8]) -> Option<(usize, i32)> {
        let Some(note) = self.note else {
            return text.starts_with(&self.target).then_some((self.target.len(), 0));
        };
        let (before, after) = (self.target.get(..note)?, self.target.get(note + 1..)?);
        let mut cursor = Cursor::new(text.strip_prefix(before)?);
        let letter = cursor.take()?;
        let step = NOTES.iter().position(|&known| known == letter.to_ascii_uppercase())?;
        let mut steps = i32::try_from(step).ok()? + if letter.is_ascii_lowercase() { 7 } else { 0 };
        for mark in cursor.take_while(|byte| byte == b',' || byte == b'\'') {
            steps = steps.saturating_add(if *mark == b',' { -7 } else { 7 });
        }
        let rest = cursor.rest().strip_prefix(after)?;
        // A note of another length is none of this macro's.
        let is_whole = !rest.first().is_some_and(|byte| byte.is_ascii_digit() || *byte == b'/');
        (is_whole && steps.abs() < 700).then_some((text.len() - rest.len(), steps))
    }

    /// Writes what it stands for.
    fn write(&self, note: i32, out: &mut Vec<u8>) {
        if self.note.is_none() {
            return out.extend_from_slice(&self.text);
        }
        for &byte in &self.text {
            if !matches!(byte, b'h'..=b'z') {
                out.push(byte);
                continue;
            }
            let steps = note + i32::from(byte) - i32::from(b'n');
            let (octave, step) = (steps.div_euclid(7), steps.rem_euclid(7));
            let letter = usize::try_from(step).ok().and_then(|step| NOTES.get(step)).copied().unwrap_or(b'C');
            out.push(if octave > 0 { letter.to_ascii_lowercase() } else { letter });
            let (mark, count) = if octave > 0 { (b'\'', octave - 1) } else { (b',', -octave) };
            out.extend((0..count).map(|_| mark));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expand(macros: &[&str], line: &str) -> String {
        let mut all = Macros::default();
        for text in macros {
            assert!(all.take(text.as_bytes()), "{text}");
        }
        all.expand(line.as_bytes()).map_or("-".into(), |expanded| String::from_utf8(expanded.text).unwrap())
    }

    #[test]
    fn macros_are_replaced() {
        assert_eq!(expand(&["~G3 = G{A}G{F}G"], "A ~G3 B"), "A G{A}G{F}G B");
        assert_eq!(expand(&["~n3 = n{o}n{m}n"], "~G3~c3 ~g2~B,3"), "G{A}G{F}Gc{d}c{B}c ~g2B,{C}B,{A,}B,");
        assert_eq!(expand(&["~n2 = (3o/n/m/ n"], "~b2 ~C2"), "(3c'/b/a/ b (3D/C/B,/ C");
        assert_eq!(expand(&["n2=lmnopq"], "A2"), "FGABcd");
        assert_eq!(expand(&["x=y", "x=z"], "\"x\" A x"), "\"x\" A z");
        assert_eq!(expand(&["~g2 = {a}g{f}g"], "A B"), "-");
        for text in ["", "~G3", "=G"] {
            assert!(!Macros::default().take(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn what_was_replaced_keeps_its_origin() {
        let mut all = Macros::default();
        all.take(b"~n2 = n/o/n");
        let expanded = all.expand(b"A ~G2 B").unwrap();
        assert_eq!(expanded.text, b"A G/A/G B");
        assert_eq!(expanded.origins, [(0, 0, true), (2, 2, false), (7, 5, true)]);
    }

    #[test]
    fn a_line_does_not_grow_without_bound() {
        let mut all = Macros::default();
        all.take(format!("h={}", "A".repeat(200)).as_bytes());
        let expanded = all.expand("h".repeat(100_000).as_bytes()).unwrap();
        assert!(expanded.is_cut && expanded.text.len() <= EXPANDED_MAX);
    }
}
