//! Several fronts of one cluster: any of them answers for any job, and one that is killed takes none along.

use super::server::Server;
use crate::support::{broker, corpus, program};
use serde_json::json;
use shared::dispatch::Dispatcher;
use shared::dispatch::rabbitmq::RabbitMq;
use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Child, Command};

/// Jobs that are submitted, each by its key to two fronts at once.
const JOBS: usize = 24;

/// A worker of the cluster; it is killed when it is dropped.
struct Worker(Child);

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn any_front_answers_for_any_job_and_a_killed_one_takes_none_along() {
    let Some(uri) = broker() else {
        println!("skipped: no broker (tests/run starts one)");
        return;
    };
    let home = tempfile::tempdir().unwrap();
    let scores = home.path().join("scores");
    corpus(&scores, 5, 40);
    let queues = format!("test-http-{}", std::process::id());
    let store = format!("file://{}", home.path().join("store").display());
    let cluster = |command: &mut Command| {
        command.env("RIPIENO_BROKER", &uri).env("RIPIENO_STORE", &store).env("RIPIENO_QUEUES", &queues);
        command.env("RIPIENO_CACHE", home.path().join("cache"));
    };
    let fronts: Vec<Server> = (0..3).map(|_| Server::start_with(Path::new("unused"), cluster)).collect();
    let mut command = Command::new(program().with_file_name("ripieno-worker"));
    cluster(&mut command);
    let worker = Worker(command.spawn().expect("the worker starts"));

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
    drop((fronts, worker));
    // What they left in the broker is taken away.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let rabbit = RabbitMq::new(&uri, &queues, 1).unwrap();
        rabbit.remove().await.unwrap();
        let dispatcher = Dispatcher::RabbitMq(rabbit);
        dispatcher.close();
        dispatcher.leave().await;
    });
}
