//! Objects that are not sealed carry a digest of themselves: one that was cut off, or of which a bit has turned, is noticed
//! and never served.

use crate::failure::{Failure, FailureKind};
use bytes::Bytes;

/// Bytes of the digest, at the end of the object: half a BLAKE3 digest is plenty against accidents.
pub(crate) const DIGEST_BYTES: usize = 16;

/// The object that holds these bytes.
pub(crate) fn with_checksum(mut bytes: Vec<u8>) -> Bytes {
    let digest = digest(&bytes);
    bytes.extend(digest);
    bytes.into()
}

/// The bytes that an object holds.
///
/// # Errors
/// `internal`, naming the object, when it is not as it was written.
pub(crate) fn checked(object: Bytes, key: &str) -> Result<Bytes, Failure> {
    let damaged =
        || Failure::new(FailureKind::Internal, format!("{key} is damaged: its digest is not its own"));
    let length = object.len().checked_sub(DIGEST_BYTES).ok_or_else(damaged)?;
    let bytes = object.slice(..length);
    if object.slice(length..).as_ref() != digest(&bytes).as_slice() {
        return Err(damaged());
    }
    Ok(bytes)
}

fn digest(bytes: &[u8]) -> [u8; DIGEST_BYTES] {
    let mut digest = [0; DIGEST_BYTES];
    blake3::Hasher::new().update(bytes).finalize_xof().fill(&mut digest);
    digest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bit_and_every_length_is_watched() {
        for bytes in [&b""[..], b"some rows"] {
            let object = with_checksum(bytes.to_vec());
            assert_eq!(checked(object.clone(), "k").unwrap(), bytes);
            for length in 0..object.len() {
                assert!(checked(object.slice(..length), "k").is_err(), "cut off at {length}");
            }
            for bit in 0..object.len() * 8 {
                let mut turned = object.to_vec();
                turned[bit / 8] ^= 1 << (bit % 8);
                let failure = checked(turned.into(), "a/key").unwrap_err();
                assert!(failure.message.starts_with("a/key is damaged"), "bit {bit}: {failure}");
            }
        }
    }
}
