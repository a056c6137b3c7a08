//! The depth of all lanes, asked of RabbitMQ's management interface as KEDA asks it: `useRegex`, `operation: sum`.

use std::net::Ipv4Addr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// `guest:guest`, in base 64.
const GUEST: &str = "Z3Vlc3Q6Z3Vlc3Q=";

/// Messages of all lanes, those that are in work too; nothing while there is no answer.
pub async fn depth(port: u16, queues: &str) -> Option<u64> {
    let name = format!("%5E{queues}%5C.%28interactive%7Csuspect%7Cbulk%29%24");
    let path = format!("/api/queues/%2F?page=1&use_regex=true&pagination=false&name={name}&page_size=100");
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.ok()?;
    let request = format!("GET {path} HTTP/1.0\r\nHost: localhost\r\nAuthorization: Basic {GUEST}\r\n\r\n");
    stream.write_all(request.as_bytes()).await.ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.ok()?;
    let (_, body) = answer.split_once("\r\n\r\n")?;
    let answer: serde_json::Value = serde_json::from_str(body).ok()?;
    let items = answer["items"].as_array()?;
    // A queue that was just made has not told its depth yet.
    Some(items.iter().map(|queue| queue["messages"].as_u64().unwrap_or(0)).sum())
}
