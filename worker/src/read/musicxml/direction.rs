//! `<direction>` and `<sound>`: tempi, jumps, words, dynamics, rehearsal marks.

use super::super::ReadError;
use super::part::Part;
use super::values::{dotted, first_number, float, millionths, note_type, quarters, shown, whole};
use super::waiting::At;
use super::xml::Xml;
use super::{barline, notations, warn};
use crate::score::{AnnotationKind, Event, EventSink, Mark, Tempo};
use shared::place::Place;

/// What a direction says of tempo and time.
#[derive(Debug, Default)]
struct Said {
    /// The tempo for the ear, and the one for the eye.
    heard: Option<f64>,
    seen: Option<f64>,
    /// In millionths of a division; what sounds is moved only where the source says so.
    offset: i64,
    offset_sounds: bool,
    voice: u8,
    staff: u8,
    /// Signs that bend the order of playing, without a `<sound>` to say so.
    marks: Vec<Mark>,
    jumps: bool,
}

/// Reads the open `<direction>` to its end. Where it has a tempo for the ear and one for the eye, the first counts.
pub(super) fn read(xml: &mut Xml<'_>, part: &mut Part, sink: &mut dyn EventSink) -> Result<(), ReadError> {
    let here = xml.depth();
    let place = xml.place();
    let mut said = Said { staff: 1, ..Said::default() };
    let mut words = Words::default();
    while xml.child(here)? {
        match xml.name() {
            b"direction-type" => {
                let within = xml.depth();
                while xml.child(within)? {
                    sign(xml, part, &mut said, &mut words)?;
                }
            }
            b"sound" => {
                said.jumps |= barline::sound(xml, part, sink)?;
                said.heard = tempo(xml, sink)?.or(said.heard);
            }
            b"offset" => {
                said.offset_sounds = xml.attribute(b"sound") == Some(b"yes");
                said.offset = millionths(xml.text()?).unwrap_or(0);
            }
            b"voice" => said.voice = part.voices.known(xml.text()?),
            b"staff" => said.staff = whole(xml.text()?).filter(|&staff| staff > 0).unwrap_or(1),
            _ => {}
        }
    }
    if let Some(place) = words.place {
        said.marks.extend(barline::jump(&words.text));
        part.waiting.say(AnnotationKind::Direction, place, &words.text);
    }
    if !said.jumps {
        for mark in said.marks {
            barline::tell_jump(mark, part, place, sink)?;
        }
    }
    // Offsets move what is printed, and what is heard only where they say so.
    let onset = part.clock.moved(said.offset);
    part.waiting.tell(At { part: part.index, onset, voice: said.voice, staff: said.staff }, sink)?;
    let offset = if said.offset_sounds { said.offset } else { 0 };
    tell(said.heard.or(said.seen), part, offset, place, sink)
}

/// The words of one direction, which programs cut where the font changes.
#[derive(Debug, Default)]
struct Words {
    text: String,
    place: Option<Place>,
}

/// One sign or text of a direction.
fn sign(xml: &mut Xml<'_>, part: &mut Part, said: &mut Said, words: &mut Words) -> Result<(), ReadError> {
    let place = xml.place();
    match xml.name() {
        b"metronome" => said.seen = metronome(xml, part.tempo)?.or(said.seen),
        b"words" | b"other-direction" => {
            if words.place.is_some() {
                words.text.push(' ');
            }
            words.place = words.place.or(Some(place));
            xml.append(&mut words.text)?;
        }
        b"dynamics" => notations::dynamics(xml, &mut part.waiting)?,
        b"rehearsal" => {
            xml.append(part.waiting.text())?;
            part.waiting.end(AnnotationKind::Marker, 1, place);
        }
        b"wedge" => {
            let number = xml.attribute(b"number").and_then(whole).unwrap_or(1);
            let text = match xml.attribute(b"type") {
                Some(b"crescendo") => "crescendo start",
                Some(b"diminuendo") => "diminuendo start",
                Some(b"stop") => "hairpin stop",
                _ => return Ok(()),
            };
            part.waiting.text().push_str(text);
            part.waiting.end(AnnotationKind::Dynamic, number, place);
        }
        b"segno" => said.marks.push(Mark::Segno),
        b"coda" => {
            // `To` and the sign for it are a jump; the sign alone is where it goes to.
            let is_jump = barline::jump(&format!("{} coda", words.text)) == Some(Mark::ToCoda);
            said.marks.push(if is_jump { Mark::ToCoda } else { Mark::Coda });
        }
        _ => {}
    }
    Ok(())
}

/// Reads the open `<sound>` that stands in a measure by itself.
pub(super) fn read_sound(
    xml: &mut Xml<'_>,
    part: &mut Part,
    sink: &mut dyn EventSink,
) -> Result<(), ReadError> {
    let place = xml.place();
    barline::sound(xml, part, sink)?;
    let tempo = tempo(xml, sink)?;
    tell(tempo, part, 0, place, sink)
}

fn tell(
    tempo: Option<f64>,
    part: &mut Part,
    offset: i64,
    place: Place,
    sink: &mut dyn EventSink,
) -> Result<(), ReadError> {
    let Some(quarters_per_minute) = tempo else { return Ok(()) };
    part.tempo = tempo;
    let onset = part.clock.moved(offset);
    let tempo = Tempo { onset, measure: 0, part: part.index, quarters_per_minute, place };
    Ok(sink.event(place, Event::Tempo(tempo))?)
}

/// The tempo of the open `<sound>`.
fn tempo(xml: &mut Xml<'_>, sink: &mut dyn EventSink) -> Result<Option<f64>, ReadError> {
    let Some(text) = xml.attribute(b"tempo") else { return Ok(None) };
    let tempo = float(text);
    if tempo.is_none() {
        let message = format!("the tempo {} is not a number above 0", shown(text));
        let place = xml.place();
        warn(sink, place, &message)?;
    }
    Ok(tempo)
}

/// Quarter notes a minute by a metronome mark. One that relates two note values, the first before and the second from
/// here on, follows from the tempo so far, where there is one.
fn metronome(xml: &mut Xml<'_>, before: Option<f64>) -> Result<Option<f64>, ReadError> {
    let here = xml.depth();
    let (mut units, mut dots, mut count, mut per_minute) = ([None; 2], [0_u32; 2], 0, None);
    while xml.child(here)? {
        match xml.name() {
            b"beat-unit" => {
                if let Some(unit) = units.get_mut(count) {
                    *unit = note_type(xml.text()?);
                }
                count += 1;
            }
            b"beat-unit-dot" => {
                if let Some(dots) = count.checked_sub(1).and_then(|unit| dots.get_mut(unit)) {
                    *dots = dots.saturating_add(1);
                }
            }
            b"per-minute" => per_minute = first_number(xml.text()?),
            _ => {}
        }
    }
    let [first, second] = units;
    let [first_dots, second_dots] = dots;
    let length = |unit: Option<_>, dots| unit.map(|unit| quarters(dotted(unit, dots)));
    Ok(match count {
        1 => length(first, first_dots).zip(per_minute).map(|(unit, per_minute)| unit * per_minute),
        2 => {
            let relation = length(second, second_dots).zip(length(first, first_dots));
            relation.zip(before).map(|((second, first), before)| before * second / first)
        }
        _ => None,
    })
}
