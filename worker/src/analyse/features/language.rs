//! In which of seven languages lyrics are sung: the one whose trigrams of letters are most like theirs.

use super::super::common::ratio;
use super::compat::Times;
use crate::score::{Annotation, AnnotationKind, Score};
use std::collections::BTreeMap;
use std::sync::OnceLock;

/// How often the commonest trigrams occur in books of each language: a line `= code length` (the root of the sum of the
/// squares of all trigrams), then lines of count and trigram. The books are those by which music21 10.5.1 knows the
/// languages: Austen, Voltaire, Dante, Goethe, Wu Jingsuo, Hymni Ecclesiae, Schoolmeester.
static TRIGRAMS: &str = include_str!("languages.txt");

/// How many languages there are.
const LANGUAGES: usize = 7;

/// The characters of which no table is long enough, and their language.
const HAN: std::ops::RangeInclusive<char> = '\u{4e00}'..='\u{9fff}';
const CHINESE: i64 = 5;

type Trigram = [char; 3];

/// The trigrams of all languages.
struct Table {
    counts: BTreeMap<Trigram, [f64; LANGUAGES]>,
    lengths: [f64; LANGUAGES],
}

fn table() -> &'static Table {
    static TABLE: OnceLock<Table> = OnceLock::new();
    TABLE.get_or_init(|| {
        let mut table = Table { counts: BTreeMap::new(), lengths: [1.0; LANGUAGES] };
        let mut language = None;
        for line in TRIGRAMS.lines() {
            if let Some(header) = line.strip_prefix("= ") {
                let next = language.map_or(0, |before: usize| before + 1);
                language = Some(next);
                let length = header.split_once(' ').and_then(|(_, length)| length.parse().ok());
                if let (Some(slot), Some(length)) = (table.lengths.get_mut(next), length) {
                    *slot = length;
                }
            } else if let Some((count, trigram)) = line.split_once('\t')
                && let (Ok(count), Ok([a, b, c])) =
                    (count.parse(), Trigram::try_from(trigram.chars().collect::<Vec<char>>()))
                && let Some(slot) =
                    language.and_then(|language| table.counts.entry([a, b, c]).or_default().get_mut(language))
            {
                *slot = count;
            }
        }
        table
    })
}

/// The language of a text, from 1: English, French, Italian, German, Chinese, Latin, Dutch; nothing if it is like none.
fn language_of(text: &str) -> Option<i64> {
    let letters = || text.chars().filter(|letter| !letter.is_whitespace());
    if letters().filter(|letter| HAN.contains(letter)).count() * 2 > letters().count() {
        return Some(CHINESE);
    }
    let table = table();
    let mut before = [' ', ' '];
    let mut counts: BTreeMap<Trigram, f64> = BTreeMap::new();
    for letter in text.chars() {
        let [first, second] = before;
        *counts.entry([first, second, letter]).or_default() += 1.0;
        before = [second, letter];
    }
    let mut products = [0.0; LANGUAGES];
    for (trigram, count) in &counts {
        for (product, known) in products.iter_mut().zip(table.counts.get(trigram).into_iter().flatten()) {
            *product += count * known;
        }
    }
    let mut best: Option<(i64, f64)> = None;
    for ((number, product), length) in (1..).zip(products).zip(table.lengths) {
        let likeness = ratio(product, length).unwrap_or(0.0);
        if likeness > best.map_or(0.0, |(_, best)| best) {
            best = Some((number, likeness));
        }
    }
    best.map(|(number, _)| number)
}

/// What is known of the lyrics of a score.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::analyse) enum Language {
    /// There are none.
    NoLyrics,
    /// They are like no language that is known.
    Unknown,
    /// The number of a language.
    Known(i64),
}

impl Language {
    /// Of the lyrics of a score: verse by verse, or the first of each note in the order of time, through all parts, as
    /// music21 has them.
    pub(super) fn of(score: &Score, as_music21: bool) -> Self {
        let mut syllables: Vec<Annotation> =
            score.annotations.iter().filter(|one| one.kind == AnnotationKind::Lyric).collect();
        if as_music21 {
            let times = Times::of(score);
            let own = |one: &Annotation| times.moment(one.part, one.measure, one.onset).0;
            syllables.sort_by_key(|one| (own(one), one.part, one.staff, one.voice, one.number));
            syllables.dedup_by_key(|one| (one.onset, one.part, one.staff, one.voice));
        } else {
            syllables.sort_by_key(|one| (one.part, one.staff, one.voice, one.number));
        }
        let mut text = String::new();
        let mut goes_on = true;
        for syllable in syllables.into_iter().map(|one| score.text(one)).filter(|text| *text != "_") {
            if !goes_on {
                text.push(' ');
            }
            goes_on = syllable.ends_with('-');
            text.push_str(syllable.trim_end_matches(['-', '_']));
        }
        match text.as_str() {
            "" => Language::NoLyrics,
            text => language_of(text).map_or(Language::Unknown, Language::Known),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The sentences of music21's own test of its detector, and one of each other language.
    #[test]
    fn sentences_are_told_apart() {
        let english = "hello friends, this is a test of the ability of language detector to tell what language I am writing in.";
        let italian = "ciao amici! cosé trovo in quale lingua ho scritto questo passaggio. Spero che troverà che é stata scritta in italiano";
        let cases = [
            (english, 1),
            ("nous avons chanté les vers que vous avez écrits dans cette langue", 2),
            (italian, 3),
            ("wir haben die Lieder gesungen, die ihr in dieser Sprache geschrieben habt", 4),
            ("長亭外古道邊，芳草碧連天。", 5),
            ("Et in terra pax hominibus bonae voluntatis, laudamus te", 6),
            ("wij hebben de liederen gezongen die gij in deze taal geschreven hebt", 7),
        ];
        for (text, number) in cases {
            assert_eq!(language_of(text), Some(number), "{text}");
        }
        assert_eq!(language_of("ξξξ"), None);
    }
}
