//! The MIDI reader on files of a few bytes.

use super::*;
use crate::read::Fidelity;
use crate::score::{Field, Flags, Score, ScoreBuilder, Ticks};
use shared::failure::FailureKind;
use shared::limits::Limits;
use std::io::Cursor;

/// End of track.
const END: &[u8] = &[0, 0xFF, 0x2F, 0];

fn chunk(name: &[u8; 4], data: &[u8]) -> Vec<u8> {
    [name, &(data.len() as u32).to_be_bytes()[..], data].concat()
}

/// A file of 4 ticks a quarter, of tracks without their ends.
fn file(format: u8, tracks: &[&[u8]]) -> Vec<u8> {
    let mut bytes = chunk(b"MThd", &[0, format, 0, tracks.len() as u8, 0, 4]);
    tracks.iter().for_each(|track| bytes.extend(chunk(b"MTrk", &[track, END].concat())));
    bytes
}

fn read_with(bytes: &[u8], options: &ReadOptions) -> Result<Vec<Score>, Failure> {
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
