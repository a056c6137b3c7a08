//! What a reader says of a source, one event at a time, and who listens.

use super::annotation::Annotation;
use super::mark::Mark;
use super::note::{KeySignature, Meter, Note, Rest, Tempo};
use super::time::Ticks;
use shared::failure::Failure;
use shared::place::Place;

/// A field of a piece's metadata.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Field {
    Title,
    Composer,
    Lyricist,
    Number,
    Movement,
    Rights,
    Source,
    Genre,
}

/// How a source writes music.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Notation {
    Midi,
    MusicXml,
    Kern,
    Abc,
}

/// What is counted twice, once as declared by the source and once as read, so that no loss is silent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unit {
    /// Notes, grace notes and unpitched ones included, chord members each.
    Notes,
    /// Rests.
    Rests,
    /// Measures, summed over the parts.
    Measures,
    /// Parts.
    Parts,
}

impl Unit {
    /// Every unit, in order.
    pub const ALL: [Unit; 4] = [Unit::Notes, Unit::Rests, Unit::Measures, Unit::Parts];

    /// Name in tables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Unit::Notes => "notes",
            Unit::Rests => "rests",
            Unit::Measures => "measures",
            Unit::Parts => "parts",
        }
    }
}

/// One thing that a reader says.
///
/// The order: [`Event::PieceStart`], then for each part [`Event::Part`] before anything of that part, measures and their
/// contents in the order of the part's time, [`Event::PartEnd`] for each part, [`Event::PieceEnd`]. Parts may be
/// interleaved, and the notes of a part may follow all of its measures and its end. Onsets are in the part's own time, from the
/// start of the piece. A note belongs to the measure that its part began last, or, if its onset lies before that, to the
/// earlier one that its onset is in: lyrics and layers over several measures come late. Indices of measures inside the
/// events are ignored.
#[derive(Clone, Debug)]
pub enum Event<'a> {
    /// A piece begins.
    PieceStart {
        /// Whether all parts share one clock (MIDI, kern). Otherwise (MusicXML, ABC) each part has its own, and the
        /// builder lines the parts up measure by measure, in order, so that one short measure shifts nothing after it.
        shared_time: bool,
    },
    /// How the source writes music.
    Notation(Notation),
    /// A field of the metadata; the first of its kind counts.
    Field(Field, &'a str),
    /// A part is declared, with the next free index from 0.
    Part {
        /// Index of the part.
        part: u16,
        /// Its name.
        name: Option<&'a str>,
    },
    /// Something about a part that was learnt later.
    Instrument {
        /// Index of the part.
        part: u16,
        /// Name of the instrument.
        name: Option<&'a str>,
        /// General MIDI program from 1.
        program: Option<u8>,
    },
    /// A measure begins in a part.
    Measure {
        /// Index of the part.
        part: u16,
        /// Its start.
        onset: Ticks,
        /// Its number as printed.
        number: &'a str,
    },
    /// A time signature.
    Meter(Meter),
    /// A key signature.
    Key(KeySignature),
    /// A tempo.
    Tempo(Tempo),
    /// A sign that bends the order of playing, at the start or the end of the measure that its part began last.
    Mark {
        /// Index of the part.
        part: u16,
        /// Whether it stands at the end of the measure.
        at_end: bool,
        /// The sign.
        mark: Mark,
    },
    /// The order in which the sections of [`Mark::Section`] are played, where the source spells it out.
    Arrangement(&'a [u16]),
    /// The same with each repeat once.
    ShortArrangement(&'a [u16]),
    /// The same, but of sections whose own repeats are played too.
    PartOrder(&'a [u16]),
    /// A note.
    Note(Note),
    /// A rest.
    Rest(Rest),
    /// Something written at a moment of a part, and what it says. One without text is no event.
    Annotation(Annotation, &'a str),
    /// A part ends, at `end` in its own time.
    PartEnd {
        /// Index of the part.
        part: u16,
        /// Its length.
        end: Ticks,
    },
    /// The source holds this many of a unit in this piece, by a count independent of the events. Adds up.
    Declared(Unit, u64),
    /// Ticks of a quarter note in a MIDI file, so that raw ticks can be told exactly.
    Division(u32),
    /// Something odd that lost nothing.
    Warning(&'a str),
    /// Something could not be read and was left out; reading goes on. The piece is degraded.
    Damage(&'a Failure),
    /// The piece is over.
    PieceEnd,
}

/// Why a sink wants no more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    /// A limit was passed, or the time was up: the failure says which.
    Failed(Failure),
    /// The job is no longer wanted.
    Cancelled,
}

/// Who listens to a reader.
pub trait EventSink {
    /// Takes one event, which stands at `place` in the source.
    ///
    /// # Errors
    /// [`Stop`] when the reader shall stop at once.
    fn event(&mut self, place: Place, event: Event<'_>) -> Result<(), Stop>;

    /// Takes [`Event::Measure`] of a measure that has a plain number. It is the same; a sink may take it with less ado.
    ///
    /// # Errors
    /// [`Stop`] when the reader shall stop at once.
    fn measure(&mut self, place: Place, part: u16, onset: Ticks, number: u32) -> Result<(), Stop> {
        self.event(place, Event::Measure { part, onset, number: &number.to_string() })
    }

    /// Takes [`Event::Annotation`] at its own place. It is the same; a sink may take it with less ado.
    ///
    /// # Errors
    /// [`Stop`] when the reader shall stop at once.
    fn annotation(&mut self, annotation: Annotation, text: &str) -> Result<(), Stop> {
        self.event(annotation.place, Event::Annotation(annotation, text))
    }

    /// Takes all measures of a part, in their order, numbered from 1: where each begins, and its place. It is the same as
    /// [`EventSink::measure`] for each; a sink may ask once what holds of all.
    ///
    /// # Errors
    /// [`Stop`] when the reader shall stop at once.
    fn measures(&mut self, part: u16, begun: &[(Ticks, Place)]) -> Result<(), Stop> {
        self.each_measure(part, begun)
    }

    /// [`EventSink::measure`] for each measure of a part.
    ///
    /// # Errors
    /// [`Stop`] when the reader shall stop at once.
    fn each_measure(&mut self, part: u16, begun: &[(Ticks, Place)]) -> Result<(), Stop> {
        let mut numbered = begun.iter().zip(1..);
        numbered.try_for_each(|(&(onset, place), number)| self.measure(place, part, onset, number))
    }

    /// Takes [`Event::Note`] at the note's own place. It is the same; as most events are notes, a sink may take them
    /// with less ado.
    ///
    /// # Errors
    /// [`Stop`] when the reader shall stop at once.
    fn note(&mut self, note: &Note) -> Result<(), Stop> {
        self.event(note.place, Event::Note(*note))
    }

    /// Takes a run of notes of a part, whatever part they name, in the order of their onsets. It is the same as
    /// [`EventSink::note`] for each; a sink may ask once what holds of all.
    ///
    /// # Errors
    /// [`Stop`] when the reader shall stop at once.
    fn notes(&mut self, part: u16, notes: &[Note]) -> Result<(), Stop> {
        notes.iter().try_for_each(|note| self.note(&Note { part, ..*note }))
    }

    /// Takes the notes of all parts at once, by onset and then part, all with their measures, on first staves, and within
    /// the ends that their parts were said to have; each part has some. It is the same as [`EventSink::note`] for each; a
    /// sink may keep the vector.
    ///
    /// # Errors
    /// [`Stop`] when the reader shall stop at once.
    fn all_notes(&mut self, notes: Vec<Note>) -> Result<(), Stop> {
        notes.iter().try_for_each(|note| self.note(note))
    }
}
