//! What the dispatcher costs beyond lapin itself, on the same broker.
//!
//! ```text
//! RIPIENO_BROKER=amqp://guest:guest@127.0.0.1:5672 cargo run --release -p benches --bin dispatch -- [MESSAGES]
//! ```
//!
//! In each of five rounds, in turn: `raw` publishes messages of the same bytes to a quorum queue by lapin alone (confirmed,
//! mandatory, persistent, 64 in flight), then consumes and acknowledges them one by one with a prefetch of 64; `ours`
//! does the same by the dispatcher. One JSON line: medians of CPU microseconds of this process and of messages per
//! second, for both halves, and the ratios of each round's figures.

use benches::{median, process_cpu_seconds};
use futures::StreamExt;
use lapin::options::{
    BasicAckOptions, BasicConsumeOptions, BasicPublishOptions, BasicQosOptions, ConfirmSelectOptions,
    QueueDeclareOptions, QueueDeleteOptions,
};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties};
use serde_json::json;
use shared::dispatch::rabbitmq::RabbitMq;
use shared::dispatch::{Dispatcher, Lane, Message};
use shared::job::JobId;
use shared::wire;
use std::process::ExitCode;
use std::time::Instant;

const ROUNDS: usize = 5;
const IN_FLIGHT: usize = 64;

/// CPU microseconds a message, and messages a second.
type Cost = (f64, f64);

fn main() -> ExitCode {
    let Some(uri) = shared::config::var("RIPIENO_BROKER") else {
        eprintln!("dispatch: RIPIENO_BROKER is not set");
        return ExitCode::FAILURE;
    };
    let messages = std::env::args().nth(1).map_or(5_000, |text| text.parse().expect("a number"));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("threads").block_on(rounds(&uri, messages));
    ExitCode::SUCCESS
}

fn message(chunk: u32) -> Message {
    let (tenant, job) = ("local".to_owned(), JobId::from_random(b"0123456789abcdef"));
    Message { version: 1, tenant, job, chunk, window: 16, attempt: 0 }
}

async fn measured(messages: u32, work: impl Future<Output = ()>) -> Cost {
    let (cpu, began) = (process_cpu_seconds(), Instant::now());
    work.await;
    let messages = f64::from(messages);
    ((process_cpu_seconds() - cpu) * 1e6 / messages, messages / began.elapsed().as_secs_f64())
}

async fn rounds(uri: &str, messages: u32) {
    let prefix = format!("bench-{}", std::process::id());
    let rabbit = RabbitMq::new(uri, &prefix, 64).expect("an address");
    let ours = Dispatcher::RabbitMq(rabbit.clone());
    let connections = [connect(uri).await.expect("a connection"), connect(uri).await.expect("a connection")];
    let (mut raw, mut own) = ([const { Vec::new() }; 2], [const { Vec::new() }; 2]);
    for _ in 0..ROUNDS {
        raw[0].push(measured(messages, publish_raw(&connections[0], &prefix, messages)).await);
        raw[1].push(measured(messages, consume_raw(&connections[1], &prefix, messages)).await);
        own[0].push(measured(messages, publish_ours(&ours, messages)).await);
        own[1].push(measured(messages, consume_ours(&ours, messages)).await);
    }
    let cpu = |costs: &[Cost]| median(costs.iter().map(|cost| cost.0).collect());
    let rate = |costs: &[Cost]| median(costs.iter().map(|cost| cost.1).collect()).round();
    let ratio = |half: usize, figure: fn(&Cost) -> f64| {
        let ratios = own[half].iter().zip(&raw[half]).map(|(own, raw)| figure(own) / figure(raw));
        (median(ratios.collect()) * 100.0).round() / 100.0
    };
    println!(
        "{}",
        json!({
            "messages": messages,
            "publish_raw_cpu_us": cpu(&raw[0]), "publish_ours_cpu_us": cpu(&own[0]),
            "publish_raw_per_s": rate(&raw[0]), "publish_ours_per_s": rate(&own[0]),
            "consume_raw_cpu_us": cpu(&raw[1]), "consume_ours_cpu_us": cpu(&own[1]),
            "consume_raw_per_s": rate(&raw[1]), "consume_ours_per_s": rate(&own[1]),
            "publish_cpu_ratio": ratio(0, |cost| cost.0), "consume_cpu_ratio": ratio(1, |cost| cost.0),
            "publish_rate_ratio": ratio(0, |cost| cost.1), "consume_rate_ratio": ratio(1, |cost| cost.1),
        })
    );
    ours.close();
    rabbit.remove().await.expect("the broker forgets it");
    let channel = connections[0].create_channel().await.expect("a channel");
    let _ = channel.queue_delete(prefix.into(), QueueDeleteOptions::default()).await;
    ours.leave().await;
}

async fn connect(uri: &str) -> lapin::Result<Connection> {
    Connection::connect(uri, ConnectionProperties::default()).await
}

async fn raw_queue(connection: &Connection, name: &str) -> Channel {
    let channel = connection.create_channel().await.expect("a channel");
    let mut arguments = FieldTable::default();
    arguments.insert("x-queue-type".into(), AMQPValue::LongString("quorum".into()));
    let declared = channel.queue_declare(name.into(), QueueDeclareOptions::durable(), arguments).await;
    declared.expect("a queue");
    channel
}

async fn publish_raw(connection: &Connection, name: &str, messages: u32) {
    let channel = raw_queue(connection, name).await;
    channel.confirm_select(ConfirmSelectOptions::default()).await.expect("confirms");
    let publish = |chunk| {
        let (channel, payload) = (&channel, wire::encode(&message(chunk)).expect("bytes"));
        async move {
            let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
            let properties = BasicProperties::default().with_delivery_mode(2);
            let sent = channel.basic_publish("".into(), name.into(), options, &payload, properties).await;
            sent.expect("sent").await.expect("confirmed");
        }
    };
    futures::stream::iter(0..messages).map(publish).buffer_unordered(IN_FLIGHT).collect::<Vec<()>>().await;
}

async fn consume_raw(connection: &Connection, name: &str, messages: u32) {
    let channel = raw_queue(connection, name).await;
    channel.basic_qos(64, BasicQosOptions::default()).await.expect("a prefetch");
    let options = BasicConsumeOptions::default();
    let consumer = channel.basic_consume(name.into(), "".into(), options, FieldTable::default()).await;
    let mut consumer = consumer.expect("a consumer");
    for _ in 0..messages {
        let delivery = consumer.next().await.expect("a message").expect("a message");
        std::hint::black_box(wire::decode::<Message>(&delivery.data, "a message").expect("ours"));
        delivery.ack(BasicAckOptions::default()).await.expect("acknowledged");
    }
    let _ = channel.close(200, "done".into()).await;
}

async fn publish_ours(ours: &Dispatcher, messages: u32) {
    let publish = |chunk| async move { ours.publish(Lane::Bulk, message(chunk)).await.expect("published") };
    futures::stream::iter(0..messages).map(publish).buffer_unordered(IN_FLIGHT).collect::<Vec<()>>().await;
}

async fn consume_ours(ours: &Dispatcher, messages: u32) {
    for _ in 0..messages {
        ours.next().await.expect("a message").done().await;
    }
}
