//! A browser, as far as logging in needs one; and the provider at which somebody logs in.

use super::issuer::{CLIENT, Issuer, PUBLIC, SECRET, fields};
use crate::http::server::{Answer, Server};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use tests::signing::Signing;

/// Cookies of one server.
#[derive(Clone, Default)]
pub(super) struct Browser(pub(super) BTreeMap<String, String>);

/// An attempt to log in, as the provider is told of it.
pub(super) struct Attempt(pub(super) BTreeMap<String, String>);

impl Browser {
    pub(super) fn ask(&mut self, server: &Server, method: &str, path: &str, more: &[(&str, &str)]) -> Answer {
        let cookie =
            self.0.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ");
        let mut headers = more.to_vec();
        if !cookie.is_empty() {
            headers.push(("Cookie", &cookie));
        }
        let answer = server.ask(method, path, &headers, "");
        for line in answer.header("set-cookie").lines() {
            let (name, value) = line.split(';').next().unwrap().split_once('=').unwrap();
            match value {
                "" => self.0.remove(name),
                value => self.0.insert(name.to_owned(), value.to_owned()),
            };
        }
        answer
    }

    pub(super) fn get(&mut self, server: &Server, path: &str) -> Answer {
        self.ask(server, "GET", path, &[])
    }

    /// Begins to log in.
    pub(super) fn begin(&mut self, server: &Server) -> Attempt {
        let answer = self.get(server, "/login");
        assert_eq!(answer.status, 303, "{}", answer.text());
        Attempt(fields(answer.header("location").split_once('?').unwrap().1))
    }

    /// Comes back from the provider with a code that is worth these claims.
    pub(super) fn finish(
        &mut self,
        server: &Server,
        (issuer, signing): (&Issuer, &Signing),
        attempt: &Attempt,
        claims: Value,
    ) -> Answer {
        let claims = identity(issuer, attempt, claims);
        let header = json!({ "alg": "ES256", "kid": signing.header()["kid"] });
        self.finish_with(server, issuer, attempt, signing.sign(&header, &claims))
    }

    /// The same with a whole token.
    pub(super) fn finish_with(
        &mut self,
        server: &Server,
        issuer: &Issuer,
        attempt: &Attempt,
        token: String,
    ) -> Answer {
        static CODES: AtomicU64 = AtomicU64::new(0);
        let code = format!("code-{}", CODES.fetch_add(1, Ordering::SeqCst));
        issuer.grant(&code, token, &attempt.0["code_challenge"]);
        self.get(server, &format!("/login/callback?code={code}&state={}", attempt.0["state"]))
    }

    /// Logs in.
    pub(super) fn login(&mut self, server: &Server, provider: (&Issuer, &Signing)) {
        let attempt = self.begin(server);
        let answer = self.finish(server, provider, &attempt, json!({}));
        assert_eq!((answer.status, answer.header("location")), (303, "/session"), "{}", answer.text());
    }
}

/// Claims of a good identity token, with others in their place.
pub(super) fn identity(issuer: &Issuer, attempt: &Attempt, more: Value) -> Value {
    let mut claims = issuer.claims(json!({ "aud": CLIENT, "nonce": attempt.0["nonce"], "scope": null }));
    for (name, value) in more.as_object().unwrap() {
        match value {
            Value::Null => claims.as_object_mut().unwrap().remove(name),
            _ => claims.as_object_mut().unwrap().insert(name.clone(), value.clone()),
        };
    }
    claims
}

/// A server at which browsers log in.
pub(super) fn server(issuer: &Issuer, data: &Path, more: impl FnOnce(&mut Command)) -> Server {
    issuer.server_with(data, |command| {
        command.env("RIPIENO_OIDC_CLIENT_ID", CLIENT).env("RIPIENO_OIDC_CLIENT_SECRET", SECRET);
        more(command);
    })
}

/// What a browser sends from a page of the server.
pub(super) const OWN: [(&str, &str); 2] = [("Origin", PUBLIC), ("Sec-Fetch-Site", "same-origin")];
