//! Functions against music21's table and on a made-up progression.

use super::super::testing::{ask, note, score};
use super::label::{as_music21, corrected};
use super::*;
use crate::score::{Event, Ticks};
use serde_json::{Value, json};
use shared::place::Place;

fn chord(figure: &str, minor: bool) -> ReadChord {
    ReadChord {
        onset: Ticks::ZERO,
        end: Ticks::quarters(1),
        key: if minor { 12 } else { 0 },
        root: 0,
        quality: 0,
        inversion: 0,
        figure: figure.to_owned(),
        place: Place::START,
    }
}

/// music21 10.5.1: `romanToFunction(RomanNumeral(figure, "C" or "c"))`.
#[test]
fn figures_have_the_labels_of_music21() {
    for (figure, major, minor) in [
        ("I", Some("T"), Some("T")),
        ("i6", Some("t"), Some("t")),
        ("bII6", Some("sG"), Some("sG")),
        ("ii65", Some("Sp"), Some("Sp")),
        ("iiø65", Some("Sp"), Some("Sp")),
        ("bIII", Some("tP"), None),
        ("III", None, Some("tP")),
        ("iii", Some("Dp"), None),
        ("IVM7", Some("S"), Some("S")),
        ("iv", Some("s"), Some("s")),
        ("V43", Some("D"), Some("D")),
        ("V7/V", Some("D"), Some("D")),
        ("v", Some("d"), Some("d")),
        ("vi", Some("Tp"), None),
        ("VI", None, Some("sP")),
        ("bVI7", Some("sP"), None),
        ("VII", None, Some("dP")),
        ("bVII", Some("dP"), None),
        ("viio7", None, None),
        ("It6", None, None),
        ("Ger65", None, None),
        ("Fr43", None, None),
    ] {
        assert_eq!(as_music21(&chord(figure, false)).label, major, "{figure} in major");
        assert_eq!(as_music21(&chord(figure, true)).label, minor, "{figure} in minor");
    }
}

#[test]
fn what_the_table_leaves_out_is_read_by_what_it_is() {
    let fifth = ReadChord { root: 7, ..chord("V", false) };
    let six_four = ReadChord { inversion: 2, ..chord("I64", false) };
    assert_eq!(corrected(&six_four, Some(&fifth)).label, Some("D"));
    assert_eq!(corrected(&six_four, Some(&chord("I", false))).label, Some("T"));
    let leading = ReadChord { root: 11, quality: 2, ..chord("viio6", false) };
    assert_eq!(corrected(&leading, None).group, Some(Group::Dominant));
    assert_eq!(corrected(&chord("V65/V", false), None).step(), Some(Group::Subdominant));
    for (figure, root, quality) in [("It6", 6, 9), ("Ger65", 6, 10), ("Fr43", 2, 11)] {
        let sixth = ReadChord { root, quality, inversion: 1, ..chord(figure, true) };
        assert_eq!(corrected(&sixth, Some(&fifth)).label, Some("DD"), "{figure}");
    }
    assert_eq!(corrected(&chord("V7/ii", false), None).step(), None);
}

/// I IV V I, four times a measure of 4/4: one whole way, in equal parts.
#[test]
fn a_cadence_is_one_cycle_in_every_key() {
    for up in -5..6 {
        let chords = [[48, 64, 67], [53, 65, 69], [55, 62, 71], [48, 64, 72]];
        let mut events = vec![Event::Measure { part: 0, onset: Ticks::ZERO, number: "1" }];
        for (onset, keys) in (0..).zip(chords) {
            events.extend((0..3).map(|voice| {
                Event::Note(crate::score::Note {
                    voice: voice as u8 + 1,
                    ..note(0, (onset * 4, 1), (4, 1), keys[voice] + up)
                })
            }));
        }
        let answer = ask(&Functions, &score(1, events));
        assert_eq!((&answer["cycles"], &answer["retrogressions"]), (&json!(1), &json!(0)), "moved by {up}");
        assert_eq!(
            answer["shares"],
            json!({"tonic": 0.5, "subdominant": 0.25, "dominant": 0.25, "applied": 0.0, "none": 0.0})
        );
    }
}

#[test]
fn silence_has_no_functions() {
    let answer = ask(&Functions, &score(1, Vec::new()));
    assert_eq!((&answer["cycles"], &answer["shares"]["tonic"]), (&Value::Null, &Value::Null));
}
