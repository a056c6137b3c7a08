//! What each line sings, in the time of the piece: who follows whom, and which tone is the highest and the lowest when.

use super::common::is_plain;
use super::lines::lines;
use crate::score::{Pitch, Score, Ticks};
use shared::place::Place;
use std::collections::BTreeSet;
use std::sync::Arc;

/// A tone with all that is tied to it, as it sounds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sung {
    /// Index of its line.
    pub(super) line: usize,
    /// When it begins, in the time of the piece.
    pub(super) from: Ticks,
    /// When it ends.
    pub(super) to: Ticks,
    /// As it sounds.
    pub(super) pitch: Pitch,
    /// MIDI key that sounds.
    pub(super) key: i32,
    /// Where its first note stands in the source.
    pub(super) place: Place,
}

/// A line: part, staff, and the voice where the staff has several.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Singer {
    pub(super) part: u16,
    pub(super) staff: u8,
    pub(super) voice: Option<u8>,
}

/// The tones of a score, line by line, each line in the order of time, chords from the top of the source's order.
#[derive(Debug, Default)]
pub(super) struct Voices {
    pub(super) singers: Vec<Singer>,
    pub(super) tones: Vec<Sung>,
    /// For each tone, the index of the first one of the chord that it stands in.
    chords: Vec<usize>,
}

/// The highest and the lowest tone from one moment on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Edge {
    pub(super) at: Ticks,
    /// Indices of tones; nothing in silence.
    pub(super) outer: Option<(usize, usize)>,
}

impl Voices {
    /// The tones of a score, made once for all analyses that ask; grace notes and unpitched ones are left out.
    pub(super) fn of(score: &Score) -> Arc<Self> {
        score.derived(Voices::made)
    }

    fn made(score: &Score) -> Self {
        let mut voices = Voices::default();
        for line in lines(score) {
            let index = voices.singers.len();
            voices.singers.push(Singer { part: line.part, staff: line.staff, voice: line.voice });
            let tones = line.tones();
            let plain = tones.iter().filter(|tone| is_plain(tone.head) && tone.duration().is_positive());
            for tone in plain {
                let (from, head) = (tone.head.onset, tone.head);
                let before = voices.tones.last().filter(|last| last.line == index && last.from == from);
                let chord = before.and_then(|_| voices.chords.last().copied()).unwrap_or(voices.tones.len());
                voices.chords.push(chord);
                voices.tones.push(Sung {
                    line: index,
                    from,
                    to: from + tone.duration(),
                    pitch: head.sounding(),
                    key: head.sounding_key(),
                    place: head.place,
                });
            }
        }
        voices
    }

    /// The chord that a tone stands in, itself included.
    pub(super) fn chord_of(&self, tone: usize) -> &[Sung] {
        self.chord_from(self.chords.get(tone).copied().unwrap_or(tone))
    }

    /// The chord after the one that a tone stands in, in its line; empty at the end of the line.
    pub(super) fn after(&self, tone: usize) -> &[Sung] {
        self.indexed_after(tone).1
    }

    /// The same, with the index of its first tone.
    pub(super) fn indexed_after(&self, tone: usize) -> (usize, &[Sung]) {
        let first = self.chords.get(tone).copied().unwrap_or(tone);
        let next = first + self.chord_from(first).len();
        let same = |next: &Sung| self.tones.get(tone).is_some_and(|tone| tone.line == next.line);
        (next, if self.tones.get(next).is_some_and(same) { self.chord_from(next) } else { &[] })
    }

    /// The chord before the one that a tone stands in, in its line, with the index of its first tone; empty at the start
    /// of the line.
    pub(super) fn indexed_before(&self, tone: usize) -> (usize, &[Sung]) {
        let Some(last) = self.index_before(tone) else { return (0, &[]) };
        let first = self.chords.get(last).copied().unwrap_or(last);
        (first, self.chord_from(first))
    }

    /// Index of the last tone of that chord.
    pub(super) fn index_before(&self, tone: usize) -> Option<usize> {
        let last = self.chords.get(tone).copied().unwrap_or(tone).checked_sub(1)?;
        let same = |last: &Sung| self.tones.get(tone).is_some_and(|tone| tone.line == last.line);
        self.tones.get(last).is_some_and(same).then_some(last)
    }

    fn chord_from(&self, first: usize) -> &[Sung] {
        let rest = self.chords.get(first..).unwrap_or_default();
        let count = rest.partition_point(|&chord| chord == first);
        self.tones.get(first..first + count).unwrap_or_default()
    }

    /// The outer tones from each moment at which they change; of tones of one pitch those of the later line.
    pub(super) fn edges(&self) -> Vec<Edge> {
        let mut starts: Vec<usize> = (0..self.tones.len()).collect();
        let from = |&tone: &usize| self.tones.get(tone).map_or(Ticks::ZERO, |tone| tone.from);
        let to = |&tone: &usize| self.tones.get(tone).map_or(Ticks::ZERO, |tone| tone.to);
        let key = |tone: usize| self.tones.get(tone).map_or(0, |tone| tone.key);
        let mut ends = starts.clone();
        starts.sort_by_key(from);
        ends.sort_by_key(to);
        let (mut starts, mut ends) = (starts.into_iter().peekable(), ends.into_iter().peekable());
        let mut sounding: BTreeSet<(i32, usize)> = BTreeSet::new();
        let mut edges: Vec<Edge> = Vec::new();
        while let Some(at) = [starts.peek().map(from), ends.peek().map(to)].into_iter().flatten().min() {
            while let Some(tone) = ends.next_if(|tone| to(tone) == at) {
                sounding.remove(&(key(tone), tone));
            }
            while let Some(tone) = starts.next_if(|tone| from(tone) == at) {
                sounding.insert((key(tone), tone));
            }
            let outer = sounding.last().zip(sounding.first()).map(|(top, bottom)| (top.1, bottom.1));
            if edges.last().is_none_or(|last| last.outer != outer) {
                edges.push(Edge { at, outer });
            }
        }
        edges
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{note, score};
    use super::*;
    use crate::score::{Event, Flags, Note};

    #[test]
    fn lines_know_what_comes_before_and_after_and_what_is_outside() {
        let chord = |onset, keys: [i32; 2]| {
            keys.map(|key| {
                let flags = Flags::NONE.with_if(key != keys[0], Flags::CHORD);
                Event::Note(Note { flags, ..note(0, (onset, 1), (1, 1), key) })
            })
        };
        let mut events: Vec<Event<'_>> =
            [chord(0, [60, 64]), chord(1, [62, 65])].into_iter().flatten().collect();
        events.push(Event::Note(note(1, (1, 1), (2, 1), 48)));
        let voices = Voices::of(&score(2, events));
        let keys = |chord: &[Sung]| chord.iter().map(|tone| tone.key).collect::<Vec<_>>();
        assert_eq!((keys(voices.after(1)), keys(voices.indexed_before(2).1)), (vec![62, 65], vec![60, 64]));
        assert_eq!((keys(voices.after(3)), keys(voices.indexed_before(4).1)), (vec![], vec![]));
        let outer: Vec<_> = voices.edges().iter().map(|edge| edge.outer).collect();
        assert_eq!(outer, [Some((1, 0)), Some((3, 4)), Some((4, 4)), None]);
    }
}
