//! The notes of a score as the features mean them: the lines of each staff, sounding pitch, ties merged, without grace
//! notes, in the time of the piece.

use super::super::lines::{Tone, lines};
use super::sounds::{Heard, Kind, Sound, Sounds, Staff};
use crate::score::{Note, Score};

/// The sounds of a score. The staves of a part are one voice where voices are counted, as they are one player.
pub(super) fn sounds(score: &Score) -> Sounds {
    let heard = |note: &Note| Heard { counted: note.sounding(), sliced: note.sounding() };
    let mut sounds = Sounds::default();
    let mut staves: Vec<Staff> = Vec::new();
    for (number, line) in (0..).zip(lines(score)) {
        let mut tones = line.tones();
        tones.retain(|tone| !tone.head.is_grace());
        // Tones that begin together are a chord if they are equally long, and else sound beside each other.
        tones.sort_by_key(|tone| (tone.onset, tone.end));
        let channel = usize::from(line.part);
        if staves.last().is_none_or(|staff| staff.part != line.part) {
            staves.push(Staff { part: line.part, channel, leads: true, sounds: Vec::new() });
        }
        for chord in tones.chunk_by(|a, b| (a.onset, a.end) == (b.onset, b.end)) {
            let Some(first) = chord.first() else { continue };
            let notes: Vec<&Note> = chord.iter().map(|tone| tone.head).collect();
            let pitches = sounds.hear(&notes, heard);
            let sound = told(first, pitches, number);
            staves.iter_mut().next_back().into_iter().for_each(|staff| staff.sounds.push(sound));
        }
    }
    sounds.staves = staves;
    sounds
}

fn told(tone: &Tone<'_>, pitches: (usize, usize), line: u16) -> Sound {
    Sound {
        at: tone.head.onset,
        length: tone.duration(),
        offset: tone.head.onset,
        measure: 0,
        line,
        kind: match pitches.1 {
            0 => Kind::Unpitched,
            1 => Kind::Note,
            _ => Kind::Chord,
        },
        grace: false,
        pitches,
    }
}
