//! `<attributes>`: divisions, keys, meters, transpositions.

use super::super::ReadError;
use super::part::{Bar, Part};
use super::steps::Steps;
use super::values::{millionths, mode, shown, whole};
use super::xml::Xml;
use super::{damage, warn};
use crate::score::{Event, EventSink, KeySignature, Meter};
use shared::place::Place;

/// The most sharps or flats that a key may have: each step altered twice.
const FIFTHS: std::ops::RangeInclusive<i8> = -14..=14;

/// Reads the open `<attributes>` to its end.
pub(super) fn read(xml: &mut Xml<'_>, part: &mut Part, sink: &mut dyn EventSink) -> Result<(), ReadError> {
    let here = xml.depth();
    while xml.child(here)? {
        match xml.name() {
            b"divisions" => divisions(xml, part)?,
            b"key" => key(xml, part, sink)?,
            b"time" => time(xml, part, sink)?,
            b"transpose" => transpose(xml, part, sink)?,
            _ => {}
        }
    }
    Ok(())
}

/// Without divisions no duration after them means anything, so that wrong ones end the reading.
fn divisions(xml: &mut Xml<'_>, part: &mut Part) -> Result<(), ReadError> {
    let place = xml.place();
    let text = xml.text()?;
    match millionths(text) {
        Some(divisions) if divisions > 0 => part.clock.set_divisions(divisions),
        _ => {
            let message = format!("the divisions {} are not a number above 0", shown(text));
            return Err(ReadError::malformed(place, message));
        }
    }
    Ok(())
}

fn key(xml: &mut Xml<'_>, part: &Part, sink: &mut dyn EventSink) -> Result<(), ReadError> {
    let here = xml.depth();
    let place = xml.place();
    // The keys of further staves repeat that of the first in nearly every score; a key has no staff here.
    let is_first = is_for_first_staff(xml);
    let (mut fifths, mut stated, mut fault, mut mode_read) = (None, false, None, None);
    let mut steps = Steps::default();
    while xml.child(here)? {
        match xml.name() {
            b"fifths" => {
                let text = xml.text()?;
                stated = true;
                fifths = whole(text).filter(|fifths| FIFTHS.contains(fifths));
                if fifths.is_none() {
                    fault = Some(format!("the key of {} fifths is none from -14 to 14", shown(text)));
                }
            }
            b"mode" => mode_read = mode(xml.text()?),
            b"key-step" => steps.step(xml.text()?),
            b"key-alter" => steps.alter(millionths(xml.text()?)),
            _ => {}
        }
    }
    match (fifths.or(steps.fifths().filter(|_| !stated)), fault) {
        _ if !is_first => Ok(()),
        (_, Some(message)) => damage(sink, place, message),
        (Some(fifths), _) => {
            let (onset, part) = (part.clock.now(), part.index);
            let key = KeySignature { onset, measure: 0, part, fifths, mode: mode_read, place };
            Ok(sink.event(place, Event::Key(key))?)
        }
        (None, _) if stated => Ok(()),
        (None, _) => warn(sink, place, "a key signature that is not made of fifths is left out"),
    }
}

fn is_for_first_staff(xml: &Xml<'_>) -> bool {
    xml.attribute(b"number").is_none_or(|number| number == b"1")
}

fn time(xml: &mut Xml<'_>, part: &mut Part, sink: &mut dyn EventSink) -> Result<(), ReadError> {
    let here = xml.depth();
    let place = xml.place();
    let is_first = is_for_first_staff(xml);
    let mut terms: Vec<(Vec<u16>, u16)> = Vec::new();
    let (mut free, mut fault) = (false, None);
    while xml.child(here)? {
        match xml.name() {
            b"beats" => {
                let text = xml.text()?;
                match text.split(|&byte| byte == b'+').map(beat_count).collect() {
                    Some(beats) => terms.push((beats, 0)),
                    None => fault = Some(format!("the beats {} are not numbers above 0", shown(text))),
                }
            }
            b"beat-type" => {
                let text = xml.text()?;
                match (beat_count(text), terms.last_mut()) {
                    (Some(unit), Some(term)) => term.1 = unit,
                    (None, _) => {
                        fault = Some(format!("the beat type {} is not a number above 0", shown(text)))
                    }
                    _ => {}
                }
            }
            b"senza-misura" => free = true,
            _ => {}
        }
    }
    if !is_first {
        return Ok(());
    }
    if let Some(message) = fault {
        return damage(sink, place, message);
    }
    let Some((beats, unit)) = (if free { Some((Vec::new(), 4)) } else { sum(&terms) }) else {
        return damage(sink, place, "the time signature is no sum of beats over one beat type".to_owned());
    };
    let (onset, index) = (part.clock.now(), part.index);
    let meter = Meter { onset, measure: 0, part: index, beats: beats.into(), unit, place };
    part.bar = meter.measure_duration().map_or(Bar::Free, Bar::Long);
    Ok(sink.event(place, Event::Meter(meter))?)
}

fn beat_count(text: &[u8]) -> Option<u16> {
    whole(text).filter(|&count| count > 0)
}

/// The terms of a composite meter over their common unit: 3/8 and 2/4 are 3+4 over 8. All beats are a `u16` at most.
fn sum(terms: &[(Vec<u16>, u16)]) -> Option<(Vec<u16>, u16)> {
    let unit = terms.iter().map(|&(_, unit)| unit).max()?;
    let mut beats = Vec::new();
    let mut all = 0_u16;
    for (term, term_unit) in terms {
        let factor =
            unit.checked_div(*term_unit).filter(|factor| factor.checked_mul(*term_unit) == Some(unit))?;
        for &count in term {
            let count = count.checked_mul(factor)?;
            all = all.checked_add(count)?;
            beats.push(count);
        }
    }
    Some((beats, unit))
}

fn transpose(xml: &mut Xml<'_>, part: &mut Part, sink: &mut dyn EventSink) -> Result<(), ReadError> {
    let here = xml.depth();
    let place = xml.place();
    let number = xml.attribute(b"number").map(whole);
    let (mut chromatic, mut octaves) = (Some(0_i8), Some(0_i8));
    while xml.child(here)? {
        match xml.name() {
            b"chromatic" => chromatic = whole(xml.text()?),
            b"octave-change" => octaves = whole(xml.text()?),
            _ => {}
        }
    }
    let semitones = octaves.and_then(|octaves| octaves.checked_mul(12)?.checked_add(chromatic?));
    match (number, semitones) {
        (Some(None), _) | (_, None) => unreadable_transposition(sink, place),
        (number, Some(semitones)) => {
            part.transposition.set(number.flatten(), semitones);
            Ok(())
        }
    }
}

fn unreadable_transposition(sink: &mut dyn EventSink, place: Place) -> Result<(), ReadError> {
    damage(sink, place, "the transposition is not a number of semitones and octaves for a staff".to_owned())
}
