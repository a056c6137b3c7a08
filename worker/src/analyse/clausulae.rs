//! Clausulae: cadences of Renaissance polyphony, by what single voices do in them.

mod roles;

use super::common::{Number, integer, number, ratio, text};
use super::meter::{grids, stated};
use super::sonorities::{Bars, PlaceRow, check_notes};
use super::voices::Voices;
use super::{Analysis, Params, Spec, Told};
use crate::score::{Fraction, Pitch, Score};
use roles::{Clausula, Role, clausulae};
use serde::Serialize;
use shared::failure::Failure;
use std::collections::BTreeMap;

static SPEC: Spec = Spec {
    name: "clausulae",
    revision: 2,
    summary: "Cadences of polyphony by voices, without chords or keys: a cantizans rises by step to a tone, against a tenorizans that falls by step to it or a bassizans that leaps to it, after a suspension on no weaker a place than its resolution, or to a long and strong note after which both voices rest; with altizans and plagal bassizans, and evaded where the other voice goes elsewhere after a suspension. A voice is a line without chords. Shares and tones are null where there are none.",
    params: &[],
    columns: &[
        integer("count", "/count", "clausula", "Clausulae of all kinds."),
        number(
            "per_100_measures",
            "/per_100_measures",
            "clausula per 100 measures",
            "Clausulae of all kinds.",
        ),
        integer(
            "authentic",
            "/counts/authentic",
            "clausula",
            "Cantizans and bassizans, with a tenorizans or without.",
        ),
        integer(
            "clausula_vera",
            "/counts/clausula_vera",
            "clausula",
            "Cantizans and tenorizans that falls by a tone.",
        ),
        integer(
            "phrygian",
            "/counts/phrygian",
            "clausula",
            "Cantizans and tenorizans that falls by a semitone.",
        ),
        integer(
            "double_leading_tone",
            "/counts/double_leading_tone",
            "clausula",
            "Cantizans and altizans that both rise by a semitone, the latter to the fifth.",
        ),
        integer(
            "evaded",
            "/counts/evaded",
            "clausula",
            "Cantizans after a suspension, and no other voice that reaches its tone.",
        ),
        number("suspended", "/suspended", "share", "Share with a suspension."),
        text(
            "commonest_tone",
            "/commonest_tone",
            "pitch class",
            "Tone of most clausulae that are not evaded; of several the first in the alphabet.",
        ),
        text("last_tone", "/last_tone", "pitch class", "Tone of the last one that is not evaded."),
    ],
    reference: "CRIM Intervals ImportedPiece.cvfs and cadences (Freedman, Morgan); Meier, Die Tonarten der klassischen Vokalpolyphonie (1974)",
};

/// The analysis.
pub(super) struct Clausulae;

/// Kinds, in the order of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Authentic,
    ClausulaVera,
    Phrygian,
    DoubleLeadingTone,
    Evaded,
}

/// A line, as rows name it by its index.
#[derive(Serialize)]
struct LineRow {
    part: u16,
    staff: u8,
    voice: Option<u8>,
}

/// Kind, onset, measure as printed, beat, tone of the cantizans, lowest tone that begins with it, roles as line and letter, whether there
/// is a suspension, place of the cantizans's tone.
#[derive(Serialize)]
struct Row(Kind, Fraction, Option<Number>, Fraction, Pitch, String, Vec<(usize, char)>, bool, PlaceRow);

#[derive(Serialize)]
struct Answer {
    count: usize,
    per_100_measures: Option<f64>,
    counts: BTreeMap<Kind, usize>,
    suspended: Option<f64>,
    commonest_tone: Option<String>,
    last_tone: Option<String>,
    lines: Vec<LineRow>,
    fields: [&'static str; 9],
    found: Vec<Row>,
}

impl Kind {
    const ALL: [Kind; 5] =
        [Kind::Authentic, Kind::ClausulaVera, Kind::Phrygian, Kind::DoubleLeadingTone, Kind::Evaded];

    /// By which voices take part. The bassizans makes it authentic whatever else there is.
    fn of(clausula: &Clausula) -> Self {
        let has = |role| clausula.roles.iter().any(|(_, other)| *other == role);
        if has(Role::Bassizans) {
            Kind::Authentic
        } else if has(Role::AltizansSharp) && has(Role::Tenorizans) {
            Kind::DoubleLeadingTone
        } else if has(Role::TenorizansPhrygian) {
            Kind::Phrygian
        } else if has(Role::Tenorizans) {
            Kind::ClausulaVera
        } else {
            Kind::Evaded
        }
    }
}

impl Analysis for Clausulae {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn run(&self, score: &Score, _: &Params) -> Result<Told, Failure> {
        check_notes(score)?;
        let voices = Voices::of(score);
        let (stated, part) = (stated(score), score.leading_part());
        let grids = grids(score, &stated);
        let bars = Bars::of(score, part, &grids);
        let all = clausulae(&voices, &|at| bars.strength(at))?;
        let kinds: Vec<Kind> = all.iter().map(Kind::of).collect();
        let name = |clausula: &Clausula| {
            let pitch = clausula.tone.pitch.to_string();
            pitch.trim_end_matches(|sign: char| sign.is_ascii_digit() || sign == '-').to_owned()
        };
        let mut tones: BTreeMap<String, usize> = BTreeMap::new();
        for (clausula, _) in all.iter().zip(&kinds).filter(|(_, kind)| **kind != Kind::Evaded) {
            *tones.entry(name(clausula)).or_default() += 1;
        }
        let last = all.iter().zip(&kinds).rev().find(|(_, kind)| **kind != Kind::Evaded);
        let count = |kind: Kind| kinds.iter().filter(|&&other| other == kind).count();
        let suspended = all.iter().filter(|clausula| clausula.suspended).count();
        let rows = all.iter().zip(&kinds).map(|(clausula, kind)| {
            let (measure, beat) = bars.at(clausula.tone.from);
            let roles = clausula.roles.iter().map(|(line, role)| (*line, role.letter()));
            Row(
                *kind,
                clausula.tone.from.fraction(),
                measure,
                beat,
                clausula.tone.pitch,
                clausula.lowest.to_string(),
                roles.collect(),
                clausula.suspended,
                PlaceRow(clausula.tone.place),
            )
        });
        let lines = voices.singers.iter();
        let lines = lines.map(|line| LineRow { part: line.part, staff: line.staff, voice: line.voice });
        Told::of(&Answer {
            count: all.len(),
            per_100_measures: ratio(all.len() as f64 * 100.0, score.measures_of(part).len() as f64),
            counts: Kind::ALL.into_iter().map(|kind| (kind, count(kind))).collect(),
            suspended: ratio(suspended as f64, all.len() as f64),
            commonest_tone: tones.iter().rev().max_by_key(|(_, count)| **count).map(|(tone, _)| tone.clone()),
            last_tone: last.map(|(clausula, _)| name(clausula)),
            lines: lines.collect(),
            fields: ["kind", "onset", "measure", "beat", "tone", "lowest", "roles", "suspension", "place"],
            found: rows.collect(),
        })
    }
}

#[cfg(test)]
mod tests;
