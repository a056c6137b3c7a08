//! Whether the time of an answer tells another tenant's things from those that nobody has: both are asked for by turns without a
//! pattern, and the medians are held together, with an interval for their difference by resampling.

use super::asks::{mcp, tool};
use super::load::{by, connect, exchange, get, of_machine, post};
use super::server::Home;
use super::tenants::{self, made};
use benches::median;
use serde_json::json;
use std::time::Instant;

/// Things of each kind that the other tenant has, and names of each that nobody has.
const NAMES: usize = 20;
/// Samples that an interval is made of.
const RESAMPLES: usize = 1_000;

/// Numbers without pattern.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % sides as u64) as usize
    }
}

/// A way to ask for a thing by its name.
struct Way {
    what: &'static str,
    kind: usize,
    request: fn(&str) -> Vec<u8>,
}

const WAYS: [Way; 10] = [
    Way { what: "GET job", kind: 0, request: |name| get(&format!("/v1/jobs/{name}")) },
    Way { what: "GET job's items", kind: 0, request: |name| get(&format!("/v1/jobs/{name}/items")) },
    Way {
        what: "GET job's table",
        kind: 0,
        request: |name| get(&format!("/v1/jobs/{name}/results?format=csv")),
    },
    Way {
        what: "POST job's end",
        kind: 0,
        request: |name| post(&format!("/v1/jobs/{name}/cancel"), "", "{}"),
    },
    Way { what: "jobs_get over MCP", kind: 0, request: |name| tool("jobs_get", &json!({ "job": name })) },
    Way {
        what: "tasks/get over MCP",
        kind: 0,
        request: |name| mcp("tasks/get", name, json!({ "taskId": name })),
    },
    Way { what: "GET score", kind: 1, request: |name| get(&format!("/v1/scores/{name}")) },
    Way { what: "GET score's content", kind: 1, request: |name| get(&format!("/v1/scores/{name}/content")) },
    Way { what: "GET schedule", kind: 2, request: |name| get(&format!("/v1/schedules/{name}")) },
    Way { what: "GET upload", kind: 3, request: |name| get(&format!("/v1/uploads/{name}")) },
];

pub(crate) async fn run(asks: usize) {
    let home = Home::new();
    let server = tenants::server(&home, 10, None);
    let (ours, of_b) = (tenants::key(&home, "uni-a").await, tenants::key(&home, "uni-b").await);
    let mut stream = connect(server.address).await;
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    // By kind: those of the other tenant, and those of nobody.
    let mut names: [[Vec<String>; 2]; 4] = Default::default();
    for number in 0..NAMES {
        names[0][0].push(tenants::job(&home, &server, &of_b, number).await);
        let tune = format!("X:1\nK:C\nCDEF {}|\n", "G".repeat(number + 1));
        let path = format!("/v1/scores?name=tune{number}.abc");
        let score = made(&mut stream, &of_b, &path, "", &tune).await;
        names[1][0].push(score["id"].as_str().or(score["score"].as_str()).expect("a score").to_owned());
        let schedule = format!("theirs{number:02}");
        let body = json!({ "name": schedule, "cron": "0 2 * * *", "job": { "sources": [home.scores()] } });
        made(&mut stream, &of_b, "/v1/schedules", "", &body.to_string()).await;
        names[2][0].push(schedule);
        let begun = made(&mut stream, &of_b, "/v1/uploads", "Upload-Length: 100\r\n", "").await;
        let at = begun["location"].as_str().expect("an address");
        names[3][0].push(at.rsplit('/').next().expect("a name").to_owned());
    }
    for of_kind in &mut names {
        for number in 0..NAMES {
            let nobodys = match of_kind[0][number].split_once('-') {
                Some((kind, _)) => {
                    format!("{kind}-{}", (0..16).map(|_| letter(dice.roll(32))).collect::<String>())
                }
                None => format!("nobody{number:02}"),
            };
            of_kind[1].push(nobodys);
        }
    }
    println!("{asks} asks of each, {NAMES} names; load {}", of_machine());
    println!(
        "{:<22} {:>10} {:>10} {:>12} {:>22}",
        "", "theirs us", "nobody's us", "difference", "95 % of it lies in"
    );
    for way in &WAYS {
        let mut times: [Vec<f64>; 2] = Default::default();
        while times.iter().any(|times| times.len() < asks) {
            let whose = dice.roll(2);
            let name = &names[way.kind][whose][dice.roll(NAMES)];
            let request = by(&ours, &(way.request)(name));
            let began = Instant::now();
            let (head, _) = exchange(&mut stream, &request).await.expect("it is answered");
            let took = began.elapsed().as_secs_f64() * 1e6;
            let refused = head.starts_with("http/1.1 404") || head.starts_with("http/1.1 200");
            assert!(refused, "{}: {head}", way.what);
            times[whose].push(took);
        }
        let (low, high) = interval(&times, &mut dice);
        let [theirs, nobodys] = times.map(median);
        println!(
            "{:<22} {theirs:>10.1} {nobodys:>10.1} {:>12.2} {:>10.2} to {high:>8.2} {}",
            way.what,
            theirs - nobodys,
            low,
            if low <= 0.0 && 0.0 <= high { "" } else { "not 0" },
        );
    }
    server.end();
}

/// A letter as handles have them.
fn letter(number: usize) -> char {
    char::from(b"abcdefghijkmnpqrstuvwxyz23456789"[number])
}

/// In which 95 of 100 resampled differences of the medians lie.
fn interval(times: &[Vec<f64>; 2], dice: &mut Dice) -> (f64, f64) {
    let mut resampled =
        |times: &[f64]| median((0..times.len()).map(|_| times[dice.roll(times.len())]).collect());
    let mut differences: Vec<f64> =
        (0..RESAMPLES).map(|_| resampled(&times[0]) - resampled(&times[1])).collect();
    differences.sort_by(f64::total_cmp);
    (differences[RESAMPLES / 40], differences[RESAMPLES - 1 - RESAMPLES / 40])
}
