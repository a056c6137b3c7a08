//! The door: who asks is found out before a body is read, and whether they may before anything is done with it.

use super::http_status;
use super::problem::Problem;
use crate::auth::table::{self, Refusal, written};
use crate::auth::{FIRST_SCOPES, Stranger};
use crate::front::Front;
use crate::mcp;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use shared::failure::{Failure, FailureKind};
use shared::principal::{Principal, Scope};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Where a server says of itself who lets its callers in (RFC 9728).
const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";

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
        let asked = if method == Method::HEAD { &Method::GET } else { method };
        let found = of_path.iter().find(|(method, _)| method == asked);
        found.map(|(_, name)| name.as_str()).ok_or_else(|| {
            let message = format!("{path} does not answer {method}");
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
        Some(auth) => auth.principal(request.uri(), request.headers()).await,
    };
    match principal {
        Ok(principal) => {
            request.extensions_mut().insert(principal);
            next.run(request).await
        }
        Err(stranger) => {
            let path = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str);
            let name = path.and_then(|path| door.operations.find(request.method(), path).ok());
            let needs =
                name.and_then(table::operation).map(|row| row.needs).filter(|needs| !needs.is_empty());
            door.sent_away(path, stranger, needs.unwrap_or(&FIRST_SCOPES))
        }
    }
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
        return may_by_mcp(&door, &principal, request, next).await;
    }
    let refused = match door.operations.find(request.method(), path.as_str()) {
        Ok(name) => {
            let path = Some(path.as_str());
            table::may(&principal, name).err().map(|refusal| door.refused(path, &principal, name, &refusal))
        }
        Err(problem) => Some(problem.into_response()),
    };
    match refused {
        Some(refused) => refused,
        None => next.run(request).await,
    }
}

/// The operation of MCP stands in the body, which is here already. What is no operation at all is left to be told so by
/// whoever answers, who looks again.
async fn may_by_mcp(door: &Door, principal: &Principal, request: Request, next: Next) -> Response {
    let (head, body) = request.into_parts();
    let Ok(body) = to_bytes(body, usize::MAX).await else {
        return Problem::bad_request("the body broke off").into_response();
    };
    let name = mcp::operation_of(&body);
    if let Some(name) = name
        && let Err(refusal @ (Refusal::Role(_) | Refusal::Scopes(_))) = table::may(principal, &name)
    {
        return door.refused(Some(mcp::PATH), principal, &name, &refusal);
    }
    next.run(Request::from_parts(head, Body::from(body))).await
}

impl Door {
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
