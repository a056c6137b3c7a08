//! The form of a sealed object: a head, then segments of a fixed size, so that large ones are opened as they come.
//!
//! ```text
//! magic 8 · key 16 · salt 32 · segments of 65 536 bytes, each with its tag of 16; the last one is shorter or as long
//! ```
//!
//! Each object has an AES-256-GCM key of its own, made of the data key and the salt by HKDF-SHA256, so that no nonce comes
//! twice however many objects a data key seals. The nonce of a segment is its number, and whether it is the last one (the
//! STREAM construction): segments can be neither moved nor left out, and what is cut off is missed. The name of the object is
//! associated data: under another name it does not open.

use super::key::{DataKey, KEY_ID_BYTES, KeyId};
use crate::failure::{Failure, FailureKind};
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, Salt};

/// How a sealed object begins. No MessagePack does: its first byte is the one that MessagePack never uses.
const MAGIC: [u8; 8] = *b"\xC1RIPSEA1";
const SALT_BYTES: usize = 32;
/// Bytes before the segments.
pub(super) const HEAD_BYTES: usize = MAGIC.len() + KEY_ID_BYTES + SALT_BYTES;
/// Bytes that a segment holds.
pub(super) const SEGMENT_BYTES: usize = 64 << 10;
const TAG_BYTES: usize = 16;
const NONCE_BYTES: usize = 12;

/// Whether an object, or its beginning, is a sealed one's.
pub(crate) fn is_sealed(object: &[u8]) -> bool {
    object.starts_with(&MAGIC)
}

/// Bytes that a sealed object of so many bytes holds.
pub(crate) const fn held_bytes(object_bytes: u64) -> u64 {
    let body = object_bytes.saturating_sub(HEAD_BYTES as u64);
    body.saturating_sub(body.div_ceil((SEGMENT_BYTES + TAG_BYTES) as u64) * TAG_BYTES as u64)
}

/// The object that holds these bytes under this name.
pub(super) fn seal(key: &DataKey, name: &str, bytes: &[u8]) -> Result<Vec<u8>, Failure> {
    let mut salt = [0; SALT_BYTES];
    getrandom::fill(&mut salt)
        .map_err(|error| Failure::new(FailureKind::Internal, format!("no random bytes: {error}")))?;
    let segments = bytes.len().div_ceil(SEGMENT_BYTES).max(1);
    let mut object = Vec::with_capacity(HEAD_BYTES + bytes.len() + segments * TAG_BYTES);
    object.extend_from_slice(&MAGIC);
    object.extend_from_slice(key.id().bytes());
    object.extend_from_slice(&salt);
    let lock = Lock::new(key, &salt, name).ok_or_else(unsealed)?;
    let (mut rest, mut number) = (bytes, 0);
    loop {
        let (segment, after) = rest.split_at(rest.len().min(SEGMENT_BYTES));
        let from = object.len();
        object.extend_from_slice(segment);
        let place = object.get_mut(from..).unwrap_or_default();
        let nonce = nonce(number, after.is_empty());
        let tag = lock.key.seal_in_place_separate_tag(nonce, Aad::from(&lock.name), place);
        object.extend_from_slice(tag.map_err(|_| unsealed())?.as_ref());
        if after.is_empty() {
            return Ok(object);
        }
        number = number.checked_add(1).ok_or_else(unsealed)?;
        rest = after;
    }
}

fn unsealed() -> Failure {
    Failure::new(FailureKind::Internal, "an object cannot be sealed")
}

/// Segments count from 0, and the last one says so.
fn nonce(number: u32, last: bool) -> Nonce {
    let mut nonce = [0; NONCE_BYTES];
    let [.., a, b, c, d, end] = &mut nonce;
    [*a, *b, *c, *d] = number.to_be_bytes();
    *end = u8::from(last);
    Nonce::assume_unique_for_key(nonce)
}

/// The key of one object, and its name.
struct Lock {
    key: LessSafeKey,
    name: Box<[u8]>,
}

impl Lock {
    fn new(key: &DataKey, salt: &[u8], name: &str) -> Option<Self> {
        let made = Salt::new(HKDF_SHA256, salt).extract(key.secret());
        let info = [&MAGIC[..], key.id().bytes()];
        let made = made.expand(&info, &AES_256_GCM).ok()?;
        Some(Lock { key: LessSafeKey::new(UnboundKey::from(made)), name: name.as_bytes().into() })
    }
}

/// What the head of a sealed object says.
pub(super) struct Head {
    pub(super) key: KeyId,
    salt: [u8; SALT_BYTES],
}

impl Head {
    /// The head of an object, and what follows it; nothing where it is cut off.
    pub(super) fn split(object: &[u8]) -> Option<(Self, &[u8])> {
        let rest = object.strip_prefix(&MAGIC)?;
        let (key, rest) = rest.split_first_chunk()?;
        let (salt, rest) = rest.split_first_chunk()?;
        Some((Head { key: KeyId::of(*key), salt: *salt }, rest))
    }
}

/// A sealed object that is being opened, as its bytes come.
pub(super) struct Opening {
    lock: Lock,
    name: String,
    number: u32,
    /// Bytes of the segment that is not known to be whole, or not to be the last.
    waiting: Vec<u8>,
}

impl Opening {
    pub(super) fn new(key: &DataKey, head: &Head, name: &str) -> Result<Self, Failure> {
        let lock = Lock::new(key, &head.salt, name).filter(|_| head.key == *key.id());
        let lock = lock.ok_or_else(|| damaged(name))?;
        Ok(Opening { lock, name: name.to_owned(), number: 0, waiting: Vec::new() })
    }

    /// Takes more bytes; adds what they hold to `out`.
    pub(super) fn push(&mut self, mut bytes: &[u8], out: &mut Vec<u8>) -> Result<(), Failure> {
        const WHOLE: usize = SEGMENT_BYTES + TAG_BYTES;
        while !bytes.is_empty() {
            if self.waiting.is_empty() && bytes.len() > WHOLE {
                let (segment, after) = bytes.split_at(WHOLE);
                self.open(segment, false, out)?;
                bytes = after;
                continue;
            }
            if self.waiting.len() == WHOLE {
                // There is more: so this one is not the last.
                let segment = std::mem::take(&mut self.waiting);
                self.open(&segment, false, out)?;
                continue;
            }
            let (now, after) = bytes.split_at(bytes.len().min(WHOLE - self.waiting.len()));
            self.waiting.extend_from_slice(now);
            bytes = after;
        }
        Ok(())
    }

    /// Nothing more comes; adds what is left to `out`.
    pub(super) fn finish(mut self, out: &mut Vec<u8>) -> Result<(), Failure> {
        let segment = std::mem::take(&mut self.waiting);
        self.open(&segment, true, out)
    }

    fn open(&mut self, segment: &[u8], last: bool, out: &mut Vec<u8>) -> Result<(), Failure> {
        let length = segment.len().checked_sub(TAG_BYTES).ok_or_else(|| damaged(&self.name))?;
        let (sealed, tag) = segment.split_at(length);
        let from = out.len();
        out.resize(from + length, 0);
        let place = out.get_mut(from..).unwrap_or_default();
        let nonce = nonce(self.number, last);
        let opened =
            self.lock.key.open_separate_gather(nonce, Aad::from(&self.lock.name), sealed, tag, place);
        if opened.is_err() {
            out.truncate(from);
            return Err(damaged(&self.name));
        }
        self.number = self.number.checked_add(1).ok_or_else(|| damaged(&self.name))?;
        Ok(())
    }
}

/// The bytes that a sealed object holds.
pub(super) fn open(key: &DataKey, head: &Head, name: &str, segments: &[u8]) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::with_capacity(segments.len());
    let mut opening = Opening::new(key, head, name)?;
    opening.push(segments, &mut bytes)?;
    opening.finish(&mut bytes)?;
    Ok(bytes)
}

/// What is said of an object that does not open.
pub(super) fn damaged(name: &str) -> Failure {
    let message = format!("{name} is damaged, or is another object in its place: it does not open");
    Failure::new(FailureKind::Internal, message)
}

#[cfg(test)]
mod tests;
