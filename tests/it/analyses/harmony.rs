//! Laws of the analyses of harmony, and a chorale whose chords are known.

use super::scores::{augmented, made, pieces, transposed, turned};
use super::{answer, root};
use serde_json::{Value, json};
use worker::analyse;
use worker::score::Score;

fn ask(name: &str, score: &Score, given: Value) -> Value {
    answer(analyse::find(name).expect("registered"), score, given)
}

/// A field of each slice: 0 onset, 1 duration, 3 beat, 4 what it is.
fn column(answer: &Value, field: usize) -> Vec<Value> {
    answer["slices"].as_array().expect("slices").iter().map(|row| row[field].clone()).collect()
}

/// What each slice sounds.
fn sounding(answer: &Value) -> Vec<Value> {
    let chord =
        |index: Value| answer["chords"][index.as_u64().expect("an index") as usize]["pitches"].clone();
    column(answer, 4).into_iter().map(chord).collect()
}

#[test]
fn augmenting_a_score_moves_onsets_and_nothing_else() {
    let score = made(2_000);
    let twice = augmented(&score);
    for fidelity in ["corrected", "compat"] {
        let given = || json!({ "fidelity": fidelity });
        for name in ["chords", "roman_numerals"] {
            let (before, after) = (ask(name, &score, given()), ask(name, &twice, given()));
            assert_eq!(column(&before, 4), column(&after, 4), "{name} {fidelity}");
            assert_eq!(before["shares"], after["shares"], "{name} {fidelity}");
            assert_ne!(column(&before, 0), column(&after, 0), "{name} {fidelity}");
        }
        let (before, after) = (ask("voice_leading", &score, given()), ask("voice_leading", &twice, given()));
        assert_eq!(before["counts"], after["counts"], "{fidelity}");
        assert_eq!(before["motions"], after["motions"], "{fidelity}");
    }
}

#[test]
fn the_order_of_parts_changes_no_chord() {
    let score = made(2_000);
    let turned = turned(&score);
    let (before, after) = (ask("chords", &score, json!({})), ask("chords", &turned, json!({})));
    assert_eq!(sounding(&before), sounding(&after));
    assert_eq!([0, 1].map(|field| column(&before, field)), [0, 1].map(|field| column(&after, field)));
    assert_eq!(before["shares"], after["shares"]);
    let numerals = |score| column(&ask("roman_numerals", score, json!({})), 4);
    assert_eq!(numerals(&score), numerals(&turned));
}

#[test]
fn transposing_moves_the_root_of_every_chord() {
    let score = made(2_000);
    let higher = transposed(&score, 12);
    let (before, after) = (ask("chords", &score, json!({})), ask("chords", &higher, json!({})));
    for (low, high) in
        before["chords"].as_array().expect("chords").iter().zip(after["chords"].as_array().expect("chords"))
    {
        assert_eq!((&low["root"], &low["forte"]), (&high["root"], &high["forte"]));
        let keys = |chord: &Value| {
            chord["keys"].as_array().expect("keys").iter().map(|key| key.as_i64()).collect::<Vec<_>>()
        };
        let up: Vec<Option<i64>> = keys(low).into_iter().map(|key| key.map(|key| key + 12)).collect();
        assert_eq!(up, keys(high));
    }
}

/// The first twenty figures that music21 10.5.1 writes for BWV 66.6 in f sharp minor, and the same as they are read.
#[test]
fn bwv_66_6() {
    let scores = pieces(&root().join("tests/data/scores/kern/bwv-66-6.krn"));
    let figures = |fidelity: &str| -> Vec<String> {
        let answer = ask("roman_numerals", &scores[0], json!({ "fidelity": fidelity }));
        assert_eq!(answer["key"], "F# minor");
        column(&answer, 4)
            .iter()
            .take(20)
            .map(|numeral| numeral[0].as_str().expect("a figure").to_owned())
            .collect()
    };
    let music21 = "III bVII6 i bVII6 III bVII6 III III6 bVII bVII7 III V6 i iio6 V V75#3 i i ii7 iv4";
    assert_eq!(figures("compat").join(" "), music21);
    let ours = "III VII6 i VII6 III VII6 III III6 VII VII7 III V6 i iio6 V V7 i i ii7 iv64";
    assert_eq!(figures("corrected").join(" "), ours);
}
