//! How everything durable and everything sent is encoded: MessagePack with named fields, so that a reader of
//! another version skips what it does not know.

use crate::failure::{Failure, FailureKind};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Version of the records written by this build; readers accept this one and older ones.
pub const WIRE_VERSION: u16 = 1;

/// Encodes a record.
///
/// # Errors
/// `internal`: a type that MessagePack cannot hold, which is a defect.
pub fn encode<T: Serialize>(value: &T) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    encode_into(&mut bytes, value).map(|()| bytes)
}

/// Encodes a record behind those that are there already.
///
/// # Errors
/// As [`encode`].
pub fn encode_into<T: Serialize>(bytes: &mut Vec<u8>, value: &T) -> Result<(), Failure> {
    let encoded = rmp_serde::encode::write_named(bytes, value);
    encoded.map_err(|error| Failure::new(FailureKind::Internal, format!("encoding: {error}")))
}

/// Decodes a record; `what` names it in the error.
///
/// # Errors
/// `internal`: the bytes are not such a record.
pub fn decode<T: DeserializeOwned>(bytes: &[u8], what: &str) -> Result<T, Failure> {
    rmp_serde::from_slice(bytes)
        .map_err(|error| Failure::new(FailureKind::Internal, format!("{what} cannot be decoded: {error}")))
}
