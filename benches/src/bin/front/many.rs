//! Many clients at once, each with a connection and a signed token of its own: what they cost in memory, and how long they wait.

use super::asks::tool;
use super::issuer::Issuer;
use super::load::{by, connect, exchange, get, of_machine};
use super::server::Home;
use super::tenants;
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{Semaphore, watch};

/// Tenants that the clients are of.
const TENANTS: usize = 50;
/// How long an answer may take before it counts as an error.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) async fn run(clients: usize, seconds: usize, rate: usize) {
    let home = Home::new();
    let issuer = Issuer::start().await;
    let server = tenants::server(&home, clients, Some(&issuer));
    let token =
        |client: usize| issuer.token(&format!("somebody {client}"), &format!("uni-{}", client % TENANTS));
    let mut jobs = Vec::new();
    for tenant in 0..TENANTS {
        jobs.push(tenants::job(&home, &server, &token(tenant), tenant).await);
    }
    let empty = server.resident_kilobytes();
    let (ready, is_ready) = watch::channel(None::<Instant>);
    let there = Arc::new(Semaphore::new(0));
    let all: Vec<_> = (0..clients)
        .map(|client| {
            let (token, job) = (token(client), &jobs[client % TENANTS]);
            let look = by(&token, &get(&format!("/v1/jobs/{job}")));
            let call = by(&token, &tool("jobs_get", &json!({ "job": job })));
            let turn = Turn { client, clients, seconds, rate };
            tokio::spawn(one(server.address, turn, [look, call], is_ready.clone(), Arc::clone(&there)))
        })
        .collect();
    let began = Instant::now();
    let all_there = u32::try_from(clients).expect("so many");
    there.acquire_many(all_there).await.expect("it is open").forget();
    ready.send_replace(Some(Instant::now()));
    let (mut times, mut errors) = (Vec::new(), BTreeMap::<String, u64>::new());
    for client in all {
        let (its, wrong) = client.await.expect("it asks");
        times.extend(its);
        for what in wrong {
            *errors.entry(what).or_default() += 1;
        }
    }
    times.sort_unstable();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
    let (resident, peak) = (server.resident_kilobytes(), server.peak_megabytes());
    println!(
        "{clients} clients with signed tokens of {TENANTS} tenants, {rate} requests a second for {seconds} s, load {}: {} answers, {} errors {errors:?}",
        of_machine(),
        times.len(),
        errors.values().sum::<u64>(),
    );
    println!(
        "  p50 {:.1} ms, p99 {:.1} ms, max {:.1} ms; server {} MB before, {} MB after, peak {peak} MB: {:.1} kB a client; {:.0} s in all",
        at(0.5),
        at(0.99),
        at(1.0),
        empty / 1_000,
        resident / 1_000,
        resident.saturating_sub(empty) as f64 / clients as f64,
        began.elapsed().as_secs_f64(),
    );
    server.end();
}

/// Which client it is, of how many, and how long it asks.
struct Turn {
    client: usize,
    clients: usize,
    seconds: usize,
    /// Requests of all of them in a second.
    rate: usize,
}

/// One client: connects, then asks in its turn. Says how long each answer took from when it was due, and what went wrong.
async fn one(
    address: std::net::SocketAddr,
    Turn { client, clients, seconds, rate }: Turn,
    asks: [Vec<u8>; 2],
    mut is_ready: watch::Receiver<Option<Instant>>,
    there: Arc<Semaphore>,
) -> (Vec<Duration>, Vec<String>) {
    let (mut times, mut wrong) = (Vec::new(), Vec::new());
    let mut stream = connect(address).await;
    there.add_permits(1);
    let began = is_ready.wait_for(Option::is_some).await.expect("it begins").expect("when");
    let every = clients as f64 / rate as f64;
    for turn in 0_usize.. {
        let share = client as f64 / clients as f64 + turn as f64;
        let due = began + Duration::from_secs_f64(every * share);
        if due.duration_since(began).as_secs_f64() >= seconds as f64 {
            break;
        }
        tokio::time::sleep_until(due.into()).await;
        let asked = exchange(&mut stream, &asks[(client + turn) % 2]);
        match tokio::time::timeout(PATIENCE, asked).await {
            Ok(Ok((head, _))) if head.starts_with("http/1.1 200") => times.push(due.elapsed()),
            Ok(Ok((head, _))) => wrong.push(head.lines().next().unwrap_or_default().to_owned()),
            Ok(Err(error)) => {
                wrong.push(error.kind().to_string());
                break;
            }
            Err(_) => {
                wrong.push("no answer".to_owned());
                break;
            }
        }
    }
    (times, wrong)
}
