//! One measure of one part.

use super::super::{Fidelity, ReadError};
use super::note::Written;
use super::part::Part;
use super::values::{millionths, shown};
use super::xml::Xml;
use super::{attributes, barline, damage, direction, harmony, timing, warn};
use crate::score::{Event, EventSink, Flags, TICKS_PER_QUARTER, Ticks};
use shared::place::Place;

/// By how little a measure may differ from its meter to be taken for full: a 256th note.
const ROUNDING: u64 = TICKS_PER_QUARTER.unsigned_abs() / 64;

/// What a `<measure>` says of itself.
#[derive(Debug)]
pub(super) struct Heading {
    place: Place,
    number: String,
    /// Not counted by readers of the score: a pickup, or the second half of a split measure.
    implicit: bool,
}

impl Heading {
    /// Of the open element.
    pub(super) fn read(xml: &mut Xml<'_>) -> Self {
        let number = xml.attribute_text(b"number").unwrap_or_default();
        let implicit = xml.attribute(b"implicit") == Some(b"yes");
        Heading { place: xml.place(), number, implicit }
    }
}

/// Reads the contents of the open element as a measure of `part`.
pub(super) fn read(
    xml: &mut Xml<'_>,
    part: &mut Part,
    heading: &Heading,
    fidelity: Fidelity,
    sink: &mut dyn EventSink,
) -> Result<(), ReadError> {
    part.begun = true;
    (part.last, part.figured) = (None, 0);
    part.has_notes = false;
    let (onset, number) = (part.clock.start(), heading.number.as_str());
    sink.event(heading.place, Event::Measure { part: part.index, onset, number })?;
    let outcome = contents(xml, part, fidelity, sink);
    if outcome.is_ok() {
        end(part, heading, fidelity);
    }
    if matches!(outcome, Ok(()) | Err(ReadError::Malformed(_))) {
        timing::tell_waiting_rests(part, sink)?;
    }
    outcome
}

fn contents(
    xml: &mut Xml<'_>,
    part: &mut Part,
    fidelity: Fidelity,
    sink: &mut dyn EventSink,
) -> Result<(), ReadError> {
    let here = xml.depth();
    while xml.child(here)? {
        match xml.name() {
            b"note" => {
                let written = Written::read(xml, part)?;
                timing::note(written, part, fidelity, sink)?;
            }
            b"backup" => backup(xml, part, sink)?,
            b"forward" => forward(xml, part, sink)?,
            b"attributes" => attributes::read(xml, part, sink)?,
            b"direction" => direction::read(xml, part, sink)?,
            b"harmony" => harmony::read(xml, part, sink)?,
            b"figured-bass" => harmony::figures(xml, part, sink)?,
            b"barline" => barline::read(xml, part, sink)?,
            b"sound" => direction::read_sound(xml, part, sink)?,
            _ => {}
        }
    }
    Ok(())
}

/// Settles how long the measure is: the next one starts there.
fn end(part: &mut Part, heading: &Heading, fidelity: Fidelity) {
    let length = part.clock.length();
    if let Some(bar) = part.bar.stated() {
        if !part.has_notes {
            fit_rests(part, bar, fidelity);
        }
        // Divisions that cannot say a septuplet leave measures a little too long or too short.
        if length != bar && (length - bar).0.unsigned_abs() < ROUNDING {
            part.clock.set_length(bar);
        }
    }
    // A measure in which nothing stands is a full one, but an uncounted one may be of any length.
    if length == Ticks::ZERO && (!heading.implicit || fidelity == Fidelity::Compat) {
        part.clock.set_length(part.bar.of_empty_measure());
    }
    part.clock.end_measure();
}

/// Cuts whole rests to a measure that has nothing else and is shorter: a whole rest means the measure, and some
/// programs write two of them. Music21 does so for a single one only, and lengthens it too.
fn fit_rests(part: &mut Part, bar: Ticks, fidelity: Fidelity) {
    let end = part.clock.start() + bar;
    let all_whole = !part.rests.is_empty() && part.rests.iter().all(|&(_, is_whole)| is_whole);
    let fits = match fidelity {
        Fidelity::Corrected => part.clock.length() <= bar,
        Fidelity::Compat => part.rests.len() != 1,
    };
    if fits || !all_whole {
        return;
    }
    for (rest, _) in &mut part.rests {
        rest.onset = rest.onset.min(end);
        rest.duration = if fidelity == Fidelity::Compat { bar } else { rest.duration.min(end - rest.onset) };
        rest.flags = rest.flags.with_if(rest.duration == bar, Flags::WHOLE_MEASURE);
    }
    part.clock.set_length(bar);
}

/// The duration of the open `<backup>` or `<forward>`.
fn move_count(xml: &mut Xml<'_>, sink: &mut dyn EventSink) -> Result<i64, ReadError> {
    let here = xml.depth();
    let place = xml.place();
    let mut count = None;
    while xml.child(here)? {
        if xml.name() == b"duration" {
            let text = xml.text()?;
            count = millionths(text).filter(|&count| count >= 0);
            if count.is_none() {
                let message = format!("the duration {} is not a number of divisions", shown(text));
                damage(sink, place, message)?;
            }
        }
    }
    Ok(count.unwrap_or(0))
}

fn backup(xml: &mut Xml<'_>, part: &mut Part, sink: &mut dyn EventSink) -> Result<(), ReadError> {
    let place = xml.place();
    let count = move_count(xml, sink)?;
    part.figured = 0;
    if part.clock.back(count) {
        return Ok(());
    }
    warn(sink, place, "a backup goes past the start of the measure and stops there")
}

fn forward(xml: &mut Xml<'_>, part: &mut Part, sink: &mut dyn EventSink) -> Result<(), ReadError> {
    let count = move_count(xml, sink)?;
    part.figured = 0;
    part.clock.forward(count);
    part.clock.reach_silently();
    Ok(())
}
