//! One column of a data line: a note, a rest or a chord.

use super::line::Line;
use super::marks::Marks;
use super::piece::{damage, warn};
use super::spines::{Column, Seat};
use super::text::quote;
use super::token::{self, Kind, Token};
use crate::score::{Annotation, AnnotationKind, Event, EventSink, Flags, Note, Rest, Stop, Ticks};
use shared::place::Place;

/// What a note lasts that says nothing of it: chant is written so, and to have an order is better than to have none.
const QUARTER: Ticks = Ticks::quarters(1);

/// Tells the notes and rests of a column of kern that begin at `at`, and how they are played; the length that the
/// column takes. In `compat` a chord has one length, that of its first note, as music21 has it.
pub(super) fn tell(
    line: &Line<'_>,
    index: usize,
    &Column { seat: Seat { part, staff }, voice, .. }: &Column,
    at: Ticks,
    compat: bool,
    sink: &mut dyn EventSink,
) -> Result<Option<Ticks>, Stop> {
    let mut taken = None;
    let (mut offset, mut chord, mut marks) = (0, false, Marks::default());
    for member in line.cell(index).split(|&byte| byte == b' ') {
        let place = line.place_in(index, offset);
        offset += member.len() + 1;
        if member.is_empty() || member == b"." {
            continue;
        }
        let read = token::parse(member, compat);
        let unsaid = read.duration.is_none() && taken.is_none();
        complain(&read, member, taken, place, sink)?;
        let sounds = matches!(read.kind, Kind::Note(_) | Kind::Rest);
        let own = if compat { taken.or(read.duration) } else { read.duration.or(taken) };
        let Some(duration) = own.or(sounds.then_some(QUARTER)) else { continue };
        marks.join(read.marks);
        let flags = read.flags.with_if(unsaid, Flags::ROUNDED);
        match read.kind {
            Kind::Note(written) => {
                let flags = flags.with_if(chord, Flags::CHORD);
                let note = Note {
                    onset: at,
                    duration,
                    place,
                    measure: 0,
                    written,
                    part,
                    flags,
                    transpose: 0,
                    voice,
                    staff,
                };
                sink.event(place, Event::Note(note))?;
                chord = true;
            }
            Kind::Rest => {
                let rest = Rest { onset: at, duration, place, measure: 0, part, flags, voice, staff };
                sink.event(place, Event::Rest(rest))?;
            }
            Kind::Space | Kind::Unknown(_) => {}
        }
        taken = taken.filter(|&taken| taken > Ticks::ZERO).or(Some(duration));
    }
    let mut here = Annotation::new(AnnotationKind::Articulation, part, at, line.place(index));
    (here.voice, here.staff) = (voice, staff);
    marks.tell(here, sink)?;
    Ok(taken)
}

/// Says what is wrong with a member of a column, if anything is.
fn complain(
    read: &Token,
    member: &[u8],
    taken: Option<Ticks>,
    place: Place,
    sink: &mut dyn EventSink,
) -> Result<(), Stop> {
    if let Some(doubt) = read.doubt {
        damage(sink, place, format!("{} is {doubt}: the first was read", quote(member)))?;
    }
    match read.kind {
        Kind::Unknown(why) => damage(sink, place, format!("{} is {why}", quote(member))),
        Kind::Space if token::is_bare_space(member) => {
            warn(sink, place, &format!("{} is a duration without a note or a rest", quote(member)))
        }
        Kind::Space => damage(sink, place, format!("{} has a duration and no pitch", quote(member))),
        Kind::Note(_) | Kind::Rest => match (read.duration, taken) {
            (None, None) => {
                warn(sink, place, &format!("{} has no duration: taken for a quarter note", quote(member)))
            }
            (Some(own), Some(taken)) if own != taken && !read.flags.has(Flags::GRACE) => {
                warn(sink, place, &format!("{} has another length than its chord", quote(member)))
            }
            _ => Ok(()),
        },
    }
}
