//! What REST takes, as types: the OpenAPI document is made of them.

use crate::plan::Choice;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use shared::dispatch::Lane;
use shared::failure::{Failure, FailureKind};
use std::collections::BTreeMap;
use utoipa::ToSchema;
use worker::read::{Fidelity, Grid, MidiOptions, MidiParts};
use worker::score::Repeats;

/// Sources that one request may name; folders and prefixes hold any number.
const SOURCES_MAX: usize = 1000;

/// A job to be.
#[derive(Clone, Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewJob {
    /// Folders, files, or URLs (`s3://bucket/prefix`, `https://host/score.mxl`), as the server sees them.
    #[serde(default)]
    #[schema(max_items = 1000, example = json!(["/data/scores"]))]
    pub(super) sources: Vec<String>,
    /// Handles of uploaded scores.
    #[serde(default)]
    #[schema(max_items = 1000, example = json!([]))]
    pub(super) scores: Vec<String>,
    /// Name of a corpus, for all uploaded scores in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(pattern = "^[a-z0-9_-][a-z0-9_.-]{0,63}$")]
    pub(super) corpus: Option<String>,
    /// Names of analyses, in the order of the table's columns; all of them where none is named.
    #[serde(default)]
    #[schema(example = json!(["key", "ambitus"]))]
    pub(super) analyses: Vec<String>,
    /// Parameters by analysis: `{"key": {"profile": "krumhansl_kessler"}}`.
    #[serde(default)]
    #[schema(value_type = BTreeMap<String, BTreeMap<String, ParamValue>>)]
    pub(super) parameters: BTreeMap<String, Map<String, Value>>,
    /// Whether to read and count as the source means it, or exactly as music21 10.5.1 does.
    #[serde(default)]
    pub(super) fidelity: FidelityName,
    /// Measures as they are written, as they are played, or so with each repeat once.
    #[serde(default)]
    pub(super) repeats: RepeatsName,
    /// Parts of a quarter note that the times of MIDI files are rounded to, such as `[4, 3]`.
    #[serde(default)]
    #[schema(max_items = 8)]
    pub(super) midi_grid: Vec<u16>,
    /// What makes a part of a MIDI file.
    #[serde(default)]
    pub(super) midi_parts: Option<MidiPartsName>,
    /// Whether a damaged score fails instead of giving a degraded row.
    #[serde(default)]
    pub(super) strict: bool,
    /// The lane: `interactive` goes before `bulk`.
    #[serde(default)]
    pub(super) lane: LaneName,
    /// URL that is told of the end of the job, signed by the Standard Webhooks scheme.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(pattern = "^https?://")]
    pub(super) callback: Option<String>,
}

/// A parameter's value.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(untagged)]
#[allow(dead_code, reason = "it describes what JSON values a parameter may have; the spec checks them")]
pub(super) enum ParamValue {
    /// A whole number.
    Number(i64),
    /// A word or text.
    Text(String),
}

/// How sources are read.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum FidelityName {
    #[default]
    Corrected,
    Compat,
}

/// Which measures count.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum RepeatsName {
    #[default]
    Written,
    Expanded,
    Once,
}

/// What makes a part.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum MidiPartsName {
    TrackChannel,
    Track,
    Channel,
}

/// A lane that clients may choose.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum LaneName {
    Interactive,
    #[default]
    Bulk,
}

impl From<RepeatsName> for Repeats {
    fn from(name: RepeatsName) -> Repeats {
        match name {
            RepeatsName::Written => Repeats::Written,
            RepeatsName::Expanded => Repeats::Expanded,
            RepeatsName::Once => Repeats::Once,
        }
    }
}

impl From<LaneName> for Lane {
    fn from(name: LaneName) -> Lane {
        match name {
            LaneName::Interactive => Lane::Interactive,
            LaneName::Bulk => Lane::Bulk,
        }
    }
}

impl NewJob {
    /// The choice of the same name, as the plan checks it.
    pub(super) fn choice(&self) -> Result<Choice, Failure> {
        let malformed = |message: String| Failure::new(FailureKind::Malformed, message);
        let named = self.sources.len() + self.scores.len() + usize::from(self.corpus.is_some());
        if !(1..=SOURCES_MAX).contains(&named) {
            let message = format!(
                "name 1 to {SOURCES_MAX} sources (files, folders, URLs), scores (handles) or a corpus, not {named}"
            );
            return Err(malformed(message));
        }
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let params = self.parameters.iter().flat_map(|(analysis, params)| {
            params.iter().map(move |(name, value)| (format!("{analysis}.{name}"), text(value)))
        });
        let grid = (!self.midi_grid.is_empty()).then(|| Grid::new(&self.midi_grid));
        Ok(Choice {
            analyses: self.analyses.clone(),
            params: params.collect(),
            fidelity: match self.fidelity {
                FidelityName::Corrected => Fidelity::Corrected,
                FidelityName::Compat => Fidelity::Compat,
            },
            strict: self.strict,
            repeats: self.repeats.into(),
            midi: MidiOptions {
                grid: grid.transpose().map_err(|why| malformed(format!("midi_grid: {why}")))?,
                parts: self.midi_parts.map(|parts| match parts {
                    MidiPartsName::TrackChannel => MidiParts::TrackChannel,
                    MidiPartsName::Track => MidiParts::Track,
                    MidiPartsName::Channel => MidiParts::Channel,
                }),
            },
        })
    }
}
