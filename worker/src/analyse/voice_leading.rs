//! Voice leading: how each two voices move against each other, and what a teacher would mark.

mod findings;
mod moments;
mod quartet;

use super::common::{FIDELITY, integer, number, ratio};
use super::meter::{grids, stated};
use super::sonorities::{Bars, check_notes};
use super::{Analysis, Params, Spec, Told};
use crate::score::{Fraction, Pitch, Score, Ticks};
use findings::{Kind, Row, Rows};
use moments::{Moment, Step, Voice, aligned, as_music21, pitches};
use quartet::{Motion, Perfect, Quartet};
use serde::Serialize;
use shared::failure::Failure;
use shared::limits::{VOICE_FINDINGS_MAX, VOICE_PAIRS_MAX, exceeded};
use std::collections::BTreeMap;

static SPEC: Spec = Spec {
    name: "voice_leading",
    revision: 3,
    summary: "Each two voices at each moment at which one of them moves on without a rest: how they move against each other, and each parallel, hidden consonance, crossing, overlap and improper resolution with its place. A voice is a line (staff, or voice where a staff has several), ties merged; of chords in it the highest and the lowest notes are two voices. The voice that stands higher in the score counts as the upper one.",
    params: &[FIDELITY],
    columns: &[
        integer("pairs", "/pairs", "pair of voices", "Pairs of voices compared, at all moments."),
        integer(
            "parallel_fifths",
            "/counts/parallel_fifth",
            "finding",
            "Perfect fifths one after the other, octaves aside, contrary motion by octaves too.",
        ),
        integer(
            "parallel_octaves",
            "/counts/parallel_octave",
            "finding",
            "Perfect octaves one after the other, or octaves and unisons in contrary motion.",
        ),
        integer(
            "parallel_unisons",
            "/counts/parallel_unison",
            "finding",
            "Perfect unisons one after the other, in similar motion.",
        ),
        integer(
            "hidden_fifths",
            "/counts/hidden_fifth",
            "finding",
            "Perfect fifths reached in similar motion.",
        ),
        integer(
            "hidden_octaves",
            "/counts/hidden_octave",
            "finding",
            "Perfect octaves and unisons reached in similar motion.",
        ),
        integer(
            "crossings",
            "/counts/crossing",
            "finding",
            "Moves after which the upper voice is the lower.",
        ),
        integer("overlaps", "/counts/overlap", "finding", "Moves past where the other voice has just been."),
        integer(
            "improper_resolutions",
            "/counts/improper_resolution",
            "finding",
            "Augmented fourths, diminished fifths and minor sevenths that do not go where they should, and fourths above the lowest part whose upper note rises.",
        ),
        number("parallel", "/motions/parallel", "share", "Pairs in parallel motion."),
        number("similar", "/motions/similar", "share", "Pairs in similar motion other than parallel."),
        number("contrary", "/motions/contrary", "share", "Pairs in contrary motion."),
        number("oblique", "/motions/oblique", "share", "Pairs of which one moves."),
    ],
    reference: "music21 voiceLeading.VoiceLeadingQuartet and tree.verticality.Verticality.getAllVoiceLeadingQuartets",
};

/// The analysis.
pub(super) struct VoiceLeading;

#[derive(Serialize)]
struct Answer {
    pairs: u64,
    counts: BTreeMap<Kind, u64>,
    motions: BTreeMap<&'static str, Option<f64>>,
    voices: Vec<Voice>,
    fields: [&'static str; 5],
    /// All that is found, moment by moment.
    findings: Vec<Row>,
    /// What music21 10.5.1 finds, once without and once with what follows after a rest.
    compat: Option<Compat>,
}

#[derive(Default, Serialize)]
struct Compat {
    norest: Quartets,
    withrest: Quartets,
}

/// Rows of onset, voices, `P5`, `P8` or `P1`, and `similar` or `anti`.
#[derive(Default, Serialize)]
struct Quartets {
    quartets: u64,
    rows: Vec<(Fraction, usize, usize, &'static str, &'static str)>,
}

impl Analysis for VoiceLeading {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn run(&self, score: &Score, params: &Params) -> Result<Told, Failure> {
        Told::of(&Answer::of(score, params)?)
    }
}

impl Answer {
    fn of(score: &Score, params: &Params) -> Result<Self, Failure> {
        check_notes(score)?;
        let written = params.word(FIDELITY.name) == "compat";
        let (voices, moments) = if written { as_music21(score) } else { aligned(score) };
        let stated = stated(score);
        let grids = grids(score, &stated);
        let bars = Bars::of(score, if written { 0 } else { score.leading_part() }, &grids);
        let lowest = voices.last().map_or(0, |voice| voice.part);
        let mut report = Report {
            written,
            bars,
            lowest,
            voices: &voices,
            pairs: 0,
            motions: BTreeMap::new(),
            counts: Kind::ALL.into_iter().map(|kind| (kind, 0)).collect(),
            rows: Vec::new(),
            compat: Compat::default(),
        };
        for moment in &moments {
            report.add(moment)?;
        }
        let Report { pairs, motions, counts, rows, compat, .. } = report;
        let share = |motion| ratio(motions.get(&motion).copied().unwrap_or(0) as f64, pairs as f64);
        let names = [
            ("parallel", Motion::Parallel),
            ("similar", Motion::Similar),
            ("contrary", Motion::Contrary),
            ("oblique", Motion::Oblique),
        ];
        let motions = names.into_iter().map(|(name, motion)| (name, share(motion))).collect();
        Ok(Answer {
            pairs,
            counts,
            motions,
            fields: ["onset", "measure", "beat", "steps", "found"],
            findings: rows,
            compat: written.then_some(compat),
            voices: voices.clone(),
        })
    }
}

/// What is found, in the making.
struct Report<'a> {
    written: bool,
    bars: Bars<'a>,
    /// The part that stands lowest in the score.
    lowest: u16,
    voices: &'a [Voice],
    pairs: u64,
    motions: BTreeMap<Motion, u64>,
    counts: BTreeMap<Kind, u64>,
    rows: Vec<Row>,
    compat: Compat,
}

impl Report<'_> {
    fn add(&mut self, moment: &Moment<'_>) -> Result<(), Failure> {
        let steps: Vec<(&Step<'_>, (Pitch, Pitch))> =
            moment.steps.iter().map(|step| (step, pitches(step, self.written))).collect();
        let outer = (steps.first().map(|(step, _)| step.voice), steps.last().map(|(step, _)| step.voice));
        let mut rows = Rows::default();
        for (index, (upper, high)) in steps.iter().enumerate() {
            for (below, (lower, low)) in steps.iter().enumerate().skip(index + 1) {
                let still = high.0 == high.1 && low.0 == low.1;
                if (upper.holds && lower.holds) || still {
                    continue;
                }
                self.pairs += 1;
                if self.pairs > VOICE_PAIRS_MAX.default {
                    return Err(exceeded(VOICE_PAIRS_MAX.name, VOICE_PAIRS_MAX.default, None));
                }
                let quartet = Quartet::new(*high, *low);
                *self.motions.entry(quartet.motion()).or_default() += 1;
                let is_outer = outer == (Some(upper.voice), Some(lower.voice));
                let kinds = self.look(moment.onset, (upper, lower), &quartet, (*high, *low), is_outer);
                for (kind, detail) in kinds {
                    *self.counts.entry(kind).or_default() += 1;
                    rows.add(kind, (index, below), detail);
                }
            }
        }
        if self.counts.values().sum::<u64>() > VOICE_FINDINGS_MAX.default {
            return Err(exceeded(VOICE_FINDINGS_MAX.name, VOICE_FINDINGS_MAX.default, None));
        }
        self.rows.extend(rows.at(moment.onset, &steps, &self.bars));
        Ok(())
    }

    /// What two voices do at a moment that is worth telling.
    fn look(
        &mut self,
        onset: Ticks,
        steps: (&Step<'_>, &Step<'_>),
        quartet: &Quartet,
        notes: ((Pitch, Pitch), (Pitch, Pitch)),
        is_outer: bool,
    ) -> Vec<(Kind, Option<&'static str>)> {
        let mut kinds: Vec<(Kind, Option<&'static str>)> = Vec::new();
        let parallel = quartet.parallel().filter(|_| notes.0.0 != notes.0.1 && notes.1.0 != notes.1.1);
        if let Some((perfect, anti)) = parallel {
            kinds.push((perfect.parallel(), Some(if anti { "anti" } else { "similar" })));
        }
        if let Some(perfect) = quartet.hidden() {
            kinds.push((perfect.hidden(), (is_outer && quartet.upper_leaps()).then_some("exposed")));
        }
        let crossed = quartet.crossed();
        if crossed.1 || (self.written && crossed.0) {
            kinds.push((Kind::Crossing, None));
        }
        if quartet.overlaps() {
            kinds.push((Kind::Overlap, None));
        }
        let above_lowest = self.voices.get(steps.1.voice).is_some_and(|voice| voice.part == self.lowest);
        if let Some(name) = quartet.improper().filter(|&name| self.written || name != "P4" || above_lowest) {
            kinds.push((Kind::ImproperResolution, Some(name)));
        }
        if self.written {
            self.tell_compat(onset, steps, parallel);
        }
        kinds
    }

    fn tell_compat(
        &mut self,
        onset: Ticks,
        steps: (&Step<'_>, &Step<'_>),
        parallel: Option<(Perfect, bool)>,
    ) {
        let adjacent = steps.0.adjacent && steps.1.adjacent;
        let row = parallel.map(|(perfect, anti)| {
            let (name, way) = (perfect.name(), if anti { "anti" } else { "similar" });
            (onset.fraction(), steps.0.voice, steps.1.voice, name, way)
        });
        let Compat { norest, withrest } = &mut self.compat;
        for quartets in [adjacent.then_some(norest), Some(withrest)].into_iter().flatten() {
            quartets.quartets += 1;
            quartets.rows.extend(row);
        }
    }
}

impl Perfect {
    fn parallel(self) -> Kind {
        match self {
            Perfect::Fifth => Kind::ParallelFifth,
            Perfect::Octave => Kind::ParallelOctave,
            Perfect::Unison => Kind::ParallelUnison,
        }
    }

    fn hidden(self) -> Kind {
        if self == Perfect::Fifth { Kind::HiddenFifth } else { Kind::HiddenOctave }
    }

    fn name(self) -> &'static str {
        match self {
            Perfect::Fifth => "P5",
            Perfect::Octave => "P8",
            Perfect::Unison => "P1",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{ask, ask_with, near, note, score};
    use super::*;
    use crate::score::{Event, Flags, Note};
    use serde_json::json;

    fn part(part: u16, notes: &[(i64, i64, i32)]) -> Vec<Event<'static>> {
        notes
            .iter()
            .map(|&(onset, length, key)| Event::Note(note(part, (onset, 1), (length, 1), key)))
            .collect()
    }

    #[test]
    fn parallels_are_found_where_they_are() {
        let upper = part(0, &[(0, 1, 67), (1, 1, 69), (2, 1, 67), (3, 1, 72)]);
        let lower = part(1, &[(0, 1, 60), (1, 1, 62), (2, 1, 64), (3, 1, 60)]);
        let answer = ask(&VoiceLeading, &score(2, [upper, lower].concat()));
        assert_eq!(answer["counts"]["parallel_fifth"], 1);
        let place = [0];
        assert_eq!(
            answer["findings"],
            json!([[
                "1",
                null,
                "2",
                [[0, "G4", "A4", place], [1, "C4", "D4", place]],
                { "parallel_fifth": [[0, 1, "similar"]] }
            ]])
        );
        near(&answer, "/motions/contrary", 2.0 / 3.0);
    }

    /// The succeeded server compared the i-th note of one part with the i-th of the other, whenever they sounded: of 13
    /// parallel fifths that it reported in three chorales none was there. Here the lower part runs in halves.
    #[test]
    fn notes_are_compared_when_they_sound() {
        let upper = part(0, &[(0, 1, 67), (1, 1, 69), (2, 1, 71), (3, 1, 72)]);
        let lower = part(1, &[(0, 2, 60), (2, 2, 62)]);
        let answer = ask(&VoiceLeading, &score(2, [upper, lower].concat()));
        assert_eq!(answer["counts"]["parallel_fifth"], 0);
        assert_eq!(answer["pairs"], 3);
    }

    #[test]
    fn tied_notes_stay_and_rests_part() {
        let tied = |onset, flags| Event::Note(Note { flags, ..note(0, (onset, 1), (1, 1), 67) });
        let upper = vec![tied(0, Flags::TIE_START), tied(1, Flags::TIE_STOP)];
        let lower = part(1, &[(0, 1, 60), (1, 1, 60), (3, 1, 62)]);
        let later = part(0, &[(3, 1, 69)]);
        let answer = ask(&VoiceLeading, &score(2, [upper, lower, later].concat()));
        assert_eq!((&answer["pairs"], &answer["findings"]), (&json!(0), &json!([])));
    }

    /// music21 makes a rest of a `<forward>`: nothing steps over it in `compat` either.
    #[test]
    fn a_gap_is_a_rest_in_compat_too() {
        let upper = part(0, &[(0, 1, 67), (1, 1, 69), (3, 1, 71)]);
        let lower = part(1, &[(0, 1, 60), (1, 1, 62), (2, 1, 64), (3, 1, 60)]);
        let compat = json!({ "fidelity": "compat" });
        let answer = ask_with(&VoiceLeading, &score(2, [upper, lower].concat()), &compat);
        let quartets = |kind: &str| answer["compat"][kind]["quartets"].clone();
        assert_eq!((quartets("norest"), quartets("withrest")), (json!(1), json!(1)));
    }

    #[test]
    fn chords_of_a_keyboard_have_outer_voices() {
        let chord = |onset, keys: [i32; 3]| {
            keys.map(|key| {
                Event::Note(Note {
                    flags: Flags::NONE.with_if(key != keys[0], Flags::CHORD),
                    ..note(0, (onset, 1), (1, 1), key)
                })
            })
        };
        let answer = ask(&VoiceLeading, &score(1, [chord(0, [60, 64, 67]), chord(1, [62, 65, 69])].concat()));
        assert_eq!(answer["voices"].as_array().unwrap().len(), 2);
        assert_eq!(answer["counts"]["parallel_fifth"], 1);
    }
}
