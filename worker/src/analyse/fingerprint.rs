//! Fingerprint: what is needed of a piece to find those that are like it, whatever their key, clef and unit of time.

mod align;
mod minhash;

pub use align::{Alignment, align};
pub use minhash::{HASHES, MinHash};

use super::common::{integer, text};
use super::melody::{Melody, melodies};
use super::sonorities::check_notes;
use super::viewpoint::Clock;
use super::{Analysis, Params, Spec, Told};
use crate::score::{Score, Ticks};
use serde::Serialize;
use shared::failure::Failure;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt::Write;

static SPEC: Spec = Spec {
    name: "fingerprint",
    revision: 1,
    summary: "What `ripieno similar` compares: 64 minimal hashes of all stretches of five notes of the melodies (their intervals in semitones, and whether each note is longer, as long or shorter than the one before), and the opening of the leading melody. Neither changes when the piece is transposed, or written in other note values. The leading melody is the highest in the score that has half as many notes as any.",
    params: &[],
    columns: &[
        text("minhash", "/minhash", "hexadecimal", "64 hashes of 16 bits; null without five notes in a row."),
        integer("stretches", "/stretches", "stretch of five notes", "How many there are."),
        text(
            "opening",
            "/opening",
            "semitone:1/24 of the commonest duration",
            "The first 96 notes of the leading melody: semitones from the first note, and duration from onset to onset.",
        ),
    ],
    reference: "Broder, Compression and Complexity of Sequences (1997), for minimal hashes; Mongeau and Sankoff, Computers and the Humanities 24 (1990), for what is done with the opening",
};

/// Notes of a stretch.
const STRETCH: usize = 5;
/// Notes of an opening.
const OPENING: usize = 96;
/// Parts of the commonest duration that durations are told in.
const PARTS: u64 = 24;

/// The analysis.
pub(super) struct Fingerprint;

#[derive(Serialize)]
struct Answer {
    minhash: Option<String>,
    stretches: u64,
    opening: Option<String>,
}

/// One note of an opening.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpeningNote {
    /// Semitones above the first note, or below.
    pub semitones: i8,
    /// Duration in parts of the commonest one (24 are one of it), at least 1.
    pub duration: u16,
}

impl Analysis for Fingerprint {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn run(&self, score: &Score, _: &Params) -> Result<Told, Failure> {
        check_notes(score)?;
        let melodies = melodies(score);
        let clock = Clock::of(score.division);
        let mut hash = MinHash::default();
        let mut stretches = 0;
        let mut steps = Vec::new();
        for melody in melodies.iter() {
            steps.clear();
            let nexts = melody.notes.iter().skip(1);
            steps.extend(melody.notes.iter().zip(nexts).map(|(note, next)| {
                let (times, parts) = clock.ratio(next.step, note.step);
                let interval = (next.pitch.key() - note.pitch.key()).clamp(-60, 60) + 64;
                // Longer, as long, shorter; the last note of a stretch may be held for any time.
                (interval.unsigned_abs(), times.cmp(&parts) as i8)
            }));
            for stretch in steps.windows(STRETCH - 1) {
                stretches += 1;
                let last = stretch.len() - 1;
                let number =
                    stretch.iter().enumerate().fold(0_u64, |number, (index, &(interval, longer))| {
                        let longer = if index == last { 0 } else { u64::from((longer + 1).unsigned_abs()) };
                        (number << 9) | (u64::from(interval) << 2) | longer
                    });
                hash.add(number);
            }
        }
        let opening = leading(&melodies).map(|melody| opening(melody, clock));
        Told::of(&Answer {
            minhash: (stretches > 0).then(|| hash.to_text()),
            stretches,
            opening: opening.map(|notes| tell(&notes)),
        })
    }
}

/// The highest melody that has half as many notes as any.
fn leading(melodies: &[Melody]) -> Option<&Melody> {
    let most = melodies.iter().map(|melody| melody.notes.len()).max()?;
    melodies.iter().find(|melody| melody.notes.len() * 2 >= most)
}

fn opening(melody: &Melody, clock: Clock) -> Vec<OpeningNote> {
    let mut durations: BTreeMap<Ticks, usize> = BTreeMap::new();
    melody.notes.iter().for_each(|note| *durations.entry(clock.rounded(note.step)).or_default() += 1);
    let unit = durations.into_iter().max_by_key(|&(duration, count)| (count, Reverse(duration)));
    let unit = unit.map_or(Ticks(1), |(duration, _)| duration);
    let first = melody.notes.first().map_or(0, |note| note.pitch.key());
    let notes = melody.notes.iter().take(OPENING).map(|note| {
        let (times, parts) = clock.rounded(note.step).ratio(unit);
        let duration = (times.saturating_mul(PARTS) / parts).clamp(1, u64::from(u16::MAX));
        let semitones = (note.pitch.key() - first).clamp(-127, 127);
        OpeningNote {
            semitones: i8::try_from(semitones).unwrap_or(0),
            duration: u16::try_from(duration).unwrap_or(u16::MAX),
        }
    });
    notes.collect()
}

fn tell(notes: &[OpeningNote]) -> String {
    let mut text = String::with_capacity(notes.len() * 6);
    for (index, OpeningNote { semitones, duration }) in notes.iter().enumerate() {
        let space = if index == 0 { "" } else { " " };
        let _ = write!(text, "{space}{semitones}:{duration}"); // Writing to a string cannot fail.
    }
    text
}

/// Reads the text of an opening; nothing if it is none.
#[must_use]
pub fn read_opening(text: &str) -> Option<Vec<OpeningNote>> {
    let note = |word: &str| {
        let (semitones, duration) = word.split_once(':')?;
        Some(OpeningNote { semitones: semitones.parse().ok()?, duration: duration.parse().ok()? })
    };
    text.split(' ').map(note).collect()
}

#[cfg(test)]
mod tests {
    use super::super::testing::{ask, line, score};
    use super::*;

    fn tune(keys: &[i32], unit: (i64, i64)) -> Score {
        score(1, line(&keys.iter().map(|&key| (Some(key), unit)).collect::<Vec<_>>()))
    }

    const KEYS: [i32; 12] = [67, 69, 71, 67, 71, 72, 74, 72, 71, 69, 67, 62];

    #[test]
    fn key_and_note_values_do_not_count() {
        let here = ask(&Fingerprint, &tune(&KEYS, (1, 1)));
        assert_eq!(here, ask(&Fingerprint, &tune(&KEYS.map(|key| key - 9), (1, 2))));
        assert_eq!(here["stretches"], 8);
        assert!(here["opening"].as_str().unwrap().starts_with("0:24 2:24 4:24 0:24 4:24"));
        let other = ask(&Fingerprint, &tune(&[60, 67, 60, 67, 65, 64, 60, 59, 60], (1, 1)));
        assert_ne!(here["minhash"], other["minhash"]);
    }

    #[test]
    fn an_opening_is_read_as_it_was_told() {
        let notes = [(0, 24), (-12, 1), (127, u16::MAX)];
        let notes = notes.map(|(semitones, duration)| OpeningNote { semitones, duration });
        assert_eq!(read_opening(&tell(&notes)).unwrap(), notes);
        assert_eq!((read_opening(""), read_opening("1:2 3")), (None, None));
    }
}
