//! The law of repetition: music that is played twice, with silence between, has the same columns but for what is counted,
//! which is doubled, and for what this file names with its reason.

use super::scores::{made, played_twice};
use super::{answer, near};
use serde_json::{Value, json};
use worker::analyse::ANALYSES;

/// Columns that are doubled: they count notes, moments, or what stands between neighbours.
const DOUBLED: &[(&str, &[&str])] = &[
    ("chords", &["slices"]),
    ("functions", &["retrogressions", "plagal_cycles"]),
    ("harmonic_rhythm", &["chords"]),
    ("harmony", &["chords"]),
    ("meter", &["unweighed"]),
    ("modules", &["count", "commonest_count"]),
    ("ngrams", &["commonest_count"]),
    (
        "non_chord_tones",
        &["tones", "count", "suspension", "appoggiatura", "anticipation", "escape_tone", "pedal", "other"],
    ),
    ("patterns", &["most_frequent"]),
    (
        "pitch_classes",
        &["c", "c_sharp", "d", "e_flat", "e", "f", "f_sharp", "g", "g_sharp", "a", "b_flat", "b"],
    ),
    ("segmentation", &["phrases"]),
    ("segments", &["count", "signs"]),
    ("summary", &["notes", "onsets", "grace_notes", "unpitched", "measures"]),
    ("syncopation", &["unweighed"]),
    ("validate", &["findings", "ties_dangling"]),
    ("voice_leading", &["pairs", "parallel_fifths", "crossings", "overlaps"]),
];

/// Columns that are neither the same nor doubled, and why.
const OTHERWISE: &[(&str, &[&str])] = &[
    // The silence between counts as time.
    ("density", &["per_quarter", "per_second", "attacks_per_quarter", "attacks_per_second"]),
    ("functions", &["tonic", "subdominant", "dominant", "applied", "none"]),
    ("harmonic_rhythm", &["mean_quarters", "mean_beats", "mean_measures", "per_measure", "variation"]),
    ("harmony", &["rate", "main_key_share", "modulations", "inverted", "applied"]),
    ("segmentation", &["mean_quarters"]),
    ("summary", &["quarters", "length", "seconds"]),
    ("texture", &["silence"]),
    // The step from the end to the beginning again is one that the piece has not, as are the time to it and what reaches over it.
    ("contour", &["phrases", "tones", "descending", "ascending", "concave", "up", "down", "turns"]),
    ("fingerprint", &["minhash", "stretches"]),
    (
        "jsymbolic_features",
        &[
            "m2", "m5", "m8", "m11", "m12", "m15", "m17", "m18", "m19", "r15", "r22", "r23", "r24", "r25",
            "r36",
        ],
    ),
    ("melodic_intervals", &["count", "mean_size", "rising", "steps", "variability"]),
    ("ngrams", &["count", "distinct", "repeated", "entropy", "conditional_entropy"]),
    ("non_chord_tones", &["segments"]),
    ("npvi", &["written", "notes"]),
    // Keys are weighed against those before them, of which the beginning has none; cadences stand in keys.
    ("cadences", &["count", "per_100_measures", "hc", "authentic", "last"]),
    // Windows are measured by the length of the score.
    ("keyscape", &["main", "main_share", "keys", "entropy", "stability", "windows"]),
    // All repeats: the whole piece is a pattern, and nothing stands there once.
    ("modules", &["repeated"]),
    (
        "patterns",
        &[
            "count",
            "longest",
            "coverage",
            "best_notes",
            "best_count",
            "best_coverage",
            "best_compression",
            "best",
            "most_distinctive",
        ],
    ),
];

/// How a column of a piece played once goes with that of the piece played twice.
#[derive(Debug, PartialEq)]
enum Law {
    Same,
    Doubled,
    Otherwise,
}

fn law(once: &Value, twice: &Value) -> Law {
    // Sums over twice as many things are rounded otherwise.
    let close = |a: f64, b: f64| (a - b).abs() <= 1e-9 * a.abs().max(1.0);
    match (once.as_f64(), twice.as_f64()) {
        (Some(once), Some(twice)) if close(once, twice) => Law::Same,
        (Some(once), Some(twice)) if close(2.0 * once, twice) => Law::Doubled,
        (None, None) if near(once, twice) => Law::Same,
        _ => Law::Otherwise,
    }
}

fn named(table: &[(&str, &[&str])], analysis: &str, column: &str) -> bool {
    table.iter().any(|(name, columns)| *name == analysis && columns.contains(&column))
}

#[test]
fn playing_a_score_twice_changes_what_it_should_and_nothing_else() {
    let score = made(2_000);
    let twice = played_twice(&score);
    let mut wrong = Vec::new();
    for analysis in ANALYSES {
        let spec = analysis.spec();
        let (before, after) = (answer(*analysis, &score, json!({})), answer(*analysis, &twice, json!({})));
        for column in spec.columns {
            let of = |answer: &Value| answer.pointer(column.pointer).cloned().unwrap_or_default();
            let (before, after) = (of(&before), of(&after));
            let should =
                match (named(DOUBLED, spec.name, column.name), named(OTHERWISE, spec.name, column.name)) {
                    (true, _) => Law::Doubled,
                    (_, true) => Law::Otherwise,
                    _ => Law::Same,
                };
            let is = law(&before, &after);
            // Nothing, twice, is the same as well.
            let nothing = should == Law::Doubled && before == 0 && after == 0;
            if is != should && !nothing {
                wrong.push(format!(
                    "{}.{}: {before} to {after}: {is:?}, not {should:?}",
                    spec.name, column.name
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
