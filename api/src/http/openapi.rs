//! The OpenAPI document, made of the handlers that answer.

use super::problem::Details;
use axum::Router;
use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::get;
use utoipa::OpenApi;
use utoipa::openapi::{Content, Ref, RefOr, Response, ResponseBuilder};

/// What the document says before its paths.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Ripieno",
        description = "Bulk analysis of music scores: sources x analyses become a job, and a job becomes one table. Failures are problem details (RFC 9457), whose `kind` is what code branches on."
    ),
    tags(
        (name = "jobs", description = "Submit, look at, and change jobs"),
        (name = "results", description = "What came of a job"),
        (name = "scores", description = "Scores that were uploaded"),
        (name = "catalogue", description = "What can be measured and read"),
    ),
    components(schemas(Details))
)]
pub(super) struct Head;

/// Has every operation say how it fails: as a problem, whatever the status.
pub(super) fn with_problems(mut api: utoipa::openapi::OpenApi) -> utoipa::openapi::OpenApi {
    for item in api.paths.paths.values_mut() {
        let operations =
            [&mut item.get, &mut item.post, &mut item.put, &mut item.delete, &mut item.patch, &mut item.head];
        for operation in operations.into_iter().flatten() {
            operation.responses.responses.insert("default".to_owned(), RefOr::T(problem()));
        }
    }
    api
}

fn problem() -> Response {
    let schema = RefOr::Ref(Ref::from_schema_name("Details"));
    let content = Content::new(Some(schema));
    ResponseBuilder::new().description("What was wrong").content("application/problem+json", content).build()
}

/// Serves the document.
pub(super) fn served(document: String) -> Router {
    let answer = move || {
        let document = document.clone();
        async move { ([(header::CONTENT_TYPE, "application/json")], document).into_response() }
    };
    Router::new().route("/openapi.json", get(answer))
}
