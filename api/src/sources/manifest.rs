//! Manifest files: a line a score, with columns of the client's own that come back in the table. Read line by line, never
//! held; a line that names no score is an item that says so.

use super::pattern;
use super::walk::{Walk, unreadable};
use crate::plan::{Found, More, Root};
use futures::TryStreamExt;
use object_store::ObjectStoreExt;
use serde_json::{Map, Value};
use shared::clock::unix_ms;
use shared::failure::{Failure, FailureKind};
use shared::limits::exceeded;
use shared::place::Place;
use shared::store;
use std::cell::Cell;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

/// Columns that name the score, the first that a manifest file has.
const SOURCE_COLUMNS: [&str; 4] = ["url", "source", "path", "file"];
/// How manifest files end, and what is between the values of those that are no JSON Lines.
const ENDINGS: [(&str, Option<u8>); 4] =
    [("csv", Some(b',')), ("tsv", Some(b'\t')), ("jsonl", None), ("ndjson", None)];

/// Whether a name that a client gave is that of a manifest file: none of these endings is one of a score.
pub(super) fn is_manifest(name: &str) -> bool {
    let is_one = match store::is_url(name) {
        true => pattern::split_url(name).is_none(),
        false => Path::new(name).is_file(),
    };
    is_one && ending(name).is_some()
}

fn ending(name: &str) -> Option<Option<u8>> {
    let (_, extension) = name.rsplit('/').next()?.rsplit_once('.')?;
    let known = ENDINGS.iter().find(|(ending, _)| extension.eq_ignore_ascii_case(ending));
    known.map(|(_, between)| *between)
}

/// Takes what a manifest file names.
pub(super) async fn list(name: &str, walk: &mut Walk<'_>) -> Result<(), Failure> {
    let file = match store::is_url(name) {
        true => fetched(name, walk).await?,
        false => File::open(name).map_err(|error| unreadable(&error))?,
    };
    let root = Arc::new(Root { name: String::new(), address: String::new() });
    let manifest = Manifest { name, root, line_bytes_max: walk.limits.manifest_line_bytes_max };
    match ending(name).flatten() {
        Some(between) => manifest.separated(file, between, walk),
        None => manifest.json_lines(file, walk),
    }
}

/// A manifest file of a store, in a file that nobody else names.
async fn fetched(url: &str, walk: &Walk<'_>) -> Result<File, Failure> {
    let limits = walk.limits;
    let (store, path) = walk.reach.open(url).await?;
    let mut chunks = store.get(&path).await.map_err(store::failure)?.into_stream();
    let mut file = tempfile::tempfile().map_err(|error| broken(&error))?;
    let mut taken = 0;
    while let Some(chunk) = chunks.try_next().await.map_err(store::failure)? {
        taken += chunk.len() as u64;
        if taken > limits.manifest_bytes_max {
            return Err(exceeded("manifest_bytes_max", limits.manifest_bytes_max, None));
        }
        file.write_all(&chunk).map_err(|error| broken(&error))?;
    }
    file.rewind().map_err(|error| broken(&error))?;
    Ok(file)
}

fn broken(error: &io::Error) -> Failure {
    Failure::new(FailureKind::Unavailable, format!("it cannot be read: {error}"))
}

struct Manifest<'a> {
    name: &'a str,
    /// Of nothing: each line has a name and an address of its own.
    root: Arc<Root>,
    line_bytes_max: u64,
}

/// What is wrong with one line.
type Wrong = (FailureKind, String);

impl Manifest<'_> {
    fn separated(&self, file: File, between: u8, walk: &mut Walk<'_>) -> Result<(), Failure> {
        let mut lines = Lines::new(file, between, self.line_bytes_max);
        let mut record = csv::ByteRecord::new();
        let Some(line) = lines.next(&mut record)? else {
            return Err(Failure::malformed(Place::line(1, 1), self.no_column("it is empty")));
        };
        let header: Vec<String> = record.iter().map(lossy).collect();
        let columns = self.columns(&header, line, walk)?;
        while let Some(line) = lines.next(&mut record)? {
            let fields: Result<Vec<&str>, _> = record.iter().map(std::str::from_utf8).collect();
            let fields = match fields {
                Ok(fields) if fields.len() == header.len() => fields,
                Ok(fields) => {
                    let message =
                        format!("{} values where the first line has {}", fields.len(), header.len());
                    self.take(line, Err((FailureKind::Malformed, message)), Vec::new(), walk)?;
                    continue;
                }
                Err(_) => {
                    let message = "the line is not UTF-8".to_owned();
                    self.take(line, Err((FailureKind::Malformed, message)), Vec::new(), walk)?;
                    continue;
                }
            };
            let mut source = "";
            let mut given = Vec::new();
            for (column, value) in columns.iter().zip(fields) {
                match column {
                    None => source = value,
                    Some(column) => {
                        put(&mut given, *column, Some(value.to_owned()).filter(|value| !value.is_empty()))
                    }
                }
            }
            self.take(line, Ok(source), given, walk)?;
        }
        Ok(())
    }

    /// Where each column of the header goes: the one that names the score nowhere, the others to columns of the table.
    fn columns(
        &self,
        header: &[String],
        line: u32,
        walk: &mut Walk<'_>,
    ) -> Result<Vec<Option<usize>>, Failure> {
        let wrong = |message: String| Failure::malformed(Place::line(line, 1), message);
        let is = |name: &String, wanted: &str| name.trim().eq_ignore_ascii_case(wanted);
        let source = SOURCE_COLUMNS.iter().find_map(|wanted| header.iter().position(|name| is(name, wanted)));
        let source = source.ok_or_else(|| wrong(self.no_column(&format!("it has {}", header.join(", ")))))?;
        let mut columns = Vec::with_capacity(header.len());
        for (index, name) in header.iter().enumerate() {
            let name = name.trim();
            if header.iter().take(index).any(|before| before.trim() == name) {
                return Err(wrong(format!("two columns are called {name:?}")));
            }
            let name = if name.is_empty() { format!("column_{}", index + 1) } else { name.to_owned() };
            let column = if index == source { None } else { Some(column(&name, walk).map_err(wrong)?) };
            columns.push(column);
        }
        Ok(columns)
    }

    fn no_column(&self, what: &str) -> String {
        format!("a manifest file has a column called {}; {what}", SOURCE_COLUMNS.join(" or "))
    }

    fn json_lines(&self, file: File, walk: &mut Walk<'_>) -> Result<(), Failure> {
        let mut file = BufReader::new(file);
        let mut bytes = Vec::new();
        for line in 1.. {
            bytes.clear();
            let mut bounded = Read::take(&mut file, self.line_bytes_max + 1);
            if bounded.read_until(b'\n', &mut bytes).map_err(|error| broken(&error))? == 0 {
                break;
            }
            if bytes.len() as u64 > self.line_bytes_max {
                let name = "manifest_line_bytes_max";
                return Err(exceeded(name, self.line_bytes_max, Some(Place::line(line, 1))));
            }
            if bytes.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            let read = serde_json::from_slice::<Map<String, Value>>(&bytes);
            let read = read
                .map_err(|error| (FailureKind::Malformed, format!("the line is no JSON object: {error}")));
            match read.and_then(|line| sorted_out(line, walk)) {
                Ok((source, given)) => self.take(line, Ok(&source), given, walk)?,
                Err(wrong) => self.take(line, Err(wrong), Vec::new(), walk)?,
            }
        }
        Ok(())
    }

    /// Takes what a line names, or what is wrong with it.
    fn take(
        &self,
        line: u32,
        source: Result<&str, Wrong>,
        given: Vec<Option<String>>,
        walk: &mut Walk<'_>,
    ) -> Result<(), Failure> {
        let root = Arc::clone(&self.root);
        walk.push(match source.and_then(|source| self.resolved(source, walk)) {
            Ok(Resolved { name, address, bytes, modified_ms }) => {
                let more = Some(Box::new(More { address, given, ..More::default() }));
                Found { root, inside: name.into(), bytes, modified_ms, more }
            }
            Err((kind, message)) => {
                let more =
                    Some(Box::new(More { given, wrong: Some((line, kind, message)), ..More::default() }));
                let inside = format!("{}:{line}", self.name).into();
                Found { root, inside, bytes: 0, modified_ms: 0, more }
            }
        })
    }

    /// What a line names, seen from where the manifest file lies.
    fn resolved(&self, source: &str, walk: &Walk<'_>) -> Result<Resolved, Wrong> {
        if source.trim().is_empty() {
            return Err((FailureKind::Malformed, "no score is named".to_owned()));
        }
        let is_remote = store::is_url(self.name) && !self.name.starts_with("file:");
        if store::is_url(source) {
            // Whoever may write into a store may not thereby read the files of this machine.
            if is_remote && source.starts_with("file:") {
                return Err((
                    FailureKind::Denied,
                    format!("{source}: a manifest file of a store names no local files"),
                ));
            }
            store::split(source).map_err(|failure| (failure.kind, failure.message))?;
            return Ok(Resolved { name: source.to_owned(), address: None, bytes: 0, modified_ms: 0 });
        }
        let before = self.name.rfind('/').map_or("", |slash| self.name.get(..=slash).unwrap_or(""));
        if store::is_url(self.name) {
            if source.starts_with('/') || source.split('/').any(|name| name == "..") {
                let message = format!(
                    "{source}: a manifest file of a store names URLs, and objects beside and below itself"
                );
                return Err((FailureKind::Denied, message));
            }
            let name = store::join(before.trim_end_matches('/'), source);
            return Ok(Resolved { name, address: None, bytes: 0, modified_ms: 0 });
        }
        local(before, source, walk)
    }
}

struct Resolved {
    name: String,
    address: Option<String>,
    bytes: u64,
    modified_ms: u64,
}

fn local(before: &str, source: &str, walk: &Walk<'_>) -> Result<Resolved, Wrong> {
    let name = if source.starts_with('/') { source.to_owned() } else { format!("{before}{source}") };
    walk.may_look_at(&name).map_err(|failure| (failure.kind, failure.message))?;
    let known =
        Path::new(&name).canonicalize().and_then(|path| fs::metadata(&path).map(|meta| (path, Some(meta))));
    // One that is not there is an item, and will say so.
    let (path, meta) =
        known.unwrap_or_else(|_| (std::path::absolute(&name).unwrap_or(PathBuf::from(&name)), None));
    if meta.as_ref().is_some_and(|meta| !meta.is_file()) {
        return Err((FailureKind::Unsupported, format!("{source} is no file: a line names one score")));
    }
    let address = path.into_os_string().into_string();
    let address =
        address.map_err(|_| (FailureKind::Unsupported, format!("the path to {source} is not UTF-8")))?;
    let bytes = meta.as_ref().map_or(0, fs::Metadata::len);
    let modified_ms = meta.and_then(|meta| meta.modified().ok()).map_or(0, unix_ms);
    Ok(Resolved { name, address: Some(address), bytes, modified_ms })
}

/// The score that a line of JSON names, and what it says of it.
fn sorted_out(
    mut line: Map<String, Value>,
    walk: &mut Walk<'_>,
) -> Result<(String, Vec<Option<String>>), Wrong> {
    let wrong = |message: String| (FailureKind::Malformed, message);
    let named = SOURCE_COLUMNS.iter().find_map(|name| line.remove(*name));
    let source = match named {
        Some(Value::String(source)) => source,
        Some(other) => return Err(wrong(format!("{other} names no score"))),
        None => return Err(wrong(format!("the line has none of {}", SOURCE_COLUMNS.join(", ")))),
    };
    let mut given = Vec::new();
    for (name, value) in line {
        let value = match value {
            Value::Null => None,
            Value::String(text) => Some(text),
            other => Some(other.to_string()),
        };
        put(&mut given, column(&name, walk).map_err(wrong)?, value);
    }
    Ok((source, given))
}

/// The number of a column of the table; one more if there was none of that name.
fn column(name: &str, walk: &mut Walk<'_>) -> Result<usize, String> {
    if let Some(known) = walk.given.iter().position(|known| known == name) {
        return Ok(known);
    }
    let allowed = walk.limits.manifest_columns_max;
    if walk.given.len() as u64 >= allowed {
        return Err(exceeded("manifest_columns_max", allowed, None).message);
    }
    walk.given.push(name.to_owned());
    Ok(walk.given.len() - 1)
}

fn put(given: &mut Vec<Option<String>>, column: usize, value: Option<String>) {
    if given.len() <= column {
        given.resize(column + 1, None);
    }
    if let Some(slot) = given.get_mut(column) {
        *slot = value;
    }
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim_start_matches('\u{feff}').to_owned()
}

/// Bytes that are read of a file at once.
const BUFFER_BYTES: usize = 8 << 10;

/// The lines of a file with separators.
struct Lines {
    reader: csv::Reader<Bounded>,
    allowed: Rc<Cell<u64>>,
    line_bytes_max: u64,
}

impl Lines {
    fn new(file: File, between: u8, line_bytes_max: u64) -> Self {
        let allowed = Rc::new(Cell::new(0));
        let file = Bounded { file, allowed: Rc::clone(&allowed), ended: false };
        let mut builder = csv::ReaderBuilder::new();
        builder.delimiter(between).flexible(true).has_headers(false).buffer_capacity(BUFFER_BYTES);
        Lines { reader: builder.from_reader(file), allowed, line_bytes_max }
    }

    /// Reads the next line that is not empty; says which one it is, or the last one of those that a value runs over.
    fn next(&mut self, record: &mut csv::ByteRecord) -> Result<Option<u32>, Failure> {
        // The file is read ahead of its lines.
        self.allowed.set(self.line_bytes_max.saturating_add(BUFFER_BYTES as u64));
        let begin = self.line();
        match self.reader.read_byte_record(record) {
            Ok(true) => Ok(Some(self.line().saturating_sub(1))),
            Ok(false) => Ok(None),
            Err(error) => Err(match error.into_kind() {
                csv::ErrorKind::Io(error) if error.kind() == io::ErrorKind::FileTooLarge => {
                    let place = Some(Place::line(begin, 1));
                    exceeded("manifest_line_bytes_max", self.line_bytes_max, place)
                }
                csv::ErrorKind::Io(error) => broken(&error),
                other => Failure::malformed(Place::line(begin, 1), format!("{other:?}")),
            }),
        }
    }

    fn line(&self) -> u32 {
        u32::try_from(self.reader.position().line()).unwrap_or(u32::MAX)
    }
}

/// A file that fails once more is read of it than is allowed just then, and whose last line ends as every other.
struct Bounded {
    file: File,
    allowed: Rc<Cell<u64>>,
    ended: bool,
}

impl Read for Bounded {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        if let (0, false, [first, ..]) = (read, self.ended, buffer) {
            (*first, self.ended) = (b'\n', true);
            return Ok(1);
        }
        match self.allowed.get().checked_sub(read as u64) {
            Some(left) => self.allowed.set(left),
            None => return Err(io::ErrorKind::FileTooLarge.into()),
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests;
