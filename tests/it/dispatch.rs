//! What every carrier of the dispatcher must do. Each carrier runs the same suite.

use shared::dispatch::{Announcement, Delivery, Dispatcher, Lane, Message, retry_delay};
use shared::job::JobId;
use shared::principal::LOCAL_TENANT;
use shared::wire::WIRE_VERSION;
use std::time::Duration;
use tokio::time::{sleep, timeout};

const SOON: Duration = Duration::from_millis(50);

fn carriers() -> Vec<Dispatcher> {
    vec![Dispatcher::memory()]
}

fn message(chunk: u32) -> Message {
    let job = JobId::from_random(b"0123456789abcdef");
    Message { version: WIRE_VERSION, tenant: LOCAL_TENANT.to_owned(), job, chunk, window: 4, attempt: 0 }
}

async fn next(dispatcher: &Dispatcher) -> Delivery {
    timeout(Duration::from_secs(10), dispatcher.next()).await.expect("a message comes").expect("it is open")
}

fn chunk(delivery: &Delivery) -> u32 {
    delivery.message().expect("it is not settled").chunk
}

async fn is_empty(dispatcher: &Dispatcher) -> bool {
    timeout(SOON, dispatcher.next()).await.is_err()
}

#[tokio::test]
async fn messages_come_in_order_and_the_interactive_lane_goes_first() {
    for dispatcher in carriers() {
        (0..5).for_each(|index| dispatcher.publish(Lane::Bulk, message(index)).unwrap());
        (100..103).for_each(|index| dispatcher.publish(Lane::Interactive, message(index)).unwrap());
        for expected in [100, 101, 102, 0, 1, 2, 3, 4] {
            let delivery = next(&dispatcher).await;
            assert_eq!(chunk(&delivery), expected);
            delivery.done();
        }
        assert!(is_empty(&dispatcher).await);
    }
}

#[tokio::test]
async fn what_is_dropped_comes_again_and_what_is_done_does_not() {
    for dispatcher in carriers() {
        dispatcher.publish(Lane::Bulk, message(1)).unwrap();
        dispatcher.publish(Lane::Bulk, message(2)).unwrap();
        drop(next(&dispatcher).await);
        let again = next(&dispatcher).await;
        assert_eq!((chunk(&again), again.message().unwrap().attempt), (1, 0), "a crash charges no attempt");
        again.done();
        next(&dispatcher).await.done();
        assert!(is_empty(&dispatcher).await);
    }
}

#[tokio::test]
async fn what_is_put_back_comes_after_its_delay_with_an_attempt_more() {
    for dispatcher in carriers() {
        dispatcher.publish(Lane::Bulk, message(1)).unwrap();
        next(&dispatcher).await.retry(4 * SOON);
        assert!(is_empty(&dispatcher).await, "not before its time");
        let again = next(&dispatcher).await;
        assert_eq!(again.message().unwrap().attempt, 1);
        again.done();
    }
}

#[tokio::test]
async fn what_is_buried_is_kept_apart() {
    let dispatcher = Dispatcher::memory();
    dispatcher.publish(Lane::Bulk, message(1)).unwrap();
    next(&dispatcher).await.bury();
    assert!(is_empty(&dispatcher).await);
    let Dispatcher::Memory(memory) = &dispatcher;
    assert_eq!(memory.dead(), [message(1)]);
}

#[tokio::test]
async fn ten_thousand_messages_reach_eight_consumers_once_each() {
    for dispatcher in carriers() {
        let consumers: Vec<_> = (0..8)
            .map(|_| {
                let dispatcher = dispatcher.clone();
                tokio::spawn(async move {
                    let mut taken = Vec::new();
                    while let Some(delivery) = dispatcher.next().await {
                        taken.push(chunk(&delivery));
                        delivery.done();
                        tokio::task::yield_now().await;
                    }
                    taken
                })
            })
            .collect();
        for index in 0..10_000 {
            dispatcher.publish(Lane::Bulk, message(index)).unwrap();
        }
        let mut waited = 0;
        while !is_drained(&dispatcher).await {
            waited += 1;
            assert!(waited < 1_000, "messages stay where they are");
        }
        dispatcher.close();
        let mut all = Vec::new();
        for consumer in consumers {
            all.extend(consumer.await.unwrap());
        }
        all.sort_unstable();
        assert_eq!(all, (0..10_000).collect::<Vec<_>>());
    }
}

/// Whether the consumers have taken everything: this one gets nothing for a while.
async fn is_drained(dispatcher: &Dispatcher) -> bool {
    match timeout(SOON, dispatcher.next()).await {
        Ok(Some(delivery)) => {
            drop(delivery);
            sleep(Duration::from_millis(1)).await;
            false
        }
        _ => true,
    }
}

#[tokio::test]
async fn closing_wakes_those_who_wait_and_keeps_the_messages() {
    for dispatcher in carriers() {
        let waiting = tokio::spawn({
            let dispatcher = dispatcher.clone();
            async move { dispatcher.next().await.is_none() }
        });
        sleep(SOON).await;
        dispatcher.close();
        assert!(timeout(Duration::from_secs(10), waiting).await.expect("it is woken").unwrap());
        dispatcher.publish(Lane::Bulk, message(1)).unwrap();
        assert!(dispatcher.next().await.is_none());
    }
}

#[tokio::test]
async fn announcements_reach_every_watcher() {
    for dispatcher in carriers() {
        let (mut one, mut two) = (dispatcher.watch(), dispatcher.watch());
        let said = Announcement::Finished { job: message(0).job };
        dispatcher.announce(said.clone());
        assert_eq!(one.recv().await.unwrap(), said);
        assert_eq!(two.recv().await.unwrap(), said);
    }
}

#[test]
fn delays_double_and_are_bounded() {
    let delays: Vec<u64> = (0..12).map(|attempt| retry_delay(attempt).as_millis() as u64).collect();
    assert_eq!(delays[..4], [250, 500, 1_000, 2_000]);
    assert!(delays.is_sorted() && delays[11] == 60_000);
}
