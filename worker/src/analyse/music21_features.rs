//! The 20 features that are music21's own, under its identifiers.

use super::features::{FIDELITY, Feature, LENGTHS, SIMULTANEITIES, answers, columns, material, width};
use super::{Analysis, Column, Params, Spec, Told};
use crate::score::Score;
use shared::failure::Failure;

const GROUPS: &[&[Feature]] = &[LENGTHS, SIMULTANEITIES];
static COLUMNS: [Column; width(GROUPS)] = columns(GROUPS);

static SPEC: Spec = Spec {
    name: "music21_features",
    revision: 1,
    summary: "The 20 features of music21 beside those of jSymbolic, under its identifiers: quality (P22), tonal certainty (K1), lengths (QL), simultaneities (CS), a Landini cadence (MC1), language (TX1).",
    params: &[FIDELITY],
    columns: &COLUMNS,
    reference: "music21 features.native; Cuthbert, Ariza and Friedland, Feature Extraction and Machine Learning on Symbolic Music using the music21 Toolkit (ISMIR 2011)",
};

/// The analysis.
pub(super) struct Music21Features;

impl Analysis for Music21Features {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn run(&self, score: &Score, params: &Params) -> Result<Told, Failure> {
        Ok(material(score, params, |material| answers(GROUPS, material))?.into())
    }
}
