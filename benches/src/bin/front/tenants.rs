//! Tenants with keys or tokens, at a server that wants them.

use super::issuer::{Issuer, PUBLIC};
use super::load::{by, connect, exchange, post};
use super::server::{Home, Server};
use api::auth::keys::{Keys, Wanted};
use serde_json::{Value, json};
use shared::ledger::Ledger;
use shared::principal::Role;
use std::time::Duration;
use tokio::net::TcpStream;

/// Starts a server that wants keys or, where there is an issuer, its tokens, and lets tenants ask as often and have as much as they like.
pub(crate) fn server(home: &Home, connections: usize, issuer: Option<&Issuer>) -> Server {
    let (connections, scores) = ((connections + 100).to_string(), home.scores().display().to_string());
    let url = issuer.map(Issuer::url);
    let mut more = vec![
        ("RIPIENO_AUTH", if url.is_some() { "oauth" } else { "keys" }),
        ("RIPIENO_SOURCES", scores.as_str()),
        ("RIPIENO_CONNECTIONS_MAX", connections.as_str()),
        ("RIPIENO_TENANT_REQUESTS_PER_SECOND_MAX", "1000000"),
        // Nobody is sent away for asking rarely.
        ("RIPIENO_REQUEST_SECONDS_MAX", "600"),
    ];
    if let Some(url) = &url {
        more.extend([("RIPIENO_OAUTH_ISSUER", url.as_str()), ("RIPIENO_PUBLIC_URL", PUBLIC)]);
    }
    Server::start(home, &more)
}

/// Makes a key of a tenant.
pub(crate) async fn key(home: &Home, tenant: &str) -> String {
    let ledger = Ledger::in_folder(&home.data().join("ledger")).await.expect("a ledger");
    let (tenant, name) = (tenant.to_owned(), "bench".to_owned());
    let wanted =
        Wanted { tenant, name, role: Role::Admin, scopes: Vec::new(), lasts: Duration::from_secs(86_400) };
    Keys::of(&ledger).add(&wanted).await.expect("a key").1
}

/// Posts something and says what was made.
pub(crate) async fn made(stream: &mut TcpStream, key: &str, path: &str, headers: &str, body: &str) -> Value {
    let (head, body) = exchange(stream, &by(key, &post(path, headers, body))).await.expect("it is answered");
    assert!(head.starts_with("http/1.1 20"), "{head} {}", String::from_utf8_lossy(&body));
    let location = head.lines().find_map(|line| line.strip_prefix("location: ")).unwrap_or_default();
    serde_json::from_slice(&body).unwrap_or_else(|_| json!({ "location": location }))
}

/// Submits a job of the one score; says its handle.
pub(crate) async fn job(home: &Home, server: &Server, key: &str, number: usize) -> String {
    let body = json!({ "sources": [home.scores()], "analyses": ["ambitus"] }).to_string();
    let headers = format!("Idempotency-Key: bench-{number}\r\n");
    let made = made(&mut connect(server.address).await, key, "/v1/jobs", &headers, &body).await;
    made["id"].as_str().expect("a handle").to_owned()
}
