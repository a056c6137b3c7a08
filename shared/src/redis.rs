//! A Redis, where one is named: what several fronts had better share and can do without. It may be away, slow or empty at any
//! time, so nothing is kept in it that anybody depends on.
//!
//! One connection carries all commands. A task looks after it: it connects anew when it breaks, and asks once a second
//! whether it still answers. Without a connection a command fails at once; with one it fails after a bounded time.

use crate::config;
use crate::dispatch::jittered;
use crate::failure::{Failure, FailureKind};
use crate::limits::Limits;
use crate::metrics;
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, RedisError};
pub use redis::{Cmd, FromRedisValue, cmd};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

/// How long a connection may take to be made, and to answer when it is asked whether it lives.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// How often it is asked.
const ASKED_EVERY: Duration = Duration::from_secs(1);
/// Waits between tries to connect: the first, and what they double to.
const RECONNECT_FIRST: Duration = Duration::from_millis(100);
const RECONNECT_MAX: Duration = Duration::from_secs(2);

/// A Redis; clones have the same connection. The last one that goes closes it.
#[derive(Clone)]
pub struct Redis {
    connection: watch::Receiver<Option<MultiplexedConnection>>,
    broken: Arc<Notify>,
    prefix: Arc<str>,
    within: Duration,
    _supervisor: Arc<JoinSet<()>>,
}

impl fmt::Debug for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redis")
            .field("prefix", &self.prefix)
            .field("within", &self.within)
            .finish_non_exhaustive()
    }
}

impl Redis {
    /// The Redis that `RIPIENO_REDIS` names, if it names one. It need not be there yet.
    ///
    /// # Errors
    /// `malformed` for what is no address of a Redis.
    pub fn from_environment(limits: &Limits) -> Result<Option<Self>, Failure> {
        let Some(url) = config::var("RIPIENO_REDIS") else { return Ok(None) };
        let within = Duration::from_millis(limits.redis_milliseconds_max);
        Redis::at(&url, &config::queues(), within).map(Some)
    }

    /// The Redis at `url`, whose keys begin with `prefix`; a command may take `within`. Must be called in a runtime.
    ///
    /// # Errors
    /// `malformed` for what is no address of a Redis.
    pub fn at(url: &str, prefix: &str, within: Duration) -> Result<Self, Failure> {
        // The address may hold a password, and is not told.
        let wrong = |error: RedisError| {
            let message = format!("RIPIENO_REDIS is no redis://user:password@host:port/number: {error}");
            Failure::new(FailureKind::Malformed, message)
        };
        let client = Client::open(url).map_err(wrong)?;
        let (sender, connection) = watch::channel(None);
        let broken = Arc::new(Notify::new());
        let mut supervisor = JoinSet::new();
        supervisor.spawn(supervise(client, sender, broken.clone()));
        Ok(Redis { connection, broken, prefix: prefix.into(), within, _supervisor: Arc::new(supervisor) })
    }

    /// The same Redis, with another time for a command.
    #[must_use]
    pub fn within(&self, within: Duration) -> Self {
        Redis { within, ..self.clone() }
    }

    /// A key of this installation: its prefix and these parts, with colons.
    #[must_use]
    pub fn key(&self, parts: &[&str]) -> String {
        parts.iter().fold(self.prefix.to_string(), |key, part| key + ":" + part)
    }

    /// Asks for one command. One that failed may have been done all the same.
    ///
    /// # Errors
    /// `unavailable` where there is no connection or no answer in time, `internal` for what Redis refuses to do.
    pub async fn ask<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, Failure> {
        let asked = self.asked(command).await;
        if asked.is_err() {
            metrics::REDIS_FAILURES.increase();
        }
        asked
    }

    async fn asked<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, Failure> {
        let Some(mut connection) = self.connection.borrow().clone() else {
            return Err(away("there is no connection to Redis"));
        };
        match timeout(self.within, command.query_async(&mut connection)).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) if error.is_unrecoverable_error() => {
                self.broken.notify_one();
                Err(away(format!("Redis: {error}")))
            }
            Ok(Err(error)) if error.is_timeout() => Err(away(format!("Redis: {error}"))),
            Ok(Err(error)) => Err(Failure::new(FailureKind::Internal, format!("Redis: {error}"))),
            Err(_) => Err(away(format!("Redis did not answer within {} ms", self.within.as_millis()))),
        }
    }

    /// Waits until there is a connection, but no longer than this; says whether there is one.
    pub async fn is_there_within(&self, most: Duration) -> bool {
        let mut connection = self.connection.clone();
        let there = connection.wait_for(Option::is_some);
        matches!(timeout(most, there).await, Ok(Ok(_)))
    }
}

fn away(message: impl Into<String>) -> Failure {
    Failure::new(FailureKind::Unavailable, message)
}

/// Has a connection be there, for as long as anybody wants one.
async fn supervise(client: Client, slot: watch::Sender<Option<MultiplexedConnection>>, broken: Arc<Notify>) {
    let (mut wait, mut told) = (RECONNECT_FIRST, String::new());
    loop {
        let why = match connect(&client).await {
            Ok(connection) => {
                if !told.is_empty() {
                    tracing::warn!("Redis is there again");
                }
                (wait, told) = (RECONNECT_FIRST, String::new());
                metrics::REDIS_CONNECTED.set(1);
                slot.send_replace(Some(connection.clone()));
                let why = until_broken(connection, &broken).await;
                slot.send_replace(None);
                metrics::REDIS_CONNECTED.set(0);
                why
            }
            Err(error) => error.to_string(),
        };
        // Once for each reason: it may be away for hours.
        if why != told {
            tracing::warn!(%why, "no connection to Redis: each front counts for itself");
            told = why;
        }
        sleep(jittered(wait)).await;
        wait = (wait * 2).min(RECONNECT_MAX);
    }
}

async fn connect(client: &Client) -> Result<MultiplexedConnection, RedisError> {
    // Who asks has a time of its own.
    let config =
        AsyncConnectionConfig::new().set_connection_timeout(Some(CONNECT_TIMEOUT)).set_response_timeout(None);
    let connecting = client.get_multiplexed_async_connection_with_config(&config);
    match timeout(CONNECT_TIMEOUT, connecting).await {
        Ok(connected) => connected,
        Err(_) => Err(std::io::Error::from(std::io::ErrorKind::TimedOut).into()),
    }
}

/// Waits until a connection is no good any more; says why.
async fn until_broken(mut connection: MultiplexedConnection, broken: &Notify) -> String {
    loop {
        // What was told of the connection before this one is told of this one too: asking it costs little.
        let _ = timeout(ASKED_EVERY, broken.notified()).await;
        let lives = cmd("PING");
        match timeout(CONNECT_TIMEOUT, lives.query_async::<()>(&mut connection)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return error.to_string(),
            Err(_) => return format!("no answer within {} s", CONNECT_TIMEOUT.as_secs()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;
    use tokio::net::TcpListener;

    const WITHIN: Duration = Duration::from_millis(50);

    #[tokio::test]
    async fn an_address_that_is_none_is_told_without_its_password() {
        for url in ["http://host", "redis", "redis://user:secret@"] {
            let failure = Redis::at(url, "ripieno", WITHIN).unwrap_err();
            assert!(failure.message.starts_with("RIPIENO_REDIS is no redis://"), "{url}: {failure}");
            assert!(
                failure.kind == FailureKind::Malformed && !failure.message.contains("secret"),
                "{failure}"
            );
        }
    }

    #[tokio::test]
    async fn nobody_waits_for_a_redis_that_is_away_or_does_not_answer() {
        // One that nobody listens at, and one that takes connections and says nothing.
        let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let gone = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        for address in [gone, silent.local_addr().unwrap()] {
            let redis = Redis::at(&format!("redis://{address}"), "ripieno", WITHIN).unwrap();
            let asked = Instant::now();
            let failure = redis.ask::<()>(&cmd("PING")).await.unwrap_err();
            assert_eq!(failure.kind, FailureKind::Unavailable);
            assert!(asked.elapsed() < Duration::from_secs(1), "{:?}", asked.elapsed());
            assert!(!redis.is_there_within(WITHIN).await);
        }
    }

    #[tokio::test]
    async fn keys_begin_with_the_name_of_the_installation() {
        let redis = Redis::at("redis://127.0.0.1:1", "site", WITHIN).unwrap();
        assert_eq!(redis.key(&["rate", "uni-a"]), "site:rate:uni-a");
        assert_eq!(redis.within(Duration::from_secs(1)).key(&[]), "site");
    }
}
