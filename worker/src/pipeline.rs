//! One item, from its bytes to its rows and its outcome. Blocks: it runs on the threads for computing.

mod pace;

use crate::analyse::{self, Analysis, Params};
use crate::cache::{
    Cache, Entry, Source, finding_sentence, part_sentence, reading_sentence, source_sentence, whose_sentence,
};
use crate::fetch::{Arrived, Loaded};
use crate::read::{self, Fidelity, Grid, MidiOptions, MidiParts, ReadError, ReadOptions, ScoreReader};
use crate::rows::Rows;
use crate::score::{Field, Repeats, Score, ScoreBuilder, laid_out};
use pace::Pace;
use serde_json::{Value, json};
use shared::failure::{Failure, FailureKind};
use shared::job::{Asked, Item, Request};
use shared::limits::Limits;
use shared::place::Place;
use shared::principal::LOCAL_TENANT;
use shared::receipt::Outcome;
use shared::row::{Cell, Facts, Finding, Row, State, Warning};
use std::io::Read;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::OnceLock;

/// A request made ready: analyses looked up, parameters checked.
pub struct Wanted {
    asked: Vec<Asked>,
    analyses: Vec<(&'static dyn Analysis, Params)>,
    fidelity: Fidelity,
    midi: MidiOptions,
    repeats: Repeats,
    strict: bool,
    /// For whom, as the cache says it.
    whose: String,
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
        let repeats = Repeats::ALL.into_iter().find(|repeats| repeats.name() == request.repeats);
        let repeats = repeats.unwrap_or_default();
        let (asked, strict) = (request.analyses.clone(), request.strict);
        let whose = whose_sentence(LOCAL_TENANT);
        Ok(Wanted { asked, analyses, fidelity, midi: midi(request)?, repeats, strict, whose })
    }

    /// The same for a tenant, which finds in the cache only what was worked for it.
    #[must_use]
    pub fn of_tenant(self, tenant: &str) -> Self {
        Wanted { whose: whose_sentence(tenant), ..self }
    }

    /// What the cache knows of a source in a store.
    #[must_use]
    pub fn recall_source(&self, cache: &Cache, address: &str) -> Option<Source> {
        cache.recall_source(&self.whose, address)
    }

    fn options(&self, limits: &Limits) -> ReadOptions {
        ReadOptions { fidelity: self.fidelity, midi: self.midi.clone(), limits: limits.clone() }
    }
}

/// How a request has MIDI files read.
fn midi(request: &Request) -> Result<MidiOptions, Failure> {
    let unknown = |message| Failure::new(FailureKind::Unsupported, message);
    let grid = Some(&request.midi_grid).filter(|divisors| !divisors.is_empty());
    let grid = grid.map(|divisors| Grid::new(divisors)).transpose().map_err(unknown)?;
    let parts = request.midi_parts.as_deref().map(|name| {
        let found = MidiParts::ALL.into_iter().find(|parts| parts.name() == name);
        found.ok_or_else(|| unknown(format!("this engine does not part MIDI files by {name:?}")))
    });
    Ok(MidiOptions { grid, parts: parts.transpose()? })
}

/// Who is told what an item is found to be, as it is found: a tunebook of ten thousand tunes is never held whole.
trait Listener {
    /// What holds of the item as a whole.
    fn source(&mut self, format: Option<&'static str>, digest: String);
    /// The next piece of it.
    fn piece(&mut self, facts: Facts);
}

/// Works one item, and adds its rows to `rows`. What goes wrong with it is written there and in its outcome.
///
/// # Errors
/// What [`Rows::push`] says.
pub fn work(
    item: &Item,
    arrived: Result<Arrived, Failure>,
    wanted: &Wanted,
    cache: Option<&Cache>,
    limits: &Limits,
    rows: &mut Rows,
) -> Result<Outcome, Failure> {
    let mut writer = RowWriter::new(item, wanted.strict, rows);
    let found = catch_unwind(AssertUnwindSafe(|| find(item, arrived, wanted, cache, limits, &mut writer)));
    match found {
        Ok(cached) => writer.outcome.cached = cached,
        Err(_) => {
            let message = "its reader panicked, which is a defect of Ripieno: please report the file";
            writer.piece(Facts::failed(Failure::new(FailureKind::Internal, message)));
        }
    }
    writer.finish()
}

/// The rows and the outcome of an item whose bytes nobody has, from the cache; nothing unless all of it is there.
///
/// # Errors
/// What [`Rows::push`] says.
pub fn recall(
    item: &Item,
    source: &Source,
    wanted: &Wanted,
    cache: &Cache,
    limits: &Limits,
) -> Result<Option<(Rows, Outcome)>, Failure> {
    let Some(reader) = read::READERS.iter().find(|reader| reader.format().name == source.format) else {
        return Ok(None);
    };
    let format = reader.format();
    let options = wanted.options(limits);
    let sentence = reading_sentence(&wanted.whose, &source.digest, format, &options, wanted.repeats);
    let mut rows = Rows::default();
    let mut writer = RowWriter::new(item, wanted.strict, &mut rows);
    writer.source(Some(format.name), source.digest.clone());
    if !recall_parts(&sentence, wanted, cache, &mut writer).1 {
        return Ok(None);
    }
    writer.outcome.cached = true;
    let outcome = writer.finish()?;
    Ok(Some((rows, outcome)))
}

/// The row and the outcome of an item that could not be worked at all.
///
/// # Errors
/// What [`Rows::push`] says.
pub fn give_up(item: &Item, failure: Failure, rows: &mut Rows) -> Result<Outcome, Failure> {
    let mut writer = RowWriter::new(item, false, rows);
    writer.piece(Facts::failed(failure));
    writer.finish()
}

/// Called with each item before it is read.
pub type Hook = fn(&Item);

static HOOK: OnceLock<Hook> = OnceLock::new();

/// Has `hook` called with each item of this process before it is read: how tests have items that take their process down.
/// Only the first one counts.
pub fn set_hook(hook: Hook) {
    let _ = HOOK.set(hook);
}

/// Loads, reads and analyses an item and does nothing with what comes of it but count the pieces: what a benchmark holds
/// the whole path against.
#[must_use]
pub fn bare(item: &Item, arrived: Result<Arrived, Failure>, wanted: &Wanted, limits: &Limits) -> usize {
    struct Counter(usize);
    impl Listener for Counter {
        fn source(&mut self, _: Option<&'static str>, _: String) {}
        fn piece(&mut self, _: Facts) {
            self.0 += 1;
        }
    }
    let mut counter = Counter(0);
    find(item, arrived, wanted, None, limits, &mut counter);
    counter.0
}

/// Tells the listener everything of an item; says whether all of it came from the cache.
fn find(
    item: &Item,
    arrived: Result<Arrived, Failure>,
    wanted: &Wanted,
    cache: Option<&Cache>,
    limits: &Limits,
    listener: &mut dyn Listener,
) -> bool {
    if let Some(hook) = HOOK.get() {
        hook(item);
    }
    let loaded = match arrived.and_then(|arrived| arrived.load(limits)) {
        Ok(loaded) => loaded,
        Err(failure) => {
            listener.piece(Facts::failed(failure));
            return false;
        }
    };
    let reader = choose(item, &loaded);
    if let (Some(cache), Some(mark), Ok(reader)) = (cache, loaded.mark(), &reader) {
        cache.remember_source(&Source {
            sentence: source_sentence(&wanted.whose, &item.address),
            etag: mark.etag.clone(),
            bytes: mark.bytes,
            digest: loaded.digest(),
            format: reader.format().name.to_owned(),
        });
    }
    listener.source(reader.as_ref().ok().map(|reader| reader.format().name), loaded.digest());
    match reader {
        Ok(reader) => facts(&loaded, reader, wanted, cache, limits, listener),
        Err(failure) => {
            listener.piece(Facts::failed(failure));
            false
        }
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

/// Tells the facts of every piece, from the cache or from the bytes; says whether nothing was computed.
fn facts(
    loaded: &Loaded,
    reader: &dyn ScoreReader,
    wanted: &Wanted,
    cache: Option<&Cache>,
    limits: &Limits,
    listener: &mut dyn Listener,
) -> bool {
    let options = wanted.options(limits);
    let sentence =
        reading_sentence(&wanted.whose, &loaded.digest(), reader.format(), &options, wanted.repeats);
    let (told, whole) = cache.map_or((0, false), |cache| recall_parts(&sentence, wanted, cache, listener));
    if whole {
        return true;
    }
    let mut parts = Parts { sentence, cache, wanted, listener, told, number: 0, pieces: Vec::new() };
    compute(loaded, reader, wanted, limits, &mut |piece| parts.take(piece));
    parts.end(true);
    false
}

/// Tells what the cache knows of a reading, from its first piece on; says how many pieces, and whether that was all.
fn recall_parts(
    sentence: &str,
    wanted: &Wanted,
    cache: &Cache,
    listener: &mut dyn Listener,
) -> (usize, bool) {
    let mut told = 0;
    for part in 0.. {
        let known = cache.recall(&part_sentence(sentence, part));
        let known = known.and_then(|entry| Some((entry.answer(&wanted.asked)?, entry.last)));
        let Some((pieces, last)) = known else { break };
        told += pieces.len();
        pieces.into_iter().for_each(|piece| listener.piece(piece));
        if last {
            return (told, true);
        }
    }
    (told, false)
}

/// Pieces of an item that make one entry of the cache, and that are held at once.
const PART_PIECES: usize = 256;

/// Takes computed pieces, and passes them on part by part: to the cache, and to the listener.
struct Parts<'a> {
    sentence: String,
    cache: Option<&'a Cache>,
    wanted: &'a Wanted,
    listener: &'a mut dyn Listener,
    /// How many pieces the listener knows already, from the cache.
    told: usize,
    number: usize,
    pieces: Vec<Facts>,
}

impl Parts<'_> {
    fn take(&mut self, piece: Facts) {
        if self.pieces.len() == PART_PIECES {
            self.end(false);
        }
        self.pieces.push(piece);
    }

    fn end(&mut self, last: bool) {
        let pieces = std::mem::take(&mut self.pieces);
        if let Some(cache) = self.cache.filter(|_| may_be_kept(&pieces)) {
            let sentence = part_sentence(&self.sentence, self.number);
            let known = cache.recall(&sentence);
            cache.remember(&entry(sentence, known, &pieces, self.wanted, last));
        }
        let skipped = self.told.saturating_sub(self.number * PART_PIECES);
        pieces.into_iter().skip(skipped).for_each(|piece| self.listener.piece(piece));
        self.number += 1;
    }
}

/// Only what the same bytes will always give is kept.
fn may_be_kept(pieces: &[Facts]) -> bool {
    pieces.iter().all(|piece| {
        let lasting = piece.failure.as_ref().is_none_or(|failure| failure.kind.is_lasting());
        lasting && piece.findings.iter().all(|finding| !finding.cells.is_empty())
    })
}

/// What is known now: the findings of before, and those of this time.
fn entry(sentence: String, known: Option<Entry>, pieces: &[Facts], wanted: &Wanted, last: bool) -> Entry {
    let mut findings = known.map(|entry| entry.findings).unwrap_or_default();
    let nothing = || Finding { name: String::new(), cells: Vec::new(), detail: String::new() };
    for (index, asked) in wanted.asked.iter().enumerate() {
        let column = pieces.iter().map(|piece| piece.findings.get(index).cloned().unwrap_or_else(nothing));
        findings.insert(finding_sentence(asked), column.collect());
    }
    let pieces = pieces.iter().map(|piece| Facts { findings: Vec::new(), ..piece.clone() }).collect();
    Entry { sentence, pieces, findings, last }
}

/// Reads a source and runs the analyses on each of its pieces; tells at least one.
fn compute(
    loaded: &Loaded,
    reader: &dyn ScoreReader,
    wanted: &Wanted,
    limits: &Limits,
    tell: &mut dyn FnMut(Facts),
) {
    let mut none = true;
    let pace = Pace::new(limits);
    let check = || pace.check();
    let options = wanted.options(limits);
    let mut emit = |score: Score| {
        pace.in_time()?;
        none = false;
        let score = laid_out(score, wanted.repeats, limits);
        tell(score.map_or_else(Facts::failed, |score| {
            pace.take_turn(score.notes.len() as u64);
            piece(&score, &wanted.analyses)
        }));
        pace.end_piece();
        Ok(())
    };
    let mut builder = ScoreBuilder::new(limits, &check, &mut emit);
    let outcome = loaded.open().map_err(ReadError::Malformed);
    let outcome = outcome.and_then(|mut input| reader.read(&mut *input, &options, &mut builder));
    let left_over = outcome.err().and_then(|error| {
        let damaged = matches!(error, ReadError::Malformed(_));
        let failure = error.into_failure();
        // What a limit or the clock stopped is no part of a score that anybody asked for.
        let salvaged = damaged && builder.salvage(&failure).unwrap_or(false);
        (!salvaged).then_some(failure)
    });
    drop(builder);
    if let Some(failure) = left_over {
        tell(Facts::failed(failure));
    } else if none {
        tell(Facts::failed(Failure::malformed(Place::START, "there is no piece in it")));
    }
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
    let (cells, detail) = match analyse::tell(analysis, score, params) {
        Ok((answer, text)) => {
            (spec.columns.iter().map(|column| cell(answer.pointer(column.pointer))).collect(), text)
        }
        Err(failure) => (Vec::new(), json!({ "failure": failure }).to_string()),
    };
    Finding { name: spec.name.to_owned(), cells, detail }
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
struct RowWriter<'a> {
    item: &'a Item,
    strict: bool,
    rows: &'a mut Rows,
    format: Option<String>,
    digest: Option<String>,
    piece: u32,
    outcome: Outcome,
    defect: Option<Failure>,
}

impl<'a> RowWriter<'a> {
    fn new(item: &'a Item, strict: bool, rows: &'a mut Rows) -> Self {
        let outcome = Outcome {
            item: item.index,
            pieces: 0,
            degraded: 0,
            notes: 0,
            cached: false,
            failure: None,
            name: String::new(),
        };
        RowWriter { item, strict, rows, format: None, digest: None, piece: 0, outcome, defect: None }
    }

    fn finish(mut self) -> Result<Outcome, Failure> {
        if self.outcome.failure.is_some() {
            self.outcome.name.clone_from(&self.item.name);
        }
        self.defect.map_or(Ok(self.outcome), Err)
    }
}

impl Listener for RowWriter<'_> {
    fn source(&mut self, format: Option<&'static str>, digest: String) {
        (self.format, self.digest) = (format.map(str::to_owned), Some(digest));
    }

    fn piece(&mut self, mut facts: Facts) {
        if self.strict && facts.state == State::Degraded {
            let failure = facts.failure.take();
            let unsaid = || Failure::new(FailureKind::Malformed, "the score is damaged");
            facts = Facts::failed(failure.unwrap_or_else(unsaid));
        }
        sum_up(&mut self.outcome, &facts);
        let (format, digest) = (self.format.clone(), self.digest.clone());
        let (source, given) = (self.item.name.clone(), self.item.given.clone());
        let row = Row { source, piece: self.piece, format, digest, given, facts };
        self.defect = self.defect.take().or_else(|| self.rows.push(&row).err());
        self.piece = self.piece.saturating_add(1);
    }
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
