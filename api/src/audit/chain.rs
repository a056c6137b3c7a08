//! The chain of one tenant's records.

use super::Record;
use serde::{Deserialize, Serialize};
use shared::failure::{Failure, FailureKind};
use shared::ledger::{Created, Drawer, Ledger};
use shared::wire;
use std::fmt;
use std::str::FromStr;

/// What one object holds.
#[derive(Debug, Serialize, Deserialize)]
struct Link {
    /// Digest of the object before; that of nothing for the first.
    before: String,
    records: Vec<Record>,
}

/// Where a chain ends, or ended once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// The number of the last object; 0 for a chain of none.
    pub number: u32,
    /// Its digest.
    pub digest: String,
}

/// A chain that was read and is whole.
#[derive(Debug)]
pub struct Checked {
    /// Its end.
    pub head: Head,
    /// Records in it.
    pub records: u64,
    digests: Vec<String>,
}

impl Checked {
    /// Whether the chain ended so at some time.
    #[must_use]
    pub fn holds(&self, head: &Head) -> bool {
        let at = usize::try_from(head.number).unwrap_or(usize::MAX);
        self.digests.get(at).is_some_and(|digest| *digest == head.digest)
    }
}

impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.number, self.digest)
    }
}

impl FromStr for Head {
    type Err = Failure;

    fn from_str(text: &str) -> Result<Self, Failure> {
        let wrong = || Failure::new(FailureKind::Malformed, "a head is NUMBER:DIGEST, as verify says it");
        let (number, digest) = text.split_once(':').ok_or_else(wrong)?;
        let digest = blake3::Hash::from_hex(digest).map_err(|_| wrong())?.to_hex().to_string();
        Ok(Head { number: number.parse().map_err(|_| wrong())?, digest })
    }
}

/// A chain, and its end as far as is known.
#[derive(Debug)]
pub(super) struct Chain {
    drawer: Drawer,
    head: Option<Head>,
}

impl Chain {
    /// The chain of the tenant whose ledger it is.
    pub(super) fn of(ledger: &Ledger) -> Self {
        Chain { drawer: ledger.drawer("audit"), head: None }
    }

    /// Appends records, after what others have appended meanwhile.
    pub(super) async fn append(&mut self, records: &[Record]) -> Result<(), Failure> {
        let mut head = match self.head.take() {
            Some(head) => head,
            None => self.last().await?,
        };
        loop {
            let link = Link { before: head.digest.clone(), records: records.to_vec() };
            let bytes = wire::encode(&link)?;
            let next = Head { number: head.number + 1, digest: digest(&bytes) };
            match self.drawer.create(&[&numbered(next.number)], bytes).await? {
                Created::First => {
                    self.head = Some(next);
                    return Ok(());
                }
                Created::Already => head = self.head_at(next.number).await?,
            }
        }
    }

    /// The end of the chain. Numbers have no gaps: it is looked for by doubling, then by halving.
    async fn last(&self) -> Result<Head, Failure> {
        let (mut there, mut beyond) = (0, 1);
        while self.bytes(beyond).await?.is_some() {
            there = beyond;
            beyond *= 2;
        }
        while beyond - there > 1 {
            let middle = there + (beyond - there) / 2;
            match self.bytes(middle).await?.is_some() {
                true => there = middle,
                false => beyond = middle,
            }
        }
        self.head_at(there).await
    }

    async fn head_at(&self, number: u32) -> Result<Head, Failure> {
        if number == 0 {
            return Ok(beginning());
        }
        let gone = || Failure::new(FailureKind::Unavailable, format!("{} is not there", named(number)));
        let bytes = self.bytes(number).await?.ok_or_else(gone)?;
        Ok(Head { number, digest: digest(&bytes) })
    }

    async fn bytes(&self, number: u32) -> Result<Option<bytes::Bytes>, Failure> {
        self.drawer.get(&[&numbered(number)]).await
    }

    /// Reads it from its beginning, and holds each object to the one before.
    pub(super) async fn read(&self, mut tell: impl FnMut(&Record)) -> Result<Checked, Failure> {
        let broken =
            |number: u32, why: &str| Failure::new(FailureKind::Internal, format!("{} {why}", named(number)));
        let mut entries = self.drawer.list(&[]).await?;
        entries.retain(|entry| entry.key.len() == 1);
        let (mut head, mut digests, mut records) = (beginning(), vec![beginning().digest], 0);
        for (number, entry) in (1..).zip(&entries) {
            if entry.key.first() != Some(&numbered(number)) {
                return Err(broken(number, "is missing: there are later ones"));
            }
            let bytes = self.bytes(number).await?.ok_or_else(|| broken(number, "is missing"))?;
            let link: Link = wire::decode(&bytes, &named(number))?;
            if link.before != head.digest {
                return Err(broken(number, "does not follow from the one before: one of them was changed"));
            }
            link.records.iter().for_each(&mut tell);
            records += link.records.len() as u64;
            head = Head { number, digest: digest(&bytes) };
            digests.push(head.digest.clone());
        }
        Ok(Checked { head, records, digests })
    }
}

fn beginning() -> Head {
    Head { number: 0, digest: digest(&[]) }
}

fn numbered(number: u32) -> String {
    format!("{number:010}")
}

fn named(number: u32) -> String {
    format!("object {number} of the audit")
}

fn digest(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_hex().to_string()
}
