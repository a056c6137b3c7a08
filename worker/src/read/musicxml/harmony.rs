//! `<harmony>` and `<figured-bass>`: chord symbols, functions of harmony, figures.

use super::super::ReadError;
use super::part::Part;
use super::values::{MILLION, millionths, whole};
use super::waiting::At;
use super::xml::Xml;
use crate::score::{AnnotationKind, EventSink};

/// Kinds of chords by their MusicXML names: the end of the symbol, and of a Roman numeral in root position.
const KINDS: [(&[u8], &str, &str); 27] = [
    (b"major", "", ""),
    (b"minor", "m", ""),
    (b"augmented", "aug", "+"),
    (b"diminished", "dim", "o"),
    (b"dominant", "7", "7"),
    (b"major-seventh", "maj7", "7"),
    (b"minor-seventh", "m7", "7"),
    (b"diminished-seventh", "dim7", "o7"),
    (b"augmented-seventh", "aug7", "+7"),
    (b"half-diminished", "m7b5", "ø7"),
    (b"major-minor", "mMaj7", "7"),
    (b"major-sixth", "6", ""),
    (b"minor-sixth", "m6", ""),
    (b"dominant-ninth", "9", "9"),
    (b"major-ninth", "maj9", "9"),
    (b"minor-ninth", "m9", "9"),
    (b"dominant-11th", "11", "11"),
    (b"major-11th", "maj11", "11"),
    (b"minor-11th", "m11", "11"),
    (b"dominant-13th", "13", "13"),
    (b"major-13th", "maj13", "13"),
    (b"minor-13th", "m13", "13"),
    (b"suspended-second", "sus2", ""),
    (b"suspended-fourth", "sus4", ""),
    (b"power", "5", ""),
    (b"pedal", "pedal", ""),
    (b"none", "N.C.", ""),
];

/// One chord of a `<harmony>`: those that follow each other in it sound as one, or lead into each other.
#[derive(Debug, Default)]
struct Chord {
    /// A letter with its sign; or the function's name.
    root: String,
    is_function: bool,
    is_minor: bool,
    kind: String,
    figures: String,
    inversion: u8,
    bass: String,
    degrees: String,
}

impl Chord {
    fn write(&self, into: &mut String) {
        if self.kind == "N.C." {
            into.push_str("N.C.");
            return;
        }
        if self.is_function {
            let root = if self.is_minor { self.root.to_lowercase() } else { self.root.clone() };
            into.push_str(&root);
            // One that brings figures of its own has said it all.
            if !root.contains(|c: char| c.is_ascii_digit()) {
                let sign = self.figures.trim_end_matches(|c: char| c.is_ascii_digit());
                into.push_str(sign);
                into.push_str(match (self.figures.ends_with('7'), self.inversion) {
                    (true, 1) => "65",
                    (true, 2) => "43",
                    (true, 3) => "42",
                    (false, 1) => "6",
                    (false, 2) => "64",
                    _ => self.figures.get(sign.len()..).unwrap_or_default(),
                });
            }
            return;
        }
        into.push_str(&self.root);
        into.push_str(&self.kind);
        into.push_str(&self.degrees);
        if !self.bass.is_empty() && self.bass != self.root {
            into.push('/');
            into.push_str(&self.bass);
        }
    }
}

/// Reads the open `<harmony>` and tells it. One that is hidden is for the ear of a program alone.
pub(super) fn read(xml: &mut Xml<'_>, part: &mut Part, sink: &mut dyn EventSink) -> Result<(), ReadError> {
    if xml.attribute(b"print-object") == Some(b"no") {
        return Ok(());
    }
    let (here, place) = (xml.depth(), xml.place());
    let (mut chords, mut offset, mut staff) = (Vec::<Chord>::new(), 0, 1);
    while xml.child(here)? {
        match xml.name() {
            b"root" | b"numeral" | b"function" => {
                // A document of chords alone shall not fill memory.
                chords.truncate(15);
                chords.push(chord(xml)?);
            }
            b"offset" => offset = millionths(xml.text()?).unwrap_or(0),
            b"staff" => staff = whole(xml.text()?).unwrap_or(1),
            _ => {
                if let Some(chord) = chords.last_mut() {
                    about(xml, chord)?;
                }
            }
        }
    }
    let is_function = chords.first().is_some_and(|chord| chord.is_function);
    let kind = if is_function { AnnotationKind::Harmony } else { AnnotationKind::ChordSymbol };
    let mut text = String::new();
    for chord in &chords {
        if !text.is_empty() {
            text.push(if is_function { '/' } else { '|' });
        }
        chord.write(&mut text);
    }
    part.waiting.say(kind, place, &text);
    tell(part, offset, staff, sink)
}

fn tell(part: &mut Part, offset: i64, staff: u8, sink: &mut dyn EventSink) -> Result<(), ReadError> {
    let onset = part.clock.moved(offset);
    part.waiting.tell(At { part: part.index, onset, voice: 0, staff }, sink)
}

/// The root of a chord, or its function in words or as a numeral.
fn chord(xml: &mut Xml<'_>) -> Result<Chord, ReadError> {
    let mut chord = Chord { is_function: xml.name() != b"root", ..Chord::default() };
    if xml.name() == b"function" {
        xml.append(&mut chord.root)?;
        return Ok(chord);
    }
    let here = xml.depth();
    let mut alter = 0;
    while xml.child(here)? {
        match xml.name() {
            b"root-step" => xml.append(&mut chord.root)?,
            b"root-alter" => chord.root.push_str(signs(whole(xml.text()?).unwrap_or(0))),
            b"numeral-alter" => alter = whole(xml.text()?).unwrap_or(0),
            b"numeral-root" => {
                let shown = xml.attribute_text(b"text").unwrap_or_default();
                let degree = whole::<u8>(xml.text()?).unwrap_or(0);
                chord.root = if shown.trim().is_empty() { roman(degree).to_owned() } else { shown };
            }
            _ => {}
        }
    }
    chord.root.insert_str(0, signs(alter));
    Ok(chord)
}

/// Takes the open child of a `<harmony>` that says more of its last chord.
fn about(xml: &mut Xml<'_>, chord: &mut Chord) -> Result<(), ReadError> {
    match xml.name() {
        b"kind" => {
            let shown = xml.attribute_text(b"text").unwrap_or_default();
            let name = xml.text()?;
            chord.is_minor = name.starts_with(b"minor")
                || matches!(
                    name,
                    b"diminished" | b"diminished-seventh" | b"half-diminished" | b"major-minor"
                );
            match KINDS.iter().find(|kind| kind.0 == name) {
                Some(kind) => (chord.kind, chord.figures) = (kind.1.to_owned(), kind.2.to_owned()),
                None => chord.kind = shown,
            }
        }
        b"inversion" => chord.inversion = whole(xml.text()?).unwrap_or(0),
        b"bass" => {
            let here = xml.depth();
            while xml.child(here)? {
                match xml.name() {
                    b"bass-step" => xml.append(&mut chord.bass)?,
                    b"bass-alter" => chord.bass.push_str(signs(whole(xml.text()?).unwrap_or(0))),
                    _ => {}
                }
            }
        }
        b"degree" => degree(xml, &mut chord.degrees)?,
        _ => {}
    }
    Ok(())
}

/// A degree that is added, altered or left out: `add9`, `b5`, `no3`.
fn degree(xml: &mut Xml<'_>, into: &mut String) -> Result<(), ReadError> {
    let here = xml.depth();
    let (mut value, mut alter, mut word) = (0_u8, 0, "");
    while xml.child(here)? {
        match xml.name() {
            b"degree-value" => value = whole(xml.text()?).unwrap_or(0),
            b"degree-alter" => alter = whole(xml.text()?).unwrap_or(0),
            b"degree-type" => {
                word = match xml.text()? {
                    b"add" => "add",
                    b"subtract" => "no",
                    _ => "",
                }
            }
            _ => {}
        }
    }
    let word = if word == "add" && alter != 0 { "" } else { word };
    // A harmony of thousands of degrees is none.
    if value > 0 && into.len() < 100 {
        into.push_str(word);
        into.push_str(if word == "no" { "" } else { signs(alter) });
        into.push_str(&value.to_string());
    }
    Ok(())
}

/// Sharps or flats.
const fn signs(alter: i8) -> &'static str {
    match alter {
        1 => "#",
        2 => "##",
        -1 => "b",
        -2 => "bb",
        _ => "",
    }
}

const fn roman(degree: u8) -> &'static str {
    match degree {
        1 => "I",
        2 => "II",
        3 => "III",
        4 => "IV",
        5 => "V",
        6 => "VI",
        7 => "VII",
        _ => "",
    }
}

/// Reads the open `<figured-bass>` and tells it. Those that share the note after them follow each other by their
/// durations.
pub(super) fn figures(xml: &mut Xml<'_>, part: &mut Part, sink: &mut dyn EventSink) -> Result<(), ReadError> {
    let (here, place) = (xml.depth(), xml.place());
    let hidden = xml.attribute(b"print-object") == Some(b"no");
    let (mut duration, mut offset, mut staff) = (0, 0, 1);
    while xml.child(here)? {
        match xml.name() {
            b"figure" if !hidden => figure(xml, part)?,
            b"duration" => duration = millionths(xml.text()?).unwrap_or(0).clamp(0, i64::MAX / MILLION),
            b"offset" => offset = millionths(xml.text()?).unwrap_or(0),
            b"staff" => staff = whole(xml.text()?).unwrap_or(1),
            _ => {}
        }
    }
    part.waiting.end(AnnotationKind::FiguredBass, 1, place);
    let from = part.figured;
    part.figured = from.saturating_add(duration);
    tell(part, from.saturating_add(offset), staff, sink)
}

/// One figure with its signs behind it.
fn figure(xml: &mut Xml<'_>, part: &mut Part) -> Result<(), ReadError> {
    let here = xml.depth();
    let mut sign = "";
    if !part.waiting.open().is_empty() {
        part.waiting.text().push(' ');
    }
    while xml.child(here)? {
        match xml.name() {
            b"figure-number" => xml.append(part.waiting.text())?,
            b"prefix" | b"suffix" => {
                sign = match xml.text()? {
                    b"sharp" => "#",
                    b"flat" => "b",
                    b"natural" => "n",
                    b"double-sharp" | b"sharp-sharp" => "##",
                    b"flat-flat" | b"double-flat" => "bb",
                    b"cross" => "+",
                    b"slash" => "/",
                    b"backslash" | b"back-slash" => "\\",
                    _ => sign,
                };
            }
            _ => {}
        }
    }
    part.waiting.text().push_str(sign);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numerals_are_written_with_their_figures() {
        for (root, is_minor, figures, inversion, expected) in [
            ("V", false, "7", 1, "V65"),
            ("II", true, "", 1, "ii6"),
            ("VII", true, "ø7", 0, "viiø7"),
            ("VII", true, "o7", 2, "viio43"),
            ("IV", false, "", 2, "IV64"),
            ("V65", false, "7", 0, "V65"),
            ("I", false, "", 0, "I"),
        ] {
            let mut text = String::new();
            let (root, figures) = (root.to_owned(), figures.to_owned());
            Chord { root, is_function: true, is_minor, figures, inversion, ..Chord::default() }
                .write(&mut text);
            assert_eq!(text, expected);
        }
    }
}
