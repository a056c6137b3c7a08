//! Scores from where they lie: a path of this machine, a URL.

use super::{Scores, Upload};
use crate::plan::{Found, Root};
use crate::sources;
use bytes::Bytes;
use futures::{StreamExt, stream};
use shared::card::{Card, check_corpus};
use shared::failure::{Failure, FailureKind};
use shared::job::Item;
use shared::limits::{SCORES_AT_ONCE_MAX, exceeded};
use shared::principal::Principal;
use shared::reach::Reach;
use shared::store::Stores;
use std::io::Read;
use std::sync::Arc;
use worker::fetch::fetch;

/// Scores that are fetched and read together.
const AT_ONCE: usize = 4;

/// What came of an import.
#[derive(Debug)]
pub struct Imported {
    /// Scores that are in the catalogue now, and whether they are new.
    pub scores: Vec<(Card, bool)>,
    /// What could not be imported, and why.
    pub failed: Vec<(String, Failure)>,
}

impl Scores {
    /// Imports a file of this machine, or all scores of a folder.
    ///
    /// # Errors
    /// `not_found` and the like for the path itself; `too_large` for more scores than one import takes.
    pub async fn import_path(
        &self,
        principal: &Principal,
        path: &str,
        corpus: Option<&str>,
    ) -> Result<Imported, Failure> {
        let names = [path.to_owned()];
        self.import_listed(principal, &names, &Reach::everything(), corpus).await
    }

    /// Imports the score at a URL, or all under a prefix of an object store. Whoever is not `at_home` is refused any but a
    /// public https URL.
    ///
    /// # Errors
    /// `denied` by that policy; what the store says; `too_large` for more scores than one import takes.
    pub async fn import_url(
        &self,
        principal: &Principal,
        url: &str,
        corpus: Option<&str>,
        at_home: bool,
    ) -> Result<Imported, Failure> {
        let reach = match at_home {
            true => Reach::everything(),
            // Whoever only reaches this machine is not at home by that.
            false if principal.is_local() => Reach::public(),
            false => self.ledger.of(&principal.tenant).reach_of_sources()?,
        };
        reach.way(url).await?;
        if !url.starts_with("http://") && !url.starts_with("https://") {
            return self.import_listed(principal, &[url.to_owned()], &reach, corpus).await;
        }
        // What HTTP serves cannot be listed: it is one score.
        let root = Root { name: url.to_owned(), address: url.to_owned() };
        let found = Found { root: Arc::new(root), inside: "".into(), bytes: 0, modified_ms: 0, more: None };
        self.import_all(principal, vec![found], &reach, corpus).await
    }

    async fn import_listed(
        &self,
        principal: &Principal,
        names: &[String],
        reach: &Reach,
        corpus: Option<&str>,
    ) -> Result<Imported, Failure> {
        let listing = sources::list_with(names, Vec::new(), reach, &self.limits).await?;
        if listing.found.items() == 0 {
            let message = format!("there is no score under {}", names.join(", "));
            return Err(Failure::new(FailureKind::NotFound, message));
        }
        if listing.found.items() > SCORES_AT_ONCE_MAX.default {
            return Err(exceeded(SCORES_AT_ONCE_MAX.name, SCORES_AT_ONCE_MAX.default, None));
        }
        let found = listing.found.iter().collect::<Result<Vec<_>, _>>()?;
        self.import_all(principal, found, reach, corpus).await
    }

    async fn import_all(
        &self,
        principal: &Principal,
        found: Vec<Found>,
        reach: &Reach,
        corpus: Option<&str>,
    ) -> Result<Imported, Failure> {
        corpus.map_or(Ok(()), check_corpus)?;
        let stores = Stores::default();
        let alone = found.len() == 1;
        let stores = &stores;
        let imports = stream::iter(found).map(|found| async move {
            let (name, address) = (found.name(), found.address());
            let outcome = match self.fetch(&address, reach, stores).await {
                Ok(bytes) => {
                    let (from, corpus) = (name.clone(), corpus.map(str::to_owned));
                    let name = address.split(['?', '#']).next().unwrap_or_default().to_owned();
                    self.import(principal, Upload { name, bytes, from, corpus }).await
                }
                Err(failure) => Err(failure),
            };
            (name, outcome)
        });
        let outcomes: Vec<_> = imports.buffered(AT_ONCE).collect().await;
        let mut imported = Imported { scores: Vec::new(), failed: Vec::new() };
        for (name, outcome) in outcomes {
            match outcome {
                Ok(score) => imported.scores.push(score),
                Err(failure) if alone => return Err(failure),
                Err(failure) => imported.failed.push((name, failure)),
            }
        }
        Ok(imported)
    }

    async fn fetch(&self, address: &str, reach: &Reach, stores: &Stores) -> Result<Bytes, Failure> {
        let item = Item::alone(String::new(), address.to_owned(), 0);
        let arrived = fetch(&item, reach, stores, &self.limits).await?;
        let limits = self.limits.clone();
        let loading = tokio::task::spawn_blocking(move || {
            let loaded = arrived.load(&limits)?;
            let mut bytes = Vec::new();
            let read = loaded.open()?.read_to_end(&mut bytes);
            read.map_err(|error| {
                Failure::new(FailureKind::Unavailable, format!("it cannot be read: {error}"))
            })?;
            Ok(Bytes::from(bytes))
        });
        loading
            .await
            .map_err(|error| Failure::new(FailureKind::Internal, format!("a thread is gone: {error}")))?
    }
}
