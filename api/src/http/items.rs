//! The items of a job and what became of them, and the failures among them, page by page.

use super::extract::{OfPath, Params, Who};
use super::jobs::pages;
use super::problem::Problem;
use super::views::Items;
use super::web::Web;
use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use shared::job::JobId;
use shared::principal::Principal;
use std::sync::Arc;
use utoipa::IntoParams;

/// What of the list of items is asked for.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct ItemPages {
    /// The `next` of the page before.
    #[param(pattern = r"^([0-9]{1,9}\.[0-9]{1,9})?$")]
    cursor: Option<String>,
    /// Entries at the most; 100 where nothing is said.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u64>,
}

/// Lists the items of a job in order, with what became of them.
#[utoipa::path(get, path = "/v1/jobs/{job}/items", operation_id = "job_items", tag = "results",
    params(("job" = String, Path, description = "The job", pattern = "^job-[a-kmnp-z2-9]{16}$"), ItemPages),
    responses((status = 200, description = "A page of items", body = Items)))]
pub(super) async fn items(
    State(web): State<Arc<Web>>,
    Who(principal): Who,
    OfPath(job): OfPath<JobId>,
    Params(page): Params<ItemPages>,
) -> Result<Json<Items>, Problem> {
    answer(&web, &principal, &job, page, false).await
}

/// Lists the items that failed, or of which something failed, with the first reason of each.
#[utoipa::path(get, path = "/v1/jobs/{job}/failures", operation_id = "job_failures", tag = "results",
    params(("job" = String, Path, description = "The job", pattern = "^job-[a-kmnp-z2-9]{16}$"), ItemPages),
    responses((status = 200, description = "A page of failed items", body = Items)))]
pub(super) async fn failures(
    State(web): State<Arc<Web>>,
    Who(principal): Who,
    OfPath(job): OfPath<JobId>,
    Params(page): Params<ItemPages>,
) -> Result<Json<Items>, Problem> {
    answer(&web, &principal, &job, page, true).await
}

async fn answer(
    web: &Web,
    principal: &Principal,
    job: &JobId,
    page: ItemPages,
    failed: bool,
) -> Result<Json<Items>, Problem> {
    let page =
        web.front.service.list_items(principal, job, &pages(web, page.cursor, page.limit)?, failed).await?;
    Ok(Json(Items { items: page.entries.into_iter().map(Into::into).collect(), next: page.next }))
}
