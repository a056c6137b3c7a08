//! Search in the catalogue: every word of the query stands in a card.

use super::Scores;
use shared::card::{Card, ScoreId};
use shared::failure::Failure;
use shared::principal::Principal;
use std::sync::Arc;

/// What is searched; what is not said excludes nothing.
#[derive(Clone, Debug, Default)]
pub struct Query {
    /// Words that stand in title, composer or file name, whatever their case.
    pub text: String,
    /// Words that stand in the composer.
    pub composer: String,
    /// Name of a format.
    pub format: Option<String>,
    /// Name of a corpus.
    pub corpus: Option<String>,
    /// The last score of the page before.
    pub after: Option<ScoreId>,
    /// Scores of one page at the most.
    pub limit: usize,
}

/// What was found.
#[derive(Debug)]
pub struct Found {
    /// A page of it, in the order of the handles.
    pub cards: Vec<Arc<Card>>,
    /// How many there are in all.
    pub total: usize,
    /// Whether there are more behind the page.
    pub more: bool,
}

impl Scores {
    /// Searches the catalogue.
    ///
    /// # Errors
    /// `not_found` for a corpus that is not there; what the ledger says.
    pub async fn search(&self, principal: &Principal, query: &Query) -> Result<Found, Failure> {
        let ledger = self.ledger(principal);
        let all = self.present(&ledger).await?;
        let within = match &query.corpus {
            Some(corpus) => Some(self.corpus(principal, corpus).await?),
            None => None,
        };
        let (words, composer) = (words(&query.text), words(&query.composer));
        let wanted = |card: &Card| {
            let text = [card.title.as_deref(), card.composer.as_deref(), Some(&card.name)];
            let text = text.map(Option::unwrap_or_default).join(" ");
            contains(&text, &words)
                && contains(card.composer.as_deref().unwrap_or_default(), &composer)
                && query.format.as_ref().is_none_or(|format| card.format == *format)
                && within.as_ref().is_none_or(|within| within.binary_search(&card.id).is_ok())
        };
        let hits: Vec<Arc<Card>> = all.into_iter().filter(|card| wanted(card)).collect();
        let total = hits.len();
        let behind = |card: &Arc<Card>| query.after.as_ref().is_none_or(|after| card.id > *after);
        let mut cards: Vec<Arc<Card>> = hits.into_iter().filter(behind).take(query.limit + 1).collect();
        let more = cards.len() > query.limit;
        cards.truncate(query.limit);
        Ok(Found { cards, total, more })
    }

    /// Every card of a tenant. Which scores there are the ledger says each time; what is known of them is kept.
    async fn present(&self, ledger: &shared::ledger::Ledger) -> Result<Vec<Arc<Card>>, Failure> {
        let erased = ledger.erased_before().await?;
        let cards = self.cards(ledger, ledger.cards().await?).await?;
        let cards: Vec<Arc<Card>> = cards.into_iter().flatten().collect();
        self.know(ledger.tenant(), erased, &cards);
        Ok(cards)
    }
}

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_lowercase).collect()
}

fn contains(text: &str, words: &[String]) -> bool {
    let text = text.to_lowercase();
    words.iter().all(|word| text.contains(word))
}
