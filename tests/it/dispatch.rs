//! What every carrier of the dispatcher must do. Each carrier runs the same suite.

use crate::support::{broker, certify};
use shared::dispatch::rabbitmq::RabbitMq;
use shared::dispatch::{Announcement, Delivery, Dispatcher, Lane, Message, retry_delay};
use shared::failure::FailureKind;
use shared::job::JobId;
use shared::principal::LOCAL_TENANT;
use shared::wire::WIRE_VERSION;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};

/// Long enough for a message to come that can come, a broker's way included.
const SOON: Duration = Duration::from_millis(250);

/// The memory carrier and, where a broker is running, one of its own names on it.
fn carriers(name: &str) -> Vec<Dispatcher> {
    let mut carriers = vec![Dispatcher::memory()];
    match broker() {
        Some(uri) => carriers.push(rabbit(&uri, &format!("test-{name}-{}", std::process::id()))),
        None => println!("skipped: no broker (tests/run starts one)"),
    }
    carriers
}

fn rabbit(uri: &str, prefix: &str) -> Dispatcher {
    Dispatcher::RabbitMq(RabbitMq::new(uri, prefix, 16).unwrap())
}

/// Ends a carrier, and takes what it left in the broker away.
async fn end(dispatcher: Dispatcher) {
    dispatcher.close();
    if let Dispatcher::RabbitMq(rabbit) = &dispatcher {
        rabbit.remove().await.unwrap();
    }
    dispatcher.leave().await;
}

fn message(chunk: u32) -> Message {
    let job = JobId::from_random(b"0123456789abcdef");
    Message { version: WIRE_VERSION, tenant: LOCAL_TENANT.to_owned(), job, chunk, window: 4, attempt: 0 }
}

async fn publish(dispatcher: &Dispatcher, lane: Lane, chunks: std::ops::Range<u32>) {
    for chunk in chunks {
        dispatcher.publish(lane, message(chunk)).await.unwrap();
    }
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
    for dispatcher in carriers("order") {
        // A consumer is there before the messages, and looks once all of them are.
        assert!(is_empty(&dispatcher).await);
        publish(&dispatcher, Lane::Bulk, 0..5).await;
        publish(&dispatcher, Lane::Suspect, 50..51).await;
        publish(&dispatcher, Lane::Interactive, 100..103).await;
        sleep(2 * SOON).await;
        for expected in [100, 101, 102, 50, 0, 1, 2, 3, 4] {
            let delivery = next(&dispatcher).await;
            assert_eq!(chunk(&delivery), expected);
            assert_eq!(delivery.lost(), 0);
            delivery.done().await;
        }
        assert!(is_empty(&dispatcher).await);
        end(dispatcher).await;
    }
}

#[tokio::test]
async fn what_is_dropped_comes_again_and_what_is_done_does_not() {
    for dispatcher in carriers("drop") {
        publish(&dispatcher, Lane::Bulk, 1..2).await;
        drop(next(&dispatcher).await);
        let again = next(&dispatcher).await;
        assert_eq!((chunk(&again), again.message().unwrap().attempt), (1, 0), "a crash charges no attempt");
        if let Delivery::RabbitMq(_) = again {
            assert_eq!(again.lost(), 1, "the broker counts it");
        }
        again.hand_back().await;
        let again = next(&dispatcher).await;
        assert_eq!((chunk(&again), again.message().unwrap().attempt, again.lost()), (1, 0, 0));
        again.done().await;
        assert!(is_empty(&dispatcher).await);
        end(dispatcher).await;
    }
}

#[tokio::test]
async fn what_is_put_back_comes_after_its_delay_with_an_attempt_more() {
    for dispatcher in carriers("retry") {
        publish(&dispatcher, Lane::Bulk, 1..2).await;
        next(&dispatcher).await.retry(4 * SOON).await;
        assert!(is_empty(&dispatcher).await, "not before its time");
        let again = next(&dispatcher).await;
        assert_eq!((again.message().unwrap().attempt, again.lane()), (1, Lane::Bulk));
        again.divert(Lane::Suspect).await;
        let again = next(&dispatcher).await;
        assert_eq!((again.message().unwrap().attempt, again.lane()), (1, Lane::Suspect));
        again.done().await;
        end(dispatcher).await;
    }
}

#[tokio::test]
async fn what_is_buried_is_kept_apart() {
    for dispatcher in carriers("bury") {
        publish(&dispatcher, Lane::Bulk, 1..2).await;
        next(&dispatcher).await.bury().await;
        assert!(is_empty(&dispatcher).await);
        assert_eq!(dispatcher.dead().await.unwrap(), [message(1)]);
        end(dispatcher).await;
    }
}

#[tokio::test]
async fn what_waits_is_counted() {
    for dispatcher in carriers("backlog") {
        publish(&dispatcher, Lane::Bulk, 0..3).await;
        assert_eq!(dispatcher.backlog(Lane::Bulk).await.unwrap(), 3);
        assert_eq!(dispatcher.backlog(Lane::Interactive).await.unwrap(), 0);
        end(dispatcher).await;
    }
}

#[tokio::test]
async fn a_consumer_may_leave_what_it_does_not_want_to_others() {
    for dispatcher in carriers("wanted") {
        publish(&dispatcher, Lane::Bulk, 0..3).await;
        let take = |wanted: u32| {
            let dispatcher = dispatcher.clone();
            tokio::spawn(async move { dispatcher.next_wanted(move |message| message.chunk == wanted).await })
        };
        let delivery = timeout(Duration::from_secs(10), take(2)).await.expect("it comes").unwrap();
        delivery.expect("it is open").done().await;
        // It waits before all others, and keeps nobody from what it does not want.
        let waiting = take(9);
        sleep(SOON).await;
        for expected in [0, 1] {
            let delivery = next(&dispatcher).await;
            assert_eq!(chunk(&delivery), expected);
            delivery.done().await;
        }
        publish(&dispatcher, Lane::Bulk, 9..10).await;
        let delivery = timeout(Duration::from_secs(10), waiting).await.expect("it comes").unwrap();
        delivery.expect("it is open").done().await;
        assert!(is_empty(&dispatcher).await);
        match &dispatcher {
            Dispatcher::Memory(_) => assert_eq!(dispatcher.consumers(Lane::Bulk).await.unwrap(), None),
            Dispatcher::RabbitMq(_) => assert_eq!(dispatcher.consumers(Lane::Bulk).await.unwrap(), Some(1)),
        }
        end(dispatcher).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_messages_reach_eight_consumers_once_each() {
    for dispatcher in carriers("many") {
        let (all_are_taken, count) = (Arc::new(Notify::new()), Arc::new(AtomicU32::new(0)));
        let consumers: Vec<_> = (0..8)
            .map(|_| {
                let dispatcher = dispatcher.clone();
                let (all_are_taken, count) = (Arc::clone(&all_are_taken), Arc::clone(&count));
                tokio::spawn(async move {
                    let mut taken = Vec::new();
                    while let Some(delivery) = dispatcher.next().await {
                        taken.push(chunk(&delivery));
                        delivery.done().await;
                        if count.fetch_add(1, Ordering::SeqCst) + 1 == 10_000 {
                            all_are_taken.notify_one();
                        }
                        tokio::task::yield_now().await;
                    }
                    taken
                })
            })
            .collect();
        // Several at a time, because a broker confirms one after it is on the disk.
        let publishers: Vec<_> = (0..100)
            .map(|part| {
                let dispatcher = dispatcher.clone();
                tokio::spawn(async move {
                    publish(&dispatcher, Lane::Bulk, part * 100..(part + 1) * 100).await;
                })
            })
            .collect();
        for publisher in publishers {
            publisher.await.unwrap();
        }
        // A broker may rest for seconds while its disk is busy.
        timeout(Duration::from_secs(120), all_are_taken.notified()).await.expect("every message comes");
        assert!(is_empty(&dispatcher).await, "a message came twice");
        dispatcher.close();
        let mut all = Vec::new();
        for consumer in consumers {
            all.extend(consumer.await.unwrap());
        }
        all.sort_unstable();
        assert!(all.iter().copied().eq(0..10_000), "{} messages were taken", all.len());
        end(dispatcher).await;
    }
}

#[tokio::test]
async fn closing_wakes_those_who_wait_and_keeps_the_messages() {
    for dispatcher in carriers("close") {
        publish(&dispatcher, Lane::Bulk, 0..1).await;
        let in_hand = next(&dispatcher).await;
        let waiting = tokio::spawn({
            let dispatcher = dispatcher.clone();
            async move { dispatcher.next().await.is_none() }
        });
        sleep(SOON).await;
        dispatcher.close();
        assert!(timeout(Duration::from_secs(10), waiting).await.expect("it is woken").unwrap());
        dispatcher.publish(Lane::Bulk, message(1)).await.unwrap();
        assert!(dispatcher.next().await.is_none());
        in_hand.done().await;
        end(dispatcher).await;
    }
}

#[tokio::test]
async fn what_a_consumer_leaves_another_gets_and_what_is_done_stays_done() {
    let Some(uri) = broker() else { return println!("skipped: no broker (tests/run starts one)") };
    let prefix = format!("test-leave-{}", std::process::id());
    let (one, two) = (rabbit(&uri, &prefix), rabbit(&uri, &prefix));
    publish(&one, Lane::Bulk, 0..4).await;
    next(&one).await.done().await;
    let unfinished = next(&one).await;
    // Two more were brought to it, and it never asked for them.
    one.close();
    unfinished.hand_back().await;
    one.leave().await;
    let mut left = Vec::new();
    for _ in 0..3 {
        let delivery = next(&two).await;
        left.push((chunk(&delivery), delivery.lost()));
        delivery.done().await;
    }
    left.sort_unstable();
    assert_eq!(left, [(1, 0), (2, 0), (3, 0)], "who goes in good order charges nobody");
    assert!(is_empty(&two).await);
    end(two).await;
}

#[tokio::test]
async fn announcements_reach_every_watcher() {
    for dispatcher in carriers("announce") {
        let (mut one, mut two) = (dispatcher.watch().await, dispatcher.watch().await);
        let said = Announcement::Finished { job: message(0).job };
        dispatcher.announce(said.clone());
        for watcher in [&mut one, &mut two] {
            let heard = timeout(Duration::from_secs(10), watcher.recv()).await;
            assert_eq!(heard.expect("it is heard").unwrap(), said);
        }
        end(dispatcher).await;
    }
}

#[tokio::test]
async fn what_is_no_broker_is_told() {
    let failure = RabbitMq::new("http://127.0.0.1", "x", 1).unwrap_err();
    assert_eq!(failure.kind, FailureKind::Malformed);
    // Nobody listens there.
    let nobody = rabbit("amqp://127.0.0.1:1", "x");
    let failure = nobody.publish(Lane::Bulk, message(0)).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Unavailable);
    assert!(nobody.backlog(Lane::Bulk).await.is_err());
}

/// A broker that asks for certificates lets in who has one and knows its own, and nobody else.
#[tokio::test]
async fn a_broker_by_tls_lets_in_who_has_a_certificate() {
    if broker().is_none() {
        println!("skipped: no broker (tests/run installs one)");
        return;
    }
    let (home, strange) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for (folder, names) in
        [(home.path(), ["ca", "broker", "worker"]), (strange.path(), ["ca", "worker", "x"])]
    {
        names.iter().for_each(|name| certify(folder, name));
    }
    let server = tests::broker::Broker::by_tls(home.path());
    let file = |folder: &Path, name: &str| folder.join(name).display().to_string();
    let with = |authority: &Path, own: Option<&Path>| {
        let own = own
            .map(|own| format!("&certfile={}&keyfile={}", file(own, "worker.pem"), file(own, "worker.key")));
        let own = own.unwrap_or_default();
        rabbit(&format!("{}?cacertfile={}{own}", server.uri(), file(authority, "ca.pem")), "tls")
    };
    let known = with(home.path(), Some(home.path()));
    publish(&known, Lane::Bulk, 0..1).await;
    next(&known).await.done().await;
    end(known).await;
    let strangers = [
        with(home.path(), None),
        with(home.path(), Some(strange.path())),
        with(strange.path(), Some(home.path())),
        rabbit(&server.uri(), "tls"),
    ];
    for (index, stranger) in strangers.into_iter().enumerate() {
        let failure = stranger.publish(Lane::Bulk, message(0)).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::Unavailable, "{index}: {failure}");
        stranger.close();
        stranger.leave().await;
    }
}

#[test]
fn delays_double_and_are_bounded() {
    let delays: Vec<u64> = (0..12).map(|attempt| retry_delay(attempt).as_millis() as u64).collect();
    assert_eq!(delays[..4], [250, 500, 1_000, 2_000]);
    assert!(delays.is_sorted() && delays[11] == 60_000);
}
