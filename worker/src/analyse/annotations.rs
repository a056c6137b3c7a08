//! Annotations: the words and signs of a score, counted, and the texts of those that are read as texts.

use super::common::{Number, integer};
use super::{Analysis, Params, Spec, Told};
use crate::score::{Annotation, AnnotationKind, Score};
use serde::Serialize;
use shared::failure::Failure;
use shared::place::Place;
use std::collections::BTreeMap;

static SPEC: Spec = Spec {
    name: "annotations",
    revision: 1,
    summary: "Counts what is written beside the notes: lyrics, chord symbols, figures, harmonies, dynamics, articulations, ornaments, fermatas, slurs, words and markers; the detail has the texts of dynamics, articulations and ornaments with their frequency, the lyrics of each voice and verse in words, and chord symbols and markers with their places.",
    params: &[],
    columns: &[
        integer("lyrics", "/counts/lyric", "syllable", "Syllables of all verses."),
        integer("chord_symbols", "/counts/chord_symbol", "sign", "Chord symbols above the staff."),
        integer(
            "figured_bass",
            "/counts/figured_bass",
            "sign",
            "Figures of a thorough bass, one for each moment.",
        ),
        integer("harmonies", "/counts/harmony", "sign", "Harmonies that an analyst wrote."),
        integer("dynamics", "/counts/dynamic", "sign", "Dynamics; a hairpin has a start and a stop."),
        integer("articulations", "/counts/articulation", "sign", "Articulations."),
        integer("ornaments", "/counts/ornament", "sign", "Ornaments."),
        integer("fermatas", "/counts/fermata", "sign", "Fermatas."),
        integer("slurs", "/counts/slur", "slur", "Slurs, by their starts."),
        integer("directions", "/counts/direction", "text", "Words that hold for the music."),
        integer("markers", "/counts/marker", "text", "Names of places in the piece."),
    ],
    reference: "Ripieno's own: score::AnnotationKind",
};

/// The analysis.
pub(super) struct Annotations;

impl Analysis for Annotations {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn run(&self, score: &Score, _: &Params) -> Result<Told, Failure> {
        let of = |kind| score.annotations.iter().filter(move |annotation| annotation.kind == kind);
        let count = |kind| match kind {
            AnnotationKind::Slur => of(kind).filter(|slur| score.text(slur) == "start").count(),
            _ => of(kind).count(),
        };
        let texts = |kind| {
            let mut texts: BTreeMap<&str, u64> = BTreeMap::new();
            of(kind).for_each(|annotation| *texts.entry(score.text(annotation)).or_default() += 1);
            texts
        };
        let places = |kind| of(kind).map(|annotation| Placed::of(score, &annotation)).collect();
        Told::of(&Answer {
            counts: AnnotationKind::ALL.into_iter().map(|kind| (kind.name(), count(kind))).collect(),
            dynamics: texts(AnnotationKind::Dynamic),
            articulations: texts(AnnotationKind::Articulation),
            ornaments: texts(AnnotationKind::Ornament),
            lyrics: lyrics(score),
            chord_symbols: places(AnnotationKind::ChordSymbol),
            markers: places(AnnotationKind::Marker),
        })
    }
}

#[derive(Serialize)]
struct Answer<'a> {
    counts: BTreeMap<&'static str, usize>,
    dynamics: BTreeMap<&'a str, u64>,
    articulations: BTreeMap<&'a str, u64>,
    ornaments: BTreeMap<&'a str, u64>,
    lyrics: Vec<Verse>,
    chord_symbols: Vec<Placed<'a>>,
    markers: Vec<Placed<'a>>,
}

/// A text and where it is.
#[derive(Serialize)]
struct Placed<'a> {
    text: &'a str,
    part: u16,
    /// Index of the measure in its part, and its number as printed.
    measure: Option<u32>,
    number: Option<Number>,
    /// Quarter notes from the start of the piece.
    onset: String,
    place: Place,
}

impl<'a> Placed<'a> {
    fn of(score: &'a Score, annotation: &Annotation) -> Self {
        let measure = score.measures_of(annotation.part).get(annotation.measure as usize);
        Placed {
            text: score.text(annotation),
            part: annotation.part,
            measure: measure.map(|measure| measure.index),
            number: measure.map(|measure| Number::of(score, measure)),
            onset: annotation.onset.to_string(),
            place: annotation.place,
        }
    }
}

/// The lyrics of one verse, as one voice sings them.
#[derive(Serialize)]
struct Verse {
    part: u16,
    staff: u8,
    voice: u8,
    verse: u8,
    syllables: u64,
    words: u64,
    text: String,
    /// Whether the next syllable belongs to the last word.
    #[serde(skip)]
    goes_on: bool,
}

impl Verse {
    /// Adds a syllable: a hyphen at its end holds it together with the next one, an underscore says only how long it is
    /// sung.
    fn add(&mut self, syllable: &str) {
        let sung = syllable.trim_end_matches(['_', '-']);
        if !sung.is_empty() {
            self.syllables += 1;
            if !self.goes_on {
                self.words += 1;
                self.text.push_str(if self.text.is_empty() { "" } else { " " });
            }
            self.text.push_str(sung);
            self.goes_on = false;
        }
        self.goes_on |= !self.text.is_empty() && syllable.ends_with('-');
    }
}

fn lyrics(score: &Score) -> Vec<Verse> {
    let mut verses: BTreeMap<(u16, u8, u8, u8), Verse> = BTreeMap::new();
    for lyric in score.annotations.iter().filter(|annotation| annotation.kind == AnnotationKind::Lyric) {
        let Annotation { part, staff, voice, number: verse, .. } = lyric;
        let new = || Verse {
            part,
            staff,
            voice,
            verse,
            syllables: 0,
            words: 0,
            text: String::new(),
            goes_on: false,
        };
        verses.entry((part, staff, voice, verse)).or_insert_with(new).add(score.text(lyric));
    }
    verses.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::super::testing::{ask, line, score};
    use super::*;
    use crate::score::{Event, Ticks};
    use serde_json::json;

    fn said(kind: AnnotationKind, quarters: i64, text: &'static str) -> Event<'static> {
        Event::Annotation(Annotation::new(kind, 0, Ticks::quarters(quarters), Place::line(2, 5)), text)
    }

    #[test]
    fn syllables_become_the_words_of_their_voice_and_verse() {
        let lyric = |voice, number, quarters, text| {
            let mut lyric =
                Annotation::new(AnnotationKind::Lyric, 0, Ticks::quarters(quarters), Place::START);
            (lyric.voice, lyric.number) = (voice, number);
            Event::Annotation(lyric, text)
        };
        let mut events = line(&[(Some(60), (1, 1)), (Some(62), (1, 1)), (Some(64), (2, 1))]);
        for (quarters, first, second, other) in [
            (0, "A-", "Su-", "Dum"),
            (1, "ve_", "mens", "-"),
            (2, "ma-", "il-", "vi-"),
            (3, "ris", "lud", "vo_"),
        ] {
            events.extend([
                lyric(1, 1, quarters, first),
                lyric(1, 2, quarters, second),
                lyric(2, 1, quarters, other),
            ]);
        }
        let answer = ask(&Annotations, &score(1, events));
        let verse = |voice: u8, verse: u8, syllables: u8, words: u8, text: &str| json!({ "part": 0, "staff": 1, "voice": voice, "verse": verse, "syllables": syllables, "words": words, "text": text });
        let verses =
            [verse(1, 1, 4, 2, "Ave maris"), verse(1, 2, 4, 2, "Sumens illud"), verse(2, 1, 3, 1, "Dumvivo")];
        assert_eq!(answer["lyrics"], json!(verses));
        assert_eq!(answer["counts"]["lyric"], 12);
    }

    #[test]
    fn every_kind_is_counted_and_texts_are_told() {
        let mut events = vec![Event::Measure { part: 0, onset: Ticks::ZERO, number: "7" }];
        events.extend(line(&[(Some(60), (4, 1))]));
        let texts = [(0, "mf"), (1, "p"), (2, "p")].map(|(at, text)| said(AnnotationKind::Dynamic, at, text));
        events.extend(texts);
        events.push(said(AnnotationKind::Articulation, 0, "staccato"));
        events.push(said(AnnotationKind::Ornament, 0, "trill-mark"));
        events.push(said(AnnotationKind::Fermata, 3, "fermata"));
        events.extend([said(AnnotationKind::Slur, 0, "start"), said(AnnotationKind::Slur, 3, "stop")]);
        events.push(said(AnnotationKind::Direction, 0, "dolce"));
        events.push(said(AnnotationKind::ChordSymbol, 2, "Am7/C"));
        events
            .extend([said(AnnotationKind::Harmony, 0, "V65/V"), said(AnnotationKind::FiguredBass, 0, "6 4")]);
        let answer = ask(&Annotations, &score(1, events));
        let counts: Vec<(&str, i64)> = AnnotationKind::ALL
            .map(|kind| (kind.name(), answer["counts"][kind.name()].as_i64().unwrap()))
            .into();
        let none = |kind: &str| matches!(kind, "lyric" | "marker");
        let expected = |kind: &str| {
            if none(kind) {
                0
            } else if kind == "dynamic" {
                3
            } else {
                1
            }
        };
        assert!(counts.iter().all(|&(kind, count)| count == expected(kind)), "{counts:?}");
        assert_eq!(answer["dynamics"], json!({ "mf": 1, "p": 2 }));
        assert_eq!(
            (&answer["articulations"], &answer["ornaments"]),
            (&json!({ "staccato": 1 }), &json!({ "trill-mark": 1 }))
        );
        let symbol = json!({ "text": "Am7/C", "part": 0, "measure": 0, "number": "7", "onset": "2", "place": { "line": 2, "column": 5 } });
        assert_eq!((&answer["chord_symbols"], &answer["markers"]), (&json!([symbol]), &json!([])));
    }
}
