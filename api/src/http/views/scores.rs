//! Uploaded scores as REST tells them.

use super::FailureView;
use crate::scores::Progress;
use serde::{Deserialize, Serialize};
use shared::card::Card;
use utoipa::ToSchema;

/// An uploaded score.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct ScoreView {
    /// Its handle, which follows from its bytes.
    #[schema(example = "score-k3f9q2mwx7abcdef")]
    pub(crate) id: String,
    /// File name, without folders.
    pub(crate) name: String,
    /// How many bytes there are.
    pub(crate) bytes: u64,
    /// BLAKE3 digest of the bytes, in hexadecimal.
    pub(crate) digest: String,
    /// When it was imported, in milliseconds since 1970 UTC.
    pub(crate) created_ms: u64,
    /// Where it came from; empty for bytes that were sent.
    pub(crate) from: String,
    /// Format.
    pub(crate) format: String,
    /// Pieces in it: an ABC tunebook holds many. What follows is said of the first.
    pub(crate) pieces: u64,
    /// Title that the source states.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) title: Option<String>,
    /// Composer that the source states.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) composer: Option<String>,
    /// Parts.
    pub(crate) parts: u64,
    /// Measures of the part that has most.
    pub(crate) measures: u64,
    /// Notes of all pieces.
    pub(crate) notes: u64,
    /// Oddities noticed while reading.
    pub(crate) warnings: u64,
    /// What of it could not be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) failure: Option<FailureView>,
}

impl From<&Card> for ScoreView {
    fn from(card: &Card) -> Self {
        let card = card.clone();
        ScoreView {
            id: card.id.to_string(),
            name: card.name,
            bytes: card.bytes,
            digest: card.digest,
            created_ms: card.created_ms,
            from: card.from,
            format: card.format,
            pieces: card.pieces,
            title: card.title,
            composer: card.composer,
            parts: card.parts,
            measures: card.measures,
            notes: card.notes,
            warnings: card.warnings,
            failure: card.failure.map(FailureView::from),
        }
    }
}

/// A page of scores, in the order of their handles.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct ScoresView {
    /// The scores.
    pub(crate) scores: Vec<ScoreView>,
    /// How many there are in all.
    pub(crate) total: usize,
    /// Cursor of the next page; none at the end.
    pub(crate) next: Option<String>,
}

/// What came of an import.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct ImportedView {
    /// Scores that are there now, and were not before.
    pub(crate) new: Vec<ScoreView>,
    /// Scores that were there already.
    pub(crate) known: Vec<ScoreView>,
    /// What could not be imported.
    pub(crate) failed: Vec<NotImported>,
}

/// What could not be imported, and why.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct NotImported {
    /// Where it lies.
    pub(crate) source: String,
    /// Why.
    pub(crate) failure: FailureView,
}

/// The names of the corpora.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct Corpora {
    /// In their order.
    pub(crate) corpora: Vec<String>,
}

/// How far an upload is.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct UploadView {
    /// Its handle.
    #[schema(example = "upload-k3f9q2mwx7abcdef")]
    pub(crate) id: String,
    /// File name of the score.
    pub(crate) name: String,
    /// Bytes that are there.
    pub(crate) offset: u64,
    /// Bytes that there will be.
    pub(crate) length: u64,
    /// When it is thrown away if nothing more comes, in milliseconds since 1970 UTC.
    pub(crate) expires_ms: u64,
    /// The score that it became.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) score: Option<String>,
    /// Why it became none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) failure: Option<FailureView>,
}

impl From<Progress> for UploadView {
    fn from(progress: Progress) -> Self {
        let Progress { id, name, offset, length, expires_ms, outcome } = progress;
        let (score, failure) = match outcome {
            Some(Ok(score)) => (Some(score.to_string()), None),
            Some(Err(failure)) => (None, Some(FailureView::from(failure))),
            None => (None, None),
        };
        UploadView { id: id.to_string(), name, offset, length, expires_ms, score, failure }
    }
}
