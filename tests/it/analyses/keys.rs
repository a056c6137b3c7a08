//! Laws of the analyses of keys and rhythm: what transposing, augmenting and turning the parts round leave as it is.

use super::answer;
use super::scores::{augmented, made, transposed, turned};
use serde_json::{Value, json};
use worker::analyse;
use worker::score::Score;

fn ask(name: &str, score: &Score, given: Value) -> Value {
    answer(analyse::find(name).expect("registered"), score, given)
}

#[test]
fn octaves_and_the_order_of_parts_change_no_key() {
    let score = made(2_000);
    let higher = transposed(&score, 12);
    // The music by the rule is in one key as a path, and in several measure by measure.
    for (name, given, least) in [
        ("local_key", json!({}), 1),
        ("local_key", json!({ "method": "floating", "window": 0 }), 2),
        ("keyscape", json!({ "smallest": 1 }), 2),
        ("keyscape", json!({ "windows": "averaged" }), 1),
    ] {
        let before = ask(name, &score, given.clone());
        assert!(before["keys"].as_u64() >= Some(least), "{before}");
        assert_eq!(before, ask(name, &higher, given.clone()), "{name}");
        assert_eq!(before, ask(name, &turned(&score), given), "{name}");
    }
}

#[test]
fn augmenting_a_score_changes_no_key_of_a_measure_and_no_melody() {
    let score = made(2_000);
    let twice = augmented(&score);
    let keys = |score| {
        let answer = ask("local_key", score, json!({}));
        let stretches = answer["stretches"].as_array().expect("stretches").iter();
        stretches.map(|stretch| (stretch["key"].clone(), stretch["measures"].clone())).collect::<Vec<_>>()
    };
    assert_eq!(keys(&score), keys(&twice));
    assert_eq!(ask("accents", &score, json!({})), ask("accents", &twice, json!({})));
    let moves = |score, rest: u32| ask("contour", score, json!({ "rest": rest }))["moves"].clone();
    assert_eq!(moves(&score, 4), moves(&twice, 8));
    // Windows of twice as long cells hold the same music.
    let levels = |score, cell: u32| ask("keyscape", score, json!({ "cell": cell }))["levels"].clone();
    assert_eq!(levels(&score, 1), levels(&twice, 2));
}
