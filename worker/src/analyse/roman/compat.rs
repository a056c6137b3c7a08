//! Roman numerals exactly as music21 10.5.1 `roman.romanNumeralFromChord` writes them, its oddities included.

use super::{Key, Numeral, is_dominant, joined, roman, signs};
use crate::analyse::chord::Chord;
use crate::score::Pitch;
use std::borrow::Cow;

/// Whole figures of augmented sixths, by what they come out as otherwise.
const SIXTHS: &[(&str, &str)] = &[
    ("#ivo6b3", "It6"),
    ("#ivob64", "It64"),
    ("#ivobb64", "It64"),
    ("#ivob5b3", "It53"),
    ("#ivob5bb3", "It53"),
    ("IIø#643", "Fr43"),
    ("IIø75#3", "Fr7"),
    ("IIø7b5#3", "Fr7"),
    ("IIø6#42", "Fr42"),
    ("IIøb6#42", "Fr42"),
    ("IIø65", "Fr65"),
    ("IIø65b3", "Fr65"),
    ("#ii64b3", "Sw43"),
    ("#iiø7", "Sw7"),
    ("#iib7bb53", "Sw7"),
    ("#iib642", "Sw42"),
    ("#iibb642", "Sw42"),
    ("#ii6b5b3", "Sw65"),
    ("#ii6b5bb3", "Sw65"),
    ("#ivo6b5b3", "Ger65"),
    ("#ivo6bb5b3", "Ger65"),
    ("#ivob64b3", "Ger43"),
    ("#ivobb64bb3", "Ger43"),
    ("#ivob6b42", "Ger42"),
    ("#ivob6bb42", "Ger42"),
    ("#ivø7", "Ger7"),
    ("#ivobb7b5bb3", "Ger7"),
];

/// Figures that have a shorter form.
const SHORT: &[(&str, &str)] = &[
    ("53", ""),
    ("3", ""),
    ("63", "6"),
    ("753", "7"),
    ("75", "7"),
    ("73", "7"),
    ("9753", "9"),
    ("975", "9"),
    ("953", "9"),
    ("97", "9"),
    ("95", "9"),
    ("93", "9"),
    ("653", "65"),
    ("6b53", "6b5"),
    ("643", "43"),
    ("642", "42"),
    ("bb7b5b3", "o7"),
    ("b7b5b3", "ø7"),
    ("bb7b53", "o7"),
    ("b7b53", "ø7"),
];

/// Figures of minor sevenths on a root that has a major one.
const MINOR_SEVENTHS: &[(&str, &str)] = &[("b75b3", "7"), ("6b5", "65"), ("b64b3", "43"), ("6b42", "42")];

/// Figures of minor triads with a major seventh.
const MAJOR_SEVENTHS: &[(&str, &str)] = &[
    ("75b3", "7[#7]"),
    ("65", "65[#7]"),
    ("b643", "43[#7]"),
    ("6b42", "42[#7]"),
    ("#753", "#7"),
    ("6#53", "65[#7]"),
    ("64#3", "43[#7]"),
    ("42", "42[#7]"),
];

fn look_up(table: &[(&str, &'static str)], figure: &str) -> Option<&'static str> {
    table.iter().find(|(from, _)| *from == figure).map(|(_, to)| *to)
}

/// The numeral of a chord, its dominants of other degrees told as such if wanted.
pub(in crate::analyse) fn compat(chord: &Chord<'_>, key: Key, applied: bool) -> Numeral {
    let (degree, sign, figure) = figure_of(chord, key);
    let plain = numeral(chord, key, &sign, &figure);
    // Any fifth degree is a primary dominant: an altered one too.
    if !applied || roman(degree, chord.height(3) == Some(400)) == "V" || !is_dominant(chord) {
        return plain;
    }
    let fourth = Pitch::at(chord.root.diatonic() + 3, chord.root.cents() + 500);
    let (target, 0) = key.degree(fourth) else { return plain };
    // The key of the target is taken for major, whatever the degree.
    let there = Key { step: fourth.step, alter: i32::from(fourth.alter), minor: false };
    let (_, sign, primary) = figure_of(chord, there);
    let lower = if key.minor { [1, 2, 4, 5] } else { [2, 3, 6, 7] };
    let target = roman(target, !lower.contains(&target));
    let minor = target.chars().all(char::is_lowercase);
    let inner = numeral(chord, Key { minor, ..there }, &sign, &primary);
    Numeral { figure: format!("{primary}/{target}"), ..inner }
}

/// Degree, sign and whole figure.
fn figure_of(chord: &Chord<'_>, key: Key) -> (u8, Cow<'static, str>, String) {
    let (degree, above) = key.degree(chord.root);
    let (mut altered, mut sign) = (above, signs(above));
    // In minor the raised sixth and seventh are the usual ones, and the others are marked.
    if key.minor && matches!(degree, 6 | 7) {
        (altered, sign) = match above {
            100 => (0, "".into()),
            0 => (0, "b".into()),
            101.. => (above - 100, sign.get(1..).unwrap_or_default().to_owned().into()),
            ..0 => (above, format!("b{sign}").into()),
            _ => (above, sign),
        };
    }
    let major = chord.height(3) == Some(400);
    let step = roman(degree, major);
    let figures = figures(chord, key.raised(altered));
    let whole = joined(&[&sign, step, &figures]);
    let instead = |table| if major { None } else { look_up(table, &figures) };
    if let Some(short) = instead(MINOR_SEVENTHS).filter(|_| chord.is_seventh_of([0, 300, 700, 1000])) {
        let figure = joined(&[&sign, step, short]);
        return (degree, sign, figure);
    }
    if let Some(short) = instead(MAJOR_SEVENTHS).filter(|_| chord.is_seventh_of([0, 300, 700, 1100])) {
        let figure = joined(&[&sign, step, short]);
        return (degree, sign, figure);
    }
    match look_up(SIXTHS, &whole).filter(|_| chord.augmented_sixth().is_some()) {
        Some(sixth) => (degree, sign, sixth.to_owned()),
        None => (degree, sign, whole),
    }
}

/// The figures over the bass, with their signs against the key, and the sign of a diminished or augmented fifth.
fn figures(chord: &Chord<'_>, key: Key) -> String {
    let (third, fifth) = (chord.member(3), chord.member(5));
    let plain = chord.is_major() || chord.is_minor();
    let triad = plain || chord.is_diminished() || chord.is_augmented();
    let bass = key.degree(chord.bass).1;
    let mut figures: Vec<(i32, i32, i32, Pitch)> = Vec::with_capacity(chord.pitches.len());
    for &pitch in chord.pitches {
        let above = (pitch.diatonic() - chord.bass.diatonic()).rem_euclid(7) + 1;
        figures.push((-above, key.degree(pitch).1, pitch.cents(), pitch));
    }
    figures.sort_unstable();
    let mut said: Vec<(Cow<'static, str>, &'static str)> = Vec::with_capacity(figures.len());
    for (above, alter, _, pitch) in figures {
        let mut sign = signs(alter);
        if above == -1 {
            // Another alteration of the bass itself stands first, as an octave.
            let octave = (sign, "8");
            if alter != bass && !octave.0.is_empty() && !said.contains(&octave) {
                said.insert(0, octave);
            }
            continue;
        }
        if (Some(pitch) == third && plain) || (Some(pitch) != third && Some(pitch) == fifth && triad) {
            sign = "".into();
        }
        let figure = (sign, digit(-above));
        if !said.contains(&figure) {
            said.push(figure);
        }
    }
    let figures: String = said.iter().flat_map(|(sign, figure)| [&**sign, *figure]).collect();
    let figures = look_up(SHORT, &figures).map_or(figures, str::to_owned);
    let marked = figures.starts_with('o') || figures.starts_with('ø');
    let mark = match (chord.height(5), chord.height(7)) {
        (Some(600), _) if marked => "",
        (Some(600), Some(1000)) => "ø",
        (Some(600), _) => "o",
        (Some(800), _) => "+",
        _ => "",
    };
    joined(&[mark, &figures])
}

/// A figure from 2 to 7.
fn digit(figure: i32) -> &'static str {
    const DIGITS: [&str; 8] = ["0", "1", "2", "3", "4", "5", "6", "7"];
    usize::try_from(figure).ok().and_then(|figure| DIGITS.get(figure)).copied().unwrap_or_default()
}

/// What music21 reads out of a figure: `RomanNumeral.romanNumeral` and `scaleDegree`.
fn numeral(chord: &Chord<'_>, key: Key, sign: &str, figure: &str) -> Numeral {
    let (foreign, inversion) = (is_foreign(chord, key), chord.inversion());
    for (nation, degree) in [("It", 4), ("Ger", 4), ("Fr", 2), ("Sw", 2)] {
        if figure.starts_with(nation) {
            let (figure, numeral) = (figure.to_owned(), nation.into());
            return Numeral { figure, numeral, degree, inversion, altered: true };
        }
    }
    let unsigned = figure.get(sign.len()..).unwrap_or_default();
    let letters = unsigned.len() - unsigned.trim_start_matches(['I', 'V', 'i', 'v']).len();
    let (alone, rest) = unsigned.split_at(letters);
    let degree = (1..=7).find(|&degree| roman(degree, true).eq_ignore_ascii_case(alone)).unwrap_or(1);
    let mut front = i32::try_from(sign.len()).unwrap_or(0) * if sign.starts_with('b') { -1 } else { 1 };
    if key.minor && matches!(degree, 6 | 7) {
        let lower = alone.chars().all(char::is_lowercase);
        let raised = match rest.chars().next() {
            Some('o' | 'ø') => true,
            Some('+') => false,
            _ => lower,
        };
        front += i32::from((front == 0 && raised) || front < 0);
    }
    let numeral = joined(&[&signs(front * 100), alone]).into();
    Numeral { figure: figure.to_owned(), numeral, degree, inversion, altered: foreign }
}

/// Whether the root is neither in the scale nor a raised sixth or seventh of minor.
pub(super) fn is_foreign(chord: &Chord<'_>, key: Key) -> bool {
    match key.degree(chord.root) {
        (_, 0) => false,
        (6 | 7, 100) if key.minor => false,
        _ => true,
    }
}

/// Whether every note is in the scale, in minor with its raised sixth and seventh.
pub(super) fn is_diatonic(chord: &Chord<'_>, key: Key) -> bool {
    let inside = |pitch: &Pitch| match key.degree(*pitch) {
        (_, 0) => true,
        (6 | 7, 100) => key.minor,
        _ => false,
    };
    chord.pitches.iter().all(inside)
}
