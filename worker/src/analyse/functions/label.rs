//! The labels of functions: music21's table by figure, and one by what the chord is.

use crate::analyse::harmony::ReadChord;
use serde::Serialize;

/// What a function belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(super) enum Group {
    #[serde(rename = "T")]
    Tonic,
    #[serde(rename = "S")]
    Subdominant,
    #[serde(rename = "D")]
    Dominant,
    /// A dominant of another degree, or an augmented sixth.
    #[serde(rename = "applied")]
    Applied,
}

/// What a chord does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Function {
    /// One of the 18, `DD` for what leads to the dominant, `(D)` for what leads to another degree.
    pub(super) label: Option<&'static str>,
    pub(super) group: Option<Group>,
}

impl Function {
    fn of(label: &'static str) -> Self {
        let group = match label.as_bytes().first() {
            _ if matches!(label, "DD" | "(D)") => Some(Group::Applied),
            Some(b'T' | b't') => Some(Group::Tonic),
            Some(b'S' | b's') => Some(Group::Subdominant),
            Some(b'D' | b'd') => Some(Group::Dominant),
            _ => None,
        };
        Function { label: Some(label), group }
    }

    /// What it counts as on the way from function to function.
    pub(super) fn step(self) -> Option<Group> {
        if self.label == Some("DD") {
            Some(Group::Subdominant)
        } else {
            self.group.filter(|&group| group != Group::Applied)
        }
    }
}

/// The label that music21 10.5.1 has for the figure (`harmonicFunction.romanToFunction`): by the numeral before its
/// figures and marks, of an applied chord by the chord itself, with parallels before Gegenklänge.
pub(super) fn as_music21(chord: &ReadChord) -> Function {
    let numeral = chord.figure.split('/').next().unwrap_or_default();
    // An Italian sixth is no first degree, though it begins like one.
    if numeral.starts_with("It") {
        return Function::default();
    }
    let end = numeral
        .find(|sign: char| !matches!(sign, 'b' | '#' | 'i' | 'v' | 'I' | 'V'))
        .unwrap_or(numeral.len());
    let label = match (numeral.get(..end).unwrap_or_default(), chord.key >= 12) {
        ("I", _) => "T",
        ("i", _) => "t",
        ("bII", _) => "sG",
        ("ii", _) => "Sp",
        ("bIII", false) | ("III", true) => "tP",
        ("iii", false) | ("#iii", true) => "Dp",
        ("IV", _) => "S",
        ("iv", _) => "s",
        ("V", _) => "D",
        ("v", _) => "d",
        ("bVI", false) | ("VI", true) => "sP",
        ("vi", false) => "Tp",
        ("bVII", false) | ("VII", true) => "dP",
        ("bvii", false) => "Dg",
        _ => return Function::default(),
    };
    Function::of(label)
}

/// The same table, and what it leaves out: the diminished chord on the leading tone is a dominant without its root, that
/// on the second degree of minor a subdominant with a sixth; III+ is a dominant with a sixth, a six-four chord of the
/// tonic before the dominant a dominant whose notes are late; what leads to the dominant is `DD`.
pub(super) fn corrected(chord: &ReadChord, next: Option<&ReadChord>) -> Function {
    let degree = |chord: &ReadChord| (chord.root + 12 - chord.key % 12) % 12;
    let (above, minor) = (degree(chord), chord.key >= 12);
    let dominant_next = next.is_some_and(|next| next.key == chord.key && degree(next) == 7);
    if let Some((_, of)) = chord.figure.split_once('/') {
        return Function::of(if of.eq_ignore_ascii_case("V") { "DD" } else { "(D)" });
    }
    match (above, chord.members()) {
        (0, _) if chord.inversion == 2 && dominant_next => Function::of("D"),
        // A German sixth sounds as a minor seventh on the sixth degree, where its spelling does not tell it apart.
        (8, [0, 4, 7, 10]) | (_, [0, 2, 6, ..] | [0, 4, 6, 10]) => Function::of("DD"),
        (11, [0, 3, 6, ..]) => Function::of("D"),
        (2, [0, 3, 6, ..]) => Function::of("s"),
        (3, [0, 4, 8]) if minor => Function::of("D"),
        (_, [0, 3, 6, ..] | [0, 4, 8]) => Function::default(),
        _ => as_music21(chord),
    }
}
