//! What jobs, scores and schedules are called: texts that are checked when they are read.

/// Letters of a handle behind its prefix; each stands for five bits.
pub(crate) const LETTERS: usize = 16;

/// Without those that are mistaken for others: `l`, `o`, `0`, `1`.
const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

/// The letter of the lowest five bits.
pub(crate) fn letter(bits: u8) -> char {
    char::from(ALPHABET.get(usize::from(bits % 32)).copied().unwrap_or(b'a'))
}

/// The letters of a handle that nobody else has.
pub(crate) fn letters_of(random: &[u8; LETTERS]) -> String {
    random.iter().map(|byte| letter(*byte)).collect()
}

/// Whether a text is a handle with that prefix.
pub(crate) fn is_handle(text: &str, prefix: &str) -> bool {
    let letters = text.strip_prefix(prefix).unwrap_or_default();
    letters.len() == LETTERS && letters.bytes().all(|letter| ALPHABET.contains(&letter))
}

/// Has a tuple of one text that can be parsed be read and written as that text.
macro_rules! as_text {
    ($name:ident) => {
        impl TryFrom<String> for $name {
            type Error = $crate::failure::Failure;
            fn try_from(text: String) -> Result<Self, Self::Error> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> String {
                name.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

pub(crate) use as_text;
