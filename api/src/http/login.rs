//! Logging in by browser: to the provider, back, who somebody is, and out again. These are the only pages for people; none has a script.

use super::guard::RequestId;
use super::http_status;
use super::listen::Peer;
use crate::audit::Record;
use crate::auth::sign_on::{CALLBACK, LOGIN, LOGOUT, Returned, SESSION, SignOn};
use crate::auth::{CROSS_SITE, OVER, Stranger};
use crate::front::Front;
use axum::extract::{Extension, Query, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Router, http::HeaderName};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};
use shared::clock;
use shared::failure::{Failure, FailureKind};
use shared::principal::{Principal, Scope};
use std::sync::Arc;

/// How the pages look. Its digest is in their policy, so that nothing else does.
const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:34rem;margin:3rem auto;padding:0 1rem}\
dt{color:#555}dd{margin:0 0 .7rem}button{font:inherit;padding:.3rem 1rem}";

/// The routes of logging in, where browsers can.
pub(super) fn routes(front: &Arc<Front>) -> Router {
    if front.auth.as_ref().is_none_or(|auth| auth.sign_on.is_none()) {
        return Router::new();
    }
    Router::new()
        .route(LOGIN, get(begin))
        .route(CALLBACK, get(finish))
        .route(SESSION, get(session))
        .route(LOGOUT, post(end))
        .with_state(Arc::clone(front))
}

/// Why a page is not what was asked for.
struct Trouble(StatusCode, String);

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Self {
        Trouble(http_status(failure.kind.row().http), failure.message)
    }
}

impl IntoResponse for Trouble {
    fn into_response(self) -> Response {
        let Trouble(status, message) = self;
        let body = format!("<p>{}.</p>\n<p><a href=\"{LOGIN}\">Log in</a></p>", escaped(&message));
        (status, page("Not logged in", &body, None)).into_response()
    }
}

fn sign_on(front: &Front) -> Result<&SignOn, Trouble> {
    let found = front.auth.as_ref().and_then(|auth| auth.sign_on.as_ref());
    let none = || Failure::new(FailureKind::NotFound, "browsers cannot log in here");
    found.ok_or_else(|| none().into())
}

async fn begin(State(front): State<Arc<Front>>) -> Result<Response, Trouble> {
    let begun = sign_on(&front)?.begin().await?;
    Ok(sent_on(begun.to.as_str(), [begun.cookie]))
}

async fn finish(
    State(front): State<Arc<Front>>,
    peer: Option<Extension<Peer>>,
    id: Option<Extension<RequestId>>,
    headers: HeaderMap,
    returned: Result<Query<Returned>, axum::extract::rejection::QueryRejection>,
) -> Result<Response, Trouble> {
    let Query(returned) = returned.map_err(|error| Trouble(StatusCode::BAD_REQUEST, error.body_text()))?;
    let (who, cookies) = sign_on(&front)?.finish(&headers, returned).await?;
    note(&front, &who, "login", peer, id).await;
    Ok(sent_on(SESSION, cookies))
}

async fn session(State(front): State<Arc<Front>>, headers: HeaderMap) -> Result<Response, Trouble> {
    let sign_on = sign_on(&front)?;
    let who = sign_on.principal(&Method::GET, &headers).await.map_err(|stranger| match stranger {
        Stranger::Unknown(failure) => Trouble::from(failure),
        Stranger::Unnamed => Trouble(http_status(401), "You are nobody yet".to_owned()),
        _ => Trouble(http_status(401), OVER.to_owned()),
    })?;
    let origin = sign_on.end_origin().await;
    Ok(page("Logged in", &told(&who), origin.as_deref()).into_response())
}

async fn end(
    State(front): State<Arc<Front>>,
    peer: Option<Extension<Peer>>,
    id: Option<Extension<RequestId>>,
    headers: HeaderMap,
) -> Result<Response, Trouble> {
    let sign_on = sign_on(&front)?;
    if !sign_on.is_from_own_page(&headers) {
        return Err(Trouble(http_status(403), CROSS_SITE.to_owned()));
    }
    let (who, cookie, to) = sign_on.end(&headers).await?;
    if let Some(who) = who {
        note(&front, &who, "logout", peer, id).await;
    }
    Ok(sent_on(to.as_str(), [cookie]))
}

/// Records that somebody came or went.
async fn note(
    front: &Front,
    who: &Principal,
    operation: &str,
    peer: Option<Extension<Peer>>,
    id: Option<Extension<RequestId>>,
) {
    let record = Record {
        at_ms: clock::now_ms(),
        subject: who.subject.clone(),
        operation: operation.to_owned(),
        of: String::new(),
        from: peer.map(|Extension(peer)| peer.0.to_string()).unwrap_or_default(),
        status: StatusCode::SEE_OTHER.as_u16(),
        request: id.map(|Extension(id)| id.0).unwrap_or_default(),
    };
    if let Some(auth) = &front.auth {
        auth.audit.note(&who.tenant, record).await;
    }
}

fn sent_on<const N: usize>(to: &str, cookies: [HeaderValue; N]) -> Response {
    let mut response = (StatusCode::SEE_OTHER, [(header::CACHE_CONTROL, "no-store")]).into_response();
    if let Ok(to) = HeaderValue::from_str(to) {
        response.headers_mut().insert(header::LOCATION, to);
    }
    for cookie in cookies {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

/// Who somebody is, what may be done, and what can be done here.
fn told(who: &Principal) -> String {
    let roles: Vec<&str> = who.roles.iter().map(|role| role.name()).collect();
    let may: Vec<&str> = Scope::ALL.into_iter().filter(|scope| who.has(*scope)).map(in_words).collect();
    let or_none = |texts: Vec<&str>, joined: &str, none: &str| match texts.is_empty() {
        true => none.to_owned(),
        false => texts.join(joined),
    };
    format!(
        "<dl>\n<dt>You are</dt><dd>{}</dd>\n<dt>of</dt><dd>{}</dd>\n<dt>as</dt><dd>{}</dd>\n<dt>You may</dt><dd>{}</dd>\n</dl>\n\
         <p><a href=\"/v1/jobs\">Jobs, as JSON</a></p>\n\
         <form method=\"post\" action=\"{LOGOUT}\"><button>Log out</button></form>",
        escaped(&who.subject),
        escaped(&who.tenant),
        or_none(roles, ", ", "no role"),
        or_none(may, "<br>", "do nothing that is a tenant's"),
    )
}

const fn in_words(scope: Scope) -> &'static str {
    match scope {
        Scope::JobsRead => "look at jobs and take their results",
        Scope::JobsWrite => "submit jobs and change what is wanted of them",
        Scope::ScoresRead => "search and read uploaded scores",
        Scope::ScoresWrite => "upload and delete scores",
        Scope::SchedulesRead => "look at schedules and their history",
        Scope::SchedulesWrite => "add, change and remove schedules",
        Scope::UsageRead => "see what the work of the tenant came to",
        Scope::TenantsRead => {
            "see which tenants there are, what is set for them, and what their work came to"
        }
        Scope::TenantsWrite => "set what tenants may have, and how long it is kept",
    }
}

/// A page. A form of it may be sent here, and from here be sent on to the provider.
fn page(title: &str, body: &str, provider: Option<&str>) -> Response {
    let digest = STANDARD.encode(Sha256::digest(STYLE));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{digest}'; form-action 'self' {}; base-uri 'none'; frame-ancestors 'none'",
        provider.unwrap_or_default()
    );
    let text = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Ripieno: {title}</title>\
         <meta name=\"viewport\" content=\"width=device-width\"><style>{STYLE}</style></head>\n\
         <body><h1>Ripieno</h1>\n{body}\n</body></html>\n"
    );
    let head = [
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::CACHE_CONTROL, "no-store".to_owned()),
        // With none at all a browser would not say that the form is of this page.
        (HeaderName::from_static("referrer-policy"), "same-origin".to_owned()),
    ];
    (head, Html(text)).into_response()
}

/// A text as a page may have it.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe += "&amp;",
            '<' => safe += "&lt;",
            '>' => safe += "&gt;",
            '"' => safe += "&quot;",
            '\'' => safe += "&#39;",
            _ => safe.push(letter),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_text_and_nothing_else() {
        let (tenant, subject) = ("uni-a".to_owned(), "<script>alert('1')</script>&\"".to_owned());
        let told = told(&Principal { tenant, subject, roles: Vec::new(), scopes: Vec::new() });
        assert!(told.contains("&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&amp;&quot;"), "{told}");
        assert!(told.contains("no role") && told.contains("do nothing"), "{told}");
    }
}
