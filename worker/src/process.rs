//! The process of a worker in a cluster: from its environment to its end.

use crate::apart::{self, Apart};
use crate::cache::Cache;
use crate::consume::{PREFETCH, Reconciler, Worker};
use crate::watch;
use shared::config;
use shared::dispatch::Dispatcher;
use shared::dispatch::rabbitmq::RabbitMq;
use shared::failure::{Failure, FailureKind};
use shared::ledger::Ledger;
use shared::{live, metrics, telemetry};
use std::net::SocketAddr;
use std::num::NonZero;
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::timeout;

/// It was asked to stop, and did.
const STOPPED: u8 = 0;
/// Its environment was wrong.
const USAGE: u8 = 1;
/// It could not begin.
const FAILED: u8 = 3;

/// How long chunks in work may take to end once the process is asked to stop; then they are given back. Together with
/// saying so it is less than ten seconds.
const DRAIN: Duration = Duration::from_secs(6);
/// How long giving back may take.
const GIVE_BACK: Duration = Duration::from_secs(2);
/// Threads that wait for the disk. Each that has ever been keeps memory of its own.
const BLOCKING_THREADS_MAX: usize = 4;

/// Runs a worker as the environment says, or, where `arguments` say so, one that works apart; says the exit code.
pub fn main(arguments: &[String]) -> u8 {
    // A panic that was caught is told in the log, where the operator looks.
    std::panic::set_hook(Box::new(|panic| tracing::error!(%panic, "panic")));
    telemetry::start();
    match arguments {
        [] => {}
        [command] if command == apart::COMMAND => return apart::run(),
        [command] if command == "live" => return ended(ask()),
        _ => {
            tracing::error!(
                "ripieno-worker takes no arguments but `live`, which asks one that works at RIPIENO_METRICS whether it \
                 lives: RIPIENO_BROKER and RIPIENO_STORE say what to work on"
            );
            return USAGE;
        }
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .max_blocking_threads(BLOCKING_THREADS_MAX)
        .enable_all()
        .build();
    let outcome = match runtime {
        Ok(runtime) => runtime.block_on(work()),
        Err(error) => Err(Failure::new(FailureKind::Unavailable, format!("no threads: {error}"))),
    };
    ended(outcome)
}

/// The exit code for how it ended.
fn ended(outcome: Result<(), Failure>) -> u8 {
    match outcome {
        Ok(()) => STOPPED,
        Err(failure) => {
            tracing::error!(%failure, "the worker failed");
            match failure.kind {
                FailureKind::Malformed | FailureKind::Unsupported => USAGE,
                _ => FAILED,
            }
        }
    }
}

async fn work() -> Result<(), Failure> {
    let unset = || Failure::new(FailureKind::Malformed, "set RIPIENO_BROKER and RIPIENO_STORE");
    let cluster = config::cluster()?.ok_or_else(unset)?;
    let limits = config::limits()?;
    let dispatcher = Dispatcher::RabbitMq(RabbitMq::new(&cluster.broker, &cluster.queues, PREFETCH)?);
    let mut stop = Stop::new()?;
    let ledger = tokio::select! {
        ledger = Ledger::at_url(&cluster.store) => ledger?,
        () = stop.asked() => return Ok(()),
    };
    let cache = Cache::open(&config::cache_folder(), limits.cache_bytes_max);
    metrics::CACHE_IN_USE.set(u64::from(cache.is_some()));
    let threads = std::thread::available_parallelism().map_or(1, NonZero::get);
    let worker = Worker::new(ledger.clone(), dispatcher.clone(), cache.map(Arc::new), limits, threads)?;
    let worker = Arc::new(worker.with_apart(Apart::this_program()));
    let mut working = tokio::spawn(Arc::clone(&worker).run());
    let reconciler = Reconciler::new(ledger, dispatcher.clone());
    let reconciling = tokio::spawn(async { reconciler.await.run().await });
    let watched = watched(&dispatcher)?;
    tracing::info!(threads, "working");
    tokio::select! {
        () = stop.asked() => {}
        failure = watched => return failure,
    }
    tracing::info!("stopping");
    reconciling.abort();
    dispatcher.close();
    if timeout(DRAIN, &mut working).await.is_err() {
        worker.abandon();
        let _ = timeout(GIVE_BACK, working).await;
    }
    let _ = timeout(GIVE_BACK, dispatcher.leave()).await;
    Ok(())
}

/// Where those who watch a worker may ask it.
fn watched_at() -> Result<Option<SocketAddr>, Failure> {
    let address = config::var("RIPIENO_METRICS").map(|text| {
        let wrong =
            || Failure::new(FailureKind::Malformed, format!("RIPIENO_METRICS={text:?} is no address"));
        text.parse().map_err(|_| wrong())
    });
    address.transpose()
}

/// Asks the worker of this environment whether it lives.
fn ask() -> Result<(), Failure> {
    let unset = || Failure::new(FailureKind::Malformed, "set RIPIENO_METRICS, as the worker has it");
    live::ask(watched_at()?.ok_or_else(unset)?, "/live")
}

/// Answers those who watch the process, if anybody may; ends only when that fails.
fn watched(dispatcher: &Dispatcher) -> Result<impl Future<Output = Result<(), Failure>> + use<>, Failure> {
    let (address, dispatcher) = (watched_at()?, dispatcher.clone());
    Ok(async move {
        match address {
            Some(address) => watch::serve(address, dispatcher).await,
            None => std::future::pending().await,
        }
    })
}

/// The signals that ask for an end.
struct Stop {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

impl Stop {
    fn new() -> Result<Self, Failure> {
        let unavailable = |error| Failure::new(FailureKind::Unavailable, format!("no signals: {error}"));
        let interrupt = signal(SignalKind::interrupt()).map_err(unavailable)?;
        let terminate = signal(SignalKind::terminate()).map_err(unavailable)?;
        Ok(Stop { interrupt, terminate })
    }

    async fn asked(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
