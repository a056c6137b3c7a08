//! What every request passes before it is answered: a number and a span, the names of host and origin, its body whole and
//! within its limits.

use super::http_status;
use super::problem::Problem;
use crate::front::Front;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures::FutureExt;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use shared::failure::{Failure, FailureKind};
use shared::limits::{Limits, exceeded};
use shared::{config, metrics};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tracing::Instrument;
use tracing::field::Empty;
use url::Url;

/// The header that names a request, in both directions.
static REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Bytes of a name of a request that are taken from a client.
const REQUEST_ID_BYTES_MAX: usize = 64;

/// The number of a request.
#[derive(Clone, Debug)]
pub(super) struct RequestId(pub(super) String);

/// Gives a request its number and span, counts it, and answers for a handler that panics.
pub(super) async fn request(mut request: Request, next: Next) -> Response {
    let id = request_id(request.headers());
    request.extensions_mut().insert(RequestId(id.clone()));
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let span = tracing::error_span!("request", request.id = %id, http.method = %method, http.path = %path, tenant = Empty, subject = Empty);
    let began = Instant::now();
    let answer = AssertUnwindSafe(next.run(request)).catch_unwind().instrument(span.clone());
    let mut response = answer.await.unwrap_or_else(|_| {
        Problem::from(Failure::new(FailureKind::Internal, "the request met a defect; its log says more"))
            .into_response()
    });
    let status = response.status();
    metrics::HTTP_REQUESTS.increase();
    if status.is_server_error() {
        metrics::HTTP_FAILURES.increase();
    }
    let ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    span.in_scope(|| tracing::info!(http.status = status.as_u16(), http.duration_ms = ms, "answered"));
    if let Ok(id) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID.clone(), id);
    }
    harmless(response.headers_mut());
    response
}

/// Has a browser take an answer for nothing but what it says it is, and run nothing of it: with a session in the browser, a score
/// that is a page would act for whoever opens it.
fn harmless(headers: &mut HeaderMap) {
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    let policy = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(policy);
}

/// The client's own name of the request where that is a plain word, else a number of ours.
fn request_id(headers: &HeaderMap) -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let plain = |id: &&str| {
        (1..=REQUEST_ID_BYTES_MAX).contains(&id.len())
            && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
    };
    let theirs = headers.get(&REQUEST_ID).and_then(|id| id.to_str().ok()).filter(plain);
    theirs.map_or_else(
        || format!("{:x}-{:x}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed)),
        str::to_owned,
    )
}

/// The names by which the server may be called, and the pages that may call it.
///
/// A page of some other site can have its own name lead to this machine; what it cannot choose are the headers `Host` and
/// `Origin` that its visitor's browser sends.
#[derive(Clone, Debug, Default)]
pub struct Names {
    hosts: Vec<String>,
    origins: Vec<String>,
}

/// Names of this machine for itself.
const LOOPBACK: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

impl Names {
    /// The names of the loopback, those that `RIPIENO_HOSTS` and `RIPIENO_ORIGINS` add, and that of `RIPIENO_PUBLIC_URL`.
    #[must_use]
    pub fn from_environment() -> Self {
        let words = |name: &str| -> Vec<String> {
            let text = config::var(name).unwrap_or_default();
            text.split(',')
                .map(|word| word.trim().to_ascii_lowercase())
                .filter(|word| !word.is_empty())
                .collect()
        };
        let public = config::var("RIPIENO_PUBLIC_URL").and_then(|text| Url::parse(&text).ok());
        let mut names = Names { hosts: words("RIPIENO_HOSTS"), origins: words("RIPIENO_ORIGINS") };
        names.hosts.extend(public.iter().filter_map(|url| url.host_str().map(str::to_owned)));
        names.origins.extend(public.map(|url| url.origin().ascii_serialization()));
        names
    }

    /// Checks both headers.
    fn check(&self, headers: &HeaderMap) -> Result<(), Failure> {
        let denied = |message: String| Failure::new(FailureKind::Denied, message);
        let Some(host) = only(headers, &header::HOST)? else {
            return Err(denied("the request names no Host".to_owned()));
        };
        let name = without_port(&host);
        if !LOOPBACK.contains(&name) && !self.hosts.iter().any(|known| known == name) {
            let message =
                format!("this server is not called {host:?}: RIPIENO_HOSTS says what else it is called");
            return Err(denied(message));
        }
        let Some(origin) = only(headers, &header::ORIGIN)? else { return Ok(()) };
        let same = origin.strip_prefix("http://").is_some_and(|origin| origin == host);
        if same || self.origins.contains(&origin) {
            return Ok(());
        }
        let message = format!("pages of {origin:?} may not call this server: RIPIENO_ORIGINS says which may");
        Err(denied(message))
    }
}

/// The value of a header that may stand once.
fn only(headers: &HeaderMap, name: &HeaderName) -> Result<Option<String>, Failure> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(Failure::new(FailureKind::Denied, format!("the header {name} stands twice")));
    }
    let text =
        value.to_str().map_err(|_| Failure::new(FailureKind::Denied, format!("{name} is no plain text")))?;
    Ok(Some(text.to_ascii_lowercase()))
}

/// A host without its port; an IPv6 address keeps its brackets.
fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if !name.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

/// Refuses what was sent to another name, or by the page of another site.
pub(super) async fn names(
    State(names): State<Arc<Names>>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    names.check(request.headers())?;
    Ok(next.run(request).await)
}

/// Reads the body of a request whole before anything else is done with it, so that no handler waits for a slow client.
pub(super) async fn whole_body(
    State(front): State<Arc<Front>>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let (head, body) = request.into_parts();
    let body = read(body, &front.limits).await?;
    Ok(next.run(Request::from_parts(head, Body::from(body))).await)
}

/// Reads a body whole, within a size and a time.
pub(super) async fn read(body: Body, limits: &Limits) -> Result<bytes::Bytes, Problem> {
    let bytes_max = limits.request_bytes_max;
    let limited = Limited::new(body, usize::try_from(bytes_max).unwrap_or(usize::MAX));
    let seconds = limits.request_seconds_max;
    let Ok(read) = tokio::time::timeout(Duration::from_secs(seconds), limited.collect()).await else {
        let message = format!("the body did not come within request_seconds_max = {seconds} seconds");
        return Err(Problem::new(http_status(408), Failure::new(FailureKind::TimedOut, message)));
    };
    match read {
        Ok(whole) => Ok(whole.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => {
            Err(exceeded("request_bytes_max", bytes_max, None).into())
        }
        Err(error) => Err(Problem::bad_request(format!("the body broke off: {error}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(of: &[(&'static str, &'static str)]) -> HeaderMap {
        of.iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect()
    }

    #[test]
    fn only_this_machine_and_who_is_named_may_call() {
        let names =
            Names { hosts: vec!["ripieno.example".into()], origins: vec!["https://ui.example".into()] };
        let allowed = |of: &[(&'static str, &'static str)]| names.check(&headers(of)).is_ok();
        assert!(allowed(&[("host", "127.0.0.1:8321")]) && allowed(&[("host", "LOCALHOST")]));
        assert!(allowed(&[("host", "[::1]:8321")]) && allowed(&[("host", "[::1]")]));
        assert!(allowed(&[("host", "ripieno.example:80")]));
        assert!(!allowed(&[("host", "evil.example")]) && !allowed(&[("host", "localhost.evil.example")]));
        assert!(!allowed(&[]) && !allowed(&[("host", "localhost"), ("host", "localhost")]));
        let from = |origin| allowed(&[("host", "localhost:1"), ("origin", origin)]);
        assert!(from("http://localhost:1") && from("https://ui.example"));
        assert!(!from("http://localhost:2") && !from("null") && !from("https://evil.example"));
        let twice =
            [("host", "localhost"), ("origin", "https://ui.example"), ("origin", "https://ui.example")];
        let mut both = headers(&twice[..2]);
        both.append(header::ORIGIN, HeaderValue::from_static("https://ui.example"));
        assert!(names.check(&headers(&twice[..2])).is_ok() && names.check(&both).is_err());
    }

    #[test]
    fn a_name_of_a_request_is_a_plain_word_or_ours() {
        assert_eq!(request_id(&headers(&[("x-request-id", "abc-1")])), "abc-1");
        for bad in ["", "two words", "{evil}"] {
            assert_ne!(request_id(&headers(&[("x-request-id", bad)])), bad);
        }
    }
}
