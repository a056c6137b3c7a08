//! Chords: what sounds together, slice by slice, and what it is called.

use super::chord::Chord;
use super::common::{Counts, FIDELITY, integer, number, ratio, text};
use super::sonorities::{Chordified, Row, check};
use super::{Analysis, Params, Spec, Told};
use crate::score::{Pitch, PitchName, Score};
use serde::{Serialize, Serializer};
use shared::failure::Failure;
use shared::limits::CHORDS_MAX;
use std::borrow::Cow;
use std::collections::BTreeMap;

static SPEC: Spec = Spec {
    name: "chords",
    revision: 1,
    summary: "What sounds together, slice by slice, with each different chord's pitches, root, bass, inversion, quality, name and set class. Shares are of the time in which anything sounds.",
    params: &[FIDELITY],
    columns: &[
        integer("slices", "/count", "slice", "How many slices there are; silence has none."),
        integer("distinct", "/distinct", "chord", "How many different ones, by their written pitches."),
        integer(
            "set_classes",
            "/set_classes",
            "set class",
            "How many different set classes, inversions told apart.",
        ),
        text(
            "commonest",
            "/commonest",
            "set class",
            "Forte's name of the set class of most slices with three classes or more.",
        ),
        number("triads", "/shares/triads", "share", "Major, minor, diminished and augmented triads."),
        number("major", "/shares/major", "share", "Major triads."),
        number("minor", "/shares/minor", "share", "Minor triads."),
        number("diminished", "/shares/diminished", "share", "Diminished triads."),
        number("augmented", "/shares/augmented", "share", "Augmented triads."),
        number("sevenths", "/shares/sevenths", "share", "Four names: a root with third, fifth and seventh."),
        number("inverted", "/shares/inverted", "share", "Triads and sevenths without the root in the bass."),
        number(
            "dissonant",
            "/shares/dissonant",
            "share",
            "Neither one name, nor a consonant interval (the fourth is none), nor a major or minor triad other than a six-four.",
        ),
    ],
    reference: "music21 Stream.chordify, chord.Chord and chord.tables; Forte, The Structure of Atonal Music (1973)",
};

/// The analysis.
pub(super) struct Chords;

/// What one chord is. Pitch names have `b` for flats.
#[derive(Serialize)]
struct Facts<'a> {
    pitches: Cow<'a, [Pitch]>,
    #[serde(serialize_with = "keys")]
    keys: Cow<'a, [Pitch]>,
    root: PitchName,
    bass: PitchName,
    inversion: u8,
    quality: &'static str,
    name: Cow<'static, str>,
    pitched_name: String,
    forte: &'static str,
    prime: &'static [u8],
    normal: &'static [u8],
    vector: [u8; 6],
    consonant: bool,
    #[serde(skip)]
    kind: Kind,
}

/// What a chord counts as.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Major,
    Minor,
    Diminished,
    Augmented,
    Seventh,
    Other,
}

#[derive(Serialize)]
struct Answer<'a> {
    count: usize,
    distinct: usize,
    set_classes: usize,
    commonest: Option<String>,
    shares: Shares,
    chords: Vec<Facts<'a>>,
    fields: [&'static str; 6],
    slices: Vec<Row<'a, usize>>,
}

#[derive(Serialize)]
struct Shares {
    triads: Option<f64>,
    major: Option<f64>,
    minor: Option<f64>,
    diminished: Option<f64>,
    augmented: Option<f64>,
    sevenths: Option<f64>,
    inverted: Option<f64>,
    dissonant: Option<f64>,
}

impl Analysis for Chords {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn run(&self, score: &Score, params: &Params) -> Result<Told, Failure> {
        let compat = params.word(FIDELITY.name) == "compat";
        let (slices, chordified) = Chordified::of(score, compat)?;
        check(chordified.len(), &CHORDS_MAX)?;
        let mut chords: Vec<Facts<'_>> = Vec::with_capacity(chordified.len());
        chords.extend(chordified.sonorities(slices).filter_map(facts));
        // How long each sounds, and in how many slices.
        let mut sums = vec![(0.0, 0_u64); chords.len()];
        for ((slice, _), &index) in slices.iter().zip(&chordified.of_slice) {
            if let Some((length, count)) = sums.get_mut(index) {
                (*length, *count) = (*length + slice.duration.as_quarters(), *count + 1);
            }
        }
        let mut set_classes = Counts(BTreeMap::new());
        for (chord, (_, count)) in chords.iter().zip(&sums) {
            *set_classes.0.entry(chord.forte).or_insert(0) += count;
        }
        let distinct_classes = set_classes.0.len();
        set_classes.0.retain(|forte, _| !forte.starts_with("1-") && !forte.starts_with("2-"));
        Told::of(&Answer {
            count: slices.len(),
            distinct: chords.len(),
            set_classes: distinct_classes,
            commonest: set_classes.commonest().map(str::to_owned),
            shares: shares(&chords, &sums),
            chords,
            fields: ["onset", "duration", "measure", "beat", "chord", "place"],
            slices: chordified.rows(Some),
        })
    }
}

/// What the chord of some pitches is; nothing of none.
fn facts(pitches: &[Pitch]) -> Option<Facts<'_>> {
    let chord = Chord::of(pitches)?;
    // Nearly always the lowest on the staff is the lowest that sounds.
    let mut heights = Cow::Borrowed(pitches);
    if !pitches.is_sorted_by_key(|pitch| pitch.cents()) {
        heights.to_mut().sort_by_key(|pitch| pitch.cents());
    }
    let name = chord.common_name();
    let kind = match () {
        () if chord.is_major() => Kind::Major,
        () if chord.is_minor() => Kind::Minor,
        () if chord.is_diminished() => Kind::Diminished,
        () if chord.is_augmented() => Kind::Augmented,
        () if chord.is_seventh() => Kind::Seventh,
        () => Kind::Other,
    };
    Some(Facts {
        keys: heights.clone(),
        pitches: heights,
        root: chord.root.name(),
        bass: chord.bass.name(),
        inversion: chord.inversion(),
        quality: chord.quality(),
        pitched_name: chord.pitched_common_name(&name),
        name,
        forte: &chord.set.forte,
        prime: &chord.set.prime,
        normal: &chord.set.normal,
        vector: chord.set.vector,
        consonant: chord.is_consonant(),
        kind,
    })
}

/// The keys of pitches.
fn keys<S: Serializer>(pitches: &[Pitch], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(pitches.iter().map(|pitch| pitch.key()))
}

/// Shares of chords that each sound so long.
fn shares(chords: &[Facts<'_>], sums: &[(f64, u64)]) -> Shares {
    let sum = |is: &dyn Fn(&Facts<'_>) -> bool| -> f64 {
        let those = chords.iter().zip(sums).filter(|(chord, _)| is(chord));
        those.map(|(_, (length, _))| length).sum::<f64>() + 0.0
    };
    let whole = sum(&|_| true);
    let share = |is: &dyn Fn(&Facts<'_>) -> bool| ratio(sum(is), whole);
    let tertian = |kind| !matches!(kind, Kind::Other);
    Shares {
        triads: share(&|chord| tertian(chord.kind) && chord.kind != Kind::Seventh),
        major: share(&|chord| chord.kind == Kind::Major),
        minor: share(&|chord| chord.kind == Kind::Minor),
        diminished: share(&|chord| chord.kind == Kind::Diminished),
        augmented: share(&|chord| chord.kind == Kind::Augmented),
        sevenths: share(&|chord| chord.kind == Kind::Seventh),
        inverted: share(&|chord| tertian(chord.kind) && chord.inversion > 0),
        dissonant: share(&|chord| !chord.consonant),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{ask, near, note, score};
    use super::*;
    use crate::score::{Event, Note};
    use serde_json::{Value, json};

    /// C major, the same with the third below, a dominant seventh, a fourth: one quarter each, in two parts.
    #[test]
    fn chords_and_their_shares() {
        let chords: [(&[i32], i64); 4] =
            [(&[60, 64, 67], 0), (&[52, 60, 67], 1), (&[55, 59, 62, 65], 2), (&[55, 60], 3)];
        let notes = chords.into_iter().flat_map(|(keys, at)| {
            let part = |index: usize| u16::from(index == 0);
            keys.iter()
                .enumerate()
                .map(move |(index, &key)| Event::Note(note(part(index), (at, 1), (1, 1), key)))
        });
        let answer = ask(&Chords, &score(2, notes.collect()));
        assert_eq!(answer["count"], 4);
        assert_eq!(answer["chords"][1]["pitched_name"], "C-major triad");
        assert_eq!(answer["chords"][2]["root"], "G");
        assert_eq!(answer["chords"][3]["pitched_name"], "Perfect Fourth above G");
        assert_eq!(answer["slices"][2], json!(["2", "1", null, "3", 2, [0]]));
        near(&answer, "/shares/major", 0.5);
        near(&answer, "/shares/sevenths", 0.25);
        near(&answer, "/shares/inverted", 0.25);
        near(&answer, "/shares/dissonant", 0.5);
        assert_eq!(answer["commonest"], "3-11B");
    }

    /// The succeeded server kept an offset in a cache without the offset in its key: the same chord came at its first
    /// place again.
    #[test]
    fn the_same_chord_at_another_time_has_another_onset() {
        let chord = |at| [60, 64, 67].map(|key| Event::Note(note(0, (at, 1), (1, 1), key)));
        let answer = ask(&Chords, &score(1, [chord(0), chord(3), chord(7)].concat()));
        let onsets: Vec<&Value> = (0..3).map(|index| &answer["slices"][index][0]).collect();
        assert_eq!(onsets, ["0", "3", "7"]);
        assert_eq!(answer["distinct"], 1);
    }

    /// The succeeded server cut every list at 50.
    #[test]
    fn nothing_is_cut() {
        let notes = (0..300).map(|at| Event::Note(note(0, (at, 1), (1, 1), 48 + (at % 40) as i32)));
        let answer = ask(&Chords, &score(1, notes.collect()));
        assert_eq!(answer["slices"].as_array().unwrap().len(), 300);
    }

    #[test]
    fn clarinets_sound_lower_than_they_are_written() {
        let clarinet = Note { transpose: -2, ..note(0, (0, 1), (1, 1), 62) };
        let answer = ask(&Chords, &score(1, vec![Event::Note(clarinet)]));
        assert_eq!(answer["chords"][0]["pitches"], json!(["C4"]));
    }
}
