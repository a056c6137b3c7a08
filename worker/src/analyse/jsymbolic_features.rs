//! The 72 features of jSymbolic that music21 has, under their published identifiers.

use super::features::{
    FIDELITY, Feature, INSTRUMENTS, MELODY, METERS, PITCHES, RHYTHM, TEXTURE, answers, columns, material,
    width,
};
use super::{Analysis, Column, Params, Spec, Told};
use crate::score::Score;
use shared::failure::Failure;

const GROUPS: &[&[Feature]] = &[MELODY, PITCHES, RHYTHM, METERS, TEXTURE, INSTRUMENTS];
static COLUMNS: [Column; width(GROUPS)] = columns(GROUPS);

static SPEC: Spec = Spec {
    name: "jsymbolic_features",
    revision: 1,
    summary: "The 72 features of jSymbolic that music21 has, under their identifiers: melody (M), pitch (P), rhythm and meter (R), texture (T), instruments (I). M1, P19, I1 and I3 have 128 dimensions and stand in the detail, as pairs of index and value.",
    params: &[FIDELITY],
    columns: &COLUMNS,
    reference: "McKay, Automatic Genre Classification of MIDI Recordings (2004), and the manual of jSymbolic 2.2 (2018); music21 features.jSymbolic",
};

/// The analysis.
pub(super) struct JsymbolicFeatures;

impl Analysis for JsymbolicFeatures {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn run(&self, score: &Score, params: &Params) -> Result<Told, Failure> {
        Ok(material(score, params, |material| answers(GROUPS, material))?.into())
    }
}
