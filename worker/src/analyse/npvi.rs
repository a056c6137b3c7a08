//! nPVI: how much the lengths of neighbouring notes differ.

use super::common::{number, ratio};
use super::lines::{Line, Tone, lines};
use super::{Analysis, Params, Spec, Told};
use crate::score::{Flags, Score, Ticks};
use serde_json::json;
use shared::failure::Failure;

static SPEC: Spec = Spec {
    name: "npvi",
    revision: 1,
    summary: "Normalised pairwise variability index of each line and over the pairs of all lines, once of notes and rests as they are written, once of notes with ties merged and rests left out. Grace notes are elements of no length, and a pair with one adds nothing but counts.",
    params: &[],
    columns: &[
        number(
            "written",
            "/written",
            "per cent",
            "100 times the mean of |a-b| / ((a+b)/2) over neighbouring notes and rests.",
        ),
        number("notes", "/notes", "per cent", "The same over neighbouring notes, with ties merged."),
    ],
    reference: "Low, Grabe and Nolan, Language and Speech 43 (2000); Patel and Daniele, Cognition 87 (2003); music21 analysis.patel.nPVI, which is `written`",
};

/// The analysis.
pub(super) struct Npvi;

/// A sum over pairs, and how many pairs there were. Pairs with a length of zero (grace notes) add nothing but count.
#[derive(Clone, Copy, Default)]
struct Pairs {
    sum: f64,
    count: usize,
}

impl Pairs {
    fn of(lengths: &[Ticks]) -> Self {
        let mut pairs = Pairs::default();
        for (a, b) in lengths.iter().zip(lengths.iter().skip(1)) {
            pairs.count += 1;
            if a.is_positive() && b.is_positive() {
                let (a, b) = (a.as_quarters(), b.as_quarters());
                pairs.sum += (a - b).abs() / f64::midpoint(a, b);
            }
        }
        pairs
    }

    fn add(&mut self, other: Pairs) {
        self.sum += other.sum;
        self.count += other.count;
    }

    fn index(self) -> Option<f64> {
        ratio(self.sum * 100.0, self.count as f64)
    }
}

impl Analysis for Npvi {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn run(&self, score: &Score, _: &Params) -> Result<Told, Failure> {
        let (mut written, mut notes) = (Pairs::default(), Pairs::default());
        let mut rows = Vec::new();
        for line in lines(score) {
            let (line_written, line_notes) =
                (Pairs::of(&written_lengths(&line)), Pairs::of(&tone_lengths(&line)));
            written.add(line_written);
            notes.add(line_notes);
            rows.push(json!({
                "part": line.part,
                "staff": line.staff,
                "voice": line.voice,
                "written": line_written.index(),
                "notes": line_notes.index(),
            }));
        }
        Ok(json!({ "written": written.index(), "notes": notes.index(), "lines": rows }).into())
    }
}

/// Notes, chords (once each), grace notes and rests in their order. Of what begins together, the source's order counts.
fn written_lengths(line: &Line<'_>) -> Vec<Ticks> {
    let heads = line.notes.iter().filter(|(_, note)| !note.flags.has(Flags::CHORD));
    let notes = heads.map(|&(onset, note)| (onset, note.place, note.duration));
    let rests = line.rests.iter().map(|&(onset, rest)| (onset, rest.place, rest.duration));
    let mut elements: Vec<_> = notes.chain(rests).collect();
    elements.sort_by_key(|&(onset, place, _)| (onset, place));
    elements.into_iter().map(|(_, _, length)| length).collect()
}

/// Tones and grace notes in their order; of a chord the first.
fn tone_lengths(line: &Line<'_>) -> Vec<Ticks> {
    let mut tones = line.tones();
    tones.dedup_by(|tone, first| first.begins_with(tone));
    tones.iter().map(Tone::duration).collect()
}

#[cfg(test)]
mod tests {
    use super::super::testing::{ask, line, near, note, score, soprano};
    use super::*;
    use crate::score::{Event, Note};

    /// The docstring of music21 analysis.patel.nPVI: C4 D8 C4 D8 C4 has 66.666….
    #[test]
    fn long_and_short() {
        let (long, short) = ((Some(60), (1, 1)), (Some(62), (1, 2)));
        let answer = ask(&Npvi, &score(1, line(&[long, short, long, short, long])));
        near(&answer, "/written", 200.0 / 3.0);
        near(&answer, "/notes", 200.0 / 3.0);
    }

    #[test]
    fn rests_and_ties_part_the_two() {
        let mut events = line(&[(Some(60), (1, 1)), (None, (2, 1)), (Some(62), (1, 1))]);
        events.push(Event::Note(Note { flags: Flags::TIE_START, ..note(0, (4, 1), (1, 1), 64) }));
        events.push(Event::Note(Note { flags: Flags::TIE_STOP, ..note(0, (5, 1), (1, 1), 64) }));
        let answer = ask(&Npvi, &score(1, events));
        near(&answer, "/written", 100.0 * (2.0 / 3.0 + 2.0 / 3.0) / 4.0); // 1 2 1 1 1
        near(&answer, "/notes", 100.0 * (2.0 / 3.0) / 2.0); // 1 1 2
    }

    /// music21 10.5.1, analysis.patel.nPVI of the bundled score's first part.
    #[test]
    fn bwv_66_6() {
        near(&ask(&Npvi, &soprano()), "/written", 350.0 / 27.0); // 12.962963
    }
}
