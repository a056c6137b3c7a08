//! Search: where a tune, a contour or a rhythm stands in the melodies of a score.

mod find;
mod query;

use super::common::{Number, integer, text};
use super::melody::{Melody, Name, RESTS, Spot, Spots, melodies};
use super::meter::{grids, stated};
use super::sonorities::{check_findings, check_notes};
use super::viewpoint::Clock;
use super::{Analysis, Param, Params, Range, Spec, Told};
use crate::score::{Pitch, Score};
use find::find;
use query::{GRAMMAR, Query};
use serde::Serialize;
use shared::failure::{Failure, FailureKind};

static SPEC: Spec = Spec {
    name: "search",
    revision: 2,
    summary: "Where what is asked for stands in the melodies (lines with ties merged, of notes that begin together the highest). Intervals, contours and rhythms are found at any pitch and speed. With edits, of places that overlap the nearest is told.",
    params: &[
        Param {
            name: "query",
            unit: "",
            summary: "What is searched; if nothing is said, B A C H at any pitch.",
            range: Range::Text { grammar: GRAMMAR, default: "-1 +3 -1", check: Query::check },
        },
        Param {
            name: "edits",
            unit: "element",
            summary: "How many elements of the query (intervals, notes, ratios of durations) may be left out, put in or changed; less than it has. A note that differs changes two intervals.",
            range: Range::Integer { min: 0, max: 8, default: 0 },
        },
        RESTS,
    ],
    columns: &[
        integer("count", "/count", "place", "Places where it stands."),
        integer("exact", "/exact", "place", "Those without an edit."),
        integer("melodies", "/with", "melody", "Melodies in which it stands."),
        integer("fewest_edits", "/fewest_edits", "element", "Edits of the nearest place."),
        text(
            "first_measure",
            "/first_measure",
            "measure",
            "The measure of the first melody's first place, as printed.",
        ),
    ],
    reference: "Sellers, J. Algorithms 1 (1980), for the edits; Parsons, The Directory of Tunes and Musical Themes (1975), for contours; music21 search.noteNameSearch and search.streamSearchBase find the exact ones of note names",
};

/// The analysis.
pub(super) struct Search;

#[derive(Serialize)]
struct Answer {
    count: u64,
    exact: u64,
    with: usize,
    fewest_edits: Option<u32>,
    first_measure: Option<Number>,
    melodies: Vec<Name>,
    fields: [&'static str; 5],
    /// Melody; measure as printed, beat and place of the first note; its name; notes; edits.
    places: Vec<Place>,
}

#[derive(Serialize)]
struct Place(usize, Spot, Pitch, usize, u32);

impl Analysis for Search {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn run(&self, score: &Score, params: &Params) -> Result<Told, Failure> {
        check_notes(score)?;
        let malformed = |why| Failure::new(FailureKind::Malformed, format!("search: query: {why}"));
        let query = Query::parse(params.word("query")).map_err(malformed)?;
        let edits = u32::try_from(params.integer("edits")).unwrap_or(0);
        if edits as usize >= query.len() {
            let message = format!(
                "search: with edits={edits} anything is near a query of {} elements: less than that can be edited",
                query.len()
            );
            return Err(Failure::new(FailureKind::Malformed, message));
        }
        let clock = Clock::of(score.division);
        let melodies = melodies(score);
        let stated = stated(score);
        let grids = grids(score, &stated);
        let mut spots = Spots::new(score, &grids);
        let (mut count, mut exact, mut with, mut fewest) = (0, 0, 0, None::<u32>);
        let mut places: Vec<Place> = Vec::new();
        for (index, melody) in melodies.iter().enumerate() {
            let before = count;
            for run in melody.runs(params) {
                for found in find(&query, run, clock, edits) {
                    count += 1;
                    exact += u64::from(found.edits == 0);
                    fewest = Some(fewest.map_or(found.edits, |fewest| fewest.min(found.edits)));
                    if let Some(note) = run.get(found.from) {
                        let spot = spots.of(melody.part, note);
                        let notes = found.to - found.from;
                        places.push(Place(index, spot, note.pitch, notes, found.edits));
                    }
                }
            }
            check_findings(places.len())?;
            with += usize::from(count > before);
        }
        Told::of(&Answer {
            count,
            exact,
            with,
            fewest_edits: fewest,
            first_measure: places.first().and_then(|Place(_, spot, ..)| spot.measure().cloned()),
            melodies: melodies.iter().map(Melody::name).collect(),
            fields: ["melody", "place", "note", "notes", "edits"],
            places,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{line, score, soprano};
    use super::*;
    use serde_json::{Value, json};

    fn ask(score: &Score, given: Value) -> Result<Value, Failure> {
        Search.run(score, &SPEC.check(given.as_object().unwrap())?)?.tree()
    }

    #[test]
    fn bach_is_found_at_any_pitch_and_told_with_its_place() {
        let keys = [70, 69, 72, 71, 60, 64, 63, 66, 65].map(|key| (Some(key), (1, 1)));
        let score = score(1, line(&keys));
        let answer = ask(&score, json!({})).unwrap();
        assert_eq!((&answer["count"], &answer["exact"], &answer["with"]), (&json!(2), &json!(2), &json!(1)));
        let names: Vec<&Value> = answer["places"].as_array().unwrap().iter().map(|place| &place[2]).collect();
        assert_eq!(names, ["Bb4", "E4"]);
        assert_eq!(ask(&score, json!({ "query": "Bb A C B" })).unwrap()["count"], 1);
    }

    /// By hand in BWV 66.6: A B C# opens measures 5 and 6 and follows on the pickup C# B in measure 1; with its F sharp
    /// tied over, F# E# F# ends it.
    #[test]
    fn bwv_66_6() {
        let answer = ask(&soprano(), json!({ "query": "A B C#" })).unwrap();
        let measures: Vec<&Value> =
            answer["places"].as_array().unwrap().iter().map(|place| &place[1][0]).collect();
        assert_eq!(measures, ["1", "5", "6"]);
        assert_eq!(ask(&soprano(), json!({ "query": "rhythm: 2 2 1 1 2" })).unwrap()["count"], 1);
        assert_eq!(ask(&soprano(), json!({ "query": "-1 +1" })).unwrap()["first_measure"], "9");
    }

    #[test]
    fn a_bad_query_is_refused_and_says_what_would_be_right() {
        let failure = ask(&soprano(), json!({ "query": "2 2" })).unwrap_err();
        assert_eq!(failure.kind, FailureKind::Malformed);
        assert!(failure.message.contains("query is semitones") && failure.message.contains("+2 is one up"));
        let failure = ask(&soprano(), json!({ "query": "+2 +2", "edits": 2 })).unwrap_err();
        assert!(failure.message.contains("edits=2"), "{failure}");
    }
}
