//! A chunk that two workers work at once gives the table that one would have given.

use crate::support::tune;
use api::embedded::Embedded;
use api::plan::{self, Choice};
use api::sources;
use serde_json::Value;
use shared::dispatch::{Announcement, Lane};
use shared::limits::Limits;
use shared::principal::Principal;
use std::fs;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;
use worker::consume::Worker;
use worker::table::Encoding;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_of_a_chunk_that_is_worked_twice_are_in_the_table_once() {
    let home = tempfile::tempdir().unwrap();
    let book: String = (1..=1_500).map(|seed| tune(seed, 40) + "\n").collect();
    let path = home.path().join("book.abc");
    fs::write(&path, book).unwrap();
    let (limits, principal) = (Limits::default(), Principal::local());
    let embedded = Embedded::open(&home.path().join("data"), limits.clone()).await.unwrap();
    let names = vec![path.to_str().unwrap().to_owned()];
    let listing = sources::list(&names, &limits).await.unwrap();
    let request = plan::request(names, &Choice::default()).unwrap();
    let service = &embedded.service;
    let record = service.submit(&principal, request, listing, Lane::Bulk).await.unwrap().record;

    let mut watch = embedded.dispatcher.watch().await;
    // Nothing is worked yet, so each of these publishes the one chunk.
    for _ in 0..3 {
        service.reconcile(&principal, &record).await.unwrap();
    }
    // Two, because one worker takes a chunk that it is working already for what it is.
    let ledger = embedded.ledger();
    let workers = [(), ()].map(|()| {
        let dispatcher = embedded.dispatcher.clone();
        let worker = Worker::new(ledger.clone(), dispatcher, None, limits.clone(), 2).unwrap();
        tokio::spawn(Arc::new(worker).run())
    });
    let finished = async { while !matches!(watch.recv().await, Ok(Announcement::Finished { .. })) {} };
    timeout(Duration::from_secs(120), finished).await.expect("it ends");
    embedded.dispatcher.close();
    for worker in workers {
        worker.await.unwrap();
    }

    let receipt = ledger.receipt(&record.id, 0).await.unwrap().unwrap();
    assert!(receipt.rows.count > 1, "the rows are more than one part");
    let out = home.path().join("out");
    service.results(&principal, &record.id, &out, &[Encoding::JsonLines]).await.unwrap();
    let table = fs::read_to_string(out.join("table.jsonl")).unwrap();
    let pieces = table.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["piece"].as_u64());
    assert!(pieces.eq((0..1_500).map(Some)), "each tune once, in order");
}
