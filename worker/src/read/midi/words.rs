//! Words of a file: lyrics, markers, cues, texts, and changes of program; which of them are syllables, and of which word.

use super::piece::{bare, decoded};
use crate::score::{AnnotationKind, Ticks};
use std::borrow::Cow;

/// Something said at a moment of a track.
#[derive(Clone, Copy, Debug)]
pub(super) struct Said<'a> {
    pub(super) on: u64,
    /// Its byte.
    pub(super) at: usize,
    pub(super) what: Saying<'a>,
}

/// What is said.
#[derive(Clone, Copy, Debug)]
pub(super) enum Saying<'a> {
    Text(&'a [u8]),
    Lyric(&'a [u8]),
    Marker(&'a [u8]),
    Cue(&'a [u8]),
    /// A channel sounds otherwise from here on. Bank is that of the two controllers, program counts from 1.
    Program {
        channel: u8,
        bank: u16,
        program: u8,
    },
}

/// What a track says.
pub(super) struct Speech<'a> {
    /// Number of the track.
    pub(super) track: usize,
    pub(super) said: Vec<Said<'a>>,
}

impl<'a> Speech<'a> {
    /// Whether it says, as karaoke files do, that its texts are syllables.
    pub(super) fn announces_karaoke(&self) -> bool {
        self.said.iter().any(|said| matches!(said.what, Saying::Text(text) if text.starts_with(b"@K")))
    }

    /// Its words in the order of time, which is that of the file. In a karaoke file texts are syllables in the tracks where
    /// some begin a line.
    pub(super) fn words(&self, karaoke: bool, time: impl Fn(u64) -> Ticks) -> Vec<Word<'a>> {
        let begins_line = |said: &Said<'a>| matches!(said.what, Saying::Text([b'/' | b'\\', ..]));
        let sung = karaoke && self.said.iter().any(begins_line);
        let mut words = Vec::with_capacity(self.said.len());
        let mut syllables = Syllables::default();
        for said in &self.said {
            let (onset, at) = (time(said.on), said.at);
            let (kind, text, hyphen) = match said.what {
                // Karaoke files say about themselves what begins with this sign.
                Saying::Text([b'@', ..]) => continue,
                Saying::Text(bytes) if sung => syllables.next(bytes, &mut words),
                Saying::Lyric(bytes) => syllables.next(bytes, &mut words),
                Saying::Text(bytes) | Saying::Cue(bytes) => (AnnotationKind::Direction, bare(bytes), false),
                Saying::Marker(bytes) => (AnnotationKind::Marker, bare(bytes), false),
                Saying::Program { channel, bank, program } => {
                    let text = Wording::Program { channel, bank, program };
                    words.push(Word { onset, at, kind: AnnotationKind::Direction, text, hyphen: false });
                    continue;
                }
            };
            if !text.is_empty() {
                words.push(Word { onset, at, kind, text: Wording::Bytes(text), hyphen });
            }
        }
        syllables.finish(&mut words);
        words
    }
}

/// A text that is ready to be told.
pub(super) struct Word<'a> {
    pub(super) onset: Ticks,
    /// Its byte.
    pub(super) at: usize,
    pub(super) kind: AnnotationKind,
    text: Wording<'a>,
    /// Whether a hyphen is missing that says that the word goes on.
    hyphen: bool,
}

/// How a word is said.
enum Wording<'a> {
    /// As the file has it, without its padding.
    Bytes(&'a [u8]),
    Program {
        channel: u8,
        bank: u16,
        program: u8,
    },
}

impl<'a> Word<'a> {
    /// The channel that it is about, if it is about one.
    pub(super) const fn channel(&self) -> Option<u8> {
        match self.text {
            Wording::Bytes(_) => None,
            Wording::Program { channel, .. } => Some(channel),
        }
    }

    /// The text, where it is as the file has it: what most are.
    #[inline]
    pub(super) fn plain(&self) -> Option<&'a str> {
        match self.text {
            Wording::Bytes(bytes) if !self.hyphen => std::str::from_utf8(bytes).ok(),
            _ => None,
        }
    }

    pub(super) fn text(&self) -> Cow<'a, str> {
        match self.text {
            Wording::Bytes(bytes) if self.hyphen => Cow::from(decoded(bytes).into_owned() + "-"),
            Wording::Bytes(bytes) => decoded(bytes),
            Wording::Program { bank: 0, program, .. } => Cow::from(format!("program {program}")),
            Wording::Program { bank, program, .. } => {
                Cow::from(format!("bank {}/{} program {program}", bank >> 7, bank & 0x7F))
            }
        }
    }
}

/// What is known of the syllables of a track so far.
#[derive(Default)]
struct Syllables {
    /// Where among the words the last one stands, if nothing has yet said that its word ends with it.
    open: Option<usize>,
    /// How many there are that are sung.
    sung: usize,
    /// Whether a space stands before or behind one.
    spaces: bool,
    /// Whether one ends in a hyphen.
    hyphens: bool,
}

impl Syllables {
    /// Takes the next syllable: gives its kind, its text without line signs and padding, which may be nothing, and whether
    /// its word goes on as far as it says itself.
    fn next<'a>(&mut self, bytes: &'a [u8], words: &mut [Word<'a>]) -> (AnnotationKind, &'a [u8], bool) {
        let is_break = |byte: &u8| matches!(byte, b'\r' | b'\n');
        let first = bytes.iter().position(|byte| !matches!(byte, b'/' | b'\\' | b'\r' | b'\n'));
        let body = bytes.get(first.unwrap_or(bytes.len())..).unwrap_or(&[]);
        let text = bare(body);
        let begins_word = body.first() == Some(&b' ');
        if first != Some(0) || begins_word || text.is_empty() {
            self.end_word(words);
        }
        if text.is_empty() {
            return (AnnotationKind::Lyric, text, false);
        }
        let ends_line = body.last().is_some_and(is_break);
        let ends_word = body.iter().rfind(|byte| !is_break(byte)) == Some(&b' ');
        self.open = Some(words.len());
        self.sung += 1;
        self.spaces |= begins_word || ends_word;
        self.hyphens |= text.ends_with(b"-");
        (AnnotationKind::Lyric, text, !ends_line && !ends_word)
    }

    /// The word ends with the last syllable.
    fn end_word(&mut self, words: &mut [Word<'_>]) {
        if let Some(word) = self.open.take().and_then(|open| words.get_mut(open)) {
            word.hyphen = false;
        }
    }

    /// Takes the hyphens away again, unless words are held together by the lack of a space, and that throughout: nobody
    /// writes hyphens, and at least every fourth syllable ends a word, as in any language that is sung.
    fn finish(mut self, words: &mut [Word<'_>]) {
        self.end_word(words);
        let ends = || self.sung - words.iter().filter(|word| word.hyphen).count();
        if !self.spaces || self.hyphens || ends() * 4 < self.sung {
            words.iter_mut().for_each(|word| word.hyphen = false);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lyrics(texts: &[&'static str]) -> Vec<String> {
        let said = texts.iter().zip(0..);
        let said = said.map(|(text, on)| Said { on, at: 0, what: Saying::Lyric(text.as_bytes()) });
        let words =
            Speech { track: 1, said: said.collect() }.words(false, |on| Ticks(on.try_into().unwrap()));
        words.into_iter().map(|word| word.text().into_owned()).collect()
    }

    #[test]
    fn a_space_ends_a_word_where_spaces_are_used() {
        assert_eq!(
            lyrics(&["A", "ve ", "ma", "ris ", "stel", "la"]),
            ["A-", "ve", "ma-", "ris", "stel-", "la"]
        );
        assert_eq!(lyrics(&["A", "ve", " ma", "ris"]), ["A-", "ve", "ma-", "ris"], "spaces before words");
        assert_eq!(
            lyrics(&["\\A", "ve", "/ma ", "\r", "ris", "stel ", "la"]),
            ["A-", "ve", "ma", "ris-", "stel", "la"]
        );
    }

    #[test]
    fn what_does_not_mark_its_words_stays_as_it_is() {
        assert_eq!(lyrics(&["A", "ve", "ma", "ris"]), ["A", "ve", "ma", "ris"]);
        assert_eq!(lyrics(&["A-", "ve ", "ma-", "ris"]), ["A-", "ve", "ma-", "ris"]);
        let once = ["a", "b ", "c", "d", "e", "f", "g", "h", "i"];
        assert_eq!(lyrics(&once), once.map(str::trim), "one space is an accident");
    }

    #[test]
    fn karaoke_has_its_syllables_in_texts() {
        let texts = ["@KMIDI KARAOKE FILE", "@TAve", "\\A", "ve ", "ma", "ris"];
        let said = texts.iter().map(|text| Said { on: 0, at: 0, what: Saying::Text(text.as_bytes()) });
        let speech = Speech { track: 1, said: said.collect() };
        assert!(speech.announces_karaoke());
        let told = |karaoke| {
            speech
                .words(karaoke, |_| Ticks::ZERO)
                .into_iter()
                .map(|word| (word.kind, word.text().into_owned()))
        };
        let lyric = |text: &str| (AnnotationKind::Lyric, text.to_owned());
        assert!(told(true).eq(["A-", "ve", "ma-", "ris"].map(lyric)));
        assert!(told(false).all(|(kind, _)| kind == AnnotationKind::Direction));
    }
}
