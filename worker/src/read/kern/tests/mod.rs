//! Tests of the whole reader: scores of its own, damage, and the corpora where they are at hand.

macro_rules! fixture {
    ($name:literal) => {
        include_bytes!(concat!("../../../../../tests/data/scores/kern/", $name))
    };
}

mod beside;
mod damage;
mod music;

use super::Kern;
use crate::read::{ReadError, ReadOptions, ScoreReader};
use crate::score::{Flags, Note, Score, ScoreBuilder, Stop};
use shared::failure::Failure;
use std::io::Cursor;

const FIXTURES: [&[u8]; 10] = [
    fixture!("upbeat.krn"),
    fixture!("split-join.krn"),
    fixture!("exchange-add-end.krn"),
    fixture!("tuplets-graces.krn"),
    fixture!("horn-latin-1.krn"),
    fixture!("two-movements.krn"),
    fixture!("over-the-barline.krn"),
    fixture!("drums-hidden.krn"),
    fixture!("beside.krn"),
    fixture!("signs.krn"),
];

fn read_as(bytes: &[u8], options: &ReadOptions) -> (Vec<Score>, Option<Failure>) {
    let mut scores = Vec::new();
    let mut emit = |score: Score| {
        scores.push(score);
        Ok(())
    };
    let check = || Ok::<(), Stop>(());
    let mut builder = ScoreBuilder::new(&options.limits, &check, &mut emit);
    let result = Kern.read(&mut Cursor::new(bytes), options, &mut builder);
    let failure = result.err().map(ReadError::into_failure);
    if let Some(failure) = &failure {
        builder.salvage(failure).unwrap();
    }
    (scores, failure)
}

fn read(text: impl AsRef<[u8]>) -> (Vec<Score>, Option<Failure>) {
    read_as(text.as_ref(), &ReadOptions::default())
}

/// A sound file of one piece.
fn score(text: impl AsRef<[u8]>) -> Score {
    let (mut scores, failure) = read(text);
    assert_eq!((scores.len(), failure), (1, None));
    let score = scores.remove(0);
    assert_eq!((&score.damage, &score.warnings[..]), (&None, &[][..]));
    score
}

/// The notes of a part as `onset pitch duration`, with its voice where that is not the first, its ties and so on.
fn notes(score: &Score, part: u16) -> Vec<String> {
    let marks = [
        (Flags::TIE_STOP, "]"),
        (Flags::TIE_START, "["),
        (Flags::GRACE, "q"),
        (Flags::CHORD, "+"),
        (Flags::UNPITCHED, "R"),
        (Flags::HIDDEN, "y"),
        (Flags::ROUNDED, "~"),
    ];
    let text = |note: &Note| {
        let flags: String = marks.iter().filter(|mark| note.flags.has(mark.0)).map(|mark| mark.1).collect();
        let voice = if note.voice > 1 { format!(" v{}", note.voice) } else { String::new() };
        format!("{} {} {}{voice}{flags}", note.onset, note.written, note.duration)
    };
    score.notes.iter().filter(|note| note.part == part).map(text).collect()
}
