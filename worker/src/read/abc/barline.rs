//! Bar lines and decorations that bend the order of playing (standard 2.1, sections 4.8, 4.9 and 4.14).

use super::cursor::Cursor;
use crate::score::{Endings, Mark};

/// A bar line with the number of the ending that begins there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Barline {
    /// How often what ends here is played.
    pub(super) times: Option<u8>,
    /// Something that is repeated begins.
    pub(super) starts: bool,
    /// A double or thick line, which an ending does not reach over.
    pub(super) is_strong: bool,
    pub(super) ending: Option<Endings>,
}

impl Barline {
    /// Reads `|`, `||`, `|]`, `[|`, `|:`, `:|`, `::`, `|1`, `:|2` and the like; `::|` is played three times.
    pub(super) fn read(cursor: &mut Cursor) -> Self {
        let bracket = cursor.take_if(b'[');
        let sign = cursor.take_while(|byte| matches!(byte, b'|' | b':' | b']'));
        let colons = |bytes: &mut dyn Iterator<Item = &u8>| bytes.take_while(|&&byte| byte == b':').count();
        let (mut before, mut after) = (colons(&mut sign.iter()), colons(&mut sign.iter().rev()));
        if before == sign.len() {
            (before, after) = (before / 2, before / 2);
        }
        let times = u8::try_from(before + 1).unwrap_or(u8::MAX);
        let strokes = sign.iter().filter(|&&byte| byte == b'|').count();
        Barline {
            times: (before > 0).then_some(times),
            starts: after > 0,
            is_strong: bracket || strokes > 1 || sign.contains(&b']'),
            ending: ending(cursor),
        }
    }
}

/// Reads the number of an ending: `1`, `1,3`, `1-3`.
pub(super) fn ending(cursor: &mut Cursor) -> Option<Endings> {
    cursor.peek().filter(u8::is_ascii_digit)?;
    let is_number = |byte: u8| byte.is_ascii_digit() || matches!(byte, b',' | b'-' | b'.');
    Some(Endings::parse(cursor.take_while(is_number)))
}

/// The mark that a decoration is, and whether it stands at the end of its measure.
pub(super) fn mark(decoration: &[u8]) -> Option<(Mark, bool)> {
    Some(match decoration {
        b"segno" | b"S" => (Mark::Segno, false),
        b"coda" | b"O" => (Mark::Coda, false),
        b"dacoda" => (Mark::ToCoda, true),
        b"D.C." | b"dacapo" | b"D.C.alcoda" | b"D.C.alfine" => (Mark::DaCapo, true),
        b"D.S." | b"D.S.alcoda" | b"D.S.alfine" => (Mark::DalSegno, true),
        b"fine" => (Mark::Fine, true),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bar_lines() {
        let line = |times, starts, is_strong| Barline { times, starts, is_strong, ending: None };
        for (text, expected) in [
            ("|", line(None, false, false)),
            ("||", line(None, false, true)),
            ("[|", line(None, false, true)),
            ("|]", line(None, false, true)),
            ("|:", line(None, true, false)),
            (":|", line(Some(2), false, false)),
            ("::", line(Some(2), true, false)),
            (":|:", line(Some(2), true, false)),
            (":||:", line(Some(2), true, true)),
            ("::|", line(Some(3), false, false)),
            (":|2", Barline { ending: Some(Endings::of([2])), ..line(Some(2), false, false) }),
            ("|1,3", Barline { ending: Some(Endings::of([1, 3])), ..line(None, false, false) }),
        ] {
            assert_eq!(Barline::read(&mut Cursor::new(text.as_bytes())), expected, "{text}");
        }
    }
}
