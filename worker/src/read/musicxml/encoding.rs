//! From the bytes of a document to UTF-8: byte order marks, declarations, and the decoding itself.

use encoding_rs::{CoderResult, Decoder, Encoding, UTF_8, UTF_16BE, UTF_16LE};
use memchr::memmem;
use shared::failure::{Failure, FailureKind};
use shared::place::Place;
use std::io::{self, Cursor, Read};

/// How many opening bytes are searched for an XML declaration.
const DECLARATION_BYTES: usize = 1024;
/// Bytes decoded at once, and room for what they become.
const RAW_BYTES: usize = 16 << 10;
const TEXT_BYTES: usize = 32 << 10;

/// The document as UTF-8 without a byte order mark.
///
/// # Errors
/// A [`Failure`] of kind `unsupported` inside the error, for an encoding that nobody knows.
pub(super) fn utf8<'a>(mut input: Box<dyn Read + 'a>) -> io::Result<Box<dyn Read + 'a>> {
    let mut head = Vec::new();
    input.by_ref().take(DECLARATION_BYTES as u64).read_to_end(&mut head)?;
    let (encoding, mark_bytes) = detect(&head).map_err(io::Error::other)?;
    let mut head = Cursor::new(head);
    head.set_position(mark_bytes as u64);
    let bytes = head.chain(input);
    if encoding == UTF_8 {
        return Ok(Box::new(bytes));
    }
    let decoder = encoding.new_decoder_without_bom_handling();
    Ok(Box::new(Decoded {
        bytes: Box::new(bytes),
        decoder,
        raw: vec![0; RAW_BYTES],
        rest: 0..0,
        text: vec![0; TEXT_BYTES],
        unread: 0..0,
        ended: false,
        finished: false,
    }))
}

/// The encoding of a document by its first bytes, and the length of its byte order mark.
fn detect(head: &[u8]) -> Result<(&'static Encoding, usize), Failure> {
    if let Some(found) = Encoding::for_bom(head) {
        return Ok(found);
    }
    // UTF-16 without a mark shows in the zero bytes around the first `<`.
    match head {
        [b'<', 0, ..] => return Ok((UTF_16LE, 0)),
        [0, b'<', ..] => return Ok((UTF_16BE, 0)),
        _ => {}
    }
    let Some(label) = declared(head) else { return Ok((UTF_8, 0)) };
    match Encoding::for_label(label) {
        // Such a label can be read only because it is not true.
        Some(encoding) if encoding == UTF_16LE || encoding == UTF_16BE => Ok((UTF_8, 0)),
        Some(encoding) => Ok((encoding, 0)),
        None => {
            let label = String::from_utf8_lossy(label);
            let message =
                format!("the encoding {label:?} is unknown: UTF-8, UTF-16 or ISO-8859-1 would be right");
            Err(Failure::at(FailureKind::Unsupported, Place::line(1, 1), message))
        }
    }
}

/// The label in `<?xml … encoding="label" …?>`.
fn declared(head: &[u8]) -> Option<&[u8]> {
    let head = head.trim_ascii_start();
    let declaration = head.starts_with(b"<?xml").then(|| head.get(..memmem::find(head, b"?>")?))??;
    let (_, after) = declaration.split_at_checked(memmem::find(declaration, b"encoding")? + 8)?;
    let value = after.trim_ascii_start().strip_prefix(b"=")?.trim_ascii_start();
    let (quote, value) = value.split_first()?;
    value.split(|byte| byte == quote).next()
}

/// Bytes of another encoding, read as UTF-8.
struct Decoded<'a> {
    bytes: Box<dyn Read + 'a>,
    decoder: Decoder,
    raw: Vec<u8>,
    /// What of `raw` is not decoded yet.
    rest: std::ops::Range<usize>,
    /// What is decoded, and what of it nobody has read yet: a decoder stands still where there is no room for a whole
    /// character, so that it is not given the reader's own.
    text: Vec<u8>,
    unread: std::ops::Range<usize>,
    /// No bytes follow `raw`.
    ended: bool,
    /// The decoder has given its last, and panics if it is asked again.
    finished: bool,
}

impl Read for Decoded<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.unread.is_empty() && !self.finished {
            if self.rest.is_empty() && !self.ended {
                let count = self.bytes.read(&mut self.raw)?;
                self.rest = 0..count;
                self.ended = count == 0;
            }
            let raw = self.raw.get(self.rest.clone()).unwrap_or_default();
            let (result, read, written, _) = self.decoder.decode_to_utf8(raw, &mut self.text, self.ended);
            self.rest.start += read;
            self.finished = self.ended && result == CoderResult::InputEmpty;
            self.unread = 0..written;
        }
        let count = self.text.get(self.unread.clone()).unwrap_or_default().read(into)?;
        self.unread.start += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(bytes: Vec<u8>) -> String {
        let mut text = String::new();
        utf8(Box::new(Cursor::new(bytes))).unwrap().read_to_string(&mut text).unwrap();
        text
    }

    #[test]
    fn every_usual_encoding_becomes_utf8() {
        let text = "<?xml version='1.0' encoding='UTF-16'?><é/>";
        let wide = |order: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(order).collect::<Vec<u8>>();
        assert_eq!(decoded([vec![0xFF, 0xFE], wide(u16::to_le_bytes)].concat()), text);
        assert_eq!(decoded([vec![0xFE, 0xFF], wide(u16::to_be_bytes)].concat()), text);
        assert_eq!(decoded(wide(u16::to_le_bytes)), text);
        assert_eq!(decoded(wide(u16::to_be_bytes)), text);
        assert_eq!(decoded([&[0xEF, 0xBB, 0xBF], text.as_bytes()].concat()), text);
        let latin = b"<?xml version=\"1.0\" encoding = \"ISO-8859-1\"?><\xE9/>".to_vec();
        assert_eq!(decoded(latin), "<?xml version=\"1.0\" encoding = \"ISO-8859-1\"?><é/>");
    }

    #[test]
    fn a_character_may_be_read_byte_by_byte() {
        let bytes: Vec<u8> =
            [0xFF, 0xFE].into_iter().chain("é♪".encode_utf16().flat_map(u16::to_le_bytes)).collect();
        let mut input = utf8(Box::new(&bytes[..])).unwrap();
        let mut text = Vec::new();
        let mut byte = [0];
        while input.read(&mut byte).unwrap() > 0 {
            text.push(byte[0]);
        }
        assert_eq!(text, "é♪".as_bytes());
    }

    #[test]
    fn an_unknown_label_is_named() {
        let error = utf8(Box::new(&b"<?xml version='1.0' encoding='klingon'?>"[..])).err().unwrap();
        assert!(error.to_string().contains("\"klingon\""), "{error}");
    }
}
