//! Notes find their time here: from what is written to events.

use super::super::{Fidelity, ReadError};
use super::clock::Span;
use super::note::{Kind, Written};
use super::part::Part;
use super::values::MILLION;
use super::waiting::At;
use super::{damage, warn};
use crate::score::{Event, EventSink, Flags, Note, Pitch, Rest, TICKS_PER_QUARTER, Ticks};

/// How many rests wait for the first note of their measure, so that no file can fill memory with them.
const WAITING_MAX: usize = 64;

/// Puts a note in its place and moves the cursor past it.
pub(super) fn note(
    mut written: Written,
    part: &mut Part,
    fidelity: Fidelity,
    sink: &mut dyn EventSink,
) -> Result<(), ReadError> {
    let place = written.place;
    let is_grace = written.flags.has(Flags::GRACE);
    if !is_grace && !part.clock.is_set() {
        assume_divisions(&written, part, fidelity, sink)?;
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
    let joined = part.last.filter(|_| written.joins);
    if let Some(last) = joined {
        span = join(span, count, last, fidelity);
    } else {
        part.clock.forward(count);
        part.last = Some((span, count));
        part.figured = 0;
    }
    let at = At { part: part.index, onset: span.onset, voice: written.voice, staff: written.staff };
    // A bad note leaves its time behind, so that those after it stand where they should.
    if let Some(message) = written.fault {
        part.clock.reach(span.onset + span.duration);
        part.waiting.tell(at, sink)?;
        return damage(sink, place, message);
    }
    let flags = written.flags.with_if(!span.exact, Flags::ROUNDED).with_if(joined.is_some(), Flags::CHORD);
    match written.kind {
        Kind::Pitched(pitch) => tell_note(pitch, flags, &written, span, part, sink)?,
        Kind::Unpitched(pitch) => {
            tell_note(pitch, flags.with(Flags::UNPITCHED), &written, span, part, sink)?;
        }
        Kind::Rest | Kind::Nothing => tell_rest(flags, &written, span, part, fidelity, sink)?,
    }
    part.waiting.tell(at, sink)
}

/// Divisions for a part that states none: by the looks of its first note, else one to the quarter note, as music21
/// has it.
fn assume_divisions(
    written: &Written,
    part: &mut Part,
    fidelity: Fidelity,
    sink: &mut dyn EventSink,
) -> Result<(), ReadError> {
    let stated = written.duration.zip(written.notated()).filter(|_| fidelity == Fidelity::Corrected);
    let by_looks = stated.and_then(|(count, (numerator, denominator))| {
        count.checked_mul(denominator)?.checked_div(numerator).filter(|&divisions| divisions > 0)
    });
    part.clock.set_divisions(by_looks.unwrap_or(MILLION));
    let how = if by_looks.is_some() { "as the first note looks" } else { "one to the quarter note" };
    warn(sink, written.place, &format!("no divisions are stated: they are taken to be {how}"))
}

/// The length of a note that states none: that of its chord, by its looks, or for a rest of the whole measure by the
/// meter.
fn unstated(written: &Written, part: &Part) -> Option<i64> {
    if let Some((_, count)) = part.last.filter(|_| written.joins) {
        return Some(count);
    }
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
    tell_waiting_rests(part, sink)?;
    part.clock.reach(span.onset + span.duration);
    // A pitch is what sounds but for `<transpose>`: clefs with an octave and octave lines change only how it looks
    // (the schema of MusicXML says of octave-shift: "shifted up or down from their true pitched values").
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
    Ok(sink.note(&note)?)
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
    part.rests.push((rest, written.is_whole_or_breve(is_sign(span.duration))));
    // So many rests are no measure of whole rests.
    part.has_notes |= part.rests.len() > WAITING_MAX;
    if part.has_notes { tell_waiting_rests(part, sink) } else { Ok(()) }
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

/// The stretch of a chord's further note: it begins with the first, `last`. The schema of MusicXML says that it "can
/// be no longer than the preceding note"; music21 makes all of them as long as the first.
fn join(own: Span, count: i64, (last, last_count): (Span, i64), fidelity: Fidelity) -> Span {
    let is_same = count == last_count || fidelity == Fidelity::Compat && count > 0;
    let duration = if is_same || own.duration > last.duration { last.duration } else { own.duration };
    Span { onset: last.onset, duration, exact: own.exact && last.exact }
}

/// Tells the rests that waited for the measure's first note or its end.
pub(super) fn tell_waiting_rests(part: &mut Part, sink: &mut dyn EventSink) -> Result<(), ReadError> {
    part.rests.drain(..).try_for_each(|(rest, _)| Ok(sink.event(rest.place, Event::Rest(rest))?))
}
