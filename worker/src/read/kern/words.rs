//! Words that wait for the next note: directions in layout comments, tempo words, labels, rehearsal marks.

use super::line::Line;
use super::spines::{Seat, Spines};
use super::text::decode;
use crate::score::{Annotation, AnnotationKind, Event, EventSink, Mark, Stop, Ticks};
use shared::limits::exceeded;
use shared::place::Place;

/// The words that wait.
#[derive(Default)]
pub(super) struct Words {
    waiting: Vec<Word>,
    most: u64,
    /// The signs of jumps that the last measure has.
    jumps: Vec<Mark>,
}

struct Word {
    kind: AnnotationKind,
    seat: Seat,
    place: Place,
    text: String,
}

impl Words {
    /// No words; at most `most` may wait.
    pub(super) fn new(most: u64) -> Self {
        Words { most, ..Words::default() }
    }

    /// Words for the next note of a seat. Spines that say the same at once say it once.
    pub(super) fn wait(
        &mut self,
        kind: AnnotationKind,
        seat: Option<Seat>,
        text: &[u8],
        place: Place,
    ) -> Result<(), Stop> {
        let text = decode(text).into_owned();
        let same = |word: &Word| word.kind == kind && word.text == text;
        if self.waiting.iter().any(|word| same(word) && seat.is_none_or(|seat| word.seat == seat)) {
            return Ok(());
        }
        if self.waiting.len() as u64 >= self.most {
            return Err(Stop::Failed(exceeded("annotations_max", self.most, Some(place))));
        }
        let seat = seat.unwrap_or(Seat::FIRST);
        self.waiting.push(Word { kind, seat, place, text });
        Ok(())
    }

    /// Takes a comment: `!LO:TX:t=dolce` in a column, `!!LO:TX:t=dolce` or `!!LO:REH:t=A` for all.
    pub(super) fn comment(&mut self, line: &Line<'_>, spines: &Spines) -> Result<(), Stop> {
        if memchr::memmem::find(line.text, b"!LO:").is_none() {
            return Ok(());
        }
        if let Some(global) = line.text.strip_prefix(b"!!") {
            return self.layout(global, None, line.place(0));
        }
        let mut start = 0;
        for (cell, column) in line.text.split(|&byte| byte == b'\t').zip(&spines.columns) {
            if let Some(local) = cell.strip_prefix(b"!") {
                self.layout(local, Some(column.seat), line.place_at(start))?;
            }
            start += cell.len() + 1;
        }
        Ok(())
    }

    /// Takes what stands behind the exclamation marks of a comment.
    fn layout(&mut self, text: &[u8], seat: Option<Seat>, place: Place) -> Result<(), Stop> {
        let (kind, parameters) = match text {
            [b'L', b'O', b':', b'T', b'X', b':', rest @ ..] => (AnnotationKind::Direction, rest),
            [b'L', b'O', b':', b'R', b'E', b'H', b':', rest @ ..] => (AnnotationKind::Marker, rest),
            _ => return Ok(()),
        };
        let mut parameters = parameters.split(|&byte| byte == b':');
        // What an editor says of a problem is no part of the music.
        if parameters.clone().any(|parameter| parameter.starts_with(b"problem")) {
            return Ok(());
        }
        let Some(text) = parameters.find_map(|parameter| parameter.strip_prefix(b"t=")) else {
            return Ok(());
        };
        let text = decode(text).replace("&colon;", ":").replace("\\n", " ");
        self.wait(kind, seat, text.as_bytes(), place)
    }

    /// Gives those that wait the seats of [`Spines::take_seats`].
    pub(super) fn take_seats(&mut self, seats: &[Seat]) {
        for word in &mut self.waiting {
            word.seat = seats.get(usize::from(word.seat.part)).copied().unwrap_or(word.seat);
        }
    }

    /// A measure begins: its jumps are its own.
    pub(super) fn begin(&mut self) {
        self.jumps.clear();
    }

    /// Tells those that wait, and the jumps that they mean.
    pub(super) fn say(&mut self, onset: Ticks, sink: &mut dyn EventSink) -> Result<(), Stop> {
        for Word { kind, seat: Seat { part, staff }, place, text } in self.waiting.drain(..) {
            let mut at = Annotation::new(kind, part, onset, place);
            at.staff = staff;
            sink.event(place, Event::Annotation(at, &text))?;
            // A label is a name, whatever it says.
            let mark = jump(&text).filter(|_| kind == AnnotationKind::Direction);
            if let Some(mark) = mark.filter(|mark| !self.jumps.contains(mark)) {
                self.jumps.push(mark);
                let at_end = !matches!(mark, Mark::Segno | Mark::Coda);
                sink.event(place, Event::Mark { part, at_end, mark })?;
            }
        }
        Ok(())
    }
}

/// The jump or its goal that words mean, if they mean nothing else.
fn jump(text: &str) -> Option<Mark> {
    if text.len() > 40 {
        return None;
    }
    let letters = |c: char| if c.is_alphabetic() { Some(c.to_ascii_lowercase()) } else { None };
    let plain: String = text.chars().filter_map(letters).collect();
    let plain = plain.strip_suffix("alfine").or(plain.strip_suffix("adfine")).unwrap_or(&plain);
    let plain = plain.strip_suffix("alcoda").filter(|rest| !rest.is_empty()).unwrap_or(plain);
    match plain {
        "dc" | "dacapo" => Some(Mark::DaCapo),
        "ds" | "dalsegno" => Some(Mark::DalSegno),
        "fine" => Some(Mark::Fine),
        "segno" => Some(Mark::Segno),
        "coda" => Some(Mark::Coda),
        "tocoda" | "alcoda" => Some(Mark::ToCoda),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_mean_jumps() {
        for (text, expected) in [
            ("D.C.", Some(Mark::DaCapo)),
            ("Da Capo al Fine.", Some(Mark::DaCapo)),
            ("D. S. al Coda", Some(Mark::DalSegno)),
            ("dal Segno", Some(Mark::DalSegno)),
            ("Fine.", Some(Mark::Fine)),
            ("[segno]", Some(Mark::Segno)),
            ("*Coda", Some(Mark::Coda)),
            ("al Coda", Some(Mark::ToCoda)),
            ("al fine", None),
            ("Scherzo D.C. al Fine.", None),
            ("con fine", None),
            ("", None),
        ] {
            assert_eq!(jump(text), expected, "{text}");
        }
    }
}
