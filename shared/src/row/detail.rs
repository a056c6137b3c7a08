//! The whole answer of an analysis, as few of those who read rows want it.

use crate::failure::{Failure, FailureKind};
use snap::raw::{Decoder, Encoder, max_compress_len};
use std::cell::RefCell;

/// Bytes of the longest text whose room for compressing is kept for the next.
const ROOM_BYTES_MAX: usize = 256 << 10;

thread_local! {
    /// What compresses, with its table, and room for what comes of it: else both were made and cleared for each finding.
    static ENCODER: RefCell<(Encoder, Vec<u8>)> = RefCell::new((Encoder::new(), Vec::new()));
}

/// The whole answer as JSON text, compressed: a fifth of it or less is kept, sent, hashed and passed on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Detail(Vec<u8>);

impl Detail {
    /// Compresses a text.
    ///
    /// # Errors
    /// `internal` for one of four gigabytes, which no analysis writes.
    pub fn of(text: &str) -> Result<Self, Failure> {
        ENCODER.with_borrow_mut(|(encoder, room)| {
            let most = max_compress_len(text.len());
            if room.len() < most {
                room.resize(most, 0);
            }
            let bytes = encoder.compress(text.as_bytes(), room).map_err(|error| odd(&error))?;
            let packed = room.get(..bytes).unwrap_or_default().to_vec();
            if text.len() > ROOM_BYTES_MAX {
                *room = Vec::new();
            }
            Ok(Detail(packed))
        })
    }

    /// The text.
    ///
    /// # Errors
    /// `internal` for what is none.
    pub fn text(&self) -> Result<String, Failure> {
        let bytes = Decoder::new().decompress_vec(&self.0).map_err(|error| odd(&error))?;
        String::from_utf8(bytes).map_err(|error| odd(&error))
    }

    pub(super) fn packed(&self) -> &[u8] {
        &self.0
    }

    pub(super) fn of_packed(bytes: &[u8]) -> Self {
        Detail(bytes.to_owned())
    }
}

fn odd(error: &dyn std::fmt::Display) -> Failure {
    Failure::new(FailureKind::Internal, format!("the detail of a finding: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_comes_back() {
        for text in ["", "{}", &"{\"a\":1},".repeat(10_000)] {
            let detail = Detail::of(text).unwrap();
            assert_eq!(detail.text().unwrap(), text);
            assert!(
                detail.packed().len() <= text.len() / 5 + 8,
                "{} of {}",
                detail.packed().len(),
                text.len()
            );
        }
        assert_eq!(Detail::of_packed(b"\xFF\xFF\xFF").text().unwrap_err().kind, FailureKind::Internal);
    }
}
