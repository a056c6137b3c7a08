//! The texts of a score's annotations, one behind the other. What is said again and again, as signs are, is kept once.

/// Texts, each with a number.
#[derive(Clone, Debug, Default)]
pub(super) struct Texts {
    bytes: String,
    /// Where each ends.
    ends: Vec<u32>,
}

/// How many texts are known again, at most.
const KNOWN: usize = 1 << 10;
/// Longer texts are not looked for: hardly any comes twice.
const KNOWN_BYTES_MAX: usize = 32;

/// Which texts came before, by a digest of them: a text goes where another one of its digest was.
#[derive(Default)]
pub(super) struct Known(Vec<u32>);

impl Texts {
    /// The text of a number.
    pub(super) fn get(&self, number: u32) -> Option<&str> {
        let at = number as usize;
        let from = at.checked_sub(1).map_or(Some(0), |before| self.ends.get(before).copied())?;
        self.bytes.get(from as usize..*self.ends.get(at)? as usize)
    }

    /// Bytes of all texts.
    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Adds a text, unless it is known; gives its number. The limits on texts keep all of it within 32 bits.
    pub(super) fn add(&mut self, text: &str, known: &mut Known) -> u32 {
        let next = u32::try_from(self.ends.len()).unwrap_or(u32::MAX);
        if text.len() <= KNOWN_BYTES_MAX {
            if known.0.is_empty() {
                known.0.resize(KNOWN, u32::MAX);
            }
            // FNV-1a, of which the upper bits are mixed into the lower.
            let digest = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |digest, byte| {
                (digest ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
            });
            if let Some(slot) = known.0.get_mut((digest ^ digest >> 32) as usize % KNOWN) {
                if self.get(*slot) == Some(text) {
                    return *slot;
                }
                *slot = next;
            }
        }
        self.bytes.push_str(text);
        self.ends.push(u32::try_from(self.bytes.len()).unwrap_or(u32::MAX));
        next
    }

    /// Makes room for texts of so many bytes.
    pub(super) fn make_room(&mut self, bytes: usize) {
        // Room is only speed: without it they grow as ever.
        let _ = self.bytes.try_reserve_exact(bytes);
        let _ = self.ends.try_reserve_exact(bytes / size_of::<u32>());
    }

    /// Gives back the room that was not needed.
    pub(super) fn shrink(&mut self) {
        self.bytes.shrink_to_fit();
        self.ends.shrink_to_fit();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_said_before_is_kept_once() {
        let (mut texts, mut known) = (Texts::default(), Known::default());
        let long = "long ".repeat(10);
        let said: Vec<String> = (0..5000).map(|at| format!("word {}", at % 7)).collect();
        let numbers: Vec<u32> = said.iter().map(|text| texts.add(text, &mut known)).collect();
        assert_eq!(texts.len(), 7 * "word 0".len());
        for (number, text) in numbers.iter().zip(&said) {
            assert_eq!(texts.get(*number), Some(text.as_str()));
        }
        for number in [texts.add(&long, &mut known), texts.add(&long, &mut known)] {
            assert_eq!(texts.get(number), Some(long.as_str()));
        }
        assert_eq!(texts.get(9), None);
    }

    #[test]
    fn more_texts_than_are_known_again_are_all_kept() {
        let (mut texts, mut known) = (Texts::default(), Known::default());
        for at in 0..3 * KNOWN {
            let number = texts.add(&at.to_string(), &mut known);
            assert_eq!(texts.get(number), Some(at.to_string().as_str()));
        }
        assert_eq!(texts.get(1), Some("1"));
    }
}
