//! From the best path to segments with names: keys, roots, inversions, figures.

use super::decode::State;
use super::frames::Frame;
use super::model::{FRENCH, GERMAN, ITALIAN, QUALITY};
use super::{positions, sixths};
use crate::score::{Pitch, Score, Step, class_name};

/// A chord in a key and a position, and the frames that it lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Segment {
    pub(super) state: State,
    /// Index of the member in the bass.
    pub(super) inversion: usize,
    /// Index of its first frame.
    pub(super) first: usize,
}

/// Cuts the path where the chord or its position changes.
pub(super) fn segments(frames: &[Frame], path: &[State], note_against_note: bool) -> Vec<Segment> {
    let mut segments: Vec<Segment> = Vec::new();
    let mut first = 0;
    for chord in path.chunk_by(PartialEq::eq) {
        let during = frames.get(first..first + chord.len()).unwrap_or_default();
        if let Some(&state) = chord.first() {
            let state = sixths::told(state, during);
            let mut before = None;
            for (inversion, first) in positions::of(during, state, note_against_note).into_iter().zip(first..)
            {
                if before.replace(inversion) != Some(inversion) {
                    segments.push(Segment { state, inversion, first });
                }
            }
        }
        first += chord.len();
    }
    segments
}

/// How a score spells each pitch class, if it does: as most of its notes do.
#[derive(Debug)]
pub(in crate::analyse) struct Spelling([Option<(Step, i16)>; 12]);

impl Spelling {
    pub(in crate::analyse) fn of(score: &Score) -> Self {
        // 21 letters with flat, natural and sharp: index of the letter, then of the alteration.
        let mut counts = [[[0_u32; 3]; 7]; 12];
        for note in score.notes.iter().filter(|note| note.is_pitched()) {
            let Pitch { step, alter, .. } = note.sounding();
            let class = usize::try_from(note.sounding_key().rem_euclid(12)).unwrap_or(0);
            let alteration = usize::try_from(alter / 100 + 1).unwrap_or(usize::MAX);
            let count = counts.get_mut(class).and_then(|steps| steps.get_mut(step as usize));
            if let Some(count) = count.and_then(|alters| alters.get_mut(alteration)) {
                *count += 1;
            }
        }
        Spelling(counts.map(|steps| {
            let all = steps.iter().zip(Step::ALL);
            let all =
                all.flat_map(|(alters, step)| alters.iter().zip([-100, 0, 100]).map(move |c| (c, step)));
            let best = all.filter(|((count, _), _)| **count > 0).max_by_key(|((count, _), _)| **count);
            best.map(|((_, alter), step)| (step, alter))
        }))
    }

    /// Name of a pitch class: `F#`, `Bb`.
    pub(in crate::analyse) fn name(&self, class: usize) -> String {
        match self.0.get(class).copied().flatten() {
            Some((step, alter)) => {
                let sign = match alter {
                    100 => "#",
                    -100 => "b",
                    _ => "",
                };
                format!("{step:?}{sign}")
            }
            None => class_name(u8::try_from(class).unwrap_or(0)).to_owned(),
        }
    }

    /// `F# minor`.
    pub(in crate::analyse) fn key(&self, key: usize) -> String {
        format!("{} {}", self.name(key % 12), if key < 12 { "major" } else { "minor" })
    }
}

/// Degrees in capitals.
const DEGREES: [&str; 7] = ["I", "II", "III", "IV", "V", "VI", "VII"];
/// By semitones above the tonic: the alteration and the degree from 0, in major.
const MAJOR: [(&str, usize); 12] = [
    ("", 0),
    ("b", 1),
    ("", 1),
    ("b", 2),
    ("", 2),
    ("", 3),
    ("#", 3),
    ("", 4),
    ("b", 5),
    ("", 5),
    ("b", 6),
    ("", 6),
];
/// The same in minor, whose third, sixth and seventh are the natural ones.
const MINOR: [(&str, usize); 12] = [
    ("", 0),
    ("b", 1),
    ("", 1),
    ("", 2),
    ("#", 2),
    ("", 3),
    ("#", 3),
    ("", 4),
    ("", 5),
    ("#", 5),
    ("", 6),
    ("#", 6),
];

/// The Roman numeral of a chord: `V65`, `viio7/V`, `bII6`.
pub(super) fn figure(state: State, inversion: usize) -> String {
    let Some(quality) = QUALITY.get(state.quality) else { return String::new() };
    if matches!(state.quality, ITALIAN | GERMAN | FRENCH) {
        return sixth(state.quality, inversion);
    }
    let degree = (state.root + 12 - state.key % 12) % 12;
    let major = state.key < 12;
    let (degree, of) = match applied(degree, major, state.quality) {
        Some((function, target)) => (function, Some(target)),
        None => (degree, None),
    };
    let seventh = quality.members.len() > 3;
    let numbers = match (seventh, inversion) {
        (false, 1) => "6",
        (false, 2) => "64",
        (true, 0) => "7",
        (true, 1) => "65",
        (true, 2) => "43",
        (true, 3) => "42",
        _ => "",
    };
    let (triad, extension) = quality.marks;
    let name = name(degree, major, quality.capital, triad == "o" || triad == "ø");
    let of = of.map(|target| format!("/{}", name_of_key(target, major))).unwrap_or_default();
    format!("{name}{triad}{extension}{numbers}{of}")
}

/// Augmented sixths have no degree: `It6`, `Ger65`, `Fr43`.
fn sixth(quality: usize, inversion: usize) -> String {
    let numbers: [&str; 4] = if quality == ITALIAN { ["53", "6", "64", ""] } else { ["7", "65", "43", "42"] };
    let name = QUALITY.get(quality).map_or("", |quality| quality.marks.0);
    format!("{name}{}", numbers.get(inversion).copied().unwrap_or(""))
}

fn name(degree: usize, major: bool, capital: bool, leading: bool) -> String {
    let table = if major { &MAJOR } else { &MINOR };
    let (sign, index) = table.get(degree).copied().unwrap_or(("", 0));
    // The leading tone of minor is written without its sharp where it carries a diminished chord.
    let sign = if degree == 11 && leading { "" } else { sign };
    let numeral = DEGREES.get(index).copied().unwrap_or_default();
    if capital { format!("{sign}{numeral}") } else { format!("{sign}{}", numeral.to_lowercase()) }
}

/// The name of a degree as the tonic of an applied chord.
fn name_of_key(degree: usize, major: bool) -> String {
    let capital = if major { matches!(degree, 0 | 5 | 7) } else { matches!(degree, 3 | 7 | 8 | 10) };
    name(degree, major, capital, false)
}

/// A dominant of another degree: its own degree there, and that degree.
fn applied(degree: usize, major: bool, quality: usize) -> Option<(usize, usize)> {
    let targets: &[usize] = if major { &[2, 4, 5, 7, 9] } else { &[3, 5, 7, 8, 10] };
    let dominant = (degree + 5) % 12;
    let leading = (degree + 1) % 12;
    match quality {
        // Major triads that the scale has are no dominants of others; in minor, IV is of the ascending scale.
        0 if major && matches!(degree, 2 | 4 | 9 | 11) => Some((7, dominant)),
        0 if !major && matches!(degree, 0 | 2) => Some((7, dominant)),
        4 if degree != 7 && !(degree == 10 && !major && dominant != 3) => Some((7, dominant)),
        2 | 7 | 8 if degree != 11 && !(quality != 8 && degree == 2 && !major) => Some((11, leading)),
        _ => None,
    }
    .filter(|(_, target)| targets.contains(target))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_as_a_person_writes_them() {
        for (key, root, quality, inversion, expected) in [
            (0, 0, 0, 0, "I"),
            (0, 7, 4, 1, "V65"),
            (0, 2, 5, 1, "ii65"),
            (0, 2, 0, 0, "V/V"),
            (0, 2, 4, 3, "V42/V"),
            (0, 0, 4, 0, "V7/IV"),
            (0, 6, 8, 0, "viio7/V"),
            (0, 11, 7, 0, "viiø7"),
            (0, 1, 0, 1, "bII6"),
            (0, 5, 6, 0, "IVM7"),
            (12, 0, 1, 2, "i64"),
            (12, 11, 8, 0, "viio7"),
            (12, 2, 7, 1, "iiø65"),
            (12, 8, 0, 0, "VI"),
            (12, 10, 4, 0, "V7/III"),
            (12, 10, 0, 0, "VII"),
            (12, 5, 0, 0, "IV"),
            (12, 3, 3, 1, "III+6"),
            (21, 9, 0, 0, "V/iv"),
            (0, 6, GERMAN, 1, "Ger65"),
            (12, 6, ITALIAN, 1, "It6"),
            (12, 2, FRENCH, 2, "Fr43"),
        ] {
            assert_eq!(figure(State { key, root, quality }, inversion), expected, "{key} {root} {quality}");
        }
    }
}
