//! MusicXML, partwise and timewise, plain or compressed.

mod archive;
mod attributes;
mod barline;
mod clock;
mod direction;
mod document;
mod encoding;
mod harmony;
mod header;
mod measure;
mod notations;
mod note;
mod part;
mod source;
mod steps;
#[cfg(test)]
mod tests;
mod timing;
mod tokens;
mod values;
mod waiting;
mod word;
mod xml;

use super::{Format, Input, ReadError, ReadOptions, ScoreReader};
use crate::score::{Event, EventSink, Stop};
use memchr::{memchr, memmem};
use shared::failure::{Failure, FailureKind};
use shared::place::Place;
use std::borrow::Cow;
use std::io;

static FORMAT: Format = Format {
    name: "musicxml",
    revision: 2,
    extensions: &["musicxml", "xml", "mxl"],
    summary: "MusicXML, partwise and timewise, plain or compressed",
    reference: "W3C Music Notation Community Group, MusicXML 4.0",
};

/// How a zip archive begins.
const ZIP_MAGIC: &[u8] = b"PK\x03\x04";

/// MusicXML, partwise and timewise, plain or compressed.
pub(super) struct MusicXml;

impl ScoreReader for MusicXml {
    fn format(&self) -> &'static Format {
        &FORMAT
    }

    fn recognises(&self, head: &[u8]) -> bool {
        if head.starts_with(ZIP_MAGIC) {
            return true;
        }
        // Without its zero bytes the markup of UTF-16 is that of ASCII.
        let plain: Cow<'_, [u8]> = match memchr(0, head) {
            Some(_) => head.iter().copied().filter(|&byte| byte != 0).collect(),
            None => head.into(),
        };
        let is_root = |name: &[u8]| memmem::find(&plain, name).is_some();
        is_root(b"<score-partwise") || is_root(b"<score-timewise") || is_prolog_only(&plain)
    }

    fn read(
        &self,
        input: &mut dyn Input,
        options: &ReadOptions,
        sink: &mut dyn EventSink,
    ) -> Result<(), ReadError> {
        let is_zip = input.fill_buf()?.starts_with(ZIP_MAGIC);
        if is_zip {
            return archive::read(input, options, sink);
        }
        document::read(encoding::utf8(Box::new(input)).map_err(fault_of)?, options, sink)
    }
}

/// Whether an opening is that of an XML document, but ends before the root element, behind a long comment say.
fn is_prolog_only(head: &[u8]) -> bool {
    let marks: &[&[u8]] = &[b"\xEF\xBB\xBF", b"\xFE\xFF", b"\xFF\xFE"];
    let head = marks.iter().find_map(|mark| head.strip_prefix(*mark)).unwrap_or(head);
    if !head.starts_with(b"<?xml") {
        return false;
    }
    let mut rest = head;
    loop {
        rest = rest.trim_ascii_start();
        let end: &[u8] = match rest {
            [b'<', b'?', ..] => b"?>",
            [b'<', b'!', b'-', b'-', ..] => b"-->",
            [b'<', b'!', ..] => b">",
            rest => return rest.is_empty(),
        };
        let Some(at) = memmem::find(rest, end) else { return true };
        rest = rest.get(at + end.len()..).unwrap_or_default();
    }
}

/// What an error of our own sources is: limits and broken archives travel inside of them.
fn fault_of(error: io::Error) -> ReadError {
    let Some(failure) = error.get_ref().and_then(|inner| inner.downcast_ref::<Failure>()) else {
        return ReadError::Io(error);
    };
    match failure.kind {
        FailureKind::TooLarge => Stop::Failed(failure.clone()).into(),
        _ => ReadError::Malformed(failure.clone()),
    }
}

fn damage(sink: &mut dyn EventSink, place: Place, message: String) -> Result<(), ReadError> {
    Ok(sink.event(place, Event::Damage(&Failure::malformed(place, message)))?)
}

fn warn(sink: &mut dyn EventSink, place: Place, message: &str) -> Result<(), ReadError> {
    Ok(sink.event(place, Event::Warning(message))?)
}
