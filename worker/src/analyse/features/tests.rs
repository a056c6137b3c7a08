//! The features of scores that can be counted by hand, and what must not change them.

use super::super::jsymbolic_features::JsymbolicFeatures;
use super::super::music21_features::Music21Features;
use super::super::testing::{ask, ask_with, line, near, note, score, soprano};
use super::*;
use crate::analyse::Analysis;
use crate::score::{Event, Flags, Note, Score, Ticks};

/// What music21 answers.
fn compat(analysis: &dyn Analysis, score: &Score) -> Value {
    ask_with(analysis, score, &json!({ "fidelity": "compat" }))
}

/// Both families in one object.
fn all(score: &Score) -> Map<String, Value> {
    let both = [ask(&JsymbolicFeatures, score), ask(&Music21Features, score)];
    both.iter().flat_map(|answer| answer.as_object().unwrap().clone()).collect()
}

#[test]
fn ninety_two_features_have_their_published_identifiers() {
    let ids =
        |groups: &[&[Feature]]| -> Vec<&str> { groups.iter().copied().flatten().map(|one| one.id).collect() };
    let jsymbolic = ids(&[MELODY, PITCHES, RHYTHM, METERS, TEXTURE, INSTRUMENTS]);
    let own = ids(&[LENGTHS, SIMULTANEITIES]);
    assert_eq!((jsymbolic.len(), own.len()), (72, 20));
    for id in ["M1", "m10", "m19", "P22", "R36", "T3", "I20"] {
        assert_eq!(jsymbolic.iter().filter(|known| known.eq_ignore_ascii_case(id)).count(), 1, "{id}");
    }
    let spec = JsymbolicFeatures.spec();
    // 65 features of one number, two of twelve, one of two.
    assert_eq!(spec.columns.len(), 65 + 24 + 2);
    assert_eq!(Music21Features.spec().columns.len(), 19 + 12);
}

/// The soprano of BWV 66.6 alone: music21 10.5.1, `features.jSymbolic` and `features.native`. Its two tied notes are one,
/// so that it has 36 notes and 35 intervals, and both fidelities agree.
#[test]
fn the_soprano_of_bwv_66_6() {
    let soprano = soprano();
    for (jsymbolic, own) in [
        (ask(&JsymbolicFeatures, &soprano), ask(&Music21Features, &soprano)),
        (compat(&JsymbolicFeatures, &soprano), compat(&Music21Features, &soprano)),
    ] {
        for (pointer, want) in [
            ("/M2", 75.0 / 35.0),
            ("/M3", 2.0),
            ("/M4", 2.0),
            ("/M5", 17.0 / 35.0),
            ("/M6", 5.0 / 17.0),
            ("/M7", 4.0),
            ("/M8", 13.0 / 35.0),
            ("/M9", 5.0 / 35.0),
            ("/m10", 3.0 / 35.0),
            ("/M12", 8.0 / 35.0),
            ("/m17", 14.0 / 30.0),
            ("/M18", 2.0),
            ("/M19", 74.0 / 15.0),
            ("/R15", 2.0),
            ("/R17", 0.5),
            ("/R18", 0.176_776_695_296_636_9),
            ("/R19", 1.0),
            ("/R20", 0.25),
            ("/R23", 0.179_284_291_400_159_06),
            ("/R36", 18.0),
            ("/R31/0", 4.0),
            ("/T2", 1.0),
            ("/P1", 8.0 / 36.0),
            ("/P7", 4.0),
            ("/P8", 8.0),
            ("/P10", 12.0),
            ("/P12", 69.416_666_666_666_67),
            ("/P14", 28.0 / 36.0),
            ("/P20/3", 7.0 / 36.0),
            ("/P21/4", 2.0 / 36.0),
        ] {
            near(&jsymbolic, pointer, want);
        }
        for (pointer, want) in [
            ("/K1", 1.421_962_055_689_76),
            ("/P22", 1.0),
            ("/QL1", 3.0),
            ("/QL2", 1.0),
            ("/QL3", 0.75),
            ("/QL4", 1.5),
            ("/CS1", 7.0),
            ("/CS2", 1.0),
            ("/CS3", 8.0 / 36.0),
            ("/MC1", 0.0),
        ] {
            near(&own, pointer, want);
        }
        assert_eq!(jsymbolic["M1"]["dimension"], 128);
        assert_eq!(jsymbolic["M1"]["values"][2], json!([2, 17.0 / 35.0]));
        assert_eq!((&own["CS11"], &jsymbolic["I1"]), (&Value::Null, &Value::Null));
    }
}

/// The two figures of music21's own test of the Landini cadence, and one that is none.
#[test]
fn landini_cadences() {
    let ends = |keys: &[i32]| {
        let notes: Vec<_> = keys.iter().map(|&key| (Some(key), (1, 1))).collect();
        ask(&Music21Features, &score(1, line(&notes)))["MC1"].clone()
    };
    assert_eq!(ends(&[66, 66, 64, 67]), 1);
    assert_eq!(ends(&[67, 66, 64, 67]), 1);
    assert_eq!(ends(&[66, 66, 66, 67]), 0);
}

/// A held chord in one part and two notes in another.
fn chord_and_notes() -> Score {
    let chord = |key, flags| Event::Note(Note { flags, ..note(0, (0, 1), (2, 1), key) });
    let notes = vec![
        chord(60, Flags::NONE),
        chord(64, Flags::CHORD),
        Event::Note(note(1, (0, 1), (1, 1), 55)),
        Event::Note(note(1, (1, 1), (1, 2), 57)),
    ];
    score(2, notes)
}

#[test]
fn music21_does_not_count_chords_among_the_voices() {
    let score = chord_and_notes();
    let (ours, theirs) = (ask(&JsymbolicFeatures, &score), compat(&JsymbolicFeatures, &score));
    // Two parts for a quarter and a half of it, one for the last half.
    near(&ours, "/T1", 2.0);
    near(&ours, "/T2", (1.5 * 2.0 + 0.5) / 2.0);
    // Three slices, in two of which the part without chords sounds.
    near(&theirs, "/T1", 1.0);
    near(&theirs, "/T2", 2.0 / 3.0);
    // Four notes, or three things.
    near(&ours, "/R15", 4.0);
    near(&theirs, "/R15", 3.0);
    // Highest notes against what leaps over the chord: 55 to 57 either way.
    near(&ours, "/M2", 2.0);
}

#[test]
fn triads_are_those_that_are_spelled_so() {
    let chords: [&[i32]; 4] = [&[48, 52, 55], &[57, 60, 64], &[55, 59, 62, 65], &[48, 51, 55]];
    let notes = chords
        .iter()
        .zip(0..)
        .flat_map(|(keys, at)| keys.iter().map(move |&key| Event::Note(note(0, (at, 1), (1, 1), key))));
    let answer = ask(&Music21Features, &score(1, notes.collect()));
    for (pointer, want) in [
        ("/CS1", 4.0),
        ("/CS2", 2.0),
        ("/CS4", 0.75),
        ("/CS5", 0.25),
        ("/CS6", 0.5),
        ("/CS7", 0.25),
        ("/CS9", 0.75),
    ] {
        near(&answer, pointer, want);
    }
    near(&answer, "/CS11", 0.0);
}

#[test]
fn instruments_are_counted_by_notes() {
    let instrument = |part, program, name| Event::Instrument { part, program, name: Some(name) };
    let mut events = vec![instrument(0, Some(41), "Violin"), instrument(1, None, "Violoncello")];
    events.extend((0..3).map(|at| Event::Note(note(0, (at, 1), (1, 1), 70))));
    events.push(Event::Note(note(1, (0, 1), (1, 1), 50)));
    let answer = ask(&JsymbolicFeatures, &score(2, events));
    assert_eq!(answer["I3"]["values"], json!([[40, 0.75], [42, 0.25]]));
    assert_eq!(answer["I8"], 2);
    for (pointer, want) in [("/I14", 0.75), ("/I18", 1.0), ("/I6", 0.25), ("/I11", 0.0)] {
        near(&answer, pointer, want);
    }
}

#[test]
fn a_score_without_notes_has_no_features() {
    let empty = Score::default();
    let told: Vec<String> =
        all(&empty).into_iter().filter(|(_, value)| !value.is_null()).map(|(id, _)| id).collect();
    assert_eq!(told, ["R30"]);
    // music21 has vectors of noughts instead.
    near(&compat(&JsymbolicFeatures, &empty), "/P5", 0.0);
}

/// Two parts with a chord, a rest and a tie.
fn two_parts(stretch: i64, swapped: bool) -> Score {
    let part = |part: u16| if swapped { 1 - part } else { part };
    let flags = [Flags::NONE, Flags::TIE_START, Flags::TIE_STOP, Flags::NONE];
    let upper = [72, 71, 71, 76]
        .into_iter()
        .zip(flags)
        .zip(0..)
        .map(|((key, flags), at)| Note { flags, ..note(part(0), (at * stretch, 1), (stretch, 1), key) });
    let lower = [(48, 0, 2), (52, 0, 2), (55, 3, 1)];
    let lower = lower.map(|(key, at, length)| note(part(1), (at * stretch, 1), (length * stretch, 1), key));
    let mut notes: Vec<Note> = upper.chain(lower).collect();
    notes.sort_by_key(|note| (note.onset, note.part));
    score(2, notes.into_iter().map(Event::Note).collect())
}

#[test]
fn the_order_of_the_parts_does_not_matter() {
    assert_eq!(all(&two_parts(1, false)), all(&two_parts(1, true)));
}

#[test]
fn augmentation_lengthens_what_is_measured_in_time_and_nothing_else() {
    let (short, long) = (all(&two_parts(1, false)), all(&two_parts(3, false)));
    for (id, value) in &short {
        let factor = match id.as_str() {
            "R15" => 1.0 / 3.0,
            "R17" | "R18" | "R19" | "R20" | "R22" | "R23" | "R24" | "R25" | "R36" | "QL2" | "QL4" => 3.0,
            // Its sums are rounded.
            "K1" => 1.0,
            _ => {
                assert_eq!(value, &long[id], "{id}");
                continue;
            }
        };
        near(&json!({ "of": long[id] }), "/of", value.as_f64().unwrap() * factor);
    }
}

/// `Stream.stripTies` of music21 10.5.1: the end of a tie ends whatever is open, here a tie of another voice.
#[test]
fn music21_ties_what_follows_in_time() {
    let tied = |at, key, voice, flags| Event::Note(Note { voice, flags, ..note(0, (at, 1), (1, 1), key) });
    let score = score(
        1,
        vec![
            Event::Measure { part: 0, onset: Ticks::ZERO, number: "1" },
            tied(0, 72, 1, Flags::TIE_START),
            tied(0, 60, 2, Flags::TIE_START),
            Event::Measure { part: 0, onset: Ticks::quarters(1), number: "2" },
            tied(1, 72, 1, Flags::TIE_STOP),
            tied(1, 60, 2, Flags::TIE_STOP),
        ],
    );
    let (ours, theirs) = (ask(&Music21Features, &score), compat(&Music21Features, &score));
    // Two notes of two quarters; or one of three, with the other voice's in it, and what is left of that one.
    near(&ours, "/QL2", 2.0);
    near(&ours, "/QL4", 0.0);
    near(&theirs, "/QL4", 2.0);
}
