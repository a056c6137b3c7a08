//! Melodies: the lines of a score as one would sing them, one note after the other.

use super::common::{Number, is_plain};
use super::lines::{Tone, lines};
use super::meter::Grid;
use super::sonorities::{Bars, PlaceRow};
use super::{Param, Params, Range};
use crate::score::{Fraction, Pitch, Score, TICKS_PER_QUARTER, Ticks};
use serde::Serialize;
use shared::place::Place;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What a rest does to a melody.
pub(super) const RESTS: Param = Param {
    name: "rests",
    unit: "",
    summary: "Whether a melody goes on over rests or ends at each. In MIDI files a silence of a sixteenth or more is a rest.",
    range: Range::Choice(&["skip", "break"]),
};

/// The same, for what by its authors' convention ends at rests.
pub(super) const RESTS_BREAK: Param = Param { range: Range::Choice(&["break", "skip"]), ..RESTS };

/// How many places of each thing counted a caller wants; how many there are is counted whatever is listed.
pub(super) const PLACES: &str = "places";

/// See [`PLACES`].
pub(super) const fn places(default: i64) -> Param {
    Param {
        name: PLACES,
        unit: "place",
        summary: "How many places of each are listed, the first in the score. The counts are of all; the largest number lists all.",
        range: Range::Integer { min: 0, max: 200_000, default },
    }
}

/// One note of a melody, ties merged.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sung {
    /// When it begins in the piece.
    pub(super) onset: Ticks,
    /// How long it sounds.
    pub(super) length: Ticks,
    /// From its onset to that of the next note; of the last note its length.
    pub(super) step: Ticks,
    /// Where it stands in the source.
    pub(super) place: Place,
    /// What sounds.
    pub(super) pitch: Pitch,
    /// Whether a rest stands before it.
    pub(super) after_rest: bool,
}

/// A line (staff, or voice where a staff has several) without grace and unpitched notes; of notes that begin together
/// the highest.
#[derive(Debug)]
pub(super) struct Melody {
    pub(super) part: u16,
    pub(super) staff: u8,
    pub(super) voice: Option<u8>,
    pub(super) notes: Vec<Sung>,
}

/// What a line is called in answers.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Name {
    part: u16,
    staff: u8,
    voice: Option<u8>,
}

/// The melodies of a score in the order of its lines, made once a score.
pub(super) fn melodies(score: &Score) -> Arc<Vec<Melody>> {
    score.derived(|score| {
        // Players of MIDI files lift their fingers before the next note; notation has a sign for silence.
        let silence = score.division.map_or(Ticks(1), |_| Ticks(TICKS_PER_QUARTER / 4));
        let melody = |line: super::lines::Line<'_>| {
            let mut tones = line.tones();
            tones.retain(|tone| is_plain(tone.head));
            let notes = sung(&tones, silence);
            Melody { part: line.part, staff: line.staff, voice: line.voice, notes }
        };
        let melodies = lines(score).into_iter().map(melody);
        melodies.filter(|melody| !melody.notes.is_empty()).collect::<Vec<_>>()
    })
}

fn sung(tones: &[Tone<'_>], silence: Ticks) -> Vec<Sung> {
    let mut notes: Vec<Sung> = Vec::with_capacity(tones.len());
    let mut before: Option<(Ticks, Ticks)> = None;
    for chord in tones.chunk_by(Tone::begins_with) {
        let Some(tone) = chord.iter().max_by_key(|tone| tone.head.sounding_key()) else { continue };
        let after_rest = before.is_some_and(|(_, end)| tone.onset - end >= silence);
        if let (Some(last), Some((onset, _))) = (notes.last_mut(), before) {
            last.step = tone.onset - onset;
        }
        before = Some((tone.onset, tone.end));
        notes.push(Sung {
            onset: tone.head.onset,
            length: tone.duration(),
            step: tone.duration(),
            place: tone.head.place,
            pitch: tone.head.sounding(),
            after_rest,
        });
    }
    notes
}

impl Melody {
    /// What it is called.
    pub(super) fn name(&self) -> Name {
        Name { part: self.part, staff: self.staff, voice: self.voice }
    }

    /// Its notes in the runs that rests leave.
    pub(super) fn runs(&self, params: &Params) -> impl Iterator<Item = &[Sung]> {
        let skip = params.word(RESTS.name) == "skip";
        self.notes.chunk_by(move |_, next| skip || !next.after_rest)
    }
}

/// Where in its measures something stands: measure as printed, beat, place in the source.
#[derive(Serialize)]
pub(super) struct Spot(Option<Number>, Fraction, PlaceRow);

impl Spot {
    /// The measure as printed.
    pub(super) fn measure(&self) -> Option<&Number> {
        self.0.as_ref()
    }
}

/// Finds measure and beat of notes; what a part needs for it is made when it is first asked for.
pub(super) struct Spots<'a> {
    score: &'a Score,
    grids: &'a [Grid<'a>],
    bars: BTreeMap<u16, Bars<'a>>,
}

impl<'a> Spots<'a> {
    pub(super) fn new(score: &'a Score, grids: &'a [Grid<'a>]) -> Self {
        Spots { score, grids, bars: BTreeMap::new() }
    }

    /// Where a note of a part is.
    pub(super) fn of(&mut self, part: u16, note: &Sung) -> Spot {
        let bars = self.bars.entry(part).or_insert_with(|| Bars::of(self.score, part, self.grids));
        let (measure, beat) = bars.at(note.onset);
        Spot(measure, beat, PlaceRow(note.place))
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{line, note, score};
    use super::*;
    use crate::score::{Event, Flags, Note};

    #[test]
    fn a_melody_has_the_highest_notes_and_knows_its_rests() {
        let mut events = line(&[(Some(60), (1, 1)), (None, (1, 2)), (Some(62), (1, 1)), (Some(64), (1, 1))]);
        events.push(Event::Note(Note { flags: Flags::CHORD, ..note(0, (5, 2), (1, 1), 67) }));
        let score = score(1, events);
        let melodies = melodies(&score);
        let notes: Vec<_> = melodies[0]
            .notes
            .iter()
            .map(|note| (note.pitch.key(), note.step.as_fraction(), note.after_rest))
            .collect();
        let half = |text: &str| text.to_owned();
        assert_eq!(notes, [(60, half("3/2"), false), (62, half("1"), true), (67, half("1"), false)]);
    }
}
