//! Functions: what each chord does in its key, and how one function leads to another.

mod label;

use super::common::{integer, number, ratio};
use super::harmony::{ReadChord, reading};
use super::{Analysis, Param, Params, Range, Spec, Told};
use crate::score::{Fraction, Score};
use label::{Function, Group};
use serde::Serialize;
use shared::failure::Failure;
use std::collections::BTreeMap;

static SPEC: Spec = Spec {
    name: "functions",
    revision: 3,
    summary: "The function of each chord of `harmony` in its local key, as one of 18 labels (T, S, D, each with its parallel and its Gegenklang, small letters for minor), and how functions follow one another. Shares are of the time of all chords. Null where nothing sounds.",
    params: &[Param {
        name: "fidelity",
        unit: "",
        summary: "`compat` is music21's table, by degree only; `corrected` also reads diminished, augmented and applied chords and the cadential six-four.",
        range: Range::Choice(&["corrected", "compat"]),
    }],
    columns: &[
        number("tonic", "/shares/tonic", "share", "Time of tonics, their parallels and Gegenklänge."),
        number("subdominant", "/shares/subdominant", "share", "Time of subdominants of all kinds."),
        number("dominant", "/shares/dominant", "share", "Time of dominants of all kinds."),
        number(
            "applied",
            "/shares/applied",
            "share",
            "Time of dominants of other degrees and augmented sixths.",
        ),
        number("none", "/shares/none", "share", "Time of chords without a function."),
        integer(
            "cycles",
            "/cycles",
            "cycle",
            "Ways from tonic over subdominant and dominant to tonic in one key; what leads to the dominant counts as subdominant.",
        ),
        integer(
            "short_cycles",
            "/short_cycles",
            "cycle",
            "Ways from tonic over dominant to tonic in one key.",
        ),
        integer(
            "plagal_cycles",
            "/plagal_cycles",
            "cycle",
            "Ways from tonic over subdominant to tonic in one key.",
        ),
        integer(
            "retrogressions",
            "/retrogressions",
            "change",
            "Steps from a dominant back to a subdominant in one key.",
        ),
    ],
    reference: "music21 analysis.harmonicFunction.romanToFunction; Riemann, Vereinfachte Harmonielehre (1893)",
};

/// The analysis.
pub(super) struct Functions;

/// A chord and its function: onset, key, figure, label, group.
#[derive(Serialize)]
struct Row<'a>(Fraction, String, &'a str, Option<&'static str>, Option<Group>);

#[derive(Serialize)]
struct Answer<'a> {
    shares: BTreeMap<&'static str, Option<f64>>,
    cycles: Option<usize>,
    short_cycles: Option<usize>,
    plagal_cycles: Option<usize>,
    retrogressions: Option<usize>,
    /// `[[from, to, how often], …]`, within one key.
    changes: Vec<(Group, Group, u64)>,
    fields: [&'static str; 5],
    chords: Vec<Row<'a>>,
}

impl Analysis for Functions {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn run(&self, score: &Score, params: &Params) -> Result<Told, Failure> {
        let reading = reading(score)?;
        let compat = params.word("fidelity") == "compat";
        let nexts = reading.chords.iter().skip(1).map(Some).chain([None]);
        let functions: Vec<Function> = reading
            .chords
            .iter()
            .zip(nexts)
            .map(
                |(chord, next)| if compat { label::as_music21(chord) } else { label::corrected(chord, next) },
            )
            .collect();
        let whole: f64 = reading.chords.iter().map(ReadChord::quarters).sum();
        let share = |group: Option<Group>| {
            let chords =
                reading.chords.iter().zip(&functions).filter(|(_, function)| function.group == group);
            ratio(chords.fold(0.0, |sum, (chord, _)| sum + chord.quarters()), whole)
        };
        let groups = [
            ("tonic", Some(Group::Tonic)),
            ("subdominant", Some(Group::Subdominant)),
            ("dominant", Some(Group::Dominant)),
            ("applied", Some(Group::Applied)),
            ("none", None),
        ];
        let ways = ways(&reading.chords, &functions);
        let count = |way: &[Group]| {
            let windows =
                ways.iter().map(|steps| steps.windows(way.len()).filter(|steps| *steps == way).count());
            (!reading.chords.is_empty()).then(|| windows.sum())
        };
        let mut changes: BTreeMap<(Group, Group), u64> = BTreeMap::new();
        for pair in ways.iter().flat_map(|steps| steps.windows(2)) {
            if let [from, to] = pair {
                *changes.entry((*from, *to)).or_default() += 1;
            }
        }
        let (t, s, d) = (Group::Tonic, Group::Subdominant, Group::Dominant);
        let rows = reading.chords.iter().zip(&functions).map(|(chord, function)| {
            let key = reading.spelling.key(chord.key);
            Row(chord.onset.fraction(), key, &chord.figure, function.label, function.group)
        });
        Told::of(&Answer {
            shares: groups.into_iter().map(|(name, group)| (name, share(group))).collect(),
            cycles: count(&[t, s, d, t]),
            short_cycles: count(&[t, d, t]),
            plagal_cycles: count(&[t, s, t]),
            retrogressions: count(&[d, s]),
            changes: changes.into_iter().map(|((from, to), count)| (from, to, count)).collect(),
            fields: ["onset", "key", "figure", "label", "group"],
            chords: rows.collect(),
        })
    }
}

/// For each stretch in one key its functions, each once until another follows. Applied chords that lead to the dominant
/// stand for subdominants; others, and chords without a function, are passed over.
fn ways(chords: &[ReadChord], functions: &[Function]) -> Vec<Vec<Group>> {
    let both: Vec<(&ReadChord, &Function)> = chords.iter().zip(functions).collect();
    let stretches = both.chunk_by(|a, b| a.0.key == b.0.key);
    let ways = stretches.map(|stretch| {
        let mut steps: Vec<Group> = stretch.iter().filter_map(|(_, function)| function.step()).collect();
        steps.dedup();
        steps
    });
    ways.collect()
}

#[cfg(test)]
mod tests;
