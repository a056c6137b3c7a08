//! Non-chord tones on made-up music, checked by hand.

use super::super::testing::{ask, chorale, score};
use super::*;
use serde_json::{Value, json};

/// I, a neighbour over it, IV, C struck again over V and falling to B, V7, a C too early, I.
const MUSIC: [&[(i32, i64)]; 4] = [
    &[(76, 2), (77, 1), (76, 1), (77, 2), (72, 2), (72, 2), (71, 2), (74, 3), (72, 1), (72, 8)],
    &[(67, 4), (69, 4), (67, 4), (67, 4), (67, 8)],
    &[(60, 4), (60, 4), (62, 4), (65, 4), (64, 8)],
    &[(48, 4), (53, 4), (55, 4), (55, 4), (48, 8)],
];

#[test]
fn each_kind_is_found_in_every_key() {
    for up in -6..6 {
        let answer = ask(&NonChordTones, &chorale(MUSIC, up));
        let found = answer["found"].as_array().unwrap();
        let kinds: Vec<_> = found
            .iter()
            .map(|row| (row[0].as_str().unwrap(), row[1].as_str().unwrap(), row[6] == true))
            .collect();
        assert_eq!(
            kinds,
            [("neighbour", "1", true), ("suspension", "4", true), ("anticipation", "15/2", false)],
            "moved by {up}"
        );
        assert_eq!((&answer["count"], &answer["tones"]), (&json!(3), &json!(25)));
    }
}

#[test]
fn lengths_twice_as_long_keep_the_kinds() {
    let doubled = MUSIC.map(|line| line.iter().map(|&(key, eighths)| (key, eighths * 2)).collect::<Vec<_>>());
    let [a, b, c, d] = &doubled;
    let (once, twice) =
        (ask(&NonChordTones, &chorale(MUSIC, 0)), ask(&NonChordTones, &chorale([a, b, c, d], 0)));
    assert_eq!(once["counts"], twice["counts"]);
}

#[test]
fn the_order_of_parts_changes_nothing_but_lines() {
    let [a, b, c, d] = MUSIC;
    let counts = |order| ask(&NonChordTones, &chorale(order, 0))["counts"].clone();
    assert_eq!(counts([a, b, c, d]), counts([c, a, d, b]));
}

#[test]
fn silence_has_none() {
    let answer = ask(&NonChordTones, &score(1, Vec::new()));
    assert_eq!((&answer["count"], &answer["share"]), (&json!(0), &Value::Null));
}
