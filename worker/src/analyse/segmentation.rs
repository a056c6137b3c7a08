//! Segmentation: where the phrases of each line begin, by one of three methods.

mod boundaries;

use super::common::{integer, mean, number};
use super::lines::{Line, Tone, lines};
use super::sonorities::{PlaceRow, check_notes};
use super::{Analysis, Param, Params, Range, Spec, Told};
use crate::score::{Flags, Fraction, Score, Ticks};
use boundaries::{Point, by_boundary_strength, by_rests, by_rules};
use serde::Serialize;
use shared::failure::Failure;

static SPEC: Spec = Spec {
    name: "segmentation",
    revision: 1,
    summary: "Where the phrases of each line begin: by `grouper`, which weighs gaps against an even length and a like place in the measure; by `lbdm`, local peaks of change in pitch, onset and rest; or by `rests`. Ties merged, of chords the highest note; grace and unpitched notes are left out. Means are over the phrases of all lines; null where there are none.",
    params: &[
        Param {
            name: "method",
            unit: "",
            summary: "Which of the three.",
            range: Range::Choice(&["grouper", "lbdm", "rests"]),
        },
        Param {
            name: "length",
            unit: "note",
            summary: "Length of phrases that `grouper` likes best.",
            range: Range::Integer { min: 2, max: 40, default: 8 },
        },
        Param {
            name: "threshold",
            unit: "per cent",
            summary: "Strength from which `lbdm` sees a boundary, 100 for a change that is the greatest in all respects.",
            range: Range::Integer { min: 1, max: 100, default: 35 },
        },
        Param {
            name: "fidelity",
            unit: "",
            summary: "`compat` lets `rests` count notes as music21's Segmenter does: tied notes each, chords left out.",
            range: Range::Choice(&["corrected", "compat"]),
        },
    ],
    columns: &[
        integer("phrases", "/phrases", "phrase", "Phrases of all lines."),
        number(
            "mean_notes",
            "/mean_notes",
            "note",
            "Mean number of notes of a phrase, a chord counted once.",
        ),
        number(
            "mean_quarters",
            "/mean_quarters",
            "quarter note",
            "Mean time from the first onset of a phrase to its end.",
        ),
        integer("longest", "/longest", "note", "Notes of the longest phrase."),
        integer("shortest", "/shortest", "note", "Notes of the shortest phrase."),
    ],
    reference: "Temperley, The Cognition of Basic Musical Structures (2001), chapter 3; Cambouropoulos, The Local Boundary Detection Model (2001); music21 analysis.segmentByRests.Segmenter",
};

/// The analysis.
pub(super) struct Segmentation;

/// The phrases of a line: of each the index of its first note, how many it has, its onset in the line's own time, and the
/// place of its first note.
#[derive(Serialize)]
struct LineRow {
    part: u16,
    staff: u8,
    voice: Option<u8>,
    phrases: Vec<(usize, usize, Fraction, PlaceRow)>,
}

#[derive(Serialize)]
struct Answer {
    phrases: usize,
    mean_notes: Option<f64>,
    mean_quarters: Option<f64>,
    longest: Option<usize>,
    shortest: Option<usize>,
    fields: [&'static str; 4],
    lines: Vec<LineRow>,
}

impl Analysis for Segmentation {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn run(&self, score: &Score, params: &Params) -> Result<Told, Failure> {
        check_notes(score)?;
        let method = params.word("method");
        let as_music21 = params.word("fidelity") == "compat" && method == "rests";
        let (mut rows, mut notes, mut quarters) = (Vec::new(), Vec::new(), Vec::new());
        for line in lines(score) {
            let points = if as_music21 { written(&line, score) } else { tones(&line, score) };
            let mut starts = match method {
                "rests" => by_rests(&points, &line.rests.iter().map(|(onset, _)| *onset).collect::<Vec<_>>()),
                "lbdm" => by_boundary_strength(&points, params.integer("threshold") as f64 / 100.0),
                _ => by_rules(&points, params.integer("length") as f64),
            };
            if !points.is_empty() {
                starts.insert(0, 0);
            }
            let ends = starts.iter().skip(1).copied().chain([points.len()]);
            let phrases = starts.iter().zip(ends).filter_map(|(&start, end)| {
                let (first, last) = (points.get(start)?, points.get(end.checked_sub(1)?)?);
                notes.push(end - start);
                quarters.push((last.end - first.onset).as_quarters());
                Some((start, end - start, first.onset.fraction(), PlaceRow(first.place)))
            });
            let phrases = phrases.collect();
            rows.push(LineRow { part: line.part, staff: line.staff, voice: line.voice, phrases });
        }
        let counts: Vec<f64> = notes.iter().map(|&count| count as f64).collect();
        Told::of(&Answer {
            phrases: notes.len(),
            mean_notes: mean(&counts),
            mean_quarters: mean(&quarters),
            longest: notes.iter().max().copied(),
            shortest: notes.iter().min().copied(),
            fields: ["first", "notes", "onset", "place"],
            lines: rows,
        })
    }
}

/// The tones of a line, of each chord the highest.
fn tones(line: &Line<'_>, score: &Score) -> Vec<Point> {
    let mut tones = line.tones();
    tones.retain(|tone| tone.head.is_pitched() && tone.duration().is_positive());
    let highest = tones.chunk_by(Tone::begins_with).filter_map(|chord| {
        let tone = chord.iter().max_by_key(|tone| tone.head.written_key())?;
        let end = chord.iter().map(|tone| tone.end).max()?;
        Some(Point {
            onset: tone.onset,
            end,
            key: tone.head.sounding_key(),
            phase: phase(score, tone.head),
            place: tone.head.place,
        })
    });
    highest.collect()
}

/// The notes of a line as they are written, without chords.
fn written(line: &Line<'_>, score: &Score) -> Vec<Point> {
    let heads = line.notes.iter().enumerate().filter(|(index, (_, note))| {
        let chord = line.notes.get(index + 1).is_some_and(|(_, next)| next.flags.has(Flags::CHORD));
        note.is_pitched() && !chord && !note.flags.has(Flags::CHORD)
    });
    let points = heads.map(|(_, &(onset, note))| Point {
        onset,
        end: onset + note.duration,
        key: note.written_key(),
        phase: phase(score, note),
        place: note.place,
    });
    points.collect()
}

/// How far into its measure a note begins.
fn phase(score: &Score, note: &crate::score::Note) -> Ticks {
    let measure = score.measures_of(note.part).get(note.measure as usize);
    note.onset - measure.map_or(Ticks::ZERO, |measure| measure.onset)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{ask, ask_with, line, note, score};
    use super::*;
    use crate::score::Event;
    use serde_json::{Value, json};

    fn ask_by(method: &str, score: &Score) -> Value {
        ask_with(&Segmentation, score, &json!({ "method": method }))
    }

    fn starts(answer: &Value) -> Vec<u64> {
        let phrases = answer["lines"][0]["phrases"].as_array().unwrap();
        phrases.iter().map(|phrase| phrase[0].as_u64().unwrap()).collect()
    }

    /// The docstring of music21 Segmenter.getSegmentsList: C r D E r r F r G r A B r c has six segments.
    #[test]
    fn rests_part_as_in_music21() {
        let (rest, quarter) = (None, (1, 1));
        let keys = [
            Some(60),
            rest,
            Some(62),
            Some(64),
            rest,
            rest,
            Some(65),
            rest,
            Some(67),
            rest,
            Some(69),
            Some(71),
            rest,
            Some(72),
        ];
        let answer = ask_by("rests", &score(1, line(&keys.map(|key| (key, quarter)))));
        assert_eq!(starts(&answer), [0, 1, 3, 4, 5, 7]);
        assert_eq!((&answer["longest"], &answer["shortest"]), (&json!(2), &json!(1)));
    }

    /// Three phrases of eight notes, the last of each four times as long: every method that goes by time finds them.
    #[test]
    fn long_notes_end_phrases_whatever_the_key_and_the_tempo() {
        for (up, length) in [(0, 1), (5, 1), (0, 3)] {
            let notes: Vec<_> = (0..24)
                .map(|index| {
                    (Some(60 + up + index % 8), (if index % 8 == 7 { 4 * length } else { length }, 2))
                })
                .collect();
            let score = score(1, line(&notes));
            assert_eq!(starts(&ask_by("grouper", &score)), [0, 8, 16], "{up} {length}");
            assert_eq!(starts(&ask_by("lbdm", &score)), [0, 8, 16], "{up} {length}");
            assert_eq!(starts(&ask_by("rests", &score)), [0], "{up} {length}");
        }
    }

    #[test]
    fn a_tie_is_one_note_but_not_to_music21() {
        let tied =
            |onset, flags| Event::Note(crate::score::Note { flags, ..note(0, (onset, 1), (1, 1), 60) });
        let score = score(1, vec![tied(0, Flags::TIE_START), tied(1, Flags::TIE_STOP)]);
        let given = json!({ "method": "rests", "fidelity": "compat" });
        let compat = ask_with(&Segmentation, &score, &given);
        assert_eq!((&ask_by("rests", &score)["longest"], &compat["longest"]), (&json!(1), &json!(2)));
    }

    #[test]
    fn silence_has_no_phrases() {
        let answer = ask(&Segmentation, &score(1, Vec::new()));
        assert_eq!((&answer["phrases"], &answer["mean_notes"]), (&json!(0), &Value::Null));
    }
}
