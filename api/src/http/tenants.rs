//! What the operator of the installation sets for tenants, and sees of them: names and counts, nothing of a job or score.

use super::extract::{Json, OfPath, Params};
use super::problem::Problem;
use super::usage::DaysAsked;
use super::views::tenants::{QuotaView, Retention, TenantView, Tenants, UsageView};
use super::web::Web;
use axum::extract::State;
use shared::failure::Failure;
use shared::principal::tenant;
use std::str::FromStr;
use std::sync::Arc;

/// The name of a tenant in an address.
pub(super) struct TenantName(String);

impl FromStr for TenantName {
    type Err = Failure;

    fn from_str(text: &str) -> Result<Self, Failure> {
        tenant(text).map(TenantName)
    }
}

/// Lists the tenants that have something here, or that something is set for, and how what is theirs is sealed.
#[utoipa::path(get, path = "/v1/tenants", operation_id = "list_tenants", tag = "tenants",
    responses((status = 200, description = "Their names and keys", body = Tenants)))]
pub(super) async fn list(State(web): State<Arc<Web>>) -> Result<axum::Json<Tenants>, Problem> {
    let mut tenants = web.front.service.tenants().await?;
    // Whoever sits at the machine is no tenant that an address may name.
    tenants.retain(|name, _| tenant(name).is_ok());
    Ok(axum::Json(Tenants::of(tenants)))
}

async fn looked_at(web: &Web, name: String) -> Result<axum::Json<TenantView>, Problem> {
    let holding = web.front.service.holding(&name).await?;
    Ok(axum::Json(TenantView::of(name, &holding)))
}

/// Says what is set for a tenant, and what it has of that; of one that nobody has heard of, too.
#[utoipa::path(get, path = "/v1/tenants/{tenant}", operation_id = "get_tenant", tag = "tenants",
    params(("tenant" = String, Path, description = "Its name", pattern = "^[a-z0-9][a-z0-9.-]{0,63}$")),
    responses((status = 200, description = "The tenant", body = TenantView)))]
pub(super) async fn get(
    State(web): State<Arc<Web>>,
    OfPath(TenantName(name)): OfPath<TenantName>,
) -> Result<axum::Json<TenantView>, Problem> {
    looked_at(&web, name).await
}

/// Says what the work of a tenant came to.
#[utoipa::path(get, path = "/v1/tenants/{tenant}/usage", operation_id = "get_tenant_usage", tag = "tenants",
    params(("tenant" = String, Path, description = "Its name", pattern = "^[a-z0-9][a-z0-9.-]{0,63}$"), DaysAsked),
    responses((status = 200, description = "The days on which a job ended", body = UsageView)))]
pub(super) async fn usage(
    State(web): State<Arc<Web>>,
    OfPath(TenantName(name)): OfPath<TenantName>,
    Params(asked): Params<DaysAsked>,
) -> Result<axum::Json<UsageView>, Problem> {
    let days = asked.days()?;
    let usage = web.front.service.usage_of(&name, &days).await?;
    Ok(axum::Json(UsageView::of(&days, usage)))
}

/// Sets the quotas of a tenant, all of them: what is left out is as the installation has it. Every front knows within ten
/// seconds.
#[utoipa::path(put, path = "/v1/tenants/{tenant}/quota", operation_id = "set_quota", tag = "tenants",
    params(("tenant" = String, Path, description = "Its name", pattern = "^[a-z0-9][a-z0-9.-]{0,63}$")),
    request_body = QuotaView,
    responses((status = 200, description = "The tenant after that", body = TenantView)))]
pub(super) async fn set_quota(
    State(web): State<Arc<Web>>,
    OfPath(TenantName(name)): OfPath<TenantName>,
    Json(wanted): Json<QuotaView>,
) -> Result<axum::Json<TenantView>, Problem> {
    web.front.service.set_quota(&name, wanted.into()).await?;
    looked_at(&web, name).await
}

/// Sets for how many days the jobs of a tenant are kept once they have ended.
#[utoipa::path(put, path = "/v1/tenants/{tenant}/retention", operation_id = "set_retention", tag = "tenants",
    params(("tenant" = String, Path, description = "Its name", pattern = "^[a-z0-9][a-z0-9.-]{0,63}$")),
    request_body = Retention,
    responses((status = 200, description = "The tenant after that", body = TenantView)))]
pub(super) async fn set_retention(
    State(web): State<Arc<Web>>,
    OfPath(TenantName(name)): OfPath<TenantName>,
    Json(Retention { days }): Json<Retention>,
) -> Result<axum::Json<TenantView>, Problem> {
    web.front.service.set_retention(&name, days).await?;
    looked_at(&web, name).await
}
