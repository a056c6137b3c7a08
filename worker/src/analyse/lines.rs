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
    pub(super) notes: Vec<At<&'a Note>>,
    /// Rests by onset.
    pub(super) rests: Vec<At<Rest>>,
}

/// Something and its onset in its part's own time. The time of the piece waits at the end of a measure for the part
/// that fills most of it, which would tear apart what follows without a gap.
pub(super) type At<T> = (Ticks, T);

/// What stands on a staff or in a voice.
type Content<'a> = (Vec<At<&'a Note>>, Vec<At<Rest>>);

/// A note with all that is tied to it.
#[derive(Clone, Copy)]
pub(super) struct Tone<'a> {
    /// The first of the tied notes.
    pub(super) head: &'a Note,
    /// Where it begins, in the part's own time.
    pub(super) onset: Ticks,
    /// Where the last of them ends.
    pub(super) end: Ticks,
    /// How many tones of the line begin with it, itself included: a chord if more than one. Grace notes are alone.
    pub(super) together: usize,
}

/// The lines of a score, by part, staff and voice.
pub(super) fn lines(score: &Score) -> Vec<Line<'_>> {
    let waits: Vec<Vec<Ticks>> = (0..).take(score.parts.len()).map(|part| waits(score, part)).collect();
    let wait = |part: u16, measure: u32| {
        let of_part = waits.get(usize::from(part));
        of_part.and_then(|waits| waits.get(measure as usize)).copied().unwrap_or_default()
    };
    let mut staves: BTreeMap<(u16, u8), Content<'_>> = BTreeMap::new();
    for note in &score.notes {
        let onset = note.onset - wait(note.part, note.measure);
        staves.entry((note.part, note.staff)).or_default().0.push((onset, note));
    }
    for rest in &score.rests {
        let onset = rest.onset - wait(rest.part, rest.measure);
        staves.entry((rest.part, rest.staff)).or_default().1.push((onset, rest));
    }
    let mut lines = Vec::new();
    for ((part, staff), (notes, rests)) in staves {
        if !overlap(&notes) {
            lines.push(Line { part, staff, voice: None, notes, rests });
            continue;
        }
        let mut voices: BTreeMap<u8, Content<'_>> = BTreeMap::new();
        notes.into_iter().for_each(|at| voices.entry(at.1.voice).or_default().0.push(at));
        rests.into_iter().for_each(|at| voices.entry(at.1.voice).or_default().1.push(at));
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

/// For each measure of a part, how much later than in the part's own time it begins in the piece's.
fn waits(score: &Score, part: u16) -> Vec<Ticks> {
    let measures = score.measures_of(part).iter();
    measures
        .scan(Ticks::ZERO, |own, measure| {
            let wait = measure.onset - *own;
            *own += measure.duration;
            Some(wait)
        })
        .collect()
}

/// Whether any two of these notes, which are in order, sound at once.
fn overlap(notes: &[At<&Note>]) -> bool {
    let mut end = Ticks(i64::MIN);
    notes.iter().filter(|(_, note)| !note.is_grace()).any(|&(onset, note)| {
        let early = onset < end;
        end = end.max(onset + note.duration);
        early
    })
}

impl<'a> Line<'a> {
    /// Its notes with ties merged. A tie goes on in the note of the same written pitch that begins where it ends, even if
    /// that one says nothing of a tie (some programs write the start only, and music21 reads it so). A note to which no
    /// tie leads stands for itself, whatever it says, and so does each grace note.
    pub(super) fn tones(&self) -> Vec<Tone<'a>> {
        let mut tones: Vec<Tone<'a>> = Vec::with_capacity(self.notes.len());
        let mut open: BTreeMap<Pitch, usize> = BTreeMap::new();
        for &(onset, head) in &self.notes {
            let end = onset + head.duration;
            let tied = if head.is_grace() { None } else { open.remove(&head.written) };
            let from = tied.and_then(|index| tones.get_mut(index).map(|tone| (index, tone)));
            let index = match from {
                Some((index, tone)) if tone.end == onset => {
                    tone.end = end;
                    index
                }
                _ => {
                    tones.push(Tone { head, onset, end, together: 1 });
                    tones.len() - 1
                }
            };
            if head.flags.has(Flags::TIE_START) && !head.is_grace() {
                open.insert(head.written, index);
            }
        }
        for chord in tones.chunk_by_mut(Tone::begins_with) {
            let together = chord.len();
            chord.iter_mut().for_each(|tone| tone.together = together);
        }
        tones
    }
}

impl Tone<'_> {
    /// How long it sounds.
    pub(super) fn duration(&self) -> Ticks {
        self.end - self.onset
    }

    /// Whether two neighbours are of one chord.
    pub(super) fn begins_with(&self, other: &Self) -> bool {
        self.onset == other.onset && !self.head.is_grace() && !other.head.is_grace()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyse::testing::{note, score};
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
                tied(3, Flags::TIE_STOP), // Nobody started this one.
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
