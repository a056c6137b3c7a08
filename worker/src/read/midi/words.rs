//! Words of a file: lyrics, markers, cues, texts, and changes of program; which of them are syllables, and of which word.

use super::piece::text;
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

    /// Its words in the order of time. In a karaoke file texts are syllables in the tracks where some begin a line.
    pub(super) fn words(&self, karaoke: bool, time: impl Fn(u64) -> Ticks) -> Vec<Word<'a>> {
        let begins_line = |said: &Said<'a>| matches!(said.what, Saying::Text([b'/' | b'\\', ..]));
        let sung = karaoke && self.said.iter().any(begins_line);
        let is_lyric = |said: &Said<'a>| match said.what {
            Saying::Lyric(_) => true,
            Saying::Text(text) => sung && !text.starts_with(b"@"),
            _ => false,
        };
        let (lyrics, rest): (Vec<&Said<'a>>, Vec<&Said<'a>>) =
            self.said.iter().partition(|said| is_lyric(said));
        let mut words = Vec::with_capacity(self.said.len());
        words.extend(rest.into_iter().filter_map(|said| Word::of(said, &time)));
        let mut syllables = Vec::with_capacity(lyrics.len());
        syllables.extend(lyrics.iter().filter_map(|said| Syllable::of(said)));
        let hyphens = needs_hyphens(&syllables);
        words.extend(lyrics.iter().zip(syllable_texts(&syllables, hyphens)).filter_map(|(said, text)| {
            let kind = AnnotationKind::Lyric;
            text.map(|text| Word { onset: time(said.on), at: said.at, kind, channel: None, text })
        }));
        words.sort_by_key(|word| (word.onset, word.at));
        words
    }
}

/// A text that is ready to be told.
pub(super) struct Word<'a> {
    pub(super) onset: Ticks,
    /// Its byte.
    pub(super) at: usize,
    pub(super) kind: AnnotationKind,
    /// The channel that it is about, if it is about one.
    pub(super) channel: Option<u8>,
    pub(super) text: Cow<'a, str>,
}

impl<'a> Word<'a> {
    fn of(said: &Said<'a>, time: &impl Fn(u64) -> Ticks) -> Option<Self> {
        let (kind, channel, text) = match said.what {
            Saying::Marker(bytes) => (AnnotationKind::Marker, None, text(bytes)),
            // Karaoke files say about themselves what begins with this sign.
            Saying::Text([b'@', ..]) => return None,
            Saying::Text(bytes) | Saying::Cue(bytes) | Saying::Lyric(bytes) => {
                (AnnotationKind::Direction, None, text(bytes))
            }
            Saying::Program { channel, bank, program } => {
                let bank =
                    if bank == 0 { String::new() } else { format!("bank {}/{} ", bank >> 7, bank & 0x7F) };
                (AnnotationKind::Direction, Some(channel), Cow::from(format!("{bank}program {program}")))
            }
        };
        (!text.is_empty()).then(|| Word { onset: time(said.on), at: said.at, kind, channel, text })
    }
}

/// A syllable as the file has it.
struct Syllable<'a> {
    /// Without line signs and spaces; a syllable may be nothing but those.
    text: Cow<'a, str>,
    /// Whether a line begins or ends with it.
    begins_line: bool,
    ends_line: bool,
    /// Whether a space stands before or behind it.
    begins_word: bool,
    ends_word: bool,
}

impl<'a> Syllable<'a> {
    fn of(said: &Said<'a>) -> Option<Self> {
        let (Saying::Lyric(bytes) | Saying::Text(bytes)) = said.what else { return None };
        let is_break = |byte: &u8| matches!(byte, b'\r' | b'\n');
        let first = bytes.iter().position(|byte| !matches!(byte, b'/' | b'\\' | b'\r' | b'\n'));
        let body = bytes.get(first.unwrap_or(bytes.len())..).unwrap_or(&[]);
        Some(Syllable {
            text: text(body),
            begins_line: first != Some(0),
            ends_line: body.last().is_some_and(is_break),
            begins_word: body.first() == Some(&b' '),
            ends_word: body.iter().rfind(|byte| !is_break(byte)) == Some(&b' '),
        })
    }

    /// Whether the word ends with it, if `next` follows.
    fn ends(&self, next: Option<&Syllable<'_>>) -> bool {
        let other = next.is_none_or(|next| next.begins_line || next.begins_word || next.text.is_empty());
        self.ends_line || self.ends_word || other
    }
}

/// Whether words are held together by the lack of a space, and that throughout: nobody writes hyphens, and at least
/// every fourth syllable ends a word, as in any language that is sung.
fn needs_hyphens(syllables: &[Syllable<'_>]) -> bool {
    let nexts = syllables.iter().skip(1).map(Some).chain([None]);
    let sung = || syllables.iter().zip(nexts.clone()).filter(|(syllable, _)| !syllable.text.is_empty());
    let spaces = sung().any(|(syllable, _)| syllable.ends_word || syllable.begins_word);
    if !spaces || sung().any(|(syllable, _)| syllable.text.ends_with('-')) {
        return false;
    }
    sung().filter(|(syllable, next)| syllable.ends(*next)).count() * 4 >= sung().count()
}

/// The texts, none for a syllable that is none.
fn syllable_texts<'s, 'a>(
    syllables: &'s [Syllable<'a>],
    hyphens: bool,
) -> impl Iterator<Item = Option<Cow<'a, str>>> + use<'s, 'a> {
    let nexts = syllables.iter().skip(1).map(Some).chain([None]);
    syllables.iter().zip(nexts).map(move |(syllable, next)| {
        let goes_on = hyphens && !syllable.ends(next);
        (!syllable.text.is_empty()).then(|| match goes_on {
            true => Cow::from(format!("{}-", syllable.text)),
            false => syllable.text.clone(),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lyrics(texts: &[&'static str]) -> Vec<String> {
        let said = texts.iter().zip(0..);
        let said = said.map(|(text, on)| Said { on, at: 0, what: Saying::Lyric(text.as_bytes()) });
        let words =
            Speech { track: 1, said: said.collect() }.words(false, |on| Ticks(on.try_into().unwrap()));
        words.into_iter().map(|word| word.text.into_owned()).collect()
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
            speech.words(karaoke, |_| Ticks::ZERO).into_iter().map(|word| (word.kind, word.text.into_owned()))
        };
        let lyric = |text: &str| (AnnotationKind::Lyric, text.to_owned());
        assert!(told(true).eq(["A-", "ve", "ma-", "ris"].map(lyric)));
        assert!(told(false).all(|(kind, _)| kind == AnnotationKind::Direction));
    }
}
