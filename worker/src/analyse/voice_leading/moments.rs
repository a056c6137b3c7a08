//! Who moves when: the voices of a score, and what each of them does at each moment at which any moves.

use crate::analyse::common::is_plain;
use crate::analyse::lines::{At, Line, Tone, lines};
use crate::score::{Flags, Note, Pitch, Score, Ticks};
use serde::Serialize;
use std::collections::BTreeMap;

/// One voice: a line, or of a line with chords the highest or the lowest notes.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Voice {
    pub(super) part: u16,
    pub(super) staff: u8,
    /// The voice of the staff, where it has several.
    pub(super) voice: Option<u8>,
    /// Of chords: the lowest notes. The highest ones are the voice before.
    pub(super) lowest: bool,
}

/// A voice goes from one note to the next, or holds one while others move.
#[derive(Clone, Copy)]
pub(super) struct Step<'a> {
    /// Index of the voice.
    pub(super) voice: usize,
    /// Its note before.
    pub(super) from: &'a Note,
    /// Its note from here on; the same if it holds.
    pub(super) to: &'a Note,
    /// Whether one follows on the other without a rest.
    pub(super) adjacent: bool,
    /// Whether it holds its note.
    pub(super) holds: bool,
}

/// What moves at one moment, and what is held then.
pub(super) struct Moment<'a> {
    pub(super) onset: Ticks,
    pub(super) steps: Vec<Step<'a>>,
}

/// A note of a voice, for a while.
#[derive(Clone, Copy)]
struct Held<'a> {
    step: Step<'a>,
    from: Ticks,
    to: Ticks,
    /// Whether the step before led here: the first note of a voice, or one after a rest of some length, has none.
    moves: bool,
}

/// The voices of a score in the order of its parts, staves and voices, and their moments in the time of the piece.
pub(super) fn aligned(score: &Score) -> (Vec<Voice>, Vec<Moment<'_>>) {
    let (mut voices, mut held) = (Vec::new(), Vec::new());
    for line in lines(score) {
        let (part, staff, voice) = (line.part, line.staff, line.voice);
        let mut tones = line.tones();
        tones.retain(|tone| is_plain(tone.head) && tone.duration().is_positive());
        let chords: Vec<&[Tone<'_>]> = tones.chunk_by(Tone::begins_with).collect();
        for lowest in [false, true] {
            if lowest && chords.iter().all(|chord| chord.len() < 2) {
                continue;
            }
            let index = voices.len();
            voices.push(Voice { part, staff, voice, lowest });
            follow(&chords, lowest, index, &mut held);
        }
    }
    (voices, moments(held))
}

/// The notes of one voice of a line.
fn follow<'a>(chords: &[&[Tone<'a>]], lowest: bool, voice: usize, held: &mut Vec<Held<'a>>) {
    let mut before: Option<Tone<'a>> = None;
    for chord in chords {
        let height = |tone: &&Tone<'_>| (tone.head.written_key(), tone.head.written.diatonic());
        let chosen = match (lowest, chord.len()) {
            (true, 0 | 1) => None,
            (true, _) => chord.iter().min_by_key(height),
            (false, _) => chord.iter().max_by_key(height),
        };
        let Some(tone) = chosen else {
            before = None;
            continue;
        };
        let (to, from) = (tone.head, before.map_or(tone.head, |before| before.head));
        let adjacent = before.is_some_and(|before| before.end == tone.onset);
        let step = Step { voice, from, to, adjacent, holds: false };
        let end = to.onset + tone.duration();
        held.push(Held { step, from: to.onset, to: end, moves: adjacent });
        before = Some(*tone);
    }
}

/// What music21 has in a part at one place: a note, or what its quartets leave out.
#[derive(Clone, Copy)]
enum Element<'a> {
    Note(&'a Note),
    Chord,
    Rest,
}

/// Elements of one staff, each from one moment to another.
type Elements<'a> = Vec<(Ticks, Ticks, Element<'a>)>;

/// The staves and their moments as music21 10.5.1 finds them (`Verticality.getAllVoiceLeadingQuartets`): in each part's
/// own time, notes as they are written, ties not merged, and before a note the first thing that began at the last moment
/// of its part. Nothing goes into or out of chords and rests, and what is silent is a rest.
pub(super) fn as_music21(score: &Score) -> (Vec<Voice>, Vec<Moment<'_>>) {
    let mut staves: BTreeMap<(u16, u8), Elements<'_>> = BTreeMap::new();
    for line in lines(score) {
        staves.entry((line.part, line.staff)).or_default().extend(elements(&line));
    }
    let (mut voices, mut held) = (Vec::new(), Vec::new());
    let timed = score.division.is_some();
    for ((part, staff), mut elements) in staves {
        elements.sort_by_key(|&(from, to, _)| (from, to));
        let index = voices.len();
        voices.push(Voice { part, staff, voice: None, lowest: false });
        let mut before: Option<(Ticks, Element<'_>)> = None;
        for moment in elements.chunk_by(|a, b| a.0 == b.0) {
            for &(from, to, element) in moment {
                let Element::Note(note) = element else { continue };
                let (last, moves, adjacent) = match before {
                    Some((end, Element::Note(last))) => {
                        // A gap is a rest there: of a `<forward>`, or of what is silent in a MIDI file.
                        (last, end == from || (!timed && end > from), end == from)
                    }
                    _ => (note, false, false),
                };
                let step = Step { voice: index, from: last, to: note, adjacent, holds: false };
                held.push(Held { step, from, to, moves });
            }
            before = moment.first().map(|&(_, to, element)| (to, element));
        }
    }
    (voices, moments(held))
}

fn elements<'a>(line: &Line<'a>) -> Vec<(Ticks, Ticks, Element<'a>)> {
    let mut elements: Vec<(Ticks, Ticks, Element<'a>)> =
        Vec::with_capacity(line.notes.len() + line.rests.len());
    let mut notes = line.notes.iter().peekable();
    while let Some(&(onset, note)) = notes.next() {
        let mut element = if note.is_pitched() { Element::Note(note) } else { Element::Chord };
        while notes.next_if(|(_, next)| next.flags.has(Flags::CHORD)).is_some() {
            element = Element::Chord;
        }
        elements.push((onset, onset + note.duration, element));
    }
    let rest = |&(onset, rest): &At<crate::score::Rest>| (onset, onset + rest.duration, Element::Rest);
    elements.extend(line.rests.iter().map(rest));
    elements
}

/// The notes of all voices by the moments at which they begin, each moment with what is held through it.
fn moments(mut held: Vec<Held<'_>>) -> Vec<Moment<'_>> {
    held.sort_by_key(|held| (held.from, held.step.voice));
    let mut moments: Vec<Moment<'_>> = Vec::new();
    let mut sounding: Vec<Held<'_>> = Vec::new();
    for together in held.chunk_by(|a, b| a.from == b.from) {
        let onset = together.first().map_or(Ticks::ZERO, |held| held.from);
        sounding.retain(|held| held.to > onset);
        let begun = together.iter().filter(|held| held.moves).map(|held| held.step);
        let mut steps: Vec<Step<'_>> = begun.collect();
        if !steps.is_empty() {
            steps.extend(sounding.iter().map(|held| Step {
                from: held.step.to,
                adjacent: true,
                holds: true,
                ..held.step
            }));
            steps.sort_by_key(|step| step.voice);
            moments.push(Moment { onset, steps });
        }
        sounding.extend(together);
    }
    moments
}

/// The pitches of a step.
pub(super) fn pitches(step: &Step<'_>, written: bool) -> (Pitch, Pitch) {
    let pitch = |note: &Note| if written { note.written } else { note.sounding() };
    (pitch(step.from), pitch(step.to))
}
