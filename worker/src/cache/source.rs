//! What is remembered of a source in a store: which bytes its store's mark stands for, and who reads them.

use crate::read::READERS;
use serde::{Deserialize, Serialize};
use shared::job::Item;

/// The bytes that a source had when it was fetched last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// The store's mark of them.
    pub etag: String,
    /// How many they are.
    pub bytes: u64,
    /// Their digest.
    pub digest: String,
    /// The format that they were found to be of.
    pub format: String,
}

impl Source {
    /// Whether these are the bytes of an item: so as far as is known, where its listing told no mark of them.
    #[must_use]
    pub fn is_of(&self, item: &Item) -> bool {
        item.etag.as_ref().is_none_or(|etag| *etag == self.etag && item.bytes == self.bytes)
    }
}

/// What a source is found by, for whom it was fetched. Other readers may choose otherwise, so they are named too.
#[must_use]
pub fn source_sentence(whose: &str, address: &str) -> String {
    let mut sentence = format!("{whose}source {address}\nreaders");
    for format in READERS.iter().map(|reader| reader.format()) {
        sentence.push_str(&format!(" {}@{}", format.name, format.revision));
    }
    sentence.push('\n');
    sentence
}
