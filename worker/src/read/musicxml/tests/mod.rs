//! The reader as a whole: fixtures, small documents, damage, limits.

mod archives;
mod tokens;
mod words;

use super::MusicXml;
use crate::read::{Fidelity, HEAD_BYTES, ReadOptions, ScoreReader};
use crate::score::{Field, Flags, Mode, Score, ScoreBuilder, Ticks};
use proptest::prelude::*;
use shared::failure::{Failure, FailureKind};
use shared::limits::Limits;
use shared::place::Place;
use std::io::Cursor;

macro_rules! fixture {
    ($name:literal) => {
        include_bytes!(concat!("../../../../../tests/data/scores/musicxml/", $name))
    };
}

static FIXTURES: &[(&str, &[u8])] = &[
    ("piano", fixture!("piano.musicxml")),
    ("rhythm", fixture!("rhythm.musicxml")),
    ("measures", fixture!("measures.musicxml")),
    ("transposing", fixture!("transposing.musicxml")),
    ("percussion", fixture!("percussion.musicxml")),
    ("timewise", fixture!("timewise.musicxml")),
    ("utf16", fixture!("utf16.musicxml")),
    ("latin1-cr", fixture!("latin1-cr.xml")),
    ("compressed", fixture!("compressed.mxl")),
    ("words", fixture!("words.musicxml")),
    ("chords", fixture!("chords.musicxml")),
];

/// The score, if there is any, and what ended the reading early.
fn read_with(bytes: &[u8], options: &ReadOptions) -> (Option<Score>, Option<Failure>) {
    let mut scores = Vec::new();
    let mut emit = |score| {
        scores.push(score);
        Ok(())
    };
    let check = || Ok(());
    let mut builder = ScoreBuilder::new(&options.limits, &check, &mut emit);
    let outcome = MusicXml.read(&mut Cursor::new(bytes), options, &mut builder);
    let failure = outcome.err().map(crate::read::ReadError::into_failure);
    if let Some(failure) = &failure {
        builder.salvage(failure).unwrap();
    }
    (scores.pop(), failure)
}

fn read(bytes: &[u8]) -> (Option<Score>, Option<Failure>) {
    read_with(bytes, &ReadOptions::default())
}

/// A score that must be read without any loss.
fn whole(bytes: &[u8]) -> Score {
    let (score, failure) = read(bytes);
    assert_eq!(failure, None);
    let score = score.unwrap();
    assert_eq!(score.damage, None);
    assert!(score.conservation.iter().all(|count| count.declared == Some(count.read)), "{score:?}");
    score
}

fn named(name: &str) -> Score {
    whole(FIXTURES.iter().find(|(known, _)| *known == name).unwrap().1)
}

/// A score of one part with this in its only measures.
fn part(measures: &str) -> String {
    format!(
        "<score-partwise><part-list><score-part id=\"P\"><part-name>p</part-name></score-part></part-list>\
         <part id=\"P\">{measures}</part></score-partwise>"
    )
}

fn measure(contents: &str) -> String {
    part(&format!(
        "<measure number=\"1\"><attributes><divisions>4</divisions></attributes>{contents}</measure>"
    ))
}

const NOTE: &str = "<note><pitch><step>C</step><octave>4</octave></pitch><duration>4</duration></note>";

/// Notes in words: pitch, onset, length, voice, staff.
fn notes(score: &Score) -> Vec<String> {
    let in_words = |note: &crate::score::Note| {
        format!("{} {} {} {}.{}", note.written, note.onset, note.duration, note.voice, note.staff)
    };
    score.notes.iter().map(in_words).collect()
}

fn lengths(score: &Score, part: u16) -> Vec<String> {
    score.measures_of(part).iter().map(|measure| measure.duration.to_string()).collect()
}

#[test]
fn two_staves_and_four_voices() {
    let score = named("piano");
    assert_eq!(
        notes(&score),
        [
            "F5 0 2 1.1",
            "A5 0 2 1.1",
            "C5 0 1 2.1",
            "F3 0 4 3.2",
            "G5 2 2 1.1",
            "Bb4 2 2 2.1",
            "F2 3 1 4.2",
            "F2 4 3 3.2"
        ]
    );
    assert!(score.notes[1].flags.has(Flags::CHORD) && !score.notes[0].flags.has(Flags::CHORD));
    assert!(score.rests.get(0).unwrap().flags.has(Flags::WHOLE_MEASURE));
    assert!(score.rests.get(1).unwrap().flags.has(Flags::HIDDEN));
    assert_eq!(score.notes[0].place, Place::line(13, 7));
    assert_eq!((score.keys[0].fifths, score.keys[0].mode), (-1, Some(Mode::Major)));
    // The tempo for the ear wins; a dotted eighth at 80 is 60 quarters a minute.
    let tempi: Vec<_> = score.tempi.iter().map(|t| (t.onset.to_string(), t.quarters_per_minute)).collect();
    assert_eq!(tempi, [("0".to_owned(), 92.0), ("7".to_owned(), 60.0)]);
    assert_eq!(score.field(Field::Title), Some("Two Staves & Four Voices"));
    assert_eq!(score.field(Field::Composer), Some("Nobody"));
    let piano = &score.parts[0];
    assert_eq!((piano.instrument.as_deref(), piano.program, piano.staves), (Some("Grand Piano"), Some(1), 2));
}

#[test]
fn tuplets_graces_and_ties_are_exact() {
    let score = named("rhythm");
    assert_eq!(score.duration(), Ticks::quarters(8));
    let words = notes(&score);
    assert_eq!(words[..3], ["C5 0 1/3 1.1", "D5 1/3 1/3 1.1", "E5 2/3 1/3 1.1"]);
    assert_eq!(words[3..6], ["F#5 1 0 1.1", "A5 1 0 1.1", "G5 1 1 1.1"]);
    assert_eq!(words[7..9], ["A5 3 1/5 1.1", "A5 16/5 1/5 1.1"]);
    assert_eq!(words[12..15], ["C5 4 3/2 1.1", "E5 4 1 1.1", "C#5-50c 11/2 1/2 1.1"]);
    assert_eq!(words[15..], ["D5 6 1 1.1", "D5 7 1 1.1"], "lengths by looks, where no duration is said");
    let flags = |index: usize| score.notes[index].flags;
    assert!(flags(3).has(Flags::GRACE) && flags(4).has(Flags::GRACE.with(Flags::CHORD)));
    assert!(flags(5).has(Flags::TIE_START) && flags(6).has(Flags::TIE_STOP), "ties for the ear");
    assert!(
        flags(15).has(Flags::TIE_START) && flags(16).has(Flags::TIE_STOP.with(Flags::CUE)),
        "and the eye"
    );
    assert_eq!(score.field(Field::Title), Some("Tuplets, Graces, Ties"), "a lone movement's title");
}

#[test]
fn measures_have_the_length_that_they_mean() {
    let score = named("measures");
    let expected = ["1", "3", "3", "3", "2", "1", "5/2", "5/2", "7"];
    assert_eq!(lengths(&score, 0), expected);
    assert_eq!(lengths(&score, 1), expected);
    let labels: Vec<&str> = score.measures_of(0).iter().filter_map(|measure| score.label(measure)).collect();
    assert_eq!(labels, ["X1", "5a"]);
    let meters: Vec<_> = score.meters.iter().filter(|meter| meter.part == 0).map(|m| m.text()).collect();
    assert_eq!(meters, ["3/4", "3+2/8", "3+2/8", "senza misura"]);

    let options = ReadOptions { fidelity: Fidelity::Compat, ..ReadOptions::default() };
    let bytes = FIXTURES.iter().find(|(name, _)| *name == "measures").unwrap().1;
    let (score, failure) = read_with(bytes, &options);
    assert_eq!(failure, None);
    // Music21 takes the rest of the second part's pickup for a full measure.
    assert_eq!(lengths(&score.unwrap(), 1)[0], "3");
}

#[test]
fn only_transpose_changes_what_sounds() {
    let score = named("transposing");
    let keys: Vec<_> = score.notes.iter().map(|note| (note.written_key(), note.sounding_key())).collect();
    assert_eq!(keys, [(74, 72), (48, 36), (76, 74), (75, 72), (48, 36)]);
}

#[test]
fn percussion_has_places_instead_of_pitches() {
    let score = named("percussion");
    assert!(score.notes.iter().all(|note| !note.is_pitched()));
    assert_eq!(notes(&score)[0], "C5 0 1 1.1");
    assert_eq!(notes(&score)[5], "B4 4 4 1.1", "the middle line, where none is said");
    assert_eq!(score.parts[0].program, None, "channel 10 has drums instead of programs");
}

#[test]
fn timewise_and_every_encoding_say_the_same() {
    let score = named("timewise");
    assert_eq!(notes(&score)[..3], ["C5 0 2 1.1", "C3 0 4 1.1", "D5 2 2 1.1"]);
    for (name, title) in
        [("utf16", "Мелодия ♪"), ("latin1-cr", "Übung für eine Flöte"), ("compressed", "Compressed")]
    {
        let score = named(name);
        assert_eq!(notes(&score), ["C5 0 4 1.1", "D5 4 4 1.1"], "{name}");
        assert_eq!(score.field(Field::Title), Some(title));
        assert_eq!(score.parts[0].name.as_deref(), Some("Flöte"));
        assert_eq!(score.notes[1].place, Place::line(14, 7), "{name}");
    }
}

#[test]
fn scores_are_recognised_by_their_opening() {
    for (name, bytes) in FIXTURES {
        assert!(MusicXml.recognises(&bytes[..bytes.len().min(HEAD_BYTES)]), "{name}");
    }
    assert!(MusicXml.recognises(b"<?xml version='1.0'?>\n<!-- a long comment that does not en"));
    assert!(!MusicXml.recognises(b"<?xml version='1.0'?><mei/>"));
    assert!(!MusicXml.recognises(b"X:1\nK:C\nCDEF|"));
}

#[test]
fn what_is_no_score_is_named() {
    let (score, failure) = read(b"<?xml version='1.0'?><mei><music/></mei>");
    assert!(score.is_none());
    let failure = failure.unwrap();
    assert_eq!((failure.kind, failure.place), (FailureKind::Unsupported, Some(Place::line(1, 22))));
    assert!(failure.message.contains("<mei>"), "{failure}");
    assert_eq!(read(b"").1.unwrap().kind, FailureKind::Malformed);
}

#[test]
fn a_bad_note_is_damage_and_the_rest_is_read() {
    for (bad, word) in [
        ("<pitch><step>H</step><octave>4</octave></pitch><duration>4</duration>", "step"),
        ("<pitch><step>C</step><octave>99</octave></pitch><duration>4</duration>", "octave"),
        ("<pitch><step>C</step></pitch><duration>4</duration>", "octave"),
        ("<pitch><step>C</step><octave>4</octave></pitch><duration>-4</duration>", "duration"),
        (
            "<pitch><step>C</step><octave>4</octave></pitch><duration>99999999999999999999</duration>",
            "duration",
        ),
        ("<pitch><step>C</step><octave>4</octave></pitch>", "duration"),
        (
            "<pitch><step>C</step><alter>x</alter><octave>4</octave></pitch><duration>4</duration>",
            "alteration",
        ),
        ("<duration>4</duration>", "neither pitch"),
    ] {
        let (score, failure) = read(measure(&format!("{NOTE}<note>{bad}</note>{NOTE}")).as_bytes());
        assert_eq!(failure, None);
        let score = score.unwrap();
        assert_eq!(score.notes.len(), 2, "{bad}");
        let damage = score.damage.unwrap();
        assert!(damage.message.contains(word) && damage.place.is_some(), "{damage}");
        assert_eq!(score.conservation[0].declared, Some(3));
    }
}

#[test]
fn what_was_read_of_broken_xml_is_kept() {
    let text = measure(&format!("{NOTE}\n  <note><pitch></note>"));
    let (score, failure) = read(text.as_bytes());
    let failure = failure.unwrap();
    assert_eq!((failure.kind, failure.place), (FailureKind::Malformed, Some(Place::line(2, 16))));
    let score = score.unwrap();
    assert_eq!((score.notes.len(), score.damage), (1, Some(failure)));
    assert_eq!(score.conservation[0].declared, Some(2), "the broken note counts as lost");

    let text = measure("<note><rest/><duration>4</duration></note><oops");
    assert_eq!(read(text.as_bytes()).0.unwrap().rests.len(), 1, "a rest that waits is told");
}

#[test]
fn odd_but_readable() {
    let text = measure(&format!("{NOTE}<backup><duration>9</duration></backup>{NOTE}&nbsp;"));
    let score = read(text.as_bytes()).0.unwrap();
    assert_eq!(score.damage, None);
    let warnings: Vec<_> = score.warnings.iter().map(|warning| &*warning.message).collect();
    assert!(warnings[0].contains("backup") && warnings[1].contains("&nbsp;"), "{warnings:?}");

    for (looks, quarters) in [("", 4), ("<type>half</type>", 2)] {
        let note = NOTE.replace("</note>", &format!("{looks}</note>"));
        let score = read(part(&format!("<measure>{note}</measure>")).as_bytes()).0.unwrap();
        assert!(score.warnings[0].message.contains("divisions"));
        assert_eq!(score.duration(), Ticks::quarters(quarters));
    }
}

#[test]
fn a_part_that_is_not_declared_or_comes_again_is_one_more() {
    for (id, word) in [("P", "a second time"), ("Q", "not in the part list")] {
        let more = format!("</part><part id='{id}'><measure>{NOTE}</measure></part>");
        let score = read(measure(NOTE).replace("</part>", &more).as_bytes()).0.unwrap();
        assert_eq!((score.parts.len(), score.notes.len(), &score.damage), (2, 2, &None));
        assert!(score.warnings[0].message.contains(word), "{:?}", score.warnings);
    }
}

#[test]
fn entities_of_the_document_are_not_expanded() {
    let text =
        format!("<!DOCTYPE x [<!ENTITY a SYSTEM 'file:///x'>]>{}", measure(NOTE).replace(">p<", ">&a;<"));
    let failure = read(text.as_bytes()).1.unwrap();
    assert_eq!(failure.kind, FailureKind::Unsupported);
    let plain = measure(NOTE).replace(">p<", ">&lt;&#x41;&gt;<");
    assert_eq!(whole(plain.as_bytes()).parts[0].name.as_deref(), Some("<A>"));
}

#[test]
fn two_whole_rests_in_one_measure_are_one_measure() {
    let rest = "<note><rest/><duration>16</duration><type>whole</type></note>";
    let text = measure(&format!(
        "<attributes><time><beats>4</beats><beat-type>4</beat-type></time></attributes>{rest}{rest}"
    ));
    let score = whole(text.as_bytes());
    assert_eq!((score.duration(), score.rests.len()), (Ticks::quarters(4), 2));
}

#[test]
fn nesting_and_tokens_have_bounds() {
    let deep = "<score-partwise>".repeat(100);
    assert_eq!(read(deep.as_bytes()).1.unwrap().kind, FailureKind::TooLarge);
    let limits = Limits { token_bytes_max: 100_000, ..Limits::default() };
    let long = measure(NOTE).replace("number=\"1\"", &format!("number=\"{}\"", "1".repeat(300_000)));
    let (_, failure) = read_with(long.as_bytes(), &ReadOptions { limits, ..ReadOptions::default() });
    assert!(failure.unwrap().message.contains("token_bytes_max"));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_make_it_panic(
        index in 0..FIXTURES.len(),
        cut in 0.2..1.5_f64,
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        compat in any::<bool>(),
    ) {
        let mut bytes = FIXTURES[index].1.to_vec();
        let share = |share: f64| (bytes.len() as f64 * share) as usize;
        bytes.truncate(share(cut));
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let fidelity = if compat { Fidelity::Compat } else { Fidelity::Corrected };
        let (score, failure) = read_with(&bytes, &ReadOptions { fidelity, ..ReadOptions::default() });
        prop_assert!(score.is_some() || failure.is_some());
    }

    #[test]
    fn no_numbers_overflow(numbers in proptest::collection::vec("-?([0-9]{0,20}|12[78]|3276[78]|922337203685[45])(\\.[0-9]{0,9})?", 8)) {
        let [divisions, beats, unit, duration, back, octaves, offset, tempo] = &numbers[..] else { return Ok(()) };
        let text = part(&format!(
            "<measure><attributes><divisions>{divisions}</divisions><key><fifths>{beats}</fifths></key>\
             <time><beats>{beats}</beats><beat-type>{unit}</beat-type></time>\
             <transpose><chromatic>{duration}</chromatic><octave-change>{octaves}</octave-change></transpose>\
             </attributes><direction><offset sound=\"yes\">{offset}</offset><sound tempo=\"{tempo}\"/></direction>\
             <note><pitch><step>C</step><octave>{octaves}</octave></pitch><duration>{duration}</duration></note>\
             <forward><duration>{offset}</duration></forward><backup><duration>{back}</duration></backup>\
             <note><rest measure=\"yes\"/></note>{NOTE}</measure><measure>{NOTE}</measure>"
        ));
        let (score, failure) = read(text.as_bytes());
        prop_assert!(score.is_some() || failure.is_some());
    }
}
