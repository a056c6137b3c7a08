//! Segments: the staves of a score as music21 cuts and spells them for its search by similarity.

use super::common::{Number, integer};
use super::sonorities::check_notes;
use super::{Analysis, Param, Params, Range, Spec, Told};
use crate::score::{Flags, Note, Score, Ticks};
use serde::Serialize;
use shared::failure::{Failure, FailureKind};
use std::collections::BTreeMap;

static SPEC: Spec = Spec {
    name: "segments",
    revision: 1,
    summary: "What music21 compares when it searches by similarity: the notes of each staff as a text of one sign a note, cut into overlapping segments. Written pitch; a chord is its first note, grace notes count, rests do not.",
    params: &[
        Param {
            name: "length",
            unit: "sign",
            summary: "Signs of a segment; the last ones are shorter.",
            range: Range::Integer { min: 2, max: 1000, default: 30 },
        },
        Param {
            name: "overlap",
            unit: "sign",
            summary: "Signs that a segment shares with the next one; less than its length.",
            range: Range::Integer { min: 0, max: 999, default: 12 },
        },
        Param {
            name: "algorithm",
            unit: "",
            summary: "What a sign is: the MIDI key (translateStreamToStringNoRhythm), letter and change of duration (translateDiatonicStreamToString), semitones and change of duration (translateIntervalsAndSpeed), or the duration (translateStreamToStringOnlyRhythm).",
            range: Range::Choice(&["no_rhythm", "diatonic", "intervals_and_speed", "only_rhythm"]),
        },
    ],
    columns: &[
        integer("count", "/count", "segment", "All of them."),
        integer("staves", "/with", "staff", "Staves that have any."),
        integer("signs", "/signs", "sign", "Signs of all staves."),
    ],
    reference: "music21 search.segment.translateMonophonicPartToSegments, indexScoreParts",
};

/// The analysis.
pub(super) struct Segments;

#[derive(Serialize)]
struct Answer {
    count: usize,
    with: usize,
    signs: usize,
    staves: Vec<Staff>,
}

/// The segments of a staff, each with the measures of its first and its last sign as printed.
#[derive(Serialize)]
struct Staff {
    part: u16,
    staff: u8,
    segments: Vec<(String, Option<Number>, Option<Number>)>,
}

/// A sign, and the measure it stands in.
type Sign = (char, u32);

impl Analysis for Segments {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn run(&self, score: &Score, params: &Params) -> Result<Told, Failure> {
        check_notes(score)?;
        let size = |name| usize::try_from(params.integer(name)).unwrap_or(0);
        let (length, overlap) = (size("length"), size("overlap"));
        let Some(stride) = length.checked_sub(overlap).filter(|stride| *stride > 0) else {
            let message = format!("segments: overlap={overlap} is not less than length={length}");
            return Err(Failure::new(FailureKind::Malformed, message));
        };
        let spell = match params.word("algorithm") {
            "diatonic" => diatonic,
            "intervals_and_speed" => intervals_and_speed,
            "only_rhythm" => only_rhythm,
            _ => no_rhythm,
        };
        let mut staves: BTreeMap<(u16, u8), Vec<&Note>> = BTreeMap::new();
        let heads = score.notes.iter().filter(|note| !note.flags.has(Flags::CHORD));
        heads.for_each(|note| staves.entry((note.part, note.staff)).or_default().push(note));
        let mut signs = 0;
        let staves: Vec<Staff> = staves
            .into_iter()
            .map(|((part, staff), notes)| {
                let text = spell(&notes);
                signs += text.len();
                let measures = score.measures_of(part);
                let number = |sign: Option<&Sign>| {
                    let measure = sign.and_then(|&(_, measure)| measures.get(measure as usize));
                    measure.map(|measure| Number::of(score, measure))
                };
                let segments = (0..text.len()).step_by(stride).map(|from| {
                    let cut = text.get(from..text.len().min(from + length)).unwrap_or_default();
                    (cut.iter().map(|(sign, _)| sign).collect(), number(cut.first()), number(cut.last()))
                });
                Staff { part, staff, segments: segments.collect() }
            })
            .collect();
        Told::of(&Answer {
            count: staves.iter().map(|staff| staff.segments.len()).sum(),
            with: staves.iter().filter(|staff| !staff.segments.is_empty()).count(),
            signs,
            staves,
        })
    }
}

/// The character of that number.
fn sign(number: i32) -> char {
    u32::try_from(number).ok().and_then(char::from_u32).unwrap_or('\0')
}

fn no_rhythm(notes: &[&Note]) -> Vec<Sign> {
    let key = |note: &&Note| if note.is_pitched() { note.written_key().clamp(0, 127) } else { 127 };
    notes.iter().map(|note| (sign(key(note)), note.measure)).collect()
}

fn only_rhythm(notes: &[&Note]) -> Vec<Sign> {
    let spell = |note: &&Note| {
        let quarters = note.duration.as_quarters();
        #[allow(
            clippy::cast_possible_truncation,
            reason = "the logarithm of a length in ticks is below 1000"
        )]
        let number = if quarters > 0.0 { (libm::log2(quarters * 256.0) * 10.0) as i32 } else { 1 };
        (sign(number.clamp(1, 127)), note.measure)
    };
    notes.iter().map(spell).collect()
}

/// The first of tied notes: what music21 takes for it. After a note with any tie the next one is passed over, and so on to
/// one whose tie stops or that has none.
fn untied<'a>(notes: &[&'a Note]) -> Vec<&'a Note> {
    let mut tied = false;
    let first = notes.iter().copied().filter(|note| {
        let (start, stop) = (note.flags.has(Flags::TIE_START), note.flags.has(Flags::TIE_STOP));
        if tied {
            tied = start;
            return false;
        }
        tied = start || stop;
        true
    });
    first.collect()
}

/// How each note's duration stands to the one before: -1 shorter, 1 longer.
fn speeds<'a>(notes: &[&'a Note]) -> Vec<(&'a Note, i32)> {
    let mut before: Option<Ticks> = None;
    let speed = |note: &&'a Note| {
        let last = before.replace(note.duration);
        (*note, last.map_or(0, |last| note.duration.cmp(&last) as i32))
    };
    notes.iter().map(speed).collect()
}

fn diatonic(notes: &[&Note]) -> Vec<Sign> {
    let spell = |(note, speed): (&Note, i32)| {
        const LETTERS: [i32; 7] = [67, 68, 69, 70, 71, 65, 66]; // C to B in ASCII
        let letter = LETTERS.get(note.written.step as usize).copied().unwrap_or(0);
        let shift = match speed {
            0 => 0,
            1 => 7,
            _ => 14,
        };
        (sign(letter + shift), note.measure)
    };
    speeds(&untied(notes)).into_iter().map(spell).collect()
}

fn intervals_and_speed(notes: &[&Note]) -> Vec<Sign> {
    let mut before = notes.first().map_or(60, |note| note.written_key());
    let spell = |(note, speed): (&Note, i32)| {
        let falls = (before - note.written_key()).clamp(-13, 13);
        before = note.written_key();
        let shift = match speed {
            0 => 41,
            1 => 14,
            _ => 68,
        };
        (sign(32 + falls + shift), note.measure)
    };
    speeds(&untied(notes)).into_iter().map(spell).collect()
}

#[cfg(test)]
mod tests {
    use super::super::testing::{ask_with, soprano};
    use super::*;
    use serde_json::json;

    /// music21 10.5.1, `translateMonophonicPartToSegments(corpus.parse('bwv66.6').parts[0], algorithm=…)`. The last E sharp
    /// of the score is an F in this fixture, and so is its letter.
    #[test]
    fn bwv_66_6() {
        let segments = |algorithm: &str| {
            let given = json!({ "algorithm": algorithm });
            ask_with(&Segments, &soprano(), &given)["staves"][0]["segments"].clone()
        };
        let keys = json!([
            ["IGEGILIGEIEGDBEGGB@EGIIEGIEDBD", "0", "7"],
            ["@EGIIEGIEDBDBBBBBAB", "4", "9"],
            ["B", "9", "9"],
        ]);
        assert_eq!(segments("no_rhythm"), keys);
        let letters = json!([["CBHBCECBACOBNFABBFEABCCABCAGFN", "0", "7"], ["EABCCABCAGFNFTFTFM", "4", "9"]]);
        assert_eq!(segments("diatonic"), letters);
        let steps = json!([["IK0GGFLKKEhG1KFGINKDGGIMGGMJK,", "0", "7"], ["KDGGIMGGMJK,KdIdJ-", "4", "9"]]);
        assert_eq!(segments("intervals_and_speed"), steps);
        let durations = json!([
            ["FFPPPPPPPPFFPPPPPPPPPPPPPPPPPZ", "0", "7"],
            ["PPPPPPPPPPPZZPPPFFP", "4", "9"],
            ["P", "9", "9"],
        ]);
        assert_eq!(segments("only_rhythm"), durations);
    }

    #[test]
    fn an_overlap_as_long_as_a_segment_is_refused() {
        let given = json!({ "length": 5, "overlap": 5 });
        let params = SPEC.check(given.as_object().unwrap()).unwrap();
        assert!(Segments.run(&soprano(), &params).unwrap_err().message.contains("overlap=5"));
    }
}
