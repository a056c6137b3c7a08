//! Tones that could pass or be neighbours by their line alone: music21's `ThreeNoteLinearSegment`.

use crate::analyse::interval::Interval;
use crate::analyse::lines::lines;
use crate::score::{Pitch, Score};
use serde::Serialize;

/// How many tones there are with one before and one after, and what the middle ones could be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Linear {
    pub(super) segments: u64,
    pub(super) could_pass: u64,
    pub(super) could_be_neighbours: u64,
}

/// Three neighbouring notes of each line, as written, ties merged, over rests too; chords are passed over.
pub(super) fn linear(score: &Score) -> Linear {
    let mut found = Linear::default();
    for line in lines(score) {
        let tones = line.tones();
        let single = tones.iter().filter(|tone| tone.together == 1 && tone.head.is_pitched());
        let pitches: Vec<Pitch> = single.map(|tone| tone.head.written).collect();
        for three in pitches.windows(3) {
            let &[first, middle, last] = three else { continue };
            found.segments += 1;
            found.could_pass += u64::from(could_pass(first, middle, last));
            found.could_be_neighbours += u64::from(could_be_neighbour(first, middle, last));
        }
    }
    found
}

/// `couldBePassingTone`: two seconds in one direction that make more than a second, or a semitone and a chromatic semitone.
fn could_pass(first: Pitch, middle: Pitch, last: Pitch) -> bool {
    let (left, right) = (Interval::between(first, middle), Interval::between(middle, last));
    let onwards = left.semitones.signum() * right.semitones.signum() == 1;
    let seconds = left.number() == 2 && right.number() == 2 && Interval::between(first, last).number() > 2;
    let semitones =
        left.number() * right.number() == 2 && left.semitones.abs() == 1 && right.semitones.abs() == 1;
    onwards && (seconds || semitones)
}

/// `couldBeNeighborTone`: a semitone or a whole tone away and back.
fn could_be_neighbour(first: Pitch, middle: Pitch, last: Pitch) -> bool {
    let (left, right) = (Interval::between(first, middle), Interval::between(middle, last));
    let away = left.semitones.abs();
    first == last && left.semitones == -right.semitones && matches!(away, 1 | 2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::score::Step;

    /// music21 10.5.1, docstrings of couldBePassingTone and couldBeNeighborTone.
    #[test]
    fn three_notes_are_judged_as_by_music21() {
        let pitch = |name: &str| {
            let (letter, rest) = name.split_at(1);
            let step = Step::from_letter(letter.as_bytes()[0]).unwrap();
            let alter = rest.matches('#').count() as i8 - rest.matches('-').count() as i8;
            Pitch::new(step, alter, rest.trim_start_matches(['#', '-']).parse().unwrap_or(4))
        };
        let three = |names: [&str; 3]| names.map(pitch);
        for (names, passes) in [
            (["C4", "D4", "E4"], true),
            (["C4", "C#4", "D4"], true),
            (["C4", "D-4", "D4"], true),
            (["E-4", "F4", "G-4"], true),
            (["C4", "C4", "D4"], false),
            (["C4", "C#4", "D-4"], false),
            (["C4", "D4", "C4"], false),
            (["A#4", "C-5", "D5"], false),
            (["C4", "E4", "G4"], false),
            (["C4", "C#4", "C##4"], false),
        ] {
            let [first, middle, last] = three(names);
            assert_eq!(could_pass(first, middle, last), passes, "{names:?}");
        }
        for (names, neighbour) in [
            (["E4", "F4", "E4"], true),
            (["B-4", "C5", "B-4"], true),
            (["B4", "C5", "B4"], true),
            (["G4", "F#4", "G4"], true),
            (["E-4", "F4", "E-4"], true),
            (["C5", "B4", "C5"], true),
            (["C4", "E4", "C4"], false),
            (["C4", "D4", "E4"], false),
        ] {
            let [first, middle, last] = three(names);
            assert_eq!(could_be_neighbour(first, middle, last), neighbour, "{names:?}");
        }
    }
}
