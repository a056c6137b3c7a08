//! The door: who asks is found out before a body is read, and whether they may before anything is done with it.

use super::guard::{self, RequestId};
use super::http_status;
use super::listen::Peer;
use super::problem::Problem;
use crate::audit::Record;
use crate::auth::table::{self, Refusal, written};
use crate::auth::{CROSS_SITE, FIRST_SCOPES, OVER, Stranger};
use crate::front::Front;
use crate::mcp;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use shared::clock;
use shared::failure::{Failure, FailureKind};
use shared::limits::Limits;
use shared::principal::{Principal, Scope};
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::runtime::Handle;

/// Where a server says of itself who lets its callers in (RFC 9728).
const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";

/// The status that is recorded where nobody waited for an answer: no standard has one, and proxies write this.
const GONE: u16 = 499;
/// Bytes that are read of the body of who is not let in.
const UNREAD_BYTES_MAX: u64 = 64 << 10;
/// Bytes of a name of a job, score or schedule.
const NAME_BYTES_MAX: usize = 64;

/// Which operation a request is, by its method and the pattern of its path.
#[derive(Debug)]
pub(super) struct Operations(BTreeMap<String, Vec<(Method, String)>>);

impl Operations {
    /// The operations of a document, and the document itself.
    pub(super) fn of(api: &utoipa::openapi::OpenApi) -> Self {
        let mut all: BTreeMap<String, Vec<(Method, String)>> = BTreeMap::new();
        for (path, item) in &api.paths.paths {
            let methods = [
                (Method::GET, &item.get),
                (Method::POST, &item.post),
                (Method::PUT, &item.put),
                (Method::PATCH, &item.patch),
                (Method::DELETE, &item.delete),
                (Method::HEAD, &item.head),
                (Method::OPTIONS, &item.options),
            ];
            for (method, operation) in methods {
                let name = operation.as_ref().and_then(|operation| operation.operation_id.clone());
                all.entry(path.clone()).or_default().extend(name.map(|name| (method, name)));
            }
        }
        all.insert("/openapi.json".to_owned(), vec![(Method::GET, "openapi".to_owned())]);
        Operations(all)
    }

    fn find(&self, method: &Method, path: &str) -> Result<&str, Problem> {
        let of_path = self.0.get(path).map_or(&[][..], Vec::as_slice);
        let named = |asked: &Method| of_path.iter().find(|(method, _)| method == asked);
        // Who may have an answer may have its head.
        let found = named(method).or_else(|| named(&Method::GET).filter(|_| method == Method::HEAD));
        found.map(|(_, name)| name.as_str()).ok_or_else(|| {
            let methods: Vec<&str> = of_path.iter().map(|(method, _)| method.as_str()).collect();
            let message = format!("{path} does not answer {method}, but {}", methods.join(", "));
            Problem::new(http_status(405), Failure::new(FailureKind::Unsupported, message))
        })
    }
}

/// The layers' state.
#[derive(Clone)]
pub(super) struct Door {
    pub(super) front: Arc<Front>,
    pub(super) operations: Arc<Operations>,
}

/// Finds out who asks, and notes it for whoever answers.
pub(super) async fn known(State(door): State<Door>, mut request: Request, next: Next) -> Response {
    let principal = match &door.front.auth {
        None => Ok(Principal::local()),
        Some(auth) => auth.principal(request.method(), request.uri(), request.headers()).await,
    };
    let answer = match principal {
        Ok(principal) => {
            tracing::Span::current()
                .record("tenant", &principal.tenant)
                .record("subject", &principal.subject);
            match door.take(&principal).await {
                Err(failure) => Problem::from(failure).into_response(),
                Ok(()) => {
                    request.extensions_mut().insert(principal);
                    return next.run(request).await;
                }
            }
        }
        Err(stranger) => {
            let path = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str);
            let name = path.and_then(|path| door.operations.find(request.method(), path).ok());
            let needs =
                name.and_then(table::operation).map(|row| row.needs).filter(|needs| !needs.is_empty());
            door.sent_away(path, stranger, needs.unwrap_or(&FIRST_SCOPES))
        }
    };
    door.early(answer, request.into_body()).await
}

/// Refuses what who asks may not do.
pub(super) async fn may(State(door): State<Door>, request: Request, next: Next) -> Response {
    if door.front.auth.is_none() {
        return next.run(request).await;
    }
    let Some(path) = request.extensions().get::<MatchedPath>().cloned() else {
        return next.run(request).await; // There is nothing at this path, and it will be told so.
    };
    let Some(principal) = request.extensions().get::<Principal>().cloned() else {
        return door.sent_away(Some(path.as_str()), Stranger::Unnamed, &FIRST_SCOPES);
    };
    if path.as_str() == mcp::PATH {
        return may_by_mcp(&door, principal, request, next).await;
    }
    let name = match door.operations.find(request.method(), path.as_str()) {
        Ok(name) => name,
        Err(problem) => return problem.into_response(),
    };
    let of = request.uri().path().split('/').nth(3).unwrap_or_default().to_owned();
    let doing = Doing::of(&door, &request, principal.clone(), name, of);
    let answer = match table::may(&principal, name) {
        Ok(()) => next.run(request).await,
        Err(refusal) => door.refused(Some(path.as_str()), &principal, name, &refusal),
    };
    doing.done(answer).await
}

/// The operation of MCP stands in the body, which is here already. What is no operation at all is left to be told so by
/// whoever answers, who looks again.
async fn may_by_mcp(door: &Door, principal: Principal, request: Request, next: Next) -> Response {
    let (head, body) = request.into_parts();
    let Ok(body) = to_bytes(body, usize::MAX).await else {
        return Problem::bad_request("the body broke off").into_response();
    };
    let asked = mcp::operation_of(&body);
    let request = Request::from_parts(head, Body::from(body));
    let Some((name, of)) = asked else { return next.run(request).await };
    let doing = Doing::of(door, &request, principal.clone(), &name, of);
    let answer = match table::may(&principal, &name) {
        Ok(()) | Err(Refusal::Unknown) => next.run(request).await,
        Err(refusal) => door.refused(Some(mcp::PATH), &principal, &name, &refusal),
    };
    doing.done(answer).await
}

/// What somebody does, until it is recorded.
struct Doing {
    front: Arc<Front>,
    tenant: String,
    changes: bool,
    /// Nothing once it is recorded.
    record: Option<Record>,
}

impl Doing {
    fn of(door: &Door, request: &Request, principal: Principal, operation: &str, of: String) -> Self {
        let from = request.extensions().get::<Peer>().map(|peer| peer.0.to_string()).unwrap_or_default();
        let id = request.extensions().get::<RequestId>().map(|id| id.0.clone()).unwrap_or_default();
        // A name of ours, or nothing: what a client made up is not kept.
        let ours = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        let of = if of.len() <= NAME_BYTES_MAX && of.bytes().all(ours) { of } else { String::new() };
        let changes = table::operation(operation).is_some_and(table::Operation::changes);
        let (subject, operation) = (principal.subject, operation.to_owned());
        let record = Record { at_ms: 0, subject, operation, of, from, status: GONE, request: id };
        Doing { front: Arc::clone(&door.front), tenant: principal.tenant, changes, record: Some(record) }
    }

    /// Records what changed something, or was refused; then it is answered.
    async fn done(mut self, answer: Response) -> Response {
        let Some(mut record) = self.record.take() else { return answer };
        if let Some(made) = answer.headers().get(header::LOCATION).and_then(|to| to.to_str().ok()) {
            record.of = made.rsplit('/').next().unwrap_or_default().to_owned();
        }
        record.status = answer.status().as_u16();
        if self.changes || answer.status() == http_status(403) {
            // Apart from the connection, which may end meanwhile.
            let (front, tenant) = (Arc::clone(&self.front), std::mem::take(&mut self.tenant));
            let noted = tokio::spawn(async move { note(&front, &tenant, record).await });
            if let Err(error) = noted.await {
                tracing::error!(%error, "a record of what was done could not be written");
            }
        }
        answer
    }
}

impl Drop for Doing {
    /// Whoever went away before the answer has it recorded all the same: it may have been done.
    fn drop(&mut self) {
        let Some(record) = self.record.take().filter(|_| self.changes) else { return };
        let (front, tenant) = (Arc::clone(&self.front), std::mem::take(&mut self.tenant));
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(async move { note(&front, &tenant, record).await });
        }
    }
}

async fn note(front: &Front, tenant: &str, record: Record) {
    if let Some(auth) = &front.auth {
        let record = Record { at_ms: clock::now_ms(), ..record };
        // What was set for a tenant stands in its own records too.
        let sets = table::operation(&record.operation).is_some_and(|row| row.needs == [Scope::TenantsWrite]);
        if let Ok(of) = shared::principal::tenant(&record.of)
            && sets
            && of != tenant
        {
            auth.audit.note(&of, record.clone()).await;
        }
        auth.audit.note(tenant, record).await;
    }
}

impl Door {
    async fn take(&self, principal: &Principal) -> Result<(), Failure> {
        match &self.front.auth {
            Some(auth) => auth.take(&principal.tenant, &self.front.limits).await,
            None => Ok(()),
        }
    }

    /// An answer that looks at no body. A small one is read all the same, for a connection with an unread body is closed, and
    /// clients send their next request on it: so they do who are told to come again with a token.
    async fn early(&self, mut answer: Response, body: Body) -> Response {
        let most = self.front.limits.request_bytes_max.min(UNREAD_BYTES_MAX);
        let limits = Limits { request_bytes_max: most, ..self.front.limits.clone() };
        if guard::read(body, &limits).await.is_err() {
            answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        answer
    }

    /// The address that says who lets callers in, as challenges have it.
    fn metadata(&self, path: Option<&str>) -> String {
        let audience = self.front.auth.as_ref().and_then(|auth| auth.audience());
        let at = |rest: &str| match path == Some(mcp::PATH) {
            true => format!("{rest}{WELL_KNOWN}{}", mcp::PATH),
            false => format!("{rest}{WELL_KNOWN}"),
        };
        audience.map(|audience| format!(", resource_metadata=\"{}\"", at(&audience.rest))).unwrap_or_default()
    }

    /// An answer to who is not known.
    fn sent_away(&self, path: Option<&str>, stranger: Stranger, needs: &[Scope]) -> Response {
        let (error, why) = match stranger {
            Stranger::Unknown(failure) => return Problem::from(failure).into_response(),
            Stranger::Unnamed => {
                (None, "this server wants to know who asks: send Authorization: Bearer TOKEN")
            }
            Stranger::Misplaced(why) => (Some("invalid_request"), why),
            Stranger::Refused(why) => (Some("invalid_token"), why),
            Stranger::Over => (None, OVER),
            Stranger::CrossSite => {
                let failure = Failure::new(FailureKind::Denied, CROSS_SITE);
                return Problem::new(http_status(403), failure).into_response();
            }
        };
        let said = error.map(|error| format!("error=\"{error}\", error_description=\"{why}\", "));
        let (said, needs, metadata) = (said.unwrap_or_default(), written(needs), self.metadata(path));
        let problem = Problem::new(http_status(401), Failure::new(FailureKind::Denied, why));
        challenged(problem, &format!("Bearer {said}scope=\"{needs}\"{metadata}"))
    }

    /// An answer to who is known and may not do this.
    fn refused(&self, path: Option<&str>, principal: &Principal, name: &str, refusal: &Refusal) -> Response {
        let denied =
            |message: String| Problem::new(http_status(403), Failure::new(FailureKind::Denied, message));
        match refusal {
            Refusal::Unknown => {
                denied(format!("{name} stands in no table of what may be done")).into_response()
            }
            Refusal::Role(scope) => {
                let roles: Vec<&str> = principal.roles.iter().map(|role| role.name()).collect();
                let (scope, roles) = (scope.name(), roles.join(", "));
                denied(format!("{name} needs a role that has {scope}; you are [{roles}]")).into_response()
            }
            Refusal::Scopes(needs) => {
                let (needs, metadata) = (written(needs), self.metadata(path));
                let challenge = format!("Bearer error=\"insufficient_scope\", scope=\"{needs}\"{metadata}");
                challenged(denied(format!("{name} needs a token or key with {needs}")), &challenge)
            }
        }
    }
}

fn challenged(problem: Problem, challenge: &str) -> Response {
    let mut response = problem.into_response();
    // It is made of constants and of what was checked at the start.
    if let Ok(challenge) = HeaderValue::from_str(challenge) {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    }
    response
}

/// What anybody may know: who lets callers in. In the form with the path of MCP and at the root.
pub(super) fn metadata(front: &Arc<Front>) -> Router {
    let Some((auth, audience)) = front.auth.as_ref().and_then(|auth| Some((auth, auth.audience()?))) else {
        return Router::new();
    };
    let served = |resource: &str| {
        let document = auth.metadata(resource).unwrap_or_default();
        get(move || {
            let document = axum::Json(document.clone());
            async move { ([(header::CACHE_CONTROL, "max-age=300")], document) }
        })
    };
    Router::new()
        .route(WELL_KNOWN, served(&audience.rest))
        .route(&format!("{WELL_KNOWN}{}", mcp::PATH), served(&audience.mcp))
}
