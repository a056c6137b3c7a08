//! From what a client asks to what workers do: the request checked, items in order, chunks of about equal work. Pure.

use serde_json::{Map, Value};
use shared::failure::{Failure, FailureKind};
use shared::job::{Asked, Chunk, Item, Request};
use shared::limits::{Limits, exceeded};
use shared::wire::WIRE_VERSION;
use std::collections::BTreeMap;
use worker::analyse;
use worker::read::{Fidelity, READERS, has_extension};
use worker::score::Repeats;

/// Items of one chunk at the most: what is done again when a worker dies stays small.
const CHUNK_ITEMS_MAX: usize = 256;
/// Work of one chunk, in milliseconds of one core.
const CHUNK_MS: u64 = 2_000;

/// A source that was found, not yet in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// How the table calls it.
    pub name: String,
    /// Where its bytes are.
    pub address: String,
    /// Its size.
    pub bytes: u64,
    /// When it was last changed, in milliseconds since 1970 UTC.
    pub modified_ms: u64,
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
    /// Whether repeats count as often as they are played.
    pub repeats: Repeats,
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
        // A number where it reads as one, else a word; the spec decides whether that is right.
        let value = value.parse::<i64>().map_or_else(|_| Value::from(value.as_str()), Value::from);
        given.entry(analysis).or_default().insert(param.to_owned(), value);
    }
    let mut analyses: Vec<Asked> = Vec::with_capacity(names.len());
    for name in &names {
        let spec = analyse::find(name).ok_or_else(|| unknown(name))?.spec();
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
    Ok(Request { sources, analyses, fidelity, strict: choice.strict, repeats })
}

fn unknown(name: &str) -> Failure {
    let names: Vec<&str> = analyse::ANALYSES.iter().map(|analysis| analysis.spec().name).collect();
    let nearest = names.iter().min_by_key(|known| distance(name, known));
    let nearest = nearest.filter(|known| distance(name, known) <= 3);
    let hint = nearest.map(|known| format!("; did you mean {known:?}?")).unwrap_or_default();
    Failure::new(
        FailureKind::Malformed,
        format!("analysis {name:?} is unknown{hint}; there are: {}", names.join(", ")),
    )
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

/// Puts what was found in the order of the table, each source once.
///
/// # Errors
/// `too_large` for more items than a job may have.
pub fn items(mut found: Vec<Found>, limits: &Limits) -> Result<Vec<Item>, Failure> {
    found.sort_by(|a, b| a.name.cmp(&b.name).then_with(|| a.address.cmp(&b.address)));
    let mut seen = std::collections::BTreeSet::new();
    found.retain(|found| seen.insert(found.address.clone()));
    if found.len() as u64 > limits.items_max {
        return Err(exceeded("items_max", limits.items_max, None));
    }
    let numbered = (0..).zip(found);
    let item = |(index, found): (u64, Found)| {
        let Found { name, address, bytes, modified_ms } = found;
        Item { index, name, address, bytes, modified_ms }
    };
    Ok(numbered.map(item).collect())
}

/// Cuts items into chunks of about equal work.
#[must_use]
pub fn chunks(items: Vec<Item>) -> Vec<Chunk> {
    let mut chunks = Vec::new();
    let mut open: Vec<Item> = Vec::new();
    let mut microseconds = 0;
    for item in items {
        microseconds += expected_microseconds(&item);
        open.push(item);
        if open.len() >= CHUNK_ITEMS_MAX || microseconds >= CHUNK_MS * 1000 {
            chunks.push(Chunk { version: WIRE_VERSION, items: std::mem::take(&mut open) });
            microseconds = 0;
        }
    }
    if !open.is_empty() {
        chunks.push(Chunk { version: WIRE_VERSION, items: open });
    }
    chunks
}

/// Work of one item, from its size and the format that its name bespeaks. Rough: it only sizes chunks.
fn expected_microseconds(item: &Item) -> u64 {
    let format = READERS
        .iter()
        .find(|reader| has_extension(reader.format(), &item.name))
        .map(|reader| reader.format().name);
    let bytes_per_second = match format {
        Some("musicxml") if item.name.to_ascii_lowercase().ends_with(".mxl") => 1_000_000,
        Some("musicxml") => 20_000_000,
        _ => 2_000_000,
    };
    200 + item.bytes.saturating_mul(1_000_000) / bytes_per_second
}

/// The same request over the same items has the same digest.
#[must_use]
pub fn submission(request: &Request, items: &[Item]) -> String {
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
    for item in items {
        part(&item.name);
        part(&item.address);
        part(&format!("{} {}", item.bytes, item.modified_ms));
    }
    hasher.finalize().to_hex().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(name: &str, bytes: u64) -> Found {
        Found { name: name.into(), address: format!("/{name}"), bytes, modified_ms: 1 }
    }

    #[test]
    fn items_are_sorted_and_unique() {
        let items = items(vec![found("b", 1), found("a", 1), found("b", 1)], &Limits::default()).unwrap();
        let order: Vec<_> = items.iter().map(|item| (item.index, item.name.as_str())).collect();
        assert_eq!(order, [(0, "a"), (1, "b")]);
    }

    #[test]
    fn chunks_hold_every_item_once_in_order() {
        let sizes = (0..2_000).map(|index| found(&format!("{index:05}.mid"), (index % 7) * 300_000));
        let items = items(sizes.collect(), &Limits::default()).unwrap();
        let chunks = chunks(items.clone());
        let joined: Vec<Item> = chunks.iter().flat_map(|chunk| chunk.items.clone()).collect();
        assert_eq!(joined, items);
        assert!(chunks.iter().all(|chunk| (1..=CHUNK_ITEMS_MAX).contains(&chunk.items.len())));
        assert!(super::chunks(Vec::new()).is_empty());
    }

    #[test]
    fn a_submission_changes_with_what_was_asked_and_with_the_files() {
        let request = |strict| super::request(vec![], &Choice { strict, ..Choice::default() }).unwrap();
        let items = |bytes| items(vec![found("a", bytes)], &Limits::default()).unwrap();
        let base = submission(&request(false), &items(1));
        assert_eq!(base, submission(&request(false), &items(1)));
        assert_ne!(base, submission(&request(true), &items(1)));
        assert_ne!(base, submission(&request(false), &items(2)));
        let expanded = Choice { repeats: Repeats::Expanded, ..Choice::default() };
        assert_ne!(base, submission(&super::request(vec![], &expanded).unwrap(), &items(1)));
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
