//! The words of a Humdrum file: reference records and names, in UTF-8 or Latin-1.

use crate::score::Field;
use std::borrow::Cow;

/// Bytes as text: UTF-8, else Latin-1, in which every byte is a character.
pub(super) fn decode(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => bytes.iter().copied().map(char::from).collect(),
    }
}

/// The beginning of some bytes, for a message.
pub(super) fn quote(bytes: &[u8]) -> String {
    let shown = bytes.get(..bytes.len().min(24)).unwrap_or(bytes);
    format!("\"{}\"", shown.escape_ascii())
}

/// The reference records that fill fields. Where two fill the same one, the first of them is meant first.
const RECORDS: [(&[u8], Field); 14] = [
    (b"OTL", Field::Title),
    (b"OPR", Field::Title),
    (b"COM", Field::Composer),
    (b"LYR", Field::Lyricist),
    (b"ONM", Field::Number),
    (b"OPS", Field::Number),
    (b"SCT", Field::Number),
    (b"OMD", Field::Movement),
    (b"OMV", Field::Movement),
    (b"YEC", Field::Rights),
    (b"YEM", Field::Rights),
    (b"YOR", Field::Source),
    (b"SMS", Field::Source),
    (b"AGN", Field::Genre),
];

/// The rank in [`RECORDS`], the field and the value of a reference record such as `!!!OTL@@DE: Das Lied`.
pub(super) fn record(line: &[u8]) -> Option<(usize, Field, &[u8])> {
    let line = line.strip_prefix(b"!!!")?;
    let colon = memchr::memchr(b':', line)?;
    let (key, value) = line.split_at_checked(colon)?;
    // A number tells one composer from the next, `@` a language.
    let end = key.iter().position(|byte| !byte.is_ascii_uppercase()).unwrap_or(key.len());
    let (name, rest) = key.split_at_checked(end)?;
    if !matches!(rest.trim_ascii_start().first(), None | Some(b'@' | b'0'..=b'9')) {
        return None;
    }
    let (rank, (_, field)) = RECORDS.iter().enumerate().find(|(_, (record, _))| *record == name)?;
    Some((rank, *field, value.get(1..)?.trim_ascii()))
}

/// Whether the record of a rank is `OMD`, which stands over a movement as its tempo or title.
pub(super) fn is_tempo(rank: usize) -> bool {
    RECORDS.get(rank).is_some_and(|(record, _)| *record == b"OMD")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_fill_fields() {
        for (line, expected) in [
            ("!!!OTL: Gavotte", Some((Field::Title, "Gavotte"))),
            ("!!!OTL@@DE:Lied: eins ", Some((Field::Title, "Lied: eins"))),
            ("!!!COM1: Bach, Johann Sebastian", Some((Field::Composer, "Bach, Johann Sebastian"))),
            ("!!!OMV: 2", Some((Field::Movement, "2"))),
            ("!!!RDF**kern: i = editorial", None),
            ("!!!OTLX: no", None),
            ("!!!COM", None),
            ("!! COM: no", None),
        ] {
            let read =
                record(line.as_bytes()).map(|(_, field, value)| (field, std::str::from_utf8(value).unwrap()));
            assert_eq!(read, expected, "{line}");
        }
    }

    #[test]
    fn bytes_that_are_no_utf_8_are_latin_1() {
        assert_eq!(decode("Dvořák".as_bytes()), "Dvořák");
        assert_eq!(decode(b"Mend\xE8s"), "Mendès");
    }
}
