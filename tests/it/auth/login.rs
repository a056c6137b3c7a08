//! Logging in by browser: there, around and out; and every answer of a provider that lets nobody in.

use super::browser::{Browser, OWN, identity, server};
use super::issuer::{CLIENT, Issuer, PUBLIC, SECRET, fields, now};
use super::keys::{key, mcp};
use crate::support::{finish, ripieno};
use aws_lc_rs::hmac;
use aws_lc_rs::signature::KeyPair;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;
use tests::signing::{Signing, unsigned};

const SESSION: &str = "__Host-ripieno";
const ATTEMPT: &str = "__Host-ripieno-login";

#[test]
fn a_browser_logs_in_looks_around_and_logs_out() {
    let home = tempfile::tempdir().unwrap();
    let signing = Signing::new("one");
    let issuer = Issuer::start(&signing);
    let server = server(&issuer, home.path(), |_| {});
    let mut browser = Browser::default();
    let nobody = browser.get(&server, "/session");
    assert!(nobody.status == 401 && nobody.text().contains("href=\"/login\""), "{}", nobody.text());

    let begun = browser.get(&server, "/login");
    let (at, query) = begun.header("location").split_once('?').unwrap();
    assert_eq!((begun.status, at.to_owned()), (303, format!("{}/authorize", issuer.url())));
    let asked = fields(query);
    for (name, value) in [
        ("a", "b"),
        ("response_type", "code"),
        ("client_id", CLIENT),
        ("redirect_uri", &format!("{PUBLIC}/login/callback")),
        ("scope", "openid"),
        ("code_challenge_method", "S256"),
    ] {
        assert_eq!(asked[name], value);
    }
    let cookie = begun.header("set-cookie");
    assert!(cookie.ends_with("; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=600"), "{cookie}");
    assert!(
        asked.values().all(|value| !value.contains(&browser.0[ATTEMPT])),
        "the number stays in the browser"
    );

    let attempt = browser.begin(&server);
    let subject = json!({ "sub": "ada <b>", "roles": ["viewer"] });
    let done = browser.finish(&server, (&issuer, &signing), &attempt, subject);
    assert_eq!(
        (done.status, done.header("location"), done.header("cache-control")),
        (303, "/session", "no-store")
    );
    let first = done.header("set-cookie").lines().next().unwrap().to_owned();
    assert!(
        first.starts_with(&format!("{SESSION}="))
            && first.ends_with("; Path=/; HttpOnly; SameSite=Lax; Secure")
    );
    assert_eq!(browser.0.keys().collect::<Vec<_>>(), [SESSION]);

    let page = browser.get(&server, "/session");
    let text = page.text();
    for said in ["ada &lt;b&gt;", "uni-a", "viewer", "look at jobs", "/v1/jobs", "action=\"/logout\""] {
        assert!(text.contains(said), "{said}: {text}");
    }
    assert!(!text.contains("<script") && !text.contains("upload and delete"), "{text}");
    let policy = page.header("content-security-policy");
    let form = format!("form-action 'self' {};", issuer.url());
    assert!(
        policy.starts_with("default-src 'none'; style-src 'sha256-") && policy.contains(&form),
        "{policy}"
    );

    let jobs = browser.get(&server, "/v1/jobs");
    assert_eq!((jobs.status, jobs.header("x-content-type-options")), (200, "nosniff"));
    assert_eq!(jobs.header("content-security-policy"), "default-src 'none'; frame-ancestors 'none'");
    assert_eq!(browser.get(&server, "/openapi.json").status, 200);
    assert_eq!(server.get("/v1/jobs").status, 401);
    // Programs of MCP have tokens; and who shows a token is whom it is of.
    let number = format!("{SESSION}={}", browser.0[SESSION]);
    assert_eq!(server.ask("POST", "/mcp", &[("Cookie", &number), OWN[0], OWN[1]], "{}").status, 401);
    assert_eq!(browser.ask(&server, "GET", "/v1/jobs", &[("Authorization", "Bearer x")]).status, 401);
    let twice = format!("{number}; {number}");
    assert_eq!(server.ask("GET", "/v1/jobs", &[("Cookie", &twice)], "").status, 401);

    let record = |operation: &str| {
        let (code, text, errors) = finish(ripieno(home.path()).args(["audit", "export", "uni-a"]));
        assert_eq!(code, 0, "{errors}");
        text.matches(&format!("\"operation\":\"{operation}\"")).count()
    };
    assert_eq!((record("login"), record("logout")), (1, 0));
    for none in [&[][..], &[("Origin", "https://evil.example")], &[("Sec-Fetch-Site", "same-site")]] {
        assert_eq!(browser.ask(&server, "POST", "/logout", none).status, 403, "{none:?}");
    }
    assert_eq!(browser.get(&server, "/logout").status, 405);
    assert_eq!(browser.get(&server, "/v1/jobs").status, 200);
    let out = browser.ask(&server, "POST", "/logout", &OWN);
    let (at, query) = out.header("location").split_once('?').unwrap();
    assert_eq!((out.status, at.to_owned()), (303, format!("{}/end", issuer.url())));
    assert_eq!(fields(query)["post_logout_redirect_uri"], format!("{PUBLIC}/session"));
    assert!(browser.0.is_empty() && record("logout") == 1);
    let over = server.ask("GET", "/v1/jobs", &[("Cookie", &number)], "");
    assert!(over.status == 401 && over.text().contains("log in again"), "{}", over.text());

    // Nothing that opens anything stands in the log.
    let log = std::fs::read_to_string(home.path().join("log")).unwrap();
    let (number, state) = (number.split_once('=').unwrap().1, &attempt.0["state"]);
    for secret in [number, SECRET, state.as_str(), "code-"] {
        assert!(log.contains("answered") && !log.contains(secret), "{secret}");
    }
}

#[test]
fn a_page_of_another_site_changes_nothing() {
    let home = tempfile::tempdir().unwrap();
    let signing = Signing::new("one");
    let issuer = Issuer::start(&signing);
    let server = server(&issuer, home.path(), |_| {});
    let mut browser = Browser::default();
    browser.login(&server, (&issuer, &signing));
    for (method, path, done) in [
        ("POST", "/v1/jobs/job-aaaaaaaaaaaaaaaa/cancel", 404),
        ("DELETE", "/v1/scores/score-aaaaaaaaaaaaaaaa", 404),
        ("DELETE", "/v1/schedules/nightly", 404),
    ] {
        for (headers, status) in [
            (&[][..], 403),
            (&[("Origin", "https://evil.example")], 403),
            (&[("Origin", "null")], 403),
            (&[("Sec-Fetch-Site", "cross-site")], 403),
            (&[("Sec-Fetch-Site", "same-site")], 403),
            (&[("Sec-Fetch-Site", "none")], 403),
            (&[("Origin", PUBLIC), ("Sec-Fetch-Site", "cross-site")], 403),
            (&[("Origin", "https://evil.example"), ("Sec-Fetch-Site", "same-origin")], 403),
            (&[("Origin", PUBLIC)], done),
            (&[("Sec-Fetch-Site", "same-origin")], done),
            (&OWN, done),
        ] {
            let answer = browser.ask(&server, method, path, headers);
            assert_eq!(answer.status, status, "{method} {path} {headers:?}: {}", answer.text());
        }
    }
    // The role bounds a session as it bounds a token.
    let attempt = browser.begin(&server);
    browser.finish(&server, (&issuer, &signing), &attempt, json!({ "roles": "viewer" }));
    let refused = browser.ask(&server, "DELETE", "/v1/scores/score-aaaaaaaaaaaaaaaa", &OWN);
    assert!(refused.status == 403 && refused.text().contains("needs a role"), "{}", refused.text());
}

#[test]
fn every_bad_answer_of_a_provider_lets_nobody_in() {
    let home = tempfile::tempdir().unwrap();
    let (signing, other) = (Signing::new("one"), Signing::new("one"));
    let issuer = Issuer::start(&signing);
    let server = server(&issuer, home.path(), |_| {});
    let provider = (&issuer, &signing);
    let refused = |answer: &crate::http::server::Answer, browser: &Browser, what: &str, why: &str| {
        assert!(
            answer.status == 403 && answer.text().contains(why),
            "{what}: {} {}",
            answer.status,
            answer.text()
        );
        assert!(!browser.0.contains_key(SESSION), "{what}");
    };
    for (what, claims, why) in [
        ("of another attempt", json!({ "nonce": "x" }), "for another attempt"),
        ("of no attempt", json!({ "nonce": null }), "for another attempt"),
        ("for another program", json!({ "aud": "other" }), "it is for another server"),
        ("for an API", json!({ "aud": PUBLIC }), "it is for another server"),
        ("for several, given to nobody", json!({ "aud": [CLIENT, "other"] }), "to another program"),
        ("given to another", json!({ "azp": "other" }), "to another program"),
        ("of another issuer", json!({ "iss": "https://evil.example" }), "of another issuer"),
        ("expired", json!({ "exp": now() - 60 }), "it has expired"),
        ("without an end", json!({ "exp": null }), "it lacks one of"),
        ("of nobody", json!({ "sub": null }), "it lacks one of"),
        ("without a tenant", json!({ "tenant": null }), "no tenant that can be"),
        ("of the tenant of this machine", json!({ "tenant": "local" }), "no tenant that can be"),
    ] {
        let mut browser = Browser::default();
        let attempt = browser.begin(&server);
        let answer = browser.finish(&server, provider, &attempt, claims);
        refused(&answer, &browser, what, why);
    }
    let header = |more: serde_json::Value| {
        let mut header = json!({ "alg": "ES256", "kid": "one" });
        header.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        header
    };
    for (what, why) in [
        ("an access token", "no identity token"),
        ("by another's key", "signature is not right"),
        ("by the public key", "algorithm that is not taken"),
        ("by nobody", "it is no token"),
    ] {
        let mut browser = Browser::default();
        let attempt = browser.begin(&server);
        let claims = identity(&issuer, &attempt, json!({}));
        let token = match what {
            "an access token" => signing.sign(&signing.header(), &claims),
            "by another's key" => other.sign(&header(json!({})), &claims),
            "by the public key" => {
                let text = unsigned(&header(json!({ "alg": "HS256" })), &claims);
                let key = hmac::Key::new(hmac::HMAC_SHA256, signing.pair.public_key().as_ref());
                format!("{text}.{}", URL_SAFE_NO_PAD.encode(hmac::sign(&key, text.as_bytes())))
            }
            _ => format!("{}.", unsigned(&json!({ "alg": "none" }), &claims)),
        };
        let answer = browser.finish_with(&server, &issuer, &attempt, token);
        refused(&answer, &browser, what, why);
    }
    // Attempts that are of no browser, of another, of one before, or that the provider refused.
    let (mut browser, mut thief) = (Browser::default(), Browser::default());
    let (attempt, before) = (browser.begin(&server), thief.begin(&server));
    let state = &attempt.0["state"];
    for (what, query, why) in [
        ("another's state", format!("code=x&state={}", before.0["state"]), "did not begin"),
        ("no state", "code=x".to_owned(), "did not begin"),
        ("another provider", format!("code=x&state={state}&iss=https://evil.example"), "of another provider"),
        ("a no", format!("error=access_denied&state={state}"), "refused there"),
        ("no code", format!("state={state}"), "sent no code"),
        ("a code that is made up", format!("code=x&state={state}"), "invalid_grant"),
    ] {
        let answer = browser.get(&server, &format!("/login/callback?{query}"));
        refused(&answer, &browser, what, why);
    }
    let shown = browser.get(&server, "/login/callback?error=%3Cscript%3E&state=x");
    assert!(shown.status == 403 && !shown.text().contains("script"), "{}", shown.text());
    let mut stolen = Browser::default();
    let token = signing.sign(&header(json!({})), &identity(&issuer, &attempt, json!({})));
    let answer = stolen.finish_with(&server, &issuer, &attempt, token);
    refused(&answer, &stolen, "a code in a browser that did not begin", "did not begin");
    // PKCE: a code that was given for another challenge.
    let token = signing.sign(&header(json!({})), &identity(&issuer, &attempt, json!({})));
    issuer.grant("injected", token, &before.0["code_challenge"]);
    let answer = browser.get(&server, &format!("/login/callback?code=injected&state={state}"));
    refused(&answer, &browser, "another's code", "invalid_grant");
}

#[test]
fn a_session_is_renewed_when_somebody_logs_in_and_ends_by_time() {
    let home = tempfile::tempdir().unwrap();
    let signing = Signing::new("one");
    let issuer = Issuer::start(&signing);
    let server = server(&issuer, home.path(), |command| {
        command.env("RIPIENO_SESSION_IDLE_SECONDS_MAX", "3").env("RIPIENO_SESSION_SECONDS_MAX", "5");
    });
    let mut browser = Browser::default();
    browser.login(&server, (&issuer, &signing));
    let mut old = browser.clone();
    browser.login(&server, (&issuer, &signing));
    assert_ne!(old.0[SESSION], browser.0[SESSION]);
    assert_eq!((old.get(&server, "/v1/jobs").status, browser.get(&server, "/v1/jobs").status), (401, 200));
    // One that somebody else chose is not taken over.
    let mut chosen = Browser::default();
    chosen.0.insert(SESSION.to_owned(), "a".repeat(43));
    chosen.login(&server, (&issuer, &signing));
    assert_ne!(chosen.0[SESSION], "a".repeat(43));
    // Used every second it lasts beyond three, but not beyond five.
    let began = std::time::Instant::now();
    let mut last = 0.0;
    while chosen.get(&server, "/v1/jobs").status == 200 {
        last = began.elapsed().as_secs_f64();
        std::thread::sleep(std::time::Duration::from_millis(500));
    }
    assert!(last > 3.0 && last < 8.0, "{last}");
    // What a key opens is the same all the while.
    let key = key(home.path(), "uni-a", "viewer", &[]);
    assert_eq!(mcp(&server, &key, "tools/list", json!({})).status, 200);
}
