//! What human analysts say of scores: labels with their times, from every collection that has some.

pub mod numeral;
mod roman_text;
mod sources;

pub use sources::corpora;

use numeral::{Chord, Key};
use worker::score::{Score, Ticks};

/// A chord in a key, for a while.
#[derive(Clone, Debug, PartialEq)]
pub struct Label {
    /// When it begins, from the start of the score.
    pub from: Ticks,
    /// When it ends.
    pub to: Ticks,
    /// The local key.
    pub key: Key,
    /// As the analyst wrote it.
    pub figure: String,
    /// None where no chord is named.
    pub chord: Option<Chord>,
}

impl Label {
    fn new(from: Ticks, key: Key, figure: &str, chord: Option<Chord>) -> Self {
        Label { from, to: from, key, figure: figure.to_owned(), chord }
    }
}

/// A score and what an analyst says of it.
pub struct Analysed {
    /// The collection.
    pub corpus: &'static str,
    /// Where it is, for a person.
    pub name: String,
    /// Whether it belongs to the half that weights are fitted on; whole works do.
    pub fit: bool,
    /// The score.
    pub score: Score,
    /// In the order of time.
    pub labels: Vec<Label>,
}

impl Analysed {
    /// The label of a moment.
    #[must_use]
    pub fn at(&self, moment: Ticks) -> Option<&Label> {
        let index = self.labels.partition_point(|label| label.from <= moment).checked_sub(1)?;
        self.labels.get(index).filter(|label| moment < label.to)
    }

    /// How much of what sounds belongs to the chords of the labels: little where they do not lie on the score.
    #[must_use]
    pub fn explained(&self) -> f64 {
        let (mut of, mut all) = (0.0, 0.0);
        for note in self.score.notes.iter().filter(|note| note.is_pitched() && !note.is_grace()) {
            let Some(chord) = self.at(note.onset).and_then(|label| label.chord) else { continue };
            let above = (note.sounding_key() - chord.root as i32).rem_euclid(12);
            let third = if matches!(chord.triad, "minor" | "diminished") { 3 } else { 4 };
            let fifth = match chord.triad {
                "diminished" => 6,
                "augmented" => 8,
                _ => 7,
            };
            let length = note.duration.as_quarters();
            let sixth = chord.triad == "other" && matches!(above, 2 | 3 | 6 | 9 | 10);
            let belongs = above == 0 || above == third || above == fifth || sixth;
            let seventh = chord.seventh.is_some_and(|seventh| above == seventh as i32);
            all += length;
            of += if belongs || seventh { length } else { 0.0 };
        }
        if all > 0.0 { of / all } else { 0.0 }
    }
}

/// Labels last until the next one; the last one as long as the score. Of several at one moment the last counts.
fn ends(mut labels: Vec<Label>, score: &Score) -> Vec<Label> {
    let end = score.duration();
    let starts: Vec<Ticks> = labels.iter().skip(1).map(|label| label.from).chain([end]).collect();
    for (label, to) in labels.iter_mut().zip(starts) {
        label.to = to.max(label.from);
    }
    labels.retain(|label| label.from < label.to);
    labels
}
