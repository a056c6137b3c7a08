//! A front that speaks by TLS.

use super::server::{PATIENCE, Server};
use crate::auth::keys::key;
use crate::support::{certify, finish, ripieno};
use std::fs;
use std::io::{Read, Write};
use std::net::Ipv4Addr;
use std::path::Path;
use std::time::Instant;

/// `ripieno --server URL jobs`, which believes this authority; says the exit code and what it said.
fn jobs(server: &Server, key: &str, authority: &Path) -> (i32, String) {
    let mut command = ripieno(Path::new("unused"));
    command.env("SSL_CERT_FILE", authority).env("RIPIENO_TOKEN", key);
    let (code, _, errors) =
        finish(command.args(["--server", &format!("https://{}", server.address), "jobs"]));
    (code, errors)
}

#[test]
fn a_front_by_tls_shows_its_certificate_and_takes_a_new_one_as_it_runs() {
    let home = tempfile::tempdir().unwrap();
    let (data, files) = (home.path().join("data"), home.path().join("tls"));
    let authorities = ["first", "second"].map(|name| home.path().join(name));
    for folder in authorities.iter().chain([&files]) {
        fs::create_dir(folder).unwrap();
    }
    for folder in &authorities {
        certify(folder, "ca");
        certify(folder, "front");
    }
    let install = |from: &Path| {
        for name in ["front.pem", "front.key"] {
            fs::copy(from.join(name), files.join(name)).unwrap();
        }
    };
    install(&authorities[0]);
    let server = Server::start_with(&data, |command| {
        command.env("RIPIENO_AUTH", "keys").env("RIPIENO_TLS_CERTIFICATE_FILE", files.join("front.pem"));
        command.env("RIPIENO_TLS_KEY_FILE", files.join("front.key"));
    });
    let key = key(&data, "uni-a", "analyst", &[]);
    let [first, second] = authorities.each_ref().map(|folder| folder.join("ca.pem"));
    assert_eq!(jobs(&server, &key, &first), (0, String::new()));
    let (code, errors) = jobs(&server, &key, &second);
    assert!(code == 3 && errors.contains("unavailable"), "{code} {errors}");

    // Another certificate, by another authority.
    install(&authorities[1]);
    let until = Instant::now() + PATIENCE;
    while jobs(&server, &key, &second).0 != 0 {
        assert!(Instant::now() < until, "the new certificate is not taken");
    }
    assert_eq!(jobs(&server, &key, &first).0, 3);
    // One that is none changes nothing.
    fs::write(files.join("front.pem"), "none").unwrap();
    std::thread::sleep(std::time::Duration::from_secs(3));
    assert_eq!(jobs(&server, &key, &second), (0, String::new()));

    // Who watches it from this machine may ask without.
    assert_eq!(server.ask("GET", "/health/live", &[], "").status, 200);
    let live = ripieno(&data).args(["live", &server.address.to_string()]).status().unwrap();
    assert!(live.success());
    // Garbage in a handshake ends its connection.
    let mut stream = server.connect();
    stream.write_all(&[0x16, 3, 1, 0, 5, 1, 0, 0, 1, 0]).unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    assert!(!answer.starts_with(b"HTTP"), "{answer:?}");
}

#[test]
fn from_elsewhere_nobody_is_answered_without_tls() {
    let Some(here) = elsewhere() else {
        println!("skipped: this machine has no address but the loopback");
        return;
    };
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("data");
    certify(home.path(), "ca");
    certify(home.path(), "front");
    let server = Server::start_at("0.0.0.0:0", &data, |command| {
        command.env("RIPIENO_AUTH", "keys");
        command.env("RIPIENO_TLS_CERTIFICATE_FILE", home.path().join("front.pem"));
        command.env("RIPIENO_TLS_KEY_FILE", home.path().join("front.key"));
    });
    let mut stream = std::net::TcpStream::connect((here, server.address.port())).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    assert!(!answer.starts_with(b"HTTP"), "{}", String::from_utf8_lossy(&answer));
}

/// An address of this machine beside the loopback.
fn elsewhere() -> Option<Ipv4Addr> {
    // Nothing is sent: the system only says from where it would.
    let socket = std::net::UdpSocket::bind("0.0.0.0:0").ok()?;
    socket.connect("192.0.2.1:9").ok()?;
    match socket.local_addr().ok()?.ip() {
        std::net::IpAddr::V4(address) if !address.is_loopback() => Some(address),
        _ => None,
    }
}

#[test]
fn files_that_cannot_be_read_are_named_at_the_start() {
    let home = tempfile::tempdir().unwrap();
    certify(home.path(), "ca");
    let at = |name: &str| home.path().join(name);
    fs::write(at("none.pem"), "none").unwrap();
    for (certificate, key, said) in [
        ("ca.pem", None, "belong together"),
        ("missing.pem", Some("ca.key"), "missing.pem: "),
        ("none.pem", Some("ca.key"), "none.pem: it has no certificate"),
        ("ca.pem", Some("none.pem"), "none.pem: "),
    ] {
        let mut command = ripieno(&at("data"));
        command.args(["serve", "--listen", "127.0.0.1:0"]).env_remove("RIPIENO_SERVER");
        command.env("RIPIENO_TLS_CERTIFICATE_FILE", at(certificate));
        command.envs(key.map(|key| ("RIPIENO_TLS_KEY_FILE", at(key))));
        let (code, text, errors) = finish(&mut command);
        assert!(code == 1 && errors.contains("malformed") && errors.contains(said), "{code} {text}{errors}");
    }
}
