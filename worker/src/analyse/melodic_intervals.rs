//! Melodic intervals: the steps from each note of a line to the next.

use super::common::{Counts, FIDELITY, deviation, integer, is_plain, key_of, mean, number, ratio};
use super::lines::{Line, lines};
use super::{Analysis, Params, Spec, Told};
use crate::score::{Note, Score};
use serde_json::json;
use shared::failure::Failure;

static SPEC: Spec = Spec {
    name: "melodic_intervals",
    revision: 2,
    summary: "Signed semitones between neighbouring notes of each line (staff, or voice where a staff has several), ties merged; `all` reaches over rests, `adjacent` only where the next note begins as the last one ends. There is none into or out of a chord; grace and unpitched notes are left out.",
    params: &[FIDELITY],
    columns: &[
        integer("count", "/count", "interval", "All of them."),
        number("mean_size", "/mean_size", "semitone", "Mean size, up or down, of all."),
        number("rising", "/rising", "share", "Share of all that rise."),
        number("repeated", "/repeated", "share", "Share of all that repeat the note."),
        number("steps", "/steps", "share", "Share of all that are one or two semitones wide."),
        integer("commonest", "/commonest", "semitone", "The commonest of all, of several the lowest."),
        number(
            "variability",
            "/variability",
            "per cent",
            "Melodic interval variability: 100 times the deviation of the sizes of the adjacent ones over their mean; in `compat` a tied note counts as a repeated one.",
        ),
    ],
    reference: "Patel, Iversen and Rosenberg, JASA 119 (2006), for the variability; music21 analysis.patel.melodicIntervalVariability, Stream.melodicIntervals",
};

/// The analysis.
pub(super) struct MelodicIntervals;

/// The signed semitones of a line, or of many.
#[derive(Default)]
struct Intervals {
    all: Vec<i32>,
    adjacent: Vec<i32>,
    /// What the variability is of: the adjacent ones, in `compat` with ties not merged.
    varied: Vec<i32>,
}

impl Analysis for MelodicIntervals {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn run(&self, score: &Score, params: &Params) -> Result<Told, Failure> {
        let (key, tied) = (key_of(params), params.word(FIDELITY.name) == "compat");
        let mut whole = Intervals::default();
        let mut rows = Vec::new();
        for line in lines(score) {
            let intervals = Intervals::of(&line, key, tied);
            whole.all.extend(&intervals.all);
            whole.adjacent.extend(&intervals.adjacent);
            whole.varied.extend(&intervals.varied);
            rows.push(json!({
                "part": line.part,
                "staff": line.staff,
                "voice": line.voice,
                "variability": intervals.variability(),
                "all": Counts::of(intervals.all.into_iter()).rows(|interval| interval),
                "adjacent": Counts::of(intervals.adjacent.into_iter()).rows(|interval| interval),
            }));
        }
        let count = whole.all.len() as f64;
        let share = |is: fn(i32) -> bool| {
            ratio(whole.all.iter().filter(|&&interval| is(interval)).count() as f64, count)
        };
        let sizes: Vec<f64> = whole.all.iter().map(|interval| f64::from(interval.abs())).collect();
        let all = Counts::of(whole.all.iter().copied());
        Ok(json!({
            "count": all.total(),
            "mean_size": mean(&sizes),
            "rising": share(|interval| interval > 0),
            "repeated": share(|interval| interval == 0),
            "steps": share(|interval| matches!(interval.abs(), 1 | 2)),
            "commonest": all.commonest(),
            "variability": whole.variability(),
            "all": all.rows(|interval| interval),
            "adjacent": Counts::of(whole.adjacent.iter().copied()).rows(|interval| interval),
            "lines": rows,
        })
        .into())
    }
}

impl Intervals {
    fn of(line: &Line<'_>, key: fn(&Note) -> i32, tied: bool) -> Self {
        let mut tones = line.tones();
        tones.retain(|tone| is_plain(tone.head));
        let mut intervals = Intervals::default();
        for (a, b) in tones.iter().zip(tones.iter().skip(1)) {
            if a.together > 1 || b.together > 1 {
                continue;
            }
            let interval = key(b.head) - key(a.head);
            intervals.all.push(interval);
            if a.end == b.onset {
                intervals.adjacent.push(interval);
            }
        }
        intervals.varied = if tied { written(line, key) } else { intervals.adjacent.clone() };
        intervals
    }

    /// 100 times the coefficient of variation of the sizes.
    fn variability(&self) -> Option<f64> {
        let sizes: Vec<f64> = self.varied.iter().map(|interval| f64::from(interval.abs())).collect();
        ratio(deviation(&sizes)? * 100.0, mean(&sizes)?)
    }
}

/// From each written note to the next that begins as it ends, tied or not; none into or out of chords.
fn written(line: &Line<'_>, key: fn(&Note) -> i32) -> Vec<i32> {
    let notes: Vec<_> = line.notes.iter().filter(|(_, note)| is_plain(note)).collect();
    let chords: Vec<_> = notes.chunk_by(|a, b| a.0 == b.0).collect();
    let pairs = chords.iter().zip(chords.iter().skip(1)).filter_map(|pair| match pair {
        ([(from, a)], [(to, b)]) => (*from + a.duration == *to).then(|| key(b) - key(a)),
        _ => None,
    });
    pairs.collect()
}

#[cfg(test)]
mod tests {
    use super::super::testing::{ask, ask_with, line, near, note, score, soprano};
    use super::*;
    use crate::score::{Event, Flags};

    /// The docstring of music21 analysis.patel.melodicIntervalVariability: C D E F G C has 85.266688….
    #[test]
    fn variability_of_a_scale_and_a_leap() {
        let keys = [48, 50, 52, 53, 55, 48];
        let events = line(&keys.map(|key| (Some(key), (1, 1))));
        let answer = ask(&MelodicIntervals, &score(1, events));
        assert_eq!(answer["all"], json!([[-7, 1], [1, 1], [2, 3]]));
        assert!((answer["variability"].as_f64().unwrap() - 85.266_688).abs() < 1e-6);
        near(&answer, "/rising", 0.8);
    }

    #[test]
    fn rests_part_notes_and_chords_have_no_interval() {
        let mut events = line(&[(Some(60), (1, 1)), (None, (1, 1)), (Some(64), (1, 1)), (Some(65), (1, 1))]);
        events.push(Event::Note(note(0, (4, 1), (1, 1), 72)));
        events.push(Event::Note(Note { flags: Flags::CHORD, ..note(0, (4, 1), (1, 1), 76) }));
        let answer = ask(&MelodicIntervals, &score(1, events));
        assert_eq!(answer["all"], json!([[1, 1], [4, 1]]));
        assert_eq!(answer["adjacent"], json!([[1, 1]]));
    }

    /// Counted by hand. music21's variability of this part is 65.287 (docstring of patel.melodicIntervalVariability): it
    /// takes the tied F# for a repeated note, and so does `compat`.
    #[test]
    fn bwv_66_6() {
        let answer = ask(&MelodicIntervals, &soprano());
        let counts =
            [[-5, 1], [-4, 3], [-3, 2], [-2, 8], [-1, 2], [0, 5], [1, 1], [2, 9], [3, 2], [4, 1], [5, 1]];
        assert_eq!(answer["all"], json!(counts));
        near(&answer, "/steps", 20.0 / 35.0);
        near(&answer, "/variability", 62.140_469_168_624_17);
        let compat = ask_with(&MelodicIntervals, &soprano(), &json!({ "fidelity": "compat" }));
        assert!((compat["variability"].as_f64().unwrap() - 65.287).abs() < 1e-3);
        assert_eq!(compat["all"], json!(counts));
    }
}
