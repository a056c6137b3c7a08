//! REST: each operation one handler, whose description the OpenAPI document is made of.

use super::entry::Operations;
use super::web::Web;
use super::{
    catalogue, events, items, jobs, openapi, results, schedules, scores, similar, tenants, uploads, usage,
};
use axum::Router;
use std::sync::Arc;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

fn described() -> OpenApiRouter<Arc<Web>> {
    OpenApiRouter::with_openapi(openapi::Head::openapi())
        .routes(routes!(jobs::submit, jobs::list))
        .routes(routes!(jobs::get))
        .routes(routes!(jobs::cancel))
        .routes(routes!(jobs::pause))
        .routes(routes!(jobs::resume))
        .routes(routes!(jobs::retry))
        .routes(routes!(jobs::prioritise))
        .routes(routes!(items::items))
        .routes(routes!(items::failures))
        .routes(routes!(results::results))
        .routes(routes!(similar::similar))
        .routes(routes!(events::events))
        .routes(routes!(schedules::add, schedules::list))
        .routes(routes!(schedules::get, schedules::remove))
        .routes(routes!(schedules::pause))
        .routes(routes!(schedules::resume))
        .routes(routes!(schedules::run))
        .routes(routes!(schedules::history))
        .routes(routes!(scores::search, scores::send))
        .routes(routes!(scores::get, scores::delete))
        .routes(routes!(scores::content))
        .routes(routes!(scores::import))
        .routes(routes!(scores::corpora))
        .routes(routes!(uploads::begin, uploads::options))
        .routes(routes!(uploads::get, uploads::offset, uploads::append, uploads::give_up))
        .routes(routes!(usage::usage))
        .routes(routes!(tenants::list))
        .routes(routes!(tenants::get))
        .routes(routes!(tenants::usage))
        .routes(routes!(tenants::set_quota))
        .routes(routes!(tenants::set_retention))
        .routes(routes!(catalogue::plan))
        .routes(routes!(catalogue::analyses))
        .routes(routes!(catalogue::analysis))
        .routes(routes!(catalogue::formats))
}

/// The routes of REST, and the document that describes them.
pub(super) fn routes(web: &Arc<Web>) -> Router {
    let (router, _) = described().split_for_parts();
    router.with_state(Arc::clone(web)).merge(openapi::served(document()))
}

/// Which operation a request is.
pub(super) fn operations() -> Operations {
    Operations::of(&described().into_openapi())
}

/// The OpenAPI document, as it is served and as `docs/openapi.json` has it.
#[must_use]
pub fn document() -> String {
    let api = openapi::with_names(openapi::with_problems(described().into_openapi()));
    // The document is plain data: it always is JSON.
    api.to_pretty_json().unwrap_or_default() + "\n"
}
