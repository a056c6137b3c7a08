//! Roman numerals: each chord as a degree of the key of the whole score.

use super::chord::Chord;
use super::common::{Counts, FIDELITY, integer, number, ratio, text};
use super::roman::{Key, Numeral, compat, corrected};
use super::sonorities::{Chordified, Row};
use super::{Analysis, Param, Params, Range, Spec, Told, key};
use crate::score::{Score, Step};
use serde::Serialize;
use shared::failure::Failure;
use std::collections::BTreeMap;

static SPEC: Spec = Spec {
    name: "roman_numerals",
    revision: 1,
    summary: "Each slice of `chords` as a Roman numeral of the key of the whole score, with figures, inversion and, if asked for, applied dominants. Shares are of the time in which anything sounds. Null without a key.",
    params: &[
        FIDELITY,
        Param {
            name: "profile",
            unit: "",
            summary: "The profile of `key` that finds the key.",
            range: Range::Choice(&[
                "aarden_essen",
                "krumhansl_schmuckler",
                "simple",
                "bellman_budge",
                "temperley_kostka_payne",
            ]),
        },
        Param {
            name: "applied",
            unit: "",
            summary: "`dominants` writes major triads and dominant sevenths that lead to another degree as its dominants (V7/ii): in `compat` all of them, as preferSecondaryDominants of music21 does, else those with a note outside of the key.",
            range: Range::Choice(&["none", "dominants"]),
        },
    ],
    columns: &[
        text("key", "/key", "key", "The key that the numerals are of."),
        integer("distinct", "/distinct", "figure", "How many different figures there are."),
        text(
            "commonest",
            "/commonest",
            "figure",
            "The figure of most slices, of several the first in the alphabet.",
        ),
        number("tonic", "/shares/tonic", "share", "Chords on degree 1."),
        number(
            "predominant",
            "/shares/predominant",
            "share",
            "Chords on degrees 2 and 4, augmented sixths too.",
        ),
        number("dominant", "/shares/dominant", "share", "Chords on degrees 5 and 7."),
        number(
            "altered",
            "/shares/altered",
            "share",
            "Chords whose root is not in the key, in minor of the natural scale or its raised 6 and 7.",
        ),
        number("inverted", "/shares/inverted", "share", "Chords without the root in the bass."),
    ],
    reference: "music21 roman.romanNumeralFromChord; figures of `corrected` as in Tymoczko, Gotham, Cuthbert and Ariza, The RomanText Format (2019)",
};

/// The analysis.
pub(super) struct RomanNumerals;

#[derive(Serialize)]
struct Answer<'a> {
    key: Option<String>,
    distinct: usize,
    commonest: Option<String>,
    shares: BTreeMap<&'static str, Option<f64>>,
    fields: [&'static str; 6],
    slices: Vec<Row<'a, &'a Numeral>>,
}

impl Analysis for RomanNumerals {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn run(&self, score: &Score, params: &Params) -> Result<Told, Failure> {
        let as_music21 = params.word(FIDELITY.name) == "compat";
        let applied = params.word("applied") == "dominants";
        let key = key::global(score, params, params.word("profile"));
        let key = key.map(
            |(tonic, minor)| if as_music21 { Key::named(tonic, minor) } else { spelled(score, tonic, minor) },
        );
        let (slices, chordified) = Chordified::of(score, as_music21)?;
        let numeral = |chord: &Chord<'_>| {
            key.map(
                |key| if as_music21 { compat(chord, key, applied) } else { corrected(chord, key, applied) },
            )
        };
        let chords = chordified.sonorities(slices).filter_map(Chord::of);
        let mut numerals: Vec<Option<Numeral>> = Vec::with_capacity(chordified.len());
        numerals.extend(chords.map(|chord| numeral(&chord)));
        let of = |index: usize| numerals.get(index).and_then(Option::as_ref);
        let lengths: Vec<(f64, &Numeral)> = slices
            .iter()
            .zip(&chordified.of_slice)
            .filter_map(|((slice, _), &index)| Some((slice.duration.as_quarters(), of(index)?)))
            .collect();
        let figures = Counts::of(lengths.iter().map(|(_, numeral)| numeral.figure.as_str()));
        Told::of(&Answer {
            key: key.map(Key::name),
            distinct: figures.0.len(),
            commonest: figures.commonest().map(str::to_owned),
            shares: shares(&lengths),
            fields: ["onset", "duration", "measure", "beat", "numeral", "place"],
            slices: chordified.rows(of),
        })
    }
}

fn shares(lengths: &[(f64, &Numeral)]) -> BTreeMap<&'static str, Option<f64>> {
    let sum = |is: &dyn Fn(&Numeral) -> bool| -> f64 {
        lengths.iter().filter(|(_, numeral)| is(numeral)).map(|(length, _)| length).sum::<f64>() + 0.0
    };
    let whole = sum(&|_| true);
    let share = |is: &dyn Fn(&Numeral) -> bool| ratio(sum(is), whole);
    BTreeMap::from([
        ("tonic", share(&|numeral| numeral.degree == 1)),
        ("predominant", share(&|numeral| matches!(numeral.degree, 2 | 4))),
        ("dominant", share(&|numeral| matches!(numeral.degree, 5 | 7))),
        ("altered", share(&|numeral| numeral.altered)),
        ("inverted", share(&|numeral| numeral.inversion > 0)),
    ])
}

/// The key with its tonic as the score spells that pitch class most of the time: D flat, not C sharp.
fn spelled(score: &Score, tonic: &str, minor: bool) -> Key {
    let default = Key::named(tonic, minor);
    let mut lengths: BTreeMap<(Step, i16), i64> = BTreeMap::new();
    for note in score.notes.iter().filter(|note| super::common::is_plain(note)) {
        let pitch = note.sounding();
        if super::chord::class(pitch) == default.class() {
            *lengths.entry((pitch.step, pitch.alter)).or_default() += note.duration.0.min(1 << 40);
        }
    }
    let most =
        lengths.into_iter().max_by_key(|&((step, alter), length)| (length, alter == 0, -alter.abs(), step));
    most.map_or(default, |((step, alter), _)| Key { step, alter: i32::from(alter), minor })
}

#[cfg(test)]
mod tests;
