//! A data key: 256 random bits and a random name.

use crate::failure::{Failure, FailureKind};
use serde::{Deserialize, Serialize};
use std::fmt;
use zeroize::Zeroizing;

/// Bytes of the name of a key.
pub(super) const KEY_ID_BYTES: usize = 16;
/// Bytes of a key.
pub(super) const SECRET_BYTES: usize = 32;

/// The name of a key, in the head of what it seals.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct KeyId([u8; KEY_ID_BYTES]);

impl KeyId {
    pub(super) const fn of(bytes: [u8; KEY_ID_BYTES]) -> Self {
        KeyId(bytes)
    }

    pub(super) const fn bytes(&self) -> &[u8; KEY_ID_BYTES] {
        &self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A key, as long as it is known. Its bytes are overwritten when it is let go.
#[derive(Clone)]
pub(super) struct DataKey {
    id: KeyId,
    secret: Zeroizing<[u8; SECRET_BYTES]>,
}

impl DataKey {
    /// A new one.
    pub(super) fn new() -> Result<Self, Failure> {
        let (mut id, mut secret) = ([0; KEY_ID_BYTES], Zeroizing::new([0; SECRET_BYTES]));
        let random = getrandom::fill(&mut id).and_then(|()| getrandom::fill(&mut *secret));
        random.map_err(|error| Failure::new(FailureKind::Internal, format!("no random bytes: {error}")))?;
        Ok(DataKey { id: KeyId(id), secret })
    }

    /// One of before; nothing if it is not as long as a key.
    pub(super) fn of(id: KeyId, secret: &[u8]) -> Option<Self> {
        let mut kept = Zeroizing::new([0; SECRET_BYTES]);
        if secret.len() != kept.len() {
            return None;
        }
        kept.copy_from_slice(secret);
        Some(DataKey { id, secret: kept })
    }

    pub(super) const fn id(&self) -> &KeyId {
        &self.id
    }

    pub(super) fn secret(&self) -> &[u8] {
        &*self.secret
    }
}

/// Its name only: what is logged holds no key.
impl fmt::Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "key {}", self.id)
    }
}
