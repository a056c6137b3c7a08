//! Cadences: where phrases come to rest, of which kind, and what speaks for it.

mod candidates;
mod evidence;
mod scene;
mod spans;
mod weights;

use super::common::{Number, integer, number, ratio, text};
use super::harmony::reading;
use super::meter::{grids, stated};
use super::sonorities::{Bars, PlaceRow};
use super::{Analysis, Param, Params, Range, Spec, Told};
use crate::score::{Fraction, Score};
use candidates::{Candidate, candidates};
use evidence::Sign;
use scene::Scene;
use serde::Serialize;
use shared::failure::Failure;
use spans::spans;
use std::collections::BTreeMap;

static SPEC: Spec = Spec {
    name: "cadences",
    revision: 4,
    summary: "Where phrases come to rest: perfect and imperfect authentic, half, deceptive, plagal and evaded cadences, by the chords and keys of `harmony`, the outer voices, the place in the measure and what ends there (rests, long notes, fermatas, slurs, sections); each with its place, key, chords, degrees of soprano and bass, certainty and evidence. Of what lies less than a measure apart the surest counts. Shares and texts are null where there are none.",
    params: &[Param {
        name: "confidence",
        unit: "per cent",
        summary: "How certain a cadence must be to count; 0 lists every arrival that has the chords of one.",
        range: Range::Integer { min: 0, max: 100, default: 50 },
    }],
    columns: &[
        integer("count", "/count", "cadence", "Cadences of all kinds."),
        number(
            "per_100_measures",
            "/per_100_measures",
            "cadence per 100 measures",
            "Cadences of all kinds, over the measures of the part that has most.",
        ),
        integer("pac", "/counts/PAC", "cadence", "Perfect authentic cadences."),
        integer("iac", "/counts/IAC", "cadence", "Imperfect authentic cadences."),
        integer("hc", "/counts/HC", "cadence", "Half cadences."),
        integer("dc", "/counts/DC", "cadence", "Deceptive cadences."),
        integer("pc", "/counts/PC", "cadence", "Plagal cadences."),
        integer("ec", "/counts/EC", "cadence", "Evaded cadences."),
        number("authentic", "/authentic", "share", "Perfect and imperfect authentic cadences over all."),
        text("last", "/last", "kind", "Kind of the last cadence."),
        text("keys", "/keys", "key", "Keys of authentic cadences, each once, in the order of their first."),
    ],
    reference: "Caplin, Classical Form (1998), and The Classical Cadence, JAMS 57 (2004); weights fitted on annotations of the Digital and Cognitive Musicology Lab, see docs/accuracy.md",
};

/// The analysis.
pub(super) struct Cadences;

/// Arrivals that compete for the same signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Family {
    Authentic,
    Half,
    Deceptive,
    Plagal,
    Evaded,
}

/// The kinds, in the order of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "UPPERCASE")]
enum Kind {
    Pac,
    Iac,
    Hc,
    Dc,
    Pc,
    Ec,
}

/// Kind, onset, measure as printed, beat, key, chords before and at the arrival, degree of the soprano, degrees of the bass
/// before and at the arrival, certainty in per cent, evidence, place of the arriving chord.
#[derive(Serialize)]
struct Row(
    Kind,
    Fraction,
    Option<Number>,
    Fraction,
    String,
    (String, String),
    Option<&'static str>,
    Option<(&'static str, &'static str)>,
    u8,
    Vec<&'static str>,
    PlaceRow,
);

#[derive(Serialize)]
struct Answer {
    count: usize,
    per_100_measures: Option<f64>,
    counts: BTreeMap<Kind, usize>,
    authentic: Option<f64>,
    last: Option<Kind>,
    keys: Option<String>,
    fields: [&'static str; 11],
    cadences: Vec<Row>,
}

impl Kind {
    const ALL: [Kind; 6] = [Kind::Pac, Kind::Iac, Kind::Hc, Kind::Dc, Kind::Pc, Kind::Ec];

    fn of(candidate: &Candidate) -> Self {
        let has = |sign| candidate.evidence.has(sign);
        match candidate.family {
            Family::Authentic
                if has(Sign::SopranoRoot) && has(Sign::RootBefore) && !has(Sign::LeadingBefore) =>
            {
                Kind::Pac
            }
            Family::Authentic => Kind::Iac,
            Family::Half => Kind::Hc,
            Family::Deceptive => Kind::Dc,
            Family::Plagal => Kind::Pc,
            Family::Evaded => Kind::Ec,
        }
    }
}

/// The degree of the scale that so many semitones above the tonic are.
fn degree(semitones: usize, minor: bool) -> Option<&'static str> {
    const MAJOR: [&str; 12] = ["1", "b2", "2", "b3", "3", "4", "#4", "5", "b6", "6", "b7", "7"];
    const MINOR: [&str; 12] = ["1", "b2", "2", "3", "#3", "4", "#4", "5", "6", "#6", "7", "#7"];
    (if minor { MINOR } else { MAJOR }).get(semitones).copied()
}

/// Of what lies less than a measure apart the surest, unless both have a fermata.
fn chosen(all: Vec<Candidate>, least: u8, scene: &Scene<'_>) -> Vec<Candidate> {
    let mut chosen: Vec<Candidate> = Vec::new();
    for candidate in all.into_iter().filter(|candidate| candidate.confidence >= least.max(1)) {
        let (bar, _) = scene.spans(candidate.at);
        let near = |other: &Candidate| {
            let both = other.evidence.has(Sign::Fermata) && candidate.evidence.has(Sign::Fermata);
            candidate.at - other.at < bar && (!both || other.at == candidate.at)
        };
        match chosen.last_mut().filter(|last| near(last)) {
            Some(last) if last.confidence >= candidate.confidence => {}
            Some(last) => *last = candidate,
            None => chosen.push(candidate),
        }
    }
    chosen
}

impl Analysis for Cadences {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn run(&self, score: &Score, params: &Params) -> Result<Told, Failure> {
        let reading = reading(score)?;
        let (stated, part) = (stated(score), score.leading_part());
        let grids = grids(score, &stated);
        let bars = Bars::of(score, part, &grids);
        let scene = Scene::of(score, grids.get(usize::from(part)));
        let spans = spans(&reading.chords);
        let least = u8::try_from(params.integer("confidence")).unwrap_or(0);
        let all = candidates(&scene, &spans);
        let chosen = if least == 0 { all } else { chosen(all, least, &scene) };
        let kinds: Vec<Kind> = chosen.iter().map(Kind::of).collect();
        let count = |kind: Kind| kinds.iter().filter(|&&other| other == kind).count();
        let rows = chosen.iter().filter_map(|candidate| {
            let span = spans.get(candidate.span)?;
            let before = spans.get(candidate.span.checked_sub(1)?)?;
            let chord = |index: usize| reading.chords.get(index);
            let figure =
                |index| chord(index).map_or_else(String::new, |chord| chord.figure_in(candidate.key));
            let (measure, beat) = bars.at(candidate.at);
            let (tonic, minor) = (candidate.key % 12, candidate.key >= 12);
            let of_class = |class: usize| degree((class + 12 - tonic) % 12, minor);
            let of_key = |key: Option<i32>| of_class(usize::try_from(key?.rem_euclid(12)).ok()?);
            Some(Row(
                Kind::of(candidate),
                candidate.at.fraction(),
                measure,
                beat,
                reading.spelling.key(candidate.key),
                (figure(before.chords.1), figure(span.chords.0)),
                candidate.outer.soprano.and_then(of_class),
                of_key(candidate.outer.bass.0).zip(of_key(candidate.outer.bass.1)),
                candidate.confidence,
                candidate.evidence.signs().map(Sign::name).collect(),
                PlaceRow(span.place),
            ))
        });
        let mut keys: Vec<String> = Vec::new();
        for candidate in chosen.iter().filter(|candidate| candidate.family == Family::Authentic) {
            let key = reading.spelling.key(candidate.key);
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
        let measures = score.measures_of(part).len();
        Told::of(&Answer {
            count: kinds.len(),
            per_100_measures: ratio(kinds.len() as f64 * 100.0, measures as f64),
            counts: Kind::ALL.into_iter().map(|kind| (kind, count(kind))).collect(),
            authentic: ratio((count(Kind::Pac) + count(Kind::Iac)) as f64, kinds.len() as f64),
            last: kinds.last().copied(),
            keys: (!keys.is_empty()).then(|| keys.join(", ")),
            fields: [
                "kind",
                "onset",
                "measure",
                "beat",
                "key",
                "chords",
                "soprano",
                "bass",
                "confidence",
                "evidence",
                "place",
            ],
            cadences: rows.collect(),
        })
    }
}
