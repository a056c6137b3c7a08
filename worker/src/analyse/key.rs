//! Key: the major or minor key whose profile resembles the pitch classes of the whole score most.

mod profiles;

pub(super) use profiles::{Profile, profile};

use super::common::{FIDELITY, number, text};
use super::{Analysis, Params, Spec, Told, pitch_classes};
use crate::score::{Score, class_name};
use profiles::PROFILES;
use serde::Serialize;
use shared::failure::Failure;
use std::collections::BTreeMap;

const KEY: &str = "Key of the highest correlation.";
const R: &str = "Its correlation, -1 to 1.";
const CERTAINTY: &str = "r + 2 (r - next positive r): music21 key.Key.tonalCertainty.";

static SPEC: Spec = Spec {
    name: "key",
    revision: 1,
    summary: "Key of the whole score by five profiles: Pearson correlation with the written length of each pitch class over all parts; unpitched notes are left out. Null where no pitch class stands out.",
    params: &[FIDELITY],
    columns: &[
        text("krumhansl_schmuckler", "/profiles/krumhansl_schmuckler/name", "key", KEY),
        number("krumhansl_schmuckler_r", "/profiles/krumhansl_schmuckler/r", "correlation", R),
        number(
            "krumhansl_schmuckler_certainty",
            "/profiles/krumhansl_schmuckler/certainty",
            "score",
            CERTAINTY,
        ),
        text("aarden_essen", "/profiles/aarden_essen/name", "key", KEY),
        number("aarden_essen_r", "/profiles/aarden_essen/r", "correlation", R),
        number("aarden_essen_certainty", "/profiles/aarden_essen/certainty", "score", CERTAINTY),
        text("simple", "/profiles/simple/name", "key", KEY),
        number("simple_r", "/profiles/simple/r", "correlation", R),
        number("simple_certainty", "/profiles/simple/certainty", "score", CERTAINTY),
        text("bellman_budge", "/profiles/bellman_budge/name", "key", KEY),
        number("bellman_budge_r", "/profiles/bellman_budge/r", "correlation", R),
        number("bellman_budge_certainty", "/profiles/bellman_budge/certainty", "score", CERTAINTY),
        text("temperley_kostka_payne", "/profiles/temperley_kostka_payne/name", "key", KEY),
        number("temperley_kostka_payne_r", "/profiles/temperley_kostka_payne/r", "correlation", R),
        number(
            "temperley_kostka_payne_certainty",
            "/profiles/temperley_kostka_payne/certainty",
            "score",
            CERTAINTY,
        ),
    ],
    reference: "Krumhansl, Cognitive Foundations of Musical Pitch (1990), ch. 4; music21 analysis.discrete.KeyWeightKeyAnalysis.process",
};

/// How many keys there are: twelve major ones from C, then twelve minor ones.
pub(super) const KEYS: usize = 24;

/// The analysis.
pub(super) struct Key;

/// What one profile says.
#[derive(Serialize)]
struct Verdict {
    /// Tonic and mode.
    key: (&'static str, &'static str),
    name: String,
    r: f64,
    certainty: f64,
    /// The next three.
    alternatives: Vec<(&'static str, &'static str, f64)>,
}

#[derive(Serialize)]
struct Verdicts {
    profiles: BTreeMap<&'static str, Option<Verdict>>,
}

/// A key and how well it fits.
#[derive(Clone, Copy)]
struct Candidate {
    r: f64,
    class: u8,
    minor: bool,
}

impl Analysis for Key {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn run(&self, score: &Score, params: &Params) -> Result<Told, Failure> {
        let lengths = pitch_classes::lengths(score, params);
        let profiles = PROFILES.iter().map(|profile| (profile.name, verdict(profile, &lengths))).collect();
        Told::of(&Verdicts { profiles })
    }
}

/// Tonic and whether it is minor, by the profile of that name.
pub(super) fn global(score: &Score, params: &Params, name: &str) -> Option<(&'static str, bool)> {
    let lengths = pitch_classes::lengths(score, params);
    verdict(profile(name)?, &lengths).map(|verdict| (verdict.key.0, verdict.key.1 == "minor"))
}

/// Whether the likeliest key by the profile of Aarden and Essen is minor, and how certain it is.
pub(super) fn certainty(lengths: &[f64; 12]) -> Option<(bool, f64)> {
    let profile = PROFILES.iter().find(|known| known.name == "aarden_essen")?;
    verdict(profile, lengths).map(|verdict| (verdict.key.1 == "minor", verdict.certainty))
}

/// What a profile says of the twelve lengths; nothing if they are all the same.
fn verdict(profile: &Profile, lengths: &[f64; 12]) -> Option<Verdict> {
    let candidates = ranked(&correlations(profile, lengths)?);
    let (best, others) = candidates.split_first()?;
    let (tonic, mode) = best.key();
    let next = others.iter().find(|candidate| candidate.r > 0.0);
    Some(Verdict {
        key: (tonic, mode),
        name: format!("{tonic} {mode}"),
        r: best.r,
        certainty: next.map_or(best.r.max(0.0), |next| best.r + 2.0 * (best.r - next.r)),
        alternatives: others.iter().take(3).map(|other| (other.key().0, other.key().1, other.r)).collect(),
    })
}

/// How each key correlates with the twelve lengths: major keys from C, then minor ones. Nothing if all lengths are the
/// same.
pub(super) fn correlations(profile: &Profile, lengths: &[f64; 12]) -> Option<[f64; KEYS]> {
    let mut correlations = [0.0; KEYS];
    for (key, slot) in correlations.iter_mut().enumerate() {
        let weights = if key < 12 { &profile.major } else { &profile.minor };
        *slot = correlation(weights, lengths, key % 12)?;
    }
    Some(correlations)
}

/// The keys in the order of the reference: r, then pitch class, then minor before major, all downwards.
fn ranked(correlations: &[f64; KEYS]) -> Vec<Candidate> {
    let keys = correlations.iter().zip((0..12_u8).cycle()).enumerate();
    let mut candidates: Vec<Candidate> =
        keys.map(|(key, (&r, class))| Candidate { r, class, minor: key >= 12 }).collect();
    candidates.sort_by(|a, b| b.r.total_cmp(&a.r).then((b.class, b.minor).cmp(&(a.class, a.minor))));
    candidates
}

/// The same order as indices: major keys from C, then minor ones.
pub(super) fn ranking(correlations: &[f64; KEYS]) -> Vec<usize> {
    let candidates = ranked(correlations);
    candidates.iter().map(|key| usize::from(key.class) + if key.minor { 12 } else { 0 }).collect()
}

/// `F# minor` for 18: major keys from C, then minor ones.
pub(super) fn name_of(key: usize) -> String {
    let class = u8::try_from(key % 12).unwrap_or(0);
    let (tonic, mode) = Candidate { r: 0.0, class, minor: key >= 12 }.key();
    format!("{tonic} {mode}")
}

impl Candidate {
    /// Tonic and mode, spelled as the reference does: G# is the one tonic that it writes otherwise in major.
    fn key(self) -> (&'static str, &'static str) {
        match (self.class, self.minor) {
            (8, false) => ("Ab", "major"),
            (class, false) => (class_name(class), "major"),
            (class, true) => (class_name(class), "minor"),
        }
    }
}

/// Pearson correlation of the lengths with a profile whose tonic is pitch class `shift`. The sums run over the pitch
/// classes from C, as in the reference, so that keys which tie there tie here.
fn correlation(profile: &[f64; 12], lengths: &[f64; 12], shift: usize) -> Option<f64> {
    let profile_mean = profile.iter().sum::<f64>() / 12.0;
    let length_mean = lengths.iter().sum::<f64>() / 12.0;
    let (mut both, mut profile_squares, mut length_squares) = (0.0, 0.0, 0.0);
    for (weight, length) in profile.iter().cycle().skip(12 - shift).zip(lengths) {
        both += (weight - profile_mean) * (length - length_mean);
        profile_squares += (weight - profile_mean) * (weight - profile_mean);
        length_squares += (length - length_mean) * (length - length_mean);
    }
    let product: f64 = profile_squares * length_squares;
    (product > 0.0).then(|| both / product.sqrt())
}

#[cfg(test)]
mod tests {
    use super::super::testing::{ask, near, note, score};
    use super::*;
    use crate::score::Event;
    use serde_json::{Value, json};

    /// J. S. Bach, BWV 66.6: the written lengths of its pitch classes in quarter notes, and what music21 10.5.1 makes of
    /// the bundled score.
    #[test]
    fn bwv_66_6_is_in_f_sharp_minor() {
        let halves = [0, 60, 18, 2, 31, 12, 53, 0, 26, 36, 7, 43];
        let notes = (60..).zip(halves).map(|(key, halves)| Event::Note(note(0, (0, 1), (halves, 2), key)));
        let answer = ask(&Key, &score(1, notes.collect()));
        for (profile, r, certainty) in [
            ("krumhansl_schmuckler", 0.815_470_892_576_249_2, 1.139_436_943_511_248_1),
            ("aarden_essen", 0.937_955_541_247_155_4, 1.264_260_426_088_053_4),
            ("simple", 0.929_980_715_087_567_1, 1.427_395_509_975_184_5),
            ("bellman_budge", 0.852_482_480_807_346_2, 1.129_732_056_535_115_9),
            ("temperley_kostka_payne", 0.878_457_729_295_132_1, 1.070_811_494_309_136_7),
        ] {
            assert_eq!(answer["profiles"][profile]["name"], "F# minor", "{profile}");
            near(&answer, &format!("/profiles/{profile}/r"), r);
            near(&answer, &format!("/profiles/{profile}/certainty"), certainty);
        }
        let others = &answer["profiles"]["krumhansl_schmuckler"]["alternatives"];
        assert_eq!(
            (&others[0][0], &others[1][0], &others[2][1]),
            (&json!("C#"), &json!("A"), &json!("major"))
        );
    }

    #[test]
    fn a_scale_is_in_its_key() {
        let keys = [60, 62, 64, 65, 67, 69, 71, 72, 76, 79, 76, 72];
        let notes = keys.iter().enumerate().map(|(i, &key)| Event::Note(note(0, (i as i64, 1), (1, 1), key)));
        let answer = ask(&Key, &score(1, notes.collect()));
        // The docstring of music21's Key.tonalCertainty: C major, 0.9068…, then a minor 0.7778…; certainty 1.1648….
        let verdict = &answer["profiles"]["aarden_essen"];
        assert_eq!(verdict["key"], json!(["C", "major"]));
        assert!((verdict["r"].as_f64().unwrap() - 0.9068).abs() < 1e-4);
        assert!((verdict["certainty"].as_f64().unwrap() - 1.1648).abs() < 1e-4);
        assert_eq!(verdict["alternatives"][0][0], "A");
    }

    #[test]
    fn where_nothing_stands_out_there_is_no_key() {
        let notes = (60..72).map(|key| Event::Note(note(0, (0, 1), (1, 1), key)));
        assert_eq!(ask(&Key, &score(1, notes.collect()))["profiles"]["simple"], Value::Null);
    }
}
