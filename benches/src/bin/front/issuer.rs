//! A provider of access tokens, in the process of whoever asks.

use axum::routing::get;
use axum::{Json, Router};
use serde_json::json;
use shared::clock::now_ms;
use std::net::SocketAddr;
use tests::signing::Signing;
use tokio::net::TcpListener;

/// What the server is called that the tokens are for.
pub(crate) const PUBLIC: &str = "https://ripieno.example";

pub(crate) struct Issuer {
    address: SocketAddr,
    signing: Signing,
}

impl Issuer {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let issuer = Issuer { address, signing: Signing::new("one") };
        let metadata = json!({ "issuer": issuer.url(), "jwks_uri": format!("{}/keys", issuer.url()) });
        let keys = json!({ "keys": [issuer.signing.public()] });
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(async move || Json(metadata)))
            .route("/keys", get(async move || Json(keys)));
        tokio::spawn(async move { axum::serve(listener, router).await });
        issuer
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// An access token for an hour, like no other.
    pub(crate) fn token(&self, subject: &str, tenant: &str) -> String {
        let claims = json!({
            "iss": self.url(), "aud": PUBLIC, "sub": subject, "exp": now_ms() / 1_000 + 3_600,
            "tenant": tenant, "roles": ["analyst"], "scope": "jobs:read jobs:write scores:read",
        });
        self.signing.sign(&self.signing.header(), &claims)
    }
}
