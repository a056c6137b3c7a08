//! Analyses: pure questions to a score. The registry is here; each analysis is one file beside it.

mod accents;
mod ambitus;
mod annotations;
mod cadences;
mod chord;
mod chords;
mod clausulae;
mod common;
mod conservation;
mod contour;
mod density;
mod durations;
mod features;
pub mod fingerprint;
mod functions;
mod grams;
mod harmonic_rhythm;
mod harmony;
mod interval;
mod jsymbolic_features;
mod key;
mod keyscape;
mod lines;
mod local_key;
mod melodic_intervals;
mod melody;
mod meter;
mod modules;
mod music21_features;
mod ngrams;
mod non_chord_tones;
mod npvi;
mod patterns;
mod pitch_classes;
mod pitches;
mod roman;
mod roman_numerals;
mod search;
mod segmentation;
mod segments;
mod sonorities;
mod spec;
mod suffixes;
mod summary;
mod syncopation;
mod tempo;
#[cfg(test)]
mod testing;
mod texture;
mod told;
mod validate;
mod viewpoint;
mod voice_leading;
mod voices;

pub use spec::{Column, Kind, Param, Params, Range, Spec};
pub use told::Told;

use crate::score::Score;
use shared::failure::{Failure, FailureKind};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// A pure question to a score. To add one: a file beside this one, a line in [`ANALYSES`], a golden file, a row in
/// `docs/analyses.md`.
pub trait Analysis: Sync {
    /// What it is called, what it takes and gives, and whose definition it follows.
    fn spec(&self) -> &'static Spec;

    /// The answer: a JSON object that holds each column of the spec at its pointer and the detail
    /// beside them. A column without an answer (the ambitus of a score without notes) is null.
    ///
    /// # Errors
    /// Only for what the parameters' ranges cannot exclude; a poor score is no error.
    fn run(&self, score: &Score, params: &Params) -> Result<Told, Failure>;
}

/// Every analysis, in the order of their names.
pub static ANALYSES: &[&dyn Analysis] = &[
    &accents::Accents,
    &ambitus::Ambitus,
    &annotations::Annotations,
    &cadences::Cadences,
    &chords::Chords,
    &clausulae::Clausulae,
    &conservation::Conservation,
    &contour::Contour,
    &density::Density,
    &durations::Durations,
    &fingerprint::Fingerprint,
    &functions::Functions,
    &harmonic_rhythm::HarmonicRhythm,
    &harmony::Harmony,
    &jsymbolic_features::JsymbolicFeatures,
    &key::Key,
    &keyscape::Keyscape,
    &local_key::LocalKey,
    &melodic_intervals::MelodicIntervals,
    &meter::MeterUse,
    &modules::Modules,
    &music21_features::Music21Features,
    &ngrams::Ngrams,
    &non_chord_tones::NonChordTones,
    &npvi::Npvi,
    &patterns::Patterns,
    &pitch_classes::PitchClasses,
    &pitches::Pitches,
    &roman_numerals::RomanNumerals,
    &search::Search,
    &segmentation::Segmentation,
    &segments::Segments,
    &summary::Summary,
    &syncopation::Syncopation,
    &texture::Texture,
    &validate::Validate,
    &voice_leading::VoiceLeading,
];

/// The analysis of that name.
#[must_use]
pub fn find(name: &str) -> Option<&'static dyn Analysis> {
    ANALYSES.iter().find(|analysis| analysis.spec().name == name).copied()
}

/// Runs one analysis; a panic inside it is this finding's failure and nobody else's.
///
/// # Errors
/// What the analysis says, or `internal` for a panic.
pub fn run(analysis: &dyn Analysis, score: &Score, params: &Params) -> Result<Told, Failure> {
    catch_unwind(AssertUnwindSafe(|| analysis.run(score, params))).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message");
        let name = analysis.spec().name;
        Err(Failure::new(FailureKind::Internal, format!("analysis {name} panicked: {text}")))
    })
}

#[cfg(test)]
mod tests {
    use super::testing::{defaults, soprano};
    use super::*;

    /// An analysis with a defect.
    struct Defective;

    impl Analysis for Defective {
        fn spec(&self) -> &'static Spec {
            const SPEC: Spec = Spec {
                name: "defective",
                revision: 1,
                summary: "",
                params: &[],
                columns: &[],
                reference: "",
            };
            &SPEC
        }

        fn run(&self, score: &Score, _: &Params) -> Result<Told, Failure> {
            panic!("{} notes are too many", score.notes.len())
        }
    }

    #[test]
    fn a_panic_is_one_findings_failure_and_leaves_the_others_alone() {
        let score = soprano();
        let alone = |analysis: &&dyn Analysis| run(*analysis, &score, &defaults(*analysis));
        let before: Vec<_> = ANALYSES.iter().map(alone).collect();
        let failure = run(&Defective, &score, &Params::default()).unwrap_err();
        assert_eq!(failure.kind, FailureKind::Internal);
        assert_eq!(failure.message, "analysis defective panicked: 37 notes are too many");
        let after: Vec<_> = ANALYSES.iter().map(alone).collect();
        assert!(before.iter().all(Result::is_ok));
        assert_eq!(before, after);
        for (analysis, told) in ANALYSES.iter().zip(after) {
            let (spec, told) = (analysis.spec(), told.unwrap());
            let tree = told.tree().unwrap();
            for column in spec.columns {
                assert_eq!(
                    told.at(column.pointer),
                    tree.pointer(column.pointer),
                    "{}: {}",
                    spec.name,
                    column.name
                );
            }
        }
    }
}
