//! What is written at a moment of a part and is neither note nor rest: words, signs, chord symbols.

use super::packed::{NUMBERS, Row};
use super::time::Ticks;
use shared::place::Place;

/// What an annotation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AnnotationKind {
    /// A syllable as it is sung; a hyphen at its end says that the word goes on, an underscore that it is held.
    Lyric,
    /// A chord above the staff, as a player reads it: `Am7/C`.
    ChordSymbol,
    /// Figures of a thorough bass, from above, separated by spaces: `6 4#`.
    FiguredBass,
    /// A harmony that an analyst wrote: `V65/V`.
    Harmony,
    /// `p`, `sfz`, `crescendo start`, `diminuendo start`, `hairpin stop`.
    Dynamic,
    /// `staccato`, `accent`, `down-bow`: how a note is played, by its MusicXML name.
    Articulation,
    /// `trill-mark`, `mordent`, by its MusicXML name.
    Ornament,
    /// `fermata`.
    Fermata,
    /// `start` or `stop`.
    Slur,
    /// Words that hold for the music: `dolce`, `rit.`, `Allegro`.
    Direction,
    /// A name for a place in the piece: a rehearsal letter, a MIDI marker, a label of a part.
    Marker,
}

impl AnnotationKind {
    /// Every kind, in order.
    pub const ALL: [AnnotationKind; 11] = [
        AnnotationKind::Lyric,
        AnnotationKind::ChordSymbol,
        AnnotationKind::FiguredBass,
        AnnotationKind::Harmony,
        AnnotationKind::Dynamic,
        AnnotationKind::Articulation,
        AnnotationKind::Ornament,
        AnnotationKind::Fermata,
        AnnotationKind::Slur,
        AnnotationKind::Direction,
        AnnotationKind::Marker,
    ];

    /// Name in tables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            AnnotationKind::Lyric => "lyric",
            AnnotationKind::ChordSymbol => "chord_symbol",
            AnnotationKind::FiguredBass => "figured_bass",
            AnnotationKind::Harmony => "harmony",
            AnnotationKind::Dynamic => "dynamic",
            AnnotationKind::Articulation => "articulation",
            AnnotationKind::Ornament => "ornament",
            AnnotationKind::Fermata => "fermata",
            AnnotationKind::Slur => "slur",
            AnnotationKind::Direction => "direction",
            AnnotationKind::Marker => "marker",
        }
    }
}

/// Something written at a moment of a part. Its text is in [`super::Score::text`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Annotation {
    /// From the start of the piece.
    pub onset: Ticks,
    /// Where it stands in the source.
    pub place: Place,
    /// Index of its measure within its part. Readers leave it 0.
    pub measure: u32,
    /// Number of its text in the score. Readers leave it 0.
    pub(super) text: u32,
    /// Index of its part.
    pub part: u16,
    /// What it is.
    pub kind: AnnotationKind,
    /// Verse of a lyric, number of a slur; else 1.
    pub number: u8,
    /// Voice within the part, from 1; 0 where it belongs to none.
    pub voice: u8,
    /// Staff within the part, from 1.
    pub staff: u8,
}

impl Annotation {
    /// An annotation at a moment of a part, on its first staff, of no voice, with number 1.
    #[must_use]
    pub const fn new(kind: AnnotationKind, part: u16, onset: Ticks, place: Place) -> Self {
        Annotation { onset, place, measure: 0, text: 0, part, kind, number: 1, voice: 0, staff: 1 }
    }
}

impl Row for Annotation {
    const TIME: Option<usize> = None;

    fn onset(&self) -> Ticks {
        self.onset
    }

    fn part(&self) -> u16 {
        self.part
    }

    fn numbers(&self) -> [i64; NUMBERS] {
        let (line, offset) = self.place.numbers();
        let Annotation { measure, text, kind, number, voice, staff, .. } = *self;
        let small = [kind as u8, number, voice, staff].map(i64::from);
        let [kind, number, voice, staff] = small;
        [line.into(), offset.into(), measure.into(), text.into(), kind, number, voice, staff]
    }

    fn of(onset: Ticks, part: u16, numbers: [i64; NUMBERS]) -> Self {
        let [line, offset, measure, text, kind, number, voice, staff] = numbers;
        let kind = AnnotationKind::ALL.get(kind as usize).copied().unwrap_or(AnnotationKind::Direction);
        Annotation {
            onset,
            place: Place::of_numbers((line as u32, offset as u32)),
            measure: measure as u32,
            text: text as u32,
            part,
            kind,
            number: number as u8,
            voice: voice as u8,
            staff: staff as u8,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Event, EventSink, Mark, Score, ScoreBuilder, Stop, Unit, expanded};
    use super::*;
    use shared::limits::Limits;

    /// Two parts of two measures, the first of part 0 shorter than that of part 1, and a word in each measure of part 0.
    fn score(limits: &Limits, back: bool) -> Result<Score, Stop> {
        let mut made = Score::default();
        let mut emit = |score| {
            made = score;
            Ok(())
        };
        let mut builder = ScoreBuilder::new(limits, &|| Ok(()), &mut emit);
        let mut events = vec![Event::PieceStart { shared_time: false }];
        for (part, first) in [(0, 3), (1, 4)] {
            events.push(Event::Part { part, name: None });
            for (onset, number, text) in [(0, "1", " ein- "), (first, "2", "samt"), (first, "", " ")] {
                let onset = Ticks::quarters(onset);
                if !number.is_empty() {
                    events.push(Event::Measure { part, onset, number });
                }
                let word = Annotation::new(AnnotationKind::Lyric, part, onset, Place::START);
                events.extend((part == 0).then_some(Event::Annotation(word, text)));
            }
            let mark = Mark::RepeatEnd { times: 2 };
            events.extend(back.then_some(Event::Mark { part, at_end: true, mark }));
            events.push(Event::PartEnd { part, end: Ticks::quarters(first + 4) });
        }
        events.push(Event::Declared(Unit::Parts, 2));
        events.push(Event::PieceEnd);
        for event in events {
            builder.event(Place::START, event)?;
        }
        Ok(made)
    }

    fn told(score: &Score) -> Vec<(i64, u32, &str)> {
        let quarters = |ticks: Ticks| ticks.0 / Ticks::quarters(1).0;
        let words = score.annotations.iter();
        words.map(|word| (quarters(word.onset), word.measure, score.text(word))).collect()
    }

    #[test]
    fn words_keep_their_measures_when_parts_are_aligned_and_repeated() {
        let limits = Limits::default();
        assert_eq!(told(&score(&limits, false).unwrap()), [(0, 0, "ein-"), (4, 1, "samt")]);
        let played = expanded(score(&limits, true).unwrap(), &limits).unwrap();
        assert_eq!(told(&played), [(0, 0, "ein-"), (4, 1, "samt"), (8, 2, "ein-"), (12, 3, "samt")]);
    }

    #[test]
    fn words_are_limited_in_number_and_bytes() {
        for (limits, name) in [
            (Limits { annotations_max: 1, ..Limits::default() }, "annotations_max"),
            (Limits { annotation_bytes_max: 7, ..Limits::default() }, "annotation_bytes_max"),
        ] {
            let Err(Stop::Failed(failure)) = score(&limits, false) else { panic!("{name}") };
            assert!(failure.message.contains(name), "{failure}");
        }
        let limits = Limits { annotations_max: 2, annotation_bytes_max: 8, ..Limits::default() };
        assert!(score(&limits, false).is_ok());
    }
}
