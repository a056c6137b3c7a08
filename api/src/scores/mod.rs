//! The catalogue of uploaded scores: import, search, look at, take out, delete. Bytes lie under their digests, so that the
//! same score is there once however often it comes.

mod describe;
mod gather;
mod search;
mod uploads;

pub use gather::Imported;
pub use search::{Found as Hits, Query};
pub use uploads::{Appended, Progress};

use crate::plan::{Found, Root};
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use shared::card::{Card, ScoreId, check_corpus};
use shared::clock;
use shared::failure::{Failure, FailureKind};
use shared::ledger::{Created, Ledger};
use shared::limits::{Limits, exceeded};
use shared::principal::{Principal, Scope};
use shared::row::Row;
use shared::wire::WIRE_VERSION;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use worker::export::{Choice, Exported, export};
use worker::fetch::Loaded;
use worker::read::ReadOptions;
use worker::write::ScoreWriter;

/// Cards that are read together.
const CARDS_AT_ONCE: usize = 16;
/// Bytes of a file name that are kept.
const NAME_BYTES_MAX: usize = 120;

type Cards = BTreeMap<ScoreId, Arc<Card>>;

/// The catalogue, on a ledger.
#[derive(Clone, Debug)]
pub struct Scores {
    ledger: Ledger,
    limits: Limits,
    /// Cards that were read before, by tenant, and how often it had been erased. They never change; which of them count is
    /// asked of the ledger each time.
    known: Arc<Mutex<BTreeMap<String, (u32, Cards)>>>,
}

/// A score that is to be imported.
#[derive(Clone, Debug)]
pub struct Upload {
    /// File name; folders before it are dropped.
    pub name: String,
    /// What it is.
    pub bytes: Bytes,
    /// Where it came from; empty for bytes that were sent.
    pub from: String,
    /// The corpus that it shall stand in.
    pub corpus: Option<String>,
}

impl Scores {
    /// The catalogue on a ledger.
    #[must_use]
    pub fn new(ledger: Ledger, limits: Limits) -> Self {
        Scores { ledger, limits, known: Arc::default() }
    }

    fn ledger(&self, principal: &Principal) -> Ledger {
        self.ledger.of(&principal.tenant)
    }

    /// Takes a score in: once this returns, it is durable. Says whether it is a new one.
    ///
    /// # Errors
    /// What reading it says when nothing of it can be read; `too_large`; what the ledger says.
    pub async fn import(&self, principal: &Principal, upload: Upload) -> Result<(Card, bool), Failure> {
        let Upload { name, bytes, from, corpus } = upload;
        corpus.as_deref().map_or(Ok(()), check_corpus)?;
        let ledger = self.ledger(principal);
        let length = bytes.len() as u64;
        if length > self.limits.source_bytes_max {
            return Err(exceeded("source_bytes_max", self.limits.source_bytes_max, None));
        }
        let digest = blake3::hash(&bytes);
        let id = ScoreId::of_digest(digest.as_bytes());
        let (card, new) = match ledger.card(&id).await {
            Ok(card) => (same(card, &digest.to_hex())?, false),
            Err(failure) if failure.kind == FailureKind::NotFound => {
                self.room(&ledger).await?;
                let name = file_name(&name);
                let described = describe::describe(&name, bytes.clone(), &self.limits).await?;
                let digest = digest.to_hex().to_string();
                ledger.write_score(&digest, bytes).await?;
                let (version, created_ms) = (WIRE_VERSION, clock::now_ms());
                let card = Card { version, id, digest, name, bytes: length, created_ms, from, ..described };
                match ledger.write_card(&card).await? {
                    Created::First => (card, true),
                    Created::Already => (ledger.card(&card.id).await?, false),
                }
            }
            Err(failure) => return Err(failure),
        };
        if let Some(corpus) = corpus {
            ledger.add_to_corpus(&corpus, &card.id).await?;
        }
        Ok((card, new))
    }

    /// Refuses one more score than a tenant may have.
    async fn room(&self, ledger: &Ledger) -> Result<(), Failure> {
        let there = ledger.cards().await?.len() as u64;
        if there >= self.limits.scores_max {
            return Err(exceeded("scores_max", self.limits.scores_max, None));
        }
        Ok(())
    }

    /// What is known of a score.
    ///
    /// # Errors
    /// `not_found`, or what the ledger says.
    pub async fn card(&self, principal: &Principal, score: &ScoreId) -> Result<Card, Failure> {
        self.ledger(principal).card(score).await
    }

    /// The bytes of a score, as they came.
    ///
    /// # Errors
    /// `not_found`, or what the ledger says.
    pub async fn bytes(&self, principal: &Principal, card: &Card) -> Result<Bytes, Failure> {
        self.ledger(principal).score_bytes(&card.digest).await
    }

    /// A piece of a score in another format.
    ///
    /// # Errors
    /// What the ledger says; as [`worker::export::export`].
    pub async fn exported(
        &self,
        principal: &Principal,
        card: &Card,
        writer: &'static dyn ScoreWriter,
        choice: Choice,
    ) -> Result<Exported, Failure> {
        let loaded = Loaded::of(self.bytes(principal, card).await?);
        let options = ReadOptions { limits: self.limits.clone(), ..ReadOptions::default() };
        let name = card.name.clone();
        let work = move || export(&loaded, &name, writer, choice, &options);
        let gone = |error| Failure::new(FailureKind::Internal, format!("a thread is gone: {error}"));
        tokio::task::spawn_blocking(work).await.map_err(gone)?
    }

    /// The first row that reading a score gives, with its summary.
    ///
    /// # Errors
    /// What the ledger says, or reading.
    pub async fn first_row(&self, principal: &Principal, card: &Card) -> Result<Row, Failure> {
        let bytes = self.bytes(principal, card).await?;
        describe::first_row(&card.name, bytes, &self.limits).await
    }

    /// Deletes a score, also from its corpora. What jobs found out about it stays.
    ///
    /// # Errors
    /// `not_found`, or what the ledger says.
    pub async fn delete(&self, principal: &Principal, score: &ScoreId) -> Result<Card, Failure> {
        let ledger = self.ledger(principal);
        let card = ledger.card(score).await?;
        for corpus in ledger.corpora().await? {
            ledger.remove_from_corpus(&corpus, score).await?;
        }
        ledger.remove_score(&card).await?;
        Ok(card)
    }

    /// The names of the corpora.
    ///
    /// # Errors
    /// What the ledger says.
    pub async fn corpora(&self, principal: &Principal) -> Result<Vec<String>, Failure> {
        self.ledger(principal).corpora().await
    }

    /// The scores of a corpus.
    ///
    /// # Errors
    /// `not_found` for one without scores, with the names of those that there are; what the ledger says.
    pub async fn corpus(&self, principal: &Principal, corpus: &str) -> Result<Vec<ScoreId>, Failure> {
        check_corpus(corpus)?;
        let ledger = self.ledger(principal);
        let scores = ledger.corpus(corpus).await?;
        if !scores.is_empty() {
            return Ok(scores);
        }
        let mut names = ledger.corpora().await?;
        names.truncate(20);
        let there = if names.is_empty() { "there is none yet".to_owned() } else { names.join(", ") };
        Err(Failure::new(FailureKind::NotFound, format!("no corpus {corpus:?}; there are: {there}")))
    }

    /// Scores, and all of a corpus, as sources of a job.
    ///
    /// # Errors
    /// `denied` to whoever may not read scores; `malformed` for what is no handle; `not_found` for what is not there; what the ledger says.
    pub async fn named(
        &self,
        principal: &Principal,
        scores: &[String],
        corpus: Option<&str>,
    ) -> Result<Vec<Found>, Failure> {
        let named = !scores.is_empty() || corpus.is_some();
        if named && !(principal.has(Scope::ScoresRead) && principal.was_given(Scope::ScoresRead)) {
            let message = format!("a job of uploaded scores needs the scope {}", Scope::ScoresRead.name());
            return Err(Failure::new(FailureKind::Denied, message));
        }
        let mut ids = scores.iter().map(|score| score.parse()).collect::<Result<Vec<ScoreId>, _>>()?;
        if let Some(corpus) = corpus {
            ids.extend(self.corpus(principal, corpus).await?);
        }
        self.sources(principal, &ids).await
    }

    /// Scores as sources of a job, unless one is not there.
    async fn sources(&self, principal: &Principal, scores: &[ScoreId]) -> Result<Vec<Found>, Failure> {
        let ledger = self.ledger(principal);
        let there = ledger.cards().await?;
        if let Some(missing) = scores.iter().find(|score| there.binary_search(score).is_err()) {
            return Err(Failure::new(FailureKind::NotFound, format!("there is no score {missing}")));
        }
        let cards = self.cards(&ledger, scores.to_vec()).await?;
        let gone =
            |score: &ScoreId| Failure::new(FailureKind::NotFound, format!("there is no score {score}"));
        let source = |(card, score): (&Option<Arc<Card>>, &ScoreId)| match card {
            Some(card) => Ok(source(&ledger, card)),
            None => Err(gone(score)),
        };
        cards.iter().zip(scores).map(source).collect()
    }

    /// The cards of these scores, in their order; those that are not known yet are read. Nothing for one that is gone.
    async fn cards(&self, ledger: &Ledger, scores: Vec<ScoreId>) -> Result<Vec<Option<Arc<Card>>>, Failure> {
        let known = self.known(ledger.tenant(), ledger.erased_before().await?);
        let cards = stream::iter(scores).map(|score| {
            let known = known.get(&score).map(Arc::clone);
            async move {
                match known {
                    Some(card) => Ok(Some(card)),
                    None => match ledger.card(&score).await {
                        Err(failure) if failure.kind == FailureKind::NotFound => Ok(None),
                        card => card.map(|card| Some(Arc::new(card))),
                    },
                }
            }
        });
        cards.buffered(CARDS_AT_ONCE).try_collect().await
    }

    fn known(&self, tenant: &str, erased: u32) -> Cards {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let (_, cards) =
            known.get(tenant).filter(|(before, _)| *before == erased).cloned().unwrap_or_default();
        cards
    }

    fn know(&self, tenant: &str, erased: u32, cards: &[Arc<Card>]) {
        let cards = cards.iter().map(|card| (card.id.clone(), Arc::clone(card))).collect();
        self.known.lock().unwrap_or_else(PoisonError::into_inner).insert(tenant.to_owned(), (erased, cards));
    }
}

/// Scores, and all of a corpus, as the record of a job names them.
pub(crate) fn names(scores: &[String], corpus: Option<&str>) -> Vec<String> {
    let corpus = corpus.map(|corpus| format!("corpus {corpus}"));
    scores.iter().cloned().chain(corpus).collect()
}

/// A card of the same bytes. Eighty bits of a digest may be shared by design of somebody who tries for long.
fn same(card: Card, digest: &str) -> Result<Card, Failure> {
    if card.digest == digest {
        return Ok(card);
    }
    let message = format!("{} is another score with the same handle: change a byte of this one", card.id);
    Err(Failure::new(FailureKind::Internal, message))
}

fn source(ledger: &Ledger, card: &Card) -> Found {
    let name = format!("{}/{}", card.id, card.name);
    let root = Root { name, address: ledger.score_address(&card.digest) };
    Found { root: Arc::new(root), inside: "".into(), bytes: card.bytes, modified_ms: 0, more: None }
}

/// The last part of a path, without what no table and no terminal should be told.
fn file_name(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).find(|part| !part.is_empty()).unwrap_or_default();
    let mut last: String = last.chars().filter(|letter| !letter.is_control()).collect();
    while last.len() > NAME_BYTES_MAX {
        // From its front, because the end says the format.
        last.remove(0);
    }
    if last.is_empty() { "score".to_owned() } else { last }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_made_harmless() {
        for (given, kept) in [
            ("/home/me/a b.krn", "a b.krn"),
            ("..\\x.mid", "x.mid"),
            ("https://host/a/", "a"),
            ("", "score"),
            ("///", "score"),
            ("a\nb\u{1b}[0m.abc", "ab[0m.abc"),
        ] {
            assert_eq!(file_name(given), kept, "{given:?}");
        }
        let long = file_name(&format!("{}.mid", "ä".repeat(200)));
        assert!(long.len() <= NAME_BYTES_MAX && long.ends_with("ä.mid"), "{long}");
    }
}
