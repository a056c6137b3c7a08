//! Compressed MusicXML: the zip archive around a document, opened with suspicion.

use super::super::{Input, ReadError, ReadOptions};
use super::xml::Xml;
use super::{document, encoding, fault_of};
use crate::score::{EventSink, Stop};
use memchr::memmem;
use shared::failure::{Failure, FailureKind};
use shared::limits::{Limits, exceeded};
use shared::place::Place;
use std::io::{self, Read, SeekFrom};
use zip::result::ZipError;
use zip::{CompressionMethod, ZipArchive};

/// Where an archive says which member is the score.
const CONTAINER: &str = "META-INF/container.xml";
/// The end record of an archive and the longest comment that may follow it.
const TAIL_BYTES: u64 = 22 + 0xFFFF;

type Archive<'a> = ZipArchive<&'a mut dyn Input>;

/// Reads the score of an archive.
pub(super) fn read(
    input: &mut dyn Input,
    options: &ReadOptions,
    sink: &mut dyn EventSink,
) -> Result<(), ReadError> {
    let limits = &options.limits;
    check_entries(input, limits)?;
    let mut archive = ZipArchive::new(input).map_err(broken)?;
    if archive.len() as u64 > limits.archive_entries_max {
        return Err(too_many(limits));
    }
    let named = match archive.index_for_name(CONTAINER) {
        Some(_) => rootfile(&mut archive, limits)?,
        None => None,
    };
    let Some(name) = named.or_else(|| first_score(&archive)) else {
        let message = "the archive holds no score: a .musicxml or .xml member would be one";
        return Err(ReadError::Malformed(Failure::at(FailureKind::Unsupported, Place::START, message)));
    };
    let member = member(&mut archive, &name, limits)?;
    document::read(encoding::utf8(Box::new(member)).map_err(fault_of)?, options, sink)
}

/// Refuses an archive of too many members before its directory is read into memory.
fn check_entries(input: &mut dyn Input, limits: &Limits) -> Result<(), ReadError> {
    let length = input.seek(SeekFrom::End(0))?;
    let tail_bytes = length.min(TAIL_BYTES);
    input.seek(SeekFrom::Start(length - tail_bytes))?;
    let mut tail = Vec::with_capacity(usize::try_from(tail_bytes).unwrap_or(0));
    input.take(tail_bytes).read_to_end(&mut tail)?;
    input.seek(SeekFrom::Start(0))?;
    // The count stands ten bytes into each end record; 0xFFFF says that it did not fit.
    let counts = memmem::find_iter(&tail, b"PK\x05\x06").filter_map(|at| tail.get(at + 10..at + 12));
    let most = counts.filter_map(|bytes| bytes.try_into().ok()).map(u16::from_le_bytes).max();
    if most.is_some_and(|count| count == u16::MAX || u64::from(count) > limits.archive_entries_max) {
        return Err(too_many(limits));
    }
    Ok(())
}

/// The first rootfile that the container names; the others are renditions of the same score.
fn rootfile(archive: &mut Archive<'_>, limits: &Limits) -> Result<Option<String>, ReadError> {
    let container = member(archive, CONTAINER, limits)?;
    let mut xml = Xml::new(encoding::utf8(Box::new(container)).map_err(fault_of)?, limits);
    if !xml.child(0)? {
        return Ok(None);
    }
    // The depth of the rootfile does not matter, so every element is looked at.
    while xml.open()? {
        if xml.name() == b"rootfile"
            && let Some(path) = xml.attribute_text(b"full-path")
        {
            return Ok(Some(path));
        }
    }
    Ok(None)
}

/// The first member that looks like a score, where no container names one.
fn first_score(archive: &Archive<'_>) -> Option<String> {
    let names = (0..archive.len()).filter_map(|index| archive.name_for_index(index)?.ok());
    let mut scores = names.filter(|name| {
        let lower = name.to_ascii_lowercase();
        !lower.starts_with("meta-inf/") && (lower.ends_with(".musicxml") || lower.ends_with(".xml"))
    });
    scores.next().map(String::from)
}

/// One member, counted while it inflates.
fn member<'a, 'b>(
    archive: &'a mut Archive<'b>,
    name: &str,
    limits: &Limits,
) -> Result<impl Read + use<'a, 'b>, ReadError> {
    let file = archive.by_name(name).map_err(|error| match error {
        ZipError::FileNotFound => {
            let message = format!("the container names {name:?}, which the archive does not hold");
            ReadError::malformed(Place::START, message)
        }
        error => broken(error),
    })?;
    if file.enclosed_name().is_none() {
        let message = format!("the member {name:?} lies outside of the archive");
        return Err(ReadError::malformed(Place::START, message));
    }
    if !matches!(file.compression(), CompressionMethod::Stored | CompressionMethod::Deflated) {
        let message = format!("the member {name:?} is neither stored nor deflated");
        return Err(ReadError::Malformed(Failure::at(FailureKind::Unsupported, Place::START, message)));
    }
    let ratio_max = limits.inflate_ratio_max;
    let by_ratio = file.compressed_size().saturating_mul(ratio_max);
    Ok(Inflating { file, bytes: 0, bytes_max: limits.inflated_bytes_max, by_ratio, ratio_max })
}

struct Inflating<R> {
    file: R,
    bytes: u64,
    bytes_max: u64,
    /// How many bytes the ratio allows.
    by_ratio: u64,
    ratio_max: u64,
}

impl<R: Read> Read for Inflating<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(into).map_err(|error| match error.kind() {
            io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput | io::ErrorKind::UnexpectedEof => {
                let message = format!("the archive is damaged: {error}");
                io::Error::other(Failure::malformed(Place::START, message))
            }
            _ => error,
        })?;
        self.bytes = self.bytes.saturating_add(count as u64);
        if self.bytes > self.bytes_max {
            return Err(io::Error::other(exceeded("inflated_bytes_max", self.bytes_max, Some(Place::START))));
        }
        if self.bytes > self.by_ratio {
            return Err(io::Error::other(exceeded("inflate_ratio_max", self.ratio_max, Some(Place::START))));
        }
        Ok(count)
    }
}

fn too_many(limits: &Limits) -> ReadError {
    Stop::Failed(exceeded("archive_entries_max", limits.archive_entries_max, Some(Place::START))).into()
}

fn broken(error: ZipError) -> ReadError {
    match error {
        ZipError::Io(error) if error.kind() != io::ErrorKind::UnexpectedEof => ReadError::Io(error),
        ZipError::UnsupportedArchive(_) | ZipError::CompressionMethodNotSupported(_) => {
            let message = format!("the archive cannot be read: {error}");
            ReadError::Malformed(Failure::at(FailureKind::Unsupported, Place::START, message))
        }
        error => ReadError::malformed(Place::START, format!("the archive is damaged: {error}")),
    }
}
