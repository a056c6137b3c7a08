//! Sessions in a Redis that is shared, killed, emptied and slow: at the worst people are logged out, and nobody is let in.

use super::browser::{Browser, server};
use super::issuer::Issuer;
use super::keys::{ask, key};
use crate::http::server::{PATIENCE, Server};
use serde_json::json;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{sleep, spawn};
use std::time::{Duration, Instant};
use tests::signing::Signing;

const SESSION: &str = "__Host-ripieno";
/// What a request may take however Redis is: it waits for it a second at the most.
const AT_MOST: Duration = Duration::from_secs(5);

/// A Redis of one test, which keeps nothing on a disk.
struct Redis {
    child: Child,
    address: SocketAddr,
}

impl Redis {
    fn start(home: &Path) -> Self {
        // A port that was free a moment ago.
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        Redis::start_at(home, address)
    }

    fn start_at(home: &Path, address: SocketAddr) -> Self {
        let port = address.port().to_string();
        let mut command = Command::new("redis-server");
        command.args(["--port", &port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir"]);
        let child = command.arg(home).stdout(Stdio::null()).spawn().expect("redis-server is installed");
        let redis = Redis { child, address };
        let until = Instant::now() + PATIENCE;
        while TcpStream::connect(address).is_err() {
            assert!(Instant::now() < until, "redis-server does not start");
            sleep(Duration::from_millis(20));
        }
        redis
    }

    /// What it answers to a command; as far as it comes at once, which is enough for these.
    fn say(&self, command: &str) -> String {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.write_all(format!("{command}\r\nQUIT\r\n").as_bytes()).unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        text
    }

    fn end(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What stands before a server and holds up what it says.
struct Slow {
    address: SocketAddr,
    by_ms: Arc<AtomicU64>,
}

impl Slow {
    fn before(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let slow = Slow { address: listener.local_addr().unwrap(), by_ms: Arc::default() };
        let by_ms = Arc::clone(&slow.by_ms);
        spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let Ok(there) = TcpStream::connect(server) else { continue };
                let (client_too, there_too) = (client.try_clone().unwrap(), there.try_clone().unwrap());
                spawn(move || carry(client, there, &AtomicU64::new(0)));
                let by_ms = Arc::clone(&by_ms);
                spawn(move || carry(there_too, client_too, &by_ms));
            }
        });
        slow
    }
}

fn carry(mut from: TcpStream, mut to: TcpStream, by_ms: &AtomicU64) {
    let mut bytes = [0; 4096];
    while let Ok(read @ 1..) = from.read(&mut bytes) {
        sleep(Duration::from_millis(by_ms.load(Ordering::SeqCst)));
        if to.write_all(&bytes[..read]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
}

/// The status of a look by a browser, which comes in time whatever it is.
fn look(browser: &mut Browser, server: &Server) -> u16 {
    let began = Instant::now();
    let status = browser.get(server, "/v1/jobs").status;
    assert!(began.elapsed() < AT_MOST, "it took {:?}", began.elapsed());
    status
}

#[test]
fn a_redis_that_is_shared_killed_emptied_and_slow_lets_nobody_in() {
    let home = tempfile::tempdir().unwrap();
    let signing = Signing::new("one");
    let issuer = Issuer::start(&signing);
    let provider = (&issuer, &signing);
    let mut redis = Redis::start(home.path());
    let slow = Slow::before(redis.address);
    let front = |data: &Path| {
        server(&issuer, data, |command| {
            command.env("RIPIENO_REDIS", format!("redis://{}", slow.address)).env("RIPIENO_QUEUES", "site");
        })
    };
    let data = home.path().join("data");
    let (one, other) = (front(&data), front(&data));
    let key = key(&data, "uni-a", "viewer", &[]);
    let bearer = |server: &Server| {
        let began = Instant::now();
        let status = ask(server, &key, "GET", "/v1/jobs", "").status;
        assert!(began.elapsed() < AT_MOST, "a key took {:?}", began.elapsed());
        status
    };
    let is_there = |server: &Server| server.metric("ripieno_redis_connected") == 1;
    let until_there = |wanted: bool| {
        one.until("one is as it shall be", |server| is_there(server) == wanted);
        other.until("the other is as it shall be", |server| is_there(server) == wanted);
    };
    until_there(true);

    // Who logs in at one front is known to the other; what is kept opens nothing and names no number.
    let mut browser = Browser::default();
    let attempt = browser.begin(&one);
    let answer = browser.finish(&other, provider, &attempt, json!({}));
    assert_eq!(answer.status, 303, "{}", answer.text());
    assert_eq!((look(&mut browser, &one), look(&mut browser, &other)), (200, 200));
    let number = browser.0[SESSION].clone();
    let name = format!("site:session:{}", blake3::hash(number.as_bytes()).to_hex());
    assert!(redis.say("KEYS site:session:*").contains(&name));
    let kept = redis.say(&format!("GET {name}"));
    assert!(
        kept.contains("\"tenant\":\"uni-a\"") && !kept.contains(&number) && !kept.contains("eyJ"),
        "{kept}"
    );
    let ttl = redis.say(&format!("TTL {name}"));
    let ttl: u64 = ttl.lines().next().unwrap().trim_start_matches(':').trim().parse().unwrap();
    assert!((1_700..=1_800).contains(&ttl), "{ttl}");

    // Emptied: people are logged out.
    redis.say("FLUSHALL");
    assert_eq!((look(&mut browser, &one), bearer(&one)), (401, 200));
    browser.login(&one, provider);
    // What somebody else put there is nobody.
    redis.say(&format!("SET site:session:{} rubbish", blake3::hash(b"made-up").to_hex()));
    let mut made_up = Browser::default();
    made_up.0.insert(SESSION.to_owned(), "made-up".to_owned());
    assert_eq!((look(&mut made_up, &one), look(&mut browser, &other)), (401, 200));

    // Slow: within its time it is waited for, beyond it nobody is let in, and keys open at once.
    slow.by_ms.store(300, Ordering::SeqCst);
    assert_eq!(look(&mut browser, &one), 200);
    slow.by_ms.store(20_000, Ordering::SeqCst);
    for _ in 0..3 {
        assert_eq!((look(&mut browser, &one), bearer(&one)), (503, 200));
    }
    let mut new = Browser::default();
    let attempt = new.begin(&one);
    let began = Instant::now();
    let answer = new.finish(&one, provider, &attempt, json!({}));
    assert!(
        answer.status == 503 && began.elapsed() < AT_MOST,
        "{} after {:?}",
        answer.status,
        began.elapsed()
    );
    slow.by_ms.store(0, Ordering::SeqCst);
    one.until("it is heard again", |server| browser.clone().get(server, "/v1/jobs").status == 200);

    // Killed: nobody is let in, and nobody waits; a new one knows nobody.
    redis.end();
    until_there(false);
    assert_eq!((look(&mut browser, &one), bearer(&one), bearer(&other)), (503, 200, 200));
    let mut late = Browser::default();
    let attempt = late.begin(&one);
    let answer = late.finish(&one, provider, &attempt, json!({}));
    assert!(answer.status == 503 && !late.0.contains_key(SESSION), "{}", answer.text());
    let _redis = Redis::start_at(home.path(), redis.address);
    until_there(true);
    assert_eq!((look(&mut browser, &one), look(&mut browser, &other)), (401, 401));
    late.login(&other, provider);
    assert_eq!(look(&mut late, &one), 200);
}
