//! Decorations by their names, and the letters that stand for them (standard 2.1, 4.14 and 4.16).

use super::quoted;
use super::text::decode;
use crate::score::AnnotationKind;
use std::borrow::Cow;

/// What a decoration says, by its MusicXML name; nothing for what is for printers alone. One that nobody knows is words.
pub(super) fn sign(name: &[u8]) -> Option<(AnnotationKind, Cow<'_, str>)> {
    use AnnotationKind::{Articulation, Dynamic, Fermata, Ornament};
    let (kind, text) = match name {
        b"." | b"staccato" => (Articulation, "staccato"),
        b">" | b"accent" | b"emphasis" => (Articulation, "accent"),
        b"^" | b"marcato" => (Articulation, "strong-accent"),
        b"tenuto" => (Articulation, "tenuto"),
        b"wedge" => (Articulation, "staccatissimo"),
        b"breath" => (Articulation, "breath-mark"),
        b"upbow" => (Articulation, "up-bow"),
        b"downbow" => (Articulation, "down-bow"),
        b"open" => (Articulation, "open-string"),
        b"thumb" => (Articulation, "thumb-position"),
        b"snap" => (Articulation, "snap-pizzicato"),
        b"+" | b"plus" => (Articulation, "stopped"),
        b"slide" => (Articulation, "scoop"),
        b"arpeggio" => (Articulation, "arpeggiate"),
        [digit @ b'0'..=b'5'] => return Some((Articulation, fingering(*digit).into())),
        b"trill" | b"tr" => (Ornament, "trill-mark"),
        b"trill(" => (Ornament, "wavy-line start"),
        b"trill)" => (Ornament, "wavy-line stop"),
        b"lowermordent" | b"mordent" => (Ornament, "mordent"),
        b"uppermordent" | b"pralltriller" => (Ornament, "inverted-mordent"),
        b"turn" | b"turnx" => (Ornament, "turn"),
        b"invertedturn" | b"invertedturnx" => (Ornament, "inverted-turn"),
        b"roll" | b"~" => (Ornament, "roll"),
        b"/" | b"//" | b"///" | b"////" => (Ornament, "tremolo"),
        b"fermata" | b"invertedfermata" => (Fermata, "fermata"),
        b"crescendo(" | b"<(" => (Dynamic, "crescendo start"),
        b"diminuendo(" | b">(" => (Dynamic, "diminuendo start"),
        b"crescendo)" | b"<)" | b"diminuendo)" | b">)" => (Dynamic, "hairpin stop"),
        b"xstem" | b"stemless" | b"beambr1" | b"beambr2" | b"beamon" | b"beam-accel" | b"beam-rall"
        | b"nil" | b"none" => return None,
        _ if is_dynamic(name) => return Some((Dynamic, decode(name))),
        _ => return Some((AnnotationKind::Direction, decode(name))),
    };
    Some((kind, text.into()))
}

/// What a sign says that stands between its marks, `!trill!` or `"text"`, or is a name.
pub(super) fn read(sign_text: &[u8]) -> Option<(AnnotationKind, Cow<'_, str>)> {
    match sign_text {
        [b'"', text @ .., b'"'] => {
            let (kind, text) = quoted::kind(text);
            Some((kind, decode(text)))
        }
        _ => sign(bare(sign_text)),
    }
}

/// A name without the marks of a decoration.
pub(super) fn bare(name: &[u8]) -> &[u8] {
    match name {
        [b'!', bare @ .., b'!'] | [b'+', bare @ .., b'+'] => bare,
        _ => name,
    }
}

const fn fingering(digit: u8) -> &'static str {
    match digit {
        b'0' => "fingering 0",
        b'1' => "fingering 1",
        b'2' => "fingering 2",
        b'3' => "fingering 3",
        b'4' => "fingering 4",
        _ => "fingering 5",
    }
}

/// `pp`, `mf`, `sfz` and the like.
pub(super) fn is_dynamic(name: &[u8]) -> bool {
    let is_all = |letter: u8| (1..=6).contains(&name.len()) && name.iter().all(|&byte| byte == letter);
    is_all(b'p')
        || is_all(b'f')
        || matches!(name, b"mp" | b"mf" | b"sfz" | b"sf" | b"fz" | b"rfz" | b"fp" | b"sfp")
}

/// The decoration that a letter stands for where no `U:` gives it another meaning.
pub(super) fn letter(letter: u8) -> Option<&'static [u8]> {
    Some(match letter {
        b'.' => b"staccato",
        b'~' => b"roll",
        b'H' => b"fermata",
        b'L' => b"accent",
        b'M' => b"lowermordent",
        b'O' => b"coda",
        b'P' => b"uppermordent",
        b'S' => b"segno",
        b'T' => b"trill",
        b'u' => b"upbow",
        b'v' => b"downbow",
        _ => return None,
    })
}

/// What `U:` fields give to letters: the decoration with its marks, or a text in its quotes.
#[derive(Clone, Debug, Default)]
pub(super) struct Symbols {
    given: Vec<(u8, Box<[u8]>)>,
}

impl Symbols {
    /// Takes a `U:` field such as `T = !trill!`. Says whether it is one.
    pub(super) fn take(&mut self, value: &[u8]) -> bool {
        let value = value.trim_ascii();
        let Some((&letter, rest)) = value.split_first() else { return false };
        let Some(sign) = rest.trim_ascii_start().strip_prefix(b"=") else { return false };
        if !matches!(letter, b'H'..=b'W' | b'h'..=b'w' | b'~') {
            return false;
        }
        self.given.retain(|(known, _)| *known != letter);
        self.given.push((letter, sign.trim_ascii().into()));
        true
    }

    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.given.is_empty()
    }

    /// What a letter was given.
    pub(super) fn given(&self, letter: u8) -> Option<&[u8]> {
        self.given.iter().find(|(known, _)| *known == letter).map(|(_, sign)| sign.as_ref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decorations_have_the_names_of_musicxml() {
        use AnnotationKind::*;
        for (name, kind, text) in [
            ("staccato", Articulation, "staccato"),
            ("trill", Ornament, "trill-mark"),
            ("fermata", Fermata, "fermata"),
            ("3", Articulation, "fingering 3"),
            ("pppp", Dynamic, "pppp"),
            ("sfz", Dynamic, "sfz"),
            ("<(", Dynamic, "crescendo start"),
            ("dolce", Direction, "dolce"),
        ] {
            assert_eq!(sign(name.as_bytes()), Some((kind, text.into())), "{name}");
        }
        assert_eq!(sign(b"xstem"), None);
    }

    #[test]
    fn letters_are_given_meanings() {
        let mut symbols = Symbols::default();
        assert!(symbols.take(b" T = !trill! ") && symbols.take(b"k=\"^x\"") && symbols.take(b"T=!turn!"));
        assert!(!symbols.take(b"A=!trill!") && !symbols.take(b"T") && !symbols.take(b""));
        assert_eq!((symbols.given(b'T'), symbols.given(b'k')), (Some(&b"!turn!"[..]), Some(&b"\"^x\""[..])));
    }
}
