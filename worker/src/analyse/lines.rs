//! The lines of a score: staves, and on staves where notes overlap their voices, with tied notes merged.

use crate::score::{Flags, Note, Pitch, Rest, Score, Ticks};
use std::collections::BTreeMap;

/// One line: a staff on which no two notes sound at once, else one voice of a staff.
pub(super) struct Line<'a> {
    /// Index of the part.
    pub(super) part: u16,
    /// Staff within the part.
    pub(super) staff: u8,
    /// The voice, on a staff that has more lines than one.
    pub(super) voice: Option<u8>,
    /// Notes by onset; chord members, grace notes and unpitched ones too.
    pub(super) notes: Vec<&'a Note>,
    /// Rests by onset.
    pub(super) rests: Vec<&'a Rest>,
}

/// A note with all that is tied to it.
#[derive(Clone, Copy)]
pub(super) struct Tone<'a> {
    /// The first of the tied notes.
    pub(super) head: &'a Note,
    /// Where the last of them ends.
    pub(super) end: Ticks,
    /// How many tones of the line begin with it, itself included: a chord if more than one.
    pub(super) together: usize,
}

impl Tone<'_> {
    /// How long it sounds.
    pub(super) fn duration(&self) -> Ticks {
        self.end - self.head.onset
    }
}

/// The lines of a score, by part, staff and voice.
pub(super) fn lines(score: &Score) -> Vec<Line<'_>> {
    let mut staves: BTreeMap<(u16, u8), (Vec<&Note>, Vec<&Rest>)> = BTreeMap::new();
    for note in &score.notes {
        staves.entry((note.part, note.staff)).or_default().0.push(note);
    }
    for rest in &score.rests {
        staves.entry((rest.part, rest.staff)).or_default().1.push(rest);
    }
    let mut lines = Vec::new();
    for ((part, staff), (notes, rests)) in staves {
        if !overlap(&notes) {
            lines.push(Line { part, staff, voice: None, notes, rests });
            continue;
        }
        let mut voices: BTreeMap<u8, (Vec<&Note>, Vec<&Rest>)> = BTreeMap::new();
        notes.into_iter().for_each(|note| voices.entry(note.voice).or_default().0.push(note));
        rests.into_iter().for_each(|rest| voices.entry(rest.voice).or_default().1.push(rest));
        let voices = voices.into_iter();
        lines.extend(voices.map(|(voice, (notes, rests))| Line {
            part,
            staff,
            voice: Some(voice),
            notes,
            rests,
        }));
    }
    lines
}

/// Whether any two of these notes, which are in order, sound at once.
fn overlap(notes: &[&Note]) -> bool {
    let mut end = Ticks::ZERO;
    notes.iter().filter(|note| !note.is_grace()).any(|note| {
        let early = note.onset < end;
        end = end.max(note.end());
        early
    })
}

impl<'a> Line<'a> {
    /// What one element of it is in a chord of several: grace notes included, all but the first member left out.
    pub(super) fn heads(&self) -> impl Iterator<Item = &'a Note> {
        self.notes.iter().copied().filter(|note| !note.flags.has(Flags::CHORD))
    }

    /// Its notes with ties merged, grace notes left out. A tie goes on in the note of the same written pitch that
    /// takes it up where it ends; a note that takes up no tie stands for itself.
    pub(super) fn tones(&self) -> Vec<Tone<'a>> {
        let mut tones: Vec<Tone<'a>> = Vec::with_capacity(self.notes.len());
        let mut open: BTreeMap<Pitch, usize> = BTreeMap::new();
        for &note in self.notes.iter().filter(|note| !note.is_grace()) {
            let tied = if note.is_onset() { None } else { open.remove(&note.written) };
            let from = tied.and_then(|index| tones.get_mut(index).map(|tone| (index, tone)));
            let index = match from {
                Some((index, tone)) if tone.end == note.onset => {
                    tone.end = note.end();
                    index
                }
                _ => {
                    tones.push(Tone { head: note, end: note.end(), together: 1 });
                    tones.len() - 1
                }
            };
            if note.flags.has(Flags::TIE_START) {
                open.insert(note.written, index);
            }
        }
        count_together(&mut tones);
        tones
    }
}

fn count_together(tones: &mut [Tone<'_>]) {
    for chord in tones.chunk_by_mut(|a, b| a.head.onset == b.head.onset) {
        let together = chord.len();
        chord.iter_mut().for_each(|tone| tone.together = together);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyse::common::testing::{note, score};
    use crate::score::Event;

    #[test]
    fn a_tie_is_one_tone_over_any_number_of_notes() {
        let tied = |onset, flags| Event::Note(Note { flags, ..note(0, (onset, 1), (1, 1), 60) });
        let score = score(
            1,
            vec![
                tied(0, Flags::TIE_START),
                tied(1, Flags::TIE_START.with(Flags::TIE_STOP)),
                tied(2, Flags::TIE_STOP),
                tied(3, Flags::TIE_STOP), // It takes up nothing: nobody started it.
            ],
        );
        let lines = lines(&score);
        let spans: Vec<String> = lines[0].tones().iter().map(|tone| tone.duration().as_fraction()).collect();
        assert_eq!((lines.len(), lines[0].voice, spans), (1, None, vec!["3".to_owned(), "1".to_owned()]));
    }

    #[test]
    fn voices_are_lines_only_where_they_overlap() {
        let voice = |part, onset, voice| Event::Note(Note { voice, ..note(part, (onset, 1), (1, 1), 60) });
        let score = score(2, vec![voice(0, 0, 1), voice(0, 1, 2), voice(1, 0, 1), voice(1, 0, 2)]);
        let names: Vec<_> = lines(&score).iter().map(|line| (line.part, line.voice)).collect();
        assert_eq!(names, [(0, None), (1, Some(1)), (1, Some(2))]);
    }
}
