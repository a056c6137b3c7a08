//! Scores that clients uploaded, as a catalogue knows them.

use crate::failure::{Failure, FailureKind};
use crate::handle::{LETTERS, as_text, is_handle, letter, letters_of};
use serde::{Deserialize, Serialize};
use std::str::FromStr;

/// The handle of an uploaded score: `score-` and sixteen letters and digits, the first 80 bits of its digest.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ScoreId(String);

impl ScoreId {
    /// The handle of the bytes that have this BLAKE3 digest.
    #[must_use]
    pub fn of_digest(digest: &[u8; 32]) -> Self {
        let bits =
            digest.iter().take(LETTERS * 5 / 8).fold(0u128, |bits, byte| bits << 8 | u128::from(*byte));
        let letters = (0..LETTERS).rev().map(|place| letter((bits >> (5 * place) & 31) as u8));
        ScoreId(format!("score-{}", letters.collect::<String>()))
    }

    /// The text of it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ScoreId {
    type Err = Failure;

    fn from_str(text: &str) -> Result<Self, Failure> {
        if is_handle(text, "score-") {
            return Ok(ScoreId(text.to_owned()));
        }
        let message = format!(
            "{text:?} is no handle of a score: one is like score-k3f9q2mwx7abcdef, as an import gives it and a \
             search lists it"
        );
        Err(Failure::new(FailureKind::Malformed, message))
    }
}

as_text!(ScoreId);

/// The handle of an upload that comes in pieces: `upload-` and sixteen letters and digits, 80 random bits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct UploadId(String);

impl UploadId {
    /// A new one from eighty random bits or more.
    #[must_use]
    pub fn from_random(random: &[u8; LETTERS]) -> Self {
        UploadId(format!("upload-{}", letters_of(random)))
    }

    /// The text of it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for UploadId {
    type Err = Failure;

    fn from_str(text: &str) -> Result<Self, Failure> {
        if is_handle(text, "upload-") {
            return Ok(UploadId(text.to_owned()));
        }
        let message = format!("{text:?} is no handle of an upload: POST /v1/uploads gives one");
        Err(Failure::new(FailureKind::Malformed, message))
    }
}

as_text!(UploadId);

/// What is known of an uploaded score since it was read for the first time; never changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Card {
    /// Version of this record.
    pub version: u16,
    /// The handle.
    pub id: ScoreId,
    /// BLAKE3 digest of the bytes, in hexadecimal: where they lie.
    pub digest: String,
    /// File name, without folders.
    pub name: String,
    /// How many bytes there are.
    pub bytes: u64,
    /// When it was imported, in milliseconds since 1970 UTC.
    pub created_ms: u64,
    /// Where it came from, in the words of whoever imported it; empty for bytes that were sent.
    pub from: String,
    /// Format.
    pub format: String,
    /// Pieces in it: an ABC tunebook holds many. What follows is said of the first.
    pub pieces: u64,
    /// Title that the source states.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Composer that the source states.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub composer: Option<String>,
    /// Parts.
    pub parts: u64,
    /// Measures of the part that has most.
    pub measures: u64,
    /// Notes of all pieces.
    pub notes: u64,
    /// Oddities noticed while reading.
    pub warnings: u64,
    /// What of it could not be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
}

/// Checks the name of a corpus, which is part of a key of the ledger.
///
/// # Errors
/// `malformed`, with what a name may be.
pub fn check_corpus(name: &str) -> Result<(), Failure> {
    let letters = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_.".contains(&byte);
    if (1..=64).contains(&name.len()) && name.bytes().all(letters) && !name.starts_with('.') {
        return Ok(());
    }
    let message = format!(
        "{name:?} is no name of a corpus: 1 to 64 of a-z, 0-9, -, _ and . are, such as \"bach-chorales\""
    );
    Err(Failure::new(FailureKind::Malformed, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handle_follows_from_the_digest_and_is_checked() {
        let mut digest = [0; 32];
        assert_eq!(ScoreId::of_digest(&digest).as_str(), "score-aaaaaaaaaaaaaaaa");
        digest[9] = 31;
        digest[0] = 0b1000_0000;
        assert_eq!(ScoreId::of_digest(&digest).as_str(), "score-saaaaaaaaaaaaaa9");
        assert_eq!("score-saaaaaaaaaaaaaa9".parse::<ScoreId>().unwrap(), ScoreId::of_digest(&digest));
        for bad in ["", "score-", "score-short", "score-../../../../etc", "job-k3f9q2mwx7abcdef"] {
            assert!(bad.parse::<ScoreId>().unwrap_err().message.contains("is no handle of a score"), "{bad}");
        }
    }

    #[test]
    fn the_name_of_a_corpus_leads_nowhere_else() {
        assert!(check_corpus("bach-chorales_1.2").is_ok());
        for bad in ["", "..", ".hidden", "a/b", "Bach", &"x".repeat(65)] {
            assert!(check_corpus(bad).unwrap_err().message.contains("bach-chorales"), "{bad}");
        }
    }
}
