//! Clients that listen to a job as a task, by MCP's subscriptions: whether each hears of its end, and how long after whoever
//! waits by REST.

use super::asks::{long, mcp};
use super::load::{ask, connect, get};
use super::server::{Home, Server};
use benches::cpu_seconds_of;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::watch;

/// Tunes of the job that is listened to: some seconds of work.
const TUNES: usize = 3_000;
/// How long after the end the last word is waited for.
const AFTER: Duration = Duration::from_secs(10);
/// What stands in the news of an end.
const END: &[u8] = b"\"status\":\"completed\"";

pub(crate) async fn run(home: &Home, server: &Server, count: usize) {
    let mut stream = connect(server.address).await;
    let accepted = ask(&mut stream, &long(&home.book(TUNES))).await;
    let accepted: Value = serde_json::from_slice(&accepted).expect("a job");
    let job = accepted["id"].as_str().expect("a handle").to_owned();
    let listen = mcp("subscriptions/listen", "", json!({ "notifications": { "taskIds": [job] } }));
    let (ended, is_ended) = watch::channel(false);
    let (began, cpu) = (Instant::now(), cpu_seconds_of(server.process()));
    let listening = (0..count).map(|_| {
        let (address, listen, mut is_ended) = (server.address, listen.clone(), is_ended.clone());
        tokio::spawn(async move {
            let mut stream = connect(address).await;
            stream.write_all(&listen).await.expect("sent");
            let (mut bytes, mut looked_at) = (Vec::new(), 0);
            let until = async {
                let _ = is_ended.wait_for(|ended| *ended).await;
                tokio::time::sleep(AFTER).await;
            };
            tokio::pin!(until);
            loop {
                tokio::select! {
                    read = stream.read_buf(&mut bytes) => match read {
                        Ok(0) | Err(_) => return (None, bytes),
                        Ok(_) => {}
                    },
                    () = &mut until => return (None, bytes),
                }
                let new = bytes.get(looked_at..).unwrap_or_default();
                if new.windows(END.len()).any(|part| part == END) {
                    return (Some(Instant::now()), bytes);
                }
                looked_at = bytes.len().saturating_sub(END.len());
            }
        })
    });
    let listening: Vec<_> = listening.collect();
    loop {
        let job = ask(&mut stream, &get(&format!("/v1/jobs/{job}?wait=20"))).await;
        let job: Value = serde_json::from_slice(&job).expect("a job");
        if job["state"] == "finished" {
            break;
        }
    }
    let end = Instant::now();
    ended.send_replace(true);
    let mut late = Vec::new();
    for listener in listening {
        let (heard, bytes) = listener.await.expect("it listens");
        let heard = heard.unwrap_or_else(|| panic!("it hears no end: {}", String::from_utf8_lossy(&bytes)));
        let late_s = heard.saturating_duration_since(end).as_secs_f64()
            - end.saturating_duration_since(heard).as_secs_f64();
        late.push(late_s * 1e3);
    }
    late.sort_by(f64::total_cmp);
    let seconds = (end - began).as_secs_f64();
    let cpu = cpu_seconds_of(server.process()) - cpu;
    println!(
        "{count} listeners over {seconds:.1} s of a job hear of its end p50 {:.0} ms, max {:.0} ms after whoever waits; server {cpu:.1} CPU s with the work, peak {} MB",
        late[late.len() / 2],
        late[late.len() - 1],
        server.peak_megabytes(),
    );
}
