//! From what a client asks to what workers do: the request checked, items in order, chunks of about equal work. Pure.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use shared::failure::{Failure, FailureKind};
use shared::job::{Asked, Chunk, Item, Record, Request};
use shared::place::Place;
use shared::store;
use shared::wire::WIRE_VERSION;
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;
use worker::analyse;
use worker::read::{Fidelity, MidiOptions, READERS, has_extension};
use worker::score::Repeats;

/// Items of one chunk at the most: what is done again when a worker dies stays small.
const CHUNK_ITEMS_MAX: usize = 256;
/// Work of one chunk, in milliseconds of one core.
const CHUNK_MS: u64 = 2_000;

/// Where a listing began. Its sources share it, because a million paths written out twice would not fit the memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Root {
    /// How the table calls it: as the client wrote it.
    pub name: String,
    /// Where it is: an absolute path, or the URL of a store.
    pub address: String,
}

/// A source that was found, not yet in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Where the listing began.
    pub root: Arc<Root>,
    /// The path from there; empty for a source that was named itself.
    pub inside: Box<str>,
    /// Its size.
    pub bytes: u64,
    /// When it was last changed, in milliseconds since 1970 UTC.
    pub modified_ms: u64,
    /// What else is known of it, if anything is.
    pub more: Option<Box<More>>,
}

/// What a store or a manifest file says of a source beyond its name, size and age.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct More {
    /// Where its bytes are, where its name does not say it.
    pub address: Option<String>,
    /// The store's mark of its bytes.
    pub etag: Option<String>,
    /// What a manifest file says, in the order of the columns of all of them.
    pub given: Vec<Option<String>>,
    /// Why it is no source: the line of a manifest file, and what is wrong with it.
    pub wrong: Option<(u32, FailureKind, String)>,
}

impl Found {
    /// How the table calls it.
    #[must_use]
    pub fn name(&self) -> String {
        joined(&self.root.name, &self.inside)
    }

    /// Where its bytes are.
    #[must_use]
    pub fn address(&self) -> String {
        if let Some(address) = self.more.as_ref().and_then(|more| more.address.as_ref()) {
            return address.clone();
        }
        if store::is_url(&self.root.address) && !self.inside.is_empty() {
            return store::join(&self.root.address, &self.inside);
        }
        joined(&self.root.address, &self.inside)
    }

    /// The order of the table: by name. Two sources of one name are ordered by their addresses.
    pub(crate) fn by_name(&self, other: &Found) -> Ordering {
        if Arc::ptr_eq(&self.root, &other.root) {
            return self.inside.cmp(&other.inside);
        }
        let (one, two) = (pieces(&self.root.name, &self.inside), pieces(&other.root.name, &other.inside));
        compare(one, two).then_with(|| self.by_address(other))
    }

    /// Whether they are one source, and an order else.
    pub(crate) fn by_address(&self, other: &Found) -> Ordering {
        let addressed = |found: &Found| found.more.as_ref().is_some_and(|more| more.address.is_some());
        if addressed(self) || addressed(other) {
            return self.address().cmp(&other.address());
        }
        if store::is_url(&self.root.address) || store::is_url(&other.root.address) {
            return self.address().cmp(&other.address());
        }
        let (one, two) = (&self.root.address, &other.root.address);
        compare(pieces(one, &self.inside), pieces(two, &other.inside))
    }

    pub(crate) fn item(&self, index: u64) -> Item {
        let (name, address) = (self.name(), self.address());
        let More { etag, given, wrong, .. } = self.more.as_deref().cloned().unwrap_or_default();
        let failure = wrong.map(|(line, kind, message)| Failure::at(kind, Place::line(line, 1), message));
        Item {
            index,
            name,
            address,
            bytes: self.bytes,
            modified_ms: self.modified_ms,
            etag,
            given,
            failure,
            earlier: None,
        }
    }
}

/// What is between root and inside belongs to neither.
fn pieces<'a>(root: &'a str, inside: &'a str) -> [&'a str; 3] {
    let apart = !root.is_empty() && !inside.is_empty() && !root.ends_with('/');
    [root, if apart { "/" } else { "" }, inside]
}

fn joined(root: &str, inside: &str) -> String {
    pieces(root, inside).concat()
}

/// Compares as the joined texts would, without making them.
fn compare(one: [&str; 3], two: [&str; 3]) -> Ordering {
    one.iter().flat_map(|piece| piece.bytes()).cmp(two.iter().flat_map(|piece| piece.bytes()))
}

/// What a client may say of the analyses, before it is checked.
#[derive(Clone, Debug, Default)]
pub struct Choice {
    /// Names, in the order of the table's columns; empty for all of them.
    pub analyses: Vec<String>,
    /// `analysis.parameter` and its value.
    pub params: Vec<(String, String)>,
    /// Whose reading; also given to every analysis that has a parameter of that name.
    pub fidelity: Fidelity,
    /// Whether a damaged score fails.
    pub strict: bool,
    /// In which order, and how often, measures count.
    pub repeats: Repeats,
    /// How MIDI files are read.
    pub midi: MidiOptions,
}

/// Checks a choice against the registry.
///
/// # Errors
/// `malformed`, naming the analysis or parameter that is not there, the nearest one, and what there is.
pub fn request(sources: Vec<String>, choice: &Choice) -> Result<Request, Failure> {
    let all = || analyse::ANALYSES.iter().map(|analysis| analysis.spec().name.to_owned()).collect();
    let names: Vec<String> = if choice.analyses.is_empty() { all() } else { choice.analyses.clone() };
    let mut given: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
    for (path, value) in &choice.params {
        let Some((analysis, param)) =
            path.split_once('.').filter(|(analysis, _)| names.iter().any(|name| name == analysis))
        else {
            let message =
                format!("{path:?} is no parameter of an analysis of this run: say analysis.parameter=value");
            return Err(Failure::new(FailureKind::Malformed, message));
        };
        // A number where it reads as one and none but texts are asked for; the spec decides whether that is right.
        let params = analyse::find(analysis).map_or(&[][..], |analysis| analysis.spec().params);
        let known = params.iter().find(|known| known.name == param);
        let number = || value.parse::<i64>().map_or_else(|_| Value::from(value.as_str()), Value::from);
        let value = known.map_or_else(number, |known| known.range.value(value));
        given.entry(analysis).or_default().insert(param.to_owned(), value);
    }
    let mut analyses: Vec<Asked> = Vec::with_capacity(names.len());
    for name in &names {
        let spec = analysis(name)?.spec();
        if analyses.iter().any(|asked| asked.name == *name) {
            return Err(Failure::new(
                FailureKind::Malformed,
                format!("analysis {name:?} is asked for twice"),
            ));
        }
        let mut params = given.remove(name.as_str()).unwrap_or_default();
        if spec.params.iter().any(|param| param.name == "fidelity") {
            params.entry("fidelity").or_insert_with(|| Value::from(choice.fidelity.name()));
        }
        let params = spec.check(&params)?.as_map().clone();
        analyses.push(Asked { name: name.clone(), mark: spec.mark(), params });
    }
    let (fidelity, repeats) = (choice.fidelity.name().to_owned(), choice.repeats.name().to_owned());
    let midi_grid = choice.midi.grid.as_ref().map(|grid| grid.divisors().to_vec()).unwrap_or_default();
    let midi_parts = choice.midi.parts.map(|parts| parts.name().to_owned());
    let (strict, given) = (choice.strict, Vec::new());
    Ok(Request { sources, analyses, fidelity, strict, repeats, midi_grid, midi_parts, given })
}

/// A request of before, by the analyses of this build: their revisions may have gone up, their parameters be more.
///
/// # Errors
/// `malformed`, naming the analysis or parameter that is there no more.
pub fn renewed(request: &Request) -> Result<Request, Failure> {
    let renew = |asked: &Asked| {
        let spec = analyse::find(&asked.name).ok_or_else(|| unknown(&asked.name))?.spec();
        let params = spec.check(&asked.params)?.as_map().clone();
        Ok(Asked { name: asked.name.clone(), mark: spec.mark(), params })
    };
    let analyses = request.analyses.iter().map(renew).collect::<Result<_, Failure>>()?;
    Ok(Request { analyses, ..request.clone() })
}

/// The analysis of that name.
///
/// # Errors
/// `malformed`, with the nearest name, and what there is.
pub fn analysis(name: &str) -> Result<&'static dyn analyse::Analysis, Failure> {
    analyse::find(name).ok_or_else(|| unknown(name))
}

fn unknown(name: &str) -> Failure {
    let names: Vec<&str> = analyse::ANALYSES.iter().map(|analysis| analysis.spec().name).collect();
    let hint = nearest(name, &names).map(|known| format!("; did you mean {known:?}?")).unwrap_or_default();
    Failure::new(
        FailureKind::Malformed,
        format!("analysis {name:?} is unknown{hint}; there are: {}", names.join(", ")),
    )
}

/// The word that was most likely meant, if one is near.
pub(crate) fn nearest<'a>(given: &str, known: &[&'a str]) -> Option<&'a str> {
    let near = known.iter().map(|word| (distance(given, word), *word)).min_by_key(|(edits, _)| *edits)?;
    (near.0 <= 3).then_some(near.1)
}

/// Edits from one word to the other (Levenshtein 1966).
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (slot, y) in row.iter_mut().skip(1).zip(b.bytes()) {
            let value = (diagonal + usize::from(x != y)).min(*slot + 1).min(left + 1);
            (diagonal, left) = (*slot, value);
            *slot = value;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or(0)
}

/// Cuts sources in order into chunks of about equal work, one after the other. A failure is the last.
pub fn chunks(
    found: impl Iterator<Item = Result<Found, Failure>>,
) -> impl Iterator<Item = Result<Chunk, Failure>> {
    cut((0..).zip(found).map(|(index, found)| found.map(|found| found.item(index))))
}

/// Cuts items of another job into chunks, numbered anew.
pub fn chunks_of(items: Vec<Item>) -> impl Iterator<Item = Result<Chunk, Failure>> {
    cut((0..).zip(items).map(|(index, item)| Ok(Item { index, ..item })))
}

fn cut(mut all: impl Iterator<Item = Result<Item, Failure>>) -> impl Iterator<Item = Result<Chunk, Failure>> {
    std::iter::from_fn(move || {
        let mut items = Vec::new();
        let mut microseconds = 0;
        while items.len() < CHUNK_ITEMS_MAX && microseconds < CHUNK_MS * 1000 {
            match all.next() {
                Some(Ok(item)) => {
                    microseconds += expected_microseconds(&item);
                    items.push(item);
                }
                Some(Err(failure)) => return Some(Err(failure)),
                None => break,
            }
        }
        (!items.is_empty()).then_some(Ok(Chunk { version: WIRE_VERSION, items }))
    })
}

/// Work of one item, from its size and the format that its name bespeaks. Rough: it only sizes chunks.
fn expected_microseconds(item: &Item) -> u64 {
    expected(&item.name, item.bytes).1
}

/// The format that a name bespeaks, and the microseconds that so many bytes of it take.
fn expected(name: &str, bytes: u64) -> (&'static str, u64) {
    let format = READERS
        .iter()
        .find(|reader| has_extension(reader.format(), name))
        .map_or("unknown", |reader| reader.format().name);
    let bytes_per_second = match format {
        "musicxml" if name.to_ascii_lowercase().ends_with(".mxl") => 1_000_000,
        "musicxml" => 20_000_000,
        _ => 2_000_000,
    };
    (format, 200 + bytes.saturating_mul(1_000_000) / bytes_per_second)
}

/// About what so many items of unknown formats take, in microseconds of one core.
pub(crate) fn roughly(items: u64, bytes: u64) -> u64 {
    items.saturating_mul(expected("", 0).1).saturating_add(expected("", bytes).1)
}

/// What an estimate rests on, for people.
pub const BASIS: &str = "0.2 ms an item, and 2 MB/s of one core (MusicXML 20 MB/s, compressed 1 MB/s), with all analyses; 0.05 ms an item that is known";

/// What items of one format would cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Part {
    /// Items.
    pub items: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Microseconds of one core.
    pub microseconds: u64,
}

impl Part {
    /// Counts an item in.
    pub(crate) fn add(&mut self, item: &Item) {
        self.items += 1;
        self.bytes += item.bytes;
        self.microseconds += expected_microseconds(item);
    }
}

/// What a job would cost.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Estimate {
    /// By format.
    pub formats: BTreeMap<&'static str, Part>,
    /// Messages that it would travel as.
    pub chunks: u64,
    /// Microseconds of the item that takes longest.
    pub largest: u64,
}

impl Estimate {
    pub(crate) fn add(&mut self, item: &Item) {
        let (format, microseconds) = expected(&item.name, item.bytes);
        self.formats.entry(format).or_default().add(item);
        self.largest = self.largest.max(microseconds);
    }

    /// All formats together.
    #[must_use]
    pub fn total(&self) -> Part {
        let total = |of: fn(&Part) -> u64| self.formats.values().map(of).sum();
        Part {
            items: total(|part| part.items),
            bytes: total(|part| part.bytes),
            microseconds: total(|part| part.microseconds),
        }
    }
}

/// Reckons what a job would cost, from sizes and formats.
///
/// # Errors
/// A failure among the sources.
pub fn estimate(found: impl Iterator<Item = Result<Found, Failure>>) -> Result<Estimate, Failure> {
    let mut estimate = Estimate::default();
    for chunk in chunks(found) {
        estimate.chunks += 1;
        chunk?.items.iter().for_each(|item| estimate.add(item));
    }
    Ok(estimate)
}

/// The same request over the same sources has the same digest.
///
/// # Errors
/// A failure among the sources.
pub fn submission(
    request: &Request,
    found: impl Iterator<Item = Result<Found, Failure>>,
) -> Result<String, Failure> {
    let mut hasher = blake3::Hasher::new();
    let mut part = |text: &str| {
        hasher.update(&(text.len() as u64).to_le_bytes());
        hasher.update(text.as_bytes());
    };
    for asked in &request.analyses {
        part(&asked.mark);
        part(&Value::Object(asked.params.clone()).to_string());
    }
    part(&request.fidelity);
    part(if request.strict { "strict" } else { "lenient" });
    part(&request.repeats);
    // What is not said has no part in the digest, so that a job of before the options can be taken up.
    if !request.midi_grid.is_empty() || request.midi_parts.is_some() {
        part(&format!("midi {:?} {:?}", request.midi_grid, request.midi_parts));
    }
    if !request.given.is_empty() {
        part(&format!("given {:?}", request.given));
    }
    for found in found {
        let found = found?;
        part(&found.name());
        part(&found.address());
        part(&format!("{} {}", found.bytes, found.modified_ms));
        if let Some(More { etag, given, wrong, .. }) = found.more.as_deref() {
            part(&format!("{etag:?} {given:?} {wrong:?}"));
        }
    }
    Ok(hasher.finalize().to_hex().to_string())
}

/// The digest of trying again what failed of a job: there is one such job at a time.
#[must_use]
pub fn retry_submission(record: &Record) -> String {
    blake3::hash(format!("what failed of {}", record.id).as_bytes()).to_hex().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use worker::read::{Grid, MidiParts};

    fn root(name: &str) -> Arc<Root> {
        Arc::new(Root { name: name.into(), address: format!("/at/{name}") })
    }

    fn found(root: &Arc<Root>, inside: &str, bytes: u64) -> Found {
        Found { root: Arc::clone(root), inside: inside.into(), bytes, modified_ms: 1, more: None }
    }

    #[test]
    fn names_and_addresses_are_compared_as_if_they_were_joined() {
        let roots = ["s", "s/a", "s/", "s/a/", "s!", "", "s3://s/", "s3://s/a"];
        let roots = roots.map(|name| Arc::new(Root { name: name.into(), address: name.into() }));
        let insides = ["", "a", "a/b", "b", "!", "é"];
        let all = || roots.iter().flat_map(|root| insides.map(|inside| found(root, inside, 1)));
        for one in all() {
            for two in all() {
                let (names, addresses) = (one.name().cmp(&two.name()), one.address().cmp(&two.address()));
                assert_eq!(one.by_name(&two), names.then(addresses), "{one:?} {two:?}");
                assert_eq!(one.by_address(&two), addresses, "{one:?} {two:?}");
            }
        }
    }

    #[test]
    fn chunks_hold_every_item_once_in_order() {
        let root = root("s");
        let found: Vec<Found> =
            (0..2_000).map(|index| found(&root, &format!("{index:05}.mid"), (index % 7) * 300_000)).collect();
        let chunks: Vec<Chunk> = chunks(found.iter().cloned().map(Ok)).map(Result::unwrap).collect();
        let joined: Vec<Item> = chunks.iter().flat_map(|chunk| chunk.items.clone()).collect();
        assert!(joined.iter().zip(&found).all(|(item, found)| item.name == found.name()));
        assert!(joined.iter().map(|item| item.index).eq(0..2_000));
        assert!(
            chunks.len() > 8 && chunks.iter().all(|chunk| (1..=CHUNK_ITEMS_MAX).contains(&chunk.items.len()))
        );
        assert_eq!(super::chunks(std::iter::empty()).count(), 0);
    }

    #[test]
    fn a_submission_changes_with_what_was_asked_and_with_the_files() {
        let request = |strict| super::request(vec![], &Choice { strict, ..Choice::default() }).unwrap();
        let items = |bytes| std::iter::once(Ok(found(&root("a"), "", bytes)));
        let submission = |request, items| super::submission(&request, items).unwrap();
        let base = submission(request(false), items(1));
        assert_eq!(base, submission(request(false), items(1)));
        assert_ne!(base, submission(request(true), items(1)));
        assert_ne!(base, submission(request(false), items(2)));
        let expanded = Choice { repeats: Repeats::Expanded, ..Choice::default() };
        assert_ne!(base, submission(super::request(vec![], &expanded).unwrap(), items(1)));
        let grid = MidiOptions { grid: Grid::new(&[4, 3]).ok(), parts: None };
        let parts = MidiOptions { grid: None, parts: Some(MidiParts::Track) };
        for midi in [grid, parts] {
            let choice = Choice { midi, ..Choice::default() };
            assert_ne!(base, submission(super::request(vec![], &choice).unwrap(), items(1)));
        }
    }

    #[test]
    fn refusals_teach() {
        let refusal = |choice: Choice| super::request(vec![], &choice).unwrap_err().message;
        let named = |name: &str| Choice { analyses: vec![name.into()], ..Choice::default() };
        assert!(refusal(named("ambtus")).contains("did you mean \"ambitus\"?"));
        assert!(
            refusal(Choice { analyses: vec!["ambitus".into(); 2], ..Choice::default() }).contains("twice")
        );
        let with = |path: &str, value: &str| Choice {
            params: vec![(path.into(), value.into())],
            ..named("ambitus")
        };
        assert!(refusal(with("ambitus.fidelity", "loose")).contains("one of corrected, compat"));
        assert!(refusal(with("ambitus.depth", "1")).contains("no parameter \"depth\""));
        assert!(refusal(with("depth", "1")).contains("analysis.parameter=value"));
    }

    #[test]
    fn distances() {
        for (a, b, expected) in
            [("", "", 0), ("key", "key", 0), ("keys", "key", 1), ("yek", "key", 2), ("", "abc", 3)]
        {
            assert_eq!(distance(a, b), expected, "{a} {b}");
        }
    }
}
