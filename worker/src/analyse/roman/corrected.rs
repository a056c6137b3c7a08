//! Roman numerals as they are read: the figure and the key tell the chord again.

use super::compat::{compat, is_diatonic, is_foreign};
use super::{Key, Numeral, is_dominant, joined, roman, signs};
use crate::analyse::chord::Chord;
use crate::score::Pitch;
use std::borrow::Cow;

/// The numeral of a chord. It differs from music21's in this:
///
/// - Degrees 6 and 7 of minor are read by quality, as RomanText does: `VI` and `VII` stand on the natural degrees, `vi`,
///   `vio`, `vii` and `viio` on the raised ones, and whatever stands elsewhere has its sign.
/// - Where there is no third, the letters are those of the key's own triad (that of the dominant in minor is major).
/// - Of triads and seventh chords the numeral and its mark say third and fifth, so that the figures are those of the
///   inversion; only a seventh that is neither the key's nor told by `o` or `ø` has a sign.
/// - Dominants of other degrees, where they are asked for, need a note outside of the key, and the target may be minor.
pub(in crate::analyse) fn corrected(chord: &Chord<'_>, key: Key, applied: bool) -> Numeral {
    let fourth = Pitch::at(chord.root.diatonic() + 3, chord.root.cents() + 500);
    if applied
        && is_dominant(chord)
        && !is_diatonic(chord, key)
        && let (target @ 2..=7, 0) = key.degree(fourth)
    {
        let numeral = joined(&["V/", triad(target, key)]).into();
        let figure = joined(&["V", &positions(chord, ""), "/", triad(target, key)]);
        return Numeral { figure, numeral, degree: 5, inversion: chord.inversion(), altered: true };
    }
    if let Some(nation) = chord.augmented_sixth()
        && let numeral @ Numeral { altered: true, .. } = compat(chord, key, false)
        && numeral.numeral == nation
    {
        return numeral;
    }
    plain(chord, key)
}

fn plain(chord: &Chord<'_>, key: Key) -> Numeral {
    let (degree, above) = key.degree(chord.root);
    let third = chord.height(3);
    let upper = match third {
        Some(height) => height == 400,
        None => triad(degree, key).chars().all(char::is_uppercase),
    };
    let mark = match (chord.height(5), chord.height(7)) {
        (Some(600), Some(1000)) if third == Some(300) => "ø",
        (Some(600), _) if third == Some(300) => "o",
        (Some(800), _) if upper => "+",
        _ => "",
    };
    let read = if key.minor && matches!(degree, 6 | 7) && (!upper) { 100 } else { 0 };
    let numeral: Cow<'static, str> = match &*signs(above - read) {
        "" => roman(degree, upper).into(),
        signs => joined(&[signs, roman(degree, upper)]).into(),
    };
    let figure = if chord.is_triad() || chord.is_seventh() || third.is_none() || chord.names <= 2 {
        joined(&[&numeral, mark, &positions(chord, &seventh_sign(chord, key, mark))])
    } else {
        // Whatever else sounds is told as music21 does, figure by figure.
        let told = compat(chord, key, false).figure;
        let rest = told.trim_start_matches(['#', 'b']).trim_start_matches(['I', 'V', 'i', 'v']);
        joined(&[&numeral, rest])
    };
    let altered = is_foreign(chord, key);
    Numeral { figure, numeral, degree, inversion: chord.inversion(), altered }
}

/// The letters of the key's own triad on a degree, with the raised seventh of minor in its dominant chords.
fn triad(degree: u8, key: Key) -> &'static str {
    let upper = if key.minor { matches!(degree, 3 | 5 | 6 | 7) } else { matches!(degree, 1 | 4 | 5) };
    roman(degree, upper)
}

/// The sign of a seventh that neither the key nor the mark tells. The dominant of minor has its raised third.
fn seventh_sign(chord: &Chord<'_>, key: Key, mark: &str) -> Cow<'static, str> {
    let Some(seventh) = chord.member(7) else { return "".into() };
    let height = chord.above_root(seventh);
    let told = match mark {
        "ø" => height == 1000,
        "o" => height == 900,
        _ => false,
    };
    let above = key.degree(seventh).1;
    // The seventh of a chord on a borrowed root is measured from that root's own shift.
    let shift = key.degree(chord.root).1;
    let minor_scale = key.minor && shift == 100 && matches!(key.degree(chord.root).0, 6 | 7);
    let shift = if minor_scale { 0 } else { shift };
    if told { "".into() } else { signs(above - shift) }
}

/// The figures of an inversion.
fn positions(chord: &Chord<'_>, sign: &str) -> Cow<'static, str> {
    match (chord.member(7).is_some(), chord.inversion(), sign) {
        (true, 0, "") => "7".into(),
        (true, 1, "") => "65".into(),
        (true, 2, "") => "43".into(),
        (true, 0, _) => joined(&[sign, "7"]).into(),
        (true, 1, _) => joined(&["6", sign, "5"]).into(),
        (true, 2, _) => joined(&["4", sign, "3"]).into(),
        (true, 3, _) => "42".into(),
        (false, 1, _) => "6".into(),
        (false, 2, _) => "64".into(),
        _ => "".into(),
    }
}
