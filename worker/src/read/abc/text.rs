//! Text of fields: UTF-8 or else Windows-1252, with the standard's escapes for accents.

use std::borrow::Cow;

/// A mark, its name in HTML entities, the letters that it goes on and what comes of them (standard 2.1, 8.2).
const MARKS: [(u8, &str, &str, &str); 10] = [
    (b'`', "grave", "AEIOUaeiou", "ÀÈÌÒÙàèìòù"),
    (b'\'', "acute", "AEIOUYaeiouyCNScnsZz", "ÁÉÍÓÚÝáéíóúýĆŃŚćńśŹź"),
    (b'^', "circ", "AEIOUaeiou", "ÂÊÎÔÛâêîôû"),
    (b'"', "uml", "AEIOUaeiouy", "ÄËÏÖÜäëïöüÿ"),
    (b'~', "tilde", "ANOano", "ÃÑÕãñõ"),
    (b',', "cedil", "CSTcst", "ÇŞŢçşţ"),
    (b'/', "slash", "Oo", "Øø"),
    (b'v', "caron", "CEZScezs", "ČĚŽŠčěžš"),
    (b'=', "macr", "AEIOUaeiou", "ĀĒĪŌŪāēīōū"),
    (b'o', "ring", "AUau", "ÅŮåů"),
];

/// Letters that have an escape of their own.
const LETTERS: [(&str, &str); 6] =
    [("AA", "Å"), ("aa", "å"), ("AE", "Æ"), ("ae", "æ"), ("OE", "Œ"), ("oe", "œ")];

/// The text of a field's bytes.
pub(super) fn decode(bytes: &[u8]) -> Cow<'_, str> {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => encoding_rs::WINDOWS_1252.decode_without_bom_handling(bytes).0,
    };
    if memchr::memchr2(b'\\', b'&', text.as_bytes()).is_none() {
        return text;
    }
    Cow::Owned(unescape(&text))
}

fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['\\', '&']) {
        let (before, escape) = rest.split_at(at);
        out.push_str(before);
        let found = if escape.starts_with('&') { entity(escape) } else { backslash(escape) };
        let (letter, length) = found.unwrap_or_else(|| (escape.chars().next().unwrap_or('\\'), 1));
        out.push(letter);
        rest = escape.get(length..).unwrap_or_default();
    }
    out.push_str(rest);
    out
}

/// What a text that begins with a backslash says, and how many bytes say it.
fn backslash(text: &str) -> Option<(char, usize)> {
    let after = text.get(1..)?;
    if let Some(code) = after.strip_prefix('u').and_then(|code| code.get(..4)) {
        return Some((char::from_u32(u32::from_str_radix(code, 16).ok()?)?, 6));
    }
    if let Some((_, letter)) = LETTERS.iter().find(|(name, _)| after.starts_with(name)) {
        return Some((letter.chars().next()?, 3));
    }
    let mut bytes = after.bytes();
    match bytes.next()? {
        byte @ (b'\\' | b'%' | b'&') => Some((char::from(byte), 2)),
        mark => Some((marked(|row| row.0 == mark, bytes.next()?)?, 3)),
    }
}

/// What a text that begins with an entity such as `&eacute;` says, and how many bytes say it.
fn entity(text: &str) -> Option<(char, usize)> {
    // Names are short; the text may be long, and full of ampersands.
    let end = text.bytes().take(10).position(|byte| byte == b';')?;
    let name = text.get(1..end)?;
    if name == "amp" {
        return Some(('&', 5));
    }
    let mark = name.get(1..)?;
    Some((marked(|row| row.1 == mark, name.bytes().next()?)?, name.len() + 2))
}

fn marked(is_mark: impl Fn(&(u8, &str, &str, &str)) -> bool, letter: u8) -> Option<char> {
    let (_, _, from, to) = MARKS.iter().find(|row| is_mark(row))?;
    to.chars().nth(from.bytes().position(|byte| byte == letter)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_and_encodings() {
        for (bytes, text) in [
            (&b"Caf\xE9"[..], "Café"),
            ("Café".as_bytes(), "Café"),
            (br"Caf\'e \\ 50\%", r"Café \ 50%"),
            (br"\AAse f\oetus \u266d", "Åse fœtus ♭"),
            (b"Tom &amp; P&eacute;g &so on", "Tom & Pég &so on"),
            (br"C\^otes, Se\~nor, gar\,con, \vsip", "Côtes, Señor, garçon, šip"),
            (br"end \", r"end \"),
            (b"\\u00", "\\u00"),
            (b"\\'\xE9", "\\'é"),
        ] {
            assert_eq!(decode(bytes), text);
        }
    }

    #[test]
    fn the_table_of_marks_pairs_its_letters() {
        for (_, name, from, to) in MARKS {
            assert_eq!(from.len(), to.chars().count(), "{name}");
        }
    }
}
