//! A `<note>` as it is written, before it has a place in time.

use super::super::ReadError;
use super::notations;
use super::part::Part;
use super::values::{MILLION, dotted, millionths, note_type, shown, whole};
use super::xml::Xml;
use crate::score::{Flags, Pitch, Step};
use shared::place::Place;

/// What a note is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Kind {
    /// Nothing was said.
    #[default]
    Nothing,
    Rest,
    Pitched(Pitch),
    Unpitched(Pitch),
}

/// One note element.
#[derive(Debug)]
pub(super) struct Written {
    pub(super) place: Place,
    pub(super) kind: Kind,
    /// In millionths of a division.
    pub(super) duration: Option<i64>,
    pub(super) flags: Flags,
    /// It says to join the note before it.
    pub(super) joins: bool,
    pub(super) voice: u8,
    pub(super) staff: u8,
    /// The first thing about it that cannot be read.
    pub(super) fault: Option<String>,
    kind_of_tie: Ties,
    note_type: Option<(i64, i64)>,
    dots: u32,
    actual: i64,
    normal: i64,
}

/// Ties are said twice, for the ear and for the eye; what is said for the ear counts.
#[derive(Clone, Copy, Debug, Default)]
struct Ties {
    sound: Option<Flags>,
    sight: Flags,
}

/// The line in the middle of a staff without pitches, as a treble clef would have it.
const MIDDLE_LINE: Pitch = Pitch::new(Step::B, 0, 4);

impl Written {
    /// Reads the open `<note>` to its end.
    /// Words and signs on it wait in the part.
    pub(super) fn read(xml: &mut Xml<'_>, part: &mut Part) -> Result<Written, ReadError> {
        let here = xml.depth();
        let hidden = xml.attribute(b"print-object") == Some(b"no");
        let mut note = Written {
            place: xml.place(),
            kind: Kind::Nothing,
            duration: None,
            flags: Flags::NONE.with_if(hidden, Flags::HIDDEN),
            joins: false,
            voice: 0,
            staff: 1,
            fault: None,
            kind_of_tie: Ties::default(),
            note_type: None,
            dots: 0,
            actual: 1,
            normal: 1,
        };
        while xml.child(here)? {
            note.take(xml, part)?;
        }
        if note.voice == 0 {
            note.voice = part.voices.number(b"1");
        }
        note.flags = note.flags.with(note.kind_of_tie.sound.unwrap_or(note.kind_of_tie.sight));
        Ok(note)
    }

    fn take(&mut self, xml: &mut Xml<'_>, part: &mut Part) -> Result<(), ReadError> {
        match xml.name() {
            b"pitch" => self.kind = Kind::Pitched(self.pitch(xml)?),
            b"unpitched" => self.kind = Kind::Unpitched(self.pitch(xml)?),
            b"rest" => {
                let whole_measure = xml.attribute(b"measure") == Some(b"yes");
                self.flags = self.flags.with_if(whole_measure, Flags::WHOLE_MEASURE);
                self.kind = Kind::Rest;
            }
            b"duration" => self.duration(xml.text()?),
            b"chord" => self.joins = true,
            b"grace" => self.flags = self.flags.with(Flags::GRACE),
            b"cue" => self.flags = self.flags.with(Flags::CUE),
            b"voice" => self.voice = part.voices.number(xml.text()?),
            b"staff" => match whole(xml.text()?) {
                Some(staff) if staff > 0 => self.staff = staff,
                _ => self.blame("the staff is not a whole number from 1"),
            },
            b"tie" => {
                let tie = tie(xml);
                self.kind_of_tie.sound = Some(self.kind_of_tie.sound.unwrap_or_default().with(tie));
            }
            b"notations" => self.notations(xml, part)?,
            b"lyric" => notations::lyric(xml, &mut part.waiting)?,
            b"type" => self.note_type = note_type(xml.text()?),
            b"dot" => self.dots = self.dots.saturating_add(1),
            b"time-modification" => self.time_modification(xml)?,
            _ => {}
        }
        Ok(())
    }

    fn duration(&mut self, text: &[u8]) {
        match millionths(text) {
            Some(duration) if duration >= 0 => self.duration = Some(duration),
            _ => self.blame(format!("the duration {} is not a number of divisions", shown(text))),
        }
    }

    fn pitch(&mut self, xml: &mut Xml<'_>) -> Result<Pitch, ReadError> {
        let here = xml.depth();
        let mut pitch = MIDDLE_LINE;
        let is_pitched = xml.name() == b"pitch";
        let (mut has_step, mut has_octave) = (false, false);
        while xml.child(here)? {
            match xml.name() {
                b"step" | b"display-step" => match xml.text()? {
                    &[letter] if Step::from_letter(letter).is_some() => {
                        pitch.step = Step::from_letter(letter).unwrap_or(pitch.step);
                        has_step = true;
                    }
                    text => self.blame(format!("the step {} is not a letter from A to G", shown(text))),
                },
                b"octave" | b"display-octave" => match whole(xml.text()?) {
                    Some(octave @ 0..=9) => (pitch.octave, has_octave) = (octave, true),
                    _ => self.blame("the octave is not a whole number from 0 to 9"),
                },
                b"alter" => {
                    let text = xml.text()?;
                    match millionths(text) {
                        // Anything past an octave is no alteration of a step.
                        Some(alter) if alter.abs() <= 12 * MILLION => pitch.alter = cents(alter),
                        _ => {
                            self.blame(format!("the alteration {} is not a number of semitones", shown(text)))
                        }
                    }
                }
                _ => {}
            }
        }
        if is_pitched && !(has_step && has_octave) {
            self.blame("the pitch lacks a step or an octave");
        }
        Ok(pitch)
    }

    fn notations(&mut self, xml: &mut Xml<'_>, part: &mut Part) -> Result<(), ReadError> {
        let here = xml.depth();
        while xml.child(here)? {
            match xml.name() {
                b"tied" => self.kind_of_tie.sight = self.kind_of_tie.sight.with(tie(xml)),
                _ => notations::read(xml, &mut part.waiting)?,
            }
        }
        Ok(())
    }

    fn time_modification(&mut self, xml: &mut Xml<'_>) -> Result<(), ReadError> {
        let here = xml.depth();
        while xml.child(here)? {
            match xml.name() {
                b"actual-notes" => self.actual = whole(xml.text()?).filter(|&count| count > 0).unwrap_or(1),
                b"normal-notes" => self.normal = whole(xml.text()?).filter(|&count| count > 0).unwrap_or(1),
                _ => {}
            }
        }
        Ok(())
    }

    /// Length in quarter notes by the looks of the note, for one that has no duration.
    pub(super) fn notated(&self) -> Option<(i64, i64)> {
        let (numerator, denominator) = dotted(self.note_type?, self.dots);
        Some((numerator.saturating_mul(self.normal), denominator.saturating_mul(self.actual)))
    }

    /// Whether it is written as a whole or double whole note; `otherwise` where its type is not said.
    pub(super) fn is_whole_or_breve(&self, otherwise: bool) -> bool {
        let is_long = self.note_type.map_or(otherwise, |length| length == (4, 1) || length == (8, 1));
        is_long && self.dots == 0 && self.actual == self.normal
    }

    fn blame(&mut self, message: impl Into<String>) {
        self.fault.get_or_insert(message.into());
    }
}

fn cents(alter: i64) -> i16 {
    let half = if alter < 0 { -5_000 } else { 5_000 };
    i16::try_from((alter + half) / 10_000).unwrap_or(0)
}

/// What the open `<tie>` or `<tied>` says. One that rings on without a partner ties nothing.
fn tie(xml: &Xml<'_>) -> Flags {
    match xml.attribute(b"type") {
        Some(b"start") => Flags::TIE_START,
        Some(b"stop") => Flags::TIE_STOP,
        Some(b"continue") => Flags::TIE_START.with(Flags::TIE_STOP),
        _ => Flags::NONE,
    }
}
