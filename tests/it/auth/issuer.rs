//! A provider of identities whose keys are at hand: what it signs may be as wrong as one likes.

use crate::http::server::Server;
use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use tests::signing::Signing;

pub(super) const PUBLIC: &str = "https://ripieno.example";
/// As whom the provider knows the server, and by which secret.
pub(super) const CLIENT: &str = "ripieno web";
pub(super) const SECRET: &str = "secret of the tests: 100 %";

/// A provider.
pub(super) struct Issuer {
    pub(super) address: SocketAddr,
    pub(super) keys: Arc<Mutex<Vec<Value>>>,
    /// Times that it was asked for its keys.
    pub(super) asked: Arc<AtomicU64>,
    codes: Codes,
}

/// What each code is worth, once: an identity token, and the challenge that it was asked for with.
type Codes = Arc<Mutex<BTreeMap<String, (String, String)>>>;

impl Issuer {
    pub(super) fn start(first: &Signing) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let keys = Arc::new(Mutex::new(vec![first.public()]));
        let issuer = Issuer { address, keys, asked: Arc::default(), codes: Arc::default() };
        let (keys, asked) = (Arc::clone(&issuer.keys), Arc::clone(&issuer.asked));
        let codes = Arc::clone(&issuer.codes);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let Some((path, authorization, form)) = request(&stream) else { continue };
                let (status, body) = match path.as_str() {
                    "/.well-known/openid-configuration" => (200, metadata(address)),
                    "/keys" => {
                        asked.fetch_add(1, Ordering::SeqCst);
                        // One of a kind that nobody has heard of stands beside them.
                        let mut keys = keys.lock().unwrap().clone();
                        keys.push(json!({ "kty": "PQC", "kid": "new" }));
                        (200, json!({ "keys": keys }))
                    }
                    "/token" => granted(&mut codes.lock().unwrap(), &authorization, &form),
                    _ => (404, json!({})),
                };
                let body = body.to_string();
                let head = format!(
                    "HTTP/1.1 {status} x\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                    body.len()
                );
                let _ = stream.write_all(format!("{head}{body}").as_bytes());
            }
        });
        issuer
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Claims of a good access token, with others in their place; `null` takes one out.
    pub(super) fn claims(&self, more: Value) -> Value {
        let mut claims = json!({
            "iss": self.url(), "aud": PUBLIC, "sub": "ada", "exp": now() + 300, "nbf": now() - 5,
            "tenant": "uni-a", "roles": ["curator"], "scope": "jobs:read scores:read",
        });
        for (name, value) in more.as_object().unwrap() {
            match value {
                Value::Null => claims.as_object_mut().unwrap().remove(name),
                _ => claims.as_object_mut().unwrap().insert(name.clone(), value.clone()),
            };
        }
        claims
    }

    /// Gives an identity token out for a code, once, to whoever began with this challenge.
    pub(super) fn grant(&self, code: &str, token: String, challenge: &str) {
        self.codes.lock().unwrap().insert(code.to_owned(), (token, challenge.to_owned()));
    }

    pub(super) fn server(&self, data: &Path) -> Server {
        self.server_with(data, |_| {})
    }

    pub(super) fn server_with(&self, data: &Path, more: impl FnOnce(&mut Command)) -> Server {
        std::fs::create_dir_all(data).unwrap();
        Server::start_with(data, |command| {
            command.env("RIPIENO_AUTH", "keys,oauth").env("RIPIENO_LOG", "debug");
            command.env("RIPIENO_OAUTH_ISSUER", self.url()).env("RIPIENO_PUBLIC_URL", PUBLIC);
            command.stderr(std::fs::File::create(data.join("log")).unwrap());
            more(command);
        })
    }
}

/// Path, header of authorization and body of a request.
fn request(stream: &TcpStream) -> Option<(String, String, BTreeMap<String, String>)> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut first = String::new();
    reader.read_line(&mut first).ok()?;
    let (mut length, mut authorization) = (0, String::new());
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim().split_once(": ") else { break };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.parse().ok()?,
            "authorization" => authorization = value.to_owned(),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let form = fields(&String::from_utf8(body).ok()?);
    Some((first.split(' ').nth(1)?.to_owned(), authorization, form))
}

/// The fields of a form or query.
pub(super) fn fields(text: &str) -> BTreeMap<String, String> {
    let decoded = |text: &str| {
        let mut bytes = Vec::new();
        let mut rest = text.bytes();
        while let Some(byte) = rest.next() {
            let hex: String =
                if byte == b'%' { rest.by_ref().take(2).map(char::from).collect() } else { String::new() };
            bytes.push(match byte {
                b'%' => u8::from_str_radix(&hex, 16).unwrap(),
                b'+' => b' ',
                other => other,
            });
        }
        String::from_utf8(bytes).unwrap()
    };
    let pairs = text.split('&').filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (decoded(name), decoded(value))).collect()
}

fn metadata(address: SocketAddr) -> Value {
    let at = format!("http://{address}");
    json!({
        "issuer": at, "jwks_uri": format!("{at}/keys"), "authorization_endpoint": format!("{at}/authorize?a=b"),
        "token_endpoint": format!("{at}/token"), "end_session_endpoint": format!("{at}/end"),
    })
}

/// What a code is worth to whoever has the secret and what the challenge was made of (RFC 7636).
fn granted(
    codes: &mut BTreeMap<String, (String, String)>,
    authorization: &str,
    form: &BTreeMap<String, String>,
) -> (u16, Value) {
    let refused = |error: &str| (400, json!({ "error": error }));
    // As a form writes them, before they are put together (RFC 6749, 2.3.1).
    let both = "ripieno+web:secret+of+the+tests%3A+100+%25";
    if authorization != format!("Basic {}", STANDARD.encode(both)) || form.contains_key("client_secret") {
        return refused("invalid_client");
    }
    let field = |name: &str| form.get(name).map_or("", String::as_str);
    let Some((token, challenge)) = codes.remove(field("code")) else { return refused("invalid_grant") };
    let digest = digest::digest(&digest::SHA256, field("code_verifier").as_bytes());
    let right = field("grant_type") == "authorization_code"
        && field("redirect_uri") == format!("{PUBLIC}/login/callback")
        && URL_SAFE_NO_PAD.encode(digest) == challenge;
    match right {
        true => (200, json!({ "access_token": "of no interest", "token_type": "Bearer", "id_token": token })),
        false => refused("invalid_grant"),
    }
}

pub(super) fn now() -> u64 {
    shared::clock::now_ms() / 1000
}
