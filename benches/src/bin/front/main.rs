//! What the front costs: looking at a job over MCP and REST, submitting one, reads of all kinds, and listeners, asked of a
//! server in a process of its own. As many requests as it takes are held against a bare axum handler that answers the same
//! bytes, in the same run.
//!
//! `cargo run --release -p benches --bin front [-- SECONDS]`
//!
//! `… -- many [CLIENTS [SECONDS [RATE]]]`: clients with signed tokens of their own, 10 000 at once, that ask 1 000 times a second together
//! `… -- timing [ASKS]`: whether another tenant's things and those that nobody has take the same time, 2 000 times each

mod asks;
mod issuer;
mod listeners;
mod load;
mod many;
mod server;
mod tenants;
mod timing;

use asks::Asks;
use load::{Load, ask, connect};
use server::Server;
use std::time::Duration;

/// Connections that ask at once.
const CONNECTIONS: usize = 32;
/// Submissions at once: each waits for the disk.
const SUBMITTERS: usize = 8;
/// Submissions a second, of the goal.
const SUBMISSIONS: u64 = 200;
/// Reads a second, of the goal.
const READS: u64 = 1_000;
/// Listeners, of the goal.
const LISTENERS: usize = 1_000;

#[tokio::main]
async fn main() {
    let argument = std::env::args().nth(1);
    let number =
        |nth, default| std::env::args().nth(nth).map_or(default, |text| text.parse().expect("a number"));
    match argument.as_deref() {
        Some("serve") => return server::serve().await,
        Some("many") => return many::run(number(2, 10_000), number(3, 30), number(4, 1_000)).await,
        Some("timing") => return timing::run(number(2, 2_000)).await,
        _ => {}
    }
    let seconds = argument.map_or(5, |text| text.parse().expect("a number of seconds"));
    let (home, time) = (server::Home::new(), Duration::from_secs(seconds));
    let server = Server::start(&home, &[]);
    let asks = Asks::new(&home, server.address).await;

    println!(
        "{CONNECTIONS} connections, {SUBMITTERS} submitters, {seconds} s each; load {}",
        load::of_machine()
    );
    println!(
        "{:<26} {:>10} {:>8} {:>8} {:>8} {:>12} {:>10}",
        "", "requests/s", "p50 ms", "p99 ms", "max ms", "server cores", "us/request"
    );
    let look = ask(&mut connect(server.address).await, &asks.look).await;
    let floor = server::floor(look, asks.submitted.clone()).await;
    let all_of = |address, connections| Load { address, connections, time, rate: None, process: None };
    let bare = all_of(floor, CONNECTIONS).run("bare axum, GET", |_| load::get("/job")).await;
    let here = |connections, rate| Load {
        address: server.address,
        connections,
        time,
        rate,
        process: Some(server.process()),
    };
    let (look, mcp) = (asks.look.clone(), asks.mcp_look.clone());
    let ours = here(CONNECTIONS, None).run("GET job", move |_| look.clone()).await;
    println!("{:<26} {:>10.2}", "  of the floor", ours / bare);
    let ours = here(CONNECTIONS, None).run("jobs_get over MCP", move |_| mcp.clone()).await;
    println!("{:<26} {:>10.2}", "  of the floor", ours / bare);

    let post = asks.submission("bare");
    let bare = all_of(floor, SUBMITTERS).run("bare axum, POST", post).await;
    let reads = asks.reads();
    here(CONNECTIONS, Some(READS)).run("reads of all kinds, paced", reads).await;
    here(CONNECTIONS, Some(SUBMISSIONS)).run("POST job, paced", asks.submission("paced")).await;
    let ours = here(SUBMITTERS, None).run("POST job, all it takes", asks.submission("all")).await;
    println!("{:<26} {:>10.2}", "  of the floor", ours / bare);

    listeners::run(&home, &server, LISTENERS).await;
    server.end();
}
