//! One item, from its bytes to its rows and its outcome. Blocks: it runs on the threads for computing.

use crate::analyse::{self, Analysis, Params};
use crate::cache::{Cache, Entry, finding_sentence, reading_sentence};
use crate::fetch::{Arrived, Loaded};
use crate::read::{self, Fidelity, ReadError, ReadOptions, ScoreReader};
use crate::score::{Field, Repeats, Score, ScoreBuilder, Stop, expanded};
use serde_json::{Value, json};
use shared::failure::{Failure, FailureKind};
use shared::job::{Asked, Item, Request};
use shared::limits::Limits;
use shared::place::Place;
use shared::receipt::Outcome;
use shared::row::{Cell, Facts, Finding, Row, State, Warning};
use shared::wire;
use std::io::Read;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

/// A request made ready: analyses looked up, parameters checked.
pub struct Wanted {
    asked: Vec<Asked>,
    analyses: Vec<(&'static dyn Analysis, Params)>,
    fidelity: Fidelity,
    repeats: Repeats,
    strict: bool,
}

impl Wanted {
    /// Looks up what a request names.
    ///
    /// # Errors
    /// `unsupported` for an analysis or a revision of it that this engine has not; what [`analyse::Spec::check`] says.
    pub fn of(request: &Request) -> Result<Self, Failure> {
        let mut analyses = Vec::with_capacity(request.analyses.len());
        for asked in &request.analyses {
            let found = analyse::find(&asked.name).filter(|analysis| analysis.spec().mark() == asked.mark);
            let Some(analysis) = found else {
                let message = format!(
                    "this engine has no analysis {}; `ripieno analyses` lists what it has",
                    asked.mark
                );
                return Err(Failure::new(FailureKind::Unsupported, message));
            };
            analyses.push((analysis, analysis.spec().check(&asked.params)?));
        }
        let fidelity =
            if request.fidelity == Fidelity::Compat.name() { Fidelity::Compat } else { Fidelity::Corrected };
        let repeats =
            if request.repeats == Repeats::Expanded.name() { Repeats::Expanded } else { Repeats::Written };
        let (asked, strict) = (request.analyses.clone(), request.strict);
        Ok(Wanted { asked, analyses, fidelity, repeats, strict })
    }
}

/// What an item was found to be.
struct Found {
    format: Option<&'static str>,
    digest: Option<String>,
    pieces: Vec<Facts>,
    cached: bool,
}

impl Found {
    fn failed(failure: Failure) -> Self {
        Found { format: None, digest: None, pieces: vec![Facts::failed(failure)], cached: false }
    }
}

/// Works one item, and appends its encoded rows to `rows`. What goes wrong with it is written there and in its outcome.
///
/// # Errors
/// `internal` when rows cannot be encoded, which is a defect.
pub fn work(
    item: &Item,
    arrived: Result<Arrived, Failure>,
    wanted: &Wanted,
    cache: Option<&Cache>,
    limits: &Limits,
    rows: &mut Vec<u8>,
) -> Result<Outcome, Failure> {
    let found = catch_unwind(AssertUnwindSafe(|| find(item, arrived, wanted, cache, limits)));
    let found = found.unwrap_or_else(|_| {
        let message = "its reader panicked, which is a defect of Ripieno: please report the file";
        Found::failed(Failure::new(FailureKind::Internal, message))
    });
    write(item, found, wanted.strict, rows)
}

/// Loads, reads and analyses an item and does nothing with what comes of it but count the pieces: what a benchmark holds
/// the whole path against.
#[must_use]
pub fn bare(item: &Item, arrived: Result<Arrived, Failure>, wanted: &Wanted, limits: &Limits) -> usize {
    find(item, arrived, wanted, None, limits).pieces.len()
}

fn find(
    item: &Item,
    arrived: Result<Arrived, Failure>,
    wanted: &Wanted,
    cache: Option<&Cache>,
    limits: &Limits,
) -> Found {
    let loaded = match arrived.and_then(|arrived| arrived.load(limits)) {
        Ok(loaded) => loaded,
        Err(failure) => return Found::failed(failure),
    };
    let digest = Some(loaded.digest());
    match choose(item, &loaded) {
        Ok(reader) => {
            let (pieces, cached) = facts(&loaded, reader, wanted, cache, limits);
            Found { format: Some(reader.format().name), digest, pieces, cached }
        }
        Err(failure) => Found { digest, ..Found::failed(failure) },
    }
}

/// The reader for a source, by its opening bytes.
fn choose(item: &Item, loaded: &Loaded) -> Result<&'static dyn ScoreReader, Failure> {
    let mut head = Vec::with_capacity(read::HEAD_BYTES);
    let opening = loaded.open()?.take(read::HEAD_BYTES as u64).read_to_end(&mut head);
    opening.map_err(|error| Failure::new(FailureKind::Unavailable, format!("it cannot be read: {error}")))?;
    if head.is_empty() {
        return Err(Failure::malformed(Place::START, "the file is empty"));
    }
    read::choose(&head, &item.name).ok_or_else(|| {
        let names: Vec<&str> = read::READERS.iter().map(|reader| reader.format().name).collect();
        let message = format!("neither content nor name is of a known format ({})", names.join(", "));
        Failure::at(FailureKind::Unsupported, Place::START, message)
    })
}

/// The facts of every piece, from the cache or from the bytes; the flag says that nothing was computed.
fn facts(
    loaded: &Loaded,
    reader: &dyn ScoreReader,
    wanted: &Wanted,
    cache: Option<&Cache>,
    limits: &Limits,
) -> (Vec<Facts>, bool) {
    let sentence =
        reading_sentence(&loaded.digest(), reader.format(), wanted.fidelity, wanted.repeats, limits);
    let known = cache.and_then(|cache| cache.recall(&sentence));
    if let Some(pieces) = known.as_ref().and_then(|entry| entry.answer(&wanted.asked)) {
        return (pieces, true);
    }
    let pieces = compute(loaded, reader, wanted, limits);
    if let Some(cache) = cache.filter(|_| may_be_kept(&pieces)) {
        cache.remember(&entry(sentence, known, &pieces, wanted));
    }
    (pieces, false)
}

/// Only what the same bytes will always give is kept.
fn may_be_kept(pieces: &[Facts]) -> bool {
    pieces.iter().all(|piece| {
        let lasting = piece.failure.as_ref().is_none_or(|failure| failure.kind.is_lasting());
        lasting && piece.findings.iter().all(|finding| !finding.cells.is_empty())
    })
}

/// What is known now: the findings of before, and those of this time.
fn entry(sentence: String, known: Option<Entry>, pieces: &[Facts], wanted: &Wanted) -> Entry {
    let mut findings = known.map(|entry| entry.findings).unwrap_or_default();
    let nothing = || Finding { name: String::new(), cells: Vec::new(), detail: String::new() };
    for (index, asked) in wanted.asked.iter().enumerate() {
        let column = pieces.iter().map(|piece| piece.findings.get(index).cloned().unwrap_or_else(nothing));
        findings.insert(finding_sentence(asked), column.collect());
    }
    let pieces = pieces.iter().map(|piece| Facts { findings: Vec::new(), ..piece.clone() }).collect();
    Entry { sentence, pieces, findings }
}

/// Reads a source and runs the analyses on each of its pieces.
fn compute(loaded: &Loaded, reader: &dyn ScoreReader, wanted: &Wanted, limits: &Limits) -> Vec<Facts> {
    let mut pieces = Vec::new();
    let began = Instant::now();
    let allowed = Duration::from_secs(limits.item_seconds_max);
    let in_time = || match began.elapsed() > allowed {
        true => Err(Stop::Failed(Failure::new(
            FailureKind::TimedOut,
            format!("more than item_seconds_max = {} seconds of work for one item", limits.item_seconds_max),
        ))),
        false => Ok(()),
    };
    let options = ReadOptions { fidelity: wanted.fidelity, limits: limits.clone() };
    let mut emit = |score: Score| {
        in_time()?;
        let score = match wanted.repeats {
            Repeats::Written => Ok(score),
            Repeats::Expanded => expanded(score, limits),
        };
        pieces.push(score.map_or_else(Facts::failed, |score| piece(&score, &wanted.analyses)));
        Ok(())
    };
    let mut builder = ScoreBuilder::new(limits, &in_time, &mut emit);
    let outcome = loaded.open().map_err(ReadError::Malformed);
    let outcome = outcome.and_then(|mut input| reader.read(&mut *input, &options, &mut builder));
    let left_over = outcome.err().and_then(|error| {
        let damaged = matches!(error, ReadError::Malformed(_));
        let failure = error.into_failure();
        // What a limit or the clock stopped is no part of a score that anybody asked for.
        let salvaged = damaged && builder.salvage(&failure).unwrap_or(false);
        (!salvaged).then_some(failure)
    });
    pieces.extend(left_over.map(Facts::failed));
    if pieces.is_empty() {
        pieces.push(Facts::failed(Failure::malformed(Place::START, "there is no piece in it")));
    }
    pieces
}

/// The facts of one piece.
fn piece(score: &Score, analyses: &[(&'static dyn Analysis, Params)]) -> Facts {
    if let Some(damage) = score.damage.as_ref().filter(|_| score.notes.is_empty() && score.rests.is_empty()) {
        return Facts::failed(damage.clone());
    }
    let text = |field| score.field(field).map(str::to_owned);
    let warning = |warning: &crate::score::Warning| Warning {
        message: warning.message.to_string(),
        place: warning.place,
    };
    Facts {
        state: if score.damage.is_some() { State::Degraded } else { State::Ok },
        title: text(Field::Title),
        composer: text(Field::Composer),
        number: text(Field::Number),
        notes: score.notes.len() as u64,
        failure: score.damage.clone(),
        warnings: score.warnings.iter().map(warning).collect(),
        warning_count: score.warning_count,
        findings: analyses.iter().map(|(analysis, params)| finding(*analysis, params, score)).collect(),
    }
}

fn finding(analysis: &dyn Analysis, params: &Params, score: &Score) -> Finding {
    let spec = analysis.spec();
    let (cells, detail) = match analyse::run(analysis, score, params) {
        Ok(answer) => {
            (spec.columns.iter().map(|column| cell(answer.pointer(column.pointer))).collect(), answer)
        }
        Err(failure) => (Vec::new(), json!({ "failure": failure })),
    };
    Finding { name: spec.name.to_owned(), cells, detail: detail.to_string() }
}

fn cell(value: Option<&Value>) -> Cell {
    match value {
        Some(Value::Number(number)) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => Cell::Integer(whole),
            (None, Some(number)) => Cell::Number(number),
            (None, None) => Cell::Null,
        },
        Some(Value::String(text)) => Cell::Text(text.clone()),
        Some(Value::Bool(truth)) => Cell::Integer(i64::from(*truth)),
        _ => Cell::Null,
    }
}

/// Encodes the rows of an item and sums them up.
fn write(item: &Item, found: Found, strict: bool, rows: &mut Vec<u8>) -> Result<Outcome, Failure> {
    let mut outcome = Outcome {
        item: item.index,
        pieces: 0,
        degraded: 0,
        notes: 0,
        cached: found.cached,
        failure: None,
        name: String::new(),
    };
    for (index, mut facts) in found.pieces.into_iter().enumerate() {
        if strict && facts.state == State::Degraded {
            let failure = facts.failure.take();
            let unsaid = || Failure::new(FailureKind::Malformed, "the score is damaged");
            facts = Facts::failed(failure.unwrap_or_else(unsaid));
        }
        sum_up(&mut outcome, &facts);
        let piece = u32::try_from(index).unwrap_or(u32::MAX);
        let (format, digest) = (found.format.map(str::to_owned), found.digest.clone());
        wire::encode_into(rows, &Row { source: item.name.clone(), piece, format, digest, facts })?;
    }
    if outcome.failure.is_some() {
        outcome.name.clone_from(&item.name);
    }
    Ok(outcome)
}

fn sum_up(outcome: &mut Outcome, facts: &Facts) {
    outcome.notes += facts.notes;
    match facts.state {
        State::Failed => outcome.failure = outcome.failure.take().or_else(|| facts.failure.clone()),
        State::Ok | State::Degraded => outcome.pieces += 1,
    }
    outcome.degraded += u32::from(facts.state == State::Degraded);
    if let Some(finding) = facts.findings.iter().find(|finding| finding.cells.is_empty()) {
        let failure = serde_json::from_str::<Value>(&finding.detail).ok();
        let failure = failure.and_then(|detail| serde_json::from_value(detail.get("failure")?.clone()).ok());
        let unsaid = || Failure::new(FailureKind::Internal, format!("analysis {} failed", finding.name));
        outcome.failure.get_or_insert_with(|| failure.unwrap_or_else(unsaid));
    }
}
