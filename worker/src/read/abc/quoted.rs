//! Text in quotes: chord symbols, annotations, and the jumps that words tell (standard 2.1, 4.18 and 4.19).

use crate::score::{AnnotationKind, Mark};

/// What a text in quotes is, and the text without the sign that says where it is printed.
pub(super) fn kind(text: &[u8]) -> (AnnotationKind, &[u8]) {
    let text = text.trim_ascii();
    match text {
        [b'^' | b'_' | b'<' | b'>', words @ ..] => (AnnotationKind::Direction, words),
        [b'@', place @ ..] => {
            let is_place = |byte: &u8| byte.is_ascii_digit() || b",-+. ".contains(byte);
            let end = place.iter().position(|byte| !is_place(byte)).unwrap_or(place.len());
            (AnnotationKind::Direction, place.get(end..).unwrap_or_default())
        }
        _ if is_chord(text) => (AnnotationKind::ChordSymbol, text),
        _ => (AnnotationKind::Direction, text),
    }
}

/// Whether a text can be played as a chord: a root, its kind, a bass; several of them, or one in parentheses, too.
fn is_chord(text: &[u8]) -> bool {
    const WORDS: [&[u8]; 18] = [
        b"maj", b"Maj", b"min", b"dim", b"aug", b"sus", b"add", b"omit", b"no", b"alt", b"mi", b"ma", b"m",
        b"M", b"j", b"o", b"h", b"+",
    ];
    if matches!(text, b"N.C." | b"NC" | b"N.C") {
        return true;
    }
    let mut rest = text;
    let mut root_may_come = true;
    let mut has_root = false;
    while let Some((&byte, after)) = rest.split_first() {
        match byte {
            b'A'..=b'G' if root_may_come => {
                (root_may_come, has_root) = (false, true);
                rest = after;
            }
            b'a'..=b'g' if root_may_come && has_root => {
                root_may_come = false;
                rest = after;
            }
            b'/' | b'(' | b' ' | b';' | b',' => {
                root_may_come = true;
                rest = after;
            }
            b')' | b'0'..=b'9' | b'#' | b'b' | b'=' | b'-' | b'^' | b'*' | 0x80.. if has_root => rest = after,
            _ => {
                let word = WORDS.iter().find(|&word| rest.starts_with(word)).filter(|_| has_root);
                let Some(word) = word else { return false };
                root_may_come = false;
                rest = rest.get(word.len()..).unwrap_or_default();
            }
        }
    }
    has_root
}

/// The jump or goal that words tell, and whether it stands at the end of its measure.
pub(super) fn jump(text: &[u8]) -> Option<(Mark, bool)> {
    // Every one of them begins so, which spares most words the copy.
    if text.len() > 24
        || !matches!(text.first(), Some(b'd' | b'D' | b'f' | b'F' | b's' | b'S' | b't' | b'T' | b'c' | b'C'))
    {
        return None;
    }
    let letters = text.iter().filter(|byte| !matches!(byte, b'.' | b' ')).map(u8::to_ascii_lowercase);
    let name: Vec<u8> = letters.collect();
    Some(match name.as_slice() {
        b"dc" | b"dcalfine" | b"dcalcoda" | b"dacapo" | b"dacapoalfine" | b"dacapoalcoda" => {
            (Mark::DaCapo, true)
        }
        b"ds" | b"dsalfine" | b"dsalcoda" | b"dalsegno" | b"dalsegnoalfine" | b"dalsegnoalcoda" => {
            (Mark::DalSegno, true)
        }
        b"fine" => (Mark::Fine, true),
        b"tocoda" => (Mark::ToCoda, true),
        b"coda" => (Mark::Coda, false),
        b"segno" => (Mark::Segno, false),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chords_are_told_from_words() {
        for text in [
            "Am7", "C", "F#m7b5/A", "Bb", "Gsus4", "Dmaj7", "E+", "(Am)", "G/b", "N.C.", "C6/9", "Am/G D7",
            "Cdim",
        ] {
            assert_eq!(kind(text.as_bytes()), (AnnotationKind::ChordSymbol, text.as_bytes()), "{text}");
        }
        for text in ["Fine", "D.C.", "Coda", "Bass", "slowly", "1.", "Em part", "", "a", "Da Capo"] {
            assert_eq!(kind(text.as_bytes()), (AnnotationKind::Direction, text.as_bytes()), "{text}");
        }
        assert_eq!(kind(b"^Am"), (AnnotationKind::Direction, &b"Am"[..]));
        assert_eq!(kind(b"@-10,5.5 rit."), (AnnotationKind::Direction, &b"rit."[..]));
    }

    #[test]
    fn words_may_be_jumps() {
        for (text, mark) in [
            ("D.C. al Fine", Some((Mark::DaCapo, true))),
            ("d.s.", Some((Mark::DalSegno, true))),
            ("FINE", Some((Mark::Fine, true))),
            ("To Coda", Some((Mark::ToCoda, true))),
            ("Coda", Some((Mark::Coda, false))),
            ("dolce", None),
            ("fine tune", None),
        ] {
            assert_eq!(jump(text.as_bytes()), mark, "{text}");
        }
    }
}
