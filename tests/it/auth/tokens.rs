//! The matrix of tokens: each that is bad, with the exact status and challenge; and keys of the provider that change.

use super::issuer::{Issuer, PUBLIC, now};
use super::keys::{ask, key, mcp};
use crate::http::server::Server;
use aws_lc_rs::hmac;
use aws_lc_rs::signature::KeyPair;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use std::net::TcpListener;
use std::sync::atomic::Ordering;
use tests::signing::{Signing, unsigned};

#[test]
fn every_bad_token_has_its_status_and_challenge() {
    let home = tempfile::tempdir().unwrap();
    let (signing, other) = (Signing::new("one"), Signing::new("one"));
    let issuer = Issuer::start(&signing);
    let server = issuer.server(home.path());
    let good = |more: Value| signing.sign(&signing.header(), &issuer.claims(more));
    let headed = |more: Value| {
        let mut header = signing.header();
        header.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        signing.sign(&header, &issuer.claims(json!({})))
    };
    let hs256 = {
        let text =
            unsigned(&json!({ "alg": "HS256", "typ": "at+jwt", "kid": "one" }), &issuer.claims(json!({})));
        let key = hmac::Key::new(hmac::HMAC_SHA256, signing.pair.public_key().as_ref());
        format!("{text}.{}", URL_SAFE_NO_PAD.encode(hmac::sign(&key, text.as_bytes())))
    };
    let none =
        format!("{}.", unsigned(&json!({ "alg": "none", "typ": "at+jwt" }), &issuer.claims(json!({}))));
    let mut cut = good(json!({}));
    cut.truncate(cut.len() - 6);
    let whole = good(json!({}));
    let swapped = {
        let parts: Vec<&str> = whole.split('.').collect();
        let admin = unsigned(&signing.header(), &issuer.claims(json!({ "tenant": "uni-b" })));
        format!("{admin}.{}", parts[2])
    };
    let matrix = [
        ("garbage", "garbage".to_owned(), "it is no token"),
        ("alg none", none, "it is no token"),
        ("HS256 with the public key", hs256, "it is signed by an algorithm that is not taken"),
        ("another issuer", good(json!({ "iss": "https://evil.example" })), "it is of another issuer"),
        ("another audience", good(json!({ "aud": "https://other.example" })), "it is for another server"),
        (
            "an audience that begins so",
            good(json!({ "aud": format!("{PUBLIC}.evil.example") })),
            "it is for another server",
        ),
        ("expired", good(json!({ "exp": now() - 60 })), "it has expired"),
        ("not yet", good(json!({ "nbf": now() + 600 })), "it does not hold yet"),
        ("no end", good(json!({ "exp": null })), "it lacks one of exp, iss, aud and sub"),
        ("no audience", good(json!({ "aud": null })), "it lacks one of exp, iss, aud and sub"),
        ("nobody", good(json!({ "sub": null })), "it lacks one of exp, iss, aud and sub"),
        ("no issuer", good(json!({ "iss": null })), "it lacks one of exp, iss, aud and sub"),
        ("no tenant", good(json!({ "tenant": null })), "it names no tenant that can be"),
        ("the tenant of this machine", good(json!({ "tenant": "local" })), "it names no tenant that can be"),
        ("a tenant that is a path", good(json!({ "tenant": "../uni-b" })), "it names no tenant that can be"),
        (
            "an identity token",
            headed(json!({ "typ": "JWT" })),
            "it is no access token: its typ is not at+jwt",
        ),
        ("an extension", headed(json!({ "crit": ["b64"] })), "it demands an extension that is not known"),
        (
            "another's key",
            other.sign(&other.header(), &issuer.claims(json!({}))),
            "its signature is not right",
        ),
        ("another's claims", swapped, "its signature is not right"),
        ("cut off", cut, "its signature is not right"),
        (
            "a key that is not there",
            headed(json!({ "kid": "two" })),
            "it is signed by no key of the provider",
        ),
    ];
    let metadata = format!("{PUBLIC}/.well-known/oauth-protected-resource");
    for (what, token, why) in &matrix {
        for (path, scope, metadata) in [
            ("/v1/schedules", "schedules:read", metadata.clone()),
            ("/mcp", "jobs:read scores:read", format!("{metadata}/mcp")),
        ] {
            let answer = if path == "/mcp" {
                mcp(&server, token, "tools/list", json!({}))
            } else {
                ask(&server, token, "GET", path, "")
            };
            let challenge = format!(
                "Bearer error=\"invalid_token\", error_description=\"{why}\", scope=\"{scope}\", resource_metadata=\"{metadata}\""
            );
            assert_eq!(
                (answer.status, answer.header("www-authenticate")),
                (401, challenge.as_str()),
                "{what} {path}"
            );
            assert!(!answer.text().contains(token.as_str()), "{what}: a token is not told back");
        }
    }
    let nothing = server.get("/v1/jobs");
    let challenge = format!("Bearer scope=\"jobs:read\", resource_metadata=\"{metadata}\"");
    assert_eq!((nothing.status, nothing.header("www-authenticate")), (401, challenge.as_str()));
    let in_query = server.get(&format!("/v1/jobs?access_token={whole}"));
    assert_eq!(in_query.status, 401);
    assert!(in_query.header("www-authenticate").contains("error=\"invalid_request\""));
    // Right ones, by each name of this server, and beside keys.
    for audience in [
        json!(PUBLIC),
        json!(format!("{PUBLIC}/mcp")),
        json!(["https://other.example", format!("{PUBLIC}/")]),
    ] {
        let token = good(json!({ "aud": audience }));
        assert_eq!(ask(&server, &token, "GET", "/v1/jobs", "").status, 200, "{audience}");
        assert_eq!(mcp(&server, &token, "tools/list", json!({})).status, 200, "{audience}");
    }
    let key = key(home.path(), "uni-a", "viewer", &[]);
    assert_eq!(ask(&server, &key, "GET", "/v1/jobs", "").status, 200);
    // One that was not given enough is told what would be; a role that is too little is not.
    let import =
        json!({ "name": "scores_import", "arguments": { "name": "a.abc", "content": "X:1\nK:C\nC|" } });
    let small = mcp(&server, &whole, "tools/call", import.clone());
    let challenge = format!(
        "Bearer error=\"insufficient_scope\", scope=\"scores:write\", resource_metadata=\"{metadata}/mcp\""
    );
    assert_eq!((small.status, small.header("www-authenticate")), (403, challenge.as_str()));
    let viewer = good(json!({ "roles": "viewer", "scope": "scores:write" }));
    let refused = mcp(&server, &viewer, "tools/call", import.clone());
    assert_eq!((refused.status, refused.header("www-authenticate")), (403, ""));
    assert_eq!(mcp(&server, &good(json!({ "scope": "scores:write" })), "tools/call", import).status, 200);
    // Whatever was tried stands in no log, of which there was enough.
    let log = std::fs::read_to_string(home.path().join("log")).unwrap();
    assert!(log.contains("answered"), "{log}");
    for (what, token, _) in &matrix {
        assert!(*what == "garbage" || !log.contains(token.as_str()), "the log has the token: {what}");
    }
    assert!(!log.contains(&whole) && !log.contains(key.rsplit('_').next().unwrap()));
}

#[test]
fn keys_of_the_provider_change_and_nobody_makes_it_be_asked_for_ever() {
    let home = tempfile::tempdir().unwrap();
    let (first, second) = (Signing::new("one"), Signing::new("two"));
    let issuer = Issuer::start(&first);
    let server = issuer.server(home.path());
    let status = |signing: &Signing| {
        let token = signing.sign(&signing.header(), &issuer.claims(json!({})));
        ask(&server, &token, "GET", "/v1/jobs", "").status
    };
    assert_eq!((status(&first), status(&first), issuer.asked.load(Ordering::SeqCst)), (200, 200, 1));
    assert_eq!(status(&second), 401);
    issuer.keys.lock().unwrap().push(second.public());
    let before = issuer.asked.load(Ordering::SeqCst);
    assert_eq!((status(&second), issuer.asked.load(Ordering::SeqCst)), (200, before + 1));
    assert_eq!(status(&first), 200);
    // One that is withdrawn opens nothing once the keys are asked for again.
    issuer.keys.lock().unwrap().remove(0);
    assert_eq!(status(&Signing::new("three")), 401);
    assert_eq!(status(&first), 401);
    for index in 0..50 {
        assert_eq!(status(&Signing::new(&format!("k{index}"))), 401);
    }
    assert!(issuer.asked.load(Ordering::SeqCst) <= 6, "{} times", issuer.asked.load(Ordering::SeqCst));
    assert_eq!(status(&second), 200);
}

#[test]
fn anybody_may_ask_who_lets_callers_in() {
    let home = tempfile::tempdir().unwrap();
    let signing = Signing::new("one");
    let issuer = Issuer::start(&signing);
    let server = issuer.server(home.path());
    for (path, resource) in [("", PUBLIC.to_owned()), ("/mcp", format!("{PUBLIC}/mcp"))] {
        let answer = server.get(&format!("/.well-known/oauth-protected-resource{path}"));
        let expected = json!({
            "resource": resource, "authorization_servers": [issuer.url()], "bearer_methods_supported": ["header"],
            "scopes_supported": ["jobs:read", "scores:read"], "resource_name": "Ripieno",
        });
        assert_eq!((answer.status, answer.json()), (200, expected));
    }
    // A provider that is away lets nobody in, and says that it is away, not that the token is wrong.
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let data = home.path().join("other");
    let server = Server::start_with(&data, |command| {
        command.env("RIPIENO_AUTH", "oauth").env("RIPIENO_PUBLIC_URL", PUBLIC);
        command.env("RIPIENO_OAUTH_ISSUER", format!("http://{closed}"));
    });
    let token = signing.sign(&signing.header(), &issuer.claims(json!({})));
    let answer = ask(&server, &token, "GET", "/v1/jobs", "");
    assert!(answer.status == 503 && answer.header("retry-after") == "2", "{}", answer.text());
}
