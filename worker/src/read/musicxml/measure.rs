//! One measure of one part: notes find their time here.

use super::super::{Fidelity, ReadError};
use super::note::{Kind, Written};
use super::part::Part;
use super::values::{millionths, shown};
use super::xml::Xml;
use super::{attributes, damage, direction, warn};
use crate::score::{Event, EventSink, Flags, Note, Pitch, Rest, Ticks};
use shared::place::Place;

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
    let here = xml.depth();
    part.begun = true;
    part.last = None;
    let (onset, number) = (part.clock.start(), heading.number.as_str());
    sink.event(heading.place, Event::Measure { part: part.index, onset, number })?;
    while xml.child(here)? {
        match xml.name() {
            b"note" => {
                let written = Written::read(xml, &mut part.voices)?;
                note(written, part, fidelity, sink)?;
            }
            b"backup" => backup(xml, part, sink)?,
            b"forward" => forward(xml, part, sink)?,
            b"attributes" => attributes::read(xml, part, sink)?,
            b"direction" => direction::read(xml, part, sink)?,
            b"sound" => direction::read_sound(xml, part, sink)?,
            _ => {}
        }
    }
    // A measure in which nothing stands is a full one, but an uncounted one may be of any length.
    if part.clock.is_empty() && (!heading.implicit || fidelity == Fidelity::Compat) {
        part.clock.reach(part.clock.start() + part.bar.of_empty_measure());
    }
    part.clock.end_measure();
    Ok(())
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
    if part.clock.back(count) {
        return Ok(());
    }
    warn(sink, place, "a backup goes past the start of the measure and stops there")
}

fn forward(xml: &mut Xml<'_>, part: &mut Part, sink: &mut dyn EventSink) -> Result<(), ReadError> {
    let count = move_count(xml, sink)?;
    part.clock.forward(count);
    part.clock.reach(part.clock.now());
    Ok(())
}

/// Puts a note in its place and moves the cursor past it.
fn note(
    mut written: Written,
    part: &mut Part,
    fidelity: Fidelity,
    sink: &mut dyn EventSink,
) -> Result<(), ReadError> {
    let place = written.place;
    let is_grace = written.flags.has(Flags::GRACE);
    if !is_grace && !part.clock.is_set() && !part.warned {
        part.warned = true;
        warn(sink, place, "no divisions are stated: one to the quarter note is assumed")?;
    }
    let count = if is_grace { Some(0) } else { written.duration.or_else(|| unstated(&written, part)) };
    if count.is_none() {
        written.fault.get_or_insert_with(|| "the note has neither duration nor type".to_owned());
    }
    if written.kind == Kind::Nothing {
        written.fault.get_or_insert_with(|| "the note is neither pitch, rest nor unpitched".to_owned());
    }
    let count = count.unwrap_or(0);
    let joined = part.last.filter(|_| written.flags.has(Flags::CHORD));
    let mut span = part.clock.span(count);
    if let Some((last, last_count)) = joined {
        let duration = if count == last_count { last.duration } else { span.duration };
        span = super::clock::Span { onset: last.onset, duration, exact: span.exact && last.exact };
    } else {
        part.clock.forward(count);
        part.last = Some((span, count));
    }
    // A bad note leaves its time behind, so that those after it stand where they should.
    if let Some(message) = written.fault {
        part.clock.reach(span.onset + span.duration);
        return damage(sink, place, message);
    }
    let flags = written.flags.with_if(!span.exact, Flags::ROUNDED);
    match written.kind {
        Kind::Pitched(pitch) => tell_note(pitch, flags, &written, span, part, sink),
        Kind::Unpitched(pitch) => tell_note(pitch, flags.with(Flags::UNPITCHED), &written, span, part, sink),
        Kind::Rest | Kind::Nothing => {
            let duration = rest_duration(span.duration, flags, part, fidelity);
            part.clock.reach(span.onset + duration);
            let (onset, index, voice, staff) = (span.onset, part.index, written.voice, written.staff);
            let rest = Rest { onset, duration, place, measure: 0, part: index, flags, voice, staff };
            Ok(sink.event(place, Event::Rest(rest))?)
        }
    }
}

/// The length of a note that states none: by its looks, or for a rest of the whole measure by the meter.
fn unstated(written: &Written, part: &Part) -> Option<i64> {
    if written.flags.has(Flags::WHOLE_MEASURE)
        && let Some(bar) = part.bar.stated()
    {
        return Some(part.clock.count((bar.0, crate::score::TICKS_PER_QUARTER)));
    }
    written.notated().map(|length| part.clock.count(length))
}

fn tell_note(
    pitch: Pitch,
    flags: Flags,
    written: &Written,
    span: super::clock::Span,
    part: &mut Part,
    sink: &mut dyn EventSink,
) -> Result<(), ReadError> {
    part.clock.reach(span.onset + span.duration);
    // A pitch is what sounds but for `<transpose>`: clefs with an octave and octave lines change only how it looks
    // (MusicXML 4.0, "octave-shift": notes "are shifted up or down from their true pitched values").
    let is_pitched = !flags.has(Flags::UNPITCHED);
    let transpose = if is_pitched { part.transposition.of(written.staff) } else { 0 };
    let note = Note {
        onset: span.onset,
        duration: span.duration,
        place: written.place,
        measure: 0,
        written: pitch,
        part: part.index,
        flags,
        transpose,
        voice: written.voice,
        staff: written.staff,
    };
    Ok(sink.event(written.place, Event::Note(note))?)
}

/// How long a rest lasts. One that fills its measure is often given the length of the sign, a whole or double whole
/// note, in shorter measures. One that is shorter than the meter is believed: it fills a pickup or a split measure.
fn rest_duration(stated: Ticks, flags: Flags, part: &Part, fidelity: Fidelity) -> Ticks {
    let Some(bar) = part.bar.stated().filter(|_| flags.has(Flags::WHOLE_MEASURE)) else { return stated };
    let is_sign = [Ticks::quarters(4), Ticks::quarters(8)].contains(&stated);
    if fidelity == Fidelity::Compat || (is_sign && stated > bar) { bar } else { stated }
}
