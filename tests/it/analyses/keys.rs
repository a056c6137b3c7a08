//! Laws of the analyses of keys and rhythm: what transposing, augmenting and turning the parts round leave as it is.

use super::answer;
use super::scores::made;
use serde_json::{Value, json};
use worker::analyse;
use worker::score::{Note, Score, Ticks};

fn ask(name: &str, score: &Score, given: Value) -> Value {
    answer(analyse::find(name).expect("registered"), score, given)
}

/// The same music with its parts in the other order.
fn turned(score: &Score) -> Score {
    let mut turned = score.clone();
    turned.notes.iter_mut().for_each(|note| note.part = 1 - note.part);
    turned.notes.sort_by_key(|note: &Note| (note.onset, note.part));
    turned.measures.iter_mut().for_each(|measure| measure.part = 1 - measure.part);
    turned.measures.sort_by_key(|measure| (measure.part, measure.index));
    turned.parts.reverse();
    turned
}

#[test]
fn octaves_and_the_order_of_parts_change_no_key() {
    let score = made(2_000);
    let mut higher = score.clone();
    higher.notes.iter_mut().for_each(|note| note.transpose += 12);
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
    let mut twice = score.clone();
    let double = |time: &mut Ticks| time.0 *= 2;
    for note in &mut twice.notes {
        double(&mut note.onset);
        double(&mut note.duration);
    }
    for measure in &mut twice.measures {
        double(&mut measure.onset);
        double(&mut measure.duration);
    }
    for part in &mut twice.parts {
        double(&mut part.duration);
    }
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
