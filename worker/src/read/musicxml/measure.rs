//! One measure of one part: notes find their time here.

use super::super::{Fidelity, ReadError};
use super::clock::Span;
use super::note::{Kind, Written};
use super::part::Part;
use super::values::{millionths, shown};
use super::xml::Xml;
use super::{attributes, damage, direction, warn};
use crate::score::{Event, EventSink, Flags, Note, Pitch, Rest, TICKS_PER_QUARTER, Ticks};
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
    part.last = None;
    part.has_notes = false;
    let (onset, number) = (part.clock.start(), heading.number.as_str());
    sink.event(heading.place, Event::Measure { part: part.index, onset, number })?;
    let outcome = contents(xml, part, fidelity, sink);
    if outcome.is_ok() {
        end(part, heading, fidelity);
    }
    if matches!(outcome, Ok(()) | Err(ReadError::Malformed(_))) {
        tell_rests(part, sink)?;
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

/// Tells the rests that waited for the measure's first note or its end.
fn tell_rests(part: &mut Part, sink: &mut dyn EventSink) -> Result<(), ReadError> {
    part.rests.drain(..).try_for_each(|(rest, _)| Ok(sink.event(rest.place, Event::Rest(rest))?))
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
    part.clock.reach_silently();
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
    let mut span = part.clock.span(count);
    if let Some(last) = part.last.filter(|_| written.flags.has(Flags::CHORD)) {
        span = join(span, count, last, fidelity);
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
        Kind::Rest | Kind::Nothing => tell_rest(flags, &written, span, part, fidelity, sink),
    }
}

/// The length of a note that states none: by its looks, or for a rest of the whole measure by the meter.
fn unstated(written: &Written, part: &Part) -> Option<i64> {
    if written.flags.has(Flags::WHOLE_MEASURE)
        && let Some(bar) = part.bar.stated()
    {
        return Some(part.clock.count((bar.0, TICKS_PER_QUARTER)));
    }
    written.notated().map(|length| part.clock.count(length))
}

fn tell_note(
    pitch: Pitch,
    flags: Flags,
    written: &Written,
    span: Span,
    part: &mut Part,
    sink: &mut dyn EventSink,
) -> Result<(), ReadError> {
    part.has_notes = true;
    tell_rests(part, sink)?;
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

fn tell_rest(
    flags: Flags,
    written: &Written,
    span: Span,
    part: &mut Part,
    fidelity: Fidelity,
    sink: &mut dyn EventSink,
) -> Result<(), ReadError> {
    let is_whole = is_whole_measure(written, span, part, fidelity);
    let duration = part.bar.stated().filter(|_| is_whole).unwrap_or(span.duration);
    part.clock.reach(span.onset + duration);
    let rest = Rest {
        onset: span.onset,
        duration,
        place: written.place,
        measure: 0,
        part: part.index,
        flags: flags.with_if(is_whole, Flags::WHOLE_MEASURE),
        voice: written.voice,
        staff: written.staff,
    };
    if part.has_notes {
        return Ok(sink.event(rest.place, Event::Rest(rest))?);
    }
    part.rests.push((rest, written.is_whole_or_breve(is_sign(span.duration))));
    Ok(())
}

/// Whether a rest that says to fill its measure lasts as long as the meter, whatever its duration says.
///
/// It is often given the length of its sign, a whole or double whole note, in shorter measures. One that is shorter
/// than the meter is believed: it fills a pickup or a split measure. Music21 lengthens it all the same.
fn is_whole_measure(written: &Written, span: Span, part: &Part, fidelity: Fidelity) -> bool {
    let Some(bar) = part.bar.stated() else { return false };
    let says_so = written.flags.has(Flags::WHOLE_MEASURE) && written.is_whole_or_breve(true);
    let is_too_long = is_sign(span.duration) && span.duration > bar;
    says_so && (is_too_long || fidelity == Fidelity::Compat)
}

/// Whether this is as long as a whole or double whole note.
fn is_sign(duration: Ticks) -> bool {
    [4, 8].map(Ticks::quarters).contains(&duration)
}

/// The stretch of a chord's further note: it begins with the first, `last`, and cannot last longer.
fn join(own: Span, count: i64, (last, last_count): (Span, i64), fidelity: Fidelity) -> Span {
    let is_same = count == last_count || fidelity == Fidelity::Compat && count > 0;
    let duration = if is_same || own.duration > last.duration { last.duration } else { own.duration };
    Span { onset: last.onset, duration, exact: own.exact && last.exact }
}
