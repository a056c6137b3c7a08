//! Chords as cadences see them: without their changes of position.

use crate::analyse::harmony::ReadChord;
use crate::score::Ticks;
use shared::place::Place;

/// Chords of one root and kind in one key, one after the other: a seventh may join, the bass may move.
#[derive(Clone, Debug)]
pub(super) struct Span {
    pub(super) from: Ticks,
    pub(super) to: Ticks,
    /// 0 to 11 for major keys from C, 12 to 23 for minor ones.
    pub(super) key: usize,
    /// Pitch class.
    pub(super) root: usize,
    pub(super) kind: Kind,
    /// Whether a seventh is heard at any time.
    pub(super) seventh: bool,
    /// The member in the bass at first and at last.
    pub(super) inversions: (usize, usize),
    /// Whether it is read as the dominant of another degree than the first.
    pub(super) applied: bool,
    /// Indices of its first and its last chord in the reading.
    pub(super) chords: (usize, usize),
    pub(super) place: Place,
}

/// What a chord is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A major triad, without a seventh or with a minor one.
    Major,
    Minor,
    /// A diminished triad, with whatever seventh.
    Diminished,
    /// An augmented triad, or a major one with a major seventh.
    Other,
}

impl Kind {
    fn of(members: &[usize]) -> Self {
        match members {
            [0, 4, 7] | [0, 4, 7, 10] => Kind::Major,
            [0, 3, 7, ..] => Kind::Minor,
            [0, 3, 6, ..] => Kind::Diminished,
            _ => Kind::Other,
        }
    }
}

impl Span {
    /// How many semitones the root stands above a pitch class.
    pub(super) fn above(&self, class: usize) -> usize {
        (self.root + 12 - class % 12) % 12
    }

    /// Whether it is a dominant of a root: its fifth in major, or the diminished chord on its leading tone.
    pub(super) fn leads_to(&self, root: usize) -> bool {
        match self.kind {
            Kind::Major => self.above(root) == 7,
            Kind::Diminished => self.above(root) == 11,
            Kind::Minor | Kind::Other => false,
        }
    }

    /// Whether it prepares the dominant of a tonic: second and fourth degree, and what leads to the fifth.
    pub(super) fn prepares(&self, tonic: usize) -> bool {
        matches!(self.above(tonic), 1 | 2 | 5) && self.kind != Kind::Other
            || self.leads_to((tonic + 7) % 12)
            || self.above(tonic) == 8 && self.seventh
    }
}

/// The spans of a reading.
pub(super) fn spans(chords: &[ReadChord]) -> Vec<Span> {
    let mut spans: Vec<Span> = Vec::new();
    for (index, chord) in chords.iter().enumerate() {
        let kind = Kind::of(chord.members());
        let seventh = chord.members().len() > 3;
        if let Some(last) = spans.last_mut()
            && (last.key, last.root, last.kind) == (chord.key, chord.root, kind)
        {
            last.to = chord.end;
            last.seventh |= seventh;
            last.inversions.1 = chord.inversion;
            last.chords.1 = index;
            continue;
        }
        spans.push(Span {
            from: chord.onset,
            to: chord.end,
            key: chord.key,
            root: chord.root,
            kind,
            seventh,
            inversions: (chord.inversion, chord.inversion),
            applied: chord.figure.contains('/'),
            chords: (index, index),
            place: chord.place,
        });
    }
    spans
}
