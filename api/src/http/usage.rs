//! What the work of the caller's tenant came to.

use super::extract::{Params, Who};
use super::problem::Problem;
use super::views::tenants::UsageView;
use super::web::Web;
use crate::service::Days;
use axum::extract::State;
use serde::Deserialize;
use shared::failure::Failure;
use std::sync::Arc;
use utoipa::IntoParams;

/// Which days.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct DaysAsked {
    /// The first day in UTC; 29 days before the last where nothing is said.
    #[param(pattern = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$", example = "2026-03-01")]
    from: Option<String>,
    /// The last day, of 366 at the most; today where nothing is said.
    #[param(pattern = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$", example = "2026-03-31")]
    to: Option<String>,
}

impl DaysAsked {
    pub(super) fn days(&self) -> Result<Days, Failure> {
        Days::read(self.from.as_deref(), self.to.as_deref())
    }
}

/// Says what the work of the tenant came to, day by day: jobs count on the day of their end.
#[utoipa::path(get, path = "/v1/usage", operation_id = "get_usage", tag = "usage", params(DaysAsked),
    responses((status = 200, description = "The days on which a job ended", body = UsageView)))]
pub(super) async fn usage(
    State(web): State<Arc<Web>>,
    Who(principal): Who,
    Params(asked): Params<DaysAsked>,
) -> Result<axum::Json<UsageView>, Problem> {
    let days = asked.days()?;
    let usage = web.front.service.usage(&principal, &days).await?;
    Ok(axum::Json(UsageView::of(&days, usage)))
}
