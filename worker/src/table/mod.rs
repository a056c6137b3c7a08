//! The table of a job: a row per piece, a column per measurement, as Parquet, CSV or JSON Lines; and beside it the
//! list of what could not be read.
//!
//! Nothing in a table depends on when, where or in which order the work was done: the same scores and the same
//! request give the same bytes.

mod arrow;
mod csv;
mod json;
mod parquet;

use crate::analyse::{self, Kind};
use shared::disk;
use shared::failure::{Failure, FailureKind};
use shared::job::Request;
use shared::receipt::Depth;
use shared::row::{Cell, Row, State};
use std::fs::{self, File};
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};

/// How a table is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Encoding {
    /// Apache Parquet, with units and `name@revision` in the metadata of each column.
    Parquet,
    /// RFC 4180, one header line.
    Csv,
    /// One JSON object a line, with the nested detail of every finding.
    JsonLines,
}

impl Encoding {
    /// Every encoding.
    pub const ALL: [Encoding; 3] = [Encoding::Parquet, Encoding::Csv, Encoding::JsonLines];

    /// Name on the command line, and extension of the file.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Encoding::Parquet => "parquet",
            Encoding::Csv => "csv",
            Encoding::JsonLines => "jsonl",
        }
    }
}

/// A column of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableColumn {
    /// Name: `<analysis>_<column>`, or one of the leading ones.
    pub name: String,
    /// Type.
    pub kind: Kind,
    /// Unit.
    pub unit: &'static str,
    /// The analysis and revision that it comes from: `key@1`.
    pub by: String,
    /// One sentence.
    pub summary: &'static str,
}

/// The leading columns, which every table has.
const LEADING: [(&str, Kind, &str, &str); 15] = [
    ("source", Kind::Text, "", "The file or object, as it was named"),
    ("piece", Kind::Integer, "index from 0", "Which piece of the source"),
    ("state", Kind::Text, "", "ok, degraded (a part could not be read) or failed"),
    ("format", Kind::Text, "", "Format of the source"),
    ("digest", Kind::Text, "", "BLAKE3 digest of the source's bytes"),
    ("number", Kind::Text, "", "Number that the source states, such as X: of ABC"),
    ("title", Kind::Text, "", "Title that the source states"),
    ("composer", Kind::Text, "", "Composer that the source states"),
    ("warnings", Kind::Integer, "warning", "How many oddities were noticed"),
    ("first_warning", Kind::Text, "", "The first of them"),
    ("failure", Kind::Text, "", "Kind of failure, if the state is not ok"),
    ("failure_message", Kind::Text, "", "What was wrong"),
    ("failure_line", Kind::Integer, "line from 1", "Where, in a text"),
    ("failure_column", Kind::Integer, "byte from 1", "Where in that line"),
    ("failure_byte", Kind::Integer, "byte from 0", "Where, in a binary file"),
];

/// The columns of a request's table, in order.
#[must_use]
pub fn columns(request: &Request) -> Vec<TableColumn> {
    let leading = LEADING.iter().map(|&(name, kind, unit, summary)| TableColumn {
        name: name.to_owned(),
        kind,
        unit,
        by: "ripieno".to_owned(),
        summary,
    });
    let asked = request.analyses.iter().filter_map(|asked| Some((asked, analyse::find(&asked.name)?)));
    let findings = asked.flat_map(|(asked, analysis)| {
        let spec = analysis.spec();
        spec.columns.iter().map(move |column| TableColumn {
            name: format!("{}_{}", spec.name, column.name),
            kind: column.kind,
            unit: column.unit,
            by: asked.mark.clone(),
            summary: column.summary,
        })
    });
    let given = request.given.iter().map(|name| TableColumn {
        name: format!("{GIVEN}{name}"),
        kind: Kind::Text,
        unit: "",
        by: "ripieno".to_owned(),
        summary: "As the manifest file says",
    });
    leading.chain(given).chain(findings).collect()
}

/// How the names of columns begin that a manifest file gives: none of them has the name of another column.
const GIVEN: &str = "given_";

/// The cells of a row, in the order of the columns, of which there are `width`, `given` of them of a
/// manifest file.
#[must_use]
pub fn cells(row: &Row, given: usize, width: usize) -> Vec<Cell> {
    let facts = &row.facts;
    let text = |text: &Option<String>| text.clone().map_or(Cell::Null, Cell::Text);
    let integer = |number: Option<u32>| number.map_or(Cell::Null, |number| Cell::Integer(i64::from(number)));
    let place = facts.failure.as_ref().and_then(|failure| failure.place);
    let (line, column) = place.and_then(shared::place::Place::line_column).unzip();
    let mut cells = Vec::with_capacity(width);
    cells.extend([
        Cell::Text(row.source.clone()),
        Cell::Integer(i64::from(row.piece)),
        Cell::Text(facts.state.name().to_owned()),
        text(&row.format),
        text(&row.digest),
        text(&facts.number),
        text(&facts.title),
        text(&facts.composer),
        Cell::Integer(i64::try_from(facts.warning_count).unwrap_or(i64::MAX)),
        facts
            .warnings
            .first()
            .map_or(Cell::Null, |first| Cell::Text(format!("{} ({})", first.message, first.place))),
        facts.failure.as_ref().map_or(Cell::Null, |failure| Cell::Text(failure.kind.label().to_owned())),
        facts.failure.as_ref().map_or(Cell::Null, |failure| Cell::Text(failure.message.clone())),
        integer(line),
        integer(column),
        integer(place.and_then(shared::place::Place::byte_offset)),
    ]);
    let known = row.given.iter().map(text).chain(std::iter::repeat(Cell::Null));
    cells.extend(known.take(given));
    for finding in &facts.findings {
        let wide = analyse::find(&finding.name).map_or(0, |analysis| analysis.spec().columns.len());
        // A finding that failed has no cells: its columns are empty.
        cells.extend(finding.cells.iter().cloned().chain(std::iter::repeat(Cell::Null)).take(wide));
    }
    cells.resize(width, Cell::Null);
    cells
}

/// The files that one job's table is written to.
pub struct Tables {
    columns: Vec<TableColumn>,
    /// How many of them are of a manifest file.
    given: usize,
    parquet: Option<parquet::Writer<BufWriter<File>>>,
    csv: Option<csv::Writer<BufWriter<File>>>,
    json: Option<json::Writer<BufWriter<File>>>,
    failures: csv::Writer<BufWriter<File>>,
    folder: PathBuf,
    /// Names of the files, which carry another name until they are whole.
    names: Vec<String>,
}

/// Column names of the list of failures.
const FAILURE_COLUMNS: [&str; 8] = ["source", "piece", "state", "kind", "message", "line", "column", "byte"];

impl Tables {
    /// Begins `table.<encoding>` for each encoding, and `failures.csv`, in a folder that is made.
    ///
    /// # Errors
    /// `denied` or `unavailable` when a file cannot be made.
    pub fn begin(folder: &Path, request: &Request, encodings: &[Encoding]) -> Result<Self, Failure> {
        disk::make_folder(folder).map_err(|error| io_failure(folder, &error))?;
        let columns = columns(request);
        let mut names = Vec::new();
        let mut file = |name: String| {
            let path = folder.join(unfinished(&name));
            names.push(name);
            File::create(&path).map(BufWriter::new).map_err(|error| io_failure(&path, &error))
        };
        let mut open = |encoding: Encoding| {
            encodings.contains(&encoding).then(|| file(format!("table.{}", encoding.name()))).transpose()
        };
        let (parquet, csv, json) =
            (open(Encoding::Parquet)?, open(Encoding::Csv)?, open(Encoding::JsonLines)?);
        let failures = file("failures.csv".to_owned())?;
        let header: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
        Ok(Tables {
            parquet: parquet.map(|file| parquet::Writer::begin(file, &columns)).transpose()?,
            csv: csv.map(|file| csv::Writer::begin(file, &header)).transpose()?,
            json: json.map(|file| json::Writer::new(file, request.given.clone())),
            failures: csv::Writer::begin(failures, &FAILURE_COLUMNS)?,
            columns,
            given: request.given.len(),
            folder: folder.to_owned(),
            names,
        })
    }

    /// How much of its rows is wanted.
    #[must_use]
    pub const fn depth(&self) -> Depth {
        if self.json.is_some() { Depth::Whole } else { Depth::Flat }
    }

    /// Adds a row.
    ///
    /// # Errors
    /// `unavailable` when a file cannot be written.
    pub fn add(&mut self, row: &Row) -> Result<(), Failure> {
        let cells = cells(row, self.given, self.columns.len());
        if let Some(csv) = &mut self.csv {
            csv.add(&cells)?;
        }
        if let Some(json) = &mut self.json {
            json.add(row)?;
        }
        if row.facts.state != State::Ok {
            let at = |name: &str| {
                let index = LEADING.iter().position(|(leading, ..)| *leading == name);
                index.and_then(|index| cells.get(index)).cloned().unwrap_or(Cell::Null)
            };
            let names =
                ["source", "piece", "state", "failure", "failure_message", "failure_line", "failure_column"];
            let failure: Vec<Cell> = names.into_iter().chain(["failure_byte"]).map(at).collect();
            self.failures.add(&failure)?;
        }
        if let Some(parquet) = &mut self.parquet {
            parquet.add(&cells)?;
        }
        Ok(())
    }

    /// Ends the files and gives them their names. Says which they are.
    ///
    /// # Errors
    /// `unavailable` when a file cannot be written; none has its name then.
    pub fn finish(self) -> Result<Vec<PathBuf>, Failure> {
        self.parquet.map(parquet::Writer::finish).transpose()?;
        self.csv.map(csv::Writer::finish).transpose()?;
        self.json.map(json::Writer::finish).transpose()?;
        self.failures.finish()?;
        let mut paths = Vec::with_capacity(self.names.len());
        // Their bytes are on the disk before they have their names, and their names before anybody is told.
        let safe = |path: &Path| {
            File::open(path).and_then(|file| file.sync_all()).map_err(|error| io_failure(path, &error))
        };
        for name in &self.names {
            let (path, unfinished) = (self.folder.join(name), self.folder.join(unfinished(name)));
            safe(&unfinished)?;
            fs::rename(&unfinished, &path).map_err(|error| io_failure(&path, &error))?;
            paths.push(path);
        }
        safe(&self.folder)?;
        Ok(paths)
    }
}

fn unfinished(name: &str) -> String {
    format!(".{name}.unfinished")
}

fn io_failure(path: &Path, error: &io::Error) -> Failure {
    let kind = match error.kind() {
        io::ErrorKind::PermissionDenied => FailureKind::Denied,
        _ => FailureKind::Unavailable,
    };
    Failure::new(kind, format!("{} cannot be written: {error}", path.display()))
}

fn write_failure(error: &dyn std::fmt::Display) -> Failure {
    Failure::new(FailureKind::Unavailable, format!("the table cannot be written: {error}"))
}

/// The rows of a chunk, as a worker encoded them one after the other.
///
/// Each is `internal` instead where the bytes are no row, and the last one then.
pub fn decode_rows(bytes: &[u8]) -> impl Iterator<Item = Result<Row, Failure>> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let row = Row::decode(&mut rest);
        if row.is_err() {
            rest = &[];
        }
        Some(row)
    })
}
