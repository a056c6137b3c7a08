//! What the cache keeps of one item, and how it is found again.

use crate::read::{Format, ReadOptions};
use crate::score::Repeats;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use shared::failure::Failure;
use shared::job::Asked;
use shared::principal::LOCAL_TENANT;
use shared::row::{Facts, Finding, State};
use std::collections::BTreeMap;

/// Version of the encoding; entries of another one are not used.
const VERSION: u8 = 4;
/// Bytes before the record: the version and a checksum.
const HEADER_BYTES: usize = 5;

/// The findings of one part of an item's pieces.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Each piece, without its findings.
    pub pieces: Vec<Facts>,
    /// For each analysis, by its own sentence, a finding for each piece; pieces that failed have an empty one.
    pub findings: BTreeMap<String, Vec<Encoded>>,
    /// Whether no part of the item follows.
    pub last: bool,
}

/// A finding as rows carry it: whoever recalls it copies it there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Encoded(Vec<u8>);

impl Encoded {
    /// The bytes of a finding.
    ///
    /// # Errors
    /// What [`Finding::encode_into`] says.
    pub fn of(finding: &Finding) -> Result<Self, Failure> {
        let mut bytes = Vec::new();
        finding.encode_into(&mut bytes).map(|()| Encoded(bytes))
    }
}

impl Serialize for Encoded {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Encoded {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <&[u8]>::deserialize(deserializer).map(|bytes| Encoded(bytes.to_owned()))
    }
}

/// A piece that is known: its facts without findings, and its findings as rows carry them.
pub type Known = (Facts, Vec<u8>);

/// The sentence of one part of a reading: a tunebook of thousands of tunes has many.
#[must_use]
pub fn part_sentence(reading: &str, part: usize) -> String {
    format!("{reading}part {part}\n")
}

/// Whose an entry is: what one tenant has read, another does not find. Whoever sits at this machine is nobody else.
#[must_use]
pub fn whose_sentence(tenant: &str) -> String {
    if tenant == LOCAL_TENANT { String::new() } else { format!("tenant {tenant}\n") }
}

/// What decides the reading of an item: for whom it is read, its bytes, the reader, the options of reading, its repeats, and the
/// bounds.
#[must_use]
pub fn reading_sentence(
    whose: &str,
    digest: &str,
    format: &Format,
    options: &ReadOptions,
    repeats: Repeats,
    limits: &str,
) -> String {
    let ReadOptions { fidelity, midi, .. } = options;
    let midi = midi.text().filter(|_| format.name == "midi");
    let midi = midi.map(|midi| format!("midi {midi}\n")).unwrap_or_default();
    let (reader, revision, fidelity, repeats) =
        (format.name, format.revision, fidelity.name(), repeats.name());
    format!(
        "{whose}score {digest}\nreader {reader}@{revision}\nfidelity {fidelity}\nrepeats {repeats}\n{midi}limits {limits}\n"
    )
}

/// What decides a finding of a reading: the analysis, its revision, its parameters.
#[must_use]
pub fn finding_sentence(asked: &Asked) -> String {
    format!("{} {}", asked.mark, serde_json::Value::Object(asked.params.clone()))
}

impl Entry {
    /// Every piece with the findings asked for by their sentences, in the order asked; `None` if one of them is missing.
    #[must_use]
    pub fn answer(self, asked: &[String]) -> Option<Vec<Known>> {
        let columns: Option<Vec<&Vec<Encoded>>> =
            asked.iter().map(|asked| self.findings.get(asked)).collect();
        let columns = columns?;
        let mut pieces = Vec::with_capacity(self.pieces.len());
        for (index, facts) in self.pieces.into_iter().enumerate() {
            let mut findings = Vec::new();
            if facts.state != State::Failed {
                for column in &columns {
                    findings.extend_from_slice(&column.get(index)?.0);
                }
            }
            pieces.push((facts, findings));
        }
        Some(pieces)
    }
}

/// The bytes of a record: version, checksum, record.
pub(super) fn encode<T: Serialize>(record: &T) -> Option<Vec<u8>> {
    // Named fields: those that are left out when empty cannot be told by their position.
    let record = rmp_serde::to_vec_named(record).ok()?;
    let mut bytes = Vec::with_capacity(HEADER_BYTES + record.len());
    bytes.push(VERSION);
    bytes.extend_from_slice(&crc32fast::hash(&record).to_le_bytes());
    bytes.extend_from_slice(&record);
    Some(bytes)
}

/// The record in `bytes`, if they are whole.
pub(super) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    let (header, record) = bytes.split_at_checked(HEADER_BYTES)?;
    let (version, checksum) = header.split_first()?;
    if *version != VERSION || checksum != crc32fast::hash(record).to_le_bytes() {
        return None;
    }
    rmp_serde::from_slice(record).ok()
}
