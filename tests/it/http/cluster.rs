//! Several fronts of one cluster: any of them answers for any job, and one that is killed takes none along.

use super::server::Server;
use crate::support::{Cluster, broker, corpus};
use serde_json::json;
use std::collections::BTreeSet;

/// Jobs that are submitted, each by its key to two fronts at once.
const JOBS: usize = 24;

#[test]
fn any_front_answers_for_any_job_and_a_killed_one_takes_none_along() {
    let Some(uri) = broker() else {
        println!("skipped: no broker (tests/run starts one)");
        return;
    };
    let home = tempfile::tempdir().unwrap();
    let scores = home.path().join("scores");
    corpus(&scores, 5, 40);
    let cluster = Cluster::new(&uri, home.path(), "http");
    let fronts: Vec<Server> = (0..3).map(|_| cluster.front()).collect();
    let _worker = cluster.worker();

    let submit = |front: &Server, number: usize| {
        let key = format!("job-{number}");
        let body = json!({ "sources": [scores], "analyses": ["ambitus"] });
        let answer = front.post_with("/v1/jobs", &[("Idempotency-Key", &key)], &body);
        assert!([200, 202].contains(&answer.status), "{}", answer.text());
        answer.json()["id"].as_str().unwrap().to_owned()
    };
    let mut ids = BTreeSet::new();
    for number in 0..JOBS {
        if number == JOBS / 2 {
            fronts[0].signal("-KILL");
        }
        let alive = if number < JOBS / 2 { &fronts[..] } else { &fronts[1..] };
        let (one, other) = (&alive[number % alive.len()], &alive[(number + 1) % alive.len()]);
        let (first, second) = std::thread::scope(|scope| {
            let asked = scope.spawn(|| submit(one, number));
            (submit(other, number), asked.join().unwrap())
        });
        assert_eq!(first, second, "one key is one job over whichever front");
        ids.insert(first);
    }
    assert_eq!(ids.len(), JOBS);
    for (index, id) in ids.iter().enumerate() {
        let job = fronts[1 + index % 2].wait(id);
        assert_eq!((&job["state"], &job["done"]), (&json!("finished"), &json!(6)));
    }
    for front in &fronts[1..] {
        let listed = front.get("/v1/jobs").json();
        let listed: BTreeSet<String> = listed["jobs"]
            .as_array()
            .unwrap()
            .iter()
            .map(|job| job["id"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(listed, ids);
    }
}
