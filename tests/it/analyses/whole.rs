//! Detail is whole: what is listed adds up to what is counted, beyond what any earlier list held, and what a caller does
//! not want listed is left out by a parameter alone.

use super::answer;
use super::scores::made;
use serde_json::{Value, json};
use worker::analyse;
use worker::score::Score;

fn ask(name: &str, score: &Score, given: Value) -> Value {
    answer(analyse::find(name).expect("registered"), score, given)
}

fn rows<'a>(answer: &'a Value, field: &str) -> &'a [Value] {
    answer[field].as_array().expect("a list")
}

#[test]
fn what_is_listed_adds_up_to_what_is_counted() {
    let score = made(30_000);
    let voices = ask("voice_leading", &score, json!({}));
    let listed = |kind: &String| -> u64 {
        let found = rows(&voices, "findings").iter().filter_map(|row| row[4][kind].as_array());
        found.map(|pairs| pairs.len() as u64).sum()
    };
    let counts = voices["counts"].as_object().expect("counts");
    assert!(counts.values().filter_map(Value::as_u64).sum::<u64>() > 10_000, "{counts:?}");
    for (kind, count) in counts {
        assert_eq!(Some(listed(kind)), count.as_u64(), "{kind}");
    }
    for (name, list) in [("ngrams", "ngrams"), ("modules", "modules")] {
        let all = ask(name, &score, json!({ "places": 200_000 }));
        let count = |row: &Value| row[1].as_u64().expect("a count");
        assert_eq!(rows(&all, list).len() as u64, all["distinct"].as_u64().expect("a count"), "{name}");
        assert_eq!(Some(rows(&all, list).iter().map(count).sum()), all["count"].as_u64(), "{name}");
        let places = if name == "ngrams" { 3 } else { 2 };
        for row in rows(&all, list) {
            assert_eq!(row[places].as_array().map(|places| places.len() as u64), Some(count(row)), "{row}");
        }
    }
    let found = ask("search", &score, json!({ "query": "UD" }));
    assert!(rows(&found, "places").len() > 2_000, "{}", found["count"]);
    assert_eq!(Some(rows(&found, "places").len() as u64), found["count"].as_u64());
    let accents = ask("accents", &score, json!({}));
    let listed: usize = rows(&accents, "lines").iter().map(|line| rows(line, "accents").len()).sum();
    assert_eq!(Some(listed as u64), accents["tones"].as_u64());
}

#[test]
fn a_voices_step_is_told_once_for_all_its_findings() {
    let voices = ask("voice_leading", &made(2_000), json!({}));
    for row in rows(&voices, "findings") {
        let steps = row[3].as_array().expect("steps");
        assert!(steps.iter().is_sorted_by_key(|step| step[0].as_u64()), "{row}");
        let mut told = vec![false; steps.len()];
        let pairs = row[4].as_object().expect("kinds").values().flat_map(|pairs| pairs.as_array());
        for pair in pairs.flatten() {
            let place = |index: usize| pair[index].as_u64().expect("a place in the row") as usize;
            assert!(place(0) < place(1), "{row}");
            [place(0), place(1)].into_iter().for_each(|place| told[place] = true);
        }
        assert!(told.iter().all(|told| *told), "{row}");
    }
}
