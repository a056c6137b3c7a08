//! Asking a process on this machine whether it lives, for images in which no other program could ask.

use crate::failure::{Failure, FailureKind};
use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

/// How long each step of asking may take.
const STEP: Duration = Duration::from_secs(2);
/// Bytes of the answer that are read: its first line.
const ANSWER_BYTES: usize = 64;

/// Asks for `path` by HTTP, at the loopback where the process listens everywhere.
///
/// # Errors
/// `unavailable` where nobody answers, or something else than 200.
pub fn ask(mut address: SocketAddr, path: &str) -> Result<(), Failure> {
    if address.ip().is_unspecified() {
        address.set_ip(IpAddr::V4(Ipv4Addr::LOCALHOST));
    }
    let failed =
        |what: String| Failure::new(FailureKind::Unavailable, format!("http://{address}{path}: {what}"));
    let answer = answer(address, path).map_err(|error| failed(error.to_string()))?;
    match answer.split(' ').nth(1) {
        Some("200") => Ok(()),
        _ => Err(failed(format!("it answers {:?}", answer.lines().next().unwrap_or_default()))),
    }
}

fn answer(address: SocketAddr, path: &str) -> io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, STEP)?;
    stream.set_read_timeout(Some(STEP))?;
    stream.set_write_timeout(Some(STEP))?;
    stream.write_all(
        format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").as_bytes(),
    )?;
    let mut answer = Vec::with_capacity(ANSWER_BYTES);
    stream.take(ANSWER_BYTES as u64).read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;
    use std::thread;

    /// Asks somebody who says this.
    fn told(answer: &'static str) -> Result<(), Failure> {
        let listener = TcpListener::bind("0.0.0.0:0").unwrap();
        let address = listener.local_addr().unwrap();
        let answering = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0; 256];
            let read = stream.read(&mut request).unwrap();
            stream.write_all(answer.as_bytes()).unwrap();
            String::from_utf8_lossy(&request[..read]).into_owned()
        });
        let outcome = ask(address, "/live");
        assert!(answering.join().unwrap().starts_with("GET /live HTTP/1.1\r\nHost: localhost\r\n"));
        outcome
    }

    #[test]
    fn only_200_is_alive() {
        told("HTTP/1.1 200 OK\r\n\r\nalive\n").unwrap();
        for dead in ["HTTP/1.1 503 Service Unavailable\r\n\r\n", "HTTP/1.1 2000\r\n\r\n", "", "200"] {
            assert_eq!(told(dead).unwrap_err().kind, FailureKind::Unavailable, "{dead}");
        }
        let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        assert!(ask(nobody, "/live").unwrap_err().message.starts_with(&format!("http://{nobody}/live: ")));
    }
}
