//! The score: the finished, immutable model of a piece, in integer time and flat arrays.

mod align;
mod annotation;
mod build;
mod column;
mod derived;
mod event;
mod expand;
mod mark;
mod note;
mod order;
mod packed;
mod pitch;
mod short;
mod slices;
mod sort;
mod texts;
mod time;

pub use annotation::{Annotation, AnnotationKind};
pub use build::{EVENTS_PER_CHECK, ScoreBuilder};
pub use column::{Column, Near, Rows};
pub use event::{Event, EventSink, Field, Notation, Stop, Unit};
pub use expand::{Repeats, expanded, laid_out};
pub use mark::{Endings, Mark, MarkAt};
pub use note::{Flags, KeySignature, Label, Measure, Meter, Mode, Note, Part, Rest, Tempo};
pub use order::{Order, order};
pub use packed::{NUMBERS, Row};
pub use pitch::{Pitch, PitchName, Step, class_name};
pub(crate) use short::Short;
pub use slices::{Slice, Slices};
pub use time::{Fraction, TICKS_PER_QUARTER, Ticks};

use shared::failure::Failure;
use shared::place::Place;
use std::borrow::Borrow;

/// A piece. Notes and rests are sorted by (onset, part, order in the source), the rest by (onset, part).
#[derive(Clone, Debug, Default)]
pub struct Score {
    /// Metadata, the first of each field.
    pub fields: Vec<(Field, Box<str>)>,
    /// Parts, in the order of the source.
    pub parts: Vec<Part>,
    /// Measures, sorted by (part, index).
    pub measures: Vec<Measure>,
    /// Notes.
    pub notes: Vec<Note>,
    /// Rests.
    pub rests: Column<Rest>,
    /// Time signatures.
    pub meters: Vec<Meter>,
    /// Key signatures.
    pub keys: Vec<KeySignature>,
    /// Tempi.
    pub tempi: Vec<Tempo>,
    /// Words and signs at moments of the parts, sorted by (onset, part, order in the source).
    pub annotations: Column<Annotation>,
    /// The texts of the annotations.
    texts: texts::Texts,
    /// Signs that bend the order of playing, sorted by (part, measure, end).
    pub marks: Vec<MarkAt>,
    /// The order of the sections, where the source spells it out.
    pub arrangement: Vec<u16>,
    /// The same with each repeat once.
    pub short_arrangement: Vec<u16>,
    /// Whether the repeats within the sections are played too, each time that the order names one.
    pub sections_repeat: bool,
    /// How the source writes music, where its reader says so.
    pub notation: Option<Notation>,
    /// Ticks of a quarter note in the MIDI file that this was, if it was one.
    pub division: Option<u32>,
    /// What the source declared, against what was read, per [`Unit::ALL`].
    pub conservation: [Count; 4],
    /// What was odd, the first of them.
    pub warnings: Vec<Warning>,
    /// How many warnings there were in all.
    pub warning_count: u64,
    /// The first thing that could not be read; the score is degraded if there is one.
    pub damage: Option<Failure>,
    /// Slices of one timeline, once they were asked for.
    slices: slices::Memo<Slices>,
    /// Slices measure by measure, once they were asked for.
    measure_slices: slices::Memo<Slices>,
    /// What analyses worked out of it and share.
    derived: derived::Derived,
}

/// A count as declared and as read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// What the source declared, where the reader could tell.
    pub declared: Option<u64>,
    /// What was read.
    pub read: u64,
}

/// Something odd in a source that lost nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// For a person.
    pub message: Box<str>,
    /// Where.
    pub place: Place,
}

impl Score {
    /// A field of the metadata.
    #[must_use]
    pub fn field(&self, field: Field) -> Option<&str> {
        self.fields.iter().find(|(name, _)| *name == field).map(|(_, text)| text.as_ref())
    }

    /// What an annotation of this score says.
    #[must_use]
    pub fn text(&self, annotation: impl Borrow<Annotation>) -> &str {
        self.texts.get(annotation.borrow().text).unwrap_or_default()
    }

    /// What is printed as the number of one of its measures, where that is more than a number.
    #[must_use]
    pub fn label(&self, measure: &Measure) -> Option<&str> {
        self.texts.get(measure.label?.text())
    }

    /// What is printed as the number of one of its measures.
    #[must_use]
    pub fn number(&self, measure: &Measure) -> String {
        self.label(measure).map_or_else(|| measure.number.to_string(), str::to_owned)
    }

    /// Length of the longest part in its own time.
    #[must_use]
    pub fn duration(&self) -> Ticks {
        self.parts.iter().map(|part| part.duration).max().unwrap_or_default()
    }

    /// The measures of one part, in order.
    #[must_use]
    pub fn measures_of(&self, part: u16) -> &[Measure] {
        let from = self.measures.partition_point(|measure| measure.part < part);
        let to = self.measures.partition_point(|measure| measure.part <= part);
        self.measures.get(from..to).unwrap_or(&[])
    }
}
