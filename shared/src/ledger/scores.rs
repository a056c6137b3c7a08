//! What lies beside the jobs: uploaded scores by their digests, a card for each, and the corpora that they stand in.

use super::{Created, Ledger};
use crate::card::{Card, ScoreId};
use crate::failure::{Failure, FailureKind};
use crate::reach::Reach;
use crate::store::{self, failure};
use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{GetOptions, ObjectStore};
use std::str::FromStr;

/// A score on its way from the store.
pub struct Arriving {
    /// Bytes of its object, which are more than its own where it is sealed.
    pub size: u64,
    /// The store's mark of the object.
    pub etag: Option<String>,
    /// Its own bytes.
    pub bytes: BoxStream<'static, Result<Bytes, Failure>>,
}

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
        let reach = Reach::of(self.tenant())?.with(&self.scores_place())?;
        Ok(if self.vault.is_some() { reach.with_sealed_scores(self.clone()) } else { reach })
    }

    /// The digest of the uploaded score at an address, where that is one of this tenant's.
    pub(crate) fn score_at(&self, address: &str) -> Option<String> {
        let digest = address.strip_prefix(&self.scores_place())?.strip_prefix('/')?;
        blake3::Hash::from_hex(digest).is_ok().then(|| digest.to_owned())
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
        let key = self.keys.score(digest);
        match self.sealing(&key) {
            None => self.create(&key, bytes).await,
            Some((vault, tenant)) => {
                let object = vault.seal(&tenant, self.life, key.as_ref(), &bytes).await?;
                self.create(&key, object).await
            }
        }
    }

    /// The bytes of a score.
    ///
    /// # Errors
    /// `not_found`, or what the store says.
    pub async fn score_bytes(&self, digest: &str) -> Result<Bytes, Failure> {
        let nothing = || Failure::new(FailureKind::Unavailable, "the store sent nothing");
        let arriving = self.score_unless(digest, None).await?.ok_or_else(nothing)?;
        let mut bytes = Vec::with_capacity(usize::try_from(arriving.size).unwrap_or(0));
        let mut coming = arriving.bytes;
        while let Some(more) = coming.try_next().await? {
            bytes.extend_from_slice(&more);
        }
        Ok(bytes.into())
    }

    /// The bytes of a score as they come, unless its object is still marked `etag`: then nothing.
    ///
    /// # Errors
    /// `not_found`, or what the store says.
    pub async fn score_unless(&self, digest: &str, etag: Option<&str>) -> Result<Option<Arriving>, Failure> {
        let key = self.keys.score(digest);
        let options = GetOptions { if_none_match: etag.map(str::to_owned), ..GetOptions::default() };
        let found = match self.store.get_opts(&key, options).await {
            Err(object_store::Error::NotModified { .. }) if etag.is_some() => return Ok(None),
            found => found.map_err(failure)?,
        };
        let (size, etag) = (found.meta.size, found.meta.e_tag.clone());
        let bytes = found.into_stream().map_err(failure).boxed();
        let bytes = match self.sealing(&key) {
            None => bytes,
            Some((vault, tenant)) => vault.open_stream(&tenant, key.as_ref(), bytes),
        };
        Ok(Some(Arriving { size, etag, bytes }))
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
