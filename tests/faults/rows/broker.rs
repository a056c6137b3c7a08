//! Faults of the broker.

use crate::site::Site;
use crate::{Found, Ground};
use futures::StreamExt;
use lapin::options::{
    BasicAckOptions, BasicConsumeOptions, BasicPublishOptions, QueueBindOptions, QueueDeclareOptions,
};
use lapin::types::FieldTable;
use lapin::{BasicProperties, Connection, ConnectionProperties};
use std::time::{Duration, Instant};
use tokio::time::sleep;

/// Row 7: the broker is killed and comes back; jobs are accepted throughout.
pub async fn killed(ground: &mut Ground) -> Option<Found> {
    let waits: &[u64] = if ground.short { &[5] } else { &[5, 30, 120] };
    let mut all = Found::default();
    for wait in waits {
        let name = format!("broker-kill-{wait}");
        let mut site = Site::new(&ground.home, &name, &ground.broker.uri(), None).await;
        site.set(crate::hook::PACE, "6");
        site.start(3);
        let job = site.submit(&ground.scores);
        site.until(&job, 2).await;
        ground.broker.kill();
        // The ledger takes it, whoever carries the message.
        let meanwhile = site.home.join("meanwhile");
        super::corpus(&meanwhile, 20);
        let second = site.submit(&meanwhile);
        sleep(Duration::from_secs(*wait)).await;
        ground.broker.restart();
        let (began, before) = (Instant::now(), site.receipts(&job).await);
        let ledger = site.ledger().await;
        while ledger.finished(&job).await.ok()?.is_none() && site.receipts(&job).await <= before {
            sleep(Duration::from_millis(50)).await;
        }
        all.recovery = Some(all.recovery.unwrap_or(0.0).max(began.elapsed().as_secs_f64()));
        site.finish(&job).await;
        let reconciled = site.finish(&second).await;
        let alive = site.workers.iter_mut().all(|worker| matches!(worker.try_wait(), Ok(None)));
        all.must(alive && site.started == 3, "a worker had to be started again");
        let mut verdict = site.judge(&job, &ground.reference, None).await;
        // The journal holds both jobs.
        verdict.wasted -= 21.0 / 3_001.0;
        all.verdict.items += verdict.items;
        all.verdict.lost += verdict.lost;
        all.verdict.differing += verdict.differing;
        all.verdict.wasted = all.verdict.wasted.max(verdict.wasted);
        all.note = format!("{waits:?} s away; a job accepted meanwhile ended {reconciled:.0} s later");
        site.end().await;
    }
    Some(all)
}

/// Row 8: the broker comes back without anything.
pub async fn wiped(ground: &mut Ground) -> Option<Found> {
    let mut site = Site::new(&ground.home, "wipe", &ground.broker.uri(), None).await;
    site.start(3);
    let job = site.submit(&ground.scores);
    site.until(&job, 2).await;
    // The workers too, so that nobody remembers what was under way.
    site.kill_all();
    ground.broker.kill();
    ground.broker.wipe();
    ground.broker.restart();
    site.start(3);
    let (began, before) = (Instant::now(), site.receipts(&job).await);
    site.until(&job, before + 1).await;
    let recovery = began.elapsed().as_secs_f64();
    site.finish(&job).await;
    let mut found = Found::of(site.judge(&job, &ground.reference, None).await);
    found.must(recovery < 60.0, "it took more than a minute");
    found.recovery = Some(recovery);
    site.end().await;
    Some(found)
}

/// Row 9: the broker stands still with every connection open, so that nobody is told; then it goes on.
pub async fn frozen(ground: &mut Ground) -> Option<Found> {
    let mut site = Site::new(&ground.home, "frozen", &ground.broker.uri(), None).await;
    site.set(crate::hook::PACE, "6");
    site.start(3);
    let job = site.submit(&ground.scores);
    site.until(&job, 1).await;
    ground.broker.freeze();
    sleep(Duration::from_secs(if ground.short { 30 } else { 60 })).await;
    ground.broker.thaw();
    let (began, before) = (Instant::now(), site.receipts(&job).await);
    let ledger = site.ledger().await;
    while ledger.finished(&job).await.ok()?.is_none() && site.receipts(&job).await <= before {
        sleep(Duration::from_millis(50)).await;
    }
    let recovery = began.elapsed().as_secs_f64();
    site.finish(&job).await;
    let mut found = Found::of(site.judge(&job, &ground.reference, None).await);
    found.recovery = Some(recovery);
    site.end().await;
    Some(found)
}

/// Row 10: the broker stops those that publish.
pub async fn starved(ground: &mut Ground) -> Option<Found> {
    let mut site = Site::new(&ground.home, "blocked", &ground.broker.uri(), None).await;
    site.set(crate::hook::PACE, "6");
    site.start(3);
    let job = site.submit(&ground.scores);
    site.until(&job, 1).await;
    ground.broker.starve(true);
    sleep(Duration::from_secs(if ground.short { 10 } else { 60 })).await;
    ground.broker.starve(false);
    let (began, before) = (Instant::now(), site.receipts(&job).await);
    let ledger = site.ledger().await;
    while ledger.finished(&job).await.ok()?.is_none() && site.receipts(&job).await <= before {
        sleep(Duration::from_millis(50)).await;
    }
    let recovery = began.elapsed().as_secs_f64();
    site.finish(&job).await;
    let mut found = Found::of(site.judge(&job, &ground.reference, None).await);
    found.recovery = Some(recovery);
    site.end().await;
    Some(found)
}

/// Row 11: whatever is published to the lane of bulk comes twice.
pub async fn delivered_twice(ground: &mut Ground) -> Option<Found> {
    let mut site = Site::new(&ground.home, "twice", &ground.broker.uri(), None).await;
    let queues = format!("faults-twice-{}", std::process::id());
    // Declares the exchanges.
    site.dispatcher().backlog(shared::dispatch::Lane::Bulk).await.ok()?;
    let connection = Connection::connect(&ground.broker.uri(), ConnectionProperties::default()).await.ok()?;
    let channel = connection.create_channel().await.ok()?;
    let (durable, none) = (QueueDeclareOptions::exclusive(), FieldTable::default());
    let copies = channel.queue_declare("".into(), durable, none.clone()).await.ok()?.name().clone();
    let (exchange, lane) = (format!("{queues}.lanes").into(), format!("{queues}.bulk"));
    let bind = QueueBindOptions::default();
    channel.queue_bind(copies.clone(), exchange, "now.bulk".into(), bind, none.clone()).await.ok()?;
    let mut consumer =
        channel.basic_consume(copies, "".into(), BasicConsumeOptions::default(), none).await.ok()?;
    let copying = tokio::spawn(async move {
        let mut copied = 0_u32;
        while let Some(Ok(copy)) = consumer.next().await {
            let (options, properties) = (BasicPublishOptions::default(), BasicProperties::default());
            let lane = lane.as_str().into();
            let _ = channel.basic_publish("".into(), lane, options, &copy.data, properties).await;
            let _ = copy.ack(BasicAckOptions::default()).await;
            copied += 1;
            if copied > 10_000 {
                break; // A copy of a copy of a copy: the relay would be fed for ever.
            }
        }
    });
    site.start(3);
    let job = site.submit(&ground.scores);
    site.finish(&job).await;
    copying.abort();
    let mut found = Found::of(site.judge(&job, &ground.reference, None).await);
    found.must(found.verdict.wasted < 1.5, "far more than twice the work");
    site.end().await;
    Some(found)
}
