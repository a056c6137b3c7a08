//! The spines beside kern: lyrics, dynamics, harmonies, chord symbols, figured bass.

use super::chords;
use super::text::decode;
use crate::score::Event;
use crate::score::{Annotation, AnnotationKind, EventSink, Stop};
use std::borrow::Cow;

/// What a column beside kern holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Beside {
    /// `**text`, `**silbe`, `**lyrics`.
    Lyric,
    /// `**dynam`.
    Dynamic,
    /// `**harm`, `**deg` and the like: what an analyst says.
    Harmony,
    /// `**mxhm`: the chords of a MusicXML file, by root, kind and bass.
    Chord,
    /// `**harte`: chords in the syntax of Harte.
    Harte,
    /// `**fb`, `**fba`: figures above or below the bass.
    Figures,
}

impl Beside {
    /// What a `**` cell names, if it is one of them.
    pub(super) fn of(cell: &[u8]) -> Option<Self> {
        match cell {
            b"**text" | b"**silbe" | b"**lyrics" => Some(Beside::Lyric),
            b"**dynam" | b"**dyn" => Some(Beside::Dynamic),
            b"**harm" => Some(Beside::Harmony),
            b"**mxhm" => Some(Beside::Chord),
            b"**harte" => Some(Beside::Harte),
            b"**fb" | b"**fba" => Some(Beside::Figures),
            _ => None,
        }
    }

    const fn kind(self) -> AnnotationKind {
        match self {
            Beside::Lyric => AnnotationKind::Lyric,
            Beside::Dynamic => AnnotationKind::Dynamic,
            Beside::Harmony => AnnotationKind::Harmony,
            Beside::Chord | Beside::Harte => AnnotationKind::ChordSymbol,
            Beside::Figures => AnnotationKind::FiguredBass,
        }
    }

    /// Tells what a cell of such a column says, at the moment and part of `at`.
    pub(super) fn tell(self, cell: &[u8], at: Annotation, sink: &mut dyn EventSink) -> Result<(), Stop> {
        let mut say = |kind, text: &str| {
            let mut said = at;
            said.kind = kind;
            sink.event(at.place, Event::Annotation(said, text))
        };
        let text = decode(cell);
        match self {
            Beside::Lyric => say(self.kind(), &syllable(&text)),
            Beside::Harmony => say(self.kind(), harmony(&text)),
            Beside::Chord => say(self.kind(), &chords::from_kind(text.trim())),
            Beside::Harte => say(self.kind(), &chords::from_harte(text.trim())),
            Beside::Figures => say(self.kind(), &figures(&text)),
            Beside::Dynamic => text.split_ascii_whitespace().try_for_each(|word| dynamics(word, &mut say)),
        }
    }
}

/// A syllable, without the hyphen that says only that the one before it goes on. `|` and `_` alone hold it.
fn syllable(text: &str) -> Cow<'_, str> {
    let bare = text.trim().trim_start_matches('-');
    if matches!(bare, "_" | "|") { Cow::Borrowed("") } else { Cow::Borrowed(bare) }
}

/// A harmony without the duration before it, ties and phrase marks. A rest is none.
fn harmony(text: &str) -> &str {
    let is_duration = |c: char| c.is_ascii_digit() || matches!(c, '.' | '%' | '[' | '_' | '{' | '(');
    let bare = text.trim().trim_start_matches(is_duration).trim_end_matches([']', '_', '}', ')', ';']);
    if bare == "r" { "" } else { bare }
}

/// Each figure with its accidental behind it: `#6 -3` is `6# 3b`. What is no figure stays as it is.
fn figures(text: &str) -> String {
    let figure = |word: &str| {
        // A line that goes on, brackets, and how the accidental was printed.
        let word = word.trim_end_matches(['_', 'r', ':']);
        let is_digit = |c: char| c.is_ascii_digit();
        let Some(from) = word.find(is_digit) else { return accidental(word) };
        let (before, rest) = word.split_at_checked(from).unwrap_or_default();
        let to = rest.find(|c| !is_digit(c)).unwrap_or(rest.len());
        let (number, behind) = rest.split_at_checked(to).unwrap_or_default();
        format!("{number}{}{}", accidental(before), accidental(behind))
    };
    let words: Vec<String> =
        text.split_ascii_whitespace().map(figure).filter(|word| !word.is_empty()).collect();
    words.join(" ")
}

fn accidental(text: &str) -> String {
    text.replace('-', "b")
}

/// Tells the dynamics of one word: letters such as `mf`, and where hairpins begin and end.
fn dynamics(word: &str, say: &mut impl FnMut(AnnotationKind, &str) -> Result<(), Stop>) -> Result<(), Stop> {
    let kind = AnnotationKind::Dynamic;
    let mut rest = word;
    while let Some(first) = rest.chars().next() {
        let is_same =
            |c: char| if first.is_alphabetic() { c.is_alphabetic() || c == '.' } else { c == first };
        let end = rest.find(|c| !is_same(c)).unwrap_or(rest.len());
        let (run, after) = rest.split_at_checked(end).unwrap_or((rest, ""));
        rest = after;
        match first {
            '<' => say(kind, "crescendo start")?,
            '>' => say(kind, "diminuendo start")?,
            '[' | ']' => say(kind, "hairpin stop")?,
            // Signs of the editor: explicit, hidden.
            _ if first.is_alphabetic() => {
                let letters = run.trim_matches(|c| matches!(c, 'x' | 'X' | 'y' | 'v' | '.'));
                let is_dynamic = letters.bytes().all(|byte| b"pmfszrn".contains(&byte));
                say(if is_dynamic { kind } else { AnnotationKind::Direction }, letters)?;
            }
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(word: &str) -> String {
        let mut heard = Vec::new();
        let mut say = |kind: AnnotationKind, text: &str| {
            heard.push(format!("{}:{text}", &kind.name()[..3]));
            Ok(())
        };
        dynamics(word, &mut say).unwrap();
        heard.join(" ")
    }

    #[test]
    fn dynamics_are_letters_and_hairpins() {
        for (word, expected) in [
            ("mf", "dyn:mf"),
            ("sfzyy", "dyn:sfz"),
            ("p<", "dyn:p dyn:crescendo start"),
            ("[[>", "dyn:hairpin stop dyn:diminuendo start"),
            ("]pp", "dyn:hairpin stop dyn:pp"),
            ("(", ""),
            ("cresc.", "dir:cresc"),
            ("<.", "dyn:crescendo start"),
        ] {
            assert_eq!(heard(word), expected, "{word}");
        }
    }

    #[test]
    fn syllables_and_harmonies_are_bare() {
        for (text, expected) in
            [("-ri-", "ri-"), ("Ky-", "Ky-"), ("-e_", "e_"), ("|", ""), ("_", ""), ("-", "")]
        {
            assert_eq!(syllable(text), expected, "{text}");
        }
        for (text, expected) in [
            ("4.V7b/ii", "V7b/ii"),
            ("[2I", "I"),
            ("I]", "I"),
            ("3%2viioD7", "viioD7"),
            ("4r", ""),
            ("4", ""),
        ] {
            assert_eq!(harmony(text), expected, "{text}");
        }
    }

    #[test]
    fn figures_have_their_accidentals_behind_them() {
        for (text, expected) in [
            ("6 4", "6 4"),
            ("#6 -3", "6# 3b"),
            ("6 n4 -3r", "6 4n 3b"),
            ("5_ 3_", "5 3"),
            ("6\\", "6\\"),
            ("7 #", "7 #"),
            ("-", "b"),
            ("_", ""),
        ] {
            assert_eq!(figures(text), expected, "{text}");
        }
    }
}
