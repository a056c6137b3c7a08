//! Scores that come in pieces. Each piece lies in the ledger once it was taken, so that a connection that broke off and a
//! front that died cost no more than the piece that was under way; the last one makes a score of them all.

use super::{Scores, Upload};
use crate::service::random;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use shared::card::{ScoreId, UploadId, check_corpus};
use shared::clock;
use shared::failure::{Failure, FailureKind};
use shared::ledger::{Created, Drawer, Entry};
use shared::limits::{UPLOAD_PIECES_MAX, UPLOADS_MAX, exceeded};
use shared::principal::Principal;
use shared::wire::{self, WIRE_VERSION};
use std::collections::BTreeMap;
use tokio::sync::Semaphore;

/// Uploads that are put together at once, for each is then in memory whole.
static ROOM: Semaphore = Semaphore::const_new(1);

/// What is to come, as it was announced; never changed.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Begun {
    version: u16,
    length: u64,
    name: String,
    corpus: Option<String>,
    /// Whether its pieces lie sealed, for then their objects are larger than they are.
    #[serde(default)]
    sealed: bool,
}

/// What became of an upload when all of it was there; created once.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Ended {
    Score { id: ScoreId },
    Failed { failure: Failure },
}

/// How far an upload is.
#[derive(Clone, Debug)]
pub struct Progress {
    /// Its handle.
    pub id: UploadId,
    /// File name of the score.
    pub name: String,
    /// Bytes that are there.
    pub offset: u64,
    /// Bytes that there will be.
    pub length: u64,
    /// When it is thrown away if nothing more comes, in milliseconds since 1970 UTC.
    pub expires_ms: u64,
    /// Once all is there: the score, or why there is none.
    pub outcome: Option<Result<ScoreId, Failure>>,
}

/// Whether a piece was taken.
#[derive(Debug)]
pub enum Appended {
    /// It was.
    Taken(Progress),
    /// It does not belong where the upload is.
    Elsewhere(Progress),
}

impl Scores {
    fn uploads(&self, principal: &Principal) -> Drawer {
        self.ledger(principal).drawer("uploads")
    }

    fn expires_ms(&self, written_ms: u64) -> u64 {
        written_ms.saturating_add(self.limits.upload_seconds_max.saturating_mul(1000))
    }

    /// Begins an upload of so many bytes. What nobody goes on with is cleared away here.
    ///
    /// # Errors
    /// `too_large` for more bytes than a score may have, or more uploads than a tenant may leave unfinished; `malformed` for
    /// no bytes or the name of no corpus; what the ledger says.
    pub async fn begin_upload(
        &self,
        principal: &Principal,
        length: u64,
        name: &str,
        corpus: Option<String>,
    ) -> Result<Progress, Failure> {
        corpus.as_deref().map_or(Ok(()), check_corpus)?;
        if length == 0 {
            return Err(Failure::new(FailureKind::Malformed, "an upload has at least one byte"));
        }
        if length > self.limits.source_bytes_max {
            return Err(exceeded("source_bytes_max", self.limits.source_bytes_max, None));
        }
        let drawer = self.uploads(principal);
        if self.cleared(&drawer).await? >= UPLOADS_MAX.default {
            return Err(exceeded(UPLOADS_MAX.name, UPLOADS_MAX.default, None));
        }
        let id = UploadId::from_random(&random()?);
        let (name, sealed) = (super::file_name(name), drawer.is_sealed());
        let begun = Begun { version: WIRE_VERSION, length, name, corpus, sealed };
        drawer.create(&[id.as_str(), "begun"], wire::encode(&begun)?).await?;
        let expires_ms = self.expires_ms(clock::now_ms());
        Ok(Progress { id, name: begun.name, offset: 0, length, expires_ms, outcome: None })
    }

    /// Takes out the uploads that have expired; says how many are under way.
    async fn cleared(&self, drawer: &Drawer) -> Result<u64, Failure> {
        let mut uploads: BTreeMap<String, Vec<Entry>> = BTreeMap::new();
        for entry in drawer.list(&[]).await? {
            uploads.entry(entry.key.first().cloned().unwrap_or_default()).or_default().push(entry);
        }
        let now_ms = clock::now_ms();
        let mut unfinished = 0;
        for entries in uploads.into_values() {
            if self.expires_ms(last_ms(&entries)) < now_ms {
                clear(drawer, &entries).await?;
            } else if !entries.iter().any(|entry| is(entry, "ended")) {
                unfinished += 1;
            }
        }
        Ok(unfinished)
    }

    /// Says how far an upload is; one that is whole becomes a score.
    ///
    /// # Errors
    /// `not_found` for one that is not there or has expired; what the ledger says.
    pub async fn upload(&self, principal: &Principal, id: &UploadId) -> Result<Progress, Failure> {
        let drawer = self.uploads(principal);
        let unknown =
            || Failure::new(FailureKind::NotFound, format!("there is no {id}: it may have expired"));
        let Some(begun) = drawer.get(&[id.as_str(), "begun"]).await? else { return Err(unknown()) };
        let begun: Begun = wire::decode(&begun, id.as_str())?;
        let entries = drawer.list(&[id.as_str()]).await?;
        let expires_ms = self.expires_ms(last_ms(&entries));
        // One that was begun before the ledger was sealed has pieces whose length nobody can tell: it begins anew.
        if expires_ms < clock::now_ms() || begun.sealed != drawer.is_sealed() {
            return Err(unknown());
        }
        let (length, name) = (begun.length, begun.name.clone());
        let ended = entries.iter().any(|entry| is(entry, "ended"));
        let offset = if ended { length } else { reached(&entries) };
        let outcome = match offset < length {
            true => None,
            false => Some(self.ended(principal, id, begun, ended, &entries).await?),
        };
        Ok(Progress { id: id.clone(), name, offset, length, expires_ms, outcome })
    }

    /// Takes a piece that begins at `offset`: once this returns, it is durable.
    ///
    /// # Errors
    /// `too_large` for more bytes than were announced, or more pieces than an upload may have; else as [`Scores::upload`].
    pub async fn append(
        &self,
        principal: &Principal,
        id: &UploadId,
        offset: u64,
        piece: Bytes,
    ) -> Result<Appended, Failure> {
        let now = self.upload(principal, id).await?;
        if offset != now.offset {
            return Ok(Appended::Elsewhere(now));
        }
        if piece.is_empty() {
            return Ok(Appended::Taken(now));
        }
        if piece.len() as u64 > now.length - now.offset {
            let message = format!("{} bytes were announced, and more came", now.length);
            return Err(Failure::new(FailureKind::TooLarge, message));
        }
        let drawer = self.uploads(principal);
        let pieces = drawer.list(&[id.as_str(), "pieces"]).await?.len() as u64;
        if pieces >= UPLOAD_PIECES_MAX.default {
            return Err(exceeded(UPLOAD_PIECES_MAX.name, UPLOAD_PIECES_MAX.default, None));
        }
        let key = format!("{offset:015}");
        let created = drawer.create(&[id.as_str(), "pieces", &key], piece.to_vec()).await?;
        let now = self.upload(principal, id).await?;
        Ok(match created {
            Created::First => Appended::Taken(now),
            Created::Already => Appended::Elsewhere(now),
        })
    }

    /// Gives an upload up. The score of one that was whole stays.
    ///
    /// # Errors
    /// As [`Scores::upload`].
    pub async fn give_up_upload(&self, principal: &Principal, id: &UploadId) -> Result<(), Failure> {
        let drawer = self.uploads(principal);
        let entries = drawer.list(&[id.as_str()]).await?;
        if entries.is_empty() {
            return Err(Failure::new(FailureKind::NotFound, format!("there is no {id}")));
        }
        clear(&drawer, &entries).await
    }

    /// What became of an upload that is whole.
    async fn ended(
        &self,
        principal: &Principal,
        id: &UploadId,
        begun: Begun,
        ended: bool,
        entries: &[Entry],
    ) -> Result<Result<ScoreId, Failure>, Failure> {
        let drawer = self.uploads(principal);
        let key = [id.as_str(), "ended"];
        if !ended {
            let _room = ROOM.acquire().await.map_err(|error| {
                Failure::new(FailureKind::Internal, format!("there is no room for an upload: {error}"))
            })?;
            let outcome = match self.put_together(principal, &drawer, id, begun, entries).await {
                Ok(score) => Ended::Score { id: score },
                Err(failure) if failure.kind.is_transient() => return Err(failure),
                Err(failure) => Ended::Failed { failure },
            };
            drawer.create(&key, wire::encode(&outcome)?).await?;
        }
        let outcome = drawer.get(&key).await?;
        let gone = || Failure::new(FailureKind::NotFound, format!("{id} was given up"));
        let outcome = wire::decode(&outcome.ok_or_else(gone)?, id.as_str())?;
        for entry in entries.iter().filter(|entry| is_piece(entry)) {
            remove(&drawer, entry).await?;
        }
        Ok(match outcome {
            Ended::Score { id } => Ok(id),
            Ended::Failed { failure } => Err(failure),
        })
    }

    async fn put_together(
        &self,
        principal: &Principal,
        drawer: &Drawer,
        id: &UploadId,
        begun: Begun,
        entries: &[Entry],
    ) -> Result<ScoreId, Failure> {
        let mut bytes = Vec::with_capacity(usize::try_from(begun.length).unwrap_or(0));
        for entry in entries.iter().filter(|entry| is_piece(entry)) {
            let key: Vec<&str> = entry.key.iter().map(String::as_str).collect();
            let piece = drawer.get(&key).await?.ok_or_else(|| {
                // Another front put it together meanwhile, and cleared up: whoever asks again is told.
                Failure::new(FailureKind::Unavailable, format!("{id} is being put together"))
            })?;
            bytes.extend_from_slice(&piece);
        }
        let Begun { name, corpus, .. } = begun;
        let upload = Upload { name, bytes: bytes.into(), from: String::new(), corpus };
        self.import(principal, upload).await.map(|(card, _)| card.id)
    }
}

fn is(entry: &Entry, name: &str) -> bool {
    entry.key.get(1).is_some_and(|part| part == name)
}

fn is_piece(entry: &Entry) -> bool {
    is(entry, "pieces")
}

/// When something of an upload was last written.
fn last_ms(entries: &[Entry]) -> u64 {
    entries.iter().map(|entry| entry.written_ms).max().unwrap_or(0)
}

/// Bytes that are there from the start on without a gap. Pieces lie in the order of their offsets.
fn reached(entries: &[Entry]) -> u64 {
    entries.iter().filter(|entry| is_piece(entry)).fold(0, |reached, piece| {
        let offset = piece.key.get(2).and_then(|key| key.parse::<u64>().ok());
        if offset == Some(reached) { reached + piece.bytes } else { reached }
    })
}

async fn clear(drawer: &Drawer, entries: &[Entry]) -> Result<(), Failure> {
    // What makes it an upload goes first: what is left then is nobody's.
    let (first, rest): (Vec<&Entry>, Vec<&Entry>) = entries.iter().partition(|entry| is(entry, "begun"));
    for entry in first.into_iter().chain(rest) {
        remove(drawer, entry).await?;
    }
    Ok(())
}

async fn remove(drawer: &Drawer, entry: &Entry) -> Result<(), Failure> {
    let key: Vec<&str> = entry.key.iter().map(String::as_str).collect();
    drawer.remove(&key).await
}
