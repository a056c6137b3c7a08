//! The MIDI reader on files of a few bytes.

use super::*;
use crate::read::{Fidelity, Grid, MidiOptions, MidiParts};
use crate::score::{AnnotationKind, Field, Flags, Score, ScoreBuilder, Ticks};
use shared::failure::FailureKind;
use shared::limits::Limits;
use std::io::Cursor;

/// End of track.
const END: &[u8] = &[0, 0xFF, 0x2F, 0];

fn chunk(name: &[u8; 4], data: &[u8]) -> Vec<u8> {
    [name, &(data.len() as u32).to_be_bytes()[..], data].concat()
}

/// A file of 4 ticks a quarter, of tracks without their ends.
pub(super) fn file(format: u8, tracks: &[&[u8]]) -> Vec<u8> {
    let mut bytes = chunk(b"MThd", &[0, format, 0, tracks.len() as u8, 0, 4]);
    tracks.iter().for_each(|track| bytes.extend(chunk(b"MTrk", &[track, END].concat())));
    bytes
}

pub(super) fn read_with(bytes: &[u8], options: &ReadOptions) -> Result<Vec<Score>, Failure> {
    let mut scores = Vec::new();
    let mut emit = |score| {
        scores.push(score);
        Ok(())
    };
    let mut builder = ScoreBuilder::new(&options.limits, &|| Ok(()), &mut emit);
    let read = Midi.read(&mut Cursor::new(bytes), options, &mut builder);
    read.map(|()| scores).map_err(ReadError::into_failure)
}

fn read(bytes: &[u8]) -> Result<Score, Failure> {
    read_with(bytes, &ReadOptions::default()).map(|mut scores| scores.remove(0))
}

/// Key, onset and duration of the notes, in file ticks, which are sixteenths.
fn notes(score: &Score) -> Vec<(i32, i64, i64)> {
    let sixteenth = Ticks::quarters(1).0 / 4;
    let of = |ticks: Ticks| ticks.0 / sixteenth;
    score.notes.iter().map(|note| (note.written_key(), of(note.onset), of(note.duration))).collect()
}

fn warnings(score: &Score) -> Vec<&str> {
    score.warnings.iter().map(|warning| warning.message.as_ref()).collect()
}

#[test]
fn tracks_and_channels_make_parts_and_music21_counts_tracks() {
    let first = [0, 0x90, 60, 9, 4, 0x80, 60, 0, 0, 0x92, 64, 9, 4, 0x82, 64, 0];
    let bytes = file(1, &[&[0, 0xFF, 3, 2, b'H', b'i'], &first, &[0, 0x90, 40, 9, 4, 0x90, 40, 0]]);
    let score = read(&bytes).unwrap();
    assert_eq!((score.parts.len(), score.field(Field::Title), score.division), (3, Some("Hi"), Some(4)));
    assert_eq!(score.conservation[0].declared, Some(3));
    let compat = ReadOptions { fidelity: Fidelity::Compat, ..ReadOptions::default() };
    assert_eq!(read_with(&bytes, &compat).unwrap()[0].parts.len(), 2);
}

#[test]
fn many_parts_are_read_as_few_are() {
    // Two quarters over each other and one after them; every other track begins a sixteenth late.
    let track = |late| {
        vec![
            late, 0x90, 60, 9, 0, 0x90, 64, 9, 4, 0x80, 64, 0, 0, 0x80, 60, 0, 0, 0x90, 62, 9, 14, 0x80, 62,
            0,
        ]
    };
    let read_all = |parts| {
        let tracks: Vec<Vec<u8>> = (0..parts).map(|part| track(part % 2)).collect();
        read(&file(1, &tracks.iter().map(Vec::as_slice).collect::<Vec<_>>())).unwrap()
    };
    let (few, many) = (read_all(64), read_all(65));
    for (score, parts) in [(&few, 64), (&many, 65)] {
        assert!(score.notes.is_sorted_by_key(|note| (note.onset, note.part)));
        assert_eq!((score.notes.len(), score.parts.len(), score.warning_count), (3 * parts, parts, 0));
        assert!(score.parts.iter().all(|part| part.duration == Ticks::quarters(8) && part.staves == 1));
    }
    let fewer = many.notes.iter().filter(|note| note.part < 64);
    assert!(few.notes.iter().eq(fewer));
    assert_eq!(notes(&few)[0..4], [(60, 0, 4), (64, 0, 4), (60, 0, 4), (64, 0, 4)]);
}

#[test]
fn a_program_counts_before_the_first_note_of_its_channel() {
    let track = [
        0, 0xC0, 5, 0, 0xC0, 40, 0, 0x90, 60, 9, 4, 0xC0, 9, 0, 0x80, 60, 0, 0, 0xC9, 3, 0, 0x99, 35, 9, 1,
        0x89, 35, 0,
    ];
    let score = read(&file(0, &[&track])).unwrap();
    assert_eq!((score.parts[0].program, score.parts[1].program), (Some(41), None));
    assert!(!score.notes[1].is_pitched() && score.notes[1].written_key() == 35);
}

#[test]
fn bars_follow_the_meters_in_every_part() {
    let meters = [0, 0xFF, 0x58, 4, 3, 2, 24, 8, 12, 0xFF, 0x58, 4, 2, 2, 24, 8];
    let long = [0, 0x90, 60, 9, 28, 0x80, 60, 0];
    let late = [20, 0x91, 62, 9, 4, 0x81, 62, 0];
    let score = read(&file(1, &[&meters, &long, &late])).unwrap();
    let starts =
        |part| score.measures_of(part).iter().map(|measure| measure.onset.as_fraction()).collect::<Vec<_>>();
    assert_eq!(starts(0), ["0", "3", "5"]);
    assert_eq!(starts(0), starts(1));
    assert_eq!(score.notes[1].measure, 2);
    assert_eq!(score.duration(), Ticks::quarters(7));
}

#[test]
fn a_chord_is_equal_onset_and_length_in_one_part() {
    let track = [0, 0x90, 60, 9, 0, 64, 9, 0, 67, 9, 4, 0x80, 60, 0, 0, 67, 0, 4, 64, 0];
    let score = read(&file(0, &[&track])).unwrap();
    assert_eq!(notes(&score), [(60, 0, 4), (67, 0, 4), (64, 0, 8)]);
    let chord: Vec<bool> = score.notes.iter().map(|note| note.flags.has(Flags::CHORD)).collect();
    assert_eq!(chord, [false, true, false]);
}

#[test]
fn no_note_is_lost_for_want_of_an_end() {
    let track = [
        0, 0x80, 50, 0, 0, 0x90, 60, 9, 4, 0x90, 64, 9, 0, 64, 0, 4, 0xB0, 123, 0, 0, 0x90, 67, 9, 2, 0xFF,
        1, 0,
    ];
    let score = read(&file(0, &[&track])).unwrap();
    assert_eq!(notes(&score), [(60, 0, 8), (64, 4, 0), (67, 8, 2)]);
    assert!(score.damage.is_none() && !score.notes[1].is_grace());
    let [orphan, hanging, empty] = warnings(&score)[..] else { panic!("{:?}", score.warnings) };
    assert!(
        orphan.contains("note-off where no note") && hanging.contains("has no note-off"),
        "{orphan}, {hanging}"
    );
    assert!(empty.contains("ends where it begins"), "{empty}");
}

#[test]
fn damage_keeps_what_came_before_and_the_other_tracks() {
    let good = [0, 0x90, 60, 9, 4, 0x80, 60, 0];
    let bad = [&good[..], &[0, 0x90, 0xBC, 9]].concat();
    let score = read(&file(1, &[&bad, &good])).unwrap();
    assert_eq!(score.notes.len(), 2);
    let damage = score.damage.unwrap();
    assert_eq!((damage.kind, damage.place), (FailureKind::Malformed, Some(Place::byte(30))));
    assert!(read(&file(1, &[&[0, 60, 9]])).is_err(), "nothing was read");
}

#[test]
fn what_midly_takes_for_whole_is_found_out() {
    let good = [0, 0x90, 60, 9, 4, 0x80, 60, 0];
    for bad in [&[0x81, 0x80, 0x80, 0x80, 0, 0x90, 62, 9][..], &[0, 0xFF, 1, 0x7F], &[0, 0xF0, 0x60, 1]] {
        let score = read(&file(0, &[&[&good, bad].concat()])).unwrap();
        assert!(score.damage.is_some() && score.notes.len() == 1, "{bad:?}");
    }
}

#[test]
fn running_status_and_stray_messages_are_borne() {
    let track = [0, 0x90, 60, 9, 0, 0xFF, 1, 0, 4, 60, 0, 0, 0xFE, 0, 0xFF, 0x59, 1, 0, 0, 62, 9, 4, 62, 0];
    let score = read(&file(0, &[&track])).unwrap();
    assert_eq!(notes(&score), [(60, 0, 4), (62, 4, 4)]);
    assert_eq!(score.warning_count, 2, "{:?}", score.warnings);
}

#[test]
fn chunks_are_found_whatever_the_lengths_say() {
    let track = [0, 0x90, 60, 9, 4, 0x80, 60, 0];
    let good = file(1, &[&track, &track]);
    for (what, at, byte) in [("shorter", 21, 7), ("longer", 21, 14), ("longer than the file", 20, 1)] {
        let mut bytes = good.clone();
        assert_eq!(bytes[21], 12, "the length of the first track");
        bytes[at] = byte;
        let score = read(&bytes).unwrap();
        assert_eq!((score.notes.len(), score.damage), (2, None), "{what}");
    }
    let riff = [&b"RIFF\x09\0\0\0RMIDdata"[..], &(good.len() as u32).to_le_bytes(), &good, b"junk"].concat();
    let mac = [&[0; 128], &good[..]].concat();
    for bytes in [&riff, &mac, &[&good[..], b"????"].concat()] {
        assert_eq!(read(bytes).unwrap().notes.len(), 2);
    }
    assert!(Midi.recognises(&riff) && Midi.recognises(&mac) && !Midi.recognises(b"RIFF1234WAVE"));
}

#[test]
fn a_track_cut_by_the_end_of_the_file_is_damage() {
    let good = file(0, &[&[0, 0x90, 60, 9, 4, 0x80, 60, 0, 0, 0x90, 62, 9, 4, 0x80, 62, 0]]);
    let score = read(&good[..good.len() - 12]).unwrap();
    assert_eq!((score.notes.len(), score.damage.unwrap().place), (1, Some(Place::byte(good.len() - 12))));
}

#[test]
fn limits_are_kept() {
    let two = [0, 0x90, 60, 9, 4, 0x80, 60, 0, 0, 0x91, 62, 9, 4, 0x81, 62, 0];
    let long = [&two[..], &[0xFF, 0x7F, 0x90, 1, 1]].concat();
    let endless = [&[0xFF, 0xFF, 0xFF, 0x7F][..], &two[1..]].concat();
    let keys = [0, 0xFF, 0x59, 2, 0, 0, 1, 0xFF, 0x59, 2, 1, 0];
    let limits = Limits::default;
    for (name, track, limits) in [
        ("source_bytes_max", &two[..], Limits { source_bytes_max: 20, ..limits() }),
        ("notes_max", &two, Limits { notes_max: 1, ..limits() }),
        ("parts_max", &two, Limits { parts_max: 1, ..limits() }),
        ("measures_max", &long, Limits { measures_max: 100, ..limits() }),
        ("measures_max", &keys, Limits { measures_max: 1, ..limits() }),
        ("quarters_max", &endless, Limits { quarters_max: 1_000_000, ..limits() }),
    ] {
        let options = ReadOptions { limits, ..ReadOptions::default() };
        let failure = read_with(&file(0, &[track]), &options).unwrap_err();
        assert!(failure.kind == FailureKind::TooLarge && failure.message.contains(name), "{name}: {failure}");
    }
}

#[test]
fn texts_are_utf8_or_western() {
    let name = |text: &[u8]| [&[0, 0xFF, 3, text.len() as u8], text].concat();
    for bytes in ["Für".as_bytes(), b"F\xFCr\0"] {
        let score = read(&file(0, &[&name(bytes)])).unwrap();
        assert_eq!(score.field(Field::Title), Some("Für"));
    }
}

#[test]
fn words_stand_at_their_moments_in_a_part_of_their_track() {
    // Two channels: notes at 0 and 4 of the first, at 0, 2 and 4 of the second, which the syllables follow.
    let meta = |delta, kind, text: &[u8]| [&[delta, 0xFF, kind, text.len() as u8], text].concat();
    let track = [
        &meta(0, 6, b"A")[..],
        &meta(0, 7, b"curtain"),
        &meta(0, 5, b"ki- "),
        &[0, 0x90, 60, 9, 0, 0x91, 64, 9, 2, 0x81, 64, 0, 0, 0x91, 65, 9],
        &meta(0, 5, b"tchen"),
        &[2, 0x81, 65, 0, 0, 0x80, 60, 0, 0, 0x90, 62, 9, 0, 0x91, 67, 9],
        &meta(0, 1, b"dolce"),
        &meta(14, 5, b"ah"),
        &[0, 0x80, 62, 0, 0, 0x81, 67, 0],
    ];
    let score = read(&file(1, &[&track.concat(), &meta(4, 6, b"B")])).unwrap();
    let told = score.annotations.iter().map(|word| {
        let sixteenths = word.onset.0 * 4 / Ticks::quarters(1).0;
        (sixteenths, word.part, word.measure, word.kind.name(), score.text(word))
    });
    let expected = [
        (0, 0, 0, "marker", "A"),
        (0, 0, 0, "direction", "curtain"),
        (0, 1, 0, "lyric", "ki-"),
        (2, 1, 0, "lyric", "tchen"),
        (4, 0, 0, "direction", "dolce"),
        (4, 0, 0, "marker", "B"),
        (18, 1, 1, "lyric", "ah"),
    ];
    assert_eq!(told.collect::<Vec<_>>(), expected);
    assert!(score.annotations.iter().all(|word| word.place.byte_offset().is_some_and(|byte| byte > 14)));
    let limits = Limits { annotations_max: 6, ..Limits::default() };
    let failure = read_with(&file(1, &[&track.concat()]), &ReadOptions { limits, ..ReadOptions::default() });
    assert!(failure.is_ok(), "six are in the first track");
    let limits = Limits { annotations_max: 5, ..Limits::default() };
    let failure = read_with(&file(1, &[&track.concat()]), &ReadOptions { limits, ..ReadOptions::default() });
    assert!(failure.unwrap_err().message.contains("annotations_max"));
}

#[test]
fn a_new_program_and_a_bank_are_words_of_their_channel() {
    let first = [0, 0xC0, 4, 0, 0xC1, 40, 0, 0x90, 60, 9, 0, 0x91, 70, 9, 4, 0xC1, 40, 0, 0xC1, 41];
    let banks = [0, 0xB1, 0, 8, 0, 0xB1, 32, 3, 4, 0xC1, 41, 0, 0x80, 60, 0, 0, 0x81, 70, 0];
    let score = read(&file(0, &[&[&first[..], &banks].concat()])).unwrap();
    let told = score.annotations.iter().map(|word| (word.kind, word.part, word.onset, score.text(word)));
    let word = |quarters, text| (AnnotationKind::Direction, 1, Ticks::quarters(quarters), text);
    assert!(told.eq([word(1, "program 42"), word(2, "bank 8/3 program 42")]), "{:?}", score.annotations);
    assert_eq!(score.parts.iter().map(|part| part.program).collect::<Vec<_>>(), [Some(5), Some(41)]);
}

#[test]
fn a_grid_moves_onsets_and_ends_and_says_so() {
    // 4 ticks a quarter: a grid of eighths. Word, note 1 to 2 ticks, note 3 to 5, and one of no length.
    let track = [
        1, 0xFF, 5, 1, b'a', 0, 0x90, 60, 9, 1, 0x80, 60, 0, 1, 0x90, 62, 9, 2, 0x80, 62, 0, 0, 0x90, 64, 9,
        0, 0x80, 64, 0,
    ];
    let bytes = file(0, &[&track]);
    let midi = MidiOptions { grid: Some(Grid::new(&[2]).unwrap()), parts: None };
    let score = read_with(&bytes, &ReadOptions { midi, ..ReadOptions::default() }).unwrap().remove(0);
    assert_eq!(notes(&score), [(60, 2, 2), (62, 4, 2), (64, 6, 0)]);
    assert_eq!((score.division, score.annotations.get(0).unwrap().onset), (Some(4), score.notes[0].onset));
    let said = "quantised as was asked to multiples of 1/2 of a quarter note: 3 of 3 notes moved";
    assert!(warnings(&score).contains(&said), "{:?}", warnings(&score));
    let raw = read(&bytes).unwrap();
    assert_eq!(notes(&raw), [(60, 1, 1), (62, 3, 2), (64, 5, 0)]);
    assert!(!warnings(&raw).iter().any(|warning| warning.contains("quantised")));
}

#[test]
fn parts_are_by_track_or_channel_where_that_is_asked() {
    let name = |text: &[u8]| [&[0, 0xFF, 3, text.len() as u8], text].concat();
    let first =
        [&name(b"one")[..], &[0, 0x90, 60, 9, 4, 0x80, 60, 0, 0, 0x92, 64, 9, 4, 0x82, 64, 0]].concat();
    let second = [&name(b"two")[..], &[2, 0x92, 40, 9, 4, 0x92, 40, 0]].concat();
    let bytes = file(1, &[&first, &second]);
    let parts = |parts, fidelity| {
        let midi = MidiOptions { grid: None, parts };
        let score = read_with(&bytes, &ReadOptions { midi, fidelity, ..ReadOptions::default() });
        let score = score.unwrap().remove(0);
        let told = |part: u16| {
            let keys = score.notes.iter().filter(|note| note.part == part).map(|note| note.written_key());
            (score.parts[usize::from(part)].name.as_deref().unwrap_or("").to_owned(), keys.collect())
        };
        let told: Vec<(String, Vec<i32>)> = (0..score.parts.len() as u16).map(told).collect();
        (told, warnings(&score).join(""))
    };
    let part = |name: &str, keys: &[i32]| (name.to_owned(), keys.to_vec());
    let asked = |by: &str| format!("parts are by {by}, as was asked");
    let (both, track, channel) = (
        vec![part("one", &[60]), part("one", &[64]), part("two", &[40])],
        vec![part("one", &[60, 64]), part("two", &[40])],
        vec![part("one", &[60]), part("one", &[40, 64])],
    );
    assert_eq!(parts(None, Fidelity::Corrected), (both.clone(), String::new()));
    assert_eq!(parts(None, Fidelity::Compat), (track.clone(), String::new()));
    assert_eq!(parts(Some(MidiParts::TrackChannel), Fidelity::Compat), (both, asked("track-channel")));
    assert_eq!(parts(Some(MidiParts::Track), Fidelity::Corrected), (track, asked("track")));
    assert_eq!(parts(Some(MidiParts::Channel), Fidelity::Corrected), (channel, asked("channel")));
}
