//! One item, from its bytes to its rows and its outcome. Blocks: it runs on the threads for computing.

pub(crate) mod pace;
mod written;

use crate::analyse::{self, Analysis, Params};
use crate::cache::{
    Cache, Encoded, Entry, Source, finding_sentence, part_sentence, reading_sentence, source_sentence,
    whose_sentence,
};
use crate::fetch::{Arrived, Loaded};
use crate::read::{
    self, Fidelity, Format, Grid, MidiOptions, MidiParts, ReadError, ReadOptions, ScoreReader,
};
use crate::rows::Rows;
use crate::score::{Field, Repeats, Score, ScoreBuilder, laid_out};
use pace::Pace;
use serde_json::{Value, json};
use shared::failure::{Failure, FailureKind};
use shared::job::{Item, Request};
use shared::ledger::Ledger;
use shared::limits::Limits;
use shared::place::Place;
use shared::principal::{LOCAL_TENANT, PUBLIC_TENANT};
use shared::reach::PublicPlaces;
use shared::receipt::Outcome;
use shared::row::{Cell, Detail, Facts, Finding, State, Warning};
use shared::vault::Keeper;
use std::io::Read;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::OnceLock;
use written::{RowWriter, is_lasting};

/// A request made ready: analyses looked up, parameters checked.
pub struct Wanted {
    analyses: Vec<(&'static dyn Analysis, Params)>,
    /// What the cache calls a finding of each of them.
    sentences: Vec<String>,
    options: ReadOptions,
    /// What stands for the limits in sentences.
    limits_mark: String,
    repeats: Repeats,
    strict: bool,
    made_by: String,
    whose: Whose,
    /// What lies where anybody may have it, and whose what is found of that is.
    public: Option<(PublicPlaces, Whose)>,
}

/// For whom something is worked.
struct Whose {
    /// As the cache says it.
    sentence: String,
    /// Who seals what the cache keeps.
    keeper: Keeper,
}

impl Wanted {
    /// Looks up what a request names.
    ///
    /// # Errors
    /// `unsupported` for an analysis or a revision of it that this engine has not; what [`analyse::Spec::check`] says.
    pub fn of(request: &Request, limits: &Limits) -> Result<Self, Failure> {
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
        let mut wanted = Wanted {
            analyses,
            sentences: request.analyses.iter().map(finding_sentence).collect(),
            options: ReadOptions { fidelity, midi: midi(request)?, limits: limits.clone() },
            limits_mark: limits.of_scores_mark(),
            repeats,
            strict: request.strict,
            made_by: String::new(),
            whose: Whose { sentence: whose_sentence(LOCAL_TENANT), keeper: Keeper::nobody() },
            public: None,
        };
        let reading =
            |reader: &&dyn ScoreReader| wanted.reading_sentence(&wanted.whose, "any", reader.format());
        let readings = read::READERS.iter().map(reading);
        let sentences: String =
            readings.chain(wanted.sentences.iter().map(|one| format!("{one}\n"))).collect();
        let sentences = format!("{sentences}strict {}\n", wanted.strict);
        wanted.made_by = blake3::hash(sentences.as_bytes()).to_hex().to_string();
        Ok(wanted)
    }

    /// The same for the tenant of a ledger, which finds in the cache only what was worked for it, and what was found of
    /// sources that `RIPIENO_PUBLIC_SOURCES` says anybody may have; sealed where the ledger is.
    ///
    /// # Errors
    /// `malformed` for a `RIPIENO_PUBLIC_SOURCES` that says no places; what the ledger says.
    pub async fn for_ledger(self, ledger: &Ledger) -> Result<Self, Failure> {
        let whose = Whose { sentence: whose_sentence(ledger.tenant()), keeper: ledger.keeper() };
        let public = match PublicPlaces::from_environment()? {
            Some(places) => {
                let keeper = ledger.public_keeper().await?;
                Some((places, Whose { sentence: whose_sentence(PUBLIC_TENANT), keeper }))
            }
            None => None,
        };
        Ok(Wanted { whose, public, ..self })
    }

    /// Whose what is found of a source is.
    fn whose(&self, address: &str) -> &Whose {
        match &self.public {
            Some((places, public)) if places.hold(address) => public,
            _ => &self.whose,
        }
    }

    /// What the cache knows of a source in a store.
    #[must_use]
    pub fn recall_source(&self, cache: &Cache, address: &str) -> Option<Source> {
        let whose = self.whose(address);
        cache.recall(&whose.keeper, &source_sentence(&whose.sentence, address))
    }

    /// What stands for everything that decides the rows of a source, but its bytes and its name.
    #[must_use]
    pub fn made_by(&self) -> &str {
        &self.made_by
    }

    pub(crate) const fn limits(&self) -> &Limits {
        &self.options.limits
    }

    fn reading_sentence(&self, whose: &Whose, digest: &str, format: &Format) -> String {
        reading_sentence(&whose.sentence, digest, format, &self.options, self.repeats, &self.limits_mark)
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
    fn source(&mut self, format: Option<&'static str>, digest: String, bytes: u64);
    /// The next piece of it.
    fn piece(&mut self, facts: Facts);
    /// The next piece of it, with its findings as rows carry them.
    fn known(&mut self, facts: Facts, findings: &[u8]);
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
    rows: &mut Rows,
) -> Result<Outcome, Failure> {
    let mut writer = RowWriter::new(item, wanted.strict, rows);
    let found = catch_unwind(AssertUnwindSafe(|| find(item, arrived, wanted, cache, &mut writer)));
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
) -> Result<Option<(Rows, Outcome)>, Failure> {
    let Some(reader) = read::READERS.iter().find(|reader| reader.format().name == source.format) else {
        return Ok(None);
    };
    let format = reader.format();
    let whose = wanted.whose(&item.address);
    let sentence = wanted.reading_sentence(whose, &source.digest, format);
    let mut rows = Rows::default();
    let mut writer = RowWriter::new(item, wanted.strict, &mut rows);
    writer.source(Some(format.name), source.digest.clone(), source.bytes);
    if !recall_parts(&sentence, wanted, &whose.keeper, cache, &mut writer).1 {
        return Ok(None);
    }
    writer.outcome.cached = true;
    let outcome = writer.finish()?;
    Ok(Some((rows, outcome)))
}

/// Whether the cache has all of an item: by its bytes where they have `arrived`, else by what is remembered of its address and
/// by the mark that the listing told.
#[must_use]
pub fn is_known(item: &Item, arrived: Option<Arrived>, wanted: &Wanted, cache: &Cache) -> bool {
    let whose = wanted.whose(&item.address);
    let whole = |digest: &str, format: &Format| {
        let sentence = wanted.reading_sentence(whose, digest, format);
        recall_parts(&sentence, wanted, &whose.keeper, cache, &mut Nobody).1
    };
    if let Some(arrived) = arrived {
        let Ok(loaded) = arrived.load(wanted.limits()) else { return false };
        return choose(item, &loaded).is_ok_and(|reader| whole(&loaded.digest(), reader.format()));
    }
    let source = wanted.recall_source(cache, &item.address).filter(|source| source.is_of(item));
    source.is_some_and(|source| {
        let reader = read::READERS.iter().find(|reader| reader.format().name == source.format);
        reader.is_some_and(|reader| whole(&source.digest, reader.format()))
    })
}

/// Hears nothing.
struct Nobody;

impl Listener for Nobody {
    fn source(&mut self, _: Option<&'static str>, _: String, _: u64) {}
    fn piece(&mut self, _: Facts) {}
    fn known(&mut self, _: Facts, _: &[u8]) {}
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
pub fn bare(item: &Item, arrived: Result<Arrived, Failure>, wanted: &Wanted) -> usize {
    struct Counter(usize);
    impl Listener for Counter {
        fn source(&mut self, _: Option<&'static str>, _: String, _: u64) {}
        fn piece(&mut self, _: Facts) {
            self.0 += 1;
        }
        fn known(&mut self, _: Facts, _: &[u8]) {
            self.0 += 1;
        }
    }
    let mut counter = Counter(0);
    find(item, arrived, wanted, None, &mut counter);
    counter.0
}

/// Tells the listener everything of an item; says whether all of it came from the cache.
fn find(
    item: &Item,
    arrived: Result<Arrived, Failure>,
    wanted: &Wanted,
    cache: Option<&Cache>,
    listener: &mut dyn Listener,
) -> bool {
    if let Some(hook) = HOOK.get() {
        hook(item);
    }
    let loaded = match arrived.and_then(|arrived| arrived.load(wanted.limits())) {
        Ok(loaded) => loaded,
        Err(failure) => {
            listener.piece(Facts::failed(failure));
            return false;
        }
    };
    let (reader, whose) = (choose(item, &loaded), wanted.whose(&item.address));
    if let (Some(cache), Some(mark), Ok(reader)) = (cache, loaded.mark(), &reader) {
        let source = Source {
            etag: mark.etag.clone(),
            bytes: mark.bytes,
            digest: loaded.digest(),
            format: reader.format().name.to_owned(),
        };
        cache.remember(&whose.keeper, &source_sentence(&whose.sentence, &item.address), &source);
    }
    let format = reader.as_ref().ok().map(|reader| reader.format().name);
    listener.source(format, loaded.digest(), loaded.bytes());
    match reader {
        Ok(reader) => facts(&loaded, reader, wanted, cache.map(|cache| (cache, whose)), listener),
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
    cache: Option<(&Cache, &Whose)>,
    listener: &mut dyn Listener,
) -> bool {
    let whose = cache.map_or(&wanted.whose, |(_, whose)| whose);
    let sentence = wanted.reading_sentence(whose, &loaded.digest(), reader.format());
    let cache = cache.map(|(cache, whose)| (cache, &whose.keeper));
    let known = cache.map(|(cache, keeper)| recall_parts(&sentence, wanted, keeper, cache, listener));
    let (told, whole) = known.unwrap_or_default();
    if whole {
        return true;
    }
    let mut parts = Parts { sentence, cache, wanted, listener, told, number: 0, pieces: Vec::new() };
    compute(loaded, reader, wanted, &mut |piece| parts.take(piece));
    parts.end(true);
    false
}

/// Tells what the cache knows of a reading, from its first piece on; says how many pieces, and whether that was all.
fn recall_parts(
    sentence: &str,
    wanted: &Wanted,
    keeper: &Keeper,
    cache: &Cache,
    listener: &mut dyn Listener,
) -> (usize, bool) {
    let mut told = 0;
    for part in 0.. {
        let known: Option<Entry> = cache.recall(keeper, &part_sentence(sentence, part));
        let known = known.and_then(|entry| Some((entry.last, entry.answer(&wanted.sentences)?)));
        let Some((last, pieces)) = known else { break };
        told += pieces.len();
        pieces.into_iter().for_each(|(facts, findings)| listener.known(facts, &findings));
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
    cache: Option<(&'a Cache, &'a Keeper)>,
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
        let mut pieces = std::mem::take(&mut self.pieces);
        if let Some((cache, keeper)) = self.cache.filter(|_| pieces.iter().all(is_lasting)) {
            let sentence = part_sentence(&self.sentence, self.number);
            let known = cache.recall(keeper, &sentence);
            // What cannot be encoded is no row either, which the listener says.
            let entry = entry(known, &mut pieces, self.wanted, last);
            entry.iter().for_each(|entry| cache.remember(keeper, &sentence, entry));
        }
        let skipped = self.told.saturating_sub(self.number * PART_PIECES);
        pieces.into_iter().skip(skipped).for_each(|piece| self.listener.piece(piece));
        self.number += 1;
    }
}

/// What is known now: the findings of before, and those of this time.
fn entry(known: Option<Entry>, pieces: &mut [Facts], wanted: &Wanted, last: bool) -> Option<Entry> {
    let mut findings = known.map(|entry| entry.findings).unwrap_or_default();
    for (index, sentence) in wanted.sentences.iter().enumerate() {
        let finding = |piece: &Facts| piece.findings.get(index).map(Encoded::of).transpose();
        let column: Result<Vec<Option<Encoded>>, Failure> = pieces.iter().map(finding).collect();
        let column = column.ok()?.into_iter().map(Option::unwrap_or_default);
        findings.insert(sentence.clone(), column.collect());
    }
    // A copy of the findings would be the dearest part of an entry.
    let flat = |piece: &mut Facts| {
        let findings = std::mem::take(&mut piece.findings);
        let flat = piece.clone();
        piece.findings = findings;
        flat
    };
    Some(Entry { pieces: pieces.iter_mut().map(flat).collect(), findings, last })
}

/// Reads a source and runs the analyses on each of its pieces; tells at least one.
fn compute(loaded: &Loaded, reader: &dyn ScoreReader, wanted: &Wanted, tell: &mut dyn FnMut(Facts)) {
    let limits = wanted.limits();
    let mut none = true;
    let pace = Pace::new(limits);
    let check = || pace.check();
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
    let outcome = outcome.and_then(|mut input| reader.read(&mut *input, &wanted.options, &mut builder));
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
    let told = analyse::run(analysis, score, params);
    let (cells, detail) = match told.and_then(|told| Ok((Detail::of(told.text())?, told))) {
        Ok((detail, told)) => {
            (spec.columns.iter().map(|column| cell(told.at(column.pointer))).collect(), detail)
        }
        // So short a text is always taken.
        Err(failure) => {
            (Vec::new(), Detail::of(&json!({ "failure": failure }).to_string()).unwrap_or_default())
        }
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
