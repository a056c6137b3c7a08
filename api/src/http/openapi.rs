//! The OpenAPI document, made of the handlers that answer.

use super::problem::Details;
use axum::Router;
use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::get;
use utoipa::OpenApi;
use utoipa::openapi::schema::{AdditionalProperties, ArrayBuilder, ObjectBuilder, Schema, Type};
use utoipa::openapi::{Content, Ref, RefOr, Response, ResponseBuilder};
use worker::analyse::{ANALYSES, Range};

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
        (name = "schedules", description = "Jobs that come again"),
        (name = "scores", description = "Scores that were uploaded"),
        (name = "catalogue", description = "What can be measured and read"),
        (name = "usage", description = "What the work of a tenant came to"),
        (name = "tenants", description = "What the operator of the installation sets for tenants, and sees of them"),
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

/// Has a new job name the analyses and parameters that there are, from the registry.
pub(super) fn with_names(mut api: utoipa::openapi::OpenApi) -> utoipa::openapi::OpenApi {
    let schemas = api.components.as_mut().map(|components| &mut components.schemas);
    let job = schemas.and_then(|schemas| schemas.get_mut("NewJob"));
    if let Some(RefOr::T(Schema::Object(job))) = job {
        let described = |schema: Option<&RefOr<Schema>>| match schema {
            Some(RefOr::T(Schema::Array(array))) => array.description.clone(),
            Some(RefOr::T(Schema::Object(object))) => object.description.clone(),
            _ => None,
        };
        let names = ANALYSES.iter().map(|analysis| analysis.spec().name);
        let name = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(names));
        let array = ArrayBuilder::new().items(name).unique_items(true);
        let array = array.description(described(job.properties.get("analyses")));
        job.properties.insert("analyses".to_owned(), array.build().into());
        let parameters = parameters().description(described(job.properties.get("parameters")));
        job.properties.insert("parameters".to_owned(), parameters.build().into());
    }
    api
}

/// The parameters of every analysis, by analysis.
fn parameters() -> ObjectBuilder {
    let closed =
        || ObjectBuilder::new().additional_properties(Some(AdditionalProperties::<Schema>::FreeForm(false)));
    let taking = ANALYSES.iter().map(|analysis| analysis.spec()).filter(|spec| !spec.params.is_empty());
    taking.fold(closed(), |all, spec| {
        let one = spec.params.iter().fold(closed(), |one, param| {
            let schema =
                ObjectBuilder::new().description(Some(param.summary)).default(Some(param.range.default()));
            one.property(
                param.name,
                match &param.range {
                    Range::Choice(words) => {
                        schema.schema_type(Type::String).enum_values(Some(words.iter().copied()))
                    }
                    Range::Integer { min, max, .. } => {
                        schema.schema_type(Type::Integer).minimum(Some(*min)).maximum(Some(*max))
                    }
                    Range::Text { .. } => schema.schema_type(Type::String),
                },
            )
        });
        all.property(spec.name, one)
    })
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
