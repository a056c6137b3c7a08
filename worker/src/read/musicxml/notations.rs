//! What a note carries beside its pitch: articulations, ornaments, slurs, dynamics, fermatas, syllables.

use super::super::ReadError;
use super::values::whole;
use super::waiting::Waiting;
use super::xml::Xml;
use crate::score::AnnotationKind;

/// Reads the child of `<notations>` that is open.
pub(super) fn read(xml: &mut Xml<'_>, waiting: &mut Waiting) -> Result<(), ReadError> {
    let kind = match xml.name() {
        b"articulations" | b"technical" => AnnotationKind::Articulation,
        b"ornaments" => AnnotationKind::Ornament,
        b"dynamics" => return dynamics(xml, waiting),
        b"slur" => {
            slur(xml, waiting);
            return Ok(());
        }
        b"fermata" => {
            let place = xml.place();
            waiting.say(AnnotationKind::Fermata, place, "fermata");
            return Ok(());
        }
        b"arpeggiate" | b"non-arpeggiate" | b"glissando" | b"slide" => {
            return sign(xml, AnnotationKind::Articulation, waiting);
        }
        _ => return Ok(()),
    };
    let here = xml.depth();
    while xml.child(here)? {
        // An accidental belongs to the ornament before it, which has been told.
        if xml.name() != b"accidental-mark" {
            sign(xml, kind, waiting)?;
        }
    }
    Ok(())
}

/// One sign, by its name, with where it begins or ends, and with what a finger or string sign says.
fn sign(xml: &mut Xml<'_>, kind: AnnotationKind, waiting: &mut Waiting) -> Result<(), ReadError> {
    let place = xml.place();
    let end = match xml.attribute(b"type") {
        Some(b"start") => " start",
        Some(b"stop") => " stop",
        // It began before and ends later.
        Some(b"continue") => return Ok(()),
        _ => "",
    };
    let (has_text, is_other) = match xml.name() {
        b"fingering" | b"string" | b"fret" | b"pluck" | b"handbell" => (true, false),
        name => (false, name.starts_with(b"other-")),
    };
    let name = String::from_utf8_lossy(xml.name()).into_owned();
    if is_other {
        xml.append(waiting.text())?;
    }
    if waiting.open().is_empty() {
        waiting.text().push_str(&name);
    }
    if has_text {
        waiting.text().push(' ');
        xml.append(waiting.text())?;
    }
    waiting.text().push_str(end);
    waiting.end(kind, 1, place);
    Ok(())
}

fn slur(xml: &mut Xml<'_>, waiting: &mut Waiting) {
    let number = xml.attribute(b"number").and_then(whole).unwrap_or(1);
    let text = match xml.attribute(b"type") {
        Some(b"start") => "start",
        Some(b"stop") => "stop",
        _ => return,
    };
    let place = xml.place();
    waiting.text().push_str(text);
    waiting.end(AnnotationKind::Slur, number, place);
}

/// Reads the open `<dynamics>`: signs that stand together are one, `sf` and `p` are `sfp`.
pub(super) fn dynamics(xml: &mut Xml<'_>, waiting: &mut Waiting) -> Result<(), ReadError> {
    let here = xml.depth();
    let place = xml.place();
    while xml.child(here)? {
        if xml.name() == b"other-dynamics" {
            if !waiting.open().is_empty() {
                waiting.text().push(' ');
            }
            xml.append(waiting.text())?;
        } else {
            let name = String::from_utf8_lossy(xml.name());
            waiting.text().push_str(&name);
        }
    }
    waiting.end(AnnotationKind::Dynamic, 1, place);
    Ok(())
}

/// Reads the open `<lyric>`. A syllable that is hidden is sung elsewhere.
pub(super) fn lyric(xml: &mut Xml<'_>, waiting: &mut Waiting) -> Result<(), ReadError> {
    if xml.attribute(b"print-object") == Some(b"no") {
        return Ok(());
    }
    let (here, place) = (xml.depth(), xml.place());
    let verse = xml.attribute(b"number").map_or(1, verse);
    let (mut goes_on, mut is_held) = (false, false);
    while xml.child(here)? {
        match xml.name() {
            b"text" => xml.append(waiting.text())?,
            b"syllabic" => goes_on = matches!(xml.text()?, b"begin" | b"middle"),
            // Two syllables on one note, as the `~` of ABC.
            b"elision" => waiting.text().push(' '),
            b"extend" => is_held = !matches!(xml.attribute(b"type"), Some(b"stop" | b"continue")),
            _ => {}
        }
    }
    if waiting.open().trim().is_empty() {
        waiting.drop_open();
        return Ok(());
    }
    if goes_on || is_held {
        waiting.text().push(if goes_on { '-' } else { '_' });
    }
    waiting.end(AnnotationKind::Lyric, verse, place);
    Ok(())
}

/// The number at the end of a verse's name: 2 for `2` and `part1verse2`.
fn verse(name: &[u8]) -> u8 {
    let digits = name.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    let number = name.get(name.len() - digits..).and_then(whole::<u8>);
    number.filter(|&number| number > 0).unwrap_or(1)
}
