//! Melodic n-grams: every stretch of so many intervals, counted.

use super::common::{integer, number, ratio, text};
use super::grams::{Entropy, Stretch};
use super::melody::{Melody, Name, PLACES, RESTS_BREAK, Spot, Spots, melodies, places};
use super::meter::{grids, stated};
use super::sonorities::{check_findings, check_notes};
use super::viewpoint::{Clock, Height, Text, Viewpoint};
use super::{Analysis, Param, Params, Range, Spec, Told};
use crate::score::Score;
use serde::Serialize;
use shared::failure::Failure;

static SPEC: Spec = Spec {
    name: "ngrams",
    revision: 2,
    summary: "Every stretch of n melodic intervals of the melodies (lines with ties merged, of notes that begin together the highest), counted over all melodies and in each; the entropy of the n-grams, and of the last interval given those before it. All are listed, the commonest first, with the place where each stands first.",
    params: &[
        Param {
            name: "n",
            unit: "interval",
            summary: "Intervals of an n-gram.",
            range: Range::Integer { min: 2, max: 10, default: 3 },
        },
        Param {
            name: "kind",
            unit: "",
            summary: "What of an interval counts: staff positions (3 a third up, -3 one down, 1 a unison), semitones, the interval with its quality (m3), or the direction. These are the kinds d, c and q of CRIM Intervals.",
            range: Range::Choice(&["diatonic", "chromatic", "quality", "contour"]),
        },
        Param {
            name: "durations",
            unit: "",
            summary: "Whether the ratio of the durations of its two notes, from onset to onset, counts as well.",
            range: Range::Choice(&["ignored", "ratios"]),
        },
        RESTS_BREAK,
        places(1),
    ],
    columns: &[
        integer("count", "/count", "n-gram", "All of them."),
        integer("distinct", "/distinct", "n-gram", "Different ones."),
        number("repeated", "/repeated", "share", "Share of all that stand there more than once."),
        number("entropy", "/entropy", "bit", "Entropy of their distribution."),
        number(
            "conditional_entropy",
            "/conditional_entropy",
            "bit",
            "Entropy of the last interval of an n-gram given the ones before it.",
        ),
        text("commonest", "/commonest", "n-gram", "The commonest one, of several the first in the score."),
        integer("commonest_count", "/commonest_count", "occurrence", "How often it stands there."),
    ],
    reference: "CRIM Intervals, ImportedPiece.ngrams over ImportedPiece.melodic, and VIS (Antila and Cumming, ISMIR 2014); Shannon, Bell System Technical Journal 27 (1948), for the entropies",
};

/// The analysis.
pub(super) struct Ngrams;

#[derive(Serialize)]
struct Answer {
    count: usize,
    distinct: usize,
    repeated: Option<f64>,
    entropy: Option<f64>,
    conditional_entropy: Option<f64>,
    commonest: Option<String>,
    commonest_count: Option<usize>,
    melodies: Vec<Row>,
    fields: [&'static str; 4],
    /// The n-gram, how often it stands there, in each melody that has it, and the first places.
    ngrams: Vec<Gram>,
}

#[derive(Serialize)]
struct Gram(String, usize, Vec<(u32, usize)>, Vec<(u32, Spot)>);

#[derive(Serialize)]
struct Row {
    #[serde(flatten)]
    name: Name,
    count: usize,
    distinct: u64,
    entropy: Option<f64>,
    conditional_entropy: Option<f64>,
}

impl Analysis for Ngrams {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn run(&self, score: &Score, params: &Params) -> Result<Told, Failure> {
        check_notes(score)?;
        let melodies = melodies(score);
        let viewpoint =
            Viewpoint { height: height(params.word("kind")), rhythm: params.word("durations") == "ratios" };
        let music = Text::of(&melodies, viewpoint, Clock::of(score.division), params, false);
        let size = usize::try_from(params.integer("n")).unwrap_or(1);
        let meant = u32::try_from(music.alphabet.len()).unwrap_or(u32::MAX);
        let stretch = Stretch { size, stride: 1, meant };
        let places = stretch.sorted(&music.symbols);
        let groups = stretch.groups(&music.symbols, &places, size);
        let heads = stretch.groups(&music.symbols, &places, size - 1);
        let mut grams: Vec<&[u32]> = groups.iter().filter_map(|group| places.get(group.clone())).collect();
        let heads: Vec<&[u32]> = heads.iter().filter_map(|group| places.get(group.clone())).collect();
        let (whole, rows) = entropies(&music, &grams, &heads, &melodies);
        // Commonest first, of several the first in the score; the places of each are in order.
        grams.sort_by_key(|places| (std::cmp::Reverse(places.len()), places.first().copied()));
        let repeated: usize = grams.iter().map(|places| places.len()).filter(|&count| count > 1).sum();
        let word = |places: &[u32]| {
            let first = places.first().copied().unwrap_or(0);
            music.words(stretch.at(&music.symbols, first)).join(" ")
        };
        check_findings(grams.len())?;
        let told = usize::try_from(params.integer(PLACES)).unwrap_or(0);
        check_findings(grams.iter().map(|places| places.len().min(told)).sum())?;
        let stated = stated(score);
        let grids = grids(score, &stated);
        let mut spots = Spots::new(score, &grids);
        let mut spot = |&place: &u32| {
            let &(melody, note) = music.at.get(place as usize)?;
            let sung = melodies.get(melody as usize)?;
            Some((melody, spots.of(sung.part, sung.notes.get(note as usize)?)))
        };
        Told::of(&Answer {
            count: places.len(),
            distinct: grams.len(),
            repeated: ratio(repeated as f64, places.len() as f64),
            entropy: whole.0,
            conditional_entropy: whole.1,
            commonest: grams.first().map(|places| word(places)),
            commonest_count: grams.first().map(|places| places.len()),
            melodies: rows,
            fields: ["ngram", "count", "melodies", "places"],
            ngrams: grams
                .iter()
                .map(|places| {
                    Gram(
                        word(places),
                        places.len(),
                        by_melody(&music, places),
                        places.iter().take(told).filter_map(&mut spot).collect(),
                    )
                })
                .collect(),
        })
    }
}

/// What of an interval counts.
pub(super) fn height(kind: &str) -> Height {
    match kind {
        "chromatic" => Height::Chromatic,
        "quality" => Height::Quality,
        "contour" => Height::Contour,
        _ => Height::Diatonic,
    }
}

/// In which melodies some places of the text are, and how many in each.
fn by_melody(text: &Text, places: &[u32]) -> Vec<(u32, usize)> {
    let mut melodies: Vec<u32> =
        places.iter().filter_map(|&place| text.at.get(place as usize).map(|&(melody, _)| melody)).collect();
    melodies.sort_unstable();
    melodies
        .chunk_by(|a, b| a == b)
        .filter_map(|same| same.first().map(|&melody| (melody, same.len())))
        .collect()
}

/// Entropies of the whole (of n-grams, and of their last interval given the others) and of each melody.
fn entropies(
    text: &Text,
    grams: &[&[u32]],
    heads: &[&[u32]],
    melodies: &[Melody],
) -> ((Option<f64>, Option<f64>), Vec<Row>) {
    let mut whole = [Entropy::default(); 2];
    let mut each = vec![[Entropy::default(); 2]; melodies.len()];
    for (which, groups) in [grams, heads].into_iter().enumerate() {
        for places in groups {
            if let Some(entropy) = whole.get_mut(which) {
                entropy.add(places.len() as u64);
            }
            for (melody, count) in by_melody(text, places) {
                if let Some(entropy) = each.get_mut(melody as usize).and_then(|both| both.get_mut(which)) {
                    entropy.add(count as u64);
                }
            }
        }
    }
    let pair = |[grams, heads]: [Entropy; 2]| {
        let (joint, before) = (grams.bits(), heads.bits());
        (joint, joint.zip(before).map(|(joint, before)| (joint - before).max(0.0)))
    };
    let row = |(melody, both): (&Melody, &[Entropy; 2])| {
        let (entropy, conditional_entropy) = pair(*both);
        let [grams, _] = both;
        let count = usize::try_from(grams.total()).unwrap_or(usize::MAX);
        Row { name: melody.name(), count, distinct: grams.distinct, entropy, conditional_entropy }
    };
    (pair(whole), melodies.iter().zip(&each).map(row).collect())
}

#[cfg(test)]
mod tests {
    use super::super::testing::{ask_with, line, near, score, soprano};
    use super::*;
    use serde_json::{Value, json};

    fn ask(score: &Score, given: Value) -> Value {
        ask_with(&Ngrams, score, &given)
    }

    /// C D E C D E F, by hand: +2 +2 twice, +2 -4, -4 +2, +2 +1 once each.
    #[test]
    fn a_small_tune_by_hand() {
        let keys = [60, 62, 64, 60, 62, 64, 65].map(|key| (Some(key), (1, 1)));
        let answer = ask(&score(1, line(&keys)), json!({ "n": 2, "kind": "chromatic" }));
        assert_eq!((&answer["count"], &answer["distinct"]), (&json!(5), &json!(4)));
        assert_eq!((&answer["commonest"], &answer["commonest_count"]), (&json!("+2 +2"), &json!(2)));
        assert_eq!(answer["ngrams"][0][2], json!([[0, 2]]));
        let bits = libm::log2(5.0) - 2.0 / 5.0;
        near(&answer, "/entropy", bits);
        // Four of five begin with +2.
        near(&answer, "/conditional_entropy", bits - (libm::log2(5.0) - 4.0 * 2.0 / 5.0));
        near(&answer, "/repeated", 2.0 / 5.0);
    }

    #[test]
    fn rests_end_what_is_counted_unless_they_are_skipped() {
        let keys =
            [Some(60), Some(62), Some(64), None, Some(65), Some(67), Some(69)].map(|key| (key, (1, 1)));
        let score = score(1, line(&keys));
        assert_eq!(ask(&score, json!({ "n": 2 }))["count"], 2);
        assert_eq!(ask(&score, json!({ "n": 2, "rests": "skip" }))["count"], 4);
        assert_eq!(ask(&score, json!({ "n": 2 }))["ngrams"][0][0], "2 2");
    }

    #[test]
    fn the_counts_of_bwv_66_6_add_up() {
        for (kind, durations) in [("diatonic", "ignored"), ("contour", "ratios"), ("quality", "ignored")] {
            let answer = ask(&soprano(), json!({ "kind": kind, "durations": durations }));
            let counts = answer["ngrams"].as_array().unwrap().iter().map(|row| row[1].as_u64().unwrap());
            // 36 notes without the tied one, 35 intervals, 33 stretches of three.
            assert_eq!((counts.sum::<u64>(), &answer["count"]), (33, &json!(33)));
        }
    }
}
