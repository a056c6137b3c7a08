//! `<barline>`, and what `<sound>` says of the order of playing.

use super::super::ReadError;
use super::part::Part;
use super::values::whole;
use super::xml::Xml;
use crate::score::{Annotation, AnnotationKind, Endings, Event, EventSink, Mark};
use shared::place::Place;

/// Reads the open `<barline>` to its end.
pub(super) fn read(xml: &mut Xml<'_>, part: &Part, sink: &mut dyn EventSink) -> Result<(), ReadError> {
    let here = xml.depth();
    // Without a word it stands on the right; one in the middle is taken for where its signs belong.
    let location = xml.attribute(b"location").unwrap_or(b"right");
    let (is_left, is_right) = (location == b"left", location == b"right");
    while xml.child(here)? {
        let place = xml.place();
        if xml.name() == b"fermata" {
            let fermata = Annotation::new(AnnotationKind::Fermata, part.index, part.clock.now(), place);
            sink.event(place, Event::Annotation(fermata, "fermata"))?;
            continue;
        }
        let mark = match (xml.name(), xml.attribute(b"direction"), xml.attribute(b"type")) {
            (b"repeat", Some(b"forward"), _) => Mark::RepeatStart,
            (b"repeat", Some(b"backward"), _) => {
                let times = xml.attribute(b"times").and_then(whole::<u8>).unwrap_or(2);
                Mark::RepeatEnd { times }
            }
            (b"ending", _, Some(b"start")) => {
                Mark::EndingStart(xml.attribute(b"number").map(Endings::parse).unwrap_or_default())
            }
            (b"ending", _, Some(b"stop" | b"discontinue")) => Mark::EndingEnd,
            _ => continue,
        };
        let begins = matches!(mark, Mark::RepeatStart | Mark::EndingStart(_));
        let at_end = if begins { is_right } else { !is_left };
        tell(mark, at_end, part, place, sink)?;
    }
    Ok(())
}

/// Tells the jumps of the open `<sound>` and where they go to; says whether it has any.
pub(super) fn sound(xml: &mut Xml<'_>, part: &Part, sink: &mut dyn EventSink) -> Result<bool, ReadError> {
    let place = xml.place();
    let mut has_any = false;
    for (name, mark) in [
        (&b"segno"[..], Mark::Segno),
        (b"coda", Mark::Coda),
        (b"tocoda", Mark::ToCoda),
        (b"dacapo", Mark::DaCapo),
        (b"dalsegno", Mark::DalSegno),
        (b"fine", Mark::Fine),
    ] {
        if xml.attribute(name).is_some_and(|value| value != b"no") {
            tell_jump(mark, part, place, sink)?;
            has_any = true;
        }
    }
    Ok(has_any)
}

/// Tells a jump, or where one goes to.
pub(super) fn tell_jump(
    mark: Mark,
    part: &Part,
    place: Place,
    sink: &mut dyn EventSink,
) -> Result<(), ReadError> {
    let at_end = !matches!(mark, Mark::Segno | Mark::Coda);
    tell(mark, at_end, part, place, sink)
}

/// The jump that words tell, or where they say that one goes to.
pub(super) fn jump(words: &str) -> Option<Mark> {
    // Longer ones tell a story.
    if words.len() > 24 {
        return None;
    }
    let letters = words.chars().filter(|c| c.is_alphabetic()).map(|c| c.to_ascii_lowercase());
    let name: String = letters.collect();
    Some(match name.as_str() {
        "dc" | "dcalfine" | "dcalcoda" | "dacapo" | "dacapoalfine" | "dacapoalcoda" => Mark::DaCapo,
        "ds" | "dsalfine" | "dsalcoda" | "dalsegno" | "dalsegnoalfine" | "dalsegnoalcoda" => Mark::DalSegno,
        "fine" => Mark::Fine,
        "tocoda" => Mark::ToCoda,
        "coda" => Mark::Coda,
        "segno" => Mark::Segno,
        _ => return None,
    })
}

fn tell(
    mark: Mark,
    at_end: bool,
    part: &Part,
    place: Place,
    sink: &mut dyn EventSink,
) -> Result<(), ReadError> {
    Ok(sink.event(place, Event::Mark { part: part.index, at_end, mark })?)
}
