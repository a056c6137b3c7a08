//! What all features of a score are taken from, worked out once for both families.

use super::super::key;
use super::super::sonorities::check_notes;
use super::instruments::Instruments;
use super::language::Language;
use super::lengths::{Lengths, class_lengths};
use super::melody::Melody;
use super::meters::Meters;
use super::pitches::Pitches;
use super::rhythm::Rhythm;
use super::simultaneities::Simultaneities;
use super::{FIDELITY, compat, corrected};
use crate::analyse::Params;
use crate::score::Score;
use shared::failure::Failure;
use std::sync::Arc;

/// The counts of a score.
#[derive(Debug)]
pub(in crate::analyse) struct Material {
    /// Whether they are as music21 has them.
    pub(super) as_music21: bool,
    pub(super) pitches: Pitches,
    pub(super) melody: Melody,
    pub(super) rhythm: Rhythm,
    pub(super) meters: Meters,
    pub(super) instruments: Instruments,
    pub(super) chords: Simultaneities,
    pub(super) lengths: Lengths,
    pub(super) language: Language,
    /// Whether the likeliest key is minor, and how certain it is.
    pub(super) key: Option<(bool, f64)>,
}

/// The material of one fidelity; the number makes a type of each, so that a score keeps both apart.
struct Kept<const AS_MUSIC21: bool>(Result<Material, Failure>);

/// The material of a score, made once.
///
/// # Errors
/// `too_large` for a piece of too many notes or slices.
pub(in crate::analyse) fn material<T>(
    score: &Score,
    params: &Params,
    tell: impl FnOnce(&Material) -> T,
) -> Result<T, Failure> {
    fn told<const AS_MUSIC21: bool, T>(
        score: &Score,
        tell: impl FnOnce(&Material) -> T,
    ) -> Result<T, Failure> {
        let kept: Arc<Kept<AS_MUSIC21>> = score.derived(|score| Kept(Material::of(score, AS_MUSIC21)));
        kept.0.as_ref().map(tell).map_err(Clone::clone)
    }
    match params.word(FIDELITY.name) {
        "compat" => told::<true, T>(score, tell),
        _ => told::<false, T>(score, tell),
    }
}

impl Material {
    fn of(score: &Score, as_music21: bool) -> Result<Self, Failure> {
        check_notes(score)?;
        let sounds = if as_music21 { compat::sounds(score) } else { corrected::sounds(score) };
        let pitches = Pitches::of(&sounds, as_music21);
        Ok(Material {
            as_music21,
            melody: Melody::of(&sounds, as_music21),
            rhythm: Rhythm::of(score, &sounds, as_music21),
            meters: Meters::of(score, as_music21),
            instruments: Instruments::of(score, &sounds, pitches.total(), as_music21),
            chords: Simultaneities::of(score, &sounds, as_music21)?,
            lengths: Lengths::of(&sounds, as_music21),
            language: Language::of(score, as_music21),
            key: key::certainty(&class_lengths(&sounds)),
            pitches,
        })
    }
}
