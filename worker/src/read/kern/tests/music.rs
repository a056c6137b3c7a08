//! What the scores of the project's own mean.

use super::{FIXTURES, notes, read, read_as, score};
use crate::read::{Fidelity, ReadOptions};
use crate::score::{Field, Flags, Mode, Score};

/// The measures of a part as `number at onset`.
fn measures(score: &Score, part: u16) -> Vec<String> {
    score
        .measures_of(part)
        .iter()
        .map(|measure| format!("{} at {}", score.number(measure), measure.onset))
        .collect()
}

#[test]
fn an_upbeat_a_repeat_and_what_the_header_says() {
    let score = score(FIXTURES[0]);
    assert_eq!(score.parts[0].name.as_deref(), Some("Voice"), "the right-most spine is the first part");
    assert_eq!((score.parts[1].instrument.as_deref(), score.parts[1].program), (Some("cello"), Some(43)));
    assert_eq!(notes(&score, 0), ["0 D4 1", "1 G4 1", "2 B4 1", "3 D5 1[", "4 D5 3/2]", "11/2 G4 1"]);
    assert_eq!(notes(&score, 1), ["1 G3 3", "4 D3 3/2", "11/2 G2 1"]);
    assert_eq!(measures(&score, 1), ["0 at 0", "1 at 1", "2 at 4"]);
    let meters: Vec<_> = score.meters.iter().map(|meter| (meter.onset.as_fraction(), meter.text())).collect();
    let expected = [("0", "3/4"), ("0", "3/4"), ("4", "3+2/8"), ("4", "3+2/8")];
    assert_eq!(meters, expected.map(|(onset, text)| (onset.to_owned(), text.to_owned())));
    let key = &score.keys[0];
    assert_eq!((score.keys.len(), key.fifths, key.mode.map(Mode::name)), (2, 1, Some("major")));
    assert_eq!((score.tempi.len(), score.tempi[0].quarters_per_minute), (1, 92.0));
    let fields =
        [Field::Title, Field::Composer, Field::Movement, Field::Rights].map(|field| score.field(field));
    assert_eq!(fields, [Some("Upbeat"), Some("Ripieno"), Some("2"), Some("CC0")]);
}

#[test]
fn voices_split_and_join_and_ties_go_on() {
    let score = score(FIXTURES[1]);
    let expected = "0 E4 2|2 G4 1[|2 C4 1 v2|3 G4 1][|3 D4 1 v2|4 G4 2][|4 B3 1 v2|5 C4 1/2 v2|5 G3 1/2 v3|\
        11/2 D4 1/2 v2|11/2 A3 1/2 v3|6 G4 2]|6 E4 2 v2|8 C4 2[|8 E4 2+|10 C4 2]|10 F4 2+";
    assert_eq!(notes(&score, 0).join("|"), expected);
    assert_eq!(notes(&score, 1).join("|"), "0 C3 4|4 G2 4|8 C3 2|8 E3 2 v2|10 D3 2|10 F3 2 v2");
}

#[test]
fn columns_swap_come_and_end() {
    let score = score(FIXTURES[2]);
    assert_eq!(notes(&score, 0), ["0 C4 1", "1 D4 1", "2 E4 1", "3 F4 1", "4 G4 2"]);
    assert_eq!(notes(&score, 1), ["0 C3 1", "1 D3 1", "2 E3 1", "3 F3 1"]);
    assert_eq!(notes(&score, 2), ["2 C5 1", "3 D5 1", "4 E5 2", "6 F5 2", "8 G5 2"]);
    assert_eq!(measures(&score, 2), ["2 at 2", "3 at 4", "4 at 6", "5 at 8"]);
    assert_eq!(score.parts[1].duration.as_fraction(), "4");
}

#[test]
fn durations_and_grace_notes() {
    let score = score(FIXTURES[3]);
    let lower = ["0 C3 1", "0 E3 1+", "0 G3 1+", "1 D3 3/2", "5/2 E3 7/4", "17/4 F3 1/4"];
    assert_eq!(notes(&score, 1), lower);
    let upper = notes(&score, 0);
    let first = ["0 C4 1/3", "1/3 D4 1/3", "2/3 E4 1/3", "1 F4 0q", "1 G4 0q", "1 Bb4 0q+", "1 G4 1/5"];
    assert_eq!(upper[..7], first);
    assert_eq!(
        upper[11..],
        [
            "2 E5 1/2",
            "5/2 F5 2/3",
            "19/6 G5 2/3",
            "23/6 A5 2/3",
            "9/2 G4 8/3",
            "43/6 C4 16/3",
            "25/2 E#4 8/3",
            "91/6 Bbb3 16/3"
        ]
    );
    assert_eq!((score.rests.len(), score.rests.get(0).unwrap().duration.as_fraction().as_str()), (1, "16"));
}

#[test]
fn latin_1_words_and_sounding_pitch() {
    let score = score(FIXTURES[4]);
    assert_eq!(
        (score.field(Field::Title), score.field(Field::Composer)),
        (Some("Übung für Horn"), Some("Müller, José"))
    );
    assert_eq!(score.parts[0].name.as_deref(), Some("Hörner in F"));
    assert!(score.notes.iter().all(|note| note.transpose == 0));
    assert_eq!(notes(&score, 0), ["0 C4 2", "2 E4 2", "4 G4 4"]);
}

#[test]
fn a_file_of_two_pieces() {
    let (scores, failure) = read(FIXTURES[5]);
    assert_eq!(failure, None);
    let [first, second] = &scores[..] else { panic!("{} pieces", scores.len()) };
    assert_eq!((first.field(Field::Title), first.field(Field::Movement)), (Some("Suite"), Some("1")));
    assert_eq!((second.field(Field::Title), second.field(Field::Movement)), (Some("Menuett"), Some("2")));
    assert_eq!((first.keys[0].fifths, second.keys[0].fifths, first.field(Field::Rights)), (0, -1, None));
    assert_eq!((second.measures.len(), second.meters[0].measure_duration()), (2, None));
}

#[test]
fn measures_begin_under_long_notes() {
    let score = score(FIXTURES[6]);
    let expected = ["1 at 0", "2 at 8", "3 at 16", "4 at 24", "5a at 32", "5a at 36"];
    assert_eq!(
        (measures(&score, 0), measures(&score, 1)),
        (expected.map(String::from).into(), expected.map(String::from).into())
    );
    assert_eq!(notes(&score, 0), ["0 G4 6", "6 A4 4", "10 B4 6", "16 F#4 16", "32 D4 4", "36 D4 4"]);
    assert_eq!(
        score.notes.iter().map(|note| note.measure).collect::<Vec<_>>(),
        [0, 0, 0, 1, 2, 2, 4, 4, 5, 5]
    );
}

#[test]
fn percussion_and_hidden_notes() {
    let score = score(FIXTURES[7]);
    assert_eq!(notes(&score, 0), ["0 B4 1R", "1 A4 1/2R", "3/2 B4 1/2R", "2 F5 1R", "4 B4 2R"]);
    assert_eq!(notes(&score, 1), ["0 C2 1", "4 G2 1", "4 C3 1 v2y", "5 G2 1"]);
    assert_eq!(score.rests.iter().filter(|rest| rest.flags.has(Flags::HIDDEN)).count(), 3);
    assert_eq!(measures(&score, 0), ["0 at 0", "1 at 2", "2 at 4"]);
    let compat = ReadOptions { fidelity: Fidelity::Compat, ..ReadOptions::default() };
    let (scores, _) = read_as(FIXTURES[7], &compat);
    let unpitched = scores[0].notes.iter().filter(|note| !note.is_pitched()).count();
    assert_eq!(unpitched, 2, "music21 takes R for a turn, but R alone has no pitch to read");
}

#[test]
fn neighbours_of_two_spines_may_be_joined_each_to_its_own() {
    let (scores, _) = read("**kern\t**kern\n*^\t*^\n4c\t4e\t4g\t4b\n*v\t*v\t*v\t*v\n4d\t4f\n*-\t*-\n");
    assert_eq!((notes(&scores[0], 0).len(), notes(&scores[0], 1).len()), (3, 3));
}

#[test]
fn chord_members_keep_their_own_lengths() {
    let text = "**kern\n8c 4e g\n8d\n*-\n";
    assert_eq!(notes(&read(text).0[0], 0), ["0 C4 1/2", "0 E4 1+", "0 G4 1/2+", "1/2 D4 1/2"]);
    let compat = ReadOptions { fidelity: Fidelity::Compat, ..ReadOptions::default() };
    let (scores, _) = read_as(text.as_bytes(), &compat);
    assert_eq!(notes(&scores[0], 0), ["0 C4 1/2", "0 E4 1/2+", "0 G4 1/2+", "1/2 D4 1/2"]);
}
