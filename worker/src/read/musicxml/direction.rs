//! `<direction>` and `<sound>`: tempi, and jumps.

use super::super::ReadError;
use super::part::Part;
use super::values::{dotted, first_number, float, millionths, note_type, quarters, shown};
use super::xml::Xml;
use super::{barline, warn};
use crate::score::{Event, EventSink, Tempo};
use shared::place::Place;

/// Reads the open `<direction>` to its end. Where it has a tempo for the ear and one for the eye, the first counts.
pub(super) fn read(xml: &mut Xml<'_>, part: &Part, sink: &mut dyn EventSink) -> Result<(), ReadError> {
    let here = xml.depth();
    let place = xml.place();
    let (mut heard, mut seen, mut offset) = (None, None, 0);
    while xml.child(here)? {
        match xml.name() {
            b"direction-type" => {
                let within = xml.depth();
                while xml.child(within)? {
                    if xml.name() == b"metronome" {
                        seen = metronome(xml)?.or(seen);
                    }
                }
            }
            b"sound" => heard = sound(xml, part, sink)?.or(heard),
            // Other offsets move what is printed, not what is heard.
            b"offset" if xml.attribute(b"sound") == Some(b"yes") => {
                offset = millionths(xml.text()?).unwrap_or(0);
            }
            _ => {}
        }
    }
    tell(heard.or(seen), part, offset, place, sink)
}

/// Reads the open `<sound>` that stands in a measure by itself.
pub(super) fn read_sound(xml: &mut Xml<'_>, part: &Part, sink: &mut dyn EventSink) -> Result<(), ReadError> {
    let place = xml.place();
    let tempo = sound(xml, part, sink)?;
    tell(tempo, part, 0, place, sink)
}

fn tell(
    tempo: Option<f64>,
    part: &Part,
    offset: i64,
    place: Place,
    sink: &mut dyn EventSink,
) -> Result<(), ReadError> {
    let Some(quarters_per_minute) = tempo else { return Ok(()) };
    let shift = part.clock.span(offset).duration;
    let onset = (part.clock.now() + shift).max(part.clock.start());
    let tempo = Tempo { onset, measure: 0, part: part.index, quarters_per_minute, place };
    Ok(sink.event(place, Event::Tempo(tempo))?)
}

fn sound(xml: &mut Xml<'_>, part: &Part, sink: &mut dyn EventSink) -> Result<Option<f64>, ReadError> {
    barline::sound(xml, part, sink)?;
    let Some(text) = xml.attribute(b"tempo") else { return Ok(None) };
    let tempo = float(text);
    if tempo.is_none() {
        let message = format!("the tempo {} is not a number above 0", shown(text));
        let place = xml.place();
        warn(sink, place, &message)?;
    }
    Ok(tempo)
}

/// Quarter notes a minute by a metronome mark; none for one that relates two note values.
fn metronome(xml: &mut Xml<'_>) -> Result<Option<f64>, ReadError> {
    let here = xml.depth();
    let (mut unit, mut dots, mut units, mut per_minute) = (None, 0_u32, 0, None);
    while xml.child(here)? {
        match xml.name() {
            b"beat-unit" => {
                unit = note_type(xml.text()?);
                units += 1;
            }
            b"beat-unit-dot" => dots = dots.saturating_add(1),
            b"per-minute" => per_minute = first_number(xml.text()?),
            _ => {}
        }
    }
    let unit = unit.filter(|_| units == 1).map(|unit| quarters(dotted(unit, dots)));
    Ok(unit.zip(per_minute).map(|(unit, per_minute)| unit * per_minute))
}
