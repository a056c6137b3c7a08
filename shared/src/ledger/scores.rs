//! What lies beside the jobs: uploaded scores by their digests, a card for each, and the corpora that they stand in.

use super::{Created, Ledger};
use crate::card::{Card, ScoreId};
use crate::failure::{Failure, FailureKind};
use crate::reach::Reach;
use crate::store::{self, failure};
use bytes::Bytes;
use futures::TryStreamExt;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use std::str::FromStr;

impl Ledger {
    /// Where a worker finds the bytes of an uploaded score: a path, or a URL.
    #[must_use]
    pub fn score_address(&self, digest: &str) -> String {
        let key = self.keys.score(digest);
        match store::is_url(&self.root) {
            true => store::join(&self.root, key.as_ref()),
            false => format!("{}/{key}", self.root),
        }
    }

    /// Where the sources of this tenant's jobs may lie: its uploaded scores are some of them.
    ///
    /// # Errors
    /// `malformed` for a `RIPIENO_SOURCES` that says no places.
    pub fn reach_of_sources(&self) -> Result<Reach, Failure> {
        Reach::of(self.tenant())?.with(&self.scores_place())
    }

    /// Where this tenant's uploaded scores lie: a folder, or a URL.
    #[must_use]
    pub fn scores_place(&self) -> String {
        self.score_address("").trim_end_matches('/').to_owned()
    }

    /// Writes the bytes of a score as they came: whoever reads them knows their digest.
    ///
    /// # Errors
    /// What the store says.
    pub async fn write_score(&self, digest: &str, bytes: Bytes) -> Result<Created, Failure> {
        self.create(&self.keys.score(digest), bytes).await
    }

    /// The bytes of a score.
    ///
    /// # Errors
    /// `not_found`, or what the store says.
    pub async fn score_bytes(&self, digest: &str) -> Result<Bytes, Failure> {
        let found = self.store.get(&self.keys.score(digest)).await.map_err(failure)?;
        found.bytes().await.map_err(failure)
    }

    /// Writes what is known of a score, whose bytes were written.
    ///
    /// # Errors
    /// What the store says.
    pub async fn write_card(&self, card: &Card) -> Result<Created, Failure> {
        self.create_record(&self.keys.card(&card.id), card).await
    }

    /// What is known of a score.
    ///
    /// # Errors
    /// `not_found`, or what the store says.
    pub async fn card(&self, score: &ScoreId) -> Result<Card, Failure> {
        let card = self.get(&self.keys.card(score)).await?;
        card.ok_or_else(|| Failure::new(FailureKind::NotFound, format!("there is no score {score}")))
    }

    /// Every uploaded score, in the order of the handles.
    ///
    /// # Errors
    /// What the store says.
    pub async fn cards(&self) -> Result<Vec<ScoreId>, Failure> {
        self.names(&self.keys.cards()).await
    }

    /// Removes a score: first its card, so that nobody finds a card without bytes.
    ///
    /// # Errors
    /// What the store says.
    pub async fn remove_score(&self, card: &Card) -> Result<(), Failure> {
        self.remove(&self.keys.card(&card.id)).await?;
        self.remove(&self.keys.score(&card.digest)).await
    }

    /// Puts a score into a corpus, whose name was checked.
    ///
    /// # Errors
    /// What the store says.
    pub async fn add_to_corpus(&self, corpus: &str, score: &ScoreId) -> Result<Created, Failure> {
        self.create(&self.keys.in_corpus(corpus, score), Bytes::new()).await
    }

    /// Takes a score out of a corpus.
    ///
    /// # Errors
    /// What the store says.
    pub async fn remove_from_corpus(&self, corpus: &str, score: &ScoreId) -> Result<(), Failure> {
        self.remove(&self.keys.in_corpus(corpus, score)).await
    }

    /// The scores of a corpus, in the order of the handles; none for one that nobody made.
    ///
    /// # Errors
    /// What the store says.
    pub async fn corpus(&self, corpus: &str) -> Result<Vec<ScoreId>, Failure> {
        self.names(&self.keys.corpus(corpus)).await
    }

    /// The names of the corpora.
    ///
    /// # Errors
    /// What the store says.
    pub async fn corpora(&self) -> Result<Vec<String>, Failure> {
        let folders = self.store.list_with_delimiter(Some(&self.keys.corpora())).await.map_err(failure)?;
        Ok(folders.common_prefixes.iter().filter_map(|path| Some(path.filename()?.to_owned())).collect())
    }

    async fn names<T: FromStr>(&self, prefix: &Path) -> Result<Vec<T>, Failure> {
        let listed: Vec<_> = self.store.list(Some(prefix)).try_collect().await.map_err(failure)?;
        let mut names: Vec<String> =
            listed.iter().filter_map(|meta| Some(meta.location.filename()?.to_owned())).collect();
        names.sort_unstable();
        Ok(names.iter().filter_map(|name| name.parse().ok()).collect())
    }
}
