//! Structures written as a line: a letter is a measure, `|:` and `:|` repeats (`:|3` played three times), `[1,2` and `]`
//! the brackets of an ending, `//` where a movement begins.

use super::super::{Endings, Mark, MarkAt, Part, Ticks, expanded};
use super::*;
use proptest::prelude::*;

fn score(text: &str) -> Score {
    let mut score = Score { parts: vec![Part::default()], ..Score::default() };
    let (mut waiting, mut number) = (Vec::new(), 0);
    for word in text.split(' ') {
        let mark = match word {
            "|:" => Mark::RepeatStart,
            "]" => Mark::EndingEnd,
            "segno" => Mark::Segno,
            "coda" => Mark::Coda,
            "tocoda" => Mark::ToCoda,
            "dc" => Mark::DaCapo,
            "ds" => Mark::DalSegno,
            "fine" => Mark::Fine,
            "//" => {
                number = 0;
                continue;
            }
            _ if word.starts_with(":|") => Mark::RepeatEnd { times: word[2..].parse().unwrap_or(2) },
            _ if word.starts_with('[') => Mark::EndingStart(Endings::parse(&word.as_bytes()[1..])),
            _ => {
                let index = u32::try_from(score.measures.len()).unwrap();
                number += 1;
                score.measures.push(Measure {
                    part: 0,
                    index,
                    number,
                    label: None,
                    onset: Ticks::quarters(i64::from(index)),
                    duration: Ticks::quarters(1),
                    place: Place::line(index + 1, 1),
                });
                score.marks.extend(waiting.drain(..).map(|mark| mark_at(index, false, mark)));
                continue;
            }
        };
        match mark {
            Mark::RepeatStart | Mark::EndingStart(_) | Mark::Segno | Mark::Coda => waiting.push(mark),
            _ => {
                let last = u32::try_from(score.measures.len()).unwrap().saturating_sub(1);
                score.marks.push(mark_at(last, true, mark));
            }
        }
    }
    score.parts[0].duration = Ticks::quarters(i64::try_from(score.measures.len()).unwrap());
    score
}

fn mark_at(measure: u32, at_end: bool, mark: Mark) -> MarkAt {
    MarkAt { part: 0, measure, at_end, mark, place: Place::START }
}

/// The letters as they are played, and how many warnings there were.
fn played(text: &str) -> (String, usize) {
    let letters: Vec<&str> = text.split(' ').filter(|word| word.len() == 1 && *word != "]").collect();
    let order = order(&score(text), false, &Limits::default()).unwrap();
    (order.measures.iter().map(|&measure| letters[measure as usize]).collect(), order.warnings.len())
}

#[test]
fn repeats_endings_and_jumps() {
    for (text, expected) in [
        ("a b", "ab"),
        ("a :| b", "aab"),
        ("|: a :| |: b :| c", "aabbc"),
        ("a :| b :| c", "aabbc"),
        ("a |: b :|3 c", "abbbc"),
        ("a |: b [1 c :| [2 d ] e", "abcbde"),
        ("a |: b [1 c :| [2 d :| e", "abcbde"),
        ("a |: b [1 c :| d", "abcbd"),
        ("|: a [1,2 b :| [3 c ] d", "ababacd"),
        ("|: a [1 b :| [2 c :| [3 d ] e", "abacade"),
        ("|: a [1 b :| [2 c ] |: d [1 e :| [2 f ]", "abacdedf"),
        ("|: a [1 b :| |: [2 c d :| e", "abacdcde"),
        // Within each other, as music21 10.5.1 plays them too.
        ("|: a |: b :| c :| d", "abbcabbcd"),
        ("|: a |: b :| |: c :| d :|3", "abbccdabbccdabbccd"),
        ("|: a |: b |: c :| d :| e :|", "abccdbccdeabccdbccde"),
        ("|: a |: b [1 c :| [2 d ] e :| f", "abcbdeabcbdef"),
        ("|: a |: b :| [1 c :| [2 d ] e", "abbcabbde"),
        ("|: a |: b :| c :| d dc", "abbcabbcdabcd"),
        // A minuet and its trio, with repeats on the first time only.
        ("|: a :| |: b fine :| |: c :| |: d dc :|", "aabbccddab"),
        ("a |: b [1 c :| [2 d fine ] e dc", "abcbdeabd"),
        ("a segno b tocoda c ds coda d", "abcbd"),
        ("a tocoda b dc coda c", "abac"),
        ("a segno b fine c ds", "abcb"),
        // The first time through, nothing of this counts.
        ("a fine b tocoda c coda d", "abcd"),
        // After the way back, repeats count again.
        ("a b dc |: c :|", "ababcc"),
        // A movement has its own beginning and its own end.
        ("a b :| // c :| d fine e dc // f g :|", "ababccdecdfgfg"),
    ] {
        assert_eq!(played(text), (expected.to_owned(), 0), "{text}");
    }
}

#[test]
fn broken_structures_are_played_to_the_end_with_a_warning() {
    for (text, expected) in [
        ("|: a |: b :| c", "abbc"),
        ("a ds b", "ab"),
        ("a segno b // c d ds e", "abcde"),
        ("a tocoda b dc c", "ababc"),
        ("a [1 b ] [2 c ] d", "abcd"),
        ("|: a :| [3 b :| c", "aac"),
    ] {
        let (letters, warnings) = played(text);
        assert_eq!((letters.as_str(), warnings), (expected, 1), "{text}");
    }
    // A last ending that calls itself 2 is for the third time all the same.
    assert_eq!(played("|: a [1,2 b :|3 [2 c ] d"), ("ababacd".to_owned(), 0));
    assert_eq!(played("a [2 b ] c"), ("abc".to_owned(), 0));
    assert_eq!(played(":| a ]").0, "aa");
}

#[test]
fn the_cap_holds() {
    let limits = Limits { expanded_measures_max: 5, ..Limits::default() };
    assert_eq!(order(&score("a b :| c"), false, &limits).unwrap().measures.len(), 5);
    let failure = order(&score("a b :| c d"), false, &limits).unwrap_err();
    assert!(failure.to_string().starts_with("too_large: more than expanded_measures_max = 5"), "{failure}");
}

#[test]
fn a_list_of_sections_is_followed_if_it_fits() {
    let mut sections = score("a b c d");
    sections.marks = vec![
        mark_at(1, false, Mark::Section(0)),
        mark_at(2, false, Mark::Section(1)),
        mark_at(2, true, Mark::RepeatEnd { times: 2 }),
    ];
    let mut with = |list: &[u16]| {
        sections.arrangement = list.to_vec();
        let order = order(&sections, false, &Limits::default()).unwrap();
        (order.measures, order.warnings.len())
    };
    assert_eq!(with(&[0, 0, 1, 0]), (vec![0, 1, 1, 2, 3, 1], 0));
    assert_eq!(with(&[0, 7]), (vec![0, 1, 2, 0, 1, 2, 3], 1));
}

fn mark() -> impl Strategy<Value = Mark> {
    prop_oneof![
        Just(Mark::RepeatStart),
        (0_u8..4).prop_map(|times| Mark::RepeatEnd { times }),
        (0_u8..5, 0_u8..5).prop_map(|(one, other)| Mark::EndingStart(Endings::of([one, other]))),
        Just(Mark::EndingEnd),
        Just(Mark::Segno),
        Just(Mark::Coda),
        Just(Mark::ToCoda),
        Just(Mark::DaCapo),
        Just(Mark::DalSegno),
        Just(Mark::Fine),
        (0_u16..4).prop_map(Mark::Section),
    ]
}

proptest! {
    #[test]
    fn whatever_the_marks_it_ends_within_the_cap(
        measures in 0_usize..12,
        marks in prop::collection::vec((0_u32..13, any::<bool>(), mark()), 0..24),
        list in prop::collection::vec(0_u16..4, 0..6),
        numbers in prop::collection::vec(0_i32..4, 12),
        max in 1_u64..300,
    ) {
        let mut any = score(&vec!["a"; measures].join(" "));
        any.measures.iter_mut().zip(numbers).for_each(|(measure, number)| measure.number = number);
        any.marks = marks.into_iter().map(|(measure, at_end, mark)| mark_at(measure, at_end, mark)).collect();
        any.arrangement = list;
        let limits = Limits { expanded_measures_max: max, ..Limits::default() };
        let count = match order(&any, false, &limits) {
            Ok(order) => order.measures.len(),
            Err(failure) => {
                prop_assert!(failure.message.contains("expanded_measures_max"));
                return Ok(());
            }
        };
        prop_assert!(count as u64 <= max);
        let is_marked = !any.marks.is_empty();
        let laid = expanded(any, &limits).unwrap();
        if is_marked {
            prop_assert_eq!(laid.measures.len(), count);
            prop_assert_eq!(laid.parts[0].duration, Ticks::quarters(i64::try_from(count).unwrap()));
        }
        prop_assert!(laid.measures.iter().zip(0..).all(|(measure, index)| measure.index == index));
    }
}
