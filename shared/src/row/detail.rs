//! The whole answer of an analysis, as few of those who read rows want it.

use crate::failure::{Failure, FailureKind};

/// The whole answer as JSON text, compressed: a fifth of it or less is kept, sent, hashed and passed on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Detail(Vec<u8>);

impl Detail {
    /// Compresses a text.
    ///
    /// # Errors
    /// `internal` for one of four gigabytes, which no analysis writes.
    pub fn of(text: &str) -> Result<Self, Failure> {
        snap::raw::Encoder::new().compress_vec(text.as_bytes()).map(Detail).map_err(|error| odd(&error))
    }

    /// The text.
    ///
    /// # Errors
    /// `internal` for what is none.
    pub fn text(&self) -> Result<String, Failure> {
        let bytes = snap::raw::Decoder::new().decompress_vec(&self.0).map_err(|error| odd(&error))?;
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
