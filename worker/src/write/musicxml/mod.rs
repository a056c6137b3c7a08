//! MusicXML 4.0, partwise.

mod measure;
mod value;

use super::{ScoreWriter, Written, unit};
use crate::score::{Field, Note, Part, Score, TICKS_PER_QUARTER, Ticks};
use measure::{Contents, Writer};
use quick_xml::escape::escape;
use std::borrow::Cow;
use std::io::{self, Write};

static WRITTEN: Written = Written {
    name: "musicxml",
    extension: "musicxml",
    media_type: "application/vnd.recordare.musicxml+xml",
    summary: "Notes, chords, grace notes, rests, ties, voices, staves, transposition, measures, meters, keys, tempi, repeats and \
              jumps, syllables, names. Notes that go on over a bar line are tied. Percussion keeps its place on the staff; octaves below 0 and above 9 are left out. Clefs, beams, slurs, signs and words are not \
              written.",
};

pub(super) struct MusicXml;

impl ScoreWriter for MusicXml {
    fn format(&self) -> &'static Written {
        &WRITTEN
    }

    fn write(&self, score: &Score, out: &mut dyn Write) -> io::Result<u64> {
        writeln!(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<score-partwise version=\"4.0\">")?;
        head(score, out)?;
        let unit = unit(score);
        for (index, part) in (0_u16..).zip(&score.parts) {
            writeln!(out, "<part id=\"P{}\">", index + 1)?;
            let contents = Contents::of(score, index);
            let mut writer = Writer::new(score, part, unit, out);
            writer.divisions = TICKS_PER_QUARTER / unit.0.max(1);
            contents.measures.iter().try_for_each(|measure| writer.measure(measure))?;
            writeln!(out, "</part>")?;
        }
        writeln!(out, "</score-partwise>")?;
        Ok(score.notes.iter().filter(|note| !can_say(note)).count() as u64)
    }
}

/// Whether the schema has the octave of a note.
fn can_say(note: &Note) -> bool {
    (0..=9).contains(&note.written.octave)
}

/// A text as XML may have it.
fn text(text: &str) -> Cow<'_, str> {
    if text.chars().all(|letter| !letter.is_control()) {
        return escape(text);
    }
    let plain: String = text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    Cow::Owned(escape(&plain).into_owned())
}

fn head(score: &Score, out: &mut dyn Write) -> io::Result<()> {
    let field = |field| score.field(field).map(text);
    if field(Field::Title).is_some() || field(Field::Number).is_some() {
        write!(out, "<work>")?;
        if let Some(number) = field(Field::Number) {
            write!(out, "<work-number>{number}</work-number>")?;
        }
        if let Some(title) = field(Field::Title) {
            write!(out, "<work-title>{title}</work-title>")?;
        }
        writeln!(out, "</work>")?;
    }
    if let Some(movement) = field(Field::Movement) {
        writeln!(out, "<movement-title>{movement}</movement-title>")?;
    }
    writeln!(out, "<identification>")?;
    for (kind, name) in [("composer", Field::Composer), ("lyricist", Field::Lyricist)] {
        if let Some(name) = field(name) {
            writeln!(out, "<creator type=\"{kind}\">{name}</creator>")?;
        }
    }
    if let Some(rights) = field(Field::Rights) {
        writeln!(out, "<rights>{rights}</rights>")?;
    }
    let engine = crate::ENGINE;
    writeln!(
        out,
        "<encoding><software>Ripieno {engine}</software></encoding>\n</identification>\n<part-list>"
    )?;
    (1..).zip(&score.parts).try_for_each(|(number, part)| listed(number, part, out))?;
    writeln!(out, "</part-list>")
}

fn listed(number: usize, part: &Part, out: &mut dyn Write) -> io::Result<()> {
    let name = text(part.name.as_deref().unwrap_or_default());
    write!(out, "<score-part id=\"P{number}\"><part-name>{name}</part-name>")?;
    if part.instrument.is_some() || part.program.is_some() {
        let instrument = text(part.instrument.as_deref().unwrap_or_default());
        write!(out, "<score-instrument id=\"P{number}-I\"><instrument-name>{instrument}</instrument-name>")?;
        write!(out, "</score-instrument>")?;
    }
    if let Some(program) = part.program {
        write!(
            out,
            "<midi-instrument id=\"P{number}-I\"><midi-program>{program}</midi-program></midi-instrument>"
        )?;
    }
    writeln!(out, "</score-part>")
}

/// How long a time is, in divisions.
fn divisions(time: Ticks, unit: Ticks) -> i64 {
    time.0 / unit.0.max(1)
}
