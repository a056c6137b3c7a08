//! Conservation: what the source declares against what was read.

use super::common::integer;
use super::{Analysis, Params, Spec, Told};
use crate::score::{Score, Unit};
use serde_json::{Map, json};
use shared::failure::Failure;

static SPEC: Spec = Spec {
    name: "conservation",
    revision: 1,
    summary: "How many notes, rests, measures and parts the source declares by a count of its own, how many were read, and what was odd; null where the reader cannot count independently.",
    params: &[],
    columns: &[
        integer("notes", "/units/notes/read", "note", "Notes read, grace and unpitched ones included."),
        integer("notes_declared", "/units/notes/declared", "note", "Notes that the source holds."),
        integer("notes_lost", "/units/notes/lost", "note", "Declared less read."),
        integer("rests", "/units/rests/read", "rest", "Rests read."),
        integer("rests_declared", "/units/rests/declared", "rest", "Rests that the source holds."),
        integer("rests_lost", "/units/rests/lost", "rest", "Declared less read."),
        integer("measures", "/units/measures/read", "measure", "Measures read, summed over the parts."),
        integer(
            "measures_declared",
            "/units/measures/declared",
            "measure",
            "Measures that the source holds.",
        ),
        integer("measures_lost", "/units/measures/lost", "measure", "Declared less read."),
        integer("parts", "/units/parts/read", "part", "Parts read."),
        integer("parts_declared", "/units/parts/declared", "part", "Parts that the source holds."),
        integer("parts_lost", "/units/parts/lost", "part", "Declared less read."),
        integer("warnings", "/warnings", "warning", "How much was odd without loss."),
        integer("degraded", "/degraded", "0 or 1", "1 if something could not be read."),
    ],
    reference: "Ripieno's own: score::Unit",
};

/// The analysis.
pub(super) struct Conservation;

impl Analysis for Conservation {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn run(&self, score: &Score, _: &Params) -> Result<Told, Failure> {
        let mut units = Map::new();
        for (unit, count) in Unit::ALL.iter().zip(score.conservation) {
            let lost = count.declared.map(|declared| i128::from(declared) - i128::from(count.read));
            let lost = lost.map(|lost| i64::try_from(lost).unwrap_or(i64::MAX));
            let row = json!({ "declared": count.declared, "read": count.read, "lost": lost });
            units.insert(unit.name().to_owned(), row);
        }
        Ok(json!({
            "units": units,
            "warnings": score.warning_count,
            "degraded": u8::from(score.damage.is_some()),
            "damage": score.damage,
        })
        .into())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{ask, line, score};
    use super::*;
    use crate::score::Event;
    use shared::place::Place;

    #[test]
    fn a_lost_note_is_counted_and_warned_of() {
        let damage = Failure::malformed(Place::line(3, 1), "no pitch");
        let mut events = line(&[(Some(60), (1, 1))]);
        events.push(Event::Declared(Unit::Notes, 2));
        events.push(Event::Damage(&damage));
        let answer = ask(&Conservation, &score(1, events));
        assert_eq!(answer["units"]["notes"], json!({ "declared": 2, "read": 1, "lost": 1 }));
        assert_eq!(answer["units"]["rests"], json!({ "declared": null, "read": 0, "lost": null }));
        assert_eq!((&answer["warnings"], &answer["degraded"]), (&json!(1), &json!(1)));
        assert_eq!(answer["damage"]["message"], "no pitch");
    }
}
