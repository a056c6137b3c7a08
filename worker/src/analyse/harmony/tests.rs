//! Harmony on made-up chorales: what is known of them holds in every key, tempo and order of parts.

use super::super::testing::{ask, chorale, score};
use super::Harmony;
use serde_json::Value;

fn figures(answer: &Value) -> Vec<String> {
    let of = |segment: &Value| {
        format!("{} {}", segment["offset"].as_str().unwrap(), segment["figure"].as_str().unwrap())
    };
    answer["segments"].as_array().unwrap().iter().map(of).collect()
}

/// I, a passing note over it, IV, a suspension over V, which gets its seventh, I.
const MAJOR: [&[(i32, i64)]; 4] = [
    &[(76, 2), (74, 1), (76, 1), (77, 2), (72, 2), (72, 2), (71, 2), (71, 2), (74, 2), (72, 8)],
    &[(67, 4), (69, 4), (67, 4), (67, 4), (67, 8)],
    &[(60, 4), (60, 4), (62, 4), (65, 4), (64, 8)],
    &[(48, 4), (53, 4), (55, 4), (55, 4), (48, 8)],
];

#[test]
fn what_passes_and_what_hangs_over_is_no_chord_in_any_key() {
    for up in -6..6 {
        let answer = ask(&Harmony, &chorale(MAJOR, up));
        assert_eq!(figures(&answer), ["0 I", "2 IV", "4 V", "6 V7", "8 I"], "moved by {up}");
        assert_eq!((&answer["keys"], &answer["modulations"]), (&1.into(), &0.into()));
        let key = answer["main_key"].as_str().unwrap();
        assert!(key.ends_with(" major") && answer["opening_key"] == answer["final_key"], "{key}");
    }
}

/// i, a German sixth, V, i in G minor: E flat, G, B flat and C sharp, as the harmony books have it.
#[test]
fn an_augmented_sixth_is_told_by_its_spelling() {
    let lines: [&[(i32, i64)]; 4] = [
        &[(74, 4), (73, 4), (74, 4), (74, 8)],
        &[(70, 4), (70, 4), (69, 4), (70, 8)],
        &[(67, 4), (67, 4), (66, 4), (67, 8)],
        &[(55, 4), (51, 4), (50, 4), (43, 8)],
    ];
    let answer = ask(&Harmony, &chorale(lines, 0));
    assert_eq!(figures(&answer), ["0 i", "2 Ger65", "4 V", "6 i"]);
    let sixth = &answer["segments"][1];
    assert_eq!(
        (&sixth["root"], &sixth["quality"], &sixth["inversion"]),
        (&"C#".into(), &"other".into(), &1.into())
    );
    // Two semitones higher, the keys are spelled E flat above F, as if it were a seventh.
    let answer = ask(&Harmony, &chorale(lines, 2));
    assert!(figures(&answer).iter().all(|figure| !figure.contains("Ger")), "{:?}", figures(&answer));
}

#[test]
fn lengths_twice_as_long_keep_chords_and_keys() {
    let doubled = MAJOR.map(|line| line.iter().map(|&(key, eighths)| (key, eighths * 2)).collect::<Vec<_>>());
    let [a, b, c, d] = &doubled;
    let answer = ask(&Harmony, &chorale([a, b, c, d], 0));
    assert_eq!(figures(&answer), ["0 I", "4 IV", "8 V", "12 V7", "16 I"]);
}

#[test]
fn the_order_of_parts_changes_nothing_but_places() {
    let [a, b, c, d] = MAJOR;
    let rows = |parts| figures(&ask(&Harmony, &chorale(parts, 0)));
    assert_eq!(rows([a, b, c, d]), rows([d, c, b, a]));
}

#[test]
fn silence_has_no_harmony() {
    let answer = ask(&Harmony, &score(1, Vec::new()));
    assert_eq!((&answer["count"], &answer["main_key"]), (&0.into(), &Value::Null));
}
