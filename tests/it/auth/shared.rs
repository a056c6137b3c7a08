//! Requests that several fronts count together in a Redis, and what becomes of that when it is killed, stopped or emptied.

use super::keys::{ask, key};
use crate::http::server::Server;
use std::fs::{self, File};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A Redis of one's own; it is killed when it is dropped.
struct Redis {
    port: u16,
    child: Child,
}

impl Redis {
    /// Nothing, with a line that says so, where there is no `redis-server`.
    fn start(home: &Path, port: Option<u16>) -> Option<Self> {
        let free = || TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let port = port.unwrap_or_else(free);
        let mut command = Command::new("redis-server");
        command
            .args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--port"])
            .arg(port.to_string());
        match command.current_dir(home).stdout(Stdio::null()).stderr(Stdio::null()).spawn() {
            Ok(child) => Some(Redis { port, child }),
            Err(error) => {
                println!("skipped: redis-server cannot be started: {error}");
                None
            }
        }
    }

    fn signal(&self, signal: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
    }

    fn end(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// Asks both fronts in turn; says how many were let in, and how many could be in that time by a measure of two at once and
/// one a second. Nobody waits for long.
fn let_in(fronts: &[Server; 2], key: &str, most: usize) -> (usize, f64) {
    let (began, mut count) = (Instant::now(), 0);
    for index in 0..most {
        let asked = Instant::now();
        let answer = ask(&fronts[index % 2], key, "GET", "/v1/formats", "");
        // A command to Redis may take 50 ms; the rest is for a machine that has other things to do.
        assert!(asked.elapsed() < Duration::from_secs(2), "{:?}", asked.elapsed());
        match answer.status {
            200 => count += 1,
            429 => {}
            other => panic!("{other}: {}", answer.text()),
        }
    }
    (count, began.elapsed().as_secs_f64() + 3.0)
}

#[test]
fn fronts_count_together_and_each_for_itself_where_redis_does_not() {
    let home = tempfile::tempdir().unwrap();
    let Some(redis) = Redis::start(home.path(), None) else { return };
    let (data, log) = (home.path().join("data"), home.path().join("log"));
    let front = |log: &Path| {
        Server::start_with(&data, |command| {
            command.env("RIPIENO_AUTH", "keys").env("RIPIENO_TENANT_REQUESTS_PER_SECOND_MAX", "1");
            command.env("RIPIENO_REDIS", format!("redis://127.0.0.1:{}", redis.port));
            command.env("RIPIENO_QUEUES", format!("test-{}", std::process::id()));
            command.stderr(File::create(log).unwrap());
        })
    };
    let fronts = [front(&log), front(&home.path().join("log2"))];
    let is_there = |there: u64| {
        for front in &fronts {
            front.until("the connection is as it should be", |front| {
                front.metric("ripieno_redis_connected") == there
            });
        }
    };
    is_there(1);
    let tenant = |name: &str| key(&data, name, "viewer", &[]);
    let (count, most) = let_in(&fronts, &tenant("uni-a"), 60);
    assert!(count >= 2 && count as f64 <= most, "{count} of {most}: together they are one");
    // Others have a measure of their own.
    assert_eq!(ask(&fronts[0], &tenant("uni-b"), "GET", "/v1/formats", "").status, 200);

    // Emptied: whoever has had its share of a front does not have it again.
    let emptied = tenant("uni-c");
    let (before, _) = let_in(&fronts, &emptied, 20);
    let flushed =
        Command::new("redis-cli").args(["-p", &redis.port.to_string(), "flushall"]).output().unwrap();
    assert!(flushed.status.success());
    let (after, most) = let_in(&fronts, &emptied, 40);
    assert!((before + after) as f64 <= 2.0 * most + 3.0, "{before} and {after} of {most}");

    // Stopped: it takes requests and does not answer. Each front counts for itself.
    redis.signal("-STOP");
    let (count, most) = let_in(&fronts, &tenant("uni-d"), 40);
    assert!(count >= 2 && count as f64 <= 2.0 * most, "{count} of {most}");
    is_there(0);
    redis.signal("-CONT");
    is_there(1);

    // Killed, and there again.
    let port = redis.port;
    redis.end();
    is_there(0);
    let (count, most) = let_in(&fronts, &tenant("uni-e"), 40);
    assert!(count >= 2 && count as f64 <= 2.0 * most, "{count} of {most}");
    assert!(fronts[0].metric("ripieno_redis_failures_total") > 0);
    let redis = Redis::start(home.path(), Some(port)).expect("it was there before");
    is_there(1);
    let (count, most) = let_in(&fronts, &tenant("uni-f"), 60);
    assert!(count >= 2 && count as f64 <= most, "{count} of {most}: together again");
    redis.end();
    let told = fs::read_to_string(&log).unwrap();
    for line in ["no connection to Redis", "requests are counted by this front alone", "Redis is there again"]
    {
        assert!(told.contains(line), "{line}: {told}");
    }
}
