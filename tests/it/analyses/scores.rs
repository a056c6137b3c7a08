//! The scores that the analyses are tried on: read from files, made by a rule, and hostile.

use shared::limits::Limits;
use shared::place::Place;
use std::fs;
use std::path::Path;
use worker::read::{self, Fidelity, ReadOptions};
use worker::score::{Event, EventSink, Flags, Meter, Note, Pitch, Score, ScoreBuilder, Tempo, Ticks};

/// The pieces of a score file; what was read before an error counts.
pub(super) fn pieces(path: &Path) -> Vec<Score> {
    pieces_as(path, Fidelity::default())
}

/// The same, read as the sources mean or as music21 reads them.
pub(super) fn pieces_as(path: &Path, fidelity: Fidelity) -> Vec<Score> {
    let bytes = fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let options = ReadOptions { fidelity, ..ReadOptions::default() };
    let mut pieces = Vec::new();
    let mut emit = |score| {
        pieces.push(score);
        Ok(())
    };
    let check = || Ok(());
    let mut builder = ScoreBuilder::new(&options.limits, &check, &mut emit);
    if let Some(reader) = read::choose(&bytes, &path.to_string_lossy())
        && let Err(error) = reader.read(&mut std::io::Cursor::new(&bytes), &options, &mut builder)
    {
        builder.salvage(&error.into_failure()).expect("the sink of this test takes everything");
    }
    pieces
}

/// A score of `count` notes in two parts, with chords, rests, ties and grace notes by a fixed rule.
pub(super) fn made(count: u32) -> Score {
    let mut scores = Vec::new();
    let mut emit = |score| {
        scores.push(score);
        Ok(())
    };
    let limits = Limits::default();
    let check = || Ok(());
    let mut builder = ScoreBuilder::new(&limits, &check, &mut emit);
    let mut tell = |event: Event<'_>| builder.event(Place::START, event).expect("within all limits");
    tell(Event::PieceStart { shared_time: true });
    tell(Event::Part { part: 0, name: Some("upper") });
    tell(Event::Part { part: 1, name: None });
    for index in 0..count {
        let (part, step) = ((index % 2) as u16, i64::from(index / 2));
        if step % 8 == 0 {
            tell(Event::Measure { part, onset: Ticks::from_quarters(step, 2).0, number: "1" });
        }
        let grace = index % 31 == 30;
        tell(Event::Note(Note {
            onset: Ticks::from_quarters(step - i64::from(index % 7 == 6), 2).0,
            duration: if grace { Ticks::ZERO } else { Ticks::from_quarters(1 + i64::from(index % 3), 2).0 },
            place: Place::START,
            measure: 0,
            written: Pitch::from_key(48 + (index * 7 % 30) as i32),
            part,
            flags: Flags::NONE
                .with_if(grace, Flags::GRACE)
                .with_if(index % 11 == 0, Flags::TIE_START)
                .with_if(index % 13 == 0, Flags::TIE_STOP)
                .with_if(index % 17 == 0, Flags::UNPITCHED),
            transpose: -2,
            voice: 1,
            staff: 1,
        }));
    }
    tell(Event::PieceEnd);
    drop(builder);
    scores.pop().expect("one score")
}

/// The same music sounding so many semitones higher.
pub(super) fn transposed(score: &Score, semitones: i8) -> Score {
    let mut higher = score.clone();
    higher.notes.iter_mut().for_each(|note| note.transpose += semitones);
    higher
}

/// The same music in notes twice as long.
pub(super) fn augmented(score: &Score) -> Score {
    let mut twice = score.clone();
    let double = |time: &mut Ticks| time.0 *= 2;
    for note in &mut twice.notes {
        double(&mut note.onset);
        double(&mut note.duration);
    }
    for measure in &mut twice.measures {
        double(&mut measure.onset);
        double(&mut measure.duration);
    }
    twice.parts.iter_mut().for_each(|part| double(&mut part.duration));
    twice
}

/// The same music with its two parts in the other order.
pub(super) fn turned(score: &Score) -> Score {
    let mut turned = score.clone();
    turned.notes.iter_mut().for_each(|note| note.part = 1 - note.part);
    turned.notes.sort_by_key(|note: &Note| (note.onset, note.part));
    turned.measures.iter_mut().for_each(|measure| measure.part = 1 - measure.part);
    turned.measures.sort_by_key(|measure| (measure.part, measure.index));
    turned.parts.reverse();
    turned
}

/// The music of a score in measures of four quarters, and the same once more after some silence: from the second bar line
/// after its end.
pub(super) fn played_twice(score: &Score) -> Score {
    let mut twice = score.clone();
    let end = score.notes.iter().map(Note::end).max().unwrap_or_default();
    let later = Ticks::quarters((end.0 / Ticks::quarters(4).0 + 2) * 4);
    let measures = score.measures_of(0).len() as u32;
    twice.notes.extend(score.notes.iter().map(|note| Note {
        onset: note.onset + later,
        measure: note.measure + measures,
        ..*note
    }));
    for mut measure in score.measures.iter().cloned() {
        measure.index += measures;
        measure.onset += later;
        twice.measures.push(measure);
    }
    twice.measures.sort_by_key(|measure| (measure.part, measure.index));
    twice.parts.iter_mut().for_each(|part| part.duration += later);
    twice
}

/// What no composer writes and a broken file may say.
pub(super) fn hostile() -> Score {
    let mut score = made(400);
    for (index, note) in score.notes.iter_mut().enumerate() {
        match index % 5 {
            0 => note.transpose = i8::MIN,
            1 => note.written.octave = i8::MAX,
            2 => note.duration = Ticks(i64::MAX),
            3 => note.measure = u32::MAX,
            _ => note.voice = 0,
        }
    }
    let meters: [(&[u16], u16); 6] =
        [(&[], 4), (&[0], 4), (&[4], 0), (&[u16::MAX; 70_000], 1), (&[0, 0, 5], u16::MAX), (&[7], 3)];
    for (onset, (beats, unit)) in (0..).zip(meters) {
        let onset = Ticks::quarters(onset * 20 - 1);
        score.meters.push(Meter {
            onset,
            measure: 0,
            part: 1,
            beats: beats.into(),
            unit,
            place: Place::START,
        });
    }
    for (onset, quarters_per_minute) in (0..).zip([f64::NAN, 0.0, -1.0, f64::INFINITY, 1e-300]) {
        let onset = Ticks::quarters(onset);
        score.tempi.push(Tempo { onset, measure: 9, part: 7, quarters_per_minute, place: Place::START });
    }
    score
}
