//! Phrases: what a line has from one silence or fermata to the next.

use crate::analyse::common::is_plain;
use crate::analyse::lines::Line;
use crate::score::{AnnotationKind, Note, Score, Ticks};
use std::collections::BTreeSet;

/// A tone of a melody.
pub(super) struct Tone<'a> {
    pub(super) head: &'a Note,
    /// MIDI key.
    pub(super) key: i32,
    /// Where it begins and ends, in the part's own time.
    onset: Ticks,
    end: Ticks,
}

/// Some tones in a row.
pub(super) struct Phrase<'a> {
    pub(super) tones: &'a [Tone<'a>],
}

/// The melody of a line: ties merged, of each chord the highest tone.
pub(super) fn tones<'a>(line: &Line<'a>, key: fn(&Note) -> i32) -> Vec<Tone<'a>> {
    let mut melody: Vec<Tone<'a>> = Vec::new();
    for tone in line.tones().iter().filter(|tone| is_plain(tone.head)) {
        let tone = Tone { head: tone.head, key: key(tone.head), onset: tone.onset, end: tone.end };
        match melody.last_mut() {
            Some(last) if last.onset == tone.onset => {
                let end = last.end.max(tone.end);
                if tone.key > last.key {
                    *last = tone;
                }
                last.end = end;
            }
            _ => melody.push(tone),
        }
    }
    melody
}

/// The phrases of a melody: one ends where at least `rest` is silent after it, and at a fermata of its part.
pub(super) fn phrases<'a>(
    score: &Score,
    line: &Line<'_>,
    tones: &'a [Tone<'a>],
    rest: Ticks,
) -> impl Iterator<Item = Phrase<'a>> {
    let signs = score.annotations.iter();
    let fermatas = signs.filter(|sign| sign.kind == AnnotationKind::Fermata && sign.part == line.part);
    let fermatas: BTreeSet<Ticks> = fermatas.map(|sign| sign.onset).collect();
    let chunks = tones.chunk_by(move |a, b| {
        let held = fermatas.range(a.head.onset..).next().is_some_and(|&sign| {
            // The sign may stand anywhere from the start of the tone to before its end.
            sign - a.head.onset < (a.end - a.onset).max(Ticks(1))
        });
        !held && b.onset - a.end < rest
    });
    chunks.map(|tones| Phrase { tones })
}
